//! The playlists of the house: those that clients make and change. No source knows of them.

use std::collections::{BTreeMap, HashSet};

use daap_model::{
    Container, ContainerId, ContainerItem, ContainerItemId, ContainerKind, Database, ItemId,
};

use crate::ledger::{IdsExhausted, Kind, Ledger};
use crate::persist::HousePlaylistRow;
use crate::share::{
    Edited, MAX_ENTRIES, MAX_PLAYLISTS, PlaylistChange, PlaylistError, playlist_name,
};

/// The playlists of the house, of all databases.
#[derive(Debug, Default)]
pub(crate) struct House {
    playlists: BTreeMap<ContainerId, HousePlaylistRow>,
}

impl House {
    /// Puts a playlist there that was saved earlier.
    pub(crate) fn enter(&mut self, row: HousePlaylistRow) {
        self.playlists.insert(row.id, row);
    }

    /// The playlists, by id.
    pub(crate) fn playlists(&self) -> impl Iterator<Item = &HousePlaylistRow> {
        self.playlists.values()
    }

    /// Carries out what a client asks for: all of it or, with an error, nothing.
    pub(crate) fn edit(
        &mut self,
        database: &Database,
        change: PlaylistChange,
        ledger: &mut Ledger,
    ) -> Result<Edited, PlaylistError> {
        let (row, edited) = match change {
            PlaylistChange::Add { name } => self.add(database, &name, ledger)?,
            PlaylistChange::Remove(container) => {
                return self.remove(database, container, ledger);
            }
            PlaylistChange::Rename { container, name } => {
                let row = self.find(database, container)?.clone();
                (HousePlaylistRow { name: playlist_name(&name)?, ..row }, Edited::Done)
            }
            PlaylistChange::Append { container, items } => {
                let mut row = self.find(database, container)?.clone();
                check_songs(database, &items, ledger)?;
                let added = append(&mut row, &items)?;
                (row, Edited::Entries(added))
            }
            PlaylistChange::Take { container, entries } => {
                let mut row = self.find(database, container)?.clone();
                take(&mut row, &entries)?;
                (row, Edited::Done)
            }
            PlaylistChange::Move { container, entry, after } => {
                let mut row = self.find(database, container)?.clone();
                move_entry(&mut row, entry, after)?;
                (row, Edited::Done)
            }
        };
        self.put(row, ledger);
        Ok(edited)
    }

    fn add(
        &self,
        database: &Database,
        name: &str,
        ledger: &mut Ledger,
    ) -> Result<(HousePlaylistRow, Edited), PlaylistError> {
        let name = playlist_name(name)?;
        let made = self.playlists.values().filter(|row| row.database == database.id).count();
        if made >= MAX_PLAYLISTS {
            return Err(PlaylistError::TooMuch);
        }
        let id = ledger.new_container().map_err(|IdsExhausted| PlaylistError::IdsExhausted)?;
        let key = id.get().to_be_bytes().as_slice().into();
        let row = HousePlaylistRow {
            id,
            persistent_id: ledger.new_persistent_id(
                database.persistent_id,
                Kind::HousePlaylist,
                &key,
            ),
            database: database.id,
            name,
            entries: Vec::new(),
            next_entry: ContainerItemId::LOWEST.get(),
        };
        Ok((row, Edited::Playlist(id)))
    }

    fn remove(
        &mut self,
        database: &Database,
        container: ContainerId,
        ledger: &mut Ledger,
    ) -> Result<Edited, PlaylistError> {
        ledger.release(self.find(database, container)?.persistent_id);
        self.playlists.remove(&container);
        ledger.pending.rows.house_playlists.insert(container, None);
        Ok(Edited::Done)
    }

    fn find(
        &self,
        database: &Database,
        container: ContainerId,
    ) -> Result<&HousePlaylistRow, PlaylistError> {
        let row = self.playlists.get(&container).filter(|row| row.database == database.id);
        row.ok_or_else(|| match database.container(container) {
            // One that is editable is the house's, and was removed a moment ago.
            Some(listed) if !listed.editable => PlaylistError::ReadOnly(why_read_only(listed)),
            _ => PlaylistError::NoPlaylist(container),
        })
    }

    /// Puts a playlist there, and has it saved if that makes a difference.
    fn put(&mut self, row: HousePlaylistRow, ledger: &mut Ledger) {
        if self.playlists.get(&row.id) != Some(&row) {
            ledger.pending.rows.house_playlists.insert(row.id, Some(row.clone()));
            self.playlists.insert(row.id, row);
        }
    }

