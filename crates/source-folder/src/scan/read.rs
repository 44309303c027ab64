//! Reading the files that are new or changed.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use library::{Change, Closed, Stamp};

use super::{Bad, MAX_BAD, Pass, Scanner, Song, is_fresh, shape};
use crate::progress::Progress;
use crate::settling::Shape;
use crate::tags::{self, TagError};
use crate::walk::{Look, SongFile};
use crate::{key, pool};

impl Scanner {
    /// Reads files and reports them as they are read.
    pub(super) fn read(
        &mut self,
        news: Vec<SongFile>,
        all: Option<u64>,
        pass: &mut Pass,
    ) -> Result<(), Closed> {
        let progress = Progress::new(&self.report, all.map(|all| (all, news.len() as u64)));
        let read = Mutex::new(Vec::new());
        let closed = AtomicBool::new(false);
        let stop = || closed.load(Ordering::Relaxed) || self.report.is_stopped();
        let this = &*self;
        pool::work("folder-read", self.threads, news, stop, |file, _| {
            let outcome = this.read_one(&file);
            progress.one(matches!(outcome, Outcome::Bad { .. }));
            closed.fetch_or(matches!(outcome, Outcome::Closed), Ordering::Relaxed);
            read.lock().unwrap_or_else(PoisonError::into_inner).push((file, outcome));
        });
        if !stop() {
            progress.end();
        }
        let mut still_bad = HashSet::new();
        for (file, outcome) in read.into_inner().unwrap_or_else(PoisonError::into_inner) {
            if matches!(outcome, Outcome::Bad { .. }) {
                still_bad.insert(file.key.clone());
            }
            self.keep(file, outcome, pass)?;
        }
        if all.is_some() {
            self.bad.retain(|key, _| still_bad.contains(key));
        }
        if closed.into_inner() || self.report.is_stopped() { Err(Closed) } else { Ok(()) }
    }

    fn read_one(&self, file: &SongFile) -> Outcome {
        let known = self.bad.get(&file.key).filter(|bad| bad.stamp == file.stamp());
        if known.is_some_and(|bad| !bad.retry) {
            return Outcome::Bad { away: false, known: true };
        }
        let Some(path) = key::path(&self.root, file.key.as_bytes()) else {
            return Outcome::Vanished;
        };
        match tags::read(&path) {
            Ok(song) => {
                let look = Look::of(&song.metadata);
                let stamp = look.song_stamp(file.picture);
                let mut track = song.track;
                track.has_artwork |= file.picture;
                let change = Change::Song { key: file.key.clone(), stamp, track: Box::new(track) };
                match self.report.blocking_change(change) {
                    Ok(()) => Outcome::Song(stamp),
                    Err(Closed) => Outcome::Closed,
                }
            }
            Err(TagError::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => {
                Outcome::Vanished
            }
            // Half a file is no news about the whole one.
            Err(_) if is_fresh(file.look) => Outcome::Moving(path, shape(file.look)),
            Err(error) => {
                if known.is_none() {
                    tracing::warn!("{} is left out: {error}", path.display());
                }
                Outcome::Bad {
                    away: matches!(error, TagError::Unreadable(_)),
                    known: known.is_some(),
                }
            }
        }
    }

    /// Remembers what came of a file.
    fn keep(&mut self, file: SongFile, outcome: Outcome, pass: &mut Pass) -> Result<(), Closed> {
        match outcome {
            Outcome::Song(stamp) => {
                self.bad.remove(&file.key);
                self.songs.insert(file.key, Song::new(stamp));
                pass.changed = true;
            }
            Outcome::Bad { known: true, .. } | Outcome::Vanished | Outcome::Closed => {}
            Outcome::Moving(path, shape) => pass.moving.push((path, shape)),
            Outcome::Bad { away, known: false } => {
                if self.bad.len() < MAX_BAD {
                    self.bad.insert(file.key.clone(), Bad { stamp: file.stamp(), retry: away });
                }
                if away {
                    self.away(vec![file.key], pass)?;
                } else if self.songs.remove(&file.key).is_some() {
                    self.report.blocking_change(Change::Gone(file.key))?;
                    pass.changed = true;
                }
            }
        }
        Ok(())
    }
}

/// What came of reading a file.
enum Outcome {
    /// It is a song, and reported.
    Song(Stamp),
    /// It is none. `away`: it could not be read at all; `known`: as was found before.
    Bad { away: bool, known: bool },
    /// It is still being written.
    Moving(PathBuf, Shape),
    /// It is no longer there.
    Vanished,
    /// Nobody listens any more.
    Closed,
}
