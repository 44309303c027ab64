//! WAV and AIFF: 16 bits, two channels.

use std::f32::consts::TAU;

use super::SAMPLE_RATE;

const CHANNELS: u16 = 2;
const BYTES_PER_FRAME: u16 = 2 * CHANNELS;
const TONE_HZ: f32 = 440.0;
const LOUDNESS: f32 = 1000.0;

pub(super) fn wav(samples: u64) -> Vec<u8> {
    let sound = tone(samples, i16::to_le_bytes);
    let mut out = Vec::with_capacity(sound.len() + 44);
    out.extend(b"RIFF");
    out.extend(length(36 + sound.len()).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16_u32.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend(CHANNELS.to_le_bytes());
    out.extend(SAMPLE_RATE.to_le_bytes());
    out.extend((SAMPLE_RATE * u32::from(BYTES_PER_FRAME)).to_le_bytes());
    out.extend(BYTES_PER_FRAME.to_le_bytes());
    out.extend(16_u16.to_le_bytes());
    out.extend(b"data");
    out.extend(length(sound.len()).to_le_bytes());
    out.extend(sound);
    out
}

pub(super) fn aiff(samples: u64) -> Vec<u8> {
    // 44,100 as an 80-bit float: the leading one of the mantissa is written out.
    const RATE: [u8; 10] = [0x40, 0x0E, 0xAC, 0x44, 0, 0, 0, 0, 0, 0];
    let sound = tone(samples, i16::to_be_bytes);
    let mut out = Vec::with_capacity(sound.len() + 54);
    out.extend(b"FORM");
    out.extend(length(4 + 26 + 16 + sound.len()).to_be_bytes());
    out.extend(b"AIFFCOMM");
    out.extend(18_u32.to_be_bytes());
    out.extend(CHANNELS.to_be_bytes());
    out.extend(u32::try_from(samples).expect("a test's song is short").to_be_bytes());
    out.extend(16_u16.to_be_bytes());
    out.extend(RATE);
    out.extend(b"SSND");
    out.extend(length(8 + sound.len()).to_be_bytes());
    out.extend([0; 8]);
    out.extend(sound);
    out
}

fn tone(samples: u64, bytes: impl Fn(i16) -> [u8; 2]) -> Vec<u8> {
    let level = |n: u64| {
        let turn = n as f32 * TONE_HZ / SAMPLE_RATE as f32;
        ((turn * TAU).sin() * LOUDNESS) as i16
    };
    (0..samples).flat_map(|n| [level(n); CHANNELS as usize]).flat_map(bytes).collect()
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a test's song is short")
}
