//! A Subsonic server with music made from nothing, for tests of what follows one: they change its music, or one answer
//! of it, and see what becomes of it.
//!
//! ```
//! use testkit::http::Connection;
//! use testkit::server::Server;
//! use testkit::subsonic::Subsonic;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let subsonic = Subsonic::new(100_000);
//! let server = Server::start(subsonic.answer()).await;
//! let mut connection = Connection::open(server.address()).await?;
//! let answer = connection.get("/rest/getSong.view?id=so-7&u=joe&t=1&s=2&v=1.16.1").await?;
//! assert!(answer.text().contains("Song 7"));
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::server::{Asked, Reply};

/// How many songs an album has, and how many are in a folder.
pub const ON_ALBUM: u32 = 10;

/// A Subsonic server. Clones are the same.
#[derive(Clone, Debug)]
pub struct Subsonic(Arc<Mutex<Music>>);

/// What it has.
#[derive(Clone, Debug, Default)]
pub struct Music {
    /// What it can do.
    pub kind: Kind,
    /// The songs by number; ten in a row are an album.
    pub songs: BTreeMap<u32, Song>,
    /// The songs with a star, in order.
    pub starred: Vec<u32>,
    /// The albums that were played, the last first.
    pub recent: Vec<u32>,
    /// The playlists by number: names, and songs in order.
    pub playlists: BTreeMap<u32, (String, Vec<u32>)>,
    /// Whether it is looking for files just now.
    pub scanning: bool,
    /// How often it has looked for files.
    pub scans: u32,
}

/// What a server can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// All there is.
    #[default]
    OpenSubsonic,
    /// It wants the password itself, finds nothing by searching for nothing, and tells neither of its scans nor how often
    /// an album was played, as supysonic 0.7.2.
    Supysonic,
    /// It has folders and knows no albums; each folder is in itself and in the one before.
    Folders,
}

/// A song of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Song {
    /// Its title.
    pub title: String,
    /// How often it was played.
    pub plays: u32,
    /// One to five stars; none is 0.
    pub rating: u8,
    /// The length of its sound in bytes.
    pub length: usize,
    /// What the name of its file ends in.
    pub suffix: &'static str,
}

/// An MP3 file of 10,000 bytes that nobody has heard.
impl Default for Song {
    fn default() -> Self {
        Self { title: String::new(), plays: 0, rating: 0, length: 10_000, suffix: "mp3" }
    }
}

/// A parameter that is a number.
fn number(asked: &Asked, name: &str) -> usize {
    asked.parameter(name).and_then(|value| value.parse().ok()).unwrap_or_default()
}

/// The sound of a song of this length.
#[must_use]
pub fn sound(song: u32, length: usize) -> Vec<u8> {
    (0..length).map(|at| ((at >> 4) as u32 * 31 + at as u32 + song) as u8).collect()
}

/// What the server makes of it if it is asked for MP3; it sends that without saying its length.
#[must_use]
pub fn transcoded(song: u32, length: usize) -> Vec<u8> {
    sound(song + 7, length / 2)
}

/// The picture of every album.
pub const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\npicture";

impl Subsonic {
    /// A server of so many songs, numbered from 0: `Song 0` and so on, each of 10,000 bytes.
    #[must_use]
    pub fn new(songs: u32) -> Self {
        let song = |n| Song { title: format!("Song {n}"), ..Song::default() };
        let songs = (0..songs).map(|n| (n, song(n))).collect();
        Self(Arc::new(Mutex::new(Music { songs, ..Music::default() })))
    }

    /// One of another kind.
    #[must_use]
    pub fn with(self, kind: Kind) -> Self {
        self.music().kind = kind;
        self
    }

    /// Changes its files; it has looked for them then.
    pub fn scan(&self, change: impl FnOnce(&mut Music)) {
        let mut music = self.music();
        change(&mut music);
        music.scans += 1;
    }

    /// Changes what is not in its files.
    pub fn edit(&self, change: impl FnOnce(&mut Music)) {
        change(&mut self.music());
    }

    /// What it answers.
    pub fn answer(&self) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
        let this = self.clone();
        move |asked| this.music().answer(asked)
    }

    fn music(&self) -> MutexGuard<'_, Music> {
        self.0.lock().expect("nobody panics while holding it")
    }
}

