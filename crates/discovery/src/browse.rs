//! Watching the shares that others announce.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use mdns_sd::{ResolvedService, ScopedIp, ServiceEvent};
use tokio::sync::mpsc;
use tokio::time::{self, Instant};

use crate::responder::Responder;
use crate::{DiscoveryError, Interfaces, Kind, ShareTxt, name};

/// How many shares are remembered; more are left out, as a network with more is a flood.
const SHARES_MAX: usize = 1024;

/// How many addresses of one share are kept.
const ADDRESSES_MAX: usize = 32;

/// How many events wait for the caller. Behind them, changes of one share fold into one.
const EVENTS_MAX: usize = 16;

/// How long a share that is said to have gone has to say otherwise, where the saying is unsure.
const DOUBT: Duration = Duration::from_secs(4);

/// A music share on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// What people call it.
    pub name: String,
    /// What DNS calls it. No other share of the network has the same.
    pub instance: String,
    /// The machine that serves it, such as `nas.local`.
    pub host: String,
    /// Where it listens: IPv4 first, then IPv6, those of one link last and with their scope.
    pub addresses: Vec<SocketAddr>,
    /// The port of all the addresses.
    pub port: u16,
    /// What it says about itself.
    pub txt: ShareTxt,
    /// The interfaces of this machine on which it was heard.
    pub interfaces: Vec<String>,
}

impl Share {
    fn new(kind: Kind, service: &ResolvedService) -> Option<Self> {
        let instance = kind.instance_of(&service.fullname)?;
        let pairs = service.txt_properties.iter().map(|p| (p.key(), p.val().unwrap_or_default()));
        let txt = ShareTxt::parse(pairs);
        let (addresses, interfaces) = addresses(service);
        Some(Self {
            name: display_name(instance, &txt),
            instance: instance.to_owned(),
            host: service.host.trim_end_matches('.').to_owned(),
            addresses,
            port: service.port,
            txt,
            interfaces,
        })
    }
}

/// The instance name, in the spelling of the TXT record if that differs only in look-alikes.
fn display_name(instance: &str, txt: &ShareTxt) -> String {
    // iTunes 4 and jolivia mark a password in the name; Banshee takes the mark off as well.
    let plain = instance.strip_suffix("_PW").filter(|rest| !rest.is_empty()).unwrap_or(instance);
    let told = txt.machine_name.as_deref().filter(|told| name::fold(told) == name::fold(plain));
    told.unwrap_or(plain).to_owned()
}

fn addresses(service: &ResolvedService) -> (Vec<SocketAddr>, Vec<String>) {
    let mut addresses = BTreeSet::new();
    let mut interfaces = BTreeSet::new();
    for ip in &service.addresses {
        let link_local = match ip {
            ScopedIp::V4(v4) => {
                interfaces.extend(v4.interface_ids().iter().map(|i| i.name.clone()));
                false
            }
            ScopedIp::V6(v6) => {
                interfaces.insert(v6.scope_id().name.clone());
                v6.addr().is_unicast_link_local()
            }
            _ => false,
        };
        let address = match (ip, ip.to_ip_addr()) {
            (ScopedIp::V6(v6), IpAddr::V6(ip)) if link_local => {
                SocketAddrV6::new(ip, service.port, 0, v6.scope_id().index).into()
            }
            (_, ip) => SocketAddr::new(ip, service.port),
        };
        addresses.insert((link_local, address));
    }
    let addresses = addresses.into_iter().map(|(_, address)| address).take(ADDRESSES_MAX).collect();
    (addresses, interfaces.into_iter().filter(|name| !name.is_empty()).collect())
}

/// What changed on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A share has appeared.
    Found(Share),
    /// A known share has changed; this is how it is now.
    Updated(Share),
    /// A share has gone; this is how it was.
    Lost(Share),
}

/// Watches the shares of the network, those of this machine included, until it is dropped.
#[derive(Debug)]
pub struct Browser(mpsc::Receiver<Event>);

impl Browser {
    /// Starts looking for services of a kind.
    ///
    /// # Errors
    ///
    /// [`DiscoveryError::Start`] if the system refuses what it takes.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time enabled.
    pub fn start(kind: Kind, interfaces: Interfaces) -> Result<Self, DiscoveryError> {
        let responder = Responder::open(&interfaces)?;
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        tokio::spawn(async move {
            if let Err(error) = watch(&responder, kind, &events).await {
                tracing::warn!(%error, "no longer looking for shares");
            }
            responder.close().await;
        });
        Ok(Self(receiver))
    }

