//! What a program can do with a library that it makes by itself.

// A test that cannot go on has failed, in its helpers too.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use daap_model::{
    ApplyError, Container, ContainerId, ContainerItem, ContainerItemId, CustomField, CustomKind,
    Database, DatabaseId, Delta, Filter, ItemId, PersistentId, Revision, SmartRules, TextField,
    TextTest, Track,
};
use library::{Catalog, Changes, CommitError, NewDatabase, NewPlaylist, NewSong, Place, Song};

const DB: DatabaseId = Catalog::MAIN;

fn item(number: u32) -> ItemId {
    ItemId::new(number).unwrap()
}

fn list(number: u32) -> ContainerId {
    ContainerId::new(number).unwrap()
}

fn entry(number: u32) -> ContainerItemId {
    ContainerItemId::new(number).unwrap()
}

fn track(title: &str) -> Track {
    Track { title: title.into(), artist: "Wings".into(), ..Track::default() }
}

fn wings() -> SmartRules {
    let filter = Filter::Text(TextField::Artist, TextTest::Equals("Wings".into()));
    SmartRules { filter, limit: None }
}

/// Songs 1 and 2; folder 2, in it playlist 3 with entries 1 (song 2), 2 (song 1), 3 (song 2); smart playlist 4.
fn catalog() -> Catalog {
    let catalog = Catalog::builder("Home").starting_at(Revision::FIRST).build();
    let mut changes = catalog.changes();
    let jet = changes.add_item(DB, track("Jet"));
    let bluebird = changes.add_item(DB, track("Bluebird"));
    let folder = changes.add_container(DB, NewPlaylist::folder("Folder"));
    let mix = NewPlaylist::named("Mix").inside(folder).songs([bluebird, jet, bluebird]);
    changes.add_container(DB, mix);
    changes.add_container(DB, NewPlaylist::smart("Wings", wings()));
    catalog.commit(changes).unwrap();
    catalog
}

fn commit<T>(catalog: &Catalog, make: impl FnOnce(&mut Changes) -> T) -> Option<Revision> {
    let mut changes = catalog.changes();
    make(&mut changes);
    catalog.commit(changes).unwrap()
}

fn database(catalog: &Catalog) -> Arc<Database> {
    Arc::clone(catalog.snapshot().database(DB).unwrap())
}

fn container(catalog: &Catalog, id: u32) -> Arc<Container> {
    Arc::clone(database(catalog).container(list(id)).unwrap())
}

/// The entries of a container as pairs of entry and song.
fn entries(catalog: &Catalog, id: u32) -> Vec<(u32, u32)> {
    let rows = database(catalog).entries(list(id)).unwrap().rows();
    rows.iter().map(|row| (row.entry.get(), row.item.id.get())).collect()
}

#[test]
fn what_is_committed_is_there_with_a_base_container_and_smart_playlists() {
    let catalog = catalog();
    assert_eq!(entries(&catalog, 1), [(1, 1), (2, 2)]);
    assert_eq!(entries(&catalog, 3), [(1, 2), (2, 1), (3, 2)]);
    assert_eq!(entries(&catalog, 4), [(1, 1), (2, 2)]);
    assert_eq!(container(&catalog, 3).parent, Some(list(2)));
}

#[test]
fn changes_that_are_dropped_or_change_nothing_make_no_revision() {
    let catalog = catalog();
    let before = catalog.snapshot();
    catalog.changes().remove_database(DB);
    assert_eq!(commit(&catalog, |_| {}), None);
    let nothing = |changes: &mut Changes| {
        changes.rename("Home");
        changes.rename_database(DB, "Home");
        changes.change_item(DB, item(1), |song| song.track.title = "Jet".into());
        changes.rename_container(DB, list(3), "Mix");
        changes.fill(DB, list(3), [item(2), item(1), item(2)]);
        changes.move_entry(DB, list(3), entry(2), Place::After(entry(1)));
        changes.set_rules(DB, list(4), wings());
    };
    assert_eq!(commit(&catalog, nothing), None);
    assert!(Arc::ptr_eq(&before, &catalog.snapshot()));
}

