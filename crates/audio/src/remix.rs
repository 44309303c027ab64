//! From the loudspeakers that a recording is for to those that there are.

use crate::pcm::Layout;

/// 3 dB less: what a loudspeaker gets of a sound that another one shares with it.
const SHARED: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// Turns frames of one layout into frames of mono or stereo.
///
/// Mono goes to both sides as it is. Of more channels, those that are there stay, centre and surround are shared
/// between the sides 3 dB down, and bass alone is dropped, as ITU-R BS.775 says; all is then scaled so that no frame can clip.
#[derive(Clone, Debug)]
pub struct Remix {
    from: Layout,
    to: Layout,
    /// Row by row, a row for each channel that comes out.
    weights: Vec<f32>,
}

impl Remix {
    /// From `from` to `to`, which is mono, stereo or `from` itself; to anything else, `None`.
    #[must_use]
    pub fn new(from: Layout, to: Layout) -> Option<Self> {
        let weights = if from == to {
            Vec::new()
        } else if to == Layout::STEREO {
            rows(from, &[stereo_left, stereo_right])
        } else if to == Layout::MONO {
            rows(from, &[|speaker| stereo_left(speaker) + stereo_right(speaker)])
        } else {
            return None;
        };
        Some(Self { from, to, weights })
    }

    /// Whether frames come out as they go in.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.from == self.to
    }

    /// The layout that comes out.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.to
    }

    /// Appends the frames of `samples`, remixed.
    pub fn apply(&self, samples: &[f32], out: &mut Vec<f32>) {
        if self.is_identity() {
            out.extend_from_slice(samples);
            return;
        }
        let channels = self.from.count();
        for frame in samples.chunks_exact(channels) {
            let mixed = self.weights.chunks_exact(channels);
            out.extend(mixed.map(|row| row.iter().zip(frame).map(|(w, s)| w * s).sum::<f32>()));
        }
    }
}

/// The weights, so scaled that the loudest frame possible comes out as loud as it went in.
fn rows(from: Layout, weigh: &[fn(Layout) -> f32]) -> Vec<f32> {
    let rows: Vec<Vec<f32>> =
        weigh.iter().map(|weight| from.speakers().map(weight).collect()).collect();
    let loudest = rows.iter().map(|row| row.iter().sum::<f32>()).fold(0.0, f32::max);
    // A recording of bass alone: nothing of it is left.
    let scale = if loudest > 0.0 { loudest.recip() } else { 0.0 };
    rows.concat().into_iter().map(|weight| weight * scale).collect()
}

/// What the left side gets of a loudspeaker's sound.
fn stereo_left(speaker: Layout) -> f32 {
    match speaker {
        Layout::FRONT_LEFT => 1.0,
        Layout::FRONT_RIGHT | Layout::BASS | Layout::REAR_RIGHT | Layout::SIDE_RIGHT => 0.0,
        Layout::REAR_LEFT | Layout::SIDE_LEFT | Layout::FRONT_CENTRE => SHARED,
        // Rear centre and the rare ones above and between: to both sides.
        _ => 0.5,
    }
}

/// What the right side gets of a loudspeaker's sound.
fn stereo_right(speaker: Layout) -> f32 {
    match speaker {
        Layout::FRONT_RIGHT => 1.0,
        Layout::REAR_RIGHT | Layout::SIDE_RIGHT => SHARED,
        Layout::FRONT_LEFT | Layout::REAR_LEFT | Layout::SIDE_LEFT => 0.0,
        other => stereo_left(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: usize, to: Layout, frame: &[f32], expected: &[f32]) {
        let remix = Remix::new(Layout::of_count(from).unwrap(), to).unwrap();
        let mut out = Vec::new();
        remix.apply(frame, &mut out);
        assert_eq!(out.len(), expected.len());
        for (got, wanted) in out.iter().zip(expected) {
            assert!((got - wanted).abs() < 1e-6, "{out:?}, not {expected:?}");
        }
    }

    #[test]
    fn channels_go_where_the_standard_sends_them() {
        let (stereo, mono) = (Layout::STEREO, Layout::MONO);
        check(2, stereo, &[0.1, -0.3, 0.7, 1.0], &[0.1, -0.3, 0.7, 1.0]);
        check(1, stereo, &[0.5, -1.0], &[0.5, 0.5, -1.0, -1.0]);
        check(2, mono, &[0.5, 1.0], &[0.75]);
        let all = 1.0 + 2.0 * SHARED;
        check(6, stereo, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0], &[1.0 / all, 0.0]);
        check(6, stereo, &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0], &[SHARED / all, SHARED / all]);
        check(6, stereo, &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0], &[0.0, 0.0]);
        check(6, stereo, &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0], &[0.0, SHARED / all]);
    }

    #[test]
    fn nothing_clips_that_did_not_clip_before() {
        for from in 1..=8 {
            for to in [Layout::MONO, Layout::STEREO] {
                let remix = Remix::new(Layout::of_count(from).unwrap(), to).unwrap();
                let mut out = Vec::new();
                remix.apply(&vec![1.0; from], &mut out);
                assert!(out.iter().all(|sample| *sample <= 1.0 + 1e-6), "{from} to {to}: {out:?}");
            }
        }
    }

    #[test]
    fn other_layouts_are_not_made_up() {
        assert!(Remix::new(Layout::STEREO, Layout::of_count(6).unwrap()).is_none());
    }
}
