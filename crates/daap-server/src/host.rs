//! The `Host` rule, against DNS rebinding.
//!
//! A web page can have its own name resolve to an address of this network and then read what it likes
//! from "its own" server. The `Host` header gives it away: it is the page's name. So a request that names
//! a host must name it by address, by a name that no page can own, or by one the owner has told us.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The names under which this server may be asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostNames(Vec<String>);

impl HostNames {
    /// Adds a name that may be used.
    pub(crate) fn allow(&mut self, name: &str) {
        let name = plain(name);
        if !name.is_empty() && !self.0.contains(&name) {
            self.0.push(name);
        }
    }

    /// Whether a request may name this host, with or without a port. An empty one names none, as old
    /// DAAP clients do.
    pub(crate) fn allows(&self, host: &str) -> bool {
        let host = host.trim();
        if host.is_empty() {
            return true;
        }
        if let Some(rest) = host.strip_prefix('[') {
            let Some((address, port)) = rest.split_once(']') else { return false };
            return is_ipv6(address) && (port.is_empty() || port.starts_with(':'));
        }
        if is_ipv6(host) {
            return true;
        }
        let name = plain(host.split_once(':').map_or(host, |(name, _)| name));
        name.parse::<Ipv4Addr>().is_ok()
            || is_label(&name)
            || name.strip_suffix(".local").is_some_and(|label| !label.is_empty())
            || self.0.contains(&name)
    }
}

fn plain(name: &str) -> String {
    let name = name.trim();
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// A name without a dot, such as `localhost` or `nas`. The public name system has none that lead anywhere, so
/// no page can own one: they come from the hosts file or the network's own resolver.
fn is_label(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// An IPv6 address, with or without the zone that link-local ones need.
fn is_ipv6(text: &str) -> bool {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    address.parse::<Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, allowed: bool) {
        let mut names = HostNames::default();
        names.allow("music.example.org.");
        assert_eq!(names.allows(host), allowed, "{host:?}");
    }

    #[test]
    fn addresses_and_names_nobody_else_can_own_pass() {
        for host in
            ["192.168.1.2", "192.168.1.2:3689", "8.8.8.8", "[fe80::1]", "[fe80::1%25eth0]:3689"]
        {
            check(host, true);
        }
        for host in
            ["fe80::1", "::1", "localhost", "LocalHost:80", "living-room.local:3689", "Mac.Local."]
        {
            check(host, true);
        }
        for host in ["nas", "Living-Room:3689", "pc_2"] {
            check(host, true);
        }
        check("", true);
        check("  ", true);
    }

    #[test]
    fn told_names_pass() {
        for host in ["music.example.org", "MUSIC.example.org:3689"] {
            check(host, true);
        }
    }

    #[test]
    fn other_names_do_not() {
        for host in
            ["evil.example", "evil.example:3689", "nas.evil.example", "localhost.evil.example"]
        {
            check(host, false);
        }
        for host in [
            "192.168.1.2.evil.example",
            ".local",
            "a b",
            "ev\u{131}l",
            "[evil.example]",
            "[::1",
            "[::1]x",
            ":3689",
        ] {
            check(host, false);
        }
    }
}
