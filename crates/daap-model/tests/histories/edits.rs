//! What the histories are made of.

use daap_model::*;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{DB, OTHER, container_id, item_id};

prop_compose! {
    fn track()(
        title in "[a-cÄ1( ]{0,3}",
        artist in prop::sample::select(vec!["", "Wings", "The Wings", "wings", "Ärzte", "10cc"]),
        album_artist in prop::sample::select(vec!["", "", "Wings", "Queen"]),
        album in prop::sample::select(vec!["", "Run", "run ", "Jazz", "東京", "A Day"]),
        sort_album in prop::sample::select(vec!["", "", "", "Zz"]),
        genre in prop::sample::select(vec!["", "Rock", "Pop"]),
        (compilation, has_artwork) in any::<(bool, bool)>(),
        media_kind in prop_oneof![9 => Just(MediaKind::Music), 1 => Just(MediaKind::Podcast)],
        (track, disc, year) in (0..4_u16, 0..3_u16, prop::sample::select(vec![0_u16, 1965, 1973, 2001])),
        release in prop::sample::select(vec![0_u128, 0, 0, 7, 8]),
    ) -> Track {
        Track {
            title: format!("{title}x").into(), artist: artist.into(), album_artist: album_artist.into(),
            album: album.into(), sort_album: sort_album.into(), genre: genre.into(),
            compilation, has_artwork, media_kind, track, disc, year, duration_ms: 1000,
            musicbrainz: MusicBrainz::of(MusicBrainzId::new(release), None),
            ..Track::default()
        }
    }
}

prop_compose! {
    fn usage()(rating in 0..3_u8, play_count in 0..3_u32, added in 0..2000_u32) -> Usage {
        Usage { rating: rating * 20, play_count, added: Timestamp(added), ..Usage::default() }
    }
}

pub(crate) fn filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["", "Run", "run ", "Jazz", "Absent"])
            .prop_map(|name| Filter::Text(TextField::Album, TextTest::Equals(name.into()))),
        prop::sample::select(vec!["Wings", "10cc"])
            .prop_map(|name| Filter::Text(TextField::Artist, TextTest::Equals(name.into()))),
        prop::sample::select(vec!["", "Wings", "Various Artists", "Queen"])
            .prop_map(|name| Filter::Text(TextField::AlbumArtist, TextTest::Equals(name.into()))),
        "[a-c]"
            .prop_map(|text| Filter::Text(TextField::Name, TextTest::Contains(Folded::new(&text)))),
        (0..16_u64).prop_map(|id| Filter::Number(NumberField::Id, NumberTest::Equals(id))),
        (0..16_u64)
            .prop_map(|id| Filter::Number(NumberField::PersistentId, NumberTest::Equals(id))),
        prop::sample::select(vec![1_u64, 4, 8])
            .prop_map(|kind| Filter::Number(NumberField::MediaKind, NumberTest::Equals(kind))),
        (0..60_u64)
            .prop_map(|rating| Filter::Number(NumberField::Rating, NumberTest::AtLeast(rating))),
        (0..900_u32)
            .prop_map(|age| Filter::Number(NumberField::DateAdded, NumberTest::InTheLast(age))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Filter::And),
            vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

fn rules() -> impl Strategy<Value = SmartRules> {
    let amount = prop_oneof![
        (0..4_u32).prop_map(SmartAmount::Songs),
        (0..4_000_u64).prop_map(SmartAmount::Duration)
    ];
    let order = prop::sample::select(vec![
        SmartOrder::Random,
        SmartOrder::Album,
        SmartOrder::HighestRating,
        SmartOrder::LeastPlayed,
        SmartOrder::MostRecentlyAdded,
    ]);
    let limit =
        prop::option::of((amount, order).prop_map(|(amount, by)| SmartLimit { amount, by }));
    (filter(), limit).prop_map(|(filter, limit)| SmartRules { filter, limit })
}

