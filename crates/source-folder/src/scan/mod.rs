//! One look at the tree, or at parts of it, and what it says to the library.
//!
//! The scanner remembers what it has reported, by key and stamp. A pass walks through folders and compares: what
//! is new or changed is read, what is gone is gone or has moved, and what only cannot be reached stays listed.
//! A second pass over a tree in which nothing changed reports nothing and opens no file.

mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use library::{Change, Closed, Known, Report, ScanPhase, SourceKey, Stamp};

use crate::lists::{self, Lists};
use crate::moves::Gone;
use crate::playlists::Songs;
use crate::scope::{Scope, outermost};
use crate::settling::{STILL, Shape};
use crate::walk::{self, Found, Look, SongFile, Walk};
use crate::watch::Watch;
use crate::{key, mounts};

/// The most keys in one report of songs that went away or came back.
const KEYS_AT_ONCE: usize = 1000;
/// The most broken files whose look is remembered, so that they are not tried again at every pass.
const MAX_BAD: usize = 100_000;

/// How a pass went.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    /// Why the root cannot be looked at, if so.
    pub(crate) lost: Option<String>,
    /// Files that were being written, to be looked at again.
    pub(crate) moving: Vec<(PathBuf, Shape)>,
    /// Whether anything was reported.
    pub(crate) changed: bool,
}

/// Whether a file has come to rest.
type Rests<'a> = &'a dyn Fn(&Path, Look) -> bool;

impl Pass {
    /// Whether a file has come to rest; if not, notes it.
    fn rests(&mut self, path: PathBuf, look: Look, rests: Rests<'_>) -> bool {
        let resting = rests(&path, look);
        if !resting {
            self.moving.push((path, shape(look)));
        }
        resting
    }
}

/// What is remembered of a song that was reported.
#[derive(Debug)]
struct Song {
    stamp: Stamp,
    /// Whether it was out of reach when it was last looked for, be it in an earlier run.
    away: bool,
    /// Whether the library was told so in this run.
    told_away: bool,
    /// How the pass that runs has met it. Set from several threads.
    met: AtomicU8,
}

/// A song that the pass has not met.
const UNMET: u8 = 0;
/// A song that the pass has met, with another stamp.
const MET_CHANGED: u8 = 1;
/// A song that the pass has met as it was.
const MET_UNCHANGED: u8 = 2;

impl Song {
    fn new(stamp: Stamp) -> Self {
        Self { stamp, away: false, told_away: false, met: AtomicU8::new(MET_UNCHANGED) }
    }

    fn met(&self) -> u8 {
        self.met.load(Ordering::Relaxed)
    }
}

/// What is remembered of a file that is no song.
#[derive(Clone, Copy, Debug)]
struct Bad {
    stamp: Stamp,
    /// Whether trying again is worth it though nothing changed: permissions leave no mark in the stamp.
    retry: bool,
}

/// Looks at a tree and remembers what it has reported of it.
#[derive(Debug)]
pub(crate) struct Scanner {
    root: PathBuf,
    threads: usize,
    report: Report,
    /// Which folder the root was in the last pass.
    identity: Option<(u64, u64)>,
    songs: BTreeMap<SourceKey, Song>,
    lists: Lists,
    /// Files that are no songs, as they looked when that was found.
    bad: HashMap<SourceKey, Bad>,
    /// Folders that could not be read when last looked at.
    unreadable: HashSet<Vec<u8>>,
    /// Folders that were on another disk than their parents.
    mounts: BTreeSet<Vec<u8>>,
}

impl Scanner {
    /// A scanner of this folder that goes on from what the library knows.
    pub(crate) fn new(root: PathBuf, threads: usize, report: Report, known: &Known) -> Self {
        let song = |(key, stamp): (&SourceKey, &Stamp)| {
            (key.clone(), Song { away: known.away.contains(key), ..Song::new(*stamp) })
        };
        let songs = known.songs.iter().map(song).collect();
        Self {
            root,
            threads,
            report,
            identity: None,
            songs,
            lists: Lists::new(&known.playlists),
            bad: HashMap::new(),
            unreadable: HashSet::new(),
            mounts: BTreeSet::new(),
        }
    }