impl Music {
    /// What it answers.
    fn answer(&mut self, asked: &Asked) -> Reply {
        let method = asked.path().trim_start_matches("/rest/").trim_end_matches(".view");
        if let Some(refusal) = self.refusal(asked, method) {
            return refusal;
        }
        let id = asked.parameter("id").unwrap_or_default();
        let number_of = |prefix: &str| id.strip_prefix(prefix).and_then(|id| id.parse().ok());
        match method {
            "ping" => ok(json!({})),
            "scrobble" | "setRating" | "star" | "unstar" => {
                self.write(number_of("so-"), method, asked)
            }
            "getScanStatus" => ok(json!({"scanStatus": {"scanning": self.scanning,
                "count": self.songs.len(), "lastScan": format!("scan {}", self.scans)}})),
            "getIndexes" => ok(json!({"indexes": self.indexes(asked)})),
            "getMusicDirectory" => {
                ok(json!({"directory": {"child": self.folder(number_of("fo-"))}}))
            }
            "getAlbumList2" => ok(json!({"albumList2": {"album": self.albums(asked)}})),
            "search3" => ok(json!({"searchResult3": {"song": self.page(asked)}})),
            "getStarred2" => {
                let songs = self.starred.iter().filter_map(|n| self.song(*n));
                ok(json!({"starred2": {"song": songs.collect::<Vec<_>>()}}))
            }
            "getPlaylists" => {
                let lists = self.playlists.keys().filter_map(|n| self.playlist(*n, false));
                ok(json!({"playlists": {"playlist": lists.collect::<Vec<_>>()}}))
            }
            "getPlaylist" => {
                found("playlist", number_of("pl-").and_then(|n| self.playlist(n, true)))
            }
            "getAlbum" => found("album", number_of("al-").and_then(|n| self.album(n, true))),
            "getSong" => found("song", number_of("so-").and_then(|n| self.song(n))),
            "getCoverArt" if id.starts_with("al-") => {
                Reply::new(PICTURE).with("Content-Type", "image/png")
            }
            "stream" => self.stream(number_of("so-"), asked),
            _ => refused(70, "not found"),
        }
    }

    /// Takes in what a listener did with a song.
    fn write(&mut self, song: Option<u32>, method: &str, asked: &Asked) -> Reply {
        let Some(n) = song.filter(|n| self.songs.contains_key(n)) else {
            return refused(70, "not found");
        };
        match method {
            "setRating" => {
                self.songs.entry(n).or_default().rating = number(asked, "rating").min(5) as u8;
            }
            "scrobble" if asked.parameter("submission") == Some("true") => self.play(n),
            "star" if !self.starred.contains(&n) => self.starred.push(n),
            "unstar" => self.starred.retain(|starred| *starred != n),
            _ => {}
        }
        ok(json!({}))
    }

    /// The sound of a song, as it is or as MP3.
    fn stream(&self, song: Option<u32>, asked: &Asked) -> Reply {
        let Some((n, song)) = song.and_then(|n| Some((n, self.songs.get(&n)?))) else {
            return refused(70, "not found");
        };
        if asked.parameter("format") != Some("mp3") {
            return part(asked, &sound(n, song.length));
        }
        let made = std::iter::once(transcoded(n, song.length));
        Reply::made(made).with("Content-Type", "audio/mpeg")
    }

    /// Has somebody hear a song to its end.
    pub fn play(&mut self, song: u32) {
        self.songs.entry(song).or_default().plays += 1;
        let album = song / ON_ALBUM;
        self.recent.retain(|recent| *recent != album);
        self.recent.insert(0, album);
    }

    fn refusal(&self, asked: &Asked, method: &str) -> Option<Reply> {
        let has = |name| asked.parameter(name).is_some();
        let knows_albums =
            !matches!(method, "getAlbumList2" | "getAlbum" | "search3" | "getStarred2");
        match self.kind {
            Kind::OpenSubsonic if has("apiKey") || has("u") && has("t") && has("s") => None,
            Kind::Supysonic | Kind::Folders if !has("p") => {
                Some(refused(10, "missing parameter p"))
            }
            Kind::Supysonic if asked.parameter("p") != Some("enc%3A736573616d65") => {
                Some(refused(40, "wrong name or password"))
            }
            Kind::Supysonic if method == "getScanStatus" => Some(refused(70, "unknown method")),
            Kind::Folders if !knows_albums || method == "getScanStatus" => {
                Some(Reply::new("<html>not found</html>").with_status(404))
            }
            Kind::OpenSubsonic => Some(refused(10, "missing parameter")),
            Kind::Supysonic | Kind::Folders => None,
        }
    }

    fn indexes(&self, asked: &Asked) -> Value {
        let modified = 1_000 + u64::from(self.scans) * 1_000;
        let since = asked.parameter("ifModifiedSince").and_then(|since| since.parse().ok());
        if since.is_some_and(|since: u64| since >= modified) {
            return json!({"lastModified": modified});
        }
        let first: Vec<Value> = self.folders().iter().take(1).map(|n| folder(*n)).collect();
        json!({"lastModified": modified, "index": [{"name": "#", "artist": first}]})
    }

    /// The albums, and folders, with songs.
    fn folders(&self) -> BTreeSet<u32> {
        self.songs.keys().map(|n| n / ON_ALBUM).collect()
    }

