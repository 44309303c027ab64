//! The librarian's books: which song has which id, and what is still to be saved.
//!
//! Pure bookkeeping. Changes go in; what is to be saved and shown comes out of the [`Ledger`]'s pending
//! rows. A [`Shelf`] for each source, one [`House`] for what belongs to none, and one ledger for all.

use std::collections::{BTreeMap, HashSet};
use std::mem;

use daap_model::{DatabaseId, ItemId, PersistentId, Snapshot, Text, Timestamp};

use crate::handle::Note;
use crate::house::House;
use crate::ledger::{IdsExhausted, Ledger, Moment, Pending};
use crate::persist::{
    DatabaseRow, HousePlaylistRow, NextIds, PlaylistRow, SongRow, SourceId, SourceRow,
};
use crate::report::Known;
use crate::share::{PlaylistEdit, PlaylistError};
use crate::shelf::Shelf;
use crate::source::{Change, SourceKey};
use crate::stars::Starring;

/// The start of 2026. A clock that shows an earlier time is not set: small machines without a battery
/// start in 1970 and learn the time from the network.
const CLOCK_WAS_SET: Timestamp = Timestamp(1_767_225_600);

/// What the library has been told and what it made of it.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) databases: BTreeMap<DatabaseId, DatabaseRow>,
    pub(crate) shelves: BTreeMap<SourceId, Shelf>,
    pub(crate) house: House,
    pub(crate) ledger: Ledger,
}

impl Books {
    /// Goes on with the ids that come next.
    pub(crate) fn go_on_at(&mut self, next: NextIds) {
        self.ledger.pending.rows.next = next;
    }

    /// Enters a source that was saved. One without a database is left out, and its songs with it.
    pub(crate) fn enter_source(&mut self, row: SourceRow, shared: bool) {
        if let Some(database) = self.databases.get(&row.database) {
            let shelf = Shelf::new(row.clone(), database.persistent_id, shared);
            self.shelves.insert(row.id, shelf);
        }
    }

    /// Enters a song that was saved, and returns the shelf it is on. One without a source, or with the
    /// key or persistent id of another, has no place: it is removed.
    pub(crate) fn enter_song(&mut self, row: &SongRow) -> Option<&Shelf> {
        let shelf = self.shelves.get_mut(&row.source);
        let Some(shelf) = shelf.filter(|_| self.ledger.claim(row.persistent_id)) else {
            return self.leave_out(row);
        };
        if shelf.enter_song(row) {
            return self.shelves.get(&row.source);
        }
        self.ledger.release(row.persistent_id);
        self.leave_out(row)
    }

    /// Has a song removed that was saved and has no place.
    fn leave_out(&mut self, row: &SongRow) -> Option<&Shelf> {
        tracing::warn!(key = %row.key, "a stored song has no place in the library and is removed");
        self.ledger.remove_song(row.id, true);
        None
    }

    /// Enters a playlist that was saved. One without a source, or with the key or persistent id of
    /// another, has no place: it is removed.
    pub(crate) fn enter_playlist(&mut self, row: PlaylistRow) {
        let shelf = self.shelves.get_mut(&row.source);
        let shelf = shelf.filter(|shelf| !shelf.playlists.contains_key(&row.key));
        let Some(shelf) = shelf.filter(|_| self.ledger.claim(row.persistent_id)) else {
            tracing::warn!(key = %row.key, "a stored playlist has no place in the library");
            self.ledger.pending.rows.playlists.insert(row.id, None);
            return;
        };
        shelf.enter_playlist(row);
    }

    /// Enters a playlist of the house that was saved. One without a database, or with the persistent id of
    /// another, has no place: it is removed.
    pub(crate) fn enter_house_playlist(&mut self, row: HousePlaylistRow) {
        if self.databases.contains_key(&row.database) && self.ledger.claim(row.persistent_id) {
            self.house.enter(row);
        } else {
            tracing::warn!(name = %row.name, "a stored playlist has no place in the library");
            self.ledger.pending.rows.house_playlists.insert(row.id, None);
        }
    }

    /// The database that the program calls `key`; if it is new it gets `persistent_id`.
    pub(crate) fn open_database(
        &mut self,
        key: &str,
        persistent_id: PersistentId,
    ) -> Result<DatabaseRow, IdsExhausted> {
        if let Some(row) = self.databases.values().find(|row| row.key == key) {
            return Ok(row.clone());
        }
        let id = self.ledger.new_database()?;
        let row = DatabaseRow { id, key: key.to_owned(), persistent_id, name: None };
        self.databases.insert(id, row.clone());
        self.ledger.pending.rows.databases.insert(id, row.clone());
        Ok(row)
    }

