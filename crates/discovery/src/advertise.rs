//! Announcing a service: under which name, and when to take another.
//!
//! One task owns an announcement. It goes through *attempts*: in each it first listens who is there, takes the
//! first free form of the wished name, has it probed and announced, and then watches until the wish changes or
//! someone else turns out to have the name. A name that is an id is just announced: there is no other to take. An
//! attempt has a [`Responder`] of its own, so that nothing of an earlier name is left behind.
//!
//! The wish goes in and the standing comes out by `watch` channels: the latest counts, none queues up.

use std::collections::BTreeSet;
use std::time::Duration;

use mdns_sd::{DaemonEvent, DnsNameChange, RRType, ResolvedService, ServiceEvent, ServiceInfo};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{self, Instant};

use crate::name::{self, Name};
use crate::responder::Responder;
use crate::{Advert, DiscoveryError, Kind};

/// How long we listen for the names in use before taking one. A question goes out at once, and the answers
/// come within 120 ms (RFC 6762 section 6).
const LISTEN: Duration = Duration::from_millis(700);

/// An announcement is sent twice, a second apart (RFC 6762 section 8.3). mdns-sd 0.21 looks the service up by
/// its lower-case name under its true one, and so does not repeat those with a capital.
const REPEAT_AFTER: Duration = Duration::from_millis(1100);

/// After this long without having announced anything we say so.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an announcement must have stood before clashes are counted from nothing.
const SETTLED: Duration = Duration::from_secs(60);

/// After this many clashes in a row we no longer probe, but only listen. So it ends when the one who has
/// all our names is this machine: two of its interfaces in one network.
const CLASHES_MAX: u32 = 8;

/// The pause before trying again when multicast DNS has stopped working.
const RETRY: Duration = Duration::from_secs(5);

/// How long [`Advertised::stop`] waits for the goodbye.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How an announcement stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The name in use, by which the server should call itself: the wished one, or, of a share, a numbered one such as
    /// `Music (2)` if that is taken.
    pub name: String,
    /// Whether the network has been told.
    pub announced: bool,
}

/// Starts announcements.
#[derive(Debug)]
pub struct Advertiser;

impl Advertiser {
    /// Begins to announce a service. A share takes about two seconds until the network knows, as its name is first
    /// looked for and probed. Each of several services is started, changed and stopped for itself.
    ///
    /// # Errors
    ///
    /// [`DiscoveryError::Start`] if the system refuses what it takes. What goes wrong later is logged and
    /// tried again.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time enabled.
    pub fn start(advert: Advert) -> Result<Advertised, DiscoveryError> {
        let responder = Responder::open(&advert.interfaces)?;
        let standing = Standing { name: advert.name.clone(), announced: false };
        let (wish, wished) = watch::channel(Some(advert));
        let (standing, stands) = watch::channel(standing);
        let owner = Owner { wished, standing, rivals: Rivals::default() };
        let task = tokio::spawn(owner.run(responder));
        Ok(Advertised { wish, standing: stands, task })
    }
}

/// A service that is being announced. Dropping it withdraws the service too, but nobody waits for that.
#[derive(Debug)]
pub struct Advertised {
    wish: watch::Sender<Option<Advert>>,
    standing: watch::Receiver<Standing>,
    task: JoinHandle<()>,
}

impl Advertised {
    /// How it stands, now and from now on.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Waits until the service is announced, and says under which name.
    pub async fn announced(&self) -> Standing {
        let mut standing = self.standing.clone();
        match standing.wait_for(|standing| standing.announced).await {
            Ok(standing) => standing.clone(),
            Err(_) => self.standing.borrow().clone(),
        }
    }

    /// Announces this instead. What it says about itself changes in place; with a changed name, port or place the old
    /// service says goodbye.
    pub fn update(&self, advert: Advert) {
        self.wish.send_replace(Some(advert));
    }

