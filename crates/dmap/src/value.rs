//! A whole message as a tree: for tests, tools, and small replies. Listings are read with [`Tags`].

use crate::decode::root;
use crate::encode::{Encoder, Sink};
use crate::{Code, DecodeError, Kind, Tag, Tags, TooLong};

/// The longest message that [`Element::decode`] reads. A tree takes several times the message's size; what is
/// longer is read level by level.
pub const MAX_TREE: usize = 64 * 1024 * 1024;

/// A protocol version, such as 3.0.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first part.
    pub major: u16,
    /// The second part. Keep it 0: clients disagree on how to read it.
    pub minor: u8,
    /// The third part.
    pub patch: u8,
}

impl Version {
    /// The version `major.minor.patch`.
    #[must_use]
    pub const fn new(major: u16, minor: u8, patch: u8) -> Self {
        Self { major, minor, patch }
    }
}

impl From<u32> for Version {
    fn from(word: u32) -> Self {
        let [a, b, minor, patch] = word.to_be_bytes();
        Self { major: u16::from_be_bytes([a, b]), minor, patch }
    }
}

impl From<Version> for u32 {
    fn from(version: Version) -> Self {
        let [a, b] = version.major.to_be_bytes();
        Self::from_be_bytes([a, b, version.minor, version.patch])
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// An element with its value. Written again, it gives the bytes it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// What it is.
    pub code: Code,
    /// Its value.
    pub value: Value,
}

/// A value, read as the table says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// An unsigned number and the width it had in bytes: 1, 2, 4 or 8.
    Unsigned(u64, u8),
    /// A signed number and the width it had in bytes: 1, 2, 4 or 8.
    Signed(i64, u8),
    /// A text.
    Text(String),
    /// Seconds since 1970-01-01 UTC.
    Date(u32),
    /// A protocol version.
    Version(Version),
    /// Elements.
    Container(Vec<Element>),
    /// What the table does not know, or what does not have the form that the table says.
    Raw(Vec<u8>),
}

impl Element {
    /// Reads a message of at most [`MAX_TREE`] bytes.
    ///
    /// # Errors
    /// The message is not one whole element, or is too long or too deep. A value that does not fit its type is no
    /// error: it is [`Value::Raw`].
    pub fn decode(input: &[u8]) -> Result<Self, DecodeError> {
        if input.len() > MAX_TREE {
            return Err(DecodeError::TooLong { length: input.len(), limit: MAX_TREE });
        }
        Self::from_tag(root(input)?)
    }

    /// Reads an element with all that is in it.
    ///
    /// # Errors
    /// As [`Element::decode`].
    pub fn from_tag(tag: Tag<'_>) -> Result<Self, DecodeError> {
        // The containers that are open, outermost first: at most MAX_DEPTH, as `children` sees to.
        let mut open: Vec<(Code, Tags<'_>, Vec<Self>)> = Vec::new();
        let mut done = match tag.kind {
            Kind::Container => {
                open.push((tag.code, tag.children()?, Vec::new()));
                None
            }
            _ => Some(Self { code: tag.code, value: Value::leaf(&tag) }),
        };
        while let Some((code, tags, children)) = open.last_mut() {
            children.extend(done.take());
            match tags.next_tag()? {
                Some(tag) if tag.kind == Kind::Container => {
                    let level = (tag.code, tag.children()?, Vec::new());
                    open.push(level);
                }
                Some(tag) => done = Some(Self { code: tag.code, value: Value::leaf(&tag) }),
                None => {
                    let value = Value::Container(std::mem::take(children));
                    done = Some(Self { code: *code, value });
                    open.pop();
                }
            }
        }
        Ok(done.expect("the last container to close is the outermost"))
    }

    /// The element as bytes.
    ///
    /// # Errors
    /// [`TooLong`] if an element cannot say its length.
    pub fn encode(&self) -> Result<Vec<u8>, TooLong> {
        let mut out = Encoder::new(Vec::new());
        self.write(&mut out);
        out.finish()
    }

    /// Writes the element. Recurses as deep as the tree is, which for a decoded one is at most
    /// [`MAX_DEPTH`](crate::MAX_DEPTH).
    pub fn write<S: Sink>(&self, out: &mut Encoder<S>) {
        match &self.value {
            Value::Unsigned(value, width) => {
                out.bytes(self.code, low(&value.to_be_bytes(), *width))
            }
            Value::Signed(value, width) => out.bytes(self.code, low(&value.to_be_bytes(), *width)),
            Value::Text(text) => out.string(self.code, text),
            Value::Date(seconds) => out.date(self.code, *seconds),
            Value::Version(version) => out.version(self.code, *version),
            Value::Raw(bytes) => out.bytes(self.code, bytes),
            Value::Container(children) => out.container(self.code, |out| {
                children.iter().for_each(|child| child.write(out));
            }),
        }
    }

    /// The elements inside; none if this is no container.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match &self.value {
            Value::Container(children) => children,
            _ => &[],
        }
    }

    /// The first child with this code.
    #[must_use]
    pub fn child(&self, code: Code) -> Option<&Self> {
        self.children().iter().find(|child| child.code == code)
    }

    /// The value, if it is an unsigned number.
    #[must_use]
    pub fn uint(&self) -> Option<u64> {
        match self.value {
            Value::Unsigned(value, _) => Some(value),
            _ => None,
        }
    }

    /// The value, if it is a text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Value {
    fn leaf(tag: &Tag<'_>) -> Self {
        // A value that can be read has one of the four widths.
        let width = tag.payload.len() as u8;
        let value = match tag.kind {
            Kind::String => tag.str().ok().map(|text| Self::Text(text.to_owned())),
            Kind::Date => tag.payload.try_into().ok().map(u32::from_be_bytes).map(Self::Date),
            Kind::Version => tag.version().ok().map(Self::Version),
            kind if kind.is_signed() => tag.int().ok().map(|value| Self::Signed(value, width)),
            kind if kind.is_integer() => tag.uint().ok().map(|value| Self::Unsigned(value, width)),
            _ => None,
        };
        value.unwrap_or_else(|| Self::Raw(tag.payload.to_vec()))
    }
}

/// The last `width` bytes.
fn low(bytes: &[u8; 8], width: u8) -> &[u8] {
    &bytes[bytes.len().saturating_sub(width.into())..]
}
