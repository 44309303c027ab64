//! A library that a program makes by itself, song by song, without folders, sources or a store.

mod builder;
mod changes;
mod container;
mod draft;
mod entries;
mod error;
mod ids;
mod kept;
mod media;
mod nested;
mod plan;
mod provider;
mod share;
mod song;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use daap_model::{Batch, DatabaseId, Edit, Model, Revision, Snapshot, Text};
use tokio::sync::watch;

pub use builder::CatalogBuilder;
pub use changes::{Changes, Place};
pub use container::{NewContent, NewDatabase, NewEntry, NewPlaylist};
pub use error::CommitError;
pub use provider::Provider;
pub use song::{NewSong, Picture, Song, Sound};

use crate::Clock;
use ids::Ids;
use kept::Kept;
use media::Shelves;
use plan::Plan;
use provider::AnyProvider;

/// How many revisions a catalog keeps unless its builder says otherwise. They share what is the same, so one
/// of them costs what changed after it.
pub const KEPT_REVISIONS: usize = 16;

/// A library that a program makes by itself. Clones are the same catalog: keep one to change what is shared.
///
/// It begins with one database, [`Catalog::MAIN`], which has the catalog's name. [`Changes`] are begun by
/// [`changes`](Self::changes) and become visible by [`commit`](Self::commit): all of them or none, as one
/// revision, which wakes every client that waits. What clients see then holds together: every entry of a playlist
/// names a song that is there, ids are unique, and each database has its base container, without the author's
/// doing. Reading never waits: a [`snapshot`](Self::snapshot) stays as it is for as long as it is held.
///
/// ```
/// use daap_model::Track;
/// use library::{Catalog, NewPlaylist, NewSong};
///
/// let catalog = Catalog::new("Living room");
/// let db = Catalog::MAIN;
///
/// let mut changes = catalog.changes();
/// let track = |title: &str| Track { title: title.into(), ..Track::default() };
/// let jet = changes.add_item(db, NewSong::new(track("Jet")).file("/music/Jet.mp3"));
/// let tone = changes.add_item(db, NewSong::new(track("Tone")).bytes("RIFF…"));
/// let best = changes.add_container(db, NewPlaylist::named("Best").songs([tone, jet]));
/// catalog.commit(changes)?;
///
/// let before = catalog.snapshot();
/// let mut changes = catalog.changes();
/// changes.remove_item(db, jet);
/// changes.change_item(db, tone, |song| song.usage.play_count += 1);
/// let revision = catalog.commit(changes)?.expect("something changed");
///
/// let now = catalog.snapshot();
/// assert_eq!(now.revision(), revision);
/// assert_eq!(now.database(db).expect("the main one").container(best).expect("best").item_count, 1);
/// assert_eq!(before.database(db).expect("the main one").items().len(), 2);
/// # Ok::<(), library::CommitError>(())
/// ```
#[derive(Clone)]
pub struct Catalog {
    shared: Arc<Shared>,
}

/// What all clones of a [`Catalog`] have in common.
struct Shared {
    /// Whoever holds it commits.
    model: Mutex<Model>,
    newest: watch::Sender<Arc<Snapshot>>,
    /// Held for a short step.
    kept: Mutex<Kept>,
    shelves: Shelves,
    ids: Arc<Ids>,
    provider: Option<Arc<dyn AnyProvider>>,
    clock: Arc<dyn Clock>,
}

impl Catalog {
    /// The database that is there from the beginning.
    pub const MAIN: DatabaseId = DatabaseId::LOWEST;

    /// A catalog with this name, which is what people see in their player.
    #[must_use]
    pub fn new(name: impl Into<Text>) -> Self {
        Self::builder(name).build()
    }

    /// Begins a catalog of which more is to be said than its name.
    #[must_use]
    pub fn builder(name: impl Into<Text>) -> CatalogBuilder {
        CatalogBuilder::new(name.into())
    }

    fn begin(builder: CatalogBuilder) -> Self {
        let CatalogBuilder { name, persistent_id, first, kept, provider, clock } = builder;
        let ids = Ids::new(persistent_id);
        let mut model = Model::starting_at(name.clone(), first);
        let main = Edit::PutDatabase { id: Self::MAIN, persistent_id, name };
        model.apply(Batch::from_iter([main])).expect("the first database is in nobody's way");
        let snapshot = model.snapshot();
        let shared = Shared {
            model: Mutex::new(model),
            newest: watch::Sender::new(Arc::clone(&snapshot)),
            kept: Mutex::new(Kept::new(snapshot, kept)),
            shelves: Shelves::default(),
            ids: Arc::new(ids),
            provider,
            clock,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Begins changes. Any number of them can be under way at once.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes::new(Arc::clone(&self.shared.ids))
    }

    /// Makes changes visible: all of them or, on an error, none. Returns the new revision, or `None` if
    /// nothing is different from before; smart playlists follow the time in any case.
    ///
    /// It takes about as long as the changes are many, however large the catalog is; playlists whose entries
    /// change are gone through once.
    pub fn commit(&self, changes: Changes) -> Result<Option<Revision>, CommitError> {
        if nested::is_inside() {
            return Err(CommitError::Nested);
        }
        self.commit_to(&mut self.model(), changes)
    }

    fn commit_to(
        &self,
        model: &mut Model,
        changes: Changes,
    ) -> Result<Option<Revision>, CommitError> {
        let Shared { newest, shelves, ids, clock, .. } = &*self.shared;
        if !Arc::ptr_eq(&changes.ids, ids) {
            return Err(CommitError::OtherCatalog);
        }
        if changes.exhausted {
            return Err(CommitError::IdsExhausted);
        }
        let before = model.snapshot();
        let (batch, shelf_changes) = Plan::new(&before, shelves, ids).work_out(changes)?;
        let revision = model.apply(batch.at(clock.now()))?;
        shelves.change(shelf_changes);
        if revision.is_some() {
            self.revisions().push(model.snapshot());
            newest.send_replace(model.snapshot());
        }
        Ok(revision)
    }

    /// The catalog as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.shared.newest.borrow())
    }

    /// The catalog as it becomes: always the newest snapshot.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.shared.newest.subscribe()
    }

    /// The catalog as it was at a revision, unless that is no longer [kept](Self::kept).
    #[must_use]
    pub fn at(&self, revision: Revision) -> Option<Arc<Snapshot>> {
        self.revisions().at(revision)
    }

    /// The revisions that are kept: the newest, and some before it.
    #[must_use]
    pub fn kept(&self) -> RangeInclusive<Revision> {
        self.revisions().range()
    }

    /// Forgets the revisions before this one, to free the memory they take; never the newest. They are no longer
    /// kept, and clients that hold one of them are sent full lists instead of what changed since.
    ///
    /// # Panics
    ///
    /// If a closure calls it that [changes a song](Changes::change_item): it would wait for itself.
    pub fn forget(&self, before: Revision) {
        assert!(!nested::is_inside(), "a closure that changes a song cannot forget revisions");
        let mut model = self.model();
        let before = before.min(model.snapshot().revision());
        model.forget(before);
        self.revisions().forget(before, model.snapshot());
        self.shared.newest.send_replace(model.snapshot());
    }

    /// A panic in an author's closure leaves the model as it was, for closures work on copies.
    fn model(&self) -> MutexGuard<'_, Model> {
        self.shared.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn revisions(&self) -> MutexGuard<'_, Kept> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.snapshot();
        f.debug_struct("Catalog")
            .field("name", &snapshot.name())
            .field("revision", &snapshot.revision())
            .finish_non_exhaustive()
    }
}
