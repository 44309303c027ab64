//! How loud a song is, as those who measured it wrote it into its tags.

use daap_model::Level;

/// By how much what R128 tags aim at (-23 LUFS) is softer than what ReplayGain aims at (-18 LUFS).
const R128_TO_REPLAY_GAIN_DB: f32 = 5.0;

/// What ReplayGain says: `"-7.32 dB"`, and the peak as a number.
pub(super) fn replay_gain(gain: &str, peak: &str) -> Option<Level> {
    let number = gain.trim().trim_end_matches(char::is_alphabetic).trim_end();
    Level::new(number.parse().ok()?, peak.trim().parse().ok())
}

/// What the R128 tags of Opus say: 256ths of a decibel (RFC 7845, 5.2.1).
pub(super) fn r128(gain: &str) -> Option<Level> {
    let gain: i16 = gain.trim().parse().ok()?;
    Level::new(f32::from(gain) / 256.0 + R128_TO_REPLAY_GAIN_DB, None)
}

/// What iTunes says in `iTunNORM` (Sound Check): ten numbers in hex, of which the first two are the loudness of left
/// and right in thousandths of a milliwatt, and the seventh and eighth the peaks out of 32,768.
///
/// iTunes aims about 2 dB above ReplayGain; the gain is taken as it is.
pub(super) fn sound_check(text: &str) -> Option<Level> {
    let mut words = text.split_ascii_whitespace().map(|word| u32::from_str_radix(word, 16));
    let mut words = std::iter::from_fn(|| words.next()?.ok());
    let loudest = words.next()?.max(words.next()?);
    let peak = words.nth(4)?.max(words.next()?);
    // Silence makes an infinite gain of this, which is no level.
    Level::new(-10.0 * (loudest as f32 / 1000.0).log10(), Some(peak as f32 / 32_768.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(level: Option<Level>, db: Option<f32>) {
        assert_eq!(level.map(Level::db), db);
    }

    #[test]
    fn replay_gain_is_read_as_taggers_write_it() {
        check(replay_gain("-7.32 dB", ""), Some(-7.32));
        check(replay_gain(" +3.5dB ", ""), Some(3.5));
        check(replay_gain("0", ""), Some(0.0));
        for broken in ["", "loud", "NaN", "inf", "1e99 dB"] {
            check(replay_gain(broken, "1"), None);
        }
        assert_eq!(replay_gain("1 dB", " 0.5 ").unwrap().peak(), Some(0.5));
        assert_eq!(replay_gain("1 dB", "high").unwrap().peak(), None);
    }

    #[test]
    fn r128_aims_lower_than_replay_gain() {
        check(r128("-1280"), Some(0.0));
        check(r128("256"), Some(6.0));
        check(r128("40000"), None);
    }

    #[test]
    fn sound_check_is_read_as_itunes_writes_it() {
        let text = " 000003E8 00000190 00001F40 00000C80 00024CA8 00024CA8 00004000 00003000 00024CA8 00024CA8";
        assert_eq!(sound_check(text), Level::new(0.0, Some(0.5)));
        check(sound_check(&text.replace("000003E8", "00002710")), Some(-10.0));
        for broken in ["", "000003E8", "x y", "00000000 00000000 0 0 0 0 1 1 0 0"] {
            check(sound_check(broken), None);
        }
    }
}
