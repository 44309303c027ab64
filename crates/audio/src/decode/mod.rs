//! From a source of bytes to frames.

mod codec;
mod demux;
mod edits;
mod guard;
mod leash;
mod span;

use std::io::{Read, Seek};

use symphonia::core::packet::Packet;

pub use self::codec::Codec;
use self::codec::PacketDecoder;
use self::demux::Demuxer;
pub use self::span::Length;
use self::span::Span;
use crate::{AudioError, Format};

/// Broken packets in a row after which a stream has ended: about ten seconds of most codecs.
const MAX_BROKEN: u32 = 512;
/// Packets in a row that may be passed over on the way to a place.
const MAX_PASSED: u32 = 1 << 24;
/// Seconds of silence that are put where packets are missing. What jumps further just goes on.
const MAX_GAP_S: u32 = 5;

/// Decodes one song.
///
/// What an encoder put before and behind the music is left out, so that songs cut from one recording join without a
/// gap. Positions are frames of the music. Frame n is where the file says it is: silence stands for packets that are
/// broken or missing, however the frame was reached.
///
/// ```no_run
/// # fn play(_: &[f32]) {}
/// let file = std::fs::File::open("Jet.flac")?;
/// let length = file.metadata()?.len();
/// let mut song = audio::Decoder::open(file, Some(length))?;
/// song.seek(u64::from(song.format().rate) * 30)?;
/// loop {
///     let frames = song.read()?;
///     if frames.is_empty() {
///         break;
///     }
///     play(frames);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Decoder {
    demuxer: Demuxer,
    packets: PacketDecoder,
    format: Format,
    span: Span,
    /// The tick of the first packet.
    first: i64,
    /// What the last packet gave.
    block: Vec<f32>,
    /// Whether `block` is yet to be handed out, as it was decoded ahead.
    ready: bool,
    /// The frame after the last one that was handed out.
    position: u64,
    /// How far the timeline has jumped.
    jumped: i64,
    /// The frame after the last packet decoded, unless the next one is from elsewhere.
    expected: Option<i64>,
    /// Broken packets since the last one that was not.
    broken: u32,
    gaps: u64,
    ended: bool,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { format, span, position, .. } = self;
        write!(f, "Decoder({:?}, {format:?}, {:?}, at {position})", self.codec(), span.length)
    }
}

impl Decoder {
    /// Finds out what `source` is, which stands at its start, and decodes its first packet. `length` is its length in
    /// bytes; a source without one is only read forwards.
    ///
    /// # Errors
    ///
    /// If the source fails, or nothing in it can be decoded.
    pub fn open(
        source: impl Read + Seek + Send + 'static,
        length: Option<u64>,
    ) -> Result<Self, AudioError> {
        let mut demuxer = Demuxer::open(source, length)?;
        let mut packets = PacketDecoder::new(demuxer.params()?)?;
        let mut block = Vec::new();
        let (packet, format) = first_sound(&mut demuxer, &mut packets, &mut block)?;
        let first = packet.pts.get();
        let span = Span::of(&mut demuxer, packets.codec(), format);
        let span = span.beginning_by(first, longest_gap(format));
        let mut decoder = Self {
            demuxer,
            packets,
            format,
            span,
            first,
            block,
            ready: false,
            position: 0,
            jumped: 0,
            expected: None,
            broken: 0,
            gaps: 0,
            ended: false,
        };
        decoder.ready = decoder.place(&packet);
        Ok(decoder)
    }

