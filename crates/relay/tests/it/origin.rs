//! A server that sends what a test says, and notes what it is asked.

use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use library::{Body, Content, SourceError, SourceKey};
use relay::{Arriving, Fetch, Relay};
use tokio::sync::watch;

/// In what pieces it sends, in bytes.
pub(crate) const PIECE: usize = 1 << 10;

/// A server with songs of one length.
#[derive(Clone)]
pub(crate) struct Origin(Arc<Inner>);

struct Inner {
    length: usize,
    /// What it says how long a song is; nothing if it does not.
    announced: Option<usize>,
    /// How many bytes it sends of each answer before it breaks off, in order; then it sends all.
    breaks: Mutex<Vec<usize>>,
    asked: Mutex<Vec<u64>>,
    /// Up to where it has let anything through.
    gate: watch::Sender<usize>,
}

impl Origin {
    pub(crate) fn new(length: usize) -> Self {
        Self::breaking(length, &[])
    }

    pub(crate) fn breaking(length: usize, breaks: &[usize]) -> Self {
        let breaks = Mutex::new(breaks.iter().rev().copied().collect());
        let gate = watch::channel(usize::MAX).0;
        let (announced, asked) = (Some(length), Mutex::default());
        Self(Arc::new(Inner { length, announced, breaks, asked, gate }))
    }

    /// Says that a song is so long, or nothing of it.
    pub(crate) fn announcing(self, announced: Option<usize>) -> Self {
        let inner = Arc::into_inner(self.0).expect("it has no clones yet");
        Self(Arc::new(Inner { announced, ..inner }))
    }

    /// Sends nothing from this byte on until it is told to.
    pub(crate) fn hold_at(&self, byte: usize) {
        self.0.gate.send_replace(byte);
    }

    pub(crate) fn let_through(&self) {
        self.0.gate.send_replace(usize::MAX);
    }

    /// From where it was asked to send, in order.
    pub(crate) fn asked(&self) -> Vec<u64> {
        self.0.asked.lock().unwrap().clone()
    }

    pub(crate) fn sound(&self, song: u64) -> Bytes {
        (0..self.0.length as u64).map(|at| (at.wrapping_mul(31 + song) >> 3) as u8).collect()
    }

    /// How to fetch a song.
    pub(crate) fn fetch(&self, song: u64) -> Fetch {
        let this = self.clone();
        Arc::new(move |from| {
            let this = this.clone();
            Box::pin(async move { this.send(song, from) })
        })
    }

    fn send(&self, song: u64, from: u64) -> Result<Arriving, SourceError> {
        self.0.asked.lock().unwrap().push(from);
        let breaks = self.0.breaks.lock().unwrap().pop();
        let from = usize::try_from(from).unwrap();
        let sound = self.sound(song).slice(from..);
        let end = breaks.unwrap_or(sound.len()).min(sound.len());
        let pieces: Vec<(usize, Bytes)> = (0..end)
            .step_by(PIECE)
            .map(|at| (from + at, sound.slice(at..end.min(at + PIECE))))
            .collect();
        let gate = self.0.gate.subscribe();
        let bytes = stream::iter(pieces).then(move |(at, piece)| {
            let mut gate = gate.clone();
            async move {
                gate.wait_for(|gate| *gate > at).await.map_err(std::io::Error::other)?;
                tokio::task::yield_now().await;
                Ok(piece)
            }
        });
        let end = stream::iter(breaks.map(|_| Err(std::io::ErrorKind::ConnectionReset.into())));
        let length = self.0.announced.map(|announced| announced as u64);
        Ok(Arriving { length, bytes: bytes.chain(end).boxed(), has_end: true })
    }
}

pub(crate) fn key(song: u64) -> SourceKey {
    song.to_string().as_str().into()
}

/// Opens a song and reads a part of it.
pub(crate) async fn part(
    relay: &Relay,
    origin: &Origin,
    song: u64,
    part: std::ops::Range<usize>,
) -> std::io::Result<Bytes> {
    let content = relay.open(&key(song), origin.fetch(song)).await.unwrap();
    read(content, part).await
}

/// Reads a part of what was opened.
pub(crate) async fn read(content: Content, part: std::ops::Range<usize>) -> std::io::Result<Bytes> {
    let length = part.len();
    let bytes = match content.body {
        Body::Ranged(ranged) => {
            // One of unknown length is read from its beginning.
            let start = if content.length.is_some() { part.start } else { 0 };
            let pieces = ranged.read(start as u64, (part.end - start) as u64);
            let bytes =
                pieces.try_collect::<Vec<_>>().await?.concat().split_off(part.start - start);
            assert!(bytes.len() >= length, "{} bytes of {length}", bytes.len());
            bytes
        }
        Body::File(file) => {
            let (mut file, mut bytes) = (file.file, vec![0; length]);
            std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(part.start as u64))?;
            std::io::Read::read_exact(&mut file, &mut bytes)?;
            bytes
        }
        other => panic!("{other:?}"),
    };
    // What comes beyond a part is not sent on.
    Ok(Bytes::from(bytes).split_to(length))
}

/// The files of a cache: how many are whole, and what all take.
pub(crate) fn files(folder: &Path) -> (usize, u64) {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries(folder).flat_map(|below| entries(&below.path()).collect::<Vec<_>>());
    let (mut whole, mut bytes) = (0, 0);
    for file in files {
        whole += usize::from(file.path().extension().is_none());
        bytes += file.metadata().map_or(0, |metadata| metadata.len());
    }
    (whole, bytes)
}

/// Waits until so many songs are whole.
pub(crate) async fn kept(folder: &Path, count: usize) {
    while files(folder).0 < count {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
