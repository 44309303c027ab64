//! Long listings, plain and compressed: made once for all who ask for the same, and kept under a budget.
//!
//! A compressed listing has to be whole before its first byte is sent, as clients want its length
//! (Banshee reads a reply without one as nothing). A plain one is sent while it is being made; it is kept because
//! making one takes longer than sending it. Both cost memory, which is bounded: what is kept for the next asker,
//! and what is alive in all; beyond that each asker has a plain listing made for itself, piece by piece.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use daap_model::Revision;
use daap_proto::{Reply, RequestError};
use tokio::sync::{OnceCell, Semaphore, oneshot};
use tokio::time::Instant;

use crate::Limits;
use crate::compress;
use crate::limits::{GZIP_FROM, SHARED_FROM};
use crate::list::{List, Maker};

/// What a kept listing counts against the budget at least, so that there are never more than a few
/// thousand: each has a cost beside its bytes, and all are looked through to find the one to forget.
const LEAST: usize = 16 << 10;

/// A kept listing that nobody asks for any more gives its memory back after so long.
const UNUSED: Duration = Duration::from_secs(10 * 60);

/// What a listing is a listing of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The request, without what differs between askers who get the same bytes.
    pub(crate) request: String,
    /// The state of the library.
    pub(crate) revision: Revision,
    pub(crate) gzip: bool,
}

/// Why there is no listing to share.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unshared {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("a listing could not be made: {0}")]
    Broken(#[from] io::Error),
    /// It is short, or there is no room for it; it is for one asker alone.
    #[error("a listing is not to be shared")]
    Alone(Reply),
}

/// The listings that are shared.
#[derive(Debug)]
pub(crate) struct Lists {
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
}

#[derive(Debug)]
struct Entry {
    list: Arc<OnceCell<List>>,
    /// What it counts against the budget, once it has begun to be made.
    bytes: usize,
    used: Instant,
}

impl Lists {
    /// `slots` bounds how many listings are made at once.
    pub(crate) fn new(limits: &Limits, slots: Arc<Semaphore>) -> Self {
        Self {
            keep: limits.lists_kept,
            alive_at_most: limits.lists_alive,
            alive: Arc::default(),
            slots,
            kept: Mutex::default(),
        }
    }

    /// The listing, if it is there or being made.
    pub(crate) fn find(&self, key: &Key) -> Option<List> {
        let mut kept = self.kept();
        let entry = kept.entries.get_mut(key)?;
        entry.used = Instant::now();
        entry.list.get().cloned()
    }

    /// The listing, begun now unless it is there or somebody else is at it.
    pub(crate) async fn find_or_make(
        &self,
        key: Key,
        reply: impl FnOnce() -> Result<Reply, RequestError> + Send + 'static,
    ) -> Result<List, Unshared> {
        let begun = self.begin(key);
        let list = begun.list.get_or_try_init(|| self.make(begun.key.gzip, reply)).await?.clone();
        self.keep(&begun.key, list.length());
        Ok(list)
    }

    /// Lets go of what nobody has used for long.
    pub(crate) fn forget_unused(&self) {
        self.kept().retain(|_, entry| entry.used.elapsed() < UNUSED);
    }

    /// Begins to make a listing, when its turn comes.
    async fn make(
        &self,
        gzip: bool,
        reply: impl FnOnce() -> Result<Reply, RequestError> + Send + 'static,
    ) -> Result<List, Unshared> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(io::Error::other)?;
        let room = Room { at_most: self.alive_at_most, alive: Arc::clone(&self.alive) };
        let (begun, list) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            // The slot goes along: what all askers have given up may still be being made.
            let _slot = slot;
            let begin = |list| drop(begun.send(list));
            match reply() {
                Err(error) => begin(Err(error.into())),
                Ok(reply) if gzip => begin(room.gzip(reply)),
                Ok(reply) => match room.begin(&reply) {
                    None => begin(Err(Unshared::Alone(reply))),
                    Some((list, maker)) => {
                        begin(Ok(list));
                        maker.make(reply);
                    }
                },
            }
        });
        list.await.map_err(io::Error::other)?
    }

    fn begin(&self, key: Key) -> Begun<'_> {
        let used = Instant::now();
        let mut kept = self.kept();
        let new = || Entry { list: Arc::default(), bytes: 0, used };
        let entry = kept.entries.entry(key.clone()).or_insert_with(new);
        entry.used = used;
        Begun { lists: self, key, list: Arc::clone(&entry.list) }
    }

    /// Books a listing that is there, and lets go of what the budget has no room for.
    fn keep(&self, key: &Key, length: usize) {
        let mut kept = self.kept();
        let Some(entry) = kept.entries.get_mut(key) else { return };
        let length = (length + key.request.len()).max(LEAST);
        if length > self.keep {
            kept.entries.remove(key);
            return;
        }
        let before = std::mem::replace(&mut entry.bytes, length);
        kept.bytes = kept.bytes - before + length;
        // Nobody asks again for what was.
        kept.retain(|other, _| other.revision >= key.revision);
        while kept.bytes > self.keep && kept.forget_one() {}
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The memory that listings may take, being sent ones included.
struct Room {
    at_most: usize,
    alive: Arc<AtomicUsize>,
}

impl Room {
    fn has(&self, bytes: usize) -> bool {
        self.alive.load(Ordering::Relaxed).saturating_add(bytes) <= self.at_most
    }

    /// How many bytes compression leaves is not known before: what is compressed at the moment may go beyond.
    fn gzip(&self, reply: Reply) -> Result<List, Unshared> {
        if reply.length() <= GZIP_FROM || !self.has(1) {
            return Err(Unshared::Alone(reply));
        }
        Ok(List::gzipped(compress::gzip(reply)?, &self.alive))
    }

    fn begin(&self, reply: &Reply) -> Option<(List, Maker)> {
        let length = usize::try_from(reply.length()).ok()?;
        (length > SHARED_FROM && self.has(length)).then(|| List::begin(length, &self.alive))
    }
}

/// A listing that somebody waits for. If all who do so give up, its entry goes too.
struct Begun<'a> {
    lists: &'a Lists,
    key: Key,
    list: Arc<OnceCell<List>>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if self.list.initialized() {
            return;
        }
        let mut kept = self.lists.kept();
        // Two hold it: the table and this one, who gives up. Others only take hold under the lock.
        if Arc::strong_count(&self.list) <= 2 {
            kept.entries.remove(&self.key);
        }
    }
}

