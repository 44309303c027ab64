//! Random histories: a catalog and a plain model of it agree after every commit.

// A test that cannot go on has failed, in its helpers too.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use daap_model::{
    ContainerId, ContainerItem, ContainerItemId, ContainerKind, DatabaseId, ItemId, Revision,
    Snapshot, Track,
};
use library::{Catalog, Changes, NewDatabase, NewEntry, NewPlaylist, NewSong, Place};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Entry ids above it come from the catalog, those below it are chosen.
const CHOSEN_ENTRIES: u32 = 1000;

/// A change, its ids as numbers.
#[derive(Clone, Debug)]
enum Step {
    AddDatabase(Option<u32>),
    RemoveDatabase(u32),
    AddItem(u32, Option<u32>),
    Play(u32, u32),
    RemoveItem(u32, u32),
    AddList(u32, Option<u32>, Option<u32>, Vec<u32>),
    AddFolder(u32, Option<u32>, Option<u32>),
    Rename(u32, u32, String),
    Move(u32, u32, Option<u32>),
    RemoveContainer(u32, u32),
    Insert(u32, u32, Option<u32>, u32, Spot),
    MoveEntry(u32, u32, u32, Spot),
    RemoveEntry(u32, u32, u32),
    Fill(u32, u32, Vec<u32>),
}

#[derive(Clone, Copy, Debug)]
enum Spot {
    First,
    After(u32),
    Last,
}

impl Spot {
    fn place(self) -> Place {
        match self {
            Self::First => Place::First,
            Self::After(entry) => Place::After(ContainerItemId::new(entry).unwrap()),
            Self::Last => Place::Last,
        }
    }
}

/// The catalog as numbers and texts.
type Plain = BTreeMap<u32, PlainDatabase>;

#[derive(Clone, Debug, Default, PartialEq)]
struct PlainDatabase {
    /// Songs with how often they were played.
    items: BTreeMap<u32, u32>,
    containers: BTreeMap<u32, PlainContainer>,
}

#[derive(Clone, Debug, PartialEq)]
struct PlainContainer {
    name: String,
    parent: Option<u32>,
    /// Entries and their songs; `None` for a folder.
    entries: Option<Vec<(u32, u32)>>,
}

/// What a snapshot holds.
fn plain(snapshot: &Snapshot) -> Plain {
    let database = |database: &Arc<daap_model::Database>| {
        let items = database.items().iter().map(|item| (item.id.get(), item.usage.play_count));
        let items: BTreeMap<u32, u32> = items.collect();
        let entries = |id| -> Vec<(u32, u32)> {
            let rows = database.entries(id).unwrap().rows();
            rows.iter().map(|row| (row.entry.get(), row.item.id.get())).collect()
        };
        let all: Vec<_> = items.keys().map(|id| (*id, *id)).collect();
        assert_eq!(entries(ContainerId::BASE), all, "the base container");
        let container = |container: &Arc<daap_model::Container>| PlainContainer {
            name: container.name.to_string(),
            parent: container.parent.map(ContainerId::get),
            entries: (container.kind() != ContainerKind::Folder).then(|| entries(container.id)),
        };
        let containers = database.containers()[1..].iter().map(|it| (it.id.get(), container(it)));
        (database.id.get(), PlainDatabase { containers: containers.collect(), items })
    };
    snapshot.databases().map(database).collect()
}

fn item(number: u32) -> ItemId {
    ItemId::new(number).unwrap()
}

fn list(number: u32) -> ContainerId {
    ContainerId::new(number).unwrap()
}

