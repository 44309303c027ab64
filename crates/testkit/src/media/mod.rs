//! Small, valid, tagged audio files.
//!
//! [`Song`] says what the tags shall say and how long the sound is; [`Song::write`] makes the file, in the format
//! that the suffix names. The sound is silence, or a quiet tone where the format is plain PCM.
//!
//! The files are what a reader must accept, not what an encoder would make of the same sound.

mod adts;
mod flac;
mod mp4;
mod mpeg;
mod ogg;
mod pcm;

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use lofty::config::WriteOptions;
use lofty::picture::{MimeType, Picture, PictureType};
use lofty::tag::{ItemKey, Tag, TagExt, TagType};

/// Samples a second in every file made here, but for Opus, which always counts 48,000.
pub const SAMPLE_RATE: u32 = 44_100;

/// A kind of file that [`Song`] can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PCM in WAV: 16 bits, two channels, a quiet tone.
    Wav,
    /// PCM in AIFF, likewise.
    Aiff,
    /// MPEG-1 layer III at a constant 128 kbit/s.
    Mp3,
    /// The same with frames of 64 and 128 kbit/s in turn, and no table that says how many.
    VariableMp3,
    /// FLAC of constant subframes.
    Flac,
    /// AAC-LC in MP4.
    M4a,
    /// Apple Lossless in MP4.
    Alac,
    /// AAC-LC as a bare ADTS stream.
    Aac,
    /// Vorbis in Ogg.
    Vorbis,
    /// Opus in Ogg.
    Opus,
}

impl Format {
    /// Every format, with a suffix that goes with it.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Wav, "wav"),
        (Self::Aiff, "aiff"),
        (Self::Mp3, "mp3"),
        (Self::VariableMp3, "mp3"),
        (Self::Flac, "flac"),
        (Self::M4a, "m4a"),
        (Self::Alac, "m4a"),
        (Self::Aac, "aac"),
        (Self::Vorbis, "ogg"),
        (Self::Opus, "opus"),
    ];

    /// The format of files with this suffix (`m4a` is AAC, `mp3` is constant).
    #[must_use]
    pub fn of_suffix(suffix: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(_, known)| suffix.eq_ignore_ascii_case(known))
            .map(|(format, _)| format)
    }

    fn tag_type(self) -> TagType {
        match self {
            Self::Wav | Self::Aiff | Self::Mp3 | Self::VariableMp3 | Self::Aac => TagType::Id3v2,
            Self::Flac | Self::Vorbis | Self::Opus => TagType::VorbisComments,
            Self::M4a | Self::Alac => TagType::Mp4Ilst,
        }
    }

    fn sound(self, length: Duration) -> Vec<u8> {
        let samples = samples(length, SAMPLE_RATE);
        match self {
            Self::Wav => pcm::wav(samples),
            Self::Aiff => pcm::aiff(samples),
            Self::Mp3 => mpeg::constant(samples),
            Self::VariableMp3 => mpeg::variable(samples),
            Self::Flac => flac::silence(samples),
            Self::M4a => mp4::aac(samples),
            Self::Alac => mp4::alac(samples),
            Self::Aac => adts::silence(samples),
            Self::Vorbis => ogg::vorbis(samples),
            Self::Opus => ogg::opus(length),
        }
    }
}

/// How many samples (of one channel) a length of sound is.
fn samples(length: Duration, rate: u32) -> u64 {
    u64::try_from(length.as_nanos() * u128::from(rate) / 1_000_000_000)
        .expect("a test's song is short")
}

/// A song to be written: what its tags say, and how long it is. Tags that are not given are not written.
#[derive(Clone, Debug)]
pub struct Song {
    texts: Vec<(ItemKey, String)>,
    cover: Option<Picture>,
    length: Duration,
}

