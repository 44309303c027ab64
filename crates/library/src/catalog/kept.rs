//! The revisions that a catalog keeps.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use daap_model::{Revision, Snapshot};

/// The newest revisions, ascending and without a gap; never none.
#[derive(Debug)]
pub(super) struct Kept {
    snapshots: VecDeque<Arc<Snapshot>>,
    limit: usize,
}

impl Kept {
    /// Keeps `limit` revisions at most, and always the newest.
    pub(super) fn new(first: Arc<Snapshot>, limit: usize) -> Self {
        Self { snapshots: VecDeque::from([first]), limit: limit.max(1) }
    }

    pub(super) fn push(&mut self, newest: Arc<Snapshot>) {
        self.snapshots.push_back(newest);
        let beyond = self.snapshots.len().saturating_sub(self.limit);
        self.snapshots.drain(..beyond);
    }

    pub(super) fn at(&self, revision: Revision) -> Option<Arc<Snapshot>> {
        let place = self.snapshots.binary_search_by_key(&revision, |kept| kept.revision()).ok()?;
        Some(Arc::clone(&self.snapshots[place]))
    }

    pub(super) fn range(&self) -> RangeInclusive<Revision> {
        let (oldest, newest) = (&self.snapshots[0], &self.snapshots[self.snapshots.len() - 1]);
        oldest.revision()..=newest.revision()
    }

    /// Drops what came before a revision; the newest becomes what is left of it when it has forgotten them too.
    pub(super) fn forget(&mut self, before: Revision, newest: Arc<Snapshot>) {
        self.snapshots.pop_back();
        let old = self.snapshots.partition_point(|kept| kept.revision() < before);
        self.snapshots.drain(..old);
        self.snapshots.push_back(newest);
    }
}
