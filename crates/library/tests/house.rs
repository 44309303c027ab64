//! Playlists that clients make and change, beside those that sources report.

// A test that cannot go on has failed, in its helpers too.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::*;
use daap_model::{ContainerId, ContainerItemId, DatabaseId, ItemId};
use library::PlaylistChange::{Add, Append, Move, Remove, Rename, Take};
use library::{
    Change, Edited, Library, MemoryPersist, MemorySource, PlaylistChange, PlaylistContent::Folder,
    PlaylistEdit, PlaylistError, Report, Share,
};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

async fn start(persist: MemoryPersist) -> (Library, Report) {
    let (source, mut reports) = scripted();
    let builder = Library::builder("Home").persist(persist).source("songs", source).entropy(0);
    let library = builder.start().await.unwrap();
    let report = reports.recv().await.unwrap();
    (library, report)
}

/// A library with the songs `a`, `b` and `c`, which have the numbers 1 to 3.
async fn with_songs(persist: MemoryPersist) -> (Library, Report) {
    let (library, report) = start(persist).await;
    tell(&report, ["a", "b", "c"].map(song)).await;
    (library, report)
}

async fn edit(library: &Library, change: PlaylistChange) -> Result<Edited, PlaylistError> {
    let database = database(library).id;
    library.edit_playlist(PlaylistEdit { database, change }).await
}

fn list(number: u32) -> ContainerId {
    ContainerId::new(number).unwrap()
}

fn entry(number: u32) -> ContainerItemId {
    ContainerItemId::new(number).unwrap()
}

fn items(numbers: &[u32]) -> Vec<ItemId> {
    numbers.iter().map(|number| ItemId::new(*number).unwrap()).collect()
}

fn add(name: &str) -> PlaylistChange {
    Add { name: name.into() }
}

fn append(container: u32, songs: &[u32]) -> PlaylistChange {
    Append { container: list(container), items: items(songs) }
}

fn rename(container: u32, name: &str) -> PlaylistChange {
    Rename { container: list(container), name: name.into() }
}

fn take(container: u32, entries: &[u32]) -> PlaylistChange {
    let entries = entries.iter().map(|number| entry(*number)).collect();
    Take { container: list(container), entries }
}

fn move_entry(container: u32, moved: u32, after: Option<u32>) -> PlaylistChange {
    Move { container: list(container), entry: entry(moved), after: after.map(entry) }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(future)
}

/// Makes the playlist 2 with the songs 1, 2, 3 and 1, then tries the changes. Looks at the answer to the
/// last, at the playlists, and at the playlists after a restart.
#[track_caller]
fn check(changes: &[PlaylistChange], answer: Result<Edited, PlaylistError>, expected: &[&str]) {
    let (got, shown, restarted) = block_on(async {
        let persist = MemoryPersist::new();
        let (library, _report) = with_songs(persist.clone()).await;
        let mut got = Ok(Edited::Done);
        for change in [add("mix"), append(2, &[1, 2, 3, 1])].iter().chain(changes) {
            got = edit(&library, change.clone()).await;
        }
        let shown = playlists(&library);
        library.shutdown().await;
        let (library, _report) = start(persist).await;
        (got, shown, playlists(&library))
    });
    assert_eq!((got, shown), (answer, expected.iter().map(ToString::to_string).collect()));
    assert_eq!(restarted, expected, "after a restart");
}

fn entries(numbers: &[u32]) -> Result<Edited, PlaylistError> {
    Ok(Edited::Entries(numbers.iter().map(|number| entry(*number)).collect()))
}

