//! XML as far as playlists need it: elements and their text, read as it comes, in bounded memory.
//!
//! Entities other than XML's own five are not resolved, so none can grow; nothing outside of the file is
//! fetched.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::PlaylistError;

/// Elements lie at most this deep in each other.
pub(super) const MAX_DEPTH: usize = 64;
/// The longest single tag, text or comment, in bytes.
pub(super) const MAX_TOKEN: usize = 4 << 20;

/// Something met in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// An element begins.
    Open(Name<'a>),
    /// Text, or a piece of it.
    Text(Cow<'a, str>),
    /// An element ends.
    Close,
}

/// The name of an element.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name<'a>(BytesStart<'a>);

impl Name<'_> {
    /// The name without its prefix.
    pub(super) fn local(&self) -> &str {
        self.0.local_name().into_inner()
    }
}

/// A reader of XML.
pub(super) struct Xml<R> {
    reader: Reader<Metered<R>>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R: BufRead> Xml<R> {
    /// A reader of this UTF-8.
    pub(super) fn new(input: R) -> Self {
        let mut reader = Reader::from_reader(Metered { input, left: MAX_TOKEN });
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    /// What comes next; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Token<'_>>, PlaylistError> {
        self.buffer.clear();
        self.reader.get_mut().left = MAX_TOKEN;
        let offset = self.reader.buffer_position();
        let token = match self.reader.read_event_into(&mut self.buffer) {
            Err(error) => return Err(malformed(offset, error)),
            Ok(Event::Start(_)) if self.depth == MAX_DEPTH => {
                return Err(malformed(offset, "its elements lie too deep in each other"));
            }
            Ok(Event::Start(start)) => {
                self.depth += 1;
                Token::Open(Name(start))
            }
            Ok(Event::End(_)) => {
                self.depth = self.depth.saturating_sub(1);
                Token::Close
            }
            Ok(Event::Text(text)) => Token::Text(text.into_inner()),
            Ok(Event::CData(text)) => Token::Text(text.into_inner()),
            Ok(Event::GeneralRef(reference)) => Token::Text(resolve(&reference)),
            Ok(Event::Eof) if self.depth > 0 => {
                return Err(malformed(offset, "it ends before it is complete"));
            }
            Ok(Event::Eof) => return Ok(None),
            Ok(_) => Token::Text(Cow::Borrowed("")),
        };
        Ok(Some(token))
    }

    /// The text of the element that has begun, without that of elements in it, to its end. One longer than
    /// `limit` bytes counts as none: half a location names another file.
    pub(super) fn text(&mut self, limit: usize) -> Result<String, PlaylistError> {
        let end = self.depth;
        let (mut collected, mut too_long) = (String::new(), false);
        while self.depth >= end {
            let inside = self.depth == end;
            match self.next()? {
                Some(Token::Text(text)) if inside => {
                    too_long |= collected.len() + text.len() > limit;
                    if !too_long {
                        collected.push_str(&text);
                    }
                }
                Some(_) => {}
                None => break,
            }
        }
        if too_long {
            collected.clear();
        }
        Ok(collected)
    }

    /// Passes over the rest of the element that has begun.
    pub(super) fn skip(&mut self) -> Result<(), PlaylistError> {
        self.text(0).map(drop)
    }
}

/// What a reference stands for: nothing if only a document type could tell, or if XML forbids the character.
fn resolve(reference: &BytesRef<'_>) -> Cow<'static, str> {
    match reference.resolve_char_ref() {
        Ok(Some(c)) => c.to_string().into(),
        Ok(None) => resolve_xml_entity(reference).unwrap_or_default().into(),
        Err(_) => Cow::Borrowed(""),
    }
}

fn malformed(offset: u64, what: impl fmt::Display) -> PlaylistError {
    PlaylistError::Malformed { offset, what: what.to_string() }
}

/// Input of which only so much may be read before the next token.
struct Metered<R> {
    input: R,
    left: usize,
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let available = self.input.fill_buf()?;
        if self.left == 0 && !available.is_empty() {
            return Err(io::Error::other("a single piece of it is too long"));
        }
        Ok(&available[..available.len().min(self.left)])
    }

    fn consume(&mut self, length: usize) {
        self.left = self.left.saturating_sub(length);
        self.input.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file as `name{ text }`, or why it is none.
    fn shown(input: &[u8]) -> String {
        let mut xml = Xml::new(input);
        let mut shown = String::new();
        loop {
            match xml.next() {
                Ok(Some(Token::Open(name))) => shown += &format!("{}{{", name.local()),
                Ok(Some(Token::Text(text))) => shown += &text,
                Ok(Some(Token::Close)) => shown.push('}'),
                Ok(None) => return shown,
                Err(error) => return error.to_string(),
            }
        }
    }

    #[track_caller]
    fn check(input: &str, expected: &str) {
        assert_eq!(shown(input.as_bytes()), expected);
    }

    #[test]
    fn elements_and_their_text_come_out_without_the_rest() {
        check(
            "<?xml version='1.0'?><!DOCTYPE p><a:p x='1'>t<!-- c --><b/><![CDATA[<]]></a:p>",
            "p{tb{}<}",
        );
        check("<a>1 &amp; 2 &#x41;&#66;</a>", "a{1 & 2 AB}");
    }

    #[test]
    fn entities_grow_no_text() {
        let bomb = "<!DOCTYPE p [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><p>x&b;&#0;&#xD800;y</p>";
        check(bomb, "p{xy}");
    }

    #[test]
    fn what_is_no_xml_is_refused_with_its_place() {
        check("<a>text", "it is malformed at byte 7: it ends before it is complete");
        assert!(shown(b"<a></b>").starts_with("it is malformed at byte 3"));
        assert!(shown(b"<a>\xFF</a>").starts_with("it is malformed at byte 3"));
        assert!(shown("<a>".repeat(MAX_DEPTH + 1).as_bytes()).contains("too deep"));
    }

    #[test]
    fn a_piece_that_does_not_end_is_not_taken_into_memory() {
        let endless = io::BufReader::new(io::Read::chain(&b"<a><!--"[..], io::repeat(b'x')));
        let mut xml = Xml::new(endless);
        xml.next().unwrap();
        assert!(xml.next().unwrap_err().to_string().contains("too long"));
        assert!(xml.buffer.capacity() < 4 * MAX_TOKEN);
    }

    #[test]
    fn text_ends_with_its_element() {
        let mut xml = Xml::new(&b"<p><a>one<i>two</i>three</a><b>long</b><c/></p>"[..]);
        let mut texts = Vec::new();
        xml.next().unwrap();
        while let Some(Token::Open(_)) = xml.next().unwrap() {
            texts.push(xml.text(8).unwrap());
        }
        assert_eq!(texts, ["onethree", "long", ""]);
        let mut xml = Xml::new(&b"<a>123456789</a>"[..]);
        xml.next().unwrap();
        assert_eq!(xml.text(8).unwrap(), "");
    }
}
