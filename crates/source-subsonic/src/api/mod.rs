//! What is asked of a Subsonic server, and its answers.
//!
//! Servers from Subsonic 1.8 of the protocol on, and OpenSubsonic ones. Every answer has a bound, and so has the number of
//! questions that are open at once.

mod certificates;
mod error;
mod lenient;
mod login;
mod trust;
pub(crate) mod wire;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Once, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use relay::Arriving;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE, TRANSFER_ENCODING,
};
use reqwest::{Client, Response, StatusCode, Url, Version};
use tokio::sync::{Mutex, Semaphore};

pub use error::ApiError;
pub(crate) use error::story;
pub use login::Login;

use login::Dialect;

use crate::sounds::Form;

/// How many questions about the library are open at once.
pub(crate) const MAX_OPEN: usize = 8;
/// The largest answer to one, in bytes: a playlist of 100,000 songs is smaller.
const MAX_REPLY: usize = 64 << 20;
/// The largest picture, in bytes.
const MAX_PICTURE: usize = 16 << 20;
/// How long a server may take to take a call, and to say the next word.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// How long it may take to answer a question or send a picture, however busily. Songs may take longer.
const ANSWER_LIMIT: Duration = Duration::from_secs(300);
/// How many ways to talk to a server are tried.
const MAX_TRIES: usize = 3;

/// A Subsonic server, as one of its users.
#[derive(Debug)]
pub(crate) struct Api {
    http: Client,
    base: Url,
    login: Login,
    /// What was found out about the server. Held while that is found out.
    dialect: Mutex<Option<Dialect>>,
    /// That the password itself is sent was said.
    bareness: Once,
    /// What the server calls itself. Held for a short step.
    server: std::sync::Mutex<String>,
    turns: Semaphore,
    /// How much was asked so far.
    asked: AtomicU64,
}

