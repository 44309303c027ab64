//! Songs of other servers, passed through.
//!
//! A [`Relay`] is what a source has between a server on the network and its listeners. With a
//! [`DiskCache`] a song is fetched once, however many listen to however many parts of it while it arrives, and what has
//! arrived whole is kept. Without one, or where there is no room, each listener has a download of its own.
//!
//! It knows no protocol: a source says how to [`Fetch`] a song from a byte on.
//!
//! ```
//! use std::sync::Arc;
//! use disk_cache::DiskCache;
//! use futures_util::{StreamExt, stream};
//! use library::{Body, SourceKey};
//! use relay::{Arriving, Fetch, Relay};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! let relay = Relay::new("nas.local", Some(DiskCache::new(folder.path(), 1 << 20)));
//! let fetch: Fetch = Arc::new(|from| {
//!     Box::pin(async move {
//!         let sound = bytes::Bytes::from_static(b"the sound of it").slice(from as usize..);
//!         Ok(Arriving { length: Some(15), bytes: stream::iter([Ok(sound)]).boxed(), has_end: true })
//!     })
//! });
//! let content = relay.open(&SourceKey::from("jet"), fetch).await?;
//! assert_eq!(content.length, Some(15));
//! let Body::Ranged(sound) = content.body else { panic!("it is arriving") };
//! assert_eq!(sound.read(4, 5).next().await.unwrap()?, "sound");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod direct;
mod download;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use disk_cache::DiskCache;
use library::{Body, ByteStream, Content, OpenFile, SourceError, SourceFuture, SourceKey};
use tokio::sync::Semaphore;
use tokio::task;

use direct::Direct;
use download::{Download, Listening};

/// How many songs arrive on the disk at once; others are only passed through.
const MAX_DOWNLOADS: usize = 8;

/// Asks a server for a song from a byte on.
pub type Fetch =
    Arc<dyn Fn(u64) -> SourceFuture<'static, Result<Arriving, SourceError>> + Send + Sync>;

/// A song, or the rest of one, that a server has begun to send.
pub struct Arriving {
    /// Length of the whole song in bytes; `None` if the server does not say.
    pub length: Option<u64>,
    /// From the byte on that was asked for.
    pub bytes: ByteStream,
    /// Whether an end of the bytes is that of the song, and no breaking off, also if nobody said its length. A song that
    /// may have broken off is not kept.
    pub has_end: bool,
}

/// Passes on the songs of one server. Clones are the same.
#[derive(Clone, Debug)]
pub struct Relay(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Tells the files of different servers apart.
    server: u64,
    cache: Option<DiskCache>,
    turns: Arc<Semaphore>,
    /// The songs that are being opened or arrive, by name. Held for a short step.
    places: Mutex<HashMap<String, Weak<Place>>>,
    /// The names of songs that are to stay; `None` before anybody said so in this run.
    pinned: tokio::sync::Mutex<Option<HashSet<String>>>,
}

/// Where those meet who want the same song.
#[derive(Debug, Default)]
struct Place {
    download: tokio::sync::Mutex<Weak<Download>>,
    /// The song is another now: what arrives is not to be kept.
    forgotten: AtomicBool,
}

/// A song, as it is to be had.
enum Opened {
    Kept(OpenFile),
    Arriving(Arc<Download>),
    Direct(Arriving),
}

impl Relay {
    /// Passes on songs of the server with this name, and keeps them in `cache`.
    #[must_use]
    pub fn new(server: &str, cache: Option<DiskCache>) -> Self {
        Self(Arc::new(Shared {
            server: hash(server),
            cache,
            turns: Arc::new(Semaphore::new(MAX_DOWNLOADS)),
            places: Mutex::default(),
            pinned: tokio::sync::Mutex::default(),
        }))
    }

    /// Opens a song: as it is kept, as it is arriving for others, or as the server sends it now.
    ///
    /// # Errors
    /// What `fetch` says.
    pub async fn open(&self, key: &SourceKey, fetch: Fetch) -> Result<Content, SourceError> {
        Ok(match self.find(key, &fetch).await? {
            Opened::Kept(file) => file.into(),
            Opened::Arriving(download) => Content {
                length: download.total(),
                body: Body::Ranged(Box::new(Listening { download, fetch })),
            },
            Opened::Direct(Arriving { length: Some(total), bytes, .. }) => {
                Content::ranged(total, Direct { fetch, total, beginning: bytes })
            }
            Opened::Direct(Arriving { length: None, bytes, .. }) => Content::stream(bytes, None),
        })
    }

    /// Fetches a song unless it is kept, and waits until it is. `false` if it cannot be kept.
    ///
    /// # Errors
    /// What `fetch` says.
    pub async fn keep(&self, key: &SourceKey, fetch: Fetch) -> Result<bool, SourceError> {
        Ok(match self.find(key, &fetch).await? {
            Opened::Kept(_) => true,
            Opened::Arriving(download) => download.is_whole().await,
            Opened::Direct(_) => false,
        })
    }

