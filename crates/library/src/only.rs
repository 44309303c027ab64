//! One database of a share, as a share of its own.

use std::sync::Arc;

use daap_model::{DatabaseId, ItemId, Snapshot, Text};
use tokio::sync::watch;

use crate::share::{Edited, PlaylistEdit, PlaylistError, Share};
use crate::{Artwork, ArtworkSize, Content, Health, OpenError, ScanState, SourceFuture};

/// One database of a share, as a share of its own with a name of its own: for players that show the first database of a
/// share and no other.
///
/// Its songs and playlists have the ids and revisions that they have in the whole share. Nothing that happens in other
/// databases makes a revision of it.
pub struct Only<S> {
    whole: S,
    database: DatabaseId,
    names: watch::Sender<Text>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl<S: Share> Only<S> {
    /// This database of the whole share. Must be called within a tokio runtime. It is a share without databases until
    /// there is one with this id, and ends when the whole share does.
    pub fn new(whole: S, database: DatabaseId, name: impl Into<Text>) -> Self {
        let (names, named) = watch::channel(name.into());
        let wholes = whole.watch();
        let first = wholes.borrow().only(database, named.borrow().clone());
        let (publish, snapshots) = watch::channel(Arc::new(first));
        tokio::spawn(follow(wholes, named, database, publish));
        Self { whole, database, names, snapshots }
    }
}

/// Shows what becomes of the database, until the whole share ends or nobody has the part of it any more.
async fn follow(
    mut wholes: watch::Receiver<Arc<Snapshot>>,
    mut named: watch::Receiver<Text>,
    database: DatabaseId,
    publish: watch::Sender<Arc<Snapshot>>,
) {
    loop {
        let part = wholes.borrow_and_update().only(database, named.borrow_and_update().clone());
        publish.send_if_modified(|shown| {
            let differs = !looks_alike(shown, &part, database);
            if differs {
                *shown = Arc::new(part);
            }
            differs
        });
        let news = tokio::select! {
            news = wholes.changed() => news,
            news = named.changed() => news,
        };
        if news.is_err() {
            return;
        }
    }
}

/// Whether two snapshots of this database, and of no other, show the same.
fn looks_alike(before: &Snapshot, after: &Snapshot, database: DatabaseId) -> bool {
    let revision = |of: &Snapshot| of.database(database).map(|database| database.revision);
    before.name() == after.name() && revision(before) == revision(after)
}

impl<S: Share> Share for Only<S> {
    fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    fn open(
        &self,
        database: DatabaseId,
        item: ItemId,
    ) -> SourceFuture<'_, Result<Content, OpenError>> {
        if database != self.database {
            return Box::pin(async move { Err(OpenError::Unknown { database, item }) });
        }
        self.whole.open(database, item)
    }

    fn artwork(
        &self,
        database: DatabaseId,
        item: ItemId,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, OpenError>> {
        if database != self.database {
            return Box::pin(async move { Err(OpenError::Unknown { database, item }) });
        }
        self.whole.artwork(database, item, size)
    }

    fn edit(&self, edit: PlaylistEdit) -> SourceFuture<'_, Result<Edited, PlaylistError>> {
        if edit.database != self.database {
            return Box::pin(async move { Err(PlaylistError::NoDatabase(edit.database)) });
        }
        self.whole.edit(edit)
    }

    fn rename<'a>(&'a self, name: &'a str) -> SourceFuture<'a, ()> {
        Box::pin(async move {
            self.names.send_replace(name.into());
            // It can only fail once the whole share has ended, and then the name is of no more use.
            let _ = self.snapshots.clone().wait_for(|now| now.name().as_str() == name).await;
        })
    }

    fn ready(&self) -> SourceFuture<'_, bool> {
        self.whole.ready()
    }

    fn scan(&self) -> ScanState {
        self.whole.scan()
    }

    fn health(&self) -> Health {
        self.whole.health()
    }
}
