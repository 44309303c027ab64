//! Whether the clock is right.

use super::finding::Finding;

const CHECK: &str = "clock";

/// 22 November 2026, when this was written, in seconds since 1970. No right clock shows an earlier time.
const WRITTEN_S: u64 = 1_795_305_600;

/// Two clocks that differ by more are not both right.
const TOLERANCE_S: u64 = 120;

const CURE: &str = "sudo timedatectl set-ntp true";

/// `now_s` is this machine's time, `server_s` that of a server on another machine, if one was asked; both in seconds
/// since 1970.
pub(super) fn judge(now_s: u64, server_s: Option<u64>) -> Finding {
    let behind_s = WRITTEN_S.saturating_sub(now_s);
    let apart_s = server_s.map_or(0, |server_s| server_s.abs_diff(now_s));
    if behind_s > 0 {
        let days = behind_s.div_ceil(24 * 60 * 60);
        let says = format!(
            "the clock is at least {days} days behind, so that songs will seem to have been added then"
        );
        Finding::warning(CHECK, says).cure(CURE)
    } else if apart_s > TOLERANCE_S {
        let says = format!("the server's clock and this machine's differ by {apart_s} s");
        Finding::warning(CHECK, says).cure(CURE)
    } else {
        Finding::fine(CHECK, "the clock is plausible")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[test]
    fn a_clock_before_our_time_or_off_the_servers_is_wrong() {
        let now = WRITTEN_S + 1_000_000;
        let table = [
            (now, None, Verdict::Fine),
            (now, Some(now - TOLERANCE_S), Verdict::Fine),
            (now, Some(now + TOLERANCE_S + 1), Verdict::Warning),
            (now, Some(now - TOLERANCE_S - 1), Verdict::Warning),
            (0, None, Verdict::Warning),
            (WRITTEN_S - 1, Some(WRITTEN_S - 1), Verdict::Warning),
        ];
        for (now, server, verdict) in table {
            assert_eq!(judge(now, server).verdict, verdict, "{now} {server:?}");
        }
    }
}
