//! Where a request comes from.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// A range of addresses, such as `100.64.0.0/10` or `2001:db8:1::/48`; a single address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is not a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// What stands before the slash is no IP address.
    #[error("{0:?} is not an IP address")]
    Address(String),
    /// What stands after the slash is no length of a prefix.
    #[error("{text:?} is not a number of bits from 0 to {most}")]
    Prefix {
        /// What stands there.
        text: String,
        /// How many bits the address has.
        most: u8,
    },
}

impl Network {
    const fn v4(a: u8, b: u8, prefix: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)), prefix }
    }

    const fn v6(first: u16, prefix: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0)), prefix }
    }

    /// Whether the address lies in the range. An IPv4 address in IPv6 dress counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (network, address, width) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(n), IpAddr::V4(a)) => {
                (u128::from(n.to_bits()), u128::from(a.to_bits()), 32)
            }
            (IpAddr::V6(n), IpAddr::V6(a)) => (n.to_bits(), a.to_bits(), 128),
            _ => return false,
        };
        let host_bits = width - u32::from(self.prefix);
        (network ^ address).checked_shr(host_bits).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr =
            address.parse().map_err(|_| NetworkError::Address(address.to_owned()))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => most,
            Some(text) => match text.parse() {
                Ok(bits) if bits <= most => bits,
                _ => return Err(NetworkError::Prefix { text: text.to_owned(), most }),
            },
        };
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The private and link-local ranges. Not among them: `100.64.0.0/10`, which internet providers and some
/// virtual networks use, as it can hold strangers; whoever runs such a network names it as trusted.
const LOCAL: [Network; 6] = [
    Network::v4(10, 0, 8),
    Network::v4(172, 16, 12),
    Network::v4(192, 168, 16),
    Network::v4(169, 254, 16),
    Network::v6(0xFC00, 7),
    Network::v6(0xFE80, 10),
];

/// Who asks: where a request comes from, as whoever accepted its connection knows.
///
/// A program that mounts a [`Service`](crate::Service) puts one into the extensions of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub(crate) address: IpAddr,
    pub(crate) origin: Origin,
}

impl Peer {
    /// The peer at the far end of a connection from `remote` to `local`.
    ///
    /// Behind a reverse proxy take the addresses from what the proxy says, if nobody else can say it: this
    /// machine and the local network may do more than others.
    #[must_use]
    pub fn new(remote: SocketAddr, local: SocketAddr) -> Self {
        let address = remote.ip().to_canonical();
        let origin = if address.is_loopback() || address == local.ip().to_canonical() {
            Origin::Machine
        } else if LOCAL.iter().any(|network| network.contains(address)) {
            Origin::Local
        } else {
            Origin::Elsewhere
        };
        Self { address, origin }
    }

    /// Its address. An IPv4 address in IPv6 dress is IPv4.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        self.origin == Origin::Machine
    }
}

/// How near a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This machine.
    Machine,
    /// The local network.
    Local,
    /// Elsewhere.
    Elsewhere,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, expected: Origin) {
        let peer = SocketAddr::new(peer.parse().unwrap(), 50_000);
        let local = "[2001:db8::7]:3689".parse().unwrap();
        assert_eq!(Peer::new(peer, local).origin, expected, "{peer}");
    }

    #[test]
    fn this_machine_is_loopback_and_its_own_address() {
        check("127.0.0.1", Origin::Machine);
        check("127.3.2.1", Origin::Machine);
        check("::1", Origin::Machine);
        check("::ffff:127.0.0.1", Origin::Machine);
        check("2001:db8::7", Origin::Machine);
    }

    #[test]
    fn the_local_network_is_the_private_and_link_local_ranges() {
        for peer in ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1"] {
            check(peer, Origin::Local);
        }
        for peer in
            ["169.254.7.7", "::ffff:192.168.1.2", "fd12::1", "fc00::1", "fe80::1", "febf::1"]
        {
            check(peer, Origin::Local);
        }
    }

    #[test]
    fn everything_else_is_elsewhere() {
        for peer in ["8.8.8.8", "172.32.0.1", "172.15.0.1", "192.169.0.1", "11.0.0.1", "0.0.0.0"] {
            check(peer, Origin::Elsewhere);
        }
        for peer in
            ["2001:4860::8888", "fec0::1", "fe00::1", "::", "::ffff:8.8.8.8", "2002:a00:1::"]
        {
            check(peer, Origin::Elsewhere);
        }
        check("100.64.3.2", Origin::Elsewhere);
        check("2001:db8:1:5::1", Origin::Elsewhere);
    }

    #[track_caller]
    fn check_text(text: &str, expected: Result<&str, NetworkError>) {
        let network = text.parse::<Network>().map(|network| network.to_string());
        assert_eq!(network, expected.map(str::to_owned));
    }

    #[test]
    fn networks_are_read_and_refused() {
        let prefix = |text: &str, most| Err(NetworkError::Prefix { text: text.to_owned(), most });
        check_text("10.1.0.0/16", Ok("10.1.0.0/16"));
        check_text("10.1.2.3", Ok("10.1.2.3/32"));
        check_text("fd00::/8", Ok("fd00::/8"));
        check_text("0.0.0.0/0", Ok("0.0.0.0/0"));
        check_text("10.1.0.0/33", prefix("33", 32));
        check_text("fd00::/129", prefix("129", 128));
        check_text("10.1.0.0/", prefix("", 32));
        check_text("home", Err(NetworkError::Address("home".to_owned())));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("8.8.8.8".parse().unwrap()));
        assert!(!all.contains("::1".parse().unwrap()));
    }
}
