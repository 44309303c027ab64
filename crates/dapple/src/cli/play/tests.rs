use std::path::Path;

use daap::{Catalog, NewSong, Server, Track};
use serde_json::Value as Json;

use crate::cli::Outcome;
use crate::fixture::said;

/// So many frames of 16 bits, stereo, at 44,100 Hz: no two are the same.
fn pcm(frames: i16) -> Vec<u8> {
    (0..frames).flat_map(|n| [n.to_le_bytes(), (-n).to_le_bytes()]).flatten().collect()
}

fn wav(pcm: &[u8]) -> Vec<u8> {
    let length = |more: usize| u32::try_from(pcm.len() + more).unwrap().to_le_bytes();
    let format = b"WAVEfmt \x10\0\0\0\x01\0\x02\0\x44\xAC\0\0\x10\xB1\x02\0\x04\0\x10\0data";
    [b"RIFF", &length(36)[..], format, &length(0), pcm].concat()
}

/// A share of songs: title, track number and file.
async fn share(songs: &[(&str, u16, &[u8])]) -> String {
    let catalog = Catalog::new("Attic");
    let mut changes = catalog.changes();
    for (title, track, file) in songs {
        let (title, format) = ((*title).into(), "wav".into());
        let track = Track { title, track: *track, format, ..Track::default() };
        changes.add_item(Catalog::MAIN, NewSong::new(track).bytes(file.to_vec()));
    }
    catalog.commit(changes).unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    let server = Server::builder(catalog).bind(&[address]).await.unwrap();
    let url = format!("daap://{}", server.addresses()[0]);
    tokio::spawn(server.run(std::future::pending()));
    url
}

/// Plays into a file; how it ended, what was told and what is in the file.
async fn play(url: &str, file: &Path, more: &[&str]) -> anyhow::Result<(Outcome, Vec<Json>)> {
    let output = format!("file:{}", file.display());
    let line = [&["play", url, "--json", "--output", &output], more].concat();
    let (outcome, text) = said(&line).await?;
    Ok((outcome, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()))
}

fn titles(events: &[Json], event: &str) -> Vec<String> {
    let told = events.iter().filter(|told| told["event"] == event);
    told.map(|told| told["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_album_is_played_in_its_order_to_the_last_sample() {
    let (first, second) = (pcm(9_001), pcm(5_003));
    let url = share(&[("Second", 2, &wav(&second)), ("First", 1, &wav(&first))]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pcm");
    let (outcome, events) = play(&url, &file, &[]).await.unwrap();
    assert_eq!(
        (outcome, titles(&events, "song")),
        (Outcome::Done, vec!["First".into(), "Second".into()])
    );
    assert!(std::fs::read(&file).unwrap() == [first, second].concat());
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["state"]), (&"status".into(), &"stopped".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_song_that_cannot_be_played_is_skipped_and_said_so() {
    let sound = pcm(3_000);
    let url = share(&[("Broken", 1, b"no sound"), ("Whole", 2, &wav(&sound))]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pcm");
    let (outcome, events) = play(&url, &file, &[]).await.unwrap();
    assert_eq!((outcome, titles(&events, "failed")), (Outcome::Failed, vec!["Broken".into()]));
    assert!(std::fs::read(&file).unwrap() == sound);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_the_volume_is_softer_and_as_long() {
    let sound = pcm(3_000);
    let url = share(&[("Soft", 1, &wav(&sound))]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pcm");
    let (outcome, _) = play(&url, &file, &["--volume", "50"]).await.unwrap();
    let soft = std::fs::read(&file).unwrap();
    assert_eq!((outcome, soft.len()), (Outcome::Done, sound.len()));
    let loudest = soft.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).max();
    assert!((370..=380).contains(&loudest.unwrap()), "{loudest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_play_and_nowhere_to_play_it_are_told_apart() {
    let url = share(&[("Jet", 1, &wav(&pcm(3_000)))]).await;
    let folder = tempfile::tempdir().unwrap();
    let nothing = play(&url, &folder.path().join("pcm"), &["--artist", "Nobody"]).await.unwrap();
    assert_eq!(nothing, (Outcome::NothingFound, vec![]));
    let nowhere = play(&url, &folder.path().join("none/pcm"), &[]).await.unwrap_err();
    assert!(nowhere.to_string().starts_with("nothing can be heard: "), "{nowhere}");
}
