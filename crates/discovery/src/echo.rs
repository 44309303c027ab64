//! Whether multicast DNS gets through on this machine at all.

use std::collections::BTreeSet;
use std::time::Duration;

use mdns_sd::{ScopedIp, ServiceEvent, ServiceInfo};
use tokio::time::{self, Instant};

use crate::responder::Responder;
use crate::{DiscoveryError, Interfaces};

/// Nobody else looks for this.
const DOMAIN: &str = "_dapple-echo._udp.local.";

/// The port that throws away what it is sent (RFC 863): a service must have one, and nobody is to call it.
const DISCARD_PORT: u16 = 9;

/// How long to wait for the first we hear of ourselves. It is announced at once and again after a second, and asked for
/// after one second and after three.
const LIMIT: Duration = Duration::from_millis(3500);

/// How long to wait for what the other interfaces bring.
const REST: Duration = Duration::from_millis(1500);

/// Announces something by one socket, looks for it by another, and says on which interfaces it was heard.
///
/// An interface that is missing does not carry multicast, or a firewall drops UDP port 5353. What others on the network
/// hear is not known; but what does not even come back, they do not hear either.
///
/// # Errors
///
/// [`DiscoveryError::Start`] if the system refuses what it takes.
pub async fn echo(interfaces: &Interfaces) -> Result<BTreeSet<String>, DiscoveryError> {
    let (mouth, ear) = (Responder::open(interfaces)?, Responder::open(interfaces)?);
    let service = service()?;
    let full_name = service.get_fullname().to_owned();
    let heard = ear.browse(DOMAIN)?;
    mouth.register(service)?;
    let mut end = Instant::now() + LIMIT;
    let mut interfaces = BTreeSet::new();
    while let Ok(Ok(event)) = time::timeout_at(end, heard.recv_async()).await {
        if let ServiceEvent::ServiceResolved(found) = event
            && found.fullname.eq_ignore_ascii_case(&full_name)
        {
            interfaces.extend(found.addresses.iter().flat_map(heard_on));
            end = end.min(Instant::now() + REST);
        }
    }
    mouth.withdraw(&full_name).await;
    mouth.close().await;
    ear.close().await;
    Ok(interfaces)
}

/// Something under names that no other program has, nor this one a moment ago.
fn service() -> Result<ServiceInfo, DiscoveryError> {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let name = format!("dapple-echo-{}-{:x}", std::process::id(), since.as_millis());
    let host = format!("{name}.local.");
    let txt: [(&str, &str); 0] = [];
    let mut service = ServiceInfo::new(DOMAIN, &name, &host, (), DISCARD_PORT, &txt[..])
        .map_err(|source| DiscoveryError::Unspeakable { name, source })?
        .enable_addr_auto();
    service.set_requires_probe(false);
    Ok(service)
}

fn heard_on(address: &ScopedIp) -> Vec<String> {
    match address {
        ScopedIp::V4(v4) => v4.interface_ids().iter().map(|id| id.name.clone()).collect(),
        ScopedIp::V6(v6) => vec![v6.scope_id().name.clone()],
        _ => Vec::new(),
    }
}
