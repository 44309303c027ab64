//! The entries of a playlist while it is being changed.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use daap_model::{ContainerItem, ContainerItemId, ItemId};

use super::changes::Place;
use super::container::NewEntry;

/// The entries of a playlist, each linked to its neighbours: whatever is done to one of them takes the same
/// short time, however long the playlist is.
#[derive(Debug, Default)]
pub(super) struct Entries {
    links: HashMap<ContainerItemId, Link>,
    by_item: BTreeSet<(ItemId, ContainerItemId)>,
    first: Option<ContainerItemId>,
    last: Option<ContainerItemId>,
}

#[derive(Debug)]
struct Link {
    item: ItemId,
    before: Option<ContainerItemId>,
    after: Option<ContainerItemId>,
}

/// Why an entry could not be put where it was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misplaced {
    /// There is an entry with this id.
    Duplicate(ContainerItemId),
    /// There is no entry with this id.
    Unknown(ContainerItemId),
}

impl Entries {
    /// Entries whose ids differ.
    pub(super) fn of(entries: impl IntoIterator<Item = ContainerItem>) -> Self {
        let mut list = Self::default();
        for entry in entries {
            list.link(entry, list.last);
        }
        list
    }

    pub(super) fn insert(&mut self, entry: ContainerItem, place: Place) -> Result<(), Misplaced> {
        if self.links.contains_key(&entry.id) {
            return Err(Misplaced::Duplicate(entry.id));
        }
        let before = match place {
            Place::First => None,
            Place::After(id) if self.links.contains_key(&id) => Some(id),
            Place::After(id) => return Err(Misplaced::Unknown(id)),
            Place::Last => self.last,
        };
        self.link(entry, before);
        Ok(())
    }

    pub(super) fn remove(&mut self, id: ContainerItemId) -> Result<ContainerItem, Misplaced> {
        let link = self.links.remove(&id).ok_or(Misplaced::Unknown(id))?;
        *self.after(link.before) = link.after;
        *self.before(link.after) = link.before;
        self.by_item.remove(&(link.item, id));
        Ok(ContainerItem { id, item: link.item })
    }

    /// Removes every entry of a song.
    pub(super) fn remove_item(&mut self, item: ItemId) {
        let all = (item, ContainerItemId::LOWEST)..=(item, ContainerItemId::HIGHEST);
        let all: Vec<ContainerItemId> = self.by_item.range(all).map(|(_, id)| *id).collect();
        for id in all {
            // It is there: the index says so.
            let _ = self.remove(id);
        }
    }

    /// Moves an entry. One that is to follow itself stays where it is.
    pub(super) fn relocate(&mut self, id: ContainerItemId, place: Place) -> Result<(), Misplaced> {
        if place == Place::After(id) && self.links.contains_key(&id) {
            return Ok(());
        }
        let entry = self.remove(id)?;
        self.insert(entry, place)
    }

    /// The entries in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = ContainerItem> {
        let follow = |id: Option<ContainerItemId>| {
            id.map(|id| (ContainerItem { id, item: self.links[&id].item }, self.links[&id].after))
        };
        std::iter::successors(follow(self.first), move |(_, next)| follow(*next))
            .map(|(entry, _)| entry)
    }

    fn link(&mut self, ContainerItem { id, item }: ContainerItem, before: Option<ContainerItemId>) {
        let after = self.after(before).replace(id);
        *self.before(after) = Some(id);
        self.links.insert(id, Link { item, before, after });
        self.by_item.insert((item, id));
    }

    /// What follows an entry, or is first.
    fn after(&mut self, id: Option<ContainerItemId>) -> &mut Option<ContainerItemId> {
        match id.and_then(|id| self.links.get_mut(&id)) {
            Some(link) => &mut link.after,
            None => &mut self.first,
        }
    }

    /// What comes before an entry, or is last.
    fn before(&mut self, id: Option<ContainerItemId>) -> &mut Option<ContainerItemId> {
        match id.and_then(|id| self.links.get_mut(&id)) {
            Some(link) => &mut link.before,
            None => &mut self.last,
        }
    }
}

/// The ids that entries of songs have, to be given to those songs again.
pub(super) struct Reusable(HashMap<ItemId, VecDeque<ContainerItemId>>);

impl Reusable {
    /// Those of `entries` that `wanted` does not name.
    pub(super) fn of(entries: &Entries, wanted: &[NewEntry]) -> Self {
        let named: HashSet<ContainerItemId> = wanted.iter().filter_map(|entry| entry.id).collect();
        let mut by_item: HashMap<ItemId, VecDeque<ContainerItemId>> = HashMap::new();
        for entry in entries.iter().filter(|entry| !named.contains(&entry.id)) {
            by_item.entry(entry.item).or_default().push_back(entry.id);
        }
        Self(by_item)
    }

    /// The next id of an entry of this song.
    pub(super) fn take(&mut self, item: ItemId) -> Option<ContainerItemId> {
        self.0.get_mut(&item)?.pop_front()
    }
}
