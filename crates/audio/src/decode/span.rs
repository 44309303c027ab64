//! Which part of a track's timeline is the music: what encoders put before and behind is left out.

use symphonia::core::formats::Track;
use symphonia::core::units::TimeBase;

use super::codec::Codec;
use super::demux::Demuxer;
use super::edits::Edit;
use crate::Format;

/// How long a stream is, in frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Just so many: the file says so.
    Exact(u64),
    /// About so many: guessed from the size of the file, or from a clock that is too coarse.
    About(u64),
    /// Nobody knows before the end.
    Unknown,
}

impl Length {
    /// So many, if that is known.
    #[must_use]
    pub fn exact(self) -> Option<u64> {
        match self {
            Self::Exact(frames) => Some(frames),
            _ => None,
        }
    }
}

/// From the ticks of a track to frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    numerator: i128,
    denominator: i128,
}

impl Clock {
    fn new(base: Option<TimeBase>, rate: u32) -> Self {
        // Without a base, ticks are frames.
        let (numer, denom) = base.map_or((1, rate), |base| (base.numer.get(), base.denom.get()));
        Self { numerator: i128::from(numer) * i128::from(rate), denominator: denom.into() }
    }

    /// Whether every tick is a frame.
    pub(super) fn is_exact(self) -> bool {
        self.numerator == self.denominator
    }

    /// By how many frames the times of packets that follow each other can be off, as they are told in ticks.
    pub(super) fn rounding(self) -> i64 {
        if self.is_exact() { 0 } else { clamped(2 * self.numerator / self.denominator + 2) }
    }

    /// The frame at a tick.
    pub(super) fn frame(self, tick: i64) -> i64 {
        let scaled = i128::from(tick) * self.numerator + self.denominator / 2;
        clamped(scaled.div_euclid(self.denominator))
    }

    /// The last tick that is not after a frame.
    pub(super) fn tick(self, frame: i64) -> i64 {
        clamped((i128::from(frame) * self.denominator).div_euclid(self.numerator))
    }
}

fn clamped(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// Where the music begins on a track's timeline, and how long it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) clock: Clock,
    /// The frame of the timeline that is frame 0 of the music.
    pub(super) start: i64,
    pub(super) length: Length,
}

impl Span {
    /// From all that the file says.
    pub(super) fn of(demuxer: &mut Demuxer, codec: Codec, format: Format) -> Self {
        let clock = Clock::new(demuxer.track().time_base, format.rate);
        if demuxer.is_mp4() {
            return Self::of_mp4(demuxer, clock);
        }
        let track = demuxer.track();
        let total = track.num_frames.unwrap_or(0);
        let delay = i64::from(track.delay.unwrap_or(0));
        let (start, frames) = match codec {
            // Numbers of samples count from the first packet, and count the delay too.
            Codec::Opus => {
                let start = track.start_ts.get().saturating_add(delay);
                (start, total.saturating_sub(u64::try_from(start).unwrap_or(0)))
            }
            // They count from the first sample that is heard; what comes before 0 is not.
            Codec::Vorbis => {
                let start = track.start_ts.get().saturating_add(delay).max(0);
                (start, total.saturating_sub(start.unsigned_abs()))
            }
            // Packets of the delay have times before 0.
            _ => (0, total),
        };
        let length = match frames {
            0 => Length::Unknown,
            _ if is_counted(track, codec, demuxer.length()) => Length::Exact(frames),
            _ => Length::About(frames),
        };
        Self { clock, start, length }
    }

    /// The same, but beginning with the first packet, at tick `first`, if that comes later by more than so many frames: then the
    /// song was cut out of something longer, with the times it had there.
    pub(super) fn beginning_by(self, first: i64, frames: i64) -> Self {
        let start = self.clock.frame(first);
        if start.saturating_sub(self.start) <= frames {
            return self;
        }
        Self { start, length: Length::Unknown, ..self }
    }

