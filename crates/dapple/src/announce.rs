//! The share on the network: announced once there is something to list, under a name that nobody else has.

use std::net::SocketAddr;

use discovery::{Advert, Advertised, Advertiser, Interfaces, database_id, machine_id};
use library::Library;
use tokio_util::sync::CancellationToken;

/// Under this name the library keeps by what clients know this machine again.
const MACHINE: &str = "machine-id";

/// What is to be announced of the server.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// The name that people see, if nobody else has it.
    pub(crate) name: String,
    /// Whether it asks for a password.
    pub(crate) password: bool,
    /// Leave out IPv6 addresses.
    pub(crate) ipv4_only: bool,
}

/// What to announce, or `None` where only this machine can reach the server.
pub(crate) async fn advert(
    share: &Share,
    library: &Library,
    bound: &[SocketAddr],
) -> Option<Advert> {
    let reaching = Interfaces::reaching(bound);
    let interfaces = if share.ipv4_only { reaching?.ipv4_only()? } else { reaching? };
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    let database = library.snapshot().databases().next().map(|database| database.persistent_id);
    // Where the server listens on several ports, the first that others can reach stands for it.
    let reachable = bound.iter().find(|address| !address.ip().to_canonical().is_loopback())?;
    Some(Advert {
        password: share.password,
        machine_id: Some(machine_id(machine(library).await)),
        database_id: database.map(|id| database_id(id.get())),
        interfaces,
        ..Advert::new(share.name.clone(), host, reachable.port())
    })
}

/// The number by which clients know this machine again: made once, then kept.
async fn machine(library: &Library) -> u64 {
    let kept = library.setting(MACHINE).await.ok().flatten();
    if let Some(machine) = kept.and_then(|kept| u64::from_str_radix(&kept, 16).ok()) {
        return machine;
    }
    let machine = rand::random();
    // Not kept is no harm: the next start makes another.
    if let Err(error) = library.set_setting(MACHINE, Some(&format!("{machine:016x}"))).await {
        tracing::warn!("{error}");
    }
    machine
}

/// Announces once the library is worth it, keeps the library's name in step with the one that could be
/// had, and says goodbye when `stopping`.
pub(crate) async fn run(advert: Advert, library: Library, stopping: CancellationToken) {
    let ready = tokio::select! {
        ready = library.ready() => ready,
        () = stopping.cancelled() => false,
    };
    if !ready {
        return;
    }
    match Advertiser::start(advert) {
        Ok(advertised) => keep(advertised, &library, &stopping).await,
        Err(error) => tracing::warn!(
            "the share is not announced, so clients must be given its address: {}",
            with_causes(&error)
        ),
    }
}

async fn keep(advertised: Advertised, library: &Library, stopping: &CancellationToken) {
    let mut standing = advertised.standing();
    loop {
        let now = standing.borrow_and_update().clone();
        if now.announced && *now.name != **library.snapshot().name() {
            tracing::info!("another share has the name, so this one is now {:?}", now.name);
            // It can only fail while the library ends, and then the name is of no more use.
            let _ = library.rename(&now.name).await;
        }
        tokio::select! {
            () = stopping.cancelled() => break,
            changed = standing.changed() => if changed.is_err() { break },
        }
    }
    advertised.stop().await;
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
