//! Reading elements: borrowed, level by level, and never past the level's end.
//!
//! Nothing in the bytes tells a container from a text; the table does. Integers are read by their length and
//! take their sign from the table, because writers disagree with it on widths (`msas`, `asgr`, `aeSI`). What is
//! not known is passed over.

use std::borrow::Cow;

use crate::code::{ABAL, ABAR, ABCP, ABGN, MLIT};
use crate::encode::HEADER;
use crate::{Code, DecodeError, Kind, Version};

/// How many containers may lie in one another. Real messages have four.
pub const MAX_DEPTH: usize = 16;

/// The elements of one level, one after the other.
#[derive(Clone, Debug)]
pub struct Tags<'a> {
    input: &'a [u8],
    offset: usize,
    depth: usize,
    /// Inside a browse list: there `mlit` is a bare text.
    bare: bool,
}

/// One element: its code and where its value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// What it is.
    pub code: Code,
    /// How to read it.
    pub kind: Kind,
    /// Where it begins, from the start of the message.
    pub offset: usize,
    /// Its value.
    pub payload: &'a [u8],
    depth: usize,
}

impl<'a> Tags<'a> {
    /// The elements at the top of `input`.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self { input, offset: 0, depth: 0, bare: false }
    }

    /// The elements of `input`, which is all or a part of what a container holds: for who reads a message piece by
    /// piece. They begin at `offset` of the message, and `depth` containers are open there, the last of them this.
    #[must_use]
    pub fn inside(container: Code, input: &'a [u8], offset: usize, depth: usize) -> Self {
        Self { input, offset, depth, bare: [ABAL, ABAR, ABCP, ABGN].contains(&container) }
    }

    /// The next element of this level, or `None` at its end. After an error the level is at its end.
    ///
    /// # Errors
    /// [`DecodeError::TruncatedHeader`] and [`DecodeError::Truncated`].
    pub fn next_tag(&mut self) -> Result<Option<Tag<'a>>, DecodeError> {
        let (input, offset) = (std::mem::take(&mut self.input), self.offset);
        if input.is_empty() {
            return Ok(None);
        }
        let (code, length, rest) = split_header(input, offset)?;
        let Some((payload, rest)) = rest.split_at_checked(length) else {
            return Err(DecodeError::Truncated { code, offset, length, left: rest.len() });
        };
        self.input = rest;
        self.offset += HEADER + length;
        Ok(Some(self.tag(code, offset, payload)))
    }

    fn tag(&self, code: Code, offset: usize, payload: &'a [u8]) -> Tag<'a> {
        let kind = if self.bare && code == MLIT { Kind::String } else { code.kind() };
        Tag { code, kind, offset, payload, depth: self.depth }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Result<Tag<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_tag().transpose()
    }
}

/// The one element that a message is.
///
/// # Errors
/// The message is empty, cut short, or goes on after the element.
pub fn root(input: &[u8]) -> Result<Tag<'_>, DecodeError> {
    let mut tags = Tags::new(input);
    let tag = tags.next_tag()?.ok_or(DecodeError::Empty { offset: 0 })?;
    match tags.input.len() {
        0 => Ok(tag),
        left => Err(DecodeError::Trailing { offset: tags.offset, left }),
    }
}

/// The one element that a message is, from a peer whose root may announce more bytes than it has, as iTunes 4
/// did at login. Nothing but the root is forgiven, and bytes after it are passed over.
///
/// # Errors
/// The message is empty or shorter than a header.
pub fn lenient_root(input: &[u8]) -> Result<Tag<'_>, DecodeError> {
    if input.is_empty() {
        return Err(DecodeError::Empty { offset: 0 });
    }
    let (code, length, rest) = split_header(input, 0)?;
    let payload = &rest[..length.min(rest.len())];
    Ok(Tags::new(input).tag(code, 0, payload))
}

