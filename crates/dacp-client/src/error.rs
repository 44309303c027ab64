//! Why a player did not do what it was told.

use daap_client::ClientError;

/// Why a player did not do what it was told.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// It does not know us, or no longer: we have to be paired.
    #[error("we are not paired with this player (status {status})")]
    NotPaired {
        /// The status with which it refused. iTunes says 503, OwnTone 401.
        status: u16,
    },
    /// It is none of those that can do this: an Apple TV has no queue, a music server no menu.
    #[error("this player has no {what}")]
    Lacking {
        /// What it has not.
        what: &'static str,
    },
    /// Nothing plays to which this could be done.
    #[error("nothing plays")]
    NothingPlays,
    /// More was to be typed than can be said.
    #[error("the text is too long to be sent")]
    TooLong,
    /// The player is not there, refuses, stalls, or says what nobody understands.
    #[error(transparent)]
    Client(#[from] ClientError),
}
