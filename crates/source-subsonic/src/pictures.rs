//! The pictures of songs.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use daap_model::Text;
use disk_cache::DiskCache;
use library::{Artwork, SourceKey};
use tokio::task;

use crate::api::{Api, ApiError};
use crate::track::hash;

/// In which size a picture is asked for, in pixels, that is of no use as it is.
const LARGE: u32 = 1200;

/// Which picture is whose, and those that are kept. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Pictures {
    /// By the keys of songs, what the server calls their pictures; empty for those without. Held for a short step.
    names: Arc<Mutex<HashMap<SourceKey, Text>>>,
    /// Tells the pictures of different servers apart.
    server: u64,
    cache: Option<DiskCache>,
}

impl Pictures {
    pub(crate) fn new(server: &str, cache: Option<DiskCache>) -> Self {
        Self { names: Arc::default(), server: hash(server), cache }
    }

    /// Takes in what the server calls the picture of a song; nothing if it has none.
    pub(crate) fn know(&self, key: &SourceKey, name: &str) {
        let mut names = self.names();
        if names.get(key).is_none_or(|known| **known != *name) {
            names.insert(key.clone(), name.into());
        }
    }

    pub(crate) fn forget(&self, key: &SourceKey) {
        self.names().remove(key);
    }

    /// The picture of a song, no larger than `size` pixels; `None` if it has none, or none that can be shown.
    pub(crate) async fn picture(
        &self,
        api: &Api,
        key: &SourceKey,
        size: Option<u32>,
    ) -> Result<Option<Artwork>, ApiError> {
        // Before the songs are listed again after a start, the song itself stands for its picture.
        let name = self.names().get(key).map_or_else(|| key.to_string(), Text::to_string);
        if name.is_empty() {
            return Ok(None);
        }
        let place = format!("{:016x}{:016x}", hash((&name, size)), self.server);
        if let Some(kept) = self.kept(place.clone()).await {
            return Ok(artwork(kept));
        }
        let picture = fetch(api, &name, size).await?;
        if let (Some(cache), Some(picture)) = (self.cache.clone(), &picture) {
            let bytes = picture.bytes.clone();
            task::spawn_blocking(move || cache.keep(&place, &bytes));
        }
        Ok(picture)
    }

    async fn kept(&self, place: String) -> Option<Bytes> {
        let cache = self.cache.clone()?;
        let read = move || {
            let mut bytes = Vec::new();
            cache.find(&place)?.read_to_end(&mut bytes).ok()?;
            Some(bytes.into())
        };
        task::spawn_blocking(read).await.ok()?
    }

    fn names(&self) -> MutexGuard<'_, HashMap<SourceKey, Text>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fetches a picture. What is neither JPEG nor PNG is asked for in another size: servers make one of the two then.
async fn fetch(api: &Api, name: &str, size: Option<u32>) -> Result<Option<Artwork>, ApiError> {
    let Some(bytes) = api.picture(name, size).await? else { return Ok(None) };
    if let Some(picture) = artwork(bytes) {
        return Ok(Some(picture));
    }
    let size = size.map_or(LARGE, |size| size.saturating_sub(1).max(1));
    Ok(api.picture(name, Some(size)).await?.and_then(artwork))
}

/// A picture by what it is, whatever the server calls it.
fn artwork(bytes: Bytes) -> Option<Artwork> {
    let kinds = [("image/jpeg", &b"\xff\xd8\xff"[..]), ("image/png", b"\x89PNG\r\n\x1a\n")];
    let (media_type, _) = kinds.into_iter().find(|(_, begin)| bytes.starts_with(begin))?;
    Some(Artwork { media_type, bytes })
}
