//! How often a wrong code may be tried: a Remote has but ten thousand.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many wrong codes in this time, and nobody tries another for a while.
const WRONG_MAX: usize = 8;
const WINDOW: Duration = Duration::from_secs(5 * 60);

/// The wrong codes of late.
#[derive(Debug, Default)]
pub(crate) struct Tries(VecDeque<Instant>);

impl Tries {
    /// Counts a try as wrong, for it may be; or how long to wait before there can be another.
    pub(crate) fn begin(&mut self, now: Instant) -> Result<(), Duration> {
        let age = |then: &Instant| now.saturating_duration_since(*then);
        self.0.retain(|then| age(then) < WINDOW);
        match self.0.front() {
            Some(first) if self.0.len() >= WRONG_MAX => Err(WINDOW - age(first)),
            _ => {
                self.0.push_back(now);
                Ok(())
            }
        }
    }

    /// The code was right: nobody is guessing.
    pub(crate) fn forgive(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_has_to_wait_and_who_is_right_has_not() {
        let (mut tries, start) = (Tries::default(), Instant::now());
        for _ in 0..WRONG_MAX {
            assert_eq!(tries.begin(start), Ok(()));
        }
        let later = start + Duration::from_secs(60);
        assert_eq!(tries.begin(later), Err(WINDOW - Duration::from_secs(60)));
        assert_eq!(tries.begin(start + WINDOW), Ok(()));
        for _ in 1..WRONG_MAX {
            assert_eq!(tries.begin(start + WINDOW), Ok(()));
        }
        assert!(tries.begin(start + WINDOW).is_err());
        tries.forgive();
        assert_eq!(tries.begin(start + WINDOW), Ok(()));
    }
}
