//! What changes come to, worked out beside the catalog: until all of them are found good, nothing is touched.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use daap_model::{Batch, DatabaseId, Edit, PersistentId, Snapshot, Text};

use super::changes::{Changes, Step};
use super::draft::Draft;
use super::error::CommitError;
use super::ids::Ids;
use super::media::{Shelf, ShelfChange, Shelves};

/// What changes come to, upon the catalog as it is.
pub(super) struct Plan<'a> {
    before: &'a Snapshot,
    shelves: &'a Shelves,
    ids: &'a Ids,
    /// What the model has to do before it comes to what is in the databases.
    edits: Vec<Edit>,
    /// The databases that are touched; `None` for one that is removed.
    drafts: BTreeMap<DatabaseId, Option<Draft<'a>>>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(before: &'a Snapshot, shelves: &'a Shelves, ids: &'a Ids) -> Self {
        Self { before, shelves, ids, edits: Vec::new(), drafts: BTreeMap::new() }
    }

    /// Works out the batch for the model, and what changes among sounds and pictures.
    pub(super) fn work_out(
        mut self,
        changes: Changes,
    ) -> Result<(Batch, Vec<ShelfChange>), CommitError> {
        for step in changes.steps {
            self.step(step)?;
        }
        let (mut edits, mut shelves) = (self.edits, Vec::new());
        for (database, draft) in self.drafts {
            shelves.push(match draft {
                Some(draft) => draft.finish(&mut edits),
                None => ShelfChange { database, anew: true, items: Shelf::new() },
            });
        }
        Ok((Batch::from_iter(edits), shelves))
    }

    fn step(&mut self, step: Step) -> Result<(), CommitError> {
        match step {
            Step::Rename(name) => self.edits.push(Edit::Rename(name)),
            Step::Define(field) => self.edits.push(Edit::Define(field)),
            Step::AddDatabase { id, persistent_id, name } => {
                self.add_database(id, persistent_id, name)?;
            }
            Step::RenameDatabase(id, name) => {
                let persistent_id = self.database(id)?.persistent_id;
                self.edits.push(Edit::PutDatabase { id, persistent_id, name });
            }
            Step::RemoveDatabase(id) => {
                self.database(id)?;
                self.drafts.insert(id, None);
                self.edits.push(Edit::RemoveDatabase(id));
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
        self.edits.push(Edit::PutDatabase { id, persistent_id, name });
        Ok(())
    }
}
