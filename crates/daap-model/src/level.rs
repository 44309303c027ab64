//! How loud a song is, as far as playing it evenly with others needs.

/// A change of level that makes a song as loud as others, and how high its samples go without it.
///
/// ```
/// use daap_model::Level;
///
/// let level = Level::new(-7.32, Some(0.9885)).unwrap();
/// assert_eq!((level.db(), level.peak()), (-7.32, Some(0.989)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// In hundredths of a decibel.
    pub gain_cdb: i16,
    /// The highest sample, in thousandths of full scale, rounded up; 0 if nobody knows.
    pub peak_milli: u16,
}

impl Level {
    /// A gain in decibels, and the highest sample, 1 being full scale. `None` if the gain is beyond 300 dB, or no number.
    #[must_use]
    pub fn new(db: f32, peak: Option<f32>) -> Option<Self> {
        let is_sound = db.is_finite() && db.abs() <= 300.0;
        // The cast clamps, and makes 0 of what is no number.
        let peak_milli = peak.map_or(0, |peak| (peak * 1000.0).ceil() as u16);
        is_sound.then_some(Self { gain_cdb: (db * 100.0).round() as i16, peak_milli })
    }

    /// The gain in decibels.
    #[must_use]
    pub fn db(self) -> f32 {
        f32::from(self.gain_cdb) / 100.0
    }

    /// The highest sample, 1 being full scale, if it is known.
    #[must_use]
    pub fn peak(self) -> Option<f32> {
        (self.peak_milli > 0).then(|| f32::from(self.peak_milli) / 1000.0)
    }
}

/// What a source says of a song's loudness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// What makes the song as loud as other songs.
    pub song: Option<Level>,
    /// What makes its album as loud as other albums, and leaves its songs as they are to each other.
    pub album: Option<Level>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_level_is_none() {
        assert_eq!(Level::new(f32::NAN, None), None);
        assert_eq!(Level::new(1e9, None), None);
        assert_eq!(Level::new(3.0, Some(f32::NAN)).unwrap().peak(), None);
        assert_eq!(Level::new(3.0, Some(-1.0)).unwrap().peak(), None);
        assert_eq!(Level::new(3.0, Some(1e9)).unwrap().peak_milli, u16::MAX);
    }
}
