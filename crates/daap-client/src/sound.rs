//! The sound of a song, as it comes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use http::StatusCode;
use http::header::{CONTENT_RANGE, CONTENT_TYPE};

use crate::body::Pieces;
use crate::transport::Answer;
use crate::{Client, ClientError};

/// The bytes of a song, from [`start`](Self::start) on. If they end without an error they are all there, as far as the
/// server says how many they are.
pub struct Sound {
    pieces: Pieces,
    start: u64,
    length: Option<u64>,
    total: Option<u64>,
    media_type: Option<String>,
    /// The session lives as long as the song.
    _client: Client,
}

impl Sound {
    /// What a server answered to who asked for all from the byte `asked` on.
    pub(crate) fn new(answer: Answer, asked: u64, client: Client) -> Result<Self, ClientError> {
        let length = answer.length();
        let range = answer.header(CONTENT_RANGE).and_then(ContentRange::read);
        let (start, total) = match answer.status() {
            StatusCode::RANGE_NOT_SATISFIABLE => {
                let total = range.and_then(|range| range.total);
                // There is nothing after the last byte, which is what was asked for.
                if total != Some(asked) {
                    return Err(ClientError::PastEnd { asked, total });
                }
                (asked, total)
            }
            StatusCode::PARTIAL_CONTENT => whereabouts(asked, length, range),
            _ => (0, length),
        };
        let media_type = answer.header(CONTENT_TYPE).map(str::to_owned);
        let (pieces, length) = match answer.status() {
            StatusCode::RANGE_NOT_SATISFIABLE => (futures_util::stream::empty().boxed(), Some(0)),
            _ => (answer.into_pieces()?, length),
        };
        Ok(Self { pieces, start, length, total, media_type, _client: client })
    }

    /// Where in the song the next byte is. A server that knows no ranges begins at 0, whatever was asked for:
    /// [`skip_to`](Self::skip_to) helps.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// How many bytes follow, if the server says so; then it is an error if they are fewer.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// How long the song is. Where [`length`](Self::length) is not known it may be the server's guess.
    #[must_use]
    pub const fn total(&self) -> Option<u64> {
        self.total
    }

    /// The `Content-Type`. By tradition some servers call all that they send `application/x-dmap-tagged`.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// Passes over what comes before the byte `position`. Does nothing if that is behind.
    ///
    /// # Errors
    /// Those of the stream, and [`ClientError::PastEnd`] if there is nothing there.
    pub async fn skip_to(&mut self, position: u64) -> Result<(), ClientError> {
        while self.start < position {
            let Some(mut piece) = self.pieces.try_next().await? else {
                let total = Some(self.start);
                return Err(ClientError::PastEnd { asked: position, total });
            };
            let passed = (position - self.start).min(piece.len() as u64);
            self.pass(passed);
            piece.advance(usize::try_from(passed).expect("no more than the piece has"));
            if !piece.is_empty() {
                let rest =
                    std::mem::replace(&mut self.pieces, futures_util::stream::empty().boxed());
                self.pieces = futures_util::stream::once(async { Ok(piece) }).chain(rest).boxed();
            }
        }
        Ok(())
    }

    fn pass(&mut self, bytes: u64) {
        self.start += bytes;
        self.length = self.length.map(|length| length.saturating_sub(bytes));
    }
}

impl Stream for Sound {
    type Item = Result<Bytes, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.pieces.poll_next_unpin(cx));
        if let Some(Ok(piece)) = &next {
            self.pass(piece.len() as u64);
        }
        Poll::Ready(next)
    }
}

impl fmt::Debug for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sound")
            .field("start", &self.start)
            .field("length", &self.length)
            .field("total", &self.total)
            .field("media_type", &self.media_type)
            .finish_non_exhaustive()
    }
}

/// Start and total length of a part that a server sends to who asked for all from `asked` on.
///
/// Many servers miscount in `Content-Range`: owntone and libdmapsharing put the end one too far, Banshee both end and
/// total. So what it says counts as far as the length of the body bears it out.
fn whereabouts(asked: u64, length: Option<u64>, range: Option<ContentRange>) -> (u64, Option<u64>) {
    let told = range.and_then(|range| range.total);
    let Some(length) = length else {
        return (asked, told.filter(|total| *total > asked));
    };
    let fits = |start: u64| told == start.checked_add(length);
    let first = range.and_then(|range| range.first);
    let start = first.filter(|first| fits(*first) && !fits(asked)).unwrap_or(asked);
    (start, start.checked_add(length))
}

/// What a `Content-Range` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ContentRange {
    first: Option<u64>,
    total: Option<u64>,
}

impl ContentRange {
    /// Reads `bytes 5-9/10`, `bytes 5-9/*`, `bytes */10`.
    fn read(value: &str) -> Option<Self> {
        let (range, total) = value.strip_prefix("bytes")?.split_once('/')?;
        let first = range.split_once('-').and_then(|(first, _)| first.trim().parse().ok());
        Some(Self { first, total: total.trim().parse().ok() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, length: Option<u64>, expected: (u64, Option<u64>)) {
        let range = ContentRange::read(header);
        assert_eq!(whereabouts(40, length, range), expected, "{header:?} with {length:?}");
    }

    #[test]
    fn a_content_range_counts_as_far_as_the_length_bears_it_out() {
        check("bytes 40-99/100", Some(60), (40, Some(100)));
        check("bytes 40-100/100", Some(60), (40, Some(100))); // owntone, libdmapsharing
        check("bytes 40-100/101", Some(60), (40, Some(100))); // Banshee
        check("bytes 40-99/*", Some(60), (40, Some(100)));
        check("bytes 50-99/100", Some(50), (50, Some(100))); // another part, and it knows
        check("bytes 50-99/100", Some(60), (40, Some(100)));
        check("bytes 0-99/100", Some(100), (0, Some(100)));
        check("bytes=40-99/7", Some(60), (40, Some(100)));
        check("lines 1-2/3", Some(60), (40, Some(100)));
        check("", Some(60), (40, Some(100)));
        check("bytes 99999999999999999999-1/2", Some(60), (40, Some(100)));
        check("bytes 40-99/100", Some(u64::MAX), (40, None));
    }

    #[test]
    fn without_a_length_there_is_but_a_guess() {
        check("bytes 40-99/100", None, (40, Some(100)));
        check("bytes 50-99/100", None, (40, Some(100)));
        check("bytes 40-99/30", None, (40, None));
        check("", None, (40, None));
    }
}
