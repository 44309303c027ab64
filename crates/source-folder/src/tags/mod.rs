//! What a file says of its song: tags and the properties of the sound.

mod cover;
mod exact;
mod frames;
mod keys;
mod loudness;
mod repair;
pub(crate) mod values;

use std::any::Any;
use std::cell::Cell;
use std::fs::{File, Metadata};
use std::io::{self, Seek};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::time::UNIX_EPOCH;

use daap_model::{
    Codec, ContentRating, Levels, MediaKind, MusicBrainz, MusicBrainzId, Text, Timestamp, Track,
};
use lofty::aac::AacFile;
use lofty::ape::{ApeFile, ApeTag};
use lofty::config::{GlobalOptions, ParseOptions, ParsingMode, apply_global_options};
use lofty::error::FileParseError;
use lofty::file::{AudioFile, FileType};
use lofty::flac::FlacFile;
use lofty::id3::v1::Id3v1Tag;
use lofty::id3::v2::{Frame, Id3v2Tag};
use lofty::iff::aiff::{AiffFile, AiffTextChunks};
use lofty::iff::wav::{RiffInfoList, WavFile};
use lofty::mp4::{AtomData, AtomIdent, Ilst, Mp4Codec, Mp4File};
use lofty::mpeg::MpegFile;
use lofty::musepack::MpcFile;
use lofty::ogg::tag::VorbisComments;
use lofty::ogg::{OggPictureStorage, OpusFile, SpeexFile, VorbisFile};
use lofty::probe::Probe;
use lofty::properties::FileProperties;
use lofty::tag::ItemValue;
use lofty::wavpack::WavPackFile;

use crate::reader::BoundedReader;
use keys::{Dialect, Field};

/// Grows when tags come to be read differently, so that every file is read again once.
pub(crate) const VERSION: u8 = 2;

/// The most that is read of one file for its tags and properties. Covers, and the index of a long MP4, count.
const READ_BUDGET: u64 = 256 << 20;
/// The largest single item of a tag, or table of an MP4, that is held in memory.
const ITEM_LIMIT: usize = 32 << 20;

/// The suffixes of files that are taken for songs, what should be in them, and how its sound is coded if the
/// file itself does not say.
const SUFFIXES: &[(&str, FileType, Codec)] = &[
    ("mp3", FileType::Mpeg, Codec::Mpeg),
    ("m4a", FileType::Mp4, Codec::Unknown),
    ("flac", FileType::Flac, Codec::Flac),
    ("ogg", FileType::Vorbis, Codec::Vorbis),
    ("opus", FileType::Opus, Codec::Opus),
    ("wav", FileType::Wav, Codec::Wav),
    ("aif", FileType::Aiff, Codec::Aiff),
    ("aac", FileType::Aac, Codec::Aac),
    ("ape", FileType::Ape, Codec::Ape),
    ("mpc", FileType::Mpc, Codec::Musepack),
    ("wv", FileType::WavPack, Codec::WavPack),
    ("spx", FileType::Speex, Codec::Speex),
    // The first of each type above is what a file with a wrong suffix is said to be.
    ("mp2", FileType::Mpeg, Codec::Mpeg),
    ("mp1", FileType::Mpeg, Codec::Mpeg),
    ("mpga", FileType::Mpeg, Codec::Mpeg),
    ("m4b", FileType::Mp4, Codec::Unknown),
    ("m4p", FileType::Mp4, Codec::Unknown),
    ("oga", FileType::Vorbis, Codec::Vorbis),
    ("wave", FileType::Wav, Codec::Wav),
    ("aiff", FileType::Aiff, Codec::Aiff),
    ("aifc", FileType::Aiff, Codec::Aiff),
    ("adts", FileType::Aac, Codec::Aac),
    ("mp+", FileType::Mpc, Codec::Musepack),
];

/// Whether a file of this name is taken for a song.
pub(crate) fn is_song(name: &Path) -> bool {
    let suffix = name.extension().unwrap_or_default().as_encoded_bytes();
    SUFFIXES.iter().any(|(known, ..)| known.as_bytes().eq_ignore_ascii_case(suffix))
}

fn suffix(name: &Path) -> Option<String> {
    Some(name.extension()?.to_str()?.to_ascii_lowercase())
}

