//! Random histories of a library, and what must hold at every revision of them.

mod clients;
mod diffs;
mod edits;
mod listings;

use std::sync::Arc;

use daap_model::*;

use edits::{Step, history};

/// The database that every history has.
const DB: DatabaseId = DatabaseId::LOWEST;

/// A database that comes and goes.
const OTHER: DatabaseId = match DatabaseId::new(2) {
    Some(id) => id,
    None => panic!("2 is an id"),
};

fn item_id(number: u32) -> ItemId {
    ItemId::new(number).expect("a row id")
}

fn container_id(number: u32) -> ContainerId {
    ContainerId::new(number).expect("a row id")
}

/// A model with one field and both databases.
fn model() -> Model {
    let mut model = Model::new("test");
    let put = [DB, OTHER].map(|id| edits::put_database(id, "x"));
    let define = Edit::Define(edits::fields()[0].clone());
    model.apply(put.into_iter().chain([define]).collect()).expect("there is nothing to be wrong");
    model
}

fn database(model: &Model) -> Arc<Database> {
    Arc::clone(model.snapshot().database(DB).expect("it is never removed"))
}

/// Carries out one step of a history, which is refused or changes nothing as often as not.
#[track_caller]
fn carry_out(model: &mut Model, step: &Step) {
    let before = model.snapshot();
    match model.apply(Batch::from_iter(step.edits.clone()).at(step.now)) {
        Ok(Some(revision)) => assert_eq!(revision, before.revision().next()),
        Ok(None) | Err(_) => assert!(Arc::ptr_eq(&before, &model.snapshot())),
    }
}

/// What a container holds, one entry after the other.
fn entries(database: &Database, container: ContainerId) -> Vec<ContainerItem> {
    let rows = database.entries(container).expect("it is there").rows();
    rows.iter().map(|row| ContainerItem { id: row.entry, item: row.item.id }).collect()
}
