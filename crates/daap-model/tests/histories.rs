//! Random histories of a library, and what must hold at every revision of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use daap_model::*;
use proptest::collection::vec;
use proptest::prelude::*;

const DB: DatabaseId = DatabaseId::LOWEST;

fn item_id(number: u32) -> ItemId {
    ItemId::new(number).expect("a row id")
}

fn container_id(number: u32) -> ContainerId {
    ContainerId::new(number).expect("a row id")
}

prop_compose! {
    fn track()(
        title in "[a-cÄ1( ]{0,3}",
        artist in prop::sample::select(vec!["", "Wings", "The Wings", "wings", "Ärzte", "10cc"]),
        album_artist in prop::sample::select(vec!["", "", "Wings", "Queen"]),
        album in prop::sample::select(vec!["", "Run", "run ", "Jazz", "東京", "A Day"]),
        sort_album in prop::sample::select(vec!["", "", "", "Zz"]),
        genre in prop::sample::select(vec!["", "Rock", "Pop"]),
        (compilation, has_artwork) in any::<(bool, bool)>(),
        (track, disc, year) in (0..4_u16, 0..3_u16, prop::sample::select(vec![0_u16, 1965, 1973, 2001])),
        release in prop::sample::select(vec![0_u128, 0, 0, 7, 8]),
    ) -> Track {
        Track {
            title: format!("{title}x").into(), artist: artist.into(), album_artist: album_artist.into(),
            album: album.into(), sort_album: sort_album.into(), genre: genre.into(),
            compilation, has_artwork, track, disc, year, duration_ms: 1000,
            musicbrainz_album: MusicBrainzId::new(release),
            ..Track::default()
        }
    }
}

prop_compose! {
    fn usage()(rating in 0..3_u8, play_count in 0..3_u32, added in 0..2000_u32) -> Usage {
        Usage { rating: rating * 20, play_count, added: Timestamp(added), ..Usage::default() }
    }
}

fn filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["", "Run", "run ", "Jazz", "Absent"])
            .prop_map(|name| Filter::Text(TextField::Album, TextTest::Equals(name.into()))),
        prop::sample::select(vec!["Wings", "10cc"])
            .prop_map(|name| Filter::Text(TextField::Artist, TextTest::Equals(name.into()))),
        prop::sample::select(vec!["", "Wings", "Various Artists", "Queen"])
            .prop_map(|name| Filter::Text(TextField::AlbumArtist, TextTest::Equals(name.into()))),
        "[a-c]"
            .prop_map(|text| Filter::Text(TextField::Name, TextTest::Contains(Folded::new(&text)))),
        (0..16_u64).prop_map(|id| Filter::Number(NumberField::Id, NumberTest::Equals(id))),
        (0..16_u64)
            .prop_map(|id| Filter::Number(NumberField::PersistentId, NumberTest::Equals(id))),
        (0..60_u64)
            .prop_map(|rating| Filter::Number(NumberField::Rating, NumberTest::AtLeast(rating))),
        (0..900_u32)
            .prop_map(|age| Filter::Number(NumberField::DateAdded, NumberTest::InTheLast(age))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Filter::And),
            vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

fn rules() -> impl Strategy<Value = SmartRules> {
    let amount = prop_oneof![
        (0..4_u32).prop_map(SmartAmount::Songs),
        (0..4_000_u64).prop_map(SmartAmount::Duration)
    ];
    let order = prop::sample::select(vec![
        SmartOrder::Random,
        SmartOrder::Album,
        SmartOrder::HighestRating,
        SmartOrder::LeastPlayed,
        SmartOrder::MostRecentlyAdded,
    ]);
    let limit =
        prop::option::of((amount, order).prop_map(|(amount, by)| SmartLimit { amount, by }));
    (filter(), limit).prop_map(|(filter, limit)| SmartRules { filter, limit })
}

fn content() -> impl Strategy<Value = ContainerContent> {
    let entries = vec(1..12_u32, 0..4).prop_map(|items| {
        let entry = |(at, item): (usize, &u32)| ContainerItem {
            id: ContainerItemId::new(at as u32 + 1).expect("a row id"),
            item: item_id(*item),
        };
        ContainerContent::Items(items.iter().enumerate().map(entry).collect())
    });
    prop_oneof![Just(ContainerContent::Folder), entries, rules().prop_map(ContainerContent::Smart)]
}

