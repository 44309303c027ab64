//! What the library makes of what sources say of songs.

// A test that cannot go on has failed, in its helpers too.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use daap_model::{DatabaseId, Delta, ItemId, Level, Revision, Timestamp};
use library::{
    Authority, Change, EditError, Library, ManualClock, Measured, MemoryPersist, MemorySource,
    NextIds, OpenError, Persist, PersistError, Recorded, Row, ScanPhase, Source, SourceError,
    SourceFuture, StartError, Transaction,
};
use tokio::time::{Duration, timeout};

const PATIENCE: Duration = Duration::from_secs(20);

async fn start(persist: impl Persist) -> (Library, library::Report) {
    let (source, mut reports) = scripted();
    let library = Library::builder("Home")
        .persist(persist)
        .source("songs", source)
        .clock(ManualClock::at(TODAY))
        .entropy(0)
        .start()
        .await
        .unwrap();
    let report = reports.recv().await.unwrap();
    (library, report)
}

fn id(number: u32) -> ItemId {
    ItemId::new(number).unwrap()
}

#[tokio::test]
async fn a_song_gets_an_id_and_keeps_it_over_a_restart() {
    let persist = MemoryPersist::new();
    let (library, report) = start(persist.clone()).await;
    tell(&report, [song("a"), song("b")]).await;
    let before = (titles(&library), database(&library).items().find(id(1)).unwrap().persistent_id);
    assert_eq!(before.0, ["1 a", "2 b"]);
    library.shutdown().await;

    let (library, report) = start(persist).await;
    assert_eq!(titles(&library), before.0);
    assert_eq!(database(&library).items().find(id(1)).unwrap().persistent_id, before.1);
    let known = report.known().await.unwrap();
    assert_eq!(known.songs[&"a".into()], stamp(1));
    tell(&report, [song("c")]).await;
    assert_eq!(titles(&library), ["1 a", "2 b", "3 c"]);
}

#[tokio::test]
async fn what_is_loaded_is_news_to_nobody() {
    let persist = MemoryPersist::new();
    let (library, report) = start(persist.clone()).await;
    tell(&report, [song("a")]).await;
    library.shutdown().await;

    let (library, report) = start(persist).await;
    let loaded = library.snapshot().revision();
    let earlier = Revision::new(loaded.get() - 1);
    tell(&report, [song("b")]).await;
    let since = |seen| database(&library).items_since(seen);
    assert!(matches!(since(loaded), Delta::Known { changed, .. } if changed.len() == 1));
    assert!(matches!(since(earlier), Delta::Unknown));
}

#[tokio::test]
async fn a_report_of_what_is_known_makes_no_revision() {
    let (library, report) = start(MemoryPersist::new()).await;
    tell(&report, [song("a")]).await;
    let revision = library.snapshot().revision();
    tell(&report, [song("a")]).await;
    // A new stamp alone is saved, but looks the same.
    let touched = Change::Song { key: "a".into(), stamp: stamp(9), track: Box::new(track("a")) };
    tell(&report, [touched]).await;
    assert_eq!(library.snapshot().revision(), revision);
    assert_eq!(report.known().await.unwrap().songs[&"a".into()], stamp(9));
}

#[tokio::test]
async fn the_id_of_a_song_that_went_is_not_given_again() {
    let persist = MemoryPersist::new();
    let (library, report) = start(persist.clone()).await;
    tell(&report, [song("a"), song("b")]).await;
    let persistent_id = database(&library).items().find(id(2)).unwrap().persistent_id;
    tell(&report, [gone("b")]).await;
    assert_eq!(titles(&library), ["1 a"]);
    library.shutdown().await;

    let (library, report) = start(persist).await;
    tell(&report, [song("b")]).await;
    assert_eq!(titles(&library), ["1 a", "3 b"]);
    // The persistent id says which song it is, and that is the same.
    assert_eq!(database(&library).items().find(id(3)).unwrap().persistent_id, persistent_id);
}

