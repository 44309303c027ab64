//! A database: its songs, its containers, and what is listed over them.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use imbl::{OrdMap, OrdSet};

use crate::browse::{self, Browse, Value};
use crate::container::{Entries, SmartItems, common_ends};
use crate::delta::{Delta, History};
use crate::group::{self, Group, GroupKind, GroupSort};
use crate::select::{Rows, Selection};
use crate::sorted::Sorted;
use crate::{Container, ContainerId, ContainerItem, DatabaseId, Filter, GroupId, ItemId, Items};
use crate::{PersistentId, Revision, Text, sort};

/// A database of a snapshot.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its row id.
    pub id: DatabaseId,
    /// Its id for ever.
    pub persistent_id: PersistentId,
    /// Its name.
    pub name: Text,
    /// The revision that last changed anything of it.
    pub revision: Revision,
    /// The revision of the snapshot it is part of.
    pub(crate) current: Revision,
    pub(crate) items: Arc<Items>,
    pub(crate) containers: Arc<Containers>,
}

/// The containers of a database at one revision.
#[derive(Clone, Debug)]
pub(crate) struct Containers {
    pub(crate) by_id: Sorted<ContainerId, Arc<Container>>,
    pub(crate) by_persistent_id: OrdMap<PersistentId, ContainerId>,
    /// Which playlists hold a song. Smart playlists are not in it.
    holders: Sorted<(ItemId, ContainerId), ()>,
    pub(crate) smart: OrdSet<ContainerId>,
    pub(crate) history: History<ContainerId>,
    /// In listing order.
    listed: OnceLock<Arc<[Arc<Container>]>>,
}

impl Containers {
    pub(crate) fn starting_at(revision: Revision) -> Self {
        Self {
            by_id: Sorted::default(),
            by_persistent_id: OrdMap::new(),
            holders: Sorted::default(),
            smart: OrdSet::new(),
            history: History::from(revision),
            listed: OnceLock::new(),
        }
    }

    /// Puts a container where its id is, with all indexes.
    pub(crate) fn insert(&mut self, container: Container) {
        let container = Arc::new(container);
        let before = self.by_id.insert(container.id, Arc::clone(&container));
        self.reindex(before.as_deref(), Some(&container));
    }

    pub(crate) fn remove(&mut self, id: ContainerId) -> Option<Arc<Container>> {
        let container = self.by_id.remove(&id)?;
        self.reindex(Some(&container), None);
        Some(container)
    }

    /// Brings the indexes up to date with a container that took the place of another.
    fn reindex(&mut self, before: Option<&Container>, after: Option<&Container>) {
        self.listed = OnceLock::new();
        if let Some(before) = before {
            self.by_persistent_id.remove(&before.persistent_id);
            self.smart.remove(&before.id);
        }
        if let Some(after) = after {
            self.by_persistent_id.insert(after.persistent_id, after.id);
            if matches!(after.entries, Entries::Smart(_)) {
                self.smart.insert(after.id);
            }
        }
        let Some(Container { id, .. }) = before.or(after) else { return };
        let entries = [before, after].map(|of| of.map_or(&[][..], |of| of.entries.playlist()));
        self.hold(*id, entries[0], entries[1]);
    }

    /// Brings `holders` up to date where two contents of a playlist differ, which is mostly a small part of it.
    fn hold(&mut self, id: ContainerId, before: &[ContainerItem], after: &[ContainerItem]) {
        let (head, tail) = common_ends(before, after);
        let (before, differing) = (&before[head..before.len() - tail], head..after.len() - tail);
        let mut gone: Vec<ItemId> = before.iter().map(|entry| entry.item).collect();
        gone.sort_unstable();
        gone.dedup();
        let held = found(&gone, after.iter().map(|entry| entry.item));
        for item in gone.iter().filter(|item| held.binary_search(item).is_err()) {
            self.holders.remove(&(*item, id));
        }
        let mut come: Vec<_> =
            after[differing].iter().map(|entry| ((entry.item, id), ())).collect();
        come.sort_unstable();
        come.dedup();
        self.holders.insert_all(come);
    }

    /// The playlists that hold a song, or did before songs went.
    pub(crate) fn holders_of(&self, item: ItemId) -> impl Iterator<Item = ContainerId> {
        let holders = self.holders.range(Bound::Included(&(item, ContainerId::LOWEST)));
        holders.map(|(key, ())| *key).take_while(move |(of, _)| *of == item).map(|(_, id)| id)
    }

    fn listed(&self) -> &Arc<[Arc<Container>]> {
        self.listed.get_or_init(|| in_listing_order(self.by_id.values()))
    }
}

/// The base container, then the others by name, each folder followed by what is in it.
fn in_listing_order<'a>(
    containers: impl Iterator<Item = &'a Arc<Container>>,
) -> Arc<[Arc<Container>]> {
    let mut inside: HashMap<Option<ContainerId>, Vec<&Arc<Container>>> = HashMap::new();
    for container in containers {
        inside.entry(container.parent).or_default().push(container);
    }
    for siblings in inside.values_mut() {
        siblings.sort_by_cached_key(|container| {
            let name = sort::text_key(sort::sort_text("", &container.name));
            // Last first, as they are taken from the end of a stack.
            std::cmp::Reverse((container.id != ContainerId::BASE, name, container.id))
        });
    }
    let mut stack = inside.remove(&None).unwrap_or_default();
    let mut listed = Vec::new();
    while let Some(container) = stack.pop() {
        listed.push(Arc::clone(container));
        stack.extend(inside.remove(&Some(container.id)).unwrap_or_default());
    }
    listed.into()
}

