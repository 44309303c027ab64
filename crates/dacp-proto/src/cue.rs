//! `cue` and `playspec`: songs that are found, and playlists.

use daap_model::{ContainerId, DatabaseId, PersistentId, Sort};
use daap_proto::target::{Target, number, sort, sort_word};
use daap_proto::{Query, RequestError};
use dmap::code::CASH;

use crate::request::{Said, bad};
use crate::spec::{Spec, Start, hexadecimal, persistent};

/// `cue`: what Remotes say to servers whose interface has no queue to edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cue {
    /// `clear`: the queue is emptied, and nothing plays.
    Clear,
    /// `play` with a query: these songs become the queue, and one of them plays.
    Play {
        /// The songs.
        songs: Found,
        /// Which plays, from 0, in their order.
        index: u32,
        /// `dacp.shufflestate`: shuffle is set on the way.
        shuffle: Option<bool>,
    },
    /// `play` without a query: one of the queue plays.
    PlayQueued {
        /// Which, from 0.
        index: u32,
        /// `dacp.shufflestate`: shuffle is set on the way.
        shuffle: Option<bool>,
    },
    /// `add`: these come to the end of the queue. Only TunesRemote+ says so.
    Add(Found),
}

/// Songs that a query finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The database to look in; `None` is the first.
    pub database: Option<PersistentId>,
    /// The query.
    pub query: Query,
    /// In which order; `None` is that of a listing for which none is asked, as the client has seen one in that order.
    pub sort: Option<Sort>,
    /// Whether the order is turned round.
    pub reversed: bool,
}

/// `playspec`: a playlist becomes the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaySpec {
    /// The database that has it.
    pub database: Spec<DatabaseId>,
    /// The playlist.
    pub container: Spec<ContainerId>,
    /// Which of it plays; `None` is the first, or with shuffle any.
    pub start: Option<Start>,
    /// `dacp.shufflestate`: shuffle is set on the way.
    pub shuffle: Option<bool>,
}

pub(crate) const COMMAND: &str = "command";
pub(crate) const INDEX: &str = "index";
pub(crate) const QUERY: &str = "query";
pub(crate) const SORT: &str = "sort";
pub(crate) const SOURCE: &str = "srcdatabase";

const CONTAINER_ITEM_SPEC: &str = "container-item-spec";
const CONTAINER_SPEC: &str = "container-spec";
const DATABASE_SPEC: &str = "database-spec";
const INVERT: &str = "invert-sort-order";
const ITEM_SPEC: &str = "item-spec";

impl Cue {
    pub(crate) fn parse(said: &Said<'_>) -> Result<Self, RequestError> {
        let command = said.needed(COMMAND)?;
        // A query always takes the place of the queue, so it need not be cleared first.
        said.flag("clear-first")?;
        Ok(match command.as_str() {
            "clear" => Self::Clear,
            "add" => Self::Add(Found::parse(said, said.needed_query(QUERY)?)?),
            "play" => {
                let (index, shuffle) = (said.number(INDEX)?, said.flag(CASH.name())?);
                match said.query(QUERY)? {
                    Some(query) => {
                        let songs = Found::parse(said, query)?;
                        Self::Play { songs, index: index.unwrap_or_default(), shuffle }
                    }
                    None => {
                        let parameter = INDEX;
                        let index = index.ok_or(RequestError::MissingParameter { parameter })?;
                        Self::PlayQueued { index, shuffle }
                    }
                }
            }
            _ => return Err(bad(COMMAND, &command)),
        })
    }

    pub(crate) fn write(&self, uri: &mut Target) {
        match self {
            Self::Clear => uri.text(COMMAND, "clear"),
            Self::Add(songs) => {
                uri.text(COMMAND, "add");
                songs.write(uri);
            }
            Self::Play { songs, index, shuffle } => {
                uri.text(COMMAND, "play");
                songs.write(uri);
                uri.number(INDEX, *index);
                write_shuffle(*shuffle, uri);
                // Other servers add the songs to the queue unless it is cleared.
                uri.number("clear-first", 1);
            }
            Self::PlayQueued { index, shuffle } => {
                uri.text(COMMAND, "play");
                uri.number(INDEX, *index);
                write_shuffle(*shuffle, uri);
            }
        }
    }
}

impl Found {
    fn parse(said: &Said<'_>, query: Query) -> Result<Self, RequestError> {
        Ok(Self {
            database: source(said)?,
            query,
            // As in listings, an order that nobody knows is none: `index` counts in what was listed.
            sort: said.text(SORT)?.and_then(|word| sort(&word)),
            reversed: said.flag(INVERT)?.unwrap_or_default(),
        })
    }

    fn write(&self, uri: &mut Target) {
        write_source(self.database, uri);
        uri.text(QUERY, &self.query.to_string());
        if let Some(sort) = self.sort {
            uri.text(SORT, sort_word(sort));
        }
        if self.reversed {
            uri.number(INVERT, 1);
        }
    }
}

impl PlaySpec {
    pub(crate) fn parse(said: &Said<'_>) -> Result<Self, RequestError> {
        let container = said.either([CONTAINER_SPEC, "playlist-spec"], |said, name| {
            said.read(name, |text| Spec::parse(text, ContainerId::new))
        })?;
        let start = said
            .either([CONTAINER_ITEM_SPEC, ITEM_SPEC], |said, name| said.read(name, Start::parse))?;
        Ok(Self {
            database: said.needed_read(DATABASE_SPEC, |text| Spec::parse(text, DatabaseId::new))?,
            container: container
                .ok_or(RequestError::MissingParameter { parameter: CONTAINER_SPEC })?,
            start,
            shuffle: said.flag(CASH.name())?,
        })
    }

    pub(crate) fn write(&self, uri: &mut Target) {
        uri.text(DATABASE_SPEC, &self.database.to_string());
        uri.text(CONTAINER_SPEC, &self.container.to_string());
        if let Some(start) = self.start {
            let name = match start {
                Start::Entry(_) => CONTAINER_ITEM_SPEC,
                Start::Item(_) => ITEM_SPEC,
            };
            uri.text(name, &start.to_string());
        }
        write_shuffle(self.shuffle, uri);
    }
}

fn write_shuffle(shuffle: Option<bool>, uri: &mut Target) {
    if let Some(shuffle) = shuffle {
        uri.number(CASH.name(), shuffle.into());
    }
}

/// `srcdatabase`: the database to look in.
pub(crate) fn source(said: &Said<'_>) -> Result<Option<PersistentId>, RequestError> {
    said.read(SOURCE, |text| persistent(number(text)?))
}

pub(crate) fn write_source(database: Option<PersistentId>, uri: &mut Target) {
    if let Some(database) = database {
        uri.text(SOURCE, &hexadecimal(database));
    }
}
