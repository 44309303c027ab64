//! Playlist files, and which songs of the folder they mean.
//!
//! Reading has two steps. The parsers turn bytes into what the file says: [`m3u`], [`pls`], [`xspf`] and, for
//! the library that iTunes writes, [`itunes_xml`]. They know no folder. Then a [`Resolver`] finds the songs
//! that the locations mean among those that are there, the [`Songs`]. [`read`] does both for a file:
//!
//! ```
//! use library::{PlaylistContent, SourceKey, Stamp};
//! use source_folder::playlists::{self, Songs};
//!
//! let root = tempfile::tempdir()?;
//! let path = root.path().join("best.m3u");
//! std::fs::write(&path, "#EXTM3U\r\n#EXTINF:1,Wings - Jet\r\nC:\\Music\\Wings\\Jet.mp3\r\nhttp://radio.example/\r\n")?;
//!
//! let songs = Songs::new(root.path(), [SourceKey::from("Wings/Jet.mp3")]);
//! let found = playlists::read(&path, &"best.m3u".into(), Stamp::default(), &songs)?;
//! assert_eq!(found.playlists[0].name.as_str(), "best");
//! assert_eq!(found.playlists[0].content, PlaylistContent::Songs(vec!["Wings/Jet.mp3".into()]));
//! assert_eq!(found.unmatched.streams, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A playlist means other songs when songs come or go, so it is to be read again then.

pub mod itunes_xml;
mod location;
pub mod m3u;
pub mod pls;
mod songs;
mod text;
mod xml;
pub mod xspf;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use library::{Playlist, PlaylistContent, Recorded, SourceKey, Stamp};

pub use location::{Found, Resolver};
pub use songs::Songs;

/// Entries read from one playlist at most.
pub const MAX_ENTRIES: usize = 100_000;
/// The longest location that is read, in bytes. Longer than any path, even with every byte as `%41`.
pub const MAX_LOCATION: usize = 16 << 10;
/// The longest name or title that is kept, in bytes.
pub const MAX_NAME: usize = 1 << 10;
/// The largest playlist file, in bytes; libraries of iTunes have their own.
pub const MAX_FILE: u64 = 32 << 20;
/// The largest library of iTunes, in bytes: some 500,000 songs.
pub const MAX_LIBRARY_FILE: u64 = 1 << 30;
/// As many entries that match no song are named in a report.
const NAMED_UNMATCHED: usize = 5;

/// The names that iTunes and Music.app give to their library.
const ITUNES_NAMES: [&[u8]; 3] =
    [b"itunes library.xml", b"itunes music library.xml", b"library.xml"];

/// What a playlist file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The name it gives itself; empty if it does not.
    pub name: String,
    /// Its entries in order.
    pub entries: Vec<Entry>,
    /// Entries that make no sense, or are too many.
    pub left_out: usize,
}

/// One entry of a playlist file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Where the song is, a path or URL as written; bytes, because names of files need not be text.
    pub location: Vec<u8>,
    /// What the playlist calls it; empty if it does not.
    pub title: String,
}

impl Parsed {
    /// Adds an entry, unless its location could never be one or there are `limit` already.
    fn push(&mut self, entry: Entry, limit: usize) {
        if self.entries.len() < limit && !entry.location.contains(&0) {
            self.entries.push(entry);
        } else {
            self.left_out += 1;
        }
    }
}

/// Why a playlist cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaylistError {
    /// Its name is not that of a playlist.
    #[error("it is no kind of playlist that is known")]
    UnknownKind,
    /// It is not a file, or the disk has trouble.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is larger than any real one.
    #[error("it is {size} bytes long, more than {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The largest that is read.
        limit: u64,
    },
    /// It is not XML, or ends early: some programs write it anew in place.
    #[error("it is malformed at byte {offset}: {what}")]
    Malformed {
        /// Where, from the start of the file.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// It is XML, but no library of iTunes.
    #[error("it is no library of iTunes")]
    NoLibrary,
}

