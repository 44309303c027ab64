//! What is between a player and a sound server: frames on their way, and how many of them are heard by now.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use audio::Format;

use crate::pace::frames;

/// How much sound is taken before the server takes it: more than is played until the player looks after it again, which
/// may be a quarter of a second.
const AHEAD: Duration = Duration::from_millis(400);
/// How long the server may owe an answer, or leave sound where it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// Frames on their way to the server, and where it is with those that it has.
#[derive(Debug)]
pub(crate) struct Buffer {
    rate: u32,
    frame_bytes: usize,
    /// What the server has not taken yet.
    waiting: VecDeque<u8>,
    /// How many frames it has taken.
    taken: u64,
    heard: Heard,
    paused: bool,
    /// Whether the server is there.
    ready: bool,
    /// Whether it is about to forget what it has. Until then it is given no more.
    flushing: bool,
    /// Since when it owes us something.
    owed_since: Option<Instant>,
    failure: Option<io::Error>,
    /// Who takes frames, if there were none.
    taker: Option<Waker>,
}

/// How many frames have been heard.
#[derive(Clone, Copy, Debug)]
struct Heard {
    frames: u64,
    at: Instant,
    /// Whether more are as time goes on.
    moving: bool,
}

/// What the server tells of where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// How many frames it had taken when it was asked.
    pub(crate) taken: u64,
    /// Bytes of them that have not gone to the card.
    pub(crate) queued_bytes: u64,
    /// How much is in the card,
    pub(crate) in_card: Duration,
    /// and how many bytes of silence have gone there since it had the last of ours.
    pub(crate) silent_bytes: u64,
    /// Whether it plays, or waits for more.
    pub(crate) playing: bool,
    /// When it told.
    pub(crate) at: Instant,
}

impl Buffer {
    /// For a server that is not there yet.
    pub(crate) fn new(format: Format, now: Instant) -> Self {
        Self {
            rate: format.rate,
            frame_bytes: frame_bytes(format),
            waiting: VecDeque::new(),
            taken: 0,
            heard: Heard { frames: 0, at: now, moving: false },
            paused: false,
            ready: false,
            flushing: false,
            owed_since: Some(now),
            failure: None,
            taker: None,
        }
    }

    /// How many frames may be written now.
    pub(crate) fn room(&mut self, now: Instant) -> io::Result<usize> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if self.owed_since.is_some_and(|since| now.saturating_duration_since(since) > PATIENCE) {
            let message = "the sound server does not go on";
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        if !self.ready || self.flushing || self.paused {
            return Ok(0);
        }
        Ok((frames(AHEAD, self.rate) as usize).saturating_sub(self.waiting_frames()))
    }

    pub(crate) fn write(&mut self, samples: &[f32], now: Instant) {
        self.waiting.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        self.owed_since = self.owed_since.or(Some(now));
        self.wake();
    }

    /// How many frames have been written that are not heard yet.
    pub(crate) fn delay(&self, now: Instant) -> usize {
        self.waiting_frames() + (self.taken - self.heard(now)) as usize
    }

    pub(crate) fn pause(&mut self, now: Instant) {
        self.heard = Heard { frames: self.heard(now), at: now, moving: false };
        self.paused = true;
        self.owed_since = None;
    }

    pub(crate) fn resume(&mut self, now: Instant) {
        self.paused = false;
        self.owed_since = (!self.waiting.is_empty()).then_some(now);
        self.wake();
    }

    /// Forgets what the server has not taken; it is about to forget what it has.
    pub(crate) fn flush(&mut self, now: Instant) {
        self.waiting.clear();
        self.flushing = true;
        self.owed_since = Some(now);
    }

    /// The server is there.
    pub(crate) fn ready(&mut self) {
        self.ready = true;
        self.owed_since = None;
    }

    /// The server has forgotten what it had.
    pub(crate) fn flushed(&mut self) {
        self.flushing = false;
        self.owed_since = None;
    }

