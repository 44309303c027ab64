//! What the texts in tags mean.
//!
//! Tags are written by people and by programs of thirty years; nothing here refuses, it only finds less.

use daap_model::Timestamp;
use lofty::id3::v1::GENRES;

/// The longest text that is taken from a tag, in bytes; the rest is cut off.
pub(crate) const TEXT_LIMIT: usize = 4096;

/// Between several values of one field.
const BETWEEN: &str = "; ";

/// One line of text: what is before a NUL, without control characters and outer blanks, not too long.
pub(crate) fn line(text: &str) -> String {
    clean(text, |c| if c.is_control() { ' ' } else { c })
}

/// A text that may have several lines, such as a comment.
pub(crate) fn lines(text: &str) -> String {
    clean(&text.replace("\r\n", "\n"), |c| match c {
        '\r' => '\n',
        '\n' | '\t' => c,
        c if c.is_control() => ' ',
        c => c,
    })
}

fn clean(text: &str, map: impl Fn(char) -> char) -> String {
    let text = text.split('\0').find(|part| !part.trim().is_empty()).unwrap_or_default();
    // Cut before mapping, so that a hostile tag of megabytes costs nothing.
    let text: String = head(text.trim()).chars().map(map).collect();
    // What a control character became may be a blank at an end, or wider than it was.
    head(text.trim()).trim_end().to_owned()
}

/// As much of the text as is allowed, cut between two characters.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_LIMIT)]
}

/// Appends another value of a field that may have several, unless it is there already.
pub(crate) fn join(joined: &mut String, value: &str) {
    if value.is_empty() || joined.split(BETWEEN).any(|known| known == value) {
        return;
    }
    if joined.len() + BETWEEN.len() + value.len() > TEXT_LIMIT {
        return;
    }
    if !joined.is_empty() {
        joined.push_str(BETWEEN);
    }
    joined.push_str(value);
}

/// The values in a text that may hold several, as ID3v2.4 has them, with NUL between.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split('\0').filter(|part| !part.trim().is_empty())
}

/// A number and, where it is said, of how many: `3`, `03/12`, `3 of 12`. 0 where there is none.
pub(crate) fn number_of(text: &str) -> (u16, u16) {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    if !text.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '/') {
        return (0, 0); // such as the side of a record, "A1"
    }
    let mut next = || numbers.next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    if text.trim_start().starts_with('/') { (0, next()) } else { (next(), next()) }
}

/// A number that may have a fraction, rounded: beats a minute.
pub(crate) fn rounded(text: &str) -> u16 {
    let number: f32 = text.trim().replace(',', ".").parse().unwrap_or(0.0);
    if number.is_finite() && (0.0..=f32::from(u16::MAX)).contains(&number) {
        number.round() as u16
    } else {
        0
    }
}

/// Whether a text says yes.
pub(crate) fn flag(text: &str) -> bool {
    let text = text.trim();
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("yes") || number_of(text).0 != 0
}

/// The year in a date of any form: the first four digits in a row that are no more than four.
pub(crate) fn year(date: &str) -> u16 {
    date.split(|c: char| !c.is_ascii_digit())
        .filter(|digits| digits.len() == 4 || digits.len() == 8)
        .find_map(|digits| digits[..4].parse().ok().filter(|year| *year > 0))
        .unwrap_or(0)
}

/// The day in a date that names one: `1973-12-05`, perhaps with a time after it.
pub(crate) fn day(date: &str) -> Timestamp {
    let mut parts = date.trim().splitn(3, '-');
    let mut part = |width: usize| {
        let part = parts.next()?;
        part.get(..width)?.parse::<u32>().ok()
    };
    let (Some(year), Some(month), Some(day)) = (part(4), part(2), part(2)) else {
        return Timestamp(0);
    };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Timestamp(0);
    }
    Timestamp::from_unix(
        days_since_1970(i64::from(year), i64::from(month), i64::from(day)) * 86_400,
    )
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here, so that the leap day is a year's last.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let in_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + in_year
        - 719_468
}

/// The genres in an ID3v2 text: names, numbers (`17`), and the numbers in brackets of older versions (`(17)`,
/// `(4)Eurodisco`, `(RX)`).
pub(crate) fn id3_genres(text: &str) -> Vec<&str> {
    let mut genres = Vec::new();
    for mut value in split(text) {
        while let Some((code, rest)) = bracketed(value) {
            genres.push(code);
            value = rest;
        }
        // A doubled bracket stands for one that belongs to the name.
        let value = if value.starts_with("((") { &value[1..] } else { value };
        if !value.trim().is_empty() {
            genres.push(genre_code(value.trim()).unwrap_or(value));
        }
    }
    // "(4)Disco" says the same twice.
    genres.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    genres
}

