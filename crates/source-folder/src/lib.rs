//! A folder of music as a source.
//!
//! [`FolderSource`] is a [`library::Source`]: it looks through a folder and all below it, reads the tags of the
//! songs, reports them, and follows what changes. Keys are paths below the folder, so a folder that moves as
//! a whole keeps its songs.
//!
//! What it takes care of: files that are still being written, files that move, disks that go away and come
//! back, file systems that do not tell of changes, and files that are broken, hostile, or no songs at all. What
//! it does not know: ids, revisions, databases and clients.
//!
//! How it works: one thread ([`FolderSource::run`] starts it) decides when to look at what; a few more walk
//! through folders and read files while there is something to look at.
//!
//! ```
//! use library::{Change, Report, Source, Told};
//! use source_folder::{FolderConfig, FolderSource};
//! use testkit::media::Song;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let folder = tempfile::tempdir()?;
//! Song::new("Jet").artist("Wings").write(folder.path().join("Wings/Jet.mp3"));
//! let source = FolderSource::new(FolderConfig::new(folder.path()));
//!
//! // A library would listen at the other end.
//! let (report, mut listener) = Report::channel(16);
//! let running = tokio::spawn(async move { source.run(report).await });
//! while let Some(told) = listener.next().await {
//!     match told {
//!         Told::Known(answer) => drop(answer.send(library::Known::default())),
//!         Told::Change(Change::Song { key, track, .. }) => {
//!             assert_eq!((key.as_bytes(), track.title.as_str()), (&b"Wings/Jet.mp3"[..], "Jet"));
//!         }
//!         Told::Settled(answer) => {
//!             let _ = answer.send(());
//!             listener.stop();
//!         }
//!         _ => {}
//!     }
//! }
//! running.await?
//! # .map_err(|error| std::io::Error::other(error.to_string()))
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod artwork;
mod follow;
mod key;
mod lists;
mod mounts;
mod moves;
mod names;
pub mod playlists;
mod pool;
mod progress;
mod reader;
mod scan;
mod scope;
mod settling;
mod tags;
mod walk;
mod watch;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use library::{
    Artwork, ArtworkSize, Content, OpenFile, Report, Source, SourceError, SourceFuture, SourceKey,
    Stamp,
};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::task;

pub use artwork::{Gallery, GalleryConfig};

use follow::Follower;
use scan::Scanner;
use watch::Inbox;

/// What a [`FolderSource`] is to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FolderConfig {
    /// The folder.
    pub root: PathBuf,
    /// Whether to have the system tell of changes, where it can. It is by default.
    pub watch: bool,
    /// How often everything is looked through where the system does not tell of changes: on network file
    /// systems, when it allows no more watches, or without `watch`. 5 minutes by default.
    pub sweep: Duration,
    /// How many threads look into folders and read tags; while that means to wait for a slow disk or network, there
    /// are more. As many as there are processors by default.
    pub readers: usize,
    /// Where pictures come from. Folders that are shared together can have one gallery; by default each has its
    /// own, without a cache.
    pub gallery: Gallery,
}

impl FolderConfig {
    /// Shares this folder in the usual way.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let readers = thread::available_parallelism().map_or(1, usize::from);
        let (sweep, gallery) = (Duration::from_secs(5 * 60), Gallery::default());
        Self { root: root.into(), watch: true, sweep, readers, gallery }
    }
}

/// How many songs are being opened at once; further ones wait. A disk that does not answer holds a thread for
/// each, and must leave some for the rest of the program.
const MAX_OPENING: usize = 64;

/// A folder of music.
#[derive(Debug)]
pub struct FolderSource {
    config: FolderConfig,
    opening: Arc<Semaphore>,
}

impl FolderSource {
    /// A source of the songs in a folder, which need not be there yet.
    #[must_use]
    pub fn new(mut config: FolderConfig) -> Self {
        // The system tells of changes by absolute paths.
        if let Ok(root) = std::path::absolute(&config.root) {
            config.root = root;
        }
        Self { config, opening: Arc::new(Semaphore::new(MAX_OPENING)) }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.config.root
    }

