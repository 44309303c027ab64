//! What can be queued, and how its sound is come by.

use std::fmt;
use std::io::{Read, Seek};
use std::time::Duration;

use audio::Gain;
use daap_model::{ContainerId, ContainerItemId, DatabaseId, ItemId};
use library::OpenError;
use serde::{Deserialize, Serialize};

/// A song that can be queued, and where it was chosen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "[u32; 4]", try_from = "[u32; 4]")]
pub struct Song {
    /// The database it is in.
    pub database: DatabaseId,
    /// Which song of it.
    pub item: ItemId,
    /// The playlist it was chosen from, if it was one.
    pub container: Option<ContainerId>,
    /// Which entry of that playlist.
    pub entry: Option<ContainerItemId>,
}

impl Song {
    /// A song by itself, chosen from no playlist.
    #[must_use]
    pub fn new(database: DatabaseId, item: ItemId) -> Self {
        Self { database, item, container: None, entry: None }
    }
}

/// The four ids, 0 where there is none.
impl From<Song> for [u32; 4] {
    fn from(song: Song) -> Self {
        let Song { database, item, container, entry } = song;
        let container = container.map_or(0, ContainerId::get);
        [database.get(), item.get(), container, entry.map_or(0, ContainerItemId::get)]
    }
}

impl TryFrom<[u32; 4]> for Song {
    type Error = NoSong;

    fn try_from([database, item, container, entry]: [u32; 4]) -> Result<Self, NoSong> {
        Ok(Self {
            database: DatabaseId::new(database).ok_or(NoSong)?,
            item: ItemId::new(item).ok_or(NoSong)?,
            container: ContainerId::new(container),
            entry: ContainerItemId::new(entry),
        })
    }
}

/// Numbers that name no song: a database or an item is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these numbers name no song")]
pub struct NoSong;

/// Where the sound of songs comes from: a library, another share, a program.
pub trait Songs: Send + Sync + 'static {
    /// Opens the sound of a song. It may block: each song has a thread of its own, on which this is called.
    ///
    /// # Errors
    ///
    /// If the song is gone or cannot be reached now. It is skipped then.
    fn open(&self, song: Song) -> Result<Opened, OpenError>;

    /// Whether there still is such a song. Asked when a queue is restored; what is gone leaves it.
    fn has(&self, song: Song) -> bool;
}

/// The sound of a song, opened and not yet read.
pub struct Opened {
    /// Its bytes, as they are in the file.
    pub bytes: Box<dyn Sound>,
    /// How many there are, if that is known. Without it a song can be played, but not sought in.
    pub length: Option<u64>,
    /// How much louder or softer it is to be played; `None` leaves it as it is.
    pub gain: Option<Gain>,
    /// Where to begin when it is played from its beginning: the bookmark of an audiobook or a podcast, or zero.
    pub bookmark: Duration,
}

impl Opened {
    /// A song that is played as it is, from its beginning.
    pub fn new(bytes: impl Sound + 'static, length: Option<u64>) -> Self {
        Self { bytes: Box::new(bytes), length, gain: None, bookmark: Duration::ZERO }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { length, gain, bookmark, .. } = self;
        write!(f, "Opened({length:?} bytes, {gain:?}, from {bookmark:?})")
    }
}

/// Bytes that can be read and sought in, on whatever thread.
pub trait Sound: Read + Seek + Send {}

impl<T: Read + Seek + Send> Sound for T {}
