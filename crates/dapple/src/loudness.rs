//! How loud songs are whose tags do not say it: one after the other is decoded and measured, while there is little else to do.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use audio::{Decoder, Loudness};
use daap_model::{DatabaseId, Item, ItemId, Level, Snapshot, Timestamp};
use library::{Library, Measured, ScanPhase, ScanState};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::adapters;

/// After each song the thread rests for so many times as long as it worked: it uses half of one core at most.
const REST: u32 = 1;

/// So many levels are kept together. Clients see them, so each time is a revision for all of them.
const BATCH: usize = 64;

/// The thread's priority: the lowest.
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// How long the thread may take to end.
const END_LIMIT: Duration = Duration::from_secs(3);

/// A thread that measures the songs of a library's folders; those of other servers would have to be fetched.
///
/// A song that cannot be decoded is tried once in a run, unless its file changes.
pub(crate) struct Measuring {
    stop: watch::Sender<bool>,
    /// Closed when the thread has ended.
    ended: oneshot::Receiver<()>,
}

impl Measuring {
    /// Begins as soon as no source is looking for songs, oldest songs first, and goes on with those that come. So many of
    /// the library's sources, the first ones, are folders.
    pub(crate) fn start(library: Library, folders: usize) -> io::Result<Self> {
        let (stop, stopping) = watch::channel(false);
        let (working, ended) = oneshot::channel();
        let work = Work::new(library, folders, stopping);
        thread::Builder::new().name("loudness".to_owned()).spawn(move || {
            give_way();
            work.run();
            drop(working);
        })?;
        Ok(Self { stop, ended })
    }

    /// Ends it, once the levels found are kept. The song at hand is measured in another run.
    pub(crate) async fn end(self) {
        self.stop.send_replace(true);
        if timeout(END_LIMIT, self.ended).await.is_err() {
            tracing::warn!("measuring did not end in time; some songs will be measured again");
        }
    }
}

/// Lets everything else go first, where that can be said of one thread.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "songs are measured at the priority of everything else");
    }
}

/// What the thread does.
struct Work {
    library: Library,
    /// How many of its sources are folders.
    folders: usize,
    runtime: Handle,
    stopping: watch::Receiver<bool>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Songs that had no level when it was last looked for some.
    queue: VecDeque<ItemId>,
    /// What is not kept yet, [`BATCH`] at most.
    found: Vec<Measured>,
    /// What was measured in this run, or could not be: songs with the times of their files.
    tried: HashSet<(ItemId, Timestamp)>,
}

impl Work {
    fn new(library: Library, folders: usize, stopping: watch::Receiver<bool>) -> Self {
        Self {
            folders,
            runtime: Handle::current(),
            snapshots: library.watch(),
            library,
            stopping,
            queue: VecDeque::new(),
            found: Vec::new(),
            tried: HashSet::new(),
        }
    }

    fn run(mut self) {
        while self.is_time() {
            let Some((database, item)) = self.next() else {
                self.keep();
                let mut snapshots = self.snapshots.clone();
                if !self.wait(async move { snapshots.changed().await.is_ok() }) {
                    break;
                }
                continue;
            };
            let began = Instant::now();
            self.measure(database, &item);
            if self.found.len() >= BATCH {
                self.keep();
            }
            let rest = began.elapsed() * REST;
            self.wait(async move {
                tokio::time::sleep(rest).await;
                true
            });
        }
        self.keep();
    }

    /// Waits until no source is looking for songs; `false` when it is time to end.
    fn is_time(&self) -> bool {
        let mut scans = self.library.watch_scans();
        let is_busy =
            |scan: &ScanState| matches!(scan.phase, ScanPhase::Starting | ScanPhase::Scanning);
        self.wait(async move { scans.wait_for(|scans| !scans.iter().any(is_busy)).await.is_ok() })
    }

