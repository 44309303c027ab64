//! The library that iTunes and Music.app write as XML: playlists in folders, ratings, counts and dates.
//!
//! Apple's "Library.xml" is a property list: dictionaries in dictionaries. It is read as it comes, so a
//! library of 100,000 songs costs what is kept of it and not its hundred megabytes.

use std::io::BufRead;

use daap_model::Timestamp;
use library::Recorded;

use super::xml::{Token, Xml};
use super::{MAX_LOCATION, MAX_NAME, PlaylistError, text};

/// Tracks and playlists read at most.
const MAX_TRACKS: usize = 1_000_000;
const MAX_LISTS: usize = 20_000;
/// Entries of all playlists together, at most.
const MAX_ITEMS: usize = 4_000_000;
/// The longest persistent id.
const MAX_ID: usize = 64;
/// Bytes of locations and names kept at most.
const MAX_KEPT_TEXT: usize = 256 << 20;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Library {
    /// The folder that iTunes keeps its music in, as a `file:` URL; empty if it does not say.
    pub music_folder: String,
    /// The songs, in the file's order.
    pub tracks: Vec<Track>,
    /// The playlists, in the file's order, without those that iTunes makes itself.
    pub lists: Vec<List>,
    /// Tracks, playlists and entries past what is read at most.
    pub left_out: usize,
}

/// A song as iTunes knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// Its number in this file.
    pub id: u32,
    /// Where it is, as a URL.
    pub location: String,
    /// What iTunes recorded of it.
    pub recorded: Recorded,
}

/// A playlist, a smart one as it was when the file was written, or a folder of playlists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// Its name.
    pub name: String,
    /// Its persistent id.
    pub id: String,
    /// The persistent id of the folder it is in; empty at the top.
    pub parent: String,
    /// Whether it is a folder. Its items are those of the playlists in it.
    pub folder: bool,
    /// The songs in order, by their numbers.
    pub items: Vec<u32>,
}

/// Reads a library.
pub fn parse(input: impl BufRead) -> Result<Library, PlaylistError> {
    let mut reader =
        Reader { xml: Xml::new(input), library: Library::default(), items: 0, kept: 0 };
    if !reader.enter_library()? {
        return Err(PlaylistError::NoLibrary);
    }
    while let Some((key, value)) = reader.pair()? {
        match (key.as_str(), value) {
            ("Music Folder", Value::Text(folder)) => reader.library.music_folder = folder,
            ("Tracks", Value::Dict) => reader.tracks()?,
            ("Playlists", Value::Array) => reader.lists()?,
            (_, value) => reader.pass_over(&value)?,
        }
    }
    Ok(reader.library)
}

/// A value of a property list; of dictionaries and arrays, that they begin.
#[derive(Debug, PartialEq, Eq)]
enum Value {
    Dict,
    Array,
    Text(String),
    Integer(i64),
    Date(Timestamp),
    Truth(bool),
    Other,
}

struct Reader<R> {
    xml: Xml<R>,
    library: Library,
    /// Entries kept in all playlists so far.
    items: usize,
    /// Bytes of text kept so far.
    kept: usize,
}

impl<R: BufRead> Reader<R> {
    /// Goes to the first entry of the outermost dictionary; `false` if there is none.
    fn enter_library(&mut self) -> Result<bool, PlaylistError> {
        while let Some(token) = self.xml.next()? {
            match token {
                Token::Open(name) if name.local() == "plist" => {}
                Token::Open(name) => return Ok(name.local() == "dict"),
                Token::Text(_) | Token::Close => {}
            }
        }
        Ok(false)
    }

    /// The next key of the dictionary that has begun, and its value; `None` at the end.
    fn pair(&mut self) -> Result<Option<(String, Value)>, PlaylistError> {
        let Some(kind) = self.open()? else { return Ok(None) };
        let key = if kind == "key" {
            self.xml.text(MAX_NAME)?
        } else {
            self.xml.skip()?;
            String::new()
        };
        Ok(self.value()?.map(|value| (key, value)))
    }

    /// The name of the next element in the one that has begun; `None` at the end.
    fn open(&mut self) -> Result<Option<String>, PlaylistError> {
        while let Some(token) = self.xml.next()? {
            match token {
                Token::Open(name) => return Ok(Some(name.local().to_owned())),
                Token::Text(_) => {}
                Token::Close => break,
            }
        }
        Ok(None)
    }