#[test]
fn whoever_watches_sees_the_newest_revision_and_nothing_of_a_refusal() {
    let catalog = catalog();
    let mut watch = catalog.watch();
    assert!(!watch.has_changed().unwrap());
    let mut changes = catalog.changes();
    changes.remove_item(DB, item(9));
    catalog.commit(changes).unwrap_err();
    assert!(!watch.has_changed().unwrap());
    commit(&catalog, |changes| changes.rename("Away"));
    let newest = commit(&catalog, |changes| changes.remove_item(DB, item(1)));
    assert!(watch.has_changed().unwrap());
    assert_eq!(Some(watch.borrow_and_update().revision()), newest);
}

#[test]
fn what_comes_and_goes_in_one_commit_leaves_no_trace() {
    let catalog = catalog();
    let nothing = |changes: &mut Changes| {
        let song = changes.add_item(DB, NewSong::new(track("Mamunia")).bytes("sound"));
        let new = changes.add_container(DB, NewPlaylist::named("New").songs([song]));
        changes.remove_item(DB, song);
        changes.remove_container(DB, new);
        let entry = changes.append(DB, list(3), item(1));
        changes.remove_entry(DB, list(3), entry);
    };
    assert_eq!(commit(&catalog, nothing), None);
}

#[test]
fn a_song_may_take_the_persistent_id_of_one_that_leaves() {
    let catalog = catalog();
    let id = database(&catalog).items().find(item(1)).unwrap().persistent_id;
    commit(&catalog, |changes| {
        changes.add_item(DB, NewSong::new(track("Jet, again")).persistent_id(id));
        changes.remove_item(DB, item(1));
    });
    let database = database(&catalog);
    assert_eq!(&*database.items().find_persistent(id).unwrap().track.title, "Jet, again");
}

#[test]
fn entries_are_appended_inserted_moved_and_removed() {
    #[track_caller]
    fn check<T>(make: impl FnOnce(&mut Changes) -> T, expected: &[(u32, u32)]) {
        let catalog = catalog();
        commit(&catalog, make);
        assert_eq!(entries(&catalog, 3), expected);
    }
    let mix = list(3);
    check(|c| c.append(DB, mix, item(1)), &[(1, 2), (2, 1), (3, 2), (4, 1)]);
    let first = |c: &mut Changes| c.insert(DB, mix, item(1), Place::First);
    check(first, &[(4, 1), (1, 2), (2, 1), (3, 2)]);
    let after = |c: &mut Changes| c.insert(DB, mix, item(1), Place::After(entry(1)));
    check(after, &[(1, 2), (4, 1), (2, 1), (3, 2)]);
    check(|c| c.move_entry(DB, mix, entry(3), Place::First), &[(3, 2), (1, 2), (2, 1)]);
    check(|c| c.move_entry(DB, mix, entry(1), Place::Last), &[(2, 1), (3, 2), (1, 2)]);
    check(|c| c.move_entry(DB, mix, entry(1), Place::After(entry(1))), &[(1, 2), (2, 1), (3, 2)]);
    check(|c| c.remove_entry(DB, mix, entry(2)), &[(1, 2), (3, 2)]);
    check(|c| c.remove_item(DB, item(2)), &[(2, 1)]);
    // Entries that stay keep their ids.
    check(|c| c.fill(DB, mix, [item(1), item(1), item(2)]), &[(2, 1), (4, 1), (1, 2)]);
    let chosen = [ContainerItem { id: entry(1), item: item(1) }];
    check(|c| c.fill(DB, mix, chosen), &[(1, 1)]);
}

#[test]
fn a_song_that_went_leaves_the_playlists_even_if_it_comes_back() {
    #[track_caller]
    fn check<T>(make: impl FnOnce(&mut Changes) -> T, expected: &[(u32, u32)]) {
        let catalog = catalog();
        commit(&catalog, |changes| {
            make(changes);
            changes.append(DB, list(3), item(1));
        });
        assert_eq!(entries(&catalog, 3), expected);
    }
    let back = |changes: &mut Changes| {
        changes.remove_item(DB, item(2));
        changes.add_item(DB, NewSong::new(track("Bluebird")).id(item(2)));
    };
    check(back, &[(2, 1), (4, 1)]);
    let edited_before = |changes: &mut Changes| {
        changes.rename_container(DB, list(3), "Mix");
        back(changes);
    };
    check(edited_before, &[(2, 1), (4, 1)]);
}

