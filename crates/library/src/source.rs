//! Where songs come from.
//!
//! A [`Source`] reports what it has, whenever it likes, under keys of its own; asked for a key it has
//! reported, it opens the bytes. Ids, revisions, sessions and tags are not its business: the librarian
//! decides what a report means for the library.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use daap_model::{Text, Timestamp, Track};

use crate::{Content, Report};

/// What a source's methods return: a boxed future, so that sources can be held as `dyn Source`.
pub type SourceFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where items come from: a folder, a Subsonic server, another share, a program.
///
/// A source reports what it has, whenever it likes, under keys of its own; asked for a key it has
/// reported, it opens the bytes. Ids, revisions, sessions and tags are not its business.
pub trait Source: Send + Sync + 'static {
    /// Reports what the source has, then follows its changes until [`Report::stopped`].
    ///
    /// An error says why the source cannot go on; what it reported stays listed.
    fn run(&self, report: Report) -> SourceFuture<'_, Result<(), SourceError>>;

    /// Opens the sound of a song it has reported.
    fn open(&self, key: SourceKey) -> SourceFuture<'_, Result<Content, SourceError>>;

    /// The picture of a song it has reported, scaled to fit `size`; `None` if it has none.
    fn artwork(
        &self,
        key: SourceKey,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, SourceError>>;

    /// Takes in what a listener did with one of its songs, once the library has kept it. Must not wait: what takes time
    /// is the source's to do later. Without it the source does not care.
    fn used(&self, _key: SourceKey, _what: Use) {}

    /// The key of the playlist of what listeners starred, if clients may change it: the songs that they add to it or
    /// take from it are shown so at once, and the source is told by [`used`](Self::used). It reports the playlist like
    /// any other, and what it reports next is what counts. Asked once, when the library starts.
    fn starred(&self) -> Option<SourceKey> {
        None
    }
}

/// What a listener did with a song.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Use {
    /// Began to listen to it.
    Started,
    /// Heard it to its end, at this time.
    Played(Timestamp),
    /// Skipped it, at this time.
    Skipped(Timestamp),
    /// Rated it, 0 to 100; 0 takes its rating back.
    Rated(u8),
    /// Gave it a star, or took it back.
    Starred(bool),
}

/// A source's own name for a song or a playlist; bytes, because file names need not be text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceKey(Arc<[u8]>);

impl SourceKey {
    /// The key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for SourceKey {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<&str> for SourceKey {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl fmt::Debug for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(&self.0).fmt(f)
    }
}

/// By what a source sees that a song or playlist has not changed since it was last read. The library
/// keeps it and gives it back at the next start ([`Report::known`]); what the numbers mean is the
/// source's affair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Which file it is (device and inode mixed), so that a renamed one is known again; 0 if unknown.
    pub file: u64,
}

impl Stamp {
    /// The stamp of something else, of the same size and time if that can be: what is kept of those stays of use.
    pub(crate) fn of_another(self) -> Self {
        match self.file {
            // To some sources that is any.
            0 => Self { modified_ns: !self.modified_ns, ..self },
            file => Self { file: !file, ..self },
        }
    }
}

/// One thing a source has to say.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// A song is there, new or changed.
    Song {
        /// Its key.
        key: SourceKey,
        /// By what to know it unchanged.
        stamp: Stamp,
        /// The facts.
        track: Box<Track>,
    },
    /// A song known under `from` is now `to`, with id, play counts and ratings as they were. Playlists
    /// that hold it go on holding it. A song that was known under `to` is gone.
    Moved {
        /// The key it had.
        from: SourceKey,
        /// The key it has.
        to: SourceKey,
        /// Its stamp now.
        stamp: Stamp,
    },
    /// A song is gone for good.
    Gone(SourceKey),
    /// Songs that cannot be reached now (a disk is not mounted, a server is down). They stay listed for
    /// the library's grace period, then count as gone. A later `Song`, `Moved` or `Back` ends it. So does
    /// a restart whose first pass settles without reporting the song as away again; a source therefore
    /// need not know what it said in an earlier run, though [`Known::away`](crate::Known::away) tells it.
    Away(Vec<SourceKey>),
    /// Songs that are there again, as they were.
    Back(Vec<SourceKey>),
    /// A playlist or a folder of playlists, new or changed, whole.
    Playlist(Playlist),
    /// A playlist is gone. Those inside a folder move up to its parent.
    PlaylistGone(SourceKey),
    /// What another program (iTunes, another server) recorded of a song. Nothing comes of it if the song has not
    /// been reported before.
    Usage {
        /// The song.
        key: SourceKey,
        /// What was recorded.
        recorded: Recorded,
        /// How much that counts against what we know.
        authority: Authority,
    },
}