/// Why a file is no song.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TagError {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("it is empty")]
    Empty,
    #[error("it is none of the kinds of sound that are known")]
    UnknownKind,
    #[error("it is broken: {0}")]
    Broken(String),
    #[error("its tags break their reader: {0}")]
    ReaderFailed(String),
}

impl From<FileParseError> for TagError {
    fn from(error: FileParseError) -> Self {
        // The causes say more than the error itself.
        let mut cause = &error as &dyn std::error::Error;
        let mut text = cause.to_string();
        while let Some(next) = cause.source() {
            cause = next;
            if let Some(cause) = cause.downcast_ref::<io::Error>()
                && cause.raw_os_error().is_some()
            {
                return Self::Unreadable(io::Error::from(cause.kind()));
            }
            text = format!("{text}: {cause}");
        }
        Self::Broken(text)
    }
}

/// What was found in a file.
#[derive(Debug)]
pub(crate) struct Song {
    /// The facts. Of pictures they know those inside the file.
    pub(crate) track: Track,
    /// The file as it was when reading began; it may have changed while it was read.
    pub(crate) metadata: Metadata,
}

/// Reads a file. Whatever is in it, this returns.
pub(crate) fn read(path: &Path) -> Result<Song, TagError> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(TagError::UnknownKind);
    }
    if metadata.len() == 0 {
        return Err(TagError::Empty);
    }
    // Tag libraries are large and files are hostile: a reader's panic must cost one file, not the scan.
    let parsed = panic::catch_unwind(AssertUnwindSafe(|| parse(file, metadata.len(), path)));
    let mut track = parsed.unwrap_or_else(|panic| Err(TagError::ReaderFailed(message(&*panic))))?;
    track.size = metadata.len();
    track.modified = modified(&metadata);
    Ok(Song { track, metadata })
}

fn message(panic: &dyn Any) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned()
}

fn modified(metadata: &Metadata) -> Timestamp {
    let since_1970 = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Timestamp::from_unix(
        since_1970.map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX)),
    )
}

fn parse(file: File, length: u64, path: &Path) -> Result<Track, TagError> {
    limit_allocations();
    let mut reader = BoundedReader::new(file, length, READ_BUDGET);
    let kind =
        Probe::new(&mut reader).guess_file_type()?.file_type().ok_or(TagError::UnknownKind)?;
    reader.rewind()?;
    let (facts, properties) = read_facts(kind, &mut reader)?;

    let mut track = facts.track();
    track.has_artwork = match facts.picture {
        Some(known) => known,
        None => cover::is_in(kind, &mut reader)?,
    };
    track.duration_ms = u32::try_from(properties.duration_ms).unwrap_or(u32::MAX);
    track.bitrate_kbps = u16::try_from(properties.bitrate_kbps).unwrap_or(u16::MAX);
    track.sample_rate = properties.sample_rate;
    track.channels = properties.channels;
    track.frames = properties.frames;
    track.codec = properties.codec;
    track.format = format(kind, path).into();
    if suffix(path).as_deref() == Some("m4b") && track.media_kind == MediaKind::Music {
        track.media_kind = MediaKind::Audiobook;
    }
    if track.title.is_empty() {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let stem = values::line(&stem);
        track.title = if stem.is_empty() { "?".into() } else { stem.into() };
    }
    Ok(track)
}

/// Reads tags and properties. What is broken in a tag costs that part of it, or the tag; a file whose sound is
/// broken is no song.
fn read_facts(kind: FileType, reader: &mut BoundedReader) -> Result<(Facts, Properties), TagError> {
    // Pictures are most of a tag's bytes, and a scan only wants to know whether there is one.
    let mut options = ParseOptions::new();
    options.parsing_mode(ParsingMode::Relaxed).read_cover_art(false);
    for _ in 0..=repair::MAX_REPAIRS {
        reader.rewind()?;
        let mut facts = Facts::default();
        match facts.read(kind, reader, options) {
            Ok(properties) => return Ok((facts, properties)),
            Err(error @ TagError::Unreadable(_)) => return Err(error),
            Err(_) if repair::past_frame(reader)? => {}
            Err(_) => break,
        }
    }
    reader.rewind()?;
    let mut facts = Facts::default();
    let properties = facts.read(kind, reader, options.read_tags(false))?;
    Ok((facts, properties))
}

/// The tag library keeps its limits by thread.
pub(crate) fn limit_allocations() {
    thread_local!(static LIMITED: Cell<bool> = const { Cell::new(false) });
    if !LIMITED.replace(true) {
        let mut options = GlobalOptions::new();
        options.allocation_limit(ITEM_LIMIT).use_custom_resolvers(false);
        apply_global_options(options.preserve_format_specific_items(false));
    }
}

