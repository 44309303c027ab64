//! A source and a persistence that live in memory: the way in for programs, and what tests use.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use daap_model::Track;
use tokio::sync::watch;

use crate::persist::{NextIds, Persist, PersistError, Row, Transaction};
use crate::report::{Report, ScanPhase};
use crate::source::{
    Artwork, ArtworkSize, Change, Playlist, PlaylistContent, Source, SourceError, SourceFuture,
    SourceKey, Stamp,
};
use crate::{Body, Content};

/// Songs that a program holds in memory. Clones are the same source: keep one to change what is shared.
///
/// The library catches up with the source's present state, however often it changed in between.
#[derive(Clone, Default)]
pub struct MemorySource {
    state: Arc<Mutex<State>>,
    /// Counts the changes; whoever waits for it sees the newest state, not each step.
    version: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct State {
    songs: BTreeMap<SourceKey, Song>,
    playlists: BTreeMap<SourceKey, (u64, Playlist)>,
    away: bool,
    version: u64,
}

struct Song {
    version: u64,
    track: Track,
    sound: Bytes,
    artwork: Option<Artwork>,
}

impl MemorySource {
    /// A source without songs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a song, or changes the one with this key. Size and artwork of the track are set from what is
    /// given here.
    pub fn put(&self, key: &str, track: Track, sound: impl Into<Bytes>) {
        let sound = sound.into();
        let track = Track { size: sound.len() as u64, ..track };
        self.change(|state| {
            let artwork = state.songs.remove(&key.into()).and_then(|song| song.artwork);
            let track = Track { has_artwork: artwork.is_some(), ..track };
            let song = Song { version: state.version, track, sound, artwork };
            state.songs.insert(key.into(), song);
        });
    }

    /// Gives a song a picture, or with `None` takes it away.
    pub fn put_artwork(&self, key: &str, artwork: Option<Artwork>) {
        self.change(|state| {
            let version = state.version;
            if let Some(song) = state.songs.get_mut(&key.into()) {
                song.version = version;
                song.track.has_artwork = artwork.is_some();
                song.artwork = artwork;
            }
        });
    }

    /// Removes a song.
    pub fn remove(&self, key: &str) {
        self.change(|state| {
            state.songs.remove(&key.into());
        });
    }

    /// Adds or replaces a playlist of songs, or without songs to come a folder: see [`PlaylistContent`].
    pub fn put_playlist(
        &self,
        key: &str,
        name: &str,
        parent: Option<&str>,
        content: PlaylistContent,
    ) {
        self.change(|state| {
            let stamp = Stamp::default();
            let (key, parent) = (SourceKey::from(key), parent.map(SourceKey::from));
            let playlist = Playlist { key: key.clone(), stamp, name: name.into(), parent, content };
            state.playlists.insert(key, (state.version, playlist));
        });
    }

    /// Removes a playlist.
    pub fn remove_playlist(&self, key: &str) {
        self.change(|state| {
            state.playlists.remove(&key.into());
        });
    }

    /// Makes all songs unreachable, as a disk does that is unmounted, or reachable again.
    pub fn set_away(&self, away: bool) {
        self.change(|state| state.away = away);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        state.version += 1;
        change(&mut state);
        self.version.send_replace(state.version);
    }

    /// Held for a short step, never while something is awaited.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn follow(&self, report: &Report) -> Result<(), crate::Closed> {
        let mut version = self.version.subscribe();
        let known = report.known().await?;
        // What earlier runs left is compared by nothing but its key: memory does not outlive a run.
        let mut told = Told {
            songs: known.songs.into_keys().map(|key| (key, None)).collect(),
            playlists: known.playlists.into_keys().map(|key| (key, None)).collect(),
            away: false,
        };
        loop {
            version.mark_unchanged();
            let changes = told.catch_up(&self.state());
            for change in changes {
                report.change(change).await?;
            }
            report.settled().await?;
            report.scan(|scan| {
                scan.phase = ScanPhase::Idle;
                scan.done = told.songs.len() as u64;
                scan.total = scan.done;
            });
            tokio::select! {
                changed = version.changed() => if changed.is_err() { return Ok(()) },
                () = report.stopped() => return Ok(()),
            }
        }
    }
}

impl fmt::Debug for MemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySource").field("songs", &self.state().songs.len()).finish()
    }
}

/// What the library has been told, by the version it was told at; `None` in an earlier run.
struct Told {
    songs: HashMap<SourceKey, Option<u64>>,
    playlists: HashMap<SourceKey, Option<u64>>,
    away: bool,
}

impl Told {
    /// The changes that take the library from what it was told to `state`.
    fn catch_up(&mut self, state: &State) -> Vec<Change> {
        let mut changes = Vec::new();
        self.songs.retain(|key, _| {
            let stays = state.songs.contains_key(key);
            if !stays {
                changes.push(Change::Gone(key.clone()));
            }
            stays
        });
        let mut changed = false;
        for (key, song) in &state.songs {
            if self.songs.insert(key.clone(), Some(song.version)) != Some(Some(song.version)) {
                changed = true;
                let (key, track) = (key.clone(), Box::new(song.track.clone()));
                changes.push(Change::Song { key, stamp: Stamp::default(), track });
            }
        }
        // A song that is reported counts as there, so those that changed while away are away once more.
        let keys = || state.songs.keys().cloned().collect();
        match (self.away, state.away) {
            (true, true) if changed => changes.push(Change::Away(keys())),
            (false, true) => changes.push(Change::Away(keys())),
            (true, false) => changes.push(Change::Back(keys())),
            _ => {}
        }
        self.away = state.away;
        self.catch_up_playlists(state, &mut changes);
        changes
    }

