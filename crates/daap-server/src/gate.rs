//! Who is let in: what a share asks of those who come, and who decides.
//!
//! A [`Gate`] is asked when a client logs in, and whenever one asks for something without a live session: for a song,
//! or for a list, for which it then has to log in. Before the gate stands what holds for every server: peers from
//! elsewhere than the local network stay out unless [trusted](crate::Builder::trust), and who is often wrong has to
//! wait. [`Open`], [`SharedPassword`], [`Users`] and [`AllowList`] are ready-made; a program may bring its own.
//!
//! ```
//! use daap_server::gate::{Asks, Decision, Gate, Visitor};
//!
//! /// Friends come in by a word that changes.
//! struct Riddle;
//!
//! impl Gate for Riddle {
//!     fn asks(&self) -> Asks {
//!         Asks::Password
//!     }
//!
//!     async fn admit(&self, visitor: &Visitor) -> Decision {
//!         let answer = look_up_the_word_of_today().await;
//!         if visitor.has_password(&answer) { Decision::Admit } else { Decision::Ask }
//!     }
//! }
//! # async fn look_up_the_word_of_today() -> String { "mellon".into() }
//! ```

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;

use daap_model::Text;
use daap_proto::Credential;

use crate::Network;

/// Decides who is let in.
pub trait Gate: Send + Sync + 'static {
    /// What visitors have to give. Clients are told, and ask their user for it. It is asked once, when the
    /// server is made.
    fn asks(&self) -> Asks {
        Asks::Nothing
    }

    /// Decides about a visitor. It has [`Limits::answer`](crate::Limits::answer) to do so; a panic
    /// keeps the visitor out.
    fn admit(&self, visitor: &Visitor) -> impl Future<Output = Decision> + Send;
}

/// What visitors have to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asks {
    /// Nothing.
    Nothing,
    /// A password; any user name goes with it.
    Password,
    /// A user name and a password. Not every client can ask its user for a name.
    NameAndPassword,
}

/// What a gate decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may come in.
    Admit,
    /// It may come in, as this user.
    AdmitAs(Text),
    /// What it gave is missing or wrong: it is asked for it. Wrong tries are counted, and who makes too many has
    /// to wait.
    Ask,
    /// It stays out, whatever it gives.
    Refuse,
}

/// Who wants to come in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Visitor {
    /// From where.
    pub address: IpAddr,
    /// What the client calls itself; empty if nothing.
    pub agent: String,
    credential: Option<Credential>,
}

impl Visitor {
    pub(crate) fn new(address: IpAddr, agent: &str, credential: Option<Credential>) -> Self {
        Self { address, agent: agent.to_owned(), credential }
    }

    /// The user name that it gave. Where only a password is asked for, clients send whatever they like.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.credential.as_ref()?.name()
    }

    /// The password that it gave. To compare it, use [`has_password`](Self::has_password).
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.credential.as_ref()?.password()
    }

    /// Whether it gave this password, with whatever name: some clients send names with colons. Takes the
    /// same time wherever the two differ.
    #[must_use]
    pub fn has_password(&self, password: &str) -> bool {
        self.credential.as_ref().is_some_and(|given| given.has_password(password))
    }

    /// Whether it gave this name and this password. Takes the same time wherever they differ.
    #[must_use]
    pub fn is(&self, name: &str, password: &str) -> bool {
        self.credential.as_ref().is_some_and(|given| given.has_name_and_password(name, password))
    }
}

/// Everybody may come in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open;

impl Gate for Open {
    async fn admit(&self, _visitor: &Visitor) -> Decision {
        Decision::Admit
    }
}

/// One password for all.
#[derive(Clone)]
pub struct SharedPassword(String);

impl SharedPassword {
    /// This one.
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }
}

impl Gate for SharedPassword {
    fn asks(&self) -> Asks {
        Asks::Password
    }

    async fn admit(&self, visitor: &Visitor) -> Decision {
        if visitor.has_password(&self.0) { Decision::Admit } else { Decision::Ask }
    }
}

/// Shows nothing of it.
impl fmt::Debug for SharedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedPassword(..)")
    }
}

/// Each user has a name, which holds no colon, and a password.
#[derive(Clone, Default)]
pub struct Users(Vec<(Text, String)>);