/// What came of a playlist file: one playlist, or all those of an iTunes library.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Playlists, folders before what is in them.
    pub playlists: Vec<Playlist>,
    /// What iTunes recorded of songs of the folder.
    pub recorded: Vec<(SourceKey, Recorded)>,
    /// What could not be matched.
    pub unmatched: Unmatched,
}

/// The entries of a playlist file that are no songs of the folder. Shown as a sentence for the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmatched {
    /// Entries (of iTunes: songs) in the file.
    pub of: usize,
    /// Files that are none of the folder's songs.
    pub missing: usize,
    /// Streams.
    pub streams: usize,
    /// Entries that make no sense, or are too many.
    pub left_out: usize,
    /// The first few of the missing.
    pub first: Vec<String>,
}

impl Unmatched {
    /// Whether every entry is a song of the folder.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.missing + self.streams + self.left_out == 0
    }

    fn count(&mut self, found: &Found, location: &[u8]) {
        self.of += 1;
        match found {
            Found::Song(_) => {}
            Found::Stream => self.streams += 1,
            Found::Missing(_) => {
                self.missing += 1;
                if self.first.len() < NAMED_UNMATCHED {
                    self.first.push(text::line(&text::decode(location), MAX_NAME));
                }
            }
        }
    }
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "of {} entries {} match no song", self.of, self.missing)?;
        if !self.first.is_empty() {
            let more = if self.missing > self.first.len() { ", ..." } else { "" };
            write!(f, " ({}{more})", self.first.join(", "))?;
        }
        if self.streams > 0 {
            write!(f, ", {} are streams", self.streams)?;
        }
        if self.left_out > 0 {
            write!(f, ", {} more are left out", self.left_out)?;
        }
        Ok(())
    }
}

/// A kind of playlist file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    M3u,
    Pls,
    Xspf,
    ITunes,
}

impl Kind {
    /// The kind that a file's name tells.
    fn of(key: &[u8]) -> Option<Self> {
        let name = key.rsplit(|byte| *byte == b'/').next()?.to_ascii_lowercase();
        if ITUNES_NAMES.contains(&name.as_slice()) {
            return Some(Self::ITunes);
        }
        let dot = name.iter().rposition(|byte| *byte == b'.')?;
        match &name[dot..] {
            b".m3u" | b".m3u8" => Some(Self::M3u),
            b".pls" => Some(Self::Pls),
            b".xspf" => Some(Self::Xspf),
            _ => None,
        }
    }
}

/// Whether a file with this key (or name) is read as a playlist: `.m3u`, `.m3u8`, `.pls`, `.xspf` and the
/// libraries of iTunes and Music.app by their names.
#[must_use]
pub fn is_playlist(key: &[u8]) -> bool {
    Kind::of(key).is_some()
}

/// Whether a playlist key is that of this file, or of a playlist in it: an iTunes library has many.
#[must_use]
pub fn is_of_file(playlist: &SourceKey, file: &SourceKey) -> bool {
    let rest = playlist.as_bytes().strip_prefix(file.as_bytes());
    rest.is_some_and(|rest| {
        rest.is_empty() || Kind::of(file.as_bytes()) == Some(Kind::ITunes) && rest[0] == b'#'
    })
}

