//! Compressed listings: made once, shared by all who ask, kept under a budget.
//!
//! A compressed listing has to be whole before its first byte is sent, as clients want its length
//! (Banshee reads a reply without one as nothing). So it costs memory, which is bounded: what is kept for
//! the next asker, and what is alive in all; beyond that listings go out uncompressed.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use daap_model::Revision;
use daap_proto::{Reply, RequestError};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::{OnceCell, Semaphore};

use crate::Limits;
use crate::limits::GZIP_FROM;

/// Listings compress to about a fifth whatever the level; the fastest gives the earliest first byte.
const LEVEL: Compression = Compression::fast();

/// What a kept listing counts against the budget at least, so that there are never more than a few
/// thousand: each has a cost beside its bytes, and all are looked through to find the one to forget.
const LEAST: usize = 16 << 10;

/// What a compressed listing is a listing of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The request, without what differs between askers who get the same bytes.
    pub(crate) request: String,
    /// The state of the library.
    pub(crate) revision: Revision,
}

/// A listing that is whole in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) bytes: Bytes,
    /// Whether it is compressed: short ones are not.
    pub(crate) gzipped: bool,
}

/// Why there is no listing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("a listing could not be compressed: {0}")]
    Broken(#[from] io::Error),
}

/// Compresses listings and keeps them for a while.
#[derive(Debug)]
pub(crate) struct Compressor {
    keep: usize,
    alive_at_most: usize,
    alive: Arc<AtomicUsize>,
    slots: Arc<Semaphore>,
    /// A plain mutex for short steps.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    /// Counts uses, so that the entry used longest ago is known.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    listing: Arc<OnceCell<Packed>>,
    /// What it counts against the budget, once it is there.
    bytes: usize,
    used: u64,
}

impl Compressor {
    /// `slots` bounds how many listings are made at once.
    pub(crate) fn new(limits: &Limits, slots: Arc<Semaphore>) -> Self {
        Self {
            keep: limits.compressed_kept,
            alive_at_most: limits.compressed_alive,
            alive: Arc::default(),
            slots,
            kept: Mutex::default(),
        }
    }

    /// The listing, if it is there.
    pub(crate) fn kept(&self, key: &Key) -> Option<Packed> {
        let mut kept = self.kept_now();
        kept.uses += 1;
        let uses = kept.uses;
        let entry = kept.entries.get_mut(key)?;
        entry.used = uses;
        entry.listing.get().cloned()
    }

    /// Whether there is memory for one more listing.
    pub(crate) fn has_room(&self) -> bool {
        self.alive.load(Ordering::Relaxed) < self.alive_at_most
    }

    /// The listing, made now unless it is there or somebody else is at it.
    pub(crate) async fn pack(
        &self,
        key: Key,
        make: impl FnOnce() -> Result<Reply, RequestError> + Send + 'static,
    ) -> Result<Packed, PackError> {
        let begun = self.begin(key);
        let made = begun.listing.get_or_try_init(|| async {
            let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(io::Error::other)?;
            let alive = Arc::clone(&self.alive);
            let work = tokio::task::spawn_blocking(move || {
                // The slot goes along: what all askers have given up is still being made.
                let _slot = slot;
                let Packed { bytes, gzipped } = pack(make()?)?;
                Ok::<_, PackError>(Packed { bytes: counted(bytes, alive), gzipped })
            });
            work.await.map_err(io::Error::other)?
        });
        let packed = made.await?.clone();
        self.keep(&begun.key, packed.bytes.len());
        Ok(packed)
    }

    fn begin(&self, key: Key) -> Begun<'_> {
        let mut kept = self.kept_now();
        kept.uses += 1;
        let used = kept.uses;
        let entry = kept.entries.entry(key.clone()).or_insert_with(|| Entry {
            listing: Arc::default(),
            bytes: 0,
            used,
        });
        entry.used = used;
        Begun { compressor: self, key, listing: Arc::clone(&entry.listing) }
    }

    /// Books a listing that is there, and lets go of what the budget has no room for.
    fn keep(&self, key: &Key, length: usize) {
        let mut kept = self.kept_now();
        let Some(entry) = kept.entries.get_mut(key) else { return };
        let length = (length + key.request.len()).max(LEAST);
        let before = std::mem::replace(&mut entry.bytes, length);
        kept.bytes = kept.bytes - before + length;
        kept.forget_older_than(key.revision);
        while kept.bytes > self.keep && kept.forget_one() {}
    }

    fn kept_now(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listing that somebody waits for. If all who do so give up, its entry goes too.
struct Begun<'a> {
    compressor: &'a Compressor,
    key: Key,
    listing: Arc<OnceCell<Packed>>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if self.listing.initialized() {
            return;
        }
        let mut kept = self.compressor.kept_now();
        // Two hold it: the table and this one, who gives up. Others only take hold under the lock.
        if Arc::strong_count(&self.listing) <= 2 {
            kept.entries.remove(&self.key);
        }
    }
}

