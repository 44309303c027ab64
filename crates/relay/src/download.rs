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

/// A song that arrives.
#[derive(Debug)]
pub(crate) struct Download {
    total: u64,
    /// What is written can be read here. Held for a step on a thread that may block.
    file: Mutex<File>,
    /// How many bytes that is. Whoever tells is gone when there will be no more.
    written: watch::Receiver<u64>,
}

/// Where it is told how far a download is. Dropping it says that there will be no more.
pub(crate) struct Sink {
    total: u64,
    written: watch::Sender<u64>,
}

impl Download {
    /// A song of `total` bytes of which nothing has arrived, and where to tell what does.
    pub(crate) fn new(total: u64, file: File) -> (Arc<Self>, Sink) {
        let (sender, written) = watch::channel(0);
        let download = Self { total, file: Mutex::new(file), written };
        (Arc::new(download), Sink { total, written: sender })
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Whether all of it is there, or still comes.
    pub(crate) fn is_of_use(&self) -> bool {
        self.written.has_changed().is_ok() || *self.written.borrow() == self.total
    }

    /// Waits until so many bytes have arrived, and says how many have; `None` if they never will.
    pub(crate) async fn arrived(&self, bytes: u64) -> Option<u64> {
        let mut written = self.written.clone();
        let there = written.wait_for(|written| *written >= bytes).await.map(|there| *there);
        there.ok()
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
        let end = start.saturating_add(length).min(download.total);
        // From where on there was nothing more to be had of the download.
        let pieces = stream::unfold(Some(start), move |at| {
            let (download, fetch) = (Arc::clone(&download), Arc::clone(&fetch));
            async move {
                let at = at.filter(|at| *at < end)?;
                let Some(there) = download.arrived(at + 1).await else {
                    return Some((direct::from(fetch, download.total, at), None));
                };
                let length = (there.min(end) - at).min(PIECE);
                let piece: ByteStream = Box::pin(stream::once(download.read(at, length)));
                Some((piece, Some(at + length)))
            }
        });
        Box::pin(pieces.flatten())
    }
}

/// Takes in a song until it is whole, and then has it finished. What breaks off is taken up where it was.
pub(crate) async fn run(
    sink: Sink,
    mut file: Unfinished,
    bytes: ByteStream,
    fetch: Fetch,
    finish: impl FnOnce(Unfinished) + Send + 'static,
) {
    let mut bytes = bytes.fuse();
    let mut resumes = 0;
    while file.length() < sink.total && resumes <= MAX_RESUMES {
        if let Some(Ok(piece)) = bytes.next().await {
            let Some(written) = write(file, piece, sink.total).await else { return };
            file = written;
            sink.written.send_replace(file.length());
            resumes = 0;
            continue;
        }
        sleep(RESUME_AFTER * (1 << resumes)).await;
        resumes += 1;
        match direct::rest(&fetch, sink.total, file.length()).await {
            Ok(rest) => bytes = rest.fuse(),
            Err(error) => tracing::debug!(%error, at = file.length(), "a song broke off"),
        }
    }
    let is_whole = file.length() == sink.total;
    // What sends more than it said may have said it of another song.
    if is_whole && !matches!(bytes.next().await, Some(Ok(_))) {
        // That it may be kept is all that is lost if it fails.
        let _ = task::spawn_blocking(move || finish(file)).await;
    }
}

/// Adds a piece. `None` if the disk does not take it, or there is more than was said.
async fn write(mut file: Unfinished, piece: Bytes, total: u64) -> Option<Unfinished> {
    let write = move || {
        let fits = file.length() + piece.len() as u64 <= total;
        (fits && file.write(&piece)).then_some(file)
    };
    task::spawn_blocking(write).await.ok()?
}
