//! What became of the songs that were played, told to the library: play counts, skips, bookmarks.

use daap_model::Timestamp;
use library::{EditError, Library};
use player::Heard;

use super::songs::{is_bookmarked, item};
use crate::time::now_s;

/// Has the library note what became of a song.
pub(crate) async fn note(library: &Library, heard: Heard) {
    if let Err(error) = try_to_note(library, heard).await {
        tracing::warn!("how often a song was played is not kept: {error}");
    }
}

async fn try_to_note(library: &Library, heard: Heard) -> Result<(), EditError> {
    let now = Timestamp::from_unix(i64::try_from(now_s()).unwrap_or(i64::MAX));
    let (song, at_ms) = match heard {
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
