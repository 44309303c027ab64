//! Songs that the server makes MP3 of.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use daap_model::{Codec, Track};
use disk_cache::DiskCache;
use futures_util::future::join_all;
use library::{Body, Change, Source, SourceError};
use source_subsonic::{SubsonicConfig, SubsonicSource, Transcoding};
use testkit::server::{Reply, Server};
use testkit::subsonic::{Subsonic, sound, transcoded};

use crate::common::*;
use crate::sounds::bytes;

/// Asks for MP3 as this says, and keeps songs here.
fn config(server: &Server, transcoding: Transcoding, folder: &Path) -> SubsonicConfig {
    let mut config = crate::common::config(server);
    config.songs = Some(DiskCache::new(folder, 1 << 20));
    (config.transcoding, config.mp3_kbps) = (transcoding, 192);
    config
}

/// A server of three songs: MP3 of 320 kbit/s, FLAC and WMA.
fn subsonic() -> Subsonic {
    let subsonic = Subsonic::new(3);
    subsonic.edit(|music| {
        music.songs.get_mut(&1).unwrap().suffix = "flac";
        music.songs.get_mut(&2).unwrap().suffix = "wma";
    });
    subsonic
}

async fn heard(source: &SubsonicSource, song: u32) -> Vec<u8> {
    let content = source.open(format!("so-{song}").as_str().into()).await.unwrap();
    bytes(content, 0).await.unwrap()
}

