//! Between frames and time.

use std::time::Duration;

/// How many frames there are in so much time.
pub(crate) fn count(time: Duration, rate: u32) -> u64 {
    let nanoseconds = time.as_nanos().saturating_mul(rate.into());
    u64::try_from((nanoseconds + 500_000_000) / 1_000_000_000).unwrap_or(u64::MAX)
}

/// How long so many frames are.
pub(crate) fn time(frames: u64, rate: u32) -> Duration {
    let rate = u64::from(rate.max(1));
    let rest = (frames % rate) * 1_000_000_000 / rate;
    Duration::from_secs(frames / rate) + Duration::from_nanos(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_time_agree() {
        for frames in [0, 1, 44_099, 44_100, 86_400 * 44_100 + 1, 1 << 40] {
            for rate in [1_000, 44_100, 48_000, 768_000] {
                assert_eq!(count(time(frames, rate), rate), frames, "{frames} at {rate}");
            }
        }
        assert_eq!(count(Duration::MAX, 768_000), u64::MAX);
    }
}