/// Takes a step in both worlds. `None` if the plain one finds it wrong.
fn take(step: &Step, changes: &mut Changes, plain: &mut Plain, given: &mut Given) -> Option<()> {
    let db = |number: u32| DatabaseId::new(number).unwrap();
    match step.clone() {
        Step::AddDatabase(id) => {
            let new = NewDatabase { id: id.map(db), ..NewDatabase::named("x") };
            let id = given.note("database", id, changes.add_database(new).get());
            plain.insert(id, PlainDatabase::default()).is_none().then_some(())
        }
        Step::RemoveDatabase(id) => {
            changes.remove_database(db(id));
            plain.remove(&id).map(drop)
        }
        Step::AddItem(at, id) => {
            let new = NewSong { id: id.map(item), ..NewSong::new(Track::default()) };
            let id = given.note("item", id, changes.add_item(db(at), new).get());
            plain.get_mut(&at)?.items.insert(id, 0).is_none().then_some(())
        }
        Step::Play(at, id) => {
            changes.change_item(db(at), item(id), |song| song.usage.play_count += 1);
            *plain.get_mut(&at)?.items.get_mut(&id)? += 1;
            Some(())
        }
        Step::RemoveItem(at, id) => {
            changes.remove_item(db(at), item(id));
            let database = plain.get_mut(&at)?;
            for container in database.containers.values_mut() {
                container.entries.iter_mut().for_each(|all| all.retain(|(_, song)| *song != id));
            }
            database.items.remove(&id).map(drop)
        }
        Step::AddList(at, id, parent, songs) => {
            let new = NewPlaylist { id: id.map(list), ..NewPlaylist::named("list") };
            let new = NewPlaylist { parent: parent.map(list), ..new };
            let new = new.songs(songs.iter().copied().map(item));
            let id = given.note("container", id, changes.add_container(db(at), new).get());
            let entries = songs.iter().map(|song| (0, *song)).collect();
            let new = PlainContainer { name: "list".into(), parent, entries: Some(entries) };
            let database = plain.get_mut(&at)?;
            let good = songs.iter().all(|song| database.items.contains_key(song));
            let new = database.containers.insert(id, new).is_none();
            (good && new && id != 1).then_some(())
        }
        Step::AddFolder(at, id, parent) => {
            let new = NewPlaylist { id: id.map(list), ..NewPlaylist::folder("folder") };
            let new = NewPlaylist { parent: parent.map(list), ..new };
            let id = given.note("container", id, changes.add_container(db(at), new).get());
            let new = PlainContainer { name: "folder".into(), parent, entries: None };
            let new = plain.get_mut(&at)?.containers.insert(id, new).is_none();
            (new && id != 1).then_some(())
        }
        Step::Rename(at, id, name) => {
            changes.rename_container(db(at), list(id), name.as_str());
            plain.get_mut(&at)?.containers.get_mut(&id)?.name = name;
            Some(())
        }
        Step::Move(at, id, parent) => {
            changes.move_container(db(at), list(id), parent.map(list));
            plain.get_mut(&at)?.containers.get_mut(&id)?.parent = parent;
            Some(())
        }
        Step::RemoveContainer(at, id) => {
            changes.remove_container(db(at), list(id));
            let database = plain.get_mut(&at)?;
            let gone = database.containers.remove(&id)?;
            for inside in database.containers.values_mut().filter(|it| it.parent == Some(id)) {
                inside.parent = gone.parent;
            }
            Some(())
        }
        entries => take_entries(entries, changes, plain, given),
    }
}

