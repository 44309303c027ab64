//! Songs and pictures.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use daap_model::{ItemId, Timestamp};
use http::header::{CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};
use library::{Artwork, Content, OpenError, OpenFile, SourceError};
use tokio::sync::Semaphore;

use crate::answer::{self, Answer, DMAP};
use crate::body::Body;
use crate::delivery::Span;
use crate::foreign::NoAnswer;
use crate::range::{Wanted, wanted};

/// How a song is to be sent.
#[derive(Clone, Copy)]
pub(crate) struct Sending<'a> {
    /// The request's headers.
    pub(crate) headers: &'a HeaderMap,
    /// Clients of DAAP 1 and 2 (iTunes 4.0 to 4.2) want status 200 even for a part.
    pub(crate) part_is_ok: bool,
    /// Bounds the reads of files that may block.
    pub(crate) readers: &'a Arc<Semaphore>,
}

/// The sound of a song, whole or in part. Its length is that of the file as it was opened, whatever the list said.
pub(crate) fn song(content: Content, sending: Sending<'_>) -> Answer {
    match content.body {
        library::Body::File(opened) => {
            let etag = etag(&opened);
            let readers = Arc::clone(sending.readers);
            let part = |start, length| Body::file(opened.file, start..start + length, readers);
            parts(Facts { size: opened.length, etag }, sending, part)
        }
        library::Body::Bytes(bytes) => {
            let part = |start: u64, length: u64| {
                let at = |offset: u64| {
                    usize::try_from(offset).map_or(bytes.len(), |at| at.min(bytes.len()))
                };
                Body::whole(bytes.slice(at(start)..at(start + length)))
            };
            parts(Facts { size: bytes.len() as u64, etag: None }, sending, part)
        }
        library::Body::Ranged(ranged) => match content.length {
            Some(size) => {
                let part = |start, length| Body::stream(ranged.read(start, length), Some(length));
                parts(Facts { size, etag: None }, sending, part)
            }
            None => whole(Body::stream(ranged.read(0, u64::MAX), None), None),
        },
        library::Body::Stream(stream) => {
            whole(Body::stream(stream, content.length), content.length)
        }
        // The library may learn of other ways to hold a song before this server does.
        _ => {
            tracing::error!("a song is held in a way that this server does not know");
            answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the song cannot be read")
        }
    }
}

/// A WAV file that is made of a song, whole or in part. The song's own version names the file's.
pub(crate) fn wav(
    size: u64,
    changed: Timestamp,
    sending: Sending<'_>,
    part: impl FnOnce(u64, u64) -> Body,
) -> Answer {
    let etag = HeaderValue::try_from(format!("\"{size:x}-{:x}-wav\"", changed.0)).ok();
    parts(Facts { size, etag }, sending, part)
}

/// What is known of a song's bytes.
struct Facts {
    size: u64,
    /// Names this version of the bytes, so that a download can be resumed safely.
    etag: Option<HeaderValue>,
}

/// Names the version that is open.
fn etag(opened: &OpenFile) -> Option<HeaderValue> {
    let changed = opened.changed?.duration_since(UNIX_EPOCH).ok()?;
    HeaderValue::try_from(format!("\"{:x}-{:x}\"", opened.length, changed.as_nanos())).ok()
}

/// Sends what the `Range` header asks for of a song that can be read from anywhere.
fn parts(facts: Facts, sending: Sending<'_>, part: impl FnOnce(u64, u64) -> Body) -> Answer {
    let size = facts.size;
    // A range of another version than the client has begun with would make a broken file.
    let same =
        sending.headers.get(IF_RANGE).is_none_or(|version| facts.etag.as_ref() == Some(version));
    let range = sending.headers.get(RANGE).filter(|_| same);
    let mut answer = match wanted(range.map(HeaderValue::as_bytes), size) {
        Wanted::Whole => whole(part(0, size), Some(size)),
        Wanted::Part { first, last } => {
            let status =
                if sending.part_is_ok { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
            let answer = answer::typed(status, DMAP, part(first, last - first + 1));
            let answer = spanning(answer, first, Some(size));
            with_range(answer, &format!("bytes {first}-{last}/{size}"))
        }
        Wanted::Beyond => {
            let answer =
                answer::text(StatusCode::RANGE_NOT_SATISFIABLE, "the song has no such bytes");
            with_range(answer, &format!("bytes */{size}"))
        }
    };
    answer.headers_mut().extend(facts.etag.map(|etag| (ETAG, etag)));
    answer
}

fn whole(body: Body, size: Option<u64>) -> Answer {
    spanning(answer::typed(StatusCode::OK, DMAP, body), 0, size)
}

/// Notes from which byte on an answer is of a song or picture that has so many.
fn spanning(mut answer: Answer, from: u64, size: Option<u64>) -> Answer {
    answer.extensions_mut().insert(Span { from, size });
    answer
}

fn with_range(mut answer: Answer, range: &str) -> Answer {
    let range = HeaderValue::try_from(range).expect("digits and ASCII signs make a header");
    answer.headers_mut().insert(CONTENT_RANGE, range);
    answer
}

/// Says that there is no picture: 204, as clients know it from OwnTone.
pub(crate) fn no_picture() -> Answer {
    answer::bare(StatusCode::NO_CONTENT)
}

/// A picture.
pub(crate) fn picture(artwork: Artwork) -> Answer {
    let size = artwork.bytes.len() as u64;
    let answer = answer::typed(StatusCode::OK, artwork.media_type, Body::whole(artwork.bytes));
    answer::fresh(spanning(answer, 0, Some(size)))
}

/// Why a song or picture cannot be had. Paths are for the log, not for clients.
pub(crate) fn not_opened(error: &OpenError) -> Answer {
    match error {
        OpenError::Unknown { .. } | OpenError::Source(SourceError::NotThere(_)) => {
            answer::text(StatusCode::NOT_FOUND, "there is no such song")
        }
        OpenError::Source(SourceError::Away { .. }) => {
            tracing::debug!(%error, "a song is away");
            answer::busy("the song cannot be reached now: its disk or server is away")
        }
        OpenError::Source(SourceError::NotAllowed(_)) => {
            answer::text(StatusCode::FORBIDDEN, "this song is not for you")
        }
        OpenError::Source(SourceError::Busy) => answer::busy("too much is asked at once"),
        _ => {
            tracing::warn!(%error, "a song cannot be opened");
            answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the song cannot be read")
        }
    }
}

/// A song whose share did not say whether it can be had.
pub(crate) fn not_answered(failure: NoAnswer, item: ItemId) -> Answer {
    tracing::error!(%item, "the share gave no answer about a song: {failure}");
    answer::text(answer::unanswered(failure), "the song cannot be read")
}
