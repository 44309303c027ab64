//! One database while changes are worked out.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use daap_model::{
    Batch, Container, ContainerContent, ContainerId, ContainerItem, ContainerKind, Database,
    DatabaseId, Edit, Item, ItemId, NewContainer, NewItem, PersistentId, SmartRules, Text,
};

use super::changes::{ContainerStep, ItemStep, Place};
use super::container::{NewContent, NewEntry, NewPlaylist};
use super::entries::{Entries, Misplaced, Reusable};
use super::error::CommitError;
use super::ids::{Exhausted, Ids};
use super::media::{Media, ShelfChange, Shelves};
use super::nested;
use super::song::Song;

/// One database while changes are worked out. What is not in it is as it was.
pub(super) struct Draft<'a> {
    id: DatabaseId,
    pub(super) persistent_id: PersistentId,
    /// As it was, with its sounds and pictures; `None` if it is new.
    before: Option<(&'a Database, &'a Shelves)>,
    /// The songs that are put or removed.
    items: BTreeMap<ItemId, Option<Box<NewItem>>>,
    /// The songs of before that were removed, be it that they came back: no playlist holds them any more.
    left: BTreeSet<ItemId>,
    /// The songs that count as changed even if they look as before.
    touched: BTreeSet<ItemId>,
    /// What songs have of sounds and pictures from now on, where it is not what they had.
    media: HashMap<ItemId, Option<Arc<Media>>>,
    /// The containers that are touched; `None` for one that is removed.
    containers: BTreeMap<ContainerId, Option<ContainerDraft>>,
}

/// A container while changes are worked out.
struct ContainerDraft {
    persistent_id: PersistentId,
    name: Text,
    parent: Option<ContainerId>,
    editable: bool,
    content: Content,
}

enum Content {
    Folder,
    List(Entries),
    Smart(SmartRules),
}

impl<'a> Draft<'a> {
    /// A database as it is.
    pub(super) fn of(before: &'a Database, shelves: &'a Shelves) -> Self {
        Self { before: Some((before, shelves)), ..Self::new(before.id, before.persistent_id) }
    }

    /// A new database.
    pub(super) fn new(id: DatabaseId, persistent_id: PersistentId) -> Self {
        Self {
            id,
            persistent_id,
            before: None,
            items: BTreeMap::new(),
            left: BTreeSet::new(),
            touched: BTreeSet::new(),
            media: HashMap::new(),
            containers: BTreeMap::new(),
        }
    }

    pub(super) fn item(&mut self, item: ItemId, step: ItemStep) -> Result<(), CommitError> {
        let (database, is_there) = (self.id, self.has(item));
        match step {
            ItemStep::Add(..) if is_there => Err(CommitError::DuplicateItem { database, item })?,
            ItemStep::Add(new, media) => self.put(new, media),
            _ if !is_there => Err(CommitError::UnknownItem { database, item })?,
            ItemStep::Change(change) => self.change(item, change),
            ItemStep::Touch => {
                self.touched.insert(item);
            }
            ItemStep::Remove => self.remove(item),
        }
        Ok(())
    }

    fn has(&self, item: ItemId) -> bool {
        match self.items.get(&item) {
            Some(item) => item.is_some(),
            None => self.find_before(item).is_some(),
        }
    }