    /// The folder that is scanned.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there is a song with this key, or a song or playlist below a folder with it.
    pub(crate) fn knows(&self, key: &[u8]) -> Knows {
        if self.songs.contains_key(&SourceKey::from(key)) {
            Knows::Song
        } else if self.below(&Scope::Tree(key.to_vec())).next().is_some()
            || self.lists.has_below(key)
        {
            Knows::Folder
        } else {
            Knows::Nothing
        }
    }

    /// Looks at these parts of the tree and reports what changed; from then on their folders are watched. Files
    /// for which `waits` says so are still being written and left alone.
    pub(crate) fn pass(
        &mut self,
        scopes: &[Scope],
        watch: Option<&Watch>,
        waits: &dyn Fn(&Path) -> bool,
    ) -> Result<Pass, Closed> {
        let whole = scopes.contains(&Scope::ALL);
        if let Err(error) = fs::read_dir(&self.root) {
            return self.lose_all(format!("{} cannot be read: {error}", self.root.display()));
        }
        self.report.scan(|scan| {
            scan.phase = ScanPhase::Scanning;
            if whole {
                (scan.done, scan.total, scan.errors) = (0, 0, 0);
            }
        });
        let scopes = outermost(scopes);
        let found = self.look(&scopes, watch);
        if self.report.is_stopped() {
            return Err(Closed);
        }
        let missing = self.missing(&scopes);
        if found.count == 0 && self.is_suddenly_empty(whole, &missing) {
            return self.lose_all(format!("{} is suddenly empty", self.root.display()));
        }
        let mut pass = Pass::default();
        self.back(&scopes, &mut pass)?;
        let unreachable = self.unreachable(&scopes, &found);
        let (missing, news) = self.moved(missing, found.songs, &mut pass)?;
        self.lost(missing, &unreachable, waits, &mut pass)?;
        // The first pass reads all there is; whoever is writing then will be heard again.
        let first = self.songs.is_empty();
        let rests = |path: &Path, look| first || !waits(path) && !is_fresh(look);
        let news = self.resting(news, &rests, &mut pass);
        let came = !news.is_empty();
        self.read(news, whole.then_some(found.count), &mut pass)?;
        self.gone_lists(&scopes, &found.playlists, &unreachable, &mut pass)?;
        self.read_lists(found.playlists, came, &rests, &mut pass)?;
        Ok(pass)
    }

    /// Songs with a key in this part of the tree.
    fn below<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = (&'a SourceKey, &'a Song)> {
        let start = SourceKey::from(scope.folder());
        let folder = scope.folder();
        self.songs
            .range(start..)
            .take_while(move |(key, _)| key.as_bytes().starts_with(folder))
            .filter(|(key, _)| scope.contains(key.as_bytes()))
    }

    /// Walks through the scopes, marking the songs that are as they were.
    fn look(&self, scopes: &[Scope], watch: Option<&Watch>) -> Found {
        for scope in scopes {
            self.below(scope).for_each(|(_, song)| song.met.store(UNMET, Ordering::Relaxed));
        }
        let is_news = |file: &SongFile| {
            let Some(song) = self.songs.get(&file.key) else { return true };
            let unchanged = is_unchanged(song.stamp, file.stamp());
            song.met.store(if unchanged { MET_UNCHANGED } else { MET_CHANGED }, Ordering::Relaxed);
            !unchanged
        };
        let stop = || self.report.is_stopped();
        let walk =
            Walk { root: &self.root, threads: self.threads, watch, is_news: &is_news, stop: &stop };
        let mut found = Found::default();
        for scope in scopes {
            found.append(walk.through(scope.folder(), matches!(scope, Scope::Tree(_))));
        }
        found.songs.sort_by(|a, b| a.key.cmp(&b.key));
        found
    }

    fn missing(&self, scopes: &[Scope]) -> Vec<SourceKey> {
        let missing = |(key, song): (&SourceKey, &Song)| (song.met() == UNMET).then(|| key.clone());
        scopes.iter().flat_map(|scope| self.below(scope)).filter_map(missing).collect()
    }

