//! A source whose songs are in two databases.

// A test that cannot go on has failed, in its helpers too.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::*;
use daap_model::{Database, Timestamp};
use library::{
    Body, Change, Library, ManualClock, MemoryPersist, MemorySource, Report, Stamp, StartError,
};
use proptest::prelude::*;

/// A library with a source in a database of its own, and `also` in the first one.
async fn start(persist: MemoryPersist, also: bool) -> (Library, Report, Heard) {
    let (source, mut reports) = scripted();
    let heard = source.heard.clone();
    let builder = Library::builder("Home").persist(persist).clock(ManualClock::at(TODAY));
    let builder = builder.database("server", "Server").source("songs", source);
    let builder = if also { builder.also() } else { builder };
    let library = builder.start().await.unwrap();
    (library, reports.recv().await.unwrap(), heard)
}

fn databases(library: &Library) -> Vec<Arc<Database>> {
    library.snapshot().databases().cloned().collect()
}

/// The titles of the songs, and of those in each playlist, whatever ids they have.
fn shown(database: &Database) -> BTreeMap<String, Vec<String>> {
    let titles = |list: &Arc<daap_model::Container>| {
        let rows = database.entries(list.id).unwrap().rows();
        rows.iter().map(|row| row.item.track.title.to_string()).collect::<Vec<_>>()
    };
    let lists = database.containers().iter().skip(1);
    let mut shown: BTreeMap<_, _> =
        lists.map(|list| (list.name.to_string(), titles(list))).collect();
    let mut all: Vec<_> = database.items().iter().map(|it| it.track.title.to_string()).collect();
    all.sort_unstable();
    shown.insert("all songs".into(), all);
    shown
}

#[tokio::test]
async fn a_song_is_there_twice_and_what_is_done_with_either_is_heard() {
    let (library, report, heard) = start(MemoryPersist::new(), true).await;
    tell(&report, [song("a"), playlist("mix", None, songs(&["a"]))]).await;
    let both = databases(&library);
    assert_eq!(shown(&both[0]), shown(&both[1]));
    let songs: Vec<_> = both.iter().map(|of| of.items().iter().next().unwrap().clone()).collect();
    assert_ne!(songs[0].id, songs[1].id);
    assert_ne!(songs[0].persistent_id, songs[1].persistent_id);
    for (database, song) in both.iter().zip(&songs) {
        let content = library.open(database.id, song.id).await.unwrap();
        assert!(matches!(content.body, Body::Bytes(bytes) if bytes == "a"));
        library.rate(database.id, song.id, 20).await.unwrap();
    }
    assert_eq!(heard.take(), ["a: Rated(20)", "a: Rated(20)"]);
    library.played(both[1].id, songs[1].id, Timestamp(5)).await.unwrap();
    let plays = |number: usize| {
        let item = databases(&library)[number].items().find(songs[number].id).cloned();
        item.unwrap().usage.play_count
    };
    assert_eq!((plays(0), plays(1)), (0, 1));
}

#[tokio::test]
async fn a_source_names_the_database_of_its_own() {
    let (library, report, _) = start(MemoryPersist::new(), true).await;
    report.named("Attic").await.unwrap();
    report.settled().await.unwrap();
    let names: Vec<_> = databases(&library).iter().map(|of| of.name.to_string()).collect();
    assert_eq!(names, ["Home", "Attic"]);
    assert!(library.ready().await);
    assert_eq!(library.watch_scans().borrow().len(), 1);
}

#[tokio::test]
async fn two_sources_of_the_first_database_still_need_two_names() {
    let of = MemorySource::new;
    let builder = Library::builder("Home").source("songs", of());
    let started = builder.database("server", "Server").source("songs", of()).also().start().await;
    assert!(matches!(started, Err(StartError::SameSource(name)) if name == "songs"));
}

#[tokio::test]
async fn a_source_of_the_first_database_is_in_it_once() {
    let (mine, builder) = (MemorySource::new(), Library::builder("Home"));
    mine.put("a", track("a"), "sound");
    let library = builder.source("mine", mine).also().start().await.unwrap();
    until(&library, |now| now.databases().any(|database| database.items().len() == 1)).await;
}

