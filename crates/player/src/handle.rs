//! A player as everyone but the engine sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::{fmt, io, thread};

use audio::{Depth, Format, Layout};
use tokio::sync::{mpsc, oneshot, watch};

use crate::bell::Bell;
use crate::deck::Deck;
use crate::engine::{Engine, KEEP, Message, Place, Told, Wires};
use crate::feed::Feeds;
use crate::machine::Machine;
use crate::rack::{Line, Rack};
use crate::tape::Tape;
use crate::{Command, Elapsed, Heard, Output, OutputId, PlayerError, Saved, Songs, Status, frames};

/// Frames a second of all that outputs are given, unless the builder is told otherwise.
pub const SESSION_RATE: u32 = 44_100;
/// The revision that a player begins at. Remotes open with 1, so a player must never be there.
const FIRST_REVISION: u64 = 2;
/// Commands that wait to be obeyed; more are refused.
const MAX_WAITING: usize = 64;

/// A player at work. Cheap to clone; when the last clone is dropped it ends.
#[derive(Clone)]
pub struct Player {
    shared: Arc<Shared>,
}

/// What all clones of a [`Player`] have in common.
struct Shared {
    /// `None` only while it is dropped.
    outbox: Option<SyncSender<Message>>,
    stop: Arc<AtomicBool>,
    bell: Arc<Bell>,
    status: watch::Receiver<Arc<Status>>,
    saved: watch::Receiver<Arc<Saved>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.outbox = None;
        self.bell.ring();
    }
}

impl Player {
    /// Begins a player of these songs.
    pub fn builder(songs: impl Songs) -> Builder {
        Builder {
            songs: Arc::new(songs),
            rate: SESSION_RATE,
            outputs: Vec::new(),
            saved: Saved::default(),
            listener: None,
            seed: rand::random(),
        }
    }

    /// Has the player do something. When it answers, [`status`](Self::status) shows what came of it.
    pub async fn tell(&self, command: Command) -> Result<(), PlayerError> {
        let (done, answer) = oneshot::channel();
        let outbox = self.shared.outbox.as_ref().ok_or(PlayerError::Closed)?;
        outbox.try_send(Message { command, done }).map_err(|refused| match refused {
            TrySendError::Full(_) => PlayerError::Busy,
            TrySendError::Disconnected(_) => PlayerError::Closed,
        })?;
        self.shared.bell.ring();
        answer.await.map_err(|_| PlayerError::Closed)?
    }

    /// The player as it is now.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        self.shared.status.borrow().clone()
    }

    /// The player as it becomes. What is waited for is a [revision](Status::revision): a status can also be replaced because
    /// its position has become inexact.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Status>> {
        self.shared.status.clone()
    }

    /// What is to be kept for the next start, as it becomes: with each change, and every ten seconds while it plays.
    #[must_use]
    pub fn watch_saved(&self) -> watch::Receiver<Arc<Saved>> {
        self.shared.saved.clone()
    }

    /// Ends the player, and waits until it has: the outputs are closed, and [`watch_saved`](Self::watch_saved) has its last state.
    pub async fn shutdown(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.bell.ring();
        let mut saved = self.watch_saved();
        while saved.changed().await.is_ok() {}
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Player").field(&self.status()).finish()
    }
}

/// Begins a [`Player`].
pub struct Builder {
    songs: Arc<dyn Songs>,
    rate: u32,
    outputs: Vec<Line>,
    saved: Saved,
    listener: Option<mpsc::Sender<Heard>>,
    seed: u64,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl Builder {
    /// Adds an output, under the name that people know it by. The first one that is selected and works sets the pace.
    #[must_use]
    pub fn output(
        mut self,
        id: OutputId,
        name: &str,
        output: Box<dyn Output>,
        selected: bool,
    ) -> Self {
        self.outputs.push(Line::new(id, name.to_owned(), output, selected));
        self
    }

    /// Goes on from what was saved, but does not play yet. Songs that are gone leave the queue.
    #[must_use]
    pub fn resume(mut self, saved: Saved) -> Self {
        self.saved = saved;
        self
    }

    /// Sends what becomes of songs there. What it has no room for is lost.
    #[must_use]
    pub fn listener(mut self, listener: mpsc::Sender<Heard>) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Gives the outputs so many frames a second, instead of [`SESSION_RATE`].
    #[must_use]
    pub fn rate(mut self, rate: u32) -> Self {
        self.rate = rate.clamp(*audio::RATES.start(), *audio::RATES.end());
        self
    }

    /// Decides how songs are shuffled, instead of leaving it to chance.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts the player, on a thread of its own.
    ///
    /// # Errors
    ///
    /// If no thread can be had.
    pub fn start(self) -> io::Result<Player> {
        let (player, engine) = self.assemble();
        thread::Builder::new().name("player".into()).spawn(move || engine.run())?;
        Ok(player)
    }

    /// The player, and the engine that somebody has to step for it.
    #[must_use]
    pub fn assemble(mut self) -> (Player, Engine) {
        let format = Format { rate: self.rate, layout: Layout::STEREO, depth: Depth::F32 };
        self.restore_outputs();
        let mut machine = Machine::new(self.seed);
        let Saved { queue, position, cross_fade, .. } = self.saved.clone();
        machine.restore(queue, position, cross_fade, |song| self.songs.has(song));
        let (outbox, inbox) = sync_channel(MAX_WAITING);
        let rack = Rack::new(format, self.outputs);
        let first = Status::of(&machine, &rack, FIRST_REVISION, Elapsed::default());
        let (status, watch) = watch::channel(Arc::new(first));
        let (saved, watch_saved) = watch::channel(Arc::new(self.saved));
        let (stop, bell) = (Arc::new(AtomicBool::new(false)), Arc::new(Bell::default()));
        let feeds = Feeds::new(self.songs, format, Arc::clone(&bell));
        let shared = Shared {
            outbox: Some(outbox),
            stop: Arc::clone(&stop),
            bell: Arc::clone(&bell),
            status: watch,
            saved: watch_saved,
        };
        let keep = usize::try_from(frames::count(KEEP, self.rate)).unwrap_or(usize::MAX);
        let engine = Engine {
            machine,
            deck: Deck::new(feeds, self.rate),
            rack,
            tape: Tape::new(format.channels(), keep),
            rate: self.rate,
            wires: Wires { inbox, stop, bell, status, saved, listener: self.listener },
            place: Place::default(),
            told: Told::default(),
        };
        (Player { shared: Arc::new(shared) }, engine)
    }

    /// Sets the outputs as they were when it was saved.
    fn restore_outputs(&mut self) {
        for line in &mut self.outputs {
            if let Some(saved) = self.saved.outputs.get(&line.id) {
                line.selected = saved.selected;
                line.volume = saved.volume.min(100);
            }
        }
    }
}
