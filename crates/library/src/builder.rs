//! How a library begins.

use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState};
use std::mem;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use daap_model::{Edit, PersistentId, Revision, Timestamp};
use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::books::Books;
use crate::clock::{Clock, SystemClock};
use crate::handle::{Health, Library, Routes, Shared};
use crate::ledger::IdsExhausted;
use crate::librarian::{Librarian, RunningSource, Troubles, Waiting};
use crate::memory::MemoryPersist;
use crate::persist::{DatabaseRow, NextIds, Persist, PersistError, Row, SongRow, SourceRow};
use crate::report::{Report, ScanPhase, ScanState};
use crate::source::{Source, SourceKey};
use crate::stage::Stage;
use crate::writer::Writer;

/// For how long songs that cannot be reached stay listed, unless the builder says otherwise.
pub const GRACE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Reports that wait for the librarian at most; a source that has one more waits.
const MAX_EVENTS: usize = 1024;
/// Edits that wait for the librarian at most; whoever brings one more waits.
const MAX_EDITS: usize = 64;
/// Songs shown at once while the stored library is loaded, at least. They are held twice until they are.
const SHOWN_AT_ONCE: usize = 2048;
/// And one more for so many that are shown already: each time goes through most of the indexes.
const SHOWN_MORE_ONE_IN: usize = 16;
/// Rows that are passed on at once while it is loaded.
const CHUNK: usize = 256;
/// Chunks that are read ahead of being entered at most: so many that reading goes on while a batch of songs is shown.
const MAX_CHUNKS: usize = 32;
/// The first revision of a run lies below this, at random, so that a client that was away during a
/// restart is seldom at a number that means something else now.
const FIRST_REVISIONS: u64 = 1 << 20;
/// The key of the database that is there without being asked for.
pub const MAIN_DATABASE: &str = "main";

/// How a library begins: see [`Library::builder`].
pub struct Builder {
    name: String,
    databases: Vec<Opening>,
    /// By their numbers.
    sources: Vec<Arc<dyn Source>>,
    persist: Box<dyn Persist>,
    clock: Arc<dyn Clock>,
    grace: Duration,
    entropy: u64,
}

/// A database to be opened.
struct Opening {
    key: String,
    name: String,
    /// The sources whose songs are in it, by name and number.
    sources: Vec<(String, usize)>,
}

/// Why a library could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// What is stored cannot be loaded, or nothing can be stored.
    #[error(transparent)]
    Persist(#[from] PersistError),
    /// The store's thread cannot be started.
    #[error("the store's thread cannot be started: {0}")]
    Thread(std::io::Error),
    /// Two sources of one database have the same name.
    #[error("two sources are named {0}")]
    SameSource(String),
    /// Two databases have the same key.
    #[error("two databases have the key {0}")]
    SameDatabase(String),
    /// The library has had more databases than there are ids.
    #[error("no more databases can be added: every id has been given once")]
    IdsExhausted,
}

impl Builder {
    pub(crate) fn new(name: &str) -> Self {
        let main = Opening { key: MAIN_DATABASE.into(), name: name.into(), sources: Vec::new() };
        Self {
            name: name.into(),
            databases: vec![main],
            sources: Vec::new(),
            persist: Box::new(MemoryPersist::new()),
            clock: Arc::new(SystemClock),
            grace: GRACE,
            entropy: entropy(),
        }
    }

    /// Keeps the library here from one run to the next. Without it, it is forgotten.
    #[must_use]
    pub fn persist(mut self, persist: impl Persist) -> Self {
        self.persist = Box::new(persist);
        self
    }

    /// Adds a source to the database begun last. By its name (a folder's path, say) it is known again at
    /// the next start.
    #[must_use]
    pub fn source(mut self, name: &str, source: impl Source) -> Self {
        if let Some(database) = self.databases.last_mut() {
            database.sources.push((name.into(), self.sources.len()));
            self.sources.push(Arc::new(source));
        }
        self
    }

    /// Has the songs and playlists of the source added last in the first database as well, for players that show no
    /// other. There they have ids, play counts and ratings of their own. The source runs once, for both.
    #[must_use]
    pub fn also(mut self) -> Self {
        let last = self.databases.last().filter(|database| database.key != MAIN_DATABASE);
        let source = last.and_then(|database| database.sources.last()).cloned();
        let main = self.databases.iter_mut().find(|database| database.key == MAIN_DATABASE);
        if let Some(main) = main {
            main.sources.extend(source);
        }
        self
    }

    /// Begins another database beside the first, which has the library's name; the sources added from
    /// now on are in it. Its key is never shown; by it the database is known again at the next start. It has this name
    /// until a source [gives](Report::named) it another.
    #[must_use]
    pub fn database(mut self, key: &str, name: &str) -> Self {
        self.databases.push(Opening { key: key.into(), name: name.into(), sources: Vec::new() });
        self
    }

