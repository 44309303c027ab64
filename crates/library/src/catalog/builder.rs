//! How a catalog begins.

use std::fmt;
use std::sync::Arc;

use daap_model::{PersistentId, Revision, Text};

use super::ids;
use super::provider::{AnyProvider, Provider};
use super::{Catalog, KEPT_REVISIONS};
use crate::builder::first_revision;
use crate::{Clock, SystemClock};

/// How a catalog begins: see [`Catalog::builder`].
pub struct CatalogBuilder {
    pub(super) name: Text,
    pub(super) persistent_id: PersistentId,
    pub(super) first: Revision,
    pub(super) kept: usize,
    pub(super) provider: Option<Arc<dyn AnyProvider>>,
    pub(super) clock: Arc<dyn Clock>,
}

impl CatalogBuilder {
    pub(super) fn new(name: Text) -> Self {
        Self {
            persistent_id: ids::of_name(&name),
            name,
            first: first_revision(crate::builder::entropy()),
            kept: KEPT_REVISIONS,
            provider: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Opens with it the songs that are added without a sound of their own, and shows its pictures.
    #[must_use]
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// The persistent id of the main database, from which all follow that the author does not choose; by
    /// default one that follows from the name. Players take shares with the same one for the same library.
    #[must_use]
    pub fn persistent_id(mut self, id: PersistentId) -> Self {
        self.persistent_id = id;
        self
    }

    /// Begins at the revision after this one, which may be the last of an earlier run; or after the nearest from
    /// [`Revision::FIRST`] to [`Revision::HIGHEST_START`]. By default it is random, so that a client that was away
    /// while the program was started anew is seldom at one that means something else now.
    #[must_use]
    pub fn starting_at(mut self, revision: Revision) -> Self {
        self.first = revision;
        self
    }

    /// How many revisions can be asked for by [`Catalog::at`], the newest among them; [`KEPT_REVISIONS`] unless
    /// set, and at least 1.
    #[must_use]
    pub fn keep(mut self, revisions: usize) -> Self {
        self.kept = revisions;
        self
    }

    /// Takes the time from this clock instead of the machine's. Smart playlists ask it.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The catalog.
    #[must_use]
    pub fn build(self) -> Catalog {
        Catalog::begin(self)
    }
}

impl fmt::Debug for CatalogBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}
