use std::time::Duration;

use library::Told;
use testkit::media::Song as Fixture;

use super::*;

/// Runs passes on a thread and returns what they said.
fn said(root: &Path, run: impl FnOnce(&mut Scanner) + Send) -> Vec<Change> {
    let (report, mut listener) = Report::channel(16);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut scanner = Scanner::new(root.to_owned(), 2, report, &Known::default());
            run(&mut scanner);
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut said = Vec::new();
        while let Some(told) = runtime.block_on(listener.next()) {
            if let Told::Change(change) = told {
                said.push(change);
            }
        }
        said
    })
}

fn folder(songs: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for song in songs {
        let path = root.path().join(song);
        Fixture::new(song).write(&path);
        // At rest for long.
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    }
    root
}

#[test]
fn songs_of_a_disk_that_is_no_longer_mounted_are_away() {
    let root = folder(&["usb/1.mp3", "usb/2.mp3", "3.mp3"]);
    let changes = said(root.path(), |scanner| {
        scanner.pass(&[Scope::ALL], None, &|_| false).unwrap();
        // As if a disk had been here, of which now the bare place is seen.
        scanner.mounts.insert(b"usb".to_vec());
        fs::remove_file(root.path().join("usb/1.mp3")).unwrap();
        fs::remove_file(root.path().join("usb/2.mp3")).unwrap();
        for _ in 0..2 {
            scanner.pass(&[Scope::ALL], None, &|_| false).unwrap();
        }
    });
    let away = Change::Away(vec!["usb/1.mp3".into(), "usb/2.mp3".into()]);
    assert_eq!(&changes[3..], [away]);
}

#[test]
fn only_the_part_that_is_asked_for_is_looked_at() {
    let root = folder(&["a/1.mp3", "a/b/2.mp3", "c/3.mp3"]);
    let changes = said(root.path(), |scanner| {
        scanner.pass(&[Scope::ALL], None, &|_| false).unwrap();
        fs::remove_dir_all(root.path().join("a")).unwrap();
        fs::remove_dir_all(root.path().join("c")).unwrap();
        scanner.pass(&[Scope::Folder(b"a".to_vec())], None, &|_| false).unwrap();
        assert_eq!(scanner.knows(b"a/1.mp3"), Knows::Nothing);
        assert_eq!(
            (scanner.knows(b"a/b/2.mp3"), scanner.knows(b"c")),
            (Knows::Song, Knows::Folder)
        );
    });
    assert_eq!(&changes[3..], [Change::Gone("a/1.mp3".into())]);
}

/// Moves a song into a new folder, then looks at these parts one after the other.
#[track_caller]
fn check_move(parts: [Scope; 2], waits: fn(&Path) -> bool) {
    let root = folder(&["1.mp3", "2.mp3"]);
    let changes = said(root.path(), |scanner| {
        scanner.pass(&[Scope::ALL], None, &|_| false).unwrap();
        fs::create_dir(root.path().join("new")).unwrap();
        fs::rename(root.path().join("1.mp3"), root.path().join("new/1.mp3")).unwrap();
        for part in parts {
            scanner.pass(&[part], None, &waits).unwrap();
        }
    });
    let (old, new) = ("1.mp3".into(), "new/1.mp3".into());
    let is_move = |change: &Change| matches!(change, Change::Moved { from, to, .. } if (from, to) == (&old, &new));
    assert!(changes[2..].len() == 1 && is_move(&changes[2]), "{changes:?}");
}

#[test]
fn a_song_that_moved_is_known_where_it_is_though_where_it_was_is_looked_at_later() {
    check_move([Scope::Tree(b"new".to_vec()), Scope::Folder(Vec::new())], |_| false);
}

#[test]
fn a_song_is_not_gone_from_where_changes_come_before_it_is_looked_for_elsewhere() {
    let changes = |path: &Path| path.ends_with("1.mp3");
    check_move([Scope::Folder(Vec::new()), Scope::Tree(b"new".to_vec())], changes);
}

#[test]
fn a_second_name_of_a_song_is_a_song() {
    let root = folder(&["1.mp3"]);
    let changes = said(root.path(), |scanner| {
        scanner.pass(&[Scope::ALL], None, &|_| false).unwrap();
        fs::hard_link(root.path().join("1.mp3"), root.path().join("2.mp3")).unwrap();
        scanner.pass(&[Scope::ALL], None, &|_| false).unwrap();
    });
    assert!(
        matches!(&changes[1], Change::Song { key, .. } if *key == "2.mp3".into()),
        "{changes:?}"
    );
}
