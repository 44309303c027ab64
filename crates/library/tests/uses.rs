//! What listeners do, and what a source hears and says of it.

// A test that cannot go on has failed, in its helpers too.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::*;
use daap_model::{ContainerId, ContainerItemId, ItemId, Timestamp};
use library::{
    Authority, Change, EditError, Edited, Library, MemoryPersist, MemorySource, PlaylistChange,
    PlaylistEdit, PlaylistError, Recorded, Report,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A library with a scripted source, whose playlist `*` is that of what is starred.
async fn start(persist: MemoryPersist) -> (Library, Report, Heard) {
    let (mut source, mut reports) = scripted();
    source.starred = Some("*".into());
    let heard = source.heard.clone();
    let other = MemorySource::new();
    other.put("other", track("other"), "sound");
    let builder = Library::builder("Home").persist(persist).entropy(0);
    let library = builder.source("songs", source).source("others", other).start().await.unwrap();
    let report = reports.recv().await.unwrap();
    until(&library, |now| now.databases().any(|database| !database.items().is_empty())).await;
    (library, report, heard)
}

/// The song with this title.
#[track_caller]
fn titled(library: &Library, title: &str) -> ItemId {
    let database = database(library);
    let song = database.items().iter().find(|item| item.track.title.as_str() == title).unwrap();
    song.id
}

/// The playlist with this name, by its entries as `entry=title …`.
#[track_caller]
fn listed(library: &Library, name: &str) -> String {
    let database = database(library);
    let list = database.containers().iter().find(|list| list.name.as_str() == name).unwrap();
    let rows = database.entries(list.id).unwrap().rows();
    let entries = rows.iter().map(|row| format!("{}={}", row.entry, row.item.track.title));
    entries.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_source_hears_what_listeners_do_with_its_songs() {
    let (library, report, heard) = start(MemoryPersist::new()).await;
    tell(&report, [song("a"), song("b"), moved("b", "c")]).await;
    let (database, a, b) = (database(&library).id, titled(&library, "a"), titled(&library, "b"));
    library.started(database, a);
    library.played(database, a, Timestamp(5)).await.unwrap();
    library.skipped(database, b, Timestamp(6)).await.unwrap();
    library.rate(database, b, 200).await.unwrap();
    assert_eq!(
        heard.take(),
        ["a: Started", "a: Played(Timestamp(5))", "c: Skipped(Timestamp(6))", "c: Rated(100)"]
    );
    library.bookmark(database, a, 7000).await.unwrap();
    library.rate(database, titled(&library, "other"), 20).await.unwrap();
    let gone = ItemId::new(99).unwrap();
    assert!(matches!(library.rate(database, gone, 20).await, Err(EditError::Unknown { .. })));
    library.started(database, gone);
    assert_eq!(heard.take(), Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_saved_yet_is_heard_nevertheless() {
    let persist = MemoryPersist::new();
    let (library, report, heard) = start(persist.clone()).await;
    tell(&report, [song("a")]).await;
    persist.set_failing(true);
    let rated = library.rate(database(&library).id, titled(&library, "a"), 60).await;
    assert_eq!(rated, Err(EditError::NotSaved));
    assert_eq!(heard.take(), ["a: Rated(60)"]);
}

#[tokio::test]
async fn what_is_kept_is_heard_though_nobody_waits_for_it_any_more() {
    let (library, report, heard) = start(MemoryPersist::new()).await;
    tell(&report, [song("a")]).await;
    let rating = library.rate(database(&library).id, titled(&library, "a"), 60);
    tokio::select! {
        biased;
        _ = rating => panic!("it takes a moment to be kept"),
        () = std::future::ready(()) => {}
    }
    let mut told = Vec::new();
    let is_told = async {
        while told.is_empty() {
            tokio::task::yield_now().await;
            told = heard.take();
        }
    };
    tokio::time::timeout(PATIENCE, is_told).await.unwrap();
    assert_eq!(told, ["a: Rated(60)"]);
}

#[tokio::test]
async fn what_a_master_recorded_counts_also_where_it_is_less() {
    let (library, report, _) = start(MemoryPersist::new()).await;
    tell(&report, [song("a")]).await;
    let (database_id, a) = (database(&library).id, titled(&library, "a"));
    library.rate(database_id, a, 80).await.unwrap();
    library.played(database_id, a, Timestamp(9)).await.unwrap();
    library.skipped(database_id, a, Timestamp(8)).await.unwrap();
    let recorded = Recorded { rating: Some(0), play_count: Some(0), ..Recorded::default() };
    let authority = Authority::Master;
    tell(&report, [Change::Usage { key: "a".into(), recorded, authority }]).await;
    let usage = database(&library).items().find(a).unwrap().usage;
    assert_eq!((usage.rating, usage.play_count), (0, 0));
    // Of what it says nothing, what was known stays.
    assert_eq!((usage.skip_count, usage.last_played), (1, Timestamp(9)));
}

/// A library with the songs `a`, `b`, `c` of which `b` is starred, and what a client needs to change that.
struct Stars {
    library: Library,
    report: Report,
    heard: Heard,
    list: ContainerId,
}

impl Stars {
    async fn start(persist: MemoryPersist) -> Self {
        let (library, report, heard) = start(persist).await;
        let list = playlist("*", None, songs(&["b"]));
        tell(&report, [song("a"), song("b"), song("c"), list]).await;
        let list = database(&library).containers()[1].clone();
        assert!(list.editable);
        Self { library, report, heard, list: list.id }
    }

    async fn edit(&self, change: PlaylistChange) -> Result<Edited, PlaylistError> {
        let database = database(&self.library).id;
        self.library.edit_playlist(PlaylistEdit { database, change }).await
    }

    async fn append(&self, titles: &[&str]) -> Result<Edited, PlaylistError> {
        let items = titles.iter().map(|title| titled(&self.library, title)).collect();
        self.edit(PlaylistChange::Append { container: self.list, items }).await
    }

    async fn take(&self, entry: u32) -> Result<Edited, PlaylistError> {
        self.edit(PlaylistChange::Take { container: self.list, entries: vec![number(entry)] }).await
    }

    fn starred(&self) -> String {
        listed(&self.library, "*")
    }
}

fn number(entry: u32) -> ContainerItemId {
    ContainerItemId::new(entry).unwrap()
}

#[tokio::test]
async fn to_add_a_song_to_what_is_starred_is_to_star_it() {
    let stars = Stars::start(MemoryPersist::new()).await;
    // One that has a star already keeps its entry.
    let added = stars.append(&["a", "b"]).await;
    assert_eq!(added, Ok(Edited::Entries(vec![number(2), number(1)])));
    assert_eq!(stars.starred(), "1=b 2=a");
    assert_eq!(stars.heard.take(), ["a: Starred(true)", "b: Starred(true)"]);
    assert_eq!(stars.take(1).await, Ok(Edited::Done));
    assert_eq!(stars.starred(), "2=a");
    assert_eq!(stars.heard.take(), ["b: Starred(false)"]);
}

#[tokio::test]
async fn what_cannot_be_starred_is_refused_whole() {
    let stars = Stars::start(MemoryPersist::new()).await;
    let container = stars.list;
    assert!(matches!(stars.append(&["a", "other"]).await, Err(PlaylistError::ReadOnly(_))));
    let gone = ItemId::new(99).unwrap();
    let missing =
        PlaylistChange::Append { container, items: vec![titled(&stars.library, "a"), gone] };
    assert_eq!(stars.edit(missing).await, Err(PlaylistError::NoSong(gone)));
    let no_entry = PlaylistError::NoEntry { container, entry: number(7) };
    assert_eq!(stars.take(7).await, Err(no_entry));
    for change in [
        PlaylistChange::Remove(container),
        PlaylistChange::Rename { container, name: "ours".into() },
        PlaylistChange::Move { container, entry: number(1), after: None },
    ] {
        assert!(matches!(stars.edit(change).await, Err(PlaylistError::ReadOnly(_))));
    }
    assert_eq!((stars.starred().as_str(), stars.heard.take()), ("1=b", Vec::new()));
}

#[tokio::test]
async fn what_the_source_says_next_of_stars_is_what_counts() {
    let persist = MemoryPersist::new();
    let stars = Stars::start(persist.clone()).await;
    stars.append(&["a"]).await.unwrap();
    tell(&stars.report, [playlist("*", None, songs(&["c", "a"]))]).await;
    assert_eq!(stars.starred(), "3=c 2=a");
    stars.take(3).await.unwrap();
    stars.library.shutdown().await;

    // After a restart it is asked to say it again, for it may not have taken the star back.
    let (library, report, _) = start(persist).await;
    assert_eq!(listed(&library, "*"), "2=a");
    let list = playlist("*", None, songs(&["c", "a"]));
    assert_ne!(report.known().await.unwrap().playlists[&"*".into()], stamp(1));
    tell(&report, [list]).await;
    assert_eq!(listed(&library, "*"), "4=c 2=a");
}
