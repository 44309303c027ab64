//! Wrong passwords, counted per peer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{Limits, Uptime};

/// Slows down who guesses passwords. Each peer may be wrong [`Limits::wrong_passwords`] times in a row,
/// and once more after each [`Limits::wrong_password_pause`].
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

    /// Whether the peer may try a password now; if not, how long it has to wait.
    pub(crate) fn check(&self, peer: IpAddr) -> Result<(), Duration> {
        let now = self.uptime.now();
        let Some(settled) = self.settled().get(&peer).copied() else { return Ok(()) };
        let free = now + self.pause * (self.burst - 1);
        if settled <= free { Ok(()) } else { Err(settled - free) }
    }

    /// Notes that the peer was wrong.
    pub(crate) fn wrong(&self, peer: IpAddr) {
        let now = self.uptime.now();
        let mut peers = self.settled();
        if !peers.contains_key(&peer) && peers.len() >= self.capacity {
            peers.retain(|_, settled| *settled > now);
            if peers.len() >= self.capacity {
                let first =
                    peers.iter().min_by_key(|(_, settled)| **settled).map(|(peer, _)| *peer);
                first.map(|peer| peers.remove(&peer));
            }
        }
        let settled = peers.entry(peer).or_insert(now);
        *settled = (*settled).max(now) + self.pause;
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
            assert_eq!(throttle.check(peer(1)), Ok(()));
            throttle.wrong(peer(1));
        }
        assert_eq!(throttle.check(peer(1)), Err(Duration::from_secs(10)));
        assert_eq!(throttle.check(peer(2)), Ok(()), "others are not affected");
        clock.advance(Duration::from_secs(10));
        assert_eq!(throttle.check(peer(1)), Ok(()));
        throttle.wrong(peer(1));
        assert!(throttle.check(peer(1)).is_err());
        clock.advance(Duration::from_secs(60));
        throttle.wrong(peer(1));
        assert_eq!(throttle.check(peer(1)), Ok(()), "patience is rewarded");
    }

    #[test]
    fn many_peers_take_bounded_room() {
        let (_, throttle) = throttle();
        for n in 0..100 {
            throttle.wrong(peer(n));
        }
        assert_eq!(throttle.settled().len(), 4);
    }
}
