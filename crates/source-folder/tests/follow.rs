//! Changes in a folder that is being followed.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use library::ScanPhase;
use source_folder::FolderConfig;
use support::{Running, Shelf, start, start_with};
use tempfile::TempDir;
use testkit::media::{Format, Song, jpeg};

fn write(root: &Path, path: &str) {
    Song::new(path).length(Duration::from_millis(100)).write(root.join(path));
}

async fn following(songs: &[&str]) -> (TempDir, Running) {
    let root = tempfile::tempdir().unwrap();
    songs.iter().for_each(|song| write(root.path(), song));
    let mut running = start(root.path(), Shelf::default());
    running.settled().await;
    running.until(|scan| scan.phase == ScanPhase::Idle).await;
    (root, running)
}

#[tokio::test]
async fn a_new_file_is_told_within_two_seconds() {
    let (root, mut running) = following(&["a.mp3"]).await;
    let began = Instant::now();
    write(root.path(), "b.mp3");
    assert_eq!(running.said().await, ["song b.mp3"]);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    running.stop().await;
}

#[tokio::test]
async fn a_file_that_is_being_written_is_told_once_it_is_whole() {
    let (root, mut running) = following(&["a.mp3"]).await;
    let whole = Song::new("slow").length(Duration::from_secs(4)).bytes(Format::Wav);
    let mut file = File::create(root.path().join("slow.wav")).unwrap();
    let writer = tokio::task::spawn_blocking(move || {
        for part in whole.chunks(whole.len() / 6 + 1) {
            file.write_all(part).unwrap();
            file.flush().unwrap();
            std::thread::sleep(Duration::from_millis(300));
        }
    });
    assert_eq!(running.said().await, ["song slow.wav"]);
    writer.await.unwrap();
    assert_eq!(running.shelf.track("slow.wav").duration_ms, 4000);
    running.stop().await;
}

#[tokio::test]
async fn renames_and_moves_keep_songs() {
    let (root, mut running) = following(&["a.mp3", "b/c.mp3", "b/d.mp3"]).await;
    fs::rename(root.path().join("b"), root.path().join("z")).unwrap();
    assert_eq!(running.said().await, ["moved b/c.mp3 -> z/c.mp3", "moved b/d.mp3 -> z/d.mp3"]);
    fs::rename(root.path().join("a.mp3"), root.path().join("z/a.mp3")).unwrap();
    assert_eq!(running.said().await, ["moved a.mp3 -> z/a.mp3"]);
    fs::create_dir(root.path().join("new")).unwrap();
    fs::rename(root.path().join("z/a.mp3"), root.path().join("new/a.mp3")).unwrap();
    assert_eq!(running.said().await, ["moved z/a.mp3 -> new/a.mp3"]);
    running.stop().await;
}

#[tokio::test]
async fn deleted_files_and_folders_are_gone() {
    let (root, mut running) = following(&["a.mp3", "b/c.mp3", "b/d/e.mp3"]).await;
    fs::remove_file(root.path().join("a.mp3")).unwrap();
    assert_eq!(running.said().await, ["gone a.mp3"]);
    fs::remove_dir_all(root.path().join("b/d")).unwrap();
    assert_eq!(running.said().await, ["gone b/d/e.mp3"]);
    // The last song of all is believed to be deleted, too.
    fs::remove_file(root.path().join("b/c.mp3")).unwrap();
    assert_eq!(running.said().await, ["gone b/c.mp3"]);
    running.stop().await;
}

#[tokio::test]
async fn folders_that_come_are_followed() {
    let (root, mut running) = following(&["a.mp3"]).await;
    let elsewhere = tempfile::tempdir_in(root.path().parent().unwrap()).unwrap();
    write(elsewhere.path(), "in/1.mp3");
    write(elsewhere.path(), "in/deep/2.mp3");
    fs::rename(elsewhere.path().join("in"), root.path().join("in")).unwrap();
    assert_eq!(running.said().await, ["song in/1.mp3", "song in/deep/2.mp3"]);
    write(root.path(), "in/deep/3.mp3");
    assert_eq!(running.said().await, ["song in/deep/3.mp3"]);
    fs::rename(root.path().join("in"), elsewhere.path().join("out")).unwrap();
    assert_eq!(running.said().await, ["gone in/1.mp3", "gone in/deep/2.mp3", "gone in/deep/3.mp3"]);
    running.stop().await;
}

