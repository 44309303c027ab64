//! One database while a batch changes it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::container::{ContainerContent, Entries};
use crate::database::{Containers, base_container, without};
use crate::smart::{Clock, SmartState};
use crate::{
    ApplyError, Container, ContainerId, ContainerItem, Database, DatabaseId, Item, ItemId, Items,
    NewContainer, NewItem, PersistentId, Revision, Text, Track, group,
};

/// One database while a batch changes it. It works on copies that share everything with the snapshot, so
/// dropping it is all that undoing takes.
pub(crate) struct Draft {
    before: Option<Arc<Database>>,
    id: DatabaseId,
    persistent_id: PersistentId,
    name: Text,
    revision: Revision,
    items: Items,
    containers: Containers,
    /// Songs put, changed or removed; may name one twice.
    changed: Vec<ItemId>,
    /// Whether only play counts and the like changed, so that albums and artists stay as they are.
    only_usage: bool,
    /// Whether no song came or went.
    same_songs: bool,
    containers_changed: bool,
    /// The last song that was put.
    last: Option<Arc<Item>>,
}

impl Draft {
    /// A database to be changed.
    pub(crate) fn of(database: &Arc<Database>, revision: Revision) -> Self {
        Self {
            before: Some(Arc::clone(database)),
            id: database.id,
            persistent_id: database.persistent_id,
            name: database.name.clone(),
            revision,
            items: Items::clone(&database.items),
            containers: Containers::clone(&database.containers),
            changed: Vec::new(),
            only_usage: true,
            same_songs: true,
            containers_changed: false,
            last: None,
        }
    }

    /// A new database.
    pub(crate) fn new(
        id: DatabaseId,
        persistent_id: PersistentId,
        name: Text,
        revision: Revision,
    ) -> Self {
        Self {
            before: None,
            id,
            persistent_id,
            name,
            revision,
            items: Items::starting_at(revision),
            containers: Containers::starting_at(revision),
            changed: Vec::new(),
            only_usage: true,
            same_songs: true,
            containers_changed: false,
            last: None,
        }
    }

    pub(crate) fn id(&self) -> DatabaseId {
        self.id
    }

    pub(crate) fn persistent_id(&self) -> PersistentId {
        self.persistent_id
    }

    pub(crate) fn name(&mut self, persistent_id: PersistentId, name: Text) {
        self.persistent_id = persistent_id;
        self.name = name;
    }

    pub(crate) fn put_item(&mut self, new: NewItem) -> Result<(), ApplyError> {
        let NewItem { id, persistent_id, track, usage, custom } = new;
        if let Some(other) = self.items.index.persistent(persistent_id)
            && other != id
        {
            let (held_by, wanted_by) = (other.get(), id.get());
            return Err(ApplyError::PersistentIdTaken { id: persistent_id, held_by, wanted_by });
        }
        let before = self.items.find(id).cloned();
        let same_track = before.as_ref().is_some_and(|item| {
            item.persistent_id == persistent_id && item.track == track && item.custom == custom
        });
        if same_track && before.as_ref().is_some_and(|item| item.usage == usage) {
            return Ok(());
        }
        self.only_usage &= same_track;
        self.same_songs &= before.is_some();
        let (artist_id, album_id) = self.group_ids(&track);
        let revision = self.revision;
        let item = Arc::new(Item {
            id,
            persistent_id,
            track,
            usage,
            custom,
            album_id,
            artist_id,
            revision,
        });
        self.last = Some(Arc::clone(&item));
        self.items.replace(before, item);
        self.changed.push(id);
        Ok(())
    }

    pub(crate) fn touch_item(&mut self, id: ItemId) {
        let Some(before) = self.items.find(id).cloned() else { return };
        if before.revision != self.revision {
            let item = Arc::new(Item { revision: self.revision, ..Item::clone(&before) });
            self.items.replace(Some(before), item);
            self.changed.push(id);
        }
    }

    /// The artist id and the album id of a song; mostly those of the song before it.
    fn group_ids(&self, track: &Track) -> (PersistentId, PersistentId) {
        match &self.last {
            Some(last) if group::have_same_ids(&last.track, track) => {
                (last.artist_id, last.album_id)
            }
            _ => group::ids(track),
        }
    }

    pub(crate) fn remove_item(&mut self, id: ItemId) {
        if self.items.remove(id, self.revision).is_none() {
            return;
        }
        self.only_usage = false;
        self.same_songs = false;
        self.changed.push(id);
        let holders = (id, ContainerId::LOWEST)..=(id, ContainerId::HIGHEST);
        let holders: Vec<ContainerId> =
            self.containers.holders.range(holders).map(|(_, container)| *container).collect();
        for holder in holders {
            self.change_container(holder, |container| {
                if let Entries::List(entries) = &container.entries {
                    let entries = without(entries, id);
                    container.item_count = entries.len();
                    container.entries = Entries::List(entries);
                }
            });
        }
    }

    pub(crate) fn put_container(&mut self, new: NewContainer) -> Result<(), ApplyError> {
        self.check_container(&new)?;
        let NewContainer { id, persistent_id, name, parent, editable, content } = new;
        let before = self.containers.by_id.get(&id);
        let entries = match content {
            ContainerContent::Folder => Entries::Folder,
            ContainerContent::Items(entries) => Entries::List(entries.into()),
            ContainerContent::Smart(rules) => match before.map(|before| &before.entries) {
                Some(Entries::Smart(state)) if state.rules == rules => {
                    Entries::Smart(Arc::clone(state))
                }
                // Answered when all songs of the batch are in.
                _ => Entries::Smart(Arc::new(SmartState { rules, items: None })),
            },
        };
        if before.is_some_and(|before| {
            before.persistent_id == persistent_id
                && before.name == name
                && before.parent == parent
                && before.editable == editable
                && before.entries.same(&entries)
        }) {
            return Ok(());
        }
        let (item_count, revision) = (entries.len(), self.revision);
        let container =
            Container { id, persistent_id, name, parent, editable, item_count, revision, entries };
        self.containers.insert(container);
        self.containers_changed = true;
        Ok(())
    }

