//! `/edit`: what a client wants changed in the playlists.
//!
//! The parameter `edit-params` follows the grammar of queries, whatever it says: names, ids and the two entries of a
//! move are values of criteria.

use daap_model::{ContainerId, ContainerItemId, Database, ItemId, Sort};
use dmap::Code;
use dmap::code::{MCTI, MIID, MINM};

use super::RequestError;
use crate::fields::Field;
use crate::query::{Criterion, Query};
use crate::target::{Parameters, Target, bad, number};

/// A change of the playlists of a database. The longest has `edit-params` of [`MAX_QUERY`](crate::MAX_QUERY) bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditAction {
    /// `add` on a database: a new playlist.
    AddPlaylist {
        /// Its name; not empty.
        name: String,
    },
    /// `remove` on a database: a playlist goes.
    RemovePlaylist(ContainerId),
    /// `rename`: a playlist is called something else.
    Rename {
        /// The playlist.
        container: ContainerId,
        /// Its new name; not empty.
        name: String,
    },
    /// `add` on a container: songs come to its end.
    Append {
        /// The playlist.
        container: ContainerId,
        /// The songs: [`Query::songs`]. At least one of its fields is known, lest the whole library be meant.
        songs: Query,
    },
    /// `remove` on a container: entries leave it.
    Take {
        /// The playlist.
        container: ContainerId,
        /// The entries; one or more.
        entries: Vec<ContainerItemId>,
    },
    /// `move`: an entry goes to another place.
    Move {
        /// The playlist.
        container: ContainerId,
        /// The entry.
        entry: ContainerItemId,
        /// The entry it is to follow. `None`, sent as 0, puts it first.
        after: Option<ContainerItemId>,
    },
    /// `refresh`: a list made by Genius is to be made anew. Nothing is to be done for a list of ours.
    Refresh(ContainerId),
}

/// The two entries of a move.
const MOVE_PAIR: &str = "edit-param.move-pair";

const ACTION: &str = "action";
const EDIT_PARAMS: &str = "edit-params";

impl EditAction {
    /// Reads what is asked of a database, or of one of its containers.
    pub(super) fn parse(
        container: Option<ContainerId>,
        parameters: Parameters<'_>,
    ) -> Result<Self, RequestError> {
        let action = parameters.value(ACTION).unwrap_or_default();
        let what = Wanted(parameters.value(EDIT_PARAMS).unwrap_or_default());
        Ok(match (action.as_str(), container) {
            ("add", None) => Self::AddPlaylist { name: what.name()? },
            ("remove", None) => Self::RemovePlaylist(what.playlist()?),
            ("rename", Some(container)) => Self::Rename { container, name: what.name()? },
            ("add", Some(container)) => Self::Append { container, songs: what.songs()? },
            ("remove", Some(container)) => Self::Take { container, entries: what.entries()? },
            ("move", Some(container)) => {
                let (entry, after) = what.pair()?;
                Self::Move { container, entry, after }
            }
            ("refresh", Some(container)) => Self::Refresh(container),
            _ => return Err(bad(ACTION, &action)),
        })
    }

    /// The container that the path names.
    pub(super) fn container(&self) -> Option<ContainerId> {
        match self {
            Self::AddPlaylist { .. } | Self::RemovePlaylist(_) => None,
            Self::Rename { container, .. }
            | Self::Append { container, .. }
            | Self::Take { container, .. }
            | Self::Move { container, .. }
            | Self::Refresh(container) => Some(*container),
        }
    }

    pub(super) fn write(&self, uri: &mut Target) {
        let (action, what) = match self {
            Self::AddPlaylist { name } => ("add", Some(Query::is(Field::Name, name))),
            Self::RemovePlaylist(id) => ("remove", Some(Query::is(Field::Id, id.to_string()))),
            Self::Rename { name, .. } => ("rename", Some(Query::is(Field::Name, name))),
            Self::Append { songs, .. } => ("add", Some(songs.clone())),
            Self::Take { entries, .. } => {
                let is =
                    |entry: &ContainerItemId| Query::is(Field::ContainerItemId, entry.to_string());
                let entries = entries.iter().map(is);
                ("remove", Query::any_of(entries))
            }
            Self::Move { entry, after, .. } => {
                let after = after.map_or(0, ContainerItemId::get);
                let value = format!("{entry},{after}");
                let pair = Criterion { key: MOVE_PAIR.to_owned(), negated: false, value };
                ("move", Some(Query::Is(pair)))
            }
            Self::Refresh(_) => ("refresh", None),
        };
        uri.text(ACTION, action);
        if let Some(what) = what {
            uri.text(EDIT_PARAMS, &what.to_string());
        }
    }
}

