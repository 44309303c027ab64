//! Files kept on disk because making them again costs more, up to so many bytes.
//!
//! A [`DiskCache`] is a help and never a must: whatever goes wrong with it, a file is only not there. Files are written
//! beside their place and moved there whole; those that are asked for least recently go first.
//!
//! It knows nothing of what is in the files, and every call may block.
//!
//! ```
//! use std::io::Read;
//! use disk_cache::DiskCache;
//!
//! # let folder = tempfile::tempdir()?;
//! let cache = DiskCache::new(folder.path().join("songs"), 1 << 20);
//! cache.keep("0b2fe1", b"the sound of it");
//!
//! let mut sound = String::new();
//! cache.find("0b2fe1").expect("it was kept").read_to_string(&mut sound)?;
//! assert_eq!(sound, "the sound of it");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs::{self, File, FileTimes};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// What a file takes on disk at least. Counts small ones for what they cost, and so bounds their number.
const BLOCK: u64 = 4096;
/// A file is marked as asked for at most this often.
const MARK_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// A file that was not written to for so long will never be whole.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);
/// One part in so many of the limit is free when room has been made.
const FREED: u64 = 5;

/// A folder of files, with a limit. Clones are the same cache.
#[derive(Clone, Debug)]
pub struct DiskCache(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    limit: u64,
    /// Bytes taken; `None` until they were counted. Held for a step that may list the folder, by one writer.
    taken: Mutex<Option<u64>>,
    written: AtomicU64,
    failing: AtomicBool,
}

/// A file that is not whole yet. It is kept once it is [finished](Self::finish), and otherwise removed.
#[derive(Debug)]
pub struct Unfinished {
    cache: DiskCache,
    file: File,
    path: PathBuf,
    place: PathBuf,
    length: u64,
}

/// A file of the cache.
struct Kept {
    path: PathBuf,
    cost: u64,
    used: SystemTime,
}

impl DiskCache {
    /// A cache of at most `limit` bytes in this folder, which is made when there is something to keep.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, limit: u64) -> Self {
        Self(Arc::new(Shared {
            folder: folder.into(),
            limit,
            taken: Mutex::new(None),
            written: AtomicU64::new(0),
            failing: AtomicBool::new(false),
        }))
    }

    /// The file that was kept under this name: letters and digits.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<File> {
        let path = self.path(name);
        let file = File::open(&path).ok()?;
        let metadata = file.metadata().ok().filter(fs::Metadata::is_file)?;
        let now = SystemTime::now();
        let age = metadata.modified().ok().and_then(|used| now.duration_since(used).ok());
        if age.is_some_and(|age| age > MARK_EVERY) {
            mark(&path, now);
        }
        Some(file)
    }

    /// Keeps these bytes. If it cannot, that is said once, and it goes on without. The disk is not waited for: should
    /// power be lost in this moment, the file may be there and cut short.
    pub fn keep(&self, name: &str, bytes: &[u8]) {
        let Some(mut file) = self.begin(name, bytes.len() as u64) else { return };
        if file.write(bytes) {
            file.put_in_place();
        }
    }

    /// Begins a file of so many bytes. `None` if there cannot be room for it, or it cannot be written.
    #[must_use]
    pub fn begin(&self, name: &str, length: u64) -> Option<Unfinished> {
        if cost(length) > self.0.limit {
            return None;
        }
        let place = self.path(name);
        let number = self.0.written.fetch_add(1, Ordering::Relaxed);
        let path = place.with_file_name(format!("{name}.{}-{number}.part", std::process::id()));
        let folder = place.parent().unwrap_or(&self.0.folder);
        match fs::create_dir_all(folder).and_then(|()| File::create(&path)) {
            Ok(file) => Some(Unfinished { cache: self.clone(), file, path, place, length: 0 }),
            Err(error) => {
                self.failed(&error);
                None
            }
        }
    }

    /// Removes a file that is of no use.
    pub fn remove(&self, name: &str) {
        // What is not there need not be removed.
        let _ = fs::remove_file(self.path(name));
    }

    fn path(&self, name: &str) -> PathBuf {
        // A level of folders keeps each of them small.
        self.0.folder.join(name.get(..2).unwrap_or("--")).join(name)
    }

    /// Says why nothing can be kept, but not again before something could be.
    fn failed(&self, error: &io::Error) {
        if !self.0.failing.swap(true, Ordering::Relaxed) {
            let folder = self.0.folder.display();
            tracing::warn!(%folder, %error, "files cannot be kept there; each is made or fetched anew");
        }
    }

    /// Counts what was added, and removes the files that were used least recently if that is too much.
    fn make_room(&self, added: u64) {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let now = taken.map(|taken| taken + added);
        *taken = match now {
            Some(now) if now <= self.0.limit => Some(now),
            _ => Some(self.sweep(SystemTime::now())),
        };
    }

    /// Counts what the files take, having removed the oldest until it is well below the limit.
    fn sweep(&self, now: SystemTime) -> u64 {
        let mut kept = list(&self.0.folder, now);
        let mut taken = kept.iter().map(|file| file.cost).sum();
        if taken <= self.0.limit {
            return taken;
        }
        kept.sort_by_key(|file| file.used);
        let goal = self.0.limit - self.0.limit / FREED;
        for file in kept {
            if taken <= goal {
                break;
            }
            if fs::remove_file(&file.path).is_ok() {
                taken -= file.cost;
            }
        }
        taken
    }
}