#[tokio::test]
async fn a_song_that_comes_and_goes_between_two_saves_is_never_seen() {
    let (library, report) = start(MemoryPersist::new()).await;
    tell(&report, [song("a")]).await;
    let revision = library.snapshot().revision();
    tell(&report, [song("b"), moved("b", "c"), gone("c")]).await;
    assert_eq!(library.snapshot().revision(), revision);
    assert_eq!(titles(&library), ["1 a"]);
}

#[tokio::test]
async fn a_moved_song_stays_the_song_it_was() {
    let (library, report) = start(MemoryPersist::new()).await;
    tell(&report, [song("a"), song("b")]).await;
    let database_id = database(&library).id;
    library.rate(database_id, id(1), 80).await.unwrap();
    let before = database(&library).items().find(id(1)).unwrap().clone();
    tell(&report, [moved("a", "c"), song("a")]).await;

    let after = database(&library).items().find(id(1)).unwrap().clone();
    assert_eq!((after.persistent_id, after.usage), (before.persistent_id, before.usage));
    // The song that took its place has the key but not the id that was made of it.
    assert_ne!(database(&library).items().find(id(3)).unwrap().persistent_id, before.persistent_id);
    let content = library.open(database_id, id(1)).await.unwrap();
    assert!(matches!(content.body, library::Body::Bytes(bytes) if bytes == "c"));
}

#[tokio::test]
async fn a_move_is_told_to_clients_even_where_the_song_looks_as_before() {
    let (library, report) = start(MemoryPersist::new()).await;
    tell(&report, [song("a"), song("b")]).await;
    let seen = library.snapshot().revision();
    tell(&report, [moved("a", "c")]).await;
    let Delta::Known { changed, gone } = database(&library).items_since(seen) else {
        panic!("the last revision is known");
    };
    let changed: Vec<ItemId> = changed.iter().map(|row| row.item.id).collect();
    assert_eq!((changed, gone), (vec![id(1)], vec![]));
}

#[tokio::test]
async fn a_song_that_moves_onto_another_takes_its_place() {
    let (library, report) = start(MemoryPersist::new()).await;
    tell(&report, [song("a"), song("b")]).await;
    tell(&report, [moved("a", "b")]).await;
    assert_eq!(titles(&library), ["1 a"]);
    assert_eq!(report.known().await.unwrap().songs.len(), 1);
    // A move of what nobody knows is no reason to stumble.
    tell(&report, [moved("x", "y"), moved("b", "b")]).await;
    assert_eq!(titles(&library), ["1 a"]);
}

#[tokio::test]
async fn a_song_that_is_away_stays_listed_and_known() {
    let (library, report) = start(MemoryPersist::new()).await;
    tell(&report, [song("a"), song("b")]).await;
    let revision = library.snapshot().revision();
    tell(&report, [Change::Away(keys(&["a", "b"])), Change::Back(keys(&["b"]))]).await;
    assert_eq!(titles(&library), ["1 a", "2 b"]);
    let known = report.known().await.unwrap();
    assert_eq!((known.songs.len(), known.away), (2, keys(&["a"]).into_iter().collect()));
    assert_eq!(library.snapshot().revision(), revision);
}

#[tokio::test]
async fn what_itunes_recorded_is_taken_over_where_it_says_more() {
    let (library, report) = start(MemoryPersist::new()).await;
    tell(&report, [song("a")]).await;
    let recorded = Recorded {
        rating: Some(60),
        play_count: Some(7),
        skip_count: None,
        last_played: Some(Timestamp(1000)),
        added: Some(Timestamp(500)),
    };
    let authority = Authority::Witness;
    let usage = |recorded| Change::Usage { key: "a".into(), recorded, authority };
    tell(&report, [usage(recorded)]).await;
    let less = Recorded {
        rating: Some(20),
        play_count: Some(3),
        last_played: Some(Timestamp(900)),
        added: Some(Timestamp(900)),
        ..recorded
    };
    let unknown = Change::Usage { key: "unknown".into(), recorded, authority };
    tell(&report, [usage(less), unknown]).await;
    let usage = database(&library).items().find(id(1)).unwrap().usage;
    assert_eq!((usage.rating, usage.play_count, usage.skip_count), (60, 7, 0));
    assert_eq!((usage.last_played, usage.added), (Timestamp(1000), Timestamp(500)));
}