    /// Gives the database that is a source's own the name that the source has for it.
    pub(crate) fn name_database(&mut self, shelves: &[SourceId], name: Text) {
        let Some(shelf) = shelves.last().and_then(|id| self.shelves.get(id)) else { return };
        let Some(row) = self.databases.get_mut(&shelf.row.database) else { return };
        if row.name.as_ref() != Some(&name) {
            row.name = Some(name);
            self.ledger.pending.rows.databases.insert(row.id, row.clone());
        }
    }

    /// The source of this name in this database, which the library runs with.
    pub(crate) fn open_source(
        &mut self,
        database: &DatabaseRow,
        name: &str,
        starred: Option<SourceKey>,
    ) -> SourceId {
        let wanted =
            |shelf: &&mut Shelf| shelf.row.database == database.id && shelf.row.name == name;
        let rows = &mut self.ledger.pending.rows;
        if let Some(shelf) = self.shelves.values_mut().find(wanted) {
            shelf.starred = starred;
            if shelf.row.unshared_since.take().is_some() {
                rows.sources.insert(shelf.row.id, Some(shelf.row.clone()));
            }
            return shelf.row.id;
        }
        let id = self.ledger.new_source();
        let row =
            SourceRow { id, database: database.id, name: name.to_owned(), unshared_since: None };
        let shelf = Shelf { starred, ..Shelf::new(row.clone(), database.persistent_id, true) };
        self.shelves.insert(id, shelf);
        self.ledger.pending.rows.sources.insert(id, Some(row));
        id
    }

    /// Takes what is to be saved out of the books. Songs that go leave the playlists of the house with it.
    pub(crate) fn take_pending(&mut self) -> Pending {
        let songs = self.ledger.pending.rows.songs.iter();
        let gone = songs.filter(|(_, row)| row.is_none()).map(|(id, _)| *id).collect();
        self.house.forget(&gone, &mut self.ledger);
        let next = self.ledger.pending.rows.next;
        let pending = mem::take(&mut self.ledger.pending);
        self.ledger.pending.rows.next = next;
        pending
    }

    /// Dates the sources that the library runs without from now on.
    pub(crate) fn date_unshared(&mut self, now: Timestamp) {
        for shelf in self.shelves.values_mut().filter(|shelf| !shelf.shared) {
            if shelf.row.unshared_since.is_none() {
                shelf.row.unshared_since = Some(now);
                let row = Some(shelf.row.clone());
                self.ledger.pending.rows.sources.insert(shelf.row.id, row);
            }
        }
    }

    /// Takes in what a source with these shelves reports.
    pub(crate) fn change(
        &mut self,
        shelves: &[SourceId],
        change: Change,
        moment: Moment<'_>,
    ) -> Result<(), IdsExhausted> {
        let Some((last, others)) = shelves.split_last() else { return Ok(()) };
        for shelf in others {
            self.change_one(*shelf, change.clone(), moment)?;
        }
        self.change_one(*last, change, moment)
    }

    fn change_one(
        &mut self,
        shelf: SourceId,
        change: Change,
        moment: Moment<'_>,
    ) -> Result<(), IdsExhausted> {
        match self.shelves.get_mut(&shelf) {
            Some(shelf) => shelf.change(change, &mut self.ledger, moment),
            None => Ok(()),
        }
    }

    /// Takes in that a source with these shelves has told all it has.
    pub(crate) fn settle(&mut self, shelves: &[SourceId]) {
        for id in shelves {
            if let Some(shelf) = self.shelves.get_mut(id) {
                shelf.settle(&mut self.ledger);
            }
        }
    }

    /// Takes in what a listener did with a song; `false` if none of these shelves of its source has such a song.
    pub(crate) fn edit(
        &mut self,
        shelves: &[SourceId],
        key: &SourceKey,
        item: ItemId,
        note: Note,
        moment: Moment<'_>,
    ) -> bool {
        let has_it = |shelf: &Shelf| shelf.songs.get(key).is_some_and(|song| song.id == item);
        let mut has_it = shelves.iter().filter(|id| self.shelves.get(id).is_some_and(has_it));
        let Some(shelf) = has_it.next().and_then(|id| self.shelves.get_mut(id)) else {
            return false;
        };
        shelf.edit(key, note, &mut self.ledger, moment);
        true
    }

