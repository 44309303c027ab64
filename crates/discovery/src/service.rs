//! A service that was found: where it is, and what it is.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use mdns_sd::{ResolvedService, ScopedIp};
use serde::Serialize;

use crate::txt::{self, Pairs};
use crate::{Kind, RemoteTxt, SenderTxt, ServerTxt, ShareTxt, SpeakerTxt, name};

/// How many addresses of one service are kept.
const ADDRESSES_MAX: usize = 32;

/// A service on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// As what it is announced.
    pub kind: Kind,
    /// What people call it.
    pub name: String,
    /// What DNS calls it. No other service of this kind on the network has the same.
    pub instance: String,
    /// The machine that serves it, such as `nas.local`.
    pub host: String,
    /// Where it listens, the best first: IPv4, then IPv6, those of one link last and with their scope.
    pub addresses: Vec<SocketAddr>,
    /// The port of all the addresses.
    pub port: u16,
    /// The interfaces of this machine on which it was heard.
    pub interfaces: Vec<String>,
    /// What it says about itself.
    pub about: About,
}

/// What a service is, and what it says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum About {
    /// Music that can be listed and played ([`Kind::Daap`]).
    Share(ShareTxt),
    /// A server that a Remote can control ([`Kind::TouchAble`]).
    Server(ServerTxt),
    /// A Remote that waits to be paired ([`Kind::TouchRemote`]).
    Remote(RemoteTxt),
    /// A library that only machines of its Apple account can open ([`Kind::HomeSharing`]). It says what a share says.
    HomeSharing(ShareTxt),
    /// Who sends to AirPlay speakers ([`Kind::Dacp`]).
    Sender(SenderTxt),
    /// A speaker ([`Kind::Raop`], [`Kind::AirPlay`]).
    Speaker(SpeakerTxt),
}

impl Service {
    /// Reads what was heard; `None` if it is not of this kind.
    pub(crate) fn read(kind: Kind, heard: &ResolvedService) -> Option<Self> {
        let instance = kind.instance_of(&heard.fullname)?;
        let pairs = heard.txt_properties.iter();
        let pairs = pairs.map(|p| (p.key(), p.val().unwrap_or_default())).collect();
        let about = About::parse(kind, instance, &pairs);
        let (addresses, interfaces) = addresses(heard);
        Some(Self {
            kind,
            name: about.name(instance),
            instance: instance.to_owned(),
            host: heard.host.trim_end_matches('.').to_owned(),
            addresses,
            port: heard.port,
            interfaces,
            about,
        })
    }
}

impl About {
    fn parse(kind: Kind, instance: &str, pairs: &Pairs<'_>) -> Self {
        match kind {
            Kind::Daap => Self::Share(ShareTxt::parse(pairs)),
            Kind::TouchAble => Self::Server(ServerTxt::parse(pairs)),
            Kind::TouchRemote => Self::Remote(RemoteTxt::parse(pairs)),
            Kind::HomeSharing => Self::HomeSharing(ShareTxt::parse(pairs)),
            Kind::Dacp => Self::Sender(SenderTxt::parse(instance, pairs)),
            Kind::Raop | Kind::AirPlay => Self::Speaker(SpeakerTxt::parse(instance, pairs)),
        }
    }

    /// Whether it asks for a password, if it says.
    #[must_use]
    pub fn password(&self) -> Option<bool> {
        match self {
            Self::Share(txt) | Self::HomeSharing(txt) => txt.password,
            Self::Speaker(txt) => txt.password,
            Self::Server(_) | Self::Remote(_) | Self::Sender(_) => None,
        }
    }

    /// The version of the protocol that it speaks, or of its software if it is a speaker.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let version = match self {
            Self::Share(txt) | Self::HomeSharing(txt) => txt.version,
            Self::Server(txt) => txt.version,
            Self::Sender(txt) => txt.version,
            Self::Remote(txt) => return txt.version.map(|version| version.to_string()),
            Self::Speaker(txt) => return txt.version.clone(),
        };
        version.map(|version| version.to_string())
    }

    /// What people call a service of this instance name.
    fn name(&self, instance: &str) -> String {
        let told = match self {
            Self::Share(txt) | Self::HomeSharing(txt) => return share_name(instance, txt),
            Self::Server(txt) => txt.name.as_deref(),
            Self::Remote(txt) => txt.device_name.as_deref(),
            Self::Speaker(_) => txt::speaker_name(instance),
            Self::Sender(_) => None,
        };
        told.unwrap_or(instance).to_owned()
    }
}

/// The instance name, in the spelling of the TXT record if that differs only in look-alikes.
fn share_name(instance: &str, txt: &ShareTxt) -> String {
    // iTunes 4 and jolivia mark a password in the name; Banshee takes the mark off as well.
    let plain = instance.strip_suffix("_PW").filter(|rest| !rest.is_empty()).unwrap_or(instance);
    let told = txt.machine_name.as_deref().filter(|told| name::fold(told) == name::fold(plain));
    told.unwrap_or(plain).to_owned()
}

