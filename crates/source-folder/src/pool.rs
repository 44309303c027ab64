//! Threads that share a pile of jobs, where a job may add more.
//!
//! Jobs that compute want a processor each; jobs that wait for a disk or a network are best begun many at once. Which
//! it is shows in how long they take: each that takes long makes room for one more, each that does not takes it back.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

/// The most jobs that are done at once.
const MOST_THREADS: usize = 32;
/// A job that takes this long is taken to wait: with the file in memory it takes a small part of it.
const WAITING: Duration = Duration::from_millis(1);

/// Does all the jobs, last added first, and returns when none is left: `threads` at once, and more while jobs wait.
/// `job` is given a pile to add to. Once `stop` says so, jobs that have not begun are dropped.
pub(crate) fn work<J: Send>(
    name: &str,
    threads: usize,
    jobs: Vec<J>,
    stop: impl Fn() -> bool + Sync,
    job: impl Fn(J, &mut Vec<J>) + Sync,
) {
    let room = threads.clamp(1, MOST_THREADS);
    let pile = Mutex::new(Pile { jobs, threads: 1, busy: 0, idle: 0, room });
    let crew = Crew { name, least: room, pile, changed: Condvar::new(), stop, job };
    // The calling thread is one of them, so the work is done even where no other can be had.
    thread::scope(|scope| crew.work(scope));
}

/// Those who share a pile.
struct Crew<'a, J, Stop, Job> {
    name: &'a str,
    /// How much room there is at least.
    least: usize,
    pile: Mutex<Pile<J>>,
    changed: Condvar,
    stop: Stop,
    job: Job,
}

/// The jobs that have not begun, and who could do them.
struct Pile<J> {
    jobs: Vec<J>,
    /// Threads there are.
    threads: usize,
    /// Threads at work on a job, which might add more.
    busy: usize,
    /// Threads that wait for a job, or for room.
    idle: usize,
    /// How many threads may be busy.
    room: usize,
}

impl<J, Stop, Job> Crew<'_, J, Stop, Job>
where
    J: Send,
    Stop: Fn() -> bool + Sync,
    Job: Fn(J, &mut Vec<J>) + Sync,
{
    /// What each thread does.
    fn work<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        let mut more = Vec::new();
        while let Some(job) = self.take(scope) {
            let began = Instant::now();
            (self.job)(job, &mut more);
            self.done(&mut more, began.elapsed() >= WAITING);
        }
    }

    /// The next job; `None` when there will be no more.
    fn take<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) -> Option<J> {
        let mut pile = self.pile();
        loop {
            if (self.stop)() {
                pile.jobs.clear();
            }
            if pile.busy < pile.room
                && let Some(job) = pile.jobs.pop()
            {
                pile.busy += 1;
                self.call_another(&mut pile, scope);
                return Some(job);
            }
            if pile.jobs.is_empty() && pile.busy == 0 {
                self.changed.notify_all();
                return None;
            }
            pile.idle += 1;
            pile = self.changed.wait(pile).unwrap_or_else(PoisonError::into_inner);
            pile.idle -= 1;
        }
    }

    /// Has one more thread at work if there is room and a job for it. It then calls the next.
    fn call_another<'scope>(&'scope self, pile: &mut Pile<J>, scope: &'scope Scope<'scope, '_>) {
        if pile.jobs.is_empty() || pile.busy == pile.room {
            return;
        }
        if pile.idle > 0 {
            self.changed.notify_one();
        } else if pile.threads < pile.room {
            let thread = thread::Builder::new().name(self.name.to_owned());
            pile.threads += usize::from(thread.spawn_scoped(scope, || self.work(scope)).is_ok());
        }
    }

    fn done(&self, more: &mut Vec<J>, waited: bool) {
        let mut pile = self.pile();
        pile.jobs.append(more);
        pile.busy -= 1;
        pile.room = match waited {
            true => MOST_THREADS.min(pile.room + 1),
            false => self.least.max(pile.room - 1),
        };
    }

    fn pile(&self) -> MutexGuard<'_, Pile<J>> {
        self.pile.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn many_jobs_that_wait_are_done_at_once_and_never_more_than_allowed() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let wait = |(), _: &mut Vec<()>| {
            most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            thread::sleep(2 * WAITING);
            running.fetch_sub(1, Ordering::Relaxed);
        };
        work("test", 2, vec![(); 400], || false, wait);
        let most = most.into_inner();
        assert!((MOST_THREADS / 2..=MOST_THREADS).contains(&most), "{most}");
    }
}