#[track_caller]
fn check_refused<T>(make: impl FnOnce(&mut Changes) -> T, expected: CommitError) {
    let catalog = catalog();
    let before = catalog.snapshot();
    let mut changes = catalog.changes();
    changes.rename("Other");
    changes.add_item(DB, NewSong::new(track("Good")).bytes("sound"));
    make(&mut changes);
    assert_eq!(catalog.commit(changes), Err(expected));
    assert!(Arc::ptr_eq(&before, &catalog.snapshot()));
    assert_eq!(catalog.kept(), Revision::new(3)..=Revision::new(4));
}

#[test]
fn changes_that_do_not_hold_together_are_refused_whole() {
    use CommitError::*;
    let nine = DatabaseId::new(9).unwrap();
    check_refused(|c| c.add_item(nine, track("x")), UnknownDatabase(nine));
    check_refused(|c| c.rename_database(nine, "x"), UnknownDatabase(nine));
    check_refused(|c| c.remove_database(nine), UnknownDatabase(nine));
    let gone = |c: &mut Changes| {
        c.remove_database(DB);
        c.touch_item(DB, item(1));
    };
    check_refused(gone, UnknownDatabase(DB));

    let unknown = |number| UnknownItem { database: DB, item: item(number) };
    check_refused(|c| c.append(DB, list(3), item(9)), unknown(9));
    check_refused(|c| c.fill(DB, list(3), [item(1), item(9)]), unknown(9));
    check_refused(|c| c.change_item(DB, item(9), |_| {}), unknown(9));
    check_refused(|c| c.touch_item(DB, item(9)), unknown(9));
    check_refused(|c| c.remove_item(DB, item(9)), unknown(9));
    let removed = |c: &mut Changes| {
        c.remove_item(DB, item(1));
        c.append(DB, list(3), item(1));
    };
    check_refused(removed, unknown(1));

    let unknown = |number| UnknownContainer { database: DB, container: list(number) };
    check_refused(|c| c.append(DB, list(9), item(1)), unknown(9));
    check_refused(|c| c.rename_container(DB, list(9), "x"), unknown(9));
    check_refused(|c| c.remove_container(DB, list(9)), unknown(9));
    let removed = |c: &mut Changes| {
        c.remove_container(DB, list(3));
        c.set_editable(DB, list(3), true);
    };
    check_refused(removed, unknown(3));

    let (database, container) = (DB, list(3));
    let unknown = |number| UnknownEntry { database, container, entry: entry(number) };
    check_refused(|c| c.remove_entry(DB, list(3), entry(9)), unknown(9));
    check_refused(|c| c.move_entry(DB, list(3), entry(9), Place::After(entry(9))), unknown(9));
    check_refused(|c| c.move_entry(DB, list(3), entry(1), Place::After(entry(9))), unknown(9));
    check_refused(|c| c.insert(DB, list(3), item(1), Place::After(entry(9))), unknown(9));

    let again = NewDatabase { id: Some(DB), ..NewDatabase::named("x") };
    check_refused(|c| c.add_database(again), DuplicateDatabase(DB));
    let again = NewSong::new(track("x")).id(item(1));
    check_refused(|c| c.add_item(DB, again), DuplicateItem { database, item: item(1) });
    let again = NewPlaylist::named("x").id(list(3));
    check_refused(|c| c.add_container(DB, again), DuplicateContainer { database, container });
    let again = ContainerItem { id: entry(2), item: item(1) };
    let duplicate = DuplicateEntry { database, container, entry: entry(2) };
    check_refused(|c| c.append(DB, list(3), again), duplicate.clone());
    check_refused(|c| c.fill(DB, list(3), [again, again]), duplicate);

    let base = NewPlaylist::named("x").id(ContainerId::BASE);
    check_refused(|c| c.add_container(DB, base), BaseContainer(DB));
    check_refused(|c| c.remove_container(DB, ContainerId::BASE), BaseContainer(DB));
    check_refused(|c| c.append(DB, ContainerId::BASE, item(1)), BaseContainer(DB));

    let not_a_list = |number| NotAList { database, container: list(number) };
    check_refused(|c| c.append(DB, list(2), item(1)), not_a_list(2));
    check_refused(|c| c.fill(DB, list(4), [item(1)]), not_a_list(4));
    check_refused(|c| c.set_rules(DB, list(3), wings()), NotSmart { database, container });
}

