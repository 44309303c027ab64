//! What songs and playlists of a share are called.

use daap_model::{Container, Database, DatabaseId, Item, ItemId, PersistentId, Snapshot};
use library::SourceKey;

/// Where a song is in a share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) database: DatabaseId,
    pub(crate) item: ItemId,
    /// The suffix with which it is asked for.
    pub(crate) format: String,
}

/// The key of a song: the ids for ever of its database and of itself.
pub(crate) fn of_song(database: &Database, song: &Item) -> SourceKey {
    format!("{}/{}", database.persistent_id, song.persistent_id).as_str().into()
}

/// The key of a playlist, likewise.
pub(crate) fn of_playlist(database: &Database, playlist: &Container) -> SourceKey {
    format!("{}/{}", database.persistent_id, playlist.persistent_id).as_str().into()
}

/// The song with a key.
pub(crate) fn find(share: &Snapshot, key: &SourceKey) -> Option<Place> {
    let (database, song) = ids(key)?;
    let database = share.databases().find(|one| one.persistent_id == database)?;
    let item = database.items().find_persistent(song)?;
    let format = item.track.format.to_string();
    Some(Place { database: database.id, item: item.id, format })
}

fn ids(key: &SourceKey) -> Option<(PersistentId, PersistentId)> {
    let (database, song) = std::str::from_utf8(key.as_bytes()).ok()?.split_once('/')?;
    let id = |digits| u64::from_str_radix(digits, 16).ok().map(PersistentId::new);
    Some((id(database)?, id(song)?))
}
