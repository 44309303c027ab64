//! What listeners do, written to the server.

use daap_model::Timestamp;
use library::{SourceError, SourceKey};
use source_subsonic::SubsonicSource;
use testkit::server::Server;
use testkit::subsonic::Subsonic;

use crate::common::*;

#[tokio::test]
async fn plays_ratings_and_stars_are_written() {
    let server = Server::start(Subsonic::new(3).answer()).await;
    let mut config = config(&server);
    config.writes = true;
    let source = SubsonicSource::new(config).unwrap();
    let key = SourceKey::from("so-1");
    source.playing(&key).await.unwrap();
    source.played(&key, Timestamp(1_700_000_000)).await.unwrap();
    for rating in [0, 1, 20, 80, 255] {
        source.rate(&key, rating).await.unwrap();
    }
    source.star(&key, true).await.unwrap();
    source.star(&key, false).await.unwrap();
    let asked = server.asked().split_off(1);
    assert!(asked.iter().all(|asked| asked.parameter("id") == Some("so-1")));
    let said: Vec<_> = asked
        .iter()
        .map(|asked| {
            let value = |name| asked.parameter(name).unwrap_or("");
            let method = asked.path().trim_start_matches("/rest/").trim_end_matches(".view");
            let words = [method, value("submission"), value("time"), value("rating")];
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    let expected = [
        "scrobble false",
        "scrobble true 1700000000000",
        "setRating 0",
        "setRating 1",
        "setRating 1",
        "setRating 4",
        "setRating 5",
        "star",
        "unstar",
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn nothing_is_written_where_that_is_not_allowed() {
    let server = Server::start(Subsonic::new(3).answer()).await;
    let source = SubsonicSource::new(config(&server)).unwrap();
    let error = source.rate(&"so-1".into(), 80).await.unwrap_err();
    assert!(matches!(error, SourceError::NotAllowed(_)), "{error}");
    assert_eq!(server.asked().len(), 0);
}
