//! The model: what changes the library, one revision at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;

use crate::delta::History;
use crate::draft::Draft;
use crate::text::Interner;
use crate::{
    ApplyError, Batch, Database, DatabaseId, Edit, PersistentId, Revision, Snapshot, Text,
    Timestamp,
};

/// The library as it changes. One owner applies batches; everyone else reads snapshots.
#[derive(Debug)]
pub struct Model {
    snapshot: Arc<Snapshot>,
    interner: Interner,
    /// What time it is, as the last batch that knew it said.
    now: Timestamp,
}

impl Model {
    /// An empty library at [`Revision::FIRST`].
    #[must_use]
    pub fn new(name: impl Into<Text>) -> Self {
        Self::starting_at(name, Revision::FIRST)
    }

    /// An empty library at this revision, or [`Revision::FIRST`] if that is higher.
    #[must_use]
    pub fn starting_at(name: impl Into<Text>, revision: Revision) -> Self {
        let revision = revision.max(Revision::FIRST);
        let snapshot = Snapshot {
            revision,
            name: name.into(),
            databases: OrdMap::new(),
            history: History::from(revision),
        };
        Self { snapshot: Arc::new(snapshot), interner: Interner::default(), now: Timestamp(0) }
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
        // The clock never runs backwards here, so that a playlist does not flicker when it is set.
        let now = batch.now.unwrap_or_default().max(self.now);
        let mut next = Next {
            revision: before.revision.next(),
            name: before.name.clone(),
            databases: before.databases.clone(),
            history: before.history.clone(),
            drafts: BTreeMap::new(),
            interner: &mut self.interner,
        };
        for edit in batch.edits {
            next.edit(edit)?;
        }
        let after = next.finish(now)?;
        self.now = now;
        let changed = after.name != before.name || !same(&after.databases, &before.databases);
        if !changed {
            return Ok(None);
        }
        let revision = after.revision;
        self.snapshot = Arc::new(after.in_step());
        Ok(Some(revision))
    }
}

fn same(a: &OrdMap<DatabaseId, Arc<Database>>, b: &OrdMap<DatabaseId, Arc<Database>>) -> bool {
    a.len() == b.len() && a.values().zip(b.values()).all(|(a, b)| Arc::ptr_eq(a, b))
}

impl Snapshot {
    /// Tells every database the revision it is now part of.
    fn in_step(mut self) -> Self {
        let ids: Vec<DatabaseId> = self.databases.keys().copied().collect();
        for id in ids {
            if let Some(database) = self.databases.get_mut(&id) {
                Arc::make_mut(database).current = self.revision;
            }
        }
        self
    }
}

/// The next snapshot in the making.
struct Next<'a> {
    revision: Revision,
    name: Text,
    databases: OrdMap<DatabaseId, Arc<Database>>,
    history: History<DatabaseId>,
    drafts: BTreeMap<DatabaseId, Draft>,
    interner: &'a mut Interner,
}

impl Next<'_> {
    fn edit(&mut self, edit: Edit) -> Result<(), ApplyError> {
        match edit {
            Edit::Rename(name) => self.name = name,
            Edit::PutDatabase { id, persistent_id, name } => {
                self.put_database(id, persistent_id, name)?;
            }
            Edit::RemoveDatabase(id) => self.remove_database(id),
            Edit::PutItem { database, mut item } => {
                self.interner.share(&mut item.track);
                self.draft(database)?.put_item(item)?;
            }
            Edit::RemoveItem { database, item } => self.draft(database)?.remove_item(item),
            Edit::PutContainer { database, container } => {
                self.draft(database)?.put_container(container)?;
            }
            Edit::RemoveContainer { database, container } => {
                self.draft(database)?.remove_container(container)?;
            }
        }
        Ok(())
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
        if let Some(database) = self.databases.remove(&id) {
            self.history.remove(id, database.revision, self.revision);
        }
    }

    fn finish(mut self, now: Timestamp) -> Result<Snapshot, ApplyError> {
        // The clock may have moved for smart playlists that no edit touches.
        let ids: Vec<DatabaseId> = self.databases.keys().copied().collect();
        for id in ids {
            self.draft(id)?;
        }
        for (id, draft) in std::mem::take(&mut self.drafts) {
            if let Some(database) = draft.finish(now)? {
                let before = self.databases.get(&id).map(|before| before.revision);
                self.history.change(id, before, self.revision);
                self.databases.insert(id, Arc::new(database));
            }
        }
        let Self { revision, name, databases, history, .. } = self;
        Ok(Snapshot { revision, name, databases, history })
    }
}
