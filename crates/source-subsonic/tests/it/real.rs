//! A server that others wrote, if there is one: its address in `SUBSONIC_URL`, and who asks in `SUBSONIC_USER` and
//! `SUBSONIC_PASSWORD`.

use std::env;

use library::{ArtworkSize, Change, Source};
use source_subsonic::{Login, SubsonicConfig};

use crate::common::*;
use crate::sounds::bytes;

#[tokio::test]
async fn a_server_that_others_wrote_is_followed_and_heard() {
    let Ok(url) = env::var("SUBSONIC_URL") else {
        return eprintln!("skipped: there is no SUBSONIC_URL");
    };
    let user = env::var("SUBSONIC_USER").unwrap();
    let password = env::var("SUBSONIC_PASSWORD").unwrap();
    let mut ear = follow(SubsonicConfig::new(&url, Login::Password { user, password }));
    let told = ear.settled().await;
    let songs = told.iter().filter_map(|change| match change {
        Change::Song { key, track, .. } => Some((key, track)),
        _ => None,
    });
    let (with_pictures, without): (Vec<_>, Vec<_>) =
        songs.partition(|(_, track)| track.has_artwork);
    println!("{} songs, {} of them with pictures", ear.songs(), with_pictures.len());
    for (key, track) in with_pictures.into_iter().take(10).chain(without.into_iter().take(10)) {
        for start in [0, track.size / 3] {
            let content = ear.source.open(key.clone()).await.unwrap();
            assert_eq!(content.length, Some(track.size), "{track:?}");
            let bytes = bytes(content, start).await.unwrap();
            assert_eq!(bytes.len() as u64, track.size - start, "{track:?}");
        }
        let size = ArtworkSize::Within { width: 200, height: 200 };
        let picture = ear.source.artwork(key.clone(), size).await.unwrap();
        assert_eq!(picture.is_some(), track.has_artwork, "{track:?}");
    }
    assert!(ear.songs() > 0);
    assert_eq!(words(&ear.look().await), [""; 0]);
}
