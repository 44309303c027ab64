//! What programs are told of the connections: the JSON of `/api/v1/subsonic` and of `/api/v1/subsonic/sync`.

use disk_cache::{DiskCache, Usage};
use serde::{Deserialize, Serialize};
use source_subsonic::{Changes, Connection, ConnectionState};

/// The connections, and what is kept of them on disk.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The connections, in the order in which they were named.
    pub(crate) connections: Vec<ConnectionReport>,
    /// The caches, if they could be looked at.
    pub(crate) caches: Option<CachesReport>,
}

/// What one connection is doing.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ConnectionReport {
    /// Name of its database.
    pub(crate) name: String,
    /// Address of the server, with the user if there is one: no two have the same.
    pub(crate) url: String,
    /// Name of the share of its own, if it has one.
    pub(crate) share: Option<String>,
    /// What it is doing.
    pub(crate) state: State,
    /// What the server calls itself, with its version; empty until that is known.
    pub(crate) server: String,
    /// How many songs are listed.
    pub(crate) songs: usize,
    /// How many playlists are.
    pub(crate) playlists: usize,
    /// How many songs are starred.
    pub(crate) starred: usize,
    /// When all was last looked at, in seconds since 1970.
    pub(crate) last_sync_s: Option<u64>,
    /// How long that took, in milliseconds.
    pub(crate) last_took_ms: u64,
    /// What has changed since the program was started.
    pub(crate) told: Told,
    /// How much was asked of the server since then.
    pub(crate) requests: u64,
    /// How many plays, ratings and stars wait to be written to the server.
    pub(crate) unsent: usize,
    /// What is wrong.
    pub(crate) problem: Option<Problem>,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It has not begun to look.
    Starting,
    /// It looks for changes.
    Syncing,
    /// It will look again in a while.
    Idle,
    /// It could not follow the server, and will try again.
    Lost,
}

/// How much was told of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Songs, new or changed.
    pub(crate) songs: u64,
    /// Songs that are gone.
    pub(crate) gone: u64,
    /// Playlists, new, changed or gone.
    pub(crate) playlists: u64,
}

/// What is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// What is wrong.
    pub(crate) what: String,
    /// What to do.
    pub(crate) remedy: String,
}

/// What is kept on disk.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CachesReport {
    /// Songs, those of republished shares as well.
    pub(crate) songs: CacheReport,
    /// Pictures.
    pub(crate) artwork: CacheReport,
}

/// What a cache takes of the disk, in bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CacheReport {
    /// What it takes.
    pub(crate) taken: u64,
    /// What it may take.
    pub(crate) limit: u64,
    /// How many files that is.
    pub(crate) files: usize,
    /// Why nothing can be kept.
    pub(crate) problem: Option<Problem>,
}

/// Which connections are to look for changes.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyncOrder {
    /// The name or the address of the one; all if there is none.
    pub(crate) connection: Option<String>,
}

/// What came of that.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Synced {
    /// Whether all of them have looked. Where one has not, it still does.
    pub(crate) done: bool,
    /// The connections that were meant.
    pub(crate) connections: Vec<ConnectionReport>,
}

impl ConnectionReport {
    pub(super) fn new(name: &str, url: &str, share: Option<String>, now: Connection) -> Self {
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            share,
            state: now.state.into(),
            server: now.server,
            songs: now.songs,
            playlists: now.playlists,
            starred: now.starred,
            last_sync_s: now.last_sync.map(|at| at.0.into()),
            last_took_ms: u64::try_from(now.last_took.as_millis()).unwrap_or(u64::MAX),
            told: now.told.into(),
            requests: now.requests,
            unsent: now.unsent,
            problem: now.trouble.map(|library::Problem { what, remedy }| Problem { what, remedy }),
        }
    }
}

impl From<ConnectionState> for State {
    fn from(state: ConnectionState) -> Self {
        match state {
            ConnectionState::Syncing => Self::Syncing,
            ConnectionState::Idle => Self::Idle,
            ConnectionState::Lost => Self::Lost,
            _ => Self::Starting,
        }
    }
}

impl From<Changes> for Told {
    fn from(Changes { songs, gone, playlists }: Changes) -> Self {
        Self { songs, gone, playlists }
    }
}

impl CacheReport {
    /// What a cache takes. Its files are counted, so it may block.
    pub(super) fn of(cache: &DiskCache) -> Self {
        let Usage { taken, limit, files } = cache.usage();
        let problem = cache.trouble().map(|trouble| Problem {
            what: format!("nothing can be kept: {trouble}"),
            remedy: "make room on the disk, or let dapple write there".to_owned(),
        });
        Self { taken, limit, files, problem }
    }
}
