//! The playlists on a shelf: entries with ids that stay, folders, and the songs that keys stand for.

use std::collections::{HashMap, VecDeque};

use daap_model::{ContainerContent, ContainerId, ContainerItem, ContainerItemId, NewContainer};

use crate::ledger::{IdsExhausted, Kind, Ledger};
use crate::persist::{EntryRow, PlaylistRow};
use crate::shelf::Shelf;
use crate::source::{Playlist, PlaylistContent, SourceKey};

/// Folders of playlists lie at most this deep; one that would lie deeper is shown at the top.
const MAX_FOLDER_DEPTH: usize = 32;

/// The id that the first entry of a playlist gets.
const FIRST_ENTRY: u32 = 1;

impl Shelf {
    /// Takes in a playlist, new or changed.
    pub(crate) fn playlist(
        &mut self,
        playlist: Playlist,
        ledger: &mut Ledger,
    ) -> Result<(), IdsExhausted> {
        let Playlist { key, stamp, name, parent, content } = playlist;
        let known = self.playlists.remove(&key);
        let (id, persistent_id, mut next_entry) = match &known {
            Some(row) => (row.id, row.persistent_id, row.next_entry),
            None => {
                let id = ledger.new_container()?;
                let persistent_id = ledger.new_persistent_id(self.database, Kind::Playlist, &key);
                (id, persistent_id, FIRST_ENTRY)
            }
        };
        let entries = match content {
            PlaylistContent::Folder => None,
            PlaylistContent::Songs(keys) => {
                let before = known.as_ref().and_then(|row| row.entries.as_deref()).unwrap_or(&[]);
                let keys = keys.into_iter().map(|key| self.own(key));
                Some(number_entries(before, keys, &mut next_entry))
            }
        };
        let source = self.row.id;
        let row = PlaylistRow {
            id,
            persistent_id,
            source,
            key: key.clone(),
            stamp,
            name,
            parent,
            entries,
            next_entry,
        };
        if known.as_ref() != Some(&row) {
            if let Some(known) = &known {
                self.forget_mentions(known);
            }
            self.mention(&row);
            ledger.relist(source, key.clone());
            if row.entries.is_none() || known.is_some_and(|known| known.entries.is_none()) {
                self.relist_nested(ledger);
            }
            ledger.pending.rows.playlists.insert(id, Some(row.clone()));
        }
        self.playlists.insert(key, row);
        Ok(())
    }

    /// Takes in that a playlist is gone. What was in it, if it is a folder, moves up.
    pub(crate) fn playlist_gone(&mut self, key: &SourceKey, ledger: &mut Ledger) {
        let Some(row) = self.playlists.remove(key) else { return };
        self.forget_mentions(&row);
        ledger.release(row.persistent_id);
        ledger.pending.relist.remove(&(row.source, key.clone()));
        ledger.pending.rows.playlists.insert(row.id, None);
        if row.entries.is_some() {
            return;
        }
        let inside = |child: &&mut PlaylistRow| child.parent.as_ref() == Some(key);
        for child in self.playlists.values_mut().filter(inside) {
            // Folders that name each other may be in each other's place, but none is in itself.
            child.parent = row.parent.clone().filter(|parent| *parent != child.key);
            ledger.pending.rows.playlists.insert(child.id, Some(child.clone()));
        }
        self.relist_nested(ledger);
    }

    /// Has the playlists that hold `from` hold `to` in its place.
    pub(crate) fn retarget(&mut self, from: &SourceKey, to: &SourceKey, ledger: &mut Ledger) {
        for playlist in self.mentions.remove(from).unwrap_or_default() {
            let Some(row) = self.playlists.get_mut(&playlist) else { continue };
            for entry in row.entries.iter_mut().flatten().filter(|entry| entry.key == *from) {
                entry.key = to.clone();
            }
            ledger.pending.rows.playlists.insert(row.id, Some(row.clone()));
            let mentions = self.mentions.entry(to.clone()).or_default();
            if !mentions.contains(&playlist) {
                mentions.push(playlist);
            }
        }
    }

    /// Has the playlists that hold a song looked up again, for it came or went.
    pub(crate) fn relist_mentions(&self, song: &SourceKey, ledger: &mut Ledger) {
        for playlist in self.mentions.get(song).into_iter().flatten() {
            ledger.relist(self.row.id, playlist.clone());
        }
    }

    /// Has everything that lies in a folder looked up again, for a folder came, moved or went: that may
    /// change where whole branches lie.
    fn relist_nested(&self, ledger: &mut Ledger) {
        for row in self.playlists.values().filter(|row| row.parent.is_some()) {
            ledger.relist(row.source, row.key.clone());
        }
    }

