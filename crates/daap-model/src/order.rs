//! Orders of all songs, made when first asked for and carried over to the next snapshot.
//!
//! An order is an array of ids. When a batch changes a few songs, the next snapshot keeps the array of
//! the one before with the songs it was made of; when the order is asked for again, those that differ are taken
//! out and put in at their new place. A commit so costs nothing here, and a sorted page after it one copy.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::index::ById;
use crate::sort::{self, Key, KeyWriter};
use crate::{Item, ItemId, Sort};

/// A carried-over order is given up when more than one song in so many has changed since: sorting anew
/// is then as quick.
const CARRY_ONE_IN: usize = 32;

/// An order is made once one song in so many has been sorted without it: who asks again is then quickly answered.
const MAKE_AT_ONE_IN: usize = 4;

/// The orders of a snapshot's songs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    made: Arc<[OnceLock<Arc<[ItemId]>>; 4]>,
    carried: [Option<Carried>; 4],
    /// How many songs have been sorted while the order was not there, by all snapshots so far.
    sorted: Arc<[AtomicUsize; 4]>,
}

/// An order as it was, of the songs as they were.
#[derive(Clone, Debug)]
struct Carried {
    order: Arc<[ItemId]>,
    items: ById,
    /// How many songs changed since; counts one again that changed again.
    changes: usize,
}

impl Orders {
    /// The orders of the snapshot after the one with these songs, of which so many change.
    pub(crate) fn next(&self, items: &ById, changes: usize) -> Self {
        let carried = [0, 1, 2, 3].map(|slot| {
            let mut carried = match (self.made[slot].get(), &self.carried[slot]) {
                (Some(order), _) => {
                    Carried { order: Arc::clone(order), items: items.clone(), changes: 0 }
                }
                (None, Some(earlier)) => earlier.clone(),
                (None, None) => return None,
            };
            carried.changes += changes;
            (carried.changes * CARRY_ONE_IN <= carried.order.len()).then_some(carried)
        });
        Self { made: Arc::default(), carried, sorted: Arc::clone(&self.sorted) }
    }

    /// The ids of all songs in this order.
    pub(crate) fn order(&self, items: &ById, sort: Sort) -> Arc<[ItemId]> {
        let slot = sort as usize;
        let make = || match &self.carried[slot] {
            Some(carried) => carried.follow(items, sort),
            None => sorted(items.values().map(Arc::as_ref), sort),
        };
        self.made[slot].get_or_init(make).clone()
    }

    /// Whether to make an order that is not at hand rather than to sort some `rows` of all `songs` once more.
    pub(crate) fn is_worth_making(&self, sort: Sort, rows: usize, songs: usize) -> bool {
        let sorted = self.sorted[sort as usize].fetch_add(rows, Ordering::Relaxed);
        (sorted + rows) * MAKE_AT_ONE_IN >= songs
    }

    /// Whether the order is at hand, or quickly made.
    pub(crate) fn is_cheap(&self, sort: Sort) -> bool {
        let slot = sort as usize;
        self.made[slot].get().is_some() || self.carried[slot].is_some()
    }
}

impl Carried {
    fn follow(&self, items: &ById, sort: Sort) -> Arc<[ItemId]> {
        let mut out = Vec::new();
        let mut put: Vec<(usize, Key, ItemId)> = Vec::new();
        let key = |item: &Arc<Item>| sort::key(item, sort);
        for (id, before, after) in self.items.diff(items) {
            let (before, after) = (before.map(key), after.map(key));
            if before == after {
                continue;
            }
            if let Some(before) = before {
                out.push(self.place(&before, *id, sort));
            }
            if let Some(after) = after {
                put.push((self.place(&after, *id, sort), after, *id));
            }
        }
        if out.is_empty() && put.is_empty() {
            return Arc::clone(&self.order);
        }
        out.sort_unstable();
        put.sort_unstable();
        splice(&self.order, &out, &put)
    }

    /// How many songs come before one with this key and id, in the order as it was.
    fn place(&self, key: &[u8], id: ItemId, sort: Sort) -> usize {
        let mut other = Key::new();
        self.order.partition_point(|at| {
            other.clear();
            if let Some(item) = self.items.get(at) {
                KeyWriter::default().write(item, sort, &mut other);
            }
            (other.as_slice(), *at) < (key, id)
        })
    }
}

