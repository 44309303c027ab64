//! How a source talks to the librarian.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot, watch};

use crate::source::{Change, SourceKey, Stamp};

/// A source's way to the librarian. Cheap to clone: a scanner's workers can each hold one.
#[derive(Clone, Debug)]
pub struct Report {
    events: mpsc::Sender<Event>,
    scan: watch::Sender<ScanState>,
    stop: watch::Receiver<bool>,
}

/// What reaches the librarian of one source.
#[derive(Debug)]
pub(crate) enum Event {
    Change(Change),
    Known(oneshot::Sender<Known>),
    Settled(oneshot::Sender<()>),
}

/// What the library holds of a source from earlier runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Its songs, and by what to know them unchanged.
    pub songs: HashMap<SourceKey, Stamp>,
    /// Its playlists, likewise.
    pub playlists: HashMap<SourceKey, Stamp>,
}

/// What a source is doing, for people who wait for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanState {
    /// Whether it is looking, at rest, or unable to.
    pub phase: ScanPhase,
    /// Songs looked at in this pass.
    pub done: u64,
    /// Songs found in this pass so far; grows while folders are still being walked.
    pub total: u64,
    /// Songs that could not be read, in this pass.
    pub errors: u64,
    /// What keeps it from working, or from noticing changes at once; one sentence each.
    pub problems: Vec<String>,
}

/// Whether a source is looking for songs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScanPhase {
    /// Its first pass has not begun.
    #[default]
    Starting,
    /// Looking.
    Scanning,
    /// At rest; changes are followed.
    Idle,
    /// Unable to look.
    Failed,
}

/// The library is shutting down and takes no more reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the library takes no more reports")]
pub struct Closed;

impl Report {
    pub(crate) fn new(
        events: mpsc::Sender<Event>,
        scan: watch::Sender<ScanState>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { events, scan, stop }
    }

    /// What the library holds of this source from earlier runs.
    pub async fn known(&self) -> Result<Known, Closed> {
        let (answer, known) = oneshot::channel();
        self.events.send(Event::Known(answer)).await.map_err(|_| Closed)?;
        known.await.map_err(|_| Closed)
    }

    /// Reports a change. Waits while the librarian is busy, which slows the source down to its pace.
    pub async fn change(&self, change: Change) -> Result<(), Closed> {
        self.events.send(Event::Change(change)).await.map_err(|_| Closed)
    }

    /// The same from a thread outside the runtime.
    pub fn blocking_change(&self, change: Change) -> Result<(), Closed> {
        self.events.blocking_send(Event::Change(change)).map_err(|_| Closed)
    }

    /// Returns once everything reported before is on disk and visible to clients.
    pub async fn settled(&self) -> Result<(), Closed> {
        let (answer, settled) = oneshot::channel();
        self.events.send(Event::Settled(answer)).await.map_err(|_| Closed)?;
        settled.await.map_err(|_| Closed)
    }

    /// Tells those who wait what the source is doing.
    pub fn scan(&self, change: impl FnOnce(&mut ScanState)) {
        self.scan.send_modify(change);
    }

    /// Waits until the source is asked to stop.
    pub async fn stopped(&self) {
        // An error means that the library is gone, which is a reason to stop too.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// Whether the source is asked to stop; for loops outside the runtime.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }
}
