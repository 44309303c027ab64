//! How a server is put together, and its life.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Once};
use std::time::{SystemTime, UNIX_EPOCH};

use daap_proto::Lineage;
use library::Share;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::body::Turns;
use crate::control::{Controller, Pairings};
use crate::edit::Editing;
use crate::event::Observers;
use crate::gate::{AnyGate, Asks, Gate, Open, SharedPassword};
use crate::host::HostNames;
use crate::listen::{self, BindError, Front};
use crate::lists::Lists;
use crate::permit::Permit;
use crate::quota::Quota;
use crate::remote::Jukebox;
use crate::service::Core;
use crate::sessions::Sessions;
use crate::throttle::Throttle;
use crate::transcode::Transcoding;
use crate::upkeep;
use crate::{Event, Handle, Limits, Network, Pages, Service, TranscodeRules, Transcoder, Uptime};

/// What a server needs to know before it serves. Made by [`Server::builder`].
pub struct Builder {
    share: Arc<dyn Share>,
    gate: Box<dyn AnyGate>,
    asks: Asks,
    editing: Editing,
    trusted: Vec<Network>,
    hosts: HostNames,
    limits: Limits,
    uptime: Uptime,
    observers: Observers,
    lineage: Option<Box<LineageNow>>,
    jukebox: Option<Arc<Jukebox>>,
    transcoding: Option<(Arc<dyn Transcoder>, TranscodeRules)>,
    pages: Option<Box<dyn Pages>>,
}

/// Says whose songs a server has now.
pub(crate) type LineageNow = dyn Fn() -> Lineage + Send + Sync;

impl Builder {
    /// Asks for this password. Without one, or with an empty one, everyone on the local network may
    /// listen. Short for a [`gate`](Self::gate) that is [`SharedPassword`] or [`Open`].
    #[must_use]
    pub fn password(self, password: impl Into<String>) -> Self {
        let password = password.into();
        if password.is_empty() { self.gate(Open) } else { self.gate(SharedPassword::new(password)) }
    }

    /// Lets in whom this gate admits.
    #[must_use]
    pub fn gate(mut self, gate: impl Gate) -> Self {
        self.asks = gate.asks();
        self.gate = Box::new(gate);
        self
    }

    /// Lets peers from this network come to the gate, though it is not a private or link-local range. Where
    /// the gate asks for nothing they stay out.
    #[must_use]
    pub fn trust(mut self, network: Network) -> Self {
        self.trusted.push(network);
        self
    }

    /// Lets clients change playlists, those of them that the share lets be changed. At first nobody may.
    #[must_use]
    pub fn editing(mut self, editing: Editing) -> Self {
        self.editing = editing;
        self
    }

    /// Answers requests that call the server by this name. IP addresses, names without a dot and
    /// names that end in `.local` need not be told; other names of this machine do.
    #[must_use]
    pub fn allow_host(mut self, name: &str) -> Self {
        self.hosts.allow(name);
        self
    }

    /// Has the server say whose songs it has: its own library's, and those of other servers that it republishes. By
    /// that servers notice that they republish each other. It is not said unless this is set.
    #[must_use]
    pub fn lineage(mut self, now: impl Fn() -> Lineage + Send + Sync + 'static) -> Self {
        self.lineage = Some(Box::new(now));
        self
    }

    /// Lets Remotes control this player. Those on the local network may that are paired; on this machine everyone may, with
    /// a session.
    #[must_use]
    pub fn control(mut self, player: impl Controller, paired: impl Pairings) -> Self {
        self.jukebox = Some(Arc::new(Jukebox::new(player, paired)));
        self
    }

    /// Serves pages of the program's own on the same port.
    #[must_use]
    pub fn pages(mut self, pages: impl Pages) -> Self {
        self.pages = Some(Box::new(pages));
        self
    }

    /// Sends songs as WAV files to clients that these rules name. At first all clients get songs as they are.
    #[must_use]
    pub fn transcode(mut self, transcoder: impl Transcoder, rules: TranscodeRules) -> Self {
        self.transcoding = Some((Arc::new(transcoder), rules));
        self
    }

    /// Sets the bounds.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the clock by which sessions expire and guesses are slowed down.
    #[must_use]
    pub fn uptime(mut self, uptime: Uptime) -> Self {
        self.uptime = uptime;
        self
    }

