//! A server on a free port of this machine.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use daap_model::{Snapshot, Track};
use daap_server::{Builder, Handle, Server};
use dmap::code::{ADBS, MIID, MINM, MLCL, MLIT, MUSR};
use dmap::{Code, Element};
use library::{
    Artwork, ArtworkSize, Body, Content, Library, MemorySource, OpenFile, Report, Source,
    SourceError, SourceFuture, SourceKey,
};
use testkit::http::{Answer, Connection};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running server, its library and its songs.
pub(crate) struct Share {
    pub(crate) address: SocketAddr,
    pub(crate) songs: Shelf,
    pub(crate) library: Library,
    pub(crate) handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Share {
    /// A share with "Jet" and "Get Back".
    pub(crate) async fn start() -> Self {
        Self::start_with(|server| server).await
    }

    pub(crate) async fn start_with(set: impl FnOnce(Builder) -> Builder) -> Self {
        let songs = Shelf::default();
        songs.put("jet", track("Jet", "Wings", "Band on the Run"), pattern(100_000));
        songs.put("get-back", track("Get Back", "The Beatles", "Let It Be"), pattern(1_000));
        Self::start_from(songs, set).await
    }

    pub(crate) async fn start_from(songs: Shelf, set: impl FnOnce(Builder) -> Builder) -> Self {
        let library = Library::builder("Songs").source("shelf", songs.clone());
        let library = library.entropy(0).start().await.unwrap();
        let all = songs.count();
        let is_listed = |now: &Arc<Snapshot>| now.databases().next().unwrap().items().len() == all;
        library.watch().wait_for(is_listed).await.unwrap();
        let builder = set(Server::builder(library.clone()));
        let server = builder.bind(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
        let (address, handle) = (server.addresses()[0], server.handle());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self { address, songs, library, handle, stop: Some(stop), running }
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.address).await.unwrap()
    }

    /// Asks on a connection of its own.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.get_with(target, &[]).await
    }

    pub(crate) async fn get_with(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.connect().await.get_with(target, headers).await.unwrap()
    }

    /// Logs in and returns the session's id.
    pub(crate) async fn login(&self) -> u64 {
        let answer = self.get("/login").await;
        assert_eq!(answer.status, 200);
        number(&answer, dmap::code::MLID)
    }

    /// The revision, as `/update` tells it to a client that begins.
    pub(crate) async fn revision(&self, session: u64) -> u64 {
        let answer = self.get(&format!("/update?session-id={session}&revision-number=1")).await;
        number(&answer, MUSR)
    }

    /// The id of the song with this title.
    pub(crate) async fn item(&self, title: &str) -> u64 {
        let session = self.login().await;
        let answer = self.get(&format!("/databases/1/items?session-id={session}")).await;
        let items = Element::decode(&answer.body).unwrap();
        assert_eq!(items.code, ADBS);
        let entries = items.child(MLCL).unwrap().children();
        let is_it = |entry: &&Element| entry.child(MINM).and_then(Element::text) == Some(title);
        entries.iter().find(is_it).unwrap().child(MIID).unwrap().uint().unwrap()
    }

    /// Asks the server to stop.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until the server has stopped.
    pub(crate) async fn stopped(&mut self) {
        (&mut self.running).await.unwrap();
    }
}

/// A number directly inside the root of a reply.
#[track_caller]
pub(crate) fn number(answer: &Answer, code: Code) -> u64 {
    assert_eq!(answer.status, 200, "{}", answer.text());
    Element::decode(&answer.body).unwrap().child(code).unwrap().uint().unwrap()
}

/// The titles that a listing has, in its order.
#[track_caller]
pub(crate) fn titles(body: &[u8]) -> Vec<String> {
    let reply = Element::decode(body).unwrap();
    let entries = reply.child(MLCL).unwrap().children().iter();
    let entries = entries.filter(|entry| entry.code == MLIT);
    entries.map(|entry| entry.child(MINM).unwrap().text().unwrap().to_owned()).collect()
}

pub(crate) fn track(title: &str, artist: &str, album: &str) -> Track {
    Track {
        title: title.into(),
        artist: artist.into(),
        album: album.into(),
        format: "mp3".into(),
        ..Track::default()
    }
}

/// Bytes of which each part is unlike the others.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n / 251 + n % 251) as u8).collect()
}

/// How a song on the shelf is opened, where not from memory.
#[derive(Clone)]
pub(crate) enum Opening {
    File(PathBuf),
    /// Pieces of bytes as a stream, of which this length is announced.
    Stream(Vec<&'static str>, Option<u64>),
    /// A stream of silence that goes on for ever.
    Endless,
    Busy,
    Panic,
}

/// Songs in memory, some of which are opened in ways that test the server.
#[derive(Clone, Default)]
pub(crate) struct Shelf {
    memory: MemorySource,
    keys: Arc<Mutex<HashSet<String>>>,
    openings: Arc<Mutex<HashMap<SourceKey, Opening>>>,
}

impl Shelf {
    pub(crate) fn put(&self, key: &str, track: Track, sound: impl Into<bytes::Bytes>) {
        self.keys.lock().unwrap().insert(key.to_owned());
        self.memory.put(key, track, sound);
    }

    fn count(&self) -> usize {
        self.keys.lock().unwrap().len()
    }

    pub(crate) fn put_artwork(&self, key: &str, artwork: Option<Artwork>) {
        self.memory.put_artwork(key, artwork);
    }

    pub(crate) fn set_away(&self, away: bool) {
        self.memory.set_away(away);
    }

    pub(crate) fn open_as(&self, key: &str, opening: Opening) {
        self.openings.lock().unwrap().insert(key.into(), opening);
    }
}

impl Source for Shelf {
    fn run(&self, report: Report) -> SourceFuture<'_, Result<(), SourceError>> {
        self.memory.run(report)
    }

    fn open(&self, key: SourceKey) -> SourceFuture<'_, Result<Content, SourceError>> {
        let opening = self.openings.lock().unwrap().get(&key).cloned();
        let content = match opening {
            None => return self.memory.open(key),
            Some(Opening::File(path)) => Ok(OpenFile::open(&path).unwrap().into()),
            Some(Opening::Stream(pieces, length)) => {
                let pieces =
                    pieces.into_iter().map(|p| Ok(bytes::Bytes::from_static(p.as_bytes())));
                let pieces: Vec<_> = pieces.collect();
                let body = Body::Stream(Box::pin(futures_util::stream::iter(pieces)));
                Ok(Content { length, body })
            }
            Some(Opening::Endless) => {
                let silence = || Ok(bytes::Bytes::from_static(&[0; 1000]));
                let body = Body::Stream(Box::pin(futures_util::stream::repeat_with(silence)));
                Ok(Content { length: None, body })
            }
            Some(Opening::Busy) => Err(SourceError::Busy),
            Some(Opening::Panic) => panic!("a bug that a test has put here"),
        };
        Box::pin(std::future::ready(content))
    }

    fn artwork(
        &self,
        key: SourceKey,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, SourceError>> {
        self.memory.artwork(key, size)
    }
}
