//! The share on the network: announced once there is something to list, under a name that nobody else has.

use std::error::Error;
use std::net::SocketAddr;

use discovery::{
    Advert, Advertised, Advertiser, DiscoveryError, Interfaces, Role, database_id, machine_id,
};
use library::Share;
use tokio_util::sync::CancellationToken;

/// How a share is announced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcing {
    /// Whether it asks for a password: players show a lock.
    pub password: bool,
    /// Leave out IPv6 addresses.
    pub ipv4_only: bool,
    /// The number by which clients know this machine again. Choose it once and keep it.
    pub machine_id: Option<u64>,
    /// The number under which Remotes find the server; none if they are not to. Choose it once and keep it: it is the
    /// service name that they are told at pairing. The buttons of AirPlay speakers find the server by it too.
    pub remote_id: Option<u64>,
}

/// Announces a share by mDNS, under its name and wherever `addresses` can be reached, until `stopping` is cancelled;
/// then says goodbye.
///
/// It waits until the share is [ready](Share::ready). Where another share on the network has the name, this one gets a number
/// behind its own, and is renamed to match ([`Share::rename`]). Where only this machine can reach the server, nothing is
/// announced. Trouble with mDNS is logged; it is no reason not to serve.
pub async fn announce(
    share: &dyn Share,
    addresses: &[SocketAddr],
    announcing: Announcing,
    stopping: &CancellationToken,
) {
    let ready = tokio::select! {
        ready = share.ready() => ready,
        () = stopping.cancelled() => false,
    };
    let Some(adverts) = Adverts::new(share, addresses, announcing).filter(|_| ready) else {
        return;
    };
    match adverts.start() {
        Ok(services) => services.keep(share, stopping).await,
        Err(error) => tracing::warn!(
            "the share is not announced, so clients must be given its address: {}",
            with_causes(&error)
        ),
    }
}

/// What to announce.
#[derive(Debug)]
struct Adverts {
    share: Advert,
    /// The server as Remotes find it, and as speakers do.
    controls: Option<[Advert; 2]>,
}

impl Adverts {
    /// `None` where only this machine can reach the server.
    fn new(share: &dyn Share, bound: &[SocketAddr], announcing: Announcing) -> Option<Self> {
        let reaching = Interfaces::reaching(bound)?;
        let interfaces = if announcing.ipv4_only { reaching.ipv4_only()? } else { reaching };
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        // Where the server listens on several ports, the first that others can reach stands for it.
        let reachable = bound.iter().find(|address| !address.ip().to_canonical().is_loopback())?;
        let port = reachable.port();
        let snapshot = share.watch().borrow().clone();
        let name = &**snapshot.name();
        let database = snapshot.databases().next().map(|database| database.persistent_id);
        let mut share = Advert::share(name, host.clone(), port);
        if let Role::Share(txt) = &mut share.role {
            txt.password = Some(announcing.password);
            txt.machine_id = announcing.machine_id.map(machine_id);
            txt.database_id = database.map(|id| database_id(id.get()));
        }
        let controls = announcing.remote_id.map(|id| {
            let server = Advert::server(id, name, host.clone(), port);
            [server, Advert::sender(id, host, port)]
                .map(|advert| Advert { interfaces: interfaces.clone(), ..advert })
        });
        Some(Self { share: Advert { interfaces, ..share }, controls })
    }

    fn start(self) -> Result<Services, DiscoveryError> {
        let share = Advertiser::start(self.share)?;
        let controls = self.controls.map(|[server, sender]| {
            let sender = Advertiser::start(sender)?;
            Ok(Controls { announced: Advertiser::start(server.clone())?, server, sender })
        });
        Ok(Services { share, controls: controls.transpose()? })
    }
}

/// What is announced.
#[derive(Debug)]
struct Services {
    share: Advertised,
    controls: Option<Controls>,
}

/// The server as what can be controlled.
#[derive(Debug)]
struct Controls {
    /// What is announced to Remotes.
    server: Advert,
    announced: Advertised,
    sender: Advertised,
}

impl Services {
    /// Keeps the share's name in step with the one that could be had, and what Remotes show in step with that.
    async fn keep(mut self, share: &dyn Share, stopping: &CancellationToken) {
        let mut standing = self.share.standing();
        loop {
            let now = standing.borrow_and_update().clone();
            if now.announced && *now.name != **share.watch().borrow().name() {
                tracing::info!("another share has the name, so this one is now {:?}", now.name);
                share.rename(&now.name).await;
                if let Some(controls) = &mut self.controls {
                    controls.rename(now.name);
                }
            }
            tokio::select! {
                () = stopping.cancelled() => break,
                changed = standing.changed() => if changed.is_err() { break },
            }
        }
        match self.controls {
            Some(Controls { announced, sender, .. }) => {
                tokio::join!(self.share.stop(), announced.stop(), sender.stop());
            }
            None => self.share.stop().await,
        }
    }
}

impl Controls {
    fn rename(&mut self, library: String) {
        if let Role::Server(txt) = &mut self.server.role {
            txt.name = Some(library);
        }
        self.announced.update(self.server.clone());
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