#[test]
fn every_change_is_answered_shown_and_kept() {
    let done = || Ok(Edited::Done);
    check(&[], entries(&[1, 2, 3, 4]), &["mix: 1=1 2=2 3=3 4=1"]);
    check(&[add("b")], Ok(Edited::Playlist(list(3))), &["b:", "mix: 1=1 2=2 3=3 4=1"]);
    check(
        &[add("")],
        Ok(Edited::Playlist(list(3))),
        &["mix: 1=1 2=2 3=3 4=1", "untitled playlist:"],
    );
    check(&[Remove(list(2))], done(), &[]);
    check(&[rename(2, " Party ")], done(), &["Party: 1=1 2=2 3=3 4=1"]);
    check(&[append(2, &[2, 2])], entries(&[5, 6]), &["mix: 1=1 2=2 3=3 4=1 5=2 6=2"]);
    check(&[append(2, &[])], entries(&[]), &["mix: 1=1 2=2 3=3 4=1"]);
    check(&[take(2, &[4, 2])], done(), &["mix: 1=1 3=3"]);
    check(&[take(2, &[4, 4])], done(), &["mix: 1=1 2=2 3=3"]);
    check(&[move_entry(2, 1, Some(3))], done(), &["mix: 2=2 3=3 1=1 4=1"]);
    check(&[move_entry(2, 4, None)], done(), &["mix: 4=1 1=1 2=2 3=3"]);
    check(&[move_entry(2, 3, Some(2))], done(), &["mix: 1=1 2=2 3=3 4=1"]);
    check(&[move_entry(2, 3, Some(3))], done(), &["mix: 1=1 2=2 3=3 4=1"]);
}

#[test]
fn ids_are_not_given_again() {
    check(&[take(2, &[3, 4]), append(2, &[3])], entries(&[5]), &["mix: 1=1 2=2 5=3"]);
    check(&[Remove(list(2)), add("new")], Ok(Edited::Playlist(list(3))), &["new:"]);
}

#[test]
fn what_cannot_be_is_said_and_changes_nothing() {
    let check = |change, error| check(&[change], Err(error), &["mix: 1=1 2=2 3=3 4=1"]);
    for change in [Remove(list(9)), rename(9, "x"), append(9, &[1]), take(9, &[1])] {
        check(change, PlaylistError::NoPlaylist(list(9)));
    }
    check(append(2, &[1, 7, 8]), PlaylistError::NoSong(items(&[7])[0]));
    let no_entry = |number| PlaylistError::NoEntry { container: list(2), entry: entry(number) };
    check(take(2, &[1, 8]), no_entry(8));
    check(move_entry(2, 8, None), no_entry(8));
    check(move_entry(2, 1, Some(8)), no_entry(8));
    check(rename(2, &"x".repeat(library::MAX_PLAYLIST_NAME + 1)), PlaylistError::TooMuch);
    check(append(2, &vec![1; library::MAX_ENTRIES]), PlaylistError::TooMuch);
}

#[tokio::test]
async fn what_sources_report_is_read_only() {
    let (library, report) = with_songs(MemoryPersist::new()).await;
    let folder = playlist("folder", None, Folder);
    tell(&report, [playlist("mix", None, songs(&["a"])), folder]).await;
    let before = playlists(&library);
    for container in [1, 2, 3] {
        for change in [
            Remove(list(container)),
            rename(container, "x"),
            append(container, &[1]),
            take(container, &[1]),
            move_entry(container, 1, None),
        ] {
            let refused = edit(&library, change).await;
            assert!(matches!(refused, Err(PlaylistError::ReadOnly(_))), "{refused:?}");
        }
    }
    assert_eq!(playlists(&library), before);
    let editable = |number| database(&library).container(list(number)).map(|list| list.editable);
    assert_eq!(edit(&library, add("ours")).await, Ok(Edited::Playlist(list(4))));
    assert_eq!([1, 2, 3, 4].map(editable), [false, false, false, true].map(Some));
}

