//! Specs: `'dmap.persistentid:0x9031099074C14E05'`, by which requests name a thing.

use std::fmt;

use daap_model::{ContainerItemId, ItemId, PersistentId};
use daap_proto::Query;
use daap_proto::target::number;
use dmap::Code;
use dmap::code::{MCTI, MIID, MPER};

/// A database, container or song, as a request names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spec<Id> {
    /// By its row id (`dmap.itemid`).
    Id(Id),
    /// By its id for ever (`dmap.persistentid`).
    Persistent(PersistentId),
}

/// The song of a list to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// This entry of a playlist (`dmap.containeritemid`).
    Entry(ContainerItemId),
    /// This song, where it comes first.
    Item(Spec<ItemId>),
}

impl<Id> Spec<Id> {
    /// What a text names, if it is a spec.
    pub(crate) fn parse(text: &str, new: fn(u32) -> Option<Id>) -> Option<Self> {
        Self::named_by(&Query::parse(text).ok()?, new)
    }

    fn named_by(query: &Query, new: fn(u32) -> Option<Id>) -> Option<Self> {
        let criterion = query.only()?;
        let by_id = criterion.id_of(MIID, new).map(Self::Id);
        by_id
            .or_else(|| persistent(number(criterion.value_of(MPER.name())?)?).map(Self::Persistent))
    }
}

impl<Id: fmt::Display> fmt::Display for Spec<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write_spec(f, MIID, id),
            Self::Persistent(id) => write_spec(f, MPER, hexadecimal(*id)),
        }
    }
}

impl Start {
    /// What a text names, if it is a spec.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::named_by(&Query::parse(text).ok()?)
    }

    /// What a query names, if it is no more than a spec.
    pub(crate) fn named_by(query: &Query) -> Option<Self> {
        let entry = query.only()?.id_of(MCTI, ContainerItemId::new).map(Self::Entry);
        entry.or_else(|| Spec::named_by(query, ItemId::new).map(Self::Item))
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(entry) => write_spec(f, MCTI, entry),
            Self::Item(item) => item.fmt(f),
        }
    }
}

fn write_spec(f: &mut fmt::Formatter<'_>, code: Code, value: impl fmt::Display) -> fmt::Result {
    write!(f, "'{}:{value}'", code.name())
}

/// An id for ever, unless it is 0, which names nothing.
pub(crate) fn persistent(number: u64) -> Option<PersistentId> {
    Some(number).filter(|number| *number != 0).map(PersistentId::new)
}

/// As Apple's Remote writes it.
pub(crate) fn hexadecimal(id: PersistentId) -> String {
    format!("0x{id}")
}
