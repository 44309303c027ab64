//! Requests that are held until there is news: `/update` for the library, `playstatusupdate` for the player.
//!
//! A client says which revision it has. If there is another one, it is told at once; if not, the request is held until
//! there is, for as long as that takes. Of the library it is never told the number it has: iTunes 10.5 and later drop
//! the connection on that. What is waited for is a state, so a change between two polls is never missed.

use std::sync::Arc;

use daap_model::{Revision, Snapshot};
use tokio::sync::watch;

use crate::answer::{self, Answer};
use crate::peer::Peer;
use crate::permit::Refusal;
use crate::service::{Core, STOPPING};
use crate::session::Activity;

impl Core {
    /// Holds a request until `news` is a revision; `None` is an end of what there could be news of. Otherwise says how
    /// the request is to be answered: there are too many, the client logged out, the server is shutting down.
    pub(crate) async fn hold(
        &self,
        news: impl Future<Output = Option<Revision>>,
        session: Activity,
        peer: Peer,
    ) -> Result<Revision, Answer> {
        let Some(_held) = self.polls.take_for(peer) else {
            return Err(answer::busy("too many requests are held"));
        };
        let session = session.waiting();
        let news = tokio::select! {
            biased;
            () = self.stopping.cancelled() => None,
            () = session.ended() => return Err(answer::refused(&Refusal::NoSession)),
            news = news => news,
        };
        news.ok_or_else(|| answer::busy(STOPPING))
    }
}

/// The library's first revision past `seen`; `None` when the share ends.
pub(crate) async fn past(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    seen: Revision,
) -> Option<Revision> {
    let newer = snapshots.wait_for(|now| now.revision() > seen).await.ok()?;
    Some(newer.revision())
}

/// The player's first revision that is not `seen`, which can be any number after a restart; `None` when the player
/// ends. `changes` were listened to before `now` was last asked.
pub(crate) async fn other(
    mut changes: watch::Receiver<Revision>,
    seen: Revision,
    now: impl Fn() -> Revision,
) -> Option<Revision> {
    loop {
        changes.changed().await.ok()?;
        // A player may say that it changes a moment after what it shows has changed.
        let now = now();
        if now != seen {
            return Some(now);
        }
    }
}