#[tokio::test]
async fn a_database_has_its_own_playlists_and_songs() {
    let (first, second) = (MemorySource::new(), MemorySource::new());
    first.put("a", track("ours"), "");
    second.put("a", track("theirs"), "");
    let builder = Library::builder("Home").source("songs", first).database("attic", "Attic");
    let library = builder.source("songs", second).start().await.unwrap();
    until(&library, |now| now.databases().all(|database| !database.items().is_empty())).await;
    let snapshot = library.snapshot();
    let mut databases = snapshot.databases();
    let (here, there) = (databases.next().unwrap(), databases.next().unwrap());
    let edit = |database, change| library.edit_playlist(PlaylistEdit { database, change });

    let ours = here.items().iter().next().unwrap().id;
    let Ok(Edited::Playlist(attic)) = edit(there.id, add("attic")).await else { panic!("no list") };
    let song = Append { container: attic, items: vec![ours] };
    assert_eq!(edit(there.id, song.clone()).await, Err(PlaylistError::NoSong(ours)));
    assert_eq!(edit(here.id, song).await, Err(PlaylistError::NoPlaylist(attic)));
    let nowhere = DatabaseId::HIGHEST;
    assert_eq!(edit(nowhere, add("x")).await, Err(PlaylistError::NoDatabase(nowhere)));
    assert_eq!(playlists(&library), Vec::<String>::new(), "the first database has none");
}

#[tokio::test]
async fn a_song_that_is_gone_leaves_and_one_that_is_away_or_moved_stays() {
    let persist = MemoryPersist::new();
    let (library, report) = with_songs(persist.clone()).await;
    edit(&library, add("mix")).await.unwrap();
    edit(&library, append(2, &[1, 2, 3, 1, 2])).await.unwrap();
    tell(&report, [Change::Away(keys(&["b", "c"]))]).await;
    assert_eq!(playlists(&library), ["mix: 1=1 2=2 3=3 4=1 5=2"]);
    tell(&report, [moved("b", "d"), gone("a")]).await;
    assert_eq!(playlists(&library), ["mix: 2=2 3=3 5=2"]);
    // It came back as another song.
    tell(&report, [song("a")]).await;
    assert_eq!(playlists(&library), ["mix: 2=2 3=3 5=2"]);
    // Another took its place.
    tell(&report, [moved("d", "c")]).await;
    assert_eq!(playlists(&library), ["mix: 2=2 5=2"]);
    library.shutdown().await;
    let (library, _report) = start(persist).await;
    assert_eq!(playlists(&library), ["mix: 2=2 5=2"]);
    assert_eq!(edit(&library, append(2, &[4])).await, entries(&[6]));
}

#[tokio::test]
async fn a_rescan_does_not_touch_the_playlists_of_the_house() {
    let persist = MemoryPersist::new();
    let source = MemorySource::new();
    for key in ["a", "b"] {
        source.put(key, track(key), "");
    }
    source.put_playlist("mix", "mix", None, songs(&["a"]));
    let start =
        || Library::builder("Home").persist(persist.clone()).source("s", source.clone()).start();
    let library = start().await.unwrap();
    until(&library, |now| now.databases().all(|database| database.containers().len() == 2)).await;
    let Ok(Edited::Playlist(ours)) = edit(&library, add("ours")).await else { panic!("no list") };
    edit(&library, Append { container: ours, items: items(&[2, 1]) }).await.unwrap();

    source.put("b", track("b, again"), "longer");
    source.put("c", track("c"), "");
    source.put_playlist("ours", "ours", None, songs(&["c"]));
    source.remove_playlist("mix");
    let with_c = ["ours: 1=2 2=1", "ours: 1=3"];
    until(&library, |_| playlists(&library) == with_c).await;
    library.shutdown().await;
    // The first pass of the next run finds other songs.
    source.remove("a");
    let library = start().await.unwrap();
    until(&library, |_| playlists(&library) == ["ours: 1=2", "ours: 1=3"]).await;
}

