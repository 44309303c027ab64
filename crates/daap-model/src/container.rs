//! Containers: playlists, folders of playlists, and the base container that holds every song.

use std::borrow::Cow;
use std::sync::Arc;

use imbl::OrdSet;

use crate::smart::{SmartRules, SmartState};
use crate::{ContainerId, ContainerItemId, ItemId, PersistentId, Revision, Text};

/// One entry of a container: which song, and a name for the entry itself, so that a song that occurs
/// twice can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContainerItem {
    /// The entry's id, unique within its container.
    pub id: ContainerItemId,
    /// The song.
    pub item: ItemId,
}

impl ContainerItem {
    /// The entry of a song in a container where it occurs once by nature (the base container, a smart
    /// playlist): it has the song's own number, and so stays the same for ever.
    #[must_use]
    pub const fn of(item: ItemId) -> Self {
        match ContainerItemId::new(item.get()) {
            Some(id) => Self { id, item },
            // Both kinds of id have the same range.
            None => unreachable!(),
        }
    }
}

/// A container as it is put into the model.
#[derive(Clone, Debug, PartialEq)]
pub struct NewContainer {
    /// Its row id; [`ContainerId::BASE`] is the model's own.
    pub id: ContainerId,
    /// Its id for ever.
    pub persistent_id: PersistentId,
    /// Its name.
    pub name: Text,
    /// The folder it is in; `None` at the top.
    pub parent: Option<ContainerId>,
    /// Whether clients may change it, if the server lets them change anything.
    pub editable: bool,
    /// What it holds.
    pub content: ContainerContent,
}

/// What a container holds, as it is put into the model.
#[derive(Clone, Debug, PartialEq)]
pub enum ContainerContent {
    /// Other containers: those that name it as parent. A folder lists no songs of its own.
    Folder,
    /// Songs in order.
    Items(Vec<ContainerItem>),
    /// The songs that match rules, kept up to date by the model.
    Smart(SmartRules),
}

/// What sort of container it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContainerKind {
    /// The one that holds every song of its database.
    Base,
    /// Holds other containers.
    Folder,
    /// A list of songs in an order of its own.
    Playlist,
    /// The songs that match rules.
    Smart,
}

/// A container of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its row id.
    pub id: ContainerId,
    /// Its id for ever.
    pub persistent_id: PersistentId,
    /// Its name.
    pub name: Text,
    /// The folder it is in; `None` at the top.
    pub parent: Option<ContainerId>,
    /// Whether clients may change it, if the server lets them change anything.
    pub editable: bool,
    /// How many entries it has.
    pub item_count: usize,
    /// The revision that last changed its name, its place or what it holds.
    pub revision: Revision,
    pub(crate) entries: Entries,
}

/// What a container holds, as the model keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entries {
    Base,
    Folder,
    List(Arc<[ContainerItem]>),
    Smart(Arc<SmartState>),
}

/// The songs of a smart playlist: a set where any order will do, a list where the rules choose one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SmartItems {
    Set(OrdSet<ItemId>),
    Chosen(Arc<[ItemId]>),
}

impl SmartItems {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Set(ids) => ids.len(),
            Self::Chosen(ids) => ids.len(),
        }
    }
}

impl Entries {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Base | Self::Folder => 0,
            Self::List(entries) => entries.len(),
            Self::Smart(state) => state.items.as_ref().map_or(0, SmartItems::len),
        }
    }

    /// What a smart playlist holds, where any order will do.
    pub(crate) fn set(&self) -> Option<&OrdSet<ItemId>> {
        match self {
            Self::Smart(state) => match &state.items {
                Some(SmartItems::Set(ids)) => Some(ids),
                _ => None,
            },
            _ => None,
        }
    }

    /// The songs of a playlist; nothing of anything else.
    pub(crate) fn playlist(&self) -> &[ContainerItem] {
        match self {
            Self::List(entries) => entries,
            Self::Base | Self::Folder | Self::Smart(_) => &[],
        }
    }

    /// What is in it one by one, of anything but the base container.
    pub(crate) fn list(&self) -> Cow<'_, [ContainerItem]> {
        let of = ContainerItem::of;
        match self {
            Self::Base | Self::Folder => Cow::default(),
            Self::List(entries) => Cow::Borrowed(entries),
            Self::Smart(state) => match &state.items {
                None => Cow::default(),
                Some(SmartItems::Set(ids)) => ids.iter().copied().map(of).collect(),
                Some(SmartItems::Chosen(ids)) => ids.iter().copied().map(of).collect(),
            },
        }
    }
}

/// How many elements two lists have in common at their beginnings, and of the rest at their ends.
pub(crate) fn common_ends<T: PartialEq>(a: &[T], b: &[T]) -> (usize, usize) {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let ends = a[head..].iter().rev().zip(b[head..].iter().rev());
    (head, ends.take_while(|(a, b)| a == b).count())
}

impl Container {
    /// What sort of container it is.
    #[must_use]
    pub fn kind(&self) -> ContainerKind {
        match &self.entries {
            Entries::Base => ContainerKind::Base,
            Entries::Folder => ContainerKind::Folder,
            Entries::List(_) => ContainerKind::Playlist,
            Entries::Smart(_) => ContainerKind::Smart,
        }
    }

    /// The entries of a playlist, in order; none of any other kind, for which
    /// [`Database::entries`](crate::Database::entries) works out what they hold.
    #[must_use]
    pub fn playlist(&self) -> &[ContainerItem] {
        self.entries.playlist()
    }

    /// The rules of a smart playlist.
    #[must_use]
    pub fn rules(&self) -> Option<&SmartRules> {
        match &self.entries {
            Entries::Smart(state) => Some(&state.rules),
            _ => None,
        }
    }
}
