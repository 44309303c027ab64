//! Ids for ever that no two rows of a collection share, whatever a server says.

use std::collections::HashMap;

use daap_model::PersistentId;

/// Who claims which id for ever in a collection that is being taken in.
pub(super) struct Claims {
    /// What derived ids follow from beside the row id: the owner's own id.
    seed: u64,
    /// By the row id of the claimant.
    claimed: HashMap<PersistentId, u32>,
}

impl Claims {
    /// Claims in the collection of the owner with this id. What is `kept` is taken.
    pub(super) fn new(seed: u64, kept: impl IntoIterator<Item = (PersistentId, u32)>) -> Self {
        Self { seed, claimed: kept.into_iter().collect() }
    }

    /// The id for ever of a row: the one that the server gives it, unless that is another's, else one that follows
    /// from the row's id. `is_held` tells whether a row that is not being taken in has an id.
    pub(super) fn claim(
        &mut self,
        row: u32,
        wanted: Option<PersistentId>,
        is_held: impl Fn(PersistentId) -> bool,
    ) -> PersistentId {
        let mut attempt = 0;
        let mut id = wanted.unwrap_or_else(|| derived(self.seed, row, attempt));
        while self.claimed.get(&id).map_or_else(|| is_held(id), |holder| *holder != row) {
            id = derived(self.seed, row, attempt);
            attempt += 1;
        }
        self.claimed.insert(id, row);
        id
    }
}

/// The id for ever of a row to which its server gives none. It is the same each time: programs file what they know
/// of a song under it.
pub(super) fn derived(seed: u64, row: u32, attempt: u32) -> PersistentId {
    let mut hash = seed ^ u64::from(row) << 32 ^ u64::from(attempt);
    // The finish of MurmurHash3, twice: neighbours must not look alike.
    for _ in 0..2 {
        hash = (hash ^ hash >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        hash = (hash ^ hash >> 33).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
        hash ^= hash >> 33;
    }
    PersistentId::new(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> PersistentId {
        PersistentId::new(number)
    }

    #[test]
    fn a_row_gets_what_its_server_gives_it_unless_another_has_that() {
        let mut claims = Claims::new(7, [(id(10), 1)]);
        let free = |_| false;
        assert_eq!(claims.claim(1, Some(id(10)), free), id(10));
        assert_eq!(claims.claim(2, Some(id(20)), free), id(20));
        assert_eq!(claims.claim(3, Some(id(20)), free), derived(7, 3, 0));
        assert_eq!(claims.claim(4, None, free), derived(7, 4, 0));
        assert_eq!(claims.claim(5, Some(id(50)), |held| held == id(50)), derived(7, 5, 0));
    }

    #[test]
    fn a_derived_id_that_is_taken_gives_way_to_the_next() {
        let mut claims = Claims::new(7, []);
        assert_eq!(claims.claim(1, Some(derived(7, 2, 0)), |_| false), derived(7, 2, 0));
        assert_eq!(claims.claim(2, None, |_| false), derived(7, 2, 1));
    }

    #[test]
    fn a_derived_id_is_the_same_for_ever() {
        assert_eq!(derived(7, 1, 0).to_string(), "F296E445A419448A");
        assert_ne!(derived(7, 1, 0), derived(8, 1, 0));
        assert_ne!(derived(7, 1, 0), derived(7, 2, 0));
    }
}