    /// Takes songs that are gone for good out of the playlists.
    pub(crate) fn forget(&mut self, gone: &HashSet<ItemId>, ledger: &mut Ledger) {
        if gone.is_empty() {
            return;
        }
        for row in self.playlists.values_mut() {
            let before = row.entries.len();
            row.entries.retain(|entry| !gone.contains(&entry.item));
            if row.entries.len() < before {
                ledger.pending.rows.house_playlists.insert(row.id, Some(row.clone()));
            }
        }
    }
}

/// Why a container that is not the house's cannot be changed, and what to do instead.
fn why_read_only(container: &Container) -> &'static str {
    match container.kind() {
        ContainerKind::Base => "it holds every song there is; make a playlist of your own",
        ContainerKind::Folder => {
            "it is a folder of playlists that come from files; change the files"
        }
        ContainerKind::Playlist => "it comes from a file; change the file",
        ContainerKind::Smart => "its songs follow from its rules; change the rules",
    }
}

/// Whether all of these songs are there, and stay.
fn check_songs(
    database: &Database,
    items: &[ItemId],
    ledger: &Ledger,
) -> Result<(), PlaylistError> {
    let goes = |item: &ItemId| ledger.pending.rows.songs.get(item).is_some_and(Option::is_none);
    match items.iter().find(|item| database.items().find(**item).is_none() || goes(item)) {
        Some(missing) => Err(PlaylistError::NoSong(*missing)),
        None => Ok(()),
    }
}

fn append(
    row: &mut HousePlaylistRow,
    items: &[ItemId],
) -> Result<Vec<ContainerItemId>, PlaylistError> {
    if row.entries.len().saturating_add(items.len()) > MAX_ENTRIES {
        return Err(PlaylistError::TooMuch);
    }
    let ids = (row.next_entry..).map_while(ContainerItemId::to_give).take(items.len());
    let added: Vec<ContainerItemId> = ids.collect();
    if added.len() < items.len() {
        return Err(PlaylistError::IdsExhausted);
    }
    row.next_entry = added.last().map_or(row.next_entry, |last| last.get() + 1);
    let entries = added.iter().zip(items).map(|(&id, &item)| ContainerItem { id, item });
    row.entries.extend(entries);
    Ok(added)
}

fn take(row: &mut HousePlaylistRow, entries: &[ContainerItemId]) -> Result<(), PlaylistError> {
    let mut wanted: HashSet<ContainerItemId> = entries.iter().copied().collect();
    row.entries.retain(|entry| !wanted.remove(&entry.id));
    match entries.iter().find(|entry| wanted.contains(entry)) {
        Some(&entry) => Err(PlaylistError::NoEntry { container: row.id, entry }),
        None => Ok(()),
    }
}

fn move_entry(
    row: &mut HousePlaylistRow,
    entry: ContainerItemId,
    after: Option<ContainerItemId>,
) -> Result<(), PlaylistError> {
    let place = |row: &HousePlaylistRow, wanted: ContainerItemId| {
        let place = row.entries.iter().position(|entry| entry.id == wanted);
        place.ok_or(PlaylistError::NoEntry { container: row.id, entry: wanted })
    };
    let from = place(row, entry)?;
    if after == Some(entry) {
        return Ok(());
    }
    let moved = row.entries.remove(from);
    let to = after.map_or(Ok(0), |after| Ok(place(row, after)? + 1))?;
    row.entries.insert(to, moved);
    Ok(())
}

#[cfg(test)]
mod tests {
    use daap_model::{DatabaseId, Edit, Model, PersistentId};
    use proptest::prelude::*;

    use super::*;

    fn playlist() -> HousePlaylistRow {
        HousePlaylistRow {
            id: ContainerId::HIGHEST,
            persistent_id: PersistentId::LOWEST,
            database: DatabaseId::LOWEST,
            name: "mix".into(),
            entries: Vec::new(),
            next_entry: ContainerItemId::LOWEST.get(),
        }
    }

    fn item(number: u32) -> ItemId {
        ItemId::new(number).unwrap()
    }

    fn entry(number: u32) -> ContainerItemId {
        ContainerItemId::new(number).unwrap()
    }

    #[test]
    fn a_playlist_holds_so_many_songs_and_no_more() {
        let mut row = playlist();
        let most = vec![item(7); MAX_ENTRIES];
        assert_eq!(append(&mut row, &most).map(|added| added.len()), Ok(MAX_ENTRIES));
        assert_eq!(append(&mut row, &[item(7)]), Err(PlaylistError::TooMuch));
        take(&mut row, &[entry(1)]).unwrap();
        assert_eq!(append(&mut row, &[item(7)]), Ok(vec![entry(100_001)]));
    }

