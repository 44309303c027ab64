//! The player that Remotes control, and who they are that may: what a program implements to be controlled.
//!
//! A Remote that was paired logs in with its guid, which [`Pairings`] knows, sees what a [`Controller`] plays, and
//! tells it what to do. Whatever a Remote says (queries, playlists, places, volumes that relate to one another) is
//! worked out by the server against one snapshot of the share, so an [`Order`] names songs and says what to do with
//! them, and nothing else.
//!
//! Pairing and the announcement by which Remotes find a server are not here: both are the program's.
//!
//! ```
//! use std::sync::Mutex;
//!
//! use daap_model::Revision;
//! use daap_server::control::{Controller, NotDone, Order, Playing, PlayerState, QueuePlace, Song, Span};
//! use library::SourceFuture;
//! use tokio::sync::watch;
//!
//! /// A player that can do little: it goes on, and it pauses.
//! struct Tape {
//!     playing: Mutex<Playing>,
//!     revision: watch::Sender<Revision>,
//! }
//!
//! impl Tape {
//!     fn turn(&self, state: PlayerState) {
//!         let mut playing = self.playing.lock().unwrap();
//!         playing.state = state;
//!         playing.revision = playing.revision.next();
//!         // Every Remote that waits now asks what has changed.
//!         self.revision.send_replace(playing.revision);
//!     }
//! }
//!
//! impl Controller for Tape {
//!     fn revision(&self) -> watch::Receiver<Revision> {
//!         self.revision.subscribe()
//!     }
//!
//!     fn now(&self) -> Playing {
//!         self.playing.lock().unwrap().clone()
//!     }
//!
//!     fn queue(&self, _: Span) -> Vec<(QueuePlace, Song)> {
//!         Vec::new()
//!     }
//!
//!     fn obey(&self, order: Order) -> SourceFuture<'_, Result<(), NotDone>> {
//!         Box::pin(async move {
//!             match order {
//!                 Order::Play => self.turn(PlayerState::Playing),
//!                 Order::Pause => self.turn(PlayerState::Paused),
//!                 _ => return Err(NotDone::Unable("a tape goes on or pauses".into())),
//!             }
//!             Ok(())
//!         })
//!     }
//! }
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use daap_model::{ContainerId, ContainerItemId, DatabaseId, ItemId, Revision};
use dacp_proto::SongIds;
pub use dacp_proto::{
    PairingGuid, Percent, PlayTime, PlayerState, QueuePlace, Repeat, Span, SpeakerId,
};
use library::SourceFuture;
use tokio::sync::watch;

/// A player that Remotes control.
///
/// What it says must be at hand, as many clients ask at once: it waits for nothing but in
/// [`obey`](Self::obey).
pub trait Controller: Send + Sync + 'static {
    /// The revision of all that can be seen: state, song, a jump within it, its rating, shuffle, repeat, speakers and
    /// their volumes, the queue. That time goes by changes nothing. The first is 2 or more, as Remotes begin with 0
    /// or 1. Changes that belong together should be one, since every Remote then asks for everything.
    fn revision(&self) -> watch::Receiver<Revision>;

    /// What it does now; never older than what [`revision`](Self::revision) says at that time.
    fn now(&self) -> Playing;

    /// Songs of the queue, at most as many as the span has: those that come next, from [`QueuePlace::Queue`] 1 on, or
    /// those that were played last, from [`QueuePlace::History`] 0 back.
    fn queue(&self, span: Span) -> Vec<(QueuePlace, Song)>;

    /// Does what it is told. It returns once that is done and to be seen in [`now`](Self::now); what then takes
    /// time, such as to open a song, is not waited for.
    fn obey(&self, order: Order) -> SourceFuture<'_, Result<(), NotDone>>;
}

/// What a player does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Playing {
    /// The revision that this is.
    pub revision: Revision,
    /// Whether it plays.
    pub state: PlayerState,
    /// Whether it shuffles.
    pub shuffle: bool,
    /// What it repeats.
    pub repeat: Repeat,
    /// The song that it plays or could go on with; `None` if it is stopped.
    pub current: Option<Current>,
    /// Where it can play.
    pub speakers: Vec<Speaker>,
}

/// The song that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// The song.
    pub song: Song,
    /// How far it is; `None` of a stream that has no end, in which nobody can jump.
    pub time: Option<PlayTime>,
}

/// A song of the share, and from where it was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Song {
    /// The database.
    pub database: DatabaseId,
    /// The song.
    pub item: ItemId,
    /// The playlist it was chosen from; `None` if it was found among all songs.
    pub container: Option<ContainerId>,
    /// Its entry there.
    pub entry: Option<ContainerItemId>,
}

