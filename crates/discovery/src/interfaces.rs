//! Where on this machine to speak and listen.

use std::net::{IpAddr, SocketAddr};

/// Names of interfaces that lead to containers and virtual machines of this machine. A share announced
/// there is seen by nobody but them. The bridges that people put their network on (`br0`, `vmbr0`) are not
/// among them.
const CONTAINER_PREFIXES: [&str; 12] = [
    "docker", "br-", "veth", "virbr", "vnet", "podman", "cni", "flannel", "cali", "lxcbr", "lxdbr",
    "incusbr",
];

/// Which interfaces and addresses take part. Loopback and point-to-point interfaces never do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interfaces {
    every_ipv4: bool,
    every_ipv6: bool,
    /// Addresses that take part wherever they are: who asks for an address wants it announced.
    named: Vec<IpAddr>,
    /// Interfaces of containers and virtual machines as well; otherwise not.
    pub containers: bool,
    /// IPv6 addresses that hold on one link only as well; otherwise not. Several clients cannot use them, as
    /// the announcement cannot carry the interface they belong to.
    pub ipv6_link_local: bool,
}

impl Interfaces {
    /// All suitable interfaces, with their IPv4 and their local IPv6 addresses.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            every_ipv4: true,
            every_ipv6: true,
            named: Vec::new(),
            containers: false,
            ipv6_link_local: false,
        }
    }

    /// Those on which a server that listens on `bound` can be reached; `None` if that is only this machine,
    /// so that there is nothing to announce.
    ///
    /// `[::]` counts as dual stack, as it is when nothing else is asked for.
    #[must_use]
    pub fn reaching(bound: &[SocketAddr]) -> Option<Self> {
        let mut reached = Self { every_ipv4: false, every_ipv6: false, ..Self::all() };
        for ip in bound.iter().map(|addr| addr.ip().to_canonical()) {
            match ip {
                _ if ip.is_loopback() => {}
                IpAddr::V4(v4) if v4.is_unspecified() => reached.every_ipv4 = true,
                IpAddr::V6(v6) if v6.is_unspecified() => {
                    reached.every_ipv4 = true;
                    reached.every_ipv6 = true;
                }
                _ => reached.named.push(ip),
            }
        }
        reached.some()
    }

    /// The same without IPv6, as some old clients have trouble with the IPv6 addresses of a share; `None` if
    /// nothing is left.
    #[must_use]
    pub fn ipv4_only(mut self) -> Option<Self> {
        self.every_ipv6 = false;
        self.named.retain(IpAddr::is_ipv4);
        self.some()
    }

    fn some(self) -> Option<Self> {
        (self.every_ipv4 || self.every_ipv6 || !self.named.is_empty()).then_some(self)
    }

    /// Whether the address `ip` of the interface `name` takes part.
    #[must_use]
    pub fn admits(&self, name: &str, ip: IpAddr) -> bool {
        let every = match ip {
            IpAddr::V4(_) => self.every_ipv4,
            IpAddr::V6(v6) if v6.is_unicast_link_local() => self.every_ipv6 && self.ipv6_link_local,
            // A peer that calls a global address comes from one, and nothing about that says that it is of
            // the local network: servers that admit only that would turn it away.
            IpAddr::V6(v6) => self.every_ipv6 && v6.is_unique_local(),
        };
        let admitted = self.containers || !Self::leads_to_containers(name);
        !ip.is_loopback() && (self.named.contains(&ip) || every && admitted)
    }

    /// Whether an interface of this name leads only to containers and virtual machines of this machine.
    #[must_use]
    pub fn leads_to_containers(name: &str) -> bool {
        CONTAINER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAN: [(&str, &str); 8] = [
        ("lo", "127.0.0.1"),
        ("lo", "::1"),
        ("eth0", "192.0.2.7"),
        ("eth0", "2001:db8::7"),
        ("eth0", "fd00::7"),
        ("eth0", "fe80::7"),
        ("docker0", "172.17.0.1"),
        ("br0", "198.51.100.7"),
    ];

    /// The addresses of [`LAN`] that are announced for a server that listens on `bound`.
    #[track_caller]
    fn check(bound: &[&str], expected: &[&str]) {
        let bound: Vec<SocketAddr> = bound.iter().map(|addr| addr.parse().unwrap()).collect();
        let admitted = Interfaces::reaching(&bound).map_or_else(Vec::new, |i| admitted(&i));
        assert_eq!(admitted, expected);
    }

    fn admitted(interfaces: &Interfaces) -> Vec<&'static str> {
        let admits = |(name, ip): &(&str, &str)| interfaces.admits(name, ip.parse().unwrap());
        LAN.iter().filter(|lan| admits(lan)).map(|(_, ip)| *ip).collect()
    }

    #[test]
    fn a_share_is_announced_where_its_server_listens() {
        check(&["[::]:3689"], &["192.0.2.7", "fd00::7", "198.51.100.7"]);
        check(&["0.0.0.0:3689"], &["192.0.2.7", "198.51.100.7"]);
        check(&["192.0.2.7:3689"], &["192.0.2.7"]);
        check(&["172.17.0.1:3689", "[fe80::7]:3689"], &["fe80::7", "172.17.0.1"]);
        check(
            &["0.0.0.0:3689", "[2001:db8::7]:3689"],
            &["192.0.2.7", "2001:db8::7", "198.51.100.7"],
        );
        check(&["[::ffff:192.0.2.7]:3689"], &["192.0.2.7"]);
    }

    #[test]
    fn what_only_this_machine_can_reach_is_not_announced() {
        check(&["127.0.0.1:3689", "[::1]:3689", "127.1.2.3:3689"], &[]);
        check(&[], &[]);
    }

    #[test]
    fn containers_and_link_local_addresses_take_part_when_asked() {
        let all = Interfaces { containers: true, ipv6_link_local: true, ..Interfaces::all() };
        assert_eq!(
            admitted(&all),
            ["192.0.2.7", "fd00::7", "fe80::7", "172.17.0.1", "198.51.100.7"]
        );
    }

    #[test]
    fn ipv6_can_be_left_out() {
        assert_eq!(
            admitted(&Interfaces::all().ipv4_only().unwrap()),
            ["192.0.2.7", "198.51.100.7"]
        );
        let ipv6 = Interfaces::reaching(&["[2001:db8::7]:3689".parse().unwrap()]).unwrap();
        assert_eq!(ipv6.ipv4_only(), None);
    }
}