    /// Waits for something, which says whether to go on; `false` when it is time to end.
    fn wait(&self, something: impl Future<Output = bool>) -> bool {
        let mut stopping = self.stopping.clone();
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => false,
                go_on = something => go_on,
            }
        })
    }

    /// The next song to be measured, by id, which is the order in which they came into the library.
    fn next(&mut self) -> Option<(DatabaseId, Arc<Item>)> {
        let snapshot = self.snapshots.borrow_and_update().clone();
        let database = snapshot.database(self.library.main_database()?)?;
        let items = database.items();
        loop {
            let is_new = self.queue.is_empty();
            if is_new {
                let wanted = items.iter().filter(|item| self.wants(database.id, item));
                self.queue = wanted.map(|item| item.id).collect();
            }
            while let Some(id) = self.queue.pop_front() {
                if let Some(item) = items.find(id).filter(|item| self.wants(database.id, item)) {
                    return Some((database.id, Arc::clone(item)));
                }
            }
            if is_new {
                return None;
            }
        }
    }

    fn wants(&self, database: DatabaseId, item: &Item) -> bool {
        let source = || self.library.source_of(database, item.id);
        item.levels().song.is_none()
            && !self.tried.contains(&(item.id, item.track.modified))
            && source().is_some_and(|source| source < self.folders)
    }

    fn measure(&mut self, database: DatabaseId, item: &Item) {
        match self.level(database, item.id) {
            Ok(Some(level)) => self.found.push(Measured::new(database, item, level)),
            Ok(None) => return,
            Err(error) => {
                tracing::info!(title = %item.track.title, "the song cannot be measured: {error:#}");
            }
        }
        self.tried.insert((item.id, item.track.modified));
    }

    /// What makes a song as loud as others; `None` when it is time to end.
    fn level(&self, database: DatabaseId, item: ItemId) -> anyhow::Result<Option<Level>> {
        let song = self.runtime.block_on(adapters::reader(&self.library, database, item))?;
        let length = song.length();
        let mut decoder = Decoder::open(song, length)?;
        let Some(loudness) = Loudness::measure(&mut decoder, || *self.stopping.borrow())? else {
            return Ok(None);
        };
        let gain = loudness.gain();
        Level::new(gain.db, gain.peak).context("it is louder than any sound").map(Some)
    }

    /// Has the library keep what was found.
    fn keep(&mut self) {
        let found = mem::take(&mut self.found);
        if found.is_empty() {
            return;
        }
        let (measured, left) = (found.len(), self.queue.len());
        match self.runtime.block_on(self.library.measured(found)) {
            Ok(()) => tracing::info!(measured, left, "measured how loud songs are"),
            Err(error) => tracing::warn!(measured, "how loud songs are is not kept: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use daap_model::{Levels, Track};
    use library::{MemoryPersist, MemorySource};
    use testkit::media::{Format, Song};

    use super::*;

    /// What is waited for comes well before.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A library of four songs: two that can be measured, after one that cannot be, and one whose tags say all.
    async fn library(persist: MemoryPersist) -> Library {
        let songs = MemorySource::new();
        let track = |title: &str| Track { title: title.into(), ..Track::default() };
        let level = Levels { song: Level::new(-7.5, None), album: None };
        let sound = || Song::untagged().bytes(Format::Wav);
        songs.put("1", track("broken"), "no sound at all");
        songs.put("2", track("a"), sound());
        songs.put("3", track("b"), sound());
        songs.put("4", Track { levels: level, ..track("tagged") }, sound());
        let library = Library::builder("Home").persist(persist).source("mine", songs);
        let library = library.start().await.unwrap();
        reach(&library, |levels| levels.len() == 4).await;
        library
    }

    /// Waits for levels, by title.
    async fn reach(
        library: &Library,
        reached: impl Fn(&[(String, Option<Level>)]) -> bool,
    ) -> Vec<(String, Option<Level>)> {
        let levels = |snapshot: &Snapshot| -> Vec<_> {
            let items = snapshot.databases().flat_map(|database| database.items().iter());
            items.map(|item| (item.track.title.to_string(), item.levels().song)).collect()
        };
        let mut snapshots = library.watch();
        let snapshot = snapshots.wait_for(|snapshot| reached(&levels(snapshot)));
        let snapshot = timeout(PATIENCE, snapshot).await.unwrap().unwrap();
        levels(&snapshot)
    }

    fn known(levels: &[(String, Option<Level>)]) -> usize {
        levels.iter().filter(|(_, level)| level.is_some()).count()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn songs_without_a_level_are_measured_once() {
        let persist = MemoryPersist::new();
        let library = library(persist.clone()).await;
        let measuring = Measuring::start(library.clone(), 1).unwrap();
        let levels = reach(&library, |levels| known(levels) == 3).await;
        let of = |title: &str| levels.iter().find(|(it, _)| it == title).unwrap().1;
        assert_eq!((of("broken"), of("tagged")), (None, Level::new(-7.5, None)));
        let mut direct = Decoder::open(io::Cursor::new(Song::untagged().bytes(Format::Wav)), None);
        let gain = Loudness::measure(direct.as_mut().unwrap(), || false).unwrap().unwrap().gain();
        assert!(gain.peak.is_some());
        assert_eq!((of("a"), of("b")), (Level::new(gain.db, gain.peak), of("a")));
        measuring.end().await;
        library.shutdown().await;

        // Only the one that has no level is tried again.
        let library = self::library(persist).await;
        let (_stop, stopping) = watch::channel(false);
        let mut work = Work::new(library, 1, stopping);
        let (_, next) = work.next().unwrap();
        assert_eq!((next.track.title.as_str(), work.queue.len()), ("broken", 0));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn songs_of_other_servers_are_not_measured() {
        let library = library(MemoryPersist::new()).await;
        let work = |folders| Work::new(library.clone(), folders, watch::channel(false).1);
        assert!(work(1).next().is_some());
        assert!(work(0).next().is_none());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_found_is_kept_when_it_ends() {
        let library = library(MemoryPersist::new()).await;
        let (stop, stopping) = watch::channel(false);
        let mut work = Work::new(library.clone(), 1, stopping);
        let work = tokio::task::spawn_blocking(move || {
            for _ in 0..2 {
                let (database, item) = work.next().unwrap();
                work.measure(database, &item);
            }
            work
        });
        let work = work.await.unwrap();
        assert_eq!(known(&reach(&library, |_| true).await), 1);
        stop.send_replace(true);
        tokio::task::spawn_blocking(|| work.run()).await.unwrap();
        assert_eq!(known(&reach(&library, |_| true).await), 2);
    }
}
