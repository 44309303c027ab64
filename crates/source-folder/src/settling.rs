//! Which changed files have come to rest.
//!
//! A file is announced by the first byte that is written to it, and read too early it is half a song. So what
//! changed is looked at again once nothing was heard of it for a while, and is ready only if it then still
//! is what it was. The clock is the caller's: times are counted from any fixed moment.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a file has to stand still.
pub(crate) const STILL: Duration = Duration::from_millis(800);
/// What is due this soon is taken together with what is due, so that the two ends of a move meet.
const TOGETHER: Duration = Duration::from_millis(200);
/// The most files that are waited for. Beyond, the whole tree is to be looked through instead.
const MAX_PENDING: usize = 16_384;

/// Size and time of change of a file; `None` if it is not there, or is a folder.
pub(crate) type Shape = Option<(u64, i64)>;

/// What changed and is waited for.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    pending: HashMap<PathBuf, Pending>,
}

#[derive(Debug)]
struct Pending {
    shape: Shape,
    due: Duration,
}

/// There is no room for more files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Settling {
    /// Something happened to a file, which now has this shape.
    pub(crate) fn touch(&mut self, path: PathBuf, shape: Shape, now: Duration) -> Result<(), Full> {
        if self.pending.len() >= MAX_PENDING && !self.pending.contains_key(&path) {
            return Err(Full);
        }
        self.pending.insert(path, Pending { shape, due: now + STILL });
        Ok(())
    }

    /// Whether a file is waited for, or a folder that it is in.
    pub(crate) fn is_pending(&self, path: &Path) -> bool {
        path.ancestors().any(|path| self.pending.contains_key(path))
    }

    /// When something is due next.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.pending.values().map(|pending| pending.due).min()
    }

    /// The files that have come to rest, in order; those still moving wait on.
    pub(crate) fn due(&mut self, now: Duration, look: impl Fn(&Path) -> Shape) -> Vec<PathBuf> {
        if self.next().is_none_or(|next| next > now) {
            return Vec::new();
        }
        let mut ready = Vec::new();
        for (path, pending) in &mut self.pending {
            if pending.due > now + TOGETHER {
                continue;
            }
            let shape = look(path);
            if shape == pending.shape {
                ready.push(path.clone());
            } else {
                *pending = Pending { shape, due: now + STILL };
            }
        }
        for path in &ready {
            self.pending.remove(path);
        }
        ready.sort();
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn paths(ready: Vec<PathBuf>) -> Vec<String> {
        ready.into_iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn a_file_is_ready_once_it_has_stood_still() {
        let mut settling = Settling::default();
        settling.touch("a".into(), Some((1, 1)), ms(0)).unwrap();
        assert_eq!(settling.next(), Some(ms(800)));
        assert!(settling.due(ms(799), |_| Some((1, 1))).is_empty());
        assert_eq!(paths(settling.due(ms(800), |_| Some((1, 1)))), ["a"]);
        assert_eq!(settling.next(), None);
    }

    #[test]
    fn a_file_that_grows_is_waited_for() {
        let mut settling = Settling::default();
        settling.touch("a".into(), Some((1, 1)), ms(0)).unwrap();
        settling.touch("a".into(), Some((2, 2)), ms(500)).unwrap();
        assert!(settling.due(ms(800), |_| Some((2, 2))).is_empty());
        // It grew without a word.
        assert!(settling.due(ms(1300), |_| Some((3, 3))).is_empty());
        assert!(settling.is_pending(Path::new("a")));
        assert_eq!(paths(settling.due(ms(2100), |_| Some((3, 3)))), ["a"]);
    }

    #[test]
    fn both_ends_of_a_move_are_ready_together() {
        let mut settling = Settling::default();
        settling.touch("new".into(), Some((1, 1)), ms(0)).unwrap();
        settling.touch("old".into(), None, ms(150)).unwrap();
        settling.touch("other".into(), None, ms(600)).unwrap();
        let look = |path: &Path| (path == Path::new("new")).then_some((1, 1));
        assert_eq!(paths(settling.due(ms(800), look)), ["new", "old"]);
    }

    #[test]
    fn what_is_in_a_folder_is_waited_for_with_it() {
        let mut settling = Settling::default();
        settling.touch("a/b".into(), None, ms(0)).unwrap();
        assert!(settling.is_pending(Path::new("a/b/c/1.mp3")));
        assert!(!settling.is_pending(Path::new("a/1.mp3")));
    }

    #[test]
    fn too_many_files_are_refused() {
        let mut settling = Settling::default();
        for n in 0..MAX_PENDING {
            settling.touch(n.to_string().into(), None, ms(0)).unwrap();
        }
        assert_eq!(settling.touch("one more".into(), None, ms(0)), Err(Full));
        assert_eq!(settling.touch("0".into(), None, ms(1)), Ok(()));
    }
}
