//! The one thread that talks to the [`Persist`].

use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::persist::{Persist, PersistError};

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
    pub(crate) fn spawn(mut persist: Box<dyn Persist>) -> std::io::Result<Self> {
        let (jobs, mut orders) = mpsc::channel(MAX_WAITING_JOBS);
        thread::Builder::new().name("store".into()).spawn(move || {
            while let Some(order) = orders.blocking_recv() {
                match order {
                    Order::Do(job) => job(&mut *persist),
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

fn ended() -> PersistError {
    PersistError {
        what: "the library's store no longer runs".into(),
        remedy: "start the program again".into(),
        cause: None,
    }
}
