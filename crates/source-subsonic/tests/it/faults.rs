//! Servers that are down, break off, or answer nonsense.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use testkit::server::{Reply, Server};
use testkit::subsonic::{Subsonic, ok};

use crate::common::*;

/// A server whose n-th answer, and those after it, are this until there were so many of them; then it behaves.
async fn troubled(songs: u32, from: usize, count: usize, fault: fn() -> Reply) -> Server {
    let asked = AtomicUsize::new(0);
    let subsonic = Subsonic::new(songs);
    serve_but(&subsonic, move |_| {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        (from..from + count).contains(&number).then(fault)
    })
    .await
}

/// That a fault is said so, and that when it has passed it is as if nothing had been.
async fn check(fault: fn() -> Reply, expected: &str) {
    let server = troubled(1_200, 4, usize::MAX / 2, fault).await;
    let problem = follow(config(&server)).problem().await;
    assert!(problem.contains(expected), "{problem}");
    let server = troubled(1_200, 4, 5, fault).await;
    let mut ear = follow(config(&server));
    while ear.songs() < 1_200 {
        ear.settled().await;
    }
}

#[tokio::test]
async fn whatever_a_server_answers_it_is_said_and_asked_again() {
    let page =
        || Reply::new("<!DOCTYPE html><title>Log in</title>").with("Content-Type", "text/html");
    check(page, "a web page answers").await;
    check(|| Reply::status(502), "the status 502").await;
    check(|| Reply::new("{\"subsonic-response\": []}"), "nonsense").await;
    check(|| Reply::new("{}"), "nonsense").await;
    check(|| Reply::new("[".repeat(100_000)), "nonsense").await;
    check(|| Reply::new("{\"subsonic-response\": {}}"), "nonsense").await;
    check(|| Reply::new("{\"subsonic-respon").announcing(500), "cannot be reached").await;
    check(|| Reply::raw(""), "cannot be reached").await;
    check(|| Reply::raw("nonsense\r\n\r\n"), "cannot be reached").await;
}

#[tokio::test]
async fn a_pass_that_breaks_off_goes_on_where_it_was() {
    let asked = Arc::new(AtomicUsize::new(0));
    let subsonic = Subsonic::new(10_000);
    let server = serve_but(&subsonic, move |request| {
        let is_page = request.parameter("songOffset") == Some("8000");
        (is_page && asked.fetch_add(1, Ordering::Relaxed) < 3).then(|| Reply::raw(""))
    })
    .await;
    let mut ear = follow(config(&server));
    ear.settled().await;
    assert_eq!(ear.songs(), 10_000);
    let pages = server.asked_for("/rest/search3.view");
    let first = pages.iter().filter(|page| page.parameter("songOffset") == Some("0"));
    assert_eq!(first.count(), 1);
}

#[tokio::test]
async fn a_server_that_dies_while_it_is_looked_through_loses_nothing() {
    let subsonic = Subsonic::new(10_000);
    let server = serve_but(&subsonic, |request| {
        (request.parameter("songOffset") == Some("8000")).then(Reply::silence)
    })
    .await;
    let (address, mut config) = (server.address(), config(&server));
    config.retry = Duration::from_millis(100);
    let mut ear = follow(config);
    while ear.songs() < 8_000 {
        ear.hear_one().await;
    }
    server.stop().await;
    let problem = ear.problem().await;
    assert!(problem.contains("cannot be reached"), "{problem}");
    assert_eq!(ear.songs(), 8_000);
    let server = Server::start_at(address, subsonic.answer()).await;
    let told = ear.settled().await;
    assert_eq!(ear.songs(), 10_000);
    assert!(!words(&told).iter().any(|word| word.contains("gone")));
    let pages = server.asked_for("/rest/search3.view");
    let first = pages.iter().filter_map(|page| page.parameter("songOffset")?.parse().ok()).min();
    assert_eq!(first, Some(8_000), "it goes on where it was");
}

#[tokio::test]
async fn a_server_that_answers_bit_by_bit_without_end_is_given_up() {
    let subsonic = Subsonic::new(3);
    let server = serve_but(&subsonic, |request| {
        let endless = || Reply::made(std::iter::repeat(vec![b' '])).dripping(LONG / 2);
        request.path().ends_with("search3.view").then(endless)
    })
    .await;
    let mut ear = follow(config(&server));
    while server.asked_for("/rest/search3.view").is_empty() {
        ear.hear_for(Duration::from_millis(10)).await;
    }
    // From here on time passes as fast as nothing happens.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    while ear.source.watch().borrow().trouble.is_none() {
        ear.hear_for(Duration::from_secs(1)).await;
    }
    assert!(begun.elapsed() > LONG && begun.elapsed() < 10 * LONG, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn songs_of_a_server_that_was_never_reached_are_away_and_come_back() {
    let server = Server::start(Subsonic::new(3).answer()).await;
    let (config, address) = (config(&server), server.address());
    let mut ear = follow(config.clone());
    ear.settled().await;
    let known = ear.stop().await;
    server.stop().await;

    let mut ear = go_on(config, known);
    assert_eq!(words(&ear.settled().await), ["3 are away"]);
    let problem = ear.problem().await;
    assert!(problem.contains("cannot be reached"), "{problem}");
    let _server = Server::start_at(address, Subsonic::new(3).answer()).await;
    assert_eq!(words(&ear.settled().await), ["3 are back"]);
}

#[tokio::test]
async fn a_server_that_lists_nothing_where_it_had_songs_loses_none() {
    let subsonic = Subsonic::new(30);
    let server = Server::start(subsonic.answer()).await;
    let mut ear = follow(config(&server));
    ear.settled().await;
    let songs = std::sync::Mutex::new(Default::default());
    subsonic.scan(|music| *songs.lock().unwrap() = std::mem::take(&mut music.songs));
    ear.source.look();
    let problem = ear.problem().await;
    assert!(problem.contains("lists no songs any more"), "{problem}");
    subsonic.scan(|music| music.songs = songs.into_inner().unwrap());
    ear.settled().await;
    assert_eq!(ear.songs(), 30);
}

#[tokio::test]
async fn songs_that_are_listed_twice_are_told_once() {
    let subsonic = Subsonic::new(0);
    let server = serve_but(&subsonic, |asked| {
        let twice =
            serde_json::json!([{"id": 1, "title": "Jet"}, {"id": "1", "title": "Jet"}, {"id": ""}]);
        let is_page = asked.path().ends_with("search3.view");
        // It does not count, either.
        is_page.then(|| ok(serde_json::json!({"searchResult3": {"song": twice}})))
    })
    .await;
    let mut ear = follow(config(&server));
    assert_eq!(words(&ear.settled().await), ["1: Jet"]);
}

#[tokio::test]
async fn a_server_that_is_looking_for_files_is_looked_at_again() {
    let subsonic = Subsonic::new(30);
    subsonic.scan(|music| music.scanning = true);
    let server = Server::start(subsonic.answer()).await;
    let mut config = config(&server);
    config.every = Duration::from_millis(10);
    let mut ear = follow(config);
    ear.settled().await;
    assert_eq!(ear.songs(), 30);
    subsonic.edit(|music| drop(music.songs.remove(&7)));
    while ear.songs() == 30 {
        ear.settled().await;
    }
}
