//! Where Remotes are paired: whom a code is for, the call to it, and what came of that, told in full.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dacp_client::pairing::{self, PairError};
use dacp_proto::{PairingAnswer, PairingGuid, Pin};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::tries::Tries;
use super::{Guests, PairedRemote, WaitingRemote};

/// How long a login with a guid that is not known waits for a pairing that is under way: a Remote logs in as soon as it
/// has answered, which may be before its answer is kept.
const LOGIN_PATIENCE: Duration = Duration::from_secs(2);

/// The longest `Pair` of a Remote that is typed in.
const PAIR_ID_MAX: usize = 64;

/// What has to be said to pair a Remote.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Introduction {
    /// The code that it shows.
    pub(crate) pin: String,
    /// Its name, where several wait.
    #[serde(default)]
    pub(crate) remote: Option<String>,
    /// Where it can be called, if it is not heard of.
    #[serde(default)]
    pub(crate) address: Option<SocketAddr>,
    /// What it announces as `Pair`, to go with the address.
    #[serde(default)]
    pub(crate) pair_id: Option<String>,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// It is paired.
    Paired,
    /// No Remote asks to be paired, or none of that name.
    NobodyAsks,
    /// Several do; one has to be named.
    SeveralAsk,
    /// What was said makes no sense.
    Misread,
    /// Too many wrong codes were tried.
    TooManyTries,
    /// The Remote says that the code is not the one it shows.
    Refused,
    /// The Remote cannot be reached.
    Unreachable,
    /// The Remote answers, but not as Remotes do.
    NotUnderstood,
    /// It would be paired, but that cannot be kept.
    NotKept,
}

/// How it went, and everything that was heard and answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// How it went.
    pub(crate) result: Verdict,
    /// The Remote, if it is paired now.
    pub(crate) paired: Option<PairedRemote>,
    /// What happened, in order.
    pub(crate) account: Vec<String>,
}

/// Where Remotes are paired.
pub(crate) struct Desk {
    service_name: String,
    guests: Guests,
    waiting: watch::Receiver<Vec<WaitingRemote>>,
    /// A short step each, never across an await.
    tries: Mutex<Tries>,
    /// How many Remotes are being called.
    under_way: watch::Sender<usize>,
}

/// A Remote that is to be called.
struct Callee {
    name: String,
    instance: Option<String>,
    addresses: Vec<SocketAddr>,
    pair_id: String,
}

/// Why there is none to be called, and what else there is to say.
type NoCallee = (Verdict, String);

impl Desk {
    /// A desk that calls Remotes on behalf of the server of this name.
    pub(crate) fn new(
        service_name: String,
        guests: Guests,
        waiting: watch::Receiver<Vec<WaitingRemote>>,
    ) -> Self {
        let (tries, under_way) = (Mutex::default(), watch::Sender::new(0));
        Self { service_name, guests, waiting, tries, under_way }
    }

    /// Those that are paired.
    pub(crate) fn guests(&self) -> &Guests {
        &self.guests
    }

    /// Those that wait to be.
    pub(crate) fn waiting(&self) -> Vec<WaitingRemote> {
        self.waiting.borrow().clone()
    }

    /// Whether a Remote may log in with this guid. While a pairing is under way, that is waited for.
    pub(crate) async fn knows(&self, guid: PairingGuid) -> bool {
        if !self.guests.knows(guid) {
            let mut under_way = self.under_way.subscribe();
            let at_rest = under_way.wait_for(|calls| *calls == 0);
            // It ends in time or it does not: what counts is who is paired then.
            let _ = tokio::time::timeout(LOGIN_PATIENCE, at_rest).await;
        }
        self.guests.knows(guid)
    }

    /// Pairs a Remote.
    pub(crate) async fn pair(&self, introduction: Introduction) -> Account {
        let mut account = self.heard();
        let outcome = self.try_to_pair(introduction, &mut account).await;
        let (result, paired) = match outcome {
            Ok(remote) => (Verdict::Paired, Some(remote)),
            Err((verdict, why)) => {
                account.push(why);
                (verdict, None)
            }
        };
        tracing::info!(?result, account = account.join("; "), "a Remote was to be paired");
        Account { result, paired, account }
    }

