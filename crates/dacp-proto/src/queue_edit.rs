//! `playqueue-edit`: what Remotes say since iTunes 11, whose queue can be seen and edited.

use std::collections::BTreeSet;

use daap_model::{ContainerId, ItemId, PersistentId, Sort};
use daap_proto::target::{Target, number, sort, sort_word};
use daap_proto::{Field, Query, RequestError};
use dmap::code::{MIID, MINM};

use crate::cue::{COMMAND, INDEX, QUERY, SORT, source, write_source};
use crate::queue::QueuePlace;
use crate::request::{Said, bad, number_32};
use crate::spec::{Spec, Start};

/// A change of the queue. Places in it count from what plays, which is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueEdit {
    /// These come to its end. If it was empty they play.
    Append(Songs),
    /// These come after what plays. If it was empty they play.
    PlayNext(Songs),
    /// These become the queue and play.
    Play {
        /// The songs.
        songs: Songs,
        /// Whether shuffle is set on.
        shuffle: bool,
    },
    /// A list becomes the queue and plays, from one of its songs on.
    PlayFrom {
        /// The database to look in; `None` is the first.
        database: Option<PersistentId>,
        /// The list.
        list: SongList,
        /// The song.
        start: Start,
        /// The order of the list; `None` is its own.
        sort: Option<Sort>,
        /// Whether shuffle is set on.
        shuffle: bool,
    },
    /// A song, and what follows it on its album, become the queue and play.
    PlayAlbumFrom {
        /// The database to look in; `None` is the first.
        database: Option<PersistentId>,
        /// The song.
        item: ItemId,
    },
    /// What is in this place plays now.
    PlayNow(QueuePlace),
    /// A song goes to another place.
    Move {
        /// Where it is.
        from: u32,
        /// What it is to follow.
        after: u32,
    },
    /// Songs leave the queue: one or more.
    Remove(BTreeSet<u32>),
    /// All leave the queue but what plays.
    Clear,
    /// What was played is forgotten.
    ClearHistory,
}

/// Songs to add to the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Songs {
    /// The database to look in; `None` is the first.
    pub database: Option<PersistentId>,
    /// Which songs.
    pub which: Which,
    /// In which order; `None` is that of the playlist, or of the database.
    pub sort: Option<Sort>,
}

/// Which songs are to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that a query finds.
    Found(Query),
    /// Those of a playlist.
    Playlist(ContainerId),
    /// Those of the playlist with this name, which is not empty. So homebridge-dacp asks.
    PlaylistNamed(String),
}

/// A list that a song was chosen from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SongList {
    /// An album.
    Album(PersistentId),
    /// All of an artist.
    Artist(PersistentId),
    /// A playlist.
    Playlist(ContainerId),
    /// All of a genre, by name.
    Genre(String),
    /// All of a composer, by name.
    Composer(String),
}

/// How songs are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Append,
    Play,
    Shuffle,
    Next,
}

const EDIT_PARAMS: &str = "edit-params";
const ITEMS: &str = "items";
const MODE: &str = "mode";
const MODIFIER: &str = "query-modifier";
const MOVE_PAIR: &str = "edit-param.move-pair";
const QUEUE_FILTER: &str = "queuefilter";

/// The value of `query-modifier` that says that the query names a playlist.
const CONTAINERS: &str = "containers";

/// The order that a playlist has of itself.
const PHYSICAL: &str = "physical";

/// What `clear` is to clear: four letters as a number.
const MAIN: u32 = u32::from_be_bytes(*b"main");
const HISTORY: u32 = u32::from_be_bytes(*b"hist");

impl QueueEdit {
    pub(crate) fn parse(said: &Said<'_>) -> Result<Self, RequestError> {
        let command = said.needed(COMMAND)?;
        Ok(match command.as_str() {
            "add" => Self::parse_add(said)?,
            "playnow" => Self::PlayNow(QueuePlace::parse(said)?),
            "move" => {
                let (from, after) = said.needed_read(EDIT_PARAMS, move_pair)?;
                Self::Move { from, after }
            }
            "remove" => Self::Remove(
                said.needed_read(ITEMS, |list| list.split(',').map(number_32).collect())?,
            ),
            "clear" => said
                .read(MODE, |text| match number_32(text)? {
                    MAIN => Some(Self::Clear),
                    HISTORY => Some(Self::ClearHistory),
                    _ => None,
                })?
                .unwrap_or(Self::Clear),
            _ => return Err(bad(COMMAND, &command)),
        })
    }

