//! The library as everyone but the librarian sees it.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use daap_model::{DatabaseId, Item, ItemId, Level, Revision, Snapshot, Timestamp, Track};
use foldhash::HashMap;
use tokio::sync::{mpsc, oneshot, watch};

use crate::persist::PersistError;
use crate::report::ScanState;
use crate::share::{Edited, PlaylistEdit, PlaylistError};
use crate::source::{Artwork, ArtworkSize, Source, SourceError, SourceKey, Use};
use crate::stars::Starring;
use crate::writer::Writer;
use crate::{Builder, Content, MAIN_DATABASE};

/// How long [`Library::shutdown`] waits for sources and store before it leaves them behind.
pub const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);

/// A library at work. Cheap to clone; when the last clone is dropped it shuts down.
///
/// What it holds is read from [`snapshot`](Self::snapshot), which never waits and never changes.
#[derive(Clone)]
pub struct Library {
    pub(crate) shared: Arc<Shared>,
}

/// What all clones of a [`Library`] have in common.
pub(crate) struct Shared {
    /// By key.
    pub(crate) databases: HashMap<String, DatabaseId>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) scans: watch::Receiver<Vec<ScanState>>,
    pub(crate) health: watch::Receiver<Health>,
    pub(crate) ready: watch::Receiver<bool>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) ended: watch::Receiver<bool>,
    pub(crate) edits: mpsc::Sender<Edit>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) writer: Writer,
}

/// What keeps the library from working as it should; empty if nothing does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// One entry for each trouble.
    pub problems: Vec<Problem>,
}

