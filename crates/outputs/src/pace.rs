//! Sound that is heard because time passes.

use std::time::{Duration, Instant};

/// How late sound may come and still be heard when it should have been: what is late by less is made up for, so that a
/// machine with too much to do costs no time in the long run.
const CATCH_UP: Duration = Duration::from_millis(500);

/// How far an output is that has no device to tell it.
///
/// Frames are heard one after the other from the moment on that the first is written. What comes far too late is waited for,
/// and leaves no gap in what is heard.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: u32,
    /// How much is taken ahead of time. A player looks after an output when half of that is gone.
    ahead: Duration,
    written: u64,
    /// How many frames had been heard when the clock was last started or stopped.
    heard: u64,
    /// Since when the clock runs.
    since: Option<Instant>,
    paused: bool,
}

impl Pace {
    /// Nothing is written yet.
    pub(crate) fn new(rate: u32, ahead: Duration) -> Self {
        Self { rate, ahead, written: 0, heard: 0, since: None, paused: false }
    }

    /// How many frames have been heard by now.
    pub(crate) fn heard(&mut self, now: Instant) -> u64 {
        let Some(since) = self.since else { return self.heard };
        let due = self.heard + frames(now.saturating_duration_since(since), self.rate);
        if due > self.written + frames(CATCH_UP, self.rate) {
            self.heard = self.written;
            self.since = None;
        }
        due.min(self.written)
    }

    /// How many frames it takes now.
    pub(crate) fn room(&mut self, now: Instant) -> usize {
        if self.paused {
            return 0;
        }
        (frames(self.ahead, self.rate) as usize).saturating_sub(self.delay(now))
    }

    /// How many frames have been written that are not heard yet.
    pub(crate) fn delay(&mut self, now: Instant) -> usize {
        (self.written - self.heard(now)) as usize
    }

    /// How many frames have been written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    pub(crate) fn write(&mut self, frames: usize, now: Instant) {
        self.heard(now);
        self.written += frames as u64;
        self.run(now);
    }

    pub(crate) fn pause(&mut self, now: Instant) {
        self.heard = self.heard(now);
        self.since = None;
        self.paused = true;
    }

    pub(crate) fn resume(&mut self, now: Instant) {
        self.paused = false;
        self.run(now);
    }

    /// Forgets what is not heard yet.
    pub(crate) fn flush(&mut self, now: Instant) {
        self.heard = self.heard(now);
        self.written = self.heard;
        self.since = None;
    }

    /// Starts the clock if it stands and should not.
    fn run(&mut self, now: Instant) {
        if !self.paused && self.heard < self.written {
            self.since = self.since.or(Some(now));
        }
    }
}

/// How many whole frames there are in so much time.
pub(crate) fn frames(time: Duration, rate: u32) -> u64 {
    let frames = time.as_nanos() * u128::from(rate) / 1_000_000_000;
    u64::try_from(frames).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 44_100;
    const AHEAD: Duration = Duration::from_millis(50);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn frames_are_heard_as_time_passes_and_no_more_than_were_written() {
        let (mut pace, start) = (Pace::new(RATE, AHEAD), Instant::now());
        assert_eq!(pace.room(start), 2_205);
        pace.write(2_205, start);
        assert_eq!((pace.room(start), pace.delay(start)), (0, 2_205));
        assert_eq!((pace.room(start + ms(30)), pace.heard(start + ms(30))), (1_323, 1_323));
        assert_eq!((pace.room(start + ms(900)), pace.heard(start + ms(900))), (2_205, 2_205));
    }

    #[test]
    fn what_is_a_little_late_is_made_up_for() {
        let (mut pace, start) = (Pace::new(RATE, AHEAD), Instant::now());
        pace.write(4_410, start);
        assert_eq!(pace.heard(start + ms(300)), 4_410);
        pace.write(13_230, start + ms(300));
        assert_eq!(pace.heard(start + ms(300)), 13_230);
        assert_eq!(pace.heard(start + ms(400)), 17_640);
    }

    #[test]
    fn what_is_far_too_late_is_heard_from_when_it_comes() {
        let (mut pace, start) = (Pace::new(RATE, AHEAD), Instant::now());
        pace.write(4_410, start);
        pace.write(4_410, start + ms(700));
        assert_eq!(pace.heard(start + ms(750)), 4_410 + 2_205);
    }

    #[test]
    fn nothing_is_heard_in_a_pause() {
        let (mut pace, start) = (Pace::new(RATE, AHEAD), Instant::now());
        pace.write(8_820, start);
        pace.pause(start + ms(50));
        assert_eq!((pace.heard(start + ms(150)), pace.room(start + ms(150))), (2_205, 0));
        pace.resume(start + ms(1_000));
        assert_eq!(pace.heard(start + ms(1_050)), 4_410);
    }

    #[test]
    fn what_was_flushed_is_never_heard() {
        let (mut pace, start) = (Pace::new(RATE, AHEAD), Instant::now());
        pace.write(8_820, start);
        pace.flush(start + ms(50));
        assert_eq!((pace.delay(start + ms(60)), pace.heard(start + ms(60))), (0, 2_205));
        pace.write(4_410, start + ms(100));
        assert_eq!(pace.heard(start + ms(150)), 4_410);
    }

    #[test]
    fn a_day_is_as_long_as_its_frames() {
        let (mut pace, start) = (Pace::new(RATE, AHEAD), Instant::now());
        let mut now = start;
        for step in 0..24 * 3_600 * 25_u64 {
            now = start + Duration::from_micros(40_000 * step);
            let room = pace.room(now);
            pace.write(room, now);
        }
        assert_eq!(pace.heard(now), frames(now - start, RATE));
    }
}