/// An `edit-params` that is to be read.
struct Wanted(String);

impl Wanted {
    fn name(&self) -> Result<String, RequestError> {
        let query = self.query()?;
        let name = query.only().and_then(|criterion| criterion.value_of(MINM.name()));
        name.filter(|name| !name.is_empty()).map(str::to_owned).ok_or_else(|| self.bad())
    }

    fn playlist(&self) -> Result<ContainerId, RequestError> {
        let query = self.query()?;
        let id = query.only().and_then(|criterion| criterion.id_of(MIID, ContainerId::new));
        id.ok_or_else(|| self.bad())
    }

    fn songs(&self) -> Result<Query, RequestError> {
        let query = self.query()?;
        if query.narrows() { Ok(query) } else { Err(self.bad()) }
    }

    fn entries(&self) -> Result<Vec<ContainerItemId>, RequestError> {
        self.query()?.ids(MCTI, ContainerItemId::new).ok_or_else(|| self.bad())
    }

    fn pair(&self) -> Result<(ContainerItemId, Option<ContainerItemId>), RequestError> {
        let query = self.query()?;
        let pair = query.only().and_then(|criterion| criterion.value_of(MOVE_PAIR));
        let read = |pair: &str| {
            let (entry, after) = pair.split_once(',').unwrap_or((pair, "0"));
            let entry = id(entry, ContainerItemId::new)?;
            match number(after)? {
                0 => Some((entry, None)),
                _ => Some((entry, Some(id(after, ContainerItemId::new)?))),
            }
        };
        pair.and_then(read).ok_or_else(|| self.bad())
    }

    fn query(&self) -> Result<Query, RequestError> {
        Ok(Query::parse(&self.0)?)
    }

    fn bad(&self) -> RequestError {
        bad(EDIT_PARAMS, &self.0)
    }
}

impl Query {
    /// The songs of a database that are meant where songs are to be added to a playlist: those that are named by id,
    /// in the order in which they are named, be they there or not; or those that are found, by album.
    #[must_use]
    pub fn songs(&self, database: &Database) -> Vec<ItemId> {
        self.ids(MIID, ItemId::new).unwrap_or_else(|| {
            let filter = self.to_filter();
            let found = database.items().all().matching(&filter).sorted(Sort::Album).rows();
            found.iter().map(|row| row.item.id).collect()
        })
    }

    /// The ids, if nothing but ids of this kind are named.
    fn ids<T>(&self, code: Code, new: fn(u32) -> Option<T>) -> Option<Vec<T>> {
        match self {
            Self::Is(criterion) => Some(vec![criterion.id_of(code, new)?]),
            Self::Or(parts) => parts.iter().map(|part| part.only()?.id_of(code, new)).collect(),
            Self::And(_) => None,
        }
    }

    /// The criterion, if there is but one.
    #[must_use]
    pub fn only(&self) -> Option<&Criterion> {
        match self {
            Self::Is(criterion) => Some(criterion),
            _ => None,
        }
    }
}

impl Criterion {
    /// The value, if this is the key and it is to be equal.
    #[must_use]
    pub fn value_of(&self, key: &str) -> Option<&str> {
        (self.key == key && !self.negated).then_some(&self.value)
    }

    /// The id, if the field with this code is to have one.
    #[must_use]
    pub fn id_of<T>(&self, code: Code, new: fn(u32) -> Option<T>) -> Option<T> {
        id(self.value_of(code.name())?, new)
    }
}

fn id<T>(text: &str, new: fn(u32) -> Option<T>) -> Option<T> {
    new(u32::try_from(number(text)?).ok()?)
}
