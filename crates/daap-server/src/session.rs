//! Who is logged in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{Limits, Uptime};

/// The sessions that `/login` made.
///
/// A session is not tied to an address: a client may use IPv4 and IPv6 in turn. It ends with `/logout`,
/// or when nobody used it for [`Limits::sessions_idle`]. When the table is full, these make room, in
/// this order: the oldest that was never used since its login (a client that logs in over and over, as
/// libdmapsharing 2 does after some errors, makes many of those and pushes out nobody else), then the
/// one idle for longest if that is longer than [`Limits::sessions_idle_when_full`]. Nor can one peer fill
/// the table: beyond its share a new session costs it one of its own.
#[derive(Debug)]
pub(crate) struct Sessions {
    uptime: Uptime,
    capacity: usize,
    per_peer: usize,
    idle: Duration,
    idle_when_full: Duration,
    /// A plain mutex: each step under it is short and waits for nothing.
    table: Mutex<HashMap<u32, Arc<Session>>>,
}

#[derive(Debug)]
struct Session {
    peer: IpAddr,
    /// Milliseconds of uptime, at login.
    opened: u64,
    /// Milliseconds of uptime, plus one, when it was last used; 0 before its first use.
    used: AtomicU64,
    ended: CancellationToken,
}

impl Session {
    fn last(&self) -> Duration {
        let used = self.used.load(Ordering::Relaxed);
        Duration::from_millis(used.max(self.opened))
    }

    fn was_used(&self) -> bool {
        self.used.load(Ordering::Relaxed) != 0
    }
}

/// A use of a session: a request, a held poll, a stream. While it lives the session is not idle.
#[derive(Debug)]
pub(crate) struct Activity {
    session: Arc<Session>,
    uptime: Uptime,
}

impl Activity {
    /// Waits until the session is over.
    pub(crate) async fn ended(&self) {
        self.session.ended.cancelled().await;
    }

    fn mark(&self) {
        self.session.used.store(millis(self.uptime.now()).saturating_add(1), Ordering::Relaxed);
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.mark();
    }
}

/// There is no room for one more session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TableFull;

impl Sessions {
    pub(crate) fn new(uptime: Uptime, limits: &Limits) -> Self {
        Self {
            uptime,
            capacity: limits.sessions,
            per_peer: limits.sessions_per_peer,
            idle: limits.sessions_idle,
            idle_when_full: limits.sessions_idle_when_full,
            table: Mutex::default(),
        }
    }

    /// Makes a session and returns its number: 31 random bits, as clients read it as signed. Who is
    /// `exempt` may fill the table: this machine, as a proxy may run on it.
    pub(crate) fn open(&self, peer: IpAddr, exempt: bool) -> Result<u32, TableFull> {
        let now = self.uptime.now();
        let mut table = self.table();
        if table.len() >= self.capacity {
            table.retain(|_, session| !self.is_over(session, now));
        }
        let its_own = |session: &Session| session.peer == peer;
        if !exempt && table.values().filter(|session| its_own(session)).count() >= self.per_peer {
            let (id, _) = longest_unused(&table, its_own).ok_or(TableFull)?;
            end(table.remove(&id));
        } else if table.len() >= self.capacity {
            let (id, session) = longest_unused(&table, |_| true).ok_or(TableFull)?;
            let idle = now.saturating_sub(session.last());
            if session.was_used() && idle <= self.idle_when_full {
                return Err(TableFull);
            }
            end(table.remove(&id));
        }
        let id = loop {
            let id = rand::random::<u32>() & 0x7FFF_FFFF;
            if id != 0 && !table.contains_key(&id) {
                break id;
            }
        };
        let session = Session {
            peer,
            opened: millis(now),
            used: AtomicU64::new(0),
            ended: CancellationToken::new(),
        };
        table.insert(id, Arc::new(session));
        Ok(id)
    }

    /// Uses a session, if it is live.
    pub(crate) fn enter(&self, id: u32) -> Option<Activity> {
        let now = self.uptime.now();
        let mut table = self.table();
        let session = table.get(&id)?;
        if self.is_over(session, now) {
            end(table.remove(&id));
            return None;
        }
        Some(self.activity(session))
    }

    /// Uses a live session of this peer, whichever.
    pub(crate) fn enter_any(&self, peer: IpAddr) -> Option<Activity> {
        let now = self.uptime.now();
        let table = self.table();
        let session = table.values().find(|s| s.peer == peer && !self.is_over(s, now))?;
        Some(self.activity(session))
    }

    /// Ends a session and wakes what it holds. False if there is none.
    pub(crate) fn close(&self, id: u32) -> bool {
        let session = self.table().remove(&id);
        let live = session.is_some();
        end(session);
        live
    }

    /// How many sessions are live.
    pub(crate) fn count(&self) -> usize {
        let now = self.uptime.now();
        self.table().values().filter(|session| !self.is_over(session, now)).count()
    }

    fn activity(&self, session: &Arc<Session>) -> Activity {
        let activity = Activity { session: Arc::clone(session), uptime: self.uptime.clone() };
        activity.mark();
        activity
    }

    fn is_over(&self, session: &Arc<Session>, now: Duration) -> bool {
        !in_use(session) && now.saturating_sub(session.last()) > self.idle
    }