impl Song {
    /// A song of one second with this title.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self::untagged().text(ItemKey::TrackTitle, title)
    }

    /// A song of one second without any tag.
    #[must_use]
    pub fn untagged() -> Self {
        Self { texts: Vec::new(), cover: None, length: Duration::from_secs(1) }
    }

    /// Sets any text that the tag library has a name for.
    #[must_use]
    pub fn text(mut self, key: ItemKey, value: &str) -> Self {
        self.texts.push((key, value.to_owned()));
        self
    }

    /// Sets the artist.
    #[must_use]
    pub fn artist(self, artist: &str) -> Self {
        self.text(ItemKey::TrackArtist, artist)
    }

    /// Sets the artist of the whole album.
    #[must_use]
    pub fn album_artist(self, artist: &str) -> Self {
        self.text(ItemKey::AlbumArtist, artist)
    }

    /// Sets the album.
    #[must_use]
    pub fn album(self, album: &str) -> Self {
        self.text(ItemKey::AlbumTitle, album)
    }

    /// Sets the genre.
    #[must_use]
    pub fn genre(self, genre: &str) -> Self {
        self.text(ItemKey::Genre, genre)
    }

    /// Sets the composer.
    #[must_use]
    pub fn composer(self, composer: &str) -> Self {
        self.text(ItemKey::Composer, composer)
    }

    /// Sets the comment.
    #[must_use]
    pub fn comment(self, comment: &str) -> Self {
        self.text(ItemKey::Comment, comment)
    }

    /// Sets the number of the track.
    #[must_use]
    pub fn track(self, number: u16) -> Self {
        self.text(ItemKey::TrackNumber, &number.to_string())
    }

    /// Sets the number of the disc.
    #[must_use]
    pub fn disc(self, number: u16) -> Self {
        self.text(ItemKey::DiscNumber, &number.to_string())
    }

    /// Sets the year.
    #[must_use]
    pub fn year(self, year: u16) -> Self {
        self.text(ItemKey::RecordingDate, &year.to_string())
    }

    /// Marks the album as one that gathers several artists.
    #[must_use]
    pub fn compilation(self) -> Self {
        self.text(ItemKey::FlagCompilation, "1")
    }

    /// Puts a picture into the file, as front cover. JPEG or PNG, told by its first bytes.
    #[must_use]
    pub fn cover(mut self, picture: &[u8]) -> Self {
        let mime = if picture.starts_with(b"\x89PNG") { MimeType::Png } else { MimeType::Jpeg };
        let picture =
            Picture::unchecked(picture.to_vec()).pic_type(PictureType::CoverFront).mime_type(mime);
        self.cover = Some(picture.build());
        self
    }

    /// Sets how long the song is. Formats made of frames round up to whole ones, unless they can say where
    /// the sound ends.
    #[must_use]
    pub fn length(mut self, length: Duration) -> Self {
        self.length = length;
        self
    }

    /// The file's bytes.
    #[must_use]
    #[track_caller]
    pub fn bytes(&self, format: Format) -> Vec<u8> {
        let mut tag = Tag::new(format.tag_type());
        for (key, value) in &self.texts {
            assert!(tag.insert_text(*key, value.clone()), "{format:?} has no {key:?}");
        }
        if let Some(cover) = &self.cover {
            tag.push_picture(cover.clone());
        }
        let mut file = Cursor::new(format.sound(self.length));
        if !tag.is_empty() {
            tag.save_to(&mut file, WriteOptions::new()).expect("a file made here takes tags");
        }
        file.into_inner()
    }

    /// Writes the file, making its folders, in the format that the suffix names.
    #[track_caller]
    pub fn write(&self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        let suffix = path.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default();
        let format =
            Format::of_suffix(suffix).unwrap_or_else(|| panic!("no format is called {suffix:?}"));
        self.write_as(format, path);
    }

    /// Writes the file, making its folders, in this format whatever the suffix says.
    #[track_caller]
    pub fn write_as(&self, format: Format, path: impl AsRef<Path>) {
        let path = path.as_ref();
        fs::create_dir_all(path.parent().expect("a file has a folder"))
            .expect("the folder can be made");
        fs::write(path, self.bytes(format)).expect("the file can be written");
    }
}

/// A JPEG of one colour.
#[must_use]
pub fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let pixels = [0x30, 0x60, 0x90].repeat(usize::from(width) * usize::from(height));
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, 80)
        .encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb)
        .expect("a plain picture can be encoded");
    bytes
}

#[cfg(test)]
mod tests {
    use lofty::file::{AudioFile, TaggedFileExt};
    use lofty::probe::Probe;
    use lofty::tag::Accessor;

    use super::*;

    #[test]
    fn every_format_holds_its_tags_and_its_length() {
        for (format, _) in Format::ALL {
            let song = Song::new("Jet")
                .artist("Wings")
                .album("Band on the Run")
                .track(2)
                .year(1973)
                .cover(&jpeg(8, 8))
                .length(Duration::from_millis(2500));
            let file =
                Probe::new(Cursor::new(song.bytes(format))).guess_file_type().unwrap().read();
            let file = file.unwrap_or_else(|error| panic!("{format:?}: {error}"));
            let tag = file.primary_tag().unwrap_or_else(|| panic!("{format:?} has no tag"));
            assert_eq!(tag.title().as_deref(), Some("Jet"), "{format:?}");
            assert_eq!(tag.artist().as_deref(), Some("Wings"), "{format:?}");
            assert_eq!(tag.track(), Some(2), "{format:?}");
            assert_eq!(tag.pictures().len(), 1, "{format:?}");
            // These two have no table; who wants their length has to read all of their frames.
            if !matches!(format, Format::VariableMp3 | Format::Aac) {
                let length = file.properties().duration().as_millis();
                assert!((2490..=2560).contains(&length), "{format:?} lasts {length} ms");
            }
        }
    }
}
