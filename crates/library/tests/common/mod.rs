//! A source that does what a test says, and short words for what a test looks at.
// Each test file uses its part.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use daap_model::{ContainerId, Database, Snapshot, Timestamp, Track};
use library::{
    ArtworkSize, Body, Change, Content, Library, Playlist, PlaylistContent, Report, Source,
    SourceError, SourceFuture, SourceKey, Stamp, Use,
};
use tokio::sync::mpsc;
use tokio::time::{Duration, timeout};

/// A day in summer 2026, when tests take place.
pub(crate) const TODAY: Timestamp = Timestamp(1_782_000_000);

/// A source that hands its report to the test and then waits to be stopped.
pub(crate) struct Scripted {
    reports: mpsc::Sender<Report>,
    /// The playlist of what is starred.
    pub(crate) starred: Option<SourceKey>,
    pub(crate) heard: Heard,
}

/// What a source was told that listeners did.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    /// What it was told since it was last asked, each as `key: use`.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

pub(crate) fn scripted() -> (Scripted, mpsc::Receiver<Report>) {
    let (reports, given) = mpsc::channel(1);
    (Scripted { reports, starred: None, heard: Heard::default() }, given)
}

impl Source for Scripted {
    fn run(&self, report: Report) -> SourceFuture<'_, Result<(), SourceError>> {
        Box::pin(async move {
            let stopped = report.clone();
            let _ = self.reports.send(report).await;
            stopped.stopped().await;
            Ok(())
        })
    }

    fn open(&self, key: SourceKey) -> SourceFuture<'_, Result<Content, SourceError>> {
        let body = Body::Bytes(key.as_bytes().to_vec().into());
        Box::pin(async { Ok(Content { length: None, body }) })
    }

    fn artwork(
        &self,
        key: SourceKey,
        _: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<library::Artwork>, SourceError>> {
        Box::pin(async { Err(SourceError::NotThere(key)) })
    }

    fn used(&self, key: SourceKey, what: Use) {
        self.heard.0.lock().unwrap().push(format!("{key}: {what:?}"));
    }

    fn starred(&self) -> Option<SourceKey> {
        self.starred.clone()
    }
}

pub(crate) fn track(title: &str) -> Track {
    Track { title: title.into(), artist: "Wings".into(), ..Track::default() }
}

pub(crate) fn song(key: &str) -> Change {
    Change::Song { key: key.into(), stamp: stamp(1), track: Box::new(track(key)) }
}

pub(crate) fn moved(from: &str, to: &str) -> Change {
    Change::Moved { from: from.into(), to: to.into(), stamp: stamp(2) }
}

pub(crate) fn gone(key: &str) -> Change {
    Change::Gone(key.into())
}

pub(crate) fn stamp(modified_ns: i64) -> Stamp {
    Stamp { size: 1, modified_ns, file: 1 }
}

pub(crate) fn keys(keys: &[&str]) -> Vec<SourceKey> {
    keys.iter().map(|key| SourceKey::from(*key)).collect()
}

pub(crate) fn playlist(key: &str, parent: Option<&str>, content: PlaylistContent) -> Change {
    let (key, name) = (SourceKey::from(key), key.into());
    let parent = parent.map(SourceKey::from);
    Change::Playlist(Playlist { key, stamp: stamp(1), name, parent, content })
}

pub(crate) fn songs(names: &[&str]) -> PlaylistContent {
    PlaylistContent::Songs(keys(names))
}

/// Reports the changes and returns when they are visible.
pub(crate) async fn tell(report: &Report, changes: impl IntoIterator<Item = Change>) {
    for change in changes {
        report.change(change).await.unwrap();
    }
    report.settled().await.unwrap();
}

/// The first database.
pub(crate) fn database(library: &Library) -> Arc<Database> {
    let snapshot = library.snapshot();
    let database = snapshot.databases().next().expect("the library's own");
    Arc::clone(database)
}

/// The songs as `id title`, by id.
pub(crate) fn titles(library: &Library) -> Vec<String> {
    let database = database(library);
    database.items().iter().map(|item| format!("{} {}", item.id, item.track.title)).collect()
}

/// The playlists in listing order, each as `parent/name: entry=item …`, or without colon if it is a folder.
pub(crate) fn playlists(library: &Library) -> Vec<String> {
    let database = database(library);
    let name = |id: ContainerId| database.container(id).map(|c| c.name.to_string());
    let shown = |container: &Arc<daap_model::Container>| {
        let path = match container.parent.and_then(name) {
            Some(parent) => format!("{parent}/{}", container.name),
            None => container.name.to_string(),
        };
        if container.kind() == daap_model::ContainerKind::Folder {
            return path;
        }
        let rows = database.entries(container.id).expect("it is listed").rows();
        let entries = rows.iter().map(|row| format!(" {}={}", row.entry, row.item.id));
        format!("{path}:{}", entries.collect::<String>())
    };
    database.containers().iter().skip(1).map(shown).collect()
}

/// Waits for a state of the library.
pub(crate) async fn until(library: &Library, state: impl Fn(&Snapshot) -> bool) {
    let mut snapshots = library.watch();
    let reached = snapshots.wait_for(|snapshot| state(snapshot));
    timeout(Duration::from_secs(20), reached).await.expect("in time").expect("a library");
}
