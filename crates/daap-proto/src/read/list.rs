//! Lists, read while they come.
//!
//! A list is `root{ muty mtco mrco mlcl{ mlit* } mudl{ miid* } }`, in any order. Each of its parts says by its code what
//! it is, so it does not matter where the root and the list in it end by their own word, which may be wrong. Their
//! lengths only tell at the end whether something is missing.

use std::ops::Range;

use dmap::code::*;
use dmap::{Code, DecodeError, HEADER, Kind, Tag, Tags, header};

use super::value::{FromTag, id, number};
use super::{ReadError, Status};

/// The longest entry that is read, in bytes. One with every field that there is and long texts has some thousands.
pub const MAX_ENTRY: usize = 1024 * 1024;

/// The longest list that is read, in bytes: as long as a root can say that it is.
pub const MAX_LIST: u64 = u32::MAX as u64 + HEADER as u64;

/// Reads a list from chunks of any size. It holds at most one entry, of [`MAX_ENTRY`] bytes, beside the chunks that
/// were pushed since [`ListReader::next_part`] last gave `None`.
#[derive(Debug, Default)]
pub struct ListReader {
    /// What was pushed; what lies before `at` is read.
    buffer: Vec<u8>,
    at: usize,
    /// Where in the message `at` is.
    offset: u64,
    root: Option<Span>,
    /// The list that was begun last.
    list: Option<Span>,
    gone: Option<Span>,
    /// What is passed over until its end.
    unwanted: Option<Span>,
    entries: u32,
    head: Head,
    status: Status,
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// An entry, to be read as what it is: [`Entry`](super::Entry).
    Entry(Tag<'a>),
    /// The id of an entry that is gone. In a container some servers name the entry, others its song.
    Gone(u32),
}

/// What a list says of itself. All but a few servers say it before the entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Whether it has only what changed.
    pub is_update: bool,
    /// How many entries the whole list has, of which these may be a part.
    pub total: Option<u32>,
    /// How many entries these are.
    pub returned: Option<u32>,
}

/// Where an element lies in the message, by its own word.
#[derive(Clone, Copy, Debug)]
struct Span {
    code: Code,
    offset: u64,
    length: u32,
}

/// What is done with an element.
enum Use {
    /// It is entered.
    Enter,
    /// It is read as a whole.
    Read,
    /// It is passed over.
    Pass,
}

