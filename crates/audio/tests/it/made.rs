//! Files whose samples are known, and what is read of them.

use std::io::Cursor;

use audio::{AudioError, Decoder};
use opus_pure::{Application, OggOpusWriter, OpusEncoder, OpusHead};

/// Samples, no two of which follow from each other.
pub(crate) fn noise(samples: usize) -> Vec<i16> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16
    };
    (0..samples).map(next).collect()
}

fn bytes_of(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// A WAV file of 44,100 Hz, stereo.
pub(crate) fn wav(samples: &[i16]) -> Vec<u8> {
    wav_of(samples, 2)
}

/// The same, mono.
pub(crate) fn mono_wav(samples: &[i16]) -> Vec<u8> {
    wav_of(samples, 1)
}

fn wav_of(samples: &[i16], channels: u16) -> Vec<u8> {
    let sound = bytes_of(samples);
    let length = sound.len() as u32;
    let mut out = b"RIFF".to_vec();
    out.extend((36 + length).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    out.extend(channels.to_le_bytes());
    out.extend(44_100_u32.to_le_bytes());
    out.extend((44_100 * 2 * u32::from(channels)).to_le_bytes());
    out.extend((2 * channels).to_le_bytes());
    out.extend(b"\x10\0data");
    out.extend(length.to_le_bytes());
    out.extend(sound);
    out
}

/// A FLAC file of 44,100 Hz, stereo, in frames of 4,096 that are not compressed.
pub(crate) fn flac(samples: &[i16]) -> Vec<u8> {
    const BLOCK: u16 = 4_096;
    let mut out = b"fLaC\x80\0\0\x22".to_vec();
    out.extend(BLOCK.to_be_bytes());
    out.extend(BLOCK.to_be_bytes());
    out.extend([0; 6]);
    let frames = samples.len() as u64 / 2;
    out.extend((44_100 << 44 | 1 << 41 | 15 << 36 | frames).to_be_bytes());
    out.extend([0; 16]);
    for (number, block) in samples.chunks(2 * usize::from(BLOCK)).enumerate() {
        let mut frame = vec![0xFF, 0xF8, 0x79, 0x18];
        let number = char::from_u32(number as u32).unwrap();
        frame.extend(number.encode_utf8(&mut [0; 4]).as_bytes());
        frame.extend((block.len() as u16 / 2 - 1).to_be_bytes());
        frame.push(crc(&frame, 0x07, 8) as u8);
        for channel in 0..2 {
            // A verbatim subframe.
            frame.push(0b10);
            let samples = block.iter().skip(channel).step_by(2);
            frame.extend(samples.flat_map(|sample| sample.to_be_bytes()));
        }
        frame.extend(crc(&frame, 0x8005, 16).to_be_bytes());
        out.extend(frame);
    }
    out
}

fn crc(bytes: &[u8], polynomial: u16, bits: u32) -> u16 {
    let top = 1 << (bits - 1);
    let mask = (u32::from(top) << 1).wrapping_sub(1) as u16;
    bytes.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << (bits - 8), |crc, _| {
            (if crc & top == 0 { crc << 1 } else { crc << 1 ^ polynomial }) & mask
        })
    })
}

/// Where the click of [`opus`] is.
pub(crate) const CLICK: usize = 20_000;

/// An Opus file of a click in silence, and how many frames it has.
pub(crate) fn opus(frames: usize) -> (Vec<u8>, u64) {
    const PACKET: usize = 960;
    let mut encoder = OpusEncoder::new(48_000, 2, Application::Audio).unwrap();
    encoder.bitrate_bps = 128_000;
    let head = OpusHead::for_encoder(&encoder, 48_000);
    let skip = usize::from(head.pre_skip);
    let mut writer = OggOpusWriter::new(Vec::new(), head).unwrap();
    let mut sound = vec![0.0; 2 * (frames + skip).next_multiple_of(PACKET)];
    sound[2 * CLICK..2 * CLICK + 2].fill(0.9);
    let packets = sound.chunks(2 * PACKET);
    let last = packets.len() - 1;
    let mut buffer = vec![0; opus_pure::MAX_PACKET_BYTES];
    for (n, packet) in packets.enumerate() {
        let length = encoder.encode(packet, PACKET, &mut buffer).unwrap();
        let duration = if n == last { skip + frames - n * PACKET } else { PACKET };
        writer.write_packet_with_duration(&buffer[..length], duration as u32).unwrap();
    }
    (writer.finish().unwrap(), frames as u64)
}

/// Opens a file of these bytes.
pub(crate) fn open(bytes: &[u8]) -> Result<Decoder, AudioError> {
    Decoder::open(Cursor::new(bytes.to_vec()), Some(bytes.len() as u64))
}

/// All the frames that are left, as 16-bit values; at most so many.
pub(crate) fn values(decoder: &mut Decoder, most: usize) -> Vec<i16> {
    let mut out = Vec::new();
    while out.len() < most {
        let block = decoder.read().unwrap();
        if block.is_empty() {
            break;
        }
        out.extend(block.iter().map(|sample| (sample * 32768.0) as i16));
    }
    out
}