/// The order without the places `out` and with the songs `put` before their places; both ascending.
fn splice(order: &[ItemId], out: &[usize], put: &[(usize, Key, ItemId)]) -> Arc<[ItemId]> {
    let mut spliced = Vec::with_capacity(order.len() + put.len() - out.len());
    let mut from = 0;
    let (mut out, mut put) = (out.iter().copied().peekable(), put.iter().peekable());
    loop {
        let next_out = out.peek().copied().unwrap_or(order.len());
        match put.next_if(|(place, ..)| *place <= next_out) {
            Some((place, _, id)) => {
                spliced.extend_from_slice(&order[from..*place]);
                spliced.push(*id);
                from = *place;
            }
            None => {
                spliced.extend_from_slice(&order[from..next_out]);
                if out.next().is_none() {
                    return spliced.into();
                }
                from = next_out + 1;
            }
        }
    }
}

/// The ids of these songs in this order.
pub(crate) fn sorted<'a>(items: impl Iterator<Item = &'a Item>, sort: Sort) -> Arc<[ItemId]> {
    let mut writer = KeyWriter::default();
    let mut keys = Key::new();
    let mut rows: Vec<SortRow> = items
        .map(|item| {
            let start = keys.len();
            writer.write(item, sort, &mut keys);
            SortRow { head: head(&keys[start..]), start, end: keys.len(), id: item.id }
        })
        .collect();
    rows.sort_unstable_by(|a, b| {
        let whole = |row: &SortRow| (&keys[row.start..row.end], row.id);
        a.head.cmp(&b.head).then_with(|| whole(a).cmp(&whole(b)))
    });
    rows.into_iter().map(|row| row.id).collect()
}

/// A song while it is being sorted: where its key lies among the others, and how it begins.
struct SortRow {
    head: u64,
    start: usize,
    end: usize,
    id: ItemId,
}

/// The first bytes of a key as a number: mostly that is all that needs to be compared.
fn head(key: &[u8]) -> u64 {
    let mut head = [0; 8];
    let length = key.len().min(head.len());
    head[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(head)
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::prelude::*;

    use super::*;
    use crate::{PersistentId, Revision, Timestamp, Track, Usage};

    fn item(id: u32, title: &str, album: &str, year: u16) -> Arc<Item> {
        Arc::new(Item {
            id: ItemId::new(id).unwrap(),
            persistent_id: PersistentId::new(id.into()),
            track: Track { title: title.into(), album: album.into(), year, ..Track::default() },
            usage: Usage { added: Timestamp(1), ..Usage::default() },
            custom: crate::Custom::NONE,
            album_id: PersistentId::new(1),
            artist_id: PersistentId::new(1),
            revision: Revision::FIRST,
        })
    }

    fn items() -> impl Strategy<Value = ById> {
        let facts = ("[aB1]?", "[x-z]?", prop::sample::select(vec![0_u16, 1960, 1999]));
        btree_map(1..30_u32, facts, 0..20).prop_map(|items| {
            let items = items.iter().map(|(id, (t, a, y))| item(*id, t, a, *y));
            items.map(|item| (item.id, item)).collect()
        })
    }

    fn fresh(items: &ById, sort: Sort) -> Arc<[ItemId]> {
        sorted(items.values().map(Arc::as_ref), sort)
    }

    proptest! {
        #[test]
        fn a_carried_over_order_equals_a_fresh_sort(
            before in items(), after in items(),
        ) {
            for sort in Sort::ALL {
                let order = fresh(&before, sort);
                let carried = Carried { order, items: before.clone(), changes: 0 };
                prop_assert_eq!(carried.follow(&after, sort), fresh(&after, sort));
            }
        }
    }

    #[test]
    fn an_order_is_carried_over_several_snapshots_and_given_up_after_many_changes() {
        let mut items: ById =
            (1..=100).map(|n| item(n, &n.to_string(), "", 0)).map(|i| (i.id, i)).collect();
        let mut orders = Orders::default();
        orders.order(&items, Sort::Title);
        for changes in 1..=4_u32 {
            let changed = item(changes * 10, "a", "", 0);
            orders = orders.next(&items, 1);
            items.insert(changed.id, changed);
            assert_eq!(orders.is_cheap(Sort::Title), changes * CARRY_ONE_IN as u32 <= 100);
        }
        assert_eq!(orders.order(&items, Sort::Title), fresh(&items, Sort::Title));
    }

    #[test]
    fn an_order_is_shared_when_no_song_moves() {
        let items: ById = (1..=100).map(|n| item(n, "x", "", 0)).map(|i| (i.id, i)).collect();
        let orders = Orders::default();
        let order = orders.order(&items, Sort::Album);
        let next = orders.next(&items, 1);
        assert!(Arc::ptr_eq(&order, &next.order(&items, Sort::Album)));
    }
}