    #[test]
    fn a_database_has_so_many_playlists_and_no_more() {
        let (id, persistent_id) = (DatabaseId::LOWEST, PersistentId::LOWEST);
        let mut model = Model::new("Home");
        let put = Edit::PutDatabase { id, persistent_id, name: "Home".into() };
        model.apply([put].into_iter().collect()).unwrap();
        let (mut house, mut ledger) = (House::default(), Ledger::default());
        ledger.pending.rows.next.container = 1_000_000;
        for number in (2..).take(MAX_PLAYLISTS - 1) {
            house.enter(HousePlaylistRow { id: ContainerId::new(number).unwrap(), ..playlist() });
        }
        let mut add = || {
            let change = PlaylistChange::Add { name: "mix".into() };
            house.edit(model.snapshot().database(id).unwrap(), change, &mut ledger)
        };
        assert!(matches!(add(), Ok(Edited::Playlist(_))));
        assert_eq!(add(), Err(PlaylistError::TooMuch));
    }

    #[test]
    fn entry_ids_end_rather_than_start_again() {
        let mut row = HousePlaylistRow { next_entry: ContainerItemId::MAX, ..playlist() };
        assert_eq!(append(&mut row, &[item(1), item(2)]), Err(PlaylistError::IdsExhausted));
        assert_eq!(append(&mut row, &[item(1)]), Ok(vec![ContainerItemId::HIGHEST]));
        assert_eq!(append(&mut row, &[]), Ok(vec![]));
        assert_eq!(append(&mut row, &[item(1)]), Err(PlaylistError::IdsExhausted));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Append(Vec<u32>),
        Take(Vec<u32>),
        Move(u32, Option<u32>),
    }

    fn step() -> impl Strategy<Value = Step> {
        let id = 1..12_u32;
        prop_oneof![
            prop::collection::vec(1..5_u32, 0..4).prop_map(Step::Append),
            prop::collection::vec(id.clone(), 0..3).prop_map(Step::Take),
            (id.clone(), prop::option::of(id)).prop_map(|(entry, after)| Step::Move(entry, after)),
        ]
    }

    /// The same by hand, on pairs of entry and song; `false` if it names an entry that is not there.
    fn by_hand(list: &mut Vec<(u32, u32)>, next: &mut u32, step: &Step) -> bool {
        let has = |list: &[(u32, u32)], id: u32| list.iter().any(|entry| entry.0 == id);
        match step {
            Step::Append(items) => {
                for item in items {
                    list.push((*next, *item));
                    *next += 1;
                }
                true
            }
            Step::Take(ids) => {
                let all = ids.iter().all(|id| has(list, *id));
                if all {
                    list.retain(|entry| !ids.contains(&entry.0));
                }
                all
            }
            Step::Move(id, after) => {
                let both = has(list, *id) && after.is_none_or(|after| has(list, after));
                if both && Some(*id) != *after {
                    let moved = *list.iter().find(|entry| entry.0 == *id).unwrap();
                    list.retain(|entry| entry.0 != *id);
                    let before = list.iter().take_while(|entry| Some(entry.0) != *after).count();
                    list.insert(if after.is_some() { before + 1 } else { 0 }, moved);
                }
                both
            }
        }
    }

    proptest! {
        #[test]
        fn entries_change_as_those_of_a_plain_list(steps in prop::collection::vec(step(), 0..40)) {
            let mut row = playlist();
            let (mut list, mut next) = (Vec::new(), ContainerItemId::LOWEST.get());
            for step in steps {
                let mut changed = row.clone();
                let done = match &step {
                    Step::Append(items) => {
                        let items: Vec<_> = items.iter().map(|number| item(*number)).collect();
                        append(&mut changed, &items).map(drop)
                    }
                    Step::Take(ids) => {
                        let ids: Vec<_> = ids.iter().map(|number| entry(*number)).collect();
                        take(&mut changed, &ids)
                    }
                    Step::Move(id, after) => move_entry(&mut changed, entry(*id), after.map(entry)),
                };
                prop_assert_eq!(done.is_ok(), by_hand(&mut list, &mut next, &step), "{:?}", step);
                if done.is_ok() {
                    row = changed;
                }
                let entries = row.entries.iter().map(|entry| (entry.id.get(), entry.item.get()));
                prop_assert_eq!(entries.collect::<Vec<_>>(), list.clone());
            }
        }
    }
}