impl Api {
    /// Nothing is asked yet. `certificates` are trusted beside those that the system trusts, as PEM.
    pub(crate) fn new(url: &str, login: Login, certificates: &[u8]) -> Result<Self, ApiError> {
        let base = base(url).ok_or_else(|| ApiError::Address(without_user(url)))?;
        let http = Client::builder()
            .user_agent(concat!("dapple/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .read_timeout(SILENCE_LIMIT)
            .redirect(trust::redirects())
            // It would be told the address that was asked for, with the password in it.
            .referer(false)
            .tls_backend_preconfigured(certificates::tls(certificates)?)
            .build()
            .map_err(|error| ApiError::Certificate(error.to_string()))?;
        let (dialect, server) = (Mutex::default(), std::sync::Mutex::default());
        let (turns, asked) = (Semaphore::new(MAX_OPEN), AtomicU64::new(0));
        Ok(Self { http, base, login, dialect, bareness: Once::new(), server, turns, asked })
    }

    /// How much was asked of the server so far.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// What the server calls itself, with its version; empty before it has said so.
    pub(crate) fn server(&self) -> String {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The server, without name and password.
    pub(crate) fn url(&self) -> &str {
        self.base.as_str()
    }

    /// By what to tell this from other users of this server and of others. It is not to be shown.
    pub(crate) fn account(&self) -> String {
        let who = match &self.login {
            Login::Password { user, .. } => user,
            Login::ApiKey(key) => key,
        };
        format!("{} {who}", self.base)
    }

    /// Asks, and reads the answer.
    pub(crate) async fn ask(
        &self,
        method: &str,
        parameters: &[(&str, &str)],
    ) -> Result<wire::Response, ApiError> {
        let _turn = self.turns.acquire().await.expect("it is never closed");
        let dialect = self.dialect().await?;
        let answer = self.call(&dialect, method, parameters).await;
        if answer.as_ref().is_err_and(ApiError::is_about_login) {
            // Server or password may be others than they were.
            *self.dialect.lock().await = None;
        }
        answer
    }

    /// The sound of a song from a byte on.
    pub(crate) async fn song(&self, id: &str, form: Form, from: u64) -> Result<Arriving, ApiError> {
        let dialect = self.dialect().await?;
        let mut parameters = vec![("id", id)];
        let most;
        match form {
            Form::Original => parameters.push(("format", "raw")),
            Form::Mp3 { kbps } => {
                most = kbps.to_string();
                parameters.extend([("format", "mp3"), ("maxBitRate", &most)]);
            }
        }
        // Compressed, it would have no length.
        let request = self.request(&dialect, "stream", &parameters);
        let mut request = request.header(ACCEPT_ENCODING, "identity");
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        let answer = media(send(request).await?).await?;
        if let Form::Mp3 { .. } = form {
            check_mp3(&answer)?;
        }
        let (start, length) = part(&answer);
        // So supysonic says that it could not make it.
        if length == Some(0) {
            return Err(ApiError::Nonsense("a song of no bytes".to_owned()));
        }
        let Some(skipped) = from.checked_sub(start) else {
            return Err(ApiError::Nonsense(format!(
                "from {start} on what was asked from {from} on"
            )));
        };
        let has_end = has_end(&answer);
        let bytes = answer.bytes_stream().map_err(|error| io::Error::other(error.without_url()));
        let bytes = Box::pin(bytes.try_filter_map(drop_first(skipped)));
        Ok(Arriving { length, bytes, has_end })
    }

    /// A picture, no larger than `size` pixels; `None` if there is none.
    pub(crate) async fn picture(
        &self,
        id: &str,
        size: Option<u32>,
    ) -> Result<Option<Bytes>, ApiError> {
        let dialect = self.dialect().await?;
        let size = size.map(|size| size.to_string());
        let mut parameters = vec![("id", id)];
        parameters.extend(size.as_deref().map(|size| ("size", size)));
        let request = self.request(&dialect, "getCoverArt", &parameters);
        let answer = match media(send(request.timeout(ANSWER_LIMIT)).await?).await {
            Err(error) if error.is_not_there() => return Ok(None),
            answer => answer?,
        };
        body(answer, MAX_PICTURE).await.map(|bytes| Some(bytes.into()))
    }

    /// How the server wants to be talked to; it is asked when that is not known.
    async fn dialect(&self) -> Result<Dialect, ApiError> {
        let mut agreed = self.dialect.lock().await;
        if let Some(agreed) = &*agreed {
            return Ok(agreed.clone());
        }
        let mut dialect = Dialect::newest();
        for _ in 0..MAX_TRIES {
            let next = match self.call(&dialect, "ping", &[]).await {
                Ok(answer) => {
                    *self.server.lock().unwrap_or_else(PoisonError::into_inner) = answer.server();
                    break;
                }
                Err(ApiError::Refused { code, ref version, .. }) => {
                    dialect.after(code, version, &self.login)
                }
                Err(error) => return Err(error),
            };
            match next {
                Some(next) => {
                    self.check_bareness(&next)?;
                    dialect = next;
                }
                None => return self.call(&dialect, "ping", &[]).await.map(|_| dialect),
            }
        }
        Ok(agreed.insert(dialect).clone())
    }

    /// Refuses to send the password itself where others can read it, and says once that it is sent where they might.
    fn check_bareness(&self, dialect: &Dialect) -> Result<(), ApiError> {
        if !dialect.is_bare() || self.base.scheme() == "https" || trust::is_here(&self.base) {
            return Ok(());
        }
        if !trust::may_be_told_password(&self.base) {
            return Err(ApiError::BarePassword);
        }
        self.bareness.call_once(|| {
            tracing::warn!(
                "{} wants the password itself; it is sent through your network as it is",
                self.base
            );
        });
        Ok(())
    }

    async fn call(
        &self,
        dialect: &Dialect,
        method: &str,
        parameters: &[(&str, &str)],
    ) -> Result<wire::Response, ApiError> {
        let request = self.request(dialect, method, parameters);
        let answer = send(request.timeout(ANSWER_LIMIT)).await?;
        let status = answer.status();
        read(status, &body(answer, MAX_REPLY).await?)
    }

    fn request(
        &self,
        dialect: &Dialect,
        method: &str,
        parameters: &[(&str, &str)],
    ) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("it begins with http")
            .pop_if_empty()
            .extend(["rest", &format!("{method}.view")]);
        url.query_pairs_mut()
            .extend_pairs(dialect.parameters(&self.login))
            .extend_pairs(parameters);
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.http.get(url)
    }
}

/// Sends a request. Where it is sent on to another server that is not followed.
async fn send(request: reqwest::RequestBuilder) -> Result<Response, ApiError> {
    let answer = request.send().await?;
    if !answer.status().is_redirection() {
        return Ok(answer);
    }
    let place = answer.headers().get(LOCATION).and_then(|place| place.to_str().ok());
    let place = place.and_then(|place| answer.url().join(place).ok());
    // The rest of it may have the password in it.
    Err(ApiError::Elsewhere(
        place.map_or_else(String::new, |place| place.origin().ascii_serialization()),
    ))
}

/// That what is sent in place of a song is MP3, as was asked for.
fn check_mp3(answer: &Response) -> Result<(), ApiError> {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let other = kind.filter(|kind| {
        kind.starts_with("audio/") && !["mpeg", "mp3"].iter().any(|mp3| kind.contains(mp3))
    });
    other.map_or(Ok(()), |other| Err(ApiError::NotTranscoded(other.to_owned())))
}

/// Whether it can be told from each other that an answer without a length ends and that it breaks off.
fn has_end(answer: &Response) -> bool {
    let coding = answer.headers().get(TRANSFER_ENCODING).and_then(|coding| coding.to_str().ok());
    answer.version() >= Version::HTTP_2 || coding.is_some_and(|coding| coding.contains("chunked"))
}

/// The address of a server, without all that does not belong to it.
fn base(url: &str) -> Option<Url> {
    let mut base = Url::parse(url).ok()?;
    if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
        return None;
    }
    base.set_username("").and_then(|()| base.set_password(None)).ok()?;
    base.set_query(None);
    base.set_fragment(None);
    Some(base)
}

/// An address as it may be shown.
fn without_user(url: &str) -> String {
    url.rsplit_once('@').map_or(url, |(_, host)| host).to_owned()
}

/// Reads an answer.
fn read(status: StatusCode, body: &[u8]) -> Result<wire::Response, ApiError> {
    let response = match serde_json::from_slice::<wire::Envelope>(body) {
        Ok(envelope) => envelope.response,
        Err(_) if !status.is_success() => return Err(ApiError::Status(status.as_u16())),
        Err(_) if is_page(body) => return Err(ApiError::WebPage),
        Err(error) => return Err(ApiError::Nonsense(error.to_string())),
    };
    match response.error {
        None if response.status.as_str() == "ok" => Ok(response),
        None => Err(ApiError::Nonsense(format!("the status is {:?}", response.status.0))),
        Some(wire::Failure { code, message }) => {
            Err(ApiError::Refused { code: code.0, message: message.0, version: response.version.0 })
        }
    }
}

fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// Takes in a body, unless it is too large.
async fn body(answer: Response, limit: usize) -> Result<Vec<u8>, ApiError> {
    let (mut body, mut pieces) = (Vec::new(), answer.bytes_stream());
    while let Some(piece) = pieces.try_next().await? {
        if body.len() + piece.len() > limit {
            return Err(ApiError::TooLarge(limit));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// An answer that is sound or a picture. Where servers have none of it they send words, with status 200.
async fn media(answer: Response) -> Result<Response, ApiError> {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    let is_words = ["json", "xml", "text/"].iter().any(|words| kind.contains(words));
    let status = answer.status();
    if is_words {
        let refusal = read(status, &body(answer, MAX_REPLY).await?);
        return Err(refusal
            .err()
            .unwrap_or_else(|| ApiError::Nonsense(format!("{kind} as media"))));
    }
    if status.is_success() { Ok(answer) } else { Err(ApiError::Status(status.as_u16())) }
}

/// Where a song begins in an answer, and how long all of it is. Not all servers know ranges.
fn part(answer: &Response) -> (u64, Option<u64>) {
    let range = answer.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let range = range.filter(|_| answer.status() == StatusCode::PARTIAL_CONTENT);
    let start =
        range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    match start {
        Some(start) => {
            let total = range.and_then(|range| range.rsplit_once('/')?.1.parse().ok());
            let sum = || answer.content_length()?.checked_add(start);
            (start, total.or_else(sum))
        }
        None => (0, answer.content_length()),
    }
}

/// Leaves out the first bytes.
fn drop_first(
    mut left: u64,
) -> impl FnMut(Bytes) -> std::future::Ready<io::Result<Option<Bytes>>> + Send {
    move |mut piece| {
        let dropped = left.min(piece.len() as u64);
        left -= dropped;
        let rest = piece.split_off(usize::try_from(dropped).unwrap_or(piece.len()));
        std::future::ready(Ok(Some(rest).filter(|rest| !rest.is_empty())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        let answer = read(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let answer = answer.map_or_else(|error| error.to_string(), |answer| answer.version.0);
        assert_eq!(answer, expected, "{status} {body}");
    }

    #[test]
    fn what_is_answered_is_understood_or_said_to_be_something_else() {
        let ok =
            r#"{"subsonic-response": {"status": "ok", "version": "1.16.1", "new": {"a": [1]}}}"#;
        let refused = r#"{"subsonic-response": {"status": "failed", "error": {"code": "40", "message": "no"}}}"#;
        check(200, ok, "1.16.1");
        check(500, ok, "1.16.1");
        check(200, refused, "it refuses: no (error 40)");
        check(401, refused, "it refuses: no (error 40)");
        check(401, "who are you?", "it answers with the status 401");
        check(502, "<html>", "it answers with the status 502");
        check(200, " \n<html>", "a web page answers; is this the address of a Subsonic server?");
        check(200, r#"{"subsonic-response": {}}"#, r#"it answers nonsense: the status is """#);
        let nonsense = "it answers nonsense: EOF while parsing a value at line 1 column 0";
        check(200, "", nonsense);
    }

    #[test]
    fn an_address_is_that_of_a_server() {
        let base = |url| base(url).map(String::from);
        assert_eq!(base("http://nas:4040").as_deref(), Some("http://nas:4040/"));
        assert_eq!(base("https://joe@nas/music/?a#b").as_deref(), Some("https://nas/music/"));
        assert_eq!(base("nas"), None);
        assert_eq!(base("file:///nas"), None);
    }

    /// JSON of any shape with the names that are looked for.
    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let names = "status|version|error|code|scanStatus|count|albumList2|album|song|searchResult3|id|artists|entry";
        let scalar = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            "ok|[0-9]{1,4}|.{0,8}".prop_map(Into::into),
        ];
        scalar.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(names, inner, 0..6)
                    .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_answered_is_an_answer_or_an_error(body: Vec<u8>, status in 200..600_u16) {
            let _ = read(StatusCode::from_u16(status).unwrap(), &body);
        }

        #[test]
        fn whatever_shape_an_answer_has_it_is_an_answer_or_an_error(json in any_json()) {
            let body = serde_json::json!({"subsonic-response": json}).to_string();
            let _ = read(StatusCode::OK, body.as_bytes());
        }

        #[test]
        fn the_first_bytes_are_left_out_however_they_come(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9),
            skipped in 0..60_usize,
        ) {
            let all = pieces.concat();
            let mut rest = Vec::new();
            let mut drop_first = drop_first(skipped as u64);
            for piece in pieces {
                rest.extend(drop_first(piece.into()).into_inner().unwrap().unwrap_or_default());
            }
            prop_assert_eq!(rest, &all[skipped.min(all.len())..]);
        }
    }
}