    async fn try_to_pair(
        &self,
        introduction: Introduction,
        account: &mut Vec<String>,
    ) -> Result<PairedRemote, NoCallee> {
        let misread = |error: dacp_proto::NotAPin| (Verdict::Misread, error.to_string());
        let pin: Pin = introduction.pin.parse().map_err(misread)?;
        let callee = choose(introduction, &self.waiting())?;
        self.begin_try()?;
        let answer = {
            let _under_way = UnderWay::new(&self.under_way);
            let answer = self.call(&callee, pin, account).await?;
            let kept = self.guests.add(answer, callee.instance).await;
            kept.map_err(|error| (Verdict::NotKept, format!("{error:#}")))?
        };
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).forgive();
        Ok(answer)
    }

    fn begin_try(&self) -> Result<(), NoCallee> {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.begin(Instant::now()).map_err(|wait| {
            let why = format!("too many wrong codes; try again in {} s", wait.as_secs() + 1);
            (Verdict::TooManyTries, why)
        })
    }

    /// Calls a Remote at each of its addresses until it answers at one.
    async fn call(
        &self,
        callee: &Callee,
        pin: Pin,
        account: &mut Vec<String>,
    ) -> Result<PairingAnswer, NoCallee> {
        let mut outcome = (Verdict::Unreachable, format!("{} names no address", callee.name));
        for address in &callee.addresses {
            account.push(format!("called {address} as the server {}", self.service_name));
            match pairing::ask(*address, &callee.pair_id, pin, &self.service_name).await {
                Ok(answer) => {
                    let PairingAnswer { name, device_type, .. } = &answer;
                    account
                        .push(format!("it answers as {name:?} ({device_type:?}), with its guid"));
                    return Ok(answer);
                }
                Err(error) => outcome = judged(error),
            }
            if outcome.0 != Verdict::Unreachable {
                break;
            }
        }
        Err(outcome)
    }

    /// What was heard of Remotes, a line each.
    fn heard(&self) -> Vec<String> {
        let told = |remote: &WaitingRemote| {
            let addresses: Vec<_> = remote.addresses.iter().map(ToString::to_string).collect();
            format!(
                "heard {:?} ({}) as {}, at {}, with Pair {}",
                remote.name,
                remote.device_type.as_deref().unwrap_or("no type"),
                remote.instance,
                addresses.join(" and "),
                remote.pair_id.as_deref().unwrap_or("missing or not hexadecimal")
            )
        };
        self.waiting.borrow().iter().map(told).collect()
    }
}

fn judged(error: PairError) -> NoCallee {
    let verdict = match error {
        PairError::WrongPin { .. } => Verdict::Refused,
        PairError::Unreachable { .. } => Verdict::Unreachable,
        _ => Verdict::NotUnderstood,
    };
    (verdict, format!("{:#}", anyhow::Error::new(error)))
}

/// Counts a call for as long as it lasts.
struct UnderWay<'a>(&'a watch::Sender<usize>);

impl<'a> UnderWay<'a> {
    fn new(calls: &'a watch::Sender<usize>) -> Self {
        calls.send_modify(|calls| *calls += 1);
        Self(calls)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls -= 1);
    }
}

/// Whom to call: who is at the address that is given, or who waits.
fn choose(introduction: Introduction, waiting: &[WaitingRemote]) -> Result<Callee, NoCallee> {
    let Introduction { remote: name, address, pair_id, .. } = introduction;
    match (address, pair_id) {
        (Some(address), Some(pair_id)) => at_address(address, pair_id),
        (None, None) => one_of(waiting, name.as_deref()),
        _ => Err((Verdict::Misread, "an address and a pair id go together".to_owned())),
    }
}

fn at_address(address: SocketAddr, pair_id: String) -> Result<Callee, NoCallee> {
    let is_hexadecimal = !pair_id.is_empty() && pair_id.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hexadecimal || pair_id.len() > PAIR_ID_MAX {
        return Err((Verdict::Misread, format!("{pair_id:?} is no pair id: it is hexadecimal")));
    }
    Ok(Callee { name: address.to_string(), instance: None, addresses: vec![address], pair_id })
}

fn one_of(waiting: &[WaitingRemote], name: Option<&str>) -> Result<Callee, NoCallee> {
    let is_meant = |remote: &&WaitingRemote| match name {
        Some(name) => remote.name.to_lowercase() == name.to_lowercase() || remote.instance == name,
        None => true,
    };
    let meant: Vec<_> = waiting.iter().filter(is_meant).collect();
    match (meant.as_slice(), name) {
        ([remote], _) => callee(remote),
        ([], Some(name)) => {
            Err((Verdict::NobodyAsks, format!("no Remote called {name:?} asks to be paired")))
        }
        ([], None) => Err((Verdict::NobodyAsks, "no Remote asks to be paired".to_owned())),
        _ => Err((Verdict::SeveralAsk, "several Remotes ask; one has to be named".to_owned())),
    }
}

