//! Who is logged in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dacp_proto::PairingGuid;

use crate::event::{Ending, Event, Observers};
use crate::session::{Activity, Guest, Session, SessionInfo};
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
    observers: Arc<Observers>,
    /// A plain mutex: each step under it is short and waits for nothing.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    sessions: HashMap<u32, Arc<Session>>,
    /// How many there have been.
    opened: u64,
    /// There will be no more.
    closed: bool,
}

/// There is no room for one more session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TableFull;

/// Sessions that were taken from the table, and why.
type Ended = Vec<(Arc<Session>, Ending)>;

impl Sessions {
    pub(crate) fn new(uptime: Uptime, limits: &Limits, observers: Arc<Observers>) -> Self {
        Self {
            uptime,
            capacity: limits.sessions,
            per_peer: limits.sessions_per_peer,
            idle: limits.sessions_idle,
            idle_when_full: limits.sessions_idle_when_full,
            observers,
            table: Mutex::default(),
        }
    }

    /// Makes a session and returns its id: 31 random bits, as clients read it as signed.
    pub(crate) fn open(&self, guest: Guest<'_>) -> Result<u32, TableFull> {
        let now = self.uptime.now();
        let mut ended = Ended::new();
        let opened = {
            let mut table = self.table();
            let room = self.make_room(&mut table, &guest, now, &mut ended);
            room.map(|()| table.insert(guest, now))
        };
        self.end(ended);
        let (id, session) = opened?;
        self.observers.tell(|| Event::SessionOpened(session.info(now)));
        Ok(id)
    }

    fn make_room(
        &self,
        table: &mut Table,
        guest: &Guest<'_>,
        now: Duration,
        ended: &mut Ended,
    ) -> Result<(), TableFull> {
        if table.closed {
            return Err(TableFull);
        }
        if table.sessions.len() >= self.capacity {
            self.take_expired(table, now, ended);
        }
        let its_own = |session: &Session| session.peer == guest.address;
        let of_peer = || table.sessions.values().filter(|session| its_own(session)).count();
        let missed_most = if !guest.exempt && of_peer() >= self.per_peer {
            longest_unused(&table.sessions, its_own).ok_or(TableFull)?.0
        } else if table.sessions.len() >= self.capacity {
            let (id, session) = longest_unused(&table.sessions, |_| true).ok_or(TableFull)?;
            let idle = now.saturating_sub(session.last());
            if session.was_used() && idle <= self.idle_when_full {
                return Err(TableFull);
            }
            id
        } else {
            return Ok(());
        };
        ended.extend(table.sessions.remove(&missed_most).map(|gone| (gone, Ending::MadeRoom)));
        Ok(())
    }

    /// Uses a session, if it is live.
    pub(crate) fn enter(&self, id: u32) -> Option<Activity> {
        let now = self.uptime.now();
        let expired = {
            let mut table = self.table();
            let session = table.sessions.get(&id)?;
            if !self.is_over(session, now) {
                return Some(self.activity(session));
            }
            table.sessions.remove(&id).map(|session| (session, Ending::Expired))
        };
        self.end(Vec::from_iter(expired));
        None
    }

    /// Uses a live session of this peer: the one used last, which is most likely the one that is meant.
    pub(crate) fn enter_any(&self, peer: IpAddr) -> Option<Activity> {
        let now = self.uptime.now();
        let table = self.table();
        let live = |session: &&Arc<Session>| session.peer == peer && !self.is_over(session, now);
        let sessions = table.sessions.values().filter(live);
        sessions.max_by_key(|session| session.last()).map(|session| self.activity(session))
    }

    /// Ends a session and wakes what it holds. False if there is none.
    pub(crate) fn close(&self, id: u32) -> bool {
        let session = self.table().sessions.remove(&id);
        let live = session.is_some();
        self.end(Vec::from_iter(session.map(|session| (session, Ending::LoggedOut))));
        live
    }