impl<N: Into<Text>, P: Into<String>> FromIterator<(N, P)> for Users {
    fn from_iter<I: IntoIterator<Item = (N, P)>>(users: I) -> Self {
        Self(users.into_iter().map(|(name, password)| (name.into(), password.into())).collect())
    }
}

impl Gate for Users {
    fn asks(&self) -> Asks {
        Asks::NameAndPassword
    }

    async fn admit(&self, visitor: &Visitor) -> Decision {
        // All are compared, so that the time tells nobody which names there are.
        let compare = |known, (name, password): &(Text, String)| {
            if visitor.is(name, password) { Some(name.clone()) } else { known }
        };
        self.0.iter().fold(None, compare).map_or(Decision::Ask, Decision::AdmitAs)
    }
}

/// Shows the names.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Only visitors from some networks come as far as the gate behind it. This machine is one, if it is to come in:
/// `127.0.0.0/8` and `::1`.
#[derive(Clone, Debug)]
pub struct AllowList<G> {
    networks: Vec<Network>,
    behind: G,
}

impl<G: Gate> AllowList<G> {
    /// Lets these come as far as `behind`.
    pub fn new(networks: impl IntoIterator<Item = Network>, behind: G) -> Self {
        Self { networks: networks.into_iter().collect(), behind }
    }
}

impl<G: Gate> Gate for AllowList<G> {
    fn asks(&self) -> Asks {
        self.behind.asks()
    }

    async fn admit(&self, visitor: &Visitor) -> Decision {
        if self.networks.iter().any(|network| network.contains(visitor.address)) {
            self.behind.admit(visitor).await
        } else {
            Decision::Refuse
        }
    }
}

/// A gate of any kind.
pub(crate) trait AnyGate: Send + Sync {
    fn admit<'a>(
        &'a self,
        visitor: &'a Visitor,
    ) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>>;
}

impl<G: Gate> AnyGate for G {
    fn admit<'a>(
        &'a self,
        visitor: &'a Visitor,
    ) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>> {
        Box::pin(Gate::admit(self, visitor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(gate: &impl Gate, address: &str, given: Option<&str>, expected: Decision) {
        let credential = given.map(|given| Credential::new(given.into()));
        let visitor = Visitor::new(address.parse().unwrap(), "iTunes/12", credential);
        let decision = futures_util::FutureExt::now_or_never(gate.admit(&visitor));
        assert_eq!(decision, Some(expected), "{address} {given:?}");
    }

    #[test]
    fn a_shared_password_goes_with_any_name() {
        let gate = SharedPassword::new("sesame");
        check(&gate, "10.0.0.1", None, Decision::Ask);
        check(&gate, "10.0.0.1", Some("none:wrong"), Decision::Ask);
        check(&gate, "10.0.0.1", Some("none:sesame"), Decision::Admit);
        check(&gate, "10.0.0.1", Some("Music (dt:1):sesame"), Decision::Admit);
        check(&Open, "10.0.0.1", None, Decision::Admit);
    }

    #[test]
    fn users_come_in_by_their_own_name() {
        let gate = Users::from_iter([("ada", "one"), ("bob", "two")]);
        check(&gate, "10.0.0.1", Some("bob:two"), Decision::AdmitAs("bob".into()));
        for wrong in [None, Some("bob:one"), Some("Bob:two"), Some("bob"), Some(":two")] {
            check(&gate, "10.0.0.1", wrong, Decision::Ask);
        }
    }

    #[test]
    fn who_is_not_on_the_list_need_not_try() {
        let networks = ["10.1.0.0/16", "::1"].map(|network| network.parse().unwrap());
        let gate = AllowList::new(networks, SharedPassword::new("sesame"));
        assert_eq!(gate.asks(), Asks::Password);
        check(&gate, "10.2.0.1", Some("none:sesame"), Decision::Refuse);
        check(&gate, "10.1.0.1", Some("none:sesame"), Decision::Admit);
        check(&gate, "::1", Some("none:wrong"), Decision::Ask);
    }

    #[test]
    fn debug_output_tells_no_password() {
        let users = Users::from_iter([("ada", "one")]);
        let shown = format!("{users:?} {:?}", SharedPassword::new("sesame"));
        assert_eq!(shown, "{\"ada\"} SharedPassword(..)");
    }
}
