//! The entries of a playlist while it is being changed.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::iter;

use daap_model::{ContainerItem, ContainerItemId, ItemId};

use super::changes::Place;
use super::container::NewEntry;

/// The entries of a playlist: a plain row of them until more is done than to add at the end, for that is what
/// mostly happens to a long one.
#[derive(Debug)]
pub(super) enum Entries {
    Row(Row),
    Linked(Links),
}

/// Entries in order.
#[derive(Debug, Default)]
pub(super) struct Row {
    entries: Vec<ContainerItem>,
    /// The highest of their ids. What is above it is none of them.
    highest: Option<ContainerItemId>,
}

/// Entries each of which is linked to its neighbours: whatever is done to one of them takes the same short time,
/// however many there are.
#[derive(Debug)]
pub(super) struct Links {
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

impl Default for Entries {
    fn default() -> Self {
        Self::Row(Row::default())
    }
}

impl Entries {
    /// Entries whose ids differ.
    pub(super) fn of(entries: Vec<ContainerItem>) -> Self {
        let highest = entries.iter().map(|entry| entry.id).max();
        Self::Row(Row { entries, highest })
    }

    pub(super) fn insert(&mut self, entry: ContainerItem, place: Place) -> Result<(), Misplaced> {
        match self {
            Self::Row(row) if place == Place::Last && row.highest < Some(entry.id) => {
                row.highest = Some(entry.id);
                row.entries.push(entry);
                Ok(())
            }
            _ => self.links().insert(entry, place),
        }
    }

    pub(super) fn remove(&mut self, id: ContainerItemId) -> Result<(), Misplaced> {
        self.links().remove(id).map(drop)
    }

    /// Removes every entry of a song.
    pub(super) fn remove_item(&mut self, item: ItemId) {
        self.links().remove_item(item);
    }

    /// Moves an entry. One that is to follow itself stays where it is.
    pub(super) fn relocate(&mut self, id: ContainerItemId, place: Place) -> Result<(), Misplaced> {
        self.links().relocate(id, place)
    }

    /// The entries in order.
    pub(super) fn into_list(self) -> Vec<ContainerItem> {
        match self {
            Self::Row(row) => row.entries,
            Self::Linked(links) => links.iter().collect(),
        }
    }

    /// The entries as they are linked; from now on, if they were not.
    fn links(&mut self) -> &mut Links {
        if let Self::Row(row) = self {
            *self = Self::Linked(Links::of(&row.entries));
        }
        match self {
            Self::Linked(links) => links,
            Self::Row(_) => unreachable!("it was linked a moment ago"),
        }
    }
}

impl Links {
    fn of(entries: &[ContainerItem]) -> Self {
        let ids = || entries.iter().map(|entry| Some(entry.id));
        let before = iter::once(None).chain(ids());
        let after = ids().skip(1).chain([None]);
        let links = entries
            .iter()
            .zip(before.zip(after))
            .map(|(entry, (before, after))| (entry.id, Link { item: entry.item, before, after }));
        Self {
            links: links.collect(),
            by_item: entries.iter().map(|entry| (entry.item, entry.id)).collect(),
            first: entries.first().map(|entry| entry.id),
            last: entries.last().map(|entry| entry.id),
        }
    }

    fn insert(&mut self, entry: ContainerItem, place: Place) -> Result<(), Misplaced> {
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

    fn remove(&mut self, id: ContainerItemId) -> Result<ContainerItem, Misplaced> {
        let link = self.links.remove(&id).ok_or(Misplaced::Unknown(id))?;
        *self.after(link.before) = link.after;
        *self.before(link.after) = link.before;
        self.by_item.remove(&(link.item, id));
        Ok(ContainerItem { id, item: link.item })
    }

    fn remove_item(&mut self, item: ItemId) {
        let all = self.by_item.range((item, ContainerItemId::LOWEST)..);
        let all = all.take_while(|(of, _)| *of == item).map(|(_, id)| *id);
        let all: Vec<ContainerItemId> = all.collect();
        for id in all {
            // It is there: the index says so.
            let _ = self.remove(id);
        }
    }

    fn relocate(&mut self, id: ContainerItemId, place: Place) -> Result<(), Misplaced> {
        if place == Place::After(id) && self.links.contains_key(&id) {
            return Ok(());
        }
        let entry = self.remove(id)?;
        self.insert(entry, place)
    }

    /// The entries in order.
    fn iter(&self) -> impl Iterator<Item = ContainerItem> {
        let follow = |id: Option<ContainerItemId>| {
            id.map(|id| (ContainerItem { id, item: self.links[&id].item }, self.links[&id].after))
        };
        iter::successors(follow(self.first), move |(_, next)| follow(*next)).map(|(entry, _)| entry)
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
    pub(super) fn of(entries: Entries, wanted: &[NewEntry]) -> Self {
        let named: HashSet<ContainerItemId> = wanted.iter().filter_map(|entry| entry.id).collect();
        let mut by_item: HashMap<ItemId, VecDeque<ContainerItemId>> = HashMap::new();
        for ContainerItem { id, item } in entries.into_list() {
            if !named.contains(&id) {
                by_item.entry(item).or_default().push_back(id);
            }
        }
        Self(by_item)
    }

    /// The next id of an entry of this song.
    pub(super) fn take(&mut self, item: ItemId) -> Option<ContainerItemId> {
        self.0.get_mut(&item)?.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u32) -> ContainerItem {
        ContainerItem { id: id_of(id), item: ItemId::new(id * 10).unwrap() }
    }

    fn id_of(id: u32) -> ContainerItemId {
        ContainerItemId::new(id).unwrap()
    }

    fn entries(ids: &[u32]) -> Entries {
        Entries::of(ids.iter().map(|id| entry(*id)).collect())
    }

    #[track_caller]
    fn check(entries: Entries, expected: &[u32], is_row: bool) {
        assert_eq!(matches!(entries, Entries::Row(_)), is_row);
        let expected: Vec<_> = expected.iter().map(|id| entry(*id)).collect();
        assert_eq!(entries.into_list(), expected);
    }

    #[test]
    fn entries_that_are_added_at_the_end_need_no_links() {
        let mut row = entries(&[3, 9, 4]);
        row.insert(entry(10), Place::Last).unwrap();
        row.insert(entry(12), Place::Last).unwrap();
        check(row, &[3, 9, 4, 10, 12], true);
        let mut none = Entries::default();
        none.insert(entry(1), Place::Last).unwrap();
        check(none, &[1], true);
    }

    #[test]
    fn an_id_that_is_taken_is_found_wherever_it_is() {
        for taken in [3, 9, 4, 10] {
            let mut row = entries(&[3, 9, 4]);
            row.insert(entry(10), Place::Last).unwrap();
            let refused = row.insert(entry(taken), Place::Last);
            assert_eq!(refused, Err(Misplaced::Duplicate(id_of(taken))));
            row.insert(entry(5), Place::Last).unwrap();
            check(row, &[3, 9, 4, 10, 5], false);
        }
    }

    #[test]
    fn what_is_done_in_the_middle_is_done_to_what_was_added_at_the_end() {
        let mut row = entries(&[3, 9, 4]);
        row.insert(entry(10), Place::Last).unwrap();
        row.relocate(id_of(10), Place::After(id_of(3))).unwrap();
        row.remove(id_of(9)).unwrap();
        row.insert(entry(11), Place::Last).unwrap();
        row.remove_item(entry(4).item);
        check(row, &[3, 10, 11], false);
    }
}