    /// The next value in what has begun; `None` at the end.
    fn value(&mut self) -> Result<Option<Value>, PlaylistError> {
        let Some(kind) = self.open()? else { return Ok(None) };
        let text = match kind.as_str() {
            "dict" => return Ok(Some(Value::Dict)),
            "array" => return Ok(Some(Value::Array)),
            _ => self.xml.text(MAX_LOCATION)?,
        };
        Ok(Some(match kind.as_str() {
            "string" => Value::Text(text),
            "integer" => text.trim().parse().map_or(Value::Other, Value::Integer),
            "date" => date(text.trim()).map_or(Value::Other, Value::Date),
            "true" => Value::Truth(true),
            "false" => Value::Truth(false),
            _ => Value::Other,
        }))
    }

    fn pass_over(&mut self, value: &Value) -> Result<(), PlaylistError> {
        match value {
            Value::Dict | Value::Array => self.xml.skip(),
            _ => Ok(()),
        }
    }

    /// Whether so much more text may be kept.
    fn keep(&mut self, text: usize) -> bool {
        self.kept += text;
        self.kept <= MAX_KEPT_TEXT
    }

    fn tracks(&mut self) -> Result<(), PlaylistError> {
        while let Some((id, value)) = self.pair()? {
            if value != Value::Dict {
                self.pass_over(&value)?;
                continue;
            }
            let track = self.track(id.trim().parse().ok())?;
            // Songs that were lost, or are only in a cloud, have no location.
            let Some(track) = track.filter(|track| !track.location.is_empty()) else { continue };
            if self.library.tracks.len() < MAX_TRACKS && self.keep(track.location.len()) {
                self.library.tracks.push(track);
            } else {
                self.library.left_out += 1;
            }
        }
        Ok(())
    }

    /// The track whose dictionary has begun; `None` without a number to know it by.
    fn track(&mut self, id: Option<u32>) -> Result<Option<Track>, PlaylistError> {
        let (mut track, mut guessed) = (Track::default(), false);
        let recorded = &mut Recorded::default();
        while let Some((key, value)) = self.pair()? {
            match (key.as_str(), value) {
                ("Location", Value::Text(location)) => track.location = location,
                ("Rating", Value::Integer(rating)) => {
                    recorded.rating = u8::try_from(rating.clamp(0, 100)).ok();
                }
                // A rating that iTunes derives from the album's is nobody's.
                ("Rating Computed", Value::Truth(computed)) => guessed = computed,
                ("Play Count", Value::Integer(count)) => recorded.play_count = Some(clamped(count)),
                ("Skip Count", Value::Integer(count)) => recorded.skip_count = Some(clamped(count)),
                ("Play Date UTC", Value::Date(date)) => recorded.last_played = Some(date),
                ("Date Added", Value::Date(date)) => recorded.added = Some(date),
                (_, value) => self.pass_over(&value)?,
            }
        }
        recorded.rating = recorded.rating.filter(|rating| *rating > 0 && !guessed);
        Ok(id.map(|id| Track { id, recorded: *recorded, ..track }))
    }

    fn lists(&mut self) -> Result<(), PlaylistError> {
        while let Some(value) = self.value()? {
            if value != Value::Dict {
                self.pass_over(&value)?;
                continue;
            }
            let Some(list) = self.list()? else { continue };
            let text = list.name.len() + list.id.len() + list.parent.len();
            if self.library.lists.len() < MAX_LISTS && self.keep(text) {
                self.library.lists.push(list);
            } else {
                self.library.left_out += 1;
            }
        }
        Ok(())
    }

