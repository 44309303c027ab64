//! Songs that are sent as WAV files, to clients that cannot play what they are.
//!
//! The list has to show the file that will be sent (iTunes plays nothing that is other than announced), so all that it
//! says follows from what is known of the song before anybody opens it.

use daap_model::Track;

/// The WAV file that is made of a song: whole numbers of 16 bits, at the song's own rate, with its own channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wav {
    /// Frames a second.
    pub rate: u32,
    /// Samples in a frame.
    pub channels: u8,
    /// How many frames there are.
    pub frames: u32,
}

/// What most music has, where a source does not say.
const USUAL_RATE: u32 = 44_100;
const USUAL_CHANNELS: u8 = 2;
/// The most channels that are sent.
const MAX_CHANNELS: u8 = 8;
/// Bytes of a sample.
const SAMPLE_BYTES: u32 = 2;
/// Bytes before the sound: up to two channels, and more, which needs the extensible form.
const HEADER: u32 = 44;
const EXTENSIBLE_HEADER: u32 = 68;

impl Wav {
    /// The file that this song makes. Its length is that to the last sample where the source knows it; else no sample
    /// is lost, and some silence may follow. `None` if nobody knows the length, or WAV has no room for the song (4 GiB).
    ///
    /// ```
    /// use daap_model::Track;
    /// use daap_proto::Wav;
    ///
    /// let song = Track { frames: 1_000, channels: 2, sample_rate: 44_100, ..Track::default() };
    /// assert_eq!(Wav::of(&song).map(Wav::length), Some(44 + 4_000));
    /// assert_eq!(Wav::of(&Track::default()), None);
    /// ```
    #[must_use]
    pub fn of(song: &Track) -> Option<Self> {
        let rate = if song.sample_rate > 0 { song.sample_rate } else { USUAL_RATE };
        let channels = if song.channels > 0 { song.channels } else { USUAL_CHANNELS };
        let frames = match (song.frames, song.duration_ms) {
            (0, 0) => return None,
            // The length was rounded to a millisecond, one way or the other.
            (0, ms) => u32::try_from((u64::from(ms) + 1) * u64::from(rate) / 1000).ok()?,
            (frames, _) => frames,
        };
        let wav = Self { rate, channels, frames };
        let fits = u32::try_from(wav.length()).is_ok() && channels <= MAX_CHANNELS;
        fits.then_some(wav)
    }

    /// The length of the file in bytes.
    #[must_use]
    pub fn length(self) -> u64 {
        let header = if self.channels > 2 { EXTENSIBLE_HEADER } else { HEADER };
        u64::from(header) + u64::from(self.frames) * u64::from(self.frame_bytes())
    }

    /// Bit rate in kbit/s; what 16 bits cannot hold is clamped.
    #[must_use]
    pub fn bitrate_kbps(self) -> u16 {
        let bits = u64::from(self.rate) * u64::from(self.frame_bytes()) * 8;
        u16::try_from(bits / 1000).unwrap_or(u16::MAX)
    }

    fn frame_bytes(self) -> u32 {
        u32::from(self.channels) * SAMPLE_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(song: Track, expected: Option<(u64, u16)>) {
        assert_eq!(Wav::of(&song).map(|wav| (wav.length(), wav.bitrate_kbps())), expected);
    }

    #[test]
    fn the_length_follows_from_what_is_known() {
        let song = Track { sample_rate: 48_000, channels: 1, duration_ms: 999, ..Track::default() };
        check(song.clone(), Some((44 + 96_000, 768)));
        check(Track { frames: 47_990, ..song.clone() }, Some((44 + 95_980, 768)));
        check(Track { channels: 6, ..song.clone() }, Some((68 + 576_000, 4_608)));
        check(Track { channels: 9, ..song }, None);
    }

    #[test]
    fn what_no_source_says_is_taken_to_be_as_usual() {
        check(Track { duration_ms: 999, ..Track::default() }, Some((44 + 44_100 * 4, 1_411)));
    }

    #[test]
    fn what_wav_cannot_hold_is_no_wav() {
        check(Track { duration_ms: u32::MAX, ..Track::default() }, None);
        check(Track { frames: u32::MAX, channels: 1, ..Track::default() }, None);
        check(
            Track { sample_rate: u32::MAX, duration_ms: 1, ..Track::default() },
            Some((34_359_780, u16::MAX)),
        );
    }
}