    /// Has these songs stay once they are kept, also over a restart, and those that were named before no longer.
    pub async fn pin<'a>(&self, keys: impl IntoIterator<Item = &'a SourceKey>) {
        let Some(cache) = self.0.cache.clone() else { return };
        let wanted: HashSet<String> = keys.into_iter().map(|key| self.name(key)).collect();
        let mut pinned = self.0.pinned.lock().await;
        if pinned.as_ref() == Some(&wanted) {
            return;
        }
        let (of_server, pins) = (format!("{:016x}", self.0.server), wanted.clone());
        let pin = move || {
            let before: HashSet<String> =
                cache.pinned().into_iter().filter(|name| name.ends_with(&of_server)).collect();
            before.difference(&pins).for_each(|name| cache.unpin(name));
            pins.difference(&before).for_each(|name| cache.pin(name));
        };
        // What is not pinned may go, and is fetched again when it is asked for.
        let _ = task::spawn_blocking(pin).await;
        *pinned = Some(wanted);
    }

    /// Forgets what is kept of a song, as it is another now.
    pub fn forget(&self, key: &SourceKey) {
        let Some(cache) = self.0.cache.clone() else { return };
        let name = self.name(key);
        let mut places = self.0.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.remove(&name).and_then(|place| place.upgrade()) {
            place.forgotten.store(true, Ordering::Relaxed);
        }
        drop(places);
        task::spawn_blocking(move || cache.remove(&name));
    }

    async fn find(&self, key: &SourceKey, fetch: &Fetch) -> Result<Opened, SourceError> {
        let Some(cache) = &self.0.cache else { return fetch(0).await.map(Opened::Direct) };
        let name = self.name(key);
        let place = self.place(&name);
        // Who comes second waits until the first knows what comes.
        let mut there = place.download.lock().await;
        if let Some(download) = there.upgrade().filter(|download| download.is_of_use()) {
            return Ok(Opened::Arriving(download));
        }
        if let Some(file) = kept(cache.clone(), name.clone()).await {
            return Ok(Opened::Kept(file));
        }
        let arriving = fetch(0).await?;
        let total = arriving.length;
        let turn = self.0.turns.clone().try_acquire_owned().ok();
        let Some(turn) = turn.filter(|_| total.is_some() || arriving.has_end) else {
            return Ok(Opened::Direct(arriving));
        };
        // Room for one of unknown length is made as it grows.
        let begun = begin(cache.clone(), name.clone(), total.unwrap_or(0)).await;
        let Some((file, reader)) = begun else { return Ok(Opened::Direct(arriving)) };
        let (download, sink) = Download::new(total, reader);
        *there = Arc::downgrade(&download);
        drop(there);
        let finish = finish(place, cache.clone(), name);
        let fetching = download::run(sink, file, arriving.bytes, Arc::clone(fetch), finish);
        let kept_alive = Arc::clone(&download);
        tokio::spawn(async move {
            fetching.await;
            drop((kept_alive, turn));
        });
        Ok(Opened::Arriving(download))
    }

    fn place(&self, name: &str) -> Arc<Place> {
        let mut places = self.0.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get(name).and_then(Weak::upgrade) {
            return place;
        }
        places.retain(|_, place| place.strong_count() > 0);
        let place = Arc::<Place>::default();
        places.insert(name.to_owned(), Arc::downgrade(&place));
        place
    }

    fn name(&self, key: &SourceKey) -> String {
        format!("{:016x}{:016x}", hash((key, self.0.server)), self.0.server)
    }
}

/// The same in every run.
fn hash(value: impl std::hash::Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::new().hash_one(value)
}

async fn kept(cache: DiskCache, name: String) -> Option<OpenFile> {
    let find = move || {
        let mut file = OpenFile::try_from(cache.find(&name)?).ok()?;
        // That is when it was last asked for.
        file.changed = None;
        Some(file)
    };
    task::spawn_blocking(find).await.ok()?
}

async fn begin(
    cache: DiskCache,
    name: String,
    total: u64,
) -> Option<(disk_cache::Unfinished, std::fs::File)> {
    let begin = move || {
        let file = cache.begin(&name, total)?;
        let reader = file.reader().ok()?;
        Some((file, reader))
    };
    task::spawn_blocking(begin).await.ok()?
}

/// What to do with a song that has arrived whole.
fn finish(
    place: Arc<Place>,
    cache: DiskCache,
    name: String,
) -> impl FnOnce(disk_cache::Unfinished) + Send + 'static {
    move |file| {
        file.finish();
        if place.forgotten.load(Ordering::Relaxed) {
            cache.remove(&name);
        }
    }
}

impl fmt::Debug for Arriving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arriving").field("length", &self.length).finish_non_exhaustive()
    }
}