    /// Waits for the next change; `None` if there will be none, as multicast DNS stopped working. The first
    /// shares come within a second, save from slow machines.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

/// Carries what is heard to the caller until the caller goes.
async fn watch(
    responder: &Responder,
    kind: Kind,
    events: &mpsc::Sender<Event>,
) -> Result<(), DiscoveryError> {
    let mut heard = responder.browse(kind)?;
    let mut roster = Roster::default();
    loop {
        let doubts_end = roster.doubts_end();
        tokio::select! {
            event = heard.recv_async() => match event {
                Ok(ServiceEvent::ServiceResolved(service)) => {
                    if let Some(share) = Share::new(kind, &service) {
                        roster.put(service.fullname, share);
                    }
                }
                Ok(ServiceEvent::ServiceRemoved(_, full_name)) => {
                    // mdns-sd 0.21 cannot ask for the records of a name with a dot or a backslash when they
                    // expire, and takes the share for gone. So we ask for all, as a newcomer does.
                    if !kind.instance_of(&full_name).is_some_and(|name| name.contains(['.', '\\'])) {
                        roster.remove(&full_name);
                    } else if !roster.is_doubted(&full_name) {
                        roster.doubt_all(Instant::now() + DOUBT);
                        heard = responder.browse_anew(kind)?;
                    }
                }
                Ok(_) => {}
                // We were so late that the queue overflowed; what we missed is told again.
                Err(_) => heard = responder.browse(kind)?,
            },
            permit = events.reserve(), if roster.has_news() => match (permit, roster.news()) {
                (Ok(permit), Some(event)) => permit.send(event),
                (Ok(_), None) => {}
                (Err(_), _) => return Ok(()),
            },
            () = time::sleep_until(doubts_end.unwrap_or_else(Instant::now)), if doubts_end.is_some() => {
                roster.settle_doubts(Instant::now());
            }
            () = events.closed() => return Ok(()),
        }
    }
}

/// The shares as they are, and as the caller has been told they are.
#[derive(Default)]
struct Roster {
    now: BTreeMap<String, Share>,
    told: BTreeMap<String, Share>,
    /// The full names of those in which the two may differ.
    changed: BTreeSet<String>,
    /// Those that may have gone, and when we believe it.
    doubted: BTreeMap<String, Instant>,
}

impl Roster {
    fn put(&mut self, full_name: String, share: Share) {
        self.doubted.remove(&full_name);
        let known = self.now.contains_key(&full_name) || self.told.contains_key(&full_name);
        if !known && self.now.len().max(self.told.len()) >= SHARES_MAX {
            tracing::debug!(full_name, "left out: there are too many shares");
            return;
        }
        self.now.insert(full_name.clone(), share);
        self.note(full_name);
    }

    fn remove(&mut self, full_name: &str) {
        self.doubted.remove(full_name);
        if self.now.remove(full_name).is_some() {
            self.note(full_name.to_owned());
        }
    }

    fn note(&mut self, full_name: String) {
        if self.now.get(&full_name) == self.told.get(&full_name) {
            self.changed.remove(&full_name);
        } else {
            self.changed.insert(full_name);
        }
    }

    /// Counts every share as gone at `end` unless it is heard of before.
    fn doubt_all(&mut self, end: Instant) {
        for full_name in self.now.keys() {
            self.doubted.entry(full_name.clone()).or_insert(end);
        }
    }

    fn is_doubted(&self, full_name: &str) -> bool {
        self.doubted.contains_key(full_name)
    }

    fn doubts_end(&self) -> Option<Instant> {
        self.doubted.values().min().copied()
    }

    fn settle_doubts(&mut self, now: Instant) {
        let gone: Vec<String> = self
            .doubted
            .iter()
            .filter(|(_, end)| **end <= now)
            .map(|(name, _)| name.clone())
            .collect();
        for full_name in gone {
            self.remove(&full_name);
        }
    }

    fn has_news(&self) -> bool {
        !self.changed.is_empty()
    }

    /// What to tell next. Who was told everything in turn knows how it is now.
    fn news(&mut self) -> Option<Event> {
        let full_name = self.changed.pop_first()?;
        let Some(share) = self.now.get(&full_name).cloned() else {
            return self.told.remove(&full_name).map(Event::Lost);
        };
        match self.told.insert(full_name, share.clone()) {
            None => Some(Event::Found(share)),
            Some(_) => Some(Event::Updated(share)),
        }
    }
}

#[cfg(test)]
mod tests {
    use mdns_sd::ServiceInfo;