#[test]
fn what_all_must_keep_to_is_kept_to() {
    let model = |error| CommitError::Model(error);
    let taken = database(&catalog()).items().find(item(1)).unwrap().persistent_id;
    let twin = NewSong::new(track("x")).persistent_id(taken);
    let expected = ApplyError::PersistentIdTaken { id: taken, held_by: 1, wanted_by: 4 };
    check_refused(|c| c.add_item(DB, twin), model(expected));

    let (container, parent) = (list(3), list(4));
    let not_a_folder = ApplyError::NotAFolder { container, parent };
    check_refused(|c| c.move_container(DB, container, Some(parent)), model(not_a_folder));
    let cycle = ApplyError::FolderCycle(list(2));
    check_refused(|c| c.move_container(DB, list(2), Some(list(2))), model(cycle));

    let code = *b"mood";
    let undefined = NewSong::new(track("x")).custom(code, "calm");
    let expected = ApplyError::CustomValue { item: item(4), code };
    check_refused(|c| c.add_item(DB, undefined), model(expected.clone()));
    let field = CustomField { code, name: "com.example.mood".into(), kind: CustomKind::UByte };
    let unfit = NewSong::new(track("x")).custom(code, 256_u32);
    let define = |c: &mut Changes| {
        c.define(field);
        c.add_item(DB, unfit);
    };
    check_refused(define, model(expected));
}

#[test]
fn changes_are_for_the_catalog_that_began_them() {
    let changes = catalog().changes();
    assert_eq!(catalog().commit(changes), Err(CommitError::OtherCatalog));
}

#[test]
fn when_every_id_was_given_nothing_can_be_added() {
    let last = |c: &mut Changes| c.add_item(DB, NewSong::new(track("x")).id(ItemId::HIGHEST));
    let catalog = catalog();
    commit(&catalog, last);
    let mut changes = catalog.changes();
    changes.add_item(DB, track("y"));
    assert_eq!(catalog.commit(changes), Err(CommitError::IdsExhausted));
}

#[test]
fn a_folder_that_goes_leaves_what_was_in_it_where_it_was() {
    let catalog = catalog();
    let mut inner = ContainerId::BASE;
    commit(&catalog, |changes| {
        inner = changes.add_container(DB, NewPlaylist::folder("Inner").inside(list(2)));
        changes.move_container(DB, list(3), Some(inner));
        changes.remove_container(DB, inner);
    });
    assert_eq!(container(&catalog, 3).parent, Some(list(2)));
    commit(&catalog, |changes| {
        changes.move_container(DB, list(4), Some(list(2)));
        changes.remove_container(DB, list(2));
    });
    assert_eq!((container(&catalog, 3).parent, container(&catalog, 4).parent), (None, None));
}

#[test]
fn databases_come_and_go_and_one_that_comes_back_is_empty() {
    let catalog = catalog();
    let mut other = DB;
    commit(&catalog, |changes| {
        other = changes.add_database("Jazz");
        changes.add_item(other, track("Take Five"));
        changes.rename_database(DB, "Pop");
    });
    let names: Vec<String> = catalog.snapshot().databases().map(|d| d.name.to_string()).collect();
    assert_eq!(names, ["Pop", "Jazz"]);
    commit(&catalog, |changes| {
        changes.remove_database(other);
        changes.remove_database(DB);
        let again = NewDatabase { id: Some(DB), ..NewDatabase::named("Again") };
        changes.add_database(again);
    });
    assert_eq!(database(&catalog).items().len(), 0);
    assert_eq!(catalog.snapshot().databases().len(), 1);
}

