//! Playlist files as lines, whatever they are encoded in.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes looked at to tell UTF-16 without a mark from text in bytes.
const SNIFFED: usize = 512;

/// The file without its mark, in an encoding in which ASCII is ASCII: UTF-16 becomes UTF-8, all else stays.
pub(super) fn ascii_compatible(bytes: &[u8]) -> Cow<'_, [u8]> {
    let (encoding, mark) = match Encoding::for_bom(bytes) {
        Some(found) => found,
        None => (unmarked_utf_16(bytes).unwrap_or(UTF_8), 0),
    };
    let text = bytes.get(mark..).unwrap_or_default();
    if encoding == UTF_8 {
        return text.into();
    }
    match encoding.decode_without_bom_handling(text).0 {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

/// Text in which about every second byte is zero is UTF-16 of a western language.
fn unmarked_utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(SNIFFED)];
    let zeros =
        |first: usize| head.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = head.len() / 3;
    match head.len() {
        0..4 => None,
        _ if odd > many && even == 0 => Some(UTF_16LE),
        _ if even > many && odd == 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// The lines that are not empty, without the blanks around them. A line ends with `\n`, `\r` or both.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

/// Bytes as text: UTF-8 if they are, else the western set of Windows, in which everything is something.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// A text for people: without control characters and the blanks around it, and no longer than `limit` bytes.
pub(super) fn line(text: &str, limit: usize) -> String {
    let mut line: String = text.chars().filter(|c| !c.is_control()).collect();
    line.truncate(line.floor_char_boundary(limit));
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &[&str]) {
        let plain = ascii_compatible(bytes);
        let found: Vec<_> = lines(&plain).map(decode).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn every_encoding_and_every_line_end_gives_the_same_lines() {
        check("Ä\nb".as_bytes(), &["Ä", "b"]);
        check("\u{FEFF}Ä\r\n\r\n  b\r".as_bytes(), &["Ä", "b"]);
        check(b"\xC4\rb", &["Ä", "b"]);
        let wide: Vec<u16> = "Ä\r\nbcdef".encode_utf16().collect();
        let little: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        check(&little, &["Ä", "bcdef"]);
        check(&big, &["Ä", "bcdef"]);
        check(&[b"\xFF\xFE", little.as_slice()].concat(), &["Ä", "bcdef"]);
        check(&[b"\xFE\xFF", big.as_slice()].concat(), &["Ä", "bcdef"]);
        check(b"", &[]);
        check(b"\xFF\xFE", &[]);
        check(b"\xFF\xFEa", &["\u{FFFD}"]);
    }

    #[test]
    fn texts_for_people_have_no_control_characters_and_an_end() {
        assert_eq!(line(" a\0\u{7}b ", 10), "ab");
        assert_eq!(line("ééé", 3), "é");
    }
}