    /// Leaves out the first database, for a library whose sources are all in others. What is stored of it stays as long
    /// as what is stored of any source that is not shared.
    #[must_use]
    pub fn without_main(mut self) -> Self {
        self.databases.retain(|database| database.key != MAIN_DATABASE);
        self
    }

    /// Takes the time from this clock instead of the machine's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// For how long songs that cannot be reached stay listed; [`GRACE`] unless set.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets the random number from which the first revision and the persistent ids of new databases
    /// follow. With 0 the first revision is [`Revision::FIRST`]. For tests; by default it is random.
    #[must_use]
    pub fn entropy(mut self, entropy: u64) -> Self {
        self.entropy = entropy;
        self
    }

    /// Loads what is stored, then starts the sources. Must be called within a tokio runtime.
    pub async fn start(self) -> Result<Library, StartError> {
        self.check_names()?;
        let Self { name, databases, sources, persist, clock, grace, entropy } = self;
        let writer = Writer::spawn(persist).map_err(StartError::Thread)?;
        let routes = Arc::new(Routes::new(sources.clone()));
        let stage = Stage::new(&name, first_revision(entropy), Arc::clone(&routes));
        let loading = Loading {
            books: Books::default(),
            stage,
            databases,
            starred: sources.iter().map(|source| source.starred()).collect(),
            songs: Vec::new(),
            shown: 0,
            now: clock.now(),
        };
        let loaded = writer.run(move |persist| loading.load(persist, entropy)).await??;
        Ok(launch(loaded, sources, routes, writer, clock, grace))
    }