/// A trouble, for the person who can help it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What does not work, with the path or address it concerns.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Library {
    /// Begins a library with this name, which is what people see in their player.
    #[must_use]
    pub fn builder(name: &str) -> Builder {
        Builder::new(name)
    }

    /// The library as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshots.borrow().clone()
    }

    /// The id of the first database, which has the library's name; `None` if there was never one. It is not in the snapshot
    /// of a library [without](Builder::without_main) it.
    #[must_use]
    pub fn main_database(&self) -> Option<DatabaseId> {
        self.database(MAIN_DATABASE)
    }

    /// The id of the database with this key; `None` if there was never one.
    #[must_use]
    pub fn database(&self, key: &str) -> Option<DatabaseId> {
        self.shared.databases.get(key).copied()
    }

    /// The library as it becomes: always the newest snapshot.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.shared.snapshots.clone()
    }

    /// Which source a song is from, by its place in the order in which they were given to the builder; `None` if there is
    /// no such song.
    #[must_use]
    pub fn source_of(&self, database: DatabaseId, item: ItemId) -> Option<usize> {
        self.shared.routes.place(database, item).map(|(source, _)| source)
    }

    /// Waits until the library is past revision `seen`, at once if it is, and returns the revision it is
    /// at; `None` when it shuts down.
    pub async fn past(&self, seen: Revision) -> Option<Revision> {
        let (mut snapshots, mut stop) = (self.watch(), self.shared.stop.subscribe());
        tokio::select! {
            biased;
            () = is_true(&mut stop) => None,
            newer = snapshots.wait_for(|now| now.revision() > seen) => Some(newer.ok()?.revision()),
        }
    }

    /// Waits until the library is worth announcing: what was stored is loaded, and it holds a song or
    /// every source has settled once (or given up). `false` when it shuts down before.
    pub async fn ready(&self) -> bool {
        let mut ready = self.shared.ready.clone();
        ready.wait_for(|ready| *ready).await.is_ok()
    }

    /// What the sources are doing, summed over all of them.
    #[must_use]
    pub fn scan(&self) -> ScanState {
        ScanState::sum(self.shared.scans.borrow().iter())
    }

    /// What each source is doing, in the order in which they were given to the builder.
    #[must_use]
    pub fn watch_scans(&self) -> watch::Receiver<Vec<ScanState>> {
        self.shared.scans.clone()
    }

    /// What keeps the library from working as it should.
    #[must_use]
    pub fn health(&self) -> Health {
        self.shared.health.borrow().clone()
    }

    /// The same as it becomes.
    #[must_use]
    pub fn watch_health(&self) -> watch::Receiver<Health> {
        self.shared.health.clone()
    }

    /// Opens the sound of a song.
    pub async fn open(&self, database: DatabaseId, item: ItemId) -> Result<Content, OpenError> {
        let (source, key) = self.shared.routes.find(database, item)?;
        Ok(source.open(key).await?)
    }

    /// The picture of a song, scaled to fit `size`; `None` if it has none.
    pub async fn artwork(
        &self,
        database: DatabaseId,
        item: ItemId,
        size: ArtworkSize,
    ) -> Result<Option<Artwork>, OpenError> {
        let (source, key) = self.shared.routes.find(database, item)?;
        Ok(source.artwork(key, size).await?)
    }

    /// Rates a song, 0 to 100 (20 a star; 0 is unrated; more counts as 100).
    pub async fn rate(
        &self,
        database: DatabaseId,
        item: ItemId,
        rating: u8,
    ) -> Result<(), EditError> {
        self.used(database, item, Use::Rated(rating.min(100))).await
    }

    /// Tells the source of a song that somebody began to listen to it.
    pub fn started(&self, database: DatabaseId, item: ItemId) {
        self.tell_source(database, item, Use::Started);
    }

    /// Counts that a song was played to its end.
    pub async fn played(
        &self,
        database: DatabaseId,
        item: ItemId,
        at: Timestamp,
    ) -> Result<(), EditError> {
        self.used(database, item, Use::Played(at)).await
    }

    /// Counts that a song was skipped.
    pub async fn skipped(
        &self,
        database: DatabaseId,
        item: ItemId,
        at: Timestamp,
    ) -> Result<(), EditError> {
        self.used(database, item, Use::Skipped(at)).await
    }

    /// Keeps where in a song to go on, in milliseconds from its start; 0 is from there.
    pub async fn bookmark(
        &self,
        database: DatabaseId,
        item: ItemId,
        at_ms: u32,
    ) -> Result<(), EditError> {
        self.edit(database, item, Note::Bookmark { at_ms }).await
    }

    /// Keeps how loud songs were [measured](Measured) to be, until their files change. What is given at once is saved and
    /// shown at once; songs that are gone, or are others by now, are passed over.
    pub async fn measured(&self, levels: Vec<Measured>) -> Result<(), EditError> {
        let (done, answer) = oneshot::channel();
        self.send(Edit::Measured { levels, done }).await?;
        answer.await.map_err(|_| EditError::Closed)?
    }

    /// Changes a playlist that clients made, or makes one. Such playlists belong to no source: they are kept
    /// with the library whatever its sources report, and only lose songs that are gone for good. What a source
    /// reports is [read-only](PlaylistError::ReadOnly), but for what is [starred](Source::starred).
    pub async fn edit_playlist(&self, edit: PlaylistEdit) -> Result<Edited, PlaylistError> {
        let library = self.clone();
        let edited = finish(async move {
            let ((done, answer), database) = (oneshot::channel(), edit.database);
            let sent = library.send(Edit::Playlist { edit, done }).await;
            sent.map_err(|_| PlaylistError::Closed)?;
            let Starring { edited, songs } = answer.await.map_err(|_| PlaylistError::Closed)??;
            for (item, is_starred) in songs {
                library.tell_source(database, item, Use::Starred(is_starred));
            }
            Ok(edited)
        });
        edited.await.unwrap_or(Err(PlaylistError::Closed))
    }

    /// Calls the library, and the database that had its name, `name` from now on; until the next start,
    /// which brings its own. For a share whose name somebody else on the network has.
    pub async fn rename(&self, name: &str) -> Result<(), EditError> {
        let (done, answer) = oneshot::channel();
        self.send(Edit::Rename { name: name.to_owned(), done }).await?;
        answer.await.map_err(|_| EditError::Closed)
    }

    async fn send(&self, edit: Edit) -> Result<(), EditError> {
        self.shared.edits.send(edit).await.map_err(|_| EditError::Closed)
    }

    /// Keeps what a listener did, and tells the song's source of it.
    async fn used(&self, database: DatabaseId, item: ItemId, what: Use) -> Result<(), EditError> {
        let library = self.clone();
        let kept = finish(async move {
            let kept = library.edit(database, item, Note::Use(what)).await;
            // What cannot be saved now is kept nevertheless.
            if matches!(kept, Ok(()) | Err(EditError::NotSaved)) {
                library.tell_source(database, item, what);
            }
            kept
        });
        kept.await.unwrap_or(Err(EditError::Closed))
    }

    fn tell_source(&self, database: DatabaseId, item: ItemId, what: Use) {
        // A song that went in the meantime is none that its source could do anything for.
        if let Ok((source, key)) = self.shared.routes.find(database, item) {
            source.used(key, what);
        }
    }

    /// Returns once the edit is on disk and visible.
    async fn edit(&self, database: DatabaseId, item: ItemId, note: Note) -> Result<(), EditError> {
        let (done, answer) = oneshot::channel();
        self.send(Edit::Usage(UsageEdit { database, item, note, done })).await?;
        answer.await.map_err(|_| EditError::Closed)?
    }

    /// A setting kept with the library.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, PersistError> {
        let name = name.to_owned();
        self.shared.writer.run(move |persist| persist.setting(&name)).await?
    }

    /// Keeps a setting, or with `None` forgets it.
    pub async fn set_setting(&self, name: &str, value: Option<&str>) -> Result<(), PersistError> {
        let (name, value) = (name.to_owned(), value.map(str::to_owned));
        self.shared.writer.run(move |persist| persist.set_setting(&name, value.as_deref())).await?
    }

    /// Stops the sources, saves what is not saved, closes the store. Everyone who waits for a revision is
    /// released at once. Takes at most [`SHUTDOWN_LIMIT`].
    pub async fn shutdown(&self) {
        self.shared.stop.send_replace(true);
        let mut ended = self.shared.ended.clone();
        if tokio::time::timeout(SHUTDOWN_LIMIT, is_true(&mut ended)).await.is_err() {
            tracing::warn!("the library did not shut down in time; its last changes may be lost");
        }
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.snapshot();
        f.debug_struct("Library")
            .field("name", &snapshot.name())
            .field("revision", &snapshot.revision())
            .finish_non_exhaustive()
    }
}