    fn catch_up_playlists(&mut self, state: &State, changes: &mut Vec<Change>) {
        self.playlists.retain(|key, _| {
            let stays = state.playlists.contains_key(key);
            if !stays {
                changes.push(Change::PlaylistGone(key.clone()));
            }
            stays
        });
        for (key, (version, playlist)) in &state.playlists {
            if self.playlists.insert(key.clone(), Some(*version)) != Some(Some(*version)) {
                changes.push(Change::Playlist(playlist.clone()));
            }
        }
    }
}

impl Source for MemorySource {
    fn run(&self, report: Report) -> SourceFuture<'_, Result<(), SourceError>> {
        // That the library takes no more reports is the way a run ends, not an error of the source.
        Box::pin(async move {
            let _ = self.follow(&report).await;
            Ok(())
        })
    }

    fn open(&self, key: SourceKey) -> SourceFuture<'_, Result<Content, SourceError>> {
        let state = self.state();
        let result = match state.songs.get(&key) {
            _ if state.away => Err(away()),
            None => Err(SourceError::NotThere(key)),
            Some(song) => {
                let length = Some(song.sound.len() as u64);
                Ok(Content { length, body: Body::Bytes(song.sound.clone()) })
            }
        };
        Box::pin(std::future::ready(result))
    }

    fn artwork(
        &self,
        key: SourceKey,
        _size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, SourceError>> {
        let state = self.state();
        let result = match state.songs.get(&key) {
            _ if state.away => Err(away()),
            None => Err(SourceError::NotThere(key)),
            Some(song) => Ok(song.artwork.clone()),
        };
        Box::pin(std::future::ready(result))
    }
}

fn away() -> SourceError {
    let cause = std::io::Error::other("it was set away");
    SourceError::Away { what: "the memory source".into(), cause }
}

/// Keeps nothing beyond the life of the program. Clones share what they keep, so that a test can start a
/// second library with what the first one saved.
#[derive(Clone, Debug, Default)]
pub struct MemoryPersist(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    rows: Transaction,
    settings: BTreeMap<String, String>,
    failing: bool,
}

impl MemoryPersist {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, refuses to save, or saves again. For tests of what a full disk does.
    pub fn set_failing(&self, failing: bool) {
        self.kept().failing = failing;
    }

    /// Held for a short step, never while something is awaited.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Persist for MemoryPersist {
    fn load(&mut self, each: &mut dyn FnMut(Row)) -> Result<NextIds, PersistError> {
        let rows = self.kept().rows.clone();
        rows.databases.into_values().for_each(|row| each(Row::Database(row)));
        rows.sources.into_values().flatten().for_each(|row| each(Row::Source(row)));
        rows.songs.into_values().flatten().for_each(|row| each(Row::Song(row)));
        rows.playlists.into_values().flatten().for_each(|row| each(Row::Playlist(row)));
        rows.house_playlists.into_values().flatten().for_each(|row| each(Row::HousePlaylist(row)));
        Ok(rows.next)
    }

    fn save(&mut self, transaction: &Transaction) -> Result<(), PersistError> {
        let mut kept = self.kept();
        if kept.failing {
            let (what, remedy) = ("memory refuses to save".into(), "let it save again".into());
            return Err(PersistError { what, remedy, cause: None });
        }
        let rows = &mut kept.rows;
        let new = transaction.clone();
        rows.databases.extend(new.databases);
        rows.sources.extend(new.sources);
        rows.songs.extend(new.songs);
        for (id, since) in new.away {
            if let Some(Some(song)) = rows.songs.get_mut(&id) {
                song.away_since = since;
            }
        }
        rows.playlists.extend(new.playlists);
        rows.house_playlists.extend(new.house_playlists);
        rows.next = new.next;
        rows.house_playlists.retain(|_, row| row.is_some());
        rows.sources.retain(|_, row| row.is_some());
        let sources = &rows.sources;
        rows.songs
            .retain(|_, row| row.as_ref().is_some_and(|row| sources.contains_key(&row.source)));
        rows.playlists
            .retain(|_, row| row.as_ref().is_some_and(|row| sources.contains_key(&row.source)));
        Ok(())
    }

    fn setting(&mut self, name: &str) -> Result<Option<String>, PersistError> {
        Ok(self.kept().settings.get(name).cloned())
    }

    fn set_setting(&mut self, name: &str, value: Option<&str>) -> Result<(), PersistError> {
        let settings = &mut self.kept().settings;
        match value {
            Some(value) => settings.insert(name.into(), value.into()),
            None => settings.remove(name),
        };
        Ok(())
    }
}
