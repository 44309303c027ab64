//! What turns packets into frames.

use opus_pure::{MAX_PACKET_SAMPLES, OpusDecoder, OpusMSDecoder};
use symphonia::core::audio::{Channels, GenericAudioBufferRef};
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_FLAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3,
    CODEC_ID_OPUS, CODEC_ID_VORBIS,
};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::Packet;

use super::guard::guarded;
use crate::AudioError;
use crate::pcm::{Depth, Format, Layout, MAX_CHANNELS, RATES};

/// The rate that Opus always has.
const OPUS_RATE: u32 = 48_000;

/// How sound is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// MPEG-1 and 2, layers I to III (mp3).
    Mpeg,
    /// AAC, low complexity, mono and stereo. Of HE-AAC the core is decoded: half the rate, without its highest octave.
    Aac,
    /// Apple Lossless.
    Alac,
    /// FLAC.
    Flac,
    /// Vorbis.
    Vorbis,
    /// Opus.
    Opus,
    /// Samples as they are (WAV, AIFF, CAF), A-law and µ-law among them.
    Pcm,
}

impl Codec {
    fn of(params: &AudioCodecParameters) -> Self {
        match params.codec {
            CODEC_ID_MP1 | CODEC_ID_MP2 | CODEC_ID_MP3 => Self::Mpeg,
            CODEC_ID_AAC => Self::Aac,
            CODEC_ID_ALAC => Self::Alac,
            CODEC_ID_FLAC => Self::Flac,
            CODEC_ID_VORBIS => Self::Vorbis,
            CODEC_ID_OPUS => Self::Opus,
            // No other codec is built in.
            _ => Self::Pcm,
        }
    }

    /// Frames to decode before the one that is wanted, so that nothing is missing from it: what overlaps, what the
    /// reservoir of bits holds, and how long predictions take to settle.
    pub(super) fn lead_in(self, rate: u32) -> u64 {
        match self {
            Self::Alac | Self::Flac | Self::Pcm => 0,
            Self::Aac => 8 * 1_024,
            // Two of the longest blocks.
            Self::Vorbis => 2 * 8_192,
            // 80 ms are asked for (RFC 7845, 4.6); more than ten times that leaves no difference to be heard.
            Self::Opus | Self::Mpeg => rate.into(),
        }
    }

    /// Whether a frame is the same bit for bit however it was reached. AAC has noise that goes on from packet to packet, and
    /// the predictions of Opus only come close.
    pub(crate) fn is_repeatable(self) -> bool {
        !matches!(self, Self::Aac | Self::Opus)
    }
}

/// Decodes the packets of one track.
pub(super) struct PacketDecoder {
    params: AudioCodecParameters,
    engine: Engine,
}

enum Engine {
    Symphonia(Box<dyn AudioDecoder>),
    Opus { decoder: OpusEngine, buffer: Vec<f32>, order: &'static [usize] },
}

enum OpusEngine {
    Plain(Box<OpusDecoder>),
    Surround(OpusMSDecoder),
}

impl PacketDecoder {
    pub(super) fn new(params: &AudioCodecParameters) -> Result<Self, AudioError> {
        let mut params = params.clone();
        let config = params.extra_data.as_deref().unwrap_or_default();
        if let Some(core) = aac_core(config).filter(|_| params.codec == CODEC_ID_AAC) {
            params.extra_data = Some(core.into());
        }
        let engine = Engine::new(&params)?;
        Ok(Self { params, engine })
    }

    pub(super) fn codec(&self) -> Codec {
        Codec::of(&self.params)
    }

    /// The tick at which the frames of a packet end that are to be heard.
    pub(super) fn end(&self, packet: &Packet) -> i64 {
        let ticks = match self.codec() {
            // Of these the reader (0.6.1) gives the whole duration, whatever is to be left out of it.
            Codec::Mpeg => packet.dur,
            _ => packet.trim_start.saturating_add(packet.dur),
        };
        packet.pts.get().saturating_add(i64::try_from(ticks.get()).unwrap_or(i64::MAX))
    }

    /// Forgets the packets decoded so far: the next one is the first.
    ///
    /// The libraries' own resets keep some state (the noise of AAC), so this begins anew.
    pub(super) fn restart(&mut self) -> Result<(), AudioError> {
        self.engine = Engine::new(&self.params)?;
        Ok(())
    }