    /// Ends the sessions that this guid opened, as it is no longer known.
    pub(crate) fn unpair(&self, guid: PairingGuid) {
        let mut table = self.table();
        let unpaired = table.sessions.extract_if(|_, session| session.paired == Some(guid));
        let ended = unpaired.map(|(_, session)| (session, Ending::Unpaired)).collect();
        drop(table);
        self.end(ended);
    }

    /// Ends all sessions; there will be no more.
    pub(crate) fn close_all(&self) {
        let sessions = {
            let mut table = self.table();
            table.closed = true;
            std::mem::take(&mut table.sessions)
        };
        let mut sessions: Vec<_> = sessions.into_values().collect();
        sessions.sort_unstable_by_key(|session| session.number);
        let stopped = sessions.into_iter().map(|session| (session, Ending::ServerStopped));
        self.end(stopped.collect());
    }

    /// Ends the sessions that nobody used for too long.
    pub(crate) fn sweep(&self) {
        let mut ended = Ended::new();
        self.take_expired(&mut self.table(), self.uptime.now(), &mut ended);
        self.end(ended);
    }

    /// How many sessions are live.
    pub(crate) fn count(&self) -> usize {
        let now = self.uptime.now();
        self.table().sessions.values().filter(|session| !self.is_over(session, now)).count()
    }

    /// The live sessions, oldest first.
    pub(crate) fn all(&self) -> Vec<SessionInfo> {
        let now = self.uptime.now();
        let table = self.table();
        let live = table.sessions.values().filter(|session| !self.is_over(session, now));
        let mut all: Vec<_> = live.map(|session| session.info(now)).collect();
        drop(table);
        all.sort_unstable_by_key(|session| session.number);
        all
    }

    fn take_expired(&self, table: &mut Table, now: Duration, ended: &mut Ended) {
        let expired = table.sessions.extract_if(|_, session| self.is_over(session, now));
        ended.extend(expired.map(|(_, session)| (session, Ending::Expired)));
    }

    /// Wakes what these sessions hold, and tells of their end. Not to be called under the lock.
    fn end(&self, ended: Ended) {
        for (session, why) in ended {
            session.ended.cancel();
            let info = || session.info(self.uptime.now());
            self.observers.tell(|| Event::SessionClosed { session: info(), why });
        }
    }

    fn activity(&self, session: &Arc<Session>) -> Activity {
        Activity::new(Arc::clone(session), self.uptime.clone())
    }