/// The suffix that clients are told: the file's own, unless it lies about what is inside.
fn format(kind: FileType, path: &Path) -> String {
    let own = suffix(path).unwrap_or_default();
    let row = SUFFIXES.iter().find(|(known, ..)| *known == own);
    // One suffix serves for everything in Ogg.
    let ogg = |kind| matches!(kind, FileType::Vorbis | FileType::Opus | FileType::Speex);
    match row {
        Some((_, expected, _)) if *expected == kind || ogg(kind) && ogg(*expected) => own,
        _ => {
            SUFFIXES.iter().find(|(_, known, _)| *known == kind).map_or(own, |row| row.0.to_owned())
        }
    }
}

/// The properties of the sound.
#[derive(Debug, Default)]
struct Properties {
    duration_ms: u128,
    bitrate_kbps: u32,
    sample_rate: u32,
    channels: u8,
    /// Samples of a channel; 0 where they are not known to the last one.
    frames: u32,
    codec: Codec,
}

impl Properties {
    fn new(kind: FileType, properties: &FileProperties) -> Self {
        Self {
            duration_ms: properties.duration().as_millis(),
            bitrate_kbps: properties.audio_bitrate().or(properties.overall_bitrate()).unwrap_or(0),
            sample_rate: properties.sample_rate().unwrap_or(0),
            channels: properties.channels().unwrap_or(0),
            frames: 0,
            codec: SUFFIXES.iter().find(|row| row.1 == kind).map_or(Codec::Unknown, |row| row.2),
        }
    }

    /// What the frames of a stream without an index add up to is better than any estimate.
    fn correct(&mut self, counted: Option<frames::Counted>) {
        if let Some(counted) = counted {
            self.duration_ms = counted.duration_ms;
            self.bitrate_kbps = counted.bitrate_kbps;
        }
    }
}

/// What the tags of one file say, the best source of each field first.
#[derive(Debug)]
struct Facts {
    values: [Option<(u8, String)>; Field::COUNT],
    /// How many tags were read before; a later one only fills gaps.
    tags: u8,
    /// Whether there is a picture, where the tag reader had to look anyway.
    picture: Option<bool>,
}

impl Default for Facts {
    fn default() -> Self {
        Self { values: [const { None }; Field::COUNT], tags: 0, picture: None }
    }
}

impl Facts {
    /// Reads tags and properties with the reader for this kind of file.
    fn read(
        &mut self,
        kind: FileType,
        reader: &mut BoundedReader,
        mut options: ParseOptions,
    ) -> Result<Properties, TagError> {
        // Here the tags have to be read as a whole to find a picture.
        let with_pictures = options.read_cover_art(true);
        let mut options = options.read_cover_art(false);
        let properties = match kind {
            FileType::Mpeg => return self.mpeg(reader, options),
            FileType::Aac => return self.adts(reader, options.read_properties(false)),
            FileType::Mp4 => return self.mp4_file(reader, options),
            FileType::Flac => {
                let file = FlacFile::read_from(reader, options)?;
                self.vorbis(file.vorbis_comments());
                self.id3v2(file.id3v2());
                let properties = Properties::new(kind, &(*file.properties()).into());
                return Ok(Properties {
                    frames: exact::flac_frames(reader).unwrap_or(0),
                    ..properties
                });
            }
            FileType::Vorbis => {
                let file = VorbisFile::read_from(reader, with_pictures)?;
                self.ogg(file.vorbis_comments());
                (*file.properties()).into()
            }
            FileType::Opus => {
                let file = OpusFile::read_from(reader, with_pictures)?;
                self.ogg(file.vorbis_comments());
                let mut properties = Properties::new(kind, &(*file.properties()).into());
                // The header tells what was encoded; what comes out is always this.
                properties.sample_rate = 48_000;
                return Ok(properties);
            }
            FileType::Speex => {
                let file = SpeexFile::read_from(reader, with_pictures)?;
                self.ogg(file.vorbis_comments());
                (*file.properties()).into()
            }
            FileType::Wav => {
                let file = WavFile::read_from(reader, options)?;
                self.id3v2(file.id3v2());
                self.riff(file.riff_info());
                (*file.properties()).into()
            }
            FileType::Aiff => {
                let file = AiffFile::read_from(reader, options)?;
                self.id3v2(file.id3v2());
                self.aiff(file.text_chunks());
                let properties = Properties::new(kind, &file.properties().clone().into());
                return Ok(Properties {
                    frames: exact::aiff_frames(reader).unwrap_or(0),
                    ..properties
                });
            }
            FileType::Ape => {
                let file = ApeFile::read_from(reader, with_pictures)?;
                self.ape(file.ape());
                self.id3v2(file.id3v2());
                self.id3v1(file.id3v1());
                file.properties().clone().into()
            }
            FileType::Mpc => {
                let file = MpcFile::read_from(reader, with_pictures)?;
                self.ape(file.ape());
                self.id3v2(file.id3v2());
                self.id3v1(file.id3v1());
                file.properties().clone().into()
            }
            FileType::WavPack => {
                let file = WavPackFile::read_from(reader, with_pictures)?;
                self.ape(file.ape());
                self.id3v1(file.id3v1());
                (*file.properties()).into()
            }
            _ => return Err(TagError::UnknownKind),
        };
        Ok(Properties::new(kind, &properties))
    }

