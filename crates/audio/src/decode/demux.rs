//! What takes the packets of one track out of a file.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::common::Limit;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::{FORMAT_ID_ISOMP4, FORMAT_ID_OGG};
use symphonia::core::formats::{
    FormatId, FormatOptions, FormatReader, SeekMode, SeekTo, Track, TrackType,
};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::{MetadataOptions, MetadataRevision, RawValue};
use symphonia::core::packet::Packet;
use symphonia::core::units::Timestamp;

use super::codec::unsupported;
use super::edits::Movie;
use super::guard::guarded;
use super::leash::{Leash, Leashed};
use crate::AudioError;

/// Bytes that may be read until the format is known: tags come first, and those may hold pictures.
const OPEN_BYTES: u64 = 512 << 20;
/// Bytes that may be read for one packet: a large one, and damage before it.
const PACKET_BYTES: u64 = 64 << 20;
/// Bytes of one tag that are kept; only short ones are looked at.
const TAG_BYTES: usize = 64 << 10;
/// Packets of other tracks, and broken ones, that are passed over in a row.
const MAX_PASSED: usize = 1 << 20;
/// Errors of a reader in a row after which nothing more is expected of it.
const MAX_ERRORS: usize = 64;

/// How files begin that no reader here knows: WavPack, Monkey's Audio, Musepack, DSD, True Audio, OptimFROG, Windows Media.
/// Something in their middle looks like a packet of mp3 every now and then, and would be played.
const FOREIGN: [[u8; 4]; 8] = [
    *b"wvpk",
    *b"MAC ",
    *b"MP+\x07",
    *b"MPCK",
    *b"DSD ",
    *b"TTA1",
    *b"OFR ",
    [0x30, 0x26, 0xB2, 0x75],
];

/// The packets of the track that is to be heard.
pub(super) struct Demuxer {
    /// `None` once it has failed.
    reader: Option<Box<dyn FormatReader>>,
    track: Track,
    movie: Option<Movie>,
    leash: Leash,
    length: Option<u64>,
}

impl Demuxer {
    pub(super) fn open(
        mut source: impl Read + Seek + Send + 'static,
        length: Option<u64>,
    ) -> Result<Self, AudioError> {
        let movie = match length {
            Some(_) if is_foreign(&mut source).map_err(AudioError::Read)? => {
                return Err(AudioError::Unknown);
            }
            Some(length) => Movie::read(&mut source, length).map_err(AudioError::Read)?,
            None => None,
        };
        if movie.as_ref().is_some_and(|movie| movie.absurd) {
            return Err(AudioError::Broken("mp4: more packets than there can be"));
        }
        let leash = Leash::default();
        let source = Leashed::new(source, length, leash.clone());
        let options = MediaSourceStreamOptions::default();
        let stream = MediaSourceStream::new(Box::new(source), options);
        leash.allow(OPEN_BYTES);
        let reader = probe(stream)?;
        let track = reader.default_track(TrackType::Audio).ok_or(AudioError::Silent)?.clone();
        Ok(Self { reader: Some(reader), track, movie, leash, length })
    }

    pub(super) fn track(&self) -> &Track {
        &self.track
    }

    /// What a decoder must know of the track.
    pub(super) fn params(&self) -> Result<&AudioCodecParameters, AudioError> {
        let params = self.track.codec_params.as_ref().and_then(CodecParameters::audio);
        params.ok_or(AudioError::Silent)
    }

    /// Whether the source can be read from anywhere.
    pub(super) fn is_seekable(&self) -> bool {
        self.length.is_some()
    }

