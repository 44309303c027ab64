//! The sound of songs, streamed through, and whole songs kept on disk.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use daap_client::{Client, ClientError, Sound};
use daap_model::{DatabaseId, ItemId};
use disk_cache::DiskCache;
use futures_util::{Stream, TryFutureExt, TryStreamExt};
use library::{ByteStream, Content, OpenFile, Ranged, SourceKey};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task;

use crate::key::Place;

/// How many songs are being kept at once; others are only streamed. Each holds a thread.
const MAX_KEEPING: usize = 8;
/// How many pieces of a song wait to be written at most, each of some kilobytes. A full disk queue slows a stream down.
const MAX_UNWRITTEN: usize = 16;

/// Opens the songs of a share.
#[derive(Clone)]
pub(crate) struct Sounds {
    /// Tells the files of different shares apart.
    share: u64,
    cache: Option<DiskCache>,
    keeping: Arc<Semaphore>,
}

impl Sounds {
    pub(crate) fn new(share: String, cache: Option<DiskCache>) -> Self {
        let share = BuildHasherDefault::<DefaultHasher>::new().hash_one(share);
        Self { share, cache, keeping: Arc::new(Semaphore::new(MAX_KEEPING)) }
    }

    /// A song that was kept.
    pub(crate) async fn kept(&self, key: &SourceKey) -> Option<OpenFile> {
        let (cache, name) = (self.cache.clone()?, self.name(key));
        let find = move || OpenFile::try_from(cache.find(&name)?).ok();
        task::spawn_blocking(find).await.ok()?
    }

    /// Forgets a song that was kept, as it is another now.
    pub(crate) fn forget(&self, key: &SourceKey) {
        if let Some(cache) = self.cache.clone() {
            let name = self.name(key);
            task::spawn_blocking(move || cache.remove(&name));
        }
    }

    /// Opens a song with the share, which says how long it is.
    pub(crate) async fn open(
        &self,
        client: Client,
        place: Place,
        key: &SourceKey,
    ) -> Result<Content, ClientError> {
        let keep = self.cache.clone().map(|cache| Keep {
            cache,
            name: self.name(key),
            turns: Arc::clone(&self.keeping),
        });
        opened(client, place, keep).await
    }

    fn name(&self, key: &SourceKey) -> String {
        let key = BuildHasherDefault::<DefaultHasher>::new().hash_one((key, self.share));
        format!("{key:016x}{:016x}", self.share)
    }
}

/// The sound of a song of a share. It is asked for as it is read, and not kept.
///
/// # Errors
///
/// Those of [`Client::song`].
pub async fn song(
    client: Client,
    database: DatabaseId,
    item: ItemId,
    format: &str,
) -> Result<Content, ClientError> {
    opened(client, Place { database, item, format: format.to_owned() }, None).await
}

async fn opened(client: Client, place: Place, keep: Option<Keep>) -> Result<Content, ClientError> {
    let sound = client.song(place.database, place.item, &place.format, 0).await?;
    let Some(total) = sound.length() else {
        return Ok(Content::stream(sound.map_err(io::Error::other), None));
    };
    Ok(Content::ranged(total, Through { client, place, sound, total, keep }))
}

/// Where a song is kept if it goes through whole.
struct Keep {
    cache: DiskCache,
    name: String,
    turns: Arc<Semaphore>,
}

/// A song that the share has begun to send.
struct Through {
    client: Client,
    place: Place,
    /// From the first byte on.
    sound: Sound,
    total: u64,
    keep: Option<Keep>,
}

impl Ranged for Through {
    fn read(self: Box<Self>, start: u64, length: u64) -> ByteStream {
        let Self { client, place, sound, total, keep } = *self;
        if start > 0 {
            drop(sound);
            return Box::pin(part(client, place, start).try_flatten_stream());
        }
        let Some(Keep { cache, name, turns }) = keep.filter(|_| length == total) else {
            return Box::pin(sound.map_err(io::Error::other));
        };
        match turns.try_acquire_owned() {
            Ok(turn) => Box::pin(kept(sound, cache, name, total, turn)),
            Err(_) => Box::pin(sound.map_err(io::Error::other)),
        }
    }
}

/// A song from a byte on.
async fn part(
    client: Client,
    place: Place,
    start: u64,
) -> io::Result<impl Stream<Item = io::Result<Bytes>>> {
    let sound = client.song(place.database, place.item, &place.format, start).await;
    let mut sound = sound.map_err(io::Error::other)?;
    sound.skip_to(start).await.map_err(io::Error::other)?;
    Ok(sound.map_err(io::Error::other))
}

/// All of a song, which is kept on the way if it comes to its end.
fn kept(
    sound: Sound,
    cache: DiskCache,
    name: String,
    total: u64,
    turn: OwnedSemaphorePermit,
) -> impl Stream<Item = io::Result<Bytes>> {
    let (pieces, mut unwritten) = mpsc::channel::<Bytes>(MAX_UNWRITTEN);
    task::spawn_blocking(move || {
        let _turn = turn;
        let Some(mut file) = cache.begin(&name, total) else { return };
        while let Some(piece) = unwritten.blocking_recv() {
            if !file.write(&piece) {
                return;
            }
        }
        if file.length() == total {
            file.finish();
        }
    });
    sound.map_err(io::Error::other).and_then(move |piece| {
        let pieces = pieces.clone();
        async move {
            // Nobody takes it if it cannot be written.
            let _ = pieces.send(piece.clone()).await;
            Ok(piece)
        }
    })
}
