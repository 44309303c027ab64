//! Following a tree: one thread that decides when to look at what.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use library::{Closed, Report, ScanPhase};
use tokio::runtime::Handle;

use crate::mounts::{self, Mount};
use crate::scan::{Knows, Pass, Scanner, shape};
use crate::scope::Scope;
use crate::settling::{Settling, Shape};
use crate::walk::{self, Look};
use crate::watch::{Heard, Inbox, Watch};
use crate::{FolderConfig, key, names, playlists, tags};

/// How often it is checked that the root is still the folder it was and that disks come and go.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// How much time at least is between two looks at everything because too much was heard. Looking makes noise
/// itself, and must not call for itself for ever.
const AFTER_OVERFLOW: Duration = Duration::from_secs(10);

/// What keeps a folder from being followed as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    /// The root cannot be looked at.
    Lost,
    /// Changes are not heard of.
    Deaf,
}

/// Follows a tree until it is asked to stop.
pub(crate) struct Follower {
    scanner: Scanner,
    report: Report,
    runtime: Handle,
    inbox: Arc<Inbox>,
    /// Whether to have the system tell of changes.
    watch: bool,
    sweep: Duration,
    watcher: Option<Watch>,
    settling: Settling,
    /// From when times are counted.
    began: Instant,
    /// Where the root was and what was mounted, when last checked.
    ground: Ground,
    next_check: Duration,
    next_sweep: Duration,
    overflow: bool,
    last_whole: Duration,
    troubles: BTreeMap<Trouble, String>,
}

/// Which folder the root is, and what is mounted there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ground {
    identity: Option<(u64, u64)>,
    mounts: Vec<Mount>,
}

impl Ground {
    fn of(root: &Path) -> Self {
        let identity = fs::metadata(root).ok().and_then(|metadata| walk::identity(&metadata));
        // Links on the way to the root are not in the table of mounts.
        let place = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        Self { identity, mounts: mounts::about(mounts::mounted(), &place) }
    }
}

impl Follower {
    pub(crate) fn new(
        scanner: Scanner,
        report: Report,
        runtime: Handle,
        inbox: Arc<Inbox>,
        config: &FolderConfig,
    ) -> Self {
        Self {
            scanner,
            report,
            runtime,
            inbox,
            watch: config.watch,
            sweep: config.sweep,
            watcher: None,
            settling: Settling::default(),
            began: Instant::now(),
            ground: Ground::default(),
            next_check: Duration::ZERO,
            next_sweep: Duration::ZERO,
            overflow: false,
            last_whole: Duration::ZERO,
            troubles: BTreeMap::new(),
        }
    }

