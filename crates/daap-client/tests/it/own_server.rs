//! The client and our own server.

use std::net::SocketAddr;
use std::sync::Arc;

use daap_client::{Client, ClientError};
use daap_model::{Browse, ContainerId, GroupKind, Snapshot, Track};
use daap_proto::{Lineage, Listing, Query, ShareUrl};
use daap_server::{Builder, Server};
use futures_util::TryStreamExt;
use library::{Library, MemorySource};

use crate::common::{database, titles};

const SOUND: &str = "the sound of it";

/// A server of two songs.
async fn start(set: impl FnOnce(Builder) -> Builder) -> (MemorySource, SocketAddr) {
    let songs = MemorySource::new();
    put(&songs, "Jet");
    put(&songs, "Let Me Roll It");
    let source = songs.clone();
    let library = Library::builder("Living room").source("mine", source).start().await.unwrap();
    let has_both = |snapshot: &Arc<Snapshot>| {
        snapshot.database(database()).is_some_and(|database| database.items().len() == 2)
    };
    library.watch().wait_for(has_both).await.unwrap();
    let any_port = "127.0.0.1:0".parse().unwrap();
    let server = set(Server::builder(library)).bind(&[any_port]).await.unwrap();
    let address = server.addresses()[0];
    tokio::spawn(server.run(std::future::pending()));
    (songs, address)
}

fn put(songs: &MemorySource, title: &str) {
    let track = Track {
        title: title.into(),
        artist: "Wings".into(),
        album: "Band on the Run".into(),
        ..Track::default()
    };
    songs.put(title, track, SOUND);
}

fn url(address: SocketAddr) -> ShareUrl {
    format!("daap://{address}/").parse().unwrap()
}

#[tokio::test]
async fn everything_that_is_served_can_be_had() {
    let (_songs, address) = start(|server| server).await;
    let client = Client::builder().connect(&url(address)).await.unwrap();
    assert_eq!(client.server().name, "Living room");
    assert!(client.software().unwrap().starts_with("dapple/"));
    assert_eq!(client.address(), format!("http://{address}"));

    let databases = client.databases().await.unwrap();
    assert_eq!((databases.len(), databases[0].items), (1, Some(2)));
    assert_eq!(titles(&client).await.unwrap().len(), 2);

    let all = Listing::default();
    let containers = client.containers(database(), &all).await.unwrap();
    let containers: Vec<_> = containers.try_collect().await.unwrap();
    assert!(containers[0].is_base);
    let entries = client.container_items(database(), ContainerId::BASE, &all).await.unwrap();
    assert_eq!(entries.try_collect::<Vec<_>>().await.unwrap().len(), 2);
    let artists = client.browse(database(), Browse::Artists, &all).await.unwrap();
    assert_eq!(artists.try_collect::<Vec<_>>().await.unwrap(), ["Wings"]);
    let albums = client.groups(database(), GroupKind::Albums, &all).await.unwrap();
    let albums: Vec<_> = albums.try_collect().await.unwrap();
    assert_eq!((albums[0].name.as_str(), albums[0].items), ("Band on the Run", Some(2)));
    client.logout().await;
}

#[tokio::test]
async fn a_query_chooses_the_songs() {
    let (_songs, address) = start(|server| server).await;
    let client = Client::builder().connect(&url(address)).await.unwrap();
    let query = Query::parse("'dmap.itemname:Jet'").unwrap();
    let listing = Listing { query: Some(query), ..Listing::default() };
    let mut songs = client.items(database(), &listing).await.unwrap();
    let song = songs.try_next().await.unwrap().unwrap();
    assert_eq!(&*song.track.title, "Jet");
    assert!(songs.try_next().await.unwrap().is_none());
    assert_eq!(songs.head().total, Some(1));

    let mut sound = client.song(database(), song.id, "mp3", 4).await.unwrap();
    assert_eq!((sound.start(), sound.total()), (4, Some(SOUND.len() as u64)));
    assert_eq!(sound.try_next().await.unwrap().unwrap(), &SOUND.as_bytes()[4..]);
    assert_eq!(client.artwork(database(), song.id, None).await.unwrap(), None);
}

#[tokio::test]
async fn news_are_waited_for() {
    let (songs, address) = start(|server| server).await;
    let client = Client::builder().connect(&url(address)).await.unwrap();
    let now = client.update(None).await.unwrap();
    let waits = tokio::spawn({
        let client = client.clone();
        async move { client.update(Some(now)).await }
    });
    put(&songs, "Bluebird");
    let mut seen = waits.await.unwrap().unwrap();
    assert!(seen > now);
    while titles(&client).await.unwrap().len() < 3 {
        seen = client.update(Some(seen)).await.unwrap();
    }
}

#[tokio::test]
async fn a_password_is_given_to_who_asks_for_it() {
    let (_songs, address) = start(|server| server.password("sesame")).await;
    let connect =
        |builder: daap_client::Builder| async move { builder.connect(&url(address)).await };
    let error = connect(Client::builder()).await.unwrap_err();
    assert!(matches!(error, ClientError::PasswordWanted), "{error}");
    let error = connect(Client::builder().password("open")).await.unwrap_err();
    assert!(matches!(error, ClientError::WrongPassword), "{error}");
    let client = connect(Client::builder().password("sesame")).await.unwrap();
    assert_eq!(titles(&client).await.unwrap().len(), 2);
}

#[tokio::test]
async fn whose_songs_a_server_has_is_asked_anew_each_time() {
    let asked = std::sync::atomic::AtomicU64::new(0);
    let lineage = move || Lineage::of(asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let (_songs, address) = start(|server| server.lineage(lineage)).await;
    let client = Client::builder().connect(&url(address)).await.unwrap();
    for number in [1, 2] {
        assert_eq!(client.about().await.unwrap().lineage, Some(Lineage::of(number)));
    }
    let (_songs, silent) = start(|server| server).await;
    assert_eq!(Client::builder().ask(&url(silent)).await.unwrap().lineage, None);
}
