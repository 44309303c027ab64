//! One database while a batch changes it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::container::{ContainerContent, Entries, common_ends};
use crate::database::{Containers, base_container, found};
use crate::smart::{Clock, SmartState};
use crate::{
    ApplyError, Container, ContainerId, ContainerItem, ContainerItemId, Database, DatabaseId, Item,
    ItemId, Items, NewContainer, NewItem, PersistentId, Revision, Text, Track, group,
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
    /// Containers put, changed or removed; may name one twice.
    changed_containers: Vec<ContainerId>,
    /// Songs that went, by the playlists that are still to lose them: each is gone through once, however many
    /// songs of it a batch removes.
    leaving: BTreeMap<ContainerId, HashSet<ItemId>>,
    /// New songs that are still to be entered, ascending and above all that are there. Many at once cost less.
    new: Vec<Arc<Item>>,
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
            changed_containers: Vec::new(),
            leaving: BTreeMap::new(),
            new: Vec::new(),
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
            changed_containers: Vec::new(),
            leaving: BTreeMap::new(),
            new: Vec::new(),
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
        let id = new.id;
        let last_new = self.new.last().map(|item| item.id);
        if last_new.or(self.items.by_id.last_key().copied()).is_none_or(|highest| highest < id) {
            self.only_usage = false;
            self.same_songs = false;
            let item = self.item(new);
            self.new.push(item);
            return Ok(());
        }
        self.enter_new()?;
        let before = self.items.find(id).cloned();
        self.claim(new.persistent_id, id, before.as_deref())?;
        let same_track = before.as_ref().is_some_and(|item| {
            item.persistent_id == new.persistent_id
                && item.track == new.track
                && item.custom == new.custom
        });
        if same_track && before.as_ref().is_some_and(|item| item.usage == new.usage) {
            return Ok(());
        }
        self.only_usage &= same_track;
        self.same_songs &= before.is_some();
        let item = self.item(new);
        self.items.replace(before, item);
        Ok(())
    }

    /// Makes a song that changes with this batch.
    fn item(&mut self, new: NewItem) -> Arc<Item> {
        let NewItem { id, persistent_id, track, usage, custom } = new;
        let (artist_id, album_id) = self.group_ids(&track);
        let revision = self.revision;
        let item = Item { id, persistent_id, track, usage, custom, album_id, artist_id, revision };
        let item = Arc::new(item);
        self.last = Some(Arc::clone(&item));
        self.changed.push(id);
        item
    }

    /// Enters the new songs, before anything that may look for one of them.
    fn enter_new(&mut self) -> Result<(), ApplyError> {
        if self.new.is_empty() {
            return Ok(());
        }
        self.items.add_all(std::mem::take(&mut self.new))
    }

    /// Gives a song its id for ever, unless another song has it.
    fn claim(
        &mut self,
        persistent_id: PersistentId,
        id: ItemId,
        before: Option<&Item>,
    ) -> Result<(), ApplyError> {
        let had = before.map(|before| before.persistent_id);
        if had == Some(persistent_id) {
            return Ok(());
        }
        let index = &mut self.items.index;
        if let Some(held_by) = index.claim(persistent_id, id) {
            let (held_by, wanted_by) = (held_by.get(), id.get());
            return Err(ApplyError::PersistentIdTaken { id: persistent_id, held_by, wanted_by });
        }
        had.into_iter().for_each(|had| index.release(had));
        Ok(())
    }

    pub(crate) fn touch_item(&mut self, id: ItemId) -> Result<(), ApplyError> {
        self.enter_new()?;
        let Some(before) = self.items.find(id).cloned() else { return Ok(()) };
        if before.revision != self.revision {
            let item = Arc::new(Item { revision: self.revision, ..Item::clone(&before) });
            self.items.replace(Some(before), item);
            self.changed.push(id);
        }
        Ok(())
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

    pub(crate) fn remove_item(&mut self, id: ItemId) -> Result<(), ApplyError> {
        self.enter_new()?;
        if self.items.remove(id).is_none() {
            return Ok(());
        }
        self.only_usage = false;
        self.same_songs = false;
        self.changed.push(id);
        for holder in self.containers.holders_of(id) {
            self.leaving.entry(holder).or_default().insert(id);
        }
        Ok(())
    }

    /// Takes the songs that went out of a playlist.
    fn take_leaving(&mut self, id: ContainerId) {
        let Some(leaving) = self.leaving.remove(&id) else { return };
        self.change_container(id, |container| {
            let stays = |entry: &&ContainerItem| !leaving.contains(&entry.item);
            let rest = container.entries.playlist().iter().filter(stays);
            container.entries = Entries::List(rest.copied().collect());
            container.item_count = container.entries.len();
        });
    }

    pub(crate) fn put_container(&mut self, new: NewContainer) -> Result<(), ApplyError> {
        self.enter_new()?;
        self.take_leaving(new.id);
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
                && before.entries == entries
        }) {
            return Ok(());
        }
        let (item_count, revision) = (entries.len(), self.revision);
        let container =
            Container { id, persistent_id, name, parent, editable, item_count, revision, entries };
        self.insert_container(container);
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
        let before = self.containers.by_id.get(&new.id);
        self.check_entries(new.id, before.map_or(&[], |before| before.entries.playlist()), entries)
    }

    /// Checks the entries of a playlist where they differ from those before, which were right.
    fn check_entries(
        &self,
        container: ContainerId,
        before: &[ContainerItem],
        after: &[ContainerItem],
    ) -> Result<(), ApplyError> {
        let (head, tail) = common_ends(before, after);
        let (start, differing) = after[..after.len() - tail].split_at(head);
        let is_unknown = |entry: &&ContainerItem| self.items.find(entry.item).is_none();
        if let Some(&ContainerItem { item, .. }) = differing.iter().find(is_unknown) {
            return Err(ApplyError::UnknownItem { database: self.id, container, item });
        }
        let mut ids: Vec<ContainerItemId> = differing.iter().map(|entry| entry.id).collect();
        ids.sort_unstable();
        let twice = ids.windows(2).find(|ids| ids[0] == ids[1]).map(|ids| ids[0]);
        let rest = start.iter().chain(&after[after.len() - tail..]).map(|entry| entry.id);
        match twice.or_else(|| found(&ids, rest).first().copied()) {
            Some(entry) => Err(ApplyError::DuplicateEntry { container, entry }),
            None => Ok(()),
        }
    }

    pub(crate) fn remove_container(&mut self, id: ContainerId) -> Result<(), ApplyError> {
        if id == ContainerId::BASE {
            return Err(ApplyError::BaseContainer(self.id));
        }
        let Some(gone) = self.containers.remove(id) else { return Ok(()) };
        self.leaving.remove(&id);
        self.changed_containers.push(id);
        if matches!(gone.entries, Entries::Folder) {
            let inside = self.containers.by_id.values().filter(|inside| inside.parent == Some(id));
            let inside: Vec<ContainerId> = inside.map(|inside| inside.id).collect();
            for child in inside {
                self.change_container(child, |container| container.parent = gone.parent);
            }
        }
        Ok(())
    }

    fn change_container(&mut self, id: ContainerId, change: impl FnOnce(&mut Container)) {
        if let Some(container) = self.containers.by_id.get(&id) {
            let mut container = Container::clone(container);
            change(&mut container);
            container.revision = self.revision;
            self.insert_container(container);
        }
    }

    fn insert_container(&mut self, container: Container) {
        self.changed_containers.push(container.id);
        self.containers.insert(container);
    }

    /// The database with everything in step, or `None` if it is as it was.
    pub(crate) fn finish(mut self, clock: Clock) -> Result<Option<Database>, ApplyError> {
        self.enter_new()?;
        while let Some((&id, _)) = self.leaving.first_key_value() {
            self.take_leaving(id);
        }
        if !self.changed_containers.is_empty() {
            self.check_folders()?;
        }
        self.changed.sort_unstable();
        self.changed.dedup();
        self.answer_smart(clock);
        self.put_base();
        let is_changed = !self.changed_containers.is_empty()
            || !self.changed.is_empty()
            || self.before.as_ref().is_none_or(|before| {
                before.name != self.name || before.persistent_id != self.persistent_id
            });
        Ok(is_changed.then(|| self.into_database()))
    }

    fn into_database(mut self) -> Database {
        self.changed_containers.sort_unstable();
        self.changed_containers.dedup();
        let Containers { history, by_id, .. } = &mut self.containers;
        history.note(self.revision, &self.changed_containers, by_id.len());
        self.items.history.note(self.revision, &self.changed, self.items.len());
        if let Some(before) = &self.before
            && !self.changed.is_empty()
        {
            self.items.orders = before.items.orders.next(&before.items.by_id, self.changed.len());
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
        self.insert_container(new);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::{ContainerContent, Edit, Filter, Model, SmartRules};

    fn edits(model: &mut Model, edits: impl IntoIterator<Item = Edit>) {
        model.apply(edits.into_iter().collect()).unwrap();
    }

    fn song(id: u32) -> Edit {
        put(id, track(&id.to_string(), "", ""))
    }

    /// Four songs and a playlist that holds them, the first one twice.
    fn library() -> Model {
        let playlist = put_container(2, None, songs(&[1, 2, 3, 4, 1]));
        model((1..5).map(song).chain([playlist]))
    }

    #[track_caller]
    fn check(changes: impl IntoIterator<Item = Edit>, expected: &[u32]) {
        let mut model = library();
        edits(&mut model, changes);
        assert_eq!(held(&model, 2), expected);
        let container = database(&model).container(container_id(2)).unwrap().clone();
        assert_eq!(container.item_count, expected.len());
        // What each song is held by is known as well: it shows when they all go.
        let seen = model.snapshot().revision();
        edits(&mut model, expected.iter().map(|id| remove(*id)));
        assert_eq!(held(&model, 2), []);
        edits(&mut model, (1..5).map(song));
        edits(&mut model, (1..5).map(remove));
        let touched = database(&model).container(container_id(2)).unwrap().revision;
        assert!(touched <= seen.next(), "it holds none of the songs that went last");
    }

    #[test]
    fn a_playlist_loses_the_songs_that_a_batch_removes() {
        check([], &[1, 2, 3, 4, 1]);
        check([remove(1)], &[2, 3, 4]);
        check([remove(3), remove(1), remove(3), remove(77)], &[2, 4]);
        check((1..5).map(remove), &[]);
    }

    #[test]
    fn a_song_that_comes_back_in_the_same_batch_is_in_no_playlist() {
        check([remove(1), song(1)], &[2, 3, 4]);
        check([remove(1), song(1), remove(1), song(1)], &[2, 3, 4]);
    }

    #[test]
    fn a_playlist_put_anew_after_a_song_went_holds_what_it_says() {
        let again = |ids: &[u32]| put_container(2, None, songs(ids));
        check([remove(1), song(1), again(&[1, 2])], &[1, 2]);
        check([remove(1), song(1), again(&[1, 2, 3, 4, 1])], &[1, 2, 3, 4, 1]);
        check([remove(1), again(&[2, 3])], &[2, 3]);
        check([again(&[3, 4, 1]), remove(4)], &[3, 1]);
        let gone = Edit::RemoveContainer { database: DB, container: container_id(2) };
        check([remove(1), gone.clone(), song(1), again(&[1])], &[1]);
        check([remove(1), gone, again(&[4, 2]), remove(2)], &[4]);
    }

    #[test]
    fn a_playlist_becomes_something_else_and_back() {
        let mut model = library();
        let put = |content| put_container(2, None, content);
        let everything = SmartRules { filter: Filter::EVERYTHING, limit: None };
        edits(&mut model, [remove(4), put(ContainerContent::Smart(everything))]);
        assert_eq!(held(&model, 2), [1, 2, 3]);
        edits(&mut model, [put(songs(&[3, 1])), remove(3)]);
        assert_eq!(held(&model, 2), [1]);
        edits(&mut model, [put(ContainerContent::Folder), remove(1)]);
        assert_eq!(held(&model, 2), []);
    }

    #[track_caller]
    fn check_entries(entries: &[(u32, u32)], expected: Result<(), ApplyError>) {
        let mut model = library();
        let entry = |(id, item): &(u32, u32)| ContainerItem {
            id: ContainerItemId::new(*id).unwrap(),
            item: item_id(*item),
        };
        let content = ContainerContent::Items(entries.iter().map(entry).collect());
        let outcome = model.apply([put_container(2, None, content)].into_iter().collect());
        assert_eq!(outcome.map(|_| ()), expected);
        if expected.is_ok() {
            let items: Vec<u32> = entries.iter().map(|(_, item)| *item).collect();
            assert_eq!(held(&model, 2), items);
        }
    }

    #[test]
    fn what_is_wrong_in_a_playlist_is_found_wherever_it_differs() {
        let twice = |id| {
            let (container, entry) = (container_id(2), ContainerItemId::new(id).unwrap());
            Err(ApplyError::DuplicateEntry { container, entry })
        };
        let unknown = |item| {
            let (container, item) = (container_id(2), item_id(item));
            Err(ApplyError::UnknownItem { database: DB, container, item })
        };
        let all = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 1)];
        check_entries(&all, Ok(()));
        check_entries(&[&all[..], &[(6, 1)]].concat(), Ok(()));
        check_entries(&[&all[..], &[(3, 1)]].concat(), twice(3));
        check_entries(&[&[(5, 1)], &all[..]].concat(), twice(5));
        check_entries(&[&all[..2], &[(6, 2), (6, 3)], &all[2..]].concat(), twice(6));
        check_entries(&[&all[..2], &[(5, 2), (1, 3)], &all[2..]].concat(), twice(1));
        check_entries(&[&all[..], &all[..]].concat(), twice(1));
        check_entries(&[&all[..2], &[(6, 9)], &all[2..]].concat(), unknown(9));
        check_entries(&[(5, 1), (4, 4), (3, 3), (2, 2), (1, 1)], Ok(()));
    }
}