    fn mpeg(
        &mut self,
        reader: &mut BoundedReader,
        options: ParseOptions,
    ) -> Result<Properties, TagError> {
        let file = MpegFile::read_from(reader, options)?;
        self.id3v2(file.id3v2());
        self.ape(file.ape());
        self.id3v1(file.id3v1());
        let mut properties = Properties::new(FileType::Mpeg, &(*file.properties()).into());
        properties.correct(frames::count_mpeg(reader)?);
        Ok(properties)
    }

    fn adts(
        &mut self,
        reader: &mut BoundedReader,
        options: ParseOptions,
    ) -> Result<Properties, TagError> {
        let file = AacFile::read_from(reader, options)?;
        self.id3v2(file.id3v2());
        self.id3v1(file.id3v1());
        let counted = frames::count_adts(reader)?;
        let counted = counted.ok_or_else(|| TagError::Broken("no frame of sound".into()))?;
        let mut properties = Properties::new(FileType::Aac, &FileProperties::default());
        properties.sample_rate = counted.sample_rate;
        properties.correct(Some(counted));
        Ok(properties)
    }

    fn mp4_file(
        &mut self,
        reader: &mut BoundedReader,
        options: ParseOptions,
    ) -> Result<Properties, TagError> {
        let file = Mp4File::read_from(reader, options)?;
        self.mp4(file.ilst());
        let mut properties = Properties::new(FileType::Mp4, &file.properties().clone().into());
        properties.codec = match file.properties().codec() {
            Some(Mp4Codec::AAC) => Codec::Aac,
            Some(Mp4Codec::ALAC) => Codec::Alac,
            Some(Mp4Codec::MP3) => Codec::Mpeg,
            Some(Mp4Codec::FLAC) => Codec::Flac,
            _ => Codec::Unknown,
        };
        Ok(properties)
    }

    /// Takes a value of a key, unless a better key or an earlier tag has told the field.
    fn offer(&mut self, dialect: Dialect, key: &str, value: &str) {
        let Some((field, rank)) = keys::field(dialect, key) else { return };
        self.put(field, rank, value);
    }

    fn put(&mut self, field: Field, rank: u8, value: &str) {
        const RANKS: u8 = 16;
        let rank = self.tags * RANKS + rank;
        let value =
            if field == Field::Comment { values::lines(value) } else { values::line(value) };
        if value.is_empty() {
            return;
        }
        match &mut self.values[field as usize] {
            Some((known, joined)) if *known == rank && field.has_several() => {
                values::join(joined, &value)
            }
            Some((known, _)) if *known <= rank => {}
            place => *place = Some((rank, value)),
        }
    }

