//! From request target to reply: whatever is asked for, the reply has the length it announced and is whole DMAP.
#![no_main]

use std::sync::{Arc, LazyLock};

use daap_model::{
    Batch, ContainerContent, ContainerId, ContainerItem, ContainerItemId, Custom, CustomKind,
    DatabaseId, Edit, ItemId, Model, NewContainer, NewItem, PersistentId, Snapshot, Text, Track,
    Usage,
};
use daap_proto::{ClientClass, Endpoint, Reply, Request, RequestError, custom_field, reply};
use dmap::Element;
use libfuzzer_sys::fuzz_target;

const SONGS: u32 = 24;

/// A field of the library's own.
const MOOD: [u8; 4] = *b"XMOD";

static LIBRARY: LazyLock<Arc<Snapshot>> = LazyLock::new(library);

fuzz_target!(|target: &str| {
    let Ok(request) = Request::parse(target) else { return };
    for agent in ["iTunes/12.12.4 (Windows; N)", "iTunes/4.6 (Windows; N)"] {
        let client = ClientClass::new(Some(agent), None).editing();
        let Some(Ok(reply)) = answer(&LIBRARY, &request, client) else { continue };
        let length = reply.length();
        let bytes = reply.into_bytes();
        assert_eq!(bytes.len() as u64, length, "{request:?}");
        let element = Element::decode(&bytes).expect("a reply is whole DMAP");
        assert_eq!(element.encode().as_deref(), Ok(&bytes[..]), "{request:?}");
    }
});

fn answer(
    snapshot: &Snapshot,
    request: &Request,
    client: ClientClass,
) -> Option<Result<Reply, RequestError>> {
    Some(match &request.endpoint {
        Endpoint::ContentCodes => reply::content_codes(snapshot),
        Endpoint::Databases(step) => reply::databases(snapshot, step, client),
        Endpoint::Items { database, listing } => reply::items(snapshot, *database, listing, client),
        Endpoint::Containers { database, listing } => {
            reply::containers(snapshot, *database, listing, client)
        }
        Endpoint::ContainerItems { database, container, listing } => {
            reply::container_items(snapshot, *database, *container, listing, client)
        }
        Endpoint::Browse { database, category, listing } => {
            reply::browse(snapshot, *database, *category, listing)
        }
        Endpoint::Groups { database, kind, listing } => {
            reply::groups(snapshot, *database, *kind, listing)
        }
        _ => return None,
    })
}

/// A few songs in several scripts, with some fields empty, a playlist in a folder, and a history.
fn library() -> Arc<Snapshot> {
    let database = DatabaseId::LOWEST;
    let mut model = Model::new("Fuzz");
    let put = Edit::PutDatabase { id: database, persistent_id: id(1), name: "Fuzz".into() };
    let mut apply = |edits: Vec<Edit>| model.apply(Batch::from_iter(edits)).expect("a good batch");
    let mood = custom_field(MOOD, "x.mood", CustomKind::Text).expect("a free code");
    apply(vec![put, Edit::Define(mood)]);
    apply((1..=SONGS).map(|n| Edit::PutItem { database, item: song(n) }).collect());
    apply(vec![
        container(2, None, ContainerContent::Folder),
        container(3, Some(2), entries(&[3, 1, 3])),
    ]);
    apply(vec![Edit::RemoveItem { database, item: item(5) }, container(4, None, entries(&[7]))]);
    model.snapshot()
}

fn song(n: u32) -> NewItem {
    const TITLES: [&str; 6] = ["Jet", "日本の歌", "Łódź", "'Quote' \\", "99", ""];
    const ARTISTS: [&str; 4] = ["Wings", "The Beatles", "Björk", ""];
    let pick = |texts: &[&str]| -> Text { texts[n as usize % texts.len()].into() };
    let track = Track {
        title: pick(&TITLES),
        artist: pick(&ARTISTS),
        album: pick(&["Run", "", "Tour"]),
        genre: pick(&["Rock", "Jazz"]),
        ..Track::default()
    };
    let mut custom = Custom::NONE;
    if n % 2 == 0 {
        custom.set(MOOD, pick(&["blue", "日本"]));
    }
    NewItem { id: item(n), persistent_id: id(n.into()), track, usage: Usage::default(), custom }
}

fn container(n: u32, parent: Option<u32>, content: ContainerContent) -> Edit {
    let number = |n| ContainerId::new(n).expect("small numbers are ids");
    let container = NewContainer {
        id: number(n),
        persistent_id: id(u64::from(n) << 32),
        name: "Mine".into(),
        parent: parent.map(number),
        editable: true,
        content,
    };
    Edit::PutContainer { database: DatabaseId::LOWEST, container }
}

fn entries(songs: &[u32]) -> ContainerContent {
    let entry = |(at, n): (u32, &u32)| ContainerItem {
        id: ContainerItemId::new(at).expect("small numbers are ids"),
        item: item(*n),
    };
    ContainerContent::Items((1..).zip(songs).map(entry).collect())
}

fn item(n: u32) -> ItemId {
    ItemId::new(n).expect("small numbers are ids")
}

fn id(n: u64) -> PersistentId {
    PersistentId::new(n)
}
