//! By what songs are found without looking at all of them.
//!
//! A song is indexed under its album. What else one asks for (an artist, the name of an album) leads to
//! albums, of which there are far fewer than songs, and from there to the songs.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdSet;

use crate::group::{GroupIds, GroupKind};
use crate::sorted::Sorted;
use crate::{
    ApplyError, Filter, Item, ItemId, NumberField, NumberTest, PersistentId, Text, TextField,
    TextTest,
};

pub(crate) type ById = Sorted<ItemId, Arc<Item>>;

/// By what songs are found without looking at all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    by_persistent_id: Sorted<PersistentId, ItemId>,
    by_album: Sorted<(PersistentId, ItemId), ()>,
    /// The albums that have a song filed under an artist.
    by_artist: OrdSet<(PersistentId, PersistentId)>,
    /// The albums that have a song with this album name, and with this artist name.
    by_album_name: OrdSet<(Text, PersistentId)>,
    by_artist_name: OrdSet<(Text, PersistentId)>,
    pub(crate) group_ids: GroupIds,
}

impl Index {
    /// Gives a song an id for ever. Returns who had it.
    pub(crate) fn claim(&mut self, id: PersistentId, by: ItemId) -> Option<ItemId> {
        self.by_persistent_id.insert(id, by)
    }

    /// Takes an id for ever from the song that has it.
    pub(crate) fn release(&mut self, id: PersistentId) {
        self.by_persistent_id.remove(&id);
    }

    /// Adds a song that has its id for ever, and is not in `songs` yet.
    pub(crate) fn add(&mut self, item: &Item, songs: &ById) {
        let sibling = self.of_album(item.album_id).next().and_then(|id| songs.get(&id));
        self.add_beside(sibling.map(Arc::as_ref), item);
        self.by_album.insert((item.album_id, item.id), ());
    }

    /// Adds songs that are not in `songs` yet, and gives them their ids for ever.
    pub(crate) fn add_all(&mut self, items: &[Arc<Item>], songs: &ById) -> Result<(), ApplyError> {
        self.claim_all(items, songs)?;
        let mut by_album: Vec<&Item> = items.iter().map(Arc::as_ref).collect();
        by_album.sort_unstable_by_key(|item| (item.album_id, item.id));
        let mut sibling: Option<&Item> = None;
        for item in &by_album {
            if sibling.is_none_or(|sibling| sibling.album_id != item.album_id) {
                let first = self.of_album(item.album_id).next();
                sibling = first.and_then(|id| songs.get(&id)).map(Arc::as_ref);
            }
            self.add_beside(sibling, item);
            sibling = Some(item);
        }
        let keys = by_album.iter().map(|item| ((item.album_id, item.id), ()));
        self.by_album.insert_all(keys.collect());
        Ok(())
    }

    fn claim_all(&mut self, items: &[Arc<Item>], songs: &ById) -> Result<(), ApplyError> {
        let mut ids: Vec<_> = items.iter().map(|item| (item.persistent_id, item.id)).collect();
        ids.sort_unstable();
        let twice = ids.windows(2).find(|pair| pair[0].0 == pair[1].0);
        let mut taken = twice.map(|pair| (pair[0].0, pair[0].1, pair[1].1));
        if taken.is_none() && self.by_persistent_id.insert_all(ids) > 0 {
            let now = |song: &Item| {
                Some((song.persistent_id, song.id, self.persistent(song.persistent_id)?))
            };
            taken = songs.values().filter_map(|song| now(song)).find(|(_, was, is)| was != is);
        }
        match taken {
            None => Ok(()),
            Some((id, held_by, wanted_by)) => {
                let (held_by, wanted_by) = (held_by.get(), wanted_by.get());
                Err(ApplyError::PersistentIdTaken { id, held_by, wanted_by })
            }
        }
    }

    /// Notes what a song says of its album that `sibling`, another song of the album, does not say. Mostly that is
    /// nothing.
    fn add_beside(&mut self, sibling: Option<&Item>, item: &Item) {
        let album = item.album_id;
        if sibling.is_none() {
            self.group_ids.add(GroupKind::Albums, album);
        }
        let differs =
            |says: fn(&Item, &Item) -> bool| sibling.is_none_or(|other| !says(other, item));
        if differs(|other, item| other.artist_id == item.artist_id) {
            if self.albums_of(item.artist_id).next().is_none() {
                self.group_ids.add(GroupKind::Artists, item.artist_id);
            }
            self.by_artist.insert((item.artist_id, album));
        }
        if differs(|other, item| other.track.album == item.track.album) {
            self.by_album_name.insert((item.track.album.clone(), album));
        }
        for name in artist_names(item) {
            if sibling.is_none_or(|other| !artist_names(other).contains(&name)) {
                self.by_artist_name.insert((name.clone(), album));
            }
        }
    }

