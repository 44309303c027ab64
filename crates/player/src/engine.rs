//! The owner of playback: it carries out what the machine decides, and feeds the outputs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use crate::bell::Bell;
use crate::deck::Deck;
use crate::machine::{Effect, Event, Face, Machine, Moment, TurnId};
use crate::rack::{Line, LineFace, Rack};
use crate::saved::SavedOutput;
use crate::tape::Tape;
use crate::{Command, Current, Elapsed, Heard, PlayerError, Saved, State, Status, frames};

/// Commands that are obeyed before the outputs are looked after again.
const MAX_AT_ONCE: usize = 64;
/// The most that is put together in one step, whatever an output has room for.
const MAX_STEP: Duration = Duration::from_secs(1);
/// How much of what was heard is kept at the least: outputs that are more than this behind the others lose some of it.
pub(crate) const KEEP: Duration = Duration::from_secs(4);
/// While it plays, the engine looks after the outputs when half of what they have is gone, but not more and not less often
/// than this.
const BREAKS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));
/// While nothing is expected, it looks after them this often all the same.
const IDLE: Duration = Duration::from_secs(60);
/// When the position is told anew: as soon as it is so far from what everybody thinks.
const TOLERANCE: Duration = Duration::from_millis(20);
/// How often the place in the song is saved while it plays.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// A command, and who waits to hear what came of it.
pub(crate) struct Message {
    pub(crate) command: Command,
    pub(crate) done: oneshot::Sender<Result<(), PlayerError>>,
}

/// What the engine has to do with the rest of the world.
pub(crate) struct Wires {
    pub(crate) inbox: Receiver<Message>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) status: watch::Sender<Arc<Status>>,
    pub(crate) saved: watch::Sender<Arc<Saved>>,
    pub(crate) listener: Option<mpsc::Sender<Heard>>,
}

/// The owner of playback.
///
/// It has no clock of its own: each [`step`](Self::step) is told what time it is. A [`Player`](crate::Player) that was
/// [started](crate::Builder::start) has it on a thread; a test, or a program with a loop of its own, steps it by hand.
pub struct Engine {
    pub(crate) machine: Machine,
    pub(crate) deck: Deck,
    pub(crate) rack: Rack,
    pub(crate) tape: Tape,
    pub(crate) rate: u32,
    pub(crate) wires: Wires,
    pub(crate) place: Place,
    pub(crate) told: Told,
}

/// How far the outputs are.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// The frame of the tape that is heard now. It never goes back.
    heard: u64,
    /// How many frames the output that sets the pace has not sounded yet; `None` if no output works.
    delay: Option<u64>,
    /// Marks of the tape before this frame say nothing of where the current song is.
    since: u64,
    /// Where the song is, as long as nothing of it has been heard since then.
    goal: Duration,
    /// The last turn that was heard.
    turn: Option<TurnId>,
}

/// What the world was told last.
#[derive(Debug, Default)]
pub(crate) struct Told {
    face: Option<(Face, Vec<LineFace>)>,
    saved: Option<Instant>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("machine", &self.machine).finish_non_exhaustive()
    }
}

impl Engine {
    /// Does all there is to do at this time. Says until when there is nothing more, unless the player is told something;
    /// `None` when it has ended.
    pub fn step(&mut self, now: Instant) -> Option<Instant> {
        let goes_on = self.take_messages(now);
        self.machine.tick(self.moment(now));
        self.carry_out(now);
        for event in self.deck.news() {
            self.heed(event, now);
        }
        self.play(now);
        if !goes_on {
            self.end(now);
            return None;
        }
        self.tell(now);
        Some(self.next_step(now))
    }

    /// Waits until the songs that are open are decoded as far ahead as their buffers hold, so that the next [`step`](Self::step)
    /// never finds them late. For clocks that do not go by themselves.
    pub fn settle(&self) {
        self.deck.settle();
    }

