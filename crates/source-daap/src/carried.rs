//! Whose songs a server has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use daap_proto::Lineage;

/// Whose songs a server has: its own library's, those of the shares that it republishes, and so on. Clones are the
/// same; the sources of a server have it in common, and the server tells of it.
///
/// A share is in it before any of its songs is listed, and for as long as one is. So whoever finds songs here can know
/// whose they may be.
#[derive(Clone, Debug)]
pub struct Carried(Arc<Carrying>);

#[derive(Debug)]
struct Carrying {
    own: u64,
    /// By the URLs of the shares. Held for a short step.
    shares: Mutex<BTreeMap<String, Lineage>>,
}

impl Carried {
    /// That of a server with this library of its own, which republishes nothing so far.
    #[must_use]
    pub fn new(own: u64) -> Self {
        Self(Arc::new(Carrying { own, shares: Mutex::default() }))
    }

    /// The server's own library.
    #[must_use]
    pub fn own(&self) -> u64 {
        self.0.own
    }

    /// All that the server has now.
    #[must_use]
    pub fn lineage(&self) -> Lineage {
        let mut lineage = Lineage::of(self.own());
        self.shares().values().for_each(|share| lineage.republish(share));
        lineage
    }

    /// Says that a share is republished, and whose songs that has.
    pub(crate) fn put(&self, share: &str, lineage: Lineage) {
        self.shares().insert(share.to_owned(), lineage);
    }

    /// Says that nothing of a share is listed any more.
    pub(crate) fn remove(&self, share: &str) {
        self.shares().remove(share);
    }

    fn shares(&self) -> MutexGuard<'_, BTreeMap<String, Lineage>> {
        self.0.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_its_own_songs_and_those_of_its_shares() {
        let carried = Carried::new(1);
        assert_eq!(carried.lineage(), Lineage::of(1));
        let mut attic = Lineage::of(2);
        attic.republish(&Lineage::of(3));
        carried.put("attic", attic);
        carried.put("nas", Lineage::of(4));
        assert_eq!(carried.lineage().lowest_in_ring_with(3), Some(1));
        carried.remove("attic");
        assert_eq!(carried.lineage().lowest_in_ring_with(3), None);
        assert_eq!(carried.lineage().lowest_in_ring_with(4), Some(1));
    }
}
