//! Bugs and bad luck in an author's code, and clients that behave badly: each costs one answer at most.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use daap_server::gate::{Asks, Decision, Gate, Visitor};
use daap_server::{Builder, Limits};
use futures_util::{Stream, StreamExt, stream};
use library::{Body, ByteStream, Content, OpenError, Ranged, SourceError};
use tokio::sync::Notify;

use crate::author::{Author, Running, SONG};

/// Longer than anything here takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a test waits for what never comes.
const SOON: Duration = Duration::from_millis(50);

/// What the system may hold of a stream that nobody reads, and we: the buffers of two sockets, and a few pieces.
const BUFFERED: usize = 64 << 20;

const PIECE: usize = 64 << 10;

async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes about");
}

fn hasty(server: Builder) -> Builder {
    let mut limits = Limits::default();
    (limits.answer, limits.stall, limits.farewell) = (SOON, SOON, SOON);
    server.limits(limits)
}

/// The status with which the song is answered.
async fn status(author: Author) -> u16 {
    let server = Running::start(author, hasty).await;
    let answer = server.get(SONG).await;
    assert!(answer.complete);
    assert_eq!(server.get("/server-info").await.status, 200, "the server goes on");
    server.stop().await;
    answer.status
}

/// Plays a song that begins well and goes on with `rest` once its beginning is read. Whatever that does, the
/// client is to see that this is not the whole song.
async fn check_broken_off(rest: impl Fn() -> ByteStream + Copy + Send + Sync + 'static) {
    for (length, beginning) in [(Some(100), "one "), (None, "4\r\none \r\n")] {
        let read = Arc::new(Notify::new());
        let is_read = Arc::clone(&read);
        let author = Author::streaming(length, move || {
            let is_read = Arc::clone(&is_read);
            let rest = stream::once(async move { is_read.notified().await })
                .map(move |()| rest())
                .flatten();
            Box::pin(stream::iter([Ok(Bytes::from("one "))]).chain(rest))
        });
        let server = Running::start(author, hasty).await;
        let mut client = server.connect().await;
        client.ask("GET", SONG, &[]).await.unwrap();
        assert_eq!(client.head().await.unwrap().status, 200);
        assert_eq!(client.read(beginning.len()).await.unwrap(), beginning.as_bytes());
        read.notify_one();
        assert_eq!(client.closed().await.unwrap_or_default(), b"", "neither bytes nor an end");
        assert_eq!(server.get("/server-info").await.status, 200, "the server goes on");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_share_that_panics_is_answered_500() {
    let panics = Author::opening(|| async { panic!("a bug that a test has put here") });
    assert_eq!(status(panics).await, 500);
    let server = Running::start(Author::new(), hasty).await;
    let artwork = server.get("/databases/1/items/1/extra_data/artwork").await;
    assert_eq!(artwork.status, 500, "in the call itself");
}

#[tokio::test]
async fn a_share_that_never_answers_is_answered_504() {
    assert_eq!(status(Author::opening(std::future::pending)).await, 504);
}

#[tokio::test]
async fn an_error_of_a_share_has_its_status() {
    let error = |error: fn() -> SourceError| {
        Author::opening(move || std::future::ready(Err(OpenError::Source(error()))))
    };
    assert_eq!(status(error(|| SourceError::not_there("jet"))).await, 404);
    assert_eq!(status(error(|| SourceError::not_allowed("jet"))).await, 403);
    assert_eq!(status(error(|| SourceError::Busy)).await, 503);
    assert_eq!(status(error(|| SourceError::away("jet", "it broke"))).await, 503);
    assert_eq!(status(error(|| SourceError::failed("jet", "it broke"))).await, 500);
}

#[tokio::test]
async fn a_stream_that_fails_half_way_is_broken_off() {
    let tape_tore = || Err(std::io::Error::other("the tape tore"));
    check_broken_off(move || Box::pin(stream::iter([tape_tore()]))).await;
}

#[tokio::test]
async fn a_stream_that_panics_is_broken_off() {
    check_broken_off(|| Box::pin(stream::poll_fn(|_| panic!("a bug that a test has put here"))))
        .await;
}

#[tokio::test]
async fn a_stream_that_stalls_is_broken_off() {
    check_broken_off(|| Box::pin(stream::pending())).await;
    check_broken_off(|| Box::pin(stream::repeat_with(|| Ok(Bytes::new())))).await;
}

#[tokio::test]
async fn limits_may_be_as_large_as_their_types_allow() {
    let mut limits = Limits::default();
    (limits.sessions_idle, limits.sessions_idle_when_full) = (Duration::MAX, Duration::MAX);
    (limits.answer, limits.stall, limits.farewell) = (Duration::MAX, Duration::MAX, Duration::MAX);
    (limits.head, limits.keep_alive) = (Duration::MAX, Duration::MAX);
    (limits.wrong_passwords, limits.wrong_password_pause) = (u32::MAX, Duration::MAX);
    (limits.listings_at_once, limits.reads_at_once) = (usize::MAX, usize::MAX);
    let halting = || {
        let pieces = stream::iter([Ok(Bytes::from("one ")), Ok(Bytes::from("two"))]);
        let halting = pieces.then(|piece| async {
            tokio::task::yield_now().await;
            piece
        });
        Box::pin(halting) as ByteStream
    };
    let set = |server: Builder| server.limits(limits).password("sesame");
    let server = Running::start(Author::streaming(Some(7), halting), set).await;
    // "none:wrong" and "none:sesame".
    for (credential, status) in [("bm9uZTp3cm9uZw==", 401), ("bm9uZTpzZXNhbWU=", 200)] {
        let header = ("Authorization", &*format!("Basic {credential}"));
        let mut client = server.connect().await;
        for _ in 0..2 {
            assert_eq!(client.get_with(SONG, &[header]).await.unwrap().status, status);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn ranges_that_panic_are_answered_500() {
    struct Buggy;
    impl Ranged for Buggy {
        fn read(self: Box<Self>, _: u64, _: u64) -> ByteStream {
            panic!("a bug that a test has put here")
        }
    }
    let opens = || {
        let content = Content { length: Some(100), body: Body::Ranged(Box::new(Buggy)) };
        std::future::ready(Ok(content))
    };
    assert_eq!(status(Author::opening(opens)).await, 500);
}

/// A song without end, that counts what is asked of it; gone when nobody holds `life` with the test.
struct Endless {
    asked: Arc<AtomicUsize>,
    _life: Arc<()>,
}

impl Stream for Endless {
    type Item = std::io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.asked.fetch_add(PIECE, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Bytes::from_static(&[0; PIECE]))))
    }
}

#[tokio::test]
async fn a_slow_reader_costs_little_and_nobody_else_waits_for_it() {
    let (asked, life) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
    let (counted, held) = (Arc::clone(&asked), Arc::clone(&life));
    let author = Author::streaming(None, move || {
        Box::pin(Endless { asked: Arc::clone(&counted), _life: Arc::clone(&held) })
    });
    let server = Running::start(author, hasty).await;
    let mut slow = server.connect().await;
    slow.ask("GET", SONG, &[]).await.unwrap();
    slow.head().await.unwrap();
    slow.read(10).await.unwrap();
    let mut other = server.connect().await;
    for _ in 0..500 {
        assert_eq!(other.get("/server-info").await.unwrap().status, 200);
        let asked = asked.load(Ordering::Relaxed);
        assert!(asked < BUFFERED, "{asked} bytes were made for one who reads 10");
    }
    // It is not the stream that stalls, so it is not broken off.
    let seen = asked.load(Ordering::Relaxed);
    slow.read(BUFFERED).await.unwrap();
    assert!(asked.load(Ordering::Relaxed) > seen, "it goes on when the reader does");
    tokio::time::timeout(PATIENCE, server.stop()).await.expect("it stops all the same");
    assert_eq!(Arc::strong_count(&life), 1, "nothing of the share is left");
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_stream_along() {
    let life = Arc::new(());
    let held = Arc::clone(&life);
    let author = Author::streaming(Some(1_000), move || {
        let held = Arc::clone(&held);
        let waits = stream::poll_fn(move |_| {
            let _held = &held;
            Poll::Pending
        });
        Box::pin(stream::iter([Ok(Bytes::from("one "))]).chain(waits))
    });
    let server = Running::start(author, |server| server).await;
    let mut client = server.connect().await;
    client.ask("GET", SONG, &[]).await.unwrap();
    client.head().await.unwrap();
    client.read(4).await.unwrap();
    assert_eq!(Arc::strong_count(&life), 3);
    drop(client);
    until(|| Arc::strong_count(&life) == 2).await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_takes_the_work_along() {
    let life = Arc::new(());
    let held = Arc::clone(&life);
    let author = Author::opening(move || {
        let held = Arc::clone(&held);
        async move {
            let _held = held;
            std::future::pending().await
        }
    });
    let server = Running::start(author, |server| server).await;
    let mut client = server.connect().await;
    client.ask("GET", SONG, &[]).await.unwrap();
    until(|| Arc::strong_count(&life) == 3).await;
    drop(client);
    until(|| Arc::strong_count(&life) == 2).await;
}

/// A gate with a bug: it panics about some, and never decides about others.
struct Buggy;

impl Gate for Buggy {
    fn asks(&self) -> Asks {
        Asks::NameAndPassword
    }

    async fn admit(&self, visitor: &Visitor) -> Decision {
        match visitor.agent.as_str() {
            "panic" => panic!("a bug that a test has put here"),
            "never" => std::future::pending().await,
            _ => Decision::AdmitAs("ada".into()),
        }
    }
}

#[tokio::test]
async fn a_gate_with_a_bug_lets_nobody_in_and_stops_nobody_else() {
    let server = Running::start(Author::new(), |server| hasty(server).gate(Buggy)).await;
    let mut client = server.connect().await;
    for (agent, status) in [("panic", 500), ("never", 504), ("iTunes", 200)] {
        let answer = client.get_with("/login", &[("User-Agent", agent)]).await.unwrap();
        assert_eq!(answer.status, status, "{agent}");
    }
    let sessions = server.handle.sessions();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].user.as_deref(), Some("ada"));
}