    /// How many songs are open, and how many frames are held for the outputs: both are bounded however long it plays.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let frames = self.tape.end() - self.tape.start();
        (self.deck.open_songs(), usize::try_from(frames).unwrap_or(usize::MAX))
    }

    /// Steps until the player ends.
    pub(crate) fn run(mut self) {
        self.wires.bell.hang();
        while let Some(until) = self.step(Instant::now()) {
            Bell::sleep_until(until);
        }
    }

    /// Obeys what was told. `false` if the player is to end.
    fn take_messages(&mut self, now: Instant) -> bool {
        for _ in 0..MAX_AT_ONCE {
            match self.wires.inbox.try_recv() {
                Ok(Message { command, done }) => {
                    let obeyed = self.obey(command, now);
                    self.carry_out(now);
                    // Whoever asked sees what came of it.
                    self.tell(now);
                    let _ = done.send(obeyed);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        !self.wires.stop.load(Ordering::Relaxed)
    }

    fn obey(&mut self, command: Command, now: Instant) -> Result<(), PlayerError> {
        match command {
            Command::Volume { output, percent } => self.rack.set_volume(output, percent),
            Command::Select(outputs) => self.rack.select(&outputs),
            command => self.machine.obey(command, self.moment(now)),
        }
    }

    fn heed(&mut self, event: Event, now: Instant) {
        self.machine.heed(event, self.moment(now));
        self.carry_out(now);
    }

    fn moment(&self, now: Instant) -> Moment {
        Moment { now, position: self.position() }
    }

    /// How much of the current song has been heard.
    fn position(&self) -> Duration {
        let Some(turn) = self.machine.turn() else {
            return self.machine.resume().unwrap_or_default();
        };
        let Place { heard, since, goal, .. } = self.place;
        // The last frame that was heard counts: the next one may be of another song.
        let mark = heard.checked_sub(1).and_then(|last| self.tape.mark_at(last));
        let mark = mark.filter(|mark| mark.turn == turn && mark.at >= since);
        mark.map_or(goal, |mark| frames::time(mark.position + (heard - mark.at), self.rate))
    }

    fn carry_out(&mut self, now: Instant) {
        for effect in self.machine.effects() {
            match effect {
                Effect::Begin { turn, song, at } => {
                    self.silence(now);
                    self.place.goal = at.unwrap_or_default();
                    self.deck.begin(turn, song, at);
                }
                Effect::Prepare(next) => self.deck.prepare(next),
                Effect::Silence => {
                    self.silence(now);
                    self.deck.clear();
                }
                Effect::Finish => self.deck.clear(),
                Effect::Tell(heard) => self.tell_heard(heard),
            }
        }
    }

    /// Takes back what was put together and is not heard yet.
    fn silence(&mut self, now: Instant) {
        self.tape.cut(self.place.heard);
        self.rack.flush(self.tape.end(), now);
        self.place.since = self.tape.end();
        self.place.turn = None;
    }

    /// Gives the outputs what they have room for, and looks what of it is heard.
    fn play(&mut self, now: Instant) {
        let state = self.machine.state();
        self.rack.follow(state, self.place.heard, now);
        if state == State::Playing {
            let room = self.rack.room(now).min(frames::count(MAX_STEP, self.rate));
            let joined = self.deck.produce(room, self.machine.cross_fade(), &mut self.tape);
            for event in joined {
                self.heed(event, now);
            }
        }
        self.rack.write(&self.tape, now);
        let heard = self.rack.heard(now);
        self.place.delay = heard.map(|(delay, _)| delay);
        if let Some((_, frame)) = heard {
            self.listen(frame.min(self.tape.end()), now);
        }
        self.tape.forget();
    }

    /// The outputs have come to this frame.
    fn listen(&mut self, frame: u64, now: Instant) {
        let before = self.place.heard;
        self.place.heard = before.max(frame);
        let marks: Vec<_> = self.tape.marks(before..self.place.heard).collect();
        for mark in marks {
            if self.place.turn != Some(mark.turn) {
                self.place.turn = Some(mark.turn);
                self.heed(Event::Reached { turn: mark.turn }, now);
            }
        }
        let all_heard = self.place.heard >= self.tape.end() && self.deck.is_at_end();
        if let Some(turn) = self.machine.turn().filter(|_| all_heard) {
            self.heed(Event::Ended { turn }, now);
        }
    }

    /// When there is something to do again.
    fn next_step(&self, now: Instant) -> Instant {
        let state = self.machine.state();
        let outputs = match (state, self.place.delay) {
            (State::Playing, Some(delay)) => {
                let half = frames::time(delay / 2, self.rate);
                Some(now + half.clamp(BREAKS.0, BREAKS.1))
            }
            // An output may be getting ready, or is still sounding what has been played.
            (State::Playing, None) => Some(now + BREAKS.1),
            (State::Stopped, _) => self.rack.due(state).map(|_| now + BREAKS.1),
            (State::Paused, _) => None,
        };
        let dues = [outputs, self.machine.due(), self.rack.due(state)];
        dues.into_iter().flatten().min().unwrap_or(now + IDLE)
    }

    /// Tells the world what has changed.
    fn tell(&mut self, now: Instant) {
        let elapsed = self.elapsed(now);
        let face = (self.machine.face(), self.rack.face());
        let shown = self.wires.status.borrow().clone();
        if self.told.face.as_ref() != Some(&face) {
            self.told.face = Some(face);
            let status = Status::of(&self.machine, &self.rack, shown.revision + 1, elapsed);
            self.wires.status.send_replace(Arc::new(status));
            self.save(now);
        } else if let Some(current) = shown.current
            && is_off(current.elapsed, elapsed, now)
        {
            let current = Some(Current { elapsed, ..current });
            self.wires.status.send_replace(Arc::new(Status { current, ..Status::clone(&shown) }));
        }
        if self.told.saved.is_none_or(|saved| now.saturating_duration_since(saved) >= SAVE_EVERY) {
            self.save(now);
        }
    }

    fn elapsed(&self, now: Instant) -> Elapsed {
        let has_sound = self.tape.end() > self.place.heard || self.deck.has_sound();
        let moves = self.machine.state() == State::Playing && self.place.delay.is_some();
        Elapsed { position: self.position(), since: (moves && has_sound).then_some(now) }
    }

    fn save(&mut self, now: Instant) {
        self.told.saved = Some(now);
        let stopped = self.machine.state() == State::Stopped;
        let output =
            |line: &Line| (line.id, SavedOutput { selected: line.selected, volume: line.volume });
        let saved = Saved {
            queue: self.machine.queue.lists().clone(),
            position: (!stopped).then(|| self.position()),
            cross_fade: self.machine.cross_fade(),
            outputs: self.rack.lines().iter().map(output).collect(),
        };
        self.wires.saved.send_if_modified(|shown| {
            // Positions differ each time: the queues are compared only where little else does.
            let differs = saved.position != shown.position || **shown != saved;
            if differs {
                *shown = Arc::new(saved);
            }
            differs
        });
    }

    fn tell_heard(&self, heard: Heard) {
        if let Heard::Failed(failure) = &heard {
            let (item, why) = (failure.song.item, &failure.why);
            tracing::warn!("song {item} cannot be played and is skipped: {why}");
        }
        let Some(listener) = &self.wires.listener else { return };
        if let Err(mpsc::error::TrySendError::Full(lost)) = listener.try_send(heard) {
            tracing::warn!("nobody takes note of what is played: {lost:?} is lost");
        }
    }

    fn end(&mut self, now: Instant) {
        self.machine.tell_left(self.moment(now));
        self.carry_out(now);
        self.tell(now);
        self.save(now);
        self.deck.clear();
        self.rack.close();
    }
}

/// Whether what everybody thinks of the position is no longer true.
fn is_off(shown: Elapsed, elapsed: Elapsed, now: Instant) -> bool {
    shown.since.is_some() != elapsed.since.is_some()
        || shown.at(now).abs_diff(elapsed.at(now)) > TOLERANCE
}