    fn parse_add(said: &Said<'_>) -> Result<Self, RequestError> {
        let (mode, database) = (Mode::parse(said)?, source(said)?);
        let list = said.text(QUEUE_FILTER)?;
        let modifier = said.read(MODIFIER, |text| (text == CONTAINERS).then_some(()))?;
        let (query, word) = (said.needed_query(QUERY)?, said.text(SORT)?);
        let which = match modifier {
            Some(()) => Which::playlist(&query)?,
            None => Which::Found(query),
        };
        let shuffle = mode == Mode::Shuffle;
        // Only where the queue is replaced: Retune sends it with the other modes too, and sometimes nonsense.
        if let (Mode::Play | Mode::Shuffle, Which::Found(query)) = (mode, &which)
            && let Some(start) = Start::named_by(query)
        {
            if let Some(list) = list.as_deref().map(SongList::parse).transpose()?.flatten() {
                let sort = read_sort(word.as_deref(), list.has_order());
                return Ok(Self::PlayFrom { database, list, start, sort, shuffle });
            }
            // So Apple's Remote asks for a chapter in its tab of audiobooks.
            if let (Mode::Play, None, None, Start::Item(Spec::Id(item))) =
                (mode, &list, &word, start)
            {
                return Ok(Self::PlayAlbumFrom { database, item });
            }
        }
        let sort = read_sort(word.as_deref(), !matches!(which, Which::Found(_)));
        let songs = Songs { database, which, sort };
        Ok(match mode {
            Mode::Append => Self::Append(songs),
            Mode::Next => Self::PlayNext(songs),
            Mode::Play | Mode::Shuffle => Self::Play { songs, shuffle },
        })
    }

    pub(crate) fn write(&self, uri: &mut Target) {
        uri.text(COMMAND, self.command());
        match self {
            Self::Append(songs) => songs.write(Mode::Append, uri),
            Self::PlayNext(songs) => songs.write(Mode::Next, uri),
            Self::Play { songs, shuffle } => songs.write(Mode::play(*shuffle), uri),
            Self::PlayFrom { database, list, start, sort, shuffle } => {
                write_source(*database, uri);
                uri.text(QUERY, &start.to_string());
                uri.text(QUEUE_FILTER, &list.to_string());
                write_sort(*sort, uri);
                Mode::play(*shuffle).write(uri);
            }
            Self::PlayAlbumFrom { database, item } => {
                write_source(*database, uri);
                uri.text(QUERY, &Spec::Id(*item).to_string());
                Mode::Play.write(uri);
            }
            Self::PlayNow(place) => place.write(uri),
            Self::Move { from, after } => {
                uri.text(EDIT_PARAMS, &format!("'{MOVE_PAIR}:{from},{after}'"));
            }
            Self::Remove(places) => {
                let places: Vec<_> = places.iter().map(u32::to_string).collect();
                uri.text(ITEMS, &places.join(","));
            }
            Self::Clear => uri.text(MODE, &format!("0x{MAIN:X}")),
            Self::ClearHistory => uri.text(MODE, &format!("0x{HISTORY:X}")),
        }
    }

    fn command(&self) -> &'static str {
        match self {
            Self::Append(_)
            | Self::PlayNext(_)
            | Self::Play { .. }
            | Self::PlayFrom { .. }
            | Self::PlayAlbumFrom { .. } => "add",
            Self::PlayNow(_) => "playnow",
            Self::Move { .. } => "move",
            Self::Remove(_) => "remove",
            Self::Clear | Self::ClearHistory => "clear",
        }
    }

    /// Whether the answer says what plays then.
    pub(crate) const fn tells_what_plays(&self) -> bool {
        matches!(self, Self::PlayNow(_) | Self::Clear | Self::ClearHistory)
    }
}

impl QueuePlace {
    fn parse(said: &Said<'_>) -> Result<Self, RequestError> {
        let place = said.read(MODE, |text| match text {
            "0" => Some(Self::Queue as fn(u32) -> Self),
            "1" | "-1" => Some(Self::History),
            _ => None,
        })?;
        Ok(place.unwrap_or(Self::Queue)(said.needed_number(INDEX)?))
    }

    fn write(self, uri: &mut Target) {
        match self {
            Self::Queue(index) => uri.number(INDEX, index),
            Self::History(index) => {
                uri.number(INDEX, index);
                uri.text(MODE, "-1");
            }
        }
    }
}

