//! Sound that is heard because time passes.

use std::time::{Duration, Instant};

/// How much is taken ahead of time. A player looks after an output when half of that is gone.
const AHEAD: Duration = Duration::from_millis(80);

/// How far an output is that has no device to tell it.
///
/// Frames are heard one after the other from the moment on that they are written. What does not come in time is waited
/// for, and leaves no gap in what is heard.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: u32,
    written: u64,
    /// How many frames had been heard when the clock was last started or stopped.
    heard: u64,
    /// Since when the clock runs.
    since: Option<Instant>,
    paused: bool,
}

impl Pace {
    /// Nothing is written yet.
    pub(crate) fn new(rate: u32) -> Self {
        Self { rate, written: 0, heard: 0, since: None, paused: false }
    }

    /// How many frames have been heard by now.
    pub(crate) fn heard(&mut self, now: Instant) -> u64 {
        let Some(since) = self.since else { return self.heard };
        let heard = self.heard + frames(now.saturating_duration_since(since), self.rate);
        if heard < self.written {
            return heard;
        }
        self.heard = self.written;
        self.since = None;
        self.heard
    }

    /// How many frames it takes now.
    pub(crate) fn room(&mut self, now: Instant) -> usize {
        if self.paused {
            return 0;
        }
        (frames(AHEAD, self.rate) as usize).saturating_sub(self.delay(now))
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

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn frames_are_heard_as_time_passes_and_no_more_than_were_written() {
        let (mut pace, start) = (Pace::new(RATE), Instant::now());
        assert_eq!(pace.room(start), 3_528);
        pace.write(3_528, start);
        assert_eq!((pace.room(start), pace.delay(start)), (0, 3_528));
        assert_eq!((pace.room(start + ms(50)), pace.heard(start + ms(50))), (2_205, 2_205));
        assert_eq!((pace.room(start + ms(900)), pace.heard(start + ms(900))), (3_528, 3_528));
    }

    #[test]
    fn a_frame_that_is_late_is_heard_from_when_it_comes() {
        let (mut pace, start) = (Pace::new(RATE), Instant::now());
        pace.write(4_410, start);
        pace.write(4_410, start + ms(500));
        assert_eq!(pace.heard(start + ms(550)), 4_410 + 2_205);
    }

    #[test]
    fn nothing_is_heard_in_a_pause() {
        let (mut pace, start) = (Pace::new(RATE), Instant::now());
        pace.write(8_820, start);
        pace.pause(start + ms(50));
        assert_eq!((pace.heard(start + ms(150)), pace.room(start + ms(150))), (2_205, 0));
        pace.resume(start + ms(1_000));
        assert_eq!(pace.heard(start + ms(1_050)), 4_410);
    }

    #[test]
    fn what_was_flushed_is_never_heard() {
        let (mut pace, start) = (Pace::new(RATE), Instant::now());
        pace.write(8_820, start);
        pace.flush(start + ms(50));
        assert_eq!((pace.delay(start + ms(60)), pace.heard(start + ms(60))), (0, 2_205));
        pace.write(4_410, start + ms(100));
        assert_eq!(pace.heard(start + ms(150)), 4_410);
    }

    #[test]
    fn a_day_is_as_long_as_its_frames() {
        let (mut pace, start) = (Pace::new(RATE), Instant::now());
        let mut now = start;
        for step in 0..24 * 3_600 * 14_u64 {
            now = start + Duration::from_micros(71_428 * step);
            let room = pace.room(now);
            pace.write(room, now);
        }
        assert_eq!(pace.heard(now), frames(now - start, RATE));
    }
}
