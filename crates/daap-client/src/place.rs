//! Where a server is: what a URL's host means on this network.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use daap_proto::{DEFAULT_PORT, ShareUrl};
use http::Uri;
use http::uri::{Authority, Scheme};
use tokio::time::timeout;

use crate::ClientError;

/// What requests are addressed to where the resolver is told the addresses. No name ends so (RFC 6761).
pub(crate) const PINNED: &str = "share.invalid";

/// What stands before the scope of an address, as in `fe80::1%eth0`.
const SCOPE: char = '%';

/// Where a server is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// What connections are made to: a host that the system knows, or [`PINNED`].
    target: Authority,
    /// What the server calls itself, as far as we know: what stands in `Host`.
    pub(crate) name: String,
    /// The addresses of [`PINNED`].
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Place {
    /// A host that the system knows.
    fn known(host: &str, port: u16) -> Option<Self> {
        let name = match host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]:{port}"),
            Err(_) => format!("{host}:{port}"),
        };
        Some(Self { target: name.parse().ok()?, name, addresses: Vec::new() })
    }

    /// What listens at an address.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let target = format!("{PINNED}:{}", address.port());
        let target = target.parse().expect("a host and a port are an authority");
        Self { target, name: name_of(address), addresses: vec![address] }
    }

    /// A host at these addresses.
    fn pinned(url: &ShareUrl, addresses: Vec<SocketAddr>) -> Result<Self, ClientError> {
        let not_found = || ClientError::NotFound { name: url.host.clone(), seen: Vec::new() };
        let first = addresses.first().ok_or_else(not_found)?;
        Ok(Self { addresses: addresses.clone(), ..Self::at(*first) })
    }

    /// The place that a URL names. The system may take as long as `patience` to find a host.
    ///
    /// # Errors
    /// [`ClientError::NotFound`]
    pub(crate) async fn find(url: &ShareUrl, patience: Duration) -> Result<Self, ClientError> {
        let (host, port) = (url.host.as_str(), url.port.unwrap_or(DEFAULT_PORT));
        let is_address = host.parse::<IpAddr>().is_ok();
        match Self::known(host, port) {
            Some(place) if is_address => Ok(place),
            Some(place) if !addresses(host, port, patience).await.is_empty() => Ok(place),
            // Nothing of HTTP can name a scope, so what the system makes of it is kept.
            None if host.contains(SCOPE) => {
                Self::pinned(url, addresses(host, port, patience).await)
            }
            // Nobody has that host, or it is a name of several words, which is no host's.
            _ => Self::announced(url).await,
        }
    }

    /// The place of the share that is announced under this name, or on this host: systems that know no multicast DNS do
    /// not find one.
    #[cfg(feature = "mdns")]
    async fn announced(url: &ShareUrl) -> Result<Self, ClientError> {
        Self::pinned(url, crate::announced::find(url).await?)
    }

    /// Nobody listens for shares that are announced.
    #[cfg(not(feature = "mdns"))]
    async fn announced(url: &ShareUrl) -> Result<Self, ClientError> {
        Self::pinned(url, Vec::new())
    }

    /// Calls it by the address that answered, where it has no name that means something to others.
    pub(crate) fn met_at(&mut self, address: SocketAddr) {
        if self.target.host() == PINNED {
            self.name = name_of(address);
        }
    }

    /// Where a request for this target goes.
    pub(crate) fn uri(&self, target: &str) -> Option<Uri> {
        let target = target.parse().ok()?;
        let parts = Uri::builder().scheme(Scheme::HTTP).authority(self.target.clone());
        parts.path_and_query::<http::uri::PathAndQuery>(target).build().ok()
    }

    /// The same place by the name we know it by, if it is this one.
    pub(crate) fn adopt(&self, uri: Uri) -> Uri {
        let is_named =
            uri.authority().is_some_and(|authority| same(authority.as_str(), &self.name));
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        if is_named { self.uri(target).unwrap_or(uri) } else { uri }
    }

    /// Whether this is where that leads.
    pub(crate) fn is_at(&self, uri: &Uri) -> bool {
        uri.authority().is_some_and(|authority| same(authority.as_str(), self.target.as_str()))
    }
}

/// The addresses of a host, as far as the system knows any.
async fn addresses(host: &str, port: u16, patience: Duration) -> Vec<SocketAddr> {
    let found = timeout(patience, tokio::net::lookup_host((host, port))).await;
    found.into_iter().flatten().flatten().collect()
}

/// An address without its scope, which means something on this machine only.
fn name_of(address: SocketAddr) -> String {
    SocketAddr::new(address.ip(), address.port()).to_string()
}

/// Whether two mean the same host and port; the port of HTTP may be left out.
fn same(one: &str, other: &str) -> bool {
    let without_port = |name: &str| name.strip_suffix(":80").unwrap_or(name).to_ascii_lowercase();
    without_port(one) == without_port(other)
}
