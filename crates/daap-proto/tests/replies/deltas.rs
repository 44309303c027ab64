//! A client that follows the library by deltas has what one has that asks for everything.

use std::collections::BTreeMap;

use daap_model::{Batch, ContainerContent, Edit, Model, PersistentId, Snapshot, Track, Usage};
use dmap::{Element, Value, code};
use proptest::prelude::*;

use crate::library::*;

const LISTS: [&str; 3] = ["/databases", "/databases/1/items", "/databases/1/containers"];

/// What a client holds of a list, by id.
type Held = BTreeMap<u64, Element>;

/// Asks for a list as iTunes does after an update, and takes in what comes.
fn follow(snapshot: &Snapshot, list: &str, seen: u32, held: &mut Held) {
    let now = snapshot.revision();
    let meta = "dmap.itemid,dmap.itemname,daap.songuserrating,com.apple.itunes.smart-playlist";
    let target = format!("{list}?revision-number={now}&delta={seen}&meta={meta}");
    let reply = ask(snapshot, itunes(), &target).expect("a list");
    let root = Element::decode(&reply.into_bytes()).expect("a list");
    if count(&root, code::MUTY) == Some(0) {
        held.clear();
    }
    for entry in root.child(code::MLCL).expect("entries").children() {
        held.insert(count(entry, code::MIID).expect("an id"), entry.clone());
    }
    for gone in root.child(code::MUDL).map(Element::children).unwrap_or_default() {
        let Value::Unsigned(id, _) = gone.value else { panic!("{gone:?} is no id") };
        held.remove(&id);
    }
    assert_eq!(count(&root, code::MTCO), Some(held.len() as u64), "{list}: all there are");
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let song = (1_u32..12, "[a-c]{1,2}", 0_u8..3).prop_map(|(id, title, rating)| {
        let track = Track { title: title.as_str().into(), year: 1970, ..Track::default() };
        put_item(id, track, Usage { rating, ..Usage::default() })
    });
    let playlist = (10_u32..14, "[a-c]", any::<bool>()).prop_map(|(id, name, folder)| {
        let content =
            if folder { ContainerContent::Folder } else { ContainerContent::Items(Vec::new()) };
        put_container(id, &name, None, content)
    });
    let no_playlist = (10_u32..14)
        .prop_map(|id| Edit::RemoveContainer { database: DB, container: container_id(id) });
    prop_oneof![
        4 => song,
        2 => (1_u32..12).prop_map(remove_item),
        2 => playlist,
        1 => no_playlist,
        1 => "[a-c]{1,2}".prop_map(|name| Edit::Rename(name.as_str().into())),
    ]
}

proptest! {
    #[test]
    fn deltas_taken_in_turn_are_the_whole_list(
        steps in prop::collection::vec(
            (prop::collection::vec(any_edit(), 1..6), any::<bool>()),
            1..12,
        ),
    ) {
        let mut model = Model::new("Library");
        let put = Edit::PutDatabase {
            id: DB,
            persistent_id: PersistentId::new(1),
            name: "Library".into(),
        };
        model.apply(Batch::new().with(put)).unwrap();
        let mut held: [Held; 3] = Default::default();
        let mut seen = 0;
        for (edits, looks) in steps {
            model.apply(Batch::from_iter(edits)).unwrap();
            // Clients may sleep through some revisions.
            if !looks {
                continue;
            }
            let snapshot = model.snapshot();
            for (list, held) in LISTS.into_iter().zip(&mut held) {
                follow(&snapshot, list, seen, held);
                let mut whole = Held::new();
                follow(&snapshot, list, 0, &mut whole);
                prop_assert_eq!(&*held, &whole);
            }
            seen = snapshot.revision().get();
        }
    }
}
