//! A set of songs, for going through many that are mostly not in it.

use crate::ItemId;

/// A set of songs that says at once of most others that they are not in it.
#[derive(Debug)]
pub(crate) struct IdSet {
    /// Ascending.
    ids: Vec<ItemId>,
    /// A bit for each number that the low bits of an id can be: whether an id of the set has it there. About eight
    /// for each id, so that few others have a bit that is set.
    bits: Vec<u64>,
}

impl IdSet {
    /// The set of these, ascending.
    pub(crate) fn of(ids: Vec<ItemId>) -> Self {
        let words = (ids.len() * 8).div_ceil(64).next_power_of_two();
        let mut set = Self { ids: Vec::new(), bits: vec![0; words] };
        for id in &ids {
            let (word, bit) = set.place(*id);
            set.bits[word] |= bit;
        }
        Self { ids, ..set }
    }

    pub(crate) fn has(&self, id: ItemId) -> bool {
        let (word, bit) = self.place(id);
        self.bits[word] & bit != 0 && self.ids.binary_search(&id).is_ok()
    }

    fn place(&self, id: ItemId) -> (usize, u64) {
        let number = id.get() as usize;
        ((number / 64) & (self.bits.len() - 1), 1 << (number % 64))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_has_what_was_put_in_and_nothing_else(
            numbers in btree_set(prop_oneof![1..200_u32, 1_u32..], 0..80),
            others in btree_set(prop_oneof![1..200_u32, 1_u32..], 0..80),
        ) {
            let ids = |numbers: &BTreeSet<u32>| -> Vec<ItemId> {
                numbers.iter().copied().filter_map(ItemId::new).collect()
            };
            let set = IdSet::of(ids(&numbers));
            for id in ids(&numbers).into_iter().chain(ids(&others)) {
                prop_assert_eq!(set.has(id), numbers.contains(&id.get()));
            }
        }
    }
}
