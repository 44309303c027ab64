//! What must hold whatever sources report and clients change, in whatever order.
// A test that cannot go on has failed, in its helpers too.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{HashMap, HashSet};

use common::*;
use daap_model::{ContainerId, Database, ItemId, PersistentId};
use library::{
    Change, Library, MemoryPersist, PlaylistChange, PlaylistContent::Folder, PlaylistEdit, Report,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Report(Change),
    Settle,
    Rate(u8),
    Add,
    /// Of the playlists that clients made, the one with this number, if there is one.
    Edit(usize, Editing),
    Restart,
}

#[derive(Clone, Debug)]
enum Editing {
    Remove,
    AppendAll,
    TakeFirst,
    MoveLastFirst,
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c", "d", "e"])
}

fn list_key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["p", "q", "r", "s"])
}

fn report() -> impl Strategy<Value = Change> {
    let list = || prop::collection::vec(key(), 0..5);
    let parent = || prop::option::of(list_key());
    prop_oneof![
        4 => key().prop_map(song),
        2 => (key(), 0_i64..3).prop_map(|(key, time)| Change::Song {
            key: key.into(),
            stamp: stamp(time),
            track: Box::new(track(&format!("{key} as of {time}"))),
        }),
        2 => (key(), key()).prop_map(|(from, to)| moved(from, to)),
        1 => key().prop_map(gone),
        1 => list().prop_map(|names| Change::Away(keys(&names))),
        1 => list().prop_map(|names| Change::Back(keys(&names))),
        3 => (list_key(), parent(), list())
            .prop_map(|(key, parent, names)| playlist(key, parent, songs(&names))),
        2 => (list_key(), parent()).prop_map(|(key, parent)| playlist(key, parent, Folder)),
        1 => list_key().prop_map(|key| Change::PlaylistGone(key.into())),
    ]
}

fn editing() -> impl Strategy<Value = Editing> {
    prop_oneof![
        Just(Editing::Remove),
        Just(Editing::AppendAll),
        Just(Editing::TakeFirst),
        Just(Editing::MoveLastFirst),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => report().prop_map(Step::Report),
        3 => Just(Step::Settle),
        1 => (0_u8..=100).prop_map(Step::Rate),
        1 => Just(Step::Add),
        3 => (0..3_usize, editing()).prop_map(|(number, edit)| Step::Edit(number, edit)),
        1 => Just(Step::Restart),
    ]
}

async fn start(persist: MemoryPersist) -> (Library, Report) {
    let (source, mut reports) = scripted();
    let builder = Library::builder("Home").persist(persist).source("songs", source);
    let library = builder.start().await.unwrap();
    let report = reports.recv().await.unwrap();
    (library, report)
}

/// What a client asks for that sees this database; `None` if there is no such playlist, or nothing in it.
fn asked(edit: &Editing, database: &Database, number: usize) -> Option<PlaylistChange> {
    let mut lists = database.containers().iter().filter(|container| container.editable);
    let container = lists.nth(number)?.id;
    let entries = database.entries(container)?.rows();
    let entries: Vec<_> = entries.iter().map(|row| row.entry).collect();
    Some(match edit {
        Editing::Remove => PlaylistChange::Remove(container),
        Editing::AppendAll => {
            let items = database.items().iter().map(|item| item.id).collect();
            PlaylistChange::Append { container, items }
        }
        Editing::TakeFirst => PlaylistChange::Take {
            container,
            entries: entries.first().copied().into_iter().collect(),
        },
        Editing::MoveLastFirst => {
            PlaylistChange::Move { container, entry: *entries.last()?, after: None }
        }
    })
}

/// What every id has stood for since the first day.
#[derive(Default)]
struct Ids {
    songs: HashMap<ItemId, PersistentId>,
    playlists: HashMap<ContainerId, PersistentId>,
}

impl Ids {
    /// Looks at everything there is; an id that stands for something else than before is a fault.
    fn look(&mut self, library: &Library) {
        let database = database(library);
        for item in database.items().iter() {
            let known = *self.songs.entry(item.id).or_insert(item.persistent_id);
            assert_eq!(known, item.persistent_id, "item {}", item.id);
        }
        for container in database.containers() {
            let known = *self.playlists.entry(container.id).or_insert(container.persistent_id);
            assert_eq!(known, container.persistent_id, "container {}", container.id);
            let rows = database.entries(container.id).unwrap().rows();
            let entries: HashSet<_> = rows.iter().map(|row| row.entry).collect();
            assert_eq!(entries.len(), rows.len(), "entries of container {}", container.id);
        }
    }
}

/// Changes a playlist. A song or an entry may have gone in the meantime, and then that is the answer.
async fn change(library: &Library, change: PlaylistChange) {
    let _ = library.edit_playlist(PlaylistEdit { database: database(library).id, change }).await;
}

async fn live_through(steps: Vec<Step>) {
    let persist = MemoryPersist::new();
    let mut ids = Ids::default();
    let (mut library, mut report) = start(persist.clone()).await;
    for step in steps {
        match step {
            Step::Report(change) => report.change(change).await.unwrap(),
            Step::Settle => report.settled().await.unwrap(),
            Step::Rate(rating) => {
                let first = database(&library).items().iter().next().map(|item| item.id);
                if let Some(item) = first {
                    // It may have gone in the meantime, and then that is the answer.
                    let _ = library.rate(database(&library).id, item, rating).await;
                }
            }
            Step::Add => change(&library, PlaylistChange::Add { name: "ours".into() }).await,
            Step::Edit(number, edit) => {
                if let Some(asked) = asked(&edit, &database(&library), number) {
                    change(&library, asked).await;
                }
            }
            Step::Restart => {
                library.shutdown().await;
                let before = (titles(&library), playlists(&library));
                (library, report) = start(persist.clone()).await;
                assert_eq!((titles(&library), playlists(&library)), before, "after a restart");
            }
        }
        ids.look(&library);
    }
    report.settled().await.unwrap();
    ids.look(&library);
    let before = (titles(&library), playlists(&library));
    library.shutdown().await;
    let (library, _report) = start(persist).await;
    assert_eq!((titles(&library), playlists(&library)), before, "after the last restart");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_shows_what_was_shown_and_no_id_is_given_twice(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(live_through(steps));
    }
}
