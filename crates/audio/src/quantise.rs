//! From `f32` to the samples that a file or a sound card takes.

use crate::pcm::Depth;

/// Writes samples at a depth, little-endian.
///
/// Samples that have that depth already come out bit for bit. Where bits are dropped, noise of two steps, triangular, is
/// added first (dither), so that what was between two steps is heard as faint noise and not as distortion. The noise
/// depends on the frame's number alone: the same frame gives the same bytes, wherever reading began.
#[derive(Clone, Copy, Debug)]
pub struct Quantiser {
    to: Depth,
    dither: bool,
}

impl Quantiser {
    /// Turns samples of depth `from` into samples of depth `to`.
    #[must_use]
    pub fn new(from: Depth, to: Depth) -> Self {
        Self { to, dither: to < from }
    }

    /// The depth written.
    #[must_use]
    pub fn depth(self) -> Depth {
        self.to
    }

    /// Appends frames of so many channels, the first of which has number `first_frame`.
    pub fn write(self, samples: &[f32], first_frame: u64, channels: usize, out: &mut Vec<u8>) {
        let first = first_frame.wrapping_mul(channels as u64);
        let numbered = (first..).zip(samples);
        match self.to {
            Depth::F32 => out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes())),
            Depth::I16 => out.extend(
                numbered.flat_map(|(n, &sample)| (self.whole(sample, n) as i16).to_le_bytes()),
            ),
            Depth::I24 => out.extend(numbered.flat_map(|(n, &sample)| {
                let [a, b, c, _] = self.whole(sample, n).to_le_bytes();
                [a, b, c]
            })),
        }
    }

    /// The whole number that stands for sample `n`.
    fn whole(self, sample: f32, n: u64) -> i32 {
        let steps = 1_i32 << (self.to.bits() - 1);
        let noise = if self.dither { triangular(n) } else { 0.0 };
        // In f64, since a 24-bit value and noise of its size do not go into an f32 together. What is no number becomes 0.
        let value = f64::from(sample) * f64::from(steps) + noise;
        (value.round() as i32).clamp(-steps, steps - 1)
    }
}

/// Noise from -1 to 1, most often near 0: a function of the sample's number.
fn triangular(n: u64) -> f64 {
    // The mixing steps of SplitMix64, whose bits are as good as independent.
    let mut bits = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^= bits >> 31;
    let even = |half: u64| half as f64 / f64::from(u32::MAX) - 0.5;
    even(bits >> 32) + even(bits & u64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn i16s(from: Depth, samples: &[f32]) -> Vec<i16> {
        let mut out = Vec::new();
        Quantiser::new(from, Depth::I16).write(samples, 0, 1, &mut out);
        out.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
    }

    #[test]
    fn every_16_bit_value_survives() {
        let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let samples: Vec<f32> = all.iter().map(|value| f32::from(*value) / 32768.0).collect();
        assert_eq!(i16s(Depth::I16, &samples), all);
    }

    #[test]
    fn every_24_bit_value_survives() {
        for value in (-(1_i32 << 23)..1 << 23).step_by(97).chain([(1 << 23) - 1]) {
            let mut out = Vec::new();
            let sample = value as f32 / (1 << 23) as f32;
            Quantiser::new(Depth::I24, Depth::I24).write(&[sample], 0, 1, &mut out);
            assert_eq!(out, value.to_le_bytes()[..3]);
        }
    }

    #[test]
    fn what_is_too_loud_or_no_number_is_bounded() {
        let odd = [2.0, -2.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        assert_eq!(i16s(Depth::I16, &odd), [i16::MAX, i16::MIN, i16::MAX, i16::MIN, 0]);
    }

    #[test]
    fn what_is_between_two_steps_is_kept_on_average() {
        let quarter = 0.25 / 32768.0;
        let sum: i64 = i16s(Depth::F32, &vec![quarter; 100_000]).into_iter().map(i64::from).sum();
        assert!((24_000..26_000).contains(&sum), "{sum}");
    }

    #[test]
    fn the_same_frame_gives_the_same_bytes_wherever_reading_began() {
        let samples: Vec<f32> = (0..600).map(|n| (n as f32 * 0.01).sin() * 0.3).collect();
        let quantiser = Quantiser::new(Depth::F32, Depth::I16);
        let (mut whole, mut tail) = (Vec::new(), Vec::new());
        quantiser.write(&samples, 1_000, 2, &mut whole);
        quantiser.write(&samples[200..], 1_100, 2, &mut tail);
        assert_eq!(whole[400..], tail);
    }
}
