//! A long listing that is made once for all who ask for the same, and is sent to each while it is being made.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use daap_proto::Reply;
use tokio::sync::watch;

use crate::body::Body;

/// A listing whose bytes are shared. Clones are the same listing.
#[derive(Clone, Debug)]
pub(crate) struct List {
    length: usize,
    gzipped: bool,
    made: watch::Receiver<Made>,
}

/// What there is of a listing. It only ever grows.
#[derive(Debug)]
struct Made {
    pieces: Vec<Bytes>,
    /// Counts the listing as alive until the last one who has it is done.
    _alive: Alive,
}

/// Makes a listing for those who have it.
#[derive(Debug)]
pub(crate) struct Maker(watch::Sender<Made>);

impl List {
    /// A compressed listing, made already.
    pub(crate) fn gzipped(bytes: Bytes, alive: &Arc<AtomicUsize>) -> Self {
        let length = bytes.len();
        let made = Made { pieces: vec![bytes], _alive: Alive::new(length, alive) };
        Self { length, gzipped: true, made: watch::channel(made).1 }
    }

    /// A listing of this length, and who is to make it.
    pub(crate) fn begin(length: usize, alive: &Arc<AtomicUsize>) -> (Self, Maker) {
        let made = Made { pieces: Vec::new(), _alive: Alive::new(length, alive) };
        let (maker, made) = watch::channel(made);
        (Self { length, gzipped: false, made }, Maker(maker))
    }

    /// How many bytes it has when it is made, which is about the memory it takes.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn is_gzipped(&self) -> bool {
        self.gzipped
    }

    /// All of it. It waits for what is still being made, and fails if nobody makes it any more.
    pub(crate) fn body(self) -> Body {
        let pieces = futures_util::stream::try_unfold((self.made, 0), async |(mut made, at)| {
            let piece = {
                let made = made.wait_for(|made| made.pieces.len() > at).await;
                made.map_err(io::Error::other)?.pieces[at].clone()
            };
            Ok(Some((piece, (made, at + 1))))
        });
        Body::stream(Box::pin(pieces), Some(self.length as u64))
    }
}

impl Maker {
    /// Makes it, as long as somebody has it.
    pub(crate) fn make(self, reply: Reply) {
        for piece in reply {
            if self.0.is_closed() {
                return;
            }
            self.0.send_modify(|made| made.pieces.push(piece));
        }
    }
}

/// Bytes that count as alive until this is dropped.
#[derive(Debug)]
struct Alive {
    bytes: usize,
    all: Arc<AtomicUsize>,
}

impl Alive {
    fn new(bytes: usize, all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(bytes, Ordering::Relaxed);
        Self { bytes, all: Arc::clone(all) }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    fn reply() -> Reply {
        daap_proto::reply::content_codes(&daap_model::Model::new("Share").snapshot()).unwrap()
    }

    fn begin() -> (List, Maker, Arc<AtomicUsize>) {
        let alive = Arc::new(AtomicUsize::new(0));
        let length = usize::try_from(reply().length()).unwrap();
        let (list, maker) = List::begin(length, &alive);
        (list, maker, alive)
    }

    async fn read(list: List) -> io::Result<Bytes> {
        list.body().collect().await.map(http_body_util::Collected::to_bytes)
    }

    #[tokio::test]
    async fn who_comes_before_it_is_made_waits_and_who_comes_after_does_not() {
        let (list, maker, _) = begin();
        let mut early = list.clone().body();
        assert!(early.frame().now_or_never().is_none());
        maker.make(reply());
        assert_eq!(early.collect().await.unwrap().to_bytes(), reply().into_bytes());
        assert_eq!(read(list).now_or_never().unwrap().unwrap(), reply().into_bytes());
    }

    #[tokio::test]
    async fn a_listing_that_nobody_makes_any_more_breaks_off() {
        let (list, maker, _) = begin();
        drop(maker);
        assert_eq!(read(list).await.unwrap_err().kind(), io::ErrorKind::Other);
    }

    #[test]
    fn nothing_is_made_for_nobody() {
        let (list, maker, alive) = begin();
        assert_eq!(alive.load(Ordering::Relaxed), list.length());
        drop(list);
        assert!(maker.0.is_closed());
        maker.make(reply());
        assert_eq!(alive.load(Ordering::Relaxed), 0);
    }
}
