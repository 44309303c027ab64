//! The Remotes that are paired, kept from one run to the next.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::bail;
use daap_server::Handle;
use dacp_proto::{PairingAnswer, PairingGuid};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};

use crate::file;
use crate::time::now_s;

/// The file, in the data folder. Whoever reads it can log in as any of the Remotes.
const FILE: &str = "remotes.json";

/// So many Remotes can be paired. A household has fewer; what comes after that has to wait until one is forgotten.
const REMOTES_MAX: usize = 64;

/// A login is noted no more often than this, as each is a write to the disk.
const NOTED_EVERY_S: u64 = 60;

/// What everybody on this machine may know of a Remote that is paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PairedRemote {
    /// By what it is told apart here.
    pub(crate) id: u32,
    /// What its owner calls it.
    pub(crate) name: String,
    /// What it is: `iPhone`, `iPod`.
    #[serde(rename = "type")]
    pub(crate) device_type: String,
    /// Seconds since 1970.
    pub(crate) paired_s: u64,
    /// Seconds since 1970; `None` if it has never logged in.
    pub(crate) last_seen_s: Option<u64>,
}

/// A Remote as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    guid: Guid,
    /// Under which name it announced itself when it was paired: one that is paired again is the same.
    instance: Option<String>,
    #[serde(flatten)]
    remote: PairedRemote,
}

/// A guid as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Guid(PairingGuid);

impl From<Guid> for String {
    fn from(Guid(guid): Guid) -> Self {
        guid.to_string()
    }
}

impl TryFrom<String> for Guid {
    type Error = dacp_proto::NotAGuid;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

/// The list of the Remotes that may come in. Clones are of the same list.
#[derive(Clone)]
pub(crate) struct Guests(Arc<List>);

struct List {
    path: PathBuf,
    /// Held while the list changes: what is shown is on the disk.
    changing: Mutex<()>,
    remotes: watch::Sender<Vec<Kept>>,
    /// Where those who are paired are logged in.
    server: OnceLock<Handle>,
}

impl Guests {
    /// Those that are kept in the data folder.
    pub(crate) fn open(data: &Path) -> anyhow::Result<Self> {
        let path = data.join(FILE);
        let remotes = watch::Sender::new(file::kept(&path)?.unwrap_or_default());
        let (changing, server) = (Mutex::default(), OnceLock::new());
        Ok(Self(Arc::new(List { path, changing, remotes, server })))
    }

    /// Has this server end the sessions of those who are forgotten. Only the first one that is named counts.
    pub(crate) fn log_in_at(&self, server: Handle) {
        // That there is one already is what is documented.
        let _ = self.0.server.set(server);
    }

    /// All of them, those first that were paired first.
    pub(crate) fn all(&self) -> Vec<PairedRemote> {
        self.0.remotes.borrow().iter().map(|kept| kept.remote.clone()).collect()
    }

    /// Whether a Remote with this guid is among them.
    pub(crate) fn knows(&self, guid: PairingGuid) -> bool {
        self.0.remotes.borrow().iter().any(|kept| kept.guid == Guid(guid))
    }

    /// Adds a Remote that was announced under this name. It takes the place of the one that was so before.
    pub(crate) async fn add(
        &self,
        answer: PairingAnswer,
        instance: Option<String>,
    ) -> anyhow::Result<PairedRemote> {
        let guid = Guid(answer.guid);
        self.change(|remotes| {
            let is_same = |kept: &Kept| {
                kept.guid == guid || (instance.is_some() && kept.instance == instance)
            };
            let before = remotes.iter().find(|kept| is_same(kept)).map(|kept| kept.remote.id);
            remotes.retain(|kept| !is_same(kept));
            if remotes.len() >= REMOTES_MAX {
                bail!(
                    "{REMOTES_MAX} Remotes are paired; forget one with `dapple pair --forget NAME`"
                );
            }
            let last = remotes.iter().map(|kept| kept.remote.id).max().unwrap_or_default();
            let remote = PairedRemote {
                id: before.unwrap_or(last.saturating_add(1)),
                name: answer.name,
                device_type: answer.device_type,
                paired_s: now_s(),
                last_seen_s: None,
            };
            remotes.push(Kept { guid, instance, remote: remote.clone() });
            Ok(remote)
        })
        .await
    }

    /// Forgets a Remote: it cannot log in any more. `None` if there is none with this id.
    pub(crate) async fn forget(&self, id: u32) -> anyhow::Result<Option<PairedRemote>> {
        if !self.0.remotes.borrow().iter().any(|kept| kept.remote.id == id) {
            return Ok(None);
        }
        self.change(|remotes| {
            let place = remotes.iter().position(|kept| kept.remote.id == id);
            Ok(place.map(|place| remotes.remove(place).remote))
        })
        .await
    }

