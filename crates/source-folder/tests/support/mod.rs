//! A listener that plays the librarian: it keeps what the source says, and gives it back at the next start.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of this")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use daap_model::Track;
use library::{
    Change, Known, Listener, Playlist, PlaylistContent, Recorded, Report, ScanState, Source,
    SourceKey, Stamp, Told,
};
use source_folder::{FolderConfig, FolderSource};
use tokio::task::JoinHandle;

/// No wait in these tests is longer, unless something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a library would hold of a source.
#[derive(Debug, Default)]
pub struct Shelf {
    pub songs: BTreeMap<String, (Stamp, Track)>,
    pub away: BTreeSet<String>,
    pub playlists: BTreeMap<String, Playlist>,
    pub recorded: BTreeMap<String, Recorded>,
}

impl Shelf {
    pub fn known(&self) -> Known {
        let key = |key: &String| SourceKey::from(key.as_str());
        Known {
            songs: self.songs.iter().map(|(name, (stamp, _))| (key(name), *stamp)).collect(),
            away: self.away.iter().map(key).collect(),
            playlists: self.playlists.iter().map(|(name, list)| (key(name), list.stamp)).collect(),
        }
    }

    pub fn keys(&self) -> Vec<&str> {
        self.songs.keys().map(String::as_str).collect()
    }

    /// The songs of a playlist.
    pub fn songs_of(&self, list: &str) -> Vec<String> {
        match &self.playlists[list].content {
            PlaylistContent::Songs(keys) => keys.iter().map(SourceKey::to_string).collect(),
            PlaylistContent::Folder => panic!("{list} is a folder"),
        }
    }

    pub fn track(&self, key: &str) -> &Track {
        &self.songs[key].1
    }

    /// Takes a change over, and says it in a word for tests to compare.
    fn take(&mut self, change: Change) -> String {
        match change {
            Change::Song { key, stamp, track } => {
                self.away.remove(&key.to_string());
                self.songs.insert(key.to_string(), (stamp, *track));
                format!("song {key}")
            }
            Change::Moved { from, to, stamp } => {
                let (_, track) =
                    self.songs.remove(&from.to_string()).expect("only what is known moves");
                self.away.remove(&from.to_string());
                self.songs.insert(to.to_string(), (stamp, track));
                format!("moved {from} -> {to}")
            }
            Change::Gone(key) => {
                assert!(self.songs.remove(&key.to_string()).is_some(), "{key} was never there");
                self.away.remove(&key.to_string());
                format!("gone {key}")
            }
            Change::Away(keys) => {
                self.away.extend(keys.iter().map(SourceKey::to_string));
                format!(
                    "away {}",
                    keys.iter().map(SourceKey::to_string).collect::<Vec<_>>().join(" ")
                )
            }
            Change::Back(keys) => {
                for key in &keys {
                    assert!(self.away.remove(&key.to_string()), "{key} was not away");
                }
                format!(
                    "back {}",
                    keys.iter().map(SourceKey::to_string).collect::<Vec<_>>().join(" ")
                )
            }
            Change::Playlist(list) => {
                let said = format!("playlist {}", list.key);
                self.playlists.insert(list.key.to_string(), list);
                said
            }
            Change::PlaylistGone(key) => {
                self.playlists.remove(&key.to_string());
                format!("playlist gone {key}")
            }
            Change::Usage { key, recorded, .. } => {
                self.recorded.insert(key.to_string(), recorded);
                format!("usage {key}")
            }
            other => panic!("an unknown change: {other:?}"),
        }
    }
}

/// A source that runs, and the one who listens to it.
pub struct Running {
    pub source: Arc<FolderSource>,
    listener: Listener,
    task: JoinHandle<()>,
    pub shelf: Shelf,
}

/// Starts a source of this folder, which goes on from what is on the shelf.
pub fn start(root: &Path, shelf: Shelf) -> Running {
    start_with(FolderConfig::new(root), shelf)
}

pub fn start_with(config: FolderConfig, shelf: Shelf) -> Running {
    let source = Arc::new(FolderSource::new(config));
    let (report, listener) = Report::channel(64);
    let runs = Arc::clone(&source);
    let task =
        tokio::spawn(
            async move { runs.run(report).await.expect("a folder is followed until the end") },
        );
    Running { source, listener, task, shelf }
}

impl Running {
    /// Listens until the source says that all is told; what it said, in words, sorted.
    pub async fn settled(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            match self.next().await {
                Told::Change(change) => said.push(self.shelf.take(change)),
                Told::Known(answer) => answer.send(self.shelf.known()).expect("the source waits"),
                Told::Settled(answer) => {
                    answer.send(()).expect("the source waits");
                    said.sort();
                    return said;
                }
                _ => {}
            }
        }
    }

    /// Listens until something was said, which may take several rounds.
    pub async fn said(&mut self) -> Vec<String> {
        loop {
            let said = self.settled().await;
            if !said.is_empty() {
                return said;
            }
        }
    }

    /// Listens for a number of changes and no longer.
    pub async fn some(&mut self, mut count: usize) {
        while count > 0 {
            match self.next().await {
                Told::Change(change) => {
                    self.shelf.take(change);
                    count -= 1;
                }
                Told::Known(answer) => answer.send(self.shelf.known()).expect("the source waits"),
                _ => {}
            }
        }
    }

    async fn next(&mut self) -> Told {
        let told = tokio::time::timeout(PATIENCE, self.listener.next()).await;
        told.expect("the source says something").expect("the source runs")
    }

    pub fn scan(&self) -> ScanState {
        self.listener.scan()
    }

    /// Waits until the source shows this state.
    pub async fn until(&self, mut is: impl FnMut(&ScanState) -> bool) {
        let wait = async {
            while !is(&self.scan()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the state comes");
    }

    /// Stops the source. Whatever it still says is heard.
    pub async fn stop(mut self) -> Shelf {
        self.listener.stop();
        while let Some(told) = self.listener.next().await {
            match told {
                Told::Change(change) => drop(self.shelf.take(change)),
                Told::Settled(answer) => answer.send(()).unwrap_or_default(),
                _ => {}
            }
        }
        self.task.await.expect("the source ends");
        self.shelf
    }
}
