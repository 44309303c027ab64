//! What a location in a playlist can mean: paths and URLs of any system, against the songs that are there.

use std::borrow::Cow;

use library::SourceKey;
use percent_encoding::percent_decode;

use super::songs::Songs;
use super::text;

/// What a location was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A song of the folder.
    Song(SourceKey),
    /// Something that is not a file: internet radio, a track of a streaming service.
    Stream,
    /// A file that is none of the songs. If it would lie in the folder, the key that it would have.
    Missing(Option<SourceKey>),
}

/// Finds the songs that the locations of one playlist mean.
#[derive(Debug)]
pub struct Resolver<'a> {
    songs: &'a Songs,
    /// The playlist's folder below the root, as names.
    folder: Vec<&'a [u8]>,
    /// The music folder of the program that wrote it, as names; empty if it has none.
    music_folder: Vec<Vec<u8>>,
}

impl<'a> Resolver<'a> {
    /// A resolver for the playlist with this key: relative locations begin at its folder.
    #[must_use]
    pub fn new(songs: &'a Songs, playlist: &'a SourceKey) -> Self {
        let mut folder: Vec<_> = playlist.as_bytes().split(|byte| *byte == b'/').collect();
        folder.pop();
        Self { songs, folder, music_folder: Vec::new() }
    }

    /// Takes what lies in this folder (a path or URL of the machine that wrote the playlist) to be below the
    /// root, or below the playlist's folder, in the same places.
    #[must_use]
    pub fn music_folder(mut self, folder: &str) -> Self {
        let readings = readings(folder.as_bytes()).unwrap_or_default();
        let names = readings.last().map(|last| last.names.as_slice()).unwrap_or_default();
        self.music_folder = names.iter().filter(|name| !name.is_empty()).cloned().collect();
        self
    }

    /// What a location means.
    ///
    /// In this order: the file it names in place; a file that differs from it only in case or in how accents
    /// are coded; the one song whose path ends like it, in two names at least or as a whole. The last finds
    /// songs that have been copied from another machine, or that a Windows path names.
    #[must_use]
    pub fn find(&self, location: &[u8]) -> Found {
        let Some(readings) = readings(location) else { return Found::Stream };
        let paths: Vec<_> = readings.iter().filter_map(|reading| self.path(reading)).collect();
        let song = paths.iter().find_map(|path| self.in_place(path));
        let moved = || paths.iter().find_map(|path| self.songs.ending_like(path));
        if let Some(song) = song.or_else(moved) {
            return Found::Song(song.clone());
        }
        // The last reading goes furthest: backslashes and percent signs that meant something are undone.
        let missing = readings.last().and_then(|reading| self.path(reading));
        let key = missing.as_deref().and_then(|path| self.below_root(path));
        Found::Missing(key.map(|names| SourceKey::from(names.join(&b'/').as_slice())))
    }

    /// A reading as an absolute path; `None` if it is none that a file can have.
    fn path<'b>(&'b self, reading: &'b Reading) -> Option<Vec<&'b [u8]>> {
        let start = self.songs.root().iter().map(Vec::as_slice).chain(self.folder.iter().copied());
        let mut path: Vec<_> = if reading.absolute { Vec::new() } else { start.collect() };
        for name in &reading.names {
            match name.as_slice() {
                b"" | b"." => {}
                b".." => drop(path.pop()),
                name if name.contains(&0) || name.contains(&b'/') => return None,
                name => path.push(name),
            }
        }
        // A path that ends in a slash or in dots names a folder.
        let last = reading.names.last().map(Vec::as_slice);
        (!matches!(last, None | Some(b"" | b"." | b".."))).then_some(path)
    }

    /// A path's names below the root.
    fn below_root<'b, 'c>(&self, path: &'c [&'b [u8]]) -> Option<&'c [&'b [u8]]> {
        strip(path, self.songs.root())
    }

    /// The song that a path names when nothing is guessed, or nothing but where the music folder is now.
    fn in_place(&self, path: &[&[u8]]) -> Option<&'a SourceKey> {
        let below = self.below_root(path).and_then(|names| self.songs.at(names));
        below.or_else(|| {
            let known =
                strip(path, &self.music_folder).filter(|_| !self.music_folder.is_empty())?;
            let beside = || self.songs.at(&[&self.folder, known].concat());
            self.songs.at(known).or_else(beside)
        })
    }
}

/// The rest of a path below a folder.
fn strip<'b, 'c>(path: &'c [&'b [u8]], folder: &[Vec<u8>]) -> Option<&'c [&'b [u8]]> {
    let (start, rest) = path.split_at_checked(folder.len())?;
    (!rest.is_empty() && start.iter().zip(folder).all(|(a, b)| a == b)).then_some(rest)
}

