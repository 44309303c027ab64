//! Nothing, in real time.

use std::io;
use std::time::{Duration, Instant};

use audio::{Depth, Format};
use player::Output;

use crate::pace::Pace;

/// How much it takes ahead of time: much, as all of it can be taken back.
const AHEAD: Duration = Duration::from_millis(500);

/// Takes sound as fast as it would be heard, and drops it.
#[derive(Debug, Default)]
pub(crate) struct Null(Option<Playing>);

#[derive(Debug)]
struct Playing {
    pace: Pace,
    channels: usize,
}

impl Null {
    fn playing(&mut self) -> io::Result<&mut Playing> {
        self.0.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Output for Null {
    fn open(&mut self, format: Format, _: Instant) -> io::Result<()> {
        self.0 = Some(Playing { pace: Pace::new(format.rate, AHEAD), channels: format.channels() });
        Ok(())
    }

    fn room(&mut self, now: Instant) -> io::Result<usize> {
        Ok(self.playing()?.pace.room(now))
    }

    fn write(&mut self, frames: &[f32], _: Depth, now: Instant) -> io::Result<()> {
        let playing = self.playing()?;
        playing.pace.write(frames.len() / playing.channels, now);
        Ok(())
    }

    fn delay(&mut self, now: Instant) -> io::Result<usize> {
        Ok(self.playing()?.pace.delay(now))
    }

    fn pause(&mut self, now: Instant) -> io::Result<()> {
        self.playing()?.pace.pause(now);
        Ok(())
    }

    fn resume(&mut self, now: Instant) -> io::Result<()> {
        self.playing()?.pace.resume(now);
        Ok(())
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        self.playing()?.pace.flush(now);
        Ok(())
    }

    fn close(&mut self) {
        self.0 = None;
    }
}
