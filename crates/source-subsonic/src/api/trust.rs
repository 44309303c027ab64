//! Who may be told the password, or anything.

use std::net::IpAddr;

use reqwest::Url;
use reqwest::redirect::{Attempt, Policy};

/// How often a server may send on from one address to another.
const MAX_REDIRECTS: usize = 5;

/// Goes where a server sends on to, if that is the same server and the way there is as safe. Any other would be told what
/// is only for this one.
pub(super) fn redirects() -> Policy {
    Policy::custom(|attempt: Attempt<'_>| {
        let is_safe =
            attempt.previous().last().is_some_and(|before| is_same(before, attempt.url()));
        if is_safe && attempt.previous().len() <= MAX_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

/// Whether an address is of the same server as another, and no less safe.
fn is_same(before: &Url, after: &Url) -> bool {
    let is_upgrade = (before.scheme(), after.scheme()) == ("http", "https");
    before.host_str() == after.host_str() && (is_upgrade || before.origin() == after.origin())
}

/// Whether the password itself may be sent to this address: nobody can read it on the way, or it stays in the own network.
pub(super) fn may_be_told_password(url: &Url) -> bool {
    url.scheme() == "https" || url.host_str().is_some_and(is_near)
}

/// Whether what is sent to this address never leaves the machine.
pub(super) fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Whether this is a name or an address in the own network.
fn is_near(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        Err(_) => {
            let local = [".local", ".lan", ".localhost", ".internal", ".home.arpa"];
            !host.contains('.') || local.iter().any(|end| host.ends_with(end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(url: &str) -> Url {
        Url::parse(url).unwrap()
    }

    #[test]
    fn a_password_itself_is_sent_in_secret_or_within_the_own_network() {
        let check = |address: &str, expected: bool| {
            assert_eq!(may_be_told_password(&url(address)), expected, "{address}");
        };
        check("https://music.example/", true);
        check("http://music.example/", false);
        check("http://93.184.216.34:4040/", false);
        check("http://[2001:db8::1]/", false);
        check("http://nas.local.music.example/", false);
        for near in
            ["nas", "nas.local", "127.0.0.1", "192.168.1.9", "10.1.2.3", "[::1]", "[fd00::1]"]
        {
            check(&format!("http://{near}:4040/music/"), true);
        }
    }

    #[test]
    fn what_is_sent_to_this_machine_does_not_leave_it() {
        for (address, expected) in [
            ("http://localhost:4040/", true),
            ("http://127.0.0.2/", true),
            ("http://[::1]:4040/", true),
            ("http://192.168.1.9/", false),
            ("http://localhost.music.example/", false),
        ] {
            assert_eq!(is_here(&url(address)), expected, "{address}");
        }
    }

    #[test]
    fn a_server_may_send_on_to_itself_and_to_where_it_is_safer() {
        let check = |before: &str, after: &str, expected: bool| {
            assert_eq!(is_same(&url(before), &url(after)), expected, "{before} {after}");
        };
        check("http://nas:4040/rest", "http://nas:4040/music/rest", true);
        check("http://nas:4040/rest", "https://nas/rest", true);
        check("https://nas/rest", "http://nas/rest", false);
        check("http://nas:4040/rest", "http://nas:4041/rest", false);
        check("http://nas/rest", "http://other/rest", false);
        check("http://nas/rest", "https://other/rest", false);
    }
}