#[tokio::test]
async fn levels_are_kept_until_the_file_changes_and_shown_together() {
    let persist = MemoryPersist::new();
    let (library, report) = start(persist.clone()).await;
    tell(&report, [song("a"), song("b")]).await;
    let measured = |library: &Library, number, db| {
        let database = database(library);
        let item = database.items().find(id(number)).unwrap();
        Measured::new(database.id, item, Level::new(db, Some(0.5)).unwrap())
    };
    let levels = |library: &Library| -> Vec<Option<f32>> {
        database(library).items().iter().map(|it| it.levels().song.map(Level::db)).collect()
    };
    let before = library.snapshot().revision();
    let found = vec![measured(&library, 1, -3.0), measured(&library, 2, 2.5)];
    library.measured(found).await.unwrap();
    assert_eq!(levels(&library), [Some(-3.0), Some(2.5)]);
    assert_eq!(library.snapshot().revision().get(), before.get() + 1);
    library.shutdown().await;

    let (library, report) = start(persist).await;
    assert_eq!(levels(&library), [Some(-3.0), Some(2.5)]);
    tell(&report, [song("a"), song("b")]).await;
    assert_eq!(levels(&library), [Some(-3.0), Some(2.5)]);
    let late = measured(&library, 1, 1.0);
    let (mut longer, key) = (track("a"), "a".into());
    longer.size = 9;
    tell(&report, [Change::Song { key, stamp: stamp(2), track: Box::new(longer) }]).await;
    assert_eq!(levels(&library), [None, Some(2.5)]);
    // What was measured of the file before it changed, and of a song that went, is of no use.
    let gone_by_then = measured(&library, 2, 1.0);
    tell(&report, [gone("b")]).await;
    library.measured(vec![late, gone_by_then]).await.unwrap();
    assert_eq!(levels(&library), [None]);
}

#[tokio::test]
async fn what_listeners_do_is_kept_through_a_rescan_and_a_restart() {
    let persist = MemoryPersist::new();
    let (library, report) = start(persist.clone()).await;
    tell(&report, [song("a")]).await;
    let database_id = database(&library).id;
    let revision = library.snapshot().revision();
    library.rate(database_id, id(1), 200).await.unwrap();
    library.played(database_id, id(1), Timestamp(5)).await.unwrap();
    library.skipped(database_id, id(1), Timestamp(6)).await.unwrap();
    library.bookmark(database_id, id(1), 7000).await.unwrap();
    assert_eq!(library.snapshot().revision().get(), revision.get() + 4);
    let retagged =
        Change::Song { key: "a".into(), stamp: stamp(2), track: Box::new(track("A, again")) };
    tell(&report, [retagged]).await;
    library.shutdown().await;

    let (library, _report) = start(persist).await;
    let item = database(&library).items().find(id(1)).unwrap().clone();
    assert_eq!(item.track.title.as_str(), "A, again");
    assert_eq!((item.usage.rating, item.usage.play_count, item.usage.skip_count), (100, 1, 1));
    assert_eq!((item.usage.last_played, item.usage.last_skipped), (Timestamp(5), Timestamp(6)));
    assert_eq!((item.usage.bookmark_ms, item.usage.added), (7000, TODAY));
}

#[tokio::test]
async fn an_edit_of_what_is_not_there_says_so() {
    let (library, report) = start(MemoryPersist::new()).await;
    tell(&report, [song("a")]).await;
    let here = database(&library).id;
    let elsewhere = DatabaseId::new(9).unwrap();
    for (database, item) in [(here, id(2)), (elsewhere, id(1))] {
        let error = library.rate(database, item, 20).await.unwrap_err();
        assert_eq!(error, EditError::Unknown { database, item });
        let error = library.open(database, item).await.unwrap_err();
        assert!(matches!(error, OpenError::Unknown { .. }));
    }
}

