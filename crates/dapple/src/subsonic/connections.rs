//! The connections to Subsonic servers, at work.

use disk_cache::DiskCache;
use source_subsonic::{SubsonicConfig, SubsonicSource};

use super::Settings;

/// What is kept on disk of all servers.
#[derive(Clone, Debug)]
pub(crate) struct Caches {
    /// Whole songs.
    pub(crate) songs: DiskCache,
    /// Pictures.
    pub(crate) pictures: DiskCache,
}

/// The connections to Subsonic servers.
#[derive(Debug)]
pub(crate) struct Connections(Vec<Connection>);

/// One of them.
#[derive(Debug)]
struct Connection {
    /// By what the library knows it again.
    key: String,
    /// Name of its database.
    name: String,
    source: SubsonicSource,
}

impl Connections {
    /// Prepares to follow these servers. A password that was not given is asked for.
    pub(crate) fn open(servers: &[Settings], caches: &Caches) -> anyhow::Result<Self> {
        let connections = servers.iter().map(|server| Connection::open(server, caches));
        connections.collect::<anyhow::Result<_>>().map(Self)
    }

    /// Adds a database for each.
    pub(crate) fn add_to(&self, builder: library::Builder) -> library::Builder {
        self.0.iter().fold(builder, |builder, connection| {
            let Connection { key, name, source } = connection;
            builder.database(key, name).source(key, source.clone())
        })
    }
}

impl Connection {
    fn open(server: &Settings, caches: &Caches) -> anyhow::Result<Self> {
        let mut config = SubsonicConfig::new(server.key(), server.login()?);
        config.certificates = server.certificates.clone();
        config.songs = Some(caches.songs.clone());
        config.pictures = Some(caches.pictures.clone());
        config.pins = server.pins.clone();
        config.writes = server.writes;
        config.every = server.every.unwrap_or(config.every);
        let source = SubsonicSource::new(config)?;
        Ok(Self { key: server.key().to_owned(), name: server.name.clone(), source })
    }
}
