//! The outputs: each opened, fed from the tape, and tried again when it fails.
//!
//! The first selected output that works, and takes sound, sets the pace: as much is put on the tape as it has room for. The others read the same
//! tape, each as it can.

use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use audio::{Depth, Format};

use crate::tape::Tape;
use crate::{Output, OutputId, OutputStatus, PlayerError, State};

/// How soon an output that failed is tried again; each failure doubles it.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// And after it failed often.
const RETRY_LAST: Duration = Duration::from_secs(60);
/// An output that has worked for so long has recovered.
const RECOVERED_AFTER: Duration = Duration::from_secs(10);
/// An output that has had no room for so long does not set the pace.
const STALLED_AFTER: Duration = Duration::from_secs(1);
/// How long an output may take to sound what it has, when all has been played.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// The outputs.
pub(crate) struct Rack {
    format: Format,
    lines: Vec<Line>,
}

/// An output, and what leads to it.
pub(crate) struct Line {
    pub(crate) id: OutputId,
    name: String,
    output: Box<dyn Output>,
    pub(crate) selected: bool,
    /// 0 to 100.
    pub(crate) volume: u8,
    /// What was last multiplied with.
    factor: f32,
    link: Link,
    trouble: Option<Trouble>,
}

/// What is seen of an output, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineFace {
    selected: bool,
    volume: u8,
    is_in_trouble: bool,
}

enum Link {
    Closed,
    Open {
        /// The frame of the tape that it is given next.
        at: u64,
        paused: bool,
        since: Instant,
        /// When it last had room, or was waited for.
        had_room: Instant,
        /// Whether it has been given anything.
        begun: bool,
        /// When it is closed, if it has not sounded everything by then.
        close: Option<Instant>,
    },
}

/// Why an output does not work, or did not a moment ago.
struct Trouble {
    why: String,
    pause: Duration,
    retry: Instant,
}

impl Rack {
    pub(crate) fn new(format: Format, lines: Vec<Line>) -> Self {
        Self { format, lines }
    }

    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(crate) fn set_volume(&mut self, id: OutputId, percent: u8) -> Result<(), PlayerError> {
        let line = self.lines.iter_mut().find(|line| line.id == id);
        line.ok_or(PlayerError::NoSuchOutput(id))?.volume = percent.min(100);
        Ok(())
    }

    /// Selects these outputs and no others.
    pub(crate) fn select(&mut self, ids: &BTreeSet<OutputId>) -> Result<(), PlayerError> {
        let known = |id: &&OutputId| self.lines.iter().any(|line| line.id == **id);
        if let Some(unknown) = ids.iter().find(|id| !known(id)) {
            return Err(PlayerError::NoSuchOutput(*unknown));
        }
        for line in &mut self.lines {
            line.selected = ids.contains(&line.id);
            if !line.selected {
                line.close();
                line.trouble = None;
            }
        }
        Ok(())
    }

    /// What is seen of the outputs, in short: it differs when [`status`](Self::status) does.
    pub(crate) fn face(&self) -> Vec<LineFace> {
        let face = |line: &Line| LineFace {
            selected: line.selected,
            volume: line.volume,
            is_in_trouble: line.trouble().is_some(),
        };
        self.lines.iter().map(face).collect()
    }

    pub(crate) fn status(&self) -> Vec<OutputStatus> {
        self.lines.iter().map(Line::status).collect()
    }

    /// Opens what is to be open, pauses and resumes as the state wants it. `heard` is the frame that is heard now.
    pub(crate) fn follow(&mut self, state: State, heard: u64, now: Instant) {
        for line in self.lines.iter_mut().filter(|line| line.selected) {
            match state {
                State::Playing => line.play(self.format, heard, now),
                State::Paused => line.pause(now),
                State::Stopped => line.run_out(now),
            }
        }
    }

    /// The frames that the output which sets the pace takes now.
    pub(crate) fn room(&mut self, now: Instant) -> u64 {
        let rooms: Vec<u64> = self.lines.iter_mut().filter_map(|line| line.room(now)).collect();
        rooms.first().copied().unwrap_or(0)
    }

