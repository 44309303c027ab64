//! How far a pass is, for those who wait for it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use library::Report;

/// How often progress is told while files are read.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Counts what is read, and tells it now and then. A pass over a part of the tree is not told: the figures
/// are those of the last whole one.
pub(crate) struct Progress<'a> {
    report: &'a Report,
    whole: Option<u64>,
    done: AtomicU64,
    errors: AtomicU64,
    told: Mutex<Instant>,
}

impl<'a> Progress<'a> {
    /// `whole`: how many songs there are, and how many of them are to be read.
    pub(crate) fn new(report: &'a Report, whole: Option<(u64, u64)>) -> Self {
        let (all, unread) = whole.unwrap_or_default();
        let progress = Self {
            report,
            whole: whole.map(|(all, _)| all),
            done: AtomicU64::new(all - unread.min(all)),
            errors: AtomicU64::new(0),
            told: Mutex::new(Instant::now()),
        };
        progress.tell();
        progress
    }

    /// One more file was read, or could not be.
    pub(crate) fn one(&self, error: bool) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.errors.fetch_add(u64::from(error), Ordering::Relaxed);
        // If another thread is telling, it need not be told again.
        if let Ok(mut told) = self.told.try_lock()
            && told.elapsed() >= TELL_EVERY
        {
            *told = Instant::now();
            self.tell();
        }
    }

    /// The pass is over: what was not read now is not waited for.
    pub(crate) fn end(&self) {
        self.done.store(self.whole.unwrap_or(0), Ordering::Relaxed);
        self.tell();
    }

    fn tell(&self) {
        let Some(total) = self.whole else { return };
        self.report.scan(|scan| {
            scan.total = total;
            scan.done = self.done.load(Ordering::Relaxed);
            scan.errors = self.errors.load(Ordering::Relaxed);
        });
    }
}
