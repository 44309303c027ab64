//! What a server serves: the seam between those who own a library and those who tell clients of it.

use std::sync::Arc;

use daap_model::{ContainerId, ContainerItemId, DatabaseId, ItemId, Snapshot, Text};
use tokio::sync::watch;

use crate::{Artwork, ArtworkSize, Content, Health, Library, OpenError, ScanState, SourceFuture};

/// What a server serves: a library at its newest revision, and ways to the bytes in it.
///
/// It knows no session, no request and no wire format. A [`Library`] is one, kept up to date by its sources.
pub trait Share: Send + Sync + 'static {
    /// The library as it becomes: always the newest snapshot. When the sender is gone, the share has ended.
    fn watch(&self) -> watch::Receiver<Arc<Snapshot>>;

    /// Opens the sound of a song.
    fn open(
        &self,
        database: DatabaseId,
        item: ItemId,
    ) -> SourceFuture<'_, Result<Content, OpenError>>;

    /// The picture of a song, scaled to fit `size`; `None` if it has none.
    fn artwork(
        &self,
        database: DatabaseId,
        item: ItemId,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, OpenError>>;

    /// Changes a playlist as a client asks. Returns once the change is kept and visible. Whether the client
    /// may is the server's business; whether this playlist can be changed at all is the share's.
    fn edit(&self, edit: PlaylistEdit) -> SourceFuture<'_, Result<Edited, PlaylistError>>;

    /// Takes another name, because somebody else on the network has the one it had.
    fn rename<'a>(&'a self, name: &'a str) -> SourceFuture<'a, ()>;

    /// Waits until it is worth announcing; `false` when it ends before.
    fn ready(&self) -> SourceFuture<'_, bool> {
        Box::pin(std::future::ready(true))
    }

    /// What is being looked through, for people who wait for it.
    fn scan(&self) -> ScanState {
        ScanState::sum([])
    }

    /// What keeps the share from working as it should.
    fn health(&self) -> Health {
        Health::default()
    }
}

/// A change of the playlists of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaylistEdit {
    /// The database.
    pub database: DatabaseId,
    /// The change.
    pub change: PlaylistChange,
}

/// What is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaylistChange {
    /// A new playlist without songs. Answered with [`Edited::Playlist`].
    Add {
        /// Its name. White space around it is dropped; one that is empty becomes "untitled playlist".
        name: Text,
    },
    /// A playlist goes.
    Remove(ContainerId),
    /// A playlist is called something else.
    Rename {
        /// The playlist.
        container: ContainerId,
        /// Its name from now on, by the same rule.
        name: Text,
    },
    /// Songs come to the end of a playlist. Answered with [`Edited::Entries`].
    Append {
        /// The playlist.
        container: ContainerId,
        /// The songs, in order; one may occur twice.
        items: Vec<ItemId>,
    },
    /// Entries leave a playlist.
    Take {
        /// The playlist.
        container: ContainerId,
        /// The entries.
        entries: Vec<ContainerItemId>,
    },
    /// An entry goes to another place of its playlist.
    Move {
        /// The playlist.
        container: ContainerId,
        /// The entry.
        entry: ContainerItemId,
        /// The entry it follows; `None` puts it first.
        after: Option<ContainerItemId>,
    },
}

impl PlaylistChange {
    /// The playlist that changes; `None` for one that is still to be made.
    pub(crate) fn container(&self) -> Option<ContainerId> {
        match self {
            Self::Add { .. } => None,
            Self::Remove(container)
            | Self::Rename { container, .. }
            | Self::Append { container, .. }
            | Self::Take { container, .. }
            | Self::Move { container, .. } => Some(*container),
        }
    }
}

/// What came of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited {
    /// It is done.
    Done,
    /// A playlist was made.
    Playlist(ContainerId),
    /// Entries were added, in order.
    Entries(Vec<ContainerItemId>),
}

/// Songs that a playlist can hold which clients change. It bounds what one request can cost.
pub const MAX_ENTRIES: usize = 100_000;

/// Playlists that clients can change in a database; beyond it they make no more.
pub const MAX_PLAYLISTS: usize = 10_000;

/// The longest name that a client can give a playlist, in bytes.
pub const MAX_PLAYLIST_NAME: usize = 1024;

/// What a playlist is called that a client gives no name to speak of.
const UNTITLED: &str = "untitled playlist";

