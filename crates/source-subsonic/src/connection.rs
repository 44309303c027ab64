//! What a source is doing, for people who want to know.

use std::ops::Sub;
use std::time::Duration;

use daap_model::Timestamp;
use library::Problem;

/// What a [`SubsonicSource`](crate::SubsonicSource) is doing, and how that goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// What it is doing.
    pub state: ConnectionState,
    /// What the server calls itself, with its version; empty until it has said so.
    pub server: String,
    /// How many songs of the server are listed.
    pub songs: usize,
    /// How many of its playlists are.
    pub playlists: usize,
    /// How many of its songs are starred.
    pub starred: usize,
    /// When all was last told that the server has.
    pub last_sync: Option<Timestamp>,
    /// How long that took.
    pub last_took: Duration,
    /// What has come to be told since the start.
    pub told: Changes,
    /// How much was asked of the server since the start, songs and pictures too.
    pub requests: u64,
    /// How many plays, ratings and stars are still to be written to the server.
    pub unsent: usize,
    /// What keeps it from following the server, and what to do about it.
    pub trouble: Option<Problem>,
    /// How many wishes to look for changes are fulfilled, or failed.
    pub(crate) answered: u64,
}

/// What a source is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// It has not begun to look.
    #[default]
    Starting,
    /// It looks for changes.
    Syncing,
    /// All is told; it will look again in a while.
    Idle,
    /// It could not follow the server when it last tried, and will try again.
    Lost,
}

/// How much was told of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Songs, new or changed.
    pub songs: u64,
    /// Songs that are gone.
    pub gone: u64,
    /// Playlists, new, changed or gone.
    pub playlists: u64,
}

impl Sub for Changes {
    type Output = Self;

    /// What was told since then.
    fn sub(self, before: Self) -> Self {
        Self {
            songs: self.songs.saturating_sub(before.songs),
            gone: self.gone.saturating_sub(before.gone),
            playlists: self.playlists.saturating_sub(before.playlists),
        }
    }
}