fn addresses(heard: &ResolvedService) -> (Vec<SocketAddr>, Vec<String>) {
    let mut addresses = BTreeSet::new();
    let mut interfaces = BTreeSet::new();
    for ip in &heard.addresses {
        let link_local = match ip {
            ScopedIp::V4(v4) => {
                interfaces.extend(v4.interface_ids().iter().map(|i| i.name.clone()));
                v4.addr().is_link_local()
            }
            ScopedIp::V6(v6) => {
                interfaces.insert(v6.scope_id().name.clone());
                v6.addr().is_unicast_link_local()
            }
            _ => false,
        };
        let address = match (ip, ip.to_ip_addr()) {
            (ScopedIp::V6(v6), IpAddr::V6(ip)) if link_local => {
                SocketAddrV6::new(ip, heard.port, 0, v6.scope_id().index).into()
            }
            (_, ip) => SocketAddr::new(ip, heard.port),
        };
        addresses.insert((link_local, address));
    }
    let addresses = addresses.into_iter().map(|(_, address)| address).take(ADDRESSES_MAX).collect();
    (addresses, interfaces.into_iter().filter(|name| !name.is_empty()).collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use mdns_sd::ServiceInfo;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// A service as it is found under this name.
    pub(crate) fn found(kind: Kind, instance: &str, ips: &[&str], txt: &[(&str, &str)]) -> Service {
        let info = ServiceInfo::new(kind.domain(), instance, "nas.local.", ips, 3690, txt).unwrap();
        Service::read(kind, &info.as_resolved_service()).unwrap()
    }

    #[test]
    fn ipv4_addresses_come_first_and_those_of_one_link_last() {
        let ips = ["169.254.1.2", "fe80::1", "2001:db8::1", "192.0.2.9", "192.0.2.10"];
        let share = found(Kind::Daap, "x", &ips, &[]);
        let addresses: Vec<String> = share.addresses.iter().map(SocketAddr::to_string).collect();
        assert_eq!(
            addresses,
            [
                "192.0.2.9:3690",
                "192.0.2.10:3690",
                "[2001:db8::1]:3690",
                "169.254.1.2:3690",
                "[fe80::1]:3690"
            ]
        );
        assert_eq!(share.host, "nas.local");
    }

    #[track_caller]
    fn check_name(kind: Kind, instance: &str, txt: &[(&str, &str)], expected: &str) {
        assert_eq!(found(kind, instance, &[], txt).name, expected);
    }

    #[test]
    fn a_share_is_called_by_its_instance_in_its_own_spelling() {
        let check = |instance, machine_name, expected| {
            check_name(Kind::Daap, instance, &[("Machine Name", machine_name)], expected);
        };
        check("Music", "Music", "Music");
        check("Music (2)", "Music", "Music (2)");
        check("Vol\u{2024} 1 (2)", "Vol. 1 (2)", "Vol. 1 (2)");
        check("Jo_PW", "Jo", "Jo");
        check("_PW", "", "_PW");
        check("Music", "something else", "Music");
    }

    #[test]
    fn other_services_are_called_what_people_know_them_by() {
        check_name(Kind::TouchAble, "3C69B5CF12DBA52C", &[("CtlN", "Den")], "Den");
        check_name(Kind::TouchAble, "3C69B5CF12DBA52C", &[], "3C69B5CF12DBA52C");
        check_name(Kind::TouchRemote, "FC8D68FE-A7F2", &[("DvNm", "Jo's phone")], "Jo's phone");
        check_name(Kind::Raop, "5855CA06BD9E@Kitchen", &[], "Kitchen");
        check_name(Kind::Raop, "Kitchen", &[], "Kitchen");
        check_name(Kind::AirPlay, "Jo @ home", &[], "Jo @ home");
        check_name(Kind::HomeSharing, "Jo", &[], "Jo");
        check_name(Kind::Dacp, "iTunes_Ctrl_1", &[("DbId", "1")], "iTunes_Ctrl_1");
    }

    /// Keys that something is read from, in any letters.
    const KEYS: [&str; 12] = [
        "Password",
        "machine name",
        "Version",
        "CtlN",
        "DVNM",
        "RemV",
        "Pair",
        "am",
        "cn",
        "sf",
        "deviceid",
        "pw",
    ];

    proptest! {
        #[test]
        fn whatever_is_announced_is_read_and_has_a_name(
            instance in ".{1,63}",
            keys in vec(select(&KEYS[..]), 0..12),
            values in vec(vec(any::<u8>(), 0..64), 12),
        ) {
            let values = values.iter().map(Vec::as_slice);
            let pairs = keys.iter().copied().zip(values).collect();
            for kind in Kind::ALL {
                prop_assert!(!About::parse(kind, &instance, &pairs).name(&instance).is_empty());
            }
        }
    }

    #[test]
    fn every_kind_is_read_as_what_it_is() {
        let about = |kind| found(kind, "12@x", &[], &[("Password", "1"), ("pw", "1")]).about;
        assert!(matches!(about(Kind::Daap), About::Share(_)));
        assert!(matches!(about(Kind::HomeSharing), About::HomeSharing(_)));
        assert!(matches!(about(Kind::AirPlay), About::Speaker(_)));
        for kind in Kind::ALL {
            let asks =
                matches!(about(kind), About::Share(_) | About::HomeSharing(_) | About::Speaker(_));
            assert_eq!(about(kind).password(), asks.then_some(true), "{kind}");
        }
    }
}
