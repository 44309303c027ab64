//! Files kept on disk because making them again costs more, up to so many bytes.
//!
//! A [`DiskCache`] is a help and never a must: whatever goes wrong with it, a file is only not there. Files are written
//! beside their place and moved there whole; those that are asked for least recently go first, but for those that are
//! [pinned](DiskCache::pin).
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

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, File, FileTimes};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// What a file takes on disk at least. Counts small ones for what they cost, and so bounds their number.
const BLOCK: u64 = 4096;
/// A file is marked as asked for at most this often.
const MARK_EVERY: Duration = Duration::from_secs(60);
/// A file that was not written to for so long will never be whole.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);
/// What the name of an empty file ends in that says that the one beside it is to stay.
const PIN: &str = "pin";
/// One part in so many of the limit is free when room has been made.
const FREED: u64 = 5;

/// A folder of files, with a limit. Clones are the same cache.
#[derive(Clone, Debug)]
pub struct DiskCache(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    limit: u64,
    /// Tells the files that this cache is writing from those that others left behind.
    run: String,
    /// Held for a step that may list the folder.
    room: Mutex<Room>,
    written: AtomicU64,
    /// Why nothing could be kept when something last was to be. Held for a short step.
    failing: Mutex<Option<String>>,
}

/// What is taken of the limit, in bytes.
#[derive(Debug, Default)]
struct Room {
    /// By the files that are there; `None` until they were counted.
    taken: Option<u64>,
    /// By those that are being written.
    promised: u64,
}

/// What a cache takes of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// In bytes.
    pub taken: u64,
    /// The most that it may take, in bytes.
    pub limit: u64,
    /// How many files that is.
    pub files: usize,
}

/// A file that is not whole yet. It is kept once it is [finished](Self::finish), and otherwise removed.
#[derive(Debug)]
pub struct Unfinished {
    cache: DiskCache,
    file: File,
    path: PathBuf,
    place: PathBuf,
    length: u64,
    /// What it may take.
    promised: u64,
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
            run: format!("{:016x}", RandomState::new().hash_one(std::process::id())),
            room: Mutex::default(),
            written: AtomicU64::new(0),
            failing: Mutex::default(),
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

    /// Begins a file of at most so many bytes. `None` if there cannot be room for it, or it cannot be written.
    #[must_use]
    pub fn begin(&self, name: &str, length: u64) -> Option<Unfinished> {
        let promised = cost(length);
        if !self.make_room(promised) {
            return None;
        }
        let place = self.path(name);
        let number = self.0.written.fetch_add(1, Ordering::Relaxed);
        let path = place.with_file_name(format!("{name}.{}-{number}.part", self.0.run));
        let folder = place.parent().unwrap_or(&self.0.folder);
        match fs::create_dir_all(folder).and_then(|()| File::create(&path)) {
            Ok(file) => {
                let cache = self.clone();
                Some(Unfinished { cache, file, path, place, length: 0, promised })
            }
            Err(error) => {
                self.room().promised -= promised;
                self.failed(&error);
                None
            }
        }
    }

