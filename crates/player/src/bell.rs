//! How the engine's thread is woken.

use std::sync::OnceLock;
use std::thread::{self, Thread};
use std::time::Instant;

/// Wakes one thread. It is rung when there is something new to look at, and never lost: who goes to sleep after it has rung wakes at once.
#[derive(Debug, Default)]
pub(crate) struct Bell(OnceLock<Thread>);

impl Bell {
    /// From now on it wakes the thread that calls this.
    pub(crate) fn hang(&self) {
        self.0.get_or_init(thread::current);
    }

    pub(crate) fn ring(&self) {
        if let Some(thread) = self.0.get() {
            thread.unpark();
        }
    }

    /// Sleeps until it rings, or it is time.
    pub(crate) fn sleep_until(until: Instant) {
        thread::park_timeout(until.saturating_duration_since(Instant::now()));
    }
}