    use super::*;

    fn service(instance: &str, ips: &[&str], txt: &[(&str, &str)]) -> ResolvedService {
        ServiceInfo::new(Kind::DAAP.domain(), instance, "nas.local.", ips, 3690, txt)
            .unwrap()
            .as_resolved_service()
    }

    fn share(name: &str, port: u16) -> Share {
        let mut share = Share::new(Kind::DAAP, &service(name, &[], &[])).unwrap();
        share.port = port;
        share
    }

    #[test]
    fn ipv4_addresses_come_first_and_those_of_one_link_last() {
        let service = service("x", &["fe80::1", "2001:db8::1", "192.0.2.9", "192.0.2.10"], &[]);
        let share = Share::new(Kind::DAAP, &service).unwrap();
        let addresses: Vec<String> = share.addresses.iter().map(SocketAddr::to_string).collect();
        assert_eq!(
            addresses,
            ["192.0.2.9:3690", "192.0.2.10:3690", "[2001:db8::1]:3690", "[fe80::1]:3690"]
        );
        assert_eq!(share.host, "nas.local");
    }

    #[track_caller]
    fn check_name(instance: &str, machine_name: &str, expected: &str) {
        let txt = ShareTxt { machine_name: Some(machine_name.into()), ..ShareTxt::default() };
        assert_eq!(display_name(instance, &txt), expected);
    }

    #[test]
    fn a_share_is_called_by_its_instance_in_its_own_spelling() {
        check_name("Music", "Music", "Music");
        check_name("Music (2)", "Music", "Music (2)");
        check_name("Vol\u{2024} 1 (2)", "Vol. 1 (2)", "Vol. 1 (2)");
        check_name("Jo_PW", "Jo", "Jo");
        check_name("_PW", "", "_PW");
        check_name("Music", "something else", "Music");
    }

    #[test]
    fn the_caller_hears_of_each_change_once() {
        let mut roster = Roster::default();
        roster.put("a".into(), share("a", 1));
        assert_eq!(roster.news(), Some(Event::Found(share("a", 1))));
        roster.put("a".into(), share("a", 1));
        assert_eq!(roster.news(), None);
        roster.put("a".into(), share("a", 2));
        assert_eq!(roster.news(), Some(Event::Updated(share("a", 2))));
        roster.remove("a");
        assert_eq!(roster.news(), Some(Event::Lost(share("a", 2))));
        roster.remove("a");
        assert_eq!(roster.news(), None);
    }

    #[test]
    fn what_changed_back_before_the_caller_asked_is_no_news() {
        let mut roster = Roster::default();
        roster.put("a".into(), share("a", 1));
        roster.remove("a");
        assert!(!roster.has_news());
        roster.put("b".into(), share("b", 1));
        roster.put("b".into(), share("b", 2));
        assert_eq!(roster.news(), Some(Event::Found(share("b", 2))));
        assert!(!roster.has_news());
    }

    #[test]
    fn a_doubted_share_goes_when_its_time_is_over_unless_it_is_heard_of() {
        let start = Instant::now();
        let mut roster = Roster::default();
        for name in ["a.1", "b.1"] {
            roster.put(name.into(), share(name, 1));
            roster.news();
        }
        roster.doubt_all(start + DOUBT);
        roster.doubt_all(start + DOUBT + DOUBT);
        assert!(roster.is_doubted("a.1"));
        roster.put("b.1".into(), share("b.1", 1));
        roster.settle_doubts(start);
        assert!(!roster.has_news());
        assert_eq!(roster.doubts_end(), Some(start + DOUBT));
        roster.settle_doubts(start + DOUBT);
        assert_eq!(roster.news(), Some(Event::Lost(share("a.1", 1))));
        assert!(!roster.has_news());
        assert_eq!(roster.doubts_end(), None);
    }

    #[test]
    fn a_flood_of_shares_is_bounded() {
        let mut roster = Roster::default();
        for number in 0..SHARES_MAX + 10 {
            roster.put(number.to_string(), share("x", 1));
        }
        assert_eq!(roster.now.len(), SHARES_MAX);
        assert!(roster.changed.len() <= SHARES_MAX);
    }
}