fn edit() -> impl Strategy<Value = Edit> {
    let put_item = (1..12_u32, track(), usage()).prop_map(|(id, track, usage)| {
        let item = NewItem {
            id: item_id(id),
            persistent_id: PersistentId::new(id.into()),
            track,
            usage,
            custom: Custom::NONE,
        };
        Edit::PutItem { database: DB, item }
    });
    let put_container = (2..7_u32, "[ab]{1,2}", prop::option::of(2..7_u32), content()).prop_map(
        |(id, name, parent, content)| {
            let container = NewContainer {
                id: container_id(id),
                persistent_id: PersistentId::new(id.into()),
                name: name.as_str().into(),
                parent: parent.map(container_id),
                editable: false,
                content,
            };
            Edit::PutContainer { database: DB, container }
        },
    );
    prop_oneof![
        6 => put_item,
        2 => (1..12_u32).prop_map(|id| Edit::RemoveItem { database: DB, item: item_id(id) }),
        1 => (1..12_u32).prop_map(|id| Edit::TouchItem { database: DB, item: item_id(id) }),
        3 => put_container,
        1 => (2..7_u32).prop_map(|id| Edit::RemoveContainer { database: DB, container: container_id(id) }),
        1 => "[xy]".prop_map(|name| Edit::PutDatabase {
            id: DB, persistent_id: PersistentId::new(1), name: name.as_str().into()
        }),
    ]
}

/// Batches, some of which are refused; each with the seconds that passed before it.
fn history() -> impl Strategy<Value = Vec<(Vec<Edit>, u32)>> {
    vec((vec(edit(), 0..5), 0..200_u32), 1..25)
}

fn model() -> Model {
    let mut model = Model::new("test");
    let put = Edit::PutDatabase { id: DB, persistent_id: PersistentId::new(1), name: "x".into() };
    model.apply(Batch::from_iter([put])).expect("a database can be put");
    model
}

fn database(model: &Model) -> Arc<Database> {
    Arc::clone(model.snapshot().database(DB).expect("it is never removed"))
}

/// What a client has of a container: its facts and its entries.
type Listed = (Text, Option<ContainerId>, usize, Vec<(ContainerItemId, ItemId)>);

/// A client that only ever asks for what changed.
struct Client {
    seen: Revision,
    items: BTreeMap<ItemId, Item>,
    containers: BTreeMap<ContainerId, Listed>,
}

fn listed(database: &Database, container: &Container) -> Listed {
    let rows = database.entries(container.id).expect("it is there").rows();
    let entries = rows.iter().map(|row| (row.entry, row.item.id)).collect();
    (container.name.clone(), container.parent, container.item_count, entries)
}

impl Client {
    fn new(model: &Model) -> Self {
        let mut client = Self {
            seen: model.snapshot().revision(),
            items: BTreeMap::new(),
            containers: BTreeMap::new(),
        };
        client.take_all(&database(model));
        client
    }

    fn take_all(&mut self, database: &Database) {
        self.items = database.items().iter().map(|item| (item.id, item.clone())).collect();
        self.containers =
            database.containers().iter().map(|c| (c.id, listed(database, c))).collect();
    }

    fn follow(&mut self, model: &Model) {
        let database = database(model);
        let Delta::Known { changed, gone } = database.items_since(self.seen) else {
            panic!("the log is long enough");
        };
        gone.iter().for_each(|id| assert!(self.items.remove(id).is_some() || self.seen.get() > 0));
        self.items.extend(changed.iter().map(|row| (row.item.id, row.item.clone())));
        let Delta::Known { changed, gone } = database.containers_since(self.seen) else {
            panic!("the log is long enough");
        };
        gone.iter().for_each(|id| {
            self.containers.remove(id);
        });
        self.containers.extend(changed.iter().map(|c| (c.id, listed(&database, c))));
        self.seen = model.snapshot().revision();
    }
}

