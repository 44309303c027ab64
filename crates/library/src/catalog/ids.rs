//! Where the ids of a catalog come from.

use std::sync::atomic::{AtomicU32, Ordering};

use daap_model::{ContainerId, ContainerItemId, DatabaseId, ItemId, PersistentId};

/// The ids that a catalog gives. Each is given once, whatever becomes of the changes it was given for, and is
/// above every id that the author has chosen.
#[derive(Debug)]
pub(super) struct Ids {
    /// All persistent ids that the author does not choose follow from it.
    seed: PersistentId,
    databases: AtomicU32,
    items: AtomicU32,
    containers: AtomicU32,
    entries: AtomicU32,
}

/// Every id has been given, or one was chosen that is above those that are given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exhausted;

/// An id of one kind, as it is counted.
pub(super) trait RowId: Copy {
    const HIGHEST: Self;

    fn to_give(number: u32) -> Option<Self>;
    fn number(self) -> u32;
    fn last_of(ids: &Ids) -> &AtomicU32;
}

macro_rules! row_id {
    ($($id:ident in $counter:ident)*) => { $(
        impl RowId for $id {
            const HIGHEST: Self = Self::HIGHEST;

            fn to_give(number: u32) -> Option<Self> {
                Self::to_give(number)
            }

            fn number(self) -> u32 {
                self.get()
            }

            fn last_of(ids: &Ids) -> &AtomicU32 {
                &ids.$counter
            }
        }
    )* };
}
row_id!(DatabaseId in databases ItemId in items ContainerId in containers ContainerItemId in entries);

impl Ids {
    pub(super) fn new(seed: PersistentId) -> Self {
        Self {
            seed,
            databases: AtomicU32::new(super::Catalog::MAIN.get()),
            items: AtomicU32::new(0),
            containers: AtomicU32::new(ContainerId::BASE.get()),
            entries: AtomicU32::new(0),
        }
    }

    /// An id that was never given.
    pub(super) fn next<Id: RowId>(&self) -> Result<Id, Exhausted> {
        let above = |last: u32| Id::to_give(last + 1).map(Id::number);
        let last = Id::last_of(self).fetch_update(Ordering::Relaxed, Ordering::Relaxed, above);
        last.ok().and_then(|last| Id::to_give(last + 1)).ok_or(Exhausted)
    }

    /// The id that the author chose, which is not given from now on; or one that was never given.
    pub(super) fn chosen_or_next<Id: RowId>(&self, chosen: Option<Id>) -> Result<Id, Exhausted> {
        let Some(chosen) = chosen else { return self.next() };
        if chosen.number() > Id::HIGHEST.number() {
            return Err(Exhausted);
        }
        Id::last_of(self).fetch_max(chosen.number(), Ordering::Relaxed);
        Ok(chosen)
    }

    /// The persistent id of a database for which the author chose none.
    pub(super) fn database(&self, database: DatabaseId) -> PersistentId {
        self.follow(b'd', database, 0)
    }

    /// The persistent id of a song for which the author chose none.
    pub(super) fn item(&self, database: DatabaseId, item: ItemId) -> PersistentId {
        self.follow(b'i', database, item.get())
    }

    /// The persistent id of a container for which the author chose none.
    pub(super) fn container(&self, database: DatabaseId, container: ContainerId) -> PersistentId {
        self.follow(b'c', database, container.get())
    }

    fn follow(&self, kind: u8, database: DatabaseId, number: u32) -> PersistentId {
        let numbers = [database.get().to_le_bytes(), number.to_le_bytes()];
        let seed = self.seed.get().to_le_bytes();
        hash([&seed[..], &[kind], &numbers.concat()].concat())
    }
}

/// The persistent id that a share of this name has unless it is given one.
pub(super) fn of_name(name: &str) -> PersistentId {
    hash(name.bytes())
}

/// FNV-1a: the same in every run and on every machine.
fn hash(bytes: impl IntoIterator<Item = u8>) -> PersistentId {
    let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    PersistentId::new(bytes.into_iter().fold(0xCBF2_9CE4_8422_2325, mix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_given_once_and_never_one_that_was_chosen() {
        let ids = Ids::new(of_name("test"));
        let item = |number| ItemId::new(number).unwrap();
        assert_eq!(ids.next::<ItemId>().unwrap(), item(1));
        assert_eq!(ids.chosen_or_next(Some(item(7))).unwrap(), item(7));
        assert_eq!(ids.chosen_or_next(Some(item(3))).unwrap(), item(3));
        assert_eq!(ids.chosen_or_next::<ItemId>(None).unwrap(), item(8));
        assert_eq!(ids.next::<ContainerId>().unwrap().get(), 2);
    }

    #[test]
    fn when_all_ids_are_given_there_is_no_more() {
        let ids = Ids::new(of_name("test"));
        ids.chosen_or_next(ItemId::new(ItemId::MAX - 1)).unwrap();
        assert_eq!(ids.next::<ItemId>().unwrap(), ItemId::HIGHEST);
        assert!(ids.next::<ItemId>().is_err());
        assert!(ids.next::<ItemId>().is_err());
    }

    #[test]
    fn an_id_that_some_clients_cannot_read_is_not_chosen() {
        let ids = Ids::new(of_name("test"));
        assert!(ids.chosen_or_next(ItemId::new(ItemId::MAX + 1)).is_err());
        assert!(ids.next::<ItemId>().is_ok());
    }

    #[test]
    fn persistent_ids_are_the_same_in_every_run() {
        assert_eq!(of_name("").get(), 0xCBF2_9CE4_8422_2325);
        assert_eq!(of_name("a").get(), 0xAF63_DC4C_8601_EC8C);
        let (one, other) = (Ids::new(of_name("test")), Ids::new(of_name("test")));
        let (database, item) = (DatabaseId::LOWEST, ItemId::HIGHEST);
        assert_eq!(one.item(database, item), other.item(database, item));
        assert_ne!(one.item(database, item), one.database(database));
    }
}
