//! The connections to Subsonic servers, at work.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use disk_cache::DiskCache;
use futures_util::future;
use library::{Library, Only};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use source_subsonic::{SubsonicConfig, SubsonicSource};
use tokio::task;
use tokio::time::timeout;

use super::report::{CacheReport, CachesReport, ConnectionReport, Report, Synced};
use super::settings::{self, Settings};

/// How long a sync is waited for. It goes on after that, and can be waited for again.
const HOLD: Duration = Duration::from_secs(20);

/// What is kept on disk of all servers.
#[derive(Clone, Debug)]
pub(crate) struct Caches {
    /// Whole songs, those of republished shares as well.
    pub(crate) songs: DiskCache,
    /// Pictures.
    pub(crate) pictures: DiskCache,
}

/// The connections to Subsonic servers.
#[derive(Debug)]
pub(crate) struct Connections {
    all: Vec<Connection>,
    caches: Caches,
}

/// One of them.
#[derive(Debug)]
struct Connection {
    /// By what the library knows it again.
    key: String,
    /// Name of its database.
    name: String,
    own_share: Option<settings::OwnShare>,
    in_library: bool,
    source: SubsonicSource,
}

/// The database of a connection, as a share of its own.
pub(crate) struct OwnShare {
    /// What is shared.
    pub(crate) share: Only<Library>,
    /// By what clients know it again.
    pub(crate) id: u64,
    listen: Option<SocketAddr>,
}

impl Connections {
    /// Prepares to follow these servers. A password that was not given is asked for. What is still to be written to them is
    /// in the data folder.
    pub(crate) fn open(servers: &[Settings], caches: Caches, data: &Path) -> anyhow::Result<Self> {
        let all = servers.iter().map(|server| Connection::open(server, &caches, data));
        Ok(Self { all: all.collect::<anyhow::Result<_>>()?, caches })
    }

    /// Whether songs of one are in the first database as well.
    pub(crate) fn are_in_library(&self) -> bool {
        self.all.iter().any(|connection| connection.in_library)
    }

    /// Adds a database for each.
    pub(crate) fn add_to(&self, builder: library::Builder) -> library::Builder {
        self.all.iter().fold(builder, |builder, connection| {
            let Connection { key, name, in_library, source, .. } = connection;
            let builder = builder.database(key, name).source(key, source.clone());
            if *in_library { builder.also() } else { builder }
        })
    }

    /// The shares of their own that were asked for. They are parts of this library, to which the connections were added.
    pub(crate) fn own_shares(&self, library: &Library) -> Vec<OwnShare> {
        let snapshot = library.snapshot();
        let own_share = |connection: &Connection| {
            let settings::OwnShare { name, listen } = connection.own_share.as_ref()?;
            let database = snapshot.database(library.database(&connection.key)?)?;
            Some(OwnShare {
                share: Only::new(library.clone(), database.id, name.as_str()),
                id: database.persistent_id.get(),
                listen: *listen,
            })
        };
        self.all.iter().filter_map(own_share).collect()
    }

    /// What they are doing, and what is kept of them.
    pub(crate) async fn report(&self) -> Report {
        let Caches { songs, pictures } = self.caches.clone();
        let caches = task::spawn_blocking(move || CachesReport {
            songs: CacheReport::of(&songs),
            artwork: CacheReport::of(&pictures),
        });
        let caches = caches.await.ok();
        Report { connections: self.all.iter().map(Connection::report).collect(), caches }
    }

    /// Has the one of this name or address look for changes now, or all of them, and waits a while until that is done.
    /// `None` if there is none of that name.
    pub(crate) async fn sync(&self, named: Option<&str>) -> Option<Synced> {
        let is_meant = |one: &&Connection| named.is_none_or(|named| one.is_called(named));
        let meant: Vec<&Connection> = self.all.iter().filter(is_meant).collect();
        if meant.is_empty() && named.is_some() {
            return None;
        }
        let looking = future::join_all(meant.iter().map(|connection| connection.source.sync()));
        let done = timeout(HOLD, looking).await.is_ok();
        Some(Synced { done, connections: meant.into_iter().map(Connection::report).collect() })
    }
}

impl Connection {
    fn open(server: &Settings, caches: &Caches, data: &Path) -> anyhow::Result<Self> {
        let mut config = SubsonicConfig::new(server.key(), server.login()?);
        config.certificates = server.certificates.clone();
        config.songs = Some(caches.songs.clone());
        config.pictures = Some(caches.pictures.clone());
        config.pins = server.pins.clone();
        config.writes = server.writes;
        config.outbox = Some(data.join(outbox(server.key())));
        config.every = server.every.unwrap_or(config.every);
        config.transcoding = server.transcoding;
        config.mp3_kbps = server.mp3_kbps.unwrap_or(config.mp3_kbps);
        Ok(Self {
            key: server.key().to_owned(),
            name: server.name.clone(),
            own_share: server.own_share.clone(),
            in_library: server.in_library,
            source: SubsonicSource::new(config)?,
        })
    }

    /// Whether this is its name or its address, with or without the user.
    fn is_called(&self, text: &str) -> bool {
        let bare = |url: &str| url.trim_end_matches('/').to_owned();
        self.name.to_lowercase() == text.to_lowercase()
            || [self.key.as_str(), self.source.url()].iter().any(|url| bare(url) == bare(text))
    }

    fn report(&self) -> ConnectionReport {
        let now = self.source.watch().borrow().clone();
        let share = self.own_share.as_ref().map(|own| own.name.clone());
        ConnectionReport::new(&self.name, &self.key, share, now)
    }
}

/// The file with what is still to be written to the server with this key.
fn outbox(key: &str) -> String {
    format!("subsonic-{}.json", utf8_percent_encode(key, NON_ALPHANUMERIC))
}

impl OwnShare {
    /// Where it is to listen: where it was said, or else on a free port wherever the first server listens.
    pub(crate) fn addresses(&self, first: &[SocketAddr]) -> Vec<SocketAddr> {
        let anywhere = first.iter().map(|address| SocketAddr::new(address.ip(), 0));
        self.listen.map_or_else(|| anywhere.collect(), |address| vec![address])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_written_has_a_file_for_each_connection() {
        assert_eq!(
            outbox("http://joe@nas:4533/a/"),
            "subsonic-http%3A%2F%2Fjoe%40nas%3A4533%2Fa%2F.json"
        );
        assert_ne!(outbox("http://nas/a/b/"), outbox("http://nas/ab/"));
    }
}
