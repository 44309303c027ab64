//! What a player shows of itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::machine::{Face, Machine};
use crate::rack::Rack;
use crate::song_list::SongList;
use crate::{Direction, OutputId, Repeat, Song};

/// A player as it is now. It never changes; the next state is another one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// Goes up with all that is seen here but the passing of time. It begins at 2.
    pub revision: u64,
    /// Whether it plays.
    pub state: State,
    /// Which way it winds through the song, while it does.
    pub winding: Option<Direction>,
    /// The song that plays or is paused; when stopped, the one that would play. `None` if the queue is empty.
    pub current: Option<Current>,
    /// Whether it shuffles.
    pub shuffle: bool,
    /// What happens at the end of a song and of the queue.
    pub repeat: Repeat,
    /// What comes after the current song, the next one first, up to the queue's end.
    pub upcoming: SongList,
    /// What was heard before, the latest first.
    pub history: SongList,
    /// The outputs, as they were given to the builder.
    pub outputs: Vec<OutputStatus>,
    /// For how long each song fades into the next.
    pub cross_fade: Duration,
    /// When it is going to pause.
    pub sleep: Option<Instant>,
    /// The last song that could not be played.
    pub failure: Option<Arc<Failure>>,
}

impl Status {
    /// What is seen of these.
    pub(crate) fn of(machine: &Machine, rack: &Rack, revision: u64, elapsed: Elapsed) -> Self {
        let Face { state, winding, about, cross_fade, sleep, failure, .. } = machine.face();
        let queue = &machine.queue;
        let current = queue.current().map(|entry| Current {
            song: entry.song,
            length: about.and_then(|about| about.length),
            seekable: about.is_none_or(|about| about.seekable),
            elapsed,
        });
        Self {
            revision,
            state,
            winding,
            current,
            shuffle: queue.is_shuffled(),
            repeat: queue.repeat(),
            upcoming: queue.upcoming(),
            history: queue.history(),
            outputs: rack.status(),
            cross_fade,
            sleep,
            failure,
        }
    }
}

/// Whether a player plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing plays, and the song would start from its beginning.
    #[default]
    Stopped,
    /// Still, in the middle of a song.
    Paused,
    /// Playing, or about to.
    Playing,
}

/// The current song.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Current {
    /// Which.
    pub song: Song,
    /// How long it is; `None` until it has been opened, or if nobody knows.
    pub length: Option<Duration>,
    /// Whether one can seek in it; `true` until it has been opened.
    pub seekable: bool,
    /// How much of it has been heard.
    pub elapsed: Elapsed,
}

/// How far into a song a player is, at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elapsed {
    /// What had been heard, then.
    pub position: Duration,
    /// When that was; `None` if it stays there.
    pub since: Option<Instant>,
}

impl Elapsed {
    /// How far it is at this time.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use player::Elapsed;
    ///
    /// let now = Instant::now();
    /// let (position, second) = (Duration::from_secs(40), Duration::from_secs(1));
    /// assert_eq!(Elapsed { position, since: Some(now) }.at(now + second), position + second);
    /// assert_eq!(Elapsed { position, since: None }.at(now + second), position);
    /// ```
    #[must_use]
    pub fn at(self, now: Instant) -> Duration {
        let passed = self.since.map(|since| now.saturating_duration_since(since));
        self.position + passed.unwrap_or_default()
    }
}

/// An output, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputStatus {
    /// Its id.
    pub id: OutputId,
    /// What people call it.
    pub name: String,
    /// Whether it is to play.
    pub selected: bool,
    /// How loud, 0 to 100.
    pub volume: u8,
    /// What keeps it from playing.
    pub trouble: Option<String>,
}

/// A song that could not be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub song: Song,
    /// Why.
    pub why: String,
}

/// What becomes of a song that is played, for who counts such things.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// It begins to be heard.
    Started(Song),
    /// It was heard to its end, or left so near to it that it counts. Its bookmark is no longer needed.
    Played(Song),
    /// Somebody wanted the next song early on: more than two seconds into this one, and less than twenty, as iTunes counts.
    Skipped(Song),
    /// It was left, or paused, in the middle.
    Left {
        /// Which.
        song: Song,
        /// Where.
        at: Duration,
    },
    /// It could not be played, or not to its end.
    Failed(Arc<Failure>),
}
