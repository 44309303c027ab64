//! Histories of servers, followed: whatever happens to them and to the way there, the copy ends equal.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use daap_model::*;
use daap_proto::read::{Entry, ListReader, Part};
use daap_proto::{ClientClass, Endpoint, Step, reply};
use dmap::Encoder;
use dmap::code::*;
use proptest::collection::vec;
use proptest::prelude::*;

use super::replica::{End, Lists, Replica};

/// Nothing here waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a script never waits"),
    }
}

/// Reads a list from its bytes, of which no more than `left` come through.
fn read_list<E: Entry>(bytes: &[u8], left: &Cell<usize>, mut take: impl FnMut(E)) -> Option<End> {
    let come = bytes.len().min(left.get());
    left.set(left.get() - come);
    let (mut reader, mut gone) = (ListReader::new(), Vec::new());
    for chunk in bytes[..come].chunks(7) {
        reader.push(chunk);
        while let Some(part) = reader.next_part().expect("a list") {
            match part {
                Part::Entry(tag) => E::read(tag).into_iter().for_each(&mut take),
                Part::Gone(id) => gone.push(id),
            }
        }
    }
    let head = if come == bytes.len() { reader.end().ok()? } else { return None };
    Some(End { is_update: head.is_update, gone })
}

/// A server that answers as ours does, from one snapshot after the other, over a line that breaks.
struct Served<'a> {
    snapshots: &'a [std::sync::Arc<Snapshot>],
    asked: Cell<usize>,
    left: Cell<usize>,
}

impl Lists for Served<'_> {
    type Error = bool;

    async fn list<E: Entry + Send>(
        &self,
        endpoint: Endpoint,
        take: impl FnMut(E) + Send,
    ) -> Result<End, bool> {
        // The library moves on while it is read.
        let at = self.asked.replace(self.asked.get() + 1).min(self.snapshots.len() - 1);
        let (snapshot, client) = (&self.snapshots[at], ClientClass::default());
        let reply = match endpoint {
            Endpoint::Databases(step) => reply::databases(snapshot, &step, client),
            Endpoint::Items { database, listing } => {
                reply::items(snapshot, database, &listing, client)
            }
            Endpoint::Containers { database, listing } => {
                reply::containers(snapshot, database, &listing, client)
            }
            Endpoint::ContainerItems { database, container, listing } => {
                reply::container_items(snapshot, database, container, &listing, client)
            }
            other => panic!("{other:?} is no list that a mirror needs"),
        };
        let reply = reply.map_err(|_| true)?;
        let bytes: Vec<u8> = reply.flatten().collect();
        read_list(&bytes, &self.left, take).ok_or(false)
    }

    fn is_missing(error: &bool) -> bool {
        *error
    }
}

/// All that a mirror is to have of a library.
fn facts(snapshot: &Snapshot) -> Vec<String> {
    let mut facts = vec![format!("share {}", snapshot.name())];
    for database in snapshot.databases() {
        facts.push(format!("{} {} {}", database.id, database.persistent_id, database.name));
        facts.extend(database.items().iter().map(|item| {
            format!("{} {} {:?} {:?}", item.id, item.persistent_id, item.track, item.usage)
        }));
        let lists = database.containers().iter().filter(|list| list.id != ContainerId::BASE);
        facts.extend(lists.map(|list| {
            let is_folder = list.kind() == ContainerKind::Folder;
            let entries = database.entries(list.id).expect("it is listed").rows();
            let entries: Vec<_> = entries.iter().map(|row| (row.entry, row.item.id)).collect();
            let Container { id, persistent_id, name, parent, .. } = &**list;
            format!("{id} {persistent_id} {name} {parent:?} {is_folder} {entries:?}")
        }));
    }
    facts
}

fn database_id(number: u32) -> DatabaseId {
    DatabaseId::new(number).expect("a row id")
}

fn container_id(number: u32) -> ContainerId {
    ContainerId::new(number).expect("a row id")
}

fn any_song() -> impl Strategy<Value = NewItem> {
    let facts = ("[a-c]{1,2}", 0..2_u16, 0..2_u8, 0..2_u32);
    (1..10_u32, 1..12_u64, facts).prop_map(|(id, persistent_id, (title, year, rating, plays))| {
        NewItem {
            id: ItemId::new(id).expect("a row id"),
            persistent_id: PersistentId::new(persistent_id),
            track: Track { title: title.as_str().into(), year, size: 7, ..Track::default() },
            usage: Usage { rating, play_count: plays, ..Usage::default() },
            custom: Custom::NONE,
        }
    })
}

