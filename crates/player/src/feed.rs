//! One song on its way: opened and decoded on a thread of its own, into a buffer of bounded size.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use audio::{Adapter, AudioError, Decoder, Depth, Format, Length};

use crate::bell::Bell;
use crate::frames;
use crate::machine::{About, TurnId};
use crate::{Song, Songs};

/// How much of a song is decoded ahead.
pub(crate) const BUFFER: Duration = Duration::from_secs(2);
/// The most songs that are open at once, those that are being given up counted. More wait for their turn.
pub(crate) const MAX_FEEDS: usize = 8;

/// Opens songs.
pub(crate) struct Feeds {
    songs: Arc<dyn Songs>,
    format: Format,
    bell: Arc<Bell>,
    /// Each thread holds one more.
    open: Arc<()>,
}

impl Feeds {
    /// Feeds that give frames of `format`, and ring when there is something new.
    pub(crate) fn new(songs: Arc<dyn Songs>, format: Format, bell: Arc<Bell>) -> Self {
        Self { songs, format, bell, open: Arc::new(()) }
    }

    /// Begins a song. Its thread starts once there are few enough of them, see [`start`](Self::start).
    pub(crate) fn open(&self, turn: TurnId, song: Song, at: Option<Duration>) -> Feed {
        let capacity = frames::count(BUFFER, self.format.rate);
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX) * self.format.channels();
        let state = State { goal: Some(Goal { at }), capacity, ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), news: Condvar::new() });
        let mut feed = Feed {
            turn,
            song,
            shared,
            started: false,
            channels: self.format.channels(),
            begun: false,
            position: 0,
        };
        self.start(&mut feed);
        feed
    }

    /// Starts the thread of a feed that has been waiting for its turn.
    pub(crate) fn start(&self, feed: &mut Feed) {
        if feed.started || Arc::strong_count(&self.open) > MAX_FEEDS {
            return;
        }
        feed.started = true;
        let worker = Worker {
            songs: Arc::clone(&self.songs),
            song: feed.song,
            format: self.format,
            bell: Arc::clone(&self.bell),
            shared: Arc::clone(&feed.shared),
            _open: Arc::clone(&self.open),
        };
        let name = format!("song {}", feed.song.item);
        if let Err(error) = thread::Builder::new().name(name).spawn(move || worker.run()) {
            feed.shared.lock().fail(format!("no thread can be had: {error}"));
        }
    }

    /// How many songs are open.
    pub(crate) fn count(&self) -> usize {
        Arc::strong_count(&self.open) - 1
    }
}

/// One song on its way, as the engine has it. When it is dropped, its thread ends.
pub(crate) struct Feed {
    pub(crate) turn: TurnId,
    pub(crate) song: Song,
    shared: Arc<Shared>,
    started: bool,
    channels: usize,
    /// Whether frames were taken since it was last sent somewhere.
    begun: bool,
    /// The frame of the song that is taken next.
    position: u64,
}

/// What has been decoded of a song.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    /// Frames that can be taken.
    pub(crate) frames: usize,
    /// Whether there will be no more after them.
    pub(crate) last: bool,
}

impl Feed {
    /// Sends it to a place of the song, or if that is `None` to its bookmark.
    pub(crate) fn go_to(&mut self, at: Option<Duration>) {
        let mut state = self.shared.lock();
        state.goal = Some(Goal { at });
        state.frames.clear();
        state.phase = Phase::Opening;
        self.begun = false;
        self.shared.news.notify_all();
    }

    /// Whether frames were taken since it was last sent somewhere.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// The frame of the song, at the rate of the session, that is taken next.
    pub(crate) fn position(&self) -> u64 {
        if self.begun { self.position } else { self.shared.lock().first }
    }

    /// How fine the frames are.
    pub(crate) fn depth(&self) -> Depth {
        self.shared.lock().depth
    }

    pub(crate) fn ready(&self) -> Ready {
        let state = self.shared.lock();
        let last = matches!(state.phase, Phase::Ended | Phase::Failed(_));
        Ready { frames: state.frames.len() / self.channels, last }
    }

