//! Responses: the few shapes that there are, and the headers that each has.

use std::time::Duration;

use daap_proto::Lineage;
use http::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::body::Body;
use crate::foreign::NoAnswer;
use crate::permit::Refusal;

/// A response before it is sent.
pub(crate) type Answer = Response<Body>;

/// The media type of every DMAP reply and, by the custom of iTunes and its imitators, of songs too.
pub(crate) const DMAP: &str = "application/x-dmap-tagged";

/// Names this server to clients. It must not contain `iTunes/7`, with which libdmapsharing refuses to
/// talk.
pub(crate) const DAAP_SERVER: HeaderName = HeaderName::from_static("daap-server");
pub(crate) const PRODUCT: HeaderValue =
    HeaderValue::from_static(concat!("dapple/", env!("CARGO_PKG_VERSION")));

/// How long a client should wait that was told 503.
const RETRY_SECONDS: u64 = 5;

/// A status and nothing else.
pub(crate) fn bare(status: StatusCode) -> Answer {
    with_status(status, Body::empty())
}

/// A status, and the reason for people.
pub(crate) fn text(status: StatusCode, reason: &str) -> Answer {
    typed(status, "text/plain; charset=utf-8", Body::whole(format!("{reason}\n").into()))
}

/// Not now, with the reason and when to ask again.
pub(crate) fn unavailable(reason: &str, wait: Duration) -> Answer {
    let mut answer = text(StatusCode::SERVICE_UNAVAILABLE, reason);
    // Rounded up: who comes a moment too early is sent away again.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    answer.headers_mut().insert(RETRY_AFTER, seconds.max(1).into());
    answer
}

/// Not now.
pub(crate) fn busy(reason: &str) -> Answer {
    unavailable(reason, Duration::from_secs(RETRY_SECONDS))
}

/// A body of some media type.
pub(crate) fn typed(status: StatusCode, media_type: &'static str, body: Body) -> Answer {
    let mut answer = with_status(status, body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// A DMAP reply.
pub(crate) fn dmap(body: Body) -> Answer {
    fresh(typed(StatusCode::OK, DMAP, body))
}

/// What must be asked for again each time.
pub(crate) fn fresh(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

/// A DMAP reply, compressed.
pub(crate) fn gzipped(body: Body) -> Answer {
    let mut answer = dmap(body);
    answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    answer
}

/// The answer to who asks what this server is, with whose songs it has, if that is told.
pub(crate) fn with_lineage(mut answer: Answer, lineage: Option<Lineage>) -> Answer {
    let value = lineage.and_then(|lineage| HeaderValue::try_from(lineage.to_string()).ok());
    let header = value.map(|value| (HeaderName::from_static(Lineage::HEADER), value));
    answer.headers_mut().extend(header);
    answer
}

/// What a refused peer is told. A 401 always has its challenge: without one libdmapsharing 2 asks again
/// at once and for ever.
pub(crate) fn refused(refusal: &Refusal) -> Answer {
    let reason = refusal.to_string();
    match refusal {
        Refusal::Elsewhere
        | Refusal::TrustedNeedsPassword
        | Refusal::HostName(_)
        | Refusal::NoSession
        | Refusal::NoEditing
        | Refusal::NoControl
        | Refusal::Browser
        | Refusal::NotAdmitted => text(StatusCode::FORBIDDEN, &reason),
        Refusal::PasswordNeeded => {
            let mut answer = text(StatusCode::UNAUTHORIZED, &reason);
            let challenge = HeaderValue::from_static("Basic realm=\"dapple\", charset=\"UTF-8\"");
            answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            answer
        }
        Refusal::NotPaired => not_paired(),
        Refusal::Throttled(wait) => unavailable(&reason, *wait),
        Refusal::TableFull => busy(&reason),
        Refusal::Undecided(failure) => {
            text(unanswered(*failure), "who may come in cannot be decided")
        }
    }
}

/// What a Remote is told that names a guid nobody knows: the status on which it offers to pair.
pub(crate) fn not_paired() -> Answer {
    let body = Body::whole(dacp_proto::not_paired().into_bytes());
    typed(StatusCode::SERVICE_UNAVAILABLE, DMAP, body)
}

/// The status where code that is not ours gave no answer.
pub(crate) fn unanswered(failure: NoAnswer) -> StatusCode {
    match failure {
        NoAnswer::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        NoAnswer::Late(_) => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// A method that is not served here, where these are.
pub(crate) fn wrong_method(served: &'static str) -> Answer {
    let reason = format!("only {served} is served here");
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, &reason);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(served));
    answer
}

/// What every response has.
pub(crate) fn finish(answer: &mut Answer) {
    let headers = answer.headers_mut();
    headers.insert(DAAP_SERVER, PRODUCT);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
}

fn with_status(status: StatusCode, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer
}
