//! The sounds and pictures that an author gave along with the songs.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use daap_model::{DatabaseId, ItemId};

use super::song::{Picture, Sound};
use crate::{Artwork, Content, SourceError};

/// The largest picture that is read from a file, in bytes.
const MAX_PICTURE: u64 = 24 << 20;

/// What was given along with one song.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Media {
    pub(super) sound: Option<Sound>,
    pub(super) picture: Option<Picture>,
}

/// Sounds and pictures by song.
pub(super) type Shelf = HashMap<ItemId, Arc<Media>>;

/// Sounds and pictures by database and song.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    /// Held for a short step, never while something is awaited. Whoever commits is the only one to write.
    shelves: RwLock<HashMap<DatabaseId, Shelf>>,
}

/// How the sounds and pictures of a database change.
#[derive(Debug)]
pub(super) struct ShelfChange {
    pub(super) database: DatabaseId,
    /// What was there before goes: the database is gone, or is another one.
    pub(super) anew: bool,
    /// What songs have from now on.
    pub(super) items: HashMap<ItemId, Option<Arc<Media>>>,
}

impl Shelves {
    /// What was given along with a song.
    pub(super) fn find(&self, database: DatabaseId, item: ItemId) -> Option<Arc<Media>> {
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        shelves.get(&database)?.get(&item).cloned()
    }

    pub(super) fn change(&self, changes: Vec<ShelfChange>) {
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        for ShelfChange { database, anew, items } in changes {
            if anew {
                shelves.remove(&database);
            }
            let shelf = shelves.entry(database).or_default();
            for (item, media) in items {
                match media {
                    Some(media) => shelf.insert(item, media),
                    None => shelf.remove(&item),
                };
            }
            if shelf.is_empty() {
                shelves.remove(&database);
            }
        }
    }
}

impl Sound {
    pub(super) async fn open(&self) -> Result<Content, SourceError> {
        Ok(match self {
            Self::File(path) => Content::file(path.clone()).await?,
            Self::Bytes(bytes) => Content::bytes(bytes.clone()),
        })
    }
}

impl Picture {
    pub(super) async fn read(&self) -> Result<Artwork, SourceError> {
        Ok(match self {
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read_picture(path));
                read.await.map_err(io::Error::other)??
            }
            Self::Artwork(artwork) => artwork.clone(),
        })
    }
}

fn read_picture(path: PathBuf) -> io::Result<Artwork> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_PICTURE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_PICTURE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the picture is too large"));
    }
    let media_type = match &bytes[..] {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xFF, 0xD8, ..] => "image/jpeg",
        _ => {
            let refusal = "the picture is neither JPEG nor PNG";
            return Err(io::Error::new(io::ErrorKind::InvalidData, refusal));
        }
    };
    Ok(Artwork { media_type, bytes: bytes.into() })
}
