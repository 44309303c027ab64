//! A song as a WAV file whose length is known before its first byte.

mod header;

use std::io::{self, Read, Seek, SeekFrom};

use crate::{AudioError, Decoder, Depth, Format, Quantiser};

/// Seconds after which decoding starts afresh where it could otherwise not be repeated.
const SEGMENT_S: u64 = 10;
/// Frames of silence made at a time.
const SILENCE_FRAMES: u64 = 4_096;

/// Reads a song as a WAV file, from any byte.
///
/// The length is announced beforehand and kept: where the decoder gives fewer frames than that, silence follows, and what is more
/// is cut off. Every range of bytes equals that slice of the whole, whatever was read before: AAC and Opus, whose frames
/// depend a little on where decoding began, are decoded afresh every ten seconds.
///
/// ```no_run
/// use std::io::{Read, Seek, SeekFrom};
///
/// use audio::{Decoder, Depth, WavStream};
///
/// let file = std::fs::File::open("Jet.opus")?;
/// let length = file.metadata()?.len();
/// let mut song = Decoder::open(file, Some(length))?;
/// let frames = song.count()?;
/// let mut wav = WavStream::new(song, Depth::I16, frames)?;
/// println!("Content-Length: {}", wav.length());
/// wav.seek(SeekFrom::Start(1_000_000))?;
/// let mut bytes = [0; 4096];
/// wav.read_exact(&mut bytes)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WavStream {
    decoder: Decoder,
    quantiser: Quantiser,
    header: Vec<u8>,
    frames: u64,
    frame_bytes: u64,
    length: u64,
    /// Frames between those where decoding starts afresh, if it has to.
    segment: Option<u64>,
    /// The byte that is read next.
    position: u64,
    /// Bytes made ahead, and the position of the first of them.
    made: Vec<u8>,
    made_at: u64,
    /// The frame after the last one decoded.
    next: u64,
    /// How many frames the song has, as far as is known: what comes after is silence.
    heard: u64,
}

impl WavStream {
    /// A file of samples of this depth, of just so many frames: see [`Decoder::length`] and [`Decoder::count`].
    ///
    /// # Errors
    ///
    /// [`AudioError::TooLong`] if WAV cannot hold that much (4 GiB).
    pub fn new(decoder: Decoder, depth: Depth, frames: u64) -> Result<Self, AudioError> {
        let from = decoder.format();
        let format = Format { depth, ..from };
        let (header, length) =
            header::header(format, frames).ok_or(AudioError::TooLong { frames })?;
        let segment = u64::from(from.rate) * SEGMENT_S;
        Ok(Self {
            segment: (!decoder.codec().is_repeatable()).then_some(segment),
            decoder,
            quantiser: Quantiser::new(from.depth, depth),
            header,
            frames,
            frame_bytes: format.frame_bytes() as u64,
            length,
            position: 0,
            made: Vec::new(),
            made_at: 0,
            next: 0,
            heard: frames,
        })
    }

    /// The length of the file in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// How many frames the file has.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The bytes that are ready at the position; none if some have to be made.
    fn ready(&self) -> &[u8] {
        let in_header = self.position < self.header.len() as u64;
        let (bytes, start) = if in_header { (&self.header, 0) } else { (&self.made, self.made_at) };
        let at = self.position.checked_sub(start).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| bytes.get(at..)).unwrap_or_default()
    }

    /// Makes bytes that reach past the position, which is behind the header.
    fn make(&mut self) -> Result<(), AudioError> {
        let header = self.header.len() as u64;
        let frame = (self.position - header) / self.frame_bytes;
        self.made.clear();
        if frame >= self.frames {
            // A chunk has an even length: the byte that fills it up.
            self.made_at = self.position;
            self.made.push(0);
            return Ok(());
        }
        if frame < self.heard {
            self.go_near(frame);
        }
        while frame < self.heard {
            self.made_at = header + self.next * self.frame_bytes;
            if !self.decode()? {
                self.heard = self.next;
            } else if frame < self.next {
                return Ok(());
            }
        }
        let silent = (self.frames - frame).min(SILENCE_FRAMES);
        self.made_at = header + frame * self.frame_bytes;
        self.made.resize((silent * self.frame_bytes) as usize, 0);
        Ok(())
    }

    /// Chooses the frame to decode from, to come to `frame`: that one, or one from which it is always the same.
    fn go_near(&mut self, frame: u64) {
        match self.segment {
            None => self.next = frame,
            Some(segment) if self.next <= frame && self.next / segment == frame / segment => {}
            Some(segment) => self.next = frame - frame % segment,
        }
    }

    /// Makes bytes of the next frames; `false` if the song has ended.
    fn decode(&mut self) -> Result<bool, AudioError> {
        let fresh = self.segment.is_some_and(|segment| self.next.is_multiple_of(segment));
        if fresh {
            self.decoder.start_at(self.next)?;
        } else {
            self.decoder.seek(self.next)?;
        }
        let channels = self.decoder.format().channels();
        let samples = self.decoder.read()?;
        let end =
            self.segment.map_or(self.frames, |segment| self.next - self.next % segment + segment);
        let room = usize::try_from(end.min(self.frames) - self.next).unwrap_or(usize::MAX);
        let samples = &samples[..samples.len().min(room.saturating_mul(channels))];
        self.made.clear();
        self.quantiser.write(samples, self.next, channels, &mut self.made);
        self.next += (samples.len() / channels) as u64;
        Ok(!samples.is_empty())
    }
}

impl Read for WavStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.length || buffer.is_empty() {
            return Ok(0);
        }
        if self.ready().is_empty() {
            self.make().map_err(|error| match error {
                AudioError::Read(error) => error,
                other => io::Error::new(io::ErrorKind::InvalidData, other),
            })?;
        }
        let ready = self.ready();
        let taken = ready.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&ready[..taken]);
        self.position += taken as u64;
        Ok(taken)
    }
}

impl Seek for WavStream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let sought = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = sought.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