fn bracketed(value: &str) -> Option<(&'static str, &str)> {
    let (code, rest) = value.strip_prefix('(')?.split_once(')')?;
    Some((genre_code(code)?, rest))
}

fn genre_code(code: &str) -> Option<&'static str> {
    match code {
        "RX" => Some("Remix"),
        "CR" => Some("Cover"),
        _ => GENRES.get(code.parse::<usize>().ok()?).copied(),
    }
}

/// The genre with this number in an ID3v1 tag.
pub(crate) fn id3v1_genre(number: u8) -> Option<&'static str> {
    GENRES.get(usize::from(number)).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_lose_what_no_client_can_show() {
        assert_eq!(line("  Jet\0\0"), "Jet");
        assert_eq!(line("\0Jet"), "Jet");
        assert_eq!(line("a\r\nb"), "a  b");
        assert_eq!(lines("a\r\nb\rc\u{7}"), "a\nb\nc");
        assert_eq!(line("   "), "");
        assert_eq!(line(&"é".repeat(4000)).len(), TEXT_LIMIT);
    }

    #[test]
    fn numbers_come_in_several_forms() {
        assert_eq!(number_of("3"), (3, 0));
        assert_eq!(number_of("03/12"), (3, 12));
        assert_eq!(number_of(" 3 of 12"), (3, 12));
        assert_eq!(number_of("/12"), (0, 12));
        assert_eq!(number_of("A1"), (0, 0));
        assert_eq!(number_of("99999/2"), (0, 2));
        assert_eq!(number_of(""), (0, 0));
        assert_eq!(rounded("127.6"), 128);
        assert_eq!(rounded("NaN"), 0);
        assert!(flag("1") && flag("true") && !flag("0") && !flag(""));
    }

    #[test]
    fn a_year_is_found_in_dates_of_many_forms() {
        for date in
            ["1973", "1973-12-05", "05/12/1973", "1973-12-05T07:00:00Z", "19731205", "Dec 1973"]
        {
            assert_eq!(year(date), 1973, "{date}");
        }
        for date in ["", "73", "0000", "12345"] {
            assert_eq!(year(date), 0, "{date}");
        }
    }

    #[test]
    fn a_day_is_seconds_since_1970() {
        assert_eq!(day("1973-12-05"), Timestamp(123_897_600));
        assert_eq!(day("2000-02-29T12:00:00"), Timestamp(951_782_400));
        assert_eq!(day("1970-01-02"), Timestamp(86_400));
        assert_eq!(day("1969-12-31"), Timestamp(0));
        for date in ["1973", "1973-12", "1973-13-01", "x-y-z", "1973-1-1", "aé73-12-05", ""] {
            assert_eq!(day(date), Timestamp(0), "{date}");
        }
    }

    #[test]
    fn id3_genres_are_names_or_numbers() {
        assert_eq!(id3_genres("Rock"), ["Rock"]);
        assert_eq!(id3_genres("17"), ["Rock"]);
        assert_eq!(id3_genres("(17)"), ["Rock"]);
        assert_eq!(id3_genres("(4)Eurodisco"), ["Disco", "Eurodisco"]);
        assert_eq!(id3_genres("(4)Disco"), ["Disco"]);
        assert_eq!(id3_genres("(31)(39)"), ["Trance", "Noise"]);
        assert_eq!(id3_genres("Rock\0Pop"), ["Rock", "Pop"]);
        assert_eq!(id3_genres("(RX)"), ["Remix"]);
        assert_eq!(id3_genres("((odd)"), ["(odd)"]);
        assert_eq!(id3_genres("(odd"), ["(odd"]);
        assert_eq!(id3_genres("999"), ["999"]);
    }

    proptest! {
        #[test]
        fn no_text_breaks_a_reader(text in ".{0,40}|[0-9/()\0 é-]{0,20}") {
            let cleaned = line(&text);
            prop_assert!(!cleaned.contains('\0') && cleaned.trim() == cleaned);
            lines(&text);
            number_of(&text);
            rounded(&text);
            flag(&text);
            year(&text);
            day(&text);
            id3_genres(&text);
        }
    }
}