    /// Removes a song that is no longer in `songs`.
    pub(crate) fn remove(&mut self, item: &Item, songs: &ById) {
        let album = item.album_id;
        self.by_album.remove(&(album, item.id));
        let rest = |index: &Self, says: &dyn Fn(&Item) -> bool| {
            index.of_album(album).filter_map(|id| songs.get(&id)).any(|other| says(other))
        };
        if !rest(self, &|_| true) {
            self.group_ids.remove(album);
        }
        if !rest(self, &|other| other.artist_id == item.artist_id) {
            self.by_artist.remove(&(item.artist_id, album));
            if self.albums_of(item.artist_id).next().is_none() {
                self.group_ids.remove(item.artist_id);
            }
        }
        if !rest(self, &|other| other.track.album == item.track.album) {
            self.by_album_name.remove(&(item.track.album.clone(), album));
        }
        for name in artist_names(item) {
            if !rest(self, &|other| artist_names(other).contains(&name)) {
                self.by_artist_name.remove(&(name.clone(), album));
            }
        }
    }

    /// Whether two songs with the same row id are indexed alike.
    pub(crate) fn alike(a: &Item, b: &Item) -> bool {
        a.album_id == b.album_id
            && a.artist_id == b.artist_id
            && a.track.album == b.track.album
            && artist_names(a) == artist_names(b)
    }

    pub(crate) fn persistent(&self, id: PersistentId) -> Option<ItemId> {
        self.by_persistent_id.get(&id).copied()
    }

    /// The songs of an album, by id.
    pub(crate) fn of_album(&self, album: PersistentId) -> impl Iterator<Item = ItemId> {
        let songs = self.by_album.range(Bound::Included(&(album, ItemId::LOWEST)));
        songs.map(|(key, ())| *key).take_while(move |(of, _)| *of == album).map(|(_, id)| id)
    }

    /// The albums with a song filed under an artist.
    pub(crate) fn albums_of(&self, artist: PersistentId) -> impl Iterator<Item = PersistentId> {
        following(&self.by_artist, (artist, PersistentId::LOWEST))
            .take_while(move |(of, _)| *of == artist)
            .map(|&(_, album)| album)
    }

    /// A set of songs, ascending, among which are all that meet a single condition; `None` where no index knows
    /// a set smaller than all songs.
    pub(crate) fn candidates(&self, condition: &Filter) -> Option<Vec<ItemId>> {
        match condition {
            Filter::Number(NumberField::Id, NumberTest::Equals(id)) => {
                Some(u32::try_from(*id).ok().and_then(ItemId::new).into_iter().collect())
            }
            Filter::Number(NumberField::PersistentId, NumberTest::Equals(id)) => {
                let id = (*id != 0).then(|| PersistentId::new(*id));
                Some(id.and_then(|id| self.persistent(id)).into_iter().collect())
            }
            Filter::Number(NumberField::AlbumId, NumberTest::Equals(id)) => {
                Some(self.of_album(PersistentId::new(*id)).collect())
            }
            Filter::Number(NumberField::ArtistId, NumberTest::Equals(id)) => {
                Some(self.of_albums(self.albums_of(PersistentId::new(*id))))
            }
            Filter::Text(TextField::Album, TextTest::Equals(name)) => {
                Some(self.of_albums(named(&self.by_album_name, name)))
            }
            Filter::Text(TextField::Artist | TextField::AlbumArtist, TextTest::Equals(name)) => {
                Some(self.of_albums(named(&self.by_artist_name, name)))
            }
            Filter::And(_)
            | Filter::Or(_)
            | Filter::Not(_)
            | Filter::Text(..)
            | Filter::Number(..) => None,
        }
    }

    fn of_albums(&self, albums: impl Iterator<Item = PersistentId>) -> Vec<ItemId> {
        ascending(albums.flat_map(|album| self.of_album(album)).collect())
    }
}

/// The names under which the artist of a song is asked for.
fn artist_names(item: &Item) -> [&Text; 2] {
    [&item.track.artist, item.track.filed_under()]
}

fn following<T: Ord>(set: &OrdSet<T>, first: T) -> impl Iterator<Item = &T> {
    set.range((Bound::Included(first), Bound::Unbounded))
}

fn named<'a>(
    names: &'a OrdSet<(Text, PersistentId)>,
    name: &'a Text,
) -> impl Iterator<Item = PersistentId> + 'a {
    following(names, (name.clone(), PersistentId::LOWEST))
        .take_while(move |(of, _)| of == name)
        .map(|&(_, album)| album)
}

pub(crate) fn ascending(mut ids: Vec<ItemId>) -> Vec<ItemId> {
    ids.sort_unstable();
    ids.dedup();
    ids
}