/// The same for the entries of a playlist.
fn take_entries(
    step: Step,
    changes: &mut Changes,
    plain: &mut Plain,
    given: &mut Given,
) -> Option<()> {
    let db = |number: u32| DatabaseId::new(number).unwrap();
    match step {
        Step::Insert(at, id, entry, song, spot) => {
            let chosen = entry.map(|id| ContainerItemId::new(id).unwrap());
            let new = NewEntry { id: chosen, item: item(song) };
            let new = changes.insert(db(at), list(id), new, spot.place()).get();
            let new = given.note("entry", entry, new);
            let database = plain.get_mut(&at)?;
            database.items.get(&song)?;
            place(entries(database, id)?, (new, song), spot)
        }
        Step::MoveEntry(at, id, entry, spot) => {
            let moved = ContainerItemId::new(entry).unwrap();
            changes.move_entry(db(at), list(id), moved, spot.place());
            let entries = entries(plain.get_mut(&at)?, id)?;
            let from = entries.iter().position(|(id, _)| *id == entry)?;
            if matches!(spot, Spot::After(anchor) if anchor == entry) {
                return Some(());
            }
            let moved = entries.remove(from);
            place(entries, moved, spot)
        }
        Step::RemoveEntry(at, id, entry) => {
            changes.remove_entry(db(at), list(id), ContainerItemId::new(entry).unwrap());
            let entries = entries(plain.get_mut(&at)?, id)?;
            entries.remove(entries.iter().position(|(id, _)| *id == entry)?);
            Some(())
        }
        Step::Fill(at, id, songs) => {
            changes.fill(db(at), list(id), songs.iter().copied().map(item));
            let database = plain.get_mut(&at)?;
            let good = songs.iter().all(|song| database.items.contains_key(song));
            let entries = entries(database, id)?;
            let mut old = std::mem::take(entries);
            for song in songs {
                let kept = old.iter().position(|(_, held)| *held == song);
                entries.push(kept.map_or((0, song), |at| old.remove(at)));
            }
            good.then_some(())
        }
        _ => unreachable!("it is about something else"),
    }
}

/// The step with numbers of what is there in the place of any.
fn aimed(step: Step, plain: &Plain) -> Step {
    fn nth<T>(map: Option<&BTreeMap<u32, T>>, number: u32) -> u32 {
        let there = map.filter(|map| !map.is_empty());
        let place = |map: &BTreeMap<u32, T>| number as usize % map.len();
        there.and_then(|map| map.keys().nth(place(map)).copied()).unwrap_or(number)
    }
    let db = |number| nth(Some(plain), number);
    let song = |at, number| nth(plain.get(&at).map(|it| &it.items), number);
    let list = |at, number| nth(plain.get(&at).map(|it| &it.containers), number);
    let entry = |at, id, number: u32| {
        let container = plain.get(&at).and_then(|it| it.containers.get(&id));
        let entries = container.and_then(|it| it.entries.as_deref()).unwrap_or_default();
        let place = number as usize % entries.len().max(1);
        entries.get(place).map_or(number, |(id, _)| *id).max(1)
    };
    let spot = |at, id, spot| match spot {
        Spot::After(anchor) => Spot::After(entry(at, id, anchor)),
        end => end,
    };
    match step {
        Step::Play(at, id) => Step::Play(db(at), song(db(at), id)),
        Step::RemoveItem(at, id) => Step::RemoveItem(db(at), song(db(at), id)),
        Step::AddList(at, id, parent, songs) => {
            let songs = songs.into_iter().map(|id| song(db(at), id)).collect();
            Step::AddList(db(at), id, parent.map(|id| list(db(at), id)), songs)
        }
        Step::AddFolder(at, id, parent) => {
            Step::AddFolder(db(at), id, parent.map(|id| list(db(at), id)))
        }
        Step::Rename(at, id, name) => Step::Rename(db(at), list(db(at), id), name),
        Step::Move(at, id, parent) => {
            Step::Move(db(at), list(db(at), id), parent.map(|id| list(db(at), id)))
        }
        Step::RemoveContainer(at, id) => Step::RemoveContainer(db(at), list(db(at), id)),
        Step::Insert(at, id, new, item, place) => {
            let (at, id) = (db(at), list(db(at), id));
            Step::Insert(at, id, new, song(at, item), spot(at, id, place))
        }
        Step::MoveEntry(at, id, moved, place) => {
            let (at, id) = (db(at), list(db(at), id));
            Step::MoveEntry(at, id, entry(at, id, moved), spot(at, id, place))
        }
        Step::RemoveEntry(at, id, gone) => {
            let (at, id) = (db(at), list(db(at), id));
            Step::RemoveEntry(at, id, entry(at, id, gone))
        }
        Step::Fill(at, id, songs) => {
            let songs = songs.into_iter().map(|id| song(db(at), id)).collect();
            Step::Fill(db(at), list(db(at), id), songs)
        }
        step => step,
    }
}

