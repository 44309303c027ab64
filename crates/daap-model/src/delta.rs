//! What changed since a revision.
//!
//! A client that holds revision 40 asks for `delta=40` and is sent every row changed after 40 as it is
//! *now*, and the ids of those that are gone. Too much is harmless, as the client overwrites by id; too
//! little leaves it wrong for good. So where we cannot be sure (the history before 40 was dropped, or 40
//! is not of this run) the answer is [`Delta::Unknown`], and the caller sends a full listing.
//!
//! Behind it is a log: for each revision the ids of the rows that came, changed or went. It is bounded by
//! [`HISTORY_IDS`] and by [`HISTORY_REVISIONS`], and an owner who knows that nobody can ask for what lies further
//! back may cut it shorter with [`Model::forget`](crate::Model::forget).

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;

use crate::Revision;

/// How many ids the log of each collection may have beyond as many as there are rows. Past it the oldest revisions
/// are forgotten, and clients that last looked before then get a full listing, which is hardly longer.
pub const HISTORY_IDS: usize = 100_000;

/// How many revisions the log of each collection goes back. At one revision a second, the pace of a busy scan, it
/// is over two hours.
pub const HISTORY_REVISIONS: u32 = 10_000;

/// What changed since a revision, or that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta<Changed, Id> {
    /// The revision is too old, or was never reached: only a full listing is right.
    Unknown,
    /// What happened since.
    Known {
        /// What was added or changed, as it is now.
        changed: Changed,
        /// The ids of what is gone, ascending.
        gone: Vec<Id>,
    },
}

/// The history of one collection: which rows came, changed or went at which revision.
#[derive(Clone, Debug)]
pub(crate) struct History<Id> {
    log: OrdMap<Revision, Arc<[Id]>>,
    /// How many ids are in the log.
    len: usize,
    /// Everything that happened after this revision is in the log.
    known_from: Revision,
}

impl<Id: Copy + Ord> History<Id> {
    /// A history that begins at `revision`.
    pub(crate) fn from(revision: Revision) -> Self {
        Self { log: OrdMap::new(), len: 0, known_from: revision }
    }

    /// Notes which rows came, changed or went at `now`, after which there are `rows` of them.
    pub(crate) fn note(&mut self, now: Revision, ids: &[Id], rows: usize) {
        // What made the collection is told to nobody: who has seen less gets a full listing.
        if ids.is_empty() || now <= self.known_from {
            return;
        }
        self.log.insert(now, ids.into());
        self.len += ids.len();
        self.forget(Revision::new(now.get().saturating_sub(HISTORY_REVISIONS)));
        while self.len > rows + HISTORY_IDS
            && let Some(&(oldest, _)) = self.log.get_min()
        {
            self.forget(oldest);
        }
    }

    /// Drops what only those would ask for who have seen less than this revision.
    pub(crate) fn forget(&mut self, revision: Revision) {
        while let Some((oldest, ids)) = self.log.get_min()
            && *oldest <= revision
        {
            let oldest = *oldest;
            self.len -= ids.len();
            self.log.remove(&oldest);
            self.known_from = oldest;
        }
    }

    /// Which rows came or changed and which went after `seen`, where `current` is the revision now. `is_there`
    /// tells whether an id is in the collection: one that went and came back is not gone.
    pub(crate) fn since(
        &self,
        seen: Revision,
        current: Revision,
        is_there: impl Fn(&Id) -> bool,
    ) -> Delta<Vec<Id>, Id> {
        if seen > current {
            return Delta::Unknown;
        }
        let Some(ids) = self.after(seen) else { return Delta::Unknown };
        let (changed, gone) = ids.into_iter().partition(is_there);
        Delta::Known { changed, gone }
    }

    /// Which rows came, changed or went after `seen`, ascending; `None` where that is forgotten.
    pub(crate) fn after(&self, seen: Revision) -> Option<Vec<Id>> {
        if seen < self.known_from {
            return None;
        }
        let after = self.log.range((Bound::Excluded(seen), Bound::Unbounded));
        let mut ids: Vec<Id> = after.flat_map(|(_, ids)| ids.iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }

    /// What somebody is told of it who knows of one row alone, which last changed at `revision`.
    pub(crate) fn of_one(&self, id: Id, revision: Revision) -> Self {
        let mut history = Self::from(self.known_from);
        history.note(revision, &[id], 1);
        history
    }

    /// The last revision at which any row came, changed or went.
    pub(crate) fn latest(&self) -> Revision {
        self.log.get_max().map_or(self.known_from, |(revision, _)| *revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history from revision 2, with these rows at each revision after it.
    fn history(log: impl IntoIterator<Item = Vec<u32>>, rows: usize) -> History<u32> {
        let mut history = History::from(Revision::new(2));
        for (ids, revision) in log.into_iter().zip(3..) {
            history.note(Revision::new(revision), &ids, rows);
        }
        history
    }

    #[track_caller]
    fn check_known_from(history: &History<u32>, seen: u32) {
        let known = |seen| {
            let delta = history.since(Revision::new(seen), Revision::new(u32::MAX), |_| true);
            delta != Delta::Unknown
        };
        assert!(!known(seen - 1) && known(seen), "{:?}", history.known_from);
    }

    #[test]
    fn what_went_and_what_is_there_are_told_apart_and_named_once() {
        let history = history([vec![1, 2], vec![2, 3], vec![1, 3]], 1);
        let since = |seen| history.since(Revision::new(seen), Revision::new(5), |id| *id == 3);
        let known = |changed, gone| Delta::Known { changed, gone };
        assert_eq!(since(2), known(vec![3], vec![1, 2]));
        assert_eq!(since(4), known(vec![3], vec![1]));
        assert_eq!(since(5), known(vec![], vec![]));
        assert_eq!((since(1), since(6)), (Delta::Unknown, Delta::Unknown));
    }

    #[test]
    fn the_oldest_ids_are_forgotten_past_the_bound_and_the_client_is_told() {
        let half = HISTORY_IDS as u32 / 2;
        check_known_from(&history([(0..half).collect(), (0..half).collect()], 0), 2);
        let log = || [(0..half).collect(), (0..half).collect(), vec![1]];
        check_known_from(&history(log(), 0), 3);
        // A library of many rows may have a long log.
        check_known_from(&history(log(), 1), 2);
    }

    #[test]
    fn old_revisions_are_forgotten() {
        let revisions = HISTORY_REVISIONS as usize;
        check_known_from(&history(vec![vec![1]; revisions], 1), 2);
        check_known_from(&history(vec![vec![1]; revisions + 5], 1), 7);
    }

    #[test]
    fn a_history_is_forgotten_on_demand() {
        let mut history = history([vec![1], vec![2], vec![3]], 3);
        history.forget(Revision::new(4));
        check_known_from(&history, 4);
        assert_eq!(history.len, 1);
        history.forget(Revision::new(3));
        check_known_from(&history, 4);
    }
}
