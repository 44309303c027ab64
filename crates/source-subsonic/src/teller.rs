//! Telling a library what a server has, by what differs from what was told before.

use std::collections::{HashMap, HashSet};
use std::mem;

use library::{Change, Closed, Known, Playlist, Report, ScanPhase, SourceKey, Stamp};

use crate::Inner;
use crate::api::wire::Song;
use crate::connection::Changes;
use crate::sounds::Form;
use crate::track::{self, AlbumFacts};

/// How many songs of a server are taken in; more are left out.
const MAX_SONGS: usize = 4_000_000;
/// How often it is told how far a pass is, in songs.
const TELL_EVERY: u64 = 256;

/// Tells a library what a server has.
pub(crate) struct Teller<'a> {
    source: &'a Inner,
    report: Report,
    songs: HashMap<SourceKey, Told>,
    playlists: HashMap<SourceKey, Stamp>,
    /// The number of the pass that is on, or was last.
    pass: u32,
    seen: u64,
    away: bool,
    changes: Changes,
}

/// A song that was told, in this run or an earlier one.
struct Told {
    stamp: Stamp,
    /// The pass in which the server last listed it.
    pass: u32,
}

impl<'a> Teller<'a> {
    /// `known` is what was told in earlier runs.
    pub(crate) fn new(source: &'a Inner, report: Report, known: Known) -> Self {
        for (key, stamp) in &known.songs {
            source.sounds.know(key, track::is_mp3(*stamp));
        }
        let songs = known.songs.into_iter().map(|(key, stamp)| (key, Told { stamp, pass: 0 }));
        let (songs, playlists) = (songs.collect(), known.playlists);
        let away = !known.away.is_empty();
        let changes = Changes::default();
        Self { source, report, songs, playlists, pass: 0, seen: 0, away, changes }
    }

    /// How many songs are told.
    pub(crate) fn songs(&self) -> usize {
        self.songs.len()
    }

    /// How much was told since the start.
    pub(crate) fn changes(&self) -> Changes {
        self.changes
    }

    /// Whether nothing of the server was seen yet in this run.
    pub(crate) fn is_silent(&self) -> bool {
        self.pass == 0
    }

    /// Begins to look through all that the server has.
    pub(crate) fn begin(&mut self) {
        self.pass += 1;
        self.seen = 0;
        self.report.scan(|scan| {
            (scan.phase, scan.total, scan.done) = (ScanPhase::Scanning, 0, 0);
        });
    }

    /// Says that more songs are expected.
    pub(crate) fn expect(&self, songs: u64) {
        self.report.scan(|scan| scan.total = scan.total.saturating_add(songs));
    }

    /// Takes in a song that is listed. `false` if it is none, or was there already in this pass.
    pub(crate) async fn see(&mut self, song: &Song, album: &AlbumFacts) -> Result<bool, Closed> {
        let Some(key) = track::key(song) else { return Ok(false) };
        if self.songs.get(&key).is_some_and(|told| told.pass == self.pass) {
            return Ok(false);
        }
        self.seen += 1;
        if self.seen.is_multiple_of(TELL_EVERY) {
            self.report.scan(|scan| scan.done = self.seen);
        }
        self.tell(song, album).await
    }

    /// Tells what is new of a song. `false` if it is none, or one too many.
    pub(crate) async fn tell(&mut self, song: &Song, album: &AlbumFacts) -> Result<bool, Closed> {
        let Some(key) = track::key(song) else { return Ok(false) };
        if self.songs.len() >= MAX_SONGS && !self.songs.contains_key(&key) {
            return Ok(false);
        }
        let form = self.source.form(song);
        self.source.pictures.know(&key, song.cover_art.as_str());
        self.source.sounds.know(&key, form != Form::Original);
        let stamp = track::stamp(song, album, form);
        let before = self.songs.insert(key.clone(), Told { stamp, pass: self.pass });
        if let Some(Told { stamp: before, .. }) = before {
            if before == stamp {
                return Ok(true);
            }
            if (before.size, before.modified_ns) != (stamp.size, stamp.modified_ns) {
                self.source.sounds.forget(&key);
            }
        }
        self.changes.songs += 1;
        let track = Box::new(track::track(song, album, form));
        self.report.change(Change::Song { key: key.clone(), stamp, track }).await?;
        let mut recorded = track::recorded(song);
        self.source.outbox.add_to(&key, &mut recorded);
        let authority = self.source.authority();
        self.report.change(Change::Usage { key, recorded, authority }).await?;
        Ok(true)
    }

    /// Tells that what was not seen in this pass is gone. `false` if nothing was seen where there was something: that
    /// is a server whose disk is not there, or that has just been set up anew.
    pub(crate) async fn end(&mut self) -> Result<bool, Closed> {
        let pass = self.pass;
        let is_gone = |told: &Told| told.pass != pass;
        if !self.songs.is_empty() && self.songs.values().all(is_gone) {
            return Ok(false);
        }
        for (key, _) in self.songs.extract_if(|_, told| is_gone(told)) {
            self.source.sounds.forget(&key);
            self.source.pictures.forget(&key);
            self.changes.gone += 1;
            self.report.change(Change::Gone(key)).await?;
        }
        Ok(true)
    }

    /// Has a song be told when it is next seen, whether it has changed or not.
    pub(crate) fn doubt(&mut self, key: &SourceKey) {
        if let Some(told) = self.songs.get_mut(key) {
            told.stamp.file = !told.stamp.file;
        }
    }

    /// The same with a playlist.
    pub(crate) fn doubt_playlist(&mut self, key: &SourceKey) {
        if let Some(stamp) = self.playlists.get_mut(key) {
            stamp.file = !stamp.file;
        }
    }

    /// The stamp under which a playlist was told.
    pub(crate) fn told_playlist(&self, key: &SourceKey) -> Option<Stamp> {
        self.playlists.get(key).copied()
    }

    /// Tells what is new of a playlist.
    pub(crate) async fn playlist(&mut self, playlist: Playlist) -> Result<(), Closed> {
        if self.playlists.insert(playlist.key.clone(), playlist.stamp) == Some(playlist.stamp) {
            return Ok(());
        }
        self.changes.playlists += 1;
        self.report.change(Change::Playlist(playlist)).await
    }

    /// Tells that all playlists but these are gone.
    pub(crate) async fn keep_playlists(
        &mut self,
        there: &HashSet<SourceKey>,
    ) -> Result<(), Closed> {
        for (key, _) in self.playlists.extract_if(|key, _| !there.contains(key)) {
            self.changes.playlists += 1;
            self.report.change(Change::PlaylistGone(key)).await?;
        }
        Ok(())
    }

    /// Tells that the server cannot be reached.
    pub(crate) async fn away(&mut self) -> Result<(), Closed> {
        if mem::replace(&mut self.away, true) {
            return Ok(());
        }
        self.report.change(Change::Away(self.songs.keys().cloned().collect())).await?;
        self.report.settled().await
    }

    /// Tells that all is told, and waits until it is listed.
    pub(crate) async fn settle(&mut self) -> Result<(), Closed> {
        if mem::replace(&mut self.away, false) {
            self.report.change(Change::Back(self.songs.keys().cloned().collect())).await?;
        }
        self.report.scan(|scan| {
            (scan.phase, scan.done) = (ScanPhase::Idle, scan.total);
            scan.problems.clear();
        });
        self.report.settled().await
    }
}