impl Kept {
    /// Forgets all others; those that are about to be made stay, as somebody waits for them.
    fn retain(&mut self, stays: impl Fn(&Key, &Entry) -> bool) {
        self.entries.retain(|key, entry| !entry.list.initialized() || stays(key, entry));
        self.bytes = self.entries.values().map(|entry| entry.bytes).sum();
    }

    /// Forgets the listing that was used longest ago.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    use bytes::Bytes;
    use daap_model::Track;
    use daap_proto::{ClientClass, Endpoint, Request};
    use futures_util::FutureExt;
    use http_body_util::BodyExt;
    use library::{Catalog, NewSong};

    fn lists(keep: usize, alive: usize) -> Lists {
        let limits = Limits { lists_kept: keep, lists_alive: alive, ..Limits::default() };
        Lists::new(&limits, Arc::new(Semaphore::new(2)))
    }

    fn zipped(request: &str, revision: u32) -> Key {
        Key { request: request.to_owned(), revision: Revision::new(revision), gzip: true }
    }

    fn plain(request: &str) -> Key {
        Key { gzip: false, ..zipped(request, 2) }
    }

    /// A reply that compresses to between 1,000 and 5,000 bytes.
    fn codes() -> Result<Reply, RequestError> {
        daap_proto::reply::content_codes(&daap_model::Model::new("Share").snapshot())
    }

