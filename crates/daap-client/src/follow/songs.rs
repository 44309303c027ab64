//! A list of songs on its way in.

use std::collections::{BTreeMap, HashSet};
use std::mem;
use std::sync::Arc;

use daap_model::{Custom, Database, Edit, Item, ItemId, NewItem};
use daap_proto::read::Song;

use super::End;
use super::persistent::{Claims, derived};

/// A list of songs on its way in: which there are, and those that are not as the mirror has them.
pub(super) struct Songs {
    held: Arc<Database>,
    listed: HashSet<ItemId>,
    differing: BTreeMap<ItemId, Song>,
}

/// What a list of songs comes to.
pub(super) struct SongEdits {
    /// In the order in which the model is to take them.
    pub(super) edits: Vec<Edit>,
    /// Whether songs that stay leave the playlists they are in on the way.
    pub(super) leaves_playlists: bool,
}

impl Songs {
    /// A list of songs of a database, of which this is held.
    pub(super) fn new(held: Arc<Database>) -> Self {
        Self { held, listed: HashSet::new(), differing: BTreeMap::new() }
    }

    /// Takes in a song. One that is listed twice is what the list says last.
    pub(super) fn take(&mut self, song: Song) {
        self.listed.insert(song.id);
        let held = self.held.items().find(song.id);
        if held.is_some_and(|item| is_as(item, &song, self.held.persistent_id.get())) {
            self.differing.remove(&song.id);
        } else {
            self.differing.insert(song.id, song);
        }
    }

    /// The list is complete: what the model has to change.
    pub(super) fn edits(mut self, end: &End) -> SongEdits {
        let database = self.held.id;
        let gone = self.gone(end);
        let put = self.claim(&gone);
        let is_rekeyed = |item: &&NewItem| {
            let held = self.held.items().find(item.id);
            held.is_some_and(|held| held.persistent_id != item.persistent_id)
        };
        let rekeyed: Vec<ItemId> = put.iter().filter(is_rekeyed).map(|item| item.id).collect();
        let leaves_playlists = !rekeyed.is_empty();
        // Ids for ever may go round in a ring: all that differ are given up before any is given.
        let removed = gone.into_iter().chain(rekeyed);
        let removals = removed.map(|item| Edit::RemoveItem { database, item });
        let edits = removals.chain(put.into_iter().map(|item| Edit::PutItem { database, item }));
        SongEdits { edits: edits.collect(), leaves_playlists }
    }

    /// The songs that are held and went.
    fn gone(&self, end: &End) -> HashSet<ItemId> {
        let items = self.held.items();
        let told = end.gone.iter().filter_map(|id| ItemId::new(*id));
        let told = told.filter(|id| end.is_update && items.find(*id).is_some());
        let unlisted = items.iter().map(|item| item.id).filter(|_| !end.is_update);
        told.chain(unlisted).filter(|id| !self.listed.contains(id)).collect()
    }

    /// The songs to put, each with an id for ever of its own.
    fn claim(&mut self, gone: &HashSet<ItemId>) -> Vec<NewItem> {
        let differing = mem::take(&mut self.differing);
        let items = self.held.items();
        let keeps = |song: &Song| {
            let held = items.find(song.id)?.persistent_id;
            (song.persistent_id == Some(held)).then_some((held, song.id.get()))
        };
        let kept = differing.values().filter_map(keeps);
        let mut claims = Claims::new(self.held.persistent_id.get(), kept);
        let changing: HashSet<ItemId> = differing.keys().copied().collect();
        let stays = |id: &ItemId| !gone.contains(id) && !changing.contains(id);
        let is_held = |id| items.find_persistent(id).is_some_and(|held| stays(&held.id));
        let put = differing.into_values().map(|song| NewItem {
            id: song.id,
            persistent_id: claims.claim(song.id.get(), song.persistent_id, is_held),
            track: song.track,
            usage: song.usage,
            custom: Custom::NONE,
        });
        put.collect()
    }
}

/// Whether a song is as it is held. One that was given an id for ever, as its own was another's or it had none,
/// keeps it.
fn is_as(item: &Item, song: &Song, seed: u64) -> bool {
    item.track == song.track
        && item.usage == song.usage
        && (song.persistent_id == Some(item.persistent_id)
            || item.persistent_id == derived(seed, song.id.get(), 0))
}
