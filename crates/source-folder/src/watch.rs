//! Hearing of changes: the system's watch on the tree, and where what it says is kept until it is asked for.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher, WatcherKind};

use crate::walk;

/// The most changed paths that are kept; with more the whole tree is looked through.
const MAX_HEARD: usize = 16_384;

/// What was heard since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Where something happened.
    pub(crate) paths: HashSet<PathBuf>,
    /// More happened than could be kept.
    pub(crate) overflow: bool,
    /// The watch no longer sees everything, and why.
    pub(crate) failure: Option<String>,
    /// It is time to stop.
    pub(crate) stop: bool,
}

impl Heard {
    fn is_nothing(&self) -> bool {
        self.paths.is_empty() && !self.overflow && self.failure.is_none() && !self.stop
    }
}

/// Where the watch leaves what it hears. One thread waits for it.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    heard: Mutex<Heard>,
    changed: Condvar,
}

impl Inbox {
    /// What was heard; waits for something, but no longer than this. A stop stays heard.
    pub(crate) fn wait(&self, timeout: Duration) -> Heard {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(heard, timeout, |heard| heard.is_nothing());
        let mut heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        let stop = heard.stop;
        std::mem::replace(&mut *heard, Heard { stop, ..Heard::default() })
    }

    /// Asks the one who waits to stop.
    pub(crate) fn stop(&self) {
        self.change(|heard| heard.stop = true);
    }

    fn change(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn event(&self, root: &Path, event: notify::Result<Event>) {
        match event {
            Ok(event) if event.need_rescan() => self.change(|heard| heard.overflow = true),
            Ok(event) if is_change(event.kind) => {
                let paths = event.paths.into_iter().filter(|path| is_visible(root, path));
                let paths: Vec<_> = paths.collect();
                if !paths.is_empty() {
                    self.change(|heard| heard.add(paths));
                }
            }
            Ok(_) => {}
            Err(error) => self.change(|heard| heard.failure = Some(reason(&error))),
        }
    }
}

impl Heard {
    fn add(&mut self, paths: Vec<PathBuf>) {
        if self.paths.len() + paths.len() > MAX_HEARD {
            self.overflow = true;
        } else {
            self.paths.extend(paths);
        }
    }
}

/// Whether something is another afterwards. Reading is no change, above all our own.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write))
}

/// Whether no folder on the way is one that is left out.
fn is_visible(root: &Path, path: &Path) -> bool {
    path.strip_prefix(root).is_ok_and(|path| path.iter().all(|name| !walk::is_hidden(name)))
}

/// The system's watch on a tree, for as long as this lives.
pub(crate) struct Watch {
    watcher: Mutex<RecommendedWatcher>,
    inbox: Arc<Inbox>,
}

impl Watch {
    /// Watches a tree: whole, where the system can; else folder by folder, as a walk comes by ([`Self::folder`]).
    pub(crate) fn new(root: &Path, inbox: &Arc<Inbox>) -> Result<Self, String> {
        let (hears, from) = (Arc::clone(inbox), root.to_owned());
        let mut watcher = notify::recommended_watcher(move |event| hears.event(&from, event))
            .map_err(|error| reason(&error))?;
        let mode =
            if is_by_folder() { RecursiveMode::NonRecursive } else { RecursiveMode::Recursive };
        watcher.watch(root, mode).map_err(|error| reason(&error))?;
        Ok(Self { watcher: Mutex::new(watcher), inbox: Arc::clone(inbox) })
    }

    /// Watches a folder that is about to be looked into: what changes from now on is heard, what changed before
    /// is seen.
    pub(crate) fn folder(&self, path: &Path) {
        if !is_by_folder() {
            return;
        }
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = watcher.watch(path, RecursiveMode::NonRecursive);
        drop(watcher);
        // That a folder is gone, or may not be read, the look will tell.
        if let Err(error) = watched
            && matches!(error.kind, notify::ErrorKind::MaxFilesWatch)
        {
            self.inbox.event(path, Err(error));
        }
    }
}

/// Whether the system watches each folder by itself. The watcher would go through a whole tree alone, hidden folders
/// too, and ask for every file what it is, before the first is looked at.
fn is_by_folder() -> bool {
    RecommendedWatcher::kind() == WatcherKind::Inotify
}

fn reason(error: &notify::Error) -> String {
    match error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "the system allows no more watches (fs.inotify.max_user_watches)".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use notify::event::{CreateKind, Flag};

    use super::*;

    fn created(path: impl Into<PathBuf>) -> notify::Result<Event> {
        Ok(Event::new(EventKind::Create(CreateKind::File)).add_path(path.into()))
    }

    #[test]
    fn what_is_heard_is_kept_until_it_is_asked_for() {
        let inbox = Inbox::default();
        let root = Path::new("/music");
        inbox.event(root, created("/music/a.mp3"));
        inbox.event(root, created("/music/a.mp3"));
        inbox.event(root, created("/music/.hidden/b.mp3"));
        let read = EventKind::Access(AccessKind::Open(AccessMode::Any));
        inbox.event(root, Ok(Event::new(read).add_path("/music/c.mp3".into())));
        let heard = inbox.wait(Duration::ZERO);
        assert_eq!(heard.paths, HashSet::from(["/music/a.mp3".into()]));
        assert!(inbox.wait(Duration::ZERO).is_nothing());
    }

    #[test]
    fn too_much_is_told_as_too_much() {
        let inbox = Inbox::default();
        for n in 0..=MAX_HEARD {
            inbox.event(Path::new("/"), created(format!("/{n}")));
        }
        let heard = inbox.wait(Duration::ZERO);
        assert!(heard.overflow && heard.paths.len() == MAX_HEARD);
        inbox.event(Path::new("/"), Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(inbox.wait(Duration::ZERO).overflow);
    }

    #[test]
    fn a_stop_wakes_who_waits_and_stays() {
        let inbox = Inbox::default();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| inbox.wait(Duration::from_secs(60)).stop);
            inbox.stop();
            assert!(waiting.join().unwrap());
        });
        assert!(inbox.wait(Duration::ZERO).stop);
    }
}
