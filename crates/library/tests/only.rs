//! One database of a library, as a share of its own.

// A test that cannot go on has failed, in its helpers too.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use daap_model::{ContainerItemId, DatabaseId, Delta, ItemId};
use library::{
    ArtworkSize, Edited, Library, MemorySource, Only, OpenError, PlaylistChange, PlaylistEdit,
    PlaylistError, Share,
};

/// A library of two databases with a song each, and the second of them alone.
async fn start() -> (Library, [MemorySource; 2], Only<Library>) {
    let sources = [MemorySource::new(), MemorySource::new()];
    for source in &sources {
        source.put("a", track("a"), "sound");
    }
    let builder = Library::builder("Home").source("mine", sources[0].clone());
    let builder = builder.database("server", "Server").source("theirs", sources[1].clone());
    let library = builder.start().await.unwrap();
    until(&library, |now| now.databases().all(|database| database.items().len() == 1)).await;
    let only = Only::new(library.clone(), second(&library), "Attic");
    (library, sources, only)
}

fn second(library: &Library) -> DatabaseId {
    library.snapshot().databases().nth(1).unwrap().id
}

fn first_song(only: &Only<Library>) -> ItemId {
    let shown = only.watch().borrow().clone();
    shown.databases().next().unwrap().items().iter().next().unwrap().id
}

#[tokio::test]
async fn a_share_of_one_database_shows_it_and_no_other() {
    let (library, _, only) = start().await;
    let (shown, second) = (only.watch().borrow().clone(), second(&library));
    assert_eq!(shown.name().as_str(), "Attic");
    assert_eq!(shown.databases().map(|database| database.id).collect::<Vec<_>>(), [second]);
    let (item, first) = (first_song(&only), database(&library).id);
    assert!(only.open(second, item).await.is_ok());
    assert!(only.artwork(second, item, ArtworkSize::Original).await.is_ok());
    let elsewhere = database(&library).items().iter().next().unwrap().id;
    let opened = only.open(first, elsewhere).await;
    assert!(matches!(opened, Err(OpenError::Unknown { .. })));
    let picture = only.artwork(first, elsewhere, ArtworkSize::Original).await;
    assert!(matches!(picture, Err(OpenError::Unknown { .. })));
    assert!(only.ready().await);
    assert_eq!((only.scan().total, only.health().problems.len()), (2, 0));
}

#[tokio::test]
async fn what_happens_elsewhere_makes_no_revision_of_it() {
    let (library, [mine, theirs], only) = start().await;
    let mut shown = only.watch();
    let before = shown.borrow_and_update().revision();
    mine.put("b", track("b"), "sound");
    until(&library, |now| now.databases().next().unwrap().items().len() == 2).await;
    theirs.put("b", track("b"), "sound");
    let after = shown.wait_for(|now| now.revision() > before).await.unwrap().clone();
    let database = after.databases().next().unwrap();
    assert_eq!(database.items().len(), 2);
    let Delta::Known { changed, gone } = database.items_since(before) else { panic!("unknown") };
    assert_eq!((changed.len(), gone), (1, vec![]));
    let Delta::Known { changed, gone } = after.databases_since(before) else { panic!("unknown") };
    assert_eq!((changed.len(), gone), (1, vec![]));
}

#[tokio::test]
async fn clients_change_the_playlists_of_its_database_alone() {
    let (library, _, only) = start().await;
    let add = PlaylistChange::Add { name: "mix".into() };
    let database = database(&library).id;
    let refused = only.edit(PlaylistEdit { database, change: add.clone() }).await;
    assert_eq!(refused, Err(PlaylistError::NoDatabase(database)));
    let database = second(&library);
    let added = only.edit(PlaylistEdit { database, change: add }).await;
    let Ok(Edited::Playlist(container)) = added else { panic!("{added:?}") };
    let change = PlaylistChange::Append { container, items: vec![first_song(&only)] };
    let appended = only.edit(PlaylistEdit { database, change }).await;
    assert_eq!(appended, Ok(Edited::Entries(vec![ContainerItemId::LOWEST])));
}

#[tokio::test]
async fn it_takes_another_name_and_leaves_the_whole_share_its_own() {
    let (library, _, only) = start().await;
    only.rename("Attic (2)").await;
    assert_eq!(only.watch().borrow().name().as_str(), "Attic (2)");
    assert_eq!(library.snapshot().name().as_str(), "Home");
}

#[tokio::test]
async fn it_is_empty_until_there_is_such_a_database_and_ends_with_the_whole() {
    let (library, _, _) = start().await;
    let nowhere = Only::new(library.clone(), DatabaseId::new(9).unwrap(), "Nowhere");
    let mut shown = nowhere.watch();
    assert_eq!(shown.borrow_and_update().databases().len(), 0);
    library.shutdown().await;
    // Nothing ever changed, and nothing will.
    assert!(shown.changed().await.is_err());
}
