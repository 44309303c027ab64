//! How a client is to go about it.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use daap_proto::read::ServerInfo;
use daap_proto::{Endpoint, Lineage, ShareUrl};
use http::{HeaderName, StatusCode};

use crate::caller::Caller;
use crate::peer::Peer;
use crate::place::Place;
use crate::transport::{Patience, Transport};
use crate::{Client, ClientError};

/// As whom we come, unless it is set.
const USER_AGENT: &str = concat!("dapple/", env!("CARGO_PKG_VERSION"));

/// The user name that goes with a password, unless it is set. Few servers look at it.
const USER: &str = "none";

const DAAP_SERVER: HeaderName = HeaderName::from_static("daap-server");
const LINEAGE: HeaderName = HeaderName::from_static(Lineage::HEADER);
const DMAP_SERVER: HeaderName = HeaderName::from_static("dmap-server");

/// What a server says of itself to who asks, without a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What it can do.
    pub info: ServerInfo,
    /// What it calls its software, such as `iTunes/12.5 (OS X)`.
    pub software: Option<String>,
    /// Whose songs it has, if it is a server of ours, which say that.
    pub lineage: Option<Lineage>,
    /// Where it is, such as `http://nas:3689`.
    pub address: String,
}

/// How a client is to go about it. Made by [`Client::builder`].
#[derive(Clone)]
pub struct Builder {
    user: String,
    password: Option<String>,
    user_agent: String,
    patience: Patience,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            user: USER.to_owned(),
            password: None,
            user_agent: USER_AGENT.to_owned(),
            patience: Patience { connect: Self::CONNECT, answer: Self::ANSWER, stall: Self::STALL },
        }
    }

    /// How long a connection may take to be made.
    pub const CONNECT: Duration = Duration::from_secs(10);

    /// How long a server may take to begin an answer. Some make the list of a large library for a minute first.
    pub const ANSWER: Duration = Duration::from_secs(120);

    /// How long a server may fall silent within an answer.
    pub const STALL: Duration = Duration::from_secs(30);

    /// The password of the share. It is sent only where it is asked for.
    #[must_use]
    pub fn password(self, password: &str) -> Self {
        Self { password: Some(password.to_owned()), ..self }
    }

    /// The user name that goes with the password, where the server has users.
    #[must_use]
    pub fn user(self, user: &str) -> Self {
        Self { user: user.to_owned(), ..self }
    }

    /// The name of the program, such as `dapple/1.0`. Control characters in it are left out.
    #[must_use]
    pub fn user_agent(self, name: &str) -> Self {
        Self { user_agent: name.to_owned(), ..self }
    }

    /// How long a connection may take to be made; at first [`CONNECT`](Self::CONNECT).
    #[must_use]
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.patience.connect = time;
        self
    }

    /// How long a server may take to begin an answer; at first [`ANSWER`](Self::ANSWER). News may take for ever.
    #[must_use]
    pub fn answer_timeout(mut self, time: Duration) -> Self {
        self.patience.answer = time;
        self
    }

    /// How long a server may fall silent within an answer; at first [`STALL`](Self::STALL). An answer may take for
    /// ever if only it goes on.
    #[must_use]
    pub fn stall_timeout(mut self, time: Duration) -> Self {
        self.patience.stall = time;
        self
    }

    /// Asks a server what it is. It needs no password for that, and no session comes of it.
    ///
    /// # Errors
    /// There is no server, or none of DAAP.
    pub async fn ask(&self, url: &ShareUrl) -> Result<About, ClientError> {
        self.meet(url).await.map(|(_, about)| about)
    }

    /// Logs in to a share.
    ///
    /// # Errors
    /// There is no server, or none of DAAP, or it does not let us in.
    pub async fn connect(&self, url: &ShareUrl) -> Result<Client, ClientError> {
        let (peer, about) = self.meet(url).await?;
        let client = Client::new(peer, about);
        client.log_in().await?;
        Ok(client)
    }

    async fn meet(&self, url: &ShareUrl) -> Result<(Peer, About), ClientError> {
        let place = Place::find(url, self.patience.connect).await?;
        let credential = self.password.as_deref().map(|password| (self.user.as_str(), password));
        let caller = Caller::new(&self.user_agent, credential);
        let mut peer = Peer { transport: Transport::new(place, self.patience), caller };
        let (about, remote) = About::of(&peer).await?;
        if let Some(remote) = remote {
            peer.transport.place.met_at(remote);
        }
        Ok((peer, about))
    }
}

impl About {
    /// Asks a server; tells also where it answered from.
    pub(crate) async fn of(peer: &Peer) -> Result<(Self, Option<SocketAddr>), ClientError> {
        let answer = peer.introduce(&Endpoint::ServerInfo).await?;
        let software = answer.header(DAAP_SERVER).or_else(|| answer.header(DMAP_SERVER));
        let software = software.map(str::to_owned);
        let lineage = answer.header(LINEAGE).and_then(|lineage| lineage.parse().ok());
        let remote = answer.remote;
        let name = peer.transport.place.name.clone();
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(ClientError::NotDaap { address: name });
        }
        let answer = answer.granted(software.as_deref())?;
        let info = ServerInfo::read(&answer.short().await?);
        let info = info.map_err(|_| ClientError::NotDaap { address: name.clone() })?;
        if let Some(version) = info.daap {
            peer.caller.speak(version.major);
        }
        Ok((Self { info, software, lineage, address: format!("http://{name}") }, remote))
    }
}

/// Shows no password.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("user", &self.user)
            .field("has_password", &self.password.is_some())
            .field("user_agent", &self.user_agent)
            .field("patience", &self.patience)
            .finish()
    }
}