impl Database {
    /// Its songs.
    #[must_use]
    pub fn items(&self) -> &Arc<Items> {
        &self.items
    }

    /// Its containers: the base container first, then by name, each folder before what is in it.
    #[must_use]
    pub fn containers(&self) -> &[Arc<Container>] {
        self.containers.listed()
    }

    /// The container with this id.
    #[must_use]
    pub fn container(&self, id: ContainerId) -> Option<&Arc<Container>> {
        self.containers.by_id.get(&id)
    }

    /// The entries of a container, in its own order, to be filtered, sorted and paged.
    #[must_use]
    pub fn entries(&self, id: ContainerId) -> Option<Selection<'static>> {
        let items = Arc::clone(&self.items);
        Some(match &self.container(id)?.entries {
            Entries::Base => Selection::all(items),
            Entries::Folder => Selection::of_entries(items, Arc::default()),
            Entries::List(entries) => Selection::of_entries(items, Arc::clone(entries)),
            Entries::Smart(state) => match &state.items {
                Some(SmartItems::Set(ids)) => {
                    Selection::of_items(items, ids.iter().copied().collect())
                }
                Some(SmartItems::Chosen(ids)) => Selection::of_items(items, Arc::clone(ids)),
                None => Selection::of_items(items, Arc::default()),
            },
        })
    }

    /// The songs that changed after `seen`, as they are now and by id, and the ids of those that went.
    #[must_use]
    pub fn items_since(&self, seen: Revision) -> Delta<Rows, ItemId> {
        self.items.since(seen, self.current)
    }

    /// The containers that changed after `seen`, in listing order, and the ids of those that went.
    #[must_use]
    pub fn containers_since(&self, seen: Revision) -> Delta<Vec<Arc<Container>>, ContainerId> {
        let containers = &self.containers;
        let is_there = |id: &ContainerId| containers.by_id.contains_key(id);
        match containers.history.since(seen, self.current, is_there) {
            Delta::Unknown => Delta::Unknown,
            Delta::Known { gone, .. } => {
                let changed = |container: &&Arc<Container>| container.revision > seen;
                let changed = self.containers().iter().filter(changed).cloned().collect();
                Delta::Known { changed, gone }
            }
        }
    }

    /// The distinct artists, albums, genres or composers of its songs, sorted; with a filter, of the
    /// songs that it means.
    #[must_use]
    pub fn browse(&self, browse: Browse, filter: Option<&Filter>) -> Arc<[Value]> {
        match filter.filter(|filter| self.items.settles(filter) != Some(true)) {
            None => self.items.listings.values(&self.items, browse),
            Some(filter) => {
                let rows = self.items.matching(filter).rows();
                browse::values(rows.iter().map(|row| row.item), browse)
            }
        }
    }

    /// The albums or artists of its songs, sorted; with a filter, of the songs that it means, and
    /// counting those only.
    #[must_use]
    pub fn groups(
        &self,
        kind: GroupKind,
        filter: Option<&Filter>,
        sort: GroupSort,
    ) -> Arc<[Group]> {
        match filter.filter(|filter| self.items.settles(filter) != Some(true)) {
            None => self.items.listings.groups(&self.items, kind, sort),
            Some(filter) => {
                let rows = self.items.matching(filter).rows();
                group::groups(
                    &self.items.index.group_ids,
                    rows.iter().map(|row| row.item),
                    kind,
                    sort,
                )
            }
        }
    }

    /// Which album or artist has this row id, as a pair of kind and id for ever. Its songs are those whose
    /// album id or artist id is that.
    #[must_use]
    pub fn group(&self, id: GroupId) -> Option<(GroupKind, PersistentId)> {
        self.items.index.group_ids.find(id)
    }

    /// The song whose picture stands for a group: the first of them that has one.
    #[must_use]
    pub fn group_artwork(&self, id: GroupId) -> Option<ItemId> {
        let (kind, group) = self.group(id)?;
        let mut songs: Box<dyn Iterator<Item = ItemId>> = match kind {
            GroupKind::Albums => Box::new(self.items.index.of_album(group)),
            GroupKind::Artists => Box::new(self.items.of_artist(group)),
        };
        songs.find(|id| self.items.find(*id).is_some_and(|item| item.track.has_artwork))
    }
}

/// The base container of a database.
pub(crate) fn base_container(
    persistent_id: PersistentId,
    name: &Text,
    item_count: usize,
    revision: Revision,
) -> Container {
    Container {
        id: ContainerId::BASE,
        persistent_id: base_persistent_id(persistent_id),
        name: name.clone(),
        parent: None,
        editable: false,
        item_count,
        revision,
        entries: Entries::Base,
    }
}

/// The base container's id for ever follows from its database's.
fn base_persistent_id(database: PersistentId) -> PersistentId {
    PersistentId::new(group::mix(database.get()))
}

/// Which of the `wanted`, ascending, are among `all`; ascending, each once.
pub(crate) fn found<T: Copy + Ord>(wanted: &[T], all: impl Iterator<Item = T>) -> Vec<T> {
    let (Some(&least), Some(&greatest)) = (wanted.first(), wanted.last()) else {
        return Vec::new();
    };
    let near = all.filter(|one| (least..=greatest).contains(one));
    let mut found: Vec<T> = near.filter(|one| wanted.binary_search(one).is_ok()).collect();
    found.sort_unstable();
    found.dedup();
    found
}