/// One way to read a location.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    absolute: bool,
    names: Vec<Vec<u8>>,
}

impl Reading {
    /// A path of Unix, or of Windows, where backslashes separate names too and a drive may come first.
    fn new(path: &[u8], windows: bool) -> Self {
        let (drive, path) = match path {
            [letter, b':' | b'|', rest @ ..] if windows && letter.is_ascii_alphabetic() => {
                (true, rest)
            }
            path => (false, path),
        };
        let separates = |byte: &u8| *byte == b'/' || windows && *byte == b'\\';
        let absolute = drive || path.first().is_some_and(separates);
        Self { absolute, names: path.split(separates).map(<[u8]>::to_vec).collect() }
    }

    /// The same, in the western set of Windows; `None` if it is UTF-8.
    fn western(&self) -> Option<Self> {
        let text = |name: &Vec<u8>| text::decode(name).into_owned().into_bytes();
        let plain = self.names.iter().all(|name| std::str::from_utf8(name).is_ok());
        (!plain)
            .then(|| Self { absolute: self.absolute, names: self.names.iter().map(text).collect() })
    }
}

/// The ways to read a location, the most literal first; `None` for a stream.
fn readings(location: &[u8]) -> Option<Vec<Reading>> {
    let location = location.trim_ascii();
    let (literal, url) = match location.split_at_checked(5) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"file:") => (path_of_url(rest), true),
        _ if is_url(location) => return None,
        _ => (location, false),
    };
    let decoded: Cow<'_, [u8]> = percent_decode(literal).into();
    let mut readings = Vec::new();
    for path in [literal, &*decoded] {
        let windows = Reading::new(path, true);
        let unix = Reading {
            absolute: windows.absolute && path.starts_with(b"/"),
            ..Reading::new(path, false)
        };
        for mut reading in [unix, windows] {
            reading.absolute |= url;
            if !readings.contains(&reading) {
                readings.push(reading);
            }
        }
    }
    let western: Vec<_> = readings.iter().filter_map(Reading::western).collect();
    readings.extend(western);
    Some(readings)
}

/// The path in what follows `file:`. That of another machine's share begins with the machine's name.
fn path_of_url(rest: &[u8]) -> &[u8] {
    let path = match rest.strip_prefix(b"//") {
        Some(rest) => {
            rest.strip_prefix(b"localhost").filter(|path| path.starts_with(b"/")).unwrap_or(rest)
        }
        None => rest,
    };
    match path {
        [b'/', letter, b':' | b'|', ..] if letter.is_ascii_alphabetic() => &path[1..],
        path => path,
    }
}