    /// What was found out when it was opened, told once.
    pub(crate) fn opened(&mut self) -> Option<About> {
        self.shared.lock().about.take()
    }

    /// Why it goes no further, told once; only when all frames before have been taken.
    pub(crate) fn failed(&mut self) -> Option<String> {
        let mut state = self.shared.lock();
        if !state.frames.is_empty() {
            return None;
        }
        match &mut state.phase {
            Phase::Failed(why) => why.take(),
            _ => None,
        }
    }

    /// Takes at most so many frames, and appends them; how many there were.
    pub(crate) fn take(&mut self, frames: usize, out: &mut Vec<f32>) -> usize {
        let mut state = self.shared.lock();
        let samples = state.frames.len().min(frames * self.channels);
        if samples == 0 {
            return 0;
        }
        if !self.begun {
            self.begun = true;
            self.position = state.first;
        }
        out.extend_from_slice(&state.frames[..samples]);
        state.frames.drain(..samples);
        if !state.is_full() {
            self.shared.news.notify_all();
        }
        let taken = samples / self.channels;
        self.position += taken as u64;
        taken
    }

    /// Waits until its buffer is full, or the song has ended: see [`Engine::settle`](crate::Engine::settle).
    pub(crate) fn settle(&self) {
        let mut state = self.shared.lock();
        while self.started && !state.is_settled() {
            state = self.shared.wait(state);
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.news.notify_all();
    }
}

/// What the engine and the song's thread share. The lock is held for short steps only.
struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.news.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where to go.
#[derive(Clone, Copy)]
struct Goal {
    at: Option<Duration>,
}

struct State {
    /// Where to go, until the thread has seen it.
    goal: Option<Goal>,
    phase: Phase,
    /// What was decoded and not taken.
    frames: Vec<f32>,
    /// With so many samples it is full.
    capacity: usize,
    /// Whether it has been full, and not half empty since.
    full: bool,
    /// The frame of the song at which it began.
    first: u64,
    depth: Depth,
    about: Option<About>,
    closed: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            goal: None,
            phase: Phase::Opening,
            frames: Vec::new(),
            capacity: 0,
            full: false,
            first: 0,
            depth: Depth::F32,
            about: None,
            closed: false,
        }
    }
}

enum Phase {
    Opening,
    Decoding,
    Ended,
    /// Why, until it is told.
    Failed(Option<String>),
}

impl State {
    fn fail(&mut self, why: String) {
        self.phase = Phase::Failed(Some(why));
    }

    /// Whether to wait until some of it has been taken.
    fn is_full(&mut self) -> bool {
        let bound = if self.full { self.capacity / 2 } else { self.capacity };
        self.full = self.frames.len() >= bound;
        self.full
    }

    fn is_settled(&mut self) -> bool {
        let rests = match self.phase {
            Phase::Opening => false,
            Phase::Decoding => self.is_full(),
            Phase::Ended | Phase::Failed(_) => true,
        };
        rests && self.goal.is_none()
    }
}

/// The thread of one song.
struct Worker {
    songs: Arc<dyn Songs>,
    song: Song,
    format: Format,
    bell: Arc<Bell>,
    shared: Arc<Shared>,
    _open: Arc<()>,
}

/// What the thread is to do next.
enum Task {
    Go(Goal),
    Decode,
    End,
}

/// A song while it is open.
struct Stream {
    decoder: Decoder,
    adapter: Adapter,
    bookmark: Duration,
    /// Whether it was to begin, and nothing of it has been decoded since.
    silent: bool,
}

impl Worker {
    fn run(self) {
        let mut stream = None;
        let mut block = Vec::new();
        loop {
            let done = match self.next_task() {
                Task::Go(goal) => self.go(goal, &mut stream),
                Task::Decode => match &mut stream {
                    Some(stream) => self.decode(stream, &mut block),
                    None => Ok(()),
                },
                Task::End => return,
            };
            if let Err(why) = done {
                self.fail(why);
            }
        }
    }