    /// It does not work any more. The first reason counts.
    pub(crate) fn fail(&mut self, error: io::Error) {
        self.failure.get_or_insert(error);
    }

    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes whole frames for the server.
    pub(crate) fn take(&mut self, bytes: &mut [u8], cx: &Context<'_>) -> Poll<usize> {
        let length = self.waiting.len().min(bytes.len());
        let length = length - length % self.frame_bytes;
        if length == 0 || self.flushing {
            self.taker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        for (to, from) in bytes.iter_mut().zip(self.waiting.drain(..length)) {
            *to = from;
        }
        self.taken += (length / self.frame_bytes) as u64;
        self.owed_since = None;
        Poll::Ready(length)
    }

    /// Takes note of where the server is.
    pub(crate) fn told(&mut self, timing: Timing) {
        let queued = timing.queued_bytes / self.frame_bytes as u64;
        let silent = timing.silent_bytes / self.frame_bytes as u64;
        let in_card = frames(timing.in_card, self.rate).saturating_sub(silent);
        self.heard = Heard {
            frames: timing.taken.saturating_sub(queued + in_card),
            at: timing.at,
            moving: (timing.playing || in_card > 0) && !self.paused,
        };
    }

    /// How many of the frames that the server has taken are heard by now.
    fn heard(&self, now: Instant) -> u64 {
        let Heard { frames: heard, at, moving } = self.heard;
        let passed = if moving { now.saturating_duration_since(at) } else { Duration::ZERO };
        (heard + frames(passed, self.rate)).min(self.taken)
    }

    fn waiting_frames(&self) -> usize {
        self.waiting.len() / self.frame_bytes
    }

    fn wake(&mut self) {
        if let Some(taker) = self.taker.take() {
            taker.wake();
        }
    }
}

/// Bytes of a frame of `f32`.
pub(crate) fn frame_bytes(format: Format) -> usize {
    format.channels() * size_of::<f32>()
}

#[cfg(test)]
mod tests {
    use audio::{Depth, Layout};

    use super::*;

    const STEREO: Format = Format { rate: 1_000, layout: Layout::STEREO, depth: Depth::F32 };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn ready(now: Instant) -> Buffer {
        let mut buffer = Buffer::new(STEREO, now);
        buffer.ready();
        buffer
    }

    fn take(buffer: &mut Buffer, frames: usize) -> Option<usize> {
        let mut bytes = vec![0; frames * frame_bytes(STEREO)];
        match buffer.take(&mut bytes, &Context::from_waker(Waker::noop())) {
            Poll::Ready(length) => Some(length / frame_bytes(STEREO)),
            Poll::Pending => None,
        }
    }

    fn bytes(frames: usize) -> u64 {
        (frames * frame_bytes(STEREO)) as u64
    }

    /// The server plays, and has nothing in the queue nor in the card.
    fn timing(taken: u64, at: Instant) -> Timing {
        let (queued_bytes, silent_bytes) = (0, 0);
        Timing { taken, queued_bytes, in_card: Duration::ZERO, silent_bytes, playing: true, at }
    }

    #[test]
    fn it_takes_nothing_before_the_server_is_there_and_then_a_little_ahead() {
        let now = Instant::now();
        let mut buffer = Buffer::new(STEREO, now);
        assert_eq!(buffer.room(now).unwrap(), 0);
        buffer.ready();
        assert_eq!(buffer.room(now).unwrap(), 400);
        buffer.write(&[0.5; 2 * 150], now);
        assert_eq!((buffer.room(now).unwrap(), buffer.delay(now)), (250, 150));
        assert_eq!(take(&mut buffer, 100), Some(100));
        assert_eq!((buffer.room(now).unwrap(), buffer.delay(now)), (350, 150));
        assert_eq!((take(&mut buffer, 100), take(&mut buffer, 100)), (Some(50), None));
    }

