//! Songs as an author gives them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use daap_model::{Custom, CustomValue, ItemId, NewItem, PersistentId, Text, Track, Usage};

use super::media::Media;
use crate::Artwork;

/// A song of a catalog, as its author sees and changes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Song {
    /// The facts about it. `has_artwork` is set for a song with a [`picture`](Self::picture); where a
    /// [`Provider`](crate::Provider) has one, the author says so here.
    pub track: Track,
    /// What listeners did with it.
    pub usage: Usage,
    /// Fields that [`Changes::define`](crate::Changes::define) defined.
    pub custom: Custom,
    /// Its sound; `None` if the catalog's [`Provider`](crate::Provider) opens it.
    pub sound: Option<Sound>,
    /// Its picture; `None` if the catalog's [`Provider`](crate::Provider) has it, or nobody.
    pub picture: Option<Picture>,
}

impl Song {
    /// What the model knows of it, and what it does not.
    pub(super) fn into_parts(
        self,
        id: ItemId,
        persistent_id: PersistentId,
    ) -> (NewItem, Option<Arc<Media>>) {
        let Self { mut track, usage, custom, sound, picture } = self;
        track.has_artwork |= picture.is_some();
        let media = (sound.is_some() || picture.is_some()).then(|| Media { sound, picture });
        (NewItem { id, persistent_id, track, usage, custom }, media.map(Arc::new))
    }
}

/// The sound of a song, known when the song is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound {
    /// A file, opened each time it is played.
    File(PathBuf),
    /// These bytes.
    Bytes(Bytes),
}

/// The picture of a song, known when the song is. Clients get it in the size it has.
#[derive(Clone, Debug, PartialEq)]
pub enum Picture {
    /// A JPEG or PNG file, read each time it is shown.
    File(PathBuf),
    /// This picture.
    Artwork(Artwork),
}

/// A song to be added: the song, and ids if the author chooses them.
///
/// ```
/// use daap_model::Track;
/// use library::NewSong;
///
/// let jet = NewSong::new(Track { artist: "Wings".into(), ..Track::default() }).file("/music/Jet.mp3");
/// assert_eq!(&*jet.song.track.title, "Jet");
/// assert_eq!(&*jet.song.track.format, "mp3");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewSong {
    /// Its row id; `None` for one from the catalog. It must never have been that of another song. The catalog
    /// gives only ids above all that were chosen, so choose low ones if it is to give any.
    pub id: Option<ItemId>,
    /// Its persistent id; `None` for one that follows from those of database and song. It must never have
    /// been that of another song, in any run of the program: players remember songs by it.
    pub persistent_id: Option<PersistentId>,
    /// The song.
    pub song: Song,
}

impl NewSong {
    /// A song with these facts, opened by the catalog's [`Provider`](crate::Provider) unless its sound is given.
    #[must_use]
    pub fn new(track: Track) -> Self {
        Self { song: Song { track, ..Song::default() }, ..Self::default() }
    }

    /// Chooses its row id: see [`id`](Self::id).
    #[must_use]
    pub fn id(self, id: ItemId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Chooses its persistent id: see [`persistent_id`](Self::persistent_id).
    #[must_use]
    pub fn persistent_id(self, id: PersistentId) -> Self {
        Self { persistent_id: Some(id), ..self }
    }

    /// Its sound is in a file. Title, format and size come from the file, as far as the track does not say; if it
    /// is not there yet, the size stays unknown until somebody says it. What is in it is not looked at.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let track = &mut self.song.track;
        if track.title.is_empty() {
            track.title = text(path.file_stem());
        }
        if track.format.is_empty() {
            track.format = text(path.extension()).to_ascii_lowercase().into();
        }
        if track.size == 0 {
            track.size = std::fs::metadata(&path).map_or(0, |file| file.len());
        }
        self.song.sound = Some(Sound::File(path));
        self
    }

    /// Its sound is these bytes. The track's size is set from them.
    #[must_use]
    pub fn bytes(mut self, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        self.song.track.size = bytes.len() as u64;
        self.song.sound = Some(Sound::Bytes(bytes));
        self
    }

    /// Its picture.
    #[must_use]
    pub fn artwork(mut self, artwork: Artwork) -> Self {
        self.song.picture = Some(Picture::Artwork(artwork));
        self
    }

    /// Its picture is in a JPEG or PNG file.
    #[must_use]
    pub fn artwork_file(mut self, path: impl AsRef<Path>) -> Self {
        self.song.picture = Some(Picture::File(path.as_ref().into()));
        self
    }

    /// What listeners did with it so far.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.song.usage = usage;
        self
    }

    /// Gives it a custom field.
    #[must_use]
    pub fn custom(mut self, code: [u8; 4], value: impl Into<CustomValue>) -> Self {
        self.song.custom.set(code, value);
        self
    }
}

impl From<Track> for NewSong {
    fn from(track: Track) -> Self {
        Self::new(track)
    }
}

impl From<Song> for NewSong {
    fn from(song: Song) -> Self {
        Self { song, ..Self::default() }
    }
}

fn text(part: Option<&std::ffi::OsStr>) -> Text {
    part.map(|part| part.to_string_lossy().into_owned().into()).unwrap_or_default()
}