    /// How many frames the output which sets the pace has not sounded yet, and the frame that is heard now.
    pub(crate) fn heard(&mut self, now: Instant) -> Option<(u64, u64)> {
        while let Some(line) = self.lines.iter_mut().find(|line| line.keeps_pace(now)) {
            let Some(delay) = line.call(now, |output| output.delay(now)) else { continue };
            if let Link::Open { at, .. } = line.link {
                return Some((delay as u64, at.saturating_sub(delay as u64)));
            }
        }
        None
    }

    /// Gives each output what it takes of the tape.
    pub(crate) fn write(&mut self, tape: &Tape, now: Instant) {
        self.lines.iter_mut().for_each(|line| line.write(tape, now));
    }

    /// Has all outputs forget what they have not sounded yet. They go on at the frame `at`.
    pub(crate) fn flush(&mut self, at: u64, now: Instant) {
        for line in &mut self.lines {
            if let Link::Open { at: next, .. } = &mut line.link {
                *next = at;
                line.call(now, |output| output.flush(now));
            }
        }
    }

    /// When one of them is to be tried again or closed.
    pub(crate) fn due(&self, state: State) -> Option<Instant> {
        let due = |line: &Line| match (&line.link, &line.trouble) {
            (Link::Open { close, .. }, _) => *close,
            (Link::Closed, Some(trouble)) if state == State::Playing => Some(trouble.retry),
            _ => None,
        };
        self.lines.iter().filter(|line| line.selected).filter_map(due).min()
    }

    pub(crate) fn close(&mut self) {
        self.lines.iter_mut().for_each(Line::close);
    }
}

impl Line {
    pub(crate) fn new(id: OutputId, name: String, output: Box<dyn Output>, selected: bool) -> Self {
        let (link, trouble) = (Link::Closed, None);
        Self { id, name, output, selected, volume: 100, factor: 1.0, link, trouble }
    }

    fn status(&self) -> OutputStatus {
        OutputStatus {
            id: self.id,
            name: self.name.clone(),
            selected: self.selected,
            volume: self.volume,
            trouble: self.trouble().map(|trouble| trouble.why.clone()),
        }
    }

