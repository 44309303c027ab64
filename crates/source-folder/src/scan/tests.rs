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
    songs.iter().for_each(|song| Fixture::new(song).write(root.path().join(song)));
    root
}

#[test]
fn songs_of_a_disk_that_is_no_longer_mounted_are_away() {
    let root = folder(&["usb/1.mp3", "usb/2.mp3", "3.mp3"]);
    let changes = said(root.path(), |scanner| {
        scanner.pass(&[Scope::ALL], &|_| false).unwrap();
        // As if a disk had been here, of which now the bare place is seen.
        scanner.mounts.insert(b"usb".to_vec());
        fs::remove_file(root.path().join("usb/1.mp3")).unwrap();
        fs::remove_file(root.path().join("usb/2.mp3")).unwrap();
        for _ in 0..2 {
            scanner.pass(&[Scope::ALL], &|_| false).unwrap();
        }
    });
    let away = Change::Away(vec!["usb/1.mp3".into(), "usb/2.mp3".into()]);
    assert_eq!(&changes[3..], [away]);
}

#[test]
fn only_the_part_that_is_asked_for_is_looked_at() {
    let root = folder(&["a/1.mp3", "a/b/2.mp3", "c/3.mp3"]);
    let changes = said(root.path(), |scanner| {
        scanner.pass(&[Scope::ALL], &|_| false).unwrap();
        fs::remove_dir_all(root.path().join("a")).unwrap();
        fs::remove_dir_all(root.path().join("c")).unwrap();
        scanner.pass(&[Scope::Folder(b"a".to_vec())], &|_| false).unwrap();
        assert_eq!(scanner.knows(b"a/1.mp3"), Knows::Nothing);
        assert_eq!(
            (scanner.knows(b"a/b/2.mp3"), scanner.knows(b"c")),
            (Knows::Song, Knows::Folder)
        );
    });
    assert_eq!(&changes[3..], [Change::Gone("a/1.mp3".into())]);
}
