//! Songs and pictures, streamed through and kept.

use bytes::Bytes;
use disk_cache::DiskCache;
use library::{Artwork, ArtworkSize, OpenError, SourceError};

use crate::common::*;

#[tokio::test]
async fn a_song_is_streamed_through_from_any_byte_on() {
    let (_songs, attic) = library("Attic", &["Jet"]).await;
    let address = free_address();
    let _server = serve(attic, address).await;
    let library = republished(config(address)).await;
    holds(&library, &["Jet"]).await;
    for start in [0, 1, 7, 14] {
        let content = open(&library, "Jet").await.unwrap();
        assert_eq!(content.length, Some(SOUND.len() as u64));
        let rest = &SOUND.as_bytes()[usize::try_from(start).unwrap()..];
        assert_eq!(bytes(content, start).await, rest);
    }
}

#[tokio::test]
async fn a_picture_is_passed_on() {
    let (songs, attic) = library("Attic", &["Jet"]).await;
    let picture =
        Artwork { media_type: "image/png", bytes: Bytes::from_static(b"\x89PNG\r\n\x1a\nwings") };
    songs.put_artwork("Jet", Some(picture.clone()));
    let address = free_address();
    let _server = serve(attic, address).await;
    let library = republished(config(address)).await;
    let has_picture = |now: &daap_model::Snapshot| {
        now.databases().any(|database| database.items().iter().any(|item| item.track.has_artwork))
    };
    until(&library, has_picture, || "a picture".to_owned()).await;
    let snapshot = library.snapshot();
    let database = snapshot.databases().next().unwrap();
    let item = database.items().iter().next().unwrap().id;
    let got = library.artwork(database.id, item, ArtworkSize::Original).await.unwrap();
    assert_eq!(got, Some(picture));
}

#[tokio::test]
async fn a_song_that_was_heard_plays_on_while_the_share_is_down() {
    let (_songs, attic) = library("Attic", &["Blackbird", "Jet", "Mamunia"]).await;
    let address = free_address();
    let server = serve(attic, address).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(address);
    config.cache = Some(DiskCache::new(folder.path(), 1 << 20));
    let library = republished(config).await;
    holds(&library, &["Blackbird", "Jet", "Mamunia"]).await;
    // One from its beginning, one from the middle.
    bytes(open(&library, "Jet").await.unwrap(), 0).await;
    bytes(open(&library, "Mamunia").await.unwrap(), 4).await;
    kept(folder.path(), 2).await;
    server.stop();
    problems(&library, 1).await;

    for title in ["Jet", "Mamunia"] {
        let content = open(&library, title).await.unwrap();
        assert_eq!(bytes(content, 2).await, &SOUND.as_bytes()[2..]);
    }
    let error = open(&library, "Blackbird").await.unwrap_err();
    assert!(matches!(error, OpenError::Source(SourceError::Away { .. })), "{error}");
    assert_eq!(titles(&library.snapshot()), ["Blackbird", "Jet", "Mamunia"]);
}

#[tokio::test]
async fn a_song_that_is_another_now_is_not_played_as_it_was() {
    let (songs, attic) = library("Attic", &["Jet"]).await;
    let address = free_address();
    let _server = serve(attic, address).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(address);
    config.cache = Some(DiskCache::new(folder.path(), 1 << 20));
    let library = republished(config).await;
    holds(&library, &["Jet"]).await;
    bytes(open(&library, "Jet").await.unwrap(), 0).await;
    kept(folder.path(), 1).await;
    let track =
        daap_model::Track { title: "Jet".into(), format: "mp3".into(), ..Default::default() };
    songs.put("Jet", track, "another sound");
    let is_other = |now: &daap_model::Snapshot| {
        now.databases().any(|database| database.items().iter().any(|item| item.track.size == 13))
    };
    until(&library, is_other, || "another sound".to_owned()).await;
    assert_eq!(bytes(open(&library, "Jet").await.unwrap(), 0).await, b"another sound");
}

/// Waits until so many songs are kept.
async fn kept(folder: &std::path::Path, count: usize) {
    let whole = || {
        let entries =
            |folder: &std::path::Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
        let files = entries(folder).flat_map(|below| entries(&below.path()).collect::<Vec<_>>());
        files.filter(|file| file.path().extension().is_none()).count()
    };
    while whole() < count {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