impl<'a> Tag<'a> {
    /// What is inside. For a container; of anything else the bytes are taken for elements.
    ///
    /// # Errors
    /// [`DecodeError::TooDeep`] below [`MAX_DEPTH`] containers.
    pub fn children(&self) -> Result<Tags<'a>, DecodeError> {
        let (code, offset) = (self.code, self.offset);
        if self.depth + 1 >= MAX_DEPTH {
            return Err(DecodeError::TooDeep { code, offset, limit: MAX_DEPTH });
        }
        Ok(Tags::inside(code, self.payload, offset + HEADER, self.depth + 1))
    }

    /// The first child with this code.
    ///
    /// # Errors
    /// As [`Tags::next_tag`] and [`Tag::children`].
    pub fn child(&self, code: Code) -> Result<Option<Tag<'a>>, DecodeError> {
        let mut children = self.children()?;
        while let Some(child) = children.next_tag()? {
            if child.code == code {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }

    /// The value as an unsigned number of 1, 2, 4 or 8 bytes.
    ///
    /// # Errors
    /// [`DecodeError::WrongLength`].
    pub fn uint(&self) -> Result<u64, DecodeError> {
        match *self.payload {
            [a] => Ok(a.into()),
            [a, b] => Ok(u16::from_be_bytes([a, b]).into()),
            [a, b, c, d] => Ok(u32::from_be_bytes([a, b, c, d]).into()),
            [a, b, c, d, e, f, g, h] => Ok(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
            _ => Err(self.wrong_length("an integer")),
        }
    }

    /// The value as a signed number of 1, 2, 4 or 8 bytes.
    ///
    /// # Errors
    /// [`DecodeError::WrongLength`].
    pub fn int(&self) -> Result<i64, DecodeError> {
        let unused = 64 - 8 * self.payload.len().min(8) as u32;
        // The sign is the top bit of what was sent: move it to the top and back.
        self.uint().map(|value| if unused == 64 { 0 } else { ((value << unused) as i64) >> unused })
    }

    /// The value as a text; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.payload)
    }

    /// The value as a text that must be UTF-8.
    ///
    /// # Errors
    /// [`DecodeError::NotUtf8`].
    pub fn str(&self) -> Result<&'a str, DecodeError> {
        let (code, offset) = (self.code, self.offset);
        std::str::from_utf8(self.payload).map_err(|_| DecodeError::NotUtf8 { code, offset })
    }

    /// The value as a protocol version.
    ///
    /// # Errors
    /// [`DecodeError::WrongLength`].
    pub fn version(&self) -> Result<Version, DecodeError> {
        let bytes = self.payload.try_into().map_err(|_| self.wrong_length("a version"))?;
        Ok(u32::from_be_bytes(bytes).into())
    }

    fn wrong_length(&self, kind: &'static str) -> DecodeError {
        let (code, offset, length) = (self.code, self.offset, self.payload.len());
        DecodeError::WrongLength { code, offset, length, kind }
    }
}

/// Code and announced length of the element that begins here; `None` if there are fewer than [`HEADER`] bytes.
#[must_use]
pub fn header(input: &[u8]) -> Option<(Code, u32)> {
    let &[a, b, c, d, e, f, g, h] = input.first_chunk::<HEADER>()?;
    Some((Code([a, b, c, d]), u32::from_be_bytes([e, f, g, h])))
}

/// Code, announced length, and what follows them.
fn split_header(input: &[u8], offset: usize) -> Result<(Code, usize, &[u8]), DecodeError> {
    let (code, length) =
        header(input).ok_or(DecodeError::TruncatedHeader { offset, left: input.len() })?;
    Ok((code, usize::try_from(length).unwrap_or(usize::MAX), &input[HEADER..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{ASRV, ASTM, MINM, MLCL};

    fn tag(code: Code, payload: &[u8]) -> Tag<'_> {
        Tags::new(&[]).tag(code, 0, payload)
    }

    #[test]
    fn integers_are_read_by_their_length() {
        for (payload, unsigned, signed) in [
            (&[0xFE][..], 254, -2),
            (&[0xFF, 0xFE], 65534, -2),
            (&[0, 0, 1, 0], 256, 256),
            (&[0x80, 0, 0, 0], 0x8000_0000, -0x8000_0000),
            (&[0xFF; 8], u64::MAX, -1),
        ] {
            assert_eq!(tag(ASTM, payload).uint(), Ok(unsigned));
            assert_eq!(tag(ASRV, payload).int(), Ok(signed));
        }
    }

    #[test]
    fn an_integer_of_another_width_is_refused_with_its_place() {
        for length in [0, 3, 5, 9, 70] {
            let error =
                DecodeError::WrongLength { code: ASTM, offset: 0, length, kind: "an integer" };
            assert_eq!(tag(ASTM, &[0; 70][..length]).uint(), Err(error.clone()));
            assert_eq!(tag(ASTM, &[0; 70][..length]).int(), Err(error));
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_read_lossily_or_refused() {
        let name = tag(MINM, b"\xFF\xFEA");
        assert_eq!(name.text(), "\u{FFFD}\u{FFFD}A");
        assert_eq!(name.str(), Err(DecodeError::NotUtf8 { code: MINM, offset: 0 }));
    }

    #[test]
    fn a_part_of_a_message_is_read_as_in_its_place() {
        let bytes = b"mlit\0\0\0\x04ABBA";
        assert_eq!(header(bytes), Some((MLIT, 4)));
        assert_eq!(header(&bytes[..7]), None);
        let within =
            |container| Tags::inside(container, bytes, 100, 2).next_tag().unwrap().unwrap();
        assert_eq!((within(ABAR).kind, within(ABAR).offset), (Kind::String, 100));
        assert_eq!(within(MLCL).kind, Kind::Container);
        let deep = Tags::inside(MLCL, bytes, 100, MAX_DEPTH - 1).next_tag().unwrap().unwrap();
        let error = DecodeError::TooDeep { code: MLIT, offset: 100, limit: MAX_DEPTH };
        assert_eq!(deep.children().err(), Some(error));
    }

    #[test]
    fn a_level_is_at_its_end_after_an_error() {
        let mut tags = Tags::new(b"minm\0\0\0\x05ab");
        assert!(tags.next_tag().is_err());
        assert_eq!(tags.next_tag(), Ok(None));
    }
}
