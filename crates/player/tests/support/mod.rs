//! Songs and outputs that tests make, and a clock that is moved by hand.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "this is all test code")]

use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use audio::{Depth, Format};
use daap_model::{DatabaseId, ItemId};
use library::OpenError;
use player::{Builder, Command, Engine, Opened, Output, Player, PlayerError, Song, Songs};

/// How far the clock moves from one step to the next.
pub(crate) const TICK: Duration = Duration::from_millis(20);

pub(crate) fn song(number: u32) -> Song {
    Song::new(DatabaseId::LOWEST, ItemId::new(number).unwrap())
}

pub(crate) fn songs(numbers: impl IntoIterator<Item = u32>) -> Vec<Song> {
    numbers.into_iter().map(song).collect()
}

/// Plays these from the first on.
pub(crate) fn replace(numbers: impl IntoIterator<Item = u32>) -> Command {
    Command::Replace { songs: songs(numbers), start: Some(0), shuffle: None }
}

/// Two channels of 16 bits as a WAV file.
pub(crate) fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
    let length = u32::try_from(samples.len() * 2).unwrap();
    let mut file = Vec::from(*b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    file.extend(rate.to_le_bytes());
    file.extend((rate * 4).to_le_bytes());
    file.extend(b"\x04\0\x10\0data");
    file.extend(length.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// Noise that is another one for each song.
pub(crate) fn noise(song: u32, frames: usize) -> Vec<i16> {
    let mut state = song.wrapping_mul(2_654_435_761).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 16) as i16
    };
    (0..frames * 2).map(|_| next()).collect()
}

/// Songs in memory, by number. A song without bytes panics when it is opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(pub(crate) BTreeMap<u32, Option<Arc<[u8]>>>);

impl Memory {
    pub(crate) fn with(mut self, number: u32, file: Vec<u8>) -> Self {
        self.0.insert(number, Some(file.into()));
        self
    }

    /// Songs 1, 2, … of so many frames of noise, at 44.1 kHz.
    pub(crate) fn of(frames: impl IntoIterator<Item = usize>) -> Self {
        (1..).zip(frames).fold(Self::default(), |memory, (number, frames)| {
            memory.with(number, wav(44_100, &noise(number, frames)))
        })
    }
}

impl Songs for Memory {
    fn open(&self, song: Song) -> Result<Opened, OpenError> {
        let Song { database, item, .. } = song;
        let file = self.0.get(&item.get()).ok_or(OpenError::Unknown { database, item })?;
        let file = Arc::clone(file.as_ref().expect("a song that is meant to panic"));
        let length = file.len() as u64;
        Ok(Opened::new(Cursor::new(file), Some(length)))
    }

    fn has(&self, song: Song) -> bool {
        self.0.contains_key(&song.item.get())
    }
}

/// An output that plays as the clock goes, and remembers what was heard of it.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Recording>>);

/// What a [`Recorder`] has done.
pub(crate) struct Recording {
    /// Every sample that was heard.
    pub(crate) heard: Vec<f32>,
    /// How fine the samples were that were written, each kind once in a row.
    pub(crate) depths: Vec<Depth>,
    /// How many frames it buffers.
    pub(crate) buffer: usize,
    /// What it does when it is asked for anything.
    pub(crate) fails: Option<fn() -> io::Error>,
    /// How often it was opened.
    pub(crate) opened: usize,
    pub(crate) is_open: bool,
    rate: u32,
    waiting: Vec<f32>,
    /// Since when it has been playing, and how many frames since then have been heard.
    since: Option<(Instant, u64)>,
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            heard: Vec::new(),
            depths: Vec::new(),
            buffer: 8_820,
            fails: None,
            opened: 0,
            is_open: false,
            rate: 0,
            waiting: Vec::new(),
            since: None,
        }
    }
}

impl Recorder {
    pub(crate) fn look(&self) -> MutexGuard<'_, Recording> {
        self.0.lock().unwrap()
    }

    /// What was heard, as 16 bits.
    pub(crate) fn heard_16(&self) -> Vec<i16> {
        self.look().heard.iter().map(|sample| (sample * 32_768.0) as i16).collect()
    }

    /// How many samples were heard.
    pub(crate) fn heard(&self) -> usize {
        self.look().heard.len()
    }

    fn at(&self, now: Instant) -> io::Result<MutexGuard<'_, Recording>> {
        let mut recording = self.look();
        if let Some(fail) = recording.fails {
            drop(recording);
            return Err(fail());
        }
        recording.sound(now);
        Ok(recording)
    }
}