    /// What the frames are made of.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// How the sound is encoded.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.packets.codec()
    }

    /// How long the music is. Files may lie: the end is where [`read`](Self::read) says so, but never after an exact length.
    #[must_use]
    pub fn length(&self) -> Length {
        self.span.length
    }

    /// The number of the frame that is read next.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many gaps there were so far: places where packets are broken or missing, so that silence stands for them.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    /// The next frames, interleaved: as many as come easily. None at the end, and ever after.
    ///
    /// # Errors
    ///
    /// If the source or a library fails. After that there is no more, unless one goes elsewhere.
    pub fn read(&mut self) -> Result<&[f32], AudioError> {
        if !std::mem::take(&mut self.ready) && !self.ended {
            match self.fill() {
                Ok(true) => {}
                Ok(false) => {
                    self.ended = true;
                    self.gaps += u64::from(self.broken > 0);
                }
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
        if self.ended {
            self.block.clear();
        }
        self.position += (self.block.len() / self.format.channels()) as u64;
        Ok(&self.block)
    }

    /// Goes to a frame; past the end there is nothing to read.
    ///
    /// # Errors
    ///
    /// If the source fails, or is one that is only read forwards and the frame has gone by.
    pub fn seek(&mut self, frame: u64) -> Result<(), AudioError> {
        let frame = self.span.length.exact().map_or(frame, |frames| frame.min(frames));
        if frame == self.position && !self.ended {
            return Ok(());
        }
        if self.demuxer.is_seekable() || frame < self.position || self.ended {
            return self.start_at(frame);
        }
        while self.position < frame {
            if self.read()?.is_empty() {
                break;
            }
        }
        // What of the last block comes after the frame is handed out once more.
        let after = usize::try_from(self.position.saturating_sub(frame)).unwrap_or(usize::MAX);
        let samples = self.block.len().saturating_sub(after.saturating_mul(self.format.channels()));
        self.block.drain(..samples);
        self.position = self.position.min(frame);
        self.ready = after > 0;
        Ok(())
    }

    /// Goes to a frame, and forgets what was decoded before: what follows depends on the frame alone.
    pub(crate) fn start_at(&mut self, frame: u64) -> Result<(), AudioError> {
        let lead_in = self.codec().lead_in(self.format.rate);
        let from = i64::try_from(frame).unwrap_or(i64::MAX).saturating_add(self.span.start);
        let tick = self.span.clock.tick(from.saturating_sub_unsigned(lead_in));
        self.ended = true;
        self.ready = false;
        self.demuxer.seek(tick.max(self.first))?;
        self.packets.restart()?;
        (self.jumped, self.expected, self.broken) = (0, None, 0);
        self.position = frame;
        self.ended = false;
        Ok(())
    }

    /// Counts the frames where the file does not say how many there are: reads all of it once, without decoding. From then on
    /// [`length`](Self::length) is exact.
    ///
    /// # Errors
    ///
    /// If the source fails, or is one that is only read forwards.
    pub fn count(&mut self) -> Result<u64, AudioError> {
        if let Some(frames) = self.length().exact() {
            return Ok(frames);
        }
        let position = self.position;
        self.ended = true;
        self.demuxer.seek(self.first)?;
        let mut end = self.span.start;
        while let Some(packet) = self.demuxer.next()? {
            end = end.max(self.span.clock.frame(self.packets.end(&packet)));
        }
        let frames = end.saturating_sub(self.span.start).unsigned_abs();
        self.span.length = Length::Exact(frames);
        self.start_at(position)?;
        Ok(frames)
    }

    /// Decodes packets into `block` until there is something to hand out; `false` at the end.
    fn fill(&mut self) -> Result<bool, AudioError> {
        let mut passed = 0;
        while self.broken < MAX_BROKEN && passed < MAX_PASSED {
            if self.span.length.exact().is_some_and(|frames| self.position >= frames) {
                return Ok(false);
            }
            let Some(packet) = self.demuxer.next()? else { return Ok(false) };
            passed += 1;
            if !self.matters(self.packets.end(&packet)) {
                continue;
            }
            match self.packets.decode(&packet, &mut self.block)? {
                // A stream that changes its form in the middle: its frames do not go with the others.
                Some(format)
                    if format.rate == self.format.rate && format.layout == self.format.layout =>
                {
                    self.broken = 0;
                    if self.place(&packet) {
                        return Ok(true);
                    }
                }
                _ => self.broken += 1,
            }
        }
        Ok(false)
    }

    /// Whether a packet that ends at this tick has to be decoded: it is heard, or what is heard depends on it.
    fn matters(&self, end: i64) -> bool {
        let lead_in = self.codec().lead_in(self.format.rate);
        let end = self.frame(end).saturating_add_unsigned(lead_in);
        i64::try_from(self.position).is_ok_and(|position| end > position)
    }

    /// The frame of the music at a tick; before its start it is negative.
    fn frame(&self, tick: i64) -> i64 {
        self.span.clock.frame(tick).saturating_sub(self.span.start).saturating_add(self.jumped)
    }

    /// Makes of the block just decoded of `packet` what follows the frames handed out so far: cuts off what comes before the
    /// position and behind the end, and puts silence where frames are missing. Whether anything is left.
    fn place(&mut self, packet: &Packet) -> bool {
        let channels = self.format.channels();
        let tick = packet.pts.get();
        if self.span.clock.is_exact() {
            // The last packet is often longer than what there was to encode.
            let heard = self.packets.end(packet).saturating_sub(tick).unsigned_abs();
            let heard = usize::try_from(heard).unwrap_or(usize::MAX);
            self.block.truncate(heard.saturating_mul(channels));
        }
        let frames = (self.block.len() / channels) as i64;
        let position = i64::try_from(self.position).unwrap_or(i64::MAX);
        let mut start = self.frame(tick);
        let expected = self.expected.unwrap_or(start.min(position));
        let gap = start.saturating_sub(expected);
        let is_rounding = gap.saturating_abs() <= self.span.clock.rounding();
        if is_rounding || gap > longest_gap(self.format) {
            self.jumped = self.jumped.saturating_sub(gap);
            start = expected;
        }
        self.expected = Some(start.saturating_add(frames));
        if start > position {
            let silence = usize::try_from(start - position).unwrap_or(0) * channels;
            self.block.splice(..0, std::iter::repeat_n(0.0, silence));
            self.gaps += 1;
        } else {
            let early = usize::try_from(position.saturating_sub(start).min(frames)).unwrap_or(0);
            self.block.drain(..early * channels);
        }
        if let Some(total) = self.span.length.exact() {
            let left = usize::try_from(total.saturating_sub(self.position)).unwrap_or(usize::MAX);
            self.block.truncate(left.saturating_mul(channels));
        }
        !self.block.is_empty()
    }
}

/// Decodes packets until one is not broken.
fn first_sound(
    demuxer: &mut Demuxer,
    packets: &mut PacketDecoder,
    block: &mut Vec<f32>,
) -> Result<(Packet, Format), AudioError> {
    for _ in 0..MAX_BROKEN {
        let packet = demuxer.next()?.ok_or(AudioError::Silent)?;
        if let Some(format) = packets.decode(&packet, block)? {
            return Ok((packet, format));
        }
    }
    Err(AudioError::Silent)
}

/// Frames of silence, at most, that are put where packets are missing.
fn longest_gap(format: Format) -> i64 {
    i64::from(MAX_GAP_S * format.rate)
}