    /// Whether it looks as if a disk were not mounted. One song alone that is deleted is believed to be.
    fn is_suddenly_empty(&self, whole: bool, missing: &[SourceKey]) -> bool {
        let all_missing = missing.len() == self.songs.len();
        let bare = || fs::read_dir(&self.root).is_ok_and(|mut entries| entries.next().is_none());
        missing.len() > 1 && all_missing && (whole || bare())
    }

    /// Whether another folder is in the place of the one that was looked at before: a disk was mounted over it,
    /// or is no longer.
    fn is_replaced(&mut self) -> bool {
        let now = fs::metadata(&self.root).ok().and_then(|metadata| walk::identity(&metadata));
        let before = std::mem::replace(&mut self.identity, now);
        before.is_some() && before != now
    }

    /// The root cannot be looked at: whatever it held is away, not gone.
    fn lose_all(&mut self, problem: String) -> Result<Pass, Closed> {
        let mut pass = Pass { lost: Some(problem), ..Pass::default() };
        let all = self.songs.keys().cloned().collect();
        self.away(all, &mut pass)?;
        Ok(pass)
    }

    /// Folders whose songs are out of reach rather than gone.
    fn unreachable(&mut self, scopes: &[Scope], found: &Found) -> Vec<Vec<u8>> {
        let mut unreachable = Vec::new();
        let mut unreadable = HashSet::new();
        for (folder, error) in &found.unreadable {
            if is_absence(error) {
                continue;
            }
            if !self.unreadable.contains(folder) {
                let path = key::path(&self.root, folder).unwrap_or_default();
                tracing::warn!("{} cannot be looked into: {error}", path.display());
            }
            unreadable.insert(folder.clone());
            unreachable.push(folder.clone());
        }
        let looked_at = |folder: &[u8]| {
            scopes.iter().any(|scope| scope.folder() == folder || scope.contains(folder))
        };
        self.unreadable.retain(|folder| !looked_at(folder));
        self.unreadable.extend(unreadable);

        // A place for a disk is there without its disk: the folder of a mount that went, or an empty one that the
        // machine is set up to mount something on.
        let unmounted = self
            .mounts
            .iter()
            .filter(|folder| looked_at(folder) && !found.mounts.contains(*folder));
        unreachable.extend(unmounted.filter(|folder| self.is_folder(folder)).cloned());
        if !found.empty.is_empty() {
            let places: HashSet<_> =
                mounts::configured().into_iter().map(|mount| mount.place).collect();
            let is_place = |folder: &&Vec<u8>| {
                key::path(&self.root, folder).is_some_and(|path| places.contains(&path))
            };
            unreachable.extend(found.empty.iter().filter(is_place).cloned());
        }
        let lost: BTreeSet<_> = unreachable.iter().cloned().collect();
        self.mounts.retain(|folder| !looked_at(folder) || lost.contains(folder));
        self.mounts.extend(found.mounts.iter().cloned());
        unreachable
    }

    fn is_folder(&self, folder: &[u8]) -> bool {
        key::path(&self.root, folder).is_some_and(|path| path.is_dir())
    }

    /// Reports songs as out of reach.
    fn away(&mut self, keys: Vec<SourceKey>, pass: &mut Pass) -> Result<(), Closed> {
        let songs = &mut self.songs;
        let newly = keys.into_iter().filter(|key| {
            songs.get_mut(key).is_some_and(|song| {
                song.away = true;
                !std::mem::replace(&mut song.told_away, true)
            })
        });
        let newly: Vec<_> = newly.collect();
        self.tell_keys(&newly, Change::Away, pass)
    }