    /// The playlist whose dictionary has begun; `None` if it is one that iTunes makes itself: the whole
    /// library, its music, its podcasts. Clients have their own views of those.
    fn list(&mut self) -> Result<Option<List>, PlaylistError> {
        let (mut list, mut own) = (List::default(), false);
        while let Some((key, value)) = self.pair()? {
            match (key.as_str(), value) {
                ("Name", Value::Text(name)) => list.name = text::line(&name, MAX_NAME),
                ("Playlist Persistent ID", Value::Text(id)) => list.id = persistent_id(id),
                ("Parent Persistent ID", Value::Text(id)) => list.parent = persistent_id(id),
                ("Folder", Value::Truth(folder)) => list.folder = folder,
                ("Master", Value::Truth(master)) => own |= master,
                ("Visible", Value::Truth(visible)) => own |= !visible,
                ("Distinguished Kind", Value::Integer(_)) => own = true,
                ("Playlist Items", Value::Array) => list.items = self.items()?,
                (_, value) => self.pass_over(&value)?,
            }
        }
        if own || list.folder || list.id.is_empty() {
            self.items -= list.items.len();
            list.items = Vec::new();
        }
        Ok((!own && !list.id.is_empty()).then_some(list))
    }

    /// The numbers of the songs in the array that has begun.
    fn items(&mut self) -> Result<Vec<u32>, PlaylistError> {
        let mut items = Vec::new();
        while let Some(value) = self.value()? {
            if value != Value::Dict {
                self.pass_over(&value)?;
                continue;
            }
            while let Some((key, value)) = self.pair()? {
                match (key.as_str(), value) {
                    ("Track ID", Value::Integer(_)) if self.items == MAX_ITEMS => {
                        self.library.left_out += 1;
                    }
                    ("Track ID", Value::Integer(id)) => {
                        let id = u32::try_from(id).ok();
                        self.items += usize::from(id.is_some());
                        items.extend(id);
                    }
                    (_, value) => self.pass_over(&value)?,
                }
            }
        }
        Ok(items)
    }
}

/// A persistent id, which is sixteen hexadecimal digits; empty if it is anything that could not be part of a key.
fn persistent_id(text: String) -> String {
    let plain = text.len() <= MAX_ID && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { text } else { String::new() }
}

