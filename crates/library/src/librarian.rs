//! The owner of the model. Every change of the library happens in this task.

use std::sync::Arc;
use std::time::Duration;

use daap_model::{DatabaseId, ItemId, Snapshot};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::books::Books;
use crate::clock::Clock;
use crate::handle::{Edit, EditError, Health, Note, Problem, UsageEdit, is_true};
use crate::ledger::{Moment, Pending};
use crate::persist::{Persist, PersistError, SourceId};
use crate::report::{Event, Told};
use crate::share::PlaylistError;
use crate::source::Change;
use crate::stage::Stage;
use crate::writer::Writer;

/// During a burst of reports the library is saved and shown this often.
const BURST: Duration = Duration::from_secs(1);
/// With this many rows to save it does not wait for the second to pass. While saving fails nothing is
/// taken in beyond it: the sources wait.
const MAX_PENDING: usize = 20_000;
/// Reports taken in before looking whether it is time to save.
const MAX_AT_ONCE: usize = 256;
/// Edits whose makers wait for them to be saved; more are not taken in.
const MAX_EDITORS: usize = 256;
/// How soon saving is tried again after it failed once; each failure doubles it.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// And after it failed often.
const RETRY_LAST: Duration = Duration::from_secs(60);
/// How often it is looked for songs that have been away for too long.
const EXPIRY_CHECK: Duration = Duration::from_secs(3600);

/// How long the sources have to end when the library shuts down.
const SOURCES_LIMIT: Duration = Duration::from_secs(3);

/// The owner of the model.
pub(crate) struct Librarian {
    pub(crate) books: Books,
    pub(crate) stage: Stage,
    pub(crate) writer: Writer,
    /// By their numbers.
    pub(crate) sources: Vec<RunningSource>,
    /// The sources' runs; each returns its number.
    pub(crate) tasks: JoinSet<usize>,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) edits: mpsc::Receiver<Edit>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) ended: watch::Sender<bool>,
    pub(crate) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(crate) health: watch::Sender<Health>,
    pub(crate) ready: watch::Sender<bool>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) grace_s: u32,
    pub(crate) waiting: Waiting,
    pub(crate) troubles: Troubles,
}

/// A source whose reports the librarian takes in.
#[derive(Default)]
pub(crate) struct RunningSource {
    /// By database: what it reports goes to each. If there are several, the last is in the database that is its own.
    pub(crate) shelves: Vec<SourceId>,
    pub(crate) ended: bool,
}

/// What keeps the librarian from its work, each in its place.
#[derive(Default)]
pub(crate) struct Troubles {
    unsaved: Option<Problem>,
    exhausted: Option<Problem>,
}

/// Who waits for what is pending to be saved, and when that is to be tried.
#[derive(Default)]
pub(crate) struct Waiting {
    settled: Vec<oneshot::Sender<()>>,
    editors: Vec<Editor>,
    last_save: Option<Instant>,
    retry: Option<Retry>,
}

/// Someone whose edit is pending: called once with whether it was saved.
type Editor = Box<dyn FnOnce(bool) + Send>;

#[derive(Clone, Copy)]
struct Retry {
    at: Instant,
    pause: Duration,
}

impl Librarian {
    /// Works until the library is told to stop or nobody has it any more, then saves what is left.
    pub(crate) async fn run(mut self) {
        self.tell_if_ready();
        let mut stop = self.stop.subscribe();
        let mut expiry = tokio::time::interval_at(Instant::now() + EXPIRY_CHECK, EXPIRY_CHECK);
        loop {
            let due = self.due();
            tokio::select! {
                biased;
                () = is_true(&mut stop) => break,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.save().await,
                edit = self.edits.recv(), if self.waiting.editors.len() < MAX_EDITORS => match edit {
                    Some(edit) => self.edit(edit),
                    None => break,
                },
                _ = expiry.tick() => self.expire(),
                Some(Ok(ended)) = self.tasks.join_next() => self.source_ended(ended),
                Some(event) = self.events.recv(), if self.has_room() => self.take_in(event),
            }
        }
        self.shut_down().await;
    }

    fn has_room(&self) -> bool {
        self.books.ledger.pending.len() < MAX_PENDING
    }

