//! A session: one client that is logged in.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use daap_model::Text;
use dacp_proto::PairingGuid;
use tokio_util::sync::CancellationToken;

use crate::Uptime;
use crate::delivery::Part;
use crate::limits::AGENT_BYTES;

/// What is known of a session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its number, counted from 1 since the server's start. The id by which the client names its session is
    /// a secret between the two.
    pub number: u64,
    /// What the client calls itself; empty if nothing. A long name is cut.
    pub agent: Text,
    /// From where it logged in.
    pub address: IpAddr,
    /// As whom it was let in, if the server's gate knows users.
    pub user: Option<Text>,
    /// How long ago it logged in.
    pub age: Duration,
    /// How long nobody has used the session.
    pub idle: Duration,
    /// Songs that it was sent; one that is fetched in several parts counts for each.
    pub songs: u64,
    /// Pictures that it was sent.
    pub artwork: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// What it does now.
    pub state: SessionState,
}

/// What a client does with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// Nothing that lasts.
    Connected,
    /// It waits for news, in `/update` or `playstatusupdate`.
    Waiting,
    /// It is being sent a song, whether it waits for news or not.
    Streaming,
}

/// Who logs in.
#[derive(Clone, Debug)]
pub(crate) struct Guest<'a> {
    pub(crate) address: IpAddr,
    /// Whether it may fill the table: this machine, as a proxy may run on it.
    pub(crate) exempt: bool,
    pub(crate) agent: &'a str,
    pub(crate) user: Option<Text>,
    /// What it is paired by, if it is a Remote.
    pub(crate) paired: Option<PairingGuid>,
}

/// One client that is logged in.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) number: u64,
    pub(crate) peer: IpAddr,
    agent: Text,
    user: Option<Text>,
    pub(crate) paired: Option<PairingGuid>,
    /// Milliseconds of uptime, at login.
    opened: u64,
    /// Milliseconds of uptime, plus one, when it was last used; 0 before its first use.
    used: AtomicU64,
    pub(crate) ended: CancellationToken,
    songs: AtomicU64,
    artwork: AtomicU64,
    bytes: AtomicU64,
    /// Held polls, and songs that are being sent.
    waiting: AtomicU32,
    streaming: AtomicU32,
}

impl Session {
    pub(crate) fn new(number: u64, guest: Guest<'_>, now: Duration) -> Self {
        let agent = &guest.agent[..guest.agent.floor_char_boundary(AGENT_BYTES)];
        Self {
            number,
            peer: guest.address,
            agent: agent.into(),
            user: guest.user,
            paired: guest.paired,
            opened: millis(now),
            used: AtomicU64::new(0),
            ended: CancellationToken::new(),
            songs: AtomicU64::new(0),
            artwork: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            waiting: AtomicU32::new(0),
            streaming: AtomicU32::new(0),
        }
    }

    /// When it was last used, as uptime.
    pub(crate) fn last(&self) -> Duration {
        let used = self.used.load(Ordering::Relaxed);
        Duration::from_millis(used.saturating_sub(1).max(self.opened))
    }

    /// Whether it was used since its login.
    pub(crate) fn was_used(&self) -> bool {
        self.used.load(Ordering::Relaxed) != 0
    }

    /// What is known of it.
    pub(crate) fn info(&self, now: Duration) -> SessionInfo {
        let state = if self.streaming.load(Ordering::Relaxed) > 0 {
            SessionState::Streaming
        } else if self.waiting.load(Ordering::Relaxed) > 0 {
            SessionState::Waiting
        } else {
            SessionState::Connected
        };
        SessionInfo {
            number: self.number,
            agent: self.agent.clone(),
            address: self.peer,
            user: self.user.clone(),
            age: now.saturating_sub(Duration::from_millis(self.opened)),
            idle: now.saturating_sub(self.last()),
            songs: self.songs.load(Ordering::Relaxed),
            artwork: self.artwork.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            state,
        }
    }
}

/// A use of a session: a request, a held poll, a stream. While it lives the session is not idle.
#[derive(Debug)]
pub(crate) struct Activity {
    session: Arc<Session>,
    uptime: Uptime,
    lasting: Option<SessionState>,
}

impl Activity {
    pub(crate) fn new(session: Arc<Session>, uptime: Uptime) -> Self {
        let activity = Self { session, uptime, lasting: None };
        activity.mark();
        activity
    }

    /// The session's number.
    pub(crate) fn number(&self) -> u64 {
        self.session.number
    }

    /// Whether a pairing opened the session.
    pub(crate) fn is_paired(&self) -> bool {
        self.session.paired.is_some()
    }

    /// From now on this is a held poll.
    pub(crate) fn waiting(self) -> Self {
        self.lasting(SessionState::Waiting)
    }

    /// From now on this is a song that is being sent.
    pub(crate) fn streaming(self) -> Self {
        self.lasting(SessionState::Streaming)
    }

    /// Counts a song or picture.
    pub(crate) fn serves(&self, part: Part) {
        let count = match part {
            Part::Sound => &self.session.songs,
            Part::Artwork => &self.session.artwork,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts bytes of songs and pictures.
    pub(crate) fn sent(&self, bytes: u64) {
        self.session.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Waits until the session is over.
    pub(crate) async fn ended(&self) {
        self.session.ended.cancelled().await;
    }

    fn lasting(mut self, state: SessionState) -> Self {
        self.lasting = Some(state);
        if let Some(count) = self.count() {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self
    }

    /// Where uses of this kind are counted.
    fn count(&self) -> Option<&AtomicU32> {
        match self.lasting? {
            SessionState::Connected => None,
            SessionState::Waiting => Some(&self.session.waiting),
            SessionState::Streaming => Some(&self.session.streaming),
        }
    }

    fn mark(&self) {
        self.session.used.store(millis(self.uptime.now()).saturating_add(1), Ordering::Relaxed);
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        if let Some(count) = self.count() {
            count.fetch_sub(1, Ordering::Relaxed);
        }
        self.mark();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
