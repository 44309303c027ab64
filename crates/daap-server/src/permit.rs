//! Who may do what: the one place that says yes or no.
//!
//! | | this machine, the local network | trusted networks | elsewhere |
//! |---|---|---|---|
//! | see that the share exists | yes | if a password is asked for | no |
//! | log in | if the gate admits it | likewise | no |
//! | list, wait for news | with a session | with a session | no |
//! | change playlists | with a session, if the program says so: `edit.rs`; no browser: `browser.rs` | no | no |
//! | see and control the player | this machine: with a session; the local network: with one that a pairing opened; to control it, no browser | no | no |
//! | stream, see pictures | with a session, or if the gate admits it | likewise | no |
//!
//! What the gate asks for and whom it admits is its own affair: see `gate.rs`.
//!
//! Streams are not tied to a session alone because players fetch them through another HTTP stack: that of
//! Rhythmbox sends the session id and no credential, that of iTunes 12 was seen to send neither. So where
//! a password is asked for, an address with a live session may also stream without naming it.

use std::pin::Pin;
use std::sync::Once;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use daap_model::Text;
use daap_proto::Credential;
use dacp_proto::PairingGuid;

use crate::Network;
use crate::edit::Editing;
use crate::foreign::{self, NoAnswer};
use crate::gate::{AnyGate, Asks, Decision, Visitor};
use crate::host::HostNames;
use crate::peer::{Origin, Peer};
use crate::session::{Activity, Guest};
use crate::sessions::Sessions;
use crate::throttle::Throttle;

/// Who asks, and what it says to be let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) peer: Peer,
    /// What it calls itself; empty if nothing.
    pub(crate) agent: &'a str,
    /// The session it names.
    pub(crate) session: Option<u32>,
    /// Its `Authorization` header.
    pub(crate) credential: Option<&'a [u8]>,
    /// Whether it is a browser, which may ask on behalf of any page.
    pub(crate) is_browser: bool,
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("this share is for its local network only")]
    Elsewhere,
    #[error("this share is open to trusted networks only once it has a password")]
    TrustedNeedsPassword,
    #[error(
        "{0:?} is not a name of this server; use its address, or add the name to its allowed hosts"
    )]
    HostName(String),
    #[error("this share has a password, which was missing or wrong")]
    PasswordNeeded,
    #[error("too many wrong passwords; try again in a while")]
    Throttled(Duration),
    #[error("there is no such session; log in again")]
    NoSession,
    #[error("too many are logged in")]
    TableFull,
    #[error("playlists cannot be changed from here: the server has to be told who may")]
    NoEditing,
    #[error("nothing can be changed from a browser, as any page could do so")]
    Browser,
    #[error("the player is for this machine, and for paired Remotes of the local network")]
    NoControl,
    #[error("not paired with this server")]
    NotPaired,
    #[error("this share is not for you")]
    NotAdmitted,
    #[error("who may come in cannot be decided: {0}")]
    Undecided(NoAnswer),
}

/// Decides.
pub(crate) struct Permit {
    pub(crate) hosts: HostNames,
    /// Networks elsewhere whose peers may come in.
    pub(crate) trusted: Vec<Network>,
    pub(crate) gate: Box<dyn AnyGate>,
    /// What the gate asks for.
    pub(crate) asks: Asks,
    /// Who may change playlists.
    pub(crate) editing: Editing,
    /// How long the gate may take to decide.
    pub(crate) patience: Duration,
    pub(crate) sessions: Sessions,
    pub(crate) throttle: Throttle,
    /// Whether the log has told of a peer that was sent away at the door: once is enough to see why.
    pub(crate) told: Once,
}

