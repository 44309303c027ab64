//! Ids given, and rows that are still to be saved.

use std::collections::BTreeSet;
use std::sync::Arc;

use daap_model::{ContainerId, DatabaseId, Item, ItemId, PersistentId, Snapshot, Timestamp};
use foldhash::HashSet;

use crate::persist::{NextIds, SongRow, SourceId, Transaction};
use crate::source::SourceKey;

/// What is known but not yet saved, and therefore not yet shown.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) rows: Transaction,
    /// Playlists whose songs are to be looked up again, by source and key.
    pub(crate) relist: BTreeSet<(SourceId, SourceKey)>,
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len() + self.relist.len()
    }
}

/// Gives ids and notes what is to be saved.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) pending: Pending,
    /// Those in use by songs and playlists, so that no two are the same.
    persistent_ids: HashSet<PersistentId>,
}

/// Every id of its kind has been given; ids are never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("every id has been given once")]
pub(crate) struct IdsExhausted;

/// When a change is taken in, and what is shown then.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) now: Timestamp,
    pub(crate) shown: &'a Snapshot,
}

impl Moment<'_> {
    /// A song as it is shown.
    pub(crate) fn item(&self, database: DatabaseId, id: ItemId) -> Option<&Arc<Item>> {
        self.shown.database(database)?.items().find(id)
    }
}

/// What a persistent id is made for. The numbers are part of the hash and stay as they are.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Song = 1,
    Playlist = 2,
    HousePlaylist = 3,
}

impl Ledger {
    pub(crate) fn new_database(&mut self) -> Result<DatabaseId, IdsExhausted> {
        DatabaseId::to_give(take(&mut self.next().database)).ok_or(IdsExhausted)
    }

    pub(crate) fn new_source(&mut self) -> SourceId {
        SourceId(take(&mut self.next().source))
    }

    pub(crate) fn new_item(&mut self) -> Result<ItemId, IdsExhausted> {
        ItemId::to_give(take(&mut self.next().item)).ok_or(IdsExhausted)
    }

    pub(crate) fn new_container(&mut self) -> Result<ContainerId, IdsExhausted> {
        ContainerId::to_give(take(&mut self.next().container)).ok_or(IdsExhausted)
    }

    fn next(&mut self) -> &mut NextIds {
        &mut self.pending.rows.next
    }

    /// Makes the persistent id of a new song or playlist: a hash of its database, its kind and its key.
    /// Should another have the hash already (a song that moved, two folders with the same path inside),
    /// the attempt is hashed in as well.
    pub(crate) fn new_persistent_id(
        &mut self,
        database: PersistentId,
        kind: Kind,
        key: &SourceKey,
    ) -> PersistentId {
        let mut attempt = 0_u32;
        loop {
            let id = persistent_id(database, kind, key, attempt);
            if self.claim(id) {
                return id;
            }
            attempt += 1;
        }
    }

    /// Notes that a persistent id is in use; `false` if it was.
    pub(crate) fn claim(&mut self, id: PersistentId) -> bool {
        self.persistent_ids.insert(id)
    }

    /// Notes that a persistent id is not in use any more.
    pub(crate) fn release(&mut self, id: PersistentId) {
        self.persistent_ids.remove(&id);
    }

    /// Notes since when a song is away.
    pub(crate) fn set_away(&mut self, id: ItemId, since: Option<Timestamp>) {
        match self.pending.rows.songs.get_mut(&id) {
            Some(Some(row)) => row.away_since = since,
            Some(None) => {}
            None => {
                self.pending.rows.away.insert(id, since);
            }
        }
    }

    /// The row of a song that is to be saved, if it is.
    pub(crate) fn pending_song(&self, id: ItemId) -> Option<&SongRow> {
        self.pending.rows.songs.get(&id)?.as_deref()
    }

    /// Has a song removed that was saved, or leaves out one that was not.
    pub(crate) fn remove_song(&mut self, id: ItemId, saved: bool) {
        self.pending.rows.away.remove(&id);
        if saved {
            self.pending.rows.songs.insert(id, None);
        } else {
            self.pending.rows.songs.remove(&id);
        }
    }

    /// Has a playlist's songs looked up again when the pending rows are shown.
    pub(crate) fn relist(&mut self, source: SourceId, playlist: SourceKey) {
        self.pending.relist.insert((source, playlist));
    }
}

/// The number to give, leaving the one after it. Past the last one it stays there, where no id is.
fn take(next: &mut u32) -> u32 {
    let taken = *next;
    *next = next.saturating_add(1);
    taken
}

/// FNV-1a over all of it, then mixed so that similar keys do not get similar ids. It must stay as it is:
/// players file covers and playlists under these numbers.
fn persistent_id(
    database: PersistentId,
    kind: Kind,
    key: &SourceKey,
    attempt: u32,
) -> PersistentId {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut eat = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    };
    eat(&database.get().to_be_bytes());
    eat(&[kind as u8]);
    eat(&attempt.to_be_bytes());
    eat(key.as_bytes());
    hash = (hash ^ hash >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    hash = (hash ^ hash >> 33).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    PersistentId::new(hash ^ hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persistent_id_is_the_same_for_ever() {
        let id = |key: &str, attempt| {
            persistent_id(PersistentId::new(7), Kind::Song, &key.into(), attempt).to_string()
        };
        assert_eq!(id("Wings/Jet.flac", 0), "4E02BD9930576A1B");
        assert_eq!(id("Wings/Jet.flac", 1), "9D766CAF3DA6C475");
        assert_eq!(id("", 0), "5488F6AF62CCAD55");
    }

    #[test]
    fn two_songs_never_share_a_persistent_id() {
        let mut ledger = Ledger::default();
        let database = PersistentId::new(7);
        let first = ledger.new_persistent_id(database, Kind::Song, &"Jet.flac".into());
        let second = ledger.new_persistent_id(database, Kind::Song, &"Jet.flac".into());
        assert_ne!(first, second);
        assert_ne!(first, ledger.new_persistent_id(database, Kind::Playlist, &"Jet.flac".into()));
        ledger.release(first);
        assert_eq!(ledger.new_persistent_id(database, Kind::Song, &"Jet.flac".into()), first);
    }

    #[test]
    fn ids_end_rather_than_start_again() {
        let mut ledger = Ledger::default();
        ledger.pending.rows.next.item = ItemId::MAX;
        assert_eq!(ledger.new_item().map(ItemId::get), Ok(ItemId::MAX));
        assert_eq!(ledger.new_item(), Err(IdsExhausted));
        assert_eq!(ledger.new_item(), Err(IdsExhausted));
    }
}