    /// What a source is told of its earlier runs. What is not the same on all of its shelves gets a stamp that nothing
    /// has, so that the source reports it again.
    pub(crate) fn known(&self, shelves: &[SourceId]) -> Known {
        let mut shelves = shelves.iter().filter_map(|id| self.shelves.get(id));
        let first = shelves.next().map(Shelf::known).unwrap_or_default();
        shelves.map(Shelf::known).fold(first, Known::and)
    }

    /// Changes a playlist as a client asks: one of the house, or what is starred of a source.
    pub(crate) fn edit_playlist(
        &mut self,
        edit: PlaylistEdit,
        shown: &Snapshot,
    ) -> Result<Starring, PlaylistError> {
        let PlaylistEdit { database, change } = edit;
        let no_database = PlaylistError::NoDatabase(database);
        let database = shown.database(database).ok_or(no_database)?;
        let is_starred = |shelf: &&mut Shelf| {
            let stars = shelf.stars().filter(|_| shelf.row.database == database.id);
            stars.is_some_and(|stars| change.container() == Some(stars.id))
        };
        match self.shelves.values_mut().find(is_starred) {
            Some(shelf) => shelf.edit_stars(change, &mut self.ledger, database),
            None => Ok(self.house.edit(database, change, &mut self.ledger)?.into()),
        }
    }

    /// Gives up what has been away for longer than `grace_s` seconds.
    pub(crate) fn expire(&mut self, grace_s: u32, moment: Moment<'_>) {
        let Self { shelves, house, ledger, .. } = self;
        shelves.retain(|id, shelf| match grace(shelf.row.unshared_since, grace_s, moment.now) {
            Grace::Lasts => true,
            Grace::Begins => {
                shelf.row.unshared_since = Some(moment.now);
                ledger.pending.rows.sources.insert(*id, Some(shelf.row.clone()));
                true
            }
            Grace::Over => {
                tracing::info!(
                    source = shelf.row.name,
                    "forgets a source that is not shared any more"
                );
                ledger.pending.rows.sources.insert(*id, None);
                let gone: HashSet<_> = shelf.songs.values().map(|song| song.id).collect();
                house.forget(&gone, ledger);
                false
            }
        });
        for shelf in shelves.values_mut().filter(|shelf| shelf.shared) {
            shelf.expire(grace_s, ledger, moment);
        }
    }
}

/// Where a grace period stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grace {
    Lasts,
    /// Its start was dated by a clock that was not set, so it starts now.
    Begins,
    Over,
}

