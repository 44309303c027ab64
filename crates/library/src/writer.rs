//! The one thread that talks to the [`Persist`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::persist::{NextIds, Persist, PersistError, Row, Transaction};

/// Jobs that wait for the thread at most; whoever brings one more waits.
const MAX_WAITING_JOBS: usize = 64;

type Job = Box<dyn FnOnce(&mut dyn Persist) + Send>;

/// A way to the thread. It ends when it is closed, or when nobody has a way to it any more.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Order>,
}

enum Order {
    Do(Job),
    Close(oneshot::Sender<Result<(), PersistError>>),
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn spawn(persist: Box<dyn Persist>) -> std::io::Result<Self> {
        let mut persist = Guarded(persist);
        let (jobs, mut orders) = mpsc::channel(MAX_WAITING_JOBS);
        thread::Builder::new().name("store".into()).spawn(move || {
            while let Some(order) = orders.blocking_recv() {
                match order {
                    Order::Do(job) => job(&mut persist),
                    Order::Close(answer) => {
                        let closed = persist.close();
                        // Whoever is told that it is closed may open it again.
                        drop(persist);
                        // Whoever no longer waits for the answer does not need it.
                        let _ = answer.send(closed);
                        break;
                    }
                }
            }
        })?;
        Ok(Self { jobs })
    }

    /// Runs a job on the thread.
    pub(crate) async fn run<T, F>(&self, job: F) -> Result<T, PersistError>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Persist) -> T + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move |persist| {
            let _ = answer.send(job(persist));
        });
        self.jobs.send(Order::Do(job)).await.map_err(|_| ended())?;
        result.await.map_err(|_| ended())
    }

    /// Has everything put in order and ends the thread.
    pub(crate) async fn close(&self) -> Result<(), PersistError> {
        let (answer, result) = oneshot::channel();
        self.jobs.send(Order::Close(answer)).await.map_err(|_| ended())?;
        result.await.map_err(|_| ended())?
    }
}

/// A [`Persist`] whose panics are errors like others: what was to be saved is tried again.
struct Guarded(Box<dyn Persist>);

impl Guarded {
    fn call<T>(
        &mut self,
        call: impl FnOnce(&mut dyn Persist) -> Result<T, PersistError>,
    ) -> Result<T, PersistError> {
        // What a call has left behind that was broken off is the store's affair, as after an error.
        let called = catch_unwind(AssertUnwindSafe(|| call(&mut *self.0)));
        called.unwrap_or_else(|_| Err(panicked()))
    }
}

impl Persist for Guarded {
    fn load(&mut self, each: &mut dyn FnMut(Row)) -> Result<NextIds, PersistError> {
        self.call(|persist| persist.load(each))
    }

    fn save(&mut self, transaction: &Transaction) -> Result<(), PersistError> {
        self.call(|persist| persist.save(transaction))
    }

    fn setting(&mut self, name: &str) -> Result<Option<String>, PersistError> {
        self.call(|persist| persist.setting(name))
    }

    fn set_setting(&mut self, name: &str, value: Option<&str>) -> Result<(), PersistError> {
        self.call(|persist| persist.set_setting(name, value))
    }

    fn close(&mut self) -> Result<(), PersistError> {
        self.call(|persist| persist.close())
    }
}

fn panicked() -> PersistError {
    PersistError {
        what: "the library's store panicked".into(),
        remedy: "see what it printed, and tell who made it".into(),
        cause: None,
    }
}

fn ended() -> PersistError {
    PersistError {
        what: "the library's store no longer runs".into(),
        remedy: "start the program again".into(),
        cause: None,
    }
}
