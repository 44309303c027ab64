//! What the library makes of what sources say of playlists.

// A test that cannot go on has failed, in its helpers too.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use library::{Change, Library, MemoryPersist, PlaylistContent::Folder, Report};

async fn start(persist: MemoryPersist) -> (Library, Report) {
    let (source, mut reports) = scripted();
    let builder = Library::builder("Home").persist(persist).source("songs", source).entropy(0);
    let library = builder.start().await.unwrap();
    let report = reports.recv().await.unwrap();
    (library, report)
}

/// Tells each step in turn, and after the last looks at the playlists; then again after a restart.
#[track_caller]
fn check(steps: &[&[Change]], expected: &[&str]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (shown, restarted) = runtime.block_on(async {
        let persist = MemoryPersist::new();
        let (library, report) = start(persist.clone()).await;
        for step in steps {
            tell(&report, step.iter().cloned()).await;
        }
        let shown = playlists(&library);
        library.shutdown().await;
        let (library, _report) = start(persist).await;
        (shown, playlists(&library))
    });
    assert_eq!(shown, expected);
    assert_eq!(restarted, expected, "after a restart");
}

fn mix(names: &[&str]) -> Change {
    playlist("mix", None, songs(names))
}

#[test]
fn a_playlist_lists_its_songs_in_order() {
    check(&[&[song("a"), song("b"), mix(&["b", "a", "b"])]], &["mix: 1=2 2=1 3=2"]);
}

#[test]
fn a_song_is_listed_when_it_appears_and_keeps_its_place() {
    check(&[&[mix(&["a", "b"])]], &["mix:"]);
    check(&[&[mix(&["a", "b"])], &[song("b")]], &["mix: 2=1"]);
    check(&[&[mix(&["a", "b"])], &[song("b")], &[song("a")]], &["mix: 1=2 2=1"]);
    check(&[&[song("a"), mix(&["a"])], &[gone("a")], &[song("a")]], &["mix: 1=2"]);
}

#[test]
fn a_song_that_moves_stays_in_its_playlists() {
    check(&[&[song("a"), mix(&["a", "a"])], &[moved("a", "b")]], &["mix: 1=1 2=1"]);
    // The playlist's file follows later, or does not.
    let followed = mix(&["b", "a"]);
    check(&[&[song("a"), mix(&["a"])], &[moved("a", "b")], &[followed]], &["mix: 1=1"]);
}

#[test]
fn entries_keep_their_ids_when_a_playlist_changes() {
    let first: &[Change] = &[song("a"), song("b"), mix(&["a", "b"])];
    check(&[first, &[mix(&["b", "a"])]], &["mix: 2=2 1=1"]);
    check(&[first, &[mix(&["b"])], &[mix(&["a", "b"])]], &["mix: 3=1 2=2"]);
}

#[test]
fn folders_hold_playlists_whatever_comes_first() {
    let inside = playlist("mix", Some("folder"), songs(&["a"]));
    let folder = playlist("folder", None, Folder);
    let expected = ["folder", "folder/mix: 1=1"];
    check(&[&[song("a"), folder.clone(), inside.clone()]], &expected);
    check(&[&[song("a"), inside.clone(), folder.clone()]], &expected);
    let apart: &[&[Change]] = &[std::slice::from_ref(&inside), &[folder.clone(), song("a")]];
    check(apart, &expected);
    let gone = Change::PlaylistGone("folder".into());
    check(&[&[song("a"), folder.clone(), inside.clone()], &[gone]], &["mix: 1=1"]);
}

#[test]
fn what_is_in_a_folder_that_went_moves_up_to_its_parent() {
    let steps: &[&[Change]] = &[
        &[playlist("a", None, Folder), playlist("b", Some("a"), Folder)],
        &[playlist("c", Some("b"), songs(&[]))],
        &[Change::PlaylistGone("b".into())],
    ];
    check(steps, &["a", "a/c:"]);
}

#[test]
fn a_playlist_that_is_no_folder_holds_no_playlists() {
    check(&[&[mix(&[]), playlist("b", Some("mix"), songs(&[]))]], &["b:", "mix:"]);
    // And what was in it when it was a folder is at the top.
    let folder = playlist("mix", None, Folder);
    let inside = playlist("b", Some("mix"), songs(&[]));
    check(&[&[folder, inside], &[mix(&[])]], &["b:", "mix:"]);
}

#[test]
fn folders_in_a_circle_are_shown_at_the_top() {
    let steps: &[&[Change]] = &[
        &[playlist("a", None, Folder), playlist("b", Some("a"), Folder)],
        &[playlist("a", Some("b"), Folder)],
        &[playlist("c", Some("c"), Folder)],
    ];
    check(steps, &["a", "b", "c"]);
    // Turned around in one step, it is no circle.
    let turned: &[&[Change]] = &[
        &[playlist("a", None, Folder), playlist("b", Some("a"), Folder)],
        &[playlist("a", Some("b"), Folder), playlist("b", None, Folder)],
    ];
    check(turned, &["b", "b/a"]);
}

#[test]
fn a_playlist_that_goes_does_not_put_a_folder_into_itself() {
    let list_in = |name, parent| playlist(name, Some(parent), songs(&[]));
    let (folder, inside) = (playlist("r", Some("q"), Folder), list_in("s", "r"));
    let gone = [Change::PlaylistGone("q".into())];
    // What it names as its folder is no folder of its own.
    let (first, second) = ([folder.clone(), list_in("q", "r")], [inside]);
    check(&[&first, &second, &gone], &["r", "r/s:"]);
    // Two folders that name each other.
    let first = [folder, playlist("q", Some("r"), Folder)];
    check(&[&first, &second, &gone], &["r", "r/s:"]);
}

#[test]
fn folders_deeper_than_anyone_needs_are_no_trouble() {
    let nested = |depth: usize| {
        let parent = (depth > 0).then(|| format!("f{:02}", depth - 1));
        playlist(&format!("f{depth:02}"), parent.as_deref(), Folder)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (library, report) = start(MemoryPersist::new()).await;
        tell(&report, (0..100).map(nested)).await;
        assert_eq!(playlists(&library).len(), 100);
    });
}
