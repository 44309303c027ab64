//! Watching the services that others announce.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future;
use mdns_sd::ServiceEvent;
use tokio::sync::{mpsc, watch};
use tokio::time::{self, Instant};

use crate::responder::Responder;
use crate::{DiscoveryError, Interfaces, Kind, Service};

/// How many services of a kind are remembered; more are left out, as a network with more is a flood.
const SERVICES_MAX: usize = 1024;

/// How many events wait for the caller. Behind them, changes of one service fold into one.
const EVENTS_MAX: usize = 16;

/// How long a service that is said to have gone has to say otherwise, where the saying is unsure.
const DOUBT: Duration = Duration::from_secs(4);

/// What changed on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A service has appeared.
    Found(Service),
    /// A known service has changed; this is how it is now.
    Updated(Service),
    /// A service has gone; this is how it was.
    Lost(Service),
}

/// Watches the services of the network, those of this machine included, until it is dropped.
#[derive(Debug)]
pub struct Browser(mpsc::Receiver<Event>);

impl Browser {
    /// Starts looking for services of these kinds.
    ///
    /// # Errors
    ///
    /// [`DiscoveryError::Start`] if the system refuses what it takes.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time enabled.
    pub fn start(kinds: &[Kind], interfaces: Interfaces) -> Result<Self, DiscoveryError> {
        let responder = Responder::open(&interfaces)?;
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let kinds = BTreeSet::from_iter(kinds.iter().copied());
        tokio::spawn(async move {
            let watched = kinds.into_iter().map(|kind| carry(&responder, kind, &events));
            if let Err(error) = future::try_join_all(watched).await {
                tracing::warn!(%error, "no longer looking for services");
            }
            responder.close().await;
        });
        Ok(Self(receiver))
    }

    /// Waits for the next change; `None` if there will be none, as multicast DNS stopped working. The first
    /// services come within a second, save from slow machines.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }

    /// The services as they are, now and from now on, the one heard of last at the end. At first there are none. Who
    /// says goodbye is gone at once, who falls silent in the end. It ends when multicast DNS stops working.
    #[must_use]
    pub fn all(self) -> watch::Receiver<Vec<Service>> {
        let (all, services) = watch::channel(Vec::new());
        tokio::spawn(tell_all(self, all));
        services
    }
}

/// Tells one service after the other, as they come, go and change.
async fn tell_all(mut browser: Browser, all: watch::Sender<Vec<Service>>) {
    loop {
        let event = tokio::select! {
            event = browser.next() => event,
            () = all.closed() => None,
        };
        let Some(event) = event else { return };
        all.send_modify(|services| {
            let (Event::Found(service) | Event::Updated(service) | Event::Lost(service)) = &event;
            services.retain(|old| (old.kind, &old.instance) != (service.kind, &service.instance));
            if !matches!(event, Event::Lost(_)) {
                services.push(service.clone());
            }
        });
    }
}

/// Carries what is heard of a kind to the caller until the caller goes.
async fn carry(
    responder: &Responder,
    kind: Kind,
    events: &mpsc::Sender<Event>,
) -> Result<(), DiscoveryError> {
    let mut heard = responder.browse(kind.domain())?;
    let mut roster = Roster::default();
    loop {
        let doubts_end = roster.doubts_end();
        tokio::select! {
            event = heard.recv_async() => match event {
                Ok(ServiceEvent::ServiceResolved(heard)) => {
                    if let Some(service) = Service::read(kind, &heard) {
                        roster.put(heard.fullname, service);
                    }
                }
                Ok(ServiceEvent::ServiceRemoved(_, full_name)) => {
                    // mdns-sd 0.21 cannot ask for the records of a name with a dot or a backslash when they
                    // expire, and takes the service for gone. So we ask for all, as a newcomer does.
                    if !kind.instance_of(&full_name).is_some_and(|name| name.contains(['.', '\\'])) {
                        roster.remove(&full_name);
                    } else if !roster.is_doubted(&full_name) {
                        roster.doubt_all(Instant::now() + DOUBT);
                        heard = responder.browse_anew(kind.domain())?;
                    }
                }
                Ok(_) => {}
                // We were so late that the queue overflowed; what we missed is told again.
                Err(_) => heard = responder.browse(kind.domain())?,
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

/// The services as they are, and as the caller has been told they are.
#[derive(Default)]
struct Roster {
    now: BTreeMap<String, Service>,
    told: BTreeMap<String, Service>,
    /// The full names of those in which the two may differ.
    changed: BTreeSet<String>,
    /// Those that may have gone, and when we believe it.
    doubted: BTreeMap<String, Instant>,
}

impl Roster {
    fn put(&mut self, full_name: String, service: Service) {
        self.doubted.remove(&full_name);
        let known = self.now.contains_key(&full_name) || self.told.contains_key(&full_name);
        if !known && self.now.len().max(self.told.len()) >= SERVICES_MAX {
            tracing::debug!(full_name, "left out: there are too many services");
            return;
        }
        self.now.insert(full_name.clone(), service);
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

    /// Counts every service as gone at `end` unless it is heard of before.
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
        let Some(service) = self.now.get(&full_name).cloned() else {
            return self.told.remove(&full_name).map(Event::Lost);
        };
        match self.told.insert(full_name, service.clone()) {
            None => Some(Event::Found(service)),
            Some(_) => Some(Event::Updated(service)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::tests::found;

    fn share(name: &str, port: u16) -> Service {
        Service { port, ..found(Kind::Daap, name, &[], &[]) }
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

    #[tokio::test]
    async fn the_services_as_they_are_have_each_once_and_none_that_went() {
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let mut all = Browser(receiver).all();
        let now = [
            Event::Found(share("a", 1)),
            Event::Found(share("b", 1)),
            Event::Updated(share("a", 2)),
            Event::Found(share("c", 1)),
            Event::Lost(share("b", 1)),
        ];
        for event in now {
            events.send(event).await.unwrap();
        }
        let expected = [share("a", 2), share("c", 1)];
        all.wait_for(|services| *services == expected).await.unwrap();
        drop(events);
        assert!(all.wait_for(Vec::is_empty).await.is_err());
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        drop(Browser(receiver).all());
        events.closed().await;
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
        for number in 0..SERVICES_MAX + 10 {
            roster.put(number.to_string(), share("x", 1));
        }
        assert_eq!(roster.now.len(), SERVICES_MAX);
        assert!(roster.changed.len() <= SERVICES_MAX);
    }
}