    async fn follow(&self, report: Report) -> Result<(), SourceError> {
        // A library that no longer answers has stopped.
        let Ok(known) = report.known().await else { return Ok(()) };
        let inbox = Arc::new(Inbox::default());
        let (heard, runtime) = (Arc::clone(&inbox), Handle::current());
        let (config, told) = (self.config.clone(), report.clone());
        let _stop = StopOnDrop(Arc::clone(&inbox));
        let (ended, mut end) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("folder".to_owned()).spawn(move || {
            let _ended = ended;
            let scanner = Scanner::new(config.root.clone(), config.readers, told.clone(), &known);
            drop(known);
            Follower::new(scanner, told, runtime, heard, &config).run();
        });
        thread.map_err(|cause| SourceError::Unreadable {
            what: self.config.root.display().to_string(),
            cause,
        })?;
        // The sender is dropped when the thread ends, however it ends.
        tokio::select! {
            _ = &mut end => {}
            () = report.stopped() => {
                inbox.stop();
                let _ = end.await;
            }
        }
        if report.is_stopped() {
            return Ok(());
        }
        let cause = io::Error::other("the thread that follows it ended");
        Err(SourceError::Unreadable { what: self.config.root.display().to_string(), cause })
    }
}

/// Ends the thread if the future that waits for it is dropped.
struct StopOnDrop(Arc<Inbox>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Source for FolderSource {
    fn run(&self, report: Report) -> SourceFuture<'_, Result<(), SourceError>> {
        Box::pin(self.follow(report))
    }

    fn open(&self, key: SourceKey) -> SourceFuture<'_, Result<Content, SourceError>> {
        let (root, opening) = (self.config.root.clone(), Arc::clone(&self.opening));
        Box::pin(async move {
            let turn = opening.acquire_owned().await.map_err(|_| SourceError::Busy)?;
            let work = move || {
                // The turn goes along: a request that is given up still has its thread.
                let _turn = turn;
                open(&root, &key)
            };
            task::spawn_blocking(work).await.unwrap_or_else(|failed| {
                let cause = io::Error::other(failed.to_string());
                Err(SourceError::Unreadable { what: "the folder".to_owned(), cause })
            })
        })
    }

    fn artwork(
        &self,
        key: SourceKey,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, SourceError>> {
        Box::pin(self.config.gallery.picture(&self.config.root, key, size))
    }
}

/// Whether most of these songs are in the folder `root`, each with the size it had: then it is the folder they
/// came from, in another place.
#[must_use]
pub fn holds(root: &Path, songs: &[(SourceKey, Stamp)]) -> bool {
    let is_there = |(key, stamp): &&(SourceKey, Stamp)| {
        let metadata = key::path(root, key.as_bytes()).and_then(|path| fs::metadata(path).ok());
        metadata.is_some_and(|metadata| metadata.is_file() && metadata.len() == stamp.size)
    };
    2 * songs.iter().filter(is_there).count() > songs.len()
}

fn open(root: &Path, key: &SourceKey) -> Result<Content, SourceError> {
    let not_there = || SourceError::NotThere(key.clone());
    let path = key::path(root, key.as_bytes()).ok_or_else(not_there)?;
    let opened = OpenFile::open(&path).map_err(|cause| failed(root, key, cause))?;
    Ok(opened.into())
}

/// Why a file cannot be opened: a file that is gone is another thing than a disk that is.
fn failed(root: &Path, key: &SourceKey, cause: io::Error) -> SourceError {
    let is_bare = || fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_none());
    match cause.kind() {
        _ if !root.is_dir() => SourceError::Away { what: root.display().to_string(), cause },
        io::ErrorKind::NotFound if is_bare() => {
            SourceError::Away { what: root.display().to_string(), cause }
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            SourceError::NotThere(key.clone())
        }
        _ => SourceError::Unreadable { what: key.to_string(), cause },
    }
}