/// Whether a step would go well now.
fn is_good(step: &Step, plain: &Plain) -> bool {
    let (mut after, mut given) = (plain.clone(), Given::default());
    let mut changes = Catalog::new("rehearsal").changes();
    // Its own ids are not to be those of the real one.
    changes.add_item(Catalog::MAIN, NewSong { id: Some(item(1_000_000)), ..NewSong::default() });
    changes.add_container(Catalog::MAIN, NewPlaylist::named("").id(list(1_000_000)));
    let database = DatabaseId::new(1_000_000);
    changes.add_database(NewDatabase { id: database, ..NewDatabase::named("") });
    take(step, &mut changes, &mut after, &mut given).is_some() && folders_are_good(&after)
}

fn entries(database: &mut PlainDatabase, id: u32) -> Option<&mut Vec<(u32, u32)>> {
    database.containers.get_mut(&id)?.entries.as_mut()
}

fn place(entries: &mut Vec<(u32, u32)>, new: (u32, u32), spot: Spot) -> Option<()> {
    if entries.iter().any(|(id, _)| *id == new.0) {
        return None;
    }
    let at = match spot {
        Spot::First => 0,
        Spot::After(anchor) => entries.iter().position(|(id, _)| *id == anchor)? + 1,
        Spot::Last => entries.len(),
    };
    entries.insert(at, new);
    Some(())
}

/// Whether every container is at the top or in a folder, and none inside itself.
fn folders_are_good(plain: &Plain) -> bool {
    plain.values().all(|database| {
        let folder = |id: &u32| database.containers.get(id).filter(|it| it.entries.is_none());
        database.containers.values().all(|container| {
            let mut at = container.parent;
            for _ in 0..=database.containers.len() {
                let Some(parent) = at else { return true };
                let Some(parent) = folder(&parent) else { return false };
                at = parent.parent;
            }
            false
        })
    })
}