    /// Makes replies of several pieces.
    fn songs() -> impl Fn() -> Result<Reply, RequestError> + Clone + Send + 'static {
        let catalog = Catalog::new("Share");
        let mut changes = catalog.changes();
        for n in 0..2000 {
            let track = Track { title: format!("{n:0100}").into(), ..Track::default() };
            changes.add_item(Catalog::MAIN, NewSong::new(track).bytes("sound"));
        }
        catalog.commit(changes).unwrap();
        let snapshot = catalog.snapshot();
        move || {
            let request = Request::parse("/databases/1/items?meta=dmap.itemname")?;
            let Endpoint::Items { database, listing } = request.endpoint else { unreachable!() };
            daap_proto::reply::items(&snapshot, database, &listing, ClientClass::default())
        }
    }

    async fn read(list: List) -> Bytes {
        list.body().collect().await.unwrap().to_bytes()
    }

    async fn unzip(list: List) -> Vec<u8> {
        assert!(list.is_gzipped());
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&read(list).await[..]).read_to_end(&mut plain).unwrap();
        plain
    }

    #[tokio::test]
    async fn a_listing_is_made_once_for_all_who_ask() {
        let (lists, songs) = (lists(1 << 20, 1 << 20), songs());
        for key in [zipped("a", 2), plain("a")] {
            let made = Arc::new(AtomicUsize::new(0));
            let ask = || {
                let (made, songs) = (Arc::clone(&made), songs.clone());
                lists.find_or_make(key.clone(), move || {
                    made.fetch_add(1, Ordering::Relaxed);
                    songs()
                })
            };
            let (one, two) = tokio::join!(ask(), ask());
            for list in
                [one.unwrap(), two.unwrap(), ask().await.unwrap(), lists.find(&key).unwrap()]
            {
                let bytes = if key.gzip { unzip(list).await.into() } else { read(list).await };
                assert!(bytes == songs().unwrap().into_bytes());
            }
            assert_eq!(made.load(Ordering::Relaxed), 1);
        }
        assert!(lists.find(&zipped("a", 3)).is_none());
    }

    #[tokio::test]
    async fn what_is_short_or_finds_no_room_is_for_one_asker_alone() {
        let songs = songs();
        for (lists, key) in
            [(lists(1 << 20, 0), zipped("a", 2)), (lists(1 << 20, 100_000), plain("a"))]
        {
            let alone = lists.find_or_make(key, songs.clone()).await.unwrap_err();
            let Unshared::Alone(reply) = alone else { panic!("{alone}") };
            assert!(reply.into_bytes() == songs().unwrap().into_bytes());
        }
        let lists = lists(1 << 20, 1 << 20);
        let alone = lists.find_or_make(plain("a"), codes).await.unwrap_err();
        assert!(matches!(alone, Unshared::Alone(_)));
        assert!(lists.kept().entries.is_empty());
    }

    #[tokio::test]
    async fn a_listing_that_is_not_there_is_an_error_each_time() {
        let lists = lists(1 << 20, 1 << 20);
        let missing = || Err(RequestError::NotFound { what: "database", id: 9 });
        for key in [zipped("a", 2), plain("a"), plain("a")] {
            let error = lists.find_or_make(key, missing).await.unwrap_err();
            assert!(matches!(error, Unshared::Request(RequestError::NotFound { .. })));
        }
        assert!(lists.kept().entries.is_empty());
    }

    #[tokio::test]
    async fn a_bug_in_the_making_is_an_error() {
        let lists = lists(1 << 20, 1 << 20);
        let error = lists.find_or_make(plain("a"), || panic!("a bug")).await.unwrap_err();
        assert!(matches!(error, Unshared::Broken(_)));
        assert!(lists.slots.acquire_many(2).await.is_ok(), "its slot is free again");
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_keeps_what_was_used_last() {
        let lists = lists(LEAST * 5 / 2, 1 << 20);
        let step = async || tokio::time::advance(Duration::from_millis(1)).await;
        for request in ["a", "b"] {
            lists.find_or_make(zipped(request, 2), codes).await.unwrap();
            step().await;
        }
        assert!(lists.find(&zipped("a", 2)).is_some());
        step().await;
        lists.find_or_make(zipped("c", 2), codes).await.unwrap();
        assert!(lists.find(&zipped("a", 2)).is_some());
        assert!(lists.find(&zipped("b", 2)).is_none());
        assert_eq!(lists.kept().bytes, LEAST * 2);
    }

    #[tokio::test]
    async fn a_listing_beyond_the_budget_costs_the_others_nothing() {
        let lists = lists(LEAST, 1 << 20);
        lists.find_or_make(zipped("a", 2), codes).await.unwrap();
        let songs = songs();
        let long = lists.find_or_make(plain("b"), songs.clone()).await.unwrap();
        assert!(read(long).await == songs().unwrap().into_bytes());
        assert!(lists.find(&plain("b")).is_none());
        assert!(lists.find(&zipped("a", 2)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_uses_is_forgotten() {
        let lists = lists(1 << 20, 1 << 20);
        for request in ["a", "b"] {
            lists.find_or_make(zipped(request, 2), codes).await.unwrap();
        }
        tokio::time::advance(UNUSED).await;
        assert!(lists.find(&zipped("b", 2)).is_some());
        lists.forget_unused();
        assert!(lists.find(&zipped("a", 2)).is_none());
        assert!(lists.find(&zipped("b", 2)).is_some());
        assert_eq!(lists.kept().bytes, LEAST);
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_listing_that_nobody_waits_for() {
        let lists = lists(1 << 20, 1 << 20);
        let _all_slots = lists.slots.acquire_many(2).await.unwrap();
        for request in ["a", "b"] {
            assert!(lists.find_or_make(zipped(request, 2), codes).now_or_never().is_none());
        }
        assert!(lists.kept().entries.is_empty());
    }

    #[tokio::test]
    async fn a_listing_that_was_given_up_keeps_its_slot_until_it_is_made() {
        let lists = Lists::new(&Limits::default(), Arc::new(Semaphore::new(1)));
        let (begun, has_begun) = oneshot::channel();
        let (finish, may_finish) = std::sync::mpsc::channel();
        let slow = lists.find_or_make(zipped("slow", 2), move || {
            begun.send(()).unwrap();
            may_finish.recv().unwrap();
            codes()
        });
        tokio::select! {
            _ = slow => panic!("it waits for a word"),
            begun = has_begun => begun.unwrap(),
        }
        assert_eq!(lists.slots.available_permits(), 0);
        let next = lists.find_or_make(zipped("next", 2), codes);
        finish.send(()).unwrap();
        assert!(next.await.is_ok());
    }

    #[tokio::test]
    async fn a_new_revision_lets_go_of_the_old() {
        let lists = lists(1 << 20, 1 << 20);
        let old = lists.find_or_make(zipped("a", 2), codes).await.unwrap();
        lists.find_or_make(zipped("a", 3), codes).await.unwrap();
        assert!(lists.find(&zipped("a", 2)).is_none());
        assert!(lists.find(&zipped("a", 3)).is_some());
        let alive = || lists.alive.load(Ordering::Relaxed);
        assert_eq!(alive(), 2 * old.length(), "the old one is alive until it is sent");
        let length = old.length();
        drop(old);
        assert_eq!(alive(), length);
    }
}