    fn find_before(&self, item: ItemId) -> Option<&'a Arc<Item>> {
        self.before.and_then(|(database, _)| database.items().find(item))
    }

    fn put(&mut self, item: Box<NewItem>, media: Option<Arc<Media>>) {
        let id = item.id;
        if media != self.media(id) {
            self.media.insert(id, media);
            // The model does not see the sound of a song that it knows change.
            if self.find_before(id).is_some() {
                self.touched.insert(id);
            }
        }
        self.items.insert(id, Some(item));
    }

    fn change(&mut self, item: ItemId, change: Box<dyn FnOnce(&mut Song) + Send>) {
        let Some(NewItem { id, persistent_id, track, usage, custom }) = self.copy(item) else {
            return;
        };
        let Media { sound, picture } = self.media(id).as_deref().cloned().unwrap_or_default();
        let mut song = Song { track, usage, custom, sound, picture };
        nested::run(|| change(&mut song));
        let (item, media) = song.into_parts(id, persistent_id);
        self.put(Box::new(item), media);
    }

    /// A song as it is by now.
    fn copy(&self, id: ItemId) -> Option<NewItem> {
        if let Some(item) = self.items.get(&id) {
            return item.as_deref().cloned();
        }
        let Item { persistent_id, usage, ref track, ref custom, .. } = **self.find_before(id)?;
        let (track, custom) = (track.clone(), custom.clone());
        Some(NewItem { id, persistent_id, track, usage, custom })
    }

    /// What a song has of sounds and pictures by now.
    fn media(&self, item: ItemId) -> Option<Arc<Media>> {
        let before = || self.before.and_then(|(database, shelves)| shelves.find(database.id, item));
        self.media.get(&item).cloned().unwrap_or_else(before)
    }

    fn remove(&mut self, item: ItemId) {
        if self.find_before(item).is_some() {
            self.left.insert(item);
        }
        self.items.insert(item, None);
        if self.media(item).is_some() {
            self.media.insert(item, None);
        }
        for container in self.containers.values_mut().flatten() {
            if let Content::List(entries) = &mut container.content {
                entries.remove_item(item);
            }
        }
    }

    pub(super) fn container(
        &mut self,
        id: ContainerId,
        step: ContainerStep,
        ids: &Ids,
    ) -> Result<(), CommitError> {
        if id == ContainerId::BASE {
            return Err(CommitError::BaseContainer(self.id));
        }
        match step {
            ContainerStep::Add(persistent_id, new) => {
                self.add_container(id, persistent_id, *new)?
            }
            ContainerStep::Rename(name) => self.open(id)?.name = name,
            ContainerStep::Move(folder) => self.open(id)?.parent = folder,
            ContainerStep::SetEditable(editable) => self.open(id)?.editable = editable,
            ContainerStep::SetRules(rules) => self.set_rules(id, *rules)?,
            ContainerStep::Remove => self.remove_container(id)?,
            ContainerStep::Fill(entries) => self.fill(id, entries, ids)?,
            ContainerStep::Insert(entry, place) => {
                self.check_item(entry.item)?;
                let inserted = self.entries(id)?.insert(entry, place);
                inserted.map_err(|misplaced| self.misplaced(id, misplaced))?;
            }
            ContainerStep::MoveEntry(entry, place) => {
                let moved = self.entries(id)?.relocate(entry, place);
                moved.map_err(|misplaced| self.misplaced(id, misplaced))?;
            }
            ContainerStep::RemoveEntry(entry) => {
                let removed = self.entries(id)?.remove(entry);
                removed.map_err(|misplaced| self.misplaced(id, misplaced))?;
            }
        }
        Ok(())
    }

    /// The container with this id, to be changed.
    fn open(&mut self, id: ContainerId) -> Result<&mut ContainerDraft, CommitError> {
        let unknown = CommitError::UnknownContainer { database: self.id, container: id };
        let draft = match self.containers.entry(id) {
            Entry::Occupied(draft) => draft.into_mut(),
            Entry::Vacant(place) => {
                let before = self.before.and_then(|(database, _)| {
                    ContainerDraft::of(database.container(id)?, &self.left)
                });
                place.insert(Some(before.ok_or_else(|| unknown.clone())?))
            }
        };
        draft.as_mut().ok_or(unknown)
    }

    fn entries(&mut self, id: ContainerId) -> Result<&mut Entries, CommitError> {
        let not_a_list = CommitError::NotAList { database: self.id, container: id };
        match &mut self.open(id)?.content {
            Content::List(entries) => Ok(entries),
            Content::Folder | Content::Smart(_) => Err(not_a_list),
        }
    }

    fn check_item(&self, item: ItemId) -> Result<(), CommitError> {
        let unknown = CommitError::UnknownItem { database: self.id, item };
        if self.has(item) { Ok(()) } else { Err(unknown) }
    }

    fn misplaced(&self, container: ContainerId, misplaced: Misplaced) -> CommitError {
        let database = self.id;
        match misplaced {
            Misplaced::Duplicate(entry) => {
                CommitError::DuplicateEntry { database, container, entry }
            }
            Misplaced::Unknown(entry) => CommitError::UnknownEntry { database, container, entry },
        }
    }

    fn add_container(
        &mut self,
        id: ContainerId,
        persistent_id: PersistentId,
        new: NewPlaylist,
    ) -> Result<(), CommitError> {
        if self.open(id).is_ok() {
            return Err(CommitError::DuplicateContainer { database: self.id, container: id });
        }
        let NewPlaylist { name, parent, editable, content, .. } = new;
        let content = match content {
            NewContent::Folder => Content::Folder,
            NewContent::Smart(rules) => Content::Smart(rules),
            NewContent::Songs(_) => Content::List(Entries::default()),
        };
        let draft = ContainerDraft { persistent_id, name, parent, editable, content };
        self.containers.insert(id, Some(draft));
        Ok(())
    }

    fn set_rules(&mut self, id: ContainerId, rules: SmartRules) -> Result<(), CommitError> {
        let not_smart = CommitError::NotSmart { database: self.id, container: id };
        let content = &mut self.open(id)?.content;
        if !matches!(content, Content::Smart(_)) {
            return Err(not_smart);
        }
        *content = Content::Smart(rules);
        Ok(())
    }

    fn remove_container(&mut self, id: ContainerId) -> Result<(), CommitError> {
        let ContainerDraft { parent, ref content, .. } = *self.open(id)?;
        if matches!(content, Content::Folder) {
            for inside in self.inside(id) {
                self.open(inside)?.parent = parent;
            }
        }
        self.containers.insert(id, None);
        Ok(())
    }

    /// The containers in a folder.
    fn inside(&self, folder: ContainerId) -> Vec<ContainerId> {
        let drafts = self.containers.iter();
        let mut inside: Vec<ContainerId> = drafts
            .filter(|(_, draft)| draft.as_ref().is_some_and(|draft| draft.parent == Some(folder)))
            .map(|(inside, _)| *inside)
            .collect();
        if let Some((before, _)) = self.before {
            let rest = before.containers().iter().filter(|rest| rest.parent == Some(folder));
            inside.extend(rest.map(|rest| rest.id).filter(|id| !self.containers.contains_key(id)));
        }
        inside
    }

    fn fill(
        &mut self,
        id: ContainerId,
        songs: Vec<NewEntry>,
        ids: &Ids,
    ) -> Result<(), CommitError> {
        let mut reusable = Reusable::of(std::mem::take(self.entries(id)?), &songs);
        let mut entries = Entries::default();
        for NewEntry { id: chosen, item } in songs {
            self.check_item(item)?;
            let entry = match chosen.or_else(|| reusable.take(item)) {
                Some(entry) => entry,
                None => ids.next().map_err(|Exhausted| CommitError::IdsExhausted)?,
            };
            let inserted = entries.insert(ContainerItem { id: entry, item }, Place::Last);
            inserted.map_err(|misplaced| self.misplaced(id, misplaced))?;
        }
        *self.entries(id)? = entries;
        Ok(())
    }

    /// Adds what the model has to do, and returns what changes among sounds and pictures.
    pub(super) fn finish(self, batch: &mut Batch) -> ShelfChange {
        let Self { id: database, before, items, left, touched, media, containers, .. } = self;
        batch.extend(left.into_iter().map(|item| Edit::RemoveItem { database, item }));
        let put = items.into_values().flatten();
        batch.extend(put.map(|item| Edit::PutItem { database, item: *item }));
        batch.extend(touched.into_iter().map(|item| Edit::TouchItem { database, item }));
        for (&container, _) in containers.iter().filter(|(_, draft)| draft.is_none()) {
            batch.push(Edit::RemoveContainer { database, container });
        }
        let put = containers.into_iter().filter_map(|(id, draft)| Some(draft?.finish(id)));
        batch.extend(put.map(|container| Edit::PutContainer { database, container }));
        ShelfChange { database, anew: before.is_none(), items: media }
    }
}

impl ContainerDraft {
    /// A container as it is, without the songs that have left; `None` for the base container.
    fn of(container: &Container, left: &BTreeSet<ItemId>) -> Option<Self> {
        let content = match container.kind() {
            ContainerKind::Base => return None,
            ContainerKind::Folder => Content::Folder,
            ContainerKind::Smart => Content::Smart(container.rules()?.clone()),
            ContainerKind::Playlist => {
                let stays = |entry: &&ContainerItem| !left.contains(&entry.item);
                Content::List(Entries::of(
                    container.playlist().iter().filter(stays).copied().collect(),
                ))
            }
        };
        let Container { persistent_id, ref name, parent, editable, .. } = *container;
        Some(Self { persistent_id, name: name.clone(), parent, editable, content })
    }

    fn finish(self, id: ContainerId) -> NewContainer {
        let Self { persistent_id, name, parent, editable, content } = self;
        let content = match content {
            Content::Folder => ContainerContent::Folder,
            Content::List(entries) => ContainerContent::Items(entries.into_list()),
            Content::Smart(rules) => ContainerContent::Smart(rules),
        };
        NewContainer { id, persistent_id, name, parent, editable, content }
    }
}
