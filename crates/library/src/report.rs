//! How a source talks to the librarian.

use std::collections::{HashMap, HashSet};

use daap_model::Text;
use tokio::sync::{mpsc, oneshot, watch};

use crate::source::{Change, SourceKey, Stamp};

/// A source's way to the librarian. Cheap to clone: a scanner's workers can each hold one.
#[derive(Clone, Debug)]
pub struct Report {
    source: usize,
    events: mpsc::Sender<Event>,
    scans: watch::Sender<Vec<ScanState>>,
    stop: watch::Receiver<bool>,
}

/// Something a source said, and which of the library's sources said it.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) source: usize,
    pub(crate) told: Told,
}

/// What a [`Report`] passes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Told {
    /// A change.
    Change(Change),
    /// The name of what the source is.
    Named(Text),
    /// A question: what is known of the source? Answered by sending it.
    Known(oneshot::Sender<Known>),
    /// Everything is told; answered once it is on disk and visible.
    Settled(oneshot::Sender<()>),
}

/// The other end of [`Report::channel`]: it plays the librarian in the tests of a source.
#[derive(Debug)]
pub struct Listener {
    events: mpsc::Receiver<Event>,
    scans: watch::Receiver<Vec<ScanState>>,
    stop: watch::Sender<bool>,
}

/// What the library holds of a source from earlier runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Its songs, and by what to know them unchanged.
    pub songs: HashMap<SourceKey, Stamp>,
    /// Those of its songs that it could not reach when it last said so. Unless it says so again before it first
    /// settles, they count as there.
    pub away: HashSet<SourceKey>,
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

/// Whether a source is looking for songs. In the order in which one source's outdoes another's when
/// several are told as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScanPhase {
    /// At rest; changes are followed.
    Idle,
    /// Unable to look.
    Failed,
    /// Its first pass has not begun.
    #[default]
    Starting,
    /// Looking.
    Scanning,
}

/// The library is shutting down and takes no more reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the library takes no more reports")]
pub struct Closed;

impl Known {
    /// What is held of a source in two places, as one. What differs is known by no stamp that it could have.
    pub(crate) fn and(mut self, other: Self) -> Self {
        merge(&mut self.songs, other.songs);
        merge(&mut self.playlists, other.playlists);
        self.away.extend(other.away);
        self
    }
}

/// Takes in the stamps of another place.
fn merge(ours: &mut HashMap<SourceKey, Stamp>, theirs: HashMap<SourceKey, Stamp>) {
    for (key, stamp) in &mut *ours {
        if theirs.get(key) != Some(stamp) {
            *stamp = stamp.of_another();
        }
    }
    for (key, stamp) in theirs {
        ours.entry(key).or_insert(stamp.of_another());
    }
}

impl ScanState {
    /// What several sources are doing, as one: the sums, and of the phases the one that is least at rest.
    #[must_use]
    pub fn sum<'a>(states: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self { phase: ScanPhase::Idle, ..Self::default() };
        for state in states {
            sum.phase = sum.phase.max(state.phase);
            sum.done += state.done;
            sum.total += state.total;
            sum.errors += state.errors;
            sum.problems.extend_from_slice(&state.problems);
        }
        sum
    }
}

impl Report {
    /// A report of the source with this number among the library's sources.
    pub(crate) fn new(
        source: usize,
        events: mpsc::Sender<Event>,
        scans: watch::Sender<Vec<ScanState>>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { source, events, scans, stop }
    }

    /// A report that leads to a [`Listener`] instead of a library, for testing a source alone. At most
    /// `capacity` reports wait to be listened to.
    #[must_use]
    pub fn channel(capacity: usize) -> (Self, Listener) {
        let (events, told) = mpsc::channel(capacity);
        let (scans, seen) = watch::channel(vec![ScanState::default()]);
        let (stop, stopped) = watch::channel(false);
        let listener = Listener { events: told, scans: seen, stop };
        (Self::new(0, events, scans, stopped), listener)
    }

    async fn tell(&self, told: Told) -> Result<(), Closed> {
        self.events.send(Event { source: self.source, told }).await.map_err(|_| Closed)
    }

    /// What the library holds of this source from earlier runs.
    pub async fn known(&self) -> Result<Known, Closed> {
        let (answer, known) = oneshot::channel();
        self.tell(Told::Known(answer)).await?;
        known.await.map_err(|_| Closed)
    }

    /// Reports a change. Waits while the librarian is busy, which slows the source down to its pace.
    pub async fn change(&self, change: Change) -> Result<(), Closed> {
        self.tell(Told::Change(change)).await
    }

    /// The same from a thread outside the runtime.
    pub fn blocking_change(&self, change: Change) -> Result<(), Closed> {
        let event = Event { source: self.source, told: Told::Change(change) };
        self.events.blocking_send(event).map_err(|_| Closed)
    }

    /// Says what the source calls itself, such as the name of another share. The database that it is in is called so
    /// from now on, also after a restart.
    pub async fn named(&self, name: impl Into<Text>) -> Result<(), Closed> {
        self.tell(Told::Named(name.into())).await
    }

    /// Returns once everything reported before is on disk and visible to clients.
    pub async fn settled(&self) -> Result<(), Closed> {
        let (answer, settled) = oneshot::channel();
        self.tell(Told::Settled(answer)).await?;
        settled.await.map_err(|_| Closed)
    }

    /// Tells those who wait what the source is doing.
    pub fn scan(&self, change: impl FnOnce(&mut ScanState)) {
        self.scans.send_modify(|states| {
            if let Some(state) = states.get_mut(self.source) {
                change(state);
            }
        });
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

impl Listener {
    /// What the source says next; `None` once every clone of its report is dropped.
    pub async fn next(&mut self) -> Option<Told> {
        self.events.recv().await.map(|event| event.told)
    }

    /// What the source says it is doing.
    #[must_use]
    pub fn scan(&self) -> ScanState {
        self.scans.borrow().first().cloned().unwrap_or_default()
    }

    /// Asks the source to stop, as a library that shuts down does.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_sources_count_as_one_that_is_still_looking() {
        let scanning =
            ScanState { phase: ScanPhase::Scanning, done: 3, total: 9, ..Default::default() };
        let failed = ScanState {
            phase: ScanPhase::Failed,
            errors: 1,
            problems: vec!["the disk is not there".into()],
            ..Default::default()
        };
        let sum = ScanState::sum([&failed, &scanning]);
        assert_eq!((sum.phase, sum.done, sum.total, sum.errors), (ScanPhase::Scanning, 3, 9, 1));
        assert_eq!(sum.problems, ["the disk is not there"]);
        assert_eq!(ScanState::sum([]).phase, ScanPhase::Idle);
    }
}
