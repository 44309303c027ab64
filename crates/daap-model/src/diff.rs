//! What differs between two snapshots.
//!
//! A client is told what changed with a [`Delta`](crate::Delta), which says how things are now. Whoever holds two
//! snapshots can know more: what was added, what went, and how a row was before. Nodes that the snapshots share are
//! skipped, so that the cost follows the differences and not the size of the library.
//!
//! ```
//! use daap_model::*;
//!
//! let db = DatabaseId::LOWEST;
//! let put = |title: &str| Edit::PutItem {
//!     database: db,
//!     item: NewItem {
//!         id: ItemId::LOWEST,
//!         persistent_id: PersistentId::new(1),
//!         track: Track { title: title.into(), ..Track::default() },
//!         usage: Usage::default(),
//!         custom: Custom::NONE,
//!     },
//! };
//! let name = Edit::PutDatabase { id: db, persistent_id: PersistentId::new(7), name: "Attic".into() };
//! let mut model = Model::new("Attic");
//! model.apply(Batch::from_iter([name, put("Jett")]))?;
//! let before = model.snapshot();
//! model.apply(Batch::from_iter([put("Jet")]))?;
//!
//! let diff = Diff::between(&before, &model.snapshot());
//! let song = &diff.databases.changed[0].items.changed[0];
//! assert_eq!((&*song.before.track.title, &*song.after.track.title), ("Jett", "Jet"));
//!
//! let back = Diff::between(&model.snapshot(), &before);
//! assert_eq!(&*back.databases.changed[0].items.changed[0].after.track.title, "Jett");
//! # Ok::<(), ApplyError>(())
//! ```

use std::sync::Arc;

use foldhash::HashSet;
use imbl::{OrdSet, ordset};

use crate::container::{Entries, common_ends};
use crate::sorted::Sorted;
use crate::{Container, ContainerItem, Database, Item, ItemId, Snapshot};

/// What differs between two snapshots, of which either may be the older.
///
/// A row counts as changed if its revision differs, even if it looks as it did: it was changed and changed back, or
/// [touched](crate::Edit::TouchItem).
#[derive(Clone, Debug)]
pub struct Diff {
    /// The one snapshot.
    pub before: Arc<Snapshot>,
    /// The other.
    pub after: Arc<Snapshot>,
    /// The databases.
    pub databases: RowsDiff<Database, DatabaseDiff>,
}

/// Which rows of a collection differ; each list is ascending by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsDiff<Row, Changed> {
    /// Those that only the snapshot after has.
    pub added: Vec<Arc<Row>>,
    /// Those that only the snapshot before has.
    pub removed: Vec<Arc<Row>>,
    /// Those that both have, but not alike.
    pub changed: Vec<Changed>,
}

/// A database in which something differs.
#[derive(Clone, Debug)]
pub struct DatabaseDiff {
    /// As it is in the snapshot before.
    pub before: Arc<Database>,
    /// As it is in the snapshot after.
    pub after: Arc<Database>,
    /// Its songs.
    pub items: RowsDiff<Item, ItemDiff>,
    /// Its containers.
    pub containers: RowsDiff<Container, ContainerDiff>,
}

/// A song that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemDiff {
    /// As it is in the snapshot before.
    pub before: Arc<Item>,
    /// As it is in the snapshot after.
    pub after: Arc<Item>,
}

/// A container that differs: in its name, its place, or what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerDiff {
    /// As it is in the snapshot before.
    pub before: Arc<Container>,
    /// As it is in the snapshot after.
    pub after: Arc<Container>,
    /// The entries that only the snapshot after has, in the container's order there.
    pub added: Vec<ContainerItem>,
    /// The entries that only the snapshot before has, in the container's order there.
    pub removed: Vec<ContainerItem>,
    /// Whether the entries that stayed are in another order.
    pub reordered: bool,
}

impl Diff {
    /// What makes `before` into `after`.
    #[must_use]
    pub fn between(before: &Arc<Snapshot>, after: &Arc<Snapshot>) -> Self {
        let mut databases = RowsDiff::default();
        for database in before.databases() {
            match after.database(database.id) {
                Some(other) => databases.changed.extend(DatabaseDiff::between(database, other)),
                None => databases.removed.push(Arc::clone(database)),
            }
        }
        let is_new = |database: &&Arc<Database>| before.database(database.id).is_none();
        databases.added.extend(after.databases().filter(is_new).cloned());
        Self { before: Arc::clone(before), after: Arc::clone(after), databases }
    }

