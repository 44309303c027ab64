//! What changes come to, worked out beside the catalog: until all of them are found good, nothing is touched.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use daap_model::{Batch, DatabaseId, Edit, PersistentId, Snapshot, Text};

use super::changes::{Changes, Step};
use super::draft::Draft;
use super::error::CommitError;
use super::ids::Ids;
use super::media::{ShelfChange, Shelves};

/// What changes come to, upon the catalog as it is.
pub(super) struct Plan<'a> {
    before: &'a Snapshot,
    shelves: &'a Shelves,
    ids: &'a Ids,
    /// What the model has to do before it comes to what is in the databases.
    batch: Batch,
    /// The databases that are touched; `None` for one that is removed.
    drafts: BTreeMap<DatabaseId, Option<Draft<'a>>>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(before: &'a Snapshot, shelves: &'a Shelves, ids: &'a Ids) -> Self {
        Self { before, shelves, ids, batch: Batch::new(), drafts: BTreeMap::new() }
    }

    /// Works out the batch for the model, and what changes among sounds and pictures.
    pub(super) fn work_out(
        mut self,
        changes: Changes,
    ) -> Result<(Batch, Vec<ShelfChange>), CommitError> {
        for step in changes.steps {
            self.step(step)?;
        }
        let (mut batch, mut shelves) = (self.batch, Vec::new());
        for (database, draft) in self.drafts {
            shelves.push(match draft {
                Some(draft) => draft.finish(&mut batch),
                None => ShelfChange { database, anew: true, items: HashMap::new() },
            });
        }
        Ok((batch, shelves))
    }

    fn step(&mut self, step: Step) -> Result<(), CommitError> {
        match step {
            Step::Rename(name) => self.batch.push(Edit::Rename(name)),
            Step::Define(field) => self.batch.push(Edit::Define(field)),
            Step::AddDatabase { id, persistent_id, name } => {
                self.add_database(id, persistent_id, name)?;
            }
            Step::RenameDatabase(id, name) => {
                let persistent_id = self.database(id)?.persistent_id;
                self.batch.push(Edit::PutDatabase { id, persistent_id, name });
            }
            Step::RemoveDatabase(id) => {
                self.database(id)?;
                self.drafts.insert(id, None);
                self.batch.push(Edit::RemoveDatabase(id));
            }
            Step::Item { database, item, step } => self.database(database)?.item(item, step)?,
            Step::Container { database, container, step } => {
                let ids = self.ids;
                self.database(database)?.container(container, step, ids)?;
            }
        }
        Ok(())
    }

    /// The database with this id, to be changed.
    fn database(&mut self, id: DatabaseId) -> Result<&mut Draft<'a>, CommitError> {
        let draft = match self.drafts.entry(id) {
            Entry::Occupied(draft) => draft.into_mut(),
            Entry::Vacant(place) => {
                let before = self.before.database(id);
                let before = before.ok_or(CommitError::UnknownDatabase(id))?;
                place.insert(Some(Draft::of(before, self.shelves)))
            }
        };
        draft.as_mut().ok_or(CommitError::UnknownDatabase(id))
    }

    fn add_database(
        &mut self,
        id: DatabaseId,
        persistent_id: PersistentId,
        name: Text,
    ) -> Result<(), CommitError> {
        if self.database(id).is_ok() {
            return Err(CommitError::DuplicateDatabase(id));
        }
        self.drafts.insert(id, Some(Draft::new(id, persistent_id)));
        self.batch.push(Edit::PutDatabase { id, persistent_id, name });
        Ok(())
    }
}
