//! What clients ask, as values: the request target of every endpoint, read and written.
//!
//! One type serves both sides: a server [parses](Request::parse) targets, a client [writes](Request::to_uri) them.

mod edit;

use daap_model::{Browse, ContainerId, DatabaseId, GroupId, GroupKind, ItemId, Revision, Sort};
use percent_encoding::utf8_percent_encode;

pub use self::edit::EditAction;
use crate::fields::Fields;
use crate::index::Index;
use crate::meta::Meta;
use crate::query::{Query, QueryError};
use crate::target::{
    GROUP_KINDS, Parameters, RESERVED, Target, bad, decode, meaning, split, word, words,
};

/// The longest request target that is read, in bytes. iTunes asks for some forty fields in 1,200; the longest query
/// takes three bytes for each of its own.
pub const MAX_TARGET: usize = 32 * 1024;

/// A request: what is asked, and in which session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The session; `None` if none was named, or 0.
    pub session_id: Option<u32>,
    /// What is asked.
    pub endpoint: Endpoint,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// `/server-info`: who are you, and what can you do? Needs no session.
    ServerInfo,
    /// `/content-codes`: which tags do you send? Needs no session.
    ContentCodes,
    /// `/login`: give me a session.
    Login,
    /// `/logout`: end my session.
    Logout,
    /// `/activity`: I am still here.
    Activity,
    /// `/update`: tell me when the library is past this.
    Update(Step),
    /// `/databases`.
    Databases(Step),
    /// `/databases/D/items`.
    Items {
        /// Of which database.
        database: DatabaseId,
        /// Which items, and what of them.
        listing: Listing,
    },
    /// `/databases/D/containers`. A query is not read here: no list of playlists may become shorter because a
    /// query was not understood.
    Containers {
        /// Of which database.
        database: DatabaseId,
        /// Which part of the list, and what of each.
        listing: Listing,
    },
    /// `/databases/D/containers/C/items`.
    ContainerItems {
        /// Of which database.
        database: DatabaseId,
        /// Of which container.
        container: ContainerId,
        /// Which entries, and what of them.
        listing: Listing,
    },
    /// `/databases/D/browse/WHAT`: names only.
    Browse {
        /// Of which database.
        database: DatabaseId,
        /// Names of what.
        category: Browse,
        /// Which of them.
        listing: Listing,
    },
    /// `/databases/D/groups`: albums or artists with what they hold.
    Groups {
        /// Of which database.
        database: DatabaseId,
        /// Which sort of groups.
        kind: GroupKind,
        /// Which groups, and what of them.
        listing: Listing,
    },
    /// `/databases/D/items/K.EXT`: the sound of a song.
    Song {
        /// Of which database.
        database: DatabaseId,
        /// Which song.
        item: ItemId,
        /// What the client made of the song's format; may be wrong (`Unknown`, `m4v`) and means nothing.
        extension: String,
    },
    /// `/databases/D/items/K/extra_data/artwork`.
    ItemArtwork {
        /// Of which database.
        database: DatabaseId,
        /// Of which song.
        item: ItemId,
        /// The box to fit into; `None` asks for the original.
        size: Option<PixelBox>,
    },
    /// `/databases/D/groups/G/extra_data/artwork`.
    GroupArtwork {
        /// Of which database.
        database: DatabaseId,
        /// Of which group.
        group: GroupId,
        /// What sort of group it is.
        kind: GroupKind,
        /// The box to fit into; `None` asks for the original.
        size: Option<PixelBox>,
    },
    /// `/databases/D/edit` or `/databases/D/containers/C/edit`: change the playlists.
    Edit {
        /// Of which database.
        database: DatabaseId,
        /// How.
        action: EditAction,
    },
}

/// From which revision to which a client moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// `revision-number`: the revision it moves to; of an `/update`, the one it has.
    pub revision: Option<Revision>,
    /// `delta`: the revision it has. 0 is nothing.
    pub delta: Option<Revision>,
}

impl Step {
    /// The revision that the client has. `None` if it has nothing, or says that it has a later one than it moves to.
    #[must_use]
    pub fn seen(self) -> Option<Revision> {
        let possible = |has: &Revision| has.get() != 0 && self.revision.is_none_or(|to| *has <= to);
        self.delta.filter(possible)
    }
}

/// Which part of a list is wanted, and what of each entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// `meta`: the fields; `None` leaves the choice to the server.
    pub meta: Option<Meta>,
    /// `query` or `filter`: which entries.
    pub query: Option<Query>,
    /// `index`: which page of them.
    pub index: Option<Index>,
    /// `sort`: in which order.
    pub sort: Option<Sort>,
    /// `include-sort-headers`: where each letter begins.
    pub sort_headers: bool,
    /// What the client has of the list.
    pub step: Step,
}

impl Listing {
    /// The wanted fields of those that every library has; `default` if that is left to the server.
    pub(crate) fn fields(&self, default: Fields) -> Fields {
        self.meta.as_ref().map_or(default, Meta::fields)
    }
}