impl Permit {
    /// At the door: may this peer ask anything, by these names of the server?
    pub(crate) fn door<'a>(
        &self,
        peer: Peer,
        hosts: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), Refusal> {
        self.may_enter(peer, hosts).inspect_err(|refusal| {
            self.told.call_once(|| {
                tracing::warn!(peer = %peer.address, "a request was refused: {refusal}");
            });
        })
    }

    fn may_enter<'a>(
        &self,
        peer: Peer,
        mut hosts: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), Refusal> {
        match peer.origin {
            Origin::Machine | Origin::Local => {}
            Origin::Elsewhere if !self.trusts(peer) => return Err(Refusal::Elsewhere),
            Origin::Elsewhere if self.asks == Asks::Nothing => {
                return Err(Refusal::TrustedNeedsPassword);
            }
            Origin::Elsewhere => {}
        }
        let stranger =
            hosts.find(|host| !std::str::from_utf8(host).is_ok_and(|h| self.hosts.allows(h)));
        match stranger {
            None => Ok(()),
            Some(host) => Err(Refusal::HostName(String::from_utf8_lossy(host).into_owned())),
        }
    }

    fn trusts(&self, peer: Peer) -> bool {
        self.trusted.iter().any(|network| network.contains(peer.address))
    }

    /// Logs in: a new session.
    pub(crate) async fn login(&self, caller: Caller<'_>) -> Result<u32, Refusal> {
        let user = self.admit(caller).await?;
        self.open(Guest { user, ..guest(caller) })
    }

    /// Logs in a Remote that is paired, as the bearer of the guid that its pairing gave. The gate is not asked: who has
    /// paired was let in by the owner.
    pub(crate) fn login_paired(
        &self,
        caller: Caller<'_>,
        guid: PairingGuid,
    ) -> Result<u32, Refusal> {
        self.open(Guest { paired: Some(guid), ..guest(caller) })
    }

    fn open(&self, guest: Guest<'_>) -> Result<u32, Refusal> {
        self.sessions.open(guest).map_err(|_| Refusal::TableFull)
    }

    /// Whether Remotes may be there where this peer is.
    pub(crate) fn is_near(&self, peer: Peer) -> Result<(), Refusal> {
        if peer.origin == Origin::Elsewhere { Err(Refusal::NoControl) } else { Ok(()) }
    }

    /// For what the player does. Without a session a Remote is told so, whatever the gate asks for: it has no password,
    /// but logs in again.
    pub(crate) fn player(&self, caller: Caller<'_>) -> Result<Activity, Refusal> {
        let activity = self.live(caller).ok_or(Refusal::NoSession)?;
        match caller.peer.origin {
            Origin::Machine => Ok(activity),
            Origin::Local if activity.is_paired() => Ok(activity),
            Origin::Local | Origin::Elsewhere => Err(Refusal::NoControl),
        }
    }

    /// For what the player is told.
    pub(crate) fn control(&self, caller: Caller<'_>) -> Result<Activity, Refusal> {
        if caller.is_browser { Err(Refusal::Browser) } else { self.player(caller) }
    }

    /// For lists and news. A client that has a valid credential and a stale session is told so with 403,
    /// on which it logs in again; one that has neither is asked for the password.
    pub(crate) async fn list(&self, caller: Caller<'_>) -> Result<Activity, Refusal> {
        if let Some(activity) = self.live(caller) {
            return Ok(activity);
        }
        self.admit(caller).await?;
        Err(Refusal::NoSession)
    }

    /// For streams and pictures.
    pub(crate) async fn content(&self, caller: Caller<'_>) -> Result<Option<Activity>, Refusal> {
        if let Some(activity) = self.live(caller) {
            return Ok(Some(activity));
        }
        let is_bare = caller.session.is_none() && caller.credential.is_none();
        if is_bare && self.asks != Asks::Nothing {
            let known = self.sessions.enter_any(caller.peer.address);
            return known.map(Some).ok_or(Refusal::PasswordNeeded);
        }
        self.admit(caller).await.map(|_| None)
    }

    /// For changes of playlists.
    pub(crate) async fn edit(&self, caller: Caller<'_>) -> Result<Activity, Refusal> {
        if caller.is_browser {
            return Err(Refusal::Browser);
        }
        let activity = self.list(caller).await?;
        if self.may_edit(caller.peer) { Ok(activity) } else { Err(Refusal::NoEditing) }
    }

    /// Whether this peer may change playlists, given a session.
    pub(crate) fn may_edit(&self, peer: Peer) -> bool {
        match (self.editing, peer.origin) {
            (Editing::Nobody, _) | (_, Origin::Elsewhere) => false,
            (Editing::ThisMachine, origin) => origin == Origin::Machine,
            (Editing::LocalNetwork, Origin::Machine | Origin::Local) => true,
        }
    }

    fn live(&self, caller: Caller<'_>) -> Option<Activity> {
        caller.session.and_then(|id| self.sessions.enter(id))
    }

    /// Asks the gate, who is let in as a user or as nobody in particular. Boxed, so that requests with a
    /// session, which need no gate, have no room for it.
    fn admit<'a>(
        &'a self,
        caller: Caller<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Text>, Refusal>> + Send + 'a>> {
        Box::pin(async move {
            let address = caller.peer.address;
            let tries = caller.credential.is_some();
            if tries {
                self.throttle.begin(address).map_err(Refusal::Throttled)?;
            }
            let credential = caller.credential.and_then(decoded);
            let visitor = Visitor::new(address, caller.agent, credential);
            let decision = async { self.gate.admit(&visitor).await };
            let decision = foreign::within(self.patience, decision).await;
            if tries && decision != Ok(Decision::Ask) {
                self.throttle.forgive(address);
            }
            match decision {
                Ok(Decision::Admit) => Ok(None),
                Ok(Decision::AdmitAs(user)) => Ok(Some(user)),
                Ok(Decision::Ask) => {
                    if tries {
                        tracing::info!(peer = %address, "a wrong password");
                    }
                    Err(Refusal::PasswordNeeded)
                }
                Ok(Decision::Refuse) => Err(Refusal::NotAdmitted),
                Err(failure) => {
                    tracing::error!(peer = %address, "the gate has not decided: {failure}");
                    Err(Refusal::Undecided(failure))
                }
            }
        })
    }
}

