//! How the server ends.

use std::time::Duration;

use daap_server::Limits;
use testkit::http::Connection;

use crate::share::{Share, Shelf, pattern, track};

#[tokio::test]
async fn an_idle_server_stops_at_once() {
    let mut share = Share::start().await;
    let mut idle = share.connect().await;
    assert_eq!(idle.get("/server-info").await.unwrap().status, 200);
    share.stop();
    share.stopped().await;
    assert!(idle.closed().await.unwrap_or_default().is_empty());
    assert!(Connection::open(share.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn held_polls_are_answered_503() {
    let mut share = Share::start().await;
    let session = share.login().await;
    let now = share.revision(session).await;
    let mut poll = share.connect().await;
    let target = format!("/update?session-id={session}&revision-number={now}");
    poll.ask("GET", &target, &[]).await.unwrap();
    while !share.get("/metrics").await.text().contains("dapple_held_polls 1\n") {
        tokio::task::yield_now().await;
    }
    share.stop();
    assert_eq!(poll.answer().await.unwrap().status, 503);
    share.stopped().await;
}

#[tokio::test]
async fn polls_are_answered_503_when_the_library_ends_first() {
    let share = Share::start().await;
    let session = share.login().await;
    let now = share.revision(session).await;
    let mut poll = share.connect().await;
    let target = format!("/update?session-id={session}&revision-number={now}");
    poll.ask("GET", &target, &[]).await.unwrap();
    share.library.shutdown().await;
    assert_eq!(poll.answer().await.unwrap().status, 503);
}

#[tokio::test]
async fn a_stream_that_is_read_goes_on_to_its_end() {
    let songs = Shelf::default();
    let bytes = pattern(16_000_000);
    songs.put("long", track("Long", "A", "B"), bytes.clone());
    let mut share = Share::start_from(songs, |server| server).await;
    let target = format!("/databases/1/items/{}.mp3", share.item("Long").await);
    let mut player = share.connect().await;
    player.ask("GET", &target, &[]).await.unwrap();
    player.head().await.unwrap();
    share.stop();
    assert!(player.read(bytes.len()).await.unwrap() == bytes);
    share.stopped().await;
}

#[tokio::test]
async fn a_stream_that_is_not_read_is_cut_when_its_time_is_up() {
    let songs = Shelf::default();
    songs.put("long", track("Long", "A", "B"), pattern(16_000_000));
    let mut limits = Limits::default();
    limits.farewell = Duration::from_millis(100);
    let mut share = Share::start_from(songs, |server| server.limits(limits)).await;
    let target = format!("/databases/1/items/{}.mp3", share.item("Long").await);
    let mut player = share.connect().await;
    player.ask("GET", &target, &[]).await.unwrap();
    player.head().await.unwrap();
    share.stop();
    tokio::time::timeout(Duration::from_secs(60), share.stopped()).await.expect("it stops");
}
