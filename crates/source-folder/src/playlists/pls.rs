//! PLS: `FileN=` and `TitleN=`, as Winamp and internet radio have them.

use std::collections::BTreeMap;

use super::{Entry, MAX_ENTRIES, MAX_LOCATION, MAX_NAME, Parsed, text};

/// Reads a PLS file. Whatever is in it, there is a result: what makes no sense is left out.
///
/// Entries come in the order of their numbers. A missing `[playlist]` line, a wrong `NumberOfEntries` and gaps
/// in the numbers are all met in files that people have.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed {
    let bytes = text::ascii_compatible(bytes);
    let mut parsed = Parsed::default();
    let mut entries = BTreeMap::<u32, Entry>::new();
    let mut ours = true;
    for line in text::lines(&bytes) {
        if let [b'[', section @ .., b']'] = line {
            ours = section.trim_ascii().eq_ignore_ascii_case(b"playlist");
            continue;
        }
        let Some((key, value)) = split(line).filter(|_| ours) else { continue };
        if value.len() > MAX_LOCATION {
            parsed.left_out += usize::from(numbered(key, b"file").is_some());
        } else if let Some(number) = numbered(key, b"file") {
            match entry(&mut entries, number) {
                Some(entry) => entry.location = value.to_vec(),
                None => parsed.left_out += 1,
            }
        } else if let Some(number) = numbered(key, b"title") {
            if let Some(entry) = entry(&mut entries, number) {
                entry.title = text::line(&text::decode(value), MAX_NAME);
            }
        } else if key.eq_ignore_ascii_case(b"x-gnome-title") {
            parsed.name = text::line(&text::decode(value), MAX_NAME);
        }
    }
    for entry in entries.into_values().filter(|entry| !entry.location.is_empty()) {
        parsed.push(entry, MAX_ENTRIES);
    }
    parsed
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    Some((line[..at].trim_ascii(), line[at + 1..].trim_ascii()))
}

/// The number in `File12`, if the key is the word with a number.
fn numbered(key: &[u8], word: &[u8]) -> Option<u32> {
    let (head, digits) = key.split_at_checked(word.len())?;
    let digits = head.eq_ignore_ascii_case(word).then(|| std::str::from_utf8(digits).ok())??;
    digits.parse().ok()
}

/// The entry with this number; `None` if it would be one too many.
fn entry(entries: &mut BTreeMap<u32, Entry>, number: u32) -> Option<&mut Entry> {
    if entries.len() >= MAX_ENTRIES && !entries.contains_key(&number) {
        return None;
    }
    Some(entries.entry(number).or_default())
}

#[cfg(test)]
mod tests {
    use super::super::tests::shown;
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], name: &str, expected: &[&str]) {
        let parsed = parse(bytes);
        assert_eq!((parsed.name.as_str(), shown(&parsed)), (name, expected.join("\n")));
    }

    #[test]
    fn entries_come_in_the_order_of_their_numbers() {
        let list =
            b"[playlist]\r\nFile10=c.mp3\nTitle2=B\nFile2=b=b.mp3\nfile1 = a.mp3 \nLength1=12\n\
            X-GNOME-Title=Mine\nNumberOfEntries=77\nVersion=2\n";
        check(list, "Mine", &["a.mp3", "b=b.mp3 (B)", "c.mp3"]);
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        check(
            b"File1=a.mp3\nFile=x\nFile99999999999=x\nFile-1=x\n=\nFile3=\nTitle4=only\n",
            "",
            &["a.mp3"],
        );
        check(b"[other]\nFile1=x\n[PLAYLIST]\nFile1=a.mp3", "", &["a.mp3"]);
        let long = format!("File1={}\nFile2=b", "x".repeat(MAX_LOCATION + 1));
        assert_eq!(parse(long.as_bytes()).left_out, 1);
    }
}
