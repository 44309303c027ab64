//! A few threads that share a pile of jobs, where a job may add more.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// The jobs that wait, and how many threads are at work on one and might add more.
struct Pile<J> {
    state: Mutex<(Vec<J>, usize)>,
    changed: Condvar,
}

/// Does all the jobs on `threads` threads, last added first, and returns when none is left. `job` is given a
/// pile to add to. Once `stop` says so, jobs that have not begun are dropped.
pub(crate) fn work<J: Send>(
    name: &str,
    threads: usize,
    jobs: Vec<J>,
    stop: impl Fn() -> bool + Sync,
    job: impl Fn(J, &mut Vec<J>) + Sync,
) {
    if jobs.is_empty() {
        return;
    }
    let pile = Pile { state: Mutex::new((jobs, 0)), changed: Condvar::new() };
    let run = || {
        let mut more = Vec::new();
        while let Some(next) = pile.take(&stop) {
            job(next, &mut more);
            pile.done(&mut more);
        }
    };
    thread::scope(|scope| {
        // The calling thread is one of them, so the work is done even where no thread can be had.
        for _ in 1..threads {
            let _ = thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run);
        }
        run();
    });
}

impl<J> Pile<J> {
    /// The next job; `None` when there will be no more.
    fn take(&self, stop: impl Fn() -> bool) -> Option<J> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if stop() {
                state.0.clear();
            }
            if let Some(job) = state.0.pop() {
                state.1 += 1;
                return Some(job);
            }
            if state.1 == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, more: &mut Vec<J>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = !more.is_empty() || state.1 == 1;
        state.0.append(more);
        state.1 -= 1;
        drop(state);
        if is_news {
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn jobs_that_jobs_add_are_done_too() {
        let done = AtomicUsize::new(0);
        work(
            "test",
            4,
            vec![3, 3, 3],
            || false,
            |depth, more| {
                done.fetch_add(1, Ordering::Relaxed);
                if depth > 0 {
                    more.extend([depth - 1; 2]);
                }
            },
        );
        assert_eq!(done.into_inner(), 3 * 15);
    }

    #[test]
    fn jobs_are_dropped_when_it_is_asked() {
        let done = AtomicUsize::new(0);
        work(
            "test",
            2,
            vec![(); 1000],
            || done.load(Ordering::Relaxed) >= 10,
            |(), _| {
                done.fetch_add(1, Ordering::Relaxed);
            },
        );
        assert!(done.into_inner() < 20);
    }
}