    /// Decodes a packet into `out`, interleaved. `None` if it is broken.
    ///
    /// # Errors
    ///
    /// [`AudioError::Fault`], after which this decoder is not to be used.
    pub(super) fn decode(
        &mut self,
        packet: &Packet,
        out: &mut Vec<f32>,
    ) -> Result<Option<Format>, AudioError> {
        out.clear();
        let bits = bits(&self.params);
        let format = match &mut self.engine {
            Engine::Symphonia(decoder) => guarded(|| {
                let sound = decoder.decode(packet).ok()?;
                sound.copy_to_vec_interleaved(out);
                Some(Format {
                    rate: sound.spec().rate(),
                    layout: layout(sound.spec().channels())?,
                    depth: depth(&sound, bits),
                })
            })?,
            Engine::Opus { decoder, buffer, order } => {
                guarded(|| decode_opus(decoder, &packet.data, buffer, order, out))?
            }
        };
        // Numbers that are none would go on through every filter behind.
        out.iter_mut().filter(|sample| !sample.is_finite()).for_each(|sample| *sample = 0.0);
        Ok(format.filter(|format| RATES.contains(&format.rate)))
    }
}

impl Engine {
    fn new(params: &AudioCodecParameters) -> Result<Self, AudioError> {
        match Codec::of(params) {
            Codec::Opus => Self::opus(params.extra_data.as_deref().unwrap_or_default()),
            _ => Self::symphonia(params),
        }
    }

    fn symphonia(params: &AudioCodecParameters) -> Result<Self, AudioError> {
        // Delay and padding are cut off by frame numbers, for all codecs alike.
        let options = AudioDecoderOptions::default().gapless(false);
        let made =
            guarded(|| symphonia::default::get_codecs().make_audio_decoder(params, &options))?;
        made.map(Self::Symphonia).map_err(|error| unsupported(&error))
    }