fn any_playlist() -> impl Strategy<Value = NewContainer> {
    let entry = (1..9_u32, 1..10_u32).prop_map(|(id, item)| ContainerItem {
        id: ContainerItemId::new(id).expect("a row id"),
        item: ItemId::new(item).expect("a row id"),
    });
    let rules = SmartRules {
        filter: Filter::Text(TextField::Name, TextTest::Contains(Folded::new("a"))),
        limit: None,
    };
    let content = prop_oneof![
        2 => Just(ContainerContent::Folder),
        3 => vec(entry, 0..5).prop_map(ContainerContent::Items),
        1 => Just(ContainerContent::Smart(rules)),
    ];
    let parent = prop::option::of((2..7_u32).prop_map(container_id));
    (2..7_u32, 1..9_u64, "[a-c]", parent, content).prop_map(
        |(id, persistent_id, name, parent, content)| NewContainer {
            id: container_id(id),
            persistent_id: PersistentId::new(persistent_id),
            name: name.as_str().into(),
            parent,
            editable: false,
            content,
        },
    )
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let database = || prop_oneof![4 => Just(1_u32), 1 => Just(2)].prop_map(database_id);
    let item = || (1..10_u32).prop_map(|id| ItemId::new(id).expect("a row id"));
    prop_oneof![
        9 => (database(), any_song()).prop_map(|(database, item)| Edit::PutItem { database, item }),
        3 => (database(), item()).prop_map(|(database, item)| Edit::RemoveItem { database, item }),
        6 => (database(), any_playlist())
            .prop_map(|(database, container)| Edit::PutContainer { database, container }),
        2 => (database(), 2..7_u32).prop_map(|(database, id)| {
            Edit::RemoveContainer { database, container: container_id(id) }
        }),
        2 => (database(), 1..4_u64, "[a-c]").prop_map(|(id, persistent_id, name)| {
            let persistent_id = PersistentId::new(persistent_id);
            Edit::PutDatabase { id, persistent_id, name: name.as_str().into() }
        }),
        1 => database().prop_map(Edit::RemoveDatabase),
        1 => "[a-c]".prop_map(|name| Edit::Rename(name.as_str().into())),
    ]
}

#[derive(Clone, Debug)]
enum Happening {
    /// The server changes.
    Change(Vec<Edit>),
    /// It is read while it changes on, over a line that may break.
    Read { meanwhile: Vec<Edit>, breaks: Option<usize> },
    /// It starts again, with nothing of what it had, at this revision.
    Restart(u32),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let breaks = prop_oneof![2 => Just(None), 1 => (0..3000_usize).prop_map(Some)];
    prop_oneof![
        4 => vec(any_edit(), 1..8).prop_map(Happening::Change),
        4 => (vec(any_edit(), 0..4), breaks)
            .prop_map(|(meanwhile, breaks)| Happening::Read { meanwhile, breaks }),
        1 => (2..20_u32).prop_map(Happening::Restart),
    ]
}

/// A server, and one who follows it.
struct World {
    server: Model,
    replica: Replica,
    seen: Option<Revision>,
}

impl World {
    fn new() -> Self {
        Self { server: server(2), replica: Replica::new(""), seen: None }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Change(edits) => edits.into_iter().for_each(|edit| self.change(edit)),
            Happening::Restart(revision) => {
                self.server = server(revision);
                self.seen = None;
            }
            Happening::Read { meanwhile, breaks } => self.read(meanwhile, breaks),
        }
    }

    /// A server takes what is possible.
    fn change(&mut self, edit: Edit) {
        let _ = self.server.apply(Batch::from_iter([edit]));
    }

    fn read(&mut self, meanwhile: Vec<Edit>, breaks: Option<usize>) {
        let mut snapshots = vec![self.server.snapshot()];
        for edit in meanwhile {
            self.change(edit);
            snapshots.push(self.server.snapshot());
        }
        let revision = snapshots[0].revision();
        let left = Cell::new(breaks.unwrap_or(usize::MAX));
        let served = Served { snapshots: &snapshots, asked: Cell::new(0), left };
        let step = Step { revision: Some(revision), delta: self.seen };
        self.replica.rename(snapshots[0].name());
        self.seen = now(self.replica.read(&served, step)).is_ok().then_some(revision);
    }
}

fn server(revision: u32) -> Model {
    let mut model = Model::starting_at("share", Revision::new(revision));
    let (id, persistent_id) = (DatabaseId::LOWEST, PersistentId::new(1));
    let put = Edit::PutDatabase { id, persistent_id, name: "music".into() };
    model.apply(Batch::from_iter([put])).expect("it is the first");
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_happened_the_copy_is_equal_in_the_end(happenings in vec(any_happening(), 0..24)) {
        let mut world = World::new();
        happenings.into_iter().for_each(|happening| world.happen(happening));
        // The line holds now. What was read while it changed is read again where it dangled.
        world.read(Vec::new(), None);
        prop_assert_eq!(facts(&world.replica.snapshot()), facts(&world.server.snapshot()));
    }
}

