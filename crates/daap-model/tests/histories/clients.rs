//! Whoever follows the deltas has what the library holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use daap_model::*;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{carry_out, entries, history, model};

/// What a client has of a container: its facts and its entries.
#[derive(Clone, Debug, PartialEq)]
struct HeldContainer {
    name: Text,
    parent: Option<ContainerId>,
    editable: bool,
    item_count: usize,
    entries: Vec<ContainerItem>,
}

/// What a client has of a database.
#[derive(Clone, Debug, Default, PartialEq)]
struct HeldDatabase {
    name: Text,
    items: BTreeMap<ItemId, Item>,
    containers: BTreeMap<ContainerId, HeldContainer>,
}

/// A client that only ever asks for what changed, and for everything where nobody knows.
struct Client {
    seen: Revision,
    held: BTreeMap<DatabaseId, HeldDatabase>,
    /// How many steps it sleeps through before it asks again.
    asks_every: usize,
}

fn held_container(database: &Database, container: &Container) -> HeldContainer {
    HeldContainer {
        name: container.name.clone(),
        parent: container.parent,
        editable: container.editable,
        item_count: container.item_count,
        entries: entries(database, container.id),
    }
}

impl HeldDatabase {
    fn of(database: &Database) -> Self {
        let container = |c: &Arc<Container>| (c.id, held_container(database, c));
        Self {
            name: database.name.clone(),
            items: database.items().iter().map(|item| (item.id, item.clone())).collect(),
            containers: database.containers().iter().map(container).collect(),
        }
    }

    fn follow(&mut self, database: &Database, seen: Revision) {
        let all = Self::of(database);
        self.name = all.name;
        match database.items_since(seen) {
            Delta::Unknown => self.items = all.items,
            Delta::Known { changed, gone } => {
                self.items.retain(|id, _| gone.binary_search(id).is_err());
                self.items.extend(changed.iter().map(|row| (row.item.id, row.item.clone())));
            }
        }
        match database.containers_since(seen) {
            Delta::Unknown => self.containers = all.containers,
            Delta::Known { changed, gone } => {
                self.containers.retain(|id, _| gone.binary_search(id).is_err());
                // The entries of a container have no delta: it is the list of containers that says whose
                // to fetch anew.
                let changed = changed.iter().map(|c| (c.id, held_container(database, c)));
                self.containers.extend(changed);
            }
        }
    }
}

impl Client {
    fn new(model: &Model, asks_every: usize) -> Self {
        let snapshot = model.snapshot();
        Self { seen: snapshot.revision(), held: everything(&snapshot), asks_every }
    }

    fn follow(&mut self, snapshot: &Snapshot) {
        let changed = match snapshot.databases_since(self.seen) {
            Delta::Known { changed, gone } => {
                self.held.retain(|id, _| !gone.contains(id));
                changed
            }
            Delta::Unknown => {
                self.held.retain(|id, _| snapshot.database(*id).is_some());
                snapshot.databases().cloned().collect()
            }
        };
        for database in changed {
            self.held.entry(database.id).or_default().follow(&database, self.seen);
        }
        self.seen = snapshot.revision();
    }
}

fn everything(snapshot: &Snapshot) -> BTreeMap<DatabaseId, HeldDatabase> {
    snapshot.databases().map(|database| (database.id, HeldDatabase::of(database))).collect()
}

proptest! {
    #[test]
    fn clients_that_follow_at_their_own_pace_have_what_the_library_holds(
        history in history(),
        paces in vec(1..8_usize, 1..5),
        // Before which steps the history is forgotten, and how many revisions of it are kept.
        forgets in vec((0..25_usize, 0..6_u32), 0..4),
    ) {
        let mut model = model();
        let mut clients: Vec<Client> =
            paces.into_iter().map(|pace| Client::new(&model, pace)).collect();
        for (at, step) in history.iter().enumerate() {
            for (_, kept) in forgets.iter().filter(|(when, _)| *when == at) {
                let now = model.snapshot().revision().get();
                model.forget(Revision::new(now.saturating_sub(*kept)));
            }
            carry_out(&mut model, step);
            let snapshot = model.snapshot();
            for client in clients.iter_mut().filter(|client| at % client.asks_every == 0) {
                client.follow(&snapshot);
                prop_assert_eq!(&client.held, &everything(&snapshot));
            }
        }
        let snapshot = model.snapshot();
        for client in &mut clients {
            client.follow(&snapshot);
            prop_assert_eq!(&client.held, &everything(&snapshot));
        }
    }
}