impl From<Song> for SongIds {
    fn from(song: Song) -> Self {
        Self {
            database: Some(song.database),
            container: song.container,
            entry: song.entry,
            item: Some(song.item),
        }
    }
}

/// Where can be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// Its id; [`SpeakerId::COMPUTER`] is the machine itself.
    pub id: SpeakerId,
    /// Its name.
    pub name: String,
    /// Whether it is to play.
    pub is_active: bool,
    /// Its own volume, as it is heard. What Remotes are told, and how they change it, is worked out from that.
    pub volume: Percent,
}

/// What a player is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// Pause if it plays, else play: go on, or begin with the first of the queue.
    PlayPause,
    /// Play, if it does not.
    Play,
    /// Pause, if it plays.
    Pause,
    /// Stop. The queue is kept.
    Stop,
    /// The next song. At the end of the queue, with repeat off, this stops.
    Next,
    /// To the start of the song; if that is near, to the song before.
    Previous,
    /// Wind forward until [`Order::PlayOn`].
    FastForward,
    /// Wind back until [`Order::PlayOn`].
    Rewind,
    /// Wind no longer: play on from here.
    PlayOn,
    /// Go on from here in the song, which plays on or stays paused. Sliders say so many times a second.
    Seek(Duration),
    /// Shuffle, or no longer.
    Shuffle(bool),
    /// Repeat this from now on.
    Repeat(Repeat),
    /// These speakers have these volumes, as they are to be heard. All others stay as they are.
    Volumes(BTreeMap<SpeakerId, Percent>),
    /// Play on these, which are one or more, and on no others.
    Speakers(BTreeSet<SpeakerId>),
    /// These become the queue and play.
    Replace {
        /// The songs, one or more.
        songs: Vec<Song>,
        /// Which of them plays first; `None` is the first, or if it shuffles any.
        start: Option<usize>,
        /// Whether it is to shuffle; `None` leaves that as it is.
        shuffle: Option<bool>,
    },
    /// These, one or more, come to the end of the queue. If it was empty they play.
    Append(Vec<Song>),
    /// These, one or more, come after what plays. If the queue was empty they play.
    PlayNext(Vec<Song>),
    /// What is in this place plays now.
    PlayAt(QueuePlace),
    /// A song goes to another place in the queue. What plays is in place 0.
    Move {
        /// Where it is.
        from: u32,
        /// What it is to follow.
        after: u32,
    },
    /// The songs in these places leave the queue.
    Remove(BTreeSet<u32>),
    /// All leave the queue but what plays.
    Clear,
    /// What was played is forgotten.
    ClearHistory,
    /// Nothing plays, and the queue is empty.
    StopAndClear,
    /// A song has this rating, 20 a star; 0 is unrated.
    Rate {
        /// The database that has it.
        database: DatabaseId,
        /// The song.
        item: ItemId,
        /// The rating.
        rating: Percent,
    },
}

/// Why a player does not do what it is told. Then it has done nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDone {
    /// What the order names is not there, or no longer: "place in the queue", "speaker", "song".
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The queue has room for so many songs only.
    #[error("the queue has no room for more than {most} songs")]
    QueueFull {
        /// How many.
        most: usize,
    },
    /// It cannot, for this reason.
    #[error("{0}")]
    Unable(String),
    /// It is shutting down.
    #[error("the player is shutting down")]
    Closed,
}

/// The Remotes that are paired.
pub trait Pairings: Send + Sync + 'static {
    /// Whether a pairing gave this guid, and it was not revoked since. A Remote logs in as soon as it has answered, which
    /// can be before the answer was heard: while a pairing is under way, wait some two seconds for it.
    fn knows(&self, guid: PairingGuid) -> SourceFuture<'_, bool>;
}

impl<C: Controller + ?Sized> Controller for Arc<C> {
    fn revision(&self) -> watch::Receiver<Revision> {
        (**self).revision()
    }

    fn now(&self) -> Playing {
        (**self).now()
    }

    fn queue(&self, span: Span) -> Vec<(QueuePlace, Song)> {
        (**self).queue(span)
    }

    fn obey(&self, order: Order) -> SourceFuture<'_, Result<(), NotDone>> {
        (**self).obey(order)
    }
}

impl<P: Pairings + ?Sized> Pairings for Arc<P> {
    fn knows(&self, guid: PairingGuid) -> SourceFuture<'_, bool> {
        (**self).knows(guid)
    }
}
