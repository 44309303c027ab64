//! How it went, at the end.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use daap_client::{DownloadError, Saved};
use indicatif::{DecimalBytes, HumanDuration};
use serde::Serialize;

use super::fetch::{Fetched, Stop};
use super::plan::{Plan, Planned};
use crate::share::advised;
use crate::terminal::{self, printable};

/// How it went, as `--json` has it.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// How many songs were meant.
    songs: usize,
    /// How many of them were fetched.
    fetched: usize,
    /// How many were there.
    there: usize,
    /// Those that were not to be had.
    failed: Vec<Failure>,
    /// Those whose size is not the one that the share lists.
    differing: Vec<Differing>,
    /// Streams, which have no file.
    streams: u64,
    /// The files of playlists.
    playlists: Vec<String>,
    /// How many bytes were fetched.
    bytes: u64,
    /// How long it took.
    seconds: f64,
    /// Whether it was ended by the user.
    interrupted: bool,
    /// Why the rest was not tried, if so.
    stopped: Option<String>,
}

/// A song that was not to be had.
#[derive(Debug, Serialize)]
struct Failure {
    id: Option<String>,
    path: PathBuf,
    why: String,
}

/// A song of another size than the share lists.
#[derive(Debug, Serialize)]
struct Differing {
    path: PathBuf,
    listed: u64,
    length: u64,
}

impl Summary {
    /// Sums it up.
    pub(crate) fn new(
        plan: &Plan,
        fetched: &Fetched<'_>,
        playlists: &[PathBuf],
        took: Duration,
    ) -> Self {
        let is_new = |(_, saved): &&(&Planned, Saved)| saved.kept < saved.length;
        let new: Vec<_> = fetched.saved.iter().filter(is_new).collect();
        let failure = |(planned, error): &(&Planned, DownloadError)| Failure {
            id: planned.song.persistent_id.map(|id| id.to_string()),
            path: planned.path.clone(),
            why: story(error),
        };
        let differing = |(planned, saved): &(&Planned, Saved)| {
            Some(Differing {
                path: planned.path.clone(),
                listed: saved.listed?,
                length: saved.length,
            })
        };
        Self {
            songs: plan.songs.len(),
            fetched: new.len(),
            there: fetched.saved.len() - new.len(),
            failed: fetched.failed.iter().map(failure).collect(),
            differing: fetched.saved.iter().filter_map(differing).collect(),
            streams: plan.streams,
            playlists: playlists.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
            bytes: new.iter().map(|(_, saved)| saved.length - saved.kept).sum(),
            seconds: took.as_secs_f64(),
            interrupted: matches!(fetched.stopped, Some(Stop::Interrupted)),
            stopped: match &fetched.stopped {
                Some(Stop::Hopeless(error)) => Some(story(error)),
                _ => None,
            },
        }
    }

    /// Says how many songs there are now: in a line, or all of it as JSON.
    pub(crate) fn write(&self, json: bool, out: &mut impl Write) -> io::Result<()> {
        if json {
            serde_json::to_writer_pretty(&mut *out, self)?;
            writeln!(out)
        } else {
            writeln!(out, "{self}")
        }
    }

    /// Says on standard error what failed and why, and how to go on.
    pub(crate) fn tell(&self, fetched: &Fetched<'_>) {
        for Differing { path, listed, length } in &self.differing {
            let name = printable(&path.to_string_lossy());
            eprintln!(
                "{name}: {length} bytes came as the server announced them, but it lists {listed}"
            );
        }
        for Failure { path, why, .. } in &self.failed {
            eprintln!("failed: {}: {why}", printable(&path.to_string_lossy()));
        }
        let failed =
            |how: fn(&DownloadError) -> bool| fetched.failed.iter().any(|(_, error)| how(error));
        if failed(|error| matches!(error, DownloadError::Occupied { .. })) {
            eprintln!("--overwrite replaces files that are in the way");
        }
        if failed(|error| matches!(error, DownloadError::FewerThanListed { .. })) {
            eprintln!("--any-size keeps songs that are shorter than listed, if the list is wrong");
        }
        match &fetched.stopped {
            Some(Stop::Interrupted) => eprintln!("interrupted; the same command goes on from here"),
            Some(Stop::Hopeless(error)) => tell_end(error),
            None => {}
        }
    }
}

/// Says why there is no use in going on.
fn tell_end(error: &DownloadError) {
    let error = match error {
        DownloadError::Client(error) => advised(error.clone()),
        error => anyhow::anyhow!(story(error))
            .context("nothing can be written there; make room, or name another folder with --to"),
    };
    terminal::tell(&error);
    eprintln!("what came is kept; the same command goes on from here");
}

/// An error with all that lies beneath it.
fn story(error: &DownloadError) -> String {
    let causes =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = HumanDuration(Duration::from_secs_f64(self.seconds));
        write!(
            f,
            "{} songs: {} fetched ({} in {took})",
            self.songs,
            self.fetched,
            DecimalBytes(self.bytes)
        )?;
        write!(f, ", {} there before, {} failed", self.there, self.failed.len())?;
        let left = self.songs - self.fetched - self.there - self.failed.len();
        if left > 0 {
            write!(f, ", {left} left")?;
        }
        if self.streams > 0 {
            write!(f, "; {} streams passed over", self.streams)?;
        }
        if !self.playlists.is_empty() {
            write!(f, "; {} playlists", self.playlists.len())?;
        }
        Ok(())
    }
}
