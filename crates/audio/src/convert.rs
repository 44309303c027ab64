//! All the steps from a decoder's frames to the bytes that an output takes.

use crate::pcm::Depth;
use crate::{AudioError, Format, Quantiser, Remix, Resampler};

/// Turns frames of one format into bytes of another: remixed, made louder or softer, resampled, quantised.
///
/// What need not be done is not done: sound that already has the format that is wanted, and whose level stays, comes out
/// bit for bit.
#[derive(Debug)]
pub struct Converter {
    remix: Remix,
    factor: f32,
    resampler: Option<Resampler>,
    quantiser: Quantiser,
    /// Frames written so far.
    written: u64,
    mixed: Vec<f32>,
    resampled: Vec<f32>,
}

impl Converter {
    /// From `from` to `to`, every sample multiplied by `factor`.
    ///
    /// # Errors
    ///
    /// [`AudioError::Unsupported`] if `to` has more channels than two and others than `from`, or a rate is out of bounds.
    pub fn new(from: Format, to: Format, factor: f32) -> Result<Self, AudioError> {
        let remix = Remix::new(from.layout, to.layout)
            .ok_or(AudioError::Unsupported("this change of channels"))?;
        let resampler = (from.rate != to.rate)
            .then(|| Resampler::new(from.rate, to.rate, to.channels()))
            .transpose()?;
        let untouched = remix.is_identity() && resampler.is_none() && factor == 1.0;
        let depth = if untouched { from.depth } else { Depth::F32 };
        let quantiser = Quantiser::new(depth, to.depth);
        Ok(Self {
            remix,
            factor,
            resampler,
            quantiser,
            written: 0,
            mixed: Vec::new(),
            resampled: Vec::new(),
        })
    }

    /// Takes whole frames, and appends the bytes that are ready.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<u8>) {
        self.mixed.clear();
        self.remix.apply(samples, &mut self.mixed);
        if self.factor != 1.0 {
            self.mixed.iter_mut().for_each(|sample| *sample *= self.factor);
        }
        if let Some(resampler) = &mut self.resampler {
            self.resampled.clear();
            resampler.push(&self.mixed, &mut self.resampled);
        }
        self.quantise(out);
    }

    /// Appends what is still on its way, after the last frames.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.mixed.clear();
        if let Some(resampler) = &mut self.resampler {
            self.resampled.clear();
            resampler.finish(&mut self.resampled);
        }
        self.quantise(out);
    }

    fn quantise(&mut self, out: &mut Vec<u8>) {
        let samples = if self.resampler.is_some() { &self.resampled } else { &self.mixed };
        let channels = self.remix.layout().count();
        self.quantiser.write(samples, self.written, channels, out);
        self.written += (samples.len() / channels) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layout;

    const CD: Format = Format { rate: 44_100, layout: Layout::STEREO, depth: Depth::I16 };

    fn converted(from: Format, to: Format, factor: f32, samples: &[f32]) -> Vec<u8> {
        let mut converter = Converter::new(from, to, factor).unwrap();
        let mut out = Vec::new();
        for piece in samples.chunks(600) {
            converter.push(piece, &mut out);
        }
        converter.finish(&mut out);
        out
    }

    #[test]
    fn sound_that_is_right_already_comes_out_bit_for_bit() {
        let values: Vec<i16> = (0..30_000).map(|n: i32| (n * 7_919) as i16).collect();
        let samples: Vec<f32> = values.iter().map(|value| f32::from(*value) / 32768.0).collect();
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(converted(CD, CD, 1.0, &samples), bytes);
    }

    #[test]
    fn every_step_is_taken_that_is_needed() {
        let mono = Format { rate: 22_050, layout: Layout::MONO, depth: Depth::F32 };
        let bytes = converted(mono, CD, 0.5, &vec![0.5; 22_050]);
        let values: Vec<i16> =
            bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        assert_eq!(values.len(), 2 * 44_100);
        // A quarter of full scale, give or take dither and rounding.
        assert!(values[20_000..60_000].iter().all(|value| value.abs_diff(8_192) <= 2));
    }

    #[test]
    fn channels_are_not_made_up() {
        let film = Format { layout: Layout::of_count(6).unwrap(), ..CD };
        assert!(Converter::new(CD, film, 1.0).is_err());
        assert!(Converter::new(film, film, 1.0).is_ok());
    }
}