    /// What the files take. They are counted for it.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let files = self.list(SystemTime::now());
        let taken = files.iter().map(|file| file.cost).sum();
        Usage { taken, limit: self.0.limit, files: files.len() }
    }

    /// Why nothing can be kept, with the folder; `None` if nothing is known to be wrong.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.failing().clone()
    }

    /// Has a file stay, whether it is there yet or not, until it is [unpinned](Self::unpin); also over a restart.
    pub fn pin(&self, name: &str) {
        let pin = self.path(name).with_extension(PIN);
        let folder = pin.parent().unwrap_or(&self.0.folder);
        if let Err(error) = fs::create_dir_all(folder).and_then(|()| File::create(&pin)) {
            self.failed(&error);
        }
    }

    /// Has a file be one of many again.
    pub fn unpin(&self, name: &str) {
        // What was not pinned need not be unpinned.
        let _ = fs::remove_file(self.path(name).with_extension(PIN));
    }

    /// The names of the files that are pinned.
    #[must_use]
    pub fn pinned(&self) -> HashSet<String> {
        let is_pin = |path: &PathBuf| path.extension().is_some_and(|suffix| suffix == PIN);
        let name = |path: PathBuf| path.file_stem()?.to_str().map(str::to_owned);
        self.entries().map(|entry| entry.path()).filter(is_pin).filter_map(name).collect()
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
        let trouble = format!("{}: {error}", self.0.folder.display());
        if self.failing().replace(trouble.clone()).is_none() {
            tracing::warn!("files cannot be kept, so each is made or fetched anew; {trouble}");
        }
    }

    fn failing(&self) -> MutexGuard<'_, Option<String>> {
        self.0.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.0.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Promises so many bytes to a file that is to be written, for which the files that were used least recently may
    /// have to go. `false` if that is not enough.
    fn make_room(&self, wanted: u64) -> bool {
        let mut room = self.room();
        let Some(left) = self.0.limit.checked_sub(room.promised + wanted) else { return false };
        let taken = match room.taken {
            Some(taken) if taken <= left => taken,
            _ => self.sweep(SystemTime::now(), left),
        };
        room.taken = Some(taken);
        let fits = taken <= left;
        if fits {
            room.promised += wanted;
        }
        fits
    }

    /// Counts what the files take. Are that more than `most` bytes, the oldest go until it is well below the limit.
    fn sweep(&self, now: SystemTime, most: u64) -> u64 {
        let mut kept = self.list(now);
        let mut taken = kept.iter().map(|file| file.cost).sum();
        if taken <= most {
            return taken;
        }
        let pinned = self.pinned();
        kept.retain(|file| file.name().is_none_or(|name| !pinned.contains(name)));
        kept.sort_by_key(|file| file.used);
        let goal = most.min(self.0.limit - self.0.limit / FREED);
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

    /// All that is in the folder.
    fn entries(&self) -> impl Iterator<Item = DirEntry> {
        let entries =
            |folder: &Path| fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        entries(&self.0.folder).flat_map(move |below| entries(&below.path()))
    }

    /// The files of the cache, without those that it is writing. What others never finished is removed in time.
    fn list(&self, now: SystemTime) -> Vec<Kept> {
        let mut kept = Vec::new();
        for entry in self.entries().filter(|entry| entry.path().extension() != Some(PIN.as_ref())) {
            let Some(metadata) = entry.metadata().ok().filter(|metadata| metadata.is_file()) else {
                continue;
            };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let file = Kept { path: entry.path(), cost: cost(metadata.len()), used };
            let is_part = file.path.extension().is_some_and(|suffix| suffix == "part");
            if is_part && now.duration_since(used).is_ok_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(&file.path);
            } else if !is_part || !file.name().is_some_and(|name| name.contains(&self.0.run)) {
                kept.push(file);
            }
        }
        kept
    }
}

impl Kept {
    fn name(&self) -> Option<&str> {
        self.path.file_name().and_then(OsStr::to_str)
    }
}

impl Unfinished {
    /// Sees that there is room for the file to become so long, if that is more than was said. `false` if there is none.
    #[must_use]
    pub fn reserve(&mut self, length: u64) -> bool {
        let more = cost(length).saturating_sub(self.promised);
        let fits = more == 0 || self.cache.make_room(more);
        self.promised += if fits { more } else { 0 };
        fits
    }

    /// Adds bytes. `false` if it cannot, or there are more than was said: then the file will never be whole.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        self.length += bytes.len() as u64;
        let is_promised = cost(self.length) <= self.promised;
        let mut write = || self.file.write_all(bytes).inspect_err(|error| self.cache.failed(error));
        is_promised && write().is_ok()
    }

    /// Opens the file for reading what is written of it; also when it is in its place later, or removed.
    pub fn reader(&self) -> io::Result<File> {
        File::open(&self.path)
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
                *self.cache.failing() = None;
                let mut room = self.cache.room();
                room.taken = room.taken.map(|taken| taken + cost(self.length));
            }
            Err(error) => self.cache.failed(&error),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Nothing is there if it was finished.
        let _ = fs::remove_file(&self.path);
        self.cache.room().promised -= self.promised;
    }
}

fn cost(length: u64) -> u64 {
    length.div_ceil(BLOCK).max(1) * BLOCK
}

