//! Shares by the name under which they are announced.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use daap_proto::ShareUrl;
use discovery::{Browser, DiscoveryError, Event, Interfaces, Kind, Service};
use tokio::time::timeout;

use crate::ClientError;

/// How long a share is listened for. All that are there answer within a second, save for slow machines.
const LISTEN: Duration = Duration::from_secs(5);

/// Where the share is that a URL names.
pub(crate) async fn find(url: &ShareUrl) -> Result<Vec<SocketAddr>, ClientError> {
    let mut seen = BTreeSet::new();
    match timeout(LISTEN, search(&url.host, &mut seen)).await {
        Ok(Ok(service)) => Ok(addresses(&service, url.port)),
        Ok(Err(error)) => {
            Err(ClientError::Unreachable { address: url.host.clone(), cause: Arc::new(error) })
        }
        Err(_) => {
            let seen = seen.into_iter().collect();
            Err(ClientError::NotFound { name: url.host.clone(), seen })
        }
    }
}

/// Waits for the share to be announced; notes the names of others meanwhile.
async fn search(name: &str, seen: &mut BTreeSet<String>) -> Result<Service, DiscoveryError> {
    let mut browser = Browser::start(&[Kind::Daap], Interfaces::all())?;
    while let Some(event) = browser.next().await {
        let (Event::Found(service) | Event::Updated(service)) = event else { continue };
        if is_called(&service, name) && !service.addresses.is_empty() {
            return Ok(service);
        }
        seen.insert(service.name);
    }
    Err(DiscoveryError::Ended)
}

/// Whether a share is called so, or the machine that serves it.
fn is_called(share: &Service, name: &str) -> bool {
    let wanted = name.trim_end_matches('.').to_lowercase();
    [&share.name, &share.instance, &share.host].iter().any(|name| name.to_lowercase() == wanted)
}

/// Its addresses, with the port that the URL names if it does.
fn addresses(share: &Service, port: Option<u16>) -> Vec<SocketAddr> {
    let mut addresses = share.addresses.clone();
    for address in &mut addresses {
        address.set_port(port.unwrap_or(address.port()));
    }
    addresses
}

#[cfg(test)]
mod tests {
    use discovery::{About, ShareTxt};

    use super::*;

    fn share() -> Service {
        Service {
            kind: Kind::Daap,
            name: "Vol. 1".into(),
            instance: "Vol\u{2024} 1".into(),
            host: "nas.local".into(),
            addresses: vec!["192.0.2.1:3690".parse().unwrap(), "[fe80::1%2]:3690".parse().unwrap()],
            port: 3690,
            interfaces: Vec::new(),
            about: About::Share(ShareTxt::default()),
        }
    }

    #[test]
    fn a_share_is_called_by_its_name_or_its_host() {
        for name in ["Vol. 1", "vol. 1", "Vol\u{2024} 1", "nas.local", "NAS.local."] {
            assert!(is_called(&share(), name), "{name}");
        }
        for name in ["Vol", "nas", ""] {
            assert!(!is_called(&share(), name), "{name}");
        }
    }

    #[test]
    fn a_port_in_the_url_counts_more_than_the_announced_one() {
        let texts =
            |port| addresses(&share(), port).iter().map(SocketAddr::to_string).collect::<Vec<_>>();
        assert_eq!(texts(None), ["192.0.2.1:3690", "[fe80::1%2]:3690"]);
        assert_eq!(texts(Some(1)), ["192.0.2.1:1", "[fe80::1%2]:1"]);
    }
}
