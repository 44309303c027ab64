use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::Value as Json;
use testkit::daap::{SONG, answer, sound};
use testkit::server::{Reply, Server};

use crate::cli::Outcome;
use crate::fixture::{said, share};

/// Gets what arguments name into a folder; how it ended, and what it says at the end.
async fn get(url: &str, to: &Path, arguments: &[&str]) -> (Outcome, Json) {
    let line = [&["get", url, "--to", to.to_str().unwrap(), "--json"], arguments].concat();
    let (outcome, text) = said(&line).await.unwrap();
    (outcome, serde_json::from_str(&text).unwrap_or_default())
}

/// The files below a folder, and what is in them.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

#[tokio::test]
async fn a_share_becomes_a_folder_and_is_not_fetched_twice() {
    let (url, to) = (share().await, tempfile::tempdir().unwrap());
    let (outcome, summary) = get(&url, to.path(), &["--playlists"]).await;
    assert_eq!(outcome, Outcome::Done);
    assert_eq!((&summary["fetched"], &summary["there"]), (&5.into(), &0.into()));
    let files = files(to.path());
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "Party (2).m3u8",
            "Party.m3u8",
            "The Beatles/Abbey Road/01 Come Together.mp3",
            "The Beatles/Abbey Road/07 Here Comes the Sun.mp3",
            "Wings/Band on the Run/01 Band on the Run.mp3",
            "Wings/Band on the Run/02 Jet.mp3",
            "wings of steel/03 Aether.mp3",
        ]
    );
    assert_eq!(files["Wings/Band on the Run/02 Jet.mp3"], "Jet".repeat(1000).into_bytes());
    let come =
        "#EXTINF:60,The Beatles - Come Together\nThe Beatles/Abbey Road/01 Come Together.mp3\n";
    let jet = "#EXTINF:120,Wings - Jet\nWings/Band on the Run/02 Jet.mp3\n";
    let party = String::from_utf8(files["Party.m3u8"].clone()).unwrap();
    assert_eq!(party, format!("#EXTM3U\n{come}{jet}{come}"));
    let (outcome, summary) = get(&url, to.path(), &[]).await;
    assert_eq!((outcome, &summary["fetched"]), (Outcome::Done, &0.into()));
    assert_eq!((&summary["there"], &summary["bytes"]), (&5.into(), &0.into()));
}

#[tokio::test]
async fn a_template_names_files_and_two_of_one_name_are_told_apart() {
    let (url, to) = (share().await, tempfile::tempdir().unwrap());
    get(&url, to.path(), &["--name", "{genre}", "--artist", "Wings"]).await;
    let names: Vec<_> = files(to.path()).into_keys().collect();
    assert_eq!(names, ["Rock; Pop (2).mp3", "Rock; Pop.mp3"]);
}

#[tokio::test]
async fn a_playlist_is_fetched_once_a_song_and_written_alone() {
    let (url, to) = (share().await, tempfile::tempdir().unwrap());
    let (_, summary) = get(&format!("{url}/playlists/party"), to.path(), &["--playlists"]).await;
    assert_eq!((&summary["songs"], summary["playlists"].as_array().unwrap().len()), (&2.into(), 2));
}

#[tokio::test]
async fn a_dry_run_says_what_is_left_and_writes_nothing() {
    let (url, to) = (share().await, tempfile::tempdir().unwrap());
    let folder = to.path().to_str().unwrap();
    let line = ["get", &url, "--to", folder, "--search", "jet", "--dry-run"];
    let (outcome, text) = said(&line).await.unwrap();
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(text, format!("3000\t{folder}/Wings/Band on the Run/02 Jet.mp3\n"));
    assert!(files(to.path()).is_empty());
}

#[tokio::test]
async fn what_fails_is_said_and_does_not_keep_the_rest() {
    let server = Server::start(|asked| match asked.path() {
        SONG => Reply::status(404),
        _ => answer(asked),
    })
    .await;
    let (url, to) = (format!("daap://{}", server.address()), tempfile::tempdir().unwrap());
    let (outcome, summary) = get(&url, to.path(), &[]).await;
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!((&summary["songs"], &summary["fetched"]), (&2.into(), &1.into()));
    let failed = &summary["failed"][0];
    assert_eq!(failed["path"], "Jet.mp3");
    assert!(failed["why"].as_str().unwrap().contains("404"), "{failed}");
    assert!(files(to.path()).into_values().eq([sound()]));
}

#[tokio::test]
async fn a_song_that_fails_for_a_while_is_tried_again() {
    let failures = AtomicU32::new(2);
    let fails = move || failures.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
    let server = Server::start(move |asked| match asked.path() {
        SONG if fails() => answer(asked).cut_after(100),
        _ => answer(asked),
    })
    .await;
    let (url, to) = (format!("daap://{}", server.address()), tempfile::tempdir().unwrap());
    let (outcome, summary) = get(&url, to.path(), &["--retries", "0"]).await;
    assert_eq!((outcome, &summary["failed"][0]["path"]), (Outcome::Failed, &"Jet.mp3".into()));
    let (outcome, _) = get(&url, to.path(), &["--retries", "1"]).await;
    assert_eq!(outcome, Outcome::Done);
    assert!(files(to.path())["Jet.mp3"] == sound());
}

#[tokio::test]
async fn a_file_in_the_way_stays_unless_it_is_to_go() {
    let (url, to) = (share().await, tempfile::tempdir().unwrap());
    fs::write(to.path().join("Jet.mp3"), "mine").unwrap();
    let arguments = ["--search", "jet", "--name", "{title}"];
    let (outcome, summary) = get(&url, to.path(), &arguments).await;
    assert_eq!(outcome, Outcome::Failed);
    assert!(summary["failed"][0]["why"].as_str().unwrap().contains("another file"), "{summary}");
    assert_eq!(files(to.path())["Jet.mp3"], b"mine");
    let (outcome, _) = get(&url, to.path(), &[&arguments[..], &["--overwrite"]].concat()).await;
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(files(to.path())["Jet.mp3"].len(), 3000);
}

#[tokio::test]
async fn nothing_to_fetch_is_no_failure() {
    let (url, to) = (share().await, tempfile::tempdir().unwrap());
    let (outcome, _) = get(&url, to.path(), &["--artist", "Nobody"]).await;
    assert_eq!(outcome, Outcome::NothingFound);
}
