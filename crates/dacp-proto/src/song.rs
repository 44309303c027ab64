//! A song as players tell of it.

use daap_model::{ContainerId, ContainerItemId, DatabaseId, ItemId, PersistentId};
use daap_proto::read::FromTag;
use dmap::code::*;
use dmap::{Code, Encoder, Tag};

/// A song that plays, or is in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Song {
    /// What it is in the library.
    pub ids: SongIds,
    /// Its title.
    pub title: String,
    /// Its artist.
    pub artist: String,
    /// Its album.
    pub album: String,
    /// Its genre.
    pub genre: String,
    /// The id of its album. Remotes load the picture anew when it changes, or the item's id does: where neither can,
    /// as with a stream of songs, one has to be made up.
    pub album_id: Option<PersistentId>,
    /// Its media kind: 1 is music to all but pyatv, which takes that from an Apple TV for "don't know".
    pub media_kind: u32,
}

/// What a song is in the library; `None` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SongIds {
    /// The database.
    pub database: Option<DatabaseId>,
    /// The playlist it is played from.
    pub container: Option<ContainerId>,
    /// Its entry there.
    pub entry: Option<ContainerItemId>,
    /// The song.
    pub item: Option<ItemId>,
}

/// The media kind of music.
const MUSIC: u32 = 1;

impl Default for Song {
    fn default() -> Self {
        Self {
            ids: SongIds::default(),
            title: String::new(),
            artist: String::new(),
            album: String::new(),
            genre: String::new(),
            album_id: None,
            media_kind: MUSIC,
        }
    }
}

/// By which codes a reply tells of a song.
pub(crate) struct SongCodes {
    ids: Code,
    title: Code,
    artist: Code,
    album: Code,
    genre: Code,
}

/// What plays.
pub(crate) const PLAYING: SongCodes =
    SongCodes { ids: CANP, title: CANN, artist: CANA, album: CANL, genre: CANG };

/// What is in the queue.
pub(crate) const QUEUED: SongCodes =
    SongCodes { ids: CEQS_LOWER, title: CEQN, artist: CEQR_LOWER, album: CEQA_LOWER, genre: CEQG };

impl Song {
    pub(crate) fn write(&self, codes: &SongCodes, out: &mut Encoder) {
        out.bytes(codes.ids, &self.ids.to_bytes());
        out.string(codes.title, &self.title);
        out.string(codes.artist, &self.artist);
        out.string(codes.album, &self.album);
        out.string(codes.genre, &self.genre);
        if let Some(id) = self.album_id {
            out.u64(ASAI, id.get());
        }
        out.u32(CMMK, self.media_kind);
    }

    /// Takes what a tag says of a song, if it does.
    pub(crate) fn set(&mut self, codes: &SongCodes, tag: &Tag<'_>) {
        match tag.code {
            code if code == codes.ids => self.ids = SongIds::from_bytes(tag.payload),
            code if code == codes.title => self.title.set(tag),
            code if code == codes.artist => self.artist.set(tag),
            code if code == codes.album => self.album.set(tag),
            code if code == codes.genre => self.genre.set(tag),
            ASAI => self.album_id.set(tag),
            CMMK => self.media_kind.set(tag),
            _ => {}
        }
    }
}

impl SongIds {
    /// Four numbers, each 0 where it is not known.
    fn to_bytes(self) -> [u8; 16] {
        let words = [
            self.database.map_or(0, DatabaseId::get),
            self.container.map_or(0, ContainerId::get),
            self.entry.map_or(0, ContainerItemId::get),
            self.item.map_or(0, ItemId::get),
        ];
        let mut bytes = [0; 16];
        for (bytes, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *bytes = word.to_be_bytes();
        }
        bytes
    }

    /// What has another form says nothing.
    fn from_bytes(bytes: &[u8]) -> Self {
        let (&[database, container, entry, item], []) = bytes.as_chunks::<4>() else {
            return Self::default();
        };
        Self {
            database: DatabaseId::new(u32::from_be_bytes(database)),
            container: ContainerId::new(u32::from_be_bytes(container)),
            entry: ContainerItemId::new(u32::from_be_bytes(entry)),
            item: ItemId::new(u32::from_be_bytes(item)),
        }
    }
}