    fn check_names(&self) -> Result<(), StartError> {
        for (place, database) in self.databases.iter().enumerate() {
            if self.databases[..place].iter().any(|other| other.key == database.key) {
                return Err(StartError::SameDatabase(database.key.clone()));
            }
            let mut names: Vec<_> = database.sources.iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(StartError::SameSource(pair[0].clone()));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The library while it is loaded, on the store's thread.
struct Loading {
    books: Books,
    stage: Stage,
    databases: Vec<Opening>,
    /// Which playlist of each source is that of what is starred, by the source's number.
    starred: Vec<Option<SourceKey>>,
    /// Songs that are to be shown with the next chunk.
    songs: Vec<SongRow>,
    /// How many songs are shown.
    shown: usize,
    now: Timestamp,
}

/// The library when it is loaded.
struct Loaded {
    books: Books,
    stage: Stage,
    sources: Vec<RunningSource>,
}

impl Loading {
    fn load(mut self, persist: &mut dyn Persist, entropy: u64) -> Result<Loaded, StartError> {
        let next = self.enter_all(persist)?;
        self.books.go_on_at(next);
        let sources = self.open(entropy).map_err(|IdsExhausted| StartError::IdsExhausted)?;
        self.books.date_unshared(self.now);
        let Self { mut books, mut stage, now, .. } = self;
        let mut pending = books.take_pending();
        if !pending.rows.is_empty() {
            persist.save(&pending.rows)?;
        }
        let shared = books.shelves.iter().filter(|(_, shelf)| shelf.shared);
        let playlists =
            shared.flat_map(|(id, shelf)| shelf.playlists.keys().map(|key| (*id, key.clone())));
        pending.relist = playlists.collect();
        stage.show(&books, &pending, now);
        stage.show_house(&books.house, now);
        stage.forget_how();
        Ok(Loaded { books, stage, sources })
    }

    /// Takes in all that was saved in earlier runs. Reading goes on while what was read is entered.
    fn enter_all(&mut self, persist: &mut dyn Persist) -> Result<NextIds, PersistError> {
        let (chunks, read) = sync_channel::<Vec<Row>>(MAX_CHUNKS);
        thread::scope(|scope| {
            scope.spawn(move || {
                read.into_iter().flatten().for_each(|row| self.enter(row));
                self.show_songs();
            });
            let mut chunk = Vec::with_capacity(CHUNK);
            let next = persist.load(&mut |row| {
                chunk.push(row);
                if chunk.len() == CHUNK {
                    // It is taken unless entering has panicked, which the scope passes on.
                    let _ = chunks.send(mem::replace(&mut chunk, Vec::with_capacity(CHUNK)));
                }
            });
            let _ = chunks.send(chunk);
            drop(chunks);
            next
        })
    }

    /// Takes in a row that was saved in an earlier run.
    fn enter(&mut self, row: Row) {
        match row {
            Row::Database(row) => {
                if let Some(opening) = self.databases.iter().find(|opening| opening.key == row.key)
                {
                    self.stage.apply(|| vec![put_database(&row, &opening.name)], self.now);
                }
                self.books.databases.insert(row.id, row);
            }
            Row::Source(row) => {
                let number = self.number(&row);
                if let Some(number) = number {
                    self.stage.number(row.id, number);
                }
                self.books.enter_source(row, number.is_some());
            }
            Row::Song(row) => {
                if self.books.enter_song(&row).is_some_and(|shelf| shelf.shared) {
                    self.songs.push(*row);
                }
                if self.songs.len() >= SHOWN_AT_ONCE + self.shown / SHOWN_MORE_ONE_IN {
                    self.show_songs();
                }
            }
            Row::Playlist(row) => self.books.enter_playlist(row),
            Row::HousePlaylist(row) => self.books.enter_house_playlist(row),
        }
    }

    fn show_songs(&mut self) {
        let songs = mem::take(&mut self.songs);
        self.shown += songs.len();
        self.stage.show_loaded(&self.books, songs, self.now);
    }

    /// The number of a source that was saved; `None` if the library runs without it.
    fn number(&self, row: &SourceRow) -> Option<usize> {
        let key = &self.books.databases.get(&row.database)?.key;
        let database = self.databases.iter().find(|database| database.key == *key)?;
        let (_, number) = database.sources.iter().find(|(name, _)| *name == row.name)?;
        Some(*number)
    }

    /// Opens the databases and sources that the library runs with, new ones among them.
    fn open(&mut self, entropy: u64) -> Result<Vec<RunningSource>, IdsExhausted> {
        let mut sources: Vec<_> = self.starred.iter().map(|_| RunningSource::default()).collect();
        for (place, opening) in self.databases.iter().enumerate() {
            let persistent_id =
                BuildHasherDefault::<DefaultHasher>::new().hash_one((entropy, place));
            let row = self.books.open_database(&opening.key, PersistentId::new(persistent_id))?;
            self.stage.apply(|| vec![put_database(&row, &opening.name)], self.now);
            for (name, number) in &opening.sources {
                let id = self.books.open_source(&row, name, self.starred[*number].clone());
                self.stage.number(id, *number);
                sources[*number].shelves.push(id);
            }
        }
        Ok(sources)
    }
}

/// A random number.
pub(crate) fn entropy() -> u64 {
    RandomState::new().hash_one(())
}

/// The first revision of a run.
pub(crate) fn first_revision(entropy: u64) -> Revision {
    Revision::new(Revision::FIRST.get() + u32::try_from(entropy % FIRST_REVISIONS).unwrap_or(0))
}

/// A database, under the name that its source gave it, or else the program.
fn put_database(row: &DatabaseRow, name: &str) -> Edit {
    let name = row.name.clone().unwrap_or_else(|| name.into());
    Edit::PutDatabase { id: row.id, persistent_id: row.persistent_id, name }
}

/// Starts the librarian and the sources.
fn launch(
    loaded: Loaded,
    sources: Vec<Arc<dyn Source>>,
    routes: Arc<Routes>,
    writer: Writer,
    clock: Arc<dyn Clock>,
    grace: Duration,
) -> Library {
    let Loaded { books, stage, sources: running } = loaded;
    let databases = books.databases.values().map(|row| (row.key.clone(), row.id)).collect();
    let (events, reported) = mpsc::channel(MAX_EVENTS);
    let (edits, edited) = mpsc::channel(MAX_EDITS);
    let (snapshots, newest) = watch::channel(stage.snapshot());
    let (scans, scanning) = watch::channel(vec![ScanState::default(); sources.len()]);
    let (health, ailing) = watch::channel(Health::default());
    let (ready, is_ready) = watch::channel(false);
    let (ended, has_ended) = watch::channel(false);
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for (number, source) in sources.into_iter().enumerate() {
        let report = Report::new(number, events.clone(), scans.clone(), stopped.clone());
        tasks.spawn(run_source(number, source, report));
    }
    let librarian = Librarian {
        books,
        stage,
        writer: writer.clone(),
        sources: running,
        tasks,
        events: reported,
        edits: edited,
        stop: stop.clone(),
        ended,
        snapshots,
        health,
        ready,
        clock,
        grace_s: u32::try_from(grace.as_secs()).unwrap_or(u32::MAX),
        waiting: Waiting::default(),
        troubles: Troubles::default(),
    };
    tokio::spawn(librarian.run());
    let shared = Shared {
        databases,
        snapshots: newest,
        scans: scanning,
        health: ailing,
        ready: is_ready,
        stop,
        ended: has_ended,
        edits,
        routes,
        writer,
    };
    Library { shared: Arc::new(shared) }
}

/// Runs a source to its end, whatever end that is, and returns its number.
async fn run_source(number: usize, source: Arc<dyn Source>, report: Report) -> usize {
    let run = AssertUnwindSafe(source.run(report.clone())).catch_unwind().await;
    let problem = match run {
        Ok(Ok(())) => return number,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "a fault in the program ended the watch over a source".to_owned(),
    };
    tracing::error!("{problem}; what was found stays listed");
    report.scan(|scan| {
        scan.phase = ScanPhase::Failed;
        scan.problems.push(problem);
    });
    number
}
