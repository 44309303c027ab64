//! At every revision, what is listed is what a library that was never changed would list.

use std::sync::Arc;

use daap_model::*;
use proptest::prelude::*;

use crate::edits::{self, filter};
use crate::{DB, carry_out, database, entries, history, model};

/// A model that was never changed: everything put at once.
fn made_at_once(snapshot: &Snapshot, now: Timestamp) -> Model {
    let database = snapshot.database(DB).expect("it is never removed");
    let items = database.items().iter().map(|item| Edit::PutItem {
        database: DB,
        item: NewItem {
            id: item.id,
            persistent_id: item.persistent_id,
            track: item.track.clone(),
            usage: item.usage,
            custom: item.custom.clone(),
        },
    });
    let others = database.containers().iter().filter(|c| c.kind() != ContainerKind::Base);
    let containers = others.map(|c| Edit::PutContainer {
        database: DB,
        container: NewContainer {
            id: c.id,
            persistent_id: c.persistent_id,
            name: c.name.clone(),
            parent: c.parent,
            editable: c.editable,
            content: match c.kind() {
                ContainerKind::Smart => {
                    ContainerContent::Smart(c.rules().expect("a smart one has rules").clone())
                }
                ContainerKind::Folder => ContainerContent::Folder,
                _ => ContainerContent::Items(entries(database, c.id)),
            },
        },
    });
    let define = snapshot.custom_fields().iter().cloned().map(Edit::Define);
    let put = [edits::put_database(DB, &database.name)];
    let batch: Batch = define.chain(put).chain(items).chain(containers).collect();
    let mut model = Model::new("test");
    model.apply(batch.at(now)).expect("what is there can be put");
    model
}

fn ids(rows: &Rows) -> Vec<ItemId> {
    rows.iter().map(|row| row.item.id).collect()
}

fn check_same(a: &Database, b: &Database, clock_moves: bool) {
    for sort in Sort::ALL {
        let sorted = |database: &Database| ids(&database.items().all().sorted(sort).rows());
        assert_eq!(sorted(a), sorted(b), "{sort:?}");
    }
    for browse in Browse::ALL {
        assert_eq!(a.browse(browse, None), b.browse(browse, None), "{browse:?}");
    }
    for kind in [GroupKind::Albums, GroupKind::Artists] {
        for sort in [GroupSort::Name, GroupSort::Artist] {
            assert_eq!(a.groups(kind, None, sort), b.groups(kind, None, sort), "{kind:?} {sort:?}");
        }
    }
    let containers = |database: &Database| -> Vec<_> {
        let wanted = |c: &&Arc<Container>| {
            !clock_moves || !c.rules().is_some_and(|rules| rules.filter.needs_clock())
        };
        let listed = |c: &Arc<Container>| {
            (c.id, c.name.clone(), c.parent, c.editable, c.item_count, entries(database, c.id))
        };
        database.containers().iter().filter(wanted).map(listed).collect()
    };
    assert_eq!(containers(a), containers(b));
}

proptest! {
    // It builds a library for every step of every history.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_history_ends_where_putting_everything_at_once_does(history in history()) {
        let mut model = model();
        let anew = |model: &Model, now| database(&made_at_once(&model.snapshot(), now));
        let mut now = Timestamp(0);
        for step in history {
            carry_out(&mut model, &step);
            now = step.now;
            // Playlists that look at the clock may lag by one step of it.
            check_same(&database(&model), &anew(&model, now), true);
        }
        now.0 += CLOCK_STEP_SECONDS;
        model.apply(Batch::new().at(now)).expect("nothing to refuse");
        check_same(&database(&model), &anew(&model, now), false);
    }
}

proptest! {
    #[test]
    fn a_query_by_index_finds_what_a_scan_finds(history in history(), filter in filter()) {
        let mut model = model();
        history.iter().for_each(|step| carry_out(&mut model, step));
        let database = database(&model);
        let items = database.items();
        let some = items.iter().next();
        let by_group = |field, id: Option<PersistentId>| {
            Filter::Number(field, NumberTest::Equals(id.map_or(0, PersistentId::get)))
        };
        let album = by_group(NumberField::AlbumId, some.map(|item| item.album_id));
        let artist = by_group(NumberField::ArtistId, some.map(|item| item.artist_id));
        for filter in [
            filter.clone(),
            Filter::And(vec![album.clone(), filter.clone()]),
            Filter::Or(vec![album, artist.clone()]),
            Filter::And(vec![filter, artist]),
        ] {
            let scanned: Vec<ItemId> =
                items.iter().filter(|item| filter.matches_item(item)).map(|item| item.id).collect();
            prop_assert_eq!(&ids(&items.matching(&filter).rows()), &scanned);
            for sort in Sort::ALL {
                let mut sorted = ids(&items.all().sorted(sort).rows());
                sorted.retain(|id| scanned.contains(id));
                prop_assert_eq!(&ids(&items.matching(&filter).sorted(sort).rows()), &sorted);
            }
        }
    }

    #[test]
    fn pages_and_cursors_cut_a_listing_without_loss(
        history in history(), cut in 0..12_usize, size in 1..5_usize,
    ) {
        let mut model = model();
        history.iter().for_each(|step| carry_out(&mut model, step));
        let database = database(&model);
        for container in database.containers() {
            let all = entries(&database, container.id);
            prop_assert_eq!(all.len(), container.item_count);
            let page = database.entries(container.id).expect("it is there").page(Page::From(cut));
            prop_assert_eq!(page.total(), all.len());
            let mut cut_up = Vec::new();
            let mut cursor = Cursor::default();
            loop {
                let mut rows = page.iter_from(cursor);
                let before = cut_up.len();
                let some = rows.by_ref().take(size);
                cut_up.extend(some.map(|row| ContainerItem { id: row.entry, item: row.item.id }));
                cursor = rows.cursor();
                if cut_up.len() == before {
                    break;
                }
            }
            prop_assert_eq!(&cut_up[..], &all[cut.min(all.len())..]);
        }
    }
}