/// Where the grace period of something that has been away since `since` stands.
pub(crate) fn grace(since: Option<Timestamp>, grace_s: u32, now: Timestamp) -> Grace {
    match since {
        Some(_) if now < CLOCK_WAS_SET => Grace::Lasts,
        Some(since) if since < CLOCK_WAS_SET => Grace::Begins,
        Some(since) if now.0.saturating_sub(since.0) > grace_s => Grace::Over,
        _ => Grace::Lasts,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use daap_model::{Edit, Revision};

    use super::*;
    use crate::handle::Routes;
    use crate::share::{Edited, PlaylistChange};
    use crate::source::Stamp;
    use crate::stage::Stage;

    #[track_caller]
    fn check(since: Option<u32>, now: u32, expected: Grace) {
        let at = |days: u32| Timestamp(CLOCK_WAS_SET.0 + days * 86_400);
        assert_eq!(grace(since.map(at), 30 * 86_400, at(now)), expected);
    }

    #[test]
    fn grace_ends_after_its_days() {
        check(None, 100, Grace::Lasts);
        check(Some(1), 1, Grace::Lasts);
        check(Some(1), 31, Grace::Lasts);
        check(Some(1), 32, Grace::Over);
        check(Some(5), 1, Grace::Lasts);
    }

    #[test]
    fn a_clock_that_was_not_set_costs_nobody_a_song() {
        let (unset, set) = (Timestamp(60), Timestamp(CLOCK_WAS_SET.0 + 60));
        assert_eq!(grace(Some(unset), 30, set), Grace::Begins);
        assert_eq!(grace(Some(set), 30, unset), Grace::Lasts);
        assert_eq!(grace(Some(unset), 30, Timestamp(1_000_000)), Grace::Lasts);
    }

    const DAY: u32 = 86_400;
    const GRACE: u32 = 30 * DAY;

    /// Books of one source with the songs `a` and `b`, the stage that shows them, and the day of it.
    fn shared() -> (Books, Stage, SourceId) {
        let mut books = Books::default();
        let database = books.open_database("main", PersistentId::new(7)).unwrap();
        let source = books.open_source(&database, "songs", None);
        let mut stage = Stage::new("Home", Revision::FIRST, Arc::new(Routes::new(Vec::new())));
        let (id, persistent_id) = (database.id, database.persistent_id);
        let put = || vec![Edit::PutDatabase { id, persistent_id, name: "Home".into() }];
        stage.apply(put, on_day(0));
        for key in ["a", "b"] {
            let (key, stamp) = (SourceKey::from(key), Stamp::default());
            tell(
                &mut books,
                &mut stage,
                source,
                Change::Song { key, stamp, track: Box::default() },
            );
        }
        (books, stage, source)
    }

    fn on_day(day: u32) -> Timestamp {
        Timestamp(CLOCK_WAS_SET.0 + day * DAY)
    }

    fn tell(books: &mut Books, stage: &mut Stage, source: SourceId, change: Change) {
        let shown = stage.snapshot();
        books.change(&[source], change, Moment { now: on_day(0), shown: &shown }).unwrap();
        let pending = books.take_pending();
        stage.show(books, &pending, on_day(0));
    }

    /// Looks on a day for what has been away too long; returns the keys that are still there.
    fn expire(books: &mut Books, stage: &mut Stage, day: u32) -> Vec<String> {
        let shown = stage.snapshot();
        books.expire(GRACE, Moment { now: on_day(day), shown: &shown });
        let pending = books.take_pending();
        stage.show(books, &pending, on_day(day));
        let songs = books.shelves.values().flat_map(|shelf| shelf.songs.keys());
        let mut keys: Vec<_> = songs.map(ToString::to_string).collect();
        keys.sort();
        keys
    }

    #[test]
    fn a_song_long_away_is_given_up_and_one_that_is_back_is_not() {
        let (mut books, mut stage, source) = shared();
        tell(&mut books, &mut stage, source, Change::Away(vec!["a".into(), "b".into()]));
        tell(&mut books, &mut stage, source, Change::Back(vec!["b".into()]));
        assert_eq!(expire(&mut books, &mut stage, 30), ["a", "b"]);
        assert_eq!(expire(&mut books, &mut stage, 31), ["b"]);
        let shown = stage.snapshot();
        assert_eq!(shown.databases().map(|database| database.items().len()).sum::<usize>(), 1);
    }

    #[test]
    fn what_was_away_in_an_earlier_run_is_back_unless_it_is_said_again() {
        let (mut books, mut stage, source) = shared();
        let shelf = books.shelves.get_mut(&source).unwrap();
        for song in shelf.songs.values_mut() {
            song.away_since = Some(on_day(0));
        }
        tell(&mut books, &mut stage, source, Change::Away(vec!["a".into()]));
        books.settle(&[source]);
        assert_eq!(expire(&mut books, &mut stage, 31), ["b"]);
        // That holds for the first time it settles, not for the rest of the run.
        tell(&mut books, &mut stage, source, Change::Away(vec!["b".into()]));
        books.settle(&[source]);
        assert_eq!(expire(&mut books, &mut stage, 31), Vec::<String>::new());
    }

    #[test]
    fn a_source_long_not_shared_is_forgotten_with_all_it_had() {
        let (mut books, mut stage, source) = shared();
        books.shelves.get_mut(&source).unwrap().shared = false;
        books.date_unshared(on_day(0));
        books.date_unshared(on_day(20));
        assert_eq!(expire(&mut books, &mut stage, 30), ["a", "b"]);
        let shown = stage.snapshot();
        books.expire(GRACE, Moment { now: on_day(31), shown: &shown });
        assert_eq!(books.take_pending().rows.sources, [(source, None)].into());
        assert!(books.shelves.is_empty());
    }

    #[test]
    fn the_playlists_of_the_house_outlive_a_source_and_lose_its_songs() {
        let (mut books, mut stage, source) = shared();
        let shown = stage.snapshot();
        let mut edit = |change| {
            let edit = PlaylistEdit { database: DatabaseId::LOWEST, change };
            books.edit_playlist(edit, &shown).unwrap().edited
        };
        let Edited::Playlist(container) = edit(PlaylistChange::Add { name: "mix".into() }) else {
            panic!("no playlist was made")
        };
        edit(PlaylistChange::Append { container, items: vec![ItemId::LOWEST] });
        let entries = |books: &Books| -> Vec<usize> {
            books.house.playlists().map(|row| row.entries.len()).collect()
        };
        books.shelves.get_mut(&source).unwrap().shared = false;
        books.date_unshared(on_day(0));
        expire(&mut books, &mut stage, 30);
        assert_eq!(entries(&books), [1]);
        expire(&mut books, &mut stage, 31);
        assert_eq!(entries(&books), [0]);
    }
}
