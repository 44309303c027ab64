//! Songs: what a source says of one, what listeners did with it, and the item that clients see.

use std::borrow::Borrow;
use std::fmt;
use std::num::NonZeroU128;
use std::sync::Arc;

use arcstr::ArcStr;

use crate::{Custom, ItemId, Level, Levels, PersistentId, Revision, group};

/// A short text, cheap to clone, shared between the songs that have it. Empty means "not known".
///
/// One pointer wide: a song has fourteen of them.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(ArcStr);

impl Text {
    /// No text.
    pub const EMPTY: Self = Self(ArcStr::new());

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the two are clones, which is quickly seen.
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        ArcStr::ptr_eq(&self.0, &other.0)
    }

    /// How many clones there are; `None` for one that is never freed.
    pub(crate) fn holders(&self) -> Option<usize> {
        ArcStr::strong_count(&self.0)
    }
}

impl std::ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(ArcStr::from(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(ArcStr::from(text))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Seconds since 1970-01-01 UTC, as DAAP has them. 0 means "not known".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u32);

impl Timestamp {
    /// The time with this many seconds; what 32 bits cannot hold is clamped, never wrapped.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Self {
        Self(u32::try_from(seconds.max(0)).unwrap_or(u32::MAX))
    }
}

/// How the sound is coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Not known, or none of the others.
    #[default]
    Unknown,
    /// MPEG audio, layer 1 to 3.
    Mpeg,
    /// AAC, in MP4 or ADTS.
    Aac,
    /// Apple Lossless.
    Alac,
    /// FLAC, bare or in Ogg.
    Flac,
    /// Ogg Vorbis.
    Vorbis,
    /// Opus.
    Opus,
    /// Speex.
    Speex,
    /// PCM in WAV.
    Wav,
    /// PCM in AIFF.
    Aiff,
    /// Monkey's Audio.
    Ape,
    /// WavPack.
    WavPack,
    /// Musepack.
    Musepack,
    /// Windows Media Audio.
    Wma,
}

impl Codec {
    /// What a person calls a file coded so, in the words iTunes uses: `MPEG audio file`.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Mpeg => "MPEG audio file",
            Self::Aac => "AAC audio file",
            Self::Alac => "Apple Lossless audio file",
            Self::Flac => "FLAC audio file",
            Self::Vorbis => "Ogg Vorbis audio file",
            Self::Opus => "Opus audio file",
            Self::Speex => "Speex audio file",
            Self::Wav => "WAV audio file",
            Self::Aiff => "AIFF audio file",
            Self::Ape => "Monkey's Audio file",
            Self::WavPack => "WavPack audio file",
            Self::Musepack => "Musepack audio file",
            Self::Wma => "Windows Media audio file",
        }
    }

    /// Every codec, for tables and tests.
    pub const ALL: [Self; 14] = [
        Self::Unknown,
        Self::Mpeg,
        Self::Aac,
        Self::Alac,
        Self::Flac,
        Self::Vorbis,
        Self::Opus,
        Self::Speex,
        Self::Wav,
        Self::Aiff,
        Self::Ape,
        Self::WavPack,
        Self::Musepack,
        Self::Wma,
    ];
}

/// What kind of thing a song is. The numbers are those of iTunes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaKind {
    /// Music.
    #[default]
    Music = 1,
    /// A podcast episode.
    Podcast = 4,
    /// An audiobook.
    Audiobook = 8,
}

/// What the publisher says of a song's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ContentRating {
    /// Nothing is said.
    #[default]
    None = 0,
    /// Explicit.
    Explicit = 1,
    /// Cleaned of explicit words.
    Clean = 2,
}

/// A MusicBrainz identifier: the 128 bits of its UUID. Never 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MusicBrainzId(NonZeroU128);

impl MusicBrainzId {
    /// The id with these bits, unless they are 0.
    #[must_use]
    pub const fn new(bits: u128) -> Option<Self> {
        match NonZeroU128::new(bits) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// The 128 bits.
    #[must_use]
    pub const fn get(self) -> u128 {
        self.0.get()
    }

    /// Reads a UUID, with or without hyphens, in either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = 0;
        let mut value = 0_u128;
        for c in text.trim().chars().filter(|c| *c != '-') {
            value = value << 4 | u128::from(c.to_digit(16)?);
            digits += 1;
            if digits > 32 {
                return None;
            }
        }
        if digits == 32 { Self::new(value) } else { None }
    }
}