/// `mw` and `mh`: the box a picture has to fit into, in pixels. 0 leaves a side free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PixelBox {
    /// Greatest width.
    pub width: u32,
    /// Greatest height.
    pub height: u32,
}

/// Why a request cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The target is longer than [`MAX_TARGET`].
    #[error("the request target has {length} bytes; at most {MAX_TARGET} are read")]
    TargetTooLong {
        /// Its length.
        length: usize,
    },
    /// No endpoint has this path.
    #[error("there is no {path:?} here")]
    UnknownPath {
        /// The path, without host and parameters.
        path: String,
    },
    /// A parameter, or the last word of a path, has a value that cannot be read, where guessing would do harm.
    #[error("{parameter}={value:?} cannot be read")]
    BadParameter {
        /// Its name.
        parameter: &'static str,
        /// Its value.
        value: String,
    },
    /// A parameter that nothing can be done without is not there.
    #[error("{parameter} is missing")]
    MissingParameter {
        /// Its name.
        parameter: &'static str,
    },
    /// A parameter comes twice, where to choose one would be to guess.
    #[error("{parameter} comes more than once")]
    RepeatedParameter {
        /// Its name.
        parameter: &'static str,
    },
    /// The `pairing-guid` is none that a pairing gave; which, is not told, as it is as good as a password. 503 is what
    /// makes a Remote offer to pair again (WPRemote).
    #[error("there is no such pairing with this server")]
    NotPaired,
    /// The query cannot be read.
    #[error(transparent)]
    BadQuery(#[from] QueryError),
    /// What the path names is not there.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What it is: "database", "container", "item".
        what: &'static str,
        /// Its number.
        id: u64,
    },
    /// The list would be longer than DMAP can say; it has to be asked for in pages.
    #[error(transparent)]
    TooLong(#[from] dmap::TooLong),
}

impl RequestError {
    /// The HTTP status to answer with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::TargetTooLong { .. } => 414,
            Self::UnknownPath { .. } | Self::NotFound { .. } => 404,
            Self::BadParameter { .. }
            | Self::MissingParameter { .. }
            | Self::RepeatedParameter { .. }
            | Self::BadQuery(_) => 400,
            Self::NotPaired => 503,
            Self::TooLong(_) => 500,
        }
    }
}

impl Request {
    /// A request outside of any session.
    #[must_use]
    pub const fn new(endpoint: Endpoint) -> Self {
        Self { session_id: None, endpoint }
    }

    /// The same request in a session.
    #[must_use]
    pub fn in_session(self, session_id: u32) -> Self {
        Self { session_id: Some(session_id).filter(|id| *id != 0), ..self }
    }

    /// Reads a request target: `/path?parameters`, or with `daap://host:port` (iTunes 9) or `http://host:port`
    /// (iTunes 12) before it. The path may begin with no slash, or with two.
    ///
    /// # Errors
    /// There is no such endpoint, a parameter that matters cannot be read, or a limit was passed.
    pub fn parse(target: &str) -> Result<Self, RequestError> {
        let (path, parameters) = split(target)?;
        Ok(Self {
            session_id: parameters.session_id(),
            endpoint: Endpoint::parse(path, parameters)?,
        })
    }

    /// The target that asks for this, beginning with a slash.
    #[must_use]
    pub fn to_uri(&self) -> String {
        let mut uri = Target::new(self.endpoint.path());
        if let Some(id) = self.session_id {
            uri.number("session-id", id);
        }
        self.endpoint.write_parameters(&mut uri);
        uri.finish()
    }
}

impl Endpoint {
    fn parse(path: &str, parameters: Parameters<'_>) -> Result<Self, RequestError> {
        Ok(match words(path)[..] {
            ["server-info"] => Self::ServerInfo,
            ["content-codes"] => Self::ContentCodes,
            ["login"] => Self::Login,
            ["logout"] => Self::Logout,
            ["activity"] => Self::Activity,
            ["update"] => Self::Update(parameters.step()),
            ["databases"] => Self::Databases(parameters.step()),
            ["databases", database, ref rest @ ..] => {
                let database = id("database", database, path, DatabaseId::new)?;
                return Self::parse_in(database, path, rest, parameters);
            }
            _ => return Err(unknown(path)),
        })
    }

