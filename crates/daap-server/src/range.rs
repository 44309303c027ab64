//! The `Range` header of a song request.

/// Which bytes of a song a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All: there is no range, or none that we serve.
    Whole,
    /// From `first` to `last`, both included and inside the song.
    Part {
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte.
        last: u64,
    },
    /// Bytes that the song does not have.
    Beyond,
}

/// Reads a `Range` header for a song of `size` bytes.
///
/// One range of bytes is served. Several, another unit and what cannot be read are ignored, as RFC 9110
/// allows; a range that begins past the end is [`Wanted::Beyond`].
pub(crate) fn wanted(header: Option<&[u8]>, size: u64) -> Wanted {
    header.and_then(|header| parse(header, size)).unwrap_or(Wanted::Whole)
}

fn parse(header: &[u8], size: u64) -> Option<Wanted> {
    let header = std::str::from_utf8(header).ok()?;
    let (unit, ranges) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = ranges.trim().split_once('-')?;
    if first.is_empty() {
        return last_bytes(number(last)?, size);
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    Some(match size.checked_sub(1) {
        Some(end) if first <= end => Wanted::Part { first, last: last.min(end) },
        _ => Wanted::Beyond,
    })
}

/// The last `count` bytes. An empty song has no last bytes to name in a `Content-Range`, so it is sent
/// whole, as nothing.
fn last_bytes(count: u64, size: u64) -> Option<Wanted> {
    match (count, size.checked_sub(1)) {
        (0, _) => Some(Wanted::Beyond),
        (_, None) => None,
        (_, Some(end)) => Some(Wanted::Part { first: size.saturating_sub(count), last: end }),
    }
}

/// A decimal number; one that does not fit is as large as can be.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(header: &str, size: u64, expected: Wanted) {
        assert_eq!(wanted(Some(header.as_bytes()), size), expected, "{header} of {size}");
    }

    fn part(first: u64, last: u64) -> Wanted {
        Wanted::Part { first, last }
    }

    #[test]
    fn one_range_is_served() {
        check("bytes=0-", 1000, part(0, 999));
        check("bytes=5-", 1000, part(5, 999));
        check("bytes=0-0", 1000, part(0, 0));
        check("bytes=100-199", 1000, part(100, 199));
        check("bytes=999-", 1000, part(999, 999));
        check("bytes=100-5000", 1000, part(100, 999));
        check("bytes=100-99999999999999999999999", 1000, part(100, 999));
        check("Bytes = 5-6 ", 1000, part(5, 6));
    }

    #[test]
    fn the_last_bytes_can_be_asked_for() {
        check("bytes=-5", 1000, part(995, 999));
        check("bytes=-1000", 1000, part(0, 999));
        check("bytes=-5000", 1000, part(0, 999));
        check("bytes=-0", 1000, Wanted::Beyond);
    }

    #[test]
    fn past_the_end_there_is_nothing() {
        check("bytes=1000-", 1000, Wanted::Beyond);
        check("bytes=1000-2000", 1000, Wanted::Beyond);
        check("bytes=99999999999999999999999-", 1000, Wanted::Beyond);
    }

    #[test]
    fn an_empty_song_has_no_range() {
        check("bytes=0-", 0, Wanted::Beyond);
        check("bytes=0-0", 0, Wanted::Beyond);
        check("bytes=-5", 0, Wanted::Whole);
    }

    #[test]
    fn what_we_do_not_serve_is_ignored() {
        for header in [
            "bytes=0-1,5-6",
            "bytes=5-4",
            "seconds=0-1",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=1.5-2",
            "bytes 0-1",
            "bytes=-+5",
            "",
        ] {
            check(header, 1000, Wanted::Whole);
        }
        assert_eq!(wanted(None, 1000), Wanted::Whole);
        assert_eq!(wanted(Some(b"bytes=\xff-"), 1000), Wanted::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_inside_the_song(header in "bytes=[0-9]{0,5}-[0-9]{0,5}", size in 0_u64..100_000) {
            if let Wanted::Part { first, last } = wanted(Some(header.as_bytes()), size) {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}
