//! The model: what changes the library, one revision at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;

use crate::delta::History;
use crate::draft::Draft;
use crate::smart::Clock;
use crate::text::Interner;
use crate::{
    ApplyError, Batch, CustomField, Database, DatabaseId, Edit, NewItem, PersistentId, Revision,
    Snapshot, Text,
};

/// The library as it changes. One owner applies batches; everyone else reads snapshots.
#[derive(Debug)]
pub struct Model {
    snapshot: Arc<Snapshot>,
    interner: Interner,
    clock: Clock,
}

impl Model {
    /// An empty library at [`Revision::FIRST`].
    #[must_use]
    pub fn new(name: impl Into<Text>) -> Self {
        Self::starting_at(name, Revision::FIRST)
    }

    /// An empty library at this revision, or the nearest from [`Revision::FIRST`] to [`Revision::HIGHEST_START`].
    #[must_use]
    pub fn starting_at(name: impl Into<Text>, revision: Revision) -> Self {
        let revision = revision.clamp(Revision::FIRST, Revision::HIGHEST_START);
        let snapshot = Snapshot {
            revision,
            name: name.into(),
            custom_fields: Arc::default(),
            databases: OrdMap::new(),
            history: History::from(revision),
        };
        Self {
            snapshot: Arc::new(snapshot),
            interner: Interner::default(),
            clock: Clock::default(),
        }
    }

    /// The library as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot)
    }

    /// Carries out a batch: all of it or, on an error, nothing. Returns the new revision, or `None` if
    /// nothing is different from before.
    pub fn apply(&mut self, batch: Batch) -> Result<Option<Revision>, ApplyError> {
        let before = &self.snapshot;
        let clock = self.clock.follow(batch.now);
        let mut next = Next {
            revision: before.revision.next(),
            name: before.name.clone(),
            custom_fields: Arc::clone(&before.custom_fields),
            databases: before.databases.clone(),
            history: before.history.clone(),
            changed: Vec::new(),
            drafts: BTreeMap::new(),
            interner: &mut self.interner,
        };
        for edit in batch.into_edits() {
            next.edit(edit)?;
        }
        let after = next.finish(clock)?;
        self.clock = clock;
        let changed = after.name != before.name
            || after.custom_fields != before.custom_fields
            || !same(&after.databases, &before.databases);
        if !changed {
            return Ok(None);
        }
        let revision = after.revision;
        self.snapshot = Arc::new(after.in_step());
        Ok(Some(revision))
    }

    /// Drops what is remembered of how things changed up to this revision, as the bounds
    /// [`HISTORY_IDS`](crate::HISTORY_IDS) and [`HISTORY_REVISIONS`](crate::HISTORY_REVISIONS) do by themselves.
    /// Clients that last looked before it get full listings of what has changed since. What is there, and
    /// snapshots taken earlier, stay as they are.
    pub fn forget(&mut self, before: Revision) {
        let snapshot = Arc::make_mut(&mut self.snapshot);
        snapshot.history.forget(before);
        snapshot.each_database(|database| {
            Arc::make_mut(&mut database.items).history.forget(before);
            Arc::make_mut(&mut database.containers).history.forget(before);
        });
    }
}

fn same(a: &OrdMap<DatabaseId, Arc<Database>>, b: &OrdMap<DatabaseId, Arc<Database>>) -> bool {
    a.len() == b.len() && a.values().zip(b.values()).all(|(a, b)| Arc::ptr_eq(a, b))
}

impl Snapshot {
    /// Tells every database the revision it is now part of.
    fn in_step(mut self) -> Self {
        let revision = self.revision;
        self.each_database(|database| database.current = revision);
        self
    }

    fn each_database(&mut self, change: impl Fn(&mut Database)) {
        let ids: Vec<DatabaseId> = self.databases.keys().copied().collect();
        for id in ids {
            if let Some(database) = self.databases.get_mut(&id) {
                change(Arc::make_mut(database));
            }
        }
    }
}

/// The next snapshot in the making.
struct Next<'a> {
    revision: Revision,
    name: Text,
    custom_fields: Arc<[CustomField]>,
    databases: OrdMap<DatabaseId, Arc<Database>>,
    history: History<DatabaseId>,
    /// Databases put, changed or removed; may name one twice.
    changed: Vec<DatabaseId>,
    drafts: BTreeMap<DatabaseId, Draft>,
    interner: &'a mut Interner,
}