    /// Says goodbye and waits, but not for long, until that is sent.
    pub async fn stop(mut self) {
        self.wish.send_replace(None);
        if time::timeout(STOP_LIMIT, &mut self.task).await.is_err() {
            tracing::warn!("a service could not be withdrawn in time");
            self.task.abort();
        }
    }
}

/// What earlier attempts have found to be in the way.
#[derive(Debug, Default)]
struct Rivals {
    /// Folded labels that somebody else defends.
    labels: BTreeSet<String>,
    /// How many of our host names somebody else has.
    hosts: u32,
    /// Attempts in a row that ended in a clash.
    clashes: u32,
}

impl Rivals {
    fn note(&mut self, clash: Clash) {
        tracing::info!(?clash, "someone else has this name; taking another");
        self.clashes += 1;
        match clash {
            Clash::Host => self.hosts += 1,
            Clash::Label(label) => {
                self.labels.insert(name::fold(&label));
            }
        }
        if self.clashes == CLASHES_MAX {
            tracing::warn!("every name of the share is taken; from now on it is not probed for");
            self.labels.clear();
        }
    }

    fn may_probe(&self) -> bool {
        self.clashes < CLASHES_MAX
    }
}

/// Which of our names someone else has.
#[derive(Debug, PartialEq, Eq)]
enum Clash {
    Label(String),
    Host,
}

/// How an attempt ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The wish has changed, or there is none any more.
    Wish,
    /// We have a name of our own to withdraw, and must take another.
    Clash(Clash),
    /// Our very name is now someone else's: a goodbye would be taken for theirs.
    Yield(String),
}

/// The task that owns one announcement.
struct Owner {
    wished: watch::Receiver<Option<Advert>>,
    standing: watch::Sender<Standing>,
    rivals: Rivals,
}

impl Owner {
    async fn run(mut self, first: Responder) {
        let mut ready = Some(first);
        while let Some(advert) = self.wish() {
            let responder = match ready.take() {
                Some(responder) => Ok(responder),
                None => Responder::open(&advert.interfaces),
            };
            let end = match responder {
                Ok(responder) => self.attempt(advert, responder).await,
                Err(error) => Err(error),
            };
            self.standing.send_if_modified(|standing| std::mem::take(&mut standing.announced));
            match end {
                Ok(End::Wish) => self.rivals = Rivals::default(),
                Ok(End::Clash(clash)) => self.rivals.note(clash),
                Ok(End::Yield(label)) => self.rivals.note(Clash::Label(label)),
                Err(error) => {
                    tracing::warn!(%error, "a service is not announced; trying again");
                    let _ = time::timeout(RETRY, self.wished.changed()).await;
                }
            }
        }
    }

    /// What is to be announced now, if anything.
    fn wish(&mut self) -> Option<Advert> {
        self.wished.has_changed().ok()?; // the handle was dropped
        self.wished.borrow_and_update().clone()
    }

    /// Announces under one name for as long as that is right.
    async fn attempt(
        &mut self,
        advert: Advert,
        responder: Responder,
    ) -> Result<End, DiscoveryError> {
        let monitor = responder.monitor()?;
        let heard = responder.browse(advert.kind().domain())?;
        let taken = match advert.may_be_renamed() {
            true => listen(&heard, advert.kind(), &mut self.wished).await,
            false => Some(BTreeSet::new()),
        };
        let end = match taken {
            None => Ok(End::Wish),
            Some(taken) => {
                let mut claim = Claim::new(advert, &taken, &self.rivals);
                let end = self.hold(&mut claim, &responder, &monitor, &heard).await;
                match end {
                    Ok(End::Yield(_)) => responder.hush(),
                    _ => responder.withdraw(&claim.full_name()).await,
                }
                end
            }
        };
        responder.close().await;
        end
    }