/// Why a playlist could not be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaylistError {
    /// There is no such database.
    #[error("there is no database {0}")]
    NoDatabase(DatabaseId),
    /// There is no such playlist, or no longer.
    #[error("there is no playlist {0}")]
    NoPlaylist(ContainerId),
    /// There is no such song, or no longer.
    #[error("there is no song {0}")]
    NoSong(ItemId),
    /// The playlist has no such entry, or no longer.
    #[error("playlist {container} has no entry {entry}")]
    NoEntry {
        /// The playlist.
        container: ContainerId,
        /// The entry.
        entry: ContainerItemId,
    },
    /// The playlist belongs to somebody else (a file, a rule, the library itself), or the share keeps none for
    /// clients.
    #[error("this playlist cannot be changed here: {0}")]
    ReadOnly(&'static str),
    /// The playlist would hold more than [`MAX_ENTRIES`], its name be longer than [`MAX_PLAYLIST_NAME`], or there
    /// be more than [`MAX_PLAYLISTS`].
    #[error("that is more than is kept of playlists, their songs or their names")]
    TooMuch,
    /// There are no more ids for playlists or entries.
    #[error("no more can be added: every id has been given once")]
    IdsExhausted,
    /// The change could not be saved now. It is kept, and takes effect once saving works again.
    #[error("the change cannot be saved now")]
    NotSaved,
    /// The library is shutting down.
    #[error("the library is shutting down")]
    Closed,
}

/// The name that a playlist gets when a client wants it to have this one: without white space around it,
/// and never empty.
pub(crate) fn playlist_name(wanted: &str) -> Result<Text, PlaylistError> {
    match wanted.trim() {
        "" => Ok(UNTITLED.into()),
        name if name.len() > MAX_PLAYLIST_NAME => Err(PlaylistError::TooMuch),
        name => Ok(name.into()),
    }
}

impl<S: Share + ?Sized> Share for Arc<S> {
    fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        (**self).watch()
    }

    fn open(
        &self,
        database: DatabaseId,
        item: ItemId,
    ) -> SourceFuture<'_, Result<Content, OpenError>> {
        (**self).open(database, item)
    }

    fn artwork(
        &self,
        database: DatabaseId,
        item: ItemId,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, OpenError>> {
        (**self).artwork(database, item, size)
    }

    fn edit(&self, edit: PlaylistEdit) -> SourceFuture<'_, Result<Edited, PlaylistError>> {
        (**self).edit(edit)
    }

    fn rename<'a>(&'a self, name: &'a str) -> SourceFuture<'a, ()> {
        (**self).rename(name)
    }

    fn ready(&self) -> SourceFuture<'_, bool> {
        (**self).ready()
    }

    fn scan(&self) -> ScanState {
        (**self).scan()
    }

    fn health(&self) -> Health {
        (**self).health()
    }
}

impl Share for Library {
    fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        Library::watch(self)
    }

    fn open(
        &self,
        database: DatabaseId,
        item: ItemId,
    ) -> SourceFuture<'_, Result<Content, OpenError>> {
        Box::pin(Library::open(self, database, item))
    }

    fn artwork(
        &self,
        database: DatabaseId,
        item: ItemId,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, OpenError>> {
        Box::pin(Library::artwork(self, database, item, size))
    }

    fn edit(&self, edit: PlaylistEdit) -> SourceFuture<'_, Result<Edited, PlaylistError>> {
        Box::pin(self.edit_playlist(edit))
    }

    fn rename<'a>(&'a self, name: &'a str) -> SourceFuture<'a, ()> {
        Box::pin(async move {
            // It can only fail while the library ends, and then the name is of no more use.
            let _ = Library::rename(self, name).await;
        })
    }

    fn ready(&self) -> SourceFuture<'_, bool> {
        Box::pin(Library::ready(self))
    }

    fn scan(&self) -> ScanState {
        Library::scan(self)
    }

    fn health(&self) -> Health {
        Library::health(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(wanted: &str, expected: Result<&str, PlaylistError>) {
        assert_eq!(playlist_name(wanted), expected.map(Text::from));
    }

    #[test]
    fn a_playlist_always_has_a_name() {
        check_name("Party", Ok("Party"));
        check_name("  Für Elise\n", Ok("Für Elise"));
        check_name("", Ok(UNTITLED));
        check_name(" \t\u{a0}", Ok(UNTITLED));
        let longest = "x".repeat(MAX_PLAYLIST_NAME);
        check_name(&longest, Ok(&longest));
        check_name(&format!("{longest}x"), Err(PlaylistError::TooMuch));
    }
}