    fn parse_in(
        database: DatabaseId,
        path: &str,
        rest: &[&str],
        parameters: Parameters<'_>,
    ) -> Result<Self, RequestError> {
        Ok(match *rest {
            ["items"] => Self::Items { database, listing: parameters.listing()? },
            ["items", file] => {
                let (number, extension) = file.split_once('.').unwrap_or((file, ""));
                let item = id("item", number, path, ItemId::new)?;
                Self::Song { database, item, extension: decode(extension) }
            }
            ["items", item, "extra_data", "artwork"] => {
                let item = id("item", item, path, ItemId::new)?;
                Self::ItemArtwork { database, item, size: parameters.size()? }
            }
            ["containers"] => {
                Self::Containers { database, listing: parameters.listing_without_query() }
            }
            ["containers", container, "items"] => {
                let container = container_id(container, path)?;
                Self::ContainerItems { database, container, listing: parameters.listing()? }
            }
            ["containers", container, "edit"] => {
                let container = container_id(container, path)?;
                Self::Edit { database, action: EditAction::parse(Some(container), parameters)? }
            }
            ["edit"] => Self::Edit { database, action: EditAction::parse(None, parameters)? },
            ["browse", category] => {
                let category =
                    meaning(&CATEGORIES, category).ok_or_else(|| bad("browse", category))?;
                Self::Browse { database, category, listing: parameters.listing()? }
            }
            ["groups"] => {
                let kind = parameters.group_kind()?;
                Self::Groups { database, kind, listing: parameters.listing()? }
            }
            ["groups", group, "extra_data", "artwork"] => {
                let group = id("group", group, path, GroupId::new)?;
                let (kind, size) = (parameters.group_kind()?, parameters.size()?);
                Self::GroupArtwork { database, group, kind, size }
            }
            _ => return Err(unknown(path)),
        })
    }

    fn path(&self) -> String {
        match self {
            Self::ServerInfo => "/server-info".into(),
            Self::ContentCodes => "/content-codes".into(),
            Self::Login => "/login".into(),
            Self::Logout => "/logout".into(),
            Self::Activity => "/activity".into(),
            Self::Update(_) => "/update".into(),
            Self::Databases(_) => "/databases".into(),
            Self::Items { database, .. } => format!("/databases/{database}/items"),
            Self::Containers { database, .. } => format!("/databases/{database}/containers"),
            Self::ContainerItems { database, container, .. } => {
                format!("/databases/{database}/containers/{container}/items")
            }
            Self::Browse { database, category, .. } => {
                format!("/databases/{database}/browse/{}", word(&CATEGORIES, *category))
            }
            Self::Groups { database, .. } => format!("/databases/{database}/groups"),
            Self::Song { database, item, extension } => {
                let dot = if extension.is_empty() { "" } else { "." };
                let extension = utf8_percent_encode(extension, RESERVED);
                format!("/databases/{database}/items/{item}{dot}{extension}")
            }
            Self::ItemArtwork { database, item, .. } => {
                format!("/databases/{database}/items/{item}/extra_data/artwork")
            }
            Self::GroupArtwork { database, group, .. } => {
                format!("/databases/{database}/groups/{group}/extra_data/artwork")
            }
            Self::Edit { database, action } => match action.container() {
                Some(container) => format!("/databases/{database}/containers/{container}/edit"),
                None => format!("/databases/{database}/edit"),
            },
        }
    }

    fn write_parameters(&self, uri: &mut Target) {
        match self {
            Self::Update(step) | Self::Databases(step) => uri.step(step),
            Self::Items { listing, .. } | Self::ContainerItems { listing, .. } => {
                // iTunes says so, and flask-daapserver 3.0.2 gives no songs without.
                uri.text("type", "music");
                uri.listing(listing, "query");
            }
            Self::Containers { listing, .. } => uri.listing(listing, "query"),
            Self::Browse { listing, .. } => uri.listing(listing, "filter"),
            Self::Groups { kind, listing, .. } => {
                uri.text("group-type", word(&GROUP_KINDS, *kind));
                uri.listing(listing, "query");
            }
            Self::ItemArtwork { size, .. } => uri.size(*size),
            Self::GroupArtwork { kind, size, .. } => {
                uri.text("group-type", word(&GROUP_KINDS, *kind));
                uri.size(*size);
            }
            Self::Edit { action, .. } => action.write(uri),
            Self::ServerInfo
            | Self::ContentCodes
            | Self::Login
            | Self::Logout
            | Self::Activity
            | Self::Song { .. } => {}
        }
    }
}

/// The words for what can be browsed.
const CATEGORIES: [(&str, Browse); 4] = [
    ("artists", Browse::Artists),
    ("albums", Browse::Albums),
    ("genres", Browse::Genres),
    ("composers", Browse::Composers),
];

/// The id in a path. A number that no id can have names nothing; what is no number is no path of ours.
fn id<T>(
    what: &'static str,
    number: &str,
    path: &str,
    new: fn(u32) -> Option<T>,
) -> Result<T, RequestError> {
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unknown(path));
    }
    let id = number.parse::<u64>().unwrap_or(u64::MAX);
    u32::try_from(id).ok().and_then(new).ok_or(RequestError::NotFound { what, id })
}

/// The container in a path. 0, as "Remote for iTunes" on Android asks for, is the base.
fn container_id(number: &str, path: &str) -> Result<ContainerId, RequestError> {
    match number {
        "0" => Ok(ContainerId::BASE),
        _ => id("container", number, path, ContainerId::new),
    }
}

fn unknown(path: &str) -> RequestError {
    RequestError::UnknownPath { path: path.to_owned() }
}

#[cfg(test)]
mod tests;