impl Kept {
    /// Nobody asks again for what was.
    fn forget_older_than(&mut self, revision: Revision) {
        self.entries.retain(|key, _| key.revision >= revision);
        self.bytes = self.entries.values().map(|entry| entry.bytes).sum();
    }

    /// Forgets the listing that was used longest ago; those that are being made stay.
    fn forget_one(&mut self) -> bool {
        let made = self.entries.iter().filter(|(_, entry)| entry.bytes > 0);
        let Some(key) = made.min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone()) else {
            return false;
        };
        if let Some(entry) = self.entries.remove(&key) {
            self.bytes -= entry.bytes;
        }
        true
    }
}

/// Compresses a reply, in the gzip format, unless it is short.
pub(crate) fn pack(reply: Reply) -> io::Result<Packed> {
    if reply.length() <= GZIP_FROM {
        return Ok(Packed { bytes: reply.into_bytes(), gzipped: false });
    }
    let mut encoder = GzEncoder::new(Vec::new(), LEVEL);
    for piece in reply {
        encoder.write_all(&piece)?;
    }
    let mut bytes = encoder.finish()?;
    bytes.shrink_to_fit();
    Ok(Packed { bytes: bytes.into(), gzipped: true })
}

/// Bytes that count as alive until the last one who holds them is done.
fn counted(bytes: Bytes, alive: Arc<AtomicUsize>) -> Bytes {
    struct Counted {
        bytes: Bytes,
        alive: Arc<AtomicUsize>,
    }
    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            self.alive.fetch_sub(self.bytes.len(), Ordering::Relaxed);
        }
    }
    alive.fetch_add(bytes.len(), Ordering::Relaxed);
    Bytes::from_owner(Counted { bytes, alive })
}

/// Whether an `Accept-Encoding` header takes gzip.
pub(crate) fn takes_gzip(accept: Option<&[u8]>) -> bool {
    let Some(accept) = accept.and_then(|accept| std::str::from_utf8(accept).ok()) else {
        return false;
    };
    let quality = |wanted: &str| {
        accept.split(',').find_map(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            let named = name.trim().eq_ignore_ascii_case(wanted);
            named.then(|| !is_zero(parameters.trim()))
        })
    };
    quality("gzip").or_else(|| quality("x-gzip")).or_else(|| quality("*")).unwrap_or(false)
}

