//! M3U: a location a line, and what `#EXTINF` and its like say of it.
//!
//! There is no standard. What is read here is what Winamp, VLC, foobar2000, Rhythmbox and MPD write, in UTF-8
//! (with or without a mark), UTF-16, the encoding that `#EXTENC` names, or the western set of Windows.

use encoding_rs::Encoding;

use super::{Entry, MAX_ENTRIES, MAX_LOCATION, MAX_NAME, Parsed, text};

/// Reads an M3U file. Whatever is in it, there is a result: what makes no sense is left out.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed {
    let bytes = text::ascii_compatible(bytes);
    let mut parsed = Parsed::default();
    let mut title = String::new();
    let mut encoding: Option<&'static Encoding> = None;
    for line in text::lines(&bytes) {
        if line.len() > MAX_LOCATION {
            parsed.left_out += 1;
            title.clear();
            continue;
        }
        let text = match encoding {
            Some(encoding) => encoding.decode_without_bom_handling(line).0,
            None => text::decode(line),
        };
        if let Some(label) = directive(&text, "#EXTENC:") {
            encoding = Encoding::for_label(label.as_bytes()).filter(|it| it.is_ascii_compatible());
        } else if let Some(name) = directive(&text, "#PLAYLIST:") {
            parsed.name = text::line(name, MAX_NAME);
        } else if let Some(info) = directive(&text, "#EXTINF:") {
            title = info
                .split_once(',')
                .map(|(_, title)| text::line(title, MAX_NAME))
                .unwrap_or_default();
        } else if !line.starts_with(b"#") {
            // Without a stated encoding the bytes go on as they are: a file's name may have the same ones.
            let location =
                encoding.map_or_else(|| line.to_vec(), |_| text.into_owned().into_bytes());
            parsed.push(Entry { location, title: std::mem::take(&mut title) }, MAX_ENTRIES);
        }
    }
    parsed
}

/// What follows a directive, in either case.
fn directive<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (head, rest) = line.split_at_checked(name.len())?;
    head.eq_ignore_ascii_case(name).then(|| rest.trim())
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
    fn a_plain_list_is_a_location_a_line() {
        check(
            b"a.mp3\r\n\r\n  b/c.flac \n\\\\nas\\music\\d.mp3",
            "",
            &["a.mp3", "b/c.flac", "\\\\nas\\music\\d.mp3"],
        );
    }

    #[test]
    fn titles_names_and_comments_are_told_apart() {
        let list = "\u{FEFF}#EXTM3U\n#PLAYLIST: Été\n#EXTINF:123,Wings - Jet\n#EXTALB:Band\nJet.mp3\n\
            # a comment\n#extinf:-1\nb.mp3\n#EXTINF:1,lost\n";
        check(list.as_bytes(), "Été", &["Jet.mp3 (Wings - Jet)", "b.mp3"]);
    }

    #[test]
    fn old_encodings_are_kept_as_bytes_unless_the_list_names_its_own() {
        let parsed = parse(b"#EXTINF:1,Mot\xF6rhead\nMot\xF6rhead/Ace.mp3");
        assert_eq!(parsed.entries[0].title, "Motörhead");
        assert_eq!(parsed.entries[0].location, b"Mot\xF6rhead/Ace.mp3");
        check(b"#EXTENC:windows-1251\n\xCA\xE8\xED\xEE.mp3", "", &["Кино.mp3"]);
        check(b"#EXTENC: nonsense\na.mp3", "", &["a.mp3"]);
    }

    #[test]
    fn bytes_that_are_no_location_are_counted() {
        let long = [b"x".repeat(MAX_LOCATION + 1), b"\na\0b\nc.mp3".to_vec()].concat();
        let parsed = parse(&long);
        assert_eq!((shown(&parsed).as_str(), parsed.left_out), ("c.mp3", 2));
        let many = "a\n".repeat(MAX_ENTRIES + 3);
        let parsed = parse(many.as_bytes());
        assert_eq!((parsed.entries.len(), parsed.left_out), (MAX_ENTRIES, 3));
    }
}
