//! What is noted of songs and pictures while they are sent.

use std::sync::Arc;

use daap_model::{DatabaseId, ItemId};

use crate::event::{Delivery, Event, Observers};
use crate::session::Activity;

/// What is sent of a song.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Sound,
    Artwork,
}

/// Follows the bytes of one song or picture to their end, which is when it is dropped.
#[derive(Debug)]
pub(crate) struct Delivering {
    part: Part,
    /// The session is not idle while its song plays.
    session: Option<Activity>,
    observers: Arc<Observers>,
    delivery: Delivery,
    /// Whether anything was asked of the body. Of the answer to a HEAD request nothing is.
    begun: bool,
}

impl Delivering {
    pub(crate) fn new(
        part: Part,
        database: DatabaseId,
        item: ItemId,
        session: Option<Activity>,
        observers: Arc<Observers>,
    ) -> Self {
        let number = session.as_ref().map(Activity::number);
        let delivery = Delivery { session: number, database, item, bytes: 0, whole: false };
        let session = match part {
            Part::Sound => session.map(Activity::streaming),
            Part::Artwork => session,
        };
        Self { part, session, observers, delivery, begun: false }
    }

    /// Bytes are asked for.
    pub(crate) fn begin(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
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
        if !self.begun {
            return;
        }
        let delivery = self.delivery;
        self.observers.tell(|| match self.part {
            Part::Sound => Event::SongSent(delivery),
            Part::Artwork => Event::ArtworkSent(delivery),
        });
    }
}
