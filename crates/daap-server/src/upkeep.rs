//! What a server does without being asked: it reports new revisions, and ends sessions and forgets listings that
//! nobody uses.

use std::sync::{Arc, Weak};
use std::time::Duration;

use daap_model::Snapshot;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::event::Event;
use crate::service::Core;

/// How often sessions and kept listings are looked through. A session that is asked for after its end is found at once.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Begins it. It ends when the server stops or is dropped.
pub(crate) fn start(core: &Arc<Core>) {
    let mut snapshots = core.snapshots.clone();
    // What was there before the server is no news.
    snapshots.mark_unchanged();
    tokio::spawn(run(Arc::downgrade(core), snapshots, core.stopping.clone()));
}

async fn run(
    core: Weak<Core>,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    stopping: CancellationToken,
) {
    let mut pace = tokio::time::interval(SWEEP_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut share_goes_on = true;
    loop {
        let changed = tokio::select! {
            () = stopping.cancelled() => return,
            _ = pace.tick() => None,
            changed = snapshots.changed(), if share_goes_on => Some(changed),
        };
        let Some(core) = core.upgrade() else { return };
        match changed {
            None => {
                core.permit.sessions.sweep();
                core.lists.forget_unused();
            }
            Some(Ok(())) => {
                let revision = snapshots.borrow_and_update().revision();
                core.observers.tell(|| Event::Published(revision));
            }
            Some(Err(_)) => share_goes_on = false,
        }
    }
}
