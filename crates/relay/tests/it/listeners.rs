//! Many listen to a song while it arrives.

use std::ops::Range;
use std::sync::Arc;

use disk_cache::DiskCache;
use futures_util::future::join_all;
use proptest::prelude::*;
use rand::RngExt;
use relay::Relay;
use tokio::sync::Barrier;

use crate::origin::*;

fn relay(limit: u64) -> (tempfile::TempDir, Relay) {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::new("nas", Some(DiskCache::new(folder.path(), limit)));
    (folder, relay)
}

fn any_part(length: usize) -> Range<usize> {
    let start = rand::rng().random_range(0..length);
    start..rand::rng().random_range(start..=length)
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_who_seek_in_a_song_that_arrives_read_exact_bytes_of_one_download() {
    const LISTENERS: usize = 16;
    const LENGTH: usize = 2 << 20;
    let (folder, relay) = relay(1 << 24);
    let origin = Origin::new(LENGTH);
    origin.hold_at(LENGTH / 4);
    let there = Arc::new(Barrier::new(LISTENERS));
    let listeners = (0..LISTENERS).map(|_| {
        let (relay, origin, there) = (relay.clone(), origin.clone(), Arc::clone(&there));
        tokio::spawn(async move {
            let sound = origin.sound(7);
            // What has arrived is read while the rest has not.
            let early = part(&relay, &origin, 7, 0..LENGTH / 8).await.unwrap();
            assert_eq!(early, sound[..LENGTH / 8]);
            if there.wait().await.is_leader() {
                origin.let_through();
            }
            for _ in 0..24 {
                let wanted = any_part(LENGTH);
                let bytes = part(&relay, &origin, 7, wanted.clone()).await.unwrap();
                assert_eq!(bytes, sound[wanted]);
            }
        })
    });
    for listener in join_all(listeners).await {
        listener.unwrap();
    }
    assert_eq!(origin.asked(), [0]);
    kept(folder.path(), 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let (folder, relay) = relay(1 << 20);
    let origin = Origin::breaking(20 * PIECE, &[5 * PIECE, 0, 3 * PIECE]);
    let bytes = part(&relay, &origin, 1, 0..20 * PIECE).await.unwrap();
    assert_eq!(bytes, origin.sound(1));
    assert_eq!(origin.asked(), [0, 5, 5, 8].map(|pieces| pieces * PIECE as u64));
    kept(folder.path(), 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_song_whose_server_dies_is_an_error_and_never_a_short_song() {
    let (folder, relay) = relay(1 << 20);
    let origin = Origin::breaking(20 * PIECE, &[5 * PIECE, 0, 0, 0, 0, 0, 0]);
    part(&relay, &origin, 1, 0..20 * PIECE).await.unwrap_err();
    assert_eq!(files(folder.path()).0, 0);
    let bytes = part(&relay, &origin, 1, 0..20 * PIECE).await.unwrap();
    assert_eq!(bytes, origin.sound(1));
}

#[tokio::test]
async fn a_song_of_unknown_length_is_heard_while_it_arrives_and_kept_when_it_ends() {
    let (folder, relay) = relay(1 << 20);
    let origin = Origin::new(20 * PIECE).announcing(None);
    origin.hold_at(10 * PIECE);
    let content = relay.open(&key(1), origin.fetch(1)).await.unwrap();
    assert_eq!(content.length, None);
    assert_eq!(read(content, 0..9 * PIECE).await.unwrap(), origin.sound(1)[..9 * PIECE]);
    assert_eq!(files(folder.path()).0, 0);
    let listeners = (0..16).map(async |_| {
        let whole = relay.open(&key(1), origin.fetch(1)).await.unwrap();
        read(whole, 0..20 * PIECE).await.unwrap()
    });
    let listeners = join_all(listeners);
    let let_through = async { origin.let_through() };
    let (heard, ()) = tokio::join!(listeners, let_through);
    assert!(heard.iter().all(|heard| *heard == origin.sound(1)));
    kept(folder.path(), 1).await;
    let content = relay.open(&key(1), origin.fetch(1)).await.unwrap();
    assert_eq!(content.length, Some(20 * PIECE as u64));
    assert_eq!(origin.asked(), [0]);
}

#[tokio::test]
async fn a_song_of_unknown_length_that_breaks_off_is_not_kept_and_heard_to_its_end() {
    let (folder, relay) = relay(1 << 20);
    let origin = Origin::breaking(20 * PIECE, &[5 * PIECE]).announcing(None);
    let bytes = part(&relay, &origin, 1, 0..20 * PIECE).await.unwrap();
    assert_eq!((bytes, origin.asked()), (origin.sound(1), vec![0, 5 * PIECE as u64]));
    assert_eq!(files(folder.path()), (0, 0));
}

#[tokio::test]
async fn a_song_of_unknown_length_that_is_nothing_is_not_kept() {
    let (folder, relay) = relay(1 << 20);
    let origin = Origin::new(0).announcing(None);
    assert!(!relay.keep(&key(1), origin.fetch(1)).await.unwrap());
    assert_eq!(files(folder.path()), (0, 0));
}

#[tokio::test]
async fn where_there_is_no_room_each_listener_is_sent_the_song() {
    let (folder, relay) = relay(4096);
    let origin = Origin::new(20 * PIECE);
    for wanted in [0..20 * PIECE, 3..5000, 19 * PIECE..20 * PIECE] {
        let bytes = part(&relay, &origin, 1, wanted.clone()).await.unwrap();
        assert_eq!(bytes, origin.sound(1)[wanted]);
    }
    assert_eq!(origin.asked(), [0, 0, 3, 0, 19 * PIECE as u64]);
    assert_eq!(files(folder.path()), (0, 0));
}

#[tokio::test]
async fn a_file_that_takes_no_more_costs_the_cache_and_no_listener() {
    let (folder, relay) = relay(1 << 20);
    // More comes than was said, for which nothing was promised.
    let origin = Origin::new(20 * PIECE).announcing(Some(10 * PIECE));
    for _ in 0..2 {
        let bytes = part(&relay, &origin, 1, 5..10 * PIECE).await.unwrap();
        assert_eq!(bytes, origin.sound(1)[5..10 * PIECE]);
    }
    assert_eq!(files(folder.path()).0, 0);
}

#[tokio::test]
async fn a_song_that_is_forgotten_while_it_arrives_is_not_kept() {
    let (folder, relay) = relay(1 << 20);
    let origin = Origin::new(20 * PIECE);
    origin.hold_at(PIECE);
    let before = relay.open(&key(1), origin.fetch(1)).await.unwrap();
    relay.forget(&key(1));
    let after = relay.open(&key(1), origin.fetch(2)).await.unwrap();
    origin.let_through();
    let (before, after) = tokio::join!(read(before, 0..20 * PIECE), read(after, 0..20 * PIECE));
    assert_eq!((before.unwrap(), after.unwrap()), (origin.sound(1), origin.sound(2)));
    assert_eq!(origin.asked(), [0, 0]);
    drop(folder);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_breaks_off_bytes_are_right_or_an_error(
        length in 1..12 * PIECE,
        breaks in prop::collection::vec(0..6 * PIECE, 0..8),
        starts in prop::collection::vec(0..12 * PIECE, 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (_folder, relay) = relay(1 << 20);
            let origin = Origin::breaking(length, &breaks);
            let sound = origin.sound(1);
            let listening = starts.iter().map(|start| {
                let wanted = start % length..length;
                let (relay, origin, sound) = (&relay, &origin, &sound);
                async move {
                    if let Ok(bytes) = part(relay, origin, 1, wanted.clone()).await {
                        assert_eq!(bytes, sound[wanted]);
                    }
                }
            });
            join_all(listening).await;
            let whole = part(&relay, &Origin::new(length), 1, 0..length).await.unwrap();
            assert_eq!(whole, sound);
        });
    }
}
