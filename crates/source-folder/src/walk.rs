//! Going through folders: what is there, without opening a file.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use library::{SourceKey, Stamp};

use crate::watch::Watch;
use crate::{key, names, playlists, pool, tags};

/// Folders in folders; deeper ones are not looked into.
const MAX_DEPTH: usize = 64;

/// Folders that programs and systems keep for themselves.
const NOT_MUSIC: &[&str] = &[
    "@eaDir",
    "@Recycle",
    "#recycle",
    "#snapshot",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
];

/// How a file looks from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Look {
    /// Size in bytes.
    pub(crate) size: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub(crate) modified_ns: i64,
    /// Which file it is, on its disk; 0 if unknown.
    pub(crate) file: u64,
}

impl Look {
    /// How the file that this describes looks.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let time = metadata.modified().ok();
        let modified_ns = time.map_or(0, |time| match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
        });
        Self { size: metadata.len(), modified_ns, file: file_number(metadata) }
    }

    /// The stamp of a song. In the lowest bits of its time is what else a song depends on: how tags are read,
    /// and whether a picture lies beside it. When that changes, the song is read again.
    pub(crate) fn song_stamp(self, picture: bool) -> Stamp {
        let extra = i64::from(tags::VERSION & 0x7F) << 1 | i64::from(picture);
        Stamp { size: self.size, modified_ns: self.modified_ns & !0xFF | extra, file: self.file }
    }
}

/// The stamp of a file that is known but has to be read, now or after a restart: that of no way of reading tags.
pub(crate) fn unread(stamp: Stamp) -> Stamp {
    Stamp { modified_ns: stamp.modified_ns & !0xFF, ..stamp }
}

#[cfg(unix)]
fn file_number(metadata: &Metadata) -> u64 {
    // Without the device, whose number may be another after a restart.
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn file_number(_: &Metadata) -> u64 {
    0
}

/// What tells folders apart: device and number, or nothing where the system does not say.
#[cfg(unix)]
pub(crate) fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(crate) fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// A file that is taken for a song.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SongFile {
    pub(crate) key: SourceKey,
    pub(crate) look: Look,
    /// Whether a picture lies beside it.
    pub(crate) picture: bool,
}

impl SongFile {
    /// By what to know the song unchanged.
    pub(crate) fn stamp(&self) -> Stamp {
        self.look.song_stamp(self.picture)
    }
}

/// What there is in a part of the tree.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// How many files are taken for songs.
    pub(crate) count: u64,
    /// Those of them that are news to the caller.
    pub(crate) songs: Vec<SongFile>,
    /// Files that are taken for playlists.
    pub(crate) playlists: Vec<(SourceKey, Look)>,
    /// Folders that could not be read, and why.
    pub(crate) unreadable: Vec<(Vec<u8>, io::Error)>,
    /// Folders that are on another disk than the one they are in.
    pub(crate) mounts: BTreeSet<Vec<u8>>,
    /// Folders without any entry.
    pub(crate) empty: Vec<Vec<u8>>,
}

/// A folder to be looked into.
#[derive(Debug)]
struct Folder {
    key: Vec<u8>,
    path: PathBuf,
    /// Whether its parent has a picture.
    parent_picture: bool,
    depth: usize,
    line: Option<Arc<Line>>,
}

/// The folders from one up to the root, so that a link to one of them is not followed round and round.
#[derive(Debug)]
struct Line {
    identity: (u64, u64),
    parent: Option<Arc<Line>>,
}

impl Line {
    fn contains(line: Option<&Arc<Self>>, identity: (u64, u64)) -> bool {
        std::iter::successors(line, |line| line.parent.as_ref())
            .any(|line| line.identity == identity)
    }
}

/// A walk through a part of the tree.
pub(crate) struct Walk<'a> {
    /// The root of the tree.
    pub(crate) root: &'a Path,
    /// How many folders are looked into at once, unless that is waiting.
    pub(crate) threads: usize,
    /// What is to watch the folders.
    pub(crate) watch: Option<&'a Watch>,
    /// Whether a song is news. Asked from several threads, once for each song.
    pub(crate) is_news: &'a (dyn Fn(&SongFile) -> bool + Sync),
    /// Whether to go no further.
    pub(crate) stop: &'a (dyn Fn() -> bool + Sync),
}