/// The ids that were given or chosen so far.
#[derive(Default)]
struct Given(HashSet<(&'static str, u32)>);

impl Given {
    fn note(&mut self, kind: &'static str, chosen: Option<u32>, id: u32) -> u32 {
        let new = self.0.insert((kind, id));
        match chosen {
            Some(chosen) => assert_eq!(chosen, id),
            None => assert!(new, "{kind} {id} was given twice"),
        }
        id
    }

    /// Sets in `plain` the ids that only a commit has given (0 until then), each a new one.
    fn resolve(&mut self, plain: &mut Plain, now: &Plain) {
        for (at, database) in plain {
            for (id, container) in &mut database.containers {
                let shown = now.get(at).and_then(|it| it.containers.get(id)?.entries.as_ref());
                let (Some(entries), Some(shown)) = (&mut container.entries, shown) else {
                    continue;
                };
                for (entry, shown) in entries.iter_mut().zip(shown) {
                    if entry.0 == 0 {
                        entry.0 = self.note("entry", None, shown.0);
                    }
                }
            }
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let db = || prop_oneof![6 => Just(1_u32), 1 => 2..4_u32];
    let (song, list, entry) = (|| 1..12_u32, || 1..12_u32, || 1..6_u32);
    let chosen = || option::weighted(0.1, 1..12_u32);
    let parent = || option::weighted(0.4, 1..12_u32);
    let songs = || vec(song(), 0..4);
    let spot = || prop_oneof![Just(Spot::First), Just(Spot::Last), entry().prop_map(Spot::After)];
    prop_oneof![
        1 => chosen().prop_map(Step::AddDatabase),
        1 => (2..4_u32).prop_map(Step::RemoveDatabase),
        6 => (db(), chosen()).prop_map(|(at, id)| Step::AddItem(at, id)),
        2 => (db(), song()).prop_map(|(at, id)| Step::Play(at, id)),
        3 => (db(), song()).prop_map(|(at, id)| Step::RemoveItem(at, id)),
        3 => (db(), chosen(), parent(), songs())
            .prop_map(|(at, id, parent, songs)| Step::AddList(at, id, parent, songs)),
        3 => (db(), chosen(), parent()).prop_map(|(at, id, parent)| Step::AddFolder(at, id, parent)),
        2 => (db(), list(), "[a-c]").prop_map(|(at, id, name)| Step::Rename(at, id, name)),
        4 => (db(), list(), parent()).prop_map(|(at, id, parent)| Step::Move(at, id, parent)),
        2 => (db(), list()).prop_map(|(at, id)| Step::RemoveContainer(at, id)),
        9 => (db(), list(), option::of(entry()), song(), spot())
            .prop_map(|(at, id, entry, song, spot)| Step::Insert(at, id, entry, song, spot)),
        6 => (db(), list(), entry(), spot())
            .prop_map(|(at, id, entry, spot)| Step::MoveEntry(at, id, entry, spot)),
        6 => (db(), list(), entry()).prop_map(|(at, id, entry)| Step::RemoveEntry(at, id, entry)),
        4 => (db(), list(), songs()).prop_map(|(at, id, songs)| Step::Fill(at, id, songs)),
    ]
}

/// A catalog whose own entry ids are above [`CHOSEN_ENTRIES`], with a song and an empty playlist.
fn begin(given: &mut Given) -> Catalog {
    let catalog = Catalog::builder("test").starting_at(Revision::FIRST).keep(usize::MAX).build();
    let mut changes = catalog.changes();
    let song = changes.add_item(Catalog::MAIN, Track::default());
    let high = ContainerItem { id: ContainerItemId::new(CHOSEN_ENTRIES).unwrap(), item: song };
    let mix = changes.add_container(Catalog::MAIN, NewPlaylist::named("mix").songs([high]));
    catalog.commit(changes).unwrap();
    for (kind, id) in [("database", 1), ("item", song.get()), ("container", mix.get())] {
        given.note(kind, None, id);
    }
    catalog
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_catalog_holds_what_was_put_into_it(
        batches in vec((any::<bool>(), vec(step(), 1..12)), 1..20),
    ) {
        let mut given = Given::default();
        let catalog = begin(&mut given);
        let mut now = plain(&catalog.snapshot());
        let mut held = vec![(catalog.snapshot(), now.clone())];
        for (daring, mut batch) in batches {
            let mut changes = catalog.changes();
            let mut next = now.clone();
            let mut good = true;
            let wild = batch.pop().filter(|_| daring);
            for step in batch {
                let step = aimed(step, &next);
                if is_good(&step, &next) {
                    good &= take(&step, &mut changes, &mut next, &mut given).is_some();
                }
            }
            if let Some(step) = wild {
                good &= take(&step, &mut changes, &mut next, &mut given).is_some();
            }
            good &= folders_are_good(&next);
            let before = catalog.snapshot();
            let revision = catalog.commit(changes);
            prop_assert_eq!(revision.is_ok(), good, "{:?} on {:?}", revision, now);
            let shown = plain(&catalog.snapshot());
            if good {
                given.resolve(&mut next, &shown);
                prop_assert_eq!(&shown, &next);
                now = next;
            } else {
                prop_assert!(Arc::ptr_eq(&before, &catalog.snapshot()));
            }
            if let Ok(Some(_)) = revision {
                prop_assert_eq!(catalog.snapshot().revision(), before.revision().next());
                held.push((catalog.snapshot(), now.clone()));
            }
        }
        for (snapshot, then) in held {
            prop_assert_eq!(&plain(&snapshot), &then);
            prop_assert_eq!(plain(&catalog.at(snapshot.revision()).unwrap()), then);
        }
    }
}
