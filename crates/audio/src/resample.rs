//! From one rate to another.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _, WindowFunction};

use crate::AudioError;
use crate::pcm::{MAX_CHANNELS, RATES};

/// Frames, at the least, that the resampler works on at once. Longer is steeper near half the rate, and later: half of it is
/// the delay.
const CHUNK_FRAMES: usize = 2048;

/// Changes the rate of a stream of frames.
///
/// The work is done on the spectrum, in chunks. The delay that this makes is taken off again, so that the first frame out
/// is the first frame in, and with [`finish`](Self::finish) there are exactly as many frames as the rates say, rounded.
pub struct Resampler {
    engine: Fft<f32>,
    rates: (u64, u64),
    channels: usize,
    /// Frames that do not make a chunk yet.
    waiting: Vec<f32>,
    chunk: Vec<f32>,
    /// Frames that are still to be dropped at the start.
    delay: usize,
    taken: u64,
    given: u64,
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (from, to) = self.rates;
        write!(f, "Resampler({from} to {to}, {} channels)", self.channels)
    }
}

impl Resampler {
    /// From `from` to `to` frames a second, of 1 to 8 channels.
    ///
    /// # Errors
    ///
    /// [`AudioError::Unsupported`] if a rate or the number of channels is out of bounds.
    pub fn new(from: u32, to: u32, channels: usize) -> Result<Self, AudioError> {
        const REFUSED: AudioError = AudioError::Unsupported("this change of rate");
        if !RATES.contains(&from) || !RATES.contains(&to) || !(1..=MAX_CHANNELS).contains(&channels)
        {
            return Err(REFUSED);
        }
        let (rate_in, rate_out) = (from as usize, to as usize);
        // The shortest piece whose length is whole at both rates; twice that, so that half of a chunk is whole too.
        let piece = 2 * rate_in / common_divisor(rate_in, rate_out);
        let chunk = CHUNK_FRAMES.next_multiple_of(piece);
        let window = WindowFunction::BlackmanHarris2;
        let fixed = FixedSync::Input;
        let engine = Fft::new_custom(rate_in, rate_out, chunk, 1, channels, window, fixed)
            .map_err(|_| REFUSED)?;
        Ok(Self {
            delay: engine.output_delay(),
            chunk: vec![0.0; engine.output_frames_max() * channels],
            engine,
            rates: (from.into(), to.into()),
            channels,
            waiting: Vec::new(),
            taken: 0,
            given: 0,
        })
    }

    /// Takes frames, and appends those that are ready.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.taken += (samples.len() / self.channels) as u64;
        self.waiting.extend_from_slice(samples);
        self.work(u64::MAX, out);
    }

    /// Appends what is left, and is then as new.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let (from, to) = self.rates;
        let total =
            (u128::from(self.taken) * u128::from(to) + u128::from(from) / 2) / u128::from(from);
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        while self.given < total {
            // Silence pushes the last frames out.
            let missing = self.engine.input_frames_next() * self.channels - self.waiting.len();
            self.waiting.resize(self.waiting.len() + missing, 0.0);
            self.work(total, out);
        }
        self.engine.reset();
        self.waiting.clear();
        self.delay = self.engine.output_delay();
        (self.taken, self.given) = (0, 0);
    }

    /// Works off whole chunks, giving at most `total` frames in all.
    fn work(&mut self, total: u64, out: &mut Vec<f32>) {
        let mut used = 0;
        loop {
            let needed = self.engine.input_frames_next() * self.channels;
            let Some(chunk) = self.waiting.get(used..used + needed) else { break };
            let made = process(&mut self.engine, self.channels, chunk, &mut self.chunk);
            used += needed;
            let late = made.min(self.delay);
            self.delay -= late;
            let left = usize::try_from(total - self.given).unwrap_or(usize::MAX);
            let kept = (made - late).min(left);
            self.given += kept as u64;
            out.extend_from_slice(&self.chunk[late * self.channels..][..kept * self.channels]);
        }
        self.waiting.drain(..used);
    }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// One chunk of just the length that `engine` asks for; how many frames came out.
fn process(engine: &mut Fft<f32>, channels: usize, chunk: &[f32], out: &mut [f32]) -> usize {
    const FITS: &str = "both buffers have the size that the resampler asked for";
    let room = out.len() / channels;
    let input = InterleavedSlice::new(chunk, channels, chunk.len() / channels).expect(FITS);
    let mut output = InterleavedSlice::new_mut(out, channels, room).expect(FITS);
    let all = Indexing::new();
    engine.process_into_buffer(&input, &mut output, Some(&all)).expect(FITS).1
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn tone(hz: f64, rate: u32, frames: usize) -> Vec<f32> {
        (0..frames).map(|n| (TAU * hz * n as f64 / f64::from(rate)).sin() as f32 * 0.5).collect()
    }

    /// The loudest difference in the middle, in dB below full scale.
    fn error_db(got: &[f32], wanted: &[f32]) -> f64 {
        let middle = 4_096..wanted.len() - 4_096;
        let differences = got[middle.clone()].iter().zip(&wanted[middle]);
        let worst = differences.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
        20.0 * worst.log10()
    }

    fn resampled(from: u32, to: u32, samples: &[f32], step: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(from, to, 1).unwrap();
        let mut out = Vec::new();
        for piece in samples.chunks(step) {
            resampler.push(piece, &mut out);
        }
        resampler.finish(&mut out);
        out
    }

    #[test]
    fn a_tone_keeps_its_pitch_its_level_and_its_place() {
        for (from, to) in [(44_100, 48_000), (48_000, 44_100), (96_000, 44_100), (22_050, 44_100)] {
            for hz in [50.0, 1_000.0, 9_000.0] {
                let got = resampled(from, to, &tone(hz, from, from as usize), 1_000);
                let wanted = tone(hz, to, to as usize);
                assert_eq!(got.len(), wanted.len(), "{from} to {to}");
                let error = error_db(&got, &wanted);
                assert!(error < -100.0, "{hz} Hz, {from} to {to}: {error:.1} dB");
            }
        }
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_gone_and_not_folded_back() {
        let got = resampled(96_000, 44_100, &tone(30_000.0, 96_000, 96_000), 4_096);
        let error = error_db(&got, &vec![0.0; 44_100]);
        assert!(error < -100.0, "{error:.1} dB");
    }

    #[test]
    fn how_the_frames_come_in_makes_no_difference() {
        let sound = tone(440.0, 44_100, 10_007);
        let whole = resampled(44_100, 48_000, &sound, sound.len());
        assert_eq!(whole.len(), 10_892);
        for step in [1, 333, 2_048] {
            assert_eq!(resampled(44_100, 48_000, &sound, step), whole, "{step}");
        }
    }

    #[test]
    fn nothing_in_is_nothing_out_and_finishing_starts_afresh() {
        let mut resampler = Resampler::new(44_100, 48_000, 2).unwrap();
        let mut out = Vec::new();
        resampler.finish(&mut out);
        assert!(out.is_empty());
        let mut runs = [Vec::new(), Vec::new()];
        for run in &mut runs {
            resampler.push(&[0.25; 2 * 441], run);
            resampler.finish(run);
        }
        assert_eq!(runs[0].len(), 2 * 480);
        assert_eq!(runs[0], runs[1]);
    }

    #[test]
    fn rates_that_are_none_are_refused() {
        for (from, to, channels) in [(0, 44_100, 2), (44_100, u32::MAX, 2), (44_100, 48_000, 0)] {
            assert!(Resampler::new(from, to, channels).is_err());
        }
    }
}
