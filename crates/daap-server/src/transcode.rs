//! Songs that are sent as WAV files to clients that cannot play what they are.
//!
//! The file is made while it is sent, and no further ahead than one piece. Making is computing, so it is done on threads that may
//! block, a piece at a time, each in its turn: songs that are made at once share the turns evenly, however many there
//! are, and a client that takes nothing, or has gone, holds none. How many songs may be open for it is bounded as well.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use daap_model::{Codec, DatabaseId, ItemId, Timestamp};
use daap_proto::{ClientClass, Codecs, Wav};
use futures_util::stream;
use library::{OpenError, Share, SongReader, SourceError, SourceFuture};
use tokio::sync::Semaphore;

use crate::Limits;
use crate::answer::{self, Answer};
use crate::body::Body;
use crate::content::{self, Sending};
use crate::limits::{WAV_PIECE, WAV_TURN};
use crate::peer::Peer;
use crate::quota::{Quota, Ticket};

/// Makes WAV files of songs: what a program gives to [`Builder::transcode`](crate::Builder::transcode).
///
/// The server decides which client gets what, and when it is made; this knows how to decode, and no more.
pub trait Transcoder: Send + Sync + 'static {
    /// What it decodes.
    fn codecs(&self) -> Codecs;

    /// Opens a song as the WAV file that lists announce. Called on a thread that may block.
    ///
    /// # Errors
    ///
    /// If the song cannot be read or decoded. Nothing of it is sent then.
    fn open(&self, song: SongReader, announced: Wav) -> io::Result<WavFile>;
}

/// A WAV file that is made while it is read.
pub struct WavFile {
    /// Its length in bytes. What is read has to come to just that, or fail.
    pub length: u64,
    /// Its bytes, the same wherever reading begins. Reading may block.
    pub bytes: Box<dyn ReadSeek>,
}

/// What can be read from anywhere.
pub trait ReadSeek: Read + Seek + Send + 'static {}

impl<T: Read + Seek + Send + 'static> ReadSeek for T {}

/// When a client gets songs as WAV files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transcode {
    /// Never.
    Never,
    /// Where it says that it does not play what a song is, or is known not to.
    #[default]
    AsNeeded,
    /// Whenever it can be done.
    Always,
}

/// Who gets songs as WAV files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TranscodeRules {
    /// By how the client's name begins (`User-Agent`). The longest that fits counts.
    pub clients: Vec<(String, Transcode)>,
    /// Everyone else.
    pub others: Transcode,
}

impl TranscodeRules {
    fn of(&self, user_agent: &str) -> Transcode {
        let fits = |(name, _): &&(String, _)| user_agent.starts_with(name.as_str());
        let rule = self.clients.iter().filter(fits).max_by_key(|(name, _)| name.len());
        rule.map_or(self.others, |(_, transcode)| *transcode)
    }
}

/// How a client tells what it plays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hearer<'a> {
    pub(crate) user_agent: &'a str,
    pub(crate) accept_codecs: Option<&'a str>,
}

/// A song that is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'a> {
    pub(crate) share: &'a Arc<dyn Share>,
    pub(crate) database: DatabaseId,
    pub(crate) item: ItemId,
}

/// What the list says of the WAV file of a song.
pub(crate) struct Announced {
    wav: Wav,
    /// When the song last changed.
    changed: Timestamp,
}

/// What makes WAV files, and who gets them.
pub(crate) struct Transcoding {
    transcoder: Arc<dyn Transcoder>,
    rules: TranscodeRules,
    /// Bounds the songs that are open for it.
    places: Arc<Quota>,
    /// Bounds the pieces that are made at the same time.
    turns: Arc<Semaphore>,
    at_once: usize,
}

impl Transcoding {
    pub(crate) fn new(
        transcoder: Arc<dyn Transcoder>,
        rules: TranscodeRules,
        limits: &Limits,
    ) -> Self {
        let at_once = limits.transcodes_at_once;
        let places = Quota::new(limits.transcodes, limits.transcodes_per_peer);
        Self { transcoder, rules, places, turns: Arc::new(Semaphore::new(at_once)), at_once }
    }

    /// Songs of which codecs a client gets as WAV files.
    pub(crate) fn as_wav(&self, hearer: Hearer<'_>) -> Codecs {
        match self.rules.of(hearer.user_agent) {
            Transcode::Never => Codecs::NONE,
            Transcode::Always => self.all(),
            Transcode::AsNeeded => {
                let plays = daap_proto::plays(Some(hearer.user_agent), hearer.accept_codecs);
                if plays.has(Codec::Wav) { self.all().without(plays) } else { Codecs::NONE }
            }
        }
    }

