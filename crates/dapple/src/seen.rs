//! The services that were seen on the network, remembered from run to run in a small file.
//!
//! So one can say what is missing, and try a share that multicast does not reach today at its last address.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use daap_proto::ShareUrl;
use discovery::{Kind, Service};
use serde::{Deserialize, Serialize};

use crate::{config, file};

/// The file, in the data folder.
const FILE: &str = "seen.json";

/// How many services are remembered; with more those go that were not seen for longest.
const SEEN_MAX: usize = 512;

/// A service as it was when it was last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sighting {
    pub(crate) service: Kind,
    pub(crate) name: String,
    pub(crate) instance: String,
    pub(crate) host: String,
    /// With the port.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Seconds since 1970.
    pub(crate) last_seen_s: u64,
}

impl Sighting {
    fn new(service: &Service, now_s: u64) -> Self {
        Self {
            service: service.kind,
            name: service.name.clone(),
            instance: service.instance.clone(),
            host: service.host.clone(),
            addresses: service.addresses.clone(),
            last_seen_s: now_s,
        }
    }

    fn key(&self) -> (Kind, &str) {
        (self.service, &self.instance)
    }
}

/// All that is remembered, the last seen first.
#[derive(Debug, Default)]
pub(crate) struct Seen(Vec<Sighting>);

impl Seen {
    /// What the file in `folder` says.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self(file::kept(&folder.join(FILE))?.unwrap_or_default()))
    }

    /// Adds what is seen now to what the file in `folder` says.
    pub(crate) fn remember(
        folder: &Path,
        services: &[Service],
        now_s: u64,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let mut seen = Self::read(folder)?;
        seen.note(services, now_s);
        file::keep(&folder.join(FILE), &seen.0)?;
        Ok(seen)
    }

    fn note(&mut self, services: &[Service], now_s: u64) {
        // A Remote that waits to be paired makes a new service of it each time.
        for service in services.iter().filter(|service| service.kind != Kind::TouchRemote) {
            let sighting = Sighting::new(service, now_s);
            self.0.retain(|known| known.key() != sighting.key());
            self.0.insert(0, sighting);
            self.0.truncate(SEEN_MAX);
        }
    }

    /// Those of these kinds that are not among the `present`, the last seen first.
    pub(crate) fn absent(&self, kinds: &[Kind], present: &[Service]) -> Vec<&Sighting> {
        let present: BTreeSet<_> =
            present.iter().map(|service| (service.kind, service.instance.as_str())).collect();
        let is_absent =
            |known: &&Sighting| kinds.contains(&known.service) && !present.contains(&known.key());
        self.0.iter().filter(is_absent).collect()
    }

    /// Where the share that a URL names by its name was when it was last seen.
    fn place(&self, url: &ShareUrl) -> Option<ShareUrl> {
        let is_it = |known: &&Sighting| {
            known.service == Kind::Daap && known.name.to_lowercase() == url.host.to_lowercase()
        };
        let address = self.0.iter().find(is_it)?.addresses.first()?;
        let host = ShareUrl::typed(&address.to_string()).ok()?;
        Some(ShareUrl { target: url.target.clone(), ..host })
    }
}

/// Where what was seen is kept.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    std::env::var_os("DAPPLE_DATA").map_or_else(config::data_folder, |folder| Ok(folder.into()))
}

/// The URL of the same at the last address of the share that is named, if one of that name was seen.
pub(crate) fn last_place(url: &ShareUrl) -> Option<ShareUrl> {
    Seen::read(&folder().ok()?).ok()?.place(url)
}

#[cfg(test)]
mod tests {
    use discovery::{About, ServerTxt};

    use super::*;
    use crate::fixture;

    fn service(kind: Kind, name: &str, address: &str) -> Service {
        match kind {
            Kind::Daap => fixture::announced(name, &[address]),
            _ => fixture::service(kind, name, &[address], About::Server(ServerTxt::default())),
        }
    }

    fn names(seen: &[&Sighting]) -> Vec<String> {
        seen.iter().map(|sighting| sighting.name.clone()).collect()
    }

    #[test]
    fn what_was_seen_is_remembered_with_its_last_time_and_place() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("not there yet");
        let jo = service(Kind::Daap, "Jo", "192.0.2.7:3689");
        let ann = service(Kind::Daap, "Ann", "192.0.2.8:3689");
        Seen::remember(&data, &[jo.clone(), ann], 1).unwrap();
        let moved = Service { addresses: vec!["192.0.2.9:3690".parse().unwrap()], ..jo };
        Seen::remember(&data, std::slice::from_ref(&moved), 2).unwrap();
        let seen = Seen::read(&data).unwrap();
        assert_eq!(seen.0[0], Sighting::new(&moved, 2));
        assert_eq!(names(&seen.absent(&[Kind::Daap], &[moved])), ["Ann"]);
        assert_eq!(names(&seen.absent(&[Kind::Daap], &[])), ["Jo", "Ann"]);
        assert!(seen.absent(&[Kind::Raop], &[]).is_empty());
    }

    #[test]
    fn what_is_seen_twice_is_remembered_once_and_a_remote_that_waits_never() {
        let mut seen = Seen::default();
        let remote = service(Kind::TouchRemote, "phone", "192.0.2.7:49160");
        let server = service(Kind::TouchAble, "Jo", "192.0.2.7:3689");
        seen.note(&[remote, server.clone(), server], 1);
        assert_eq!(names(&seen.absent(&Kind::ALL, &[])), ["Jo"]);
    }

    #[test]
    fn what_was_not_seen_for_longest_is_forgotten_first() {
        let mut seen = Seen::default();
        for number in 0..SEEN_MAX as u64 + 10 {
            let name = number.to_string();
            seen.note(&[service(Kind::Daap, &name, "192.0.2.7:3689")], number);
        }
        assert_eq!(seen.0.len(), SEEN_MAX);
        assert_eq!(seen.0[SEEN_MAX - 1].name, "10");
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{").unwrap();
        let jo = service(Kind::Daap, "Jo", "192.0.2.7:3689");
        let seen = Seen::remember(folder.path(), &[jo], 1).unwrap();
        assert_eq!(seen.0.len(), 1);
        assert_eq!(fs::read(folder.path().join("seen.json.broken")).unwrap(), b"{");
    }

    #[track_caller]
    fn check_place(address: &str, url: &str, expected: Option<&str>) {
        let mut seen = Seen::default();
        seen.note(&[service(Kind::Daap, "Jo's music", address)], 1);
        let place = seen.place(&url.parse().unwrap());
        assert_eq!(place.map(|url| url.to_string()).as_deref(), expected);
    }

    #[test]
    fn a_share_can_be_tried_at_its_last_place() {
        let place = Some("daap://192.0.2.7:3690/playlists/Party");
        check_place("192.0.2.7:3690", "daap://Jo's%20music/playlists/Party", place);
        let place = Some("daap://[fd00::7]:3689/");
        check_place("[fd00::7]:3689", "daap://jo's%20Music/", place);
        check_place("192.0.2.7:3690", "daap://Ann/", None);
    }
}