    async fn hold(
        &mut self,
        claim: &mut Claim,
        responder: &Responder,
        monitor: &mdns_sd::Receiver<DaemonEvent>,
        heard: &mdns_sd::Receiver<ServiceEvent>,
    ) -> Result<End, DiscoveryError> {
        responder.register(claim.service()?)?;
        let mut heard = heard.clone();
        let mut repeat = Repeat::Due;
        let impatient = time::sleep(PATIENCE);
        let settled = time::sleep(SETTLED);
        tokio::pin!(impatient, settled);
        loop {
            let repeat_at = repeat.at();
            tokio::select! {
                changed = self.wished.changed() => {
                    let newer = changed.ok().and_then(|()| self.wished.borrow_and_update().clone());
                    match newer {
                        Some(newer) if claim.advert.keeps_place(&newer) => claim.advert = newer,
                        _ => return Ok(End::Wish),
                    }
                    responder.register(claim.service()?)?;
                    repeat = Repeat::Due;
                }
                event = monitor.recv_async() => {
                    let event = event.map_err(|_| DiscoveryError::Ended)?;
                    if let Some(end) = self.told(claim, event, &mut repeat) {
                        return Ok(end);
                    }
                }
                event = heard.recv_async() => match event {
                    Ok(ServiceEvent::ServiceResolved(service)) => {
                        if let Some(end) = claim.contested_by(&service) {
                            return Ok(end);
                        }
                    }
                    Ok(_) => {}
                    Err(_) => heard = responder.browse(claim.advert.kind().domain())?, // the queue overflowed
                },
                () = time::sleep_until(repeat_at.unwrap_or_else(Instant::now)), if repeat_at.is_some() => {
                    repeat = Repeat::Done;
                    responder.register(claim.service()?)?;
                }
                () = &mut impatient, if !impatient.is_elapsed() => {
                    if !self.standing.borrow().announced {
                        tracing::warn!("a service is not announced yet; no network interface is up for it");
                    }
                }
                () = &mut settled, if !settled.is_elapsed() => self.rivals.clashes = 0,
            }
        }
    }

    /// What the responder tells of itself, and whether that ends the attempt.
    fn told(&self, claim: &mut Claim, event: DaemonEvent, repeat: &mut Repeat) -> Option<End> {
        match event {
            DaemonEvent::Announce(full_name, interface) if claim.is_ours(&full_name) => {
                tracing::debug!(full_name, interface, "announced");
                claim.announced = true;
                self.publish(claim);
                repeat.announced();
            }
            DaemonEvent::NameChange(change) if claim.probe => {
                return Some(End::Clash(claim.lost_to(&change)));
            }
            DaemonEvent::IpAdd(ip) => {
                tracing::debug!(%ip, "an address has appeared");
                *repeat = Repeat::Due;
            }
            DaemonEvent::IpDel(ip) => tracing::debug!(%ip, "an address has gone"),
            DaemonEvent::Error(error) => tracing::warn!(%error, "multicast DNS complains"),
            _ => {}
        }
        None
    }

    fn publish(&self, claim: &Claim) {
        let standing = Standing { name: claim.name.display.clone(), announced: true };
        self.standing.send_if_modified(|now| {
            let news = *now != standing;
            *now = standing;
            news
        });
    }
}

/// Gathers the names in use; `None` if the wish changed meanwhile.
async fn listen(
    heard: &mdns_sd::Receiver<ServiceEvent>,
    kind: Kind,
    wished: &mut watch::Receiver<Option<Advert>>,
) -> Option<BTreeSet<String>> {
    let mut taken = BTreeSet::new();
    let end = time::sleep(LISTEN);
    tokio::pin!(end);
    loop {
        tokio::select! {
            event = heard.recv_async() => match event {
                Ok(ServiceEvent::ServiceFound(_, full_name)) => {
                    taken.extend(kind.instance_of(&full_name).map(name::fold));
                }
                Ok(ServiceEvent::ServiceRemoved(_, full_name)) => {
                    taken.retain(|label| kind.instance_of(&full_name).map(name::fold).as_ref() != Some(label));
                }
                Ok(_) => {}
                Err(_) => return Some(taken),
            },
            _ = wished.changed() => return None,
            () = &mut end => return Some(taken),
        }
    }
}