    fn id3v2(&mut self, tag: Option<&Id3v2Tag>) {
        for frame in tag.into_iter().flatten() {
            match frame {
                Frame::Text(text) => match frame.id_str() {
                    "TCON" => {
                        for genre in values::id3_genres(&text.value) {
                            self.put(Field::Genre, 0, genre);
                        }
                    }
                    id => {
                        for value in values::split(&text.value) {
                            self.offer(Dialect::Id3v2, id, value);
                        }
                    }
                },
                Frame::Timestamp(time) => {
                    self.offer(Dialect::Id3v2, frame.id_str(), &time.timestamp.to_string());
                }
                Frame::UserText(text) => {
                    let key = format!(":{}", text.description);
                    for value in values::split(&text.content) {
                        self.offer(Dialect::Id3v2, &key, value);
                    }
                }
                Frame::Comment(comment) => match comment.description.trim() {
                    "" => self.offer(Dialect::Id3v2, "COMM", &comment.content),
                    // Programs keep data of their own in comments.
                    "iTunNORM" => self.put(Field::SoundCheck, 0, &comment.content),
                    _ => {}
                },
                Frame::Binary(binary) if frame.id_str() == "PCST" => {
                    let set = binary.data.iter().any(|byte| *byte != 0) || binary.data.is_empty();
                    self.put(Field::Podcast, 0, if set { "1" } else { "0" });
                }
                Frame::Binary(binary) if matches!(frame.id_str(), "GRP1" | "TCMP") => {
                    let text = String::from_utf8_lossy(&binary.data).into_owned();
                    self.offer(
                        Dialect::Id3v2,
                        frame.id_str(),
                        text.trim_start_matches(['\u{1}', '\u{3}', '\0']),
                    );
                }
                _ => {}
            }
        }
        self.tags += u8::from(tag.is_some());
    }

    fn id3v1(&mut self, tag: Option<&Id3v1Tag>) {
        let Some(tag) = tag else { return };
        let texts = [
            (Field::Title, &tag.title),
            (Field::Artist, &tag.artist),
            (Field::Album, &tag.album),
            (Field::Comment, &tag.comment),
        ];
        for (field, text) in texts {
            self.put(field, 0, text.as_deref().unwrap_or_default());
        }
        self.put(Field::Date, 0, &tag.year.map(|year| year.to_string()).unwrap_or_default());
        self.put(
            Field::Track,
            0,
            &tag.track_number.map(|track| track.to_string()).unwrap_or_default(),
        );
        self.put(Field::Genre, 0, tag.genre.and_then(values::id3v1_genre).unwrap_or_default());
        self.tags += 1;
    }

    fn ape(&mut self, tag: Option<&ApeTag>) {
        for item in tag.into_iter().flatten() {
            match item.value() {
                ItemValue::Text(text) => {
                    for value in values::split(text) {
                        self.offer(Dialect::Ape, item.key(), value);
                    }
                }
                ItemValue::Binary(_)
                    if item.key().to_ascii_lowercase().starts_with("cover art") =>
                {
                    self.picture = Some(true);
                }
                _ => {}
            }
        }
        self.tags += u8::from(tag.is_some());
    }

    fn vorbis(&mut self, tag: Option<&VorbisComments>) {
        for (key, value) in tag.into_iter().flat_map(VorbisComments::items) {
            self.offer(Dialect::Vorbis, key, value);
        }
        self.tags += u8::from(tag.is_some());
    }

    fn ogg(&mut self, tag: &VorbisComments) {
        self.vorbis(Some(tag));
        self.picture = Some(!tag.pictures().is_empty());
    }

    fn mp4(&mut self, tag: Option<&Ilst>) {
        for atom in tag.into_iter().flatten() {
            let key = match atom.ident() {
                AtomIdent::Fourcc(letters) => {
                    letters.iter().map(|byte| char::from(*byte)).collect()
                }
                AtomIdent::Freeform { name, .. } => format!(":{name}"),
            };
            for data in atom.data() {
                match data {
                    AtomData::UTF8(text) | AtomData::UTF16(text) => {
                        self.offer(Dialect::Mp4, &key, text)
                    }
                    AtomData::SignedInteger(number) => {
                        self.offer(Dialect::Mp4, &key, &number.to_string())
                    }
                    AtomData::UnsignedInteger(number) => {
                        self.offer(Dialect::Mp4, &key, &number.to_string())
                    }
                    AtomData::Bool(set) => {
                        self.offer(Dialect::Mp4, &key, if *set { "1" } else { "0" })
                    }
                    AtomData::Unknown { data, .. } => {
                        self.offer(Dialect::Mp4, &key, &mp4_numbers(data))
                    }
                    AtomData::Picture(_) => {}
                }
            }
        }
        self.tags += u8::from(tag.is_some());
    }

    fn riff(&mut self, tag: Option<&RiffInfoList>) {
        for (key, value) in tag.into_iter().flatten() {
            self.offer(Dialect::Riff, key, value);
        }
        self.tags += u8::from(tag.is_some());
    }

