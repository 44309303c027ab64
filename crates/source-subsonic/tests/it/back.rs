//! What listeners do, written to the server.

use std::time::Duration;

use daap_model::{DatabaseId, Timestamp};
use library::{Authority, Change, Library, Source, SourceKey, Use};
use source_subsonic::{SubsonicConfig, SubsonicSource};
use testkit::server::{Asked, Reply, Server};
use testkit::subsonic::{Subsonic, refused};

use crate::common::*;

fn key(id: &str) -> SourceKey {
    id.into()
}

fn writing(server: &Server) -> SubsonicConfig {
    let mut config = config(server);
    config.writes = true;
    config
}

/// Waits until so much is still to be written.
async fn unsent(source: &SubsonicSource, count: usize) {
    let mut connection = source.watch();
    let unsent = connection.wait_for(|now| now.unsent == count);
    tokio::time::timeout(LONG, unsent).await.expect("in time").unwrap();
}

/// What a request writes, in words; nothing if it only asks.
fn written(asked: &Asked) -> Option<String> {
    let method = asked.path().trim_start_matches("/rest/").trim_end_matches(".view");
    let values = ["id", "submission", "time", "rating"].map(|name| asked.parameter(name));
    let is_write = matches!(method, "scrobble" | "setRating" | "star" | "unstar");
    let words: Vec<_> = [Some(method)].into_iter().chain(values).flatten().collect();
    is_write.then(|| words.join(" "))
}

fn all_written(server: &Server) -> Vec<String> {
    server.asked().iter().filter_map(written).collect()
}

#[tokio::test]
async fn plays_ratings_and_stars_are_written() {
    let subsonic = Subsonic::new(3);
    let server = Server::start(subsonic.answer()).await;
    let mut ear = follow(writing(&server));
    ear.settled().await;
    ear.source.used(key("so-2"), Use::Started);
    ear.source.used(key("so-1"), Use::Played(Timestamp(1_700_000_000)));
    for rating in [0, 1, 20, 80, 100] {
        ear.source.used(key("so-1"), Use::Rated(rating));
        unsent(&ear.source, 0).await;
    }
    ear.source.used(key("so-1"), Use::Skipped(Timestamp(1_700_000_000)));
    ear.source.used(key("so-0"), Use::Starred(true));
    ear.source.used(key("so-1"), Use::Starred(true));
    unsent(&ear.source, 0).await;
    ear.source.used(key("so-0"), Use::Starred(false));
    unsent(&ear.source, 0).await;
    let expected = [
        "scrobble so-2 false",
        "scrobble so-1 true 1700000000000",
        "setRating so-1 0",
        "setRating so-1 1",
        "setRating so-1 1",
        "setRating so-1 4",
        "setRating so-1 5",
        "star so-0",
        "star so-1",
        "unstar so-0",
    ];
    assert_eq!(all_written(&server), expected);
    assert_eq!(
        words(&ear.look().await),
        ["so-0: Song 0", "so-1: Song 1", "so-1: played 1, rated 100", "Starred: so-1"],
        "what the server has made of it"
    );
    assert_eq!(words(&ear.look().await), [""; 0]);
}

