//! What programs can learn of a server while it serves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::Duration;

use daap_model::{DatabaseId, ItemId, Revision};
use library::{Edited, PlaylistEdit};

use crate::session::SessionInfo;

/// Something that happened in a server. See [`Builder::observe`](crate::Builder::observe).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A client has logged in.
    SessionOpened(SessionInfo),
    /// A session is over. Songs that it was being sent go on, and are reported when they end.
    SessionClosed {
        /// The session, as it was at its end.
        session: SessionInfo,
        /// Why it ended.
        why: Ending,
    },
    /// The library is at a new revision, of which waiting clients are told. When several come in quick
    /// succession only the last is reported.
    Published(Revision),
    /// The sound of a song was sent. A player that seeks asks for a song in several parts, and each is
    /// reported.
    SongSent(Delivery),
    /// The picture of a song was sent.
    ArtworkSent(Delivery),
    /// A client has changed a playlist.
    PlaylistEdited {
        /// The number of its session.
        session: u64,
        /// The change.
        edit: PlaylistEdit,
        /// What came of it.
        edited: Edited,
    },
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// The client has logged out.
    LoggedOut,
    /// Nobody used it for [`Limits::sessions_idle`](crate::Limits::sessions_idle).
    Expired,
    /// It was a Remote's, whose pairing was revoked.
    Unpaired,
    /// There was no room for another, and this one could be missed most.
    MadeRoom,
    /// The server has stopped.
    ServerStopped,
}

/// Bytes of a song or of its picture that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The number of the session. Players fetch songs without naming one; where the gate asks for something, it is
    /// then the one that was used last from the same address.
    pub session: Option<u64>,
    /// The database.
    pub database: DatabaseId,
    /// The song.
    pub item: ItemId,
    /// From which byte on it was asked for.
    pub from: u64,
    /// How many bytes were handed to the connection.
    pub bytes: u64,
    /// How many bytes all of it has, in the form in which it was sent; `None` if nobody knew beforehand.
    pub size: Option<u64>,
    /// How long that took. A player that takes its time makes it last, but what the systems on the way hold for it is
    /// counted as sent.
    pub took: Duration,
    /// Whether those were all that the client had asked for. If not, the client has left, or the share could
    /// not give the rest.
    pub whole: bool,
}

type Observe = dyn Fn(&Event) + Send + Sync;

/// Those who want to know.
#[derive(Default)]
pub(crate) struct Observers(Vec<Observer>);

struct Observer {
    observe: Box<Observe>,
    /// Whether the log has told that it panics: once is enough.
    told: Once,
}

impl Observers {
    pub(crate) fn add(&mut self, observe: impl Fn(&Event) + Send + Sync + 'static) {
        self.0.push(Observer { observe: Box::new(observe), told: Once::new() });
    }

    /// Tells all. To be called without a lock in hand: what they do is their own affair.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        if self.0.is_empty() {
            return;
        }
        let event = event();
        for observer in &self.0 {
            if catch_unwind(AssertUnwindSafe(|| (observer.observe)(&event))).is_err() {
                observer.told.call_once(|| {
                    tracing::error!("an observer of the server panicked; this is said only once");
                });
            }
        }
    }
}

impl std::fmt::Debug for Observers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Observers({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn an_observer_that_panics_keeps_nobody_from_being_told() {
        let told = Arc::new(AtomicU32::new(0));
        let mut observers = Observers::default();
        observers.add(|_| panic!("a bug that a test has put here"));
        let count = Arc::clone(&told);
        observers.add(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        for _ in 0..3 {
            observers.tell(|| Event::Published(Revision::FIRST));
        }
        assert_eq!(told.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn nothing_is_made_for_nobody() {
        Observers::default().tell(|| unreachable!("nobody listens"));
    }
}