fn content() -> impl Strategy<Value = ContainerContent> {
    // Mostly the same song under an entry id, so that entries stay while others come, go and move.
    let item = |id| prop_oneof![4 => Just(id), 1 => 1..12_u32];
    let entry = (1..8_u32).prop_flat_map(move |id| (Just(id), item(id)));
    let entries = vec(entry, 0..5).prop_map(|entries| {
        let entry = |(id, item): &(u32, u32)| ContainerItem {
            id: ContainerItemId::new(*id).expect("a row id"),
            item: item_id(*item),
        };
        ContainerContent::Items(entries.iter().map(entry).collect())
    });
    prop_oneof![
        1 => Just(ContainerContent::Folder),
        2 => entries,
        1 => rules().prop_map(ContainerContent::Smart),
    ]
}

/// The fields that may be defined; the last one has the code of the first.
pub(crate) fn fields() -> [CustomField; 3] {
    let field = |code, name: &str, kind| CustomField { code, name: name.into(), kind };
    [
        field(*b"moo1", "test.mood", CustomKind::UByte),
        field(*b"moo2", "test.note", CustomKind::Text),
        field(*b"moo1", "test.other", CustomKind::UByte),
    ]
}

fn custom() -> impl Strategy<Value = Custom> {
    let mood = prop_oneof![6 => Just(None), 2 => (0..3_u16).prop_map(Some), 1 => Just(Some(256))];
    let note = prop_oneof![6 => Just(None), 1 => "[ab]".prop_map(Some)];
    (mood, note).prop_map(|(mood, note)| {
        let mut custom = Custom::NONE;
        mood.into_iter().for_each(|mood| custom.set(*b"moo1", mood));
        note.into_iter().for_each(|note| custom.set(*b"moo2", note));
        custom
    })
}

pub(crate) fn put_database(id: DatabaseId, name: &str) -> Edit {
    Edit::PutDatabase { id, persistent_id: PersistentId::new(id.get().into()), name: name.into() }
}

prop_compose! {
    fn new_item()(
        id in 1..12_u32, track in track(), usage in usage(), custom in custom(),
    ) -> NewItem {
        NewItem { id: item_id(id), persistent_id: PersistentId::new(id.into()), track, usage, custom }
    }
}

prop_compose! {
    fn new_container()(
        id in 2..7_u32,
        name in "[ab]{1,2}",
        parent in prop::option::of(2..7_u32),
        editable in any::<bool>(),
        content in content(),
    ) -> NewContainer {
        NewContainer {
            id: container_id(id), persistent_id: PersistentId::new(id.into()), name: name.into(),
            parent: parent.map(container_id), editable, content,
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let one = || prop_oneof![3 => Just(DB), 1 => Just(OTHER)];
    let item = || (1..12_u32).prop_map(item_id);
    prop_oneof![
        24 => (one(), new_item()).prop_map(|(database, item)| Edit::PutItem { database, item }),
        8 => (one(), item()).prop_map(|(database, item)| Edit::RemoveItem { database, item }),
        4 => (one(), item()).prop_map(|(database, item)| Edit::TouchItem { database, item }),
        12 => (one(), new_container())
            .prop_map(|(database, container)| Edit::PutContainer { database, container }),
        4 => (one(), 2..7_u32).prop_map(|(database, id)| {
            Edit::RemoveContainer { database, container: container_id(id) }
        }),
        4 => (one(), "[xy]").prop_map(|(database, name)| put_database(database, &name)),
        1 => Just(Edit::RemoveDatabase(OTHER)),
        1 => "[xy]".prop_map(|name| Edit::Rename(name.as_str().into())),
        1 => prop::sample::select(fields().to_vec()).prop_map(Edit::Define),
    ]
}

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) edits: Vec<Edit>,
    pub(crate) now: Timestamp,
}

/// Batches in turn, some of which are refused, at times that go on.
pub(crate) fn history() -> impl Strategy<Value = Vec<Step>> {
    vec((vec(edit(), 0..5), 0..200_u32), 1..25).prop_map(|steps| {
        let mut now = Timestamp(1000);
        let step = |(edits, passed)| {
            now.0 += passed;
            Step { edits, now }
        };
        steps.into_iter().map(step).collect()
    })
}
