//! What a player does, decided: commands and events in, effects out.
//!
//! No sound, no thread and no clock are in here. The engine carries out the effects and says what came of them.

mod talk;

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::talk::Turn;
pub(crate) use self::talk::{About, Effect, Event, Moment, TurnId};
use crate::queue::{Lists, Queue, Step};
use crate::song_list::Entry;
use crate::{Command, Direction, Failure, Heard, MAX_CROSS_FADE, Place, PlayerError, Song, State};

/// A song that is further in than this begins again, instead of giving way to the one before.
const RESTARTS_AFTER: Duration = Duration::from_secs(3);
/// A song that is left for the next one later than this, and before [`SKIP_UNTIL`], counts as skipped, as in iTunes.
const SKIP_FROM: Duration = Duration::from_secs(2);
/// See [`SKIP_FROM`].
const SKIP_UNTIL: Duration = Duration::from_secs(20);
/// How often winding goes on, and by how much.
const WIND_EVERY: Duration = Duration::from_millis(250);
const WIND_STEP: Duration = Duration::from_millis(2500);
/// After so many songs that could not be played, with no sound between them, the player stops.
pub(crate) const MAX_FAILURES: usize = 100;

/// How a song is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    /// It has ended.
    Ended,
    /// Somebody wanted the next one.
    Next,
    /// Somebody wanted something else.
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Wind {
    direction: Direction,
    due: Instant,
}

/// What a player does, decided.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) queue: Queue,
    state: State,
    /// What sounds, or would but for a pause. `None` if nothing has been begun.
    turn: Option<Turn>,
    /// What follows it.
    next: Option<Turn>,
    /// Where the current song is to begin; `None` is its bookmark.
    resume: Option<Duration>,
    wind: Option<Wind>,
    cross_fade: Duration,
    sleep: Option<Instant>,
    failure: Option<Arc<Failure>>,
    /// Songs in a row that could not be played.
    failures: usize,
    turns: u64,
    /// How often the place in the song was changed.
    jumps: u64,
    effects: Vec<Effect>,
}

/// All that is seen of a machine, but the passing of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Face {
    pub(crate) state: State,
    pub(crate) winding: Option<Direction>,
    pub(crate) about: Option<About>,
    pub(crate) cross_fade: Duration,
    pub(crate) sleep: Option<Instant>,
    pub(crate) failure: Option<Arc<Failure>>,
    turn: Option<TurnId>,
    queue: u64,
    jumps: u64,
}