/// Waits until a song is kept, and says how long it is.
async fn kept(source: &SubsonicSource, song: u32) -> u64 {
    loop {
        let content = source.open(format!("so-{song}").as_str().into()).await.unwrap();
        if let Body::File(file) = content.body {
            return file.length;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn tracks(told: &[Change]) -> Vec<&Track> {
    fn track(change: &Change) -> Option<&Track> {
        match change {
            Change::Song { track, .. } => Some(track),
            _ => None,
        }
    }
    told.iter().filter_map(track).collect()
}

#[tokio::test]
async fn what_is_asked_for_as_mp3_is_listed_and_heard_so() {
    let server = Server::start(subsonic().answer()).await;
    for (transcoding, expected) in [
        (Transcoding::Off, [false, false, false]),
        (Transcoding::Unsupported, [false, false, true]),
        (Transcoding::All, [true, true, true]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut ear = follow(config(&server, transcoding, folder.path()));
        let told = ear.settled().await;
        for (song, (track, is_mp3)) in (0..).zip(tracks(&told).into_iter().zip(expected)) {
            if is_mp3 {
                let listed = (track.codec, &*track.format, track.bitrate_kbps, track.size);
                assert_eq!(listed, (Codec::Mpeg, "mp3", 192, 0));
                assert_eq!(heard(&ear.source, song).await, transcoded(song, 10_000));
            } else {
                assert_eq!(track.size, 10_000);
                assert_eq!(heard(&ear.source, song).await, sound(song, 10_000));
            }
        }
    }
    let asked = server.asked_for("/rest/stream.view");
    let mp3 = asked.iter().filter(|asked| asked.parameter("format") == Some("mp3"));
    assert!(mp3.clone().all(|asked| asked.parameter("maxBitRate") == Some("192")));
    assert_eq!(mp3.count(), 1 + 3);
}

#[tokio::test]
async fn nobody_makes_up_a_length_and_when_all_is_there_it_is_known() {
    let server = Server::start(subsonic().answer()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut ear = follow(config(&server, Transcoding::All, folder.path()));
    ear.settled().await;
    let content = ear.source.open("so-1".into()).await.unwrap();
    assert_eq!(content.length, None);
    let listeners = join_all((0..16).map(|_| heard(&ear.source, 1))).await;
    assert!(listeners.iter().all(|heard| *heard == transcoded(1, 10_000)));
    assert_eq!(kept(&ear.source, 1).await, 5_000);
    let content = ear.source.open("so-1".into()).await.unwrap();
    assert_eq!(bytes(content, 4_000).await.unwrap(), &transcoded(1, 10_000)[4_000..]);
    assert_eq!(server.asked_for("/rest/stream.view").len(), 1);
}

#[tokio::test]
async fn the_two_forms_of_a_song_are_kept_apart_and_forgotten_together() {
    let subsonic = subsonic();
    let server = Server::start(subsonic.answer()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut known = Default::default();
    for (transcoding, expected) in
        [(Transcoding::Off, 10_000), (Transcoding::All, 5_000), (Transcoding::Off, 10_000)]
    {
        let mut ear = go_on(config(&server, transcoding, folder.path()), known);
        assert_eq!(tracks(&ear.settled().await).len(), 3, "they are listed anew");
        heard(&ear.source, 1).await;
        assert_eq!(kept(&ear.source, 1).await, expected);
        known = ear.stop().await;
    }
    let mut ear = go_on(config(&server, Transcoding::All, folder.path()), known);
    ear.settled().await;
    heard(&ear.source, 1).await;
    kept(&ear.source, 1).await;
    subsonic.scan(|music| music.songs.get_mut(&1).unwrap().length = 8_000);
    ear.look().await;
    assert_eq!(heard(&ear.source, 1).await, transcoded(1, 8_000));
    assert_eq!(kept(&ear.source, 1).await, 4_000);
}

#[tokio::test]
async fn before_the_first_look_after_a_start_it_is_known_what_is_asked_for_as_mp3() {
    let server = Server::start(subsonic().answer()).await;
    let folder = tempfile::tempdir().unwrap();
    let config = config(&server, Transcoding::Unsupported, folder.path());
    let mut ear = follow(config.clone());
    ear.settled().await;
    heard(&ear.source, 2).await;
    kept(&ear.source, 2).await;
    let known = ear.stop().await;
    server.stop().await;
    let mut ear = go_on(config, known);
    ear.problem().await;
    assert_eq!(heard(&ear.source, 2).await, transcoded(2, 10_000));
}

/// That what the server answers first is heard whole, after it was asked so often, and not kept.
async fn check_not_kept(answer: fn(Vec<u8>) -> Reply, asked: usize) {
    let is_first = AtomicBool::new(true);
    let server = serve_but(&subsonic(), move |asked| {
        let is_it = asked.path().ends_with("stream.view") && is_first.swap(false, Relaxed);
        is_it.then(|| answer(transcoded(2, 10_000)).with("Content-Type", "audio/mpeg"))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut ear = follow(config(&server, Transcoding::All, folder.path()));
    ear.settled().await;
    assert_eq!(heard(&ear.source, 2).await, transcoded(2, 10_000));
    assert_eq!(server.asked_for("/rest/stream.view").len(), asked);
    let content = ear.source.open("so-2".into()).await.unwrap();
    assert_eq!(content.length, None, "it is asked for again");
}

#[tokio::test]
async fn what_is_made_and_breaks_off_or_may_have_is_not_kept() {
    check_not_kept(|mp3| Reply::made([mp3].into_iter()).cut_after(3_000), 2).await;
    check_not_kept(|mp3| Reply::new(mp3).until_closed(), 1).await;
}

#[tokio::test]
async fn a_server_that_does_not_make_mp3_is_not_taken_at_its_word() {
    let flac = || Reply::new(sound(2, 10_000)).with("Content-Type", "audio/x-flac");
    let server =
        serve_but(&subsonic(), move |asked| asked.path().ends_with("stream.view").then(flac)).await;
    let folder = tempfile::tempdir().unwrap();
    let mut ear = follow(config(&server, Transcoding::All, folder.path()));
    ear.settled().await;
    let error = ear.source.open("so-2".into()).await.unwrap_err();
    assert!(matches!(error, SourceError::Unreadable { .. }), "{error}");
    assert!(error.to_string().contains("sends audio/x-flac where MP3 was asked for"), "{error}");
}