    /// Reports songs that were out of reach and are there again, as they were.
    fn back(&mut self, scopes: &[Scope], pass: &mut Pass) -> Result<(), Closed> {
        let is_back = |song: &Song| song.away && song.met() == MET_UNCHANGED;
        let back: Vec<_> = scopes
            .iter()
            .flat_map(|scope| self.below(scope))
            .filter(|(_, song)| is_back(song))
            .map(|(key, _)| key.clone())
            .collect();
        for key in &back {
            if let Some(song) = self.songs.get_mut(key) {
                (song.away, song.told_away) = (false, false);
            }
        }
        self.tell_keys(&back, Change::Back, pass)
    }

    fn tell_keys(
        &self,
        keys: &[SourceKey],
        change: fn(Vec<SourceKey>) -> Change,
        pass: &mut Pass,
    ) -> Result<(), Closed> {
        for some in keys.chunks(KEYS_AT_ONCE) {
            self.report.blocking_change(change(some.to_vec()))?;
            pass.changed = true;
        }
        Ok(())
    }

    /// The news without the files that are still being written, which are to be looked at again.
    fn resting(&self, news: Vec<SongFile>, rests: Rests<'_>, pass: &mut Pass) -> Vec<SongFile> {
        let is_resting = |file: &SongFile| {
            let path = key::path(&self.root, file.key.as_bytes());
            path.is_some_and(|path| pass.rests(path, file.look, rests))
        };
        news.into_iter().filter(is_resting).collect()
    }

    /// Finds out which of the missing files are among the new ones under another name. Returns those that are
    /// not, and what is still to be read.
    fn moved(
        &mut self,
        mut missing: Vec<SourceKey>,
        news: Vec<SongFile>,
        pass: &mut Pass,
    ) -> Result<(Vec<SourceKey>, Vec<SongFile>), Closed> {
        let stamped = |key: &SourceKey| Some((key.clone(), self.songs.get(key)?.stamp));
        let mut gone: Vec<_> = missing.iter().filter_map(stamped).collect();
        gone.extend(self.left(&news));
        let mut gone = Gone::new(gone);
        let mut unread = Vec::with_capacity(news.len());
        for file in news {
            let from = if self.songs.contains_key(&file.key) { None } else { gone.take(&file) };
            let Some(from) = from else {
                unread.push(file);
                continue;
            };
            // What a song is called may come from its name, and its picture from its folder.
            let known = self.songs.remove(&from).map(|song| song.stamp);
            let same_name = key::name(from.as_bytes()) == key::name(file.key.as_bytes());
            let mut stamp = file.stamp();
            if !same_name || known.is_none_or(|known| known.modified_ns != stamp.modified_ns) {
                stamp = walk::unread(stamp);
                unread.push(file.clone());
            }
            self.songs.insert(file.key.clone(), Song::new(stamp));
            self.lists.moved(&from, &file.key);
            self.report.blocking_change(Change::Moved { from, to: file.key, stamp })?;
            pass.changed = true;
        }
        missing.retain(|key| gone.has(key));
        Ok((missing, unread))
    }

    /// The songs that have the file of one of the news and are no longer where they were. Where they were may
    /// not be looked at now, or was before they moved.
    fn left(&self, news: &[SongFile]) -> Vec<(SourceKey, Stamp)> {
        let new = news.iter().filter(|file| !self.songs.contains_key(&file.key));
        let files: HashSet<_> = new.map(|file| file.look.file).filter(|file| *file != 0).collect();
        if files.is_empty() {
            return Vec::new();
        }
        let has_left = |key: &SourceKey| {
            let path = key::path(&self.root, key.as_bytes());
            path.is_some_and(|path| fs::metadata(path).is_err_and(|error| is_absence(&error)))
        };
        let same_file = self.songs.iter().filter(|(_, song)| files.contains(&song.stamp.file));
        let left = same_file.filter(|(key, _)| has_left(key));
        left.map(|(key, song)| (key.clone(), song.stamp)).collect()
    }