    fn table(&self) -> MutexGuard<'_, HashMap<u32, Arc<Session>>> {
        // No step under the lock leaves the table half changed, so a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session that can be missed most: the oldest that was never used, or else the one used longest ago.
fn longest_unused(
    table: &HashMap<u32, Arc<Session>>,
    among: impl Fn(&Session) -> bool,
) -> Option<(u32, Arc<Session>)> {
    let free = table.iter().filter(|(_, session)| !in_use(session) && among(session));
    let first = free.min_by_key(|(_, session)| (session.was_used(), session.last()));
    first.map(|(id, session)| (*id, Arc::clone(session)))
}

/// Whether something besides the table holds the session. [`Activity`]s are only made under the lock.
fn in_use(session: &Arc<Session>) -> bool {
    Arc::strong_count(session) > 1
}

fn end(session: Option<Arc<Session>>) {
    if let Some(session) = session {
        session.ended.cancel();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::manual::ManualClock;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 5));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 6));

    fn sessions(capacity: usize) -> (ManualClock, Sessions) {
        let clock = ManualClock::default();
        let limits = Limits { sessions: capacity, ..Limits::default() };
        let sessions = Sessions::new(clock.uptime(), &limits);
        (clock, sessions)
    }

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3600)
    }

    #[test]
    fn ids_are_31_bits_and_differ() {
        let (_, sessions) = sessions(500);
        let mut ids: Vec<_> = (0..500).map(|_| sessions.open(PEER, true).unwrap()).collect();
        assert!(ids.iter().all(|id| (1..=0x7FFF_FFFF).contains(id)));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 500);
    }

    #[test]
    fn a_session_ends_at_logout() {
        let (_, sessions) = sessions(10);
        let id = sessions.open(PEER, true).unwrap();
        assert!(sessions.enter(id).is_some());
        assert!(sessions.close(id));
        assert!(sessions.enter(id).is_none());
        assert!(!sessions.close(id));
    }

    #[tokio::test]
    async fn logout_wakes_what_the_session_holds() {
        let (_, sessions) = sessions(10);
        let id = sessions.open(PEER, true).unwrap();
        let poll = sessions.enter(id).unwrap();
        sessions.close(id);
        poll.ended().await;
    }

    #[test]
    fn an_idle_session_ends_and_a_used_one_does_not() {
        let (clock, sessions) = sessions(10);
        let (idle, used) = (sessions.open(PEER, true).unwrap(), sessions.open(PEER, true).unwrap());
        clock.advance(hours(20));
        assert!(sessions.enter(used).is_some());
        clock.advance(hours(20));
        assert!(sessions.enter(idle).is_none());
        assert!(sessions.enter(used).is_some());
    }

    #[test]
    fn a_held_poll_or_stream_keeps_its_session() {
        let (clock, sessions) = sessions(10);
        let id = sessions.open(PEER, true).unwrap();
        let stream = sessions.enter(id).unwrap();
        clock.advance(hours(100));
        assert_eq!(sessions.count(), 1);
        drop(stream);
        clock.advance(hours(23));
        assert!(sessions.enter(id).is_some());
        clock.advance(hours(25));
        assert_eq!(sessions.count(), 0);
        assert!(sessions.enter(id).is_none());
    }

    #[test]
    fn a_login_storm_pushes_out_its_own_sessions_only() {
        let (clock, sessions) = sessions(10);
        let listening = sessions.open(PEER, true).unwrap();
        drop(sessions.enter(listening));
        for _ in 0..1000 {
            clock.advance(Duration::from_millis(1));
            sessions.open(OTHER, true).unwrap();
        }
        assert_eq!(sessions.count(), 10);
        assert!(sessions.enter(listening).is_some());
    }

    #[test]
    fn a_full_table_refuses_until_one_is_idle() {
        let (clock, sessions) = sessions(2);
        let (first, second) =
            (sessions.open(PEER, true).unwrap(), sessions.open(PEER, true).unwrap());
        drop(sessions.enter(first));
        let held = sessions.enter(second).unwrap();
        assert_eq!(sessions.open(OTHER, true), Err(TableFull));
        clock.advance(hours(1));
        assert!(sessions.open(OTHER, true).is_ok());
        assert!(sessions.enter(first).is_none(), "the idle one made room");
        drop(held);
        assert!(sessions.enter(second).is_some(), "the one in use stayed");
    }

    #[test]
    fn a_peer_beyond_its_share_loses_its_own() {
        let clock = ManualClock::default();
        let limits = Limits { sessions_per_peer: 3, ..Limits::default() };
        let sessions = Sessions::new(clock.uptime(), &limits);
        let listening = sessions.open(PEER, false).unwrap();
        let mut ids = Vec::new();
        for _ in 0..5 {
            clock.advance(Duration::from_secs(1));
            let id = sessions.open(OTHER, false).unwrap();
            drop(sessions.enter(id));
            ids.push(id);
        }
        let live: Vec<_> = ids.iter().map(|id| sessions.enter(*id).is_some()).collect();
        assert_eq!(live, [false, false, true, true, true]);
        assert!(sessions.enter(listening).is_some());
        let all_held: Vec<_> = ids[2..].iter().map(|id| sessions.enter(*id)).collect();
        assert_eq!(sessions.open(OTHER, false), Err(TableFull));
        drop(all_held);
        assert!(sessions.open(OTHER, false).is_ok());
    }

    #[test]
    fn a_peer_is_known_by_its_live_session() {
        let (clock, sessions) = sessions(10);
        assert!(sessions.enter_any(PEER).is_none());
        sessions.open(PEER, true).unwrap();
        assert!(sessions.enter_any(PEER).is_some());
        assert!(sessions.enter_any(OTHER).is_none());
        clock.advance(hours(25));
        assert!(sessions.enter_any(PEER).is_none());
    }
}
