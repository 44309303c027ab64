//! What is shown: the model, and the ways to the songs in it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use daap_model::{
    Batch, ContainerContent, ContainerId, Custom, DatabaseId, Edit, ItemId, Model, NewContainer,
    NewItem, Revision, Snapshot, Timestamp,
};

use crate::books::Books;
use crate::handle::{Route, Routes};
use crate::house::House;
use crate::ledger::Pending;
use crate::persist::{DatabaseRow, HousePlaylistRow, SongRow, SourceId};
use crate::source::SourceKey;

/// What is shown: the model, and the ways to the songs in it.
pub(crate) struct Stage {
    model: Model,
    routes: Arc<Routes>,
    /// The numbers of the sources that the library runs with.
    numbers: HashMap<SourceId, usize>,
}

impl Stage {
    pub(crate) fn new(name: &str, revision: Revision, routes: Arc<Routes>) -> Self {
        Self { model: Model::starting_at(name, revision), routes, numbers: HashMap::new() }
    }

    /// Says which number a source has.
    pub(crate) fn number(&mut self, source: SourceId, number: usize) {
        self.numbers.insert(source, number);
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.model.snapshot()
    }

    pub(crate) fn has_songs(&self) -> bool {
        self.model.snapshot().databases().any(|database| !database.items().is_empty())
    }

    /// Which source has a song, by its number, and what it calls it.
    pub(crate) fn place(&self, database: DatabaseId, item: ItemId) -> Option<(usize, SourceKey)> {
        self.routes.place(database, item)
    }

    /// Shows songs as they were saved in an earlier run. There are many, so they are handed over: what the model
    /// could refuse, two songs with one id, neither the store nor the books let pass.
    pub(crate) fn show_loaded(&mut self, books: &Books, songs: Vec<SongRow>, now: Timestamp) {
        self.routes.update(songs.iter().filter_map(|row| self.route(books, row)));
        let put = songs.into_iter().filter_map(|row| put_item(books, row));
        if let Err(error) = self.model.apply(put.collect::<Batch>().at(now)) {
            tracing::error!(%error, "the library contradicts itself; some songs cannot be shown");
        }
    }

    /// Shows the playlists of the house as they were saved in an earlier run, after the songs.
    pub(crate) fn show_house(&mut self, house: &House, now: Timestamp) {
        let shown = self.snapshot();
        let put = |row| put_house_playlist(row, &shown);
        self.apply(|| house.playlists().filter_map(put).collect(), now);
    }

    /// Forgets how all that is shown came there: nobody has seen less of it in this run.
    pub(crate) fn forget_how(&mut self) {
        let now = self.snapshot().revision();
        self.model.forget(now);
    }

    /// Shows what has been saved. Returns whether anything looks different.
    pub(crate) fn show(&mut self, books: &Books, pending: &Pending, now: Timestamp) -> bool {
        let shown = self.snapshot();
        let moved = self.moved(books, pending);
        let put = pending.rows.songs.values().filter_map(|row| self.route(books, row.as_deref()?));
        // A way is there before the song is, and stays until it is gone.
        self.routes.update(put);
        let edits = || {
            let mut edits = edits(books, pending, &shown);
            edits.extend(moved.iter().cloned());
            edits
        };
        let changed = self.apply(edits, now);
        let gone = pending.rows.songs.iter().filter(|(_, row)| row.is_none());
        self.routes.update(gone.map(|(id, _)| (*id, None)));
        changed
    }

    /// The songs that their sources have elsewhere now. Whoever plays or keeps one may want to know, even
    /// where nothing else of it has changed.
    fn moved(&self, books: &Books, pending: &Pending) -> Vec<Edit> {
        let rows = pending.rows.songs.values().flatten();
        let moved = rows.filter_map(|row| {
            let database = books.shelves.get(&row.source)?.row.database;
            let (_, key) = self.place(database, row.id)?;
            (key != row.key).then_some(Edit::TouchItem { database, item: row.id })
        });
        moved.collect()
    }

    /// The way to a song; `None` if its source is not one of those the library runs with.
    fn route(&self, books: &Books, row: &SongRow) -> Option<(ItemId, Option<Route>)> {
        let source = *self.numbers.get(&row.source)?;
        let database = books.shelves.get(&row.source)?.row.database;
        Some((row.id, Some(Route { database, source, key: row.key.clone() })))
    }

    /// Gives the share, and the databases that have its name, another. Returns whether anything looks
    /// different.
    pub(crate) fn rename(&mut self, name: &str, now: Timestamp) -> bool {
        let shown = self.snapshot();
        let edits = || {
            let namesakes = shown.databases().filter(|database| database.name == *shown.name());
            let databases = namesakes.map(|database| Edit::PutDatabase {
                id: database.id,
                persistent_id: database.persistent_id,
                name: name.into(),
            });
            std::iter::once(Edit::Rename(name.into())).chain(databases).collect()
        };
        self.apply(edits, now)
    }

