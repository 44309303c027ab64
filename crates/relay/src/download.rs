//! A song that arrives on the disk while many listen.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use disk_cache::Unfinished;
use futures_util::{StreamExt, stream};
use library::{ByteStream, Ranged};
use tokio::sync::watch;
use tokio::task;
use tokio::time::sleep;

use crate::{Fetch, direct};

/// How much a listener is given at once, in bytes.
const PIECE: u64 = 128 << 10;
/// How often a download that broke off is taken up again without a byte more; each time after twice the pause.
const MAX_RESUMES: u32 = 4;
/// How soon it is taken up again first.
const RESUME_AFTER: Duration = Duration::from_millis(250);
/// The longest song of unknown length that is kept, in bytes: more than an hour and a half of 320 kbit/s.
const MAX_UNKNOWN: u64 = 256 << 20;

/// A song that arrives.
#[derive(Debug)]
pub(crate) struct Download {
    /// What is written can be read here. Held for a step on a thread that may block.
    file: Mutex<File>,
    /// Whoever tells is gone when there will be no more.
    progress: watch::Receiver<Progress>,
}

/// How far a download is.
#[derive(Clone, Copy, Debug)]
struct Progress {
    /// How many bytes are written.
    written: u64,
    /// Of how many, if that is known; in the end it is.
    total: Option<u64>,
}

/// Where it is told how far a download is. Dropping it says that there will be no more.
pub(crate) struct Sink(watch::Sender<Progress>);

impl Progress {
    fn is_whole(&self) -> bool {
        self.total == Some(self.written)
    }
}

impl Download {
    /// A song of `total` bytes, if that is known, of which nothing has arrived, and where to tell what does.
    pub(crate) fn new(total: Option<u64>, file: File) -> (Arc<Self>, Sink) {
        let (sender, progress) = watch::channel(Progress { written: 0, total });
        (Arc::new(Self { file: Mutex::new(file), progress }), Sink(sender))
    }

    /// How long the song is, if that is known by now.
    pub(crate) fn total(&self) -> Option<u64> {
        self.progress.borrow().total
    }

    /// Whether all of it is there, or still comes.
    pub(crate) fn is_of_use(&self) -> bool {
        self.progress.has_changed().is_ok() || self.progress.borrow().is_whole()
    }

    /// Waits until so many bytes have arrived, or all, and says how many have; `None` if they never will.
    async fn arrived(&self, bytes: u64) -> Option<u64> {
        let mut progress = self.progress.clone();
        let is_there = |now: &Progress| now.written >= bytes || now.is_whole();
        let there = progress.wait_for(is_there).await.map(|there| there.written);
        there.ok()
    }

    /// Waits until all has arrived; `false` if it never will.
    pub(crate) async fn is_whole(&self) -> bool {
        self.arrived(u64::MAX).await.is_some()
    }

    /// Reads what has arrived.
    async fn read(self: Arc<Self>, start: u64, length: u64) -> io::Result<Bytes> {
        let read = move || {
            let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut bytes)?;
            Ok(bytes.into())
        };
        task::spawn_blocking(read).await.map_err(io::Error::other)?
    }
}

/// Somebody who listens to a song that arrives.
pub(crate) struct Listening {
    pub(crate) download: Arc<Download>,
    pub(crate) fetch: Fetch,
}

impl Ranged for Listening {
    fn read(self: Box<Self>, start: u64, length: u64) -> ByteStream {
        let Self { download, fetch } = *self;
        let end = start.saturating_add(length);
        // From where on there was nothing more to be had of the download.
        let pieces = stream::unfold(Some(start), move |at| {
            let (download, fetch) = (Arc::clone(&download), Arc::clone(&fetch));
            async move {
                let at = at.filter(|at| *at < end)?;
                let Some(there) = download.arrived(at + 1).await else {
                    return Some((direct::from(fetch, download.total(), at), None));
                };
                let length =
                    there.min(end).checked_sub(at).filter(|length| *length > 0)?.min(PIECE);
                let piece: ByteStream = Box::pin(stream::once(download.read(at, length)));
                Some((piece, Some(at + length)))
            }
        });
        Box::pin(pieces.flatten())
    }
}

/// Takes in a song until it is whole, and then has it finished.
pub(crate) async fn run(
    sink: Sink,
    file: Unfinished,
    bytes: ByteStream,
    fetch: Fetch,
    finish: impl FnOnce(Unfinished) + Send + 'static,
) {
    let total = sink.0.borrow().total;
    let whole = match total {
        Some(total) => sink.take_in(file, bytes, total, fetch).await,
        None => sink.take_in_to_the_end(file, bytes).await,
    };
    if let Some(whole) = whole {
        // That it may be kept is all that is lost if it fails.
        let _ = task::spawn_blocking(move || finish(whole)).await;
    }
}

impl Sink {
    /// Takes in a song of `total` bytes. What breaks off is taken up where it was.
    async fn take_in(
        &self,
        mut file: Unfinished,
        bytes: ByteStream,
        total: u64,
        fetch: Fetch,
    ) -> Option<Unfinished> {
        let mut bytes = bytes.fuse();
        let mut resumes = 0;
        while file.length() < total && resumes <= MAX_RESUMES {
            if let Some(Ok(piece)) = bytes.next().await {
                file = self.write(file, piece, total).await?;
                resumes = 0;
                continue;
            }
            sleep(RESUME_AFTER * (1 << resumes)).await;
            resumes += 1;
            match direct::rest(&fetch, Some(total), file.length()).await {
                Ok(rest) => bytes = rest.fuse(),
                Err(error) => tracing::debug!(%error, at = file.length(), "a song broke off"),
            }
        }
        // What sends more than it said may have said it of another song.
        let is_whole = file.length() == total && !matches!(bytes.next().await, Some(Ok(_)));
        is_whole.then_some(file)
    }

    /// Takes in a song that is whole when its bytes end. It is not taken up again if it breaks off: a server that makes it
    /// anew need not make the same bytes.
    async fn take_in_to_the_end(
        &self,
        mut file: Unfinished,
        mut bytes: ByteStream,
    ) -> Option<Unfinished> {
        while let Some(piece) = bytes.next().await {
            file = self.write(file, piece.ok()?, MAX_UNKNOWN).await?;
        }
        let total = Some(file.length()).filter(|total| *total > 0)?;
        self.0.send_modify(|now| now.total = Some(total));
        Some(file)
    }

    /// Adds a piece. `None` if the disk does not take it, or that is more than `most` bytes.
    async fn write(&self, mut file: Unfinished, piece: Bytes, most: u64) -> Option<Unfinished> {
        let write = move || {
            let length = file.length() + piece.len() as u64;
            let is_written = length <= most && file.reserve(length) && file.write(&piece);
            is_written.then_some(file)
        };
        let file = task::spawn_blocking(write).await.ok()??;
        self.0.send_modify(|now| now.written = file.length());
        Some(file)
    }
}
