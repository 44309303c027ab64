//! Why a server did not give what was asked.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use daap_proto::read::ReadError;

/// An error of another library, kept so that many can be told of it.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why a server did not give what was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No machine and no share has this name.
    #[error("nothing on this network is called {name:?}")]
    NotFound {
        /// The name that was looked for.
        name: String,
        /// The shares that were heard of meanwhile; without the feature `mdns` nobody listens for them.
        seen: Vec<String>,
    },
    /// No connection could be made.
    #[error("{address} cannot be reached")]
    Unreachable {
        /// Host and port.
        address: String,
        /// Why not.
        #[source]
        cause: Cause,
    },
    /// What it says is not HTTP.
    #[error("{address} does not speak HTTP")]
    NotHttp {
        /// Host and port.
        address: String,
        /// What is wrong.
        #[source]
        cause: Cause,
    },
    /// There is a server, but none of DAAP.
    #[error("{address} is no DAAP server")]
    NotDaap {
        /// Host and port.
        address: String,
    },
    /// It wants a password and was given none.
    #[error("the share wants a password")]
    PasswordWanted,
    /// It wants another password.
    #[error("the share does not take this password")]
    WrongPassword,
    /// iTunes 7 and later let nobody in but programs of Apple's.
    #[error("{software} serves Apple's own programs only")]
    AppleOnly {
        /// What the server calls itself.
        software: String,
    },
    /// It has too much to do, or is about to stop (status 503).
    #[error("the server is busy")]
    Busy,
    /// It does not give this.
    #[error("{path} is refused with status {status}")]
    Refused {
        /// What was asked for, without parameters.
        path: String,
        /// The status.
        status: u16,
    },
    /// There is nothing of a song from there on (status 416).
    #[error("the song has nothing from byte {asked} on")]
    PastEnd {
        /// From where it was asked for.
        asked: u64,
        /// How long it is, if the server says so.
        total: Option<u64>,
    },
    /// It sends from one place to another and on, or to where no DAAP is spoken.
    #[error("{path} was moved to {location:?}, where it cannot be had")]
    Astray {
        /// What was asked for, without parameters.
        path: String,
        /// Where it last sent us.
        location: String,
    },
    /// It said nothing, or nothing whole, for too long.
    #[error("the server said nothing for {} s", after.as_secs_f32())]
    Stalled {
        /// How long that was.
        after: Duration,
    },
    /// The answer ended before its end.
    #[error("the answer ended after {got} bytes{}", expected.map_or(String::new(), |all| format!(" of {all}")))]
    CutShort {
        /// How long it was to be, if that was said.
        expected: Option<u64>,
        /// How much came.
        got: u64,
    },
    /// The answer is packed in a way that cannot be undone.
    #[error("the answer is packed as {encoding:?} and cannot be unpacked")]
    Unreadable {
        /// The `Content-Encoding`.
        encoding: String,
    },
    /// The answer is not what DAAP has there.
    #[error("the answer to {path} cannot be read")]
    Broken {
        /// What was asked for, without parameters.
        path: String,
        /// What is wrong with it.
        #[source]
        cause: ReadError,
    },
    /// The answer is longer than anything sensible.
    #[error("the answer to {path} has more than {limit} {of}")]
    TooLarge {
        /// What was asked for, without parameters.
        path: String,
        /// How many would have been read.
        limit: usize,
        /// Of what: "bytes", "entries".
        of: &'static str,
    },
}