    fn all(&self) -> Codecs {
        self.transcoder.codecs().without(Codecs::of(&[Codec::Wav]))
    }

    /// The WAV file that a client gets which asks for a song by this suffix; `None` if it gets the song as it is.
    ///
    /// Who asks for `wav` has seen it in a list, whatever name it goes by now: what plays a song often is another program
    /// than the one that listed it.
    pub(crate) fn wav(
        &self,
        song: &Listed<'_>,
        hearer: Hearer<'_>,
        suffix: &str,
    ) -> Option<Announced> {
        let by_suffix = suffix.eq_ignore_ascii_case("wav")
            && self.rules.of(hearer.user_agent) != Transcode::Never;
        let as_wav = if by_suffix { self.all() } else { self.as_wav(hearer) };
        let snapshot = song.share.watch().borrow().clone();
        let track = &snapshot.database(song.database)?.items().find(song.item)?.track;
        let wav = ClientClass::default().hearing_wav_for(as_wav).wav(track)?;
        Some(Announced { wav, changed: track.modified })
    }

    /// Sends a song as a WAV file, whole or in part.
    pub(crate) async fn answer(
        &self,
        song: Listed<'_>,
        announced: Announced,
        peer: Peer,
        sending: Sending<'_>,
    ) -> Answer {
        let Some(place) = self.places.take_for(peer) else {
            return answer::busy("too many songs are being made into other files");
        };
        match self.open(song, announced.wav).await {
            Ok(file) => content::wav(file.length, announced.changed, sending, |start, length| {
                let (bytes, turns) = (file.bytes, Arc::clone(&self.turns));
                let making = Making { bytes, at: start, end: start + length, turns, _place: place };
                Body::stream(Box::pin(stream::try_unfold(making, Making::next)), Some(length))
            }),
            Err(error) => content::not_opened(&error),
        }
    }

    /// Opens a song, and its decoder when there is a turn.
    async fn open(&self, song: Listed<'_>, announced: Wav) -> Result<WavFile, OpenError> {
        let Listed { share, database, item } = song;
        let share = Arc::clone(share);
        let open = move || -> SourceFuture<'static, _> {
            let share = Arc::clone(&share);
            Box::pin(async move { share.open(database, item).await })
        };
        let song = SongReader::open(open).await?;
        let transcoder = Arc::clone(&self.transcoder);
        let opened = in_turn(&self.turns, move || transcoder.open(song, announced)).await;
        opened.map_err(|cause| SourceError::failed(format!("song {item}"), cause).into())
    }

    /// Songs that are open now, and how many pieces are being made.
    pub(crate) fn now(&self) -> (usize, usize) {
        (self.places.held_now(), self.at_once - self.turns.available_permits())
    }
}

/// Does work on a thread that may block, when its turn comes.
async fn in_turn<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let turn = Arc::clone(turns).acquire_owned().await.map_err(io::Error::other)?;
    let done = tokio::task::spawn_blocking(move || {
        // The turn goes along: what was begun goes on when its client has gone, and is to count until it ends.
        let _turn = turn;
        work()
    });
    done.await.map_err(io::Error::other)?
}

/// A part of a WAV file that is being made.
struct Making {
    bytes: Box<dyn ReadSeek>,
    at: u64,
    end: u64,
    turns: Arc<Semaphore>,
    _place: Ticket,
}

impl Making {
    /// The next piece, and what comes after it.
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.at == self.end {
            return Ok(None);
        }
        let turns = Arc::clone(&self.turns);
        in_turn(&turns, move || Ok(Some((self.make()?, self)))).await
    }

    /// Makes a piece: as much as a turn has time for.
    fn make(&mut self) -> io::Result<Bytes> {
        let begun = Instant::now();
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let mut piece = vec![0; left.min(WAV_PIECE)];
        let mut filled = 0;
        self.bytes.seek(SeekFrom::Start(self.at))?;
        while filled < piece.len() && (filled == 0 || begun.elapsed() < WAV_TURN) {
            match self.bytes.read(&mut piece[filled..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        piece.truncate(filled);
        self.at += filled as u64;
        Ok(piece.into())
    }
}

impl std::fmt::Debug for WavFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WavFile({} bytes)", self.length)
    }
}