/// A playlist as a source reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct Playlist {
    /// Its key; playlists and songs have separate keys.
    pub key: SourceKey,
    /// By what to know it unchanged.
    pub stamp: Stamp,
    /// Its name.
    pub name: Text,
    /// The folder it is in.
    pub parent: Option<SourceKey>,
    /// What it holds.
    pub content: PlaylistContent,
}

/// What a playlist holds.
#[derive(Clone, Debug, PartialEq)]
pub enum PlaylistContent {
    /// Other playlists, those that name it as parent.
    Folder,
    /// Songs in order, by key; one may occur twice. The library remembers keys it does not know, and
    /// lists the song once it appears.
    Songs(Vec<SourceKey>),
}

/// What another program recorded of a song. `None` where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Rating, 0 to 100.
    pub rating: Option<u8>,
    /// Times played.
    pub play_count: Option<u32>,
    /// Times skipped.
    pub skip_count: Option<u32>,
    /// When last played.
    pub last_played: Option<Timestamp>,
    /// When it was added.
    pub added: Option<Timestamp>,
}

/// How much what another program recorded counts against what the library knows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// It is taken over where it says more: higher counts, later plays, an earlier date of adding, a rating where
    /// there is none.
    Witness,
    /// It is what counts, also where it says less: for a source that is told of all [uses](Use) and keeps them.
    Master,
}

/// The box a picture has to fit into; the picture keeps its proportions and is never enlarged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArtworkSize {
    /// As it is.
    Original,
    /// At most this wide and high, in pixels.
    Within {
        /// Greatest width.
        width: u32,
        /// Greatest height.
        height: u32,
    },
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Artwork {
    /// `image/jpeg` or `image/png`.
    pub media_type: &'static str,
    /// The file's bytes.
    pub bytes: Bytes,
}

/// Why a source could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It does not have the key, or no longer.
    #[error("{0} is not there")]
    NotThere(SourceKey),
    /// It cannot be reached at the moment: a disk that is not mounted, a server that is down.
    #[error("{what} cannot be reached now: {cause}")]
    Away {
        /// What cannot be reached.
        what: String,
        /// Why.
        cause: io::Error,
    },
    /// It is too busy to answer; asking again later may help.
    #[error("too much is asked at once")]
    Busy,
    /// It is not for this listener, or not now.
    #[error("{0} may not be heard or seen")]
    NotAllowed(String),
    /// Reading failed.
    #[error("{what} cannot be read: {cause}")]
    Unreadable {
        /// What cannot be read.
        what: String,
        /// Why.
        cause: io::Error,
    },
}

impl SourceError {
    /// What was asked for does not exist, or no longer.
    #[must_use]
    pub fn not_there(what: &str) -> Self {
        Self::NotThere(what.into())
    }

    /// What was asked for cannot be reached at the moment; asking again later may help.
    pub fn away(what: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Away { what: what.into(), cause: io::Error::other(cause) }
    }

    /// What was asked for is not for this listener, or not now.
    pub fn not_allowed(what: impl Into<String>) -> Self {
        Self::NotAllowed(what.into())
    }

    /// Reading or making what was asked for failed.
    pub fn failed(what: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Unreadable { what: what.into(), cause: io::Error::other(cause) }
    }
}

/// What an author's own error is turned into.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What is not found is not there; what cannot be reached, or takes too long, is away; the rest has failed.
impl From<io::Error> for SourceError {
    fn from(cause: io::Error) -> Self {
        use io::ErrorKind::*;
        let what = || "its content".to_owned();
        match cause.kind() {
            NotFound | NotADirectory => Self::not_there(&cause.to_string()),
            TimedOut | NotConnected | ConnectionRefused | ConnectionReset | ConnectionAborted
            | HostUnreachable | NetworkUnreachable | NetworkDown => {
                Self::Away { what: what(), cause }
            }
            WouldBlock | ResourceBusy => Self::Busy,
            _ => Self::Unreadable { what: what(), cause },
        }
    }
}
