//! The whole library at one revision.

use std::sync::Arc;

use imbl::OrdMap;

use crate::delta::{Delta, History};
use crate::{CustomField, Database, DatabaseId, Revision, Text};

/// The whole library at one revision. It never changes; the next one shares with it all that is the same.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) revision: Revision,
    pub(crate) name: Text,
    pub(crate) custom_fields: Arc<[CustomField]>,
    pub(crate) databases: OrdMap<DatabaseId, Arc<Database>>,
    pub(crate) history: History<DatabaseId>,
}

impl Snapshot {
    /// The revision.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The name of the share.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// The fields that the program defined, in the order in which it did.
    #[must_use]
    pub fn custom_fields(&self) -> &Arc<[CustomField]> {
        &self.custom_fields
    }

    /// Its databases, by id.
    pub fn databases(&self) -> impl ExactSizeIterator<Item = &Arc<Database>> {
        self.databases.values()
    }

    /// The database with this id.
    #[must_use]
    pub fn database(&self, id: DatabaseId) -> Option<&Arc<Database>> {
        self.databases.get(&id)
    }

    /// One database of it as a library of its own, with this name: the same ids and revisions, and no other database.
    /// Without any if there is none with this id.
    #[must_use]
    pub fn only(&self, id: DatabaseId, name: impl Into<Text>) -> Self {
        let mut only = Self {
            revision: self.revision,
            name: name.into(),
            custom_fields: Arc::clone(&self.custom_fields),
            databases: OrdMap::new(),
            history: History::from(self.revision),
        };
        if let Some(database) = self.database(id) {
            only.history = self.history.of_one(id, database.revision);
            only.databases.insert(id, Arc::clone(database));
        }
        only
    }

    /// The databases that changed after `seen`, by id, and the ids of those that went.
    #[must_use]
    pub fn databases_since(&self, seen: Revision) -> Delta<Vec<Arc<Database>>, DatabaseId> {
        let is_there = |id: &DatabaseId| self.databases.contains_key(id);
        match self.history.since(seen, self.revision, is_there) {
            Delta::Unknown => Delta::Unknown,
            Delta::Known { changed, gone } => {
                let databases = changed.iter().filter_map(|id| self.databases.get(id)).cloned();
                Delta::Known { changed: databases.collect(), gone }
            }
        }
    }
}
