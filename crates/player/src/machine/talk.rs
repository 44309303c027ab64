//! What is said to the machine, and by it.

use std::time::{Duration, Instant};

use crate::song_list::Entry;
use crate::{Heard, Song};

/// With so much left, or with a tenth left if that is less, a song counts as played.
const NEARLY: Duration = Duration::from_secs(10);

/// Names one playing of a song: the same song played again is another turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TurnId(pub(crate) u64);

/// When something comes to the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Instant,
    /// How much of the current song has been heard.
    pub(crate) position: Duration,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Silence what sounds; this song from this place, or if that is `None` from its bookmark. If it is the one that sounds
    /// already, it only goes there, and what was prepared stays prepared.
    Begin { turn: TurnId, song: Song, at: Option<Duration> },
    /// When the current song has ended this one follows, or none.
    Prepare(Option<(TurnId, Song)>),
    /// Silence what sounds.
    Silence,
    /// There is nothing more to play.
    Finish,
    /// Tell this.
    Tell(Heard),
}

/// What has happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A song has been opened.
    Opened { turn: TurnId, about: About },
    /// A song cannot be played, or not further.
    Failed { turn: TurnId, why: String },
    /// The first frames of the song that was prepared have been given to the outputs.
    Joined { turn: TurnId },
    /// It has begun to be heard.
    Reached { turn: TurnId },
    /// The last frame has been heard, and nothing was prepared.
    Ended { turn: TurnId },
}

/// What is known of a song once it has been opened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct About {
    pub(crate) length: Option<Duration>,
    pub(crate) seekable: bool,
}

/// One playing of a song.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) id: TurnId,
    pub(super) entry: Entry,
    /// `None` until it has been opened.
    pub(crate) about: Option<About>,
    pub(super) failed: bool,
    /// Some of it has been given to the outputs, although another song is still heard.
    pub(super) joined: bool,
    pub(super) heard: bool,
}

impl Turn {
    pub(super) fn is_seekable(&self) -> bool {
        self.about.is_none_or(|about| about.seekable)
    }

    pub(super) fn is_nearly_over(&self, position: Duration) -> bool {
        let length = self.about.and_then(|about| about.length);
        length.is_some_and(|length| length.saturating_sub(position) <= NEARLY.min(length / 10))
    }
}