impl Recording {
    /// Sounds what is due. Nothing is due of the time in which there was nothing to sound.
    fn sound(&mut self, now: Instant) {
        let Some((since, sounded)) = self.since else { return };
        let due = (now - since).as_nanos() * u128::from(self.rate) / 1_000_000_000;
        let due = usize::try_from(due).unwrap() - usize::try_from(sounded).unwrap();
        let frames = due.min(self.waiting.len() / 2);
        self.heard.extend(self.waiting.drain(..frames * 2));
        self.since = match frames < due {
            true => Some((now, 0)),
            false => Some((since, sounded + frames as u64)),
        };
    }
}

impl Output for Recorder {
    fn open(&mut self, format: Format, now: Instant) -> io::Result<()> {
        let mut recording = self.at(now)?;
        recording.rate = format.rate;
        recording.since = Some((now, 0));
        recording.opened += 1;
        recording.is_open = true;
        Ok(())
    }

    fn room(&mut self, now: Instant) -> io::Result<usize> {
        let recording = self.at(now)?;
        Ok(recording.buffer - recording.waiting.len() / 2)
    }

    fn write(&mut self, frames: &[f32], depth: Depth, now: Instant) -> io::Result<()> {
        let mut recording = self.at(now)?;
        assert!(recording.waiting.len() + frames.len() <= recording.buffer * 2);
        recording.waiting.extend_from_slice(frames);
        if recording.depths.last() != Some(&depth) {
            recording.depths.push(depth);
        }
        Ok(())
    }

    fn delay(&mut self, now: Instant) -> io::Result<usize> {
        Ok(self.at(now)?.waiting.len() / 2)
    }

    fn pause(&mut self, now: Instant) -> io::Result<()> {
        self.at(now)?.since = None;
        Ok(())
    }

    fn resume(&mut self, now: Instant) -> io::Result<()> {
        self.at(now)?.since = Some((now, 0));
        Ok(())
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        self.at(now)?.waiting.clear();
        Ok(())
    }

    fn close(&mut self) {
        let mut recording = self.look();
        recording.waiting.clear();
        recording.since = None;
        recording.is_open = false;
    }
}

/// A player whose clock is moved by hand.
pub(crate) struct Bench {
    pub(crate) player: Player,
    pub(crate) engine: Engine,
    pub(crate) now: Instant,
}

impl Bench {
    pub(crate) fn new(builder: Builder) -> Self {
        let (player, engine) = builder.seed(7).assemble();
        Self { player, engine, now: Instant::now() }
    }

    /// A player of these songs with one output.
    pub(crate) fn with_output(songs: impl Songs) -> (Self, Recorder) {
        let recorder = Recorder::default();
        let output = Box::new(recorder.clone());
        let builder = Player::builder(songs);
        let bench = Self::new(builder.output(player::OutputId::LOCAL, "Recorder", output, true));
        (bench, recorder)
    }

    /// Steps once, at the time that it is.
    pub(crate) fn step(&mut self) {
        self.engine.settle();
        self.engine.step(self.now);
    }

    /// Lets so much time pass, step by step.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = (self.now + TICK).min(end);
            self.step();
        }
    }

    /// Has it do something, without letting time pass.
    pub(crate) fn tell(&mut self, command: Command) -> Result<(), PlayerError> {
        let player = self.player.clone();
        let mut told = Box::pin(async move { player.tell(command).await });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for _ in 0..2 {
            if let std::task::Poll::Ready(answer) = told.as_mut().poll(&mut context) {
                return answer;
            }
            self.step();
        }
        panic!("it was told, and did not answer")
    }

    /// How much of the song has been heard.
    pub(crate) fn elapsed(&self) -> Duration {
        self.player.status().current.map(|current| current.elapsed.at(self.now)).unwrap()
    }

    /// The number of the current song.
    pub(crate) fn current(&self) -> Option<u32> {
        self.player.status().current.map(|current| current.song.item.get())
    }
}
