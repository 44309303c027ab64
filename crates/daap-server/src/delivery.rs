//! What is noted of songs and pictures while they are sent.

use std::sync::Arc;
use std::time::Duration;

use daap_model::{DatabaseId, ItemId};
use tokio::time::Instant;

use crate::event::{Delivery, Event, Observers};
use crate::session::Activity;

/// What is sent of a song.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Sound,
    Artwork,
}

/// Where in a song the bytes of an answer are. Goes with the answer, as an extension.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) from: u64,
    /// Of the whole song.
    pub(crate) size: Option<u64>,
}

/// Follows the bytes of one song or picture to their end, which is when it is dropped.
#[derive(Debug)]
pub(crate) struct Delivering {
    part: Part,
    /// The session is not idle while its song plays.
    session: Option<Activity>,
    observers: Arc<Observers>,
    delivery: Delivery,
    /// When anything was first asked of the body. Of the answer to a HEAD request nothing is.
    begun: Option<Instant>,
}

impl Delivering {
    pub(crate) fn new(
        part: Part,
        database: DatabaseId,
        item: ItemId,
        span: Span,
        session: Option<Activity>,
        observers: Arc<Observers>,
    ) -> Self {
        let number = session.as_ref().map(Activity::number);
        let Span { from, size } = span;
        let (bytes, took, whole) = (0, Duration::ZERO, false);
        let delivery = Delivery { session: number, database, item, from, bytes, size, took, whole };
        let session = match part {
            Part::Sound => session.map(Activity::streaming),
            Part::Artwork => session,
        };
        Self { part, session, observers, delivery, begun: None }
    }

    /// Bytes are asked for.
    pub(crate) fn begin(&mut self) {
        if self.begun.is_some() {
            return;
        }
        self.begun = Some(Instant::now());
        if let Some(session) = &self.session {
            session.serves(self.part);
        }
    }

    /// So many more bytes are on their way.
    pub(crate) fn sent(&mut self, bytes: u64) {
        self.delivery.bytes += bytes;
        if let Some(session) = &self.session {
            session.sent(bytes);
        }
    }

    /// There is no more to send.
    pub(crate) fn complete(&mut self) {
        self.delivery.whole = true;
    }
}

impl Drop for Delivering {
    fn drop(&mut self) {
        let Some(begun) = self.begun else { return };
        let delivery = Delivery { took: begun.elapsed(), ..self.delivery };
        self.observers.tell(|| match self.part {
            Part::Sound => Event::SongSent(delivery),
            Part::Artwork => Event::ArtworkSent(delivery),
        });
    }
}