fn clamped(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

/// A date as property lists have it, `2010-03-04T05:06:07Z`.
fn date(text: &str) -> Option<Timestamp> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(day, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let sane = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    if !sane || year > 9999 || second > 60 {
        return None;
    }
    // Years that begin in March have the odd day at their end.
    let (from_march, year) = ((month + 9) % 12, year - i64::from(month < 3));
    let days_before = (153 * from_march + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    /// From the first of March of the year 0 to 1970.
    const TO_1970: i64 = 719_468;
    let days = year * 365 + leap_days + days_before - TO_1970;
    Some(Timestamp::from_unix(days * 86_400 + hour * 3600 + minute * 60 + second))
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(|part| part.parse::<u16>().ok().map(i64::from));
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plist(body: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
            <plist version="1.0"><dict>{body}</dict></plist>"#
        )
    }

    #[track_caller]
    fn read(body: &str) -> Library {
        parse(plist(body).as_bytes()).unwrap()
    }

    fn track(fields: &str) -> Recorded {
        let location = "<key>Location</key><string>file:///a.mp3</string>";
        let library = read(&format!(
            "<key>Tracks</key><dict><key>7</key><dict>{location}{fields}</dict></dict>"
        ));
        library.tracks[0].recorded
    }

    #[test]
    fn a_library_has_songs_playlists_and_a_folder() {
        let library = read(
            r"<key>Major Version</key><integer>1</integer>
            <key>Music Folder</key><string>file://localhost/Users/me/Music/</string>
            <key>Tracks</key><dict>
              <key>7</key><dict><key>Track ID</key><integer>7</integer><key>Name</key><string>Jet</string>
                <key>Odd</key><array><dict/></array><key>Location</key><string>file:///a%20&#38;%20b.mp3</string></dict>
              <key>8</key><dict><key>Name</key><string>Lost</string></dict>
            </dict>
            <key>Playlists</key><array>
              <dict><key>Name</key><string>Mine</string><key>Playlist Items</key><array>
                <dict><key>Track ID</key><integer>7</integer></dict><dict><key>Track ID</key><integer>8</integer></dict>
                <dict><key>Track ID</key><integer>7</integer></dict></array>
                <key>Parent Persistent ID</key><string>F1</string><key>Playlist Persistent ID</key><string>A2</string></dict>
              <dict><key>Name</key><string>Set</string><key>Folder</key><true/>
                <key>Playlist Persistent ID</key><string>F1</string>
                <key>Playlist Items</key><array><dict><key>Track ID</key><integer>7</integer></dict></array></dict>
            </array>",
        );
        assert_eq!(library.music_folder, "file://localhost/Users/me/Music/");
        let track = Track { id: 7, location: "file:///a%20&%20b.mp3".into(), ..Track::default() };
        assert_eq!(library.tracks, [track]);
        let mine = List {
            name: "Mine".into(),
            id: "A2".into(),
            parent: "F1".into(),
            items: vec![7, 8, 7],
            ..List::default()
        };
        let set = List { name: "Set".into(), id: "F1".into(), folder: true, ..List::default() };
        assert_eq!(library.lists, [mine, set]);
        assert_eq!(library.left_out, 0);
    }

    #[test]
    fn what_was_recorded_of_a_song_is_read() {
        let recorded = track(
            "<key>Rating</key><integer>80</integer><key>Play Count</key><integer>3</integer>
            <key>Skip Count</key><integer>99999999999</integer><key>Play Date</key><integer>3350530000</integer>
            <key>Play Date UTC</key><date>2010-03-04T05:06:07Z</date><key>Date Added</key><date>2009-01-01T00:00:00Z</date>",
        );
        let expected = Recorded {
            rating: Some(80),
            play_count: Some(3),
            skip_count: Some(u32::MAX),
            last_played: Some(Timestamp(1_267_679_167)),
            added: Some(Timestamp(1_230_768_000)),
        };
        assert_eq!(recorded, expected);
        assert_eq!(
            track("<key>Rating</key><integer>-7</integer><key>Play Count</key><string>3</string>"),
            Recorded::default()
        );
        let derived = "<key>Rating</key><integer>60</integer><key>Rating Computed</key><true/>";
        assert_eq!(track(derived).rating, None);
    }

    #[test]
    fn the_playlists_that_itunes_makes_itself_are_left_out() {
        for own in [
            "<key>Master</key><true/>",
            "<key>Distinguished Kind</key><integer>4</integer>",
            "<key>Visible</key><false/>",
        ] {
            let list =
                format!("<dict><key>Playlist Persistent ID</key><string>A1</string>{own}</dict>");
            assert_eq!(read(&format!("<key>Playlists</key><array>{list}</array>")).lists, []);
        }
    }

    #[test]
    fn an_id_that_could_be_mistaken_for_a_path_is_none() {
        for id in ["a/b", "x.m3u", "", "A#B", &"A".repeat(MAX_ID + 1)] {
            let list =
                format!("<dict><key>Playlist Persistent ID</key><string>{id}</string></dict>");
            assert_eq!(read(&format!("<key>Playlists</key><array>{list}</array>")).lists, []);
        }
    }

    #[test]
    fn odd_shapes_are_passed_over() {
        let library = read(
            "<key>Tracks</key><dict><integer>3</integer><key>x</key><dict><key>y</key></dict></dict>
            <key>Playlists</key><array><string/><array/><dict><key>Playlist Items</key><array><integer>1</integer>
            <dict><key>Track ID</key><integer>-1</integer></dict></array></dict></array><key>last</key>",
        );
        assert_eq!(library, Library::default());
        assert!(matches!(parse(&b"<plist><array/></plist>"[..]), Err(PlaylistError::NoLibrary)));
        assert!(matches!(parse(&b""[..]), Err(PlaylistError::NoLibrary)));
        assert!(matches!(parse(&b"<plist><dict>"[..]), Err(PlaylistError::Malformed { .. })));
    }

    #[test]
    fn dates_are_seconds_since_1970() {
        #[track_caller]
        fn check(text: &str, expected: Option<u32>) {
            assert_eq!(date(text), expected.map(Timestamp), "{text}");
        }
        check("1970-01-01T00:00:00Z", Some(0));
        check("2000-02-29T12:00:00Z", Some(951_825_600));
        check("2000-03-01T00:00:00Z", Some(951_868_800));
        check("2026-11-22T01:02:03Z", Some(1_795_309_323));
        check("1904-01-01T00:00:00Z", Some(0));
        check("9999-12-31T23:59:59Z", Some(u32::MAX));
        check("2010-13-01T00:00:00Z", None);
        check("2010-00-00T00:00:00Z", None);
        check("2010-01-01", None);
        check("-1-1-1T::Z", None);
        check("99999-01-01T00:00:00Z", None);
    }
}
