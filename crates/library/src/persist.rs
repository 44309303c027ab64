//! How the library is kept: what is loaded, what is saved, and the trait behind which it happens.
//!
//! The librarian keeps the books in memory and decides; a [`Persist`] only remembers. It is handed whole
//! rows to put and ids to remove, in transactions of which all or nothing happens, and gives every row
//! back at the next start. It gives no ids, resolves no keys and knows no revisions.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use daap_model::{
    ContainerId, ContainerItem, ContainerItemId, DatabaseId, ItemId, PersistentId, Text, Timestamp,
    Track, Usage,
};

use crate::source::{SourceKey, Stamp};

/// Keeps a library from one run to the next. Its methods block; all are called on one thread of its own. A panic
/// counts as an error.
pub trait Persist: Send + 'static {
    /// Hands every row to `each`: databases first, then sources, songs, playlists, so that what a row
    /// refers to came before it. Returns the next ids to give.
    fn load(&mut self, each: &mut dyn FnMut(Row)) -> Result<NextIds, PersistError>;

    /// Saves all of it or, with an error, nothing of it. When it returns, a crash of the program loses
    /// nothing of it; a crash of the machine may lose the last transactions, but none by halves.
    fn save(&mut self, transaction: &Transaction) -> Result<(), PersistError>;

    /// A setting by its name; `None` if it was never set.
    fn setting(&mut self, name: &str) -> Result<Option<String>, PersistError>;

    /// Sets a setting, or with `None` forgets it.
    fn set_setting(&mut self, name: &str, value: Option<&str>) -> Result<(), PersistError>;

    /// Puts everything in order before the program ends. Nothing is called after it.
    fn close(&mut self) -> Result<(), PersistError> {
        Ok(())
    }
}

/// Names a source within the library's books. What people call it is [`SourceRow::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// One row of the library.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A database.
    Database(DatabaseRow),
    /// A source.
    Source(SourceRow),
    /// A song.
    Song(Box<SongRow>),
    /// A playlist of a source.
    Playlist(PlaylistRow),
    /// A playlist of the house.
    HousePlaylist(HousePlaylistRow),
}

/// A database that the library has or once had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseRow {
    /// Its id.
    pub id: DatabaseId,
    /// What the program that runs the library calls it; never shown.
    pub key: String,
    /// Its id for ever.
    pub persistent_id: PersistentId,
    /// The name that its source gave it.
    pub name: Option<Text>,
}

/// A source that the library has or once had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// Its id.
    pub id: SourceId,
    /// The database its songs are in.
    pub database: DatabaseId,
    /// Its name, such as the path of a folder.
    pub name: String,
    /// Since when the library runs without it.
    pub unshared_since: Option<Timestamp>,
}

/// A song, with everything that outlives a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct SongRow {
    /// Its id. No two songs have the same, whatever database they are in.
    pub id: ItemId,
    /// Its id for ever.
    pub persistent_id: PersistentId,
    /// The source it comes from.
    pub source: SourceId,
    /// Its key there.
    pub key: SourceKey,
    /// By what its source knows it unchanged.
    pub stamp: Stamp,
    /// Since when its source cannot reach it.
    pub away_since: Option<Timestamp>,
    /// The facts.
    pub track: Track,
    /// What listeners did with it.
    pub usage: Usage,
}

/// A playlist as its source reported it, with ids.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaylistRow {
    /// Its id. No two playlists have the same, whatever database they are in.
    pub id: ContainerId,
    /// Its id for ever.
    pub persistent_id: PersistentId,
    /// The source it comes from.
    pub source: SourceId,
    /// Its key there.
    pub key: SourceKey,
    /// By what its source knows it unchanged.
    pub stamp: Stamp,
    /// Its name.
    pub name: Text,
    /// The key of the folder it is in.
    pub parent: Option<SourceKey>,
    /// Its songs in order, among them those that are not there; `None` if it is a folder.
    pub entries: Option<Vec<EntryRow>>,
    /// The id that the next new entry gets.
    pub next_entry: u32,
}

/// One place in a playlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Its id within the playlist.
    pub id: ContainerItemId,
    /// The song that belongs there, by the key it has in the playlist's source.
    pub key: SourceKey,
}

/// A playlist of the house: a client made it, and no source knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct HousePlaylistRow {
    /// Its id. No two playlists have the same, whatever database they are in, and whoever made them.
    pub id: ContainerId,
    /// Its id for ever.
    pub persistent_id: PersistentId,
    /// The database it is in.
    pub database: DatabaseId,
    /// Its name.
    pub name: Text,
    /// Its songs in order, among them those of sources that the library runs without in this run.
    pub entries: Vec<ContainerItem>,
    /// The id that the next new entry gets.
    pub next_entry: u32,
}

/// The ids that the next new rows get. They only ever grow, so no id is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextIds {
    /// Of databases.
    pub database: u32,
    /// Of sources.
    pub source: u32,
    /// Of songs.
    pub item: u32,
    /// Of playlists.
    pub container: u32,
}

impl Default for NextIds {
    /// Those of an empty library; container 1 is the base container of each database.
    fn default() -> Self {
        Self { database: 1, source: 1, item: 1, container: ContainerId::BASE.get() + 1 }
    }
}

/// What is to be saved, whole or not at all. A row takes the place of the one with the same id; `None`
/// removes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transaction {
    /// New databases.
    pub databases: BTreeMap<DatabaseId, DatabaseRow>,
    /// Sources; with a removed one go its songs and playlists.
    pub sources: BTreeMap<SourceId, Option<SourceRow>>,
    /// Songs.
    pub songs: BTreeMap<ItemId, Option<Box<SongRow>>>,
    /// Songs of which only this changes: since when they are away. Not also in `songs`.
    pub away: BTreeMap<ItemId, Option<Timestamp>>,
    /// Playlists of sources.
    pub playlists: BTreeMap<ContainerId, Option<PlaylistRow>>,
    /// Playlists of the house.
    pub house_playlists: BTreeMap<ContainerId, Option<HousePlaylistRow>>,
    /// The ids to give next.
    pub next: NextIds,
}

impl Transaction {
    /// Whether there is nothing to save.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows it changes.
    #[must_use]
    pub fn len(&self) -> usize {
        let rows = self.databases.len() + self.sources.len() + self.songs.len();
        rows + self.away.len() + self.playlists.len() + self.house_playlists.len()
    }
}

/// Why a library could not be loaded or saved, in words for the person who can help it.
#[derive(Debug)]
pub struct PersistError {
    /// What cannot be done, with the path or address it concerns.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// What the layer below said.
    pub cause: Option<Box<dyn Error + Send + Sync>>,
}

impl fmt::Display for PersistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

impl Error for PersistError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}