/// Reads the playlist file at `path` and finds its songs. Blocks.
///
/// `key` is the file's key below the root. It becomes the playlist's, and those of an iTunes library are
/// `key#PERSISTENT-ID`. All of them get `stamp`.
pub fn read(
    path: &Path,
    key: &SourceKey,
    stamp: Stamp,
    songs: &Songs,
) -> Result<Reading, PlaylistError> {
    let kind = Kind::of(key.as_bytes()).ok_or(PlaylistError::UnknownKind)?;
    let limit = if kind == Kind::ITunes { MAX_LIBRARY_FILE } else { MAX_FILE };
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file").into());
    }
    if metadata.len() > limit {
        return Err(PlaylistError::TooLarge { size: metadata.len(), limit });
    }
    let mut file = File::open(path)?.take(limit);
    if kind == Kind::ITunes {
        let library = itunes_xml::parse(BufReader::with_capacity(64 << 10, file))?;
        return Ok(read_library(library, key, stamp, songs));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let parsed = match kind {
        Kind::Pls => pls::parse(&bytes),
        Kind::Xspf => xspf::parse(&bytes)?,
        Kind::M3u | Kind::ITunes => m3u::parse(&bytes),
    };
    Ok(read_list(parsed, key, stamp, songs))
}

/// A playlist with its songs. Of files that are not there, those that would lie in the folder stay in it, so
/// that they are listed as soon as they come.
fn read_list(parsed: Parsed, key: &SourceKey, stamp: Stamp, songs: &Songs) -> Reading {
    let resolver = Resolver::new(songs, key);
    let mut unmatched = Unmatched { left_out: parsed.left_out, ..Unmatched::default() };
    let mut keys = Vec::new();
    for entry in &parsed.entries {
        let found = resolver.find(&entry.location);
        unmatched.count(&found, &entry.location);
        match found {
            Found::Song(song) | Found::Missing(Some(song)) => keys.push(song),
            Found::Stream | Found::Missing(None) => {}
        }
    }
    let name = if parsed.name.is_empty() { stem(key) } else { parsed.name };
    let content = PlaylistContent::Songs(keys);
    let playlist = Playlist { key: key.clone(), stamp, name: name.into(), parent: None, content };
    Reading { playlists: vec![playlist], recorded: Vec::new(), unmatched }
}

/// The playlists of an iTunes library, and what it recorded of the songs that are here. Playlists none of
/// whose songs is here (films, say) are left out.
fn read_library(
    library: itunes_xml::Library,
    file: &SourceKey,
    stamp: Stamp,
    songs: &Songs,
) -> Reading {
    let resolver = Resolver::new(songs, file).music_folder(&library.music_folder);
    let unmatched = Unmatched { left_out: library.left_out, ..Unmatched::default() };
    let mut reading = Reading { unmatched, ..Reading::default() };
    let mut tracks = HashMap::new();
    for track in library.tracks {
        let found = resolver.find(track.location.as_bytes());
        reading.unmatched.count(&found, track.location.as_bytes());
        let Found::Song(song) = found else { continue };
        if track.recorded != Recorded::default() {
            reading.recorded.push((song.clone(), track.recorded));
        }
        tracks.insert(track.id, song);
    }
    let own_key =
        |id: &str| SourceKey::from([file.as_bytes(), b"#", id.as_bytes()].concat().as_slice());
    let mut seen = HashSet::new();
    for list in library.lists {
        let key = own_key(&list.id);
        let keys: Vec<_> = list.items.iter().filter_map(|id| tracks.get(id).cloned()).collect();
        if keys.is_empty() && !list.items.is_empty() || !seen.insert(key.clone()) {
            continue;
        }
        let parent = (!list.parent.is_empty()).then(|| own_key(&list.parent));
        let content =
            if list.folder { PlaylistContent::Folder } else { PlaylistContent::Songs(keys) };
        reading.playlists.push(Playlist { key, stamp, name: list.name.into(), parent, content });
    }
    reading.playlists.sort_by_key(|playlist| playlist.content != PlaylistContent::Folder);
    reading
}

