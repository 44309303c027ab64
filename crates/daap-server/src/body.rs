//! The bytes of a response, in bounded memory.

use std::fs::File;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use library::ByteStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};

use crate::delivery::Delivering;
use crate::file_reader::FileReader;
use crate::foreign;
use crate::limits::{EMPTY_PIECES, LONGEST_TURN, ROUND, SHORTEST_TURN};
use crate::record::Record;
use crate::sendfile::Outlet;

/// The body of a response, with the length that was announced for it.
///
/// It never says more than its length. If there is less to say (a file was cut short while it was being
/// sent) it fails, which closes the connection: a client must not take half a song for a whole one.
///
/// Each piece is made when it is asked for. Dropping the body drops where it comes from.
pub struct Body {
    source: Source,
    /// Bytes still to come; `None` if nobody knows.
    left: Option<u64>,
    /// Boxed: only songs and pictures have it, and every held answer has its room.
    delivering: Option<Box<Delivering>>,
    record: Option<Record>,
    stall: Stall,
    turns: Turns,
    /// Bytes said since others last had their turn.
    in_a_row: usize,
}

/// Connections that are sent to take turns. Clones take them with each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<()>);

impl Turns {
    /// How many bytes a body may say before others have their turn: the fewer there are, the more.
    fn length(&self) -> usize {
        (ROUND / Arc::strong_count(&self.0)).clamp(SHORTEST_TURN, LONGEST_TURN)
    }
}

enum Source {
    Whole(Bytes),
    Pieces(Box<dyn Iterator<Item = Bytes> + Send>),
    File(FileReader),
    Stream(ByteStream),
}

impl Body {
    /// No bytes.
    pub(crate) fn empty() -> Self {
        Self::whole(Bytes::new())
    }

