//! `playqueue-contents`: what will be played, and what was.

use daap_proto::read::{FromTag, ReadError, root};
use daap_proto::target::Target;
use daap_proto::{Reply, RequestError};
use dmap::code::*;
use dmap::{Encoder, Tag, TooLong};

use crate::request::Said;
use crate::song::{QUEUED, Song};
use crate::status::Repeat;

/// How much of the queue is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// So many that come next.
    Upcoming(u32),
    /// So many that were played last.
    History(u32),
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueuePlace {
    /// From what plays on, which is 0; 1 is next.
    Queue(u32),
    /// Back from what was played last, which is 0.
    History(u32),
}

/// The songs of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueContents {
    /// Whether it is shuffled.
    pub shuffle: bool,
    /// What is repeated.
    pub repeat: Repeat,
    /// The songs that were asked for. What plays is not among them.
    pub songs: Vec<QueuedSong>,
}

/// A song of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedSong {
    /// Where it is. To iTunes 11 what plays is 1 and among the songs; to owntone, with which Apple's Remote of today
    /// works, what comes next is 1.
    pub place: QueuePlace,
    /// The song.
    pub song: Song,
    /// How long it is; `None` of a stream that has no end.
    pub length_ms: Option<u32>,
}

const SPAN: &str = "span";

/// How much is meant where nothing is said.
const DEFAULT_SPAN: u32 = 50;

/// Where history begins, as iTunes has it.
const HISTORY_LENGTH: i32 = 200;

impl Span {
    pub(crate) fn parse(said: &Said<'_>) -> Result<Self, RequestError> {
        let span = said.read(SPAN, |text| {
            // The number's own sign is not wanted twice.
            let number = |text: &str| text.parse().ok().filter(|_| !text.starts_with('+'));
            match text.strip_prefix('-') {
                Some(text) => number(text).map(Self::History),
                None => number(text).map(Self::Upcoming),
            }
        })?;
        Ok(span.unwrap_or(Self::Upcoming(DEFAULT_SPAN)))
    }

    pub(crate) fn write(self, uri: &mut Target) {
        match self {
            Self::Upcoming(count) => uri.number(SPAN, count),
            Self::History(count) => uri.text(SPAN, &format!("-{count}")),
        }
    }

    /// How many songs are asked for.
    #[must_use]
    pub const fn length(self) -> u32 {
        match self {
            Self::Upcoming(count) | Self::History(count) => count,
        }
    }
}

impl QueuePlace {
    /// As a reply numbers places: what was played last is -1.
    fn number(self) -> i32 {
        let number = |place| i32::try_from(place).unwrap_or(i32::MAX);
        match self {
            Self::Queue(place) => number(place),
            Self::History(place) => -1 - number(place),
        }
    }

    fn from_number(number: i32) -> Self {
        match u32::try_from(number) {
            Ok(place) => Self::Queue(place),
            Err(_) => Self::History((-1 - number).unsigned_abs()),
        }
    }
}

impl QueueContents {
    /// The reply to `playqueue-contents`. While it is stopped a player should show no songs: Apple's Remote takes a
    /// queue for playing.
    ///
    /// # Errors
    /// There are more songs than DMAP can say.
    pub fn reply(&self, span: Span) -> Result<Reply, TooLong> {
        let count = u32::try_from(self.songs.len()).unwrap_or(u32::MAX);
        Reply::element(CEQR, |out| {
            out.u32(MSTT, 200);
            out.u32(MTCO, span.length());
            out.u32(MRCO, count);
            out.u8(CEQU_LOWER, 0);
            out.container(MLCL, |out| {
                out.container(CEQS, |out| write_sections(count, out));
                for song in &self.songs {
                    out.container(MLIT, |out| song.write(out));
                }
            });
            out.bool(APSM, self.shuffle);
            out.u8(APRM, self.repeat as u8);
        })
    }

    /// Reads the reply to `playqueue-contents`.
    ///
    /// # Errors
    /// The reply is no such reply, or says no.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let mut queue = Self::default();
        for tag in root(bytes, CEQR, "a queue")?.children()? {
            let tag = tag?;
            match tag.code {
                APSM => queue.shuffle.set(&tag),
                APRM => queue.repeat.set(&tag),
                MLCL => queue.read_songs(&tag)?,
                _ => {}
            }
        }
        Ok(queue)
    }

    fn read_songs(&mut self, list: &Tag<'_>) -> Result<(), ReadError> {
        for tag in list.children()? {
            match tag? {
                tag if tag.code == MLIT => self.songs.push(QueuedSong::read(&tag)?),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What the parts of the queue are called, and where they begin. Of an empty queue only history is told.
fn write_sections(count: u32, out: &mut Encoder) {
    let mut section = |key: &str, first: i32, length: u32, titles: &[(_, &str)]| {
        out.container(MLIT, |out| {
            out.string(CEQK, key);
            out.u32(CEQI_LOWER, first.cast_unsigned());
            out.u32(CEQM, length);
            titles.iter().for_each(|(code, title)| out.string(*code, title));
        });
    };
    let history = HISTORY_LENGTH.unsigned_abs();
    section("hist", -HISTORY_LENGTH, history, &[(CEQL, "Previously Played")]);
    if count > 0 {
        section("curr", 0, 1, &[]);
        section("main", 1, count, &[(CEQL, "Up Next"), (CEQH, "from Music")]);
    }
}

impl QueuedSong {
    fn write(&self, out: &mut Encoder) {
        self.song.write(&QUEUED, out);
        out.u32(CASA, 1);
        out.u32(ASTM, self.length_ms.unwrap_or_default());
        out.bool(CASC, self.length_ms.is_some());
        out.u8(CAKS, 6);
        out.u32(CEQI, self.place.number().cast_unsigned());
    }

    fn read(tag: &Tag<'_>) -> Result<Self, ReadError> {
        let (mut place, mut length_ms, mut song) = (0, 0, Song::default());
        for tag in tag.children()? {
            let tag = tag?;
            match tag.code {
                CEQI => place.set(&tag),
                ASTM => length_ms.set(&tag),
                _ => song.set(&QUEUED, &tag),
            }
        }
        Ok(Self {
            place: QueuePlace::from_number(u32::cast_signed(place)),
            song,
            length_ms: Some(length_ms).filter(|ms| *ms != 0),
        })
    }
}
