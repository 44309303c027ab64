//! The bytes of a song.

use std::fmt;
use std::fs::File;
use std::io;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;

/// Bytes as they come. Dropping it cancels the reading.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// The sound of a song, opened and not yet read.
#[derive(Debug)]
pub struct Content {
    /// Length of the whole in bytes; `None` if nobody knows before it ends.
    pub length: Option<u64>,
    /// Where to read it.
    pub body: Body,
}

/// Where to read a song's bytes.
#[non_exhaustive]
pub enum Body {
    /// A file on this machine, read at any offset.
    File(File),
    /// In memory.
    Bytes(Bytes),
    /// Something that can be read from any offset, such as another server.
    Ranged(Box<dyn Ranged>),
    /// Something that can only be read once, from the start.
    Stream(ByteStream),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Ranged(_) => f.write_str("Ranged(..)"),
            Self::Stream(_) => f.write_str("Stream(..)"),
        }
    }
}

/// Content that can be read from any offset.
pub trait Ranged: Send + Sync {
    /// The `length` bytes from `start` on. Both lie within the content's length.
    fn read(&self, start: u64, length: u64) -> ByteStream;
}