impl Unfinished {
    /// Adds bytes. `false` if it cannot: then the file will never be whole.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        self.length += bytes.len() as u64;
        self.file.write_all(bytes).inspect_err(|error| self.cache.failed(error)).is_ok()
    }

    /// How many bytes there are so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Keeps the file, which is whole. Even a loss of power leaves it whole or not there.
    pub fn finish(self) {
        match self.file.sync_data() {
            Ok(()) => self.put_in_place(),
            Err(error) => self.cache.failed(&error),
        }
    }

    fn put_in_place(self) {
        match fs::rename(&self.path, &self.place) {
            Ok(()) => {
                self.cache.0.failing.store(false, Ordering::Relaxed);
                self.cache.make_room(cost(self.length));
            }
            Err(error) => self.cache.failed(&error),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Nothing is there if it was finished.
        let _ = fs::remove_file(&self.path);
    }
}

fn cost(length: u64) -> u64 {
    length.div_ceil(BLOCK).max(1) * BLOCK
}

fn mark(path: &Path, now: SystemTime) {
    let file = File::options().append(true).open(path);
    let _ = file.and_then(|file| file.set_times(FileTimes::new().set_modified(now)));
}

/// The files of the cache. Those that were never finished are removed.
fn list(folder: &Path, now: SystemTime) -> Vec<Kept> {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut kept = Vec::new();
    for entry in entries(folder).flat_map(|below| entries(&below.path())) {
        let Some(metadata) = entry.metadata().ok().filter(|metadata| metadata.is_file()) else {
            continue;
        };
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let path = entry.path();
        if path.extension().is_some_and(|suffix| suffix == "part") {
            if now.duration_since(used).is_ok_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(&path);
            }
        } else {
            kept.push(Kept { path, cost: cost(metadata.len()), used });
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn cache(limit: u64) -> (tempfile::TempDir, DiskCache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::new(folder.path().join("files"), limit);
        (folder, cache)
    }

    fn read(cache: &DiskCache, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        cache.find(name)?.read_to_end(&mut bytes).unwrap();
        Some(bytes)
    }

    /// Dates a file as many days back.
    fn age(cache: &DiskCache, name: &str, days: u64) {
        mark(&cache.path(name), SystemTime::now() - Duration::from_secs(days * 86_400));
    }

    #[test]
    fn what_was_kept_is_found_also_after_a_restart() {
        let (folder, cache) = cache(1 << 20);
        assert_eq!(read(&cache, "ab12"), None);
        cache.keep("ab12", &[7; 5000]);
        assert_eq!(read(&cache, "ab12"), Some(vec![7; 5000]));
        let again = DiskCache::new(folder.path().join("files"), 1 << 20);
        assert_eq!(read(&again, "ab12"), Some(vec![7; 5000]));
        again.remove("ab12");
        assert_eq!(read(&again, "ab12"), None);
    }

    #[test]
    fn a_file_is_there_once_it_is_whole_and_not_before() {
        let (folder, cache) = cache(1 << 20);
        let mut half = cache.begin("ab12", 10).unwrap();
        assert!(half.write(b"hello"));
        assert_eq!((half.length(), read(&cache, "ab12")), (5, None));
        drop(half);
        let below = folder.path().join("files").join("ab");
        assert_eq!(fs::read_dir(below).unwrap().count(), 0);
        let mut whole = cache.begin("ab12", 10).unwrap();
        assert!(whole.write(b"hello") && whole.write(b"world"));
        whole.finish();
        assert_eq!(read(&cache, "ab12").as_deref(), Some(&b"helloworld"[..]));
    }

    #[test]
    fn past_the_limit_the_least_recently_used_go() {
        let (_folder, cache) = cache(10 * BLOCK);
        for n in 0..10 {
            cache.keep(&format!("aa{n}"), &[0; 100]);
            age(&cache, &format!("aa{n}"), 30 - n);
        }
        // Being asked for makes a file new again.
        assert!(cache.find("aa0").is_some());
        cache.keep("bb", &[0; 100]);
        let left: Vec<_> = (0..10).filter(|n| cache.path(&format!("aa{n}")).exists()).collect();
        assert_eq!(left, [0, 4, 5, 6, 7, 8, 9]);
        assert!(cache.find("bb").is_some());
    }

    #[test]
    fn one_that_is_larger_than_all_may_be_is_not_kept() {
        let (_folder, cache) = cache(2 * BLOCK);
        cache.keep("aa", &[0; 9000]);
        assert!(cache.find("aa").is_none());
    }

    #[test]
    fn files_that_were_never_finished_are_removed() {
        let (_folder, cache) = cache(1 << 20);
        cache.keep("ab12", &[0; 100]);
        let part = cache.path("ab12").with_file_name("ab99.1-1.part");
        fs::write(&part, b"half").unwrap();
        let soon = SystemTime::now() + ABANDONED * 2;
        assert_eq!(cache.sweep(SystemTime::now()), BLOCK);
        assert!(part.exists());
        assert_eq!(cache.sweep(soon), BLOCK);
        assert!(!part.exists());
    }

    #[test]
    fn a_folder_that_cannot_be_written_costs_nothing_but_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), b"").unwrap();
        let cache = DiskCache::new(folder.path().join("file"), 1 << 20);
        cache.keep("ab12", &[0; 100]);
        assert!(cache.find("ab12").is_none());
        assert!(cache.0.failing.load(Ordering::Relaxed));
    }
}
