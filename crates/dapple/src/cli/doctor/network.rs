//! Whether this machine is on a network, and how.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use discovery::Interfaces;

use super::finding::Finding;

const CHECK: &str = "network";

/// Flags of an interface, as Linux has them in `/sys/class/net/NAME/flags`.
const UP: u32 = 1;
const LOOPBACK: u32 = 1 << 3;
const POINT_TO_POINT: u32 = 1 << 4;
const MULTICAST: u32 = 1 << 12;

/// A network interface that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) name: String,
    pub(super) multicast: bool,
    pub(super) addresses: Vec<IpAddr>,
}

impl Link {
    /// The addresses under which a share on it is announced.
    fn announced(&self) -> impl Iterator<Item = IpAddr> {
        let all = Interfaces::all();
        self.addresses.iter().copied().filter(move |ip| all.admits(&self.name, *ip))
    }

    /// Whether multicast DNS should work on it.
    fn is_sound(&self) -> bool {
        self.multicast && self.announced().next().is_some()
    }
}

/// The interfaces on which multicast DNS should work.
pub(super) fn sound(links: &[Link]) -> impl Iterator<Item = &str> {
    links.iter().filter(|link| link.is_sound()).map(|link| link.name.as_str())
}

/// The addresses under which clients on the network call this machine.
pub(super) fn addresses(links: &[Link]) -> impl Iterator<Item = IpAddr> {
    links.iter().flat_map(Link::announced)
}

pub(super) fn judge(links: &[Link]) -> Vec<Finding> {
    if links.is_empty() {
        return vec![Finding::error(CHECK, "this machine is on no network").cure("ip link")];
    }
    // What ails one of several interfaces keeps out only those who are behind it.
    let is_lost = sound(links).next().is_none();
    let ailing = if is_lost { Finding::error } else { Finding::warning };
    links.iter().map(|link| judge_one(link, ailing)).collect()
}

fn judge_one(link: &Link, ailing: fn(&'static str, String) -> Finding) -> Finding {
    let name = &link.name;
    let mut announced = link.announced();
    if !link.multicast {
        let says = format!("{name} does not do multicast, so that nobody there finds the share");
        return ailing(CHECK, says).cure(format!("sudo ip link set dev {name} multicast on"));
    }
    match announced.next() {
        None => {
            let says = format!("{name} has no address of a local network");
            ailing(CHECK, says).cure(format!("ip address show dev {name}"))
        }
        Some(IpAddr::V4(only)) if only.is_link_local() && announced.next().is_none() => {
            let says =
                format!("{name} has only {only}, which it gave itself; no router gave it one");
            Finding::warning(CHECK, says).cure(format!("ip address show dev {name}"))
        }
        Some(first) => Finding::fine(CHECK, format!("{name} has {first} and does multicast")),
    }
}

/// The interfaces that are up and lead to a network.
pub(super) fn links() -> io::Result<Vec<Link>> {
    let mut addresses: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for interface in if_addrs::get_if_addrs()? {
        let leads_out = !interface.is_loopback() && !interface.is_p2p() && interface.is_oper_up();
        if leads_out {
            addresses.entry(interface.name.clone()).or_default().push(interface.ip());
        }
    }
    let mut links = system_links();
    if links.is_empty() {
        // Not Linux: those without an address are not known, and all are taken to do multicast.
        let known = |name: &String| Link { name: name.clone(), multicast: true, addresses: vec![] };
        links = addresses.keys().map(known).collect();
    }
    links.retain(|link| !Interfaces::leads_to_containers(&link.name));
    for link in &mut links {
        link.addresses = addresses.remove(&link.name).unwrap_or_default();
    }
    Ok(links)
}

/// What Linux knows of them, without their addresses.
fn system_links() -> Vec<Link> {
    let entries = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    entries.filter_map(|entry| system_link(&entry.path())).collect()
}

fn system_link(folder: &Path) -> Option<Link> {
    let name = folder.file_name()?.to_str()?.to_owned();
    let flags = fs::read_to_string(folder.join("flags")).ok()?;
    let flags = u32::from_str_radix(flags.trim().strip_prefix("0x")?, 16).ok()?;
    // Some drivers cannot say.
    let state = fs::read_to_string(folder.join("operstate")).ok()?;
    let is_up = flags & UP != 0 && matches!(state.trim(), "up" | "unknown");
    let leads_out = is_up && flags & (LOOPBACK | POINT_TO_POINT) == 0;
    leads_out.then(|| Link { name, multicast: flags & MULTICAST != 0, addresses: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    fn link(name: &str, multicast: bool, addresses: &[&str]) -> Link {
        let addresses = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        Link { name: name.into(), multicast, addresses }
    }

    #[track_caller]
    fn check(links: &[Link], expected: &[(Verdict, &str)]) {
        let findings = judge(links);
        let found: Vec<_> = findings.iter().map(|f| (f.verdict, f.says.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_network_with_an_address_and_multicast_is_fine() {
        let links = [link("eth0", true, &["fe80::1", "192.0.2.7"])];
        check(&links, &[(Verdict::Fine, "eth0 has 192.0.2.7 and does multicast")]);
        assert_eq!(sound(&links).collect::<Vec<_>>(), ["eth0"]);
    }

    #[test]
    fn without_a_sound_interface_no_client_comes() {
        check(&[], &[(Verdict::Error, "this machine is on no network")]);
        let says = "eth0 has no address of a local network";
        check(&[link("eth0", true, &["fe80::1"])], &[(Verdict::Error, says)]);
        let says = "eth0 does not do multicast, so that nobody there finds the share";
        check(&[link("eth0", false, &["192.0.2.7"])], &[(Verdict::Error, says)]);
    }

    #[test]
    fn beside_a_sound_interface_an_ailing_one_is_a_warning() {
        let links = [link("eth0", true, &["192.0.2.7"]), link("wlan0", true, &[])];
        let fine = (Verdict::Fine, "eth0 has 192.0.2.7 and does multicast");
        check(&links, &[fine, (Verdict::Warning, "wlan0 has no address of a local network")]);
    }

    #[test]
    fn an_address_that_the_machine_gave_itself_is_a_warning() {
        let says = "eth0 has only 169.254.3.4, which it gave itself; no router gave it one";
        check(&[link("eth0", true, &["169.254.3.4"])], &[(Verdict::Warning, says)]);
    }
}
