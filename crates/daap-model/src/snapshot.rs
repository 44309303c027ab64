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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::{Edit, Model, PersistentId};

    const OTHER: u32 = 2;

    fn put_other(name: &str) -> Edit {
        let (id, persistent_id) = (DatabaseId::new(OTHER).unwrap(), PersistentId::new(99));
        Edit::PutDatabase { id, persistent_id, name: name.into() }
    }

    /// What somebody is told of the databases of the only one that is `DB`: those that changed and those that went.
    #[track_caller]
    fn check(model: &Model, seen: Revision, expected: Option<(usize, usize)>) {
        let told = match model.snapshot().only(DB, "Attic").databases_since(seen) {
            Delta::Unknown => None,
            Delta::Known { changed, gone } => Some((changed.len(), gone.len())),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn who_sees_one_database_is_told_of_no_other() {
        let mut model = model([put(1, track("Jet", "Wings", "Run"))]);
        let first = model.snapshot().revision();
        model.apply([put_other("Garage")].into_iter().collect()).unwrap();
        let second = model.snapshot().revision();
        check(&model, first, Some((0, 0)));
        check(&model, Revision::new(Revision::FIRST.get() - 1), None);
        model.apply([put(2, track("Bluebird", "Wings", "Run"))].into_iter().collect()).unwrap();
        check(&model, first, Some((1, 0)));
        check(&model, second, Some((1, 0)));
        check(&model, model.snapshot().revision(), Some((0, 0)));

        let only = model.snapshot().only(DB, "Attic");
        assert_eq!((only.name().as_str(), only.revision()), ("Attic", model.snapshot().revision()));
        assert_eq!(only.databases().map(|database| database.id).collect::<Vec<_>>(), [DB]);
        assert_eq!(only.database(DB).map(|database| database.items().len()), Some(2));
    }

    #[test]
    fn of_a_database_that_is_not_there_nobody_is_told_anything() {
        let model = model([]);
        let only = model.snapshot().only(DatabaseId::new(OTHER).unwrap(), "Attic");
        assert_eq!(only.databases().len(), 0);
        assert!(matches!(only.databases_since(Revision::FIRST), Delta::Unknown));
    }
}