    fn is_over(&self, session: &Arc<Session>, now: Duration) -> bool {
        !in_use(session) && now.saturating_sub(session.last()) > self.idle
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No step under the lock leaves the table half changed, so a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, guest: Guest<'_>, now: Duration) -> (u32, Arc<Session>) {
        let id = loop {
            let id = rand::random::<u32>() & 0x7FFF_FFFF;
            if id != 0 && !self.sessions.contains_key(&id) {
                break id;
            }
        };
        self.opened += 1;
        let session = Arc::new(Session::new(self.opened, guest, now));
        self.sessions.insert(id, Arc::clone(&session));
        (id, session)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Part;
    use crate::limits::AGENT_BYTES;
    use crate::session::SessionState;
    use crate::uptime::manual::ManualClock;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 5));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 6));

    fn sessions(capacity: usize) -> (ManualClock, Sessions) {
        let clock = ManualClock::default();
        let limits = Limits { sessions: capacity, ..Limits::default() };
        let sessions = Sessions::new(clock.uptime(), &limits, Arc::default());
        (clock, sessions)
    }

    fn guest(address: IpAddr) -> Guest<'static> {
        Guest { address, exempt: false, agent: "iTunes/12", user: None, paired: None }
    }

    fn machine(address: IpAddr) -> Guest<'static> {
        Guest { exempt: true, ..guest(address) }
    }

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3600)
    }

    #[test]
    fn ids_are_31_bits_and_differ() {
        let (_, sessions) = sessions(500);
        let mut ids: Vec<_> = (0..500).map(|_| sessions.open(machine(PEER)).unwrap()).collect();
        assert!(ids.iter().all(|id| (1..=0x7FFF_FFFF).contains(id)));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 500);
    }

    #[test]
    fn a_session_ends_at_logout() {
        let (_, sessions) = sessions(10);
        let id = sessions.open(machine(PEER)).unwrap();
        assert!(sessions.enter(id).is_some());
        assert!(sessions.close(id));
        assert!(sessions.enter(id).is_none());
        assert!(!sessions.close(id));
    }

    #[test]
    fn a_remote_that_is_unpaired_loses_its_sessions_and_no_other_does() {
        let (_, sessions) = sessions(10);
        let open = |guid| sessions.open(Guest { paired: guid, ..machine(PEER) }).unwrap();
        let [one, other, unpaired] = [Some(PairingGuid(1)), Some(PairingGuid(2)), None].map(open);
        let again = open(Some(PairingGuid(1)));
        sessions.unpair(PairingGuid(1));
        let live = [one, other, unpaired, again].map(|id| sessions.enter(id).is_some());
        assert_eq!(live, [false, true, true, false]);
    }

    #[tokio::test]
    async fn logout_wakes_what_the_session_holds() {
        let (_, sessions) = sessions(10);
        let id = sessions.open(machine(PEER)).unwrap();
        let poll = sessions.enter(id).unwrap();
        sessions.close(id);
        poll.ended().await;
    }

    #[test]
    fn an_idle_session_ends_and_a_used_one_does_not() {
        let (clock, sessions) = sessions(10);
        let (idle, used) =
            (sessions.open(machine(PEER)).unwrap(), sessions.open(machine(PEER)).unwrap());
        clock.advance(hours(20));
        assert!(sessions.enter(used).is_some());
        clock.advance(hours(20));
        assert!(sessions.enter(idle).is_none());
        assert!(sessions.enter(used).is_some());
    }

    #[test]
    fn a_held_poll_or_stream_keeps_its_session() {
        let (clock, sessions) = sessions(10);
        let id = sessions.open(machine(PEER)).unwrap();
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
        let listening = sessions.open(machine(PEER)).unwrap();
        drop(sessions.enter(listening));
        for _ in 0..1000 {
            clock.advance(Duration::from_millis(1));
            sessions.open(machine(OTHER)).unwrap();
        }
        assert_eq!(sessions.count(), 10);
        assert!(sessions.enter(listening).is_some());
    }

    #[test]
    fn a_full_table_refuses_until_one_is_idle() {
        let (clock, sessions) = sessions(2);
        let (first, second) =
            (sessions.open(machine(PEER)).unwrap(), sessions.open(machine(PEER)).unwrap());
        drop(sessions.enter(first));
        let held = sessions.enter(second).unwrap();
        assert_eq!(sessions.open(machine(OTHER)), Err(TableFull));
        clock.advance(hours(1));
        assert!(sessions.open(machine(OTHER)).is_ok());
        assert!(sessions.enter(first).is_none(), "the idle one made room");
        drop(held);
        assert!(sessions.enter(second).is_some(), "the one in use stayed");
    }

    #[test]
    fn a_peer_beyond_its_share_loses_its_own() {
        let clock = ManualClock::default();
        let limits = Limits { sessions_per_peer: 3, ..Limits::default() };
        let sessions = Sessions::new(clock.uptime(), &limits, Arc::default());
        let listening = sessions.open(guest(PEER)).unwrap();
        let mut ids = Vec::new();
        for _ in 0..5 {
            clock.advance(Duration::from_secs(1));
            let id = sessions.open(guest(OTHER)).unwrap();
            drop(sessions.enter(id));
            ids.push(id);
        }
        let live: Vec<_> = ids.iter().map(|id| sessions.enter(*id).is_some()).collect();
        assert_eq!(live, [false, false, true, true, true]);
        assert!(sessions.enter(listening).is_some());
        let all_held: Vec<_> = ids[2..].iter().map(|id| sessions.enter(*id)).collect();
        assert_eq!(sessions.open(guest(OTHER)), Err(TableFull));
        drop(all_held);
        assert!(sessions.open(guest(OTHER)).is_ok());
    }

    #[test]
    fn a_peer_is_known_by_its_live_session() {
        let (clock, sessions) = sessions(10);
        assert!(sessions.enter_any(PEER).is_none());
        sessions.open(machine(PEER)).unwrap();
        assert!(sessions.enter_any(PEER).is_some());
        assert!(sessions.enter_any(OTHER).is_none());
        clock.advance(hours(25));
        assert!(sessions.enter_any(PEER).is_none());
    }

    #[test]
    fn of_several_sessions_of_a_peer_the_one_used_last_is_meant() {
        let (clock, sessions) = sessions(100);
        let ids: Vec<_> = (0..20).map(|_| sessions.open(machine(PEER)).unwrap()).collect();
        for (id, number) in ids.into_iter().zip(1..) {
            clock.advance(Duration::from_secs(1));
            drop(sessions.enter(id));
            assert_eq!(sessions.enter_any(PEER).unwrap().number(), number);
        }
    }

    #[test]
    fn what_a_session_does_is_known_while_it_does_it() {
        let (clock, sessions) = sessions(10);
        let id = sessions.open(guest(PEER)).unwrap();
        let state = || sessions.all()[0].state;
        assert_eq!(state(), SessionState::Connected);
        let poll = sessions.enter(id).unwrap().waiting();
        assert_eq!(state(), SessionState::Waiting);
        let song = sessions.enter(id).unwrap().streaming();
        song.serves(Part::Sound);
        song.sent(1000);
        assert_eq!(state(), SessionState::Streaming);
        drop(song);
        assert_eq!(state(), SessionState::Waiting);
        drop(poll);
        clock.advance(hours(1));
        let SessionInfo { number, songs, artwork, bytes, age, idle, .. } = sessions.all().remove(0);
        assert_eq!((number, songs, artwork, bytes), (1, 1, 0, 1000));
        assert_eq!((age, idle), (hours(1), hours(1)));
    }

    #[test]
    fn every_session_is_reported_to_open_and_to_end_and_why() {
        let events = Arc::new(Mutex::new(Vec::new()));
        let mut observers = Observers::default();
        let heard = Arc::clone(&events);
        observers.add(move |event| {
            heard.lock().unwrap().push(match event {
                Event::SessionOpened(session) => (session.number, None),
                Event::SessionClosed { session, why } => (session.number, Some(*why)),
                other => panic!("{other:?}"),
            });
        });
        let clock = ManualClock::default();
        let limits = Limits { sessions: 2, ..Limits::default() };
        let sessions = Sessions::new(clock.uptime(), &limits, Arc::new(observers));
        let first = sessions.open(guest(PEER)).unwrap();
        for _ in 0..2 {
            clock.advance(hours(1));
            sessions.open(guest(PEER)).unwrap();
        }
        assert!(!sessions.close(first), "it made room");
        clock.advance(hours(24));
        sessions.sweep();
        let last = sessions.open(guest(PEER)).unwrap();
        sessions.close(last);
        sessions.close_all();
        assert_eq!(sessions.open(guest(PEER)), Err(TableFull));
        let expected = [
            (1, None),
            (2, None),
            (1, Some(Ending::MadeRoom)),
            (3, None),
            (2, Some(Ending::Expired)),
            (4, None),
            (4, Some(Ending::LoggedOut)),
            (3, Some(Ending::ServerStopped)),
        ];
        assert_eq!(*events.lock().unwrap(), expected);
    }

    #[test]
    fn a_long_name_of_a_client_is_cut() {
        let (_, sessions) = sessions(10);
        let agent = "\u{e9}".repeat(AGENT_BYTES);
        sessions.open(Guest { agent: &agent, ..guest(PEER) }).unwrap();
        assert_eq!(sessions.all()[0].agent.len(), AGENT_BYTES / 2 * 2);
    }
}
