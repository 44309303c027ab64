//! The songs of a database, and the indexes by which they are found.

use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::browse::Listings;
use crate::delta::{Delta, History};
use crate::group::{GroupIds, GroupKind};
use crate::order::Orders;
use crate::select::{Rows, Selection};
use crate::{Filter, Item, ItemId, NumberField, NumberTest, PersistentId, Revision, Text};
use crate::{TextField, TextTest};

/// The songs of a database at one revision.
#[derive(Clone, Debug)]
pub struct Items {
    pub(crate) by_id: OrdMap<ItemId, Arc<Item>>,
    by_persistent_id: OrdMap<PersistentId, ItemId>,
    by_album: OrdSet<(PersistentId, ItemId)>,
    /// How many songs each album has under each artist.
    albums_of_artists: OrdMap<(PersistentId, PersistentId), u32>,
    /// How many songs of each album write its name in which way.
    albums_by_name: OrdMap<(Text, PersistentId), u32>,
    pub(crate) group_ids: GroupIds,
    history: History<ItemId>,
    pub(crate) orders: Orders,
    pub(crate) listings: Arc<Listings>,
}

impl Items {
    pub(crate) fn starting_at(revision: Revision) -> Self {
        Self {
            by_id: OrdMap::new(),
            by_persistent_id: OrdMap::new(),
            by_album: OrdSet::new(),
            albums_of_artists: OrdMap::new(),
            albums_by_name: OrdMap::new(),
            group_ids: GroupIds::default(),
            history: History::from(revision),
            orders: Orders::default(),
            listings: Arc::default(),
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
        self.by_persistent_id.get(&id).and_then(|id| self.find(*id))
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

    pub(crate) fn insert(&mut self, item: Arc<Item>) {
        let id = item.id;
        let before = self.by_id.get(&id).cloned();
        if let Some(before) = &before {
            self.unindex(before);
        }
        self.index(&item);
        self.history.change(id, before.map(|before| before.revision), item.revision);
        self.by_id.insert(id, item);
    }

    pub(crate) fn remove(&mut self, id: ItemId, now: Revision) -> Option<Arc<Item>> {
        let item = self.by_id.remove(&id)?;
        self.unindex(&item);
        self.history.remove(id, item.revision, now);
        Some(item)
    }

    fn index(&mut self, item: &Item) {
        let (album, artist) = (item.album_id, item.artist_id);
        self.by_persistent_id.insert(item.persistent_id, item.id);
        if !self.has_album(album) {
            self.group_ids.add(GroupKind::Albums, album);
        }
        if !self.has_artist(artist) {
            self.group_ids.add(GroupKind::Artists, artist);
        }
        self.by_album.insert((album, item.id));
        *self.albums_of_artists.entry((artist, album)).or_default() += 1;
        if !item.track.album.is_empty() {
            *self.albums_by_name.entry((item.track.album.clone(), album)).or_default() += 1;
        }
    }

    fn unindex(&mut self, item: &Item) {
        let (album, artist) = (item.album_id, item.artist_id);
        self.by_persistent_id.remove(&item.persistent_id);
        self.by_album.remove(&(album, item.id));
        count_down(&mut self.albums_of_artists, &(artist, album));
        count_down(&mut self.albums_by_name, &(item.track.album.clone(), album));
        if !self.has_album(album) {
            self.group_ids.remove(album);
        }
        if !self.has_artist(artist) {
            self.group_ids.remove(artist);
        }
    }

    fn has_album(&self, album: PersistentId) -> bool {
        self.of_album(album).next().is_some()
    }

    fn has_artist(&self, artist: PersistentId) -> bool {
        self.albums_of(artist).next().is_some()
    }

    /// The songs of an album, by id.
    pub(crate) fn of_album(&self, album: PersistentId) -> impl Iterator<Item = ItemId> {
        let start = Bound::Included((album, ItemId::LOWEST));
        self.by_album
            .range((start, Bound::Unbounded))
            .take_while(move |(of, _)| *of == album)
            .map(|&(_, id)| id)
    }

    fn albums_of(&self, artist: PersistentId) -> impl Iterator<Item = PersistentId> {
        let start = Bound::Included((artist, PersistentId::new(0)));
        self.albums_of_artists
            .range((start, Bound::Unbounded))
            .take_while(move |((of, _), _)| *of == artist)
            .map(|((_, album), _)| *album)
    }

    /// The songs filed under an artist, by album.
    pub(crate) fn of_artist(&self, artist: PersistentId) -> impl Iterator<Item = ItemId> {
        self.albums_of(artist).flat_map(|album| self.of_album(album)).filter(move |id| {
            // Songs of one release may be filed under several artists.
            self.find(*id).is_some_and(|item| item.artist_id == artist)
        })
    }

    fn albums_named(&self, name: &Text) -> impl Iterator<Item = PersistentId> {
        let start = Bound::Included((name.clone(), PersistentId::new(0)));
        self.albums_by_name
            .range((start, Bound::Unbounded))
            .take_while(move |((of, _), _)| of == name)
            .map(|((_, album), _)| *album)
    }

    /// A set of songs in which every song is that the filter means, ascending, where an index knows one
    /// that is smaller than all songs.
    pub(crate) fn candidates(&self, filter: &Filter) -> Option<Vec<ItemId>> {
        let of_albums = |albums: &mut dyn Iterator<Item = PersistentId>| -> Vec<ItemId> {
            sorted(albums.flat_map(|album| self.of_album(album)).collect())
        };
        match filter {
            Filter::Number(NumberField::Id, NumberTest::Equals(id)) => {
                Some(u32::try_from(*id).ok().and_then(ItemId::new).into_iter().collect())
            }
            Filter::Number(NumberField::PersistentId, NumberTest::Equals(id)) => {
                let item = (*id != 0).then(|| PersistentId::new(*id));
                Some(
                    item.and_then(|id| self.by_persistent_id.get(&id))
                        .copied()
                        .into_iter()
                        .collect(),
                )
            }
            Filter::Number(NumberField::AlbumId, NumberTest::Equals(id)) => {
                Some(self.of_album(PersistentId::new(*id)).collect())
            }
            Filter::Number(NumberField::ArtistId, NumberTest::Equals(id)) => {
                Some(of_albums(&mut self.albums_of(PersistentId::new(*id))))
            }
            Filter::Text(TextField::Album, TextTest::Equals(name)) if !name.is_empty() => {
                Some(of_albums(&mut self.albums_named(name)))
            }
            Filter::And(parts) => {
                parts.iter().filter_map(|part| self.candidates(part)).min_by_key(Vec::len)
            }
            Filter::Or(parts) => {
                let parts: Option<Vec<_>> =
                    parts.iter().map(|part| self.candidates(part)).collect();
                Some(sorted(parts?.concat()))
            }
            Filter::Not(_) | Filter::Text(..) | Filter::Number(..) => None,
        }
    }
}

fn sorted(mut ids: Vec<ItemId>) -> Vec<ItemId> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn count_down<K: Ord + Clone>(counts: &mut OrdMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
