//! What of a player outlives a restart.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::OutputId;
use crate::queue::Lists;

/// What of a player outlives a restart: its queue, the place in the song, and all that was set.
///
/// A program keeps it in whatever form [`serde`] gives it, and hands it to [`Builder::resume`](crate::Builder::resume).
/// Copies are cheap; what is written down is as long as the queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    pub(crate) queue: Lists,
    /// How much of the current song was heard; `None` if the player was stopped.
    pub(crate) position: Option<Duration>,
    pub(crate) cross_fade: Duration,
    pub(crate) outputs: BTreeMap<OutputId, SavedOutput>,
}

/// What was set of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedOutput {
    pub(crate) selected: bool,
    pub(crate) volume: u8,
}
