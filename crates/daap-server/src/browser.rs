//! Requests that a web page has made.
//!
//! A page cannot read what this server answers, but it can have the browser ask whatever it likes, of this machine
//! too, and DAAP changes playlists by GET. That it has to name a session does not stop it: it can open many, and
//! guess for hours. So what changes something is not done for browsers, none of which is a DAAP client.

use http::header::{ORIGIN, USER_AGENT};
use http::{HeaderMap, HeaderName};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a browser sent these headers.
///
/// Not every request of a page has an `Origin`, and `Sec-Fetch-Site` goes to this machine and to encrypted
/// servers only. The name is always there, and a page cannot choose it without first asking a server that
/// would have to say yes.
pub(crate) fn is_browser(headers: &HeaderMap) -> bool {
    let agent = headers.get(USER_AGENT).map(|agent| agent.as_bytes());
    agent.is_some_and(|agent| agent.starts_with(b"Mozilla/"))
        || headers.contains_key(ORIGIN)
        || headers.contains_key(SEC_FETCH_SITE)
}
