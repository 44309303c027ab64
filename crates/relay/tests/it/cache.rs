//! What is kept, and for how long.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use disk_cache::DiskCache;
use rand::RngExt;
use relay::Relay;

use crate::origin::*;

const LENGTH: usize = 12 * PIECE;

fn relay(folder: &Path, songs: u64) -> Relay {
    Relay::new("nas", Some(DiskCache::new(folder, songs * LENGTH as u64)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_stays_within_the_limit_under_ten_thousand_requests() {
    const SONGS: u64 = 8;
    let folder = tempfile::tempdir().unwrap();
    let (relay, origin) = (relay(folder.path(), SONGS), Origin::new(LENGTH));
    let listeners = (0..4).map(|_| {
        let (relay, origin, folder) = (relay.clone(), origin.clone(), folder.path().to_owned());
        tokio::spawn(async move {
            for request in 0..2_500 {
                let (song, start) =
                    (rand::rng().random_range(0..32), rand::rng().random_range(0..LENGTH));
                let bytes = part(&relay, &origin, song, start..LENGTH).await.unwrap();
                assert_eq!(bytes, origin.sound(song)[start..]);
                if request % 25 == 0 {
                    let taken = files(&folder).1;
                    assert!(taken <= SONGS * LENGTH as u64, "{taken} bytes");
                }
            }
        })
    });
    for listener in listeners.collect::<Vec<_>>() {
        listener.await.unwrap();
    }
    assert!(origin.asked().len() < 10_000, "some were kept");
}

#[tokio::test]
async fn a_pinned_song_stays_and_is_fetched_ahead_once() {
    let folder = tempfile::tempdir().unwrap();
    let (relay, origin) = (relay(folder.path(), 4), Origin::new(LENGTH));
    relay.pin([&key(1)]).await;
    assert!(relay.keep(&key(1), origin.fetch(1)).await.unwrap());
    kept(folder.path(), 1).await;
    for song in 2..20 {
        part(&relay, &origin, song, 0..LENGTH).await.unwrap();
    }
    let asked = origin.asked().len();
    assert!(relay.keep(&key(1), origin.fetch(1)).await.unwrap());
    assert_eq!(origin.asked().len(), asked);
}

#[tokio::test]
async fn a_pin_holds_over_a_restart_until_others_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::new(LENGTH);
    let before = relay(folder.path(), 4);
    let other = Relay::new("other", Some(DiskCache::new(folder.path(), 4 * LENGTH as u64)));
    before.pin([&key(1)]).await;
    other.pin([&key(2)]).await;
    before.keep(&key(1), origin.fetch(1)).await.unwrap();
    other.keep(&key(2), origin.fetch(2)).await.unwrap();
    kept(folder.path(), 2).await;

    let again = relay(folder.path(), 4);
    let evict = async |songs: std::ops::Range<u64>| {
        for song in songs {
            part(&again, &origin, song, 0..LENGTH).await.unwrap();
        }
    };
    let needs_server = async |relay: &Relay, song| {
        let asked = origin.asked().len();
        part(relay, &origin, song, 0..LENGTH).await.unwrap();
        origin.asked().len() > asked
    };
    evict(10..20).await;
    assert!(!needs_server(&again, 1).await);
    again.pin([]).await;
    evict(20..30).await;
    assert!(needs_server(&again, 1).await);
    assert!(!needs_server(&other, 2).await, "that of another server stays");
}

#[tokio::test]
async fn a_song_that_is_kept_needs_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::new(LENGTH);
    part(&relay(folder.path(), 4), &origin, 1, 0..LENGTH).await.unwrap();
    kept(folder.path(), 1).await;
    let again = relay(folder.path(), 4);
    assert_eq!(part(&again, &origin, 1, 5..LENGTH).await.unwrap(), origin.sound(1)[5..]);
    assert_eq!(origin.asked(), [0]);
    again.forget(&key(1));
    while files(folder.path()).0 > 0 {
        tokio::task::yield_now().await;
    }
    part(&again, &origin, 1, 0..LENGTH).await.unwrap();
    assert_eq!(origin.asked(), [0, 0]);
}

/// In which folder the process that is killed keeps its songs.
const FOLDER: &str = "RELAY_TEST_FOLDER";

/// Does nothing but in a process of its own: there it takes in half a song, says so, and waits to be killed.
#[tokio::test]
async fn half_a_song_in_a_process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let origin = Origin::new(LENGTH);
    origin.hold_at(LENGTH / 2);
    let relay = relay(Path::new(&folder), 2);
    part(&relay, &origin, 1, 0..LENGTH / 2).await.unwrap();
    println!("half");
    std::future::pending().await
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_no_half_song_behind_that_is_ever_heard() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cache::half_a_song_in_a_process_that_is_killed", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("half\n") {
        assert!(std::io::BufRead::read_line(&mut said, &mut line).unwrap() > 0, "{line}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(files(folder.path()), (0, LENGTH as u64 / 2));

    let (relay, origin) = (relay(folder.path(), 2), Origin::new(LENGTH));
    for song in [1, 2] {
        let bytes = part(&relay, &origin, song, 0..LENGTH).await.unwrap();
        assert_eq!(bytes, origin.sound(song));
        tokio::time::timeout(Duration::from_secs(60), kept(folder.path(), 1)).await.unwrap();
    }
    assert!(files(folder.path()).1 <= 2 * LENGTH as u64);
}