/// Whether and when the announcement is to be sent for the second time.
enum Repeat {
    /// Once it has been sent for the first time.
    Due,
    At(Instant),
    Done,
}

impl Repeat {
    fn announced(&mut self) {
        if !matches!(self, Self::Done) {
            *self = Self::At(Instant::now() + REPEAT_AFTER);
        }
    }

    fn at(&self) -> Option<Instant> {
        match self {
            Self::At(at) => Some(*at),
            Self::Due | Self::Done => None,
        }
    }
}

/// The names that one attempt claims.
#[derive(Debug)]
struct Claim {
    advert: Advert,
    name: Name,
    host: String,
    probe: bool,
    /// Whether the network has been told.
    announced: bool,
}

impl Claim {
    fn new(advert: Advert, taken: &BTreeSet<String>, rivals: &Rivals) -> Self {
        let is_taken = |label: &str| {
            let label = name::fold(label);
            taken.contains(&label) || rivals.labels.contains(&label)
        };
        Self {
            name: Name::free(&advert.name, is_taken),
            host: format!("{}.local.", advert.host_label(1 + rivals.hosts)),
            probe: advert.may_be_renamed() && rivals.may_probe(),
            announced: false,
            advert,
        }
    }

    fn full_name(&self) -> String {
        format!("{}.{}", self.name.label, self.advert.kind().domain())
    }

    fn is_ours(&self, full_name: &str) -> bool {
        full_name.eq_ignore_ascii_case(&self.full_name())
    }

    fn service(&self) -> Result<ServiceInfo, DiscoveryError> {
        let pairs = self.advert.pairs(&self.name);
        let mut service = ServiceInfo::new(
            self.advert.kind().domain(),
            &self.name.label,
            &self.host,
            (),
            self.advert.port,
            pairs.as_slice(),
        )
        .map_err(|source| DiscoveryError::Unspeakable { name: self.name.label.clone(), source })?
        .enable_addr_auto();
        service.set_requires_probe(self.probe);
        Ok(service)
    }

    /// Probing has found one of our names with someone else.
    fn lost_to(&self, change: &DnsNameChange) -> Clash {
        match change.rr_type {
            RRType::A | RRType::AAAA => Clash::Host,
            _ => Clash::Label(self.name.label.clone()),
        }
    }