    #[test]
    fn the_delay_is_what_the_server_and_the_card_have_and_shrinks_with_time() {
        let now = Instant::now();
        let mut buffer = ready(now);
        buffer.write(&[0.5; 2 * 200], now);
        take(&mut buffer, 120);
        let timing = Timing { queued_bytes: bytes(60), in_card: ms(40), ..timing(120, now) };
        buffer.told(timing);
        assert_eq!(buffer.delay(now), 80 + 60 + 40);
        assert_eq!(buffer.delay(now + ms(30)), 80 + 60 + 10);
        assert_eq!(buffer.delay(now + ms(500)), 80, "what it has not taken is not heard");
        let silent_bytes = u64::MAX;
        buffer.told(Timing { playing: false, silent_bytes, ..timing });
        assert_eq!(buffer.delay(now + ms(30)), 80 + 60, "it has not begun");
    }

    #[test]
    fn the_last_frames_are_heard_though_silence_follows_them_into_the_card() {
        let now = Instant::now();
        let mut buffer = ready(now);
        buffer.write(&[0.5; 2 * 200], now);
        take(&mut buffer, 200);
        let ran_dry = |silent| Timing {
            in_card: ms(150),
            silent_bytes: bytes(silent),
            playing: false,
            ..timing(200, now)
        };
        buffer.told(ran_dry(50));
        assert_eq!((buffer.delay(now), buffer.delay(now + ms(60))), (100, 40));
        buffer.told(ran_dry(200));
        assert_eq!(buffer.delay(now), 0);
    }

    #[test]
    fn a_pause_keeps_what_is_there() {
        let now = Instant::now();
        let mut buffer = ready(now);
        buffer.write(&[0.5; 2 * 200], now);
        take(&mut buffer, 100);
        buffer.told(Timing { in_card: ms(100), ..timing(100, now) });
        buffer.pause(now + ms(50));
        assert_eq!((buffer.room(now).unwrap(), buffer.delay(now + ms(900))), (0, 150));
        assert_eq!(buffer.room(now + PATIENCE * 2).unwrap(), 0, "nobody is late in a pause");
        buffer.resume(now + PATIENCE * 2);
        assert_eq!(buffer.room(now + PATIENCE * 2).unwrap(), 300);
    }

    #[test]
    fn after_a_flush_nothing_is_given_until_the_server_has_forgotten_the_rest() {
        let now = Instant::now();
        let mut buffer = ready(now);
        buffer.write(&[0.5; 2 * 200], now);
        take(&mut buffer, 100);
        buffer.flush(now);
        assert_eq!((buffer.room(now).unwrap(), take(&mut buffer, 100)), (0, None));
        buffer.flushed();
        buffer.told(Timing { in_card: ms(5), ..timing(100, now) });
        assert_eq!((buffer.room(now).unwrap(), buffer.delay(now)), (400, 5));
    }

    #[test]
    fn a_server_that_does_not_go_on_is_an_error() {
        let now = Instant::now();
        let late = now + PATIENCE + ms(1);
        let mut silent = Buffer::new(STEREO, now);
        assert_eq!(silent.room(late).unwrap_err().kind(), io::ErrorKind::TimedOut);

        let mut stuck = ready(now);
        assert!(stuck.room(late).is_ok(), "it owes nothing");
        stuck.write(&[0.5; 2], late);
        assert!(stuck.room(late + PATIENCE).is_ok());
        assert!(stuck.room(late + PATIENCE + ms(1)).is_err());
        take(&mut stuck, 1);
        assert!(stuck.room(late + PATIENCE + ms(1)).is_ok());
    }

    #[test]
    fn the_first_failure_is_told() {
        let mut buffer = ready(Instant::now());
        buffer.fail(io::ErrorKind::ConnectionRefused.into());
        buffer.fail(io::ErrorKind::ConnectionReset.into());
        let error = buffer.room(Instant::now()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
