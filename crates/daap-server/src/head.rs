//! A connection that does not wait for ever for the end of a request head.
//!
//! hyper has one timeout for the time between two requests and for the head of a request. The first must
//! be long, as clients keep their connection open between two clicks; the second short, or else a peer
//! could hold connections by sending a byte now and then. So the head's time is kept here.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Where a connection is between two requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phase(Arc<AtomicU8>);

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const ANSWERING: u8 = 2;

impl Phase {
    /// The head is complete and the request is being answered, until the guard is dropped.
    pub(crate) fn answering(&self) -> Answering {
        self.0.store(ANSWERING, Ordering::Relaxed);
        Answering(self.clone())
    }

    fn begin_head(&self) -> bool {
        self.0.compare_exchange(IDLE, HEAD, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn in_head(&self) -> bool {
        self.0.load(Ordering::Relaxed) == HEAD
    }
}

/// While it lives, a request is being answered.
#[derive(Debug)]
pub(crate) struct Answering(Phase);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.store(IDLE, Ordering::Relaxed);
    }
}

/// A connection whose reads fail when a request head takes longer than `limit`.
#[derive(Debug)]
pub(crate) struct HeadGuard<S> {
    stream: S,
    phase: Phase,
    limit: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> HeadGuard<S> {
    pub(crate) fn new(stream: S, phase: Phase, limit: Duration) -> Self {
        Self { stream, phase, limit, deadline: None }
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.phase.in_head() {
            return false;
        }
        let deadline =
            self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.limit)));
        deadline.as_mut().poll(cx).is_ready()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before && self.phase.begin_head() {
            let limit = self.limit;
            if let Some(deadline) = &mut self.deadline {
                deadline.as_mut().reset(Instant::now() + limit);
            }
        }
        if read.is_pending() && self.is_late(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadGuard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_slow_head_ends_the_connection() {
        let (mut client, server) = tokio::io::duplex(100);
        let mut guard = HeadGuard::new(server, Phase::default(), LIMIT);
        client.write_all(b"GE").await.unwrap();
        let mut bytes = Vec::new();
        let error = guard.read_to_end(&mut bytes).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(bytes, b"GE");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_or_answering_connection_may_wait() {
        let (mut client, server) = tokio::io::duplex(100);
        let phase = Phase::default();
        let mut guard = HeadGuard::new(server, phase.clone(), LIMIT);
        let mut byte = [0];
        let hour = Duration::from_secs(3600);
        assert!(tokio::time::timeout(hour, guard.read(&mut byte)).await.is_err(), "idle");
        client.write_all(b"G").await.unwrap();
        guard.read_exact(&mut byte).await.unwrap();
        let answering = phase.answering();
        assert!(tokio::time::timeout(hour, guard.read(&mut byte)).await.is_err(), "answering");
        drop(answering);
        assert!(tokio::time::timeout(hour, guard.read(&mut byte)).await.is_err(), "idle again");
        client.write_all(b"G").await.unwrap();
        guard.read_exact(&mut byte).await.unwrap();
        let late = tokio::time::timeout(hour, guard.read(&mut byte)).await.unwrap();
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
