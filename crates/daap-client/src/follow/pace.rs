//! How often a server is asked: never again at once, however it answers.

use std::time::{Duration, Instant};

/// A server that answers `/update` at once, and has news each time, is read this often, or half of the time if reading
/// takes longer.
pub const READ_EVERY: Duration = Duration::from_secs(1);
/// One that has no `/update`, or answers it at once for ever with nothing new, is asked this often.
pub const POLL_EVERY: Duration = Duration::from_secs(30);
/// How soon a lost link is tried again after the first failure; each further one doubles it.
pub const RETRY_FIRST: Duration = Duration::from_millis(500);
/// And after many.
pub const RETRY_LAST: Duration = Duration::from_secs(60);

/// When to ask a server next. Rounds of asking that bring nothing are spread out.
#[derive(Debug)]
pub(super) struct Pace {
    pause: Duration,
    began: Instant,
}

impl Pace {
    /// The first round begins now.
    pub(super) fn new(now: Instant) -> Self {
        Self { pause: READ_EVERY, began: now }
    }

    /// Takes in how a round went: how long reading `took`, and whether it brought anything new. Returns when the next
    /// may begin. One that was long in coming, as it is from a server that holds requests until there is news, is
    /// followed at once.
    pub(super) fn next(&mut self, now: Instant, took: Duration, news: bool) -> Instant {
        let was_held = now.saturating_duration_since(self.began) >= self.pause + took;
        self.pause = if news || was_held { READ_EVERY } else { (self.pause * 2).min(POLL_EVERY) };
        self.began = (self.began + self.pause).max(now + took);
        self.began
    }

    /// When to ask a server next that cannot say when there is news.
    pub(super) fn poll(&mut self, now: Instant) -> Instant {
        self.began = now + POLL_EVERY;
        self.began
    }
}

/// How long to wait before a lost link is tried again.
#[derive(Debug, Default)]
pub(super) struct Retry {
    failures: u32,
}

impl Retry {
    /// The link held.
    pub(super) fn held(&mut self) {
        self.failures = 0;
    }

    /// The link failed. `chance`, from 0 to 1, spreads those out that lost the same server at the same time.
    /// Where trying again is `vain` until somebody does something about it, the wait is long at once.
    pub(super) fn pause(&mut self, chance: f64, vain: bool) -> Duration {
        let doubled = RETRY_FIRST.saturating_mul(1 << self.failures.min(16));
        let whole = if vain { RETRY_LAST } else { doubled.min(RETRY_LAST) };
        self.failures = self.failures.saturating_add(1);
        whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_server_that_holds_requests_is_asked_again_at_once() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.next(start + s(100), Duration::ZERO, true), start + s(100));
        assert_eq!(pace.next(start + s(200), Duration::ZERO, false), start + s(200));
    }

    #[test]
    fn one_that_always_has_news_is_read_once_a_second() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..10 {
            let next = pace.next(now + s(1) / 10, s(1) / 10, true);
            assert_eq!(next, now + READ_EVERY);
            now = next;
        }
    }

    #[test]
    fn one_that_takes_long_to_read_is_left_in_peace_for_as_long() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.next(start + s(3), s(3), true), start + s(6));
    }

    #[test]
    fn one_that_answers_at_once_for_ever_without_news_is_asked_ever_more_seldom() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        let pauses: Vec<u64> = (0..7)
            .map(|_| {
                let next = pace.next(now, Duration::ZERO, false);
                (next - std::mem::replace(&mut now, next)).as_secs()
            })
            .collect();
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(pace.next(now, Duration::ZERO, true), now + READ_EVERY);
    }

    #[test]
    fn a_lost_link_is_tried_ever_more_seldom_until_it_holds() {
        let mut retry = Retry::default();
        let pauses: Vec<u64> = (0..9).map(|_| retry.pause(1.0, false).as_millis() as u64).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
        retry.held();
        assert_eq!(retry.pause(0.0, false), RETRY_FIRST / 2);
        assert_eq!(retry.pause(1.0, true), RETRY_LAST);
    }
}
