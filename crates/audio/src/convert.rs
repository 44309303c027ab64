//! All the steps from a decoder's frames to the frames or bytes that an output takes.

use crate::pcm::Depth;
use crate::{AudioError, Format, Quantiser, Remix, Resampler};

/// Turns frames of one rate, layout and level into frames of another: remixed, made louder or softer, resampled.
///
/// What need not be done is not done: sound whose rate, layout and level stay comes out bit for bit.
#[derive(Debug)]
pub struct Adapter {
    remix: Remix,
    factor: f32,
    resampler: Option<Resampler>,
    depth: Depth,
    mixed: Vec<f32>,
}

impl Adapter {
    /// From `from` to the rate and layout of `to`, every sample multiplied by `factor`. The depth of `to` is of no account.
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
        Ok(Self { remix, factor, resampler, depth, mixed: Vec::new() })
    }

    /// How fine the frames are that come out: as fine as those that go in, unless they are changed.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// Takes whole frames, and appends those that are ready.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let Some(resampler) = &mut self.resampler else {
            let first = out.len();
            self.remix.apply(samples, out);
            return amplify(&mut out[first..], self.factor);
        };
        self.mixed.clear();
        self.remix.apply(samples, &mut self.mixed);
        amplify(&mut self.mixed, self.factor);
        resampler.push(&self.mixed, out);
    }

    /// Appends what is still on its way, after the last frames; it is as new then.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        if let Some(resampler) = &mut self.resampler {
            resampler.finish(out);
        }
    }
}

fn amplify(samples: &mut [f32], factor: f32) {
    if factor != 1.0 {
        samples.iter_mut().for_each(|sample| *sample *= factor);
    }
}

/// Turns frames of one format into bytes of another: an [`Adapter`], and a [`Quantiser`] behind it.
#[derive(Debug)]
pub struct Converter {
    adapter: Adapter,
    quantiser: Quantiser,
    channels: usize,
    /// Frames written so far.
    written: u64,
    adapted: Vec<f32>,
}

impl Converter {
    /// From `from` to `to`, every sample multiplied by `factor`.
    ///
    /// # Errors
    ///
    /// [`AudioError::Unsupported`] if `to` has more channels than two and others than `from`, or a rate is out of bounds.
    pub fn new(from: Format, to: Format, factor: f32) -> Result<Self, AudioError> {
        let adapter = Adapter::new(from, to, factor)?;
        let quantiser = Quantiser::new(adapter.depth(), to.depth);
        Ok(Self { adapter, quantiser, channels: to.channels(), written: 0, adapted: Vec::new() })
    }

    /// Takes whole frames, and appends the bytes that are ready.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<u8>) {
        self.adapted.clear();
        self.adapter.push(samples, &mut self.adapted);
        self.quantise(out);
    }

    /// Appends what is still on its way, after the last frames.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.adapted.clear();
        self.adapter.finish(&mut self.adapted);
        self.quantise(out);
    }

    fn quantise(&mut self, out: &mut Vec<u8>) {
        self.quantiser.write(&self.adapted, self.written, self.channels, out);
        self.written += (self.adapted.len() / self.channels) as u64;
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