/// A server that says what it likes.
#[derive(Clone, Debug)]
struct Odd {
    is_update: bool,
    databases: Vec<Vec<(Code, u32)>>,
    songs: Vec<Vec<(Code, u32)>>,
    containers: Vec<Vec<(Code, u32)>>,
    entries: Vec<Vec<(Code, u32)>>,
    gone: Vec<u32>,
}

impl Odd {
    fn list(&self, root: Code, rows: &[Vec<(Code, u32)>]) -> Vec<u8> {
        let mut out = Encoder::new(Vec::new());
        out.container(root, |out| {
            out.u8(MUTY, self.is_update.into());
            out.container(MLCL, |out| {
                for row in rows {
                    out.container(MLIT, |out| {
                        row.iter().for_each(|(code, value)| write(out, *code, *value))
                    });
                }
            });
            out.container(MUDL, |out| self.gone.iter().for_each(|id| out.u32(MIID, *id)));
        });
        out.finish().expect("it is short")
    }
}

fn write(out: &mut Encoder<Vec<u8>>, code: Code, value: u32) {
    match code {
        MINM => out.string(code, &value.to_string()),
        MPER => out.u64(code, value.into()),
        _ => out.u32(code, value),
    }
}

impl Lists for Odd {
    type Error = ();

    async fn list<E: Entry + Send>(
        &self,
        endpoint: Endpoint,
        take: impl FnMut(E) + Send,
    ) -> Result<End, ()> {
        let bytes = match endpoint {
            Endpoint::Databases(_) => {
                Odd { is_update: false, ..self.clone() }.list(AVDB, &self.databases)
            }
            Endpoint::Items { .. } => self.list(ADBS, &self.songs),
            Endpoint::Containers { .. } => self.list(APLY, &self.containers),
            _ => self.list(APSO, &self.entries),
        };
        read_list(&bytes, &Cell::new(usize::MAX), take).ok_or(())
    }

    fn is_missing(_: &()) -> bool {
        false
    }
}

fn any_odd() -> impl Strategy<Value = Odd> {
    fn rows(codes: &'static [Code]) -> impl Strategy<Value = Vec<Vec<(Code, u32)>>> {
        let value = (prop::sample::select(codes), 0..6_u32);
        vec(vec(value, 0..5), 0..8)
    }
    (
        any::<bool>(),
        rows(&[MIID, MIID, MPER, MINM]),
        rows(&[MIID, MIID, MPER, MINM]),
        rows(&[MIID, MIID, MPER, MINM, MPCO, ABPL, FXCH]),
        rows(&[MIID, MIID, MCTI]),
        vec(0..6_u32, 0..3),
    )
        .prop_map(|(is_update, databases, songs, containers, entries, gone)| Odd {
            is_update,
            databases,
            songs,
            containers,
            entries,
            gone,
        })
}

/// The ids of a list's entries, each once.
fn ids(rows: &[Vec<(Code, u32)>]) -> BTreeMap<u32, bool> {
    let id = |row: &Vec<(Code, u32)>| row.iter().find(|(code, _)| *code == MIID).map(|(_, id)| *id);
    let is_base = |row: &Vec<(Code, u32)>| {
        row.iter().rev().find(|(code, _)| *code == ABPL).is_some_and(|(_, flag)| *flag != 0)
    };
    rows.iter().filter_map(|row| Some((id(row).filter(|id| *id != 0)?, is_base(row)))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_a_server_says_the_copy_holds_what_can_be_held(odds in vec(any_odd(), 1..4)) {
        let mut replica = Replica::new("");
        for odd in odds {
            now(replica.read(&odd, Step::default())).expect("the line holds");
            let snapshot = replica.snapshot();
            let databases = snapshot.databases().map(|database| database.id.get());
            prop_assert_eq!(databases.collect::<Vec<_>>(), ids(&odd.databases).into_keys().collect::<Vec<_>>());
            for database in snapshot.databases() {
                let songs = ids(&odd.songs);
                let has = |id: &u32| ItemId::new(*id).is_some_and(|id| database.items().find(id).is_some());
                prop_assert!(songs.keys().all(has), "{songs:?}");
                prop_assert!(odd.is_update || database.items().len() == songs.len());
                let containers = ids(&odd.containers).into_values().filter(|is_base| !is_base).count();
                prop_assert!(odd.is_update || database.containers().len() == containers + 1);
            }
        }
    }
}
