//! The player's songs: those of the library.

use std::time::Duration;

use audio::Gain;
use daap_model::{DatabaseId, Item, ItemId, Levels, MediaKind};
use library::{Library, OpenError, SongReader};
use player::{Opened, Song, Songs};
use tokio::runtime::Handle;

use crate::config::ReplayGain;

/// The songs of a library.
pub(crate) struct LibrarySongs {
    library: Library,
    replay_gain: ReplayGain,
    runtime: Handle,
}

impl LibrarySongs {
    /// Those of this library, whose sources are asked in the runtime that this is called in.
    pub(crate) fn new(library: Library, replay_gain: ReplayGain) -> Self {
        Self { library, replay_gain, runtime: Handle::current() }
    }
}

impl Songs for LibrarySongs {
    fn open(&self, song: Song) -> Result<Opened, OpenError> {
        let reader = self.runtime.block_on(reader(&self.library, song.database, song.item))?;
        let length = reader.length();
        let said = |item: &Item| (bookmark(item), gain(item.levels(), self.replay_gain));
        let (bookmark, gain) = item(&self.library, song, said).unwrap_or_default();
        Ok(Opened { bookmark, gain, ..Opened::new(reader, length) })
    }

    fn has(&self, song: Song) -> bool {
        item(&self.library, song, |_| ()).is_some()
    }
}

/// The bytes of a song of a library.
pub(crate) async fn reader(
    library: &Library,
    database: DatabaseId,
    item: ItemId,
) -> Result<SongReader, OpenError> {
    let library = library.clone();
    let open = move || {
        let library = library.clone();
        Box::pin(async move { library.open(database, item).await }) as _
    };
    SongReader::open(open).await
}

/// What there is to say of a song, if the library has it.
pub(super) fn item<T>(library: &Library, song: Song, say: impl FnOnce(&Item) -> T) -> Option<T> {
    library.snapshot().database(song.database)?.items().find(song.item).map(|item| say(item))
}

/// Whether one goes on with it where it was left.
pub(super) fn is_bookmarked(item: &Item) -> bool {
    matches!(item.track.media_kind, MediaKind::Podcast | MediaKind::Audiobook)
}

fn bookmark(item: &Item) -> Duration {
    let at_ms = if is_bookmarked(item) { item.usage.bookmark_ms } else { 0 };
    Duration::from_millis(at_ms.into())
}

/// What makes a song as loud as is wanted. Where nothing is said of its album, the song is one of its own.
fn gain(levels: Levels, wanted: ReplayGain) -> Option<Gain> {
    let level = match wanted {
        ReplayGain::Off => None,
        ReplayGain::Song => levels.song,
        ReplayGain::Album => levels.album.or(levels.song),
    };
    level.map(|level| Gain { db: level.db(), peak: level.peak() })
}

#[cfg(test)]
mod tests {
    use daap_model::Level;

    use super::*;

    #[test]
    fn a_song_is_as_loud_as_is_wanted() {
        let level = |db| Level::new(db, Some(0.5));
        let levels = Levels { song: level(-3.0), album: level(-6.0) };
        let db = |levels, wanted| gain(levels, wanted).map(|gain| gain.db);
        assert_eq!(db(levels, ReplayGain::Off), None);
        assert_eq!(db(levels, ReplayGain::Song), Some(-3.0));
        assert_eq!(db(levels, ReplayGain::Album), Some(-6.0));
        let single = Levels { album: None, ..levels };
        assert_eq!(db(single, ReplayGain::Album), Some(-3.0));
        assert_eq!(db(Levels::default(), ReplayGain::Album), None);
    }
}