    /// When to save: at once if somebody waits for it or much has come together, else a second after the
    /// last time; `None` if there is nothing to save.
    fn due(&self) -> Option<Instant> {
        let Waiting { settled, editors, last_save, retry } = &self.waiting;
        if let Some(retry) = retry {
            return Some(retry.at);
        }
        let urgent = !settled.is_empty() || !editors.is_empty() || !self.has_room();
        match last_save {
            _ if urgent => Some(Instant::now()),
            _ if self.books.ledger.pending.is_empty() => None,
            Some(last) => Some(*last + BURST),
            None => Some(Instant::now()),
        }
    }

    /// Takes in a report and those that wait behind it.
    fn take_in(&mut self, first: Event) {
        let mut event = Some(first);
        for _ in 0..MAX_AT_ONCE {
            let Some(Event { source, told }) = event else { return };
            self.heed(source, told);
            if !self.has_room() {
                return;
            }
            event = self.events.try_recv().ok();
        }
        if let Some(Event { source, told }) = event {
            self.heed(source, told);
        }
    }

    fn heed(&mut self, source: usize, told: Told) {
        let shelves = &self.sources[source].shelves;
        match told {
            Told::Change(change) => self.change(source, change),
            Told::Named(name) => self.books.name_database(shelves, name),
            Told::Known(answer) => {
                // A source that no longer listens has been stopped.
                let _ = answer.send(self.books.known(shelves));
            }
            Told::Settled(answer) => {
                self.books.settle(shelves);
                self.waiting.settled.push(answer);
            }
        }
    }

    fn change(&mut self, source: usize, change: Change) {
        let shown = self.stage.snapshot();
        let moment = Moment { now: self.clock.now(), shown: &shown };
        let shelves = &self.sources[source].shelves;
        if let Err(error) = self.books.change(shelves, change, moment) {
            self.troubles.exhausted = Some(Problem {
                what: format!("nothing more can be added to the library: {error}"),
                remedy: "begin a new library in another data folder".into(),
            });
            self.tell_health();
        }
    }

    fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Usage(UsageEdit { database, item, note, done }) => {
                let taken = self.edit_usage(database, item, note);
                let edited =
                    if taken { Ok(()) } else { Err(EditError::Unknown { database, item }) };
                self.answer(done, edited, EditError::NotSaved);
            }
            Edit::Measured { levels, done } => {
                for found in levels {
                    self.edit_usage(found.database, found.item, Note::Measured(found));
                }
                self.answer(done, Ok(()), EditError::NotSaved);
            }
            Edit::Playlist { edit, done } => {
                let edited = self.books.edit_playlist(edit, &self.stage.snapshot());
                self.answer(done, edited, PlaylistError::NotSaved);
            }
            Edit::Rename { name, done } => {
                if self.stage.rename(&name, self.clock.now()) {
                    self.snapshots.send_replace(self.stage.snapshot());
                }
                // Whoever no longer waits for the answer does not need it.
                let _ = done.send(());
            }
        }
    }

    /// Returns whether there is such a song.
    fn edit_usage(&mut self, database: DatabaseId, item: ItemId, note: Note) -> bool {
        let shown = self.stage.snapshot();
        let moment = Moment { now: self.clock.now(), shown: &shown };
        let place = self.stage.place(database, item);
        place.is_some_and(|(source, key)| {
            self.books.edit(&self.sources[source].shelves, &key, item, note, moment)
        })
    }

    /// Answers whoever made an edit: with success once it is saved and shown, with an error at once.
    fn answer<T, E>(
        &mut self,
        done: oneshot::Sender<Result<T, E>>,
        edited: Result<T, E>,
        not_saved: E,
    ) where
        T: Send + 'static,
        E: Send + 'static,
    {
        // Whoever no longer waits for the answer does not need it.
        let answer = |answer| drop(done.send(answer));
        match edited {
            Ok(_) if self.waiting.retry.is_some() => answer(Err(not_saved)),
            Ok(edited) => self.waiting.editors.push(Box::new(move |saved| {
                answer(if saved { Ok(edited) } else { Err(not_saved) });
            })),
            Err(refusal) => answer(Err(refusal)),
        }
    }

    fn expire(&mut self) {
        let shown = self.stage.snapshot();
        let moment = Moment { now: self.clock.now(), shown: &shown };
        self.books.expire(self.grace_s, moment);
    }

    /// Saves what is pending in one transaction, and then shows it.
    async fn save(&mut self) {
        let pending = self.books.take_pending();
        if pending.rows.is_empty() {
            return self.saved(&pending);
        }
        let save = move |persist: &mut dyn Persist| {
            let saved = persist.save(&pending.rows);
            (pending, saved)
        };
        match self.writer.run(save).await {
            Ok((pending, Ok(()))) => self.saved(&pending),
            Ok((pending, Err(error))) => {
                self.books.ledger.pending = pending;
                self.not_saved(&error);
            }
            // The thread is gone, and with it what was to be saved. What is shown stays shown.
            Err(error) => self.not_saved(&error),
        }
    }

    fn saved(&mut self, pending: &Pending) {
        self.show(pending);
        self.waiting.last_save = Some(Instant::now());
        if self.waiting.retry.take().is_some() {
            tracing::info!("the library can be saved again; nothing is lost");
            self.troubles.unsaved = None;
            self.tell_health();
        }
        // Whoever no longer waits for an answer does not need it.
        for settled in self.waiting.settled.drain(..) {
            let _ = settled.send(());
        }
        for editor in self.waiting.editors.drain(..) {
            editor(true);
        }
        self.tell_if_ready();
    }

    /// What is shown stays shown, what is pending stays pending; saying it once is enough.
    fn not_saved(&mut self, error: &PersistError) {
        let pause = match self.waiting.retry {
            Some(retry) => (retry.pause * 2).min(RETRY_LAST),
            None => RETRY_FIRST,
        };
        if self.waiting.retry.is_none() {
            let cause = error.cause.as_deref().map(ToString::to_string).unwrap_or_default();
            tracing::error!(cause, "{error}; changes are kept and saved as soon as possible");
        }
        self.waiting.retry = Some(Retry { at: Instant::now() + pause, pause });
        self.troubles.unsaved =
            Some(Problem { what: error.what.clone(), remedy: error.remedy.clone() });
        self.tell_health();
        for editor in self.waiting.editors.drain(..) {
            editor(false);
        }
    }

    /// Has the model take in what was saved, and everybody see it.
    fn show(&mut self, pending: &Pending) {
        if self.stage.show(&self.books, pending, self.clock.now()) {
            self.snapshots.send_replace(self.stage.snapshot());
        }
    }

    fn tell_health(&self) {
        let Troubles { unsaved, exhausted } = &self.troubles;
        let problems = unsaved.iter().chain(exhausted).cloned().collect();
        let health = Health { problems };
        self.health.send_if_modified(|told| {
            *told != health && {
                *told = health;
                true
            }
        });
    }

    fn tell_if_ready(&self) {
        let told_all = |source: &RunningSource| {
            let mut shelves = source.shelves.iter().filter_map(|id| self.books.shelves.get(id));
            source.ended || shelves.all(|shelf| shelf.settled)
        };
        if self.stage.has_songs() || self.sources.iter().all(told_all) {
            self.ready.send_if_modified(|ready| !std::mem::replace(ready, true));
        }
    }

    /// Takes in that a source's run is over.
    fn source_ended(&mut self, number: usize) {
        self.sources[number].ended = true;
        self.tell_if_ready();
    }

    /// Takes no more reports, saves those that came, lets the sources end and closes the store.
    async fn shut_down(mut self) {
        self.stop.send_replace(true);
        self.events.close();
        self.edits.close();
        while let Ok(Event { source, told }) = self.events.try_recv() {
            self.heed(source, told);
        }
        self.save().await;
        if !self.books.ledger.pending.is_empty() {
            tracing::error!("what was reported last is not saved; it will be looked for again");
        }
        let ends = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(SOURCES_LIMIT, ends).await.is_err() {
            tracing::warn!("a source does not stop and is left behind");
        }
        self.tasks.shutdown().await;
        if let Err(error) = self.writer.close().await {
            tracing::error!("{error}");
        }
        self.ended.send_replace(true);
    }
}
