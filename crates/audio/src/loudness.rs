//! How loud a song is, and how much louder or softer to play it.

use ebur128::{EbuR128, Mode};

use crate::{AudioError, Decoder};

/// The loudness that gains aim at: that of ReplayGain 2.0, in LUFS.
pub const TARGET_LUFS: f64 = -18.0;
/// The strongest gain that is applied, either way, whatever a tag says; in dB.
pub const MAX_GAIN_DB: f32 = 24.0;

/// How much to change a song's level, as a tag or a measurement has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// By how much; in dB.
    pub db: f32,
    /// The highest sample of the song before the change, 1 being full scale; `None` if nobody knows.
    pub peak: Option<f32>,
}

impl Gain {
    /// What to multiply samples with: the gain, with `preamp_db` on top, but never so much that the peak clips.
    ///
    /// Without a known peak a song is made softer only, for nobody can tell whether louder would clip.
    #[must_use]
    pub fn factor(self, preamp_db: f32) -> f32 {
        let wanted = (self.db + preamp_db).clamp(-MAX_GAIN_DB, MAX_GAIN_DB);
        let wanted = 10_f32.powf(wanted / 20.0);
        wanted.min(self.peak.unwrap_or(1.0).recip())
    }
}

/// What was measured of a song.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loudness {
    /// Integrated loudness after EBU R128, in LUFS; `None` if all of it was too soft (below -70) or too short (0.4 s).
    pub lufs: Option<f64>,
    /// The highest sample between and on the samples (true peak), 1 being full scale.
    pub peak: f64,
}

impl Loudness {
    /// Measures from where `decoder` stands to its end. `None` if `cancelled` said so, which is asked many times a second.
    ///
    /// # Errors
    ///
    /// What the decoder says.
    pub fn measure(
        decoder: &mut Decoder,
        cancelled: impl Fn() -> bool,
    ) -> Result<Option<Self>, AudioError> {
        let format = decoder.format();
        let channels = format.layout.count() as u32;
        let mut meter = EbuR128::new(channels, format.rate, Mode::I | Mode::TRUE_PEAK)
            .map_err(|_| AudioError::Unsupported("loudness at this rate"))?;
        loop {
            if cancelled() {
                return Ok(None);
            }
            let block = decoder.read()?;
            if block.is_empty() {
                break;
            }
            meter.add_frames_f32(block).map_err(|_| AudioError::Fault)?;
        }
        let lufs = meter.loudness_global().map_err(|_| AudioError::Fault)?;
        let peaks = (0..channels).filter_map(|channel| meter.true_peak(channel).ok());
        let peak = peaks.fold(0.0, f64::max);
        Ok(Some(Self { lufs: lufs.is_finite().then_some(lufs), peak }))
    }

    /// The gain that brings the song to [`TARGET_LUFS`]; none for silence.
    #[must_use]
    pub fn gain(self) -> Gain {
        let db = self.lufs.map_or(0.0, |lufs| TARGET_LUFS - lufs) as f32;
        Gain { db, peak: (self.peak > 0.0).then_some(self.peak as f32) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_never_makes_a_song_clip() {
        let check = |db, peak, preamp, expected: f32| {
            let factor = Gain { db, peak }.factor(preamp);
            assert!((factor - expected).abs() < 1e-3, "{db} dB, {peak:?}, {preamp}: {factor}");
        };
        check(-6.0, Some(1.0), 0.0, 0.501);
        check(6.0, Some(0.25), 0.0, 1.995);
        check(6.0, Some(0.8), 0.0, 1.25);
        check(6.0, None, 0.0, 1.0);
        check(-6.0, None, 6.0, 1.0);
        check(900.0, Some(1e-9), 0.0, 15.849);
        check(-1.0, Some(1.2), 0.0, 0.833);
    }
}
