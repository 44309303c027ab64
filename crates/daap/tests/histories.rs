//! Whoever follows `/update` and the deltas ends with what the catalog holds, whatever happened to it meanwhile.

use std::collections::BTreeMap;

use daap::{
    Catalog, Changes, ContainerId, DatabaseId, ItemId, NewPlaylist, NewSong, Peer, Server, Service,
    Track,
};
use dmap::code::*;
use dmap::{Code, Element};
use http_body_util::BodyExt;
use proptest::collection::vec;
use proptest::prelude::*;
use tower_service::Service as _;

/// Something that happens. Numbers choose among what is there.
#[derive(Clone, Debug)]
enum Step {
    AddSong(u8),
    RetitleSong(u8, u8),
    RemoveSong(u8, u8),
    AddPlaylist(u8, u8),
    AddFolder(u8),
    FillPlaylist(u8, u8, u8),
    RenameContainer(u8, u8),
    RemoveContainer(u8, u8),
    AddDatabase,
    RenameDatabase(u8),
    RemoveDatabase(u8),
    /// The history is forgotten, as it is past its bounds.
    Forget,
    /// One of the clients looks again.
    Look(u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    let n = any::<u8>;
    prop_oneof![
        6 => n().prop_map(Step::AddSong),
        3 => (n(), n()).prop_map(|(a, b)| Step::RetitleSong(a, b)),
        2 => (n(), n()).prop_map(|(a, b)| Step::RemoveSong(a, b)),
        2 => (n(), n()).prop_map(|(a, b)| Step::AddPlaylist(a, b)),
        1 => n().prop_map(Step::AddFolder),
        3 => (n(), n(), n()).prop_map(|(a, b, c)| Step::FillPlaylist(a, b, c)),
        1 => (n(), n()).prop_map(|(a, b)| Step::RenameContainer(a, b)),
        1 => (n(), n()).prop_map(|(a, b)| Step::RemoveContainer(a, b)),
        1 => Just(Step::AddDatabase),
        1 => n().prop_map(Step::RenameDatabase),
        1 => n().prop_map(Step::RemoveDatabase),
        1 => Just(Step::Forget),
        6 => n().prop_map(Step::Look),
    ]
}

/// Carries a step out, if there is something it can be done to.
fn carry_out(catalog: &Catalog, step: &Step, number: usize) {
    let mut changes = catalog.changes();
    if let Some(()) = plan(catalog, &mut changes, step, number) {
        catalog.commit(changes).expect("it is only done to what is there");
    }
}

fn plan(catalog: &Catalog, changes: &mut Changes, step: &Step, number: usize) -> Option<()> {
    let snapshot = catalog.snapshot();
    let database = |n: u8| pick(snapshot.databases().map(|database| database.id), n);
    let song =
        |of: DatabaseId, n: u8| pick(snapshot.database(of)?.items().iter().map(|item| item.id), n);
    let container = |of: DatabaseId, n: u8| {
        let others = snapshot.database(of)?.containers().iter().map(|container| container.id);
        pick(others.filter(|id| *id != ContainerId::BASE), n)
    };
    match *step {
        Step::AddSong(d) => {
            changes.add_item(database(d)?, NewSong::new(titled(number)));
        }
        Step::RetitleSong(d, n) => {
            let title = titled(number).title;
            changes.change_item(database(d)?, song(database(d)?, n)?, move |song| {
                song.track.title = title
            });
        }
        Step::RemoveSong(d, n) => changes.remove_item(database(d)?, song(database(d)?, n)?),
        Step::AddPlaylist(d, n) => {
            let songs: Vec<ItemId> =
                [n, n / 2, n].iter().filter_map(|n| song(database(d)?, *n)).collect();
            changes.add_container(
                database(d)?,
                NewPlaylist::named(format!("List {number}")).songs(songs),
            );
        }
        Step::AddFolder(d) => {
            let folder = changes
                .add_container(database(d)?, NewPlaylist::folder(format!("Folder {number}")));
            changes.add_container(database(d)?, NewPlaylist::named("Inside").inside(folder));
        }
        Step::FillPlaylist(d, c, n) => {
            let list = container(database(d)?, c)?;
            let entries = snapshot.database(database(d)?)?.container(list)?.kind();
            (entries == daap::ContainerKind::Playlist).then_some(())?;
            let songs: Vec<ItemId> =
                [n, n / 3, n / 5].iter().filter_map(|n| song(database(d)?, *n)).collect();
            changes.fill(database(d)?, list, songs);
        }
        Step::RenameContainer(d, c) => {
            changes.rename_container(
                database(d)?,
                container(database(d)?, c)?,
                format!("Renamed {number}"),
            );
        }
        Step::RemoveContainer(d, c) => {
            changes.remove_container(database(d)?, container(database(d)?, c)?)
        }
        Step::AddDatabase => {
            (snapshot.databases().len() < 4).then_some(())?;
            changes.add_database(&*format!("Database {number}"));
        }
        Step::RenameDatabase(d) => {
            changes.rename_database(database(d)?, format!("Database {number}, renamed"))
        }
        Step::RemoveDatabase(d) => changes.remove_database(database(d)?),
        Step::Forget => catalog.forget(snapshot.revision()),
        Step::Look(_) => {}
    }
    Some(())
}

fn pick<T>(all: impl Iterator<Item = T>, n: u8) -> Option<T> {
    let all: Vec<T> = all.collect();
    let place = usize::from(n).checked_rem(all.len())?;
    all.into_iter().nth(place)
}

fn titled(number: usize) -> Track {
    Track { title: format!("Song {number}").into(), ..Track::default() }
}

/// Rows by their ids, each as its tags.
type Rows = BTreeMap<u64, Vec<(Code, String)>>;

/// What a client has of a database.
#[derive(Clone, Debug, Default, PartialEq)]
struct Held {
    items: Rows,
    containers: Rows,
    entries: BTreeMap<u64, Vec<(Code, String)>>,
}

/// A client that asks for what changed since it looked last.
struct Client {
    share: Service,
    session: u64,
    /// The revision it has; 0 before it has any.
    seen: u64,
    databases: Rows,
    held: BTreeMap<u64, Held>,
}

impl Client {
    async fn log_in(share: &Service) -> Self {
        let mut client = Self {
            share: share.clone(),
            session: 0,
            seen: 0,
            databases: Rows::new(),
            held: BTreeMap::new(),
        };
        let login = client.ask("/login?").await;
        client.session = login.child(MLID).and_then(Element::uint).expect("a session");
        client
    }