    /// Its songs, the next folder, the one before and itself.
    fn folder(&self, number: Option<u32>) -> Vec<Value> {
        let Some(number) = number else { return Vec::new() };
        let all = self.folders();
        let next = all.range(number + 1..).next();
        let folders = all.range(..=number).rev().take(2).chain(next).map(|n| folder(*n));
        folders.chain(self.on_album(number)).collect()
    }

    fn albums(&self, asked: &Asked) -> Vec<Value> {
        let all = self.folders();
        if asked.parameter("type") == Some("recent") {
            let played = self.recent.iter().take(number(asked, "size"));
            return played.filter_map(|n| self.album(*n, false)).collect();
        }
        let page =
            all.into_iter().skip(number(asked, "offset")).take(number(asked, "size").min(500));
        page.filter_map(|n| self.album(n, false)).collect()
    }

    /// A page of all songs.
    fn page(&self, asked: &Asked) -> Vec<Value> {
        if self.kind != Kind::OpenSubsonic {
            return Vec::new();
        }
        let (from, size) = (number(asked, "songOffset"), number(asked, "songCount").min(500));
        self.songs.keys().skip(from).take(size).filter_map(|n| self.song(*n)).collect()
    }

    fn on_album(&self, number: u32) -> impl Iterator<Item = Value> {
        let songs = self.songs.range(number * ON_ALBUM..(number + 1) * ON_ALBUM);
        songs.filter_map(|(n, _)| self.song(*n))
    }

    fn album(&self, number: u32, with_songs: bool) -> Option<Value> {
        let songs = self.songs.range(number * ON_ALBUM..(number + 1) * ON_ALBUM);
        let (count, plays) =
            songs.fold((0, 0), |(count, plays), (_, song)| (count + 1, plays + song.plays));
        let mut album = json!({"id": format!("al-{number}"), "name": format!("Album {number}"),
            "artist": format!("Artist {}", number / 8), "songCount": count});
        if self.kind != Kind::Supysonic {
            album["playCount"] = json!(plays);
        }
        if with_songs {
            album["song"] = self.on_album(number).collect();
        }
        (count > 0).then_some(album)
    }

    fn song(&self, number: u32) -> Option<Value> {
        let song = self.songs.get(&number)?;
        let album = number / ON_ALBUM;
        Some(json!({"id": format!("so-{number}"), "title": song.title, "isDir": false,
            "album": format!("Album {album}"), "albumId": format!("al-{album}"),
            "artist": format!("Artist {}", album / 8), "track": number % ON_ALBUM + 1,
            "discNumber": 1, "year": 1960 + album % 60, "genre": "Rock", "duration": 180,
            "size": song.length, "bitRate": 320, "suffix": song.suffix, "contentType": "audio/mpeg",
            "coverArt": format!("al-{album}"), "path": format!("{album}/{number}.mp3"),
            "created": "2020-01-02T03:04:05Z", "playCount": song.plays, "userRating": song.rating}))
    }

    fn playlist(&self, number: u32, with_songs: bool) -> Option<Value> {
        let (name, songs) = self.playlists.get(&number)?;
        let mut list =
            json!({"id": format!("pl-{number}"), "name": name, "songCount": songs.len()});
        if self.kind == Kind::OpenSubsonic {
            list["changed"] = json!(format!("when it had {songs:?}"));
        }
        if with_songs {
            list["entry"] = songs.iter().filter_map(|n| self.song(*n)).collect();
        }
        Some(list)
    }
}

fn folder(number: u32) -> Value {
    json!({"id": format!("fo-{number}"), "isDir": true, "title": format!("Folder {number}")})
}

/// An answer with something in it.
pub fn ok(what: Value) -> Reply {
    let mut response = json!({"status": "ok", "version": "1.16.1"});
    for (key, value) in what.as_object().into_iter().flatten() {
        response[key] = value.clone();
    }
    reply(&response)
}

/// A refusal.
pub fn refused(code: u32, message: &str) -> Reply {
    let error = json!({"code": code, "message": message});
    reply(&json!({"status": "failed", "version": "1.16.1", "error": error}))
}

fn reply(response: &Value) -> Reply {
    let body = json!({"subsonic-response": response}).to_string();
    Reply::new(body).with("Content-Type", "application/json")
}

fn found(what: &str, value: Option<Value>) -> Reply {
    value.map_or_else(|| refused(70, "not found"), |value| ok(json!({what: value})))
}

/// A song from where the `Range` begins.
fn part(asked: &Asked, sound: &[u8]) -> Reply {
    let range = asked.header("Range").and_then(|range| range.strip_prefix("bytes="));
    let from = range.and_then(|range| range.strip_suffix('-')?.parse::<usize>().ok());
    let reply = match from {
        Some(from) => Reply::new(&sound[from.min(sound.len())..])
            .with_status(206)
            .with("Content-Range", format!("bytes {from}-{}/{}", sound.len() - 1, sound.len())),
        None => Reply::new(sound),
    };
    reply.with("Content-Type", "audio/mpeg")
}