#[tokio::test]
async fn songs_of_a_source_that_is_not_shared_for_now_keep_their_places() {
    let persist = MemoryPersist::new();
    let (library, _report) = with_songs(persist.clone()).await;
    edit(&library, add("mix")).await.unwrap();
    edit(&library, append(2, &[3, 1])).await.unwrap();
    library.shutdown().await;

    let without = Library::builder("Home").persist(persist.clone()).start().await.unwrap();
    assert_eq!(playlists(&without), ["mix:"]);
    edit(&without, rename(2, "quiet")).await.unwrap();
    without.shutdown().await;

    let (library, _report) = start(persist).await;
    assert_eq!(playlists(&library), ["quiet: 1=3 2=1"]);
}

#[tokio::test]
async fn an_edit_makes_one_revision_and_one_that_changes_nothing_none() {
    let (library, _report) = with_songs(MemoryPersist::new()).await;
    let revision = |library: &Library| library.snapshot().revision().get();
    let before = revision(&library);
    edit(&library, add("mix")).await.unwrap();
    edit(&library, append(2, &[1, 2])).await.unwrap();
    assert_eq!(revision(&library), before + 2);
    for change in [rename(2, "mix"), move_entry(2, 2, Some(1)), take(2, &[]), append(2, &[])] {
        edit(&library, change).await.unwrap();
    }
    assert_eq!(revision(&library), before + 2);
}

#[tokio::test]
async fn an_edit_that_cannot_be_saved_is_not_shown_until_it_is() {
    let persist = MemoryPersist::new();
    let (library, report) = with_songs(persist.clone()).await;
    edit(&library, add("mix")).await.unwrap();
    persist.set_failing(true);
    assert_eq!(edit(&library, append(2, &[1])).await, Err(PlaylistError::NotSaved));
    assert_eq!(edit(&library, append(2, &[2])).await, Err(PlaylistError::NotSaved));
    assert_eq!(edit(&library, append(2, &[9])).await, Err(PlaylistError::NoSong(items(&[9])[0])));
    assert_eq!(playlists(&library), ["mix:"]);
    // A song that is about to go leaves with the next save, and cannot be added any more.
    report.change(gone("a")).await.unwrap();
    report.known().await.unwrap();
    assert_eq!(edit(&library, append(2, &[1])).await, Err(PlaylistError::NoSong(items(&[1])[0])));
    persist.set_failing(false);
    timeout(PATIENCE, report.settled()).await.unwrap().unwrap();
    assert_eq!(playlists(&library), ["mix: 2=2"]);
    assert_eq!(edit(&library, append(2, &[3])).await, entries(&[3]));
}

#[tokio::test]
async fn edits_in_a_burst_of_reports_are_all_there_when_they_are_answered() {
    let (library, report) = with_songs(MemoryPersist::new()).await;
    edit(&library, add("mix")).await.unwrap();
    let burst = tokio::spawn(async move {
        for number in 0..5_000 {
            report.change(song(&format!("song {number}"))).await.unwrap();
        }
        report.settled().await.unwrap();
    });
    let edits = (0..100).map(|number| {
        let library = library.clone();
        tokio::spawn(async move {
            let Ok(Edited::Entries(added)) = edit(&library, append(2, &[number % 3 + 1])).await
            else {
                panic!("not added")
            };
            let listed = database(&library).entries(list(2)).unwrap().rows();
            assert!(listed.iter().any(|row| row.entry == added[0]), "it is not listed");
        })
    });
    for edit in edits.collect::<Vec<_>>() {
        edit.await.unwrap();
    }
    burst.await.unwrap();
    assert_eq!(database(&library).items().len(), 5_003);
    assert_eq!(database(&library).container(list(2)).unwrap().item_count, 100);
}

#[tokio::test]
async fn a_library_that_is_shut_down_takes_no_edits() {
    let (library, _report) = with_songs(MemoryPersist::new()).await;
    let database = database(&library).id;
    library.shutdown().await;
    let share: &dyn Share = &library;
    let edited = share.edit(PlaylistEdit { database, change: add("late") }).await;
    assert_eq!(edited, Err(PlaylistError::Closed));
}
