//! A long list comes in chunks, and is what a short one would be.

use std::sync::{Arc, LazyLock};

use daap_model::{Batch, CustomKind, Edit, Model, PersistentId, Snapshot, Track, Usage};
use daap_proto::reply::{self, CHUNK};
use daap_proto::{ClientClass, Index, Listing, Meta, Query, custom_field};
use dmap::{Element, code};
use proptest::prelude::*;

use crate::library::*;

/// A library where every third song has a field of the library's own, `x.mood`.
fn large(songs: u32) -> Model {
    let mut model = Model::new("Large");
    let mood = custom_field(*b"XMOD", "x.mood", CustomKind::Text).expect("a free code");
    let mut batch = Batch::new().with(Edit::Define(mood.clone())).with(Edit::PutDatabase {
        id: DB,
        persistent_id: PersistentId::new(1),
        name: "Large".into(),
    });
    for id in 1..=songs {
        let track = Track {
            title: format!("Song {id}").into(),
            artist: format!("Artist {}", id % 97).into(),
            album: format!("Album {}", id % 311).into(),
            year: (1900 + id % 120) as u16,
            duration_ms: id,
            ..Track::default()
        };
        let mut put = put_item(id, track, Usage::default());
        if let (Edit::PutItem { item, .. }, 0) = (&mut put, id % 3) {
            item.custom.set(mood.code, format!("Mood {}", id % 1009));
        }
        batch.push(put);
    }
    model.apply(batch).expect("a batch without faults");
    model
}

#[test]
fn chunks_are_bounded_and_sum_up_to_the_announced_length() {
    let snapshot = large(10_000).snapshot();
    let listing = Listing { meta: Some(Meta::All), ..Listing::default() };
    let reply = reply::items(&snapshot, DB, &listing, ClientClass::default()).unwrap();
    let length = reply.length();
    let chunks: Vec<_> = reply.collect();
    assert!(chunks.len() > 10);
    assert!(chunks.iter().all(|chunk| chunk.len() < CHUNK + CHUNK / 4 && !chunk.is_empty()));
    let bytes = chunks.concat();
    assert_eq!(bytes.len() as u64, length);
    let root = Element::decode(&bytes).unwrap();
    let ids: Vec<_> = root
        .child(code::MLCL)
        .unwrap()
        .children()
        .iter()
        .filter_map(|song| song.child(code::MIID)?.uint())
        .collect();
    assert!(ids.into_iter().eq(1..=10_000));
}

#[test]
fn a_list_outlives_the_snapshot_it_is_made_from() {
    let mut model = large(5_000);
    let snapshot = model.snapshot();
    let reply = reply::items(&snapshot, DB, &Listing::default(), ClientClass::default()).unwrap();
    drop(snapshot);
    model.apply(Batch::from_iter((1..=5_000).map(remove_item))).unwrap();
    let length = reply.length();
    assert_eq!(reply.map(|chunk| chunk.len() as u64).sum::<u64>(), length);
}

static THREE_THOUSAND: LazyLock<Arc<Snapshot>> = LazyLock::new(|| large(3_000).snapshot());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_list_has_the_length_it_announces(
        fields in prop::sample::subsequence(daap_proto::Field::ALL, 0..20),
        custom in any::<bool>(),
        first in 0_u32..4_000,
        last in prop::option::of(0_u32..4_000),
        sorted in any::<bool>(),
        sort_headers in any::<bool>(),
        filtered in any::<bool>(),
    ) {
        let listing = Listing {
            meta: Some(Meta::Named {
                fields: fields.into_iter().collect(),
                others: custom.then(|| "x.mood".to_owned()).into_iter().collect(),
            }),
            index: Some(Index::From { first, last: last.filter(|last| *last >= first) }),
            sort: sorted.then_some(daap_model::Sort::Artist),
            query: filtered.then(|| Query::parse("'daap.songartist:*1*'").unwrap()),
            sort_headers,
            ..Listing::default()
        };
        let reply = reply::items(&THREE_THOUSAND, DB, &listing, ClientClass::default()).unwrap();
        let length = reply.length();
        let bytes = reply.into_bytes();
        prop_assert_eq!(bytes.len() as u64, length);
        let root = Element::decode(&bytes).unwrap();
        let returned = root.child(code::MRCO).and_then(Element::uint).unwrap();
        let list = root.child(code::MLCL).unwrap().children();
        prop_assert_eq!(list.len() as u64, returned);
        prop_assert!(list.iter().all(|song| song.children()[0].code == code::MIKD));
        let has_mood = |song: &Element| song.child(dmap::Code(*b"XMOD")).is_some();
        for song in list {
            let third = song.child(code::MIID).and_then(Element::uint).unwrap() % 3 == 0;
            prop_assert_eq!(has_mood(song), custom && third);
        }
    }
}
