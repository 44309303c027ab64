//! Pictures kept on disk once they are made, up to so many bytes.
//!
//! The cache is a help and never a must: whatever goes wrong with it, a picture is only made again. Files are
//! written beside their place and moved there whole; those that are asked for least recently go first.

use std::fs::{self, File, FileTimes};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use library::Artwork;

/// What a file takes on disk at least. Counts small ones for what they cost, and so bounds their number.
const BLOCK: u64 = 4096;
/// The largest picture that is kept.
const MAX_FILE: u64 = 8 << 20;
/// A file is marked as asked for at most this often.
const MARK_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// A file that is half written for so long will never be whole.
const ABANDONED: Duration = Duration::from_secs(60 * 60);
/// One part in so many of the limit is free when room has been made.
const FREED: u64 = 5;

/// A folder of pictures, with a limit.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    limit: u64,
    /// Bytes taken; `None` until they were counted. Held for a step that may list the folder, by one writer.
    taken: Mutex<Option<u64>>,
    written: AtomicU64,
    failing: AtomicBool,
}

/// A file of the cache.
struct Kept {
    path: PathBuf,
    cost: u64,
    used: SystemTime,
}

impl Cache {
    /// A cache in this folder, which is made when there is something to keep.
    pub(super) fn new(folder: PathBuf, limit: u64) -> Self {
        let (written, failing) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { folder, limit, taken: Mutex::new(None), written, failing }
    }

    /// The picture that was kept under this name.
    pub(super) fn find(&self, name: &str) -> Option<Artwork> {
        let path = self.path(name);
        let mut file = File::open(&path).ok()?;
        let metadata = file.metadata().ok().filter(|it| it.is_file() && it.len() <= MAX_FILE)?;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
        (&mut file).take(MAX_FILE).read_to_end(&mut bytes).ok()?;
        let Some(media_type) = whole(&bytes) else {
            // Power was lost while it was written.
            let _ = fs::remove_file(&path);
            return None;
        };
        let now = SystemTime::now();
        let age = metadata.modified().ok().and_then(|used| now.duration_since(used).ok());
        if age.is_some_and(|age| age > MARK_EVERY) {
            mark(&path, now);
        }
        Some(Artwork { media_type, bytes: Bytes::from(bytes) })
    }

    /// Keeps a picture. If it cannot, that is said once, and it goes on without.
    pub(super) fn keep(&self, name: &str, artwork: &Artwork) {
        if artwork.bytes.len() as u64 > MAX_FILE.min(self.limit) {
            return;
        }
        match self.write(name, &artwork.bytes) {
            Ok(()) => {
                self.failing.store(false, Ordering::Relaxed);
                self.make_room(cost(artwork.bytes.len() as u64));
            }
            Err(error) if !self.failing.swap(true, Ordering::Relaxed) => {
                tracing::warn!(folder = %self.folder.display(), %error, "pictures cannot be kept; each is made anew");
            }
            Err(_) => {}
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        // A level of folders keeps each of them small.
        self.folder.join(name.get(..2).unwrap_or("--")).join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let unfinished =
            path.with_file_name(format!("{name}.{}-{number}.part", std::process::id()));
        let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, &path));
        written.inspect_err(|_| drop(fs::remove_file(&unfinished)))
    }

    /// Counts what was added, and removes the files that were used least recently if that is too much.
    fn make_room(&self, added: u64) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let now = taken.map(|taken| taken + added);
        *taken = match now {
            Some(now) if now <= self.limit => Some(now),
            _ => Some(self.sweep(SystemTime::now())),
        };
    }

    /// Counts what the files take, having removed the oldest until it is well below the limit.
    fn sweep(&self, now: SystemTime) -> u64 {
        let mut kept = list(&self.folder, now);
        let mut taken = kept.iter().map(|file| file.cost).sum();
        if taken <= self.limit {
            return taken;
        }
        kept.sort_by_key(|file| file.used);
        let goal = self.limit - self.limit / FREED;
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

/// The kind of a picture that was made here, if it is complete.
fn whole(bytes: &[u8]) -> Option<&'static str> {
    const PNG_END: &[u8] = b"IEND\xAE\x42\x60\x82";
    if bytes.starts_with(b"\xFF\xD8") && bytes.ends_with(b"\xFF\xD9") {
        Some("image/jpeg")
    } else {
        (bytes.starts_with(b"\x89PNG") && bytes.ends_with(PNG_END)).then_some("image/png")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(length: usize) -> Artwork {
        let bytes = [&b"\xFF\xD8"[..], &vec![0; length - 4], b"\xFF\xD9"].concat();
        Artwork { media_type: "image/jpeg", bytes: bytes.into() }
    }

    fn cache(limit: u64) -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("pictures"), limit);
        (folder, cache)
    }

    /// Dates a file as many days back.
    fn age(cache: &Cache, name: &str, days: u64) {
        mark(&cache.path(name), SystemTime::now() - Duration::from_secs(days * 86_400));
    }

    #[test]
    fn what_was_kept_is_found_also_after_a_restart() {
        let (folder, cache) = cache(1 << 20);
        assert_eq!(cache.find("ab12"), None);
        cache.keep("ab12", &picture(5000));
        assert_eq!(cache.find("ab12"), Some(picture(5000)));
        let again = Cache::new(folder.path().join("pictures"), 1 << 20);
        assert_eq!(again.find("ab12"), Some(picture(5000)));
    }

    #[test]
    fn half_a_file_is_removed_not_sent() {
        let (_folder, cache) = cache(1 << 20);
        cache.keep("ab12", &picture(5000));
        for broken in [&b"\xFF\xD8\xFF"[..], b"", b"\x89PNG...."] {
            fs::write(cache.path("ab12"), broken).unwrap();
            assert_eq!(cache.find("ab12"), None);
            assert!(!cache.path("ab12").exists());
        }
    }

    #[test]
    fn past_the_limit_the_least_recently_used_go() {
        let (_folder, cache) = cache(10 * BLOCK);
        for n in 0..10 {
            cache.keep(&format!("aa{n}"), &picture(100));
            age(&cache, &format!("aa{n}"), 30 - n);
        }
        // Being asked for makes a file new again.
        assert!(cache.find("aa0").is_some());
        cache.keep("bb", &picture(100));
        let left: Vec<_> = (0..10).filter(|n| cache.path(&format!("aa{n}")).exists()).collect();
        assert_eq!(left, [0, 4, 5, 6, 7, 8, 9]);
        assert!(cache.find("bb").is_some());
    }

    #[test]
    fn one_that_is_larger_than_all_may_be_is_not_kept() {
        let (_folder, cache) = cache(2 * BLOCK);
        cache.keep("aa", &picture(9000));
        assert_eq!(cache.find("aa"), None);
    }

    #[test]
    fn files_that_were_never_finished_are_removed() {
        let (_folder, cache) = cache(1 << 20);
        cache.keep("ab12", &picture(100));
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
        let cache = Cache::new(folder.path().join("file"), 1 << 20);
        cache.keep("ab12", &picture(100));
        assert_eq!(cache.find("ab12"), None);
        assert!(cache.failing.load(Ordering::Relaxed));
    }
}