fn callee(remote: &WaitingRemote) -> Result<Callee, NoCallee> {
    let WaitingRemote { name, instance, addresses, pair_id, .. } = remote.clone();
    let no_pair_id = (Verdict::NotUnderstood, format!("{name:?} announces no Pair to hash"));
    let pair_id = pair_id.ok_or(no_pair_id)?;
    Ok(Callee { name, instance: Some(instance), addresses, pair_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(name: &str, instance: &str) -> WaitingRemote {
        WaitingRemote {
            name: name.into(),
            device_type: Some("iPhone".into()),
            instance: instance.into(),
            addresses: vec!["192.0.2.7:49160".parse().unwrap()],
            pair_id: Some("FAEA410630AEC05E".into()),
        }
    }

    #[track_caller]
    fn check(waiting: &[WaitingRemote], name: Option<&str>, expected: Result<&str, Verdict>) {
        let introduction =
            Introduction { remote: name.map(str::to_owned), ..Introduction::default() };
        let chosen = choose(introduction, waiting);
        let chosen = chosen.map(|callee| callee.instance.unwrap()).map_err(|(verdict, _)| verdict);
        assert_eq!(chosen, expected.map(str::to_owned));
    }

    #[test]
    fn the_one_that_waits_is_meant_or_the_one_that_is_named() {
        let (phone, tablet) = (waiting("Phone", "A"), waiting("Tablet", "B"));
        check(&[], None, Err(Verdict::NobodyAsks));
        check(std::slice::from_ref(&phone), None, Ok("A"));
        check(std::slice::from_ref(&phone), Some("Tablet"), Err(Verdict::NobodyAsks));
        let both = [phone.clone(), tablet];
        check(&both, None, Err(Verdict::SeveralAsk));
        check(&both, Some("tablet"), Ok("B"));
        let twins = [phone.clone(), waiting("Phone", "C")];
        check(&twins, Some("Phone"), Err(Verdict::SeveralAsk));
        check(&twins, Some("C"), Ok("C"));
        check(&[WaitingRemote { pair_id: None, ..phone }], None, Err(Verdict::NotUnderstood));
    }

    #[test]
    fn a_remote_that_is_not_heard_of_is_called_with_address_and_pair_id() {
        let address = Some("192.0.2.7:49160".parse().unwrap());
        for (address, pair_id, is_called) in [
            (address, Some("FAEA410630AEC05E"), true),
            (address, Some("1"), true),
            (address, Some(""), false),
            (address, Some("&servicename=x"), false),
            (address, None, false),
            (None, Some("FAEA410630AEC05E"), false),
        ] {
            let pair_id = pair_id.map(str::to_owned);
            let introduction = Introduction { address, pair_id, ..Introduction::default() };
            assert_eq!(choose(introduction, &[]).is_ok(), is_called);
        }
    }

    /// A desk with nobody waiting.
    fn desk(data: &std::path::Path) -> Desk {
        let guests = Guests::open(data).unwrap();
        Desk::new("74DEBFCE2ED0E1C0".to_owned(), guests, watch::channel(Vec::new()).1)
    }

    async fn remote() -> pairing::Waiting {
        pairing::Waiting::listen("Phone", "127.0.0.1:0".parse().unwrap()).await.unwrap()
    }

    fn introduction(remote: &pairing::Waiting, pin: String) -> Introduction {
        let pair_id = Some(remote.pair().to_owned());
        Introduction { pin, address: Some(remote.address()), pair_id, remote: None }
    }

    #[tokio::test]
    async fn a_login_that_comes_before_the_answer_is_kept_waits_for_it() {
        let data = tempfile::tempdir().unwrap();
        let (desk, remote) = (desk(data.path()), remote().await);
        let introduction = introduction(&remote, remote.pin().to_string());
        // As a Remote does, it logs in with what it is about to answer.
        let logs_in = async {
            let paired = remote.paired(Duration::from_secs(20)).await.unwrap();
            desk.knows(paired.guid).await
        };
        let (account, is_known) = tokio::join!(desk.pair(introduction), logs_in);
        assert_eq!((account.result, is_known), (Verdict::Paired, true), "{:?}", account.account);
        assert!(!desk.knows(PairingGuid(1)).await);
    }

    #[tokio::test]
    async fn who_tries_wrong_codes_is_stopped_before_the_remote_is_called() {
        let data = tempfile::tempdir().unwrap();
        let desk = desk(data.path());
        let nobody = Introduction {
            pin: "0427".to_owned(),
            address: Some("127.0.0.1:1".parse().unwrap()),
            pair_id: Some("1".to_owned()),
            remote: None,
        };
        let mut results = Vec::new();
        while !results.contains(&Verdict::TooManyTries) && results.len() < 100 {
            results.push(desk.pair(nobody.clone()).await.result);
        }
        assert_eq!(results.first(), Some(&Verdict::Unreachable));
        assert!(results.len() < 100);
    }
}