impl Walk<'_> {
    /// Looks through a folder, and through those below it if `deep`.
    pub(crate) fn through(&self, folder: &[u8], deep: bool) -> Found {
        let found = Mutex::new(Found::default());
        let Some(path) = key::path(self.root, folder) else { return Found::default() };
        let parent_picture = path.parent().filter(|_| !folder.is_empty()).is_some_and(has_picture);
        let (depth, line) = (depth(folder), ancestors(self.root, folder));
        let start = Folder { key: folder.to_vec(), path, parent_picture, depth, line };
        pool::work("folder-walk", self.threads, vec![start], self.stop, |folder, more| {
            let mut here = Found::default();
            if let Some(watch) = self.watch {
                watch.folder(&folder.path);
            }
            match look_into(&folder, &mut here) {
                Ok(below) if deep && folder.depth < MAX_DEPTH => more.extend(below),
                Ok(_) => {}
                Err(error) => here.unreadable.push((folder.key, error)),
            }
            here.count = here.songs.len() as u64;
            here.songs.retain(|song| (self.is_news)(song));
            found.lock().unwrap_or_else(PoisonError::into_inner).append(here);
        });
        found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    /// Adds what was found elsewhere.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.count += other.count;
        self.songs.append(&mut other.songs);
        self.playlists.append(&mut other.playlists);
        self.unreadable.append(&mut other.unreadable);
        self.mounts.append(&mut other.mounts);
        self.empty.append(&mut other.empty);
    }
}

fn depth(folder: &[u8]) -> usize {
    folder.iter().filter(|byte| **byte == b'/').count()
}

/// The line of a folder that is not the root, for a walk that begins in the middle.
fn ancestors(root: &Path, folder: &[u8]) -> Option<Arc<Line>> {
    if folder.is_empty() {
        return None;
    }
    let parent = key::folder(folder);
    let above = ancestors(root, parent);
    let metadata = fs::metadata(key::path(root, parent)?).ok()?;
    Some(Arc::new(Line { identity: identity(&metadata)?, parent: above }))
}

/// Looks into one folder. What it holds goes to `found`; the folders in it are returned.
fn look_into(folder: &Folder, found: &mut Found) -> io::Result<Vec<Folder>> {
    let own = identity(&fs::metadata(&folder.path)?);
    if let (Some((device, _)), Some(parent)) = (own, &folder.line)
        && device != parent.identity.0
    {
        found.mounts.insert(folder.key.clone());
    }
    let line = own.map(|identity| Arc::new(Line { identity, parent: folder.line.clone() }));
    let (mut entries, mut picture, mut below) = (0_u64, false, Vec::new());
    for entry in fs::read_dir(&folder.path)? {
        let entry = entry?;
        entries += 1;
        let name = entry.file_name();
        if is_hidden(&name) {
            continue;
        }
        match kind(&entry, &name, line.as_ref()) {
            Some(Kind::Folder(path)) => below.push((key::join(&folder.key, &name), path)),
            Some(Kind::Picture) => picture = true,
            Some(Kind::Song(look)) => {
                let key = SourceKey::from(key::join(&folder.key, &name).as_slice());
                found.songs.push(SongFile { key, look, picture: false });
            }
            Some(Kind::Playlist(look)) => {
                let key = SourceKey::from(key::join(&folder.key, &name).as_slice());
                found.playlists.push((key, look));
            }
            None => {}
        }
    }
    if entries == 0 {
        found.empty.push(folder.key.clone());
    }
    let beside = picture || folder.parent_picture && names::is_disc_folder(key::name(&folder.key));
    found.songs.iter_mut().for_each(|song| song.picture = beside);
    let folder = |(key, path)| Folder {
        key,
        path,
        parent_picture: picture,
        depth: folder.depth + 1,
        line: line.clone(),
    };
    Ok(below.into_iter().map(folder).collect())
}

/// What an entry of a folder is to us.
enum Kind {
    Folder(PathBuf),
    Song(Look),
    Playlist(Look),
    Picture,
}

