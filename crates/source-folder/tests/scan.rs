//! What a pass over a folder says, and what the next one says when something has changed meanwhile.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use library::{ScanPhase, SourceKey};
use support::{Running, Shelf, start};
use tempfile::TempDir;
use testkit::media::{Format, Song, jpeg};

fn write(root: &Path, path: &str, title: &str) {
    Song::new(title)
        .artist("Wings")
        .album("Band on the Run")
        .length(Duration::from_millis(100))
        .write(root.join(path));
    age(&root.join(path));
}

/// Makes a file look as if nobody had touched it for an hour.
fn age(path: &Path) {
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(path).unwrap().set_modified(hour_ago).unwrap();
}

fn folder(songs: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (n, song) in songs.iter().enumerate() {
        write(root.path(), song, &format!("Song {n}"));
    }
    root
}

/// One pass from what is on the shelf.
async fn pass(root: &Path, shelf: Shelf) -> (Vec<String>, Shelf) {
    let mut running = start(root, shelf);
    let said = running.settled().await;
    (said, running.stop().await)
}

async fn scanned(root: &Path) -> Shelf {
    pass(root, Shelf::default()).await.1
}

#[tokio::test]
async fn a_folder_is_reported_once_and_then_only_its_changes() {
    let root = folder(&["a.mp3", "b/c.flac", "b/d/e.m4a"]);
    let (said, shelf) = pass(root.path(), Shelf::default()).await;
    assert_eq!(said, ["song a.mp3", "song b/c.flac", "song b/d/e.m4a"]);
    assert_eq!(shelf.track("b/c.flac").title.as_str(), "Song 1");
    let (said, shelf) = pass(root.path(), shelf).await;
    assert!(said.is_empty(), "{said:?}");

    write(root.path(), "b/c.flac", "another title");
    write(root.path(), "new.ogg", "new");
    fs::remove_file(root.path().join("a.mp3")).unwrap();
    let (said, shelf) = pass(root.path(), shelf).await;
    assert_eq!(said, ["gone a.mp3", "song b/c.flac", "song new.ogg"]);
    assert_eq!(shelf.track("b/c.flac").title.as_str(), "another title");
}

#[tokio::test]
async fn progress_counts_all_songs_whether_read_or_known() {
    let root = folder(&["a.mp3", "b.mp3", "c.mp3"]);
    fs::write(root.path().join("broken.mp3"), b"not music at all").unwrap();
    age(&root.path().join("broken.mp3"));
    let mut running = start(root.path(), Shelf::default());
    running.settled().await;
    running.until(|scan| scan.phase == ScanPhase::Idle).await;
    let scan = running.scan();
    assert_eq!((scan.done, scan.total, scan.errors), (4, 4, 1));
    assert!(scan.problems.is_empty(), "{:?}", scan.problems);
    running.stop().await;
}

#[tokio::test]
async fn a_renamed_folder_moves_its_songs_without_reading_them() {
    let root = folder(&["a/1.mp3", "a/2.mp3", "b/3.mp3"]);
    let shelf = scanned(root.path()).await;
    fs::rename(root.path().join("a"), root.path().join("z")).unwrap();
    let (said, _) = pass(root.path(), shelf).await;
    assert_eq!(said, ["moved a/1.mp3 -> z/1.mp3", "moved a/2.mp3 -> z/2.mp3"]);
}

#[tokio::test]
async fn a_renamed_file_moves_and_is_read_as_its_name_may_be_its_title() {
    let root = tempfile::tempdir().unwrap();
    Song::untagged().write(root.path().join("Jet.mp3"));
    age(&root.path().join("Jet.mp3"));
    let shelf = scanned(root.path()).await;
    fs::rename(root.path().join("Jet.mp3"), root.path().join("Jet!.mp3")).unwrap();
    let (said, shelf) = pass(root.path(), shelf).await;
    assert_eq!(said, ["moved Jet.mp3 -> Jet!.mp3", "song Jet!.mp3"]);
    assert_eq!(shelf.track("Jet!.mp3").title.as_str(), "Jet!");
}

