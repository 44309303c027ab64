//! How far it is: bars on a terminal, else lines, on standard error.

use std::cell::Cell;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use daap_client::{DownloadError, Saved};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::plan::Planned;
use crate::terminal::printable;

/// Shows how far all songs are.
pub(crate) struct Show {
    bars: MultiProgress,
    total: ProgressBar,
    songs: usize,
    ended: Cell<usize>,
    moves: bool,
}

impl Show {
    /// For so many songs of so many bytes together, of which some are there.
    pub(crate) fn new(songs: usize, bytes: u64, there: u64) -> Self {
        let moves = io::stderr().is_terminal();
        let target = if moves {
            ProgressDrawTarget::stderr_with_hz(5)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bars = MultiProgress::with_draw_target(target);
        let total = bars.add(ProgressBar::new(bytes).with_position(there));
        total.set_style(style(
            "{prefix} songs [{wide_bar}] {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left",
        ));
        total.reset_eta();
        let show = Self { bars, total, songs, ended: Cell::new(0), moves };
        show.count(0);
        show
    }

    /// A song is begun, of which some bytes are there.
    pub(crate) fn begin<'a>(&'a self, planned: &Planned, there: u64) -> File<'a> {
        let size = planned.song.track.size;
        let bar = ProgressBar::new(size).with_position(there);
        bar.set_style(style("  {decimal_bytes:>10} of {decimal_total_bytes:<10} {decimal_bytes_per_sec:<12} {wide_msg}"));
        let bar = if there < size { self.bars.insert_from_back(1, bar) } else { bar };
        let name = printable(&planned.path.to_string_lossy());
        bar.set_message(name.clone());
        File { show: self, bar, name, has: Cell::new(there), size }
    }

    /// Ends the bars.
    pub(crate) fn end(&self) {
        self.total.finish_and_clear();
    }

    /// Songs have ended, well or not.
    fn count(&self, more: usize) {
        self.ended.set(self.ended.get() + more);
        self.total.set_prefix(format!("{} of {}", self.ended.get(), self.songs));
    }

    /// Says something above the bars.
    fn say(&self, line: &str) {
        self.bars.suspend(|| eprintln!("{line}"));
    }
}

/// Shows how far a song is.
pub(crate) struct File<'a> {
    show: &'a Show,
    bar: ProgressBar,
    name: String,
    has: Cell<u64>,
    size: u64,
}

impl File<'_> {
    /// More of it came.
    pub(crate) fn came(&self, bytes: u64) {
        self.bar.inc(bytes);
        // What comes a second time, from a server that cannot go on where it stopped, brings the whole no nearer.
        let left = self.size.saturating_sub(self.has.get());
        self.show.total.inc(bytes.min(left));
        self.has.set(self.has.get() + bytes);
    }

    /// It is there.
    pub(crate) fn done(self, saved: &Saved) {
        self.bar.finish_and_clear();
        self.show.count(1);
        if !self.show.moves && saved.kept < saved.length {
            self.show.say(&format!("got {}", self.name));
        }
    }

    /// It failed, and is tried again after a while.
    pub(crate) fn waits(self, error: &DownloadError, pause: Duration) {
        self.bar.finish_and_clear();
        self.show.say(&format!("{}: {error}; once more in {} s", self.name, pause.as_secs()));
    }

    /// It failed for good.
    pub(crate) fn failed(self) {
        self.bar.finish_and_clear();
        self.show.count(1);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates are constants")
        .progress_chars("=> ")
}
