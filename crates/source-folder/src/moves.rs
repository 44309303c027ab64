//! Which gone file a new one was.

use std::collections::{HashMap, HashSet};

use library::{SourceKey, Stamp};

use crate::key;
use crate::walk::SongFile;

/// Files that are gone, for finding them again under another key.
pub(crate) struct Gone {
    by_file: HashMap<u64, Vec<(SourceKey, Stamp)>>,
    by_copy: HashMap<(u64, i64, Vec<u8>), Vec<SourceKey>>,
    left: HashSet<SourceKey>,
}

impl Gone {
    /// Files that are gone, and the stamps they had.
    pub(crate) fn new(gone: Vec<(SourceKey, Stamp)>) -> Self {
        let mut by_file: HashMap<_, Vec<_>> = HashMap::new();
        let mut by_copy: HashMap<_, Vec<_>> = HashMap::new();
        for (key, stamp) in &gone {
            by_file.entry(stamp.file).or_default().push((key.clone(), *stamp));
            by_copy.entry(copy_of(*stamp, key)).or_default().push(key.clone());
        }
        Self { by_file, by_copy, left: gone.into_iter().map(|(key, _)| key).collect() }
    }

    /// The gone file that this new one was, if it was one: the same file by number, size and time; or a copy of
    /// the same name, size and time. Each is found once.
    pub(crate) fn take(&mut self, file: &SongFile) -> Option<SourceKey> {
        if self.left.is_empty() {
            return None;
        }
        let stamp = file.stamp();
        let same = self.by_file.get(&stamp.file).into_iter().flatten();
        let mut same =
            same.filter(|(key, gone)| is_same_file(*gone, stamp) && self.left.contains(key));
        let found = same.next().map(|(key, _)| key).or_else(|| {
            let copies = self.by_copy.get(&copy_of(stamp, &file.key));
            copies.into_iter().flatten().find(|key| self.left.contains(key))
        });
        let found = found?.clone();
        self.left.remove(&found);
        Some(found)
    }

    /// Whether this one was not found again.
    pub(crate) fn has(&self, key: &SourceKey) -> bool {
        self.left.contains(key)
    }
}

/// What a copy has in common with its original. Copying may cut the time to whole seconds.
fn copy_of(stamp: Stamp, key: &SourceKey) -> (u64, i64, Vec<u8>) {
    (stamp.size, stamp.modified_ns.div_euclid(1_000_000_000), key::name(key.as_bytes()).to_vec())
}

/// Whether two stamps of songs are of the same file, wherever it is and whatever lies beside it.
fn is_same_file(a: Stamp, b: Stamp) -> bool {
    a.file != 0 && a.file == b.file && a.size == b.size && a.modified_ns >> 8 == b.modified_ns >> 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::Look;

    fn look(size: u64, seconds: i64, file: u64) -> Look {
        Look { size, modified_ns: seconds * 1_000_000_000, file }
    }

    fn gone(files: &[(&str, Look)]) -> Gone {
        let row = |(key, look): &(&str, Look)| (SourceKey::from(*key), look.song_stamp(false));
        Gone::new(files.iter().map(row).collect())
    }

    #[track_caller]
    fn check(gone: &mut Gone, new: &str, look: Look, was: Option<&str>) {
        let file = SongFile { key: new.into(), look, picture: true };
        assert_eq!(gone.take(&file), was.map(SourceKey::from));
    }

    #[test]
    fn the_same_file_is_found_under_any_name_and_only_once() {
        let mut gone = gone(&[("a/1.mp3", look(10, 5, 77)), ("b.mp3", look(10, 5, 78))]);
        check(&mut gone, "x.flac", look(10, 5, 77), Some("a/1.mp3"));
        check(&mut gone, "y.flac", look(10, 5, 77), None);
        assert!(gone.has(&"b.mp3".into()) && !gone.has(&"a/1.mp3".into()));
    }

    #[test]
    fn a_file_that_changed_or_whose_number_was_given_anew_is_another() {
        let mut gone = gone(&[("a.mp3", look(10, 5, 77))]);
        check(&mut gone, "b.mp3", look(11, 5, 77), None);
        check(&mut gone, "b.mp3", look(10, 6, 77), None);
        check(&mut gone, "b.mp3", look(10, 5, 78), None);
    }

    #[test]
    fn a_copy_is_found_by_its_name() {
        let mut gone = gone(&[("a/1.mp3", look(10, 5, 77)), ("b/2.mp3", look(10, 5, 0))]);
        // Copied to a file system that keeps whole seconds, or has no file numbers.
        check(&mut gone, "z/1.mp3", look(10, 5, 90), Some("a/1.mp3"));
        check(&mut gone, "z/3.mp3", look(10, 5, 0), None);
        check(&mut gone, "z/2.mp3", look(10, 5, 0), Some("b/2.mp3"));
    }
}