#[tokio::test]
async fn a_copy_whose_original_is_deleted_has_moved() {
    let root = folder(&["a/1.mp3", "2.mp3"]);
    let shelf = scanned(root.path()).await;
    let (from, to) = (root.path().join("a/1.mp3"), root.path().join("b/1.mp3"));
    fs::create_dir(root.path().join("b")).unwrap();
    fs::copy(&from, &to).unwrap();
    let time = fs::metadata(&from).unwrap().modified().unwrap();
    File::options().write(true).open(&to).unwrap().set_modified(time).unwrap();
    fs::remove_file(&from).unwrap();
    let (said, _) = pass(root.path(), shelf).await;
    assert_eq!(said, ["moved a/1.mp3 -> b/1.mp3"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_name_of_a_file_is_a_song_of_its_own() {
    let root = folder(&["a.mp3", "b.mp3"]);
    let shelf = scanned(root.path()).await;
    fs::hard_link(root.path().join("a.mp3"), root.path().join("c.mp3")).unwrap();
    std::os::unix::fs::symlink("a.mp3", root.path().join("d.mp3")).unwrap();
    let (said, shelf) = pass(root.path(), shelf).await;
    assert_eq!(said, ["song c.mp3", "song d.mp3"]);
    fs::remove_file(root.path().join("d.mp3")).unwrap();
    fs::rename(root.path().join("c.mp3"), root.path().join("e.mp3")).unwrap();
    let (said, _) = pass(root.path(), shelf).await;
    // Of two gone names of one file either may be the one that moved; no other song is touched.
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(
        said[0].starts_with("gone ") && said[1].ends_with("-> e.mp3") && said[2] == "song e.mp3",
        "{said:?}"
    );
}

#[tokio::test]
async fn a_root_that_is_missing_or_suddenly_empty_is_away_and_comes_back() {
    let home = tempfile::tempdir().unwrap();
    let (root, aside) = (home.path().join("music"), home.path().join("aside"));
    fs::create_dir(&root).unwrap();
    write(&root, "a.mp3", "A");
    write(&root, "b.mp3", "B");
    let shelf = scanned(&root).await;

    fs::rename(&root, &aside).unwrap();
    let mut running = start(&root, shelf);
    assert_eq!(running.settled().await, ["away a.mp3 b.mp3"]);
    running.until(|scan| scan.phase == ScanPhase::Failed).await;
    assert!(running.scan().problems[0].contains("cannot be read"), "{:?}", running.scan().problems);
    // It is looked for until it is there again.
    fs::rename(&aside, &root).unwrap();
    assert_eq!(running.said().await, ["back a.mp3 b.mp3"]);
    running.until(|scan| scan.phase == ScanPhase::Idle && scan.problems.is_empty()).await;
    let shelf = running.stop().await;

    fs::rename(&root, &aside).unwrap();
    fs::create_dir(&root).unwrap();
    let (said, shelf) = pass(&root, shelf).await;
    assert_eq!(said, ["away a.mp3 b.mp3"]);
    assert_eq!(shelf.keys(), ["a.mp3", "b.mp3"]);

    // Nor is a song gone because a stray one lies in the bare place at the next start.
    write(&root, "c.mp3", "C");
    let (said, shelf) = pass(&root, shelf).await;
    assert_eq!(said, ["away a.mp3 b.mp3", "song c.mp3"]);
    fs::remove_dir_all(&root).unwrap();
    fs::rename(&aside, &root).unwrap();
    let (said, shelf) = pass(&root, shelf).await;
    assert_eq!(said, ["back a.mp3 b.mp3", "gone c.mp3"]);
    assert!(shelf.away.is_empty());
}

#[tokio::test]
async fn what_moved_while_the_root_was_away_is_found_again() {
    let home = tempfile::tempdir().unwrap();
    let (root, aside) = (home.path().join("music"), home.path().join("aside"));
    write(&root, "a/1.mp3", "A");
    write(&root, "b.mp3", "B");
    let shelf = scanned(&root).await;
    fs::rename(&root, &aside).unwrap();
    let mut running = start(&root, shelf);
    assert_eq!(running.settled().await, ["away a/1.mp3 b.mp3"]);
    fs::rename(aside.join("a"), aside.join("z")).unwrap();
    fs::rename(&aside, &root).unwrap();
    assert_eq!(running.said().await, ["back b.mp3", "moved a/1.mp3 -> z/1.mp3"]);
    running.stop().await;
}

#[tokio::test]
async fn a_folder_that_need_not_be_there_is_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("music");
    let mut running = start(&root, Shelf::default());
    assert!(running.settled().await.is_empty());
    running.until(|scan| scan.phase == ScanPhase::Failed).await;
    write(home.path(), "music/a.mp3", "A");
    assert_eq!(running.said().await, ["song a.mp3"]);
    running.stop().await;
}

#[tokio::test]
async fn a_scan_that_was_cut_short_goes_on_where_it_was() {
    let root = folder(
        &(0..40)
            .map(|n| format!("{n:02}.mp3"))
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    );
    let mut running = start(root.path(), Shelf::default());
    running.some(10).await;
    let shelf = running.stop().await;
    let before = shelf.songs.len();
    let (said, shelf) = pass(root.path(), shelf).await;
    assert_eq!((said.len(), shelf.songs.len()), (40 - before, 40));
}

#[tokio::test]
async fn bad_files_cost_a_count_and_never_the_scan() {
    let root = folder(&["good.mp3"]);
    fs::write(root.path().join("empty.mp3"), b"").unwrap();
    fs::write(root.path().join("letter.flac"), b"Dear John").unwrap();
    fs::create_dir(root.path().join("folder.mp3")).unwrap();
    let huge = File::create(root.path().join("huge.wav")).unwrap();
    huge.set_len(1 << 40).unwrap();
    ["empty.mp3", "letter.flac", "huge.wav"].iter().for_each(|name| age(&root.path().join(name)));
    let mut running = start(root.path(), Shelf::default());
    assert_eq!(running.settled().await, ["song good.mp3"]);
    running.until(|scan| scan.phase == ScanPhase::Idle).await;
    assert_eq!(running.scan().errors, 3);
    running.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn names_that_are_no_text_are_names() {
    use std::os::unix::ffi::OsStrExt;
    let root = folder(&["good.mp3"]);
    let name = std::ffi::OsStr::from_bytes(b"caf\xE9.mp3");
    fs::copy(root.path().join("good.mp3"), root.path().join(name)).unwrap();
    let mut running = start(root.path(), Shelf::default());
    assert_eq!(running.settled().await.len(), 2);
    let key = SourceKey::from(&b"caf\xE9.mp3"[..]);
    let content = library::Source::open(&*running.source, key).await.unwrap();
    assert_eq!(content.length, Some(fs::metadata(root.path().join("good.mp3")).unwrap().len()));
    running.stop().await;
}

#[tokio::test]
async fn a_song_that_breaks_is_gone_and_one_that_heals_is_back() {
    let root = folder(&["a.mp3", "b.mp3"]);
    let shelf = scanned(root.path()).await;
    fs::write(root.path().join("a.mp3"), b"Dear John").unwrap();
    age(&root.path().join("a.mp3"));
    let (said, shelf) = pass(root.path(), shelf).await;
    assert_eq!(said, ["gone a.mp3"]);
    write(root.path(), "a.mp3", "healed");
    let (said, _) = pass(root.path(), shelf).await;
    assert_eq!(said, ["song a.mp3"]);
}

#[cfg(unix)]
#[tokio::test]
async fn songs_in_a_folder_that_cannot_be_read_are_away_not_gone() {
    use std::os::unix::fs::PermissionsExt;
    let root = folder(&["a/1.mp3", "2.mp3"]);
    let shelf = scanned(root.path()).await;
    let locked = root.path().join("a");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // For root nothing is locked.
    if fs::read_dir(&locked).is_err() {
        let (said, shelf) = pass(root.path(), shelf).await;
        assert_eq!(said, ["away a/1.mp3"]);
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
        // The library itself ends it when a pass after a restart does not say it again.
        assert!(pass(root.path(), shelf).await.0.is_empty());
    }
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_picture_beside_songs_is_theirs_from_when_it_comes() {
    let root = folder(&["a/1.mp3", "a/CD 2/2.mp3", "3.mp3"]);
    let shelf = scanned(root.path()).await;
    assert!(!shelf.track("a/1.mp3").has_artwork);
    fs::write(root.path().join("a/Folder.jpg"), jpeg(8, 8)).unwrap();
    let (said, shelf) = pass(root.path(), shelf).await;
    assert_eq!(said, ["song a/1.mp3", "song a/CD 2/2.mp3"]);
    assert!(shelf.track("a/1.mp3").has_artwork && shelf.track("a/CD 2/2.mp3").has_artwork);
    let (said, shelf) = pass(root.path(), shelf).await;
    assert!(said.is_empty(), "{said:?}");
    // Moved away from its picture, a song is read again.
    fs::rename(root.path().join("a/1.mp3"), root.path().join("1.mp3")).unwrap();
    let (said, shelf) = pass(root.path(), shelf).await;
    assert_eq!(said, ["moved a/1.mp3 -> 1.mp3", "song 1.mp3"]);
    assert!(!shelf.track("1.mp3").has_artwork);
}

#[tokio::test]
async fn a_wrong_suffix_does_not_matter() {
    let root = tempfile::tempdir().unwrap();
    Song::new("Jet").write_as(Format::Flac, root.path().join("Jet.mp3"));
    let shelf = scanned(root.path()).await;
    assert_eq!(shelf.track("Jet.mp3").format.as_str(), "flac");
}

fn list(root: &Path, path: &str, text: &str) {
    fs::write(root.join(path), text).unwrap();
    age(&root.join(path));
}

#[tokio::test]
async fn playlists_are_reported_after_their_songs_and_only_when_they_change() {
    let root = folder(&["a/1.mp3", "a/2.mp3"]);
    list(root.path(), "best.m3u", "a/2.mp3\nC:\\Music\\A\\1.MP3\n");
    let mut running = start(root.path(), Shelf::default());
    assert_eq!(running.settled().await, ["playlist best.m3u", "song a/1.mp3", "song a/2.mp3"]);
    let shelf = running.stop().await;
    assert_eq!(shelf.songs_of("best.m3u"), ["a/2.mp3", "a/1.mp3"]);
    let (said, shelf) = pass(root.path(), shelf).await;
    assert!(said.is_empty(), "{said:?}");

    list(root.path(), "best.m3u", "a/2.mp3\n");
    let (said, shelf) = pass(root.path(), shelf).await;
    assert_eq!(said, ["playlist best.m3u"]);
    fs::remove_file(root.path().join("best.m3u")).unwrap();
    let (said, _) = pass(root.path(), shelf).await;
    assert_eq!(said, ["playlist gone best.m3u"]);
}

#[tokio::test]
async fn a_library_of_itunes_gives_playlists_folders_and_what_was_recorded() {
    let root = folder(&["Music/Wings/Jet.mp3"]);
    let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>Music Folder</key><string>file:///Volumes/Music/iTunes/iTunes%20Media/</string>
<key>Tracks</key><dict><key>7</key><dict>
<key>Track ID</key><integer>7</integer><key>Rating</key><integer>80</integer><key>Play Count</key><integer>12</integer>
<key>Location</key><string>file:///Volumes/Music/iTunes/iTunes%20Media/Music/Wings/Jet.mp3</string>
</dict></dict>
<key>Playlists</key><array>
<dict><key>Name</key><string>Library</string><key>Master</key><true/>
<key>Playlist Persistent ID</key><string>0000000000000001</string>
<key>Playlist Items</key><array><dict><key>Track ID</key><integer>7</integer></dict></array></dict>
<dict><key>Name</key><string>Seventies</string><key>Folder</key><true/>
<key>Playlist Persistent ID</key><string>0000000000000002</string></dict>
<dict><key>Name</key><string>Best</string><key>Parent Persistent ID</key><string>0000000000000002</string>
<key>Playlist Persistent ID</key><string>0000000000000003</string>
<key>Playlist Items</key><array><dict><key>Track ID</key><integer>7</integer></dict></array></dict>
</array></dict></plist>"#;
    list(root.path(), "iTunes Library.xml", xml);
    let (said, shelf) = pass(root.path(), Shelf::default()).await;
    let (folder, best) =
        ("iTunes Library.xml#0000000000000002", "iTunes Library.xml#0000000000000003");
    assert_eq!(
        said,
        [
            format!("playlist {folder}"),
            format!("playlist {best}"),
            "song Music/Wings/Jet.mp3".to_owned(),
            "usage Music/Wings/Jet.mp3".to_owned(),
        ]
    );
    assert_eq!(shelf.songs_of(best), ["Music/Wings/Jet.mp3"]);
    assert_eq!(shelf.playlists[best].parent, Some(folder.into()));
    assert_eq!(shelf.recorded["Music/Wings/Jet.mp3"].rating, Some(80));
    let (said, shelf) = pass(root.path(), shelf).await;
    assert!(said.is_empty(), "{said:?}");
    fs::remove_file(root.path().join("iTunes Library.xml")).unwrap();
    let (said, _) = pass(root.path(), shelf).await;
    assert_eq!(said, [format!("playlist gone {folder}"), format!("playlist gone {best}")]);
}

#[tokio::test]
async fn playlists_out_of_reach_stay() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("music");
    write(&root, "a.mp3", "A");
    list(&root, "best.m3u", "a.mp3\n");
    let shelf = scanned(&root).await;
    fs::rename(&root, home.path().join("aside")).unwrap();
    let (said, shelf) = pass(&root, shelf).await;
    assert_eq!(said, ["away a.mp3"]);
    assert_eq!(shelf.songs_of("best.m3u"), ["a.mp3"]);
}

async fn open(running: &Running, key: &str) -> Result<library::Content, library::SourceError> {
    library::Source::open(&*running.source, SourceKey::from(key)).await
}

#[tokio::test]
async fn opening_tells_a_file_that_is_gone_from_a_disk_that_is() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("music");
    write(&root, "a.mp3", "A");
    let running = start(&root, Shelf::default());
    assert!(matches!(open(&running, "b.mp3").await, Err(library::SourceError::NotThere(_))));
    assert!(matches!(
        open(&running, "../music/a.mp3").await,
        Err(library::SourceError::NotThere(_))
    ));
    assert!(matches!(open(&running, "").await, Err(library::SourceError::NotThere(_))));
    assert!(open(&running, "a.mp3").await.is_ok());
    fs::rename(&root, home.path().join("aside")).unwrap();
    assert!(matches!(open(&running, "a.mp3").await, Err(library::SourceError::Away { .. })));
    running.stop().await;
}