/// What an entry is; `None` for what is nothing to us, is gone since it was listed, or leads round in a circle.
fn kind(entry: &fs::DirEntry, name: &OsStr, line: Option<&Arc<Line>>) -> Option<Kind> {
    let mut file_type = entry.file_type().ok()?;
    let mut linked = None;
    if file_type.is_symlink() {
        let metadata = fs::metadata(entry.path()).ok()?;
        file_type = metadata.file_type();
        let loops = |identity| Line::contains(line, identity);
        if file_type.is_dir() && identity(&metadata).is_none_or(loops) {
            return None;
        }
        linked = Some(metadata);
    }
    if file_type.is_dir() {
        return Some(Kind::Folder(entry.path()));
    }
    // An entry is asked through its open folder: the way from the root is not gone again for each.
    let look = || Some(Look::of(&linked.or_else(|| entry.metadata().ok())?));
    // A pipe with the name of a song would be waited for without end.
    if !file_type.is_file() {
        None
    } else if tags::is_song(Path::new(name)) {
        Some(Kind::Song(look()?))
    } else if playlists::is_playlist(name.as_encoded_bytes()) {
        Some(Kind::Playlist(look()?))
    } else {
        names::is_picture(name).then_some(Kind::Picture)
    }
}

/// Whether a file or folder of this name is nobody's music.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || NOT_MUSIC.iter().any(|known| name == *known)
}

fn has_picture(folder: &Path) -> bool {
    names::picture_in(folder).is_some()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        root
    }

    fn walk(root: &Path, folder: &[u8]) -> Found {
        Walk { root, threads: 2, watch: None, is_news: &|_| true, stop: &|| false }
            .through(folder, true)
    }

    #[track_caller]
    fn check(root: &Path, expected: &[&str]) {
        let found = walk(root, b"");
        let mut songs: Vec<_> = found.songs.iter().map(|song| song.key.to_string()).collect();
        songs.sort();
        assert_eq!(songs, expected);
    }

    #[test]
    fn songs_are_found_and_what_is_hidden_is_not() {
        let root = tree(&[
            "a.mp3",
            "b/c.FLAC",
            "b/._c.flac",
            ".trash/d.mp3",
            "@eaDir/e.mp3",
            "notes.txt",
            "f.mp3/g.ogg",
        ]);
        check(root.path(), &["a.mp3", "b/c.FLAC", "f.mp3/g.ogg"]);
    }

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let root = tree(&["a/x.mp3"]);
        let elsewhere = tree(&["y.mp3"]);
        symlink(root.path(), root.path().join("a/loop")).unwrap();
        symlink(elsewhere.path(), root.path().join("linked")).unwrap();
        symlink("a/x.mp3", root.path().join("z.mp3")).unwrap();
        symlink("nowhere.mp3", root.path().join("dangling.mp3")).unwrap();
        check(root.path(), &["a/x.mp3", "linked/y.mp3", "z.mp3"]);
    }

    #[test]
    fn a_pipe_is_no_song() {
        let root = tree(&["a.mp3"]);
        let made = std::process::Command::new("mkfifo").arg(root.path().join("b.mp3")).status();
        if made.is_ok_and(|status| status.success()) {
            check(root.path(), &["a.mp3"]);
        }
    }

    #[test]
    fn a_picture_serves_its_folder_and_the_discs_in_it() {
        let root = tree(&["a/Cover.JPG", "a/1.mp3", "a/CD 2/2.mp3", "a/Live/3.mp3", "4.mp3"]);
        let pictures = |folder: &[u8]| {
            let mut songs = walk(root.path(), folder).songs;
            songs.sort_by(|a, b| a.key.cmp(&b.key));
            songs.into_iter().map(|song| (song.key.to_string(), song.picture)).collect::<Vec<_>>()
        };
        let expected =
            [("4.mp3", false), ("a/1.mp3", true), ("a/CD 2/2.mp3", true), ("a/Live/3.mp3", false)];
        assert_eq!(pictures(b""), expected.map(|(key, picture)| (key.to_owned(), picture)));
        assert_eq!(pictures(b"a/CD 2"), [("a/CD 2/2.mp3".to_owned(), true)]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let root = tree(&[]);
        let found = walk(root.path(), b"a");
        assert_eq!(found.unreadable.len(), 1);
        assert_eq!(found.unreadable[0].1.kind(), io::ErrorKind::NotFound);
    }
}
