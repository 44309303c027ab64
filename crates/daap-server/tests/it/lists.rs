//! Lists, plain and compressed.

use std::io::Read;

use daap_server::{Builder, Limits};

use crate::share::{Share, Shelf, titles, track};

/// More songs than are prepared or compressed on the spot.
const MANY: usize = 6_000;

async fn big_share() -> Share {
    big_share_with(|server| server).await
}

async fn big_share_with(set: impl FnOnce(Builder) -> Builder) -> Share {
    let songs = Shelf::default();
    for n in 0..MANY {
        let track = track(&format!("Song {n:05}"), &format!("Artist {}", n % 97), "Album");
        songs.put(&format!("{n:05}"), track, "sound");
    }
    Share::start_from(songs, set).await
}

fn unzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

#[tokio::test]
async fn the_lists_of_a_small_share() {
    let share = Share::start().await;
    let session = share.login().await;
    let list = async |path: &str| share.get(&format!("{path}session-id={session}")).await;
    assert_eq!(titles(&list("/databases?").await.body), ["Songs"]);
    assert_eq!(
        titles(&list("/databases/1/items?meta=dmap.itemname&").await.body),
        ["Get Back", "Jet"]
    );
    assert_eq!(titles(&list("/databases/1/containers?").await.body), ["Songs"]);
    let wings = "/databases/1/items?meta=dmap.itemname&query='daap.songartist:Wings'&";
    assert_eq!(titles(&list(wings).await.body), ["Jet"]);
    let base = "/databases/1/containers/1/items?meta=dmap.itemname&";
    assert_eq!(titles(&list(base).await.body).len(), 2);
    assert_eq!(titles(&list("/databases/1/groups?group-type=albums&").await.body).len(), 2);
    assert_eq!(&list("/databases/1/browse/artists?").await.body[..4], b"abro");
    for (path, status) in [
        ("/databases/2/items?", 404),
        ("/databases/1/containers/99/items?", 404),
        ("/databases/1/browse/moods?", 400),
        ("/databases/1/items?query='&", 400),
        ("/databases/1/groups?group-type=moods&", 400),
    ] {
        assert_eq!(list(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_big_list_has_its_length_and_the_same_bytes_compressed() {
    let share = big_share().await;
    let session = share.login().await;
    let target =
        format!("/databases/1/items?session-id={session}&meta=dmap.itemname,daap.songartist");
    let plain = share.get(&target).await;
    assert!(plain.complete);
    assert!(plain.header("content-encoding").is_none());
    assert_eq!(titles(&plain.body).len(), MANY);
    let gzip = [("Accept-Encoding", "gzip, deflate")];
    for _ in 0..2 {
        let zipped = share.get_with(&target, &gzip).await;
        assert_eq!(zipped.header("content-encoding"), Some("gzip"));
        assert!(zipped.complete && zipped.body.len() * 3 < plain.body.len());
        assert!(unzip(&zipped.body) == plain.body);
    }
}

#[tokio::test]
async fn many_who_ask_at_once_get_the_same() {
    let share = big_share().await;
    let session = share.login().await;
    let target = format!("/databases/1/items?session-id={session}&meta=all&sort=artist");
    let gzip = [("Accept-Encoding", "gzip")];
    let askers = (0..16).map(|_| share.get_with(&target, &gzip));
    let answers = futures_util::future::join_all(askers).await;
    assert!(answers.iter().all(|answer| answer.complete && answer.body == answers[0].body));
    assert_eq!(titles(&unzip(&answers[0].body)).len(), MANY);
}

#[tokio::test]
async fn big_lists_beyond_the_limit_are_turned_away() {
    let mut limits = Limits::default();
    limits.listings = 0;
    let share = big_share_with(|server| server.limits(limits)).await;
    let session = share.login().await;
    for headers in [&[][..], &[("Accept-Encoding", "gzip")]] {
        let target = format!("/databases/1/items?session-id={session}&sort=artist");
        let answer = share.get_with(&target, headers).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
    }
    // What is short is always served.
    assert_eq!(share.get(&format!("/databases?session-id={session}")).await.status, 200);
}

#[tokio::test]
async fn a_compressed_list_is_that_of_the_newest_revision() {
    let share = big_share().await;
    let session = share.login().await;
    let target = format!("/databases/1/items?session-id={session}&meta=dmap.itemname");
    let gzip = [("Accept-Encoding", "gzip")];
    let before = share.get_with(&target, &gzip).await;
    let seen = share.library.snapshot().revision();
    share.songs.put("new", track("New", "A", "B"), "sound");
    share.library.past(seen).await.unwrap();
    let after = share.get_with(&target, &gzip).await;
    assert_eq!(titles(&unzip(&before.body)).len(), MANY);
    assert_eq!(titles(&unzip(&after.body)).len(), MANY + 1);
}

#[tokio::test]
async fn a_kept_list_is_not_for_who_has_another_revision() {
    let share = big_share().await;
    let session = share.login().await;
    let now = share.library.snapshot().revision();
    let gzip = [("Accept-Encoding", "gzip")];
    let items = async |step: &str| {
        let target = format!("/databases/1/items?session-id={session}&meta=dmap.itemname&{step}");
        let answer = share.get_with(&target, &gzip).await;
        let is_zipped = answer.header("content-encoding").is_some();
        titles(&if is_zipped { unzip(&answer.body) } else { answer.body }).len()
    };
    assert_eq!(items(&format!("delta={now}&revision-number={now}")).await, 0);
    assert_eq!(items(&format!("delta={now}")).await, 0);
    // It cannot have what is later than what it moves to.
    assert_eq!(items(&format!("delta={now}&revision-number=1")).await, MANY);
    assert_eq!(items("delta=0").await, MANY);
}

#[tokio::test]
async fn short_replies_are_not_compressed() {
    let share = Share::start().await;
    let gzip = [("Accept-Encoding", "gzip")];
    assert!(share.get_with("/server-info", &gzip).await.header("content-encoding").is_none());
    let codes = share.get_with("/content-codes", &gzip).await;
    assert_eq!(codes.header("content-encoding"), Some("gzip"));
    assert_eq!(unzip(&codes.body), share.get("/content-codes").await.body);
}
