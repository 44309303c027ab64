//! Points in time, and how long ago they were.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970, 0 for what was before.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Now, in seconds since 1970.
pub(crate) fn now_s() -> u64 {
    seconds(SystemTime::now())
}

/// The two largest units of a time, as in "2 d 3 h".
pub(crate) fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_two_units() {
        let table =
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7260, "2 h 1 min"), (90_000, "1 d 1 h")];
        for (seconds, told) in table {
            assert_eq!(duration(seconds), told);
        }
    }
}