#[tokio::test]
async fn nothing_is_written_where_that_is_not_wanted() {
    let server = Server::start(Subsonic::new(3).answer()).await;
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox.json");
    std::fs::write(&outbox, r#"[{"song": "so-2", "rated": 80}]"#).unwrap();
    let mut config = config(&server);
    config.outbox = Some(outbox.clone());
    let mut ear = follow(config);
    ear.source.used(key("so-1"), Use::Rated(80));
    ear.settled().await;
    assert_eq!(ear.source.watch().borrow().unsent, 0);
    assert_eq!(all_written(&server), [""; 0]);
    assert!(outbox.exists(), "what was left waits until it is wanted again");
}

#[tokio::test]
async fn what_a_server_that_is_down_was_not_told_it_is_told_after_a_restart() {
    let subsonic = Subsonic::new(3);
    let server = Server::start(subsonic.answer()).await;
    let folder = tempfile::tempdir().unwrap();
    let (address, mut config) = (server.address(), writing(&server));
    config.outbox = Some(folder.path().join("outbox.json"));
    server.stop().await;
    let mut ear = follow(config.clone());
    ear.problem().await;
    ear.source.used(key("so-1"), Use::Rated(80));
    ear.source.used(key("so-1"), Use::Played(Timestamp(1_700_000_000)));
    while !std::fs::read_to_string(folder.path().join("outbox.json"))
        .is_ok_and(|text| text.contains("played"))
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let known = ear.stop().await;

    let mut ear = go_on(config, known);
    ear.problem().await;
    assert_eq!(ear.source.watch().borrow().unsent, 2);
    let server = Server::start_at(address, subsonic.answer()).await;
    unsent(&ear.source, 0).await;
    assert_eq!(all_written(&server), ["setRating so-1 4", "scrobble so-1 true 1700000000000"]);
    while folder.path().join("outbox.json").exists() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_file_that_nobody_can_read_costs_what_was_in_it_and_no_more() {
    let server = Server::start(Subsonic::new(3).answer()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.json");
    for wrong in ["[{\"song\": ", "[[[", "[{\"song\": \"so-1\", \"rated\": 1000}]"] {
        std::fs::write(&path, wrong).unwrap();
        let mut config = writing(&server);
        config.outbox = Some(path.clone());
        let mut ear = follow(config);
        ear.settled().await;
        ear.source.used(key("so-1"), Use::Rated(80));
        unsent(&ear.source, 0).await;
        ear.stop().await;
    }
    assert_eq!(all_written(&server), ["setRating so-1 4"; 3]);
}

#[tokio::test]
async fn what_a_server_will_not_take_does_not_keep_back_the_rest() {
    let subsonic = Subsonic::new(3);
    let server = serve_but(&subsonic, |asked| {
        asked.path().ends_with("star.view").then(|| refused(50, "not allowed"))
    })
    .await;
    let mut ear = follow(writing(&server));
    ear.settled().await;
    ear.source.used(key("so-99"), Use::Rated(80));
    ear.source.used(key("so-1"), Use::Starred(true));
    ear.source.used(key("so-2"), Use::Rated(40));
    unsent(&ear.source, 0).await;
    // The library may have shown the star already.
    let told = words(&ear.look().await);
    let expected = ["so-1: Song 1", "so-2: Song 2", "so-2: played 0, rated 40", "Starred: "];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_the_server_does_not_know_yet_is_added_to_what_it_says() {
    let subsonic = Subsonic::new(3);
    subsonic.edit(|music| music.songs.get_mut(&1).unwrap().plays = 7);
    let server = serve_but(&subsonic, |asked| written(asked).map(|_| Reply::status(503))).await;
    let mut ear = follow(writing(&server));
    ear.source.used(key("so-1"), Use::Rated(80));
    ear.source.used(key("so-1"), Use::Played(Timestamp(1_700_000_000)));
    ear.source.used(key("so-2"), Use::Starred(true));
    let told = ear.settled().await;
    let said = words(&told);
    assert!(said.contains(&"so-1: played 8, rated 80".to_owned()), "{said:?}");
    assert!(said.contains(&"Starred: so-2".to_owned()), "{said:?}");
    let is_master = |change: &Change| match change {
        Change::Usage { authority, .. } => *authority == Authority::Master,
        _ => true,
    };
    assert!(told.iter().all(is_master));
}

#[tokio::test]
async fn a_library_and_the_server_agree_on_ratings_plays_and_stars() {
    let subsonic = Subsonic::new(30);
    let server = Server::start(subsonic.answer()).await;
    let source = SubsonicSource::new(writing(&server)).unwrap();
    let library = Library::builder("Home").source("nas", source.clone()).start().await.unwrap();
    let mut snapshots = library.watch();
    let main = |now: &daap_model::Snapshot| now.databases().next().unwrap().clone();
    let now = snapshots.wait_for(|now| main(now).items().len() == 30).await.unwrap().clone();
    let item = main(&now).items().iter().find(|item| &*item.track.title == "Song 7").unwrap().id;
    let database: DatabaseId = main(&now).id;

    library.rate(database, item, 100).await.unwrap();
    library.played(database, item, Timestamp(1_700_000_000)).await.unwrap();
    unsent(&source, 0).await;
    subsonic.edit(|music| assert_eq!((music.songs[&7].rating, music.songs[&7].plays), (5, 1)));

    // On the server it is rated lower, and played once more.
    subsonic.edit(|music| {
        music.songs.get_mut(&7).unwrap().rating = 2;
        music.play(7);
    });
    source.sync().await.unwrap();
    let after = main(&library.snapshot());
    let usage = after.items().iter().find(|now| now.id == item).unwrap().usage;
    assert_eq!((usage.rating, usage.play_count), (40, 2));
    library.shutdown().await;
}