    /// Reports what is no longer there: as away what may be only out of reach, the rest as gone; but not yet where
    /// changes still come, as it may be found in another place.
    fn lost(
        &mut self,
        missing: Vec<SourceKey>,
        unreachable: &[Vec<u8>],
        waits: &dyn Fn(&Path) -> bool,
        pass: &mut Pass,
    ) -> Result<(), Closed> {
        let replaced = self.is_replaced();
        let is_away = |key: &SourceKey| {
            // What was out of reach is not gone because it still is: how long it is kept is the library's affair.
            replaced
                || self.songs.get(key).is_some_and(|song| song.away)
                || unreachable.iter().any(|folder| key::is_below(key.as_bytes(), folder))
        };
        let (away, gone): (Vec<_>, Vec<_>) = missing.into_iter().partition(is_away);
        self.away(away, pass)?;
        for key in gone {
            if key::path(&self.root, key.as_bytes()).is_some_and(|path| waits(&path)) {
                continue;
            }
            self.songs.remove(&key);
            self.bad.remove(&key);
            self.report.blocking_change(Change::Gone(key))?;
            pass.changed = true;
        }
        Ok(())
    }

    /// Reports the playlists whose files are no longer there.
    fn gone_lists(
        &mut self,
        scopes: &[Scope],
        found: &[(SourceKey, Look)],
        unreachable: &[Vec<u8>],
        pass: &mut Pass,
    ) -> Result<(), Closed> {
        let there: HashSet<_> = found.iter().map(|(key, _)| key).collect();
        let is_gone = |scope: &Scope, key: &SourceKey| {
            let bytes = key.as_bytes();
            let out_of_reach = unreachable.iter().any(|folder| key::is_below(bytes, folder));
            scope.contains(bytes) && !there.contains(key) && !out_of_reach
        };
        let gone =
            |scope| self.lists.below(Scope::folder(scope)).filter(move |key| is_gone(scope, key));
        let gone: Vec<_> = scopes.iter().flat_map(gone).cloned().collect();
        // While songs are out of reach, so may be playlists.
        if !gone.is_empty() && self.songs.values().any(|song| song.away) {
            return Ok(());
        }
        for file in gone {
            self.lists.gone(&file, &self.report)?;
            pass.changed = true;
        }
        Ok(())
    }

    /// Reads the playlist files that are new or changed; and if songs came, those that miss some.
    fn read_lists(
        &mut self,
        found: Vec<(SourceKey, Look)>,
        songs_came: bool,
        rests: Rests<'_>,
        pass: &mut Pass,
    ) -> Result<(), Closed> {
        let mut unread = BTreeMap::new();
        if songs_came {
            unread.extend(self.lists.unmatched().map(|(key, stamp)| (key.clone(), stamp)));
        }
        for (file, look) in found {
            let Some(path) = key::path(&self.root, file.as_bytes()) else { continue };
            let stamp = lists::stamp(look);
            if self.lists.is_news(&file, stamp) && pass.rests(path, look, rests) {
                unread.insert(file, stamp);
            }
        }
        if unread.is_empty() {
            return Ok(());
        }
        let songs = Songs::new(&self.root, self.songs.keys().cloned());
        for (file, stamp) in unread {
            self.lists.read(&self.root, &file, stamp, &songs, &self.report)?;
            pass.changed = true;
        }
        Ok(())
    }
}

/// What the scanner has below a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Knows {
    Nothing,
    Song,
    Folder,
}

/// Whether this says that nothing is there, rather than that it cannot be reached.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether a song with the first stamp is as it was when it has the second.
fn is_unchanged(known: Stamp, now: Stamp) -> bool {
    // File numbers may be missing on either side, after a move to another system.
    let same_file = known.file == now.file || known.file == 0 || now.file == 0;
    same_file && known.size == now.size && known.modified_ns == now.modified_ns
}

/// Whether a file changed so lately that somebody may be writing it.
fn is_fresh(look: Look) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    let age = i128::try_from(now).unwrap_or(i128::MAX) - i128::from(look.modified_ns);
    // The clock of a file system lags by some milliseconds; and a time in the future says nothing.
    let still = i128::try_from(STILL.as_nanos()).unwrap_or(0) * 9 / 10;
    (0..still).contains(&age)
}

/// The shape of a file that looks like this.
pub(crate) fn shape(look: Look) -> Shape {
    Some((look.size, look.modified_ns))
}
