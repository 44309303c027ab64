//! Every bound of the server, with its name and what happens there.

use std::time::Duration;

use tokio::sync::Semaphore;

/// How much the server takes on. The defaults suit a house, and hold on a single-board computer. To do without a
/// bound set it to the largest value of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Open connections. One more is answered 503 and closed.
    pub connections: usize,
    /// Open connections of one peer that is not this machine. One more is answered 503 and closed.
    pub connections_per_peer: usize,
    /// Sessions. See [`sessions`](Self::sessions_idle) for what makes room.
    pub sessions: usize,
    /// Sessions of one peer that is not this machine. One more costs it the one that it used longest ago.
    pub sessions_per_peer: usize,
    /// A session that nobody used for so long is over. Clients do not heed the 1800 seconds that are
    /// announced to them (iTunes 12), so it is hours.
    pub sessions_idle: Duration,
    /// When the table is full, a session idle for so long makes room for another: the time that is
    /// announced to clients.
    pub sessions_idle_when_full: Duration,
    /// Held requests, `/update` and `playstatusupdate`. One more is answered 503.
    pub polls: usize,
    /// The same, of one peer that is not this machine. One more is answered 503.
    pub polls_per_peer: usize,
    /// Wrong passwords that a peer may try in a row, those that the gate has yet to judge included. Then it
    /// waits, 503, for [`wrong_password_pause`](Self::wrong_password_pause) per further try.
    pub wrong_passwords: u32,
    /// How long it takes until a peer may try one more password.
    pub wrong_password_pause: Duration,
    /// Peers whose wrong passwords are remembered. The one that tried longest ago is forgotten first.
    pub throttled_peers: usize,
    /// Bytes of long listings, plain and compressed, that are kept for the next asker.
    pub lists_kept: usize,
    /// Bytes of such listings alive at once, being sent ones included. Beyond it a listing is made for each
    /// asker, uncompressed and piece by piece, which costs time and no memory.
    pub lists_alive: usize,
    /// Listings of big databases that are being prepared or wait for it. One more is answered 503.
    pub listings: usize,
    /// The same, of one peer that is not this machine. One more is answered 503.
    pub listings_per_peer: usize,
    /// Long listings that are made, and searches for songs to be put in a playlist, at the same
    /// time; further ones wait.
    pub listings_at_once: usize,
    /// Reads of song files at the same time; further ones wait their turn.
    pub reads_at_once: usize,
    /// Songs that are open to be sent as WAV files: a megabyte of memory each, or less. One more is answered 503.
    pub transcodes: usize,
    /// The same, of one peer that is not this machine. One more is answered 503.
    pub transcodes_per_peer: usize,
    /// Pieces of WAV files that are made at the same time; further ones wait their turn.
    pub transcodes_at_once: usize,
    /// Code that is not the server's own has so long to open a song or picture, to change a playlist, to let a
    /// visitor in. Then the answer is 504, and what it was doing is dropped.
    pub answer: Duration,
    /// A song of which nothing comes for so long, while the client waits for it, is broken off.
    pub stall: Duration,
    /// A request line and its headers must have come so long after their first byte, and its body, which few have, so
    /// long after that.
    pub head: Duration,
    /// A connection on which nothing is asked for so long is closed. Clients keep theirs open between a
    /// listing and the next click, for half an hour at least.
    pub keep_alive: Duration,
    /// After the call to shut down, streams may go on for so long.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8192,
            connections_per_peer: 256,
            sessions: 2048,
            sessions_per_peer: 256,
            sessions_idle: Duration::from_secs(24 * 60 * 60),
            sessions_idle_when_full: Duration::from_secs(30 * 60),
            polls: 6144,
            polls_per_peer: 128,
            wrong_passwords: 10,
            wrong_password_pause: Duration::from_secs(10),
            throttled_peers: 1024,
            lists_kept: 64 << 20,
            lists_alive: 128 << 20,
            listings: 1024,
            listings_per_peer: 32,
            listings_at_once: 4,
            reads_at_once: 32,
            transcodes: 128,
            transcodes_per_peer: 16,
            transcodes_at_once: 2,
            answer: Duration::from_secs(30),
            stall: Duration::from_secs(60),
            head: Duration::from_secs(30),
            keep_alive: Duration::from_secs(60 * 60),
            farewell: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// The same, where the largest number and the longest time of their types stand for "none".
    pub(crate) fn within_reason(self) -> Self {
        let time = |limit: Duration| limit.min(FOREVER);
        let turns = |limit: usize| limit.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            listings_at_once: turns(self.listings_at_once),
            reads_at_once: turns(self.reads_at_once),
            transcodes_at_once: turns(self.transcodes_at_once),
            stall: time(self.stall),
            head: time(self.head),
            keep_alive: time(self.keep_alive),
            ..self
        }
    }
}

/// Longer than any server runs, and short enough to be added to the time of day.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The longest request line with its headers, in bytes. A longer one is answered 431.
pub(crate) const HEAD_BYTES: usize = 64 << 10;

/// The longest body of a request, in bytes. A longer one is answered 413.
pub(crate) const SENT_BYTES: usize = 64 << 10;

/// What is kept of the name by which a client calls itself, in bytes.
pub(crate) const AGENT_BYTES: usize = 256;

/// What is read or sent of a song file at a time, in bytes. A stream holds two such pieces at most: one that is on its
/// way, and the one after it.
pub(crate) const FILE_CHUNK: usize = 256 << 10;

/// What is made of a WAV file at a time, in bytes: a second and a half of CD sound. A stream holds two such pieces at most.
pub(crate) const WAV_PIECE: usize = 256 << 10;

/// Who makes a piece of a WAV file gives way to others after so long, with what there is: the song may come from
/// another server, and slowly.
pub(crate) const WAV_TURN: Duration = Duration::from_millis(100);

/// A stream may give so many pieces without a byte in them before others have their turn.
pub(crate) const EMPTY_PIECES: usize = 32;

/// Bodies of at most this many bytes are never compressed.
pub(crate) const GZIP_FROM: u64 = 512;

/// Uncompressed listings of at most this many bytes are made anew each time.
pub(crate) const SHARED_FROM: usize = 64 << 10;

/// Connections that are sent to share so many bytes; then each has had its turn, and others have not waited long.
pub(crate) const ROUND: usize = 5 << 20;

/// What a connection sends in its turn at least, as a turn has its cost; and at most, however few there are.
pub(crate) const SHORTEST_TURN: usize = 64 << 10;
pub(crate) const LONGEST_TURN: usize = 512 << 10;

/// Bodies of at most this many bytes are compressed anew each time: it takes less than a millisecond.
pub(crate) const GZIP_INLINE: u64 = 32 << 10;

/// A listing over a database with more items than this is prepared off the network threads.
pub(crate) const ITEMS_INLINE: usize = 5_000;
