//! The songs of a database.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::browse::Listings;
use crate::column::Columns;
use crate::delta::{Delta, History};
use crate::index::{ById, Index};
use crate::order::Orders;
use crate::select::{Rows, Selection};
use crate::{ApplyError, Filter, Item, ItemId, PersistentId, Revision};

/// The songs of a database at one revision.
#[derive(Clone, Debug)]
pub struct Items {
    pub(crate) by_id: ById,
    pub(crate) index: Index,
    pub(crate) orders: Orders,
    pub(crate) columns: Arc<Columns>,
    pub(crate) listings: Arc<Listings>,
    pub(crate) history: History<ItemId>,
    /// How many songs are of each media kind, by its number.
    kinds: BTreeMap<u64, usize>,
}

impl Items {
    pub(crate) fn starting_at(revision: Revision) -> Self {
        Self {
            by_id: ById::default(),
            index: Index::default(),
            orders: Orders::default(),
            columns: Arc::default(),
            listings: Arc::default(),
            history: History::from(revision),
            kinds: BTreeMap::new(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The song with this id.
    #[must_use]
    pub fn find(&self, id: ItemId) -> Option<&Arc<Item>> {
        self.by_id.get(&id)
    }

    /// The song with this id for ever.
    #[must_use]
    pub fn find_persistent(&self, id: PersistentId) -> Option<&Arc<Item>> {
        self.index.persistent(id).and_then(|id| self.find(id))
    }

    /// Every song, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Item> {
        self.by_id.values().map(Arc::as_ref)
    }

    /// Every song, to be filtered, sorted and paged.
    pub fn all(self: &Arc<Self>) -> Selection<'static> {
        Selection::all(Arc::clone(self))
    }

    /// The songs that a filter means.
    pub fn matching<'a>(self: &Arc<Self>, filter: &'a Filter) -> Selection<'a> {
        self.all().matching(filter)
    }

    /// The songs filed under an artist, by album.
    pub(crate) fn of_artist(&self, artist: PersistentId) -> impl Iterator<Item = ItemId> {
        let songs = self.index.albums_of(artist).flat_map(|album| self.index.of_album(album));
        // Songs of one release may be filed under several artists.
        songs.filter(move |id| self.find(*id).is_some_and(|item| item.artist_id == artist))
    }

    /// The songs that changed after `seen`, as they are now and by id, and the ids of those that went.
    pub(crate) fn since(
        self: &Arc<Self>,
        seen: Revision,
        current: Revision,
    ) -> Delta<Rows, ItemId> {
        match self.history.since(seen, current, |id| self.by_id.contains_key(id)) {
            Delta::Unknown => Delta::Unknown,
            Delta::Known { changed, gone } => {
                Delta::Known { changed: Rows::of_items(Arc::clone(self), changed.into()), gone }
            }
        }
    }

    /// Puts a song, which has its id for ever already, in the place of the one that has its id, which the caller
    /// has looked up.
    pub(crate) fn replace(&mut self, before: Option<Arc<Item>>, item: Arc<Item>) {
        let id = item.id;
        if let Some(before) = &before {
            self.count_out(before);
        }
        self.count_in(&item);
        match before {
            Some(before) if Index::alike(&before, &item) => {}
            Some(before) => {
                self.by_id.remove(&id);
                self.index.remove(&before, &self.by_id);
                self.index.add(&item, &self.by_id);
            }
            None => self.index.add(&item, &self.by_id),
        }
        self.by_id.insert(id, item);
    }

    /// Adds new songs, ascending by id.
    pub(crate) fn add_all(&mut self, items: Vec<Arc<Item>>) -> Result<(), ApplyError> {
        self.index.add_all(&items, &self.by_id)?;
        items.iter().for_each(|item| self.count_in(item));
        self.by_id.insert_all(items.into_iter().map(|item| (item.id, item)).collect());
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: ItemId) -> Option<Arc<Item>> {
        let item = self.by_id.remove(&id)?;
        self.index.release(item.persistent_id);
        self.index.remove(&item, &self.by_id);
        self.count_out(&item);
        Some(item)
    }

    fn count_in(&mut self, item: &Item) {
        *self.kinds.entry(item.track.media_kind as u64).or_default() += 1;
    }

    fn count_out(&mut self, item: &Item) {
        if let Some(count) = self.kinds.get_mut(&(item.track.media_kind as u64)) {
            *count -= 1;
        }
    }

    /// How many songs are of the media kind with this number.
    pub(crate) fn of_kind(&self, kind: u64) -> usize {
        self.kinds.get(&kind).copied().unwrap_or_default()
    }
}
