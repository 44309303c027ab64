//! The share on the network: announced once there is something to list, under a name that nobody else has.

use std::error::Error;
use std::net::SocketAddr;

use discovery::{Advert, Advertised, Advertiser, Interfaces, database_id, machine_id};
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
    let Some(advert) = advert(share, addresses, announcing).filter(|_| ready) else { return };
    match Advertiser::start(advert) {
        Ok(advertised) => keep(advertised, share, stopping).await,
        Err(error) => tracing::warn!(
            "the share is not announced, so clients must be given its address: {}",
            with_causes(&error)
        ),
    }
}

/// What to announce, or `None` where only this machine can reach the server.
fn advert(share: &dyn Share, bound: &[SocketAddr], announcing: Announcing) -> Option<Advert> {
    let reaching = Interfaces::reaching(bound)?;
    let interfaces = if announcing.ipv4_only { reaching.ipv4_only()? } else { reaching };
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    let snapshot = share.watch().borrow().clone();
    let database = snapshot.databases().next().map(|database| database.persistent_id);
    // Where the server listens on several ports, the first that others can reach stands for it.
    let reachable = bound.iter().find(|address| !address.ip().to_canonical().is_loopback())?;
    Some(Advert {
        password: announcing.password,
        machine_id: announcing.machine_id.map(machine_id),
        database_id: database.map(|id| database_id(id.get())),
        interfaces,
        ..Advert::new(snapshot.name().to_string(), host, reachable.port())
    })
}

/// Keeps the share's name in step with the one that could be had.
async fn keep(advertised: Advertised, share: &dyn Share, stopping: &CancellationToken) {
    let mut standing = advertised.standing();
    loop {
        let now = standing.borrow_and_update().clone();
        if now.announced && *now.name != **share.watch().borrow().name() {
            tracing::info!("another share has the name, so this one is now {:?}", now.name);
            share.rename(&now.name).await;
        }
        tokio::select! {
            () = stopping.cancelled() => break,
            changed = standing.changed() => if changed.is_err() { break },
        }
    }
    advertised.stop().await;
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
