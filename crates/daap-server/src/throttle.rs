//! Wrong passwords, counted per peer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{Limits, Uptime};

/// Slows down who guesses passwords. Each peer may be wrong [`Limits::wrong_passwords`] times in a row,
/// and once more after each [`Limits::wrong_password_pause`]. A try counts from its beginning, so that nobody
/// gains by making many at the same time.
#[derive(Debug)]
pub(crate) struct Throttle {
    uptime: Uptime,
    burst: u32,
    pause: Duration,
    capacity: usize,
    /// Per peer the time at which it is as if it had never been wrong. A plain mutex for short steps.
    settled: Mutex<HashMap<IpAddr, Duration>>,
}

impl Throttle {
    pub(crate) fn new(uptime: Uptime, limits: &Limits) -> Self {
        Self {
            uptime,
            burst: limits.wrong_passwords.max(1),
            pause: limits.wrong_password_pause,
            capacity: limits.throttled_peers.max(1),
            settled: Mutex::default(),
        }
    }

    /// Begins a try, which counts as wrong unless it is [forgiven](Self::forgive). If the peer may not try
    /// now: how long it has to wait.
    pub(crate) fn begin(&self, peer: IpAddr) -> Result<(), Duration> {
        let now = self.uptime.now();
        let free = now.saturating_add(self.pause.saturating_mul(self.burst - 1));
        let mut peers = self.settled();
        if let Some(settled) = peers.get(&peer).filter(|settled| **settled > free) {
            return Err(*settled - free);
        }
        if !peers.contains_key(&peer) && peers.len() >= self.capacity {
            peers.retain(|_, settled| *settled > now);
            if peers.len() >= self.capacity {
                let first =
                    peers.iter().min_by_key(|(_, settled)| **settled).map(|(peer, _)| *peer);
                first.map(|peer| peers.remove(&peer));
            }
        }
        let settled = peers.entry(peer).or_insert(now);
        *settled = (*settled).max(now).saturating_add(self.pause);
        Ok(())
    }

    /// Takes back a try that was not wrong.
    pub(crate) fn forgive(&self, peer: IpAddr) {
        if let Some(settled) = self.settled().get_mut(&peer) {
            *settled = settled.saturating_sub(self.pause);
        }
    }

    fn settled(&self) -> MutexGuard<'_, HashMap<IpAddr, Duration>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::manual::ManualClock;
    use std::net::Ipv4Addr;

    fn peer(n: u32) -> IpAddr {
        Ipv4Addr::from(0xC0A8_0000 | n).into()
    }

    fn throttle() -> (ManualClock, Throttle) {
        let clock = ManualClock::default();
        let limits = Limits {
            wrong_passwords: 3,
            wrong_password_pause: Duration::from_secs(10),
            throttled_peers: 4,
            ..Limits::default()
        };
        let throttle = Throttle::new(clock.uptime(), &limits);
        (clock, throttle)
    }

    #[test]
    fn a_few_tries_are_free_then_one_per_pause() {
        let (clock, throttle) = throttle();
        for _ in 0..3 {
            assert_eq!(throttle.begin(peer(1)), Ok(()));
        }
        assert_eq!(throttle.begin(peer(1)), Err(Duration::from_secs(10)));
        assert_eq!(throttle.begin(peer(2)), Ok(()), "others are not affected");
        clock.advance(Duration::from_secs(10));
        assert_eq!(throttle.begin(peer(1)), Ok(()));
        assert!(throttle.begin(peer(1)).is_err());
        clock.advance(Duration::from_secs(60));
        for _ in 0..3 {
            assert_eq!(throttle.begin(peer(1)), Ok(()), "patience is rewarded");
        }
        assert!(throttle.begin(peer(1)).is_err());
    }

    #[test]
    fn a_try_that_was_not_wrong_makes_up_for_itself_alone() {
        let (clock, throttle) = throttle();
        for _ in 0..2 {
            throttle.begin(peer(1)).unwrap();
        }
        for _ in 0..100 {
            assert_eq!(throttle.begin(peer(1)), Ok(()));
            throttle.forgive(peer(1));
        }
        throttle.begin(peer(1)).unwrap();
        assert_eq!(throttle.begin(peer(1)), Err(Duration::from_secs(10)));
        clock.advance(Duration::from_secs(100));
        throttle.begin(peer(1)).unwrap();
        throttle.forgive(peer(1));
        for _ in 0..3 {
            throttle.begin(peer(1)).unwrap();
        }
        assert!(throttle.begin(peer(1)).is_err(), "it has no credit");
    }

    #[test]
    fn many_peers_take_bounded_room() {
        let (_, throttle) = throttle();
        for n in 0..100 {
            throttle.begin(peer(n)).unwrap();
        }
        assert_eq!(throttle.settled().len(), 4);
    }
}