impl Songs {
    fn write(&self, mode: Mode, uri: &mut Target) {
        write_source(self.database, uri);
        match &self.which {
            Which::Found(query) => uri.text(QUERY, &query.to_string()),
            Which::Playlist(id) => uri.text(QUERY, &Spec::Id(*id).to_string()),
            Which::PlaylistNamed(name) => {
                uri.text(QUERY, &Query::is(Field::Name, name).to_string())
            }
        }
        if !matches!(self.which, Which::Found(_)) {
            uri.text(MODIFIER, CONTAINERS);
        }
        write_sort(self.sort, uri);
        mode.write(uri);
    }
}

impl Which {
    /// The playlist that a query names.
    fn playlist(query: &Query) -> Result<Self, RequestError> {
        let criterion = query.only();
        let id = criterion.and_then(|criterion| criterion.id_of(MIID, container));
        let name = criterion.and_then(|criterion| criterion.value_of(MINM.name()));
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        let which = id.map(Self::Playlist).or(name.map(Self::PlaylistNamed));
        which.ok_or_else(|| bad(QUERY, &query.to_string()))
    }
}

impl SongList {
    /// `None` if it is a list of a kind that nobody knows.
    fn parse(text: &str) -> Result<Option<Self>, RequestError> {
        let Some((kind, which)) = text.split_once(':') else { return Ok(None) };
        let id = || number(which).filter(|_| !which.is_empty());
        let list = match kind {
            "album" => id().map(PersistentId::new).map(Self::Album),
            "artist" => id().map(PersistentId::new).map(Self::Artist),
            "playlist" => number_32(which).and_then(container).map(Self::Playlist),
            "genre" => Some(Self::Genre(which.to_owned())),
            "composer" => Some(Self::Composer(which.to_owned())),
            _ => return Ok(None),
        };
        list.map(Some).ok_or_else(|| bad(QUEUE_FILTER, text))
    }

    /// Whether it has an order of its own.
    fn has_order(&self) -> bool {
        matches!(self, Self::Playlist(_))
    }
}

impl std::fmt::Display for SongList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Album(id) => write!(f, "album:{}", id.get()),
            Self::Artist(id) => write!(f, "artist:{}", id.get()),
            Self::Playlist(id) => write!(f, "playlist:{id}"),
            Self::Genre(name) => write!(f, "genre:{name}"),
            Self::Composer(name) => write!(f, "composer:{name}"),
        }
    }
}

impl Mode {
    fn parse(said: &Said<'_>) -> Result<Self, RequestError> {
        let mode = said.read(MODE, |text| match text {
            // 5 is Retune's.
            "0" | "5" => Some(Self::Append),
            "1" => Some(Self::Play),
            "2" => Some(Self::Shuffle),
            "3" => Some(Self::Next),
            _ => None,
        })?;
        let clears = said.flag("clear-previous")?.unwrap_or_default();
        Ok(mode.filter(|mode| !clears || *mode == Self::Shuffle).unwrap_or(Self::Play))
    }

    const fn play(shuffle: bool) -> Self {
        if shuffle { Self::Shuffle } else { Self::Play }
    }

    fn write(self, uri: &mut Target) {
        let number = match self {
            Self::Append => 0,
            Self::Play => 1,
            Self::Shuffle => 2,
            Self::Next => 3,
        };
        uri.number(MODE, number);
    }
}

/// Where no order is said, what has one of its own keeps it, and all else is in the order of albums.
fn read_sort(word: Option<&str>, has_order: bool) -> Option<Sort> {
    match word {
        Some(PHYSICAL) => None,
        word => word.and_then(sort).or((!has_order).then_some(Sort::Album)),
    }
}

fn write_sort(order: Option<Sort>, uri: &mut Target) {
    uri.text(SORT, order.map_or(PHYSICAL, sort_word));
}

/// The playlist with this number. 0, as "Remote for iTunes" on Android says, is the base.
fn container(number: u32) -> Option<ContainerId> {
    Some(ContainerId::new(number).unwrap_or(ContainerId::BASE))
}

/// `'edit-param.move-pair:3,0'`.
fn move_pair(text: &str) -> Option<(u32, u32)> {
    let query = Query::parse(text).ok()?;
    let (from, after) = query.only()?.value_of(MOVE_PAIR)?.split_once(',')?;
    Some((number_32(from)?, number_32(after)?))
}
