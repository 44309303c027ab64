//! XSPF: an XML list of tracks, each with a location that is a URI or, from careless writers, a path.

use std::borrow::Cow;

use encoding_rs::Encoding;

use super::xml::{Token, Xml};
use super::{Entry, MAX_ENTRIES, MAX_LOCATION, MAX_NAME, Parsed, PlaylistError, text};

/// How far into the file its encoding is named.
const DECLARATION: usize = 256;

/// Reads an XSPF file. Of a track with several locations the first counts.
pub fn parse(bytes: &[u8]) -> Result<Parsed, PlaylistError> {
    let text = utf_8(bytes);
    let mut xml = Xml::new(text.as_bytes());
    let mut parsed = Parsed::default();
    while let Some(token) = xml.next()? {
        let Token::Open(name) = token else { continue };
        match name.local() {
            "title" => parsed.name = text::line(&xml.text(MAX_NAME)?, MAX_NAME),
            "track" => match track(&mut xml)? {
                Some(entry) => parsed.push(entry, MAX_ENTRIES),
                None => parsed.left_out += 1,
            },
            "playlist" | "trackList" => {}
            _ => xml.skip()?,
        }
    }
    Ok(parsed)
}

/// The track that has begun; `None` if it says not where it is.
fn track(xml: &mut Xml<&[u8]>) -> Result<Option<Entry>, PlaylistError> {
    let (mut location, mut title, mut creator) = (String::new(), String::new(), String::new());
    while let Some(token) = xml.next()? {
        match token {
            Token::Open(name) => match name.local() {
                "location" if location.is_empty() => location = xml.text(MAX_LOCATION)?,
                "title" => title = text::line(&xml.text(MAX_NAME)?, MAX_NAME),
                "creator" => creator = text::line(&xml.text(MAX_NAME)?, MAX_NAME),
                _ => xml.skip()?,
            },
            Token::Text(_) => {}
            Token::Close => break,
        }
    }
    if !creator.is_empty() && !title.is_empty() {
        title = format!("{creator} - {title}");
    }
    let location = location.trim().as_bytes().to_vec();
    Ok((!location.is_empty()).then_some(Entry { location, title }))
}

/// The file in UTF-8: by its mark, else by the encoding it names, else by guessing.
fn utf_8(bytes: &[u8]) -> Cow<'_, str> {
    let head = text::decode(&bytes[..bytes.len().min(DECLARATION)]).into_owned();
    let declaration = head.split_once("?>").map_or("", |(declaration, _)| declaration);
    let label = declaration.split_once("encoding").map_or("", |(_, rest)| {
        rest.trim_start_matches(|c: char| c == '=' || c.is_ascii_whitespace())
    });
    let quoted = label.split(['"', '\'']).nth(1).unwrap_or_default();
    match Encoding::for_label(quoted.as_bytes()) {
        Some(encoding) if encoding.is_ascii_compatible() && Encoding::for_bom(bytes).is_none() => {
            encoding.decode_without_bom_handling(bytes).0
        }
        _ => match text::ascii_compatible(bytes) {
            Cow::Borrowed(bytes) => text::decode(bytes),
            Cow::Owned(bytes) => Cow::Owned(text::decode(&bytes).into_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::shown;
    use super::*;

    #[track_caller]
    fn check(input: &[u8], name: &str, expected: &[&str]) {
        let parsed = parse(input).unwrap();
        assert_eq!((parsed.name.as_str(), shown(&parsed)), (name, expected.join("\n")));
    }

    #[test]
    fn tracks_have_locations_and_titles() {
        let list = br#"<?xml version="1.0" encoding="UTF-8"?>
            <playlist version="1" xmlns="http://xspf.org/ns/0/"><title>Mine &amp; yours</title><creator>me</creator>
            <trackList><track><title>Jet</title><creator>Wings</creator><location> file:///m/a%20b.mp3 </location>
            <location>other.mp3</location><extension application="x"><location>no</location></extension></track>
            <track><location>c &lt;3.flac</location></track><track><title>nowhere</title></track></trackList></playlist>"#;
        check(list, "Mine & yours", &["file:///m/a%20b.mp3 (Wings - Jet)", "c <3.flac"]);
        assert_eq!(parse(list).unwrap().left_out, 1);
    }

    #[test]
    fn encodings_are_those_of_the_mark_or_the_declaration_or_guessed() {
        let body = |declared: &str| {
            let declared = format!("<?xml version='1.0'{declared}?><playlist><title>");
            [declared.as_bytes(), b"\xC4", b"</title></playlist>"].concat()
        };
        check(&body(" encoding = 'ISO-8859-1'"), "Ä", &[]);
        check(&body(" encoding='windows-1251'"), "Д", &[]);
        check(&body(""), "Ä", &[]);
        let wide = "<?xml version='1.0' encoding='UTF-16'?><playlist><title>Ä</title></playlist>";
        let wide: Vec<u8> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&wide, "Ä", &[]);
        check("\u{FEFF}<playlist><title>Ä</title></playlist>".as_bytes(), "Ä", &[]);
    }

    #[test]
    fn a_list_that_is_cut_off_is_refused() {
        assert!(parse(b"<playlist><trackList><track><location>a").is_err());
        check(b"", "", &[]);
    }
}