    /// These bytes.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        Self::new(Source::Whole(bytes), Some(length))
    }

    /// `length` bytes that come in pieces, each made when the one before is on its way.
    pub(crate) fn pieces(
        pieces: impl Iterator<Item = Bytes> + Send + 'static,
        length: u64,
    ) -> Self {
        Self::new(Source::Pieces(Box::new(pieces)), Some(length))
    }

    /// A part of a file. `readers` bounds how many reads may block at once, over all bodies.
    pub(crate) fn file(file: File, part: Range<u64>, readers: Arc<Semaphore>) -> Self {
        let length = part.end.saturating_sub(part.start);
        Self::new(Source::File(FileReader::new(file, part, readers)), Some(length))
    }

    /// Bytes as a source gives them.
    pub(crate) fn stream(stream: ByteStream, length: Option<u64>) -> Self {
        Self::new(Source::Stream(stream), length)
    }

    fn new(source: Source, left: Option<u64>) -> Self {
        Self {
            source,
            left,
            delivering: None,
            record: None,
            stall: Stall::default(),
            turns: Turns::default(),
            in_a_row: 0,
        }
    }

    /// Tells `delivering` what is sent.
    pub(crate) fn delivering(mut self, delivering: Delivering) -> Self {
        self.delivering = Some(Box::new(delivering));
        self
    }

    /// Breaks off when nothing comes for so long.
    pub(crate) fn stalling(mut self, limit: Duration) -> Self {
        self.stall.limit = Some(limit);
        self
    }

    /// A file is sent through `outlet` without being read, where that can be.
    pub(crate) fn through(mut self, outlet: Outlet) -> Self {
        if let Source::File(reader) = &mut self.source {
            reader.through(outlet);
        }
        self
    }

    /// Takes turns with others.
    pub(crate) fn taking(mut self, turns: Turns) -> Self {
        self.turns = turns;
        self
    }

    /// Notes in `record` what is sent.
    pub(crate) fn recorded(mut self, record: Record) -> Self {
        self.record = Some(record);
        self
    }

    /// How many bytes there are, if that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        self.left
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match &mut self.source {
            Source::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Source::Whole(bytes) => {
                Poll::Ready(Some(Ok(bytes.split_to(bytes.len().min(LONGEST_TURN)))))
            }
            Source::Pieces(pieces) => Poll::Ready(pieces.next().map(Ok)),
            Source::File(reader) => reader.poll_next(cx),
            Source::Stream(stream) => {
                let polled = foreign::caught(|| stream.as_mut().poll_next(cx));
                polled.unwrap_or_else(|failure| Poll::Ready(Some(Err(io::Error::other(failure)))))
            }
        }
    }

    /// The next bytes, or an error if they are too long in coming.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        for _ in 0..EMPTY_PIECES {
            match self.poll_source(cx) {
                Poll::Ready(Some(Ok(bytes))) if bytes.is_empty() => {}
                Poll::Ready(piece) => {
                    self.stall.over();
                    return Poll::Ready(piece);
                }
                Poll::Pending => return self.stall.poll(cx).map(|error| Some(Err(error))),
            }
        }
        // A stream that has only nothing to say must not keep the thread for itself.
        cx.waker().wake_by_ref();
        self.stall.poll(cx).map(|error| Some(Err(error)))
    }

    /// There is nothing more to ask where this came from, whatever it has left.
    fn fail(&mut self, error: &io::Error) {
        self.source = Source::Whole(Bytes::new());
        self.left = Some(0);
        if let Some(record) = &self.record {
            record.failed(error);
        }
    }

    /// Keeps to the announced length.
    fn account(&mut self, piece: Option<io::Result<Bytes>>) -> Option<io::Result<Bytes>> {
        let piece = match (piece, self.left) {
            (Some(Ok(mut bytes)), Some(left)) => {
                let left = usize::try_from(left).unwrap_or(usize::MAX);
                bytes.truncate(left);
                Some(Ok(bytes))
            }
            (None, Some(left)) if left > 0 => Some(Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{left} bytes less than announced"),
            ))),
            (piece, _) => piece,
        };
        let sent = piece.as_ref().and_then(|piece| piece.as_ref().ok()).map_or(0, Bytes::len);
        self.in_a_row += sent;
        let sent = sent as u64;
        self.left = self.left.map(|left| left - sent);
        if let Some(record) = &mut self.record {
            record.sent(sent);
        }
        if let Some(delivering) = &mut self.delivering {
            delivering.sent(sent);
            if piece.is_none() || self.left == Some(0) {
                delivering.complete();
            }
        }
        piece
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let body = self.get_mut();
        if body.left == Some(0) {
            return Poll::Ready(None);
        }
        if body.in_a_row >= body.turns.length() {
            body.in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(delivering) = &mut body.delivering {
            delivering.begin();
        }
        let Poll::Ready(piece) = body.poll_piece(cx) else {
            body.in_a_row = 0;
            return Poll::Pending;
        };
        let piece = body.account(piece);
        if let Some(Err(error)) = &piece {
            body.fail(error);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Notices when nothing comes for too long.
#[derive(Default)]
struct Stall {
    /// How long that is; `None` if it does not matter.
    limit: Option<Duration>,
    /// Kept from one wait to the next.
    deadline: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Stall {
    /// Something came.
    fn over(&mut self) {
        self.waiting = false;
    }

    /// Still nothing: since the first such call after something came, the time runs.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(limit) = self.limit else { return Poll::Pending };
        let begins = !std::mem::replace(&mut self.waiting, true);
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if begins {
            deadline.as_mut().reset(Instant::now() + limit);
        }
        ready!(deadline.as_mut().poll(cx));
        let message = format!("nothing came for {limit:?}");
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    async fn read(body: Body) -> io::Result<Vec<u8>> {
        body.collect().await.map(|body| body.to_bytes().to_vec())
    }

    fn stream_of(pieces: &[&'static str]) -> ByteStream {
        let pieces: Vec<_> = pieces.iter().map(|p| Ok(Bytes::from_static(p.as_bytes()))).collect();
        Box::pin(futures_util::stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_stream_keeps_to_the_announced_length() {
        let whole = Body::stream(stream_of(&["ab", "", "cd"]), None);
        assert_eq!(whole.length(), None);
        assert_eq!(read(whole).await.unwrap(), b"abcd");
        assert_eq!(read(Body::stream(stream_of(&["ab", "cd"]), Some(3))).await.unwrap(), b"abc");
        let short = read(Body::stream(stream_of(&["ab", "cd"]), Some(5))).await;
        assert_eq!(short.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test(start_paused = true)]
    async fn only_waiting_for_the_source_counts_as_a_stall() {
        const LIMIT: Duration = Duration::from_secs(60);
        let (tell, mut pieces) = tokio::sync::mpsc::unbounded_channel();
        let stream = futures_util::stream::poll_fn(move |cx| pieces.poll_recv(cx));
        let mut body = Body::stream(Box::pin(stream), None).stalling(LIMIT);
        for _ in 0..3 {
            assert!(body.frame().now_or_never().is_none());
            tell.send(Ok(Bytes::from("piece"))).unwrap();
            // The client is slow, so nothing is asked for.
            tokio::time::advance(LIMIT * 10).await;
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "piece");
            tokio::time::advance(LIMIT * 10).await;
        }
        let asked = Instant::now();
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!((error.kind(), asked.elapsed()), (io::ErrorKind::TimedOut, LIMIT));
    }

    /// How often a body gives way until it has said all.
    fn ways_given(mut body: Body) -> usize {
        let mut given = 0;
        loop {
            match body.frame().now_or_never() {
                Some(Some(frame)) => drop(frame.unwrap()),
                Some(None) => return given,
                None => given += 1,
            }
        }
    }

    #[tokio::test]
    async fn others_have_their_turn_the_sooner_the_more_there_are() {
        let all = vec![7; 4 * LONGEST_TURN + 1];
        let turns = Turns::default();
        let pieces = || {
            let pieces = all.chunks(1024).map(Bytes::copy_from_slice).collect::<Vec<_>>();
            Body::pieces(pieces.into_iter(), all.len() as u64).taking(turns.clone())
        };
        assert_eq!(ways_given(pieces()), 4);
        assert_eq!(ways_given(Body::whole(all.clone().into()).taking(turns.clone())), 4);
        let many = vec![turns.clone(); ROUND / SHORTEST_TURN];
        assert_eq!(ways_given(pieces()), all.len() / SHORTEST_TURN);
        drop(many);
    }

    #[tokio::test]
    async fn pieces_are_sent_in_order() {
        let pieces = ["ab", "cd", "e"].map(|piece| Bytes::from_static(piece.as_bytes()));
        assert_eq!(read(Body::pieces(pieces.into_iter(), 5)).await.unwrap(), b"abcde");
        assert_eq!(read(Body::empty()).await.unwrap(), b"");
    }
}