    async fn ask(&mut self, target: &str) -> Element {
        let target = format!("{target}&session-id={}", self.session);
        let request = http::Request::get(target).header("User-Agent", "iTunes/12.9 (Windows; N)");
        let mut request =
            request.header("Client-DAAP-Version", "3.13").body(()).expect("a request");
        let address = "127.0.0.1:3689".parse().expect("an address");
        request.extensions_mut().insert(Peer::new(address, address));
        let answer = self.share.call(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        Element::decode(&body).expect("DMAP")
    }

    /// Does what iTunes does when it is told of a revision.
    async fn look(&mut self) {
        let update = self.ask("/update?revision-number=1").await;
        let now = update.child(MUSR).and_then(Element::uint).expect("a revision");
        let step = format!("revision-number={now}&delta={}", self.seen);
        let list = self.ask(&format!("/databases?{step}")).await;
        merge(&mut self.databases, &list);
        let there: Vec<u64> = self.databases.keys().copied().collect();
        self.held.retain(|id, _| there.contains(id));
        for database in there {
            self.look_at(database, &step).await;
        }
        self.seen = now;
    }

    async fn look_at(&mut self, database: u64, step: &str) {
        let mut held = self.held.remove(&database).unwrap_or_default();
        let path = format!("/databases/{database}");
        merge(
            &mut held.items,
            &self.ask(&format!("{path}/items?meta=dmap.itemid,dmap.itemname&{step}")).await,
        );
        let changed =
            merge(&mut held.containers, &self.ask(&format!("{path}/containers?{step}")).await);
        held.entries.retain(|id, _| held.containers.contains_key(id));
        for container in changed {
            let list = self
                .ask(&format!("{path}/containers/{container}/items?meta=dmap.containeritemid"))
                .await;
            held.entries
                .insert(container, rows(&list).into_iter().flat_map(|(_, row)| row).collect());
        }
        self.held.insert(database, held);
    }
}

/// Takes a list over: whole, or what changed and went. Returns the ids that it lists.
fn merge(rows_held: &mut Rows, list: &Element) -> Vec<u64> {
    if list.child(MUTY).and_then(Element::uint) != Some(1) {
        rows_held.clear();
    }
    let gone = list.child(MUDL).map(Element::children).unwrap_or_default();
    for id in gone.iter().filter_map(Element::uint) {
        rows_held.remove(&id);
    }
    let listed = rows(list);
    let ids = listed.iter().map(|(id, _)| *id).collect();
    rows_held.extend(listed);
    ids
}

fn rows(list: &Element) -> Vec<(u64, Vec<(Code, String)>)> {
    let row = |row: &Element| {
        let id = row.child(MIID).and_then(Element::uint).expect("every row has an id");
        (id, row.children().iter().map(|tag| (tag.code, format!("{:?}", tag.value))).collect())
    };
    list.child(MLCL).map(Element::children).unwrap_or_default().iter().map(row).collect()
}

async fn check(steps: Vec<Step>) {
    let catalog = Catalog::new("Histories");
    let share = Server::builder(catalog.clone()).service();
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(Client::log_in(&share).await);
    }
    for (number, step) in steps.iter().enumerate() {
        carry_out(&catalog, step, number);
        if let Step::Look(who) = step {
            clients[usize::from(*who) % 3].look().await;
        }
    }
    let mut newcomer = Client::log_in(&share).await;
    newcomer.look().await;
    for client in &mut clients {
        client.look().await;
        assert_eq!(client.databases, newcomer.databases);
        assert_eq!(client.held, newcomer.held);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn clients_at_any_revision_end_with_what_the_catalog_holds(steps in vec(any_step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(check(steps));
    }
}
