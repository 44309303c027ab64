//! Threads that share a pile of jobs, where a job may add more.
//!
//! A job that computes wants a processor to itself; one that waits for a disk or a network is best begun together
//! with many others. Which it is shows in how long it takes: while jobs take long, threads are added, and
//! while they do not, the added ones leave.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

/// The most threads that share a pile.
const MOST_THREADS: usize = 32;
/// A job that takes this long is taken to wait: with the file in memory it takes a fraction of it.
const WAITING: Duration = Duration::from_millis(1);

/// Does all the jobs, last added first, and returns when none is left: on `threads` threads, and on more while
/// jobs wait. `job` is given a pile to add to. Once `stop` says so, jobs that have not begun are dropped.
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
    let threads = threads.max(1);
    let pile = Mutex::new(Pile { jobs, busy: 0, idle: 0, threads });
    let crew = Crew { name, least: threads, pile, changed: Condvar::new(), stop, job };
    thread::scope(|scope| {
        // The calling thread is one of them, so the work is done even where no thread can be had.
        for _ in 1..threads {
            crew.add(scope);
        }
        crew.work(scope, false);
    });
}

/// Those who share a pile.
struct Crew<'a, J, Stop, Job> {
    name: &'a str,
    /// The threads that stay to the end.
    least: usize,
    pile: Mutex<Pile<J>>,
    changed: Condvar,
    stop: Stop,
    job: Job,
}

/// The jobs that wait to be done.
struct Pile<J> {
    jobs: Vec<J>,
    /// Threads at work on a job, which might add more.
    busy: usize,
    /// Threads that wait for a job.
    idle: usize,
    /// Threads there are.
    threads: usize,
}

/// What a thread does after a job.
enum Next {
    GoOn,
    /// Go on with another thread's help.
    Add,
    /// End, as there are enough without it.
    Leave,
}

impl<J, Stop, Job> Crew<'_, J, Stop, Job>
where
    J: Send,
    Stop: Fn() -> bool + Sync,
    Job: Fn(J, &mut Vec<J>) + Sync,
{
    fn add<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        let thread = thread::Builder::new().name(self.name.to_owned());
        let _ = thread.spawn_scoped(scope, move || self.work(scope, true));
    }

    fn work<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, may_leave: bool) {
        let mut more = Vec::new();
        while let Some(next) = self.take() {
            let began = Instant::now();
            (self.job)(next, &mut more);
            match self.done(&mut more, began.elapsed() >= WAITING, may_leave) {
                Next::GoOn => {}
                Next::Add => self.add(scope),
                Next::Leave => return,
            }
        }
    }

    /// The next job; `None` when there will be no more.
    fn take(&self) -> Option<J> {
        let mut pile = self.pile();
        loop {
            if (self.stop)() {
                pile.jobs.clear();
            }
            if let Some(job) = pile.jobs.pop() {
                pile.busy += 1;
                return Some(job);
            }
            if pile.busy == 0 {
                return None;
            }
            pile.idle += 1;
            pile = self.changed.wait(pile).unwrap_or_else(PoisonError::into_inner);
            pile.idle -= 1;
        }
    }

    /// A job is done that has waited, or not.
    fn done(&self, more: &mut Vec<J>, waited: bool, may_leave: bool) -> Next {
        let mut pile = self.pile();
        pile.jobs.append(more);
        pile.busy -= 1;
        if pile.idle > 0 && (!pile.jobs.is_empty() || pile.busy == 0) {
            self.changed.notify_all();
        }
        let next = match waited {
            true if pile.jobs.len() > pile.idle && pile.threads < MOST_THREADS => Next::Add,
            false if may_leave && pile.threads > self.least => Next::Leave,
            _ => Next::GoOn,
        };
        match next {
            Next::Add => pile.threads += 1,
            Next::Leave => pile.threads -= 1,
            Next::GoOn => {}
        }
        next
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
    fn many_jobs_that_wait_are_begun_together() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let wait = |(), _: &mut Vec<()>| {
            most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            thread::sleep(5 * WAITING);
            running.fetch_sub(1, Ordering::Relaxed);
        };
        work("test", 2, vec![(); 400], || false, wait);
        let most = most.into_inner();
        assert!((MOST_THREADS / 2..=MOST_THREADS).contains(&most), "{most}");
    }
}
