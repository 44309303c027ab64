//! What changed since a revision.
//!
//! A client that holds revision 40 asks for `delta=40` and is sent every row changed after 40 as it is
//! *now*, and the ids of those that are gone. Too much is harmless, as the client overwrites by id; too
//! little leaves it wrong for good. So where we cannot be sure (the history before 40 was dropped, or 40
//! is not of this run) the answer is [`Delta::Unknown`], and the caller sends a full listing.
//!
//! What is there carries the revision that last changed it, which costs nothing to keep for ever. What
//! went leaves its id in a log, which is bounded: by [`GONE_IDS`] and by [`GONE_REVISIONS`].

use std::ops::Bound;

use imbl::OrdSet;

use crate::Revision;

/// How many ids of rows that went are remembered, in each collection. Past it the oldest are forgotten,
/// and clients that last looked before then get a full listing.
pub const GONE_IDS: usize = 100_000;

/// For how many revisions the ids of rows that went are remembered. At one revision a second, the pace
/// of a busy scan, it is over two hours.
pub const GONE_REVISIONS: u32 = 10_000;

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

/// The history of one collection: who changed when, and who went when.
#[derive(Clone, Debug)]
pub(crate) struct History<Id: Ord> {
    changed: OrdSet<(Revision, Id)>,
    gone: OrdSet<(Revision, Id)>,
    /// Everything that went after this revision is in `gone`.
    known_from: Revision,
}

/// An id that can be the lower end of a range.
pub(crate) trait RowId: Copy + Ord {
    const LOWEST: Self;
}

macro_rules! row_id {
    ($($id:ident)*) => { $(impl RowId for crate::$id { const LOWEST: Self = crate::$id::LOWEST; })* };
}
row_id!(DatabaseId ItemId ContainerId);

impl<Id: RowId> History<Id> {
    /// A history that begins at `revision`.
    pub(crate) fn from(revision: Revision) -> Self {
        Self { changed: OrdSet::new(), gone: OrdSet::new(), known_from: revision }
    }

    /// Notes that `id` changed at `now`, having last changed at `before`.
    pub(crate) fn change(&mut self, id: Id, before: Option<Revision>, now: Revision) {
        if let Some(before) = before {
            self.changed.remove(&(before, id));
        }
        self.changed.insert((now, id));
    }

    /// Notes that `id`, which last changed at `before`, went at `now`.
    pub(crate) fn remove(&mut self, id: Id, before: Revision, now: Revision) {
        self.changed.remove(&(before, id));
        self.gone.insert((now, id));
        self.forget(now);
    }

    fn forget(&mut self, now: Revision) {
        let oldest = Revision::new(now.get().saturating_sub(GONE_REVISIONS));
        while let Some(&(revision, id)) = self.gone.get_min()
            && (self.gone.len() > GONE_IDS || revision <= oldest)
        {
            self.gone.remove(&(revision, id));
            self.known_from = self.known_from.max(revision);
        }
    }

    /// Who changed and who went after `seen`, where `current` is the revision now. `is_there` tells
    /// whether an id is in the collection: one that went and came back is not gone.
    pub(crate) fn since(
        &self,
        seen: Revision,
        current: Revision,
        is_there: impl Fn(&Id) -> bool,
    ) -> Delta<Vec<Id>, Id> {
        if seen < self.known_from || seen > current {
            return Delta::Unknown;
        }
        let after = |log: &OrdSet<(Revision, Id)>| -> Vec<Id> {
            if seen == current {
                return Vec::new();
            }
            let start = Bound::Included((seen.next(), Id::LOWEST));
            log.range((start, Bound::Unbounded)).map(|&(_, id)| id).collect()
        };
        let mut changed = after(&self.changed);
        changed.sort_unstable();
        let mut gone = after(&self.gone);
        gone.retain(|id| !is_there(id));
        gone.sort_unstable();
        gone.dedup();
        Delta::Known { changed, gone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ItemId;

    fn id(number: u32) -> ItemId {
        ItemId::new(number).unwrap()
    }

    fn known(history: &History<ItemId>, seen: u32, current: u32) -> bool {
        let delta = history.since(Revision::new(seen), Revision::new(current), |_| false);
        matches!(delta, Delta::Known { .. })
    }

    #[test]
    fn the_oldest_ids_are_forgotten_past_the_bound_and_the_client_is_told() {
        let mut history = History::from(Revision::new(2));
        for number in 0..=GONE_IDS as u32 {
            history.remove(id(number + 1), Revision::new(2), Revision::new(3 + number / 50_000));
        }
        assert_eq!(history.gone.len(), GONE_IDS);
        // One id of revision 3 is lost, so only who has seen 3 knows all that went since.
        assert!(!known(&history, 2, 5));
        assert!(known(&history, 3, 5));
    }

    #[test]
    fn old_revisions_are_forgotten() {
        let mut history = History::from(Revision::new(2));
        history.remove(id(1), Revision::new(2), Revision::new(3));
        let later = 3 + GONE_REVISIONS;
        history.remove(id(2), Revision::new(2), Revision::new(later));
        assert_eq!(history.gone.len(), 1);
        assert!(!known(&history, 2, later));
        assert!(known(&history, 3, later));
    }

    #[test]
    fn an_id_that_went_twice_is_named_once() {
        let mut history = History::from(Revision::new(2));
        history.remove(id(1), Revision::new(2), Revision::new(3));
        history.change(id(1), None, Revision::new(4));
        history.remove(id(1), Revision::new(4), Revision::new(5));
        let delta = history.since(Revision::new(2), Revision::new(5), |_| false);
        assert_eq!(delta, Delta::Known { changed: vec![], gone: vec![id(1)] });
    }
}
