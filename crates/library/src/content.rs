//! The bytes of a song.

use std::fmt;
use std::fs::File;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::SystemTime;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, TryFutureExt, TryStreamExt, stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt};

/// How much is read from a reader at once, in bytes.
const READ_AT_ONCE: usize = 64 << 10;

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
    File(OpenFile),
    /// In memory.
    Bytes(Bytes),
    /// Something that can be read from any offset, such as another server.
    Ranged(Box<dyn Ranged>),
    /// Something that can only be read once, from the start.
    Stream(ByteStream),
}

impl Content {
    /// A file on this machine. Parts of it are read as they are asked for.
    pub async fn file(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let open = tokio::task::spawn_blocking(move || OpenFile::open(&path));
        Ok(open.await.map_err(io::Error::other)??.into())
    }

    /// In memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { length: Some(bytes.len() as u64), body: Body::Bytes(bytes) }
    }

    /// Bytes as they come, from the first on. With a length, listeners may begin anywhere: what comes before
    /// is read and dropped.
    pub fn stream(
        stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        length: Option<u64>,
    ) -> Self {
        let stream: ByteStream = Box::pin(stream);
        match length {
            Some(length) => Self::ranged(length, FromTheStart(stream)),
            None => Self { length, body: Body::Stream(stream) },
        }
    }

    /// `length` bytes that can be read from anywhere, as the author sees to.
    pub fn ranged(length: u64, content: impl Ranged + 'static) -> Self {
        Self { length: Some(length), body: Body::Ranged(Box::new(content)) }
    }

    /// `length` bytes that are read from a place in a reader, counted from its beginning.
    pub fn seekable(
        length: u64,
        reader: impl AsyncRead + AsyncSeek + Unpin + Send + 'static,
    ) -> Self {
        Self::ranged(length, Seekable(reader))
    }
}

impl From<OpenFile> for Content {
    fn from(file: OpenFile) -> Self {
        Self { length: Some(file.length), body: Body::File(file) }
    }
}

/// A file on this machine that is open, and what it told of itself then.
#[derive(Debug)]
#[non_exhaustive]
pub struct OpenFile {
    /// The file.
    pub file: File,
    /// Its length in bytes.
    pub length: u64,
    /// When its bytes were last changed, where systems tell.
    pub changed: Option<SystemTime>,
}

impl OpenFile {
    /// Opens a file. This may block for long, as the file may be on another machine.
    pub fn open(path: &Path) -> io::Result<Self> {
        // A pipe in place of a song would be waited for without end.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        File::open(path)?.try_into()
    }
}

impl TryFrom<File> for OpenFile {
    type Error = io::Error;

    /// A file that is open already.
    fn try_from(file: File) -> io::Result<Self> {
        let facts = file.metadata()?;
        Ok(Self { file, length: facts.len(), changed: facts.modified().ok() })
    }
}

/// Reads bytes of a file from an offset on, wherever it was read before.
///
/// # Errors
///
/// If the file cannot be read.
#[cfg(unix)]
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

/// Reads bytes of a file from an offset on, wherever it was read before.
///
/// # Errors
///
/// If the file cannot be read.
#[cfg(windows)]
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
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
pub trait Ranged: Send {
    /// The `length` bytes from `start` on, which lie within the content's length; what comes beyond them is not
    /// sent. It is opened for one listener, who reads one part.
    fn read(self: Box<Self>, start: u64, length: u64) -> ByteStream;
}

/// A stream that can only be read once, from the start: what comes before a part is read and dropped.
struct FromTheStart(ByteStream);

impl Ranged for FromTheStart {
    fn read(self: Box<Self>, start: u64, _: u64) -> ByteStream {
        Box::pin(stream::try_unfold((self.0, start), async |(mut stream, mut skip)| {
            while let Some(mut bytes) = stream.try_next().await? {
                let dropped = skip.min(bytes.len() as u64);
                skip -= dropped;
                bytes.advance(usize::try_from(dropped).unwrap_or(usize::MAX).min(bytes.len()));
                if !bytes.is_empty() {
                    return Ok(Some((bytes, (stream, skip))));
                }
                // Bytes that are there at once must not keep others from their turn.
                tokio::task::yield_now().await;
            }
            Ok(None)
        }))
    }
}

/// A reader that finds its way to a part by itself.
struct Seekable<R>(R);

impl<R: AsyncRead + AsyncSeek + Unpin + Send + 'static> Ranged for Seekable<R> {
    fn read(self: Box<Self>, start: u64, length: u64) -> ByteStream {
        let Self(mut reader) = *self;
        let part = async move {
            reader.seek(SeekFrom::Start(start)).await?;
            Ok(stream::try_unfold(reader.take(length), async |mut part| {
                let mut bytes = BytesMut::with_capacity(READ_AT_ONCE);
                let read = part.read_buf(&mut bytes).await?;
                Ok((read > 0).then(|| (bytes.freeze(), part)))
            }))
        };
        Box::pin(part.try_flatten_stream())
    }
}