    /// How this ends if `service`, heard since we claimed our name, has it too: someone was quicker, two
    /// networks became one, or someone took no notice of us.
    ///
    /// Who is first to announce a name keeps it. If both have, the one with the lower host and port does, so that
    /// not both give it up. To a mere look-alike we always yield, for its owner sees no clash.
    fn contested_by(&self, service: &ResolvedService) -> Option<End> {
        let theirs = self.advert.kind().instance_of(&service.fullname)?;
        let ours = &self.name.label;
        let their_place = (service.host.to_ascii_lowercase(), service.port);
        let our_place = (self.host.to_ascii_lowercase(), self.advert.port);
        let other = name::fold(theirs) != name::fold(ours) || their_place == our_place;
        if other || !self.advert.may_be_renamed() {
            None
        } else if !theirs.eq_ignore_ascii_case(ours) {
            Some(End::Clash(Clash::Label(ours.clone())))
        } else {
            (!self.announced || their_place < our_place).then(|| End::Yield(ours.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(name: &str, taken: &[&str], rivals: &Rivals) -> Claim {
        let taken = taken.iter().map(|name| name::fold(name)).collect();
        Claim::new(Advert::share(name, "nas", 3689), &taken, rivals)
    }

    fn heard(instance: &str, host: &str, port: u16) -> ResolvedService {
        let txt: [(&str, &str); 0] = [];
        ServiceInfo::new(Kind::Daap.domain(), instance, host, "192.0.2.1", port, &txt[..])
            .unwrap()
            .as_resolved_service()
    }

    #[test]
    fn names_heard_of_and_names_lost_before_are_not_taken() {
        let mut rivals = Rivals::default();
        rivals.note(Clash::Label("Music (2)".into()));
        rivals.note(Clash::Host);
        let claim = claim("Music", &["music"], &rivals);
        assert_eq!(claim.full_name(), "Music (3)._daap._tcp.local.");
        assert_eq!(claim.host, "nas-3689-2.local.");
    }

    #[track_caller]
    fn check_contest(
        announced: bool,
        ours: &str,
        service: &ResolvedService,
        expected: Option<End>,
    ) {
        let claim = Claim { announced, ..claim(ours, &[], &Rivals::default()) };
        assert_eq!(claim.contested_by(service), expected, "{service:?}");
    }

    #[test]
    fn who_announces_first_keeps_the_name_and_of_two_the_lower_host() {
        let yields = |label: &str| Some(End::Yield(label.into()));
        check_contest(true, "Music", &heard("Music", "aaa.local.", 3689), yields("Music"));
        check_contest(true, "Music", &heard("MUSIC", "nas-3689.local.", 80), yields("Music"));
        check_contest(true, "Music", &heard("Music", "zzz.local.", 3689), None);
        check_contest(false, "Music", &heard("Music", "zzz.local.", 3689), yields("Music"));
        check_contest(false, "Music", &heard("Other", "aaa.local.", 3689), None);
    }

    #[test]
    fn hearing_ourselves_is_no_clash() {
        check_contest(true, "Music", &heard("Music", "NAS-3689.local.", 3689), None);
        check_contest(false, "Music", &heard("Music", "NAS-3689.local.", 3689), None);
    }

    #[test]
    fn to_a_look_alike_we_yield_with_a_goodbye() {
        let mut plain = heard("Vol", "zzz.local.", 3689);
        plain.fullname = "Vol. 1._daap._tcp.local.".into();
        let clash = End::Clash(Clash::Label("Vol\u{2024} 1".into()));
        check_contest(true, "Vol. 1", &plain, Some(clash));
    }

    #[test]
    fn after_many_clashes_in_a_row_we_no_longer_probe() {
        let mut rivals = Rivals::default();
        for number in 0..CLASHES_MAX {
            assert!(claim("Music", &[], &rivals).probe);
            rivals.note(Clash::Label(format!("Music ({number})")));
        }
        let claim = claim("Music", &[], &rivals);
        assert!(!claim.probe);
        assert_eq!(claim.name.label, "Music");
    }

    #[test]
    fn a_name_that_is_an_id_is_neither_probed_nor_given_up() {
        let advert = Advert::server(7, "Den", "nas", 3689);
        let mut theirs = heard("0000000000000007", "aaa.local.", 3689);
        theirs.fullname = "0000000000000007._touch-able._tcp.local.".into();
        for announced in [true, false] {
            let claim = Claim::new(advert.clone(), &BTreeSet::new(), &Rivals::default());
            let claim = Claim { announced, ..claim };
            assert!(!claim.probe);
            assert_eq!(claim.full_name(), theirs.fullname);
            assert_eq!(claim.contested_by(&theirs), None);
        }
    }

    #[test]
    fn the_announcement_says_the_name_in_its_true_spelling() {
        let service = claim("Vol. 1", &["vol. 1"], &Rivals::default()).service().unwrap();
        assert_eq!(service.get_fullname(), "Vol\u{2024} 1 (2)._daap._tcp.local.");
        assert_eq!(service.get_property_val_str("Machine Name"), Some("Vol. 1 (2)"));
        assert_eq!(service.get_property_val_str("Password"), Some("0"));
    }
}