#[tokio::test]
async fn a_burst_makes_few_revisions() {
    let (library, report) = start(MemoryPersist::new()).await;
    let before = library.snapshot().revision();
    for number in 0..5000 {
        report.change(song(&format!("song {number}"))).await.unwrap();
    }
    report.settled().await.unwrap();
    assert_eq!(database(&library).items().len(), 5000);
    let made = library.snapshot().revision().get() - before.get();
    assert!(made <= 20, "{made} revisions");
}

#[tokio::test]
async fn a_change_is_seen_without_being_asked_for() {
    let (library, report) = start(MemoryPersist::new()).await;
    let seen = library.snapshot().revision();
    report.change(song("a")).await.unwrap();
    let newer = timeout(PATIENCE, library.past(seen)).await.unwrap();
    assert!(newer.unwrap() > seen);
    // Who has missed it need not wait.
    assert_eq!(library.past(seen).await, newer);
}

#[tokio::test]
async fn waiting_ends_when_the_library_does() {
    let (library, report) = start(MemoryPersist::new()).await;
    let waiter = library.clone();
    let waiting = tokio::spawn(async move { waiter.past(waiter.snapshot().revision()).await });
    library.shutdown().await;
    assert_eq!(timeout(PATIENCE, waiting).await.unwrap().unwrap(), None);
    assert!(report.change(song("a")).await.is_err());
    let edit = library.rate(DatabaseId::LOWEST, id(1), 20).await;
    assert_eq!(edit, Err(EditError::Closed));
    // What it held can still be read.
    assert_eq!(titles(&library), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_reported_before_the_end_is_saved() {
    let persist = MemoryPersist::new();
    let (library, report) = start(persist.clone()).await;
    for key in ["a", "b", "c"] {
        report.change(song(key)).await.unwrap();
    }
    library.shutdown().await;
    let (library, _report) = start(persist).await;
    assert_eq!(titles(&library), ["1 a", "2 b", "3 c"]);
}

#[tokio::test]
async fn two_sources_share_a_database_and_keep_their_songs_apart() {
    let (first, second) = (MemorySource::new(), MemorySource::new());
    first.put("a", track("first"), "sound of the first");
    second.put("a", track("second"), "and the second");
    let start =
        || Library::builder("Home").source("1", first.clone()).source("2", second.clone()).start();
    let library = start().await.unwrap();
    until(&library, |now| now.databases().all(|database| database.items().len() == 2)).await;
    let database = database(&library);
    let mut persistent_ids: Vec<_> = database.items().iter().map(|i| i.persistent_id).collect();
    persistent_ids.dedup();
    assert_eq!(persistent_ids.len(), 2);
    for item in database.items().iter() {
        let content = library.open(database.id, item.id).await.unwrap();
        assert_eq!(content.length, Some(item.track.size));
    }
    let twice = Library::builder("Home").source("1", first.clone()).source("1", second.clone());
    assert!(matches!(twice.start().await, Err(StartError::SameSource(_))));
}

#[tokio::test]
async fn databases_have_their_own_songs_and_keep_their_ids() {
    let persist = MemoryPersist::new();
    let (first, second) = (MemorySource::new(), MemorySource::new());
    first.put("a", track("ours"), "");
    second.put("a", track("theirs"), "");
    let start = || {
        Library::builder("Home")
            .persist(persist.clone())
            .source("songs", first.clone())
            .database("attic", "Attic")
            .source("songs", second.clone())
            .start()
    };
    let listed = |library: &Library| -> Vec<_> {
        let snapshot = library.snapshot();
        let row = |db: &std::sync::Arc<daap_model::Database>| {
            let titles: Vec<_> =
                db.items().iter().map(|item| item.track.title.to_string()).collect();
            (db.id.get(), db.name.to_string(), db.persistent_id, titles)
        };
        snapshot.databases().map(row).collect()
    };
    let library = start().await.unwrap();
    until(&library, |now| now.databases().all(|database| !database.items().is_empty())).await;
    let before = listed(&library);
    assert_eq!((before[0].1.as_str(), before[1].1.as_str()), ("Home", "Attic"));
    assert_ne!(before[0].2, before[1].2);
    library.shutdown().await;
    let library = start().await.unwrap();
    assert_eq!(listed(&library), before);
}

#[tokio::test]
async fn a_source_that_is_not_shared_any_more_is_kept_but_not_listed() {
    let persist = MemoryPersist::new();
    let (library, report) = start(persist.clone()).await;
    tell(&report, [song("a"), playlist("mix", None, songs(&["a"]))]).await;
    library.shutdown().await;

    let without = Library::builder("Home").persist(persist.clone()).start().await.unwrap();
    assert!(titles(&without).is_empty() && playlists(&without).is_empty());
    without.shutdown().await;

    let (library, _report) = start(persist).await;
    assert_eq!(titles(&library), ["1 a"]);
    assert_eq!(playlists(&library), ["mix: 1=1"]);
}

#[tokio::test]
async fn it_is_worth_announcing_when_it_has_songs_or_has_looked_everywhere() {
    let persist = MemoryPersist::new();
    let (library, report) = start(persist.clone()).await;
    assert!(timeout(Duration::ZERO, library.ready()).await.is_err());
    report.settled().await.unwrap();
    assert!(library.ready().await);
    tell(&report, [song("a")]).await;
    library.shutdown().await;
    // With songs from the last run it does not wait for the source.
    let (library, _report) = start(persist).await;
    assert!(timeout(PATIENCE, library.ready()).await.unwrap());
}

struct Broken(fn() -> Result<(), SourceError>);

impl Source for Broken {
    fn run(&self, _: library::Report) -> SourceFuture<'_, Result<(), SourceError>> {
        Box::pin(async { (self.0)() })
    }
    fn open(
        &self,
        _: library::SourceKey,
    ) -> SourceFuture<'_, Result<library::Content, SourceError>> {
        Box::pin(async { Err(SourceError::Busy) })
    }
    fn artwork(
        &self,
        _: library::SourceKey,
        _: library::ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<library::Artwork>, SourceError>> {
        Box::pin(async { Err(SourceError::Busy) })
    }
}

#[tokio::test]
async fn a_source_that_fails_or_panics_harms_nobody_else() {
    let good = MemorySource::new();
    good.put("a", track("a"), "");
    let library = Library::builder("Home")
        .source("bad", Broken(|| Err(SourceError::Busy)))
        .source("worse", Broken(|| panic!("on purpose")))
        .source("good", good)
        .start()
        .await
        .unwrap();
    assert!(library.ready().await);
    until(&library, |now| now.databases().all(|database| !database.items().is_empty())).await;
    let mut scans = library.watch_scans();
    let failed = |scans: &Vec<library::ScanState>| {
        scans[..2].iter().all(|scan| scan.phase == ScanPhase::Failed && scan.problems.len() == 1)
    };
    timeout(PATIENCE, scans.wait_for(failed)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_store_that_cannot_be_written_loses_nothing_and_heals() {
    let persist = MemoryPersist::new();
    let (library, report) = start(persist.clone()).await;
    tell(&report, [song("a")]).await;
    let revision = library.snapshot().revision();
    persist.set_failing(true);
    report.change(song("b")).await.unwrap();
    let mut health = library.watch_health();
    let troubled = timeout(PATIENCE, health.wait_for(|health| !health.problems.is_empty()));
    let problem = troubled.await.unwrap().unwrap().problems[0].clone();
    assert_eq!(problem.remedy, "let it save again");

    // What is shown stays shown; an edit is kept but not promised.
    assert_eq!((titles(&library), library.snapshot().revision()), (vec!["1 a".into()], revision));
    let rated = library.rate(database(&library).id, id(1), 40).await;
    assert_eq!(rated, Err(EditError::NotSaved));

    persist.set_failing(false);
    timeout(PATIENCE, report.settled()).await.unwrap().unwrap();
    assert_eq!(titles(&library), ["1 a", "2 b"]);
    assert_eq!(database(&library).items().find(id(1)).unwrap().usage.rating, 40);
    assert!(library.health().problems.is_empty());
}

/// Panics where the one below would fail.
struct Panicking(MemoryPersist);

impl Persist for Panicking {
    fn load(&mut self, each: &mut dyn FnMut(Row)) -> Result<NextIds, PersistError> {
        self.0.load(each)
    }

    fn save(&mut self, transaction: &Transaction) -> Result<(), PersistError> {
        let saved = self.0.save(transaction);
        assert!(saved.is_ok(), "on purpose");
        saved
    }

    fn setting(&mut self, _: &str) -> Result<Option<String>, PersistError> {
        panic!("on purpose")
    }

    fn set_setting(&mut self, _: &str, _: Option<&str>) -> Result<(), PersistError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_store_that_panics_loses_nothing_and_is_used_again() {
    let persist = MemoryPersist::new();
    let (library, report) = start(Panicking(persist.clone())).await;
    assert!(library.setting("colour").await.is_err());
    persist.set_failing(true);
    report.change(song("a")).await.unwrap();
    let mut health = library.watch_health();
    let troubled = health.wait_for(|health| !health.problems.is_empty());
    drop(timeout(PATIENCE, troubled).await.unwrap().unwrap());
    persist.set_failing(false);
    timeout(PATIENCE, report.settled()).await.unwrap().unwrap();
    assert_eq!(titles(&library), ["1 a"]);
    assert!(library.health().problems.is_empty());
}

#[tokio::test]
async fn settings_are_kept() {
    let persist = MemoryPersist::new();
    let (library, _report) = start(persist.clone()).await;
    assert_eq!(library.setting("colour").await.unwrap(), None);
    library.set_setting("colour", Some("red")).await.unwrap();
    library.shutdown().await;
    let (library, _report) = start(persist).await;
    assert_eq!(library.setting("colour").await.unwrap().as_deref(), Some("red"));
    library.set_setting("colour", None).await.unwrap();
    assert_eq!(library.setting("colour").await.unwrap(), None);
}

#[tokio::test]
async fn a_database_has_the_name_that_its_source_gives_it_also_after_a_restart() {
    let persist = MemoryPersist::new();
    let names = |library: &Library| -> Vec<String> {
        library.snapshot().databases().map(|database| database.name.to_string()).collect()
    };
    let start = |source| {
        let library = Library::builder("Home").persist(persist.clone()).without_main();
        library.database("nas", "daap://nas/").source("nas", source).start()
    };
    let (source, mut reports) = scripted();
    let library = start(source).await.unwrap();
    assert_eq!(names(&library), ["daap://nas/"]);
    let report = reports.recv().await.unwrap();
    report.named("Attic").await.unwrap();
    report.settled().await.unwrap();
    assert_eq!(names(&library), ["Attic"]);
    library.shutdown().await;

    let library = start(scripted().0).await.unwrap();
    assert_eq!(names(&library), ["Attic"]);
}

#[tokio::test]
async fn a_renamed_library_is_a_revision_and_takes_its_database_along() {
    let library = Library::builder("Home").database("attic", "Attic").start().await.unwrap();
    let before = library.snapshot().revision();
    library.rename("Home (2)").await.unwrap();
    let after = library.snapshot();
    let names: Vec<_> = after.databases().map(|database| database.name.to_string()).collect();
    assert_eq!(
        (after.name().as_str(), names),
        ("Home (2)", vec!["Home (2)".into(), "Attic".into()])
    );
    assert_eq!(after.revision(), before.next());
    library.rename("Home (2)").await.unwrap();
    assert_eq!(library.snapshot().revision(), after.revision());
}
