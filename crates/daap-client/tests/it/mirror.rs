//! A mirror of servers that change, start again, go away, and behave as they should not.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use daap_client::{Client, ClientError, Link, Mirror, READ_EVERY};
use daap_model::{Snapshot, Track};
use daap_server::{Handle, Server};
use futures_util::StreamExt;
use library::{Catalog, NewPlaylist, NewSong};
use testkit::daap::{self, ITEMS};
use testkit::server::{Asked, Reply};

use crate::common::database;

const ANY_PORT: &str = "127.0.0.1:0";
/// Nothing here takes as long as this, unless something is wrong.
const LONG: Duration = Duration::from_secs(30);

/// Serves a catalog at an address.
async fn serve(catalog: &Catalog, address: &str) -> (SocketAddr, Handle) {
    let server = Server::builder(catalog.clone());
    let server = server.bind(&[address.parse().unwrap()]).await.unwrap();
    let (address, handle) = (server.addresses()[0], server.handle());
    tokio::spawn(server.run(std::future::pending()));
    (address, handle)
}

fn mirror(address: SocketAddr) -> Mirror {
    Mirror::start(Client::builder(), format!("daap://{address}/").parse().unwrap())
}

fn song(title: &str) -> NewSong {
    NewSong::new(Track { title: title.into(), ..Track::default() })
}

fn add(catalog: &Catalog, title: &str) {
    let mut changes = catalog.changes();
    changes.add_item(Catalog::MAIN, song(title));
    catalog.commit(changes).unwrap();
}

fn titles(snapshot: &Snapshot) -> Vec<String> {
    let songs = snapshot.databases().flat_map(|database| database.items().iter());
    songs.map(|item| item.track.title.to_string()).collect()
}

/// Waits until the mirror holds just these songs.
async fn holds(mirror: &Mirror, expected: &[&str]) {
    let mut snapshots = mirror.watch();
    let is = snapshots.wait_for(|snapshot| titles(snapshot) == expected);
    let in_time = tokio::time::timeout(LONG, is).await.is_ok();
    assert!(in_time, "{expected:?} is not {:?}", titles(&mirror.snapshot()));
}

/// Waits until the link is lost, and tells why.
async fn lost(mirror: &Mirror) -> ClientError {
    let mut link = mirror.link();
    let link = tokio::time::timeout(LONG, link.wait_for(|link| matches!(link, Link::Lost { .. })));
    let Link::Lost { why, .. } = link.await.unwrap().unwrap().clone() else { unreachable!() };
    why
}

#[tokio::test]
async fn what_a_server_changes_the_mirror_has_under_the_same_ids() {
    let catalog = Catalog::new("Living room");
    add(&catalog, "Jet");
    let (address, _server) = serve(&catalog, ANY_PORT).await;
    let mirror = mirror(address);
    holds(&mirror, &["Jet"]).await;
    assert_eq!(&**mirror.snapshot().name(), "Living room");

    let mut changes = catalog.changes();
    let blackbird = changes.add_item(Catalog::MAIN, song("Blackbird"));
    let folder = changes.add_container(Catalog::MAIN, NewPlaylist::folder("Quiet"));
    let list = NewPlaylist::named("Birds").songs([blackbird]).inside(folder);
    let list = changes.add_container(Catalog::MAIN, list);
    catalog.commit(changes).unwrap();
    holds(&mirror, &["Jet", "Blackbird"]).await;
    let snapshot = mirror.snapshot();
    let mirrored = snapshot.database(database()).unwrap();
    assert_eq!(mirrored.items().find(blackbird).unwrap().track.title.as_str(), "Blackbird");
    let container = mirrored.container(list).unwrap();
    assert_eq!((container.name.as_str(), container.parent), ("Birds", Some(folder)));
    assert_eq!(container.playlist()[0].item, blackbird);

    let mut changes = catalog.changes();
    changes.remove_item(Catalog::MAIN, blackbird);
    catalog.commit(changes).unwrap();
    holds(&mirror, &["Jet"]).await;
}