impl fmt::Debug for MusicBrainzId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MusicBrainzId({:032x})", self.get())
    }
}

/// The MusicBrainz identifiers of an album.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MusicBrainz {
    /// The release, shared by all discs of an album.
    pub album: Option<MusicBrainzId>,
    /// The artist of the album.
    pub album_artist: Option<MusicBrainzId>,
}

impl MusicBrainz {
    /// These identifiers as a [`Track`] has them: `None` where neither is known.
    #[must_use]
    pub fn of(
        album: Option<MusicBrainzId>,
        album_artist: Option<MusicBrainzId>,
    ) -> Option<Arc<Self>> {
        let is_known = album.is_some() || album_artist.is_some();
        is_known.then(|| Arc::new(Self { album, album_artist }))
    }
}

/// The facts about one song, as its source reports them. Numbers are 0 where they are not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// Title; a source falls back to the file name, so it is never empty.
    pub title: Text,
    /// Artist of this song.
    pub artist: Text,
    /// Artist of the whole album.
    pub album_artist: Text,
    /// Album.
    pub album: Text,
    /// Genre; several are joined with "; ".
    pub genre: Text,
    /// Composer.
    pub composer: Text,
    /// Comment.
    pub comment: Text,
    /// Grouping (iTunes' "work" or "content group").
    pub grouping: Text,
    /// Title as it is to be sorted, where the tags say so.
    pub sort_title: Text,
    /// Artist as it is to be sorted.
    pub sort_artist: Text,
    /// Album artist as it is to be sorted.
    pub sort_album_artist: Text,
    /// Album as it is to be sorted.
    pub sort_album: Text,
    /// Composer as it is to be sorted.
    pub sort_composer: Text,
    /// Number of the track on its disc.
    pub track: u16,
    /// Tracks on the disc.
    pub track_count: u16,
    /// Number of the disc.
    pub disc: u16,
    /// Discs of the album.
    pub disc_count: u16,
    /// Year of release.
    pub year: u16,
    /// Beats a minute.
    pub bpm: u16,
    /// Whether the album gathers songs of several artists.
    pub compilation: bool,
    /// What the publisher says of the words.
    pub content_rating: ContentRating,
    /// Music, podcast or audiobook.
    pub media_kind: MediaKind,
    /// Length in milliseconds.
    pub duration_ms: u32,
    /// Size of the file in bytes.
    pub size: u64,
    /// Bit rate in kbit/s.
    pub bitrate_kbps: u16,
    /// Sample rate in Hz.
    pub sample_rate: u32,
    /// How many channels the sound has.
    pub channels: u8,
    /// How many samples a channel has, where that is known to the last one and fits; the length is as good as it gets
    /// in milliseconds elsewhere.
    pub frames: u32,
    /// How the sound is coded.
    pub codec: Codec,
    /// Suffix of the file without the dot, in lower case: it ends the URL that clients make.
    pub format: Text,
    /// How loud it is.
    pub levels: Levels,
    /// Whether a picture goes with the song.
    pub has_artwork: bool,
    /// When the file last changed.
    pub modified: Timestamp,
    /// When the song was released, where the tags know the day.
    pub released: Timestamp,
    /// The MusicBrainz identifiers of its album: see [`MusicBrainz::of`]. The songs of an album share them.
    pub musicbrainz: Option<Arc<MusicBrainz>>,
}

impl Track {
    /// The artist under whom the song is filed: the album artist; where there is none,
    /// [`VARIOUS_ARTISTS`](group::VARIOUS_ARTISTS) on a compilation, and the song's own artist elsewhere.
    #[must_use]
    pub fn filed_under(&self) -> &Text {
        static VARIOUS_ARTISTS: Text = Text(arcstr::literal!(group::VARIOUS_ARTISTS));
        if !self.album_artist.is_empty() {
            &self.album_artist
        } else if self.compilation {
            &VARIOUS_ARTISTS
        } else {
            &self.artist
        }
    }