    /// From the identification header (RFC 7845, 5.1).
    fn opus(head: &[u8]) -> Result<Self, AudioError> {
        /// For each channel in WAVE's order, which one it is in Vorbis' order.
        const ORDERS: [&[usize]; MAX_CHANNELS] = [
            &[0],
            &[0, 1],
            &[0, 2, 1],
            &[0, 1, 2, 3],
            &[0, 2, 1, 3, 4],
            &[0, 2, 1, 5, 3, 4],
            &[0, 2, 1, 6, 5, 3, 4],
            &[0, 2, 1, 7, 5, 6, 3, 4],
        ];
        const REFUSED: AudioError = AudioError::Unsupported("these channels of Opus");
        let (Some(&channels), Some(gain), Some(&family)) =
            (head.get(9), head.get(16..18), head.get(18))
        else {
            return Err(AudioError::Silent);
        };
        let channels = usize::from(channels);
        let order = channels.checked_sub(1).and_then(|n| ORDERS.get(n)).ok_or(REFUSED)?;
        // MP4 has the same fields, as version 0 and the other way round.
        let gain = match head.get(8) {
            Some(0) => i16::from_be_bytes([gain[0], gain[1]]),
            _ => i16::from_le_bytes([gain[0], gain[1]]),
        };
        let rate = OPUS_RATE as i32;
        let decoder = if family == 0 {
            let mut decoder = OpusDecoder::new(rate, channels).map_err(|_| REFUSED)?;
            decoder.gain_q8 = gain.into();
            OpusEngine::Plain(Box::new(decoder))
        } else {
            let mut decoder = OpusMSDecoder::new(rate, channels, family).map_err(|_| REFUSED)?;
            decoder.streams_mut().iter_mut().for_each(|stream| stream.gain_q8 = gain.into());
            OpusEngine::Surround(decoder)
        };
        Ok(Self::Opus { decoder, buffer: vec![0.0; MAX_PACKET_SAMPLES * channels], order })
    }
}

fn decode_opus(
    decoder: &mut OpusEngine,
    packet: &[u8],
    buffer: &mut [f32],
    order: &[usize],
    out: &mut Vec<f32>,
) -> Option<Format> {
    // An empty packet would be made up for: a lost one is not ours to guess.
    if packet.is_empty() {
        return None;
    }
    let frames = match decoder {
        OpusEngine::Plain(decoder) => decoder.decode(packet, MAX_PACKET_SAMPLES, buffer),
        OpusEngine::Surround(decoder) => decoder.decode(packet, MAX_PACKET_SAMPLES, buffer),
    };
    let channels = order.len();
    let samples = buffer.get(..frames.ok()? * channels)?;
    out.extend(samples.chunks_exact(channels).flat_map(|f| order.iter().map(move |&at| f[at])));
    let layout = Layout::of_count(channels)?;
    Some(Format { rate: OPUS_RATE, layout, depth: Depth::F32 })
}

/// Of what an MP4 file says of its AAC (ISO 14496-3, 1.6.2.1), what concerns the core that every AAC has: HE-AAC comes out as
/// that. `None` if it is in another form, or another codec.
fn aac_core(config: &[u8]) -> Option<[u8; 2]> {
    const LOW_COMPLEXITY: u8 = 2;
    const BAND_REPLICATION: u8 = 5;
    const PARAMETRIC_STEREO: u8 = 29;
    let &[first, second, ..] = config else { return None };
    let core = match first >> 3 {
        // Without the two last flags: some files set them, and nothing follows.
        LOW_COMPLEXITY => second & 0b1111_1100,
        BAND_REPLICATION | PARAMETRIC_STEREO => second & 0b1111_1000,
        _ => return None,
    };
    let rate = (first & 0b111) << 1 | second >> 7;
    // 15: the rate stands there as a number.
    (rate != 15).then_some([LOW_COMPLEXITY << 3 | first & 0b111, core])
}

/// The loudspeakers of decoded channels; those that have no place get the usual ones.
fn layout(channels: &Channels) -> Option<Layout> {
    let mask = match channels {
        Channels::Positioned(places) => u32::try_from(places.bits()).ok().and_then(Layout::of_mask),
        _ => None,
    };
    mask.or_else(|| Layout::of_count(channels.count()))
}

/// How many bits of a decoded sample are in use.
fn bits(params: &AudioCodecParameters) -> Option<u32> {
    // Of Apple Lossless only its own header says.
    let header = params.extra_data.as_deref().filter(|_| params.codec == CODEC_ID_ALAC);
    params.bits_per_sample.or_else(|| header?.get(5).map(|bits| u32::from(*bits)))
}

fn depth(sound: &GenericAudioBufferRef<'_>, bits: Option<u32>) -> Depth {
    use GenericAudioBufferRef as Buffer;
    match sound {
        Buffer::F32(_) | Buffer::F64(_) => Depth::F32,
        Buffer::U8(_) | Buffer::S8(_) | Buffer::U16(_) | Buffer::S16(_) => Depth::I16,
        _ if bits.is_some_and(|bits| bits <= 16) => Depth::I16,
        _ => Depth::I24,
    }
}

/// What the library says when it opens something, in our words.
pub(super) fn unsupported(error: &symphonia::core::errors::Error) -> AudioError {
    use symphonia::core::errors::Error;
    match error {
        Error::Unsupported(what) | Error::LimitError(what) => AudioError::Unsupported(what),
        Error::DecodeError(what) => AudioError::Broken(what),
        _ => AudioError::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_aac_the_core_is_decoded_whatever_else_there_is() {
        let check = |config: &[u8], core: Option<[u8; 2]>| {
            assert_eq!(aac_core(config), core, "{config:02X?}");
        };
        // Low complexity, 44,100 Hz, stereo; plain, with flags that nothing follows, with band replication in an appendix.
        check(&[0x12, 0x10], Some([0x12, 0x10]));
        check(&[0x12, 0x12], Some([0x12, 0x10]));
        check(&[0x12, 0x10, 0x56, 0xE5, 0xA0], Some([0x12, 0x10]));
        // HE-AAC: 22,050 Hz, stereo, doubled; with parametric stereo: mono.
        check(&[0x2B, 0x92, 0x08, 0x00], Some([0x13, 0x90]));
        check(&[0xEB, 0x8A, 0x08, 0x00], Some([0x13, 0x88]));
        // A rate of its own; another codec; too short.
        check(&[0x17, 0x80, 0x56, 0x22, 0x10], None);
        check(&[0xF8, 0xE8], None);
        check(&[0x12], None);
    }
}