    /// How long the source is, in bytes.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    pub(super) fn is_mp4(&self) -> bool {
        self.format() == Some(FORMAT_ID_ISOMP4)
    }

    /// What an MP4 file says of itself.
    pub(super) fn movie(&self) -> Option<&Movie> {
        self.movie.as_ref()
    }

    /// The text of a tag whose name ends so.
    pub(super) fn tag(&mut self, name: &str) -> Option<String> {
        let mut log = self.reader.as_mut()?.metadata();
        let find = |revision: &MetadataRevision| {
            let mut tags = revision.media.tags.iter().filter(|tag| tag.raw.key.ends_with(name));
            tags.find_map(|tag| match &tag.raw.value {
                RawValue::String(text) => Some(text.to_string()),
                _ => None,
            })
        };
        loop {
            if let Some(text) = log.current().and_then(find) {
                return Some(text);
            }
            log.pop()?;
        }
    }

    /// The next packet; `None` at the end.
    ///
    /// # Errors
    ///
    /// If the source fails, or the reader.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, AudioError> {
        let mut errors = 0;
        for _ in 0..MAX_PASSED {
            let Some(reader) = &mut self.reader else { return Ok(None) };
            self.leash.allow(PACKET_BYTES);
            let next = guarded(|| reader.next_packet()).inspect_err(|_| self.reader = None)?;
            match next {
                Ok(Some(packet)) if packet.track_id == self.track.id => return Ok(Some(packet)),
                Ok(Some(_)) => errors = 0,
                // After a reset another stream follows in the same file: it is another song.
                Ok(None) | Err(Error::ResetRequired) => return Ok(None),
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                Err(Error::IoError(error)) => return Err(AudioError::Read(error)),
                Err(_) if errors < MAX_ERRORS => errors += 1,
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Goes to a packet at or before `ts`: near it if the reader can, else the first one.
    ///
    /// # Errors
    ///
    /// If the source cannot be read from anywhere, or fails.
    pub(super) fn seek(&mut self, ts: i64) -> Result<(), AudioError> {
        let Some(length) = self.length else {
            return Err(AudioError::Unsupported("going back in a stream"));
        };
        self.leash.allow(length.saturating_mul(2).saturating_add(PACKET_BYTES));
        if self.seeks() {
            let reader = self.reader.as_mut().ok_or(AudioError::Fault)?;
            let to = SeekTo::Timestamp { ts: Timestamp::from(ts), track_id: self.track.id };
            let sought = guarded(|| reader.seek(SeekMode::Accurate, to));
            if sought.inspect_err(|_| self.reader = None)?.is_ok() {
                return Ok(());
            }
        }
        self.rewind()
    }

    /// Whether seeking can be left to the reader (0.6.1).
    fn seeks(&self) -> bool {
        let tracks = self.reader.as_ref().map_or(0, |reader| reader.tracks().len());
        // Where tracks are mixed, that of Ogg waits for a packet of ours without reading any.
        let mixed = self.format() == Some(FORMAT_ID_OGG) && tracks > 1;
        // That of MP4 gives no more packets once it has come to the end of the last fragment.
        let fragmented = self.movie.as_ref().is_some_and(|movie| movie.fragmented);
        !mixed && !fragmented
    }

    /// Opens the source again, from its start.
    fn rewind(&mut self) -> Result<(), AudioError> {
        let reader = self.reader.take().ok_or(AudioError::Fault)?;
        let mut stream = guarded(|| reader.into_inner())?;
        stream.seek(SeekFrom::Start(0)).map_err(AudioError::Read)?;
        self.leash.allow(OPEN_BYTES);
        self.reader = Some(probe(stream)?);
        Ok(())
    }

    fn format(&self) -> Option<FormatId> {
        self.reader.as_ref().map(|reader| reader.format_info().format)
    }
}

/// Whether the source, which is at its start and left there, is known not to be known.
fn is_foreign(source: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut start = Vec::new();
    source.by_ref().take(4).read_to_end(&mut start)?;
    source.seek(SeekFrom::Start(0))?;
    Ok(FOREIGN.iter().any(|foreign| *foreign == *start))
}

/// Finds out what the stream is.
fn probe(stream: MediaSourceStream<'static>) -> Result<Box<dyn FormatReader>, AudioError> {
    let limit = Limit::Maximum(TAG_BYTES);
    let tags = MetadataOptions::default().limit_tag_bytes(limit).limit_visual_bytes(limit);
    let formats = FormatOptions::default();
    let probe = symphonia::default::get_probe();
    match guarded(|| probe.probe(&Hint::new(), stream, formats, tags))? {
        Ok(reader) => Ok(reader),
        Err(Error::IoError(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Err(AudioError::Read(error))
        }
        // What the library says when no reader wanted the stream.
        Err(Error::Unsupported(what)) if what.contains("no suitable format reader") => {
            Err(AudioError::Unknown)
        }
        Err(error) => Err(unsupported(&error)),
    }
}
