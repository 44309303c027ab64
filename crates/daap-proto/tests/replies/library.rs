//! A small library that has a bit of everything, and how to ask it.

use std::sync::Arc;

use daap_model::{
    Batch, Codec, ContainerContent, ContainerId, ContainerItem, ContainerItemId, Custom,
    CustomKind, CustomValue, DatabaseId, Edit, Filter, ItemId, Model, NewContainer, NewItem,
    NumberField, NumberTest, PersistentId, Revision, SmartRules, Snapshot, Timestamp, Track, Usage,
};
use daap_proto::{
    ClientClass, Endpoint, Reply, Request, RequestError, custom_field, known_field, reply,
};
use dmap::Element;

/// iTunes 12.
pub(crate) fn itunes() -> ClientClass {
    ClientClass::new(Some("iTunes/12.6.1 (Macintosh; OS X 10.12.4)"), Some("3.13"))
}

/// Apple's Remote.
pub(crate) fn remote() -> ClientClass {
    ClientClass::new(Some("Remote/1021"), Some("3.13"))
}

/// What Rhythmbox, Banshee, Amarok and others say they are.
pub(crate) fn imitator() -> ClientClass {
    ClientClass::new(Some("iTunes/4.6 (Windows; N)"), Some("3.0"))
}

/// The reply to a request for a list.
pub(crate) fn ask(
    snapshot: &Snapshot,
    client: ClientClass,
    target: &str,
) -> Result<Reply, RequestError> {
    match Request::parse(target)?.endpoint {
        Endpoint::Databases(step) => reply::databases(snapshot, &step, client),
        Endpoint::Items { database, listing } => reply::items(snapshot, database, &listing, client),
        Endpoint::Containers { database, listing } => {
            reply::containers(snapshot, database, &listing, client)
        }
        Endpoint::ContainerItems { database, container, listing } => {
            reply::container_items(snapshot, database, container, &listing, client)
        }
        Endpoint::Browse { database, category, listing } => {
            reply::browse(snapshot, database, category, &listing)
        }
        Endpoint::Groups { database, kind, listing } => {
            reply::groups(snapshot, database, kind, &listing)
        }
        Endpoint::ContentCodes => reply::content_codes(snapshot),
        other => panic!("{other:?} is no list"),
    }
}

/// A number in a reply.
pub(crate) fn count(root: &Element, code: dmap::Code) -> Option<u64> {
    root.child(code).and_then(Element::uint)
}

pub(crate) const DB: DatabaseId = match DatabaseId::new(1) {
    Some(id) => id,
    None => unreachable!(),
};

pub(crate) fn item_id(number: u32) -> ItemId {
    ItemId::new(number).expect("an id")
}

pub(crate) fn container_id(number: u32) -> ContainerId {
    ContainerId::new(number).expect("an id")
}

pub(crate) fn put_item(id: u32, track: Track, usage: Usage) -> Edit {
    let persistent_id = PersistentId::new(0x8000_0000_0000_0000 | u64::from(id));
    let item = NewItem { id: item_id(id), persistent_id, track, usage, custom: Custom::NONE };
    Edit::PutItem { database: DB, item }
}

pub(crate) fn remove_item(id: u32) -> Edit {
    Edit::RemoveItem { database: DB, item: item_id(id) }
}

pub(crate) fn put_container(
    id: u32,
    name: &str,
    parent: Option<u32>,
    content: ContainerContent,
) -> Edit {
    let container = NewContainer {
        id: container_id(id),
        persistent_id: PersistentId::new(0xC000_0000_0000_0000 | u64::from(id)),
        name: name.into(),
        parent: parent.map(container_id),
        editable: matches!(content, ContainerContent::Items(_)),
        content,
    };
    Edit::PutContainer { database: DB, container }
}

pub(crate) fn entries(items: &[u32]) -> ContainerContent {
    let entry = |(at, item): (usize, &u32)| ContainerItem {
        id: ContainerItemId::new(100 + at as u32).expect("an id"),
        item: item_id(*item),
    };
    ContainerContent::Items(items.iter().enumerate().map(entry).collect())
}

/// A song with every field set.
fn jet() -> (Track, Usage) {
    let track = Track {
        title: "Jet".into(),
        artist: "Wings".into(),
        album_artist: "Wings".into(),
        album: "Band on the Run".into(),
        genre: "Rock".into(),
        composer: "Paul & Linda McCartney".into(),
        comment: "Remastered".into(),
        grouping: "Live set".into(),
        sort_title: "Jet (sorted)".into(),
        sort_artist: "Wings (sorted)".into(),
        sort_album_artist: "Wings (album, sorted)".into(),
        sort_album: "Band on the Run (sorted)".into(),
        sort_composer: "McCartney".into(),
        track: 2,
        track_count: 9,
        disc: 1,
        disc_count: 2,
        year: 1973,
        bpm: 124,
        duration_ms: 248_000,
        size: 5_000_000_000,
        bitrate_kbps: 320,
        sample_rate: 44_100,
        codec: Codec::Mpeg,
        format: "mp3".into(),
        has_artwork: true,
        modified: Timestamp(1_700_000_000),
        released: Timestamp(123_811_200),
        ..Track::default()
    };
    let usage = Usage {
        rating: 80,
        play_count: 7,
        skip_count: 1,
        last_played: Timestamp(1_700_000_100),
        last_skipped: Timestamp(1_700_000_200),
        bookmark_ms: 1_500,
        added: Timestamp(1_600_000_000),
        measured: None,
    };
    (track, usage)
}

