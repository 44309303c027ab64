//! Whether multicast DNS gets through.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use socket2::{Domain, Socket, Type};

use super::finding::Finding;
use super::port::Holder;

const CHECK: &str = "multicast";

/// The port of multicast DNS, which all who speak it share.
pub(super) const PORT: u16 = 5353;

/// The firewall that the system is set up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Firewall {
    Ufw,
    Firewalld,
    /// None that we know of: rules of somebody's own, or none.
    Other,
}

impl Firewall {
    /// The one that is on, by the traces that both leave for everyone to see.
    pub(super) fn installed() -> Self {
        let ufw = fs::read_to_string("/etc/ufw/ufw.conf").unwrap_or_default();
        if ufw.lines().any(|line| line.trim().eq_ignore_ascii_case("ENABLED=yes")) {
            Self::Ufw
        } else if Path::new("/run/firewalld").exists() {
            Self::Firewalld
        } else {
            Self::Other
        }
    }

    /// The command that lets multicast DNS in.
    fn admit_mdns(self) -> &'static str {
        match self {
            Self::Ufw => "sudo ufw allow 5353/udp",
            Self::Firewalld => {
                "sudo firewall-cmd --permanent --add-service=mdns && sudo firewall-cmd --reload"
            }
            Self::Other => "sudo iptables -I INPUT -p udp --dport 5353 -j ACCEPT",
        }
    }

    /// The command that lets clients in, if there is a firewall to tell.
    fn admit_clients(self, port: u16) -> Option<String> {
        match self {
            Self::Ufw => Some(format!("sudo ufw allow {port}/tcp")),
            Self::Firewalld => Some(format!(
                "sudo firewall-cmd --permanent --add-port={port}/tcp && sudo firewall-cmd --reload"
            )),
            Self::Other => None,
        }
    }
}

/// Whether we may share the port with who else has it; the error is that of asking for it.
pub(super) fn judge_port(
    taken: &Result<(), io::ErrorKind>,
    holder: Option<Holder>,
) -> Option<Finding> {
    let finding = match taken.as_ref().err()? {
        io::ErrorKind::AddrInUse => {
            let holder = holder.as_ref().map_or("another program".into(), Holder::to_string);
            let says = format!("UDP port {PORT} is taken by {holder}, which shares it with nobody");
            Finding::error(CHECK, says).cure(
                "sudo sed -i s/disallow-other-stacks=yes/disallow-other-stacks=no/ /etc/avahi/avahi-daemon.conf && \
                 sudo systemctl restart avahi-daemon",
            )
        }
        kind => Finding::error(CHECK, format!("UDP port {PORT} cannot be had: {kind}")),
    };
    Some(finding)
}

/// Asks for the port as one does who shares it, and gives it back at once.
pub(super) fn take_port() -> Result<(), io::ErrorKind> {
    let take = || {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
        socket.set_reuse_address(true)?;
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)).into())
    };
    take().map_err(|error: io::Error| error.kind())
}

/// Compares the interfaces on which we should have heard ourselves with those on which we did.
pub(super) fn judge(
    expected: &BTreeSet<&str>,
    heard: &BTreeSet<String>,
    firewall: Firewall,
) -> Option<Finding> {
    let (heard, deaf): (Vec<&str>, Vec<&str>) =
        expected.iter().partition(|name| heard.contains(**name));
    let finding = match (heard.is_empty(), deaf.is_empty()) {
        (true, true) => return None, // said with the network
        (_, true) => {
            Finding::fine(CHECK, format!("multicast DNS comes through on {}", heard.join(", ")))
        }
        (true, false) => {
            let says = "what this machine says by multicast DNS does not come back to it: a firewall drops UDP port 5353";
            Finding::error(CHECK, says).cure(firewall.admit_mdns())
        }
        (false, false) => {
            let says = format!(
                "multicast DNS comes through on {}, but not on {}: a firewall drops UDP port 5353 there",
                heard.join(", "),
                deaf.join(", ")
            );
            Finding::warning(CHECK, says).cure(firewall.admit_mdns())
        }
    };
    Some(finding)
}

/// A firewall lets in what comes from this machine, so that only others can tell whether it lets in clients.
pub(super) fn judge_firewall(firewall: Firewall, port: u16) -> Option<Finding> {
    let cure = firewall.admit_clients(port)?;
    let name = if firewall == Firewall::Ufw { "ufw" } else { "firewalld" };
    let says = format!(
        "{name} is on; it must let in TCP port {port}, which cannot be tried from this machine"
    );
    Some(Finding::warning("firewall", says).cure(cure))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[track_caller]
    fn check(expected: &[&str], heard: &[&str], verdict: Option<Verdict>) {
        let expected = expected.iter().copied().collect();
        let heard = heard.iter().map(|name| (*name).to_owned()).collect();
        let finding = judge(&expected, &heard, Firewall::Ufw);
        assert_eq!(finding.as_ref().map(|finding| finding.verdict), verdict);
        if verdict > Some(Verdict::Fine) {
            assert_eq!(finding.unwrap().cure.unwrap(), "sudo ufw allow 5353/udp");
        }
    }

    #[test]
    fn who_does_not_hear_itself_is_not_heard() {
        check(&["eth0", "wlan0"], &["eth0", "wlan0"], Some(Verdict::Fine));
        check(&["eth0", "wlan0"], &["wlan0"], Some(Verdict::Warning));
        check(&["eth0"], &[], Some(Verdict::Error));
        check(&[], &[], None);
        check(&["eth0"], &["eth0", "docker0"], Some(Verdict::Fine));
    }

    #[test]
    fn a_port_that_is_not_shared_is_an_error() {
        assert_eq!(judge_port(&Ok(()), None), None);
        let avahi = Holder::Process { id: 7, name: "avahi-daemon".into() };
        let finding = judge_port(&Err(io::ErrorKind::AddrInUse), Some(avahi)).unwrap();
        assert_eq!(finding.verdict, Verdict::Error);
        assert!(finding.says.contains("avahi-daemon (process 7)"), "{}", finding.says);
        let finding = judge_port(&Err(io::ErrorKind::PermissionDenied), None).unwrap();
        assert_eq!(finding.verdict, Verdict::Error);
    }

    #[test]
    fn a_firewall_is_told_of_with_its_own_command() {
        assert_eq!(judge_firewall(Firewall::Other, 3689), None);
        let ufw = judge_firewall(Firewall::Ufw, 3690).unwrap();
        assert_eq!(ufw.cure.as_deref(), Some("sudo ufw allow 3690/tcp"));
        let firewalld = judge_firewall(Firewall::Firewalld, 3689).unwrap();
        assert!(firewalld.says.starts_with("firewalld is on"), "{}", firewalld.says);
    }
}