    /// Calls `observe` with each [`Event`], from whatever thread it happens on. It must return quickly and
    /// never block, as clients wait meanwhile: hand on what takes long. A panic in it is caught. Any number
    /// of observers can be set; they are called in turn.
    #[must_use]
    pub fn observe(mut self, observe: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observers.add(observe);
        self
    }

    /// Listens on these addresses. Port 0 is any free one; `[::]` includes IPv4. Connections wait until
    /// [`Server::run`]. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// One of the addresses cannot be had; then none is.
    pub async fn bind(self, addresses: &[SocketAddr]) -> Result<Server, BindError> {
        let listeners = listen::bind(addresses)?;
        Ok(Server { front: Front::new(self.core()), listeners })
    }

    /// Makes a service of it, to be mounted in another HTTP server. Must be called within a tokio runtime.
    #[must_use]
    pub fn service(self) -> Service {
        Service::new(self.core())
    }

    pub(crate) fn core(self) -> Arc<Core> {
        let limits = self.limits.within_reason();
        let observers = Arc::new(self.observers);
        let preparing = Arc::new(Semaphore::new(limits.listings_at_once));
        let permit = Permit {
            hosts: self.hosts,
            trusted: self.trusted,
            gate: self.gate,
            asks: self.asks,
            editing: self.editing,
            patience: limits.answer,
            sessions: Sessions::new(self.uptime.clone(), &limits, Arc::clone(&observers)),
            throttle: Throttle::new(self.uptime.clone(), &limits),
            told: Once::new(),
        };
        let transcoding = self.transcoding;
        let transcoding =
            transcoding.map(|(transcoder, rules)| Transcoding::new(transcoder, rules, &limits));
        let core = Arc::new(Core {
            transcoding,
            snapshots: self.share.watch(),
            share: self.share,
            permit,
            observers,
            lists: Lists::new(&limits, Arc::clone(&preparing)),
            turns: Turns::default(),
            metrics: Arc::default(),
            polls: Quota::new(limits.polls, limits.polls_per_peer),
            connections: Quota::new(limits.connections, limits.connections_per_peer),
            readers: Arc::new(Semaphore::new(limits.reads_at_once)),
            preparing,
            listings: Quota::new(limits.listings, limits.listings_per_peer),
            limits,
            stopping: CancellationToken::new(),
            uptime: self.uptime,
            lineage: self.lineage,
            jukebox: self.jukebox,
            pages: self.pages,
            started_unix: unix_seconds(),
        });
        upkeep::start(&core);
        core
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A DAAP server that listens. It serves from [`run`](Self::run) on.
pub struct Server {
    front: Arc<Front>,
    listeners: Vec<TcpListener>,
}

impl Server {
    /// Begins a server of this share.
    #[must_use]
    pub fn builder(share: impl Share) -> Builder {
        Builder {
            share: Arc::new(share),
            gate: Box::new(Open),
            asks: Asks::Nothing,
            editing: Editing::Nobody,
            trusted: Vec::new(),
            hosts: HostNames::default(),
            limits: Limits::default(),
            uptime: Uptime::system(),
            observers: Observers::default(),
            lineage: None,
            jukebox: None,
            transcoding: None,
            pages: None,
        }
    }

    /// What it asks of visitors, for those who announce it.
    #[must_use]
    pub fn asks(&self) -> Asks {
        self.front.asks()
    }

    /// Where it listens, with the ports it was given, in the order of the addresses that were asked for.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// What it serves.
    #[must_use]
    pub fn share(&self) -> Arc<dyn Share> {
        self.front.share()
    }

    /// Looks at the server and stops it, from wherever the program likes.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.front.handle()
    }

    /// Serves until `shutdown` is done, or [`Handle::stop`] is called. Then no more connections are taken, held polls are answered 503,
    /// streams may go on for [`Limits::farewell`], and it returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        // Dropping this future half-way must not leave connections behind.
        let _end = self.front.end_with();
        let mut accepting = JoinSet::new();
        for listener in self.listeners {
            accepting.spawn(Arc::clone(&self.front).accept(listener));
        }
        tokio::select! {
            () = shutdown => {}
            () = self.front.stopped() => {}
        }
        self.front.stop();
        while accepting.join_next().await.is_some() {}
        self.front.drain().await;
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("asks", &self.asks)
            .field("editing", &self.editing)
            .field("trusted", &self.trusted)
            .field("hosts", &self.hosts)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses()).finish_non_exhaustive()
    }
}
