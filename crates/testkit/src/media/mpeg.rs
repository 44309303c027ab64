//! MPEG-1 layer III. A frame whose side information is all zero is silent, whatever its bit rate.

use super::SAMPLE_RATE;

const SAMPLES_PER_FRAME: u64 = 1152;

/// Frames of 128 kbit/s, padded now and then as the standard wants, so that the rate is exact.
pub(super) fn constant(samples: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut owed = 0;
    for _ in 0..samples.div_ceil(SAMPLES_PER_FRAME) {
        owed += 144 * 128_000 % SAMPLE_RATE;
        let padded = owed >= SAMPLE_RATE;
        owed -= if padded { SAMPLE_RATE } else { 0 };
        frame(&mut out, 9, 128_000, padded);
    }
    out
}

/// Frames of 64 and 128 kbit/s in turn, and no Xing frame before them.
pub(super) fn variable(samples: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for n in 0..samples.div_ceil(SAMPLES_PER_FRAME) {
        if n % 2 == 0 {
            frame(&mut out, 5, 64_000, false);
        } else {
            frame(&mut out, 9, 128_000, false);
        }
    }
    out
}

fn frame(out: &mut Vec<u8>, rate_index: u8, bits_per_second: u32, padded: bool) {
    let length = 144 * bits_per_second / SAMPLE_RATE + u32::from(padded);
    let start = out.len();
    out.extend([0xFF, 0xFB, rate_index << 4 | u8::from(padded) << 1, 0]);
    out.resize(start + length as usize, 0);
}
