//! What can be wrong with bytes, and with what we were told to write.

use crate::Code;

/// Why some bytes are not DMAP. Offsets count from the start of the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There is nothing where an element must be.
    #[error("there is no element at offset {offset}")]
    Empty {
        /// Where it must be.
        offset: usize,
    },
    /// A code and a length are eight bytes.
    #[error("{left} bytes at offset {offset} are too few for a code and a length")]
    TruncatedHeader {
        /// Where the header begins.
        offset: usize,
        /// Bytes left there.
        left: usize,
    },
    /// An element is longer than what it is in.
    #[error("{code} at offset {offset} announces {length} bytes; {left} are left")]
    Truncated {
        /// Its code.
        code: Code,
        /// Where it begins.
        offset: usize,
        /// The length it announces.
        length: usize,
        /// Bytes left for its value.
        left: usize,
    },
    /// Bytes follow the root element.
    #[error("{left} bytes follow the root element, from offset {offset} on")]
    Trailing {
        /// Where they begin.
        offset: usize,
        /// How many they are.
        left: usize,
    },
    /// Containers lie in containers deeper than anyone sends.
    #[error("{code} at offset {offset} lies deeper than {limit} containers")]
    TooDeep {
        /// The code of the container that was not entered.
        code: Code,
        /// Where it begins.
        offset: usize,
        /// [`MAX_DEPTH`](crate::MAX_DEPTH).
        limit: usize,
    },
    /// The message is longer than the reader allows.
    #[error("the message has {length} bytes; at most {limit} are read")]
    TooLong {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// A value has a width that its type cannot have.
    #[error("{code} at offset {offset} has {length} bytes, which is no width of {kind}")]
    WrongLength {
        /// Its code.
        code: Code,
        /// Where the element begins.
        offset: usize,
        /// The value's length.
        length: usize,
        /// What was wanted: "an integer", "a version".
        kind: &'static str,
    },
    /// A text is not UTF-8 and was asked for strictly.
    #[error("{code} at offset {offset} is not UTF-8")]
    NotUtf8 {
        /// Its code.
        code: Code,
        /// Where the element begins.
        offset: usize,
    },
}

/// An element would be longer than 2^32 - 1 bytes, which DMAP cannot say. The caller has to ask for less
/// at once (`index=`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} would be longer than its length field can say")]
pub struct TooLong {
    /// The element.
    pub code: Code,
}
