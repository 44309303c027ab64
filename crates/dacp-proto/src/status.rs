//! `playstatusupdate`: what the player does.
//!
//! There is one revision for all that can be seen of a player: its state, what plays, shuffle, repeat, the volume and
//! activity of every speaker, the queue, a jump within the song, the rating of what plays. Clients have no other way
//! to learn of any of these: told of a new revision they ask for all. That time goes by is no change.

use daap_model::Revision;
use daap_proto::Reply;
use daap_proto::read::{FromTag, ReadError, root};
use dmap::code::*;
use dmap::{Encoder, Tag, TooLong};

use crate::property::Property;
use crate::song::{PLAYING, Song};

/// What the player does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayStatus {
    /// The revision, with which to ask next. A server's first is 2 or more, as clients begin with 0 or 1.
    pub revision: Revision,
    /// Whether it plays.
    pub state: PlayerState,
    /// Whether it shuffles.
    pub shuffle: bool,
    /// What it repeats.
    pub repeat: Repeat,
    /// Whether its volume can be changed.
    pub has_volume: bool,
    /// What plays, or is paused; `None` if it is stopped.
    pub now_playing: Option<NowPlaying>,
}

/// Whether a player plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PlayerState {
    /// An Apple TV that does nothing. A player of music is stopped instead.
    #[default]
    Idle = 0,
    /// An Apple TV that is about to play.
    Loading = 1,
    /// It has nothing to go on with.
    Stopped = 2,
    /// It can go on where it is.
    Paused = 3,
    /// It plays.
    Playing = 4,
    /// It winds forward.
    FastForward = 5,
    /// It winds back.
    Rewind = 6,
}

/// What is played again at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Repeat {
    /// Nothing.
    #[default]
    Off = 0,
    /// The song.
    One = 1,
    /// The queue.
    All = 2,
}

/// A song that plays, and how far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NowPlaying {
    /// The song.
    pub song: Song,
    /// How far; `None` of a stream that has no end, in which nobody can jump.
    pub time: Option<PlayTime>,
}

/// How far a song is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PlayTime {
    /// How much of it was played.
    pub elapsed_ms: u32,
    /// How long it is.
    pub length_ms: u32,
}

impl PlayerState {
    const ALL: [Self; 7] = [
        Self::Idle,
        Self::Loading,
        Self::Stopped,
        Self::Paused,
        Self::Playing,
        Self::FastForward,
        Self::Rewind,
    ];
}

impl Repeat {
    const ALL: [Self; 3] = [Self::Off, Self::One, Self::All];

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|repeat| *repeat as u32 == number)
    }
}

impl FromTag for PlayerState {
    /// A state that nobody knows is none.
    fn set(&mut self, tag: &Tag<'_>) {
        let known = |state: &Self| tag.uint() == Ok(*state as u64);
        *self = Self::ALL.into_iter().find(known).unwrap_or_default();
    }
}

impl FromTag for Repeat {
    fn set(&mut self, tag: &Tag<'_>) {
        let known = |repeat: &Self| tag.uint() == Ok(*repeat as u64);
        *self = Self::ALL.into_iter().find(known).unwrap_or_default();
    }
}

impl Default for PlayStatus {
    /// What an idle Apple TV means, which tells no more than its revision.
    fn default() -> Self {
        Self {
            revision: Revision::new(0),
            state: PlayerState::default(),
            shuffle: false,
            repeat: Repeat::default(),
            has_volume: false,
            now_playing: None,
        }
    }
}

impl PlayStatus {
    /// The reply to `playstatusupdate`, tag for tag as owntone writes it.
    ///
    /// # Errors
    /// A text is longer than DMAP can say.
    pub fn reply(&self) -> Result<Reply, TooLong> {
        use Property::*;
        Reply::element(CMST, |out| {
            out.u32(MSTT, 200);
            out.u32(CMSR, self.revision.get());
            for property in [
                PlayerState,
                ShuffleState,
                RepeatState,
                FullScreen,
                Visualizer,
                VolumeControllable,
                AvailableShuffleStates,
                AvailableRepeatStates,
                FullScreenEnabled,
                VisualizerEnabled,
                NowPlaying,
            ] {
                property.write(self, out);
            }
            if let Some(now_playing) = &self.now_playing {
                now_playing.write_length(out);
            }
            PlayingTime.write(self, out);
            out.u8(CASU, 1); // Songs can be rated.
            out.u8(CEQU_LOWER, 0);
        })
    }

    /// Reads the reply to `playstatusupdate`. Whatever is not said is as in the default.
    ///
    /// # Errors
    /// The reply is no such reply, or says no.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let mut reader = StatusReader::default();
        for tag in root(bytes, CMST, "a play status")?.children()? {
            reader.set(&tag?);
        }
        Ok(reader.end())
    }
}

impl NowPlaying {
    fn write_length(&self, out: &mut Encoder) {
        out.u32(CASA, 1);
        if let Some(time) = self.time {
            out.u32(ASTM, time.length_ms);
        }
        out.bool(CASC, self.time.is_some());
        out.u8(CAKS, 6); // Its meaning is not known but for radio, where 1 takes "next" away.
    }
}

/// A status of which the tags come one by one.
#[derive(Default)]
pub(crate) struct StatusReader {
    status: PlayStatus,
    song: Song,
    remaining_ms: Option<u32>,
    length_ms: Option<u32>,
}

impl StatusReader {
    pub(crate) fn set(&mut self, tag: &Tag<'_>) {
        let status = &mut self.status;
        match tag.code {
            CMSR => {
                let mut revision = 0;
                revision.set(tag);
                status.revision = Revision::new(revision);
            }
            CAPS => status.state.set(tag),
            CASH => status.shuffle.set(tag),
            CARP => status.repeat.set(tag),
            CAVC => status.has_volume.set(tag),
            CANT => self.remaining_ms.set(tag),
            CAST => self.length_ms.set(tag),
            _ => self.song.set(&PLAYING, tag),
        }
    }

    pub(crate) fn end(self) -> PlayStatus {
        // Of a stream servers say nothing, 0, or the greatest number.
        let known = |ms: Option<u32>| ms.filter(|ms| *ms != u32::MAX);
        let length_ms = known(self.length_ms).filter(|ms| *ms != 0);
        let time = length_ms.zip(known(self.remaining_ms)).map(|(length_ms, remaining_ms)| {
            PlayTime { elapsed_ms: length_ms.saturating_sub(remaining_ms), length_ms }
        });
        let now_playing = NowPlaying { song: self.song, time };
        // A song of which nothing is said is none.
        let now_playing = Some(now_playing).filter(|now| *now != NowPlaying::default());
        PlayStatus { now_playing, ..self.status }
    }
}