fn mark(path: &Path, now: SystemTime) {
    let file = File::options().append(true).open(path);
    let _ = file.and_then(|file| file.set_times(FileTimes::new().set_modified(now)));
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
        assert_eq!(again.usage(), Usage { taken: 2 * BLOCK, limit: 1 << 20, files: 1 });
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
        assert_eq!(left, [0, 3, 4, 5, 6, 7, 8, 9]);
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
        let sweep = |now| cache.sweep(now, 1 << 20);
        assert_eq!(sweep(SystemTime::now()), 2 * BLOCK);
        assert!(part.exists());
        assert_eq!(sweep(soon), BLOCK);
        assert!(!part.exists());
    }

    #[test]
    fn what_was_left_half_written_counts_and_goes_when_room_is_needed() {
        let (_folder, cache) = cache(4 * BLOCK);
        let part = cache.path("ab12").with_file_name("ab99.1-1.part");
        fs::create_dir_all(part.parent().unwrap()).unwrap();
        fs::write(&part, [0; 3 * BLOCK as usize]).unwrap();
        cache.keep("ab12", &[0; 2 * BLOCK as usize]);
        assert!(!part.exists() && cache.find("ab12").is_some());
    }

    #[test]
    fn what_is_being_written_has_its_room() {
        let (_folder, cache) = cache(4 * BLOCK);
        cache.keep("aa", &[0; 100]);
        let mut half = cache.begin("bb", 3 * BLOCK).unwrap();
        assert!(half.write(&[0; 100]));
        assert!(cache.begin("cc", 2 * BLOCK).is_none());
        cache.keep("dd", &[0; 100]);
        assert!(cache.find("aa").is_none() && cache.find("dd").is_some());
        assert!(!half.write(&[0; 3 * BLOCK as usize]));
        drop(half);
        assert!(cache.begin("cc", 2 * BLOCK).is_some());
    }

    #[test]
    fn a_file_of_unknown_length_has_room_made_as_it_grows() {
        let (_folder, cache) = cache(16 * BLOCK);
        let half = [0; 8 * BLOCK as usize];
        cache.keep("aa", &half);
        let mut growing = cache.begin("bb", 0).unwrap();
        assert!(growing.reserve(10) && growing.write(&[0; 10]));
        assert!(cache.find("aa").is_some());
        assert!(growing.reserve(9 * BLOCK) && cache.find("aa").is_none());
        assert!(!growing.reserve(17 * BLOCK), "it is more than all may be");
        growing.finish();
        assert_eq!(read(&cache, "bb"), Some(vec![0; 10]));
        cache.keep("aa", &half);
        assert!(cache.find("aa").is_some() && cache.find("bb").is_some());
    }

    #[test]
    fn what_is_being_written_can_be_read_to_its_end() {
        let (_folder, cache) = cache(1 << 20);
        let mut half = cache.begin("ab12", 10).unwrap();
        let mut reader = half.reader().unwrap();
        let mut bytes = [0; 5];
        for part in [b"hello", b"world"] {
            assert!(half.write(part));
            reader.read_exact(&mut bytes).unwrap();
            assert_eq!(&bytes, part);
        }
        half.finish();
        assert_eq!(reader.read(&mut bytes).unwrap(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_is_full_costs_nothing_but_the_file() {
        let (_folder, cache) = cache(1 << 20);
        let mut half = cache.begin("ab12", 10).unwrap();
        half.file = File::options().write(true).open("/dev/full").unwrap();
        assert!(!half.write(b"hello"));
        drop(half);
        assert!(cache.trouble().is_some());
        cache.keep("ab12", b"hello");
        assert_eq!(read(&cache, "ab12").as_deref(), Some(&b"hello"[..]));
        assert_eq!(cache.trouble(), None);
    }

    #[test]
    fn what_is_pinned_stays_however_old_also_over_a_restart() {
        let (folder, cache) = cache(3 * BLOCK);
        for name in ["aa", "bb", "cc"] {
            cache.keep(name, &[0; 100]);
            age(&cache, name, 30);
        }
        ["aa", "bb"].iter().for_each(|name| cache.pin(name));
        let cache = DiskCache::new(folder.path().join("files"), 3 * BLOCK);
        assert_eq!(cache.pinned(), ["aa", "bb"].map(str::to_owned).into());
        cache.keep("dd", &[0; 100]);
        let there = |name| cache.find(name).is_some();
        assert_eq!(["aa", "bb", "cc", "dd"].map(there), [true, true, false, true]);
        ["cc", "dd"].iter().for_each(|name| cache.pin(name));
        cache.keep("ee", &[0; 100]);
        assert!(!there("ee"), "there is nothing that may go");
        cache.unpin("aa");
        age(&cache, "aa", 30);
        cache.keep("ee", &[0; 100]);
        assert!(there("ee") && !there("aa"));
    }

    #[test]
    fn a_folder_that_cannot_be_written_costs_nothing_but_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), b"").unwrap();
        let cache = DiskCache::new(folder.path().join("file"), 1 << 20);
        cache.keep("ab12", &[0; 100]);
        assert!(cache.find("ab12").is_none());
        assert!(cache.trouble().is_some());
    }
}
