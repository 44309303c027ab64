//! Songs and pictures, passed through and kept.

use std::path::Path;

use disk_cache::DiskCache;
use futures_util::TryStreamExt;
use library::{ArtworkSize, Body, Content, Source, SourceError, SourceKey};
use source_subsonic::{Login, SubsonicSource};
use testkit::server::{Reply, Server};
use testkit::subsonic::{PICTURE, Subsonic, ok, sound};

use crate::common::*;

fn key(id: &str) -> SourceKey {
    id.into()
}

pub(crate) async fn bytes(content: Content, start: u64) -> std::io::Result<Vec<u8>> {
    match content.body {
        Body::Stream(stream) if start == 0 => Ok(stream.try_collect::<Vec<_>>().await?.concat()),
        Body::Ranged(ranged) => {
            let length = content.length.unwrap_or(u64::MAX) - start;
            Ok(ranged.read(start, length).try_collect::<Vec<_>>().await?.concat())
        }
        Body::File(mut file) => {
            let mut bytes = Vec::new();
            std::io::Seek::seek(&mut file.file, std::io::SeekFrom::Start(start))?;
            std::io::Read::read_to_end(&mut file.file, &mut bytes)?;
            Ok(bytes)
        }
        other => panic!("{other:?}"),
    }
}

async fn heard(source: &SubsonicSource, id: &str, start: u64) -> Vec<u8> {
    bytes(source.open(key(id)).await.unwrap(), start).await.unwrap()
}

fn source(server: &Server, folder: Option<&Path>) -> SubsonicSource {
    let mut config = config(server);
    config.songs = folder.map(|folder| DiskCache::new(folder.join("songs"), 1 << 20));
    config.pictures = folder.map(|folder| DiskCache::new(folder.join("pictures"), 1 << 20));
    SubsonicSource::new(config).unwrap()
}

#[tokio::test]
async fn a_song_is_heard_from_any_byte_on_with_and_without_a_cache() {
    let server = Server::start(Subsonic::new(3).answer()).await;
    let folder = tempfile::tempdir().unwrap();
    for folder in [None, Some(folder.path())] {
        let source = source(&server, folder);
        for start in [0, 1, 9_999] {
            let expected = &sound(2, 10_000)[usize::try_from(start).unwrap()..];
            assert_eq!(heard(&source, "so-2", start).await, expected);
        }
    }
    // With the cache the server sent it once.
    assert_eq!(server.asked_for("/rest/stream.view").len(), 5 + 1);
    assert!(
        server
            .asked_for("/rest/stream.view")
            .iter()
            .all(|asked| asked.parameter("format") == Some("raw"))
    );
}

#[tokio::test]
async fn a_server_without_ranges_is_heard_from_any_byte_on() {
    let subsonic = Subsonic::new(3);
    let server = serve_but(&subsonic, |asked| {
        let sound = || Reply::new(sound(1, 10_000)).with("Content-Type", "audio/mpeg");
        asked.path().ends_with("stream.view").then(sound)
    })
    .await;
    let source = source(&server, None);
    assert_eq!(heard(&source, "so-1", 7_000).await, &sound(1, 10_000)[7_000..]);
}