#[tokio::test]
async fn a_changed_tag_is_told() {
    let (root, mut running) = following(&["a.mp3"]).await;
    Song::new("another title").write(root.path().join("a.mp3"));
    assert_eq!(running.said().await, ["song a.mp3"]);
    assert_eq!(running.shelf.track("a.mp3").title.as_str(), "another title");
    running.stop().await;
}

#[tokio::test]
async fn a_picture_that_comes_and_goes_is_told() {
    let (root, mut running) = following(&["a/1.mp3", "b/2.mp3"]).await;
    let picture = root.path().join("a/cover.jpg");
    fs::write(&picture, jpeg(8, 8)).unwrap();
    assert_eq!(running.said().await, ["song a/1.mp3"]);
    assert!(running.shelf.track("a/1.mp3").has_artwork);
    fs::remove_file(&picture).unwrap();
    assert_eq!(running.said().await, ["song a/1.mp3"]);
    assert!(!running.shelf.track("a/1.mp3").has_artwork);
    running.stop().await;
}

#[tokio::test]
async fn a_playlist_gets_its_songs_as_they_come_and_keeps_them_as_they_move() {
    let (root, mut running) = following(&["a/1.mp3"]).await;
    fs::write(root.path().join("best.m3u"), "a/1.mp3\nM:\\New\\2.mp3\n").unwrap();
    assert_eq!(running.said().await, ["playlist best.m3u"]);
    assert_eq!(running.shelf.songs_of("best.m3u"), ["a/1.mp3"]);
    fs::rename(root.path().join("a"), root.path().join("z")).unwrap();
    assert_eq!(running.said().await, ["moved a/1.mp3 -> z/1.mp3"]);
    write(root.path(), "New/2.mp3");
    assert_eq!(running.said().await, ["playlist best.m3u", "song New/2.mp3"]);
    assert_eq!(running.shelf.songs_of("best.m3u"), ["z/1.mp3", "New/2.mp3"]);
    running.stop().await;
}

#[tokio::test]
async fn a_root_that_goes_and_comes_while_it_is_followed_costs_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (root, aside) = (home.path().join("music"), home.path().join("aside"));
    write(&root, "a.mp3");
    write(&root, "b.mp3");
    let mut running = start_with(FolderConfig::new(&root), Shelf::default());
    running.settled().await;
    fs::rename(&root, &aside).unwrap();
    assert_eq!(running.said().await, ["away a.mp3 b.mp3"]);
    running.until(|scan| scan.phase == ScanPhase::Failed).await;
    fs::rename(&aside, &root).unwrap();
    assert_eq!(running.said().await, ["back a.mp3 b.mp3"]);
    // And it is watched again.
    running.until(|scan| scan.phase == ScanPhase::Idle).await;
    write(&root, "c.mp3");
    assert_eq!(running.said().await, ["song c.mp3"]);
    running.stop().await;
}

#[tokio::test]
async fn a_stranger_in_the_place_of_the_root_does_not_make_songs_gone() {
    let home = tempfile::tempdir().unwrap();
    let (root, aside) = (home.path().join("music"), home.path().join("aside"));
    write(&root, "a.mp3");
    write(&root, "b.mp3");
    let mut running = start(&root, Shelf::default());
    running.settled().await;
    // As when a disk is taken out, and somebody writes to the bare place.
    fs::rename(&root, &aside).unwrap();
    write(&root, "c.mp3");
    let mut said = running.said().await;
    if said.len() == 1 {
        said.extend(running.said().await);
    }
    assert_eq!(said, ["away a.mp3 b.mp3", "song c.mp3"]);
    fs::remove_dir_all(&root).unwrap();
    fs::rename(&aside, &root).unwrap();
    let said = running.said().await;
    assert!(said.contains(&"back a.mp3 b.mp3".to_owned()), "{said:?}");
    running.stop().await;
}

#[tokio::test]
async fn where_nothing_is_heard_everything_is_looked_through_now_and_then() {
    let root = tempfile::tempdir().unwrap();
    let mut config = FolderConfig::new(root.path());
    config.watch = false;
    config.sweep = Duration::from_millis(100);
    let mut running = start_with(config, Shelf::default());
    assert!(running.settled().await.is_empty());
    write(root.path(), "a.mp3");
    assert_eq!(running.said().await, ["song a.mp3"]);
    // It was asked for, so it is no problem.
    running.until(|scan| scan.phase == ScanPhase::Idle && scan.problems.is_empty()).await;
    running.stop().await;
}

#[tokio::test]
async fn stopping_ends_the_thread_at_once() {
    let (_root, running) = following(&["a.mp3"]).await;
    let began = Instant::now();
    running.stop().await;
    assert!(began.elapsed() < Duration::from_secs(2));
}