    /// Notes which songs a playlist holds.
    pub(crate) fn mention(&mut self, playlist: &PlaylistRow) {
        for entry in playlist.entries.iter().flatten() {
            let mentions = self.mentions.entry(entry.key.clone()).or_default();
            // A playlist is noted in one go, so a second mention of the song follows the first.
            if mentions.last() != Some(&playlist.key) {
                mentions.push(playlist.key.clone());
            }
        }
    }

    fn forget_mentions(&mut self, playlist: &PlaylistRow) {
        for entry in playlist.entries.iter().flatten() {
            if let Some(mentions) = self.mentions.get_mut(&entry.key) {
                mentions.retain(|key| *key != playlist.key);
                if mentions.is_empty() {
                    self.mentions.remove(&entry.key);
                }
            }
        }
    }

    /// The shelf's own copy of a song's key, so that each is in memory once.
    fn own(&self, key: SourceKey) -> SourceKey {
        self.songs.get_key_value(&key).map_or(key, |(own, _)| own.clone())
    }

    /// A playlist as clients are to see it, and how deep it lies; `None` if there is none with this key.
    pub(crate) fn listing(&self, key: &SourceKey) -> Option<(usize, NewContainer)> {
        let row = self.playlists.get(key)?;
        let (depth, parent) = self.place(row);
        let content = match &row.entries {
            None => ContainerContent::Folder,
            Some(entries) => {
                let entry = |entry: &EntryRow| {
                    let item = self.songs.get(&entry.key)?.id;
                    Some(ContainerItem { id: entry.id, item })
                };
                ContainerContent::Items(entries.iter().filter_map(entry).collect())
            }
        };
        let (id, persistent_id, name) = (row.id, row.persistent_id, row.name.clone());
        let editable = self.stars().is_some_and(|stars| stars.id == id);
        Some((depth, NewContainer { id, persistent_id, name, parent, editable, content }))
    }

    /// How deep a playlist lies and in which folder: at the top if the one it names is not there, is no
    /// folder, or lies in the playlist itself.
    fn place(&self, row: &PlaylistRow) -> (usize, Option<ContainerId>) {
        let Some(parent) = self.folder_of(row) else { return (0, None) };
        let (mut depth, mut above) = (1, parent);
        while let Some(folder) = self.folder_of(above) {
            if folder.id == row.id || depth == MAX_FOLDER_DEPTH {
                return (0, None);
            }
            (depth, above) = (depth + 1, folder);
        }
        (depth, Some(parent.id))
    }

    fn folder_of(&self, row: &PlaylistRow) -> Option<&PlaylistRow> {
        let folder = self.playlists.get(row.parent.as_ref()?)?;
        folder.entries.is_none().then_some(folder)
    }
}

/// Gives ids to the entries of a playlist that had the entries `before`: the n-th occurrence of a song
/// keeps the id of its n-th occurrence before, wherever in the playlist it is now. Past the last id
/// there is, which takes two thousand million changes, entries are left out.
fn number_entries(
    before: &[EntryRow],
    keys: impl Iterator<Item = SourceKey>,
    next_entry: &mut u32,
) -> Vec<EntryRow> {
    let mut had = HashMap::<&SourceKey, VecDeque<ContainerItemId>>::new();
    for entry in before {
        had.entry(&entry.key).or_default().push_back(entry.id);
    }
    let number = |key: SourceKey| {
        let kept = had.get_mut(&key).and_then(VecDeque::pop_front);
        let id = kept.or_else(|| {
            let id = ContainerItemId::to_give(*next_entry)?;
            *next_entry += 1;
            Some(id)
        })?;
        Some(EntryRow { id, key })
    };
    keys.filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers each list in turn and shows the last as `key=id`.
    #[track_caller]
    fn check(lists: &[&str], expected: &str) {
        let (mut entries, mut next) = (Vec::new(), FIRST_ENTRY);
        for list in lists {
            let keys = list.split_whitespace().map(SourceKey::from);
            entries = number_entries(&entries, keys, &mut next);
        }
        let shown: Vec<_> = entries.iter().map(|e| format!("{}={}", e.key, e.id)).collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn an_entry_keeps_its_id_when_the_playlist_changes_around_it() {
        check(&["a b a"], "a=1 b=2 a=3");
        check(&["a b a", "b a a"], "b=2 a=1 a=3");
        check(&["a b a", "c a b a"], "c=4 a=1 b=2 a=3");
        check(&["a b a", "a"], "a=1");
    }

    #[test]
    fn an_entry_id_is_not_given_again() {
        check(&["a b", "a", "a b"], "a=1 b=3");
        check(&["a", "", "a"], "a=2");
    }
}