/// What a server has: songs in versions, and playlists in versions.
#[derive(Clone, Debug, Default)]
struct Server {
    songs: BTreeMap<&'static str, i64>,
    playlists: BTreeMap<&'static str, (i64, Vec<&'static str>)>,
}

/// Some sources know no numbers of files.
fn version_stamp(version: i64) -> Stamp {
    Stamp { file: u64::from(version % 2 == 0), ..stamp(version) }
}

impl Server {
    /// Reports what differs from what the library says it knows, as a source does that trusts stamps.
    async fn report(&self, report: &Report) {
        let known = report.known().await.unwrap();
        let has = |key: &str| self.songs.contains_key(key) || self.playlists.contains_key(key);
        let mut changes = Vec::new();
        changes.extend(
            known.songs.keys().filter(|key| !has(&key.to_string())).cloned().map(Change::Gone),
        );
        let gone = known.playlists.keys().filter(|key| !has(&key.to_string())).cloned();
        changes.extend(gone.map(Change::PlaylistGone));
        for (key, version) in &self.songs {
            if known.songs.get(&(*key).into()) != Some(&version_stamp(*version)) {
                let track = Box::new(track(&format!("{key} as of {version}")));
                changes.push(Change::Song {
                    key: (*key).into(),
                    stamp: version_stamp(*version),
                    track,
                });
            }
        }
        for (key, (version, list)) in &self.playlists {
            if known.playlists.get(&(*key).into()) != Some(&version_stamp(*version)) {
                let Change::Playlist(list) = playlist(key, None, songs(list)) else { return };
                changes.push(Change::Playlist(library::Playlist {
                    stamp: version_stamp(*version),
                    ..list
                }));
            }
        }
        tell(report, changes).await;
    }

    fn shown(&self) -> BTreeMap<String, Vec<String>> {
        let title = |key: &&str| Some(format!("{key} as of {}", self.songs.get(key)?));
        let lists = self.playlists.iter();
        let mut shown: BTreeMap<_, Vec<_>> = lists
            .map(|(key, (_, list))| (key.to_string(), list.iter().filter_map(title).collect()))
            .collect();
        shown.insert("all songs".into(), self.songs.keys().filter_map(title).collect());
        shown
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(&'static str, i64),
    Remove(&'static str),
    List(&'static str, Vec<&'static str>),
    Unlist(&'static str),
    Away,
    /// And whether the source is in the first database as well from now on.
    Restart(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let key = || prop::sample::select(vec!["a", "b", "c"]);
    let list = || prop::sample::select(vec!["p", "q"]);
    prop_oneof![
        4 => (key(), 0_i64..3).prop_map(|(key, version)| Step::Put(key, version)),
        2 => key().prop_map(Step::Remove),
        3 => (list(), prop::collection::vec(key(), 0..4))
            .prop_map(|(key, keys)| Step::List(key, keys)),
        1 => list().prop_map(Step::Unlist),
        1 => Just(Step::Away),
        4 => any::<bool>().prop_map(Step::Restart),
    ]
}

async fn live_through(steps: Vec<Step>) {
    let (persist, mut server) = (MemoryPersist::new(), Server::default());
    let (mut also, mut version) = (false, 0);
    let (mut library, mut report, _) = start(persist.clone(), also).await;
    for step in steps {
        match step {
            Step::Put(key, version) => drop(server.songs.insert(key, version)),
            Step::Remove(key) => drop(server.songs.remove(key)),
            Step::List(key, keys) => {
                version += 1;
                server.playlists.insert(key, (version, keys));
            }
            Step::Unlist(key) => drop(server.playlists.remove(key)),
            Step::Away => {
                let keys = server.songs.keys().map(|key| (*key).into()).collect();
                tell(&report, [Change::Away(keys)]).await;
            }
            Step::Restart(to) => {
                library.shutdown().await;
                also = to;
                (library, report, _) = start(persist.clone(), also).await;
            }
        }
        server.report(&report).await;
        let databases = databases(&library);
        assert_eq!(shown(&databases[1]), server.shown());
        let first = if also { server.shown() } else { Server::default().shown() };
        assert_eq!(shown(&databases[0]), first);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn both_databases_have_what_the_source_has_whenever_it_came_to_be_in_two(
        steps in prop::collection::vec(step(), 1..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(live_through(steps));
    }
}