#[tokio::test]
async fn a_song_that_breaks_off_on_the_server_is_whole_here() {
    let subsonic = Subsonic::new(3);
    let server = serve_but(&subsonic, |asked| {
        let is_first = asked.path().ends_with("stream.view") && asked.header("Range").is_none();
        let sound = || Reply::new(sound(1, 10_000)).with("Content-Type", "audio/mpeg");
        is_first.then(|| sound().cut_after(4_321))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let source = source(&server, Some(folder.path()));
    assert_eq!(heard(&source, "so-1", 0).await, sound(1, 10_000));
    let ranges: Vec<_> = server
        .asked_for("/rest/stream.view")
        .iter()
        .map(|asked| asked.header("Range").map(str::to_owned))
        .collect();
    assert_eq!(ranges, [None, Some("bytes=4321-".to_owned())]);
}

#[tokio::test]
async fn a_song_of_another_length_than_before_is_not_mended_with_it() {
    let subsonic = Subsonic::new(3);
    let server = serve_but(&subsonic, |asked| {
        if !asked.path().ends_with("stream.view") {
            return None;
        }
        let whole = Reply::new(sound(1, 10_000)).with("Content-Type", "audio/mpeg");
        let other = Reply::new(sound(2, 12_000)).with("Content-Type", "audio/mpeg");
        Some(if asked.header("Range").is_none() { whole.cut_after(4_321) } else { other })
    })
    .await;
    let source = source(&server, None);
    bytes(source.open(key("so-1")).await.unwrap(), 0).await.unwrap_err();
    let content = source.open(key("so-1")).await.unwrap();
    bytes(content, 5_000).await.unwrap_err();
}

#[tokio::test]
async fn a_song_of_another_length_than_the_list_said_is_heard_and_kept_as_it_is() {
    let subsonic = Subsonic::new(3);
    let server = serve_but(&subsonic, |asked| {
        let is_page = asked.path().ends_with("search3.view");
        let sizes = |sizes: [u32; 3]| {
            let song = |n: usize| serde_json::json!({"id": format!("so-{n}"), "size": sizes[n]});
            serde_json::json!({"searchResult3": {"song": [song(0), song(1), song(2)]}})
        };
        is_page.then(|| ok(sizes([9_000, 11_000, 0])))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&server);
    config.songs = Some(DiskCache::new(folder.path(), 1 << 20));
    let mut ear = follow(config);
    ear.settled().await;
    for song in 0..3 {
        assert_eq!(heard(&ear.source, &format!("so-{song}"), 0).await, sound(song, 10_000));
    }
}

#[tokio::test]
async fn an_answer_that_is_shorter_or_longer_than_it_says_is_never_kept_as_a_song() {
    for length in [5_000, 15_000] {
        let subsonic = Subsonic::new(3);
        let server = serve_but(&subsonic, move |asked| {
            let is_sound = asked.path().ends_with("stream.view");
            let wrong = || Reply::new(sound(1, length)).announcing(10_000);
            is_sound.then(|| wrong().with("Content-Type", "audio/mpeg"))
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let source = source(&server, Some(folder.path()));
        let content = source.open(key("so-1")).await.unwrap();
        match bytes(content, 0).await {
            // Of the longer one that is a song that the server might have had.
            Ok(heard) => assert_eq!((heard, length), (sound(1, 10_000), 15_000)),
            Err(_) => assert_eq!(length, 5_000),
        }
    }
}

#[tokio::test]
async fn a_server_that_dies_in_mid_song_leaves_no_half_song_behind() {
    let subsonic = Subsonic::new(3);
    let server = serve_but(&subsonic, |asked| {
        let is_sound = asked.path().ends_with("stream.view");
        let half = || Reply::new(sound(1, 10_000)).stall_after(4_000);
        is_sound.then(|| half().with("Content-Type", "audio/mpeg"))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let source = source(&server, Some(folder.path()));
    let content = source.open(key("so-1")).await.unwrap();
    let Body::Ranged(sounds) = content.body else { panic!("it arrives") };
    let mut pieces = sounds.read(0, 10_000);
    let first = pieces.try_next().await.unwrap().unwrap();
    assert_eq!(first, sound(1, 10_000)[..first.len()]);
    let address = server.address();
    server.stop().await;
    let rest = pieces.try_collect::<Vec<_>>().await;
    assert!(rest.is_err(), "{rest:?}");
    source.open(key("so-1")).await.unwrap_err();
    let _server = Server::start_at(address, Subsonic::new(3).answer()).await;
    assert_eq!(heard(&source, "so-1", 0).await, sound(1, 10_000));
}

#[tokio::test]
async fn a_song_of_no_bytes_is_no_song() {
    let subsonic = Subsonic::new(3);
    let server = serve_but(&subsonic, |asked| {
        let nothing = || Reply::new("").with("Content-Type", "audio/mpeg");
        asked.path().ends_with("stream.view").then(nothing)
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let error = source(&server, Some(folder.path())).open(key("so-1")).await.unwrap_err();
    assert!(error.to_string().contains("no bytes"), "{error}");
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_costs_no_listener_a_byte() {
    let server = Server::start(Subsonic::new(3).answer()).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("songs"), b"a file where the cache is to be").unwrap();
    std::fs::write(folder.path().join("pictures"), b"the same").unwrap();
    let source = source(&server, Some(folder.path()));
    for start in [0, 5_000] {
        assert_eq!(heard(&source, "so-1", start).await, sound(1, 10_000)[start as usize..]);
    }
    let picture = source.artwork(key("al-0"), ArtworkSize::Original).await.unwrap();
    assert_eq!(picture.unwrap().bytes, PICTURE);
}

#[tokio::test]
async fn words_in_place_of_sound_are_no_song() {
    let page = || Reply::new("<html>").with("Content-Type", "text/html");
    let subsonic = Subsonic::new(3);
    let server =
        serve_but(&subsonic, move |asked| (asked.parameter("id") == Some("so-1")).then(page)).await;
    let source = source(&server, None);
    let error = source.open(key("so-1")).await.unwrap_err();
    assert!(matches!(error, SourceError::Away { .. }), "{error}");
    let error = source.open(key("so-99")).await.unwrap_err();
    assert!(matches!(error, SourceError::NotThere(_)), "{error}");
}

#[tokio::test]
async fn the_picture_of_an_album_is_fetched_once_for_its_songs() {
    let server = Server::start(Subsonic::new(20).answer()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&server);
    config.pictures = Some(DiskCache::new(folder.path(), 1 << 20));
    let mut ear = follow(config);
    ear.settled().await;
    let size = ArtworkSize::Within { width: 300, height: 200 };
    let picture = ear.source.artwork(key("so-1"), size).await.unwrap().unwrap();
    assert_eq!((picture.media_type, &picture.bytes[..]), ("image/png", PICTURE));
    while std::fs::read_dir(folder.path()).unwrap().count() == 0 {
        tokio::task::yield_now().await;
    }
    // Another song of the album; it may still be on its way to the disk.
    let again = ear.source.artwork(key("so-2"), size).await.unwrap().unwrap();
    assert_eq!(again, picture);
    let asked = server.asked_for("/rest/getCoverArt.view");
    assert!(asked.iter().all(|asked| asked.parameter("id") == Some("al-0")));
    assert!(asked.iter().all(|asked| asked.parameter("size") == Some("200")));
    ear.source.artwork(key("so-2"), ArtworkSize::Original).await.unwrap().unwrap();
    assert_eq!(server.asked().last().unwrap().parameter("size"), None);
}

#[tokio::test]
async fn a_picture_that_is_neither_jpeg_nor_png_is_asked_for_in_another_size() {
    let subsonic = Subsonic::new(3);
    let webp = || Reply::new("RIFF....WEBPVP8 ").with("Content-Type", "image/webp");
    let server = serve_but(&subsonic, move |asked| {
        let is_picture = asked.path().ends_with("getCoverArt.view");
        (is_picture && matches!(asked.parameter("size"), None | Some("300"))).then(webp)
    })
    .await;
    let source = source(&server, None);
    for size in [ArtworkSize::Original, ArtworkSize::Within { width: 300, height: 300 }] {
        let picture = source.artwork(key("al-0"), size).await.unwrap();
        assert_eq!(picture.unwrap().bytes, PICTURE);
    }
}

#[tokio::test]
async fn what_is_pinned_is_fetched_ahead() {
    let subsonic = Subsonic::new(30);
    subsonic.edit(|music| {
        music.starred = vec![3];
        music.playlists.insert(1, ("Loud".into(), vec![4, 5]));
        music.playlists.insert(2, ("Quiet".into(), vec![6]));
    });
    let server = Server::start(subsonic.answer()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&server);
    config.songs = Some(DiskCache::new(folder.path(), 1 << 20));
    (config.pins.starred, config.pins.playlists) = (true, vec!["Loud".to_owned()]);
    let mut ear = follow(config);
    ear.settled().await;
    while server.asked_for("/rest/stream.view").len() < 3 {
        tokio::task::yield_now().await;
    }
    let asked = server.asked_for("/rest/stream.view");
    let ids: Vec<_> = asked.iter().filter_map(|asked| asked.parameter("id")).collect();
    assert_eq!(ids, ["so-3", "so-4", "so-5"]);
}

#[tokio::test]
async fn two_users_of_a_server_have_songs_pinned_of_their_own() {
    let subsonic = Subsonic::new(30);
    subsonic.edit(|music| music.starred = vec![3, 4]);
    let server = Server::start(subsonic.answer()).await;
    let folder = tempfile::tempdir().unwrap();
    let cache = DiskCache::new(folder.path(), 1 << 20);
    let pinning = |user: &str| {
        let mut config = config(&server);
        config.login = Login::Password { user: user.to_owned(), password: "sesame".into() };
        config.songs = Some(cache.clone());
        config.pins.starred = true;
        follow(config)
    };
    let (mut joe, mut ann) = (pinning("joe"), pinning("ann"));
    tokio::join!(joe.settled(), ann.settled());
    assert_eq!(cache.pinned().len(), 4);
}
