//! What the tests beside the code share.

use crate::*;

pub(crate) const DB: DatabaseId = DatabaseId::LOWEST;

pub(crate) fn item_id(number: u32) -> ItemId {
    ItemId::new(number).unwrap()
}

pub(crate) fn container_id(number: u32) -> ContainerId {
    ContainerId::new(number).unwrap()
}

pub(crate) fn track(title: &str, artist: &str, album: &str) -> Track {
    Track { title: title.into(), artist: artist.into(), album: album.into(), ..Track::default() }
}

pub(crate) fn put(id: u32, track: Track) -> Edit {
    put_with(id, track, Usage::default())
}

pub(crate) fn put_with(id: u32, track: Track, usage: Usage) -> Edit {
    let (id, persistent_id) = (item_id(id), PersistentId::new(id.into()));
    Edit::PutItem {
        database: DB,
        item: NewItem { id, persistent_id, track, usage, custom: Custom::NONE },
    }
}

pub(crate) fn remove(id: u32) -> Edit {
    Edit::RemoveItem { database: DB, item: item_id(id) }
}

pub(crate) fn put_container(id: u32, parent: Option<u32>, content: ContainerContent) -> Edit {
    let container = NewContainer {
        id: container_id(id),
        persistent_id: PersistentId::new(id.into()),
        name: format!("container {id}").into(),
        parent: parent.map(container_id),
        editable: false,
        content,
    };
    Edit::PutContainer { database: DB, container }
}

/// The content of a playlist with these songs, its entries counted from 1.
pub(crate) fn songs(ids: &[u32]) -> ContainerContent {
    let entry = |(at, id): (usize, &u32)| ContainerItem {
        id: ContainerItemId::new(at as u32 + 1).unwrap(),
        item: item_id(*id),
    };
    ContainerContent::Items(ids.iter().enumerate().map(entry).collect())
}

/// A model with one database, and these edits.
pub(crate) fn model(edits: impl IntoIterator<Item = Edit>) -> Model {
    let mut model = Model::new("test");
    let put =
        Edit::PutDatabase { id: DB, persistent_id: PersistentId::new(9), name: "music".into() };
    model.apply(std::iter::once(put).chain(edits).collect()).unwrap();
    model
}

pub(crate) fn database(model: &Model) -> std::sync::Arc<Database> {
    model.snapshot().database(DB).unwrap().clone()
}

/// The songs of a container by number, in its order.
pub(crate) fn held(model: &Model, container: u32) -> Vec<u32> {
    let rows = database(model).entries(container_id(container)).unwrap().rows();
    rows.iter().map(|row| row.item.id.get()).collect()
}

pub(crate) fn titles(rows: &Rows) -> Vec<String> {
    rows.iter().map(|row| row.item.track.title.to_string()).collect()
}