#[test]
fn changes_begun_on_an_older_revision_undo_nothing_of_the_newer() {
    let catalog = catalog();
    let mut late = catalog.changes();
    late.change_item(DB, item(1), |song: &mut Song| song.usage.play_count += 1);
    late.append(DB, list(3), item(1));
    commit(&catalog, |changes| {
        changes.change_item(DB, item(1), |song| {
            song.usage.play_count += 1;
            song.track.title = "Jet!".into();
        });
        changes.remove_entry(DB, list(3), entry(1));
    });
    catalog.commit(late).unwrap();
    let jet = database(&catalog).items().find(item(1)).unwrap().clone();
    assert_eq!((&*jet.track.title, jet.usage.play_count), ("Jet!", 2));
    assert_eq!(entries(&catalog, 3), [(2, 1), (3, 2), (4, 1)]);
}

#[test]
fn a_panic_in_a_closure_changes_nothing_and_the_catalog_goes_on() {
    let catalog = catalog();
    let before = catalog.snapshot();
    let mut changes = catalog.changes();
    changes.rename("Other");
    changes.change_item(DB, item(1), |song| {
        song.track.title = "half".into();
        panic!("a bug that a test has put here");
    });
    let shared = catalog.clone();
    assert!(std::thread::spawn(move || shared.commit(changes)).join().is_err());
    assert!(Arc::ptr_eq(&before, &catalog.snapshot()));
    assert!(commit(&catalog, |changes| changes.rename("Later")).is_some());
}

#[test]
fn a_closure_cannot_commit_and_wait_for_itself() {
    let catalog = catalog();
    let inner = catalog.clone();
    commit(&catalog, |changes| {
        changes.change_item(DB, item(1), move |song| {
            let nested = inner.commit(inner.changes());
            song.track.comment = nested.unwrap_err().to_string().into();
        });
    });
    let jet = database(&catalog).items().find(item(1)).unwrap().clone();
    assert_eq!(
        &*jet.track.comment,
        "changes cannot be committed while others are being carried out"
    );
    assert!(commit(&catalog, |changes| changes.rename("Later")).is_some());
}

#[test]
fn persistent_ids_are_the_same_when_the_program_is_started_again() {
    let ids = |catalog: &Catalog| -> Vec<PersistentId> {
        let database = database(catalog);
        let containers = database.containers().iter().map(|container| container.persistent_id);
        let items = database.items().iter().map(|item| item.persistent_id);
        [database.persistent_id].into_iter().chain(containers).chain(items).collect()
    };
    assert_eq!(ids(&catalog()), ids(&catalog()));
    let mut distinct = ids(&catalog());
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 7);
}

#[test]
fn a_catalog_begins_after_the_revision_it_is_told() {
    let first = |revision| {
        let catalog = Catalog::builder("Home").starting_at(Revision::new(revision)).build();
        catalog.snapshot().revision()
    };
    assert_eq!(first(0), Revision::FIRST.next());
    assert_eq!(first(700), Revision::new(701));
    assert_eq!(first(u32::MAX), Revision::HIGHEST_START.next());
}

#[test]
fn revisions_are_kept_up_to_a_bound_until_they_are_forgotten() {
    let catalog = Catalog::builder("Home").starting_at(Revision::FIRST).keep(3).build();
    let revision = Revision::new;
    assert_eq!(catalog.kept(), revision(3)..=revision(3));
    for number in 4..=7 {
        commit(&catalog, |changes| changes.add_item(DB, track(&number.to_string())));
    }
    assert_eq!(catalog.kept(), revision(5)..=revision(7));
    assert!(catalog.at(revision(4)).is_none() && catalog.at(revision(8)).is_none());
    let old = catalog.at(revision(5)).unwrap();
    assert_eq!((old.revision(), old.database(DB).unwrap().items().len()), (revision(5), 2));
    let is_told = |seen| {
        let known = database(&catalog).items_since(revision(seen));
        matches!(known, Delta::Known { .. })
    };
    assert!(is_told(3));
    catalog.forget(revision(6));
    assert_eq!(catalog.kept(), revision(6)..=revision(7));
    assert_eq!((is_told(5), is_told(6)), (false, true));
    catalog.forget(revision(99));
    assert_eq!(catalog.kept(), revision(7)..=revision(7));
    assert_eq!((is_told(6), is_told(7)), (false, true));
    assert_eq!(commit(&catalog, |changes| changes.rename("Later")), Some(revision(8)));
    assert!(is_told(7));
}
