//! What becomes of the songs that are played, told to the library: play counts, skips, bookmarks.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use daap_model::Timestamp;
use daap_server::{Delivery, Event};
use library::{EditError, Library};
use player::{Heard, Song};
use tokio::sync::mpsc;

use super::listeners::{Listeners, Sent};
use super::songs::{is_bookmarked, item};
use crate::time::now_s;

/// Songs that wait to be counted at most; of more, it is not kept that they were played.
const MAX_UNCOUNTED: usize = 256;

/// Has the library note what becomes of a song.
pub(crate) async fn note(library: &Library, heard: Heard) {
    if let Err(error) = try_to_note(library, heard).await {
        tracing::warn!("how often a song was played is not kept: {error}");
    }
}

async fn try_to_note(library: &Library, heard: Heard) -> Result<(), EditError> {
    let now = Timestamp::from_unix(i64::try_from(now_s()).unwrap_or(i64::MAX));
    let (song, at_ms) = match heard {
        Heard::Started(song) => {
            library.started(song.database, song.item);
            return Ok(());
        }
        Heard::Played(song) => {
            library.played(song.database, song.item, now).await?;
            (song, 0)
        }
        Heard::Skipped(song) => return library.skipped(song.database, song.item, now).await,
        Heard::Left { song, at } => (song, u32::try_from(at.as_millis()).unwrap_or(u32::MAX)),
        // The player has said so in the log.
        _ => return Ok(()),
    };
    match item(library, song, |item| is_bookmarked(item) && item.usage.bookmark_ms != at_ms) {
        Some(true) => library.bookmark(song.database, song.item, at_ms).await,
        _ => Ok(()),
    }
}

/// Has the library count the songs that players on other machines played to their end, as their server observes it. Must
/// be called within a tokio runtime.
pub(crate) fn count_streams(library: Library) -> impl Fn(&Event) + Send + Sync + 'static {
    let (count, mut to_count) = mpsc::channel(MAX_UNCOUNTED);
    let counted = library.clone();
    tokio::spawn(async move {
        while let Some(song) = to_count.recv().await {
            note(&counted, Heard::Played(song)).await;
        }
    });
    let (listeners, start) = (Mutex::new(Listeners::default()), Instant::now());
    move |event| {
        let Event::SongSent(delivery) = event else { return };
        let Some(sent) = sent(&library, delivery, start.elapsed()) else { return };
        // Held for a short step.
        let played = listeners.lock().unwrap_or_else(PoisonError::into_inner).take_in(&sent);
        for song in played {
            if count.try_send(song).is_err() {
                tracing::warn!("songs are played faster than can be kept; one is not counted");
            }
        }
    }
}

/// What a delivery that ended at this moment was of its song; `None` if the song is gone, or nothing was sent.
fn sent(library: &Library, delivery: &Delivery, ended: Duration) -> Option<Sent> {
    let Delivery { session, from, bytes, size, took, whole, .. } = *delivery;
    let song = Song::new(delivery.database, delivery.item);
    let lasts_ms = item(library, song, |item| item.track.duration_ms)?;
    // Of a song whose size nobody knew, all was sent or nobody knows how much.
    let size = size.or(whole.then_some(bytes)).filter(|size| *size > 0)?;
    let place = |byte: u64| byte as f64 / size as f64;
    Some(Sent {
        session,
        song,
        lasts: Duration::from_millis(lasts_ms.into()),
        began: ended.saturating_sub(took),
        ended,
        from: place(from),
        to: place(from.saturating_add(bytes)),
    })
}
