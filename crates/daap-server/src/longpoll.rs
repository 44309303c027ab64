//! `/update`: waiting for news.
//!
//! A client says which revision it has. If the library is at another one, it is told at once; if not, the
//! request is held until the library is past it, for as long as that takes. It is never told the number
//! it has: iTunes 10.5 and later drop the connection on that. What is waited for is a state of the
//! library, so a change between two polls is never missed.

use std::sync::Arc;

use daap_model::{Revision, Snapshot};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::session::Activity;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The library is at this revision, which is not the client's.
    Revision(Revision),
    /// The session is over: the client logged out.
    LoggedOut,
    /// The server is shutting down, or the share has ended.
    Stopping,
}

/// What to tell a client that has revision `seen`, if that can be said at once.
pub(crate) fn at_once(
    snapshots: &watch::Receiver<Arc<Snapshot>>,
    seen: Option<Revision>,
) -> Option<News> {
    let now = snapshots.borrow().revision();
    (seen != Some(now)).then_some(News::Revision(now))
}

/// Waits until there is something to tell.
pub(crate) async fn wait(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    seen: Revision,
    session: &Activity,
    stopping: &CancellationToken,
) -> News {
    tokio::select! {
        biased;
        () = stopping.cancelled() => News::Stopping,
        () = session.ended() => News::LoggedOut,
        newer = past(&mut snapshots, seen) => newer.map_or(News::Stopping, News::Revision),
    }
}

/// The first revision past `seen`; `None` when the share ends.
async fn past(snapshots: &mut watch::Receiver<Arc<Snapshot>>, seen: Revision) -> Option<Revision> {
    let newer = snapshots.wait_for(|now| now.revision() > seen).await.ok()?;
    Some(newer.revision())
}