/// Who logs in, before anything is known of who it is.
fn guest(caller: Caller<'_>) -> Guest<'_> {
    let Peer { address, origin } = caller.peer;
    let exempt = origin == Origin::Machine;
    Guest { address, exempt, agent: caller.agent, user: None, paired: None }
}

/// Reads an `Authorization` header of the Basic scheme.
fn decoded(header: &[u8]) -> Option<Credential> {
    let (scheme, credential) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    STANDARD.decode(credential.trim()).ok().map(Credential::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Open, SharedPassword};
    use crate::{Limits, Uptime};
    use std::net::SocketAddr;
    use std::sync::Arc;

    // "none:sesame" and "none:wrong"
    const RIGHT: &str = "Basic bm9uZTpzZXNhbWU=";
    const WRONG: &str = "Basic bm9uZTp3cm9uZw==";

    fn permit(password: Option<&str>) -> Permit {
        let limits = Limits::default();
        let uptime = Uptime::new(|| Duration::from_secs(100));
        Permit {
            hosts: HostNames::default(),
            trusted: vec!["100.64.0.0/10".parse().unwrap()],
            asks: if password.is_some() { Asks::Password } else { Asks::Nothing },
            gate: match password {
                Some(password) => Box::new(SharedPassword::new(password)),
                None => Box::new(Open),
            },
            editing: Editing::Nobody,
            patience: limits.answer,
            sessions: Sessions::new(uptime.clone(), &limits, Arc::default()),
            throttle: Throttle::new(uptime, &limits),
            told: Once::new(),
        }
    }

    fn peer(last: u8) -> Peer {
        Peer { address: [192, 168, 1, last].into(), origin: Origin::Local }
    }

    fn caller(session: Option<u32>, credential: Option<&str>) -> Caller<'_> {
        let credential = credential.map(str::as_bytes);
        Caller { peer: peer(5), agent: "", session, credential, is_browser: false }
    }

    #[test]
    fn the_door_is_open_to_the_house() {
        let door = |address: &str, password, host: Option<&str>| {
            let ends = (SocketAddr::new(address.parse().unwrap(), 50_000), "[::1]:3689".parse());
            let peer = Peer::new(ends.0, ends.1.unwrap());
            permit(password).door(peer, host.into_iter().map(str::as_bytes))
        };
        assert_eq!(door("127.0.0.1", None, None), Ok(()));
        assert_eq!(door("10.0.0.7", None, Some("10.0.0.1:3689")), Ok(()));
        assert_eq!(door("100.64.3.2", Some("x"), None), Ok(()));
        assert_eq!(door("100.64.3.2", None, None), Err(Refusal::TrustedNeedsPassword));
        assert_eq!(door("8.8.8.8", Some("x"), None), Err(Refusal::Elsewhere));
        let stranger = Refusal::HostName("evil.example".into());
        assert_eq!(door("127.0.0.1", None, Some("evil.example")), Err(stranger));
    }

    #[tokio::test]
    async fn without_a_password_login_is_free_and_lists_want_a_session() {
        let permit = permit(None);
        let id = permit.login(caller(None, None)).await.unwrap();
        assert!(permit.list(caller(Some(id), None)).await.is_ok());
        for session in [None, Some(id ^ 1)] {
            assert_eq!(permit.list(caller(session, None)).await.unwrap_err(), Refusal::NoSession);
            assert!(permit.content(caller(session, None)).await.unwrap().is_none());
        }
        assert!(permit.content(caller(Some(id), None)).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn with_a_password_login_wants_it_and_a_session_is_enough_after() {
        let permit = permit(Some("sesame"));
        for credential in
            [None, Some(WRONG), Some("Bearer x"), Some("Basic ?"), Some("Basic bm9uZQ==")]
        {
            let refused = permit.login(caller(None, credential)).await;
            assert_eq!(refused, Err(Refusal::PasswordNeeded), "{credential:?}");
        }
        let id = permit.login(caller(None, Some(RIGHT))).await.unwrap();
        assert!(permit.list(caller(Some(id), None)).await.is_ok());
        assert!(permit.content(caller(Some(id), None)).await.is_ok());
        let stale = Some(id ^ 1);
        assert_eq!(permit.list(caller(stale, None)).await.unwrap_err(), Refusal::PasswordNeeded);
        assert_eq!(permit.list(caller(stale, Some(RIGHT))).await.unwrap_err(), Refusal::NoSession);
        assert_eq!(permit.content(caller(stale, None)).await.unwrap_err(), Refusal::PasswordNeeded);
        assert!(permit.content(caller(stale, Some(RIGHT))).await.is_ok());
    }

    #[tokio::test]
    async fn an_address_with_a_live_session_may_stream_without_naming_it() {
        let permit = permit(Some("sesame"));
        assert_eq!(permit.content(caller(None, None)).await.unwrap_err(), Refusal::PasswordNeeded);
        permit.login(caller(None, Some(RIGHT))).await.unwrap();
        assert!(permit.content(caller(None, None)).await.is_ok());
        let other = Caller { peer: peer(6), ..caller(None, None) };
        assert_eq!(permit.content(other).await.unwrap_err(), Refusal::PasswordNeeded);
    }

    #[tokio::test]
    async fn who_guesses_is_slowed_down_even_when_right_at_last() {
        let permit = permit(Some("sesame"));
        for _ in 0..Limits::default().wrong_passwords {
            assert_eq!(permit.login(caller(None, Some(WRONG))).await, Err(Refusal::PasswordNeeded));
        }
        assert!(matches!(
            permit.login(caller(None, Some(RIGHT))).await,
            Err(Refusal::Throttled(_))
        ));
        let other = Caller { peer: peer(6), ..caller(None, Some(RIGHT)) };
        assert!(permit.login(other).await.is_ok());
    }

    /// A gate that takes its time, and lets nobody in.
    struct Slow;

    impl Gate for Slow {
        async fn admit(&self, _visitor: &Visitor) -> Decision {
            tokio::task::yield_now().await;
            Decision::Ask
        }
    }

    #[tokio::test]
    async fn guesses_made_at_the_same_time_are_counted_as_if_in_turn() {
        let permit = Permit { gate: Box::new(Slow), ..permit(Some("sesame")) };
        let tries = (0..1000).map(|_| permit.login(caller(None, Some(WRONG))));
        let tries = futures_util::future::join_all(tries).await;
        let judged = tries.iter().filter(|tried| **tried == Err(Refusal::PasswordNeeded)).count();
        assert_eq!(judged, Limits::default().wrong_passwords as usize);
    }

    #[tokio::test]
    async fn who_is_right_may_come_as_often_as_it_likes() {
        let permit = permit(Some("sesame"));
        for _ in 0..Limits::default().wrong_passwords * 2 {
            assert!(permit.login(caller(None, Some(RIGHT))).await.is_ok());
        }
    }

    #[tokio::test]
    async fn playlists_are_changed_from_as_near_as_the_program_says_and_with_a_session() {
        let from = |address: &str| {
            let address = SocketAddr::new(address.parse().unwrap(), 50_000);
            Peer::new(address, "192.168.1.2:3689".parse().unwrap())
        };
        for (editing, may) in [
            (Editing::Nobody, [false, false, false]),
            (Editing::ThisMachine, [true, false, false]),
            (Editing::LocalNetwork, [true, true, false]),
        ] {
            let permit = Permit { editing, ..permit(None) };
            let id = permit.login(caller(None, None)).await.unwrap();
            for (peer, may) in
                ["127.0.0.1", "192.168.1.7", "100.64.3.2"].map(from).into_iter().zip(may)
            {
                let edit = permit.edit(Caller { peer, ..caller(Some(id), None) }).await;
                assert_eq!(edit.is_ok(), may, "{editing:?} {peer:?}");
                let without_session = permit.edit(Caller { peer, ..caller(None, None) }).await;
                assert_eq!(without_session.unwrap_err(), Refusal::NoSession);
            }
        }
    }

    #[tokio::test]
    async fn the_player_is_for_this_machine_and_for_who_is_paired_in_the_house() {
        let permit = permit(Some("sesame"));
        let paired = permit.login_paired(caller(None, None), PairingGuid(7)).unwrap();
        let other = permit.login(caller(None, Some(RIGHT))).await.unwrap();
        for (address, session, may) in [
            ("127.0.0.1", Some(other), Ok(())),
            ("192.168.1.7", Some(paired), Ok(())),
            ("192.168.1.7", Some(other), Err(Refusal::NoControl)),
            ("100.64.3.2", Some(paired), Err(Refusal::NoControl)),
            ("127.0.0.1", None, Err(Refusal::NoSession)),
        ] {
            let peer = Peer::new(
                SocketAddr::new(address.parse().unwrap(), 50_000),
                "192.168.1.2:3689".parse().unwrap(),
            );
            let caller = Caller { peer, ..caller(session, Some(RIGHT)) };
            assert_eq!(permit.player(caller).map(drop), may, "{address}");
            assert_eq!(permit.control(caller).map(drop), may, "{address}");
            let browser = Caller { is_browser: true, ..caller };
            assert_eq!(permit.control(browser).map(drop), Err(Refusal::Browser));
        }
    }
}