fn track(title: &str, artist: &str, album: &str, genre: &str, year: u16) -> Track {
    Track {
        title: title.into(),
        artist: artist.into(),
        album: album.into(),
        genre: genre.into(),
        year,
        codec: Codec::Flac,
        format: "flac".into(),
        duration_ms: 60_000,
        size: 1_000,
        ..Track::default()
    }
}

/// Every kind of field that a program can define.
const CUSTOM_KINDS: [CustomKind; 11] = [
    CustomKind::UByte,
    CustomKind::Byte,
    CustomKind::UShort,
    CustomKind::Short,
    CustomKind::UInt,
    CustomKind::Int,
    CustomKind::ULong,
    CustomKind::Long,
    CustomKind::Text,
    CustomKind::Date,
    CustomKind::Version,
];

/// The library with fields of its own, `com.example.` and their kind, and one of the table; a song that has them
/// all; and a playlist with it and one that has none.
pub(crate) fn custom() -> Arc<Snapshot> {
    let own = (b'a'..).zip(CUSTOM_KINDS).map(|(letter, kind)| {
        let name = format!("com.example.{kind:?}").to_lowercase();
        custom_field([b'o', b'w', b'n', letter], &name, kind).expect("a code and a name to be had")
    });
    let fields = own.chain([known_field(*b"asst").expect("a code of the table")]);
    let (mut custom, mut batch) = (Custom::NONE, Batch::new());
    for field in fields {
        custom.set(field.code, extreme(field.kind));
        batch.push(Edit::Define(field));
    }
    let song = track("Jet", "Wings", "Band on the Run", "Rock", 1973);
    let Edit::PutItem { database, item } = put_item(7, song, Usage::default()) else {
        unreachable!("this puts an item")
    };
    batch.push(Edit::PutItem { database, item: NewItem { custom, ..item } });
    batch.push(put_container(20, "Customs", None, entries(&[7, 2])));
    let mut model = model();
    model.apply(batch).expect("a batch without faults");
    model.snapshot()
}

/// The least value if that is below 0, or else the greatest.
fn extreme(kind: CustomKind) -> CustomValue {
    match kind.range() {
        None => "blue".into(),
        Some((0, greatest)) => CustomValue::Number(greatest),
        Some((least, _)) => CustomValue::Number(least),
    }
}

/// The library's changes, in turn: songs and playlists, then some of each gone and changed.
pub(crate) fn model() -> Model {
    let mut model = Model::new("Café");
    let (jet, usage) = jet();
    let plain = Usage::default();
    model
        .apply(Batch::from_iter([
            Edit::PutDatabase {
                id: DB,
                persistent_id: PersistentId::new(0xDA7A_BA5E),
                name: "Café".into(),
            },
            put_item(1, jet, usage),
            put_item(2, track("Get Back", "The Beatles", "Let It Be", "Rock", 1970), plain),
            put_item(3, track("Für Elise", "Beethoven", "Bagatellen", "Klassik", 1810), plain),
            put_item(4, track("日本", "2Pac", "", "", 0), plain),
            put_item(
                5,
                Track { format: "".into(), ..track("Let 'Em In", "Wings", "", "Rock", 1976) },
                plain,
            ),
            put_container(10, "Folder", None, ContainerContent::Folder),
            put_container(11, "Mine", Some(10), entries(&[3, 1, 3])),
            put_container(
                12,
                "Rock",
                None,
                ContainerContent::Smart(SmartRules {
                    filter: Filter::Number(NumberField::Year, NumberTest::AtLeast(1970)),
                    limit: None,
                }),
            ),
        ]))
        .expect("a batch without faults");
    model
}

/// The library as it is first seen.
pub(crate) fn snapshot() -> Arc<Snapshot> {
    model().snapshot()
}

/// The library after a song and a playlist went, one song changed and one came; and the revision before.
pub(crate) fn changed() -> (Revision, Arc<Snapshot>) {
    let mut model = model();
    let seen = model.snapshot().revision();
    let (jet, usage) = jet();
    model
        .apply(Batch::from_iter([
            remove_item(4),
            put_item(1, jet, Usage { rating: 100, ..usage }),
            put_item(6, track("New", "Wings", "Wild Life", "Rock", 1971), Usage::default()),
            Edit::RemoveContainer { database: DB, container: container_id(10) },
        ]))
        .expect("a batch without faults");
    (seen, model.snapshot())
}
