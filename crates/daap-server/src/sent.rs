//! Bodies of requests: few have one, and only pages read it.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::answer::{self, Answer};
use crate::limits::SENT_BYTES;

/// The whole body. It is read even where nobody wants it, as the next request stands behind it: clients of
/// .NET (WPRemote) send the head of a POST first and what belongs to it later.
pub(crate) async fn whole(body: Incoming, limit: Duration) -> Result<Bytes, Answer> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let read = Limited::new(body, SENT_BYTES).collect();
    match tokio::time::timeout(limit, read).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let reason = format!("at most {SENT_BYTES} bytes can be sent here");
            Err(answer::text(StatusCode::PAYLOAD_TOO_LARGE, &reason))
        }
        Ok(Err(_)) => Err(answer::text(StatusCode::BAD_REQUEST, "the request broke off")),
        Err(_) => Err(answer::text(StatusCode::REQUEST_TIMEOUT, "the request took too long")),
    }
}