/// Does something to its end also if whoever asked for it does not wait any longer, such as a client that hangs up: what
/// is kept is then told, too. `None` if that panics.
async fn finish<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    tokio::spawn(work).await.ok()
}

/// Waits until a flag is set or nobody is left to set it.
pub(crate) async fn is_true(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|set| *set).await;
}

/// A change that no source reports.
#[derive(Debug)]
pub(crate) enum Edit {
    Usage(UsageEdit),
    Measured { levels: Vec<Measured>, done: oneshot::Sender<Result<(), EditError>> },
    Playlist { edit: PlaylistEdit, done: oneshot::Sender<Result<Starring, PlaylistError>> },
    Rename { name: String, done: oneshot::Sender<()> },
}

/// Something to be noted of a song.
#[derive(Debug)]
pub(crate) struct UsageEdit {
    pub(crate) database: DatabaseId,
    pub(crate) item: ItemId,
    pub(crate) note: Note,
    pub(crate) done: oneshot::Sender<Result<(), EditError>>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    Use(Use),
    Bookmark { at_ms: u32 },
    Measured(Measured),
}

/// How loud a song was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    pub(crate) database: DatabaseId,
    pub(crate) item: ItemId,
    pub(crate) level: Level,
    /// Those of the file.
    size: u64,
    modified: Timestamp,
}

impl Measured {
    /// The level of a song, and of the file that it had before it was measured: should it have another by then, the
    /// level is none of its.
    #[must_use]
    pub fn new(database: DatabaseId, before: &Item, level: Level) -> Self {
        let Track { size, modified, .. } = before.track;
        Self { database, item: before.id, level, size, modified }
    }

    /// Whether it is of the file with these facts.
    pub(crate) fn is_of(&self, track: &Track) -> bool {
        (self.size, self.modified) == (track.size, track.modified)
    }
}

/// Which source a song comes from and what it is called there.
pub(crate) struct Routes {
    sources: Vec<Arc<dyn Source>>,
    /// Held for a short step, never while something is awaited. The librarian alone writes.
    items: RwLock<HashMap<ItemId, Route>>,
}

pub(crate) struct Route {
    pub(crate) database: DatabaseId,
    /// The source's number among the library's sources.
    pub(crate) source: usize,
    pub(crate) key: SourceKey,
}

impl Routes {
    pub(crate) fn new(sources: Vec<Arc<dyn Source>>) -> Self {
        Self { sources, items: RwLock::default() }
    }

    /// Sets the ways to these songs, or with `None` forgets them.
    pub(crate) fn update(&self, changes: impl IntoIterator<Item = (ItemId, Option<Route>)>) {
        let mut items = self.items.write().unwrap_or_else(PoisonError::into_inner);
        for (id, route) in changes {
            match route {
                Some(route) => items.insert(id, route),
                None => items.remove(&id),
            };
        }
    }

    fn find(
        &self,
        database: DatabaseId,
        item: ItemId,
    ) -> Result<(Arc<dyn Source>, SourceKey), OpenError> {
        let place = self.place(database, item);
        let (source, key) = place.ok_or(OpenError::Unknown { database, item })?;
        Ok((Arc::clone(&self.sources[source]), key))
    }

    /// Which source has a song, by its number, and what it calls it.
    pub(crate) fn place(&self, database: DatabaseId, item: ItemId) -> Option<(usize, SourceKey)> {
        let items = self.items.read().unwrap_or_else(PoisonError::into_inner);
        let route = items.get(&item).filter(|route| route.database == database)?;
        Some((route.source, route.key.clone()))
    }
}

/// Why a song's sound or picture cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No song has this id, or no longer.
    #[error("database {database} has no item {item}")]
    Unknown {
        /// The database asked for.
        database: DatabaseId,
        /// The item asked for.
        item: ItemId,
    },
    /// Its source says why.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Why something could not be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// No song has this id, or no longer.
    #[error("database {database} has no item {item}")]
    Unknown {
        /// The database.
        database: DatabaseId,
        /// The item.
        item: ItemId,
    },
    /// It could not be saved now. It is kept, and takes effect once saving works again
    /// ([`Library::health`] tells).
    #[error("the change cannot be saved now")]
    NotSaved,
    /// The library is shutting down.
    #[error("the library is shutting down")]
    Closed,
}