    fn check_container(&self, new: &NewContainer) -> Result<(), ApplyError> {
        if new.id == ContainerId::BASE {
            return Err(ApplyError::BaseContainer(self.id));
        }
        let holder = self.containers.by_persistent_id.get(&new.persistent_id);
        if let Some(held_by) = holder.filter(|holder| **holder != new.id) {
            return Err(ApplyError::PersistentIdTaken {
                id: new.persistent_id,
                held_by: held_by.get(),
                wanted_by: new.id.get(),
            });
        }
        let ContainerContent::Items(entries) = &new.content else { return Ok(()) };
        let mut ids = HashSet::with_capacity(entries.len());
        for &ContainerItem { id, item } in entries {
            if self.items.find(item).is_none() {
                let (database, container) = (self.id, new.id);
                return Err(ApplyError::UnknownItem { database, container, item });
            }
            if !ids.insert(id) {
                return Err(ApplyError::DuplicateEntry { container: new.id, entry: id });
            }
        }
        Ok(())
    }

    pub(crate) fn remove_container(&mut self, id: ContainerId) -> Result<(), ApplyError> {
        if id == ContainerId::BASE {
            return Err(ApplyError::BaseContainer(self.id));
        }
        let Some(gone) = self.containers.remove(id, self.revision) else { return Ok(()) };
        self.containers_changed = true;
        let inside = self.containers.by_id.values().filter(|inside| inside.parent == Some(id));
        let inside: Vec<ContainerId> = inside.map(|inside| inside.id).collect();
        for child in inside {
            self.change_container(child, |container| container.parent = gone.parent);
        }
        Ok(())
    }

    fn change_container(&mut self, id: ContainerId, change: impl FnOnce(&mut Container)) {
        if let Some(container) = self.containers.by_id.get(&id) {
            let mut container = Container::clone(container);
            change(&mut container);
            container.revision = self.revision;
            self.containers.insert(container);
            self.containers_changed = true;
        }
    }

    /// The database with everything in step, or `None` if it is as it was.
    pub(crate) fn finish(mut self, clock: Clock) -> Result<Option<Database>, ApplyError> {
        self.changed.sort_unstable();
        self.changed.dedup();
        if self.containers_changed {
            self.check_folders()?;
        }
        self.answer_smart(clock);
        self.put_base();
        let is_changed = self.containers_changed
            || !self.changed.is_empty()
            || self.before.as_ref().is_none_or(|before| {
                before.name != self.name || before.persistent_id != self.persistent_id
            });
        Ok(is_changed.then(|| self.into_database()))
    }

    fn into_database(mut self) -> Database {
        if let Some(before) = &self.before
            && !self.changed.is_empty()
        {
            self.items.orders = before.items.orders.next(&before.items.by_id, &self.changed);
            if !self.only_usage {
                self.items.listings = Arc::default();
            }
        }
        let items = match self.before {
            Some(before) if self.changed.is_empty() => Arc::clone(&before.items),
            _ => Arc::new(self.items),
        };
        Database {
            id: self.id,
            persistent_id: self.persistent_id,
            name: self.name,
            revision: self.revision,
            current: self.revision,
            items,
            containers: Arc::new(self.containers),
        }
    }

    fn answer_smart(&mut self, clock: Clock) {
        let smart: Vec<ContainerId> = self.containers.smart.iter().copied().collect();
        for id in smart {
            let Some(container) = self.containers.by_id.get(&id) else { continue };
            let Entries::Smart(state) = &container.entries else { continue };
            let before = self.before.as_ref().map(|before| &*before.items);
            if let Some(items) = state.follow(before, &self.items, &self.changed, clock) {
                let state = SmartState { rules: state.rules.clone(), items: Some(items) };
                self.change_container(id, |container| {
                    container.entries = Entries::Smart(Arc::new(state));
                    container.item_count = container.entries.len();
                });
            }
        }
    }

    /// Makes the base container, or brings it up to date when songs came or went.
    fn put_base(&mut self) {
        let new = base_container(self.persistent_id, &self.name, self.items.len(), self.revision);
        let base = self.containers.by_id.get(&ContainerId::BASE);
        if base.is_some_and(|base| {
            self.same_songs && base.name == new.name && base.persistent_id == new.persistent_id
        }) {
            return;
        }
        self.containers.insert(new);
        self.containers_changed = true;
    }

    fn check_folders(&self) -> Result<(), ApplyError> {
        let by_id = &self.containers.by_id;
        for container in by_id.values() {
            let Some(parent) = container.parent else { continue };
            if !by_id.get(&parent).is_some_and(|parent| matches!(parent.entries, Entries::Folder)) {
                return Err(ApplyError::NotAFolder { container: container.id, parent });
            }
        }
        // Every way up ends at the top within as many steps as there are containers, unless it is a ring.
        let mut ends: HashSet<ContainerId> = HashSet::new();
        for container in by_id.values() {
            let mut way = vec![container.id];
            let mut at = container;
            while let Some(parent) = at.parent.and_then(|parent| by_id.get(&parent)) {
                if ends.contains(&parent.id) {
                    break;
                }
                way.push(parent.id);
                if way.len() > by_id.len() {
                    return Err(ApplyError::FolderCycle(container.id));
                }
                at = parent;
            }
            ends.extend(way);
        }
        Ok(())
    }
}