    /// What keeps it from playing, if anything does.
    fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref().filter(|_| matches!(self.link, Link::Closed))
    }

    /// Asks the output for something. `None` if it fails: it is closed then, to be tried again later.
    fn call<T>(
        &mut self,
        now: Instant,
        what: impl FnOnce(&mut dyn Output) -> io::Result<T>,
    ) -> Option<T> {
        match quietly(|| what(&mut *self.output)) {
            Ok(done) => Some(done),
            Err(error) => {
                self.fail(&error, now);
                None
            }
        }
    }

    fn fail(&mut self, error: &io::Error, now: Instant) {
        self.close();
        let pause = match &self.trouble {
            Some(trouble) => (trouble.pause * 2).min(RETRY_LAST),
            None => {
                tracing::warn!("{} does not play: {error}; it is tried again", self.name);
                RETRY_FIRST
            }
        };
        self.trouble = Some(Trouble { why: error.to_string(), pause, retry: now + pause });
    }

    fn close(&mut self) {
        if matches!(std::mem::replace(&mut self.link, Link::Closed), Link::Open { .. }) {
            // Whatever happens, it counts as closed.
            let _ = quietly(|| {
                self.output.close();
                Ok(())
            });
        }
    }

    /// Sees to it that it sounds, beginning with the frame that is heard elsewhere.
    fn play(&mut self, format: Format, heard: u64, now: Instant) {
        match &mut self.link {
            Link::Closed => {
                let waits = self.trouble.as_ref().is_some_and(|trouble| trouble.retry > now);
                if !waits && self.call(now, |output| output.open(format, now)).is_some() {
                    self.factor = self.wanted_factor();
                    self.link = Link::Open {
                        at: heard,
                        paused: false,
                        since: now,
                        had_room: now,
                        begun: false,
                        close: None,
                    };
                }
            }
            Link::Open { at, paused, since, had_room, begun, close } => {
                *close = None;
                if !*begun {
                    // It was not ready until now, and the others have gone on.
                    *at = (*at).max(heard);
                }
                if *paused {
                    *had_room = now;
                }
                let recovered = now.saturating_duration_since(*since) >= RECOVERED_AFTER;
                if std::mem::take(paused) {
                    self.call(now, |output| output.resume(now));
                } else if recovered && self.trouble.take().is_some() {
                    tracing::info!("{} plays again", self.name);
                }
            }
        }
    }

    /// The frames it takes now; `None` if it does not work, or not yet.
    fn room(&mut self, now: Instant) -> Option<u64> {
        if !matches!(self.link, Link::Open { paused: false, .. }) {
            return None;
        }
        let room = self.call(now, |output| output.room(now))?;
        if let Link::Open { had_room, .. } = &mut self.link
            && room > 0
        {
            *had_room = now;
        }
        self.keeps_pace(now).then_some(room as u64)
    }

    /// Whether it may set the pace for the others.
    fn keeps_pace(&self, now: Instant) -> bool {
        let Link::Open { had_room, .. } = self.link else { return false };
        now.saturating_duration_since(had_room) < STALLED_AFTER
    }

    fn pause(&mut self, now: Instant) {
        if let Link::Open { paused, .. } = &mut self.link
            && !std::mem::replace(paused, true)
        {
            self.call(now, |output| output.pause(now));
        }
    }

    /// Closes it once it has sounded all it has.
    fn run_out(&mut self, now: Instant) {
        let Link::Open { paused, close, .. } = &mut self.link else { return };
        let limit = *close.get_or_insert(now + DRAIN_LIMIT);
        let is_paused = *paused;
        let rest = if is_paused { Some(0) } else { self.call(now, |output| output.delay(now)) };
        if limit <= now || rest == Some(0) {
            self.close();
        }
    }

    fn write(&mut self, tape: &Tape, now: Instant) {
        let Link::Open { at, paused: false, .. } = &mut self.link else { return };
        // What it was too slow for is lost to it.
        *at = (*at).max(tape.start());
        let mut next = *at;
        if next >= tape.end() {
            return;
        }
        let Some(room) = self.call(now, |output| output.room(now)) else { return };
        let end = tape.end().min(next.saturating_add(room as u64));
        while next < end {
            let until = tape.next_mark(next).map_or(end, |mark| mark.min(end));
            let depth = tape.mark_at(next).map_or(Depth::F32, |mark| mark.depth);
            if self.give(tape.read(next..until), depth, now).is_none() {
                return;
            }
            next = until;
        }
        if let Link::Open { at, begun, .. } = &mut self.link {
            *begun |= next > *at;
            *at = next;
        }
    }

    /// Writes frames, as loud as they are to be; a change of volume is spread over all of them, so that it makes no click.
    fn give(&mut self, frames: &[f32], depth: Depth, now: Instant) -> Option<()> {
        let (from, to) = (self.factor, self.wanted_factor());
        if from == 1.0 && to == 1.0 {
            return self.call(now, |output| output.write(frames, depth, now));
        }
        self.factor = to;
        let step = (to - from) / frames.len().max(1) as f32;
        let factors =
            (0..frames.len()).map(|n| if from == to { to } else { from + step * n as f32 });
        let scaled: Vec<f32> = frames.iter().zip(factors).map(|(sample, by)| sample * by).collect();
        self.call(now, |output| output.write(&scaled, Depth::F32, now))
    }

    /// What to multiply samples with: the cube of the volume, as loudness is heard.
    fn wanted_factor(&self) -> f32 {
        (f32::from(self.volume) / 100.0).powi(3)
    }
}

/// What an output does, whose panic is an error like others.
fn quietly<T>(what: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(what))
        .unwrap_or_else(|_| Err(io::Error::other("it failed inside")))
}
