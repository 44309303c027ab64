//! A share as a program may write it, with whatever bugs a test gives it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use daap_model::{
    Batch, ContainerId, ContainerItemId, Custom, DatabaseId, Edit, ItemId, Model, NewItem,
    PersistentId, Snapshot, Usage,
};
use daap_server::{Builder, Handle, Server};
use library::{
    Artwork, ArtworkSize, Body, ByteStream, Content, Edited, OpenError, PlaylistChange,
    PlaylistEdit, PlaylistError, Share, SourceFuture,
};
use testkit::http::{Answer, Connection};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::share::track;

pub(crate) const SONG: &str = "/databases/1/items/1.mp3";

type Opening = SourceFuture<'static, Result<Content, OpenError>>;

/// A share of one song, "Jet", which is opened as the test says.
#[derive(Clone)]
pub(crate) struct Author {
    model: Arc<Mutex<Model>>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    opens: Arc<dyn Fn() -> Opening + Send + Sync>,
    pub(crate) edits: Arc<Mutex<Vec<PlaylistEdit>>>,
    /// Who holds it keeps edits that have begun from their end.
    pub(crate) pen: Arc<tokio::sync::Mutex<()>>,
}

impl Author {
    pub(crate) fn new() -> Self {
        Self::opening(|| async { unreachable!("nobody listens") })
    }

    pub(crate) fn opening<F>(opens: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Content, OpenError>> + Send + 'static,
    {
        let database = DatabaseId::new(1).unwrap();
        let mut model = Model::new("Ours");
        let persistent_id = PersistentId::new(1);
        let put = Edit::PutDatabase { id: database, persistent_id, name: "Ours".into() };
        model.apply(Batch::from_iter([put])).unwrap();
        let (snapshots, _) = watch::channel(model.snapshot());
        let (model, opens) =
            (Arc::new(Mutex::new(model)), Arc::new(move || Box::pin(opens()) as _));
        let author = Self { model, snapshots, opens, edits: Arc::default(), pen: Arc::default() };
        author.commit("Jet");
        author
    }

    /// A share whose song is this stream.
    pub(crate) fn streaming(
        length: Option<u64>,
        stream: impl Fn() -> ByteStream + Send + Sync + 'static,
    ) -> Self {
        Self::opening(move || {
            let content = Content { length, body: Body::Stream(stream()) };
            std::future::ready(Ok(content))
        })
    }

    /// Gives the song this title: a new revision.
    pub(crate) fn commit(&self, title: &str) -> u32 {
        let song = NewItem {
            id: ItemId::new(1).unwrap(),
            persistent_id: PersistentId::new(1),
            track: track(title, "Wings", "Band on the Run"),
            usage: Usage::default(),
            custom: Custom::NONE,
        };
        let put = Edit::PutItem { database: DatabaseId::new(1).unwrap(), item: song };
        self.apply(put)
    }

    pub(crate) fn apply(&self, edit: Edit) -> u32 {
        let mut model = self.model.lock().unwrap();
        let revision = model.apply(Batch::from_iter([edit])).unwrap().unwrap();
        self.snapshots.send_replace(model.snapshot());
        revision.get()
    }
}

impl Share for Author {
    fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.subscribe()
    }

    fn open(&self, _: DatabaseId, _: ItemId) -> SourceFuture<'_, Result<Content, OpenError>> {
        (self.opens)()
    }

    fn artwork(
        &self,
        _: DatabaseId,
        _: ItemId,
        _: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, OpenError>> {
        panic!("a bug that a test has put here")
    }

    fn edit(&self, edit: PlaylistEdit) -> SourceFuture<'_, Result<Edited, PlaylistError>> {
        let edited = match &edit.change {
            PlaylistChange::Add { .. } => Ok(Edited::Playlist(ContainerId::new(25).unwrap())),
            PlaylistChange::Append { items, .. } => {
                let entries = items.iter().map(|item| ContainerItemId::new(item.get() + 100));
                Ok(Edited::Entries(entries.map(Option::unwrap).collect()))
            }
            PlaylistChange::Remove(_) => Err(PlaylistError::ReadOnly("it is carved in stone")),
            _ => Ok(Edited::Done),
        };
        Box::pin(async move {
            self.edits.lock().unwrap().push(edit);
            let _pen = self.pen.lock().await;
            edited
        })
    }

    fn rename<'a>(&'a self, _: &'a str) -> SourceFuture<'a, ()> {
        unreachable!("nobody announces it")
    }
}

/// A server that runs until it is told to stop.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    running: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(share: impl Share, set: impl FnOnce(Builder) -> Builder) -> Self {
        let server = set(Server::builder(share));
        let server = server.bind(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
        let (address, handle) = (server.addresses()[0], server.handle());
        let running = tokio::spawn(server.run(std::future::pending()));
        Self { address, handle, running }
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.address).await.unwrap()
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.connect().await.get(target).await.unwrap()
    }

    /// Stops it, and waits until it has.
    pub(crate) async fn stop(self) {
        self.handle.stop();
        self.running.await.unwrap();
    }
}
