//! Counting what peers hold, so that none holds too much.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::peer::{Origin, Peer};

/// A bounded number of things (connections, held polls, big listings), and a bounded number of them per peer.
#[derive(Debug)]
pub(crate) struct Quota {
    total: usize,
    per_peer: usize,
    /// A plain mutex for short steps.
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    /// Only peers that hold something.
    by_peer: HashMap<IpAddr, usize>,
}

/// One of a [`Quota`]'s things; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Ticket {
    quota: Arc<Quota>,
    peer: IpAddr,
}

impl Quota {
    pub(crate) fn new(total: usize, per_peer: usize) -> Arc<Self> {
        Arc::new(Self { total, per_peer, held: Mutex::default() })
    }

    /// Takes one for a peer, unless the bound is reached. Who is `exempt` counts towards the total only:
    /// this machine can hold many, as a proxy may run on it.
    pub(crate) fn take(self: &Arc<Self>, peer: IpAddr, exempt: bool) -> Option<Ticket> {
        let mut held = self.held();
        let of_peer = held.by_peer.get(&peer).copied().unwrap_or(0);
        if held.total >= self.total || (!exempt && of_peer >= self.per_peer) {
            return None;
        }
        held.total += 1;
        held.by_peer.insert(peer, of_peer + 1);
        Some(Ticket { quota: Arc::clone(self), peer })
    }

    /// Takes one for a peer; this machine is exempt.
    pub(crate) fn take_for(self: &Arc<Self>, peer: Peer) -> Option<Ticket> {
        self.take(peer.address, peer.origin == Origin::Machine)
    }

    /// How many are held now.
    pub(crate) fn held_now(&self) -> usize {
        self.held().total
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut held = self.quota.held();
        held.total -= 1;
        if let Some(of_peer) = held.by_peer.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                held.by_peer.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn peer(n: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, n).into()
    }

    #[test]
    fn a_peer_holds_its_share_and_all_together_the_total() {
        let quota = Quota::new(3, 2);
        let first = quota.take(peer(1), false);
        let second = quota.take(peer(1), false);
        assert!(first.is_some() && second.is_some());
        assert!(quota.take(peer(1), false).is_none(), "its share is used up");
        let third = quota.take(peer(2), false);
        assert!(third.is_some());
        assert!(quota.take(peer(3), true).is_none(), "the total is used up");
        drop(first);
        assert!(quota.take(peer(1), false).is_some());
        assert_eq!(quota.held_now(), 2);
    }

    #[test]
    fn nothing_is_kept_of_peers_that_hold_nothing() {
        let quota = Quota::new(10, 10);
        let tickets: Vec<_> = (0..5).map(|n| quota.take(peer(n), true)).collect();
        drop(tickets);
        assert!(quota.held().by_peer.is_empty());
        assert_eq!(quota.held_now(), 0);
    }
}
