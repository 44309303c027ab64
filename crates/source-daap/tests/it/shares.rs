//! What is told of a share.

use daap_model::{ContainerKind, Snapshot, Timestamp, Usage};
use library::{Catalog, Library, NewPlaylist, NewSong, ScanPhase};

use crate::common::*;

fn song(title: &str) -> NewSong {
    NewSong::new(daap_model::Track { title: title.into(), ..Default::default() })
}

#[tokio::test]
async fn a_share_is_a_database_with_its_songs_playlists_and_ratings() {
    let catalog = Catalog::new("Attic");
    let mut changes = catalog.changes();
    let usage = Usage { rating: 80, play_count: 3, added: Timestamp(7), ..Usage::default() };
    let jet = changes.add_item(Catalog::MAIN, song("Jet").usage(usage));
    let folder = changes.add_container(Catalog::MAIN, NewPlaylist::folder("Wings"));
    let list = NewPlaylist::named("Loud").songs([jet, jet]).inside(folder);
    changes.add_container(Catalog::MAIN, list);
    let second = changes.add_database("Cellar");
    changes.add_item(second, song("Blackbird"));
    catalog.commit(changes).unwrap();
    let address = free_address();
    let _server = serve(catalog.clone(), address).await;

    let library = republished(config(address)).await;
    holds(&library, &["Blackbird", "Jet"]).await;
    let snapshot = library.snapshot();
    let database = snapshot.databases().next().unwrap();
    assert_eq!((snapshot.databases().len(), &*database.name), (1, "Attic"));
    let jet = database.items().iter().find(|item| &*item.track.title == "Jet").unwrap();
    assert_eq!((jet.usage.rating, jet.usage.play_count, jet.usage.added), (80, 3, Timestamp(7)));
    let lists: Vec<_> = database.containers().iter().skip(1).collect();
    assert_eq!((&*lists[0].name, lists[0].kind()), ("Wings", ContainerKind::Folder));
    assert_eq!((&*lists[1].name, lists[1].parent), ("Loud", Some(lists[0].id)));
    let entries: Vec<_> = lists[1].playlist().iter().map(|entry| entry.item).collect();
    assert_eq!(entries, [jet.id, jet.id]);
}

#[tokio::test]
async fn what_changes_on_the_share_changes_here_under_the_same_ids() {
    let (songs, attic) = crate::common::library("Attic", &["Jet"]).await;
    let address = free_address();
    let _server = serve(attic, address).await;
    let library = republished(config(address)).await;
    holds(&library, &["Jet"]).await;
    let id = |snapshot: &Snapshot| {
        snapshot.databases().flat_map(|database| database.items().iter().map(|item| item.id)).next()
    };
    let jet = id(&library.snapshot());
    put(&songs, "Blackbird");
    holds(&library, &["Blackbird", "Jet"]).await;
    songs.remove("Blackbird");
    holds(&library, &["Jet"]).await;
    assert_eq!(id(&library.snapshot()), jet);
}

#[tokio::test]
async fn a_share_that_is_not_there_is_a_problem_and_no_failure_and_heals() {
    let address = free_address();
    let library = republished(config(address)).await;
    assert!(library.ready().await);
    let problem = problems(&library, 1).await;
    assert!(problem.contains(&address.to_string()), "{problem}");
    assert_eq!(library.scan().phase, ScanPhase::Failed);
    assert_eq!(&*library.snapshot().databases().next().unwrap().name, "a share");

    let (_songs, attic) = crate::common::library("Attic", &["Jet"]).await;
    let _server = serve(attic, address).await;
    holds(&library, &["Jet"]).await;
    problems(&library, 0).await;
}

#[tokio::test]
async fn what_went_while_nobody_looked_is_gone_and_the_rest_keeps_its_ids() {
    let persist = library::MemoryPersist::new();
    let (songs, attic) = crate::common::library("Attic", &["Blackbird", "Jet"]).await;
    let address = free_address();
    let _server = serve(attic, address).await;
    let start = || {
        let builder = Library::builder("Living room").persist(persist.clone()).without_main();
        let source = source_daap::DaapSource::new(config(address));
        builder.database("share", "a share").source("share", source).start()
    };
    let first = start().await.unwrap();
    holds(&first, &["Blackbird", "Jet"]).await;
    first.shutdown().await;
    songs.remove("Blackbird");
    put(&songs, "Mamunia");
    let second = start().await.unwrap();
    holds(&second, &["Jet", "Mamunia"]).await;
}