    /// Notes that a Remote has logged in.
    pub(crate) async fn note(&self, guid: PairingGuid) -> anyhow::Result<()> {
        let now = now_s();
        let is_due = |kept: &Kept| {
            let seen = kept.remote.last_seen_s.unwrap_or_default();
            kept.guid == Guid(guid) && now.abs_diff(seen) >= NOTED_EVERY_S
        };
        if !self.0.remotes.borrow().iter().any(is_due) {
            return Ok(());
        }
        self.change(|remotes| {
            for kept in remotes.iter_mut().filter(|kept| is_due(kept)) {
                kept.remote.last_seen_s = Some(now);
            }
            Ok(())
        })
        .await
    }

    /// Changes the list: first on the disk, then for all to see.
    async fn change<T>(
        &self,
        edit: impl FnOnce(&mut Vec<Kept>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let _changing = self.0.changing.lock().await;
        let mut remotes = self.0.remotes.borrow().clone();
        let outcome = edit(&mut remotes)?;
        let (list, path) = (remotes.clone(), self.0.path.clone());
        tokio::task::spawn_blocking(move || file::keep_secret(&path, &list)).await??;
        let before = self.0.remotes.send_replace(remotes);
        let gone = before.iter().map(|kept| kept.guid.0).filter(|guid| !self.knows(*guid));
        if let Some(server) = self.0.server.get() {
            gone.for_each(|guid| server.unpair(guid));
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: PairingGuid = PairingGuid(0xA1B2_C3D4_E5F6_0718);

    fn answer(guid: PairingGuid, name: &str) -> PairingAnswer {
        PairingAnswer { guid, name: name.to_owned(), device_type: "iPhone".to_owned() }
    }

    fn names(guests: &Guests) -> Vec<(u32, String)> {
        guests.all().into_iter().map(|remote| (remote.id, remote.name)).collect()
    }

    #[tokio::test]
    async fn who_is_paired_stays_so_over_a_restart() {
        let data = tempfile::tempdir().unwrap();
        let guests = Guests::open(data.path()).unwrap();
        assert!(!guests.knows(PHONE));
        guests.add(answer(PHONE, "Phone"), None).await.unwrap();
        assert!(guests.knows(PHONE));
        let again = Guests::open(data.path()).unwrap();
        assert!(again.knows(PHONE));
        assert_eq!(again.all(), guests.all());
    }

    #[tokio::test]
    async fn a_remote_that_is_paired_again_takes_its_own_place() {
        let data = tempfile::tempdir().unwrap();
        let guests = Guests::open(data.path()).unwrap();
        let instance = |name: &str| Some(name.to_owned());
        guests.add(answer(PHONE, "Old name"), instance("FC8D")).await.unwrap();
        guests.add(answer(PairingGuid(2), "Tablet"), instance("0A11")).await.unwrap();
        guests.add(answer(PairingGuid(3), "New name"), instance("FC8D")).await.unwrap();
        assert_eq!(names(&guests), [(2, "Tablet".to_owned()), (1, "New name".to_owned())]);
        assert!(!guests.knows(PHONE));
        assert!(guests.knows(PairingGuid(3)));
    }

    #[tokio::test]
    async fn who_is_forgotten_is_not_known() {
        let data = tempfile::tempdir().unwrap();
        let guests = Guests::open(data.path()).unwrap();
        let phone = guests.add(answer(PHONE, "Phone"), None).await.unwrap();
        assert_eq!(guests.forget(phone.id + 1).await.unwrap(), None);
        assert_eq!(guests.forget(phone.id).await.unwrap(), Some(phone));
        assert!(!guests.knows(PHONE));
        assert!(Guests::open(data.path()).unwrap().all().is_empty());
    }

    #[tokio::test]
    async fn a_login_is_noted_and_the_next_one_soon_after_is_not() {
        let data = tempfile::tempdir().unwrap();
        let guests = Guests::open(data.path()).unwrap();
        guests.add(answer(PHONE, "Phone"), None).await.unwrap();
        guests.note(PHONE).await.unwrap();
        let noted = guests.all();
        assert!(noted[0].last_seen_s.is_some());
        guests.note(PHONE).await.unwrap();
        guests.note(PairingGuid(9)).await.unwrap();
        assert_eq!(guests.all(), noted);
    }

    #[tokio::test]
    async fn there_are_no_more_than_a_household_has() {
        let data = tempfile::tempdir().unwrap();
        let guests = Guests::open(data.path()).unwrap();
        for guid in 0..REMOTES_MAX as u64 {
            guests.add(answer(PairingGuid(guid), "Phone"), None).await.unwrap();
        }
        assert!(guests.add(answer(PHONE, "One more"), None).await.is_err());
        assert!(guests.add(answer(PairingGuid(0), "Again"), None).await.is_ok());
        assert_eq!(guests.all().len(), REMOTES_MAX);
    }
}