impl Machine {
    /// A machine that is stopped, with nothing queued.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            queue: Queue::new(seed),
            state: State::Stopped,
            turn: None,
            next: None,
            resume: None,
            wind: None,
            cross_fade: Duration::ZERO,
            sleep: None,
            failure: None,
            failures: 0,
            turns: 0,
            jumps: 0,
            effects: Vec::new(),
        }
    }

    /// Takes over a queue that was saved. If a song had been begun, the machine is paused in it.
    pub(crate) fn restore(
        &mut self,
        lists: Lists,
        position: Option<Duration>,
        cross_fade: Duration,
        has: impl Fn(Song) -> bool,
    ) {
        let kept = self.queue.restore(lists, has) && self.queue.current().is_some();
        self.resume = position.filter(|_| kept);
        self.state = if self.resume.is_some() { State::Paused } else { State::Stopped };
        self.cross_fade = cross_fade.min(MAX_CROSS_FADE);
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn turn(&self) -> Option<TurnId> {
        self.turn.as_ref().map(|turn| turn.id)
    }

    /// Where the current song is to begin, if that is not its beginning.
    pub(crate) fn resume(&self) -> Option<Duration> {
        self.resume
    }

    pub(crate) fn cross_fade(&self) -> Duration {
        self.cross_fade
    }

    pub(crate) fn face(&self) -> Face {
        Face {
            state: self.state,
            winding: self.wind.map(|wind| wind.direction),
            about: self.turn.as_ref().and_then(|turn| turn.about),
            cross_fade: self.cross_fade,
            sleep: self.sleep,
            failure: self.failure.clone(),
            turn: self.turn(),
            queue: self.queue.version(),
            jumps: self.jumps,
        }
    }

    /// What is to be done, in turn.
    pub(crate) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.sleep.into_iter().chain(self.wind.map(|wind| wind.due)).min()
    }

    /// Does what it is time for.
    pub(crate) fn tick(&mut self, at: Moment) {
        if self.sleep.is_some_and(|sleep| sleep <= at.now) {
            self.sleep = None;
            self.pause(at);
        }
        if let Some(wind) = &mut self.wind
            && wind.due <= at.now
        {
            wind.due = at.now + WIND_EVERY;
            let direction = wind.direction;
            // A song that cannot be wound stays as it is.
            let _ = self.seek(wound(at.position, WIND_STEP, direction), at);
        }
    }

    /// Does as told. Volumes and outputs are not the machine's business.
    pub(crate) fn obey(&mut self, command: Command, at: Moment) -> Result<(), PlayerError> {
        match command {
            Command::Play => self.play(),
            Command::Pause => self.pause(at),
            Command::PlayPause if self.state == State::Playing => self.pause(at),
            Command::PlayPause => self.play(),
            Command::Stop => self.stop(at),
            Command::Next => self.skip(Leave::Next, at),
            Command::Previous => self.previous(at),
            Command::Seek(position) => self.seek(position, at)?,
            Command::SeekBy(step_ms) => {
                let step = Duration::from_millis(step_ms.unsigned_abs());
                let backward = step_ms < 0;
                let direction = if backward { Direction::Backward } else { Direction::Forward };
                self.seek(wound(at.position, step, direction), at)?;
            }
            Command::Wind(direction) => {
                self.wind =
                    self.windable(direction)?.map(|way| Wind { direction: way, due: at.now });
            }
            Command::CrossFade(length) => self.cross_fade = length.min(MAX_CROSS_FADE),
            Command::Sleep(after) => {
                self.sleep = after.and_then(|after| at.now.checked_add(after));
            }
            Command::Volume { .. } | Command::Select(_) => {}
            edit => self.edit(edit, at)?,
        }
        self.look_ahead(at);
        Ok(())
    }

    /// Obeys what changes the queue.
    fn edit(&mut self, edit: Command, at: Moment) -> Result<(), PlayerError> {
        let was_empty = self.queue.current().is_none();
        match edit {
            Command::Replace { songs, start, shuffle } => {
                self.leave(Leave::Other, at);
                self.queue.replace(songs, start, shuffle);
                self.resume = None;
                self.go_on();
            }
            Command::Append(songs) => self.queue.append(songs)?,
            Command::PlayNext(songs) => self.queue.insert_next(songs)?,
            Command::PlayAt(Place::Queue(0)) if self.turn.is_some() => {
                self.seek(Duration::ZERO, at)?;
                self.play();
            }
            Command::PlayAt(place) => {
                let left = self.turn.clone();
                match place {
                    Place::Queue(ahead) => self.queue.jump(ahead)?,
                    Place::History(ago) => self.queue.recall(ago)?,
                };
                self.account(left, Leave::Other, at);
                self.begin(None);
            }
            Command::Move { from, after } => self.queue.shift(from, after)?,
            Command::Remove(places) => {
                self.queue.remove(&places)?;
                if places.contains(&0) {
                    self.current_removed(at);
                }
            }
            Command::Clear => self.queue.clear(),
            Command::ClearHistory => self.queue.forget_history(),
            Command::Shuffle(on) => self.queue.shuffle(on),
            Command::Repeat(repeat) => self.queue.set_repeat(repeat),
            _ => {}
        }
        if was_empty && self.turn.is_none() && self.queue.current().is_some() {
            self.begin(None);
        }
        Ok(())
    }

    /// Takes in what has happened.
    pub(crate) fn heed(&mut self, event: Event, at: Moment) {
        match event {
            Event::Opened { turn, about } => {
                if let Some(turn) = self.turn_mut(turn) {
                    turn.about = Some(about);
                }
            }
            Event::Failed { turn, why } => self.failed(turn, why),
            Event::Joined { turn } => {
                if let Some(turn) = self.turn_mut(turn) {
                    turn.joined = true;
                }
            }
            Event::Reached { turn } => self.reached(turn, at),
            Event::Ended { turn } if self.turn() == Some(turn) => {
                self.leave(Leave::Ended, at);
                match self.queue.advance(Step::End) {
                    Some(_) if self.failures < MAX_FAILURES => self.begin(None),
                    _ => self.finish(),
                }
            }
            Event::Ended { .. } => {}
        }
        self.look_ahead(at);
    }

    fn turn_mut(&mut self, id: TurnId) -> Option<&mut Turn> {
        self.turn.iter_mut().chain(&mut self.next).find(|turn| turn.id == id)
    }

    fn failed(&mut self, id: TurnId, why: String) {
        let Some(turn) = self.turn_mut(id) else { return };
        turn.failed = true;
        let entry = turn.entry;
        // What has begun to be heard only ends early.
        let is_silent = !turn.joined && !turn.heard;
        self.failures += usize::from(is_silent);
        self.queue.pass_over(entry);
        let failure = Arc::new(Failure { song: entry.song, why });
        self.failure = Some(Arc::clone(&failure));
        self.effects.push(Effect::Tell(Heard::Failed(failure)));
    }

    /// The song with this turn is heard now.
    fn reached(&mut self, id: TurnId, at: Moment) {
        if self.next.as_ref().is_some_and(|next| next.id == id) {
            self.leave(Leave::Ended, at);
            // It was what follows, and nothing has changed since.
            self.queue.advance(Step::End);
            self.turn = self.next.take();
        }
        if let Some(turn) = self.turn.as_mut().filter(|turn| turn.id == id) {
            self.failures = 0;
            if !mem::replace(&mut turn.heard, true) {
                self.effects.push(Effect::Tell(Heard::Started(turn.entry.song)));
            }
        }
    }

    fn play(&mut self) {
        match (self.state, &self.turn) {
            (State::Playing, _) => {}
            (State::Paused, Some(_)) => self.state = State::Playing,
            _ => self.go_on(),
        }
    }

    fn pause(&mut self, at: Moment) {
        if self.state == State::Playing {
            self.state = State::Paused;
            self.wind = None;
            self.tell_left(at);
        }
    }

    fn stop(&mut self, at: Moment) {
        self.leave(Leave::Other, at);
        self.resume = None;
        self.finish_at_once();
    }

    fn skip(&mut self, how: Leave, at: Moment) {
        self.leave(how, at);
        match self.queue.advance(Step::Next) {
            Some(_) => self.begin(None),
            None => self.finish_at_once(),
        }
    }

    fn previous(&mut self, at: Moment) {
        if at.position <= RESTARTS_AFTER {
            let left = self.turn.clone();
            if self.queue.go_back() {
                self.account(left, Leave::Other, at);
                return self.begin(None);
            }
        }
        match self.turn.as_ref().is_none_or(Turn::is_seekable) {
            true => self.go_to(Duration::ZERO),
            false => self.begin(None),
        }
        self.play();
    }

    fn seek(&mut self, position: Duration, at: Moment) -> Result<(), PlayerError> {
        let turn = self.turn.as_ref();
        if !turn.is_none_or(Turn::is_seekable) {
            return Err(PlayerError::NotSeekable);
        }
        let length = turn.and_then(|turn| turn.about?.length);
        match length.is_some_and(|length| position >= length) {
            true => self.skip(Leave::Other, at),
            false => self.go_to(position),
        }
        Ok(())
    }

    /// Goes to a place in the current song, or sees to it that it will begin there.
    fn go_to(&mut self, position: Duration) {
        self.jumps += 1;
        match &self.turn {
            Some(Turn { id, entry, .. }) => {
                let (turn, song) = (*id, entry.song);
                self.next = self.next.take().filter(|next| !next.joined);
                self.effects.push(Effect::Begin { turn, song, at: Some(position) });
            }
            None if self.queue.current().is_some() => self.resume = Some(position),
            None => {}
        }
    }

    /// Plays the current song from where it is to begin.
    fn go_on(&mut self) {
        let resume = self.resume.take();
        match self.queue.current() {
            Some(_) => self.begin(resume),
            None => self.finish_at_once(),
        }
    }

    /// The current song has been taken out of the queue, and another is current.
    fn current_removed(&mut self, at: Moment) {
        self.leave(Leave::Other, at);
        self.resume = None;
        match self.state {
            State::Playing => self.go_on(),
            _ => self.finish_at_once(),
        }
    }

    /// Whether one can wind this way now: not with nothing to wind.
    fn windable(&self, way: Option<Direction>) -> Result<Option<Direction>, PlayerError> {
        match &self.turn {
            Some(turn) if way.is_some() && !turn.is_seekable() => Err(PlayerError::NotSeekable),
            Some(_) => Ok(way),
            None => Ok(None),
        }
    }

    /// Plays the current song from `at`.
    fn begin(&mut self, at: Option<Duration>) {
        let Some(entry) = self.queue.current() else { return };
        let prepared = self.next.take().filter(|next| next.entry == entry && !next.failed);
        let turn = match prepared {
            Some(turn) => Turn { joined: false, ..turn },
            None => self.new_turn(entry),
        };
        self.effects.push(Effect::Begin { turn: turn.id, song: entry.song, at });
        self.turn = Some(turn);
        self.resume = None;
        self.state = State::Playing;
    }

    fn new_turn(&mut self, entry: Entry) -> Turn {
        self.turns += 1;
        Turn {
            id: TurnId(self.turns),
            entry,
            about: None,
            failed: false,
            joined: false,
            heard: false,
        }
    }

    /// The queue has come to its end.
    fn finish(&mut self) {
        self.halt();
        self.effects.push(Effect::Finish);
    }

    /// Somebody has brought the queue to its end.
    fn finish_at_once(&mut self) {
        self.halt();
        self.effects.push(Effect::Silence);
    }

    fn halt(&mut self) {
        self.state = State::Stopped;
        self.turn = None;
        self.next = None;
        self.wind = None;
        self.failures = 0;
    }

    /// Gives up the current song.
    fn leave(&mut self, how: Leave, at: Moment) {
        let turn = self.turn.take();
        self.account(turn, how, at);
    }

    /// Tells what became of a song that is left.
    fn account(&mut self, turn: Option<Turn>, how: Leave, at: Moment) {
        let Some(turn) = turn.filter(|turn| turn.heard) else { return };
        self.queue.remember(turn.entry);
        if turn.failed {
            return;
        }
        let song = turn.entry.song;
        if how == Leave::Ended || turn.is_nearly_over(at.position) {
            return self.effects.push(Effect::Tell(Heard::Played(song)));
        }
        if how == Leave::Next && at.position > SKIP_FROM && at.position < SKIP_UNTIL {
            self.effects.push(Effect::Tell(Heard::Skipped(song)));
        }
        self.effects.push(Effect::Tell(Heard::Left { song, at: at.position }));
    }

    /// Tells where the current song is, for it may never go on. Also at the end of the player.
    pub(crate) fn tell_left(&mut self, at: Moment) {
        let turn = self.turn.as_ref().filter(|turn| turn.heard && !turn.failed);
        if let Some(turn) = turn.filter(|turn| !turn.is_nearly_over(at.position)) {
            let song = turn.entry.song;
            self.effects.push(Effect::Tell(Heard::Left { song, at: at.position }));
        }
    }

    /// Sees to it that what follows is prepared: once the current song is open, and whenever the queue has changed.
    fn look_ahead(&mut self, at: Moment) {
        let Some(turn) = &self.turn else { return };
        if turn.about.is_none() && !turn.failed {
            return;
        }
        let (id, song) = (turn.id, turn.entry.song);
        let stops = self.failures >= MAX_FAILURES;
        let wanted = if stops { None } else { self.queue.following() };
        let is_right = match (&self.next, wanted) {
            (Some(next), Some(wanted)) => next.entry == wanted && !next.failed,
            (None, None) => true,
            _ => false,
        };
        if is_right {
            return;
        }
        let joined = self.next.take().is_some_and(|next| next.joined);
        if joined {
            // The outputs have some of it already. They forget it, and go on with what is heard.
            self.effects.push(Effect::Begin { turn: id, song, at: Some(at.position) });
        }
        self.next = wanted.map(|entry| self.new_turn(entry));
        let prepared = self.next.as_ref().map(|next| (next.id, next.entry.song));
        self.effects.push(Effect::Prepare(prepared));
    }
}

/// The place so far from another, not before the beginning.
fn wound(position: Duration, step: Duration, direction: Direction) -> Duration {
    match direction {
        Direction::Forward => position.saturating_add(step),
        Direction::Backward => position.saturating_sub(step),
    }
}

#[cfg(test)]
mod tests;
