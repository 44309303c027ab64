//! The Remotes that wait to be paired, as they announce themselves.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use discovery::{About, Browser, Event, Interfaces, Kind, Service};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A Remote that shows a code and waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WaitingRemote {
    /// What its owner calls it.
    pub(crate) name: String,
    /// What it is: `iPhone`, `iPod`.
    #[serde(rename = "type")]
    pub(crate) device_type: Option<String>,
    /// The name of its service.
    pub(crate) instance: String,
    /// Where it can be called, the likeliest first.
    pub(crate) addresses: Vec<SocketAddr>,
    /// What goes into the proof that the code is known. A Remote that does not say cannot be paired.
    pub(crate) pair_id: Option<String>,
}

impl WaitingRemote {
    fn new(service: Service) -> Option<Self> {
        let About::Remote(about) = service.about else { return None };
        let mut addresses = service.addresses;
        addresses.sort_by_key(is_link_local);
        Some(Self {
            name: service.name,
            device_type: about.device_type,
            instance: service.instance,
            addresses,
            pair_id: about.pair,
        })
    }
}

/// Addresses that machines give themselves lead astray when there are others.
fn is_link_local(address: &SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Listens on these interfaces, and keeps the list of those that wait for as long as somebody looks at it. It stays
/// empty where there are none, or where multicast DNS does not work; then the log says why.
pub(crate) fn listen(interfaces: Option<Interfaces>) -> watch::Receiver<Vec<WaitingRemote>> {
    let (list, waiting) = watch::channel(Vec::new());
    let browser = interfaces.map(|interfaces| Browser::start(&[Kind::TouchRemote], interfaces));
    match browser.transpose() {
        Ok(Some(browser)) => {
            tokio::spawn(follow(browser, list));
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "Remotes that want to be paired are not seen"),
    }
    waiting
}

async fn follow(mut browser: Browser, list: watch::Sender<Vec<WaitingRemote>>) {
    // No more are in it than the browser remembers.
    let mut waiting = BTreeMap::new();
    loop {
        let event = tokio::select! {
            event = browser.next() => event,
            () = list.closed() => return,
        };
        match event {
            Some(Event::Found(service) | Event::Updated(service)) => {
                let instance = service.instance.clone();
                if let Some(remote) = WaitingRemote::new(service) {
                    tracing::info!(remote = remote.name, "a Remote wants to be paired");
                    waiting.insert(instance, remote);
                }
            }
            Some(Event::Lost(service)) => {
                waiting.remove(&service.instance);
            }
            None => return,
        }
        list.send_replace(waiting.values().cloned().collect());
    }
}

#[cfg(test)]
mod tests {
    use discovery::RemoteTxt;

    use super::*;
    use crate::fixture;

    #[test]
    fn a_remote_is_called_where_it_is_likeliest() {
        let about = RemoteTxt { pair: Some("FAEA410630AEC05E".into()), ..RemoteTxt::default() };
        let addresses = ["169.254.3.2:49160", "192.0.2.7:49160", "[fe80::1]:49160"];
        let service =
            fixture::service(Kind::TouchRemote, "Phone", &addresses, About::Remote(about));
        let remote = WaitingRemote::new(service).unwrap();
        let order: Vec<_> = remote.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(order, ["192.0.2.7:49160", "169.254.3.2:49160", "[fe80::1]:49160"]);
        assert_eq!(remote.pair_id.as_deref(), Some("FAEA410630AEC05E"));
    }
}