/// Whether the parameter is a quality of nothing, which means "not this one".
fn is_zero(parameter: &str) -> bool {
    let quality = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
    quality.and_then(|q| q.trim().parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[track_caller]
    fn check(accept: &str, expected: bool) {
        assert_eq!(takes_gzip(Some(accept.as_bytes())), expected, "{accept:?}");
    }

    #[test]
    fn gzip_is_used_where_it_is_taken() {
        for accept in ["gzip", "gzip, deflate", "deflate,GZIP;q=0.5", "*", "x-gzip", "br, *;q=0.1"]
        {
            check(accept, true);
        }
        for accept in ["", "identity", "deflate", "gzip;q=0", "gzip; q=0.0, deflate", "gzip;q=0, *"]
        {
            check(accept, false);
        }
        assert!(!takes_gzip(None));
    }

    fn compressor(keep: usize, alive: usize) -> Compressor {
        let limits = Limits { compressed_kept: keep, compressed_alive: alive, ..Limits::default() };
        Compressor::new(&limits, Arc::new(Semaphore::new(2)))
    }

    fn key(request: &str, revision: u32) -> Key {
        Key { request: request.to_owned(), revision: Revision::new(revision) }
    }

    /// A reply that compresses to between 1,000 and 5,000 bytes.
    fn listing() -> Result<Reply, RequestError> {
        daap_proto::reply::content_codes(&daap_model::Model::new("Share").snapshot())
    }

    fn short() -> Result<Reply, RequestError> {
        Ok(daap_proto::reply::login(7))
    }

    fn unzip(packed: &Packed) -> Vec<u8> {
        assert!(packed.gzipped);
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&packed.bytes[..]).read_to_end(&mut plain).unwrap();
        plain
    }

    #[tokio::test]
    async fn a_listing_is_made_once_for_all_who_ask() {
        let compressor = compressor(1 << 20, 1 << 20);
        let made = Arc::new(AtomicUsize::new(0));
        let ask = || {
            let made = Arc::clone(&made);
            compressor.pack(key("a", 2), move || {
                made.fetch_add(1, Ordering::Relaxed);
                listing()
            })
        };
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        let one = one.unwrap();
        assert_eq!(unzip(&one), listing().unwrap().into_bytes());
        assert_eq!((two.unwrap(), three.unwrap()), (one.clone(), one.clone()));
        assert_eq!(ask().await.unwrap(), one);
        assert_eq!(made.load(Ordering::Relaxed), 1);
        assert_eq!(compressor.kept(&key("a", 2)), Some(one));
        assert_eq!(compressor.kept(&key("a", 3)), None);
    }

    #[tokio::test]
    async fn a_short_listing_is_left_as_it_is() {
        let compressor = compressor(1 << 20, 1 << 20);
        let packed = compressor.pack(key("a", 2), short).await.unwrap();
        assert_eq!(packed.bytes, short().unwrap().into_bytes());
        assert!(!packed.gzipped);
    }

    #[tokio::test]
    async fn a_listing_that_is_not_there_is_an_error_each_time() {
        let compressor = compressor(1 << 20, 1 << 20);
        let missing = || Err(RequestError::NotFound { what: "database", id: 9 });
        for _ in 0..2 {
            let error = compressor.pack(key("a", 2), missing).await.unwrap_err();
            assert!(matches!(error, PackError::Request(RequestError::NotFound { .. })));
        }
        assert!(compressor.kept_now().entries.is_empty());
    }

    #[tokio::test]
    async fn the_budget_keeps_what_was_used_last() {
        let compressor = compressor(LEAST * 5 / 2, 1 << 20);
        for request in ["a", "b"] {
            compressor.pack(key(request, 2), listing).await.unwrap();
        }
        assert!(compressor.kept(&key("a", 2)).is_some());
        compressor.pack(key("c", 2), listing).await.unwrap();
        assert!(compressor.kept(&key("a", 2)).is_some());
        assert!(compressor.kept(&key("b", 2)).is_none());
        assert_eq!(compressor.kept_now().bytes, LEAST * 2);
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_listing_that_nobody_waits_for() {
        let compressor = compressor(1 << 20, 1 << 20);
        let _all_slots = compressor.slots.acquire_many(2).await.unwrap();
        for request in ["a", "b"] {
            let asked = compressor.pack(key(request, 2), listing);
            assert!(futures_util::FutureExt::now_or_never(asked).is_none());
        }
        assert!(compressor.kept_now().entries.is_empty());
    }

    #[tokio::test]
    async fn a_listing_that_was_given_up_keeps_its_slot_until_it_is_made() {
        let compressor = Compressor::new(&Limits::default(), Arc::new(Semaphore::new(1)));
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (finish, may_finish) = std::sync::mpsc::channel();
        let slow = compressor.pack(key("slow", 2), move || {
            begun.send(()).unwrap();
            may_finish.recv().unwrap();
            listing()
        });
        tokio::select! {
            _ = slow => panic!("it waits for a word"),
            begun = has_begun => begun.unwrap(),
        }
        assert_eq!(compressor.slots.available_permits(), 0);
        let next = compressor.pack(key("next", 2), listing);
        finish.send(()).unwrap();
        assert!(next.await.is_ok());
    }

    #[tokio::test]
    async fn a_new_revision_lets_go_of_the_old() {
        let compressor = compressor(1 << 20, 1 << 20);
        let old = compressor.pack(key("a", 2), listing).await.unwrap().bytes.len();
        compressor.pack(key("a", 3), listing).await.unwrap();
        assert_eq!(compressor.kept(&key("a", 2)), None);
        assert!(compressor.kept(&key("a", 3)).is_some());
        assert_eq!(compressor.alive.load(Ordering::Relaxed), old);
    }

    #[tokio::test]
    async fn what_is_alive_is_counted_until_it_is_sent() {
        let compressor = compressor(0, 1_000);
        let held = compressor.pack(key("a", 2), listing).await.unwrap();
        assert!(!compressor.has_room());
        drop(held);
        assert!(compressor.has_room());
    }
}
