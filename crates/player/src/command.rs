//! What a player can be told to do.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{OutputId, Song};

/// The most songs a queue holds.
pub const MAX_QUEUE: usize = 100_000;
/// The longest time that one song fades into the next.
pub const MAX_CROSS_FADE: Duration = Duration::from_secs(12);

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Plays, from where it was paused, or the queue's current song from its beginning. With nothing queued nothing happens.
    Play,
    /// Keeps still at this place.
    Pause,
    /// Pauses if it plays, else plays.
    PlayPause,
    /// Ends the song. The queue stays, and would begin with the same song.
    Stop,
    /// The next song, in play. After the last one the queue has ended.
    Next,
    /// The song before, in play; but a song that is more than three seconds in, or the first, begins again.
    Previous,
    /// Goes to a place in the song; past its end to the next one.
    Seek(Duration),
    /// Goes forward, or backward, by so many milliseconds.
    SeekBy(i64),
    /// Winds through the song ten times as fast as it plays, until told `None`.
    Wind(Option<Direction>),
    /// Makes these the queue, and plays from one of them on. Of more than [`MAX_QUEUE`] songs the first so many from
    /// there on are taken.
    Replace {
        /// The songs, in order.
        songs: Vec<Song>,
        /// Which of them plays first, counted from 0; the last one if there are not so many. `None` leaves it to chance if they are shuffled,
        /// and is the first if not.
        start: Option<usize>,
        /// Whether to shuffle from now on; `None` leaves that as it is.
        shuffle: Option<bool>,
    },
    /// Puts these at the end of the queue. If it was empty, they play.
    Append(Vec<Song>),
    /// Puts these right after the current song. If the queue was empty, they play.
    PlayNext(Vec<Song>),
    /// Plays what is there.
    PlayAt(Place),
    /// Puts an upcoming song in another place.
    Move {
        /// Where it is: 1 is the next song.
        from: usize,
        /// Which one it is to follow: 0 is the current song.
        after: usize,
    },
    /// Takes upcoming songs out of the queue: 1 is the next song. 0 is the current one, which then ends.
    Remove(BTreeSet<usize>),
    /// Takes all but the current song out of the queue.
    Clear,
    /// Forgets what was played.
    ClearHistory,
    /// Turns shuffling on or off.
    Shuffle(bool),
    /// Sets what happens at the end of a song and of the queue.
    Repeat(Repeat),
    /// Sets how loud an output is.
    Volume {
        /// Which.
        output: OutputId,
        /// 0 is silence; 100, which is also what more than that means, leaves the sound as it is.
        percent: u8,
    },
    /// Plays on these outputs and no others.
    Select(BTreeSet<OutputId>),
    /// Lets each song fade into the next for so long, at most [`MAX_CROSS_FADE`]; zero joins them as they are.
    CrossFade(Duration),
    /// Pauses after so much time; `None` takes that back.
    Sleep(Option<Duration>),
}

/// A place in the queue or in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// 0 is the current song, 1 the next.
    Queue(usize),
    /// 0 is the song that was heard last.
    History(usize),
}

/// What happens at the end of a song and of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Repeat {
    /// The next song, until there is none.
    #[default]
    Off,
    /// The same song.
    One,
    /// The next song, and after the last one the first.
    All,
}

/// Which way to wind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards the end.
    Forward,
    /// Towards the beginning.
    Backward,
}

/// Why a player did not do what it was told. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlayerError {
    /// Nothing is in this place of the queue or the history.
    #[error("no song is in this place of the queue")]
    NoSuchPlace,
    /// No output has this id.
    #[error("there is no output {}", .0.0)]
    NoSuchOutput(OutputId),
    /// The queue cannot hold so many songs.
    #[error("the queue holds {MAX_QUEUE} songs at most")]
    QueueFull,
    /// The current song cannot be sought in.
    #[error("one cannot seek in this song")]
    NotSeekable,
    /// Too much is asked at once.
    #[error("too much is asked of the player at once")]
    Busy,
    /// The player has ended.
    #[error("the player has ended")]
    Closed,
}