    /// When it was released: the day where the tags know it, else the first of January of its year.
    #[must_use]
    pub fn release_date(&self) -> Timestamp {
        self.released_at().map_or(Timestamp::default(), Timestamp::from_unix)
    }

    /// The MusicBrainz release it is on.
    pub(crate) fn release(&self) -> Option<MusicBrainzId> {
        self.musicbrainz.as_ref()?.album
    }

    /// The same in seconds since 1970, which can lie before.
    pub(crate) fn released_at(&self) -> Option<i64> {
        /// Days from the first of January of the year 1 to that of 1970.
        const DAYS_TO_1970: i64 = 719_162;
        if self.released != Timestamp::default() {
            return Some(self.released.0.into());
        }
        let past_years = i64::from(self.year.checked_sub(1)?);
        let days = past_years * 365 + past_years / 4 - past_years / 100 + past_years / 400;
        Some((days - DAYS_TO_1970) * 86_400)
    }
}

/// What a library knows of a song beside the facts: what listeners did with it, and what was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Rating, 0 to 100, 20 a star; 0 is unrated.
    pub rating: u8,
    /// Times played to the end.
    pub play_count: u32,
    /// Times skipped.
    pub skip_count: u32,
    /// When last played.
    pub last_played: Timestamp,
    /// When last skipped.
    pub last_skipped: Timestamp,
    /// Where to go on, in milliseconds.
    pub bookmark_ms: u32,
    /// When the song came into the library.
    pub added: Timestamp,
    /// What makes the song as loud as other songs, as its sound was measured; forgotten when its file changes.
    pub measured: Option<Level>,
}

/// A song of the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its row id.
    pub id: ItemId,
    /// Its id for ever.
    pub persistent_id: PersistentId,
    /// What its source says of it.
    pub track: Track,
    /// What listeners did with it, and what was measured.
    pub usage: Usage,
    /// Fields that the program defined.
    pub custom: Custom,
    /// The album it belongs to (see [`group`] for the rule). Set by the model.
    pub album_id: PersistentId,
    /// The album artist it belongs to. Set by the model.
    pub artist_id: PersistentId,
    /// The revision that last changed it. Set by the model.
    pub revision: Revision,
}

impl Item {
    /// How loud it is: what its source says, and where that says nothing of the song, what was measured.
    #[must_use]
    pub fn levels(&self) -> Levels {
        let Levels { song, album } = self.track.levels;
        Levels { song: song.or(self.usage.measured), album }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_song_stays_small() {
        // A library of a million holds a million of them; a field that is rarely used is better boxed.
        assert!(size_of::<Item>() <= 256, "{} bytes", size_of::<Item>());
    }

    #[test]
    fn times_are_clamped_not_wrapped() {
        assert_eq!(Timestamp::from_unix(-5), Timestamp(0));
        assert_eq!(Timestamp::from_unix(1 << 40), Timestamp(u32::MAX));
    }

    #[test]
    fn a_year_stands_for_its_first_day() {
        let track = |year| Track { year, ..Track::default() };
        assert_eq!(track(0).released_at(), None);
        assert_eq!(track(1970).released_at(), Some(0));
        assert_eq!(track(1969).released_at(), Some(-365 * 86_400));
        assert_eq!(track(2026).release_date(), Timestamp(1_767_225_600));
        assert_eq!(track(1969).release_date(), Timestamp(0));
        let known = Track { released: Timestamp(5), year: 1999, ..Track::default() };
        assert_eq!(known.release_date(), Timestamp(5));
    }

    #[test]
    fn musicbrainz_ids_are_uuids() {
        let id = MusicBrainzId::new(0x89ad4ac3_39f7_470e_963a_56509c546377);
        assert_eq!(MusicBrainzId::parse("89ad4ac3-39f7-470e-963a-56509c546377"), id);
        assert_eq!(MusicBrainzId::parse(" 89AD4AC339F7470E963A56509C546377 "), id);
        assert_eq!(MusicBrainzId::parse("89ad4ac3"), None);
        assert_eq!(MusicBrainzId::parse("89ad4ac3-39f7-470e-963a-56509c54637g"), None);
    }
}