    fn of_mp4(demuxer: &mut Demuxer, clock: Clock) -> Self {
        let gapless = demuxer.tag("iTunSMPB").and_then(|text| itunes_gapless(&text));
        let track = demuxer.track();
        let ticks = track.duration.map_or(0, |duration| duration.get());
        let movie = demuxer.movie();
        let edit = movie.and_then(|movie| movie.edit(track.id));
        let base = track.time_base;
        let (start, end) = match (gapless, edit) {
            (Some((delay, frames)), _) if delay.saturating_add(frames) <= ticks => {
                (delay, delay + frames)
            }
            (_, Some(edit)) => edited(edit, ticks, base),
            _ => (0, ticks),
        };
        let frame = |tick: u64| clock.frame(i64::try_from(tick).unwrap_or(i64::MAX));
        let frames = frame(end).saturating_sub(frame(start)).max(0).unsigned_abs();
        let length = match frames {
            _ if movie.is_none_or(|movie| movie.fragmented) => Length::Unknown,
            0 => Length::Unknown,
            _ if clock.is_exact() => Length::Exact(frames),
            _ => Length::About(frames),
        };
        Self { clock, start: frame(start), length }
    }
}

/// Whether the number of frames was counted by whoever made the file, or guessed by who read it.
fn is_counted(track: &Track, codec: Codec, length: Option<u64>) -> bool {
    match codec {
        // Only the tag of LAME and its like, which has a delay, is known to have counted.
        Codec::Mpeg => track.delay.is_some(),
        // Bare packets (ADTS), without an index.
        Codec::Aac => false,
        // A header that was never completed says more than there is: every frame has a byte at least.
        Codec::Pcm => length.is_none_or(|length| track.num_frames.unwrap_or(0) <= length),
        _ => true,
    }
}

/// Delay and number of samples, from what iTunes writes: numbers in hex, of which the second is the delay, the third the
/// padding, and the fourth what is between.
fn itunes_gapless(text: &str) -> Option<(u64, u64)> {
    let mut words = text.split_ascii_whitespace().skip(1);
    let mut word = || u64::from_str_radix(words.next()?, 16).ok();
    let (delay, _padding, samples) = (word()?, word()?, word()?);
    (samples > 0).then_some((delay, samples))
}

/// Where an edit begins and ends, in ticks of the track, which has `total`.
fn edited(edit: Edit, total: u64, base: Option<TimeBase>) -> (u64, u64) {
    let start = edit.start.min(total);
    let Some(base) = base.filter(|_| edit.length > 0 && edit.ticks > 0) else {
        return (start, total);
    };
    // A tick of the movie, often a millisecond, in ticks of the track.
    let scale = |ticks: u64| {
        let (numer, denom) = (u128::from(base.numer.get()), u128::from(base.denom.get()));
        let scaled = u128::from(ticks) * denom / (numer * u128::from(edit.ticks));
        u64::try_from(scaled).unwrap_or(u64::MAX)
    };
    let end = start.saturating_add(scale(edit.length));
    // An end that is the track's own but for rounding is the track's own.
    if end.saturating_add(scale(1) + 1) >= total { (start, total) } else { (start, end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_turned_into_frames_and_back() {
        let exact = Clock::new(TimeBase::try_new(1, 44_100), 44_100);
        assert!(exact.is_exact());
        assert_eq!((exact.frame(-1_105), exact.tick(-1_105)), (-1_105, -1_105));
        let coarse = Clock::new(TimeBase::try_new(1, 1_000), 44_100);
        assert!(!coarse.is_exact());
        assert_eq!((coarse.frame(1_000), coarse.frame(1), coarse.tick(44_099)), (44_100, 44, 999));
        assert_eq!(coarse.frame(i64::MAX), i64::MAX);
    }

    #[test]
    fn what_itunes_says_of_gaps_is_read() {
        let text = " 00000000 00000840 000001CA 00000000003F31F6 00000000 00000000 00000000";
        assert_eq!(itunes_gapless(text), Some((0x840, 0x3F_31F6)));
        for broken in ["", "0 0", " 0 x 0 1", " 00000000 00000840 000001CA 0000000000000000"] {
            assert_eq!(itunes_gapless(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn edits_in_milliseconds_cut_no_samples_off() {
        let base = TimeBase::try_new(1, 44_100);
        let edit = |start, length| Edit { track: 1, start, length, ticks: 1_000 };
        assert_eq!(edited(edit(1_024, 1_000), 45_124, base), (1_024, 45_124));
        assert_eq!(edited(edit(1_024, 1_000), 45_150, base), (1_024, 45_150));
        assert_eq!(edited(edit(1_024, 1_000), 46_000, base), (1_024, 45_124));
        assert_eq!(edited(edit(1_024, 0), 46_000, base), (1_024, 46_000));
        assert_eq!(edited(edit(99_999, 7), 46_000, base), (46_000, 46_000));
    }
}
