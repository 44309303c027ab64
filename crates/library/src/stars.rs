//! The playlist of a source that holds what listeners starred: to add a song to it is to give it a star.

use std::collections::{HashMap, HashSet};

use daap_model::{ContainerId, ContainerItemId, Database, ItemId};

use crate::ledger::{IdsExhausted, Ledger};
use crate::persist::{EntryRow, PlaylistRow};
use crate::share::{Edited, MAX_ENTRIES, PlaylistChange, PlaylistError};
use crate::shelf::Shelf;
use crate::source::{Playlist, PlaylistContent, SourceKey, Stamp};

/// What came of a change of a playlist.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Starring {
    pub(crate) edited: Edited,
    /// The songs that have a star by it, or have none any more.
    pub(crate) songs: Vec<(ItemId, bool)>,
}

/// That of a playlist whose songs get no star by being there.
impl From<Edited> for Starring {
    fn from(edited: Edited) -> Self {
        Self { edited, songs: Vec::new() }
    }
}

impl Shelf {
    /// The playlist of what is starred, if clients may change it.
    pub(crate) fn stars(&self) -> Option<&PlaylistRow> {
        let row = self.playlists.get(self.starred.as_ref()?)?;
        row.entries.is_some().then_some(row)
    }

    /// Carries out what a client asks for of the playlist of what is starred: all of it or, with an error, nothing.
    pub(crate) fn edit_stars(
        &mut self,
        change: PlaylistChange,
        ledger: &mut Ledger,
        database: &Database,
    ) -> Result<Starring, PlaylistError> {
        match change {
            PlaylistChange::Append { items, .. } => self.star(&items, ledger, database),
            PlaylistChange::Take { container, entries } => {
                self.take_stars(container, &entries, ledger)
            }
            _ => Err(PlaylistError::ReadOnly("it holds what is starred; add songs or take them")),
        }
    }

    /// Gives songs a star. One that has one keeps its entry.
    fn star(
        &mut self,
        items: &[ItemId],
        ledger: &mut Ledger,
        database: &Database,
    ) -> Result<Starring, PlaylistError> {
        let keys = self.keys_of(items, database)?;
        let mut starred = self.starred_keys();
        let mut known: HashSet<SourceKey> = starred.iter().cloned().collect();
        starred.extend(keys.iter().filter(|key| known.insert((*key).clone())).cloned());
        if starred.len() > MAX_ENTRIES {
            return Err(PlaylistError::TooMuch);
        }
        self.put_stars(starred, ledger)?;
        let entries = self.starred_entries().iter().map(|entry| (&entry.key, entry.id));
        let entries: HashMap<&SourceKey, ContainerItemId> = entries.collect();
        let entries: Option<_> = keys.iter().map(|key| entries.get(key).copied()).collect();
        let edited = Edited::Entries(entries.ok_or(PlaylistError::IdsExhausted)?);
        Ok(Starring { edited, songs: items.iter().map(|item| (*item, true)).collect() })
    }

    /// Takes the stars of the songs at these entries.
    fn take_stars(
        &mut self,
        container: ContainerId,
        entries: &[ContainerItemId],
        ledger: &mut Ledger,
    ) -> Result<Starring, PlaylistError> {
        let there = self.starred_entries().iter().map(|entry| (entry.id, &entry.key));
        let there: HashMap<ContainerItemId, &SourceKey> = there.collect();
        let find = |&entry: &ContainerItemId| {
            let key = there.get(&entry).map(|key| SourceKey::clone(key));
            key.ok_or(PlaylistError::NoEntry { container, entry })
        };
        let taken: HashSet<SourceKey> = entries.iter().map(find).collect::<Result<_, _>>()?;
        let songs = taken.iter().filter_map(|key| Some((self.songs.get(key)?.id, false)));
        let songs = songs.collect();
        let mut starred = self.starred_keys();
        starred.retain(|key| !taken.contains(key));
        self.put_stars(starred, ledger)?;
        Ok(Starring { edited: Edited::Done, songs })
    }

    fn starred_entries(&self) -> &[EntryRow] {
        self.stars().and_then(|row| row.entries.as_deref()).unwrap_or_default()
    }

    fn starred_keys(&self) -> Vec<SourceKey> {
        self.starred_entries().iter().map(|entry| entry.key.clone()).collect()
    }

    /// The keys of songs that are all of this source. That goes through all of its songs, for a wish that is rare.
    fn keys_of(
        &self,
        items: &[ItemId],
        database: &Database,
    ) -> Result<Vec<SourceKey>, PlaylistError> {
        let wanted: HashSet<ItemId> = items.iter().copied().collect();
        let keys = self.songs.iter().map(|(key, song)| (song.id, key));
        let keys: HashMap<ItemId, &SourceKey> =
            keys.filter(|(id, _)| wanted.contains(id)).collect();
        let key = |item: &ItemId| match keys.get(item) {
            Some(key) => Ok(SourceKey::clone(key)),
            None if database.items().find(*item).is_some() => Err(PlaylistError::ReadOnly(
                "it holds what is starred on a server; add songs of that server",
            )),
            None => Err(PlaylistError::NoSong(*item)),
        };
        items.iter().map(key).collect()
    }

    /// Lists these songs as what is starred, under a stamp that no source has given: if the source has another mind, it
    /// is to say so after a restart at the latest.
    fn put_stars(
        &mut self,
        starred: Vec<SourceKey>,
        ledger: &mut Ledger,
    ) -> Result<(), PlaylistError> {
        let Some(row) = self.stars() else { return Ok(()) };
        let (key, name, parent) = (row.key.clone(), row.name.clone(), row.parent.clone());
        let (stamp, content) = (Stamp::default(), PlaylistContent::Songs(starred));
        let put = self.playlist(Playlist { key, stamp, name, parent, content }, ledger);
        put.map_err(|IdsExhausted| PlaylistError::IdsExhausted)
    }
}