impl Next<'_> {
    fn edit(&mut self, edit: Edit) -> Result<(), ApplyError> {
        match edit {
            Edit::Rename(name) => self.name = name,
            Edit::Define(field) => self.define(field)?,
            Edit::PutDatabase { id, persistent_id, name } => {
                self.put_database(id, persistent_id, name)?;
            }
            Edit::RemoveDatabase(id) => self.remove_database(id),
            Edit::PutItem { database, mut item } => {
                self.check_custom(&item)?;
                self.interner.share(&mut item.track);
                self.draft(database)?.put_item(item)?;
            }
            Edit::TouchItem { database, item } => self.draft(database)?.touch_item(item)?,
            Edit::RemoveItem { database, item } => self.draft(database)?.remove_item(item)?,
            Edit::PutContainer { database, container } => {
                self.draft(database)?.put_container(container)?;
            }
            Edit::RemoveContainer { database, container } => {
                self.draft(database)?.remove_container(container)?;
            }
        }
        Ok(())
    }

    fn define(&mut self, field: CustomField) -> Result<(), ApplyError> {
        if self.custom_fields.contains(&field) {
            return Ok(());
        }
        let same = |other: &CustomField| other.code == field.code || other.name == field.name;
        if self.custom_fields.iter().any(same) {
            return Err(ApplyError::FieldTaken(field));
        }
        self.custom_fields = self.custom_fields.iter().cloned().chain([field]).collect();
        Ok(())
    }

    fn check_custom(&self, item: &NewItem) -> Result<(), ApplyError> {
        let fits = |code, value| {
            let field = self.custom_fields.iter().find(|field| field.code == code);
            field.is_some_and(|field| field.kind.takes(value))
        };
        match item.custom.iter().find(|(code, value)| !fits(*code, value)) {
            None => Ok(()),
            Some((code, _)) => Err(ApplyError::CustomValue { item: item.id, code }),
        }
    }

    /// The database as it is being changed.
    fn draft(&mut self, id: DatabaseId) -> Result<&mut Draft, ApplyError> {
        use std::collections::btree_map::Entry;
        match self.drafts.entry(id) {
            Entry::Occupied(draft) => Ok(draft.into_mut()),
            Entry::Vacant(place) => {
                let database = self.databases.get(&id).ok_or(ApplyError::UnknownDatabase(id))?;
                Ok(place.insert(Draft::of(database, self.revision)))
            }
        }
    }

    fn put_database(
        &mut self,
        id: DatabaseId,
        persistent_id: PersistentId,
        name: Text,
    ) -> Result<(), ApplyError> {
        let open = self.drafts.values().map(|draft| (draft.id(), draft.persistent_id()));
        let rest =
            self.databases.values().filter(|database| !self.drafts.contains_key(&database.id));
        let mut all = open.chain(rest.map(|database| (database.id, database.persistent_id)));
        if let Some((held_by, _)) = all.find(|(other, held)| *held == persistent_id && *other != id)
        {
            let (held_by, wanted_by) = (held_by.get(), id.get());
            return Err(ApplyError::PersistentIdTaken { id: persistent_id, held_by, wanted_by });
        }
        drop(all);
        match self.draft(id) {
            Ok(draft) => draft.name(persistent_id, name),
            Err(_) => {
                let draft = Draft::new(id, persistent_id, name, self.revision);
                self.drafts.insert(id, draft);
            }
        }
        Ok(())
    }

    fn remove_database(&mut self, id: DatabaseId) {
        self.drafts.remove(&id);
        if self.databases.remove(&id).is_some() {
            self.changed.push(id);
        }
    }

    fn finish(mut self, clock: Clock) -> Result<Snapshot, ApplyError> {
        // The clock may have moved for smart playlists that no edit touches.
        let ids: Vec<DatabaseId> = self.databases.keys().copied().collect();
        for id in ids {
            self.draft(id)?;
        }
        for (id, draft) in std::mem::take(&mut self.drafts) {
            if let Some(database) = draft.finish(clock)? {
                self.changed.push(id);
                self.databases.insert(id, Arc::new(database));
            }
        }
        self.history.note(self.revision, &self.changed, self.databases.len());
        let Self { revision, name, custom_fields, databases, history, .. } = self;
        Ok(Snapshot { revision, name, custom_fields, databases, history })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::{ContainerContent, ContainerId, ContainerKind, Delta, ItemId, Usage};

    fn library() -> Model {
        model([
            put(1, track("Jet", "Wings", "Run")),
            put(2, track("Bluebird", "Wings", "Run")),
            put_container(2, None, ContainerContent::Folder),
            put_container(3, Some(2), songs(&[2, 1, 2])),
        ])
    }

    fn apply(model: &mut Model, edits: impl IntoIterator<Item = Edit>) -> Option<Revision> {
        model.apply(edits.into_iter().collect()).unwrap()
    }

    /// The numbers of what changed and of what went: songs, then containers.
    fn delta(model: &Model, seen: Revision) -> [Vec<u32>; 4] {
        let database = database(model);
        let Delta::Known { changed, gone } = database.items_since(seen) else { panic!("unknown") };
        let items = changed.iter().map(|row| row.item.id.get()).collect();
        let gone_items = gone.into_iter().map(ItemId::get).collect();
        let Delta::Known { changed, gone } = database.containers_since(seen) else {
            panic!("unknown")
        };
        let containers = changed.iter().map(|container| container.id.get()).collect();
        [items, gone_items, containers, gone.into_iter().map(ContainerId::get).collect()]
    }

    #[test]
    fn a_model_starts_at_two_or_where_it_is_told() {
        assert_eq!(Model::new("x").snapshot().revision(), Revision::FIRST);
        let at =
            |revision| Model::starting_at("x", Revision::new(revision)).snapshot().revision().get();
        assert_eq!((at(0), at(1), at(2), at(700)), (2, 2, 2, 700));
    }

    #[test]
    fn a_model_never_starts_where_revisions_end() {
        let mut model = Model::starting_at("x", Revision::new(u32::MAX));
        assert_eq!(model.snapshot().revision(), Revision::HIGHEST_START);
        let next = apply(&mut model, [Edit::Rename("y".into())]);
        assert_eq!(next, Some(Revision::HIGHEST_START.next()));
    }

    #[test]
    fn what_changes_nothing_makes_no_revision() {
        let mut model = library();
        let before = model.snapshot();
        assert_eq!(apply(&mut model, []), None);
        assert_eq!(apply(&mut model, [put(1, track("Jet", "Wings", "Run"))]), None);
        assert_eq!(apply(&mut model, [put_container(3, Some(2), songs(&[2, 1, 2]))]), None);
        assert_eq!(apply(&mut model, [remove(99), Edit::Rename("test".into())]), None);
        assert_eq!(apply(&mut model, [Edit::RemoveDatabase(DatabaseId::HIGHEST)]), None);
        assert!(Arc::ptr_eq(&before, &model.snapshot()));
    }

    #[test]
    fn a_batch_makes_one_revision_and_leaves_older_snapshots_alone() {
        let mut model = library();
        let before = model.snapshot();
        let changes =
            [put(3, track("Mamunia", "Wings", "Run")), remove(1), Edit::Rename("new".into())];
        assert_eq!(apply(&mut model, changes), Some(before.revision().next()));
        assert_eq!(before.database(DB).unwrap().items().len(), 2);
        assert!(before.database(DB).unwrap().items().find(item_id(1)).is_some());
        assert_eq!(&**before.name(), "test");
        assert_eq!(&**model.snapshot().name(), "new");
        assert!(database(&model).items().find(item_id(1)).is_none());
    }

    #[test]
    fn a_delta_names_exactly_what_changed() {
        let mut model = library();
        let seen = model.snapshot().revision();
        assert_eq!(delta(&model, seen), [vec![], vec![], vec![], vec![]]);

        apply(&mut model, [put(2, track("Bluebird", "Wings", "Band on the Run"))]);
        assert_eq!(delta(&model, seen), [vec![2], vec![], vec![], vec![]]);

        apply(&mut model, [put(3, track("Mamunia", "Wings", "Run"))]);
        assert_eq!(delta(&model, seen), [vec![2, 3], vec![], vec![1], vec![]]);

        // A song that goes takes its entries along; one that comes back is not gone.
        apply(&mut model, [remove(2), remove(3)]);
        assert_eq!(delta(&model, seen), [vec![], vec![2, 3], vec![1, 3], vec![]]);
        assert_eq!(held(&model, 3), [1]);
        apply(&mut model, [put(3, track("Mamunia", "Wings", "Run"))]);
        assert_eq!(delta(&model, seen), [vec![3], vec![2], vec![1, 3], vec![]]);

        // What was in a folder moves up.
        apply(&mut model, [Edit::RemoveContainer { database: DB, container: container_id(2) }]);
        assert_eq!(delta(&model, seen), [vec![3], vec![2], vec![1, 3], vec![2]]);
        assert_eq!(database(&model).container(container_id(3)).unwrap().parent, None);
    }

    #[test]
    fn a_playlist_is_not_touched_by_the_end_of_a_song_it_no_longer_has() {
        let mut model = library();
        apply(&mut model, [put_container(3, Some(2), songs(&[2]))]);
        let seen = model.snapshot().revision();
        apply(&mut model, [remove(1)]);
        assert_eq!(delta(&model, seen), [vec![], vec![1], vec![1], vec![]]);
    }

    #[test]
    fn a_revision_of_another_time_is_unknown() {
        let mut model = library();
        apply(&mut model, [remove(1)]);
        let current = model.snapshot().revision();
        let database = database(&model);
        for seen in [Revision::new(0), Revision::new(1), Revision::FIRST, current.next()] {
            assert!(matches!(database.items_since(seen), Delta::Unknown), "{seen}");
            assert!(matches!(database.containers_since(seen), Delta::Unknown), "{seen}");
        }
        // The server was there at its first revision, only the database was not.
        assert!(matches!(model.snapshot().databases_since(Revision::FIRST), Delta::Known { .. }));
        assert!(matches!(model.snapshot().databases_since(current.next()), Delta::Unknown));
    }

    #[test]
    fn databases_change_when_anything_in_them_does() {
        let mut model = library();
        let other = DatabaseId::new(2).unwrap();
        let put_other =
            Edit::PutDatabase { id: other, persistent_id: PersistentId::new(8), name: "b".into() };
        apply(&mut model, [put_other]);
        let seen = model.snapshot().revision();
        let changed = |model: &Model| match model.snapshot().databases_since(seen) {
            Delta::Known { changed, gone } => (changed.iter().map(|db| db.id).collect(), gone),
            Delta::Unknown => panic!("unknown"),
        };
        apply(&mut model, [put(1, track("Jet!", "Wings", "Run"))]);
        assert_eq!(changed(&model), (vec![DB], vec![]));
        // The other one knows the new revision too.
        let snapshot = model.snapshot();
        let untouched = snapshot.database(other).unwrap();
        assert!(matches!(untouched.items_since(snapshot.revision()), Delta::Known { .. }));
        apply(&mut model, [Edit::RemoveDatabase(other)]);
        assert_eq!(changed(&model), (vec![DB], vec![other]));
    }

    #[test]
    fn a_song_that_was_touched_is_in_the_next_delta_as_it_was() {
        let mut model = library();
        let seen = model.snapshot().revision();
        let before = database(&model).items().find(item_id(1)).unwrap().clone();
        let touch = |id| Edit::TouchItem { database: DB, item: item_id(id) };
        let revision = apply(&mut model, [touch(1), touch(77)]).unwrap();
        let Delta::Known { changed, gone } = database(&model).items_since(seen) else {
            panic!("unknown")
        };
        assert_eq!((changed.len(), gone.len()), (1, 0));
        let touched = &changed.iter().next().unwrap().item;
        assert_eq!(**touched, crate::Item { revision, ..crate::Item::clone(&before) });
        assert_eq!(apply(&mut model, [touch(77)]), None);
    }

    #[test]
    fn every_database_has_a_base_container_of_its_name_with_every_song() {
        let mut model = library();
        assert_eq!(held(&model, 1), [1, 2]);
        let base = |model: &Model| Arc::clone(&database(model).containers()[0]);
        assert_eq!((base(&model).kind(), &*base(&model).name), (ContainerKind::Base, "music"));
        apply(&mut model, [put(9, track("Nine", "", "")), remove(1)]);
        assert_eq!((held(&model, 1), base(&model).item_count), (vec![2, 9], 2));
        let name =
            Edit::PutDatabase { id: DB, persistent_id: PersistentId::new(9), name: "songs".into() };
        let renamed = apply(&mut model, [name]).unwrap();
        assert_eq!((&*base(&model).name, base(&model).revision), ("songs", renamed));
    }

    #[test]
    fn containers_are_listed_by_name_and_folders_before_what_is_in_them() {
        let named =
            |id, name: &str, parent: Option<u32>, content| match put_container(id, parent, content)
            {
                Edit::PutContainer { database, mut container } => {
                    container.name = name.into();
                    Edit::PutContainer { database, container }
                }
                edit => edit,
            };
        let model = model([
            named(5, "Zoo", None, songs(&[])),
            named(4, "The Beach", Some(7), songs(&[])),
            named(3, "aardvark", Some(7), songs(&[])),
            named(6, "Ärger", None, songs(&[])),
            named(7, "Folder", None, ContainerContent::Folder),
            named(8, "1980s", None, songs(&[])),
        ]);
        let listed: Vec<u32> = database(&model).containers().iter().map(|c| c.id.get()).collect();
        assert_eq!(listed, [1, 6, 7, 3, 4, 5, 8]);
    }

    #[track_caller]
    fn check_refused(edits: impl IntoIterator<Item = Edit>, expected: ApplyError) {
        let mut model = library();
        let before = model.snapshot();
        let good = [put(7, track("New", "", "")), remove(1), Edit::Rename("other".into())];
        let batch: Batch = good.into_iter().chain(edits).collect();
        assert_eq!(model.apply(batch), Err(expected));
        assert!(Arc::ptr_eq(&before, &model.snapshot()));
    }

    #[test]
    fn a_bad_batch_is_refused_whole() {
        let unknown = DatabaseId::new(5).unwrap();
        let elsewhere = Edit::RemoveItem { database: unknown, item: item_id(1) };
        check_refused([elsewhere], ApplyError::UnknownDatabase(unknown));

        let taken = put_as(item_id(8), PersistentId::new(2));
        let held_by_2 =
            ApplyError::PersistentIdTaken { id: PersistentId::new(2), held_by: 2, wanted_by: 8 };
        check_refused([taken], held_by_2);

        let unknown_item = |item| ApplyError::UnknownItem {
            database: DB,
            container: container_id(4),
            item: item_id(item),
        };
        check_refused([put_container(4, None, songs(&[2, 50]))], unknown_item(50));
        check_refused([put_container(4, None, songs(&[1]))], unknown_item(1)); // just removed

        let ContainerContent::Items(entries) = songs(&[2]) else { panic!("songs are items") };
        let entry = entries[0].id;
        let twice = ContainerContent::Items([entries.clone(), entries].concat());
        let duplicate = ApplyError::DuplicateEntry { container: container_id(4), entry };
        check_refused([put_container(4, None, twice)], duplicate);

        check_refused([put_container(1, None, songs(&[]))], ApplyError::BaseContainer(DB));
        let remove_base = Edit::RemoveContainer { database: DB, container: ContainerId::BASE };
        check_refused([remove_base], ApplyError::BaseContainer(DB));

        let not_a_folder = |container, parent| ApplyError::NotAFolder {
            container: container_id(container),
            parent: container_id(parent),
        };
        check_refused([put_container(4, Some(77), songs(&[]))], not_a_folder(4, 77));
        check_refused([put_container(4, Some(3), songs(&[]))], not_a_folder(4, 3));
        check_refused([put_container(4, Some(1), songs(&[]))], not_a_folder(4, 1));
        check_refused([put_container(2, None, songs(&[]))], not_a_folder(3, 2));

        let ring = [
            put_container(4, Some(5), ContainerContent::Folder),
            put_container(5, Some(4), ContainerContent::Folder),
        ];
        check_refused(ring, ApplyError::FolderCycle(container_id(4)));
        let itself = [put_container(2, Some(2), ContainerContent::Folder)];
        check_refused(itself, ApplyError::FolderCycle(container_id(2)));
    }

    fn put_as(id: ItemId, persistent_id: PersistentId) -> Edit {
        let item = NewItem {
            id,
            persistent_id,
            track: track("x", "", ""),
            usage: Usage::default(),
            custom: crate::Custom::NONE,
        };
        Edit::PutItem { database: DB, item }
    }

    #[test]
    fn a_folder_may_come_later_in_the_batch_than_what_is_in_it() {
        let model = model([
            put_container(4, Some(5), songs(&[])),
            put_container(5, None, ContainerContent::Folder),
        ]);
        let parent = database(&model).container(container_id(4)).unwrap().parent;
        assert_eq!(parent, Some(container_id(5)));
    }

    #[test]
    fn songs_that_share_a_text_share_its_memory() {
        let model = library();
        let database = database(&model);
        let album = |id| database.items().find(item_id(id)).unwrap().track.album.as_ptr();
        assert_eq!(album(1), album(2));
    }
}