/// A model that was never changed: everything put at once.
fn made_at_once(database: &Database, now: Timestamp) -> Model {
    let items = database.items().iter().map(|item| Edit::PutItem {
        database: DB,
        item: NewItem {
            id: item.id,
            persistent_id: item.persistent_id,
            track: item.track.clone(),
            usage: item.usage,
            custom: Custom::NONE,
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
            editable: false,
            content: match c.kind() {
                ContainerKind::Smart => {
                    ContainerContent::Smart(c.rules().expect("a smart one has rules").clone())
                }
                ContainerKind::Folder => ContainerContent::Folder,
                _ => ContainerContent::Items(
                    database
                        .entries(c.id)
                        .expect("it is there")
                        .rows()
                        .iter()
                        .map(|row| ContainerItem { id: row.entry, item: row.item.id })
                        .collect(),
                ),
            },
        },
    });
    let put = Edit::PutDatabase {
        id: DB,
        persistent_id: database.persistent_id,
        name: database.name.clone(),
    };
    let batch: Batch = std::iter::once(put).chain(items).chain(containers).collect();
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
        database.containers().iter().filter(wanted).map(|c| (c.id, listed(database, c))).collect()
    };
    assert_eq!(containers(a), containers(b));
}

proptest! {
    #[test]
    fn deltas_applied_in_turn_equal_the_full_listing(
        history in history(),
        every in 1..4_usize,
    ) {
        let mut model = model();
        let (mut eager, mut lazy) = (Client::new(&model), Client::new(&model));
        let mut now = 1000;
        for (at, (edits, passed)) in history.into_iter().enumerate() {
            now += passed;
            let before = model.snapshot();
            match model.apply(Batch::from_iter(edits).at(Timestamp(now))) {
                Ok(Some(revision)) => prop_assert_eq!(revision, before.revision().next()),
                Ok(None) | Err(_) => prop_assert!(Arc::ptr_eq(&before, &model.snapshot())),
            }
            eager.follow(&model);
            if at % every == 0 {
                lazy.follow(&model);
            }
        }
        lazy.follow(&model);
        for client in [&mut eager, &mut lazy] {
            let followed = (client.items.clone(), client.containers.clone());
            client.take_all(&database(&model));
            prop_assert_eq!(&followed.0, &client.items);
            prop_assert_eq!(&followed.1, &client.containers);
        }
    }
}

proptest! {
    // It builds a library for every step of every history.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_history_ends_where_putting_everything_at_once_does(history in history()) {
        let mut model = model();
        let mut now = 1000;
        for (edits, passed) in history {
            now += passed;
            let _ = model.apply(Batch::from_iter(edits).at(Timestamp(now)));
            let database = database(&model);
            // Playlists that look at the clock may lag by one step of it.
            check_same(&database, &self::database(&made_at_once(&database, Timestamp(now))), true);
        }
        let step = Timestamp(now + CLOCK_STEP_SECONDS);
        model.apply(Batch::new().at(step)).expect("nothing to refuse");
        let database = database(&model);
        check_same(&database, &self::database(&made_at_once(&database, step)), false);
    }
}

proptest! {
    #[test]
    fn a_query_by_index_finds_what_a_scan_finds(history in history(), filter in filter()) {
        let mut model = model();
        for (edits, _) in history {
            let _ = model.apply(Batch::from_iter(edits));
        }
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
        for (edits, _) in history {
            let _ = model.apply(Batch::from_iter(edits));
        }
        let database = database(&model);
        for container in database.containers() {
            let entries = || database.entries(container.id).expect("it is there");
            let all: Vec<_> = entries().rows().iter().map(|row| (row.entry, row.item.id)).collect();
            prop_assert_eq!(all.len(), container.item_count);
            let page = entries().page(Page::From(cut));
            prop_assert_eq!(page.total(), all.len());
            let mut cut_up = Vec::new();
            let mut cursor = Cursor::default();
            loop {
                let mut rows = page.iter_from(cursor);
                let before = cut_up.len();
                cut_up.extend(rows.by_ref().take(size).map(|row| (row.entry, row.item.id)));
                cursor = rows.cursor();
                if cut_up.len() == before {
                    break;
                }
            }
            prop_assert_eq!(&cut_up[..], &all[cut.min(all.len())..]);
        }
    }
}