    /// Applies the edits, as one revision. Should the model refuse one of them, which is a fault of the
    /// books, the others must not suffer for it: they are made again, and applied one by one.
    pub(crate) fn apply(&mut self, edits: impl Fn() -> Vec<Edit>, now: Timestamp) -> bool {
        let batch = |edits: Vec<Edit>| Batch::from_iter(edits).at(now);
        match self.model.apply(batch(edits())) {
            Ok(revision) => revision.is_some(),
            Err(error) => {
                tracing::error!(%error, "the library contradicts itself; shows what it can");
                let mut changed = false;
                for edit in edits() {
                    match self.model.apply(batch(vec![edit])) {
                        Ok(revision) => changed |= revision.is_some(),
                        Err(error) => tracing::error!(%error, "cannot be shown"),
                    }
                }
                changed
            }
        }
    }
}

/// What the model has to change to show the pending rows.
fn edits(books: &Books, pending: &Pending, shown: &Snapshot) -> Vec<Edit> {
    let mut edits = Vec::with_capacity(pending.len());
    edits.extend(pending.rows.databases.values().filter_map(|row| put_database(row, shown)));
    let gone = pending.rows.playlists.iter().filter(|(_, row)| row.is_none());
    edits.extend(gone.filter_map(|(id, _)| remove_container(*id, shown)));
    let gone = pending.rows.house_playlists.iter().filter(|(_, row)| row.is_none());
    edits.extend(gone.filter_map(|(id, _)| remove_container(*id, shown)));
    let gone = pending.rows.songs.iter().filter(|(_, row)| row.is_none());
    edits.extend(gone.filter_map(|(id, _)| remove_item(*id, shown)));
    let put = pending.rows.songs.values().flatten();
    edits.extend(put.filter_map(|row| put_item(books, SongRow::clone(row))));
    edits.extend(put_containers(books, pending));
    let put = pending.rows.house_playlists.values().flatten();
    edits.extend(put.filter_map(|row| put_house_playlist(row, shown)));
    edits
}

/// A database that its source gave a name. `None` if the library runs without it.
fn put_database(row: &DatabaseRow, shown: &Snapshot) -> Option<Edit> {
    let (id, persistent_id) = (shown.database(row.id)?.id, row.persistent_id);
    Some(Edit::PutDatabase { id, persistent_id, name: row.name.clone()? })
}

/// A playlist of the house as clients are to see it: without the songs of sources that the library runs
/// without. `None` if it runs without the database.
fn put_house_playlist(row: &HousePlaylistRow, shown: &Snapshot) -> Option<Edit> {
    let database = shown.database(row.database)?;
    let entries = row.entries.iter().filter(|entry| database.items().find(entry.item).is_some());
    let container = NewContainer {
        id: row.id,
        persistent_id: row.persistent_id,
        name: row.name.clone(),
        parent: None,
        editable: true,
        content: ContainerContent::Items(entries.copied().collect()),
    };
    Some(Edit::PutContainer { database: row.database, container })
}

fn put_item(books: &Books, row: SongRow) -> Option<Edit> {
    let database = books.shelves.get(&row.source)?.row.database;
    let SongRow { id, persistent_id, track, usage, .. } = row;
    let custom = Custom::NONE;
    Some(Edit::PutItem { database, item: NewItem { id, persistent_id, track, usage, custom } })
}

fn remove_item(item: ItemId, shown: &Snapshot) -> Option<Edit> {
    let database = shown.databases().find(|database| database.items().find(item).is_some())?.id;
    Some(Edit::RemoveItem { database, item })
}

fn remove_container(container: ContainerId, shown: &Snapshot) -> Option<Edit> {
    let database = shown.databases().find(|database| database.container(container).is_some())?.id;
    Some(Edit::RemoveContainer { database, container })
}

/// Playlists that changed or whose songs did, each folder before what is in it.
fn put_containers(books: &Books, pending: &Pending) -> Vec<Edit> {
    let changed = pending.rows.playlists.values().flatten().map(|row| (row.source, &row.key));
    let relisted = pending.relist.iter().map(|(source, key)| (*source, key));
    let all: BTreeSet<_> = changed.chain(relisted).collect();
    let mut listings: Vec<_> = all
        .into_iter()
        .filter_map(|(source, key)| {
            let shelf = books.shelves.get(&source)?;
            let (depth, container) = shelf.listing(key)?;
            Some((depth, Edit::PutContainer { database: shelf.row.database, container }))
        })
        .collect();
    listings.sort_by_key(|(depth, _)| *depth);
    listings.into_iter().map(|(_, edit)| edit).collect()
}

#[cfg(test)]
mod tests {
    use daap_model::PersistentId;

    use super::*;

    #[test]
    fn what_the_model_refuses_costs_nothing_else() {
        let mut stage = Stage::new("Home", Revision::FIRST, Arc::new(Routes::new(Vec::new())));
        let database = |(number, persistent_id): (u32, u64)| {
            let id = DatabaseId::new(number).unwrap();
            let persistent_id = PersistentId::new(persistent_id);
            Edit::PutDatabase { id, persistent_id, name: "Home".into() }
        };
        // Two may not have the same persistent id.
        let databases = [(1, 11), (2, 12), (3, 12), (4, 14)];
        assert!(stage.apply(|| databases.map(database).into(), Timestamp(0)));
        let shown: Vec<u32> =
            stage.snapshot().databases().map(|database| database.id.get()).collect();
        assert_eq!(shown, [1, 2, 4]);
    }
}
