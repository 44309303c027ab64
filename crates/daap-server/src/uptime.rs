//! The time, as an argument.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tells how long the server has been up. Sessions expire and peers are throttled by it, so tests give
/// one of their own with [`Uptime::new`].
#[derive(Clone)]
pub struct Uptime(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Uptime {
    /// The clock of the machine: time since this call, never going back.
    #[must_use]
    pub fn system() -> Self {
        let start = Instant::now();
        Self::new(move || start.elapsed())
    }

    /// A clock that shows what `now` returns.
    pub fn new(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Time since the clock's start.
    #[must_use]
    pub fn now(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Uptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uptime({:?})", self.now())
    }
}

#[cfg(test)]
pub(crate) mod manual {
    use super::{Arc, Duration, Uptime};
    use std::sync::Mutex;

    /// A clock that stands still until it is told to move.
    #[derive(Clone, Default)]
    pub(crate) struct ManualClock(Arc<Mutex<Duration>>);

    impl ManualClock {
        pub(crate) fn uptime(&self) -> Uptime {
            let now = Arc::clone(&self.0);
            Uptime::new(move || *now.lock().unwrap())
        }

        pub(crate) fn advance(&self, by: Duration) {
            *self.0.lock().unwrap() += by;
        }
    }
}