    fn aiff(&mut self, tag: Option<&AiffTextChunks>) {
        let Some(tag) = tag else { return };
        self.put(Field::Title, 0, tag.name.as_deref().unwrap_or_default());
        self.put(Field::Artist, 0, tag.author.as_deref().unwrap_or_default());
        let comments = tag.comments.iter().flatten().map(|comment| comment.text.as_str());
        let notes = tag.annotations.iter().flatten().map(String::as_str);
        self.put(Field::Comment, 0, comments.chain(notes).next().unwrap_or_default());
        self.tags += 1;
    }

    fn text(&self, field: Field) -> &str {
        self.values[field as usize].as_ref().map_or("", |(_, text)| text)
    }

    fn track(&self) -> Track {
        let text = |field| Text::from(self.text(field));
        let (track, track_count) = values::number_of(self.text(Field::Track));
        let (disc, disc_count) = values::number_of(self.text(Field::Disc));
        let or = |count: u16, field| {
            if count > 0 { count } else { values::number_of(self.text(field)).0 }
        };
        let released = [Field::Released, Field::Date].map(|field| values::day(self.text(field)));
        Track {
            title: text(Field::Title),
            artist: text(Field::Artist),
            album_artist: text(Field::AlbumArtist),
            album: text(Field::Album),
            genre: text(Field::Genre),
            composer: text(Field::Composer),
            comment: text(Field::Comment),
            grouping: text(Field::Grouping),
            sort_title: text(Field::SortTitle),
            sort_artist: text(Field::SortArtist),
            sort_album_artist: text(Field::SortAlbumArtist),
            sort_album: text(Field::SortAlbum),
            sort_composer: text(Field::SortComposer),
            track,
            track_count: or(track_count, Field::TrackCount),
            disc,
            disc_count: or(disc_count, Field::DiscCount),
            year: values::year(self.text(Field::Date)),
            bpm: values::rounded(self.text(Field::Bpm)),
            compilation: values::flag(self.text(Field::Compilation)),
            content_rating: self.content_rating(),
            media_kind: self.media_kind(),
            levels: self.levels(),
            released: released.into_iter().max().unwrap_or_default(),
            musicbrainz: MusicBrainz::of(
                MusicBrainzId::parse(self.text(Field::MusicBrainzAlbum)),
                MusicBrainzId::parse(self.text(Field::MusicBrainzAlbumArtist)),
            ),
            ..Track::default()
        }
    }

    fn levels(&self) -> Levels {
        let replay_gain = |gain, peak| loudness::replay_gain(self.text(gain), self.text(peak));
        let r128 = |gain| loudness::r128(self.text(gain));
        Levels {
            song: replay_gain(Field::Gain, Field::Peak)
                .or_else(|| r128(Field::R128))
                .or_else(|| loudness::sound_check(self.text(Field::SoundCheck))),
            album: replay_gain(Field::AlbumGain, Field::AlbumPeak)
                .or_else(|| r128(Field::AlbumR128)),
        }
    }

    fn content_rating(&self) -> ContentRating {
        match values::number_of(self.text(Field::Rating)).0 {
            // 4 is what iTunes wrote before 2008.
            1 | 4 => ContentRating::Explicit,
            2 => ContentRating::Clean,
            _ => ContentRating::None,
        }
    }

    fn media_kind(&self) -> MediaKind {
        match values::number_of(self.text(Field::Kind)).0 {
            2 => MediaKind::Audiobook,
            21 => MediaKind::Podcast,
            _ if values::flag(self.text(Field::Podcast)) => MediaKind::Podcast,
            _ => MediaKind::Music,
        }
    }
}

/// The bare numbers that MP4 has for tracks and discs: two bytes of nothing, a number, of how many; or one
/// number of one to four bytes.
fn mp4_numbers(data: &[u8]) -> String {
    match data {
        [_, _, number @ .., _, _] if matches!(number.len(), 2) => pair(data),
        [0, 0, _, _, _, _, ..] => pair(data),
        [] => String::new(),
        _ if data.len() <= 4 => {
            data.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)).to_string()
        }
        _ => String::new(),
    }
}

fn pair(data: &[u8]) -> String {
    let number = |at: usize| u16::from_be_bytes([data[at], data[at + 1]]);
    format!("{}/{}", number(2), number(4))
}

#[cfg(test)]
mod tests;