/// The name of a file without its suffix.
fn stem(key: &SourceKey) -> String {
    let name = key.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let end =
        name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0).unwrap_or(name.len());
    text::line(&text::decode(&name[..end]), MAX_NAME)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The entries as `location (title)`, a line each.
    pub(super) fn shown(parsed: &Parsed) -> String {
        let line = |entry: &Entry| {
            let location = text::decode(&entry.location);
            if entry.title.is_empty() {
                location.into_owned()
            } else {
                format!("{location} ({})", entry.title)
            }
        };
        parsed.entries.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Writes a playlist below "root" and reads it among songs.
    fn read_among(key: &str, content: &[u8], songs: &[&str]) -> Result<Reading, PlaylistError> {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        let songs = Songs::new(root.path(), songs.iter().map(|song| SourceKey::from(*song)));
        read(&path, &key.into(), Stamp { size: 7, ..Stamp::default() }, &songs)
    }

    fn content(keys: &[&str]) -> PlaylistContent {
        PlaylistContent::Songs(keys.iter().map(|key| SourceKey::from(*key)).collect())
    }

    #[test]
    fn playlists_are_known_by_their_names() {
        let known = [
            "a.m3u",
            "x/a.M3U8",
            "a.b.pls",
            "a.xspf",
            "iTunes Library.xml",
            "x/iTunes Music Library.xml",
            "Library.xml",
        ];
        assert!(known.iter().all(|name| is_playlist(name.as_bytes())));
        let others = ["a.mp3", "m3u", "a.m3u/b", "other.xml", "My Library.xml", ""];
        assert!(others.iter().all(|name| !is_playlist(name.as_bytes())));
    }

    #[test]
    fn a_list_keeps_its_order_and_its_repeats_and_says_what_is_missing() {
        let list =
            b"Jet.mp3\n../a.mp3\nJet.mp3\nhttp://radio.example/\n/elsewhere/x.mp3\nNew.mp3\n";
        let reading = read_among("Lists/Best of.m3u", list, &["Lists/Jet.mp3", "a.mp3"]).unwrap();
        let [playlist] = reading.playlists.as_slice() else { panic!("one file, one playlist") };
        assert_eq!((playlist.name.as_str(), playlist.stamp.size), ("Best of", 7));
        assert_eq!(
            playlist.content,
            content(&["Lists/Jet.mp3", "a.mp3", "Lists/Jet.mp3", "Lists/New.mp3"])
        );
        let sentence = "of 6 entries 2 match no song (/elsewhere/x.mp3, New.mp3), 1 are streams";
        assert_eq!(reading.unmatched.to_string(), sentence);
    }

    #[test]
    fn each_kind_is_read_by_its_own_parser() {
        let xspf = b"<playlist><title>T</title><trackList><track><location>a%20b.mp3</location></track></trackList></playlist>";
        for (key, bytes) in [
            ("x.m3u8", &b"#PLAYLIST:T\na b.mp3"[..]),
            ("x.pls", b"[playlist]\nX-GNOME-Title=T\nFile1=a b.mp3"),
            ("x.xspf", xspf),
        ] {
            let reading = read_among(key, bytes, &["a b.mp3"]).unwrap();
            assert_eq!(reading.playlists[0].name.as_str(), "T", "{key}");
            assert_eq!(reading.playlists[0].content, content(&["a b.mp3"]), "{key}");
            assert!(reading.unmatched.is_empty());
        }
    }

    #[test]
    fn an_itunes_library_has_folders_playlists_and_records() {
        let list = |name: &str, id: &str, more: &str| {
            format!(
                "<dict><key>Name</key><string>{name}</string><key>Playlist Persistent ID</key><string>{id}</string>{more}</dict>"
            )
        };
        let items = |ids: &[u32]| {
            let item =
                |id: &u32| format!("<dict><key>Track ID</key><integer>{id}</integer></dict>");
            format!(
                "<key>Playlist Items</key><array>{}</array>",
                ids.iter().map(item).collect::<String>()
            )
        };
        let track = |id: u32, location: &str, more: &str| {
            format!(
                "<key>{id}</key><dict><key>Location</key><string>{location}</string>{more}</dict>"
            )
        };
        let xml = format!(
            "<plist><dict><key>Music Folder</key><string>file:///Users/me/Music/</string><key>Tracks</key><dict>{}{}{}</dict>
            <key>Playlists</key><array>{}{}{}{}</array></dict></plist>",
            track(1, "file:///Users/me/Music/Jet.mp3", "<key>Rating</key><integer>100</integer>"),
            track(2, "file:///Users/me/Films/x.mp4", "<key>Rating</key><integer>100</integer>"),
            track(3, "http://radio.example/", ""),
            list("Best", "B", &format!("<key>Parent Persistent ID</key><string>A</string>{}", items(&[1, 2, 1, 9]))),
            list("Set", "A", "<key>Folder</key><true/>"),
            list("Films", "C", &items(&[2])),
            list("Empty", "D", ""),
        );
        let reading = read_among("Library.xml", xml.as_bytes(), &["Jet.mp3"]).unwrap();
        let shown: Vec<_> = reading
            .playlists
            .iter()
            .map(|list| (list.name.as_str(), list.key.to_string()))
            .collect();
        assert_eq!(
            shown,
            [
                ("Set", "Library.xml#A".into()),
                ("Best", "Library.xml#B".into()),
                ("Empty", "Library.xml#D".into())
            ]
        );
        assert_eq!(reading.playlists[1].parent, Some("Library.xml#A".into()));
        assert_eq!(reading.playlists[1].content, content(&["Jet.mp3", "Jet.mp3"]));
        let recorded = Recorded { rating: Some(100), ..Recorded::default() };
        assert_eq!(reading.recorded, [("Jet.mp3".into(), recorded)]);
        assert_eq!(
            (reading.unmatched.missing, reading.unmatched.streams, reading.unmatched.of),
            (1, 1, 3)
        );
        assert!(is_of_file(&"Library.xml#A".into(), &"Library.xml".into()));
        assert!(
            !is_of_file(&"a.m3u#A".into(), &"a.m3u".into())
                && is_of_file(&"a.m3u".into(), &"a.m3u".into())
        );
    }

    #[test]
    fn what_is_no_playlist_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let songs = Songs::new(root.path(), []);
        let read =
            |name: &str| read(&root.path().join(name), &name.into(), Stamp::default(), &songs);
        std::fs::create_dir(root.path().join("folder.m3u")).unwrap();
        assert!(matches!(read("folder.m3u"), Err(PlaylistError::Unreadable(_))));
        assert!(matches!(read("none.m3u"), Err(PlaylistError::Unreadable(_))));
        assert!(matches!(read("song.mp3"), Err(PlaylistError::UnknownKind)));
        File::create(root.path().join("huge.pls")).unwrap().set_len(MAX_FILE + 1).unwrap();
        assert!(matches!(read("huge.pls"), Err(PlaylistError::TooLarge { .. })));
        std::fs::write(root.path().join("Library.xml"), "<plist><dict><key>Tracks</key>").unwrap();
        assert!(matches!(read("Library.xml"), Err(PlaylistError::Malformed { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_break_a_parser(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (_, _) = (m3u::parse(&bytes), pls::parse(&bytes));
            let (_, _) = (xspf::parse(&bytes).is_ok(), itunes_xml::parse(bytes.as_slice()).is_ok());
        }

        #[test]
        fn no_xml_breaks_a_parser(parts in prop::collection::vec(prop::sample::select(vec![
            "<dict>", "</dict>", "<key>", "</key>", "Tracks", "Playlists", "<array>", "</array>", "<string>", "</string>",
            "<integer>", "</integer>", "7", "Track ID", "Playlist Items", "<true/>", "<!--", "-->", "&amp;", "&x;", "<![CDATA[", "]]>",
            "<track>", "</track>", "<location>", "</location>", "<title>", "</title>", "<!DOCTYPE", ">", "\u{FEFF}",
        ]), 0..60)) {
            let text = format!("<plist><dict>{}", parts.concat());
            let (_, _) = (xspf::parse(text.as_bytes()).is_ok(), itunes_xml::parse(text.as_bytes()).is_ok());
        }
    }
}