impl ListReader {
    /// A reader at the start of a list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the bytes that come next.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(chunk);
    }

    /// The next part, or `None` if that takes more bytes.
    ///
    /// # Errors
    /// The bytes are no list, something in it is longer than [`MAX_ENTRY`], or all of it than [`MAX_LIST`]. After an
    /// error there is nothing more to be had.
    pub fn next_part(&mut self) -> Result<Option<Part<'_>>, ReadError> {
        while let Some(span) = self.next_span()? {
            match self.use_of(span)? {
                Use::Enter => self.enter(span),
                Use::Pass => self.unwanted = Some(span),
                Use::Read => {
                    let Some(range) = self.take(span)? else { return Ok(None) };
                    if span.code == MLIT {
                        self.entries = self.entries.saturating_add(1);
                        let tag = span.tag(self.list, &self.buffer[range])?;
                        return Ok(Some(Part::Entry(tag)));
                    }
                    if let Some(id) = self.note(span, range)? {
                        return Ok(Some(Part::Gone(id)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// What the list has said of itself so far.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Says that no bytes come any more, when [`ListReader::next_part`] has given `None`.
    ///
    /// # Errors
    /// The server says no, or something is missing. A root or a list that announces more bytes than came is forgiven
    /// where as many entries came as were announced, unless deletions can be lost.
    pub fn end(&self) -> Result<Head, ReadError> {
        let (left, offset) = (&self.buffer[self.at..], place(self.offset));
        let begun = header(left).map(|(code, length)| Span { code, offset: self.offset, length });
        if begun.is_none() && !left.is_empty() {
            return Err(DecodeError::TruncatedHeader { offset, left: left.len() }.into());
        }
        if self.root.is_none() {
            return Err(DecodeError::Empty { offset }.into());
        }
        self.status.check()?;
        let is_counted = !self.head.is_update && self.head.returned == Some(self.entries);
        let lists = [self.list, self.root].into_iter().filter(|_| !is_counted);
        let end = self.offset + left.len() as u64;
        let mut spans = [begun, self.unwanted, self.gone].into_iter().chain(lists).flatten();
        match spans.find(|span| span.end() > end) {
            Some(span) => Err(span.cut(end).into()),
            None => Ok(self.head),
        }
    }

    /// The element that comes next, after what is passed over.
    fn next_span(&mut self) -> Result<Option<Span>, ReadError> {
        if let Some(unwanted) = self.unwanted {
            let left = usize::try_from(unwanted.end() - self.offset).unwrap_or(usize::MAX);
            self.advance(left.min(self.buffer.len() - self.at));
            if self.offset < unwanted.end() {
                return Ok(None);
            }
            self.unwanted = None;
        }
        let Some((code, length)) = header(&self.buffer[self.at..]) else { return Ok(None) };
        if self.offset >= MAX_LIST {
            return Err(ReadError::ListTooLong);
        }
        Ok(Some(Span { code, offset: self.offset, length }))
    }

    fn use_of(&self, span: Span) -> Result<Use, ReadError> {
        if self.root.is_none() {
            return match span.code.kind() {
                Kind::Container => Ok(Use::Enter),
                _ => Err(ReadError::Unexpected { expected: "a list", found: span.code }),
            };
        }
        Ok(match span.code {
            MLCL | ABAL | ABAR | ABCP | ABGN | MUDL => Use::Enter,
            MLIT | MUTY | MTCO | MRCO | MSTT | MSTS => Use::Read,
            MIID | MCTI if self.gone.is_some_and(|gone| span.offset < gone.end()) => Use::Read,
            _ => Use::Pass,
        })
    }

    fn enter(&mut self, span: Span) {
        self.advance(HEADER);
        match span.code {
            _ if self.root.is_none() => self.root = Some(span),
            MUDL => self.gone = Some(span),
            _ => self.list = Some(span),
        }
    }

    /// Where in the buffer an element is, which is read by that; `None` if it is not all there.
    fn take(&mut self, span: Span) -> Result<Option<Range<usize>>, ReadError> {
        let Span { code, length, .. } = span;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_ENTRY {
            return Err(ReadError::TooLong { code, offset: place(span.offset), length });
        }
        let start = self.at;
        if self.buffer.len() - start < HEADER + length {
            return Ok(None);
        }
        self.advance(HEADER + length);
        Ok(Some(start..self.at))
    }

    /// Notes what the list says of itself; gives the id of what is gone.
    fn note(&mut self, span: Span, range: Range<usize>) -> Result<Option<u32>, ReadError> {
        let tag = span.tag(self.list, &self.buffer[range])?;
        match span.code {
            MIID | MCTI => return Ok(id(&tag, Some)),
            MUTY => self.head.is_update = number(&tag) != 0,
            MTCO => self.head.total.set(&tag),
            MRCO => self.head.returned.set(&tag),
            _ => self.status.set(&tag),
        }
        Ok(None)
    }

    fn advance(&mut self, length: usize) {
        self.at += length;
        self.offset += length as u64;
    }
}

impl Span {
    const fn end(&self) -> u64 {
        self.offset + HEADER as u64 + self.length as u64
    }

    /// The element, of which these are the bytes.
    fn tag(self, list: Option<Self>, bytes: &[u8]) -> Result<Tag<'_>, DecodeError> {
        /// The root and the list.
        const DEPTH: usize = 2;
        let (offset, list) = (place(self.offset), list.map_or(MLCL, |list| list.code));
        Tags::inside(list, bytes, offset, DEPTH).next_tag()?.ok_or(DecodeError::Empty { offset })
    }

    /// What is wrong if the message ends before the element does.
    fn cut(self, end: u64) -> DecodeError {
        let (offset, length) = (place(self.offset), place(self.length.into()));
        let left = place(end - self.offset) - HEADER;
        DecodeError::Truncated { code: self.code, offset, length, left }
    }
}

/// A place as errors have it; where memory is that small, the last that can be named.
fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use dmap::Encoder;
    use proptest::prelude::*;

    use super::super::{Entry, Song};
    use super::*;

    /// A list as it was read: the ids of its songs, the ids that are gone, and its head.
    type List = (Vec<u32>, Vec<u32>, Head);

    fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<List, ReadError> {
        let (mut reader, mut songs, mut gone) = (ListReader::new(), Vec::new(), Vec::new());
        for chunk in chunks {
            reader.push(chunk);
            while let Some(part) = reader.next_part()? {
                match part {
                    Part::Entry(tag) => songs.push(Song::read(tag)?.id.get()),
                    Part::Gone(id) => gone.push(id),
                }
            }
            assert!(reader.buffer.len() - reader.at <= HEADER + MAX_ENTRY);
        }
        Ok((songs, gone, reader.end()?))
    }

    fn written(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut out = Encoder::new(Vec::new());
        write(&mut out);
        out.finish().unwrap()
    }

    fn songs(out: &mut Encoder, ids: &[u32]) {
        ids.iter().for_each(|id| out.container(MLIT, |out| out.u32(MIID, *id)));
    }

    /// A list of the songs 1 and 2, without deletions, or with those of 7 and 9.
    fn list(is_update: bool) -> Vec<u8> {
        written(|out| {
            out.container(ADBS, |out| {
                out.u32(MSTT, 200);
                out.bool(MUTY, is_update);
                out.u32(MTCO, 5);
                out.u32(MRCO, 2);
                out.container(MLCL, |out| songs(out, &[1, 2]));
                if is_update {
                    out.container(MUDL, |out| [7, 9].iter().for_each(|id| out.u32(MIID, *id)));
                }
            });
        })
    }

    const HEAD: Head = Head { is_update: false, total: Some(5), returned: Some(2) };

    /// Puts a length into the first header with this code.
    fn with_length(mut bytes: Vec<u8>, code: Code, length: u32) -> Vec<u8> {
        let at = bytes.windows(4).position(|window| window == code.0).unwrap();
        bytes[at + 4..at + 8].copy_from_slice(&length.to_be_bytes());
        bytes
    }

    #[test]
    fn a_list_is_its_head_its_entries_and_what_is_gone() {
        assert_eq!(read([&list(false)[..]]), Ok((vec![1, 2], vec![], HEAD)));
        let update = Head { is_update: true, ..HEAD };
        assert_eq!(read([&list(true)[..]]), Ok((vec![1, 2], vec![7, 9], update)));
    }

    #[test]
    fn the_parts_of_a_list_come_in_any_order_and_width() {
        let bytes = written(|out| {
            out.container(APSO, |out| {
                out.container(MUDL, |out| {
                    out.u8(MIID, 7);
                    out.u64(MCTI, 9);
                });
                out.string(Code(*b"zzzz"), "unknown");
                out.container(MSHL, |out| songs(out, &[3]));
                out.container(MLCL, |out| songs(out, &[1, 2]));
                out.u32(MIID, 4);
                out.u8(MRCO, 2);
                out.u64(MTCO, 5);
                out.u32(MUTY, 0);
            });
        });
        assert_eq!(read([&bytes[..]]), Ok((vec![1, 2], vec![7, 9], HEAD)));
    }

    #[test]
    fn a_list_may_be_empty_and_say_nothing_of_itself() {
        let nothing = Ok((vec![], vec![], Head::default()));
        assert_eq!(read([&written(|out| out.container(ADBS, |_| ()))[..]]), nothing);
        let empty = written(|out| out.container(ADBS, |out| out.container(MLCL, |_| ())));
        assert_eq!(read([&empty[..]]), nothing);
    }

    #[test]
    fn wrong_lengths_of_the_root_and_the_list_do_no_harm() {
        for code in [ADBS, MLCL] {
            for length in [0, 1, 3000, u32::MAX] {
                let bytes = with_length(list(false), code, length);
                assert_eq!(read([&bytes[..]]), Ok((vec![1, 2], vec![], HEAD)), "{code} {length}");
            }
        }
    }

    #[test]
    fn what_is_cut_short_is_noticed_wherever_it_is_cut() {
        for is_update in [false, true] {
            let bytes = list(is_update);
            for end in 0..bytes.len() {
                assert!(read([&bytes[..end]]).is_err(), "{is_update} cut to {end}");
            }
        }
    }

    #[test]
    fn where_a_list_is_cut_is_told() {
        let bytes = list(false);
        let cut = |end| read([&bytes[..end]]).unwrap_err();
        let left = bytes.len() - 4;
        assert_eq!(cut(0), DecodeError::Empty { offset: 0 }.into());
        let truncated =
            |code, offset, length, left| DecodeError::Truncated { code, offset, length, left };
        assert_eq!(cut(left), truncated(MLIT, left - 16, 12, 8).into());
        assert_eq!(cut(left - 16), truncated(MLCL, left - 44, 40, 20).into());
        assert_eq!(
            cut(left - 12),
            DecodeError::TruncatedHeader { offset: left - 16, left: 4 }.into()
        );
    }

    #[test]
    fn a_server_that_refuses_is_heard() {
        let bytes = written(|out| {
            out.container(ADBS, |out| {
                out.u32(MSTT, 500);
                out.string(MSTS, "no");
            });
        });
        let refused = ReadError::Refused { status: 500, reason: "no".into() };
        assert_eq!(read([&bytes[..]]), Err(refused));
    }

    #[test]
    fn what_is_no_list_is_refused_at_once() {
        let mut reader = ListReader::new();
        reader.push(b"<!DOCTYPE html>");
        let (expected, found) = ("a list", Code(*b"<!DO"));
        assert_eq!(reader.next_part(), Err(ReadError::Unexpected { expected, found }));
    }

    #[test]
    fn an_entry_past_the_limit_is_refused_before_it_is_held() {
        let entry = |length| with_length(list(false), MLIT, length);
        let too_long = MAX_ENTRY + 1;
        let error = read([&entry(too_long as u32)[..]]);
        let offset = list(false).len() - 40;
        assert_eq!(error, Err(ReadError::TooLong { code: MLIT, offset, length: too_long }));
    }

    #[test]
    fn what_nobody_wants_is_passed_over_without_being_held() {
        let mut reader = ListReader::new();
        reader.push(b"adbs\xFF\xFF\xFF\xFFzzzz\xF0\0\0\0");
        let chunk = vec![0; 1 << 20];
        for _ in 0..0xF00 {
            reader.push(&chunk);
            assert_eq!(reader.next_part(), Ok(None));
        }
        assert!(reader.buffer.capacity() <= 2 * chunk.len());
        reader.push(&written(|out| songs(out, &[1])));
        assert!(matches!(reader.next_part(), Ok(Some(Part::Entry(_)))));
        // More than a root can say.
        reader.push(b"zzzz\xF0\0\0\0");
        for _ in 0..0xF00 {
            reader.push(&chunk);
            assert_eq!(reader.next_part(), Ok(None));
        }
        reader.push(b"mlit\0\0\0\0");
        assert_eq!(reader.next_part(), Err(ReadError::ListTooLong));
    }

    proptest! {
        #[test]
        fn a_list_is_the_same_in_whatever_chunks_it_comes(
            is_update in any::<bool>(),
            sizes in prop::collection::vec(1_usize..40, 1..8),
        ) {
            let bytes = list(is_update);
            let (mut rest, mut chunks) = (&bytes[..], Vec::new());
            for size in sizes.into_iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (chunk, after) = rest.split_at(size.min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            prop_assert_eq!(read(chunks), read([&bytes[..]]));
        }

        #[test]
        fn any_bytes_are_read_without_panic(
            bytes in prop::collection::vec(
                prop_oneof![
                    Just(&b"adbs\0\0\0\x40"[..]),
                    Just(&b"mlcl\0\0\0\x20"[..]),
                    Just(&b"mudl\0\0\0\x18"[..]),
                    Just(&b"abar\0\0\0\x09"[..]),
                    Just(&b"mlit\0\0\0\x0c"[..]),
                    Just(&b"miid\0\0\0\x04\0\0\0\x05"[..]),
                    Just(&b"zzzz\0\0\0\x09"[..]),
                    Just(&b"\0\0\0\x01"[..]),
                    Just(&b"\xFF"[..]),
                ],
                0..24,
            ),
        ) {
            let all = bytes.concat();
            let whole = read([&all[..]]);
            prop_assert_eq!(read(bytes), whole.clone());
            prop_assert_eq!(read(all.chunks(1)), whole);
        }
    }
}