    /// Whether nothing differs but perhaps the number of the revision.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.databases.is_empty()
            && self.before.name() == self.after.name()
            && self.before.custom_fields() == self.after.custom_fields()
    }
}

impl DatabaseDiff {
    /// `None` if nothing differs.
    fn between(before: &Arc<Database>, after: &Arc<Database>) -> Option<Self> {
        let items = RowsDiff::between(&before.items.by_id, &after.items.by_id, |before, after| {
            ItemDiff { before, after }
        });
        let (these, those) = (&before.containers.by_id, &after.containers.by_id);
        let containers = RowsDiff::between(these, those, |before, after| {
            ContainerDiff::new(before, after, &items)
        });
        let facts = |of: &Database| (of.revision, of.persistent_id, of.name.clone());
        let differs = !items.is_empty() || !containers.is_empty() || facts(before) != facts(after);
        let (before, after) = (Arc::clone(before), Arc::clone(after));
        differs.then_some(Self { before, after, items, containers })
    }
}

impl<Row, Changed> RowsDiff<Row, Changed> {
    fn between<Id: Ord>(
        before: &Sorted<Id, Arc<Row>>,
        after: &Sorted<Id, Arc<Row>>,
        changed: impl Fn(Arc<Row>, Arc<Row>) -> Changed,
    ) -> Self
    where
        Row: PartialEq,
    {
        let mut rows = Self::default();
        for (_, before, after) in before.diff(after) {
            match (before.cloned(), after.cloned()) {
                (Some(before), Some(after)) => rows.changed.push(changed(before, after)),
                (before, after) => {
                    rows.removed.extend(before);
                    rows.added.extend(after);
                }
            }
        }
        rows
    }

    /// Whether no row differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows differ.
    #[must_use]
    pub fn len(&self) -> usize {
        self.added.len() + self.removed.len() + self.changed.len()
    }
}

impl<Row, Changed> Default for RowsDiff<Row, Changed> {
    fn default() -> Self {
        Self { added: Vec::new(), removed: Vec::new(), changed: Vec::new() }
    }
}

impl ContainerDiff {
    /// `items` are the songs of its database that differ.
    fn new(
        before: Arc<Container>,
        after: Arc<Container>,
        items: &RowsDiff<Item, ItemDiff>,
    ) -> Self {
        let entry = |item: &Arc<Item>| ContainerItem::of(item.id);
        let (added, removed, reordered) = match (&before.entries, &after.entries) {
            (Entries::Base, Entries::Base) => {
                let of = |items: &[Arc<Item>]| items.iter().map(entry).collect();
                (of(&items.added), of(&items.removed), false)
            }
            (a, b) => match (a.set(), b.set()) {
                (Some(a), Some(b)) => sets(a, b),
                _ => lists(&a.list(), &b.list()),
            },
        };
        Self { before, after, added, removed, reordered }
    }
}

/// What was added, what was removed, and whether the rest is in another order.
type EntriesDiff = (Vec<ContainerItem>, Vec<ContainerItem>, bool);

fn sets(before: &OrdSet<ItemId>, after: &OrdSet<ItemId>) -> EntriesDiff {
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for item in before.diff(after) {
        match item {
            ordset::DiffItem::Add(id) => added.push(ContainerItem::of(*id)),
            ordset::DiffItem::Remove(id) => removed.push(ContainerItem::of(*id)),
        }
    }
    (added, removed, false)
}

fn lists(before: &[ContainerItem], after: &[ContainerItem]) -> EntriesDiff {
    let (head, tail) = common_ends(before, after);
    let (before, after) = (&before[head..before.len() - tail], &after[head..after.len() - tail]);
    let (in_before, in_after): (HashSet<_>, HashSet<_>) =
        (before.iter().copied().collect(), after.iter().copied().collect());
    let (rest_before, removed): (Vec<_>, Vec<_>) =
        before.iter().copied().partition(|entry| in_after.contains(entry));
    let (rest_after, added): (Vec<_>, Vec<_>) =
        after.iter().copied().partition(|entry| in_before.contains(entry));
    (added, removed, rest_before != rest_after)
}
