//! Files that the system sends by itself, so that their bytes are never copied.
//!
//! hyper writes the bytes of a body to its connection, but for a file that the system is to send there are none. So
//! hyper is given a *stand-in*: as many bytes, which nobody ever reads. The connection knows them by where they lie
//! in memory, and has the piece of the file sent in their place.
//!
//! What is on its way is the file itself, not a copy. If it is cut short meanwhile, the connection is broken off, and
//! what was cut off may arrive as zeros before that.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::limits::FILE_CHUNK;

/// What every stand-in is a slice of. As nobody reads it, the system never gives it any memory.
static STAND_IN: LazyLock<Bytes> = LazyLock::new(|| vec![0; FILE_CHUNK].into());

/// At a byte of each so many it is looked whether a piece is in memory. The system reads and forgets in no smaller steps,
/// but for the odd page.
const LOOK_EVERY: usize = 32 << 10;

/// Pieces of files that a connection is to send, in the order of their stand-ins. There are as many as hyper takes
/// before it writes, which is two.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outlet(Arc<Mutex<VecDeque<Piece>>>);

#[derive(Debug)]
struct Piece {
    file: Arc<File>,
    part: Range<u64>,
}

impl Outlet {
    /// The stand-in for the next piece that the connection is to send, if the system has that in memory. If not,
    /// sending it could take for ever: it may be on a disk of another machine.
    pub(crate) fn stand_in(&self, file: &Arc<File>, part: Range<u64>) -> Option<Bytes> {
        let length = usize::try_from(part.end - part.start).ok()?;
        let stand_in = STAND_IN.get(..length).map(|bytes| STAND_IN.slice_ref(bytes))?;
        let mut looked_at = part.clone().step_by(LOOK_EVERY).chain([part.end - 1]);
        if !looked_at.all(|byte| system::is_at_hand(file, byte)) {
            return None;
        }
        self.pieces().push_back(Piece { file: Arc::clone(file), part });
        Some(stand_in)
    }

    fn pieces(&self) -> MutexGuard<'_, VecDeque<Piece>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that sends pieces of files in place of their stand-ins.
#[derive(Debug)]
pub(crate) struct FileSocket {
    stream: TcpStream,
    outlet: Outlet,
}

impl FileSocket {
    pub(crate) fn new(stream: TcpStream, outlet: Outlet) -> Self {
        Self { stream, outlet }
    }

    /// Sends what the first stand-in that is left stands for, or a part of that.
    fn poll_send(&self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut pieces = self.outlet.pieces();
        let piece = pieces.front_mut().expect("a stand-in is given for a piece");
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let sent = self.stream.try_io(Interest::WRITABLE, || {
                system::send(&self.stream, &piece.file, &mut piece.part)
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) => {
                    let message = format!("the file now ends at {}", piece.part.start);
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, message)));
                }
                sent => {
                    if piece.part.is_empty() {
                        pieces.pop_front();
                    }
                    return Poll::Ready(sent);
                }
            }
        }
    }
}

fn is_stand_in(bytes: &IoSlice<'_>) -> bool {
    STAND_IN.as_ptr_range().contains(&bytes.as_ptr())
}

impl AsyncRead for FileSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for FileSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let before = bytes.iter().position(is_stand_in).unwrap_or(bytes.len());
        if before == 0 && !bytes.is_empty() {
            return self.poll_send(cx);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, &bytes[..before])
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(target_os = "linux")]
mod system {
    use super::{File, Range, TcpStream, io};
    use rustix::io::{ReadWriteFlags, preadv2};

    /// Whether the byte can be read without waiting for a disk.
    pub(super) fn is_at_hand(file: &File, offset: u64) -> bool {
        let mut byte = [0];
        let into = &mut [io::IoSliceMut::new(&mut byte)];
        preadv2(file, into, offset, ReadWriteFlags::NOWAIT) == Ok(1)
    }

    /// Sends of a part of a file what the socket takes. It is no more part of the part.
    pub(super) fn send(
        socket: &TcpStream,
        file: &File,
        part: &mut Range<u64>,
    ) -> io::Result<usize> {
        let length = usize::try_from(part.end - part.start).unwrap_or(usize::MAX);
        Ok(rustix::fs::sendfile(socket, file, Some(&mut part.start), length)?)
    }
}

/// Other systems cannot tell whether sending a file would block.
#[cfg(not(target_os = "linux"))]
mod system {
    use super::{File, Range, TcpStream, io};

    pub(super) fn is_at_hand(_: &File, _: u64) -> bool {
        false
    }

    pub(super) fn send(_: &TcpStream, _: &File, _: &mut Range<u64>) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use bytes::Buf;
    use std::io::Write;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// What comes out of a connection into which these bytes are written.
    async fn sent(outlet: Outlet, mut bytes: impl Buf + Send + 'static) -> io::Result<Vec<u8>> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let mut client = TcpStream::connect(listener.local_addr()?).await?;
        let mut socket = FileSocket::new(listener.accept().await?.0, outlet);
        let sending = tokio::spawn(async move { socket.write_all_buf(&mut bytes).await });
        let mut received = Vec::new();
        client.read_to_end(&mut received).await?;
        sending.await.unwrap().map(|()| received)
    }

    fn file_with(bytes: &[u8]) -> Arc<File> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Arc::new(file)
    }

    #[tokio::test]
    async fn what_a_stand_in_stands_for_is_sent() {
        let bytes: Vec<u8> = (0..2 * FILE_CHUNK).map(|n| (n / 251 + n % 251) as u8).collect();
        let (file, outlet) = (file_with(&bytes), Outlet::default());
        let chunk = FILE_CHUNK as u64;
        let first = outlet.stand_in(&file, 7..chunk).unwrap();
        let second = outlet.stand_in(&file, chunk..2 * chunk).unwrap();
        let all = Bytes::from("head").chain(first).chain(second).chain(Bytes::from("tail"));
        let expected = [b"head", &bytes[7..], b"tail"].concat();
        assert!(sent(outlet, all).await.unwrap() == expected);
    }

    #[tokio::test]
    async fn a_file_cut_short_fails_and_is_not_padded() {
        let (file, outlet) = (file_with(&[1; 2000]), Outlet::default());
        let stand_in = outlet.stand_in(&file, 0..2000).unwrap();
        file.set_len(1000).unwrap();
        let error = sent(outlet, stand_in).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_is_not_in_memory_has_no_stand_in() {
        let (file, outlet) = (file_with(&[1; 2000]), Outlet::default());
        assert_eq!(outlet.stand_in(&file, 0..2001), None);
        assert!(outlet.pieces().is_empty());
    }
}