    /// Looks at the tree, then at what changes in it.
    pub(crate) fn run(mut self) {
        let mut scopes = self.new_ground();
        while self.look(&scopes).is_ok() {
            let heard = self.inbox.wait(self.patience());
            if heard.stop {
                return;
            }
            scopes = self.decide(heard);
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// How long there is nothing to do, if nothing is heard.
    fn patience(&self) -> Duration {
        let mut next = self.next_check;
        if self.is_deaf() {
            next = next.min(self.next_sweep);
        }
        if let Some(due) = self.settling.next() {
            next = next.min(due);
        }
        next.saturating_sub(self.now())
    }

    /// Whether there may be changes that are not heard of.
    fn is_deaf(&self) -> bool {
        self.watcher.is_none() || self.troubles.contains_key(&Trouble::Deaf)
    }

    /// What is to be looked at, after this was heard.
    fn decide(&mut self, heard: Heard) -> Vec<Scope> {
        let now = self.now();
        if let Some(reason) = heard.failure {
            self.deaf(&reason);
        }
        self.overflow |= heard.overflow;
        for path in heard.paths {
            self.touch(path, None);
        }
        if now >= self.next_check {
            self.next_check = now + CHECK_EVERY;
            if Ground::of(self.scanner.root()) != self.ground
                || self.troubles.contains_key(&Trouble::Lost)
            {
                return self.new_ground();
            }
        }
        let sweep = self.is_deaf() && now >= self.next_sweep;
        if sweep || self.overflow && now >= self.last_whole + AFTER_OVERFLOW {
            return vec![Scope::ALL];
        }
        let ready = self.settling.due(now, look);
        ready.iter().filter_map(|path| self.scope_of(path)).collect()
    }

    /// Waits for a file to come to rest.
    fn touch(&mut self, path: PathBuf, shape: Option<Shape>) {
        let shape = shape.unwrap_or_else(|| look(&path));
        let now = self.now();
        if self.settling.touch(path, shape, now).is_err() {
            self.overflow = true;
        }
    }

    /// The root is there for the first time, or is another folder than it was: watches it, and looks at all.
    fn new_ground(&mut self) -> Vec<Scope> {
        let root = self.scanner.root().to_owned();
        let ground = Ground::of(&root);
        let same = ground == self.ground;
        self.ground = ground;
        if !same || self.watcher.is_none() {
            self.watcher = None;
            self.troubles.remove(&Trouble::Deaf);
            if !self.watch {
                return vec![Scope::ALL];
            }
            if let Some(kind) = mounts::silent(&self.ground.mounts) {
                let reason = format!("a file system of the kind {kind} does not tell of them");
                self.deaf(&reason);
            } else if root.is_dir() {
                match Watch::new(&root, &self.inbox) {
                    Ok(watcher) => self.watcher = Some(watcher),
                    Err(reason) => self.deaf(&reason),
                }
            }
        }
        vec![Scope::ALL]
    }

    /// Changes are not heard of; says so once.
    fn deaf(&mut self, reason: &str) {
        let root = self.scanner.root().display();
        let every = self.sweep.as_secs().div_ceil(60);
        let text = format!("changes in {root} are looked for every {every} minutes only: {reason}");
        self.trouble(Trouble::Deaf, text);
    }

    fn trouble(&mut self, trouble: Trouble, text: String) {
        if self.troubles.get(&trouble) != Some(&text) {
            tracing::warn!("{text}");
            self.troubles.insert(trouble, text);
        }
    }

    /// Looks at these parts of the tree and tells how it went.
    fn look(&mut self, scopes: &[Scope]) -> Result<(), Closed> {
        if scopes.is_empty() {
            return Ok(());
        }
        let whole = scopes.contains(&Scope::ALL);
        if whole {
            self.overflow = false;
        }
        let settling = &self.settling;
        let Pass { lost, moving, changed } =
            self.scanner.pass(scopes, self.watcher.as_ref(), &|path| settling.is_pending(path))?;
        for (path, shape) in moving {
            if !self.settling.is_pending(&path) {
                self.touch(path, Some(shape));
            }
        }
        match lost {
            Some(problem) => {
                // It may come back as another folder, which then has to be watched anew.
                self.watcher = None;
                self.trouble(Trouble::Lost, problem);
            }
            None if self.troubles.remove(&Trouble::Lost).is_some() => {
                tracing::info!("{} is there again", self.scanner.root().display());
            }
            None => {}
        }
        if whole || changed {
            self.runtime.block_on(self.report.settled())?;
        }
        let now = self.now();
        if whole {
            self.last_whole = now;
            self.next_sweep = now + self.sweep;
        }
        self.tell();
        Ok(())
    }

    fn tell(&self) {
        let lost = self.troubles.contains_key(&Trouble::Lost);
        self.report.scan(|scan| {
            scan.phase = if lost { ScanPhase::Failed } else { ScanPhase::Idle };
            scan.problems = self.troubles.values().cloned().collect();
        });
    }

    /// The part of the tree that a changed path calls to look at.
    fn scope_of(&self, path: &Path) -> Option<Scope> {
        let key = key::of(path.strip_prefix(self.scanner.root()).ok()?);
        let key = key.as_bytes();
        let name = path.file_name()?;
        let parent = key::folder(key).to_vec();
        if path.is_dir() {
            return Some(Scope::Tree(key.to_vec()));
        }
        if names::is_picture(name) {
            // It is the picture of the discs below, too.
            return Some(Scope::Tree(parent));
        }
        let is_ours =
            tags::is_song(Path::new(name)) || playlists::is_playlist(name.as_encoded_bytes());
        match self.scanner.knows(key) {
            Knows::Folder => Some(Scope::Tree(key.to_vec())),
            Knows::Song => Some(Scope::Folder(parent)),
            Knows::Nothing => is_ours.then_some(Scope::Folder(parent)),
        }
    }
}

fn look(path: &Path) -> Shape {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    shape(Look::of(&metadata))
}