#[tokio::test]
async fn who_reads_changes_slowly_misses_none() {
    let catalog = Catalog::new("Living room");
    let (address, _server) = serve(&catalog, ANY_PORT).await;
    let mirror = mirror(address);
    let mut changes = Box::pin(mirror.changes());
    for title in ["Jet", "Blackbird", "Mamunia"] {
        add(&catalog, title);
    }
    holds(&mirror, &["Jet", "Blackbird", "Mamunia"]).await;
    let diff = changes.next().await.unwrap();
    assert_eq!(titles(&diff.after).len(), 3);
    add(&catalog, "Bluebird");
    let diff = changes.next().await.unwrap();
    let added = &diff.databases.changed[0].items.added;
    assert_eq!((added.len(), added[0].track.title.as_str()), (1, "Bluebird"));
}

#[tokio::test]
async fn a_server_that_starts_again_with_other_songs_is_read_anew() {
    let catalog = Catalog::new("Living room");
    add(&catalog, "Jet");
    let (address, server) = serve(&catalog, ANY_PORT).await;
    let mirror = mirror(address);
    holds(&mirror, &["Jet"]).await;
    server.stop();
    lost(&mirror).await;
    assert_eq!(titles(&mirror.snapshot()), ["Jet"]);

    let catalog = Catalog::new("Kitchen");
    add(&catalog, "Blackbird");
    let _server = serve(&catalog, &address.to_string()).await;
    holds(&mirror, &["Blackbird"]).await;
    assert_eq!(&**mirror.snapshot().name(), "Kitchen");
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_found_once_it_is() {
    let catalog = Catalog::new("Living room");
    let (address, server) = serve(&catalog, ANY_PORT).await;
    server.stop();
    let mirror = mirror(address);
    assert!(matches!(lost(&mirror).await, ClientError::Unreachable { .. } | ClientError::Busy));
    add(&catalog, "Jet");
    let _server = serve(&catalog, &address.to_string()).await;
    holds(&mirror, &["Jet"]).await;
}

/// A mirror of a server that answers so.
async fn mirror_of(
    answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (testkit::server::Server, Mirror) {
    let server = testkit::server::Server::start(answer).await;
    let mirror = Mirror::start(Client::builder(), server.url().parse().unwrap());
    (server, mirror)
}

#[tokio::test]
async fn a_list_that_breaks_off_shows_nothing_and_is_asked_for_again() {
    let cut = AtomicU32::new(0);
    let (server, mirror) = mirror_of(move |asked| match asked.path() {
        ITEMS if cut.fetch_add(1, Ordering::Relaxed) == 0 => daap::answer(asked).cut_after(70),
        _ => daap::answer(asked),
    })
    .await;
    assert!(matches!(lost(&mirror).await, ClientError::CutShort { .. }));
    assert!(titles(&mirror.snapshot()).is_empty());
    let mut snapshots = mirror.watch();
    snapshots.wait_for(|snapshot| !titles(snapshot).is_empty()).await.unwrap();
    assert_eq!(server.asked_for(ITEMS).len(), 2);
}

#[tokio::test]
async fn a_server_without_updates_is_read_all_the_same() {
    let (_server, mirror) = mirror_of(|asked| match asked.path() {
        "/update" => Reply::status(404),
        _ => daap::answer(asked),
    })
    .await;
    let mut link = mirror.link();
    link.wait_for(|link| matches!(link, Link::Following)).await.unwrap();
    assert!(!titles(&mirror.snapshot()).is_empty());
}

#[tokio::test]
async fn a_server_that_always_has_news_is_left_in_peace_between() {
    let revision = AtomicU32::new(2);
    let began = Instant::now();
    let (server, mirror) = mirror_of(move |asked| match asked.path() {
        "/update" => {
            let revision = revision.fetch_add(1, Ordering::Relaxed);
            daap::dmap(daap::update(revision))
        }
        ITEMS => {
            let title = format!("{:?}", Instant::now());
            daap::dmap(daap::list(dmap::code::ADBS, &[daap::song_entry(1, &title)]))
        }
        _ => daap::answer(asked),
    })
    .await;
    let mut snapshots = mirror.watch();
    for _ in 0..3 {
        snapshots.changed().await.unwrap();
        snapshots.mark_unchanged();
    }
    assert!(began.elapsed() >= 2 * READ_EVERY, "{:?}", server.asked_for("/update").len());
}
