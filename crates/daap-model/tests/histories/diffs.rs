//! The difference of two snapshots makes the one into the other, in either direction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use daap_model::*;
use proptest::prelude::*;

use crate::{carry_out, entries, history, model};

/// What a snapshot holds, in plain maps.
#[derive(Debug, Default, PartialEq)]
struct Plain {
    name: Text,
    fields: Arc<[CustomField]>,
    databases: BTreeMap<DatabaseId, PlainDatabase>,
}

#[derive(Debug, PartialEq)]
struct PlainDatabase {
    facts: (PersistentId, Text, Revision),
    items: BTreeMap<ItemId, Arc<Item>>,
    containers: BTreeMap<ContainerId, (Arc<Container>, Vec<ContainerItem>)>,
}

impl PlainDatabase {
    fn of(database: &Database) -> Self {
        let container = |c: &Arc<Container>| (c.id, (Arc::clone(c), entries(database, c.id)));
        Self {
            facts: facts(database),
            items: database.items().iter().map(|item| (item.id, Arc::new(item.clone()))).collect(),
            containers: database.containers().iter().map(container).collect(),
        }
    }

    fn apply(&mut self, diff: &DatabaseDiff) {
        self.facts = facts(&diff.after);
        for item in &diff.items.removed {
            assert_eq!(self.items.remove(&item.id).as_ref(), Some(item));
        }
        for item in &diff.items.added {
            assert_eq!(self.items.insert(item.id, Arc::clone(item)), None);
        }
        for ItemDiff { before, after } in &diff.items.changed {
            assert_ne!(before, after);
            assert_eq!(self.items.insert(after.id, Arc::clone(after)).as_ref(), Some(before));
        }
        for container in &diff.containers.removed {
            assert!(self.containers.remove(&container.id).is_some());
        }
        for container in &diff.containers.added {
            let entries = entries(&diff.after, container.id);
            self.containers.insert(container.id, (Arc::clone(container), entries));
        }
        for container in &diff.containers.changed {
            self.apply_container(container, entries(&diff.after, container.after.id));
        }
    }

    fn apply_container(&mut self, diff: &ContainerDiff, after: Vec<ContainerItem>) {
        let (container, entries) = self.containers.get_mut(&diff.before.id).expect("it was there");
        assert_eq!(*container, diff.before);
        *container = Arc::clone(&diff.after);
        assert!(diff.removed.iter().all(|entry| entries.contains(entry)));
        entries.retain(|entry| !diff.removed.contains(entry));
        let stayed = |entry: &ContainerItem| !diff.added.contains(entry);
        let in_order: Vec<_> = after.iter().copied().filter(stayed).collect();
        assert_eq!(*entries != in_order, diff.reordered);
        entries.extend(&diff.added);
        let set = |entries: &[ContainerItem]| -> BTreeSet<_> {
            entries.iter().map(|entry| (entry.id, entry.item)).collect()
        };
        assert_eq!((set(entries), entries.len()), (set(&after), after.len()));
        *entries = after;
    }
}

fn facts(database: &Database) -> (PersistentId, Text, Revision) {
    (database.persistent_id, database.name.clone(), database.revision)
}

impl Plain {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            name: snapshot.name().clone(),
            fields: Arc::clone(snapshot.custom_fields()),
            databases: snapshot.databases().map(|db| (db.id, PlainDatabase::of(db))).collect(),
        }
    }

    fn apply(&mut self, diff: &Diff) {
        self.name = diff.after.name().clone();
        self.fields = Arc::clone(diff.after.custom_fields());
        for database in &diff.databases.removed {
            assert!(self.databases.remove(&database.id).is_some());
        }
        for database in &diff.databases.added {
            self.databases.insert(database.id, PlainDatabase::of(database));
        }
        for database in &diff.databases.changed {
            self.databases.get_mut(&database.after.id).expect("it was there").apply(database);
        }
    }
}

fn check(before: &Arc<Snapshot>, after: &Arc<Snapshot>) {
    let diff = Diff::between(before, after);
    let mut plain = Plain::of(before);
    assert_eq!(diff.is_empty(), plain == Plain::of(after));
    plain.apply(&diff);
    assert_eq!(plain, Plain::of(after));
    check_inverse(&diff, &Diff::between(after, before));
}

fn check_inverse(diff: &Diff, back: &Diff) {
    let ids = |databases: &[Arc<Database>]| databases.iter().map(|db| db.id).collect::<Vec<_>>();
    assert_eq!(ids(&diff.databases.added), ids(&back.databases.removed));
    assert_eq!(diff.databases.len(), back.databases.len());
    for (there, back) in diff.databases.changed.iter().zip(&back.databases.changed) {
        let turned = |item: &ItemDiff| ItemDiff {
            before: Arc::clone(&item.after),
            after: Arc::clone(&item.before),
        };
        let items = RowsDiff {
            added: there.items.removed.clone(),
            removed: there.items.added.clone(),
            changed: there.items.changed.iter().map(turned).collect(),
        };
        assert_eq!(items, back.items);
        let turned = |container: &ContainerDiff| ContainerDiff {
            before: Arc::clone(&container.after),
            after: Arc::clone(&container.before),
            added: container.removed.clone(),
            removed: container.added.clone(),
            reordered: container.reordered,
        };
        let containers = RowsDiff {
            added: there.containers.removed.clone(),
            removed: there.containers.added.clone(),
            changed: there.containers.changed.iter().map(turned).collect(),
        };
        assert_eq!(containers, back.containers);
    }
}

proptest! {
    #[test]
    fn a_diff_makes_one_snapshot_into_the_other_and_back(history in history(), apart in 1..6_usize) {
        let mut model = model();
        let mut snapshots = vec![model.snapshot()];
        for step in history {
            carry_out(&mut model, &step);
            snapshots.push(model.snapshot());
        }
        for (before, after) in snapshots.iter().zip(&snapshots[apart.min(snapshots.len() - 1)..]) {
            check(before, after);
        }
    }
}
