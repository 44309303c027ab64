//! What a client reads: no panic, little memory, and of a list that is well formed the same as from its tree.
#![no_main]

use std::hint::black_box;

use daap_proto::read::{
    self, Container, Database, Entry, Group, Head, ListReader, Part, ReadError, ServerInfo, Song,
};
use dmap::code::{ABAL, ABAR, ABCP, ABGN, MCTI, MIID, MLCL, MLIT, MSTT, MUDL};
use dmap::{Code, Element, Tag, Value};
use libfuzzer_sys::fuzz_target;

/// The containers that a list reader enters.
const LISTS: [Code; 6] = [MLCL, ABAL, ABAR, ABCP, ABGN, MUDL];

// The first byte says how long the chunks are.
fuzz_target!(|input: &[u8]| {
    let Some((&chunk, bytes)) = input.split_first() else { return };
    let _ = black_box((ServerInfo::read(bytes), read::login(bytes), read::update(bytes)));
    let list = List::read(bytes.chunks(usize::from(chunk).max(1)));
    assert_eq!(list, List::read([bytes]), "in chunks of {chunk}");
    let Some(expected) = Element::decode(bytes).ok().and_then(List::of) else { return };
    let (list, head) = list.expect("a list that is well formed");
    assert_eq!(list, expected, "{head:?}");
});

/// The entries of a list, and the ids that are gone.
#[derive(Debug, Default, PartialEq)]
struct List {
    entries: Vec<Element>,
    gone: Vec<u64>,
}

impl List {
    fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<(Self, Head), ReadError> {
        let (mut reader, mut list) = (ListReader::new(), Self::default());
        for chunk in chunks {
            reader.push(chunk);
            while let Some(part) = reader.next_part()? {
                match part {
                    Part::Entry(tag) => {
                        read_as_everything(tag);
                        list.entries.push(Element::read(tag)?);
                    }
                    Part::Gone(id) => list.gone.push(id.into()),
                }
            }
        }
        Ok((list, reader.end()?))
    }

    /// The same from the tree. `None` where the list has another form than servers give it, or refuses.
    fn of(root: Element) -> Option<Self> {
        let Value::Container(children) = root.value else { return None };
        let mut list = Self::default();
        for child in children {
            let inner: Vec<Element> = match child.value {
                Value::Container(inner) if LISTS.contains(&child.code) => inner,
                _ if child.code == MLIT => return None,
                Value::Unsigned(status, _) if child.code == MSTT && status != 200 => return None,
                _ => continue,
            };
            for element in inner {
                match (child.code == MUDL, element.code) {
                    (false, MLIT) => list.entries.push(element),
                    (true, MIID | MCTI) => list.gone.extend(id(&element)),
                    (false, MIID | MCTI) => {}
                    _ => return None,
                }
            }
        }
        Some(list)
    }
}

/// An id that 32 bits hold.
fn id(element: &Element) -> Option<u64> {
    element.uint().filter(|id| *id <= u32::MAX.into())
}

fn read_as_everything(tag: Tag<'_>) {
    let _ = black_box((Song::read(tag), Container::read(tag), Database::read(tag)));
    let _ = black_box((Group::read(tag), String::read(tag)));
}