    fn fail(&self, why: String) {
        let mut state = self.shared.lock();
        if state.goal.is_none() {
            state.fail(why);
            self.bell.ring();
        }
    }

    /// Waits until there is something to do.
    fn next_task(&self) -> Task {
        let mut state = self.shared.lock();
        loop {
            if state.closed {
                return Task::End;
            }
            if let Some(goal) = state.goal.take() {
                return Task::Go(goal);
            }
            if matches!(state.phase, Phase::Decoding) && !state.is_full() {
                return Task::Decode;
            }
            self.shared.news.notify_all();
            state = self.shared.wait(state);
        }
    }

    /// Opens the song if it is not, and goes to a place in it.
    fn go(&self, goal: Goal, open: &mut Option<Stream>) -> Result<(), String> {
        let sought = open.as_mut().is_some_and(|stream| self.seek(stream, goal).is_ok());
        if !sought {
            // What cannot go back is opened again.
            let stream = open.insert(self.open()?);
            self.seek(stream, goal).map_err(|error| told(&error))?;
        }
        Ok(())
    }

    fn open(&self) -> Result<Stream, String> {
        let opened = self.songs.open(self.song).map_err(|error| told(&error))?;
        let decoder = Decoder::open(opened.bytes, opened.length).map_err(|error| told(&error))?;
        let factor = opened.gain.map_or(1.0, |gain| gain.factor(0.0));
        let adapter = Adapter::new(decoder.format(), self.format, factor);
        let adapter = adapter.map_err(|error| told(&error))?;
        let rate = decoder.format().rate;
        let length = match decoder.length() {
            Length::Exact(length) | Length::About(length) => Some(frames::time(length, rate)),
            Length::Unknown => None,
        };
        self.bell.ring();
        let mut state = self.shared.lock();
        state.depth = adapter.depth();
        state.about = Some(About { length, seekable: opened.length.is_some() });
        Ok(Stream { decoder, adapter, bookmark: opened.bookmark, silent: true })
    }

    fn seek(&self, stream: &mut Stream, goal: Goal) -> Result<(), AudioError> {
        let Stream { decoder, adapter, bookmark, silent } = stream;
        let rate = decoder.format().rate;
        // A bookmark behind the end is that of another recording.
        let end = decoder.length().exact().unwrap_or(u64::MAX);
        let begin = Some(frames::count(*bookmark, rate)).filter(|frame| *frame < end).unwrap_or(0);
        decoder.seek(goal.at.map_or(begin, |at| frames::count(at, rate)))?;
        *silent = goal.at.is_none();
        // What the resampler holds is from elsewhere.
        adapter.finish(&mut Vec::new());
        let reached = frames::time(decoder.position(), rate);
        let mut state = self.shared.lock();
        if state.goal.is_none() {
            state.first = frames::count(reached, self.format.rate);
            state.phase = Phase::Decoding;
        }
        Ok(())
    }

    fn decode(&self, stream: &mut Stream, block: &mut Vec<f32>) -> Result<(), String> {
        let samples = stream.decoder.read().map_err(|error| told(&error))?;
        let ended = samples.is_empty();
        if ended && stream.silent {
            return Err(told(&AudioError::Silent));
        }
        stream.silent = false;
        block.clear();
        match ended {
            true => stream.adapter.finish(block),
            false => stream.adapter.push(samples, block),
        }
        let mut state = self.shared.lock();
        if state.goal.is_none() {
            if ended || state.frames.is_empty() {
                self.bell.ring();
            }
            state.frames.extend_from_slice(block);
            if ended {
                state.phase = Phase::Ended;
            }
        }
        Ok(())
    }
}

/// However it ends, the engine is not left waiting.
impl Drop for Worker {
    fn drop(&mut self) {
        if thread::panicking() {
            self.shared.lock().fail("its source failed".into());
        }
        self.shared.news.notify_all();
        self.bell.ring();
    }
}

/// An error and its causes, in one line.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