/// Whether it begins as `http://` does. A drive letter is no scheme.
fn is_url(location: &[u8]) -> bool {
    let Some(at) = location.windows(3).position(|bytes| bytes == b"://") else { return false };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    at >= 2 && location[0].is_ascii_alphabetic() && location[..at].iter().all(plain)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    const KEYS: [&str; 6] = [
        "Wings/Band on the Run/Jet.mp3",
        "Lists/Own.mp3",
        "Be\u{301}bé/Où.flac",
        "100%25/a b.mp3",
        "100%/a b.mp3",
        "back\\slash.mp3",
    ];

    /// Finds the location in the playlist "Lists/x.m3u" of "/srv/music".
    #[track_caller]
    fn check(location: &str, expected: &str) {
        check_bytes(location.as_bytes(), expected);
    }

    #[track_caller]
    fn check_bytes(location: &[u8], expected: &str) {
        let songs = Songs::new(Path::new("/srv/music"), KEYS.map(SourceKey::from));
        let playlist = SourceKey::from("Lists/x.m3u");
        let found = match Resolver::new(&songs, &playlist).find(location) {
            Found::Song(key) => key.to_string(),
            Found::Stream => "a stream".into(),
            Found::Missing(Some(key)) => format!("no {key}"),
            Found::Missing(None) => "nothing".into(),
        };
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(location));
    }

    #[test]
    fn relative_paths_begin_at_the_playlist() {
        check("Own.mp3", "Lists/Own.mp3");
        check("./Own.mp3", "Lists/Own.mp3");
        check("../Wings/Band on the Run/Jet.mp3", KEYS[0]);
        check("..\\Wings\\Band on the Run\\Jet.mp3", KEYS[0]);
        check("../../music/Wings/Band on the Run/Jet.mp3", KEYS[0]);
        check("../back\\slash.mp3", "back\\slash.mp3");
        check("Gone.mp3", "no Lists/Gone.mp3");
        check("..\\New\\Gone.mp3", "no New/Gone.mp3");
        check("../../../../../../etc/passwd", "nothing");
    }

    #[test]
    fn relative_paths_that_begin_elsewhere_are_found_by_their_end() {
        check("Wings/Band on the Run/Jet.mp3", KEYS[0]);
        check("../../Other/Wings/Band on the Run/Jet.mp3", KEYS[0]);
        check("Jet.mp3", "no Lists/Jet.mp3");
    }

    #[test]
    fn absolute_paths_of_any_machine_are_found() {
        check("/srv/music/Lists/Own.mp3", "Lists/Own.mp3");
        check("/SRV/music/Lists/Own.mp3", "Lists/Own.mp3");
        check("/Volumes/Music/Wings/Band on the Run/Jet.mp3", KEYS[0]);
        check("C:\\Music\\Wings\\Band on the Run\\Jet.mp3", KEYS[0]);
        check("d:/wings/band on the run/JET.mp3", KEYS[0]);
        check("\\\\nas\\music\\Wings\\Band on the Run\\Jet.mp3", KEYS[0]);
        check("\\Wings\\Band on the Run\\Jet.mp3", KEYS[0]);
        check("/srv/music/Gone.mp3", "no Gone.mp3");
        check("/elsewhere/Jet.mp3", "nothing");
    }

    #[test]
    fn urls_of_files_are_decoded() {
        check("file:///srv/music/Wings/Band%20on%20the%20Run/Jet.mp3", KEYS[0]);
        check("FILE://localhost/x/Wings/Band%20on%20the%20Run/Jet.mp3", KEYS[0]);
        check("file:///C:/Music/Wings/Band%20on%20the%20Run/Jet.mp3", KEYS[0]);
        check("file://C:\\Music\\Wings\\Band on the Run\\Jet.mp3", KEYS[0]);
        check("file://nas/music/Wings/Band%20on%20the%20Run/Jet.mp3", KEYS[0]);
        check("file:/srv/music/Lists/Own.mp3", "Lists/Own.mp3");
        check("file:///srv/music/a%00b.mp3", "nothing");
        check("file://", "nothing");
        check("file:///srv/music/Wings%2F..%2FGone.mp3", "no Gone.mp3");
    }

    #[test]
    fn what_is_there_as_written_is_meant_as_written() {
        check("../100%25/a b.mp3", "100%25/a b.mp3");
        check("../100%/a b.mp3", "100%/a b.mp3");
        check("../100%25/a%20b.mp3", "100%/a b.mp3");
    }

    #[test]
    fn accents_are_found_however_they_are_coded() {
        check("../Be\u{301}be\u{301}/Ou\u{300}.flac", KEYS[2]);
        check("file:///m/B%C3%A9b%C3%A9/O%C3%B9.flac", KEYS[2]);
        check_bytes(b"..\\B\xE9b\xE9\\O\xF9.flac", KEYS[2]);
        check_bytes(b"file:///m/B%E9b%E9/O%F9.flac", KEYS[2]);
    }

    #[test]
    fn streams_are_not_files() {
        check("http://radio.example/jet.mp3", "a stream");
        check("rtsp://radio.example/", "a stream");
        check("c://Own.mp3", "nothing");
        check("", "nothing");
    }

    #[test]
    fn another_programs_music_folder_may_be_ours() {
        let songs =
            Songs::new(Path::new("/srv/music"), ["a.mp3", "sub/b.mp3"].map(SourceKey::from));
        let list = SourceKey::from("sub/Library.xml");
        let resolver =
            Resolver::new(&songs, &list).music_folder("file://localhost/C:/Users/me/Music/iTunes/");
        let find = |location: &str| match resolver.find(location.as_bytes()) {
            Found::Song(key) => key.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(find("file://localhost/C:/Users/me/Music/iTunes/a.mp3"), "a.mp3");
        assert_eq!(find("file://localhost/C:/Users/me/Music/iTunes/b.mp3"), "sub/b.mp3");
    }

    proptest! {
        #[test]
        fn whatever_is_found_is_below_the_root(location in prop::collection::vec(any::<u8>(), 0..40)) {
            let songs = Songs::new(Path::new("/srv/music"), KEYS.map(SourceKey::from));
            let playlist = SourceKey::from("Lists/x.m3u");
            if let Found::Missing(Some(key)) = Resolver::new(&songs, &playlist).find(&location) {
                let plain = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&0);
                prop_assert!(key.as_bytes().split(|byte| *byte == b'/').all(plain));
            }
        }
    }
}
