//! Servers, and libraries that republish them.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use daap_client::Client;
use daap_model::{Snapshot, Track};
use daap_server::{Handle, Server};
use futures_util::TryStreamExt;
use library::{Body, Content, Library, MemorySource, Share};
use source_daap::{DaapConfig, DaapSource};

/// Nothing here takes as long as this, unless something is wrong.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) const SOUND: &str = "the sound of it";

pub(crate) fn put(songs: &MemorySource, title: &str) {
    songs.put(
        title,
        Track { title: title.into(), format: "mp3".into(), ..Track::default() },
        SOUND,
    );
}

/// A library of these songs.
pub(crate) async fn library(name: &str, titles: &[&str]) -> (MemorySource, Library) {
    let songs = MemorySource::new();
    titles.iter().for_each(|title| put(&songs, title));
    let library = Library::builder(name).source("mine", songs.clone()).start().await.unwrap();
    holds(&library, titles).await;
    (songs, library)
}

/// An address that is free.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(crate) async fn serve(share: impl Share, address: SocketAddr) -> Handle {
    run(Server::builder(share).bind(&[address]).await.unwrap())
}

pub(crate) fn run(server: Server) -> Handle {
    let handle = server.handle();
    tokio::spawn(server.run(std::future::pending()));
    handle
}

/// How to follow the share at an address.
pub(crate) fn config(address: SocketAddr) -> DaapConfig {
    DaapConfig::new(format!("daap://{address}/").parse().unwrap(), Client::builder())
}

/// A library that republishes a share and has nothing else.
pub(crate) async fn republished(config: DaapConfig) -> Library {
    let builder = Library::builder("Living room").without_main().database("share", "a share");
    builder.source("share", DaapSource::new(config)).start().await.unwrap()
}

pub(crate) fn titles(snapshot: &Snapshot) -> Vec<String> {
    let songs = snapshot.databases().flat_map(|database| database.items().iter());
    let mut titles: Vec<String> = songs.map(|item| item.track.title.to_string()).collect();
    titles.sort();
    titles
}

/// Waits until a library holds just these songs.
pub(crate) async fn holds(library: &Library, expected: &[&str]) {
    until(library, |now| titles(now) == expected, || format!("{expected:?}")).await;
}

/// Waits until a library is so.
pub(crate) async fn until(
    library: &Library,
    is_so: impl Fn(&Snapshot) -> bool,
    what: impl Fn() -> String,
) {
    let mut snapshots = library.watch();
    let in_time = tokio::time::timeout(LONG, snapshots.wait_for(|now| is_so(now))).await.is_ok();
    assert!(in_time, "{} is not {:?}", what(), titles(&library.snapshot()));
}

/// Waits until the sources of a library have as many problems; returns the first.
pub(crate) async fn problems(library: &Library, count: usize) -> String {
    let mut scans = library.watch_scans();
    let has = scans
        .wait_for(|scans| scans.iter().map(|scan| scan.problems.len()).sum::<usize>() == count);
    let in_time = tokio::time::timeout(LONG, has).await;
    let scans = in_time.expect("in time").unwrap().clone();
    scans.into_iter().flat_map(|scan| scan.problems).next().unwrap_or_default()
}

/// Opens the song with a title.
pub(crate) async fn open(library: &Library, title: &str) -> Result<Content, library::OpenError> {
    let snapshot = library.snapshot();
    let found = snapshot.databases().find_map(|database| {
        let item = database.items().iter().find(|item| *item.track.title == *title)?;
        Some((database.id, item.id))
    });
    let (database, item) = found.unwrap();
    library.open(database, item).await
}

/// The bytes of a song from one on.
pub(crate) async fn bytes(content: Content, start: u64) -> Vec<u8> {
    let length = content.length.unwrap();
    let pieces = match content.body {
        Body::Ranged(ranged) => ranged.read(start, length - start),
        Body::File(file) => {
            let mut file = file.file;
            let mut bytes = Vec::new();
            std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(start)).unwrap();
            std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
            return bytes;
        }
        other => panic!("{other:?}"),
    };
    pieces.try_collect::<Vec<_>>().await.unwrap().concat()
}
