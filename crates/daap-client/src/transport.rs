//! Requests over HTTP: connections, time limits, redirects.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use daap_proto::ShareUrl;
use futures_util::TryStreamExt as _;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HOST, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{HttpConnector, HttpInfo};
use hyper_util::client::legacy::{Client, Error as SendError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;
use tower_service::Service;

use crate::body::{self, GZIP, Pieces};
use crate::place::{PINNED, Place};
use crate::redirect::{self, MAX_REDIRECTS};
use crate::{Cause, ClientError};

/// How much of an answer waits to be read, at most, and how long its head may be.
const READ_BUFFER: usize = 64 << 10;

/// How many idle connections are kept.
const IDLE_CONNECTIONS: usize = 8;

/// How long they are kept. Servers keep them longer, and our end is the better one to close.
const IDLE: Duration = Duration::from_secs(60);

/// After how much silence a peer is asked whether it lives, how often, and how many answers may be missed. A held
/// `/update` may take for ever, but not if nobody holds it.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_RETRIES: u32 = 3;

/// What a server would answer to a target that is too long to be sent.
const TOO_LONG: u16 = StatusCode::URI_TOO_LONG.as_u16();

/// The longest reply that is not a list, in bytes.
const MAX_SHORT: usize = 1 << 20;

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection, whatever the number of addresses.
    pub connect: Duration,
    /// For the head of an answer.
    pub answer: Duration,
    /// For each next piece of it.
    pub stall: Duration,
}

/// What is asked of a server.
#[derive(Clone, Debug)]
pub struct Question {
    /// `GET`, or `POST` where it changes something.
    pub method: Method,
    /// The request target, beginning with a slash.
    pub target: String,
    /// What goes with it. `Host` and the length of the body need not be among it.
    pub headers: HeaderMap,
    /// The body; mostly none.
    pub body: Bytes,
    /// Whether the answer is waited for as long as it takes.
    pub patient: bool,
}

/// Carries requests to one server, and to where that one sends us.
#[derive(Debug)]
pub struct Transport {
    http: Client<HttpConnector<Resolver>, Full<Bytes>>,
    pub(crate) place: Place,
    patience: Patience,
}

/// What a server answered: the head is there, the body comes.
#[derive(Debug)]
pub struct Answer {
    /// What was asked for, without parameters.
    pub path: String,
    /// The address that answered.
    pub remote: Option<SocketAddr>,
    response: Response<Incoming>,
    patience: Patience,
}

impl Transport {
    pub(crate) fn new(place: Place, patience: Patience) -> Self {
        let mut connector =
            HttpConnector::new_with_resolver(Resolver(place.addresses.clone().into()));
        connector.set_connect_timeout(Some(patience.connect));
        connector.set_nodelay(true);
        connector.set_keepalive(Some(KEEP_ALIVE));
        connector.set_keepalive_interval(Some(KEEP_ALIVE_INTERVAL));
        connector.set_keepalive_retries(Some(KEEP_ALIVE_RETRIES));
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .http1_max_buf_size(READ_BUFFER)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_ignore_invalid_headers_in_responses(true)
            .build(connector);
        Self { http, place, patience }
    }

    /// The way to the server that a URL names.
    ///
    /// # Errors
    /// [`ClientError::NotFound`]
    pub async fn find(url: &ShareUrl, patience: Patience) -> Result<Self, ClientError> {
        Ok(Self::new(Place::find(url, patience.connect).await?, patience))
    }

    /// The way to a server at an address.
    #[must_use]
    pub fn to(address: SocketAddr, patience: Patience) -> Self {
        Self::new(Place::at(address), patience)
    }

    /// What the server is called: host and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.place.name
    }

    /// Asks the server itself, once: a redirect is an answer like another.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn ask(&self, question: &Question) -> Result<Answer, ClientError> {
        let path = path(&question.target);
        let uri = self.place.uri(&question.target).ok_or_else(|| too_long(&path))?;
        let mut request = Request::new(Full::new(question.body.clone()));
        *request.method_mut() = question.method.clone();
        *request.headers_mut() = question.headers.clone();
        *request.uri_mut() = uri.clone();
        self.name_host(&mut request);
        let response = self.send(&uri, || request.clone(), question.patient).await?;
        tracing::debug!(path, status = response.status().as_u16(), "asked");
        Ok(Answer::new(path, response, self.patience))
    }

    /// Gets a target from the server, or from where it sends us. `headers` says what goes with each request: for which
    /// target, and whether it is to the server itself. A `patient` one waits for an answer for ever.
    pub(crate) async fn get(
        &self,
        target: &str,
        headers: impl Fn(&str, bool) -> HeaderMap,
        patient: bool,
    ) -> Result<Answer, ClientError> {
        let path = path(target);
        let astray = |location: &str| ClientError::Astray {
            path: path.clone(),
            location: location.to_owned(),
        };
        let mut uri = self.place.uri(target).ok_or_else(|| too_long(&path))?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(&uri, || self.request(&uri, &headers), patient).await?;
            tracing::debug!(path, status = response.status().as_u16(), "asked");
            let location = response.headers().get(LOCATION);
            let location = location.map(|value| String::from_utf8_lossy(value.as_bytes()));
            let (true, Some(location)) = (redirect::is_redirect(response.status()), location)
            else {
                return Ok(Answer::new(path, response, self.patience));
            };
            let next = redirect::follow(&uri, &location).ok_or_else(|| astray(&location))?;
            uri = self.place.adopt(next);
        }
        Err(astray(&uri.to_string()))
    }

    /// One request and the head of its answer. Where the connection breaks before that, it is tried once more: it may
    /// have been an old one, which the server closed as we spoke. But what changes something is not done twice.
    async fn send(
        &self,
        uri: &Uri,
        request: impl Fn() -> Request<Full<Bytes>>,
        patient: bool,
    ) -> Result<Response<Incoming>, ClientError> {
        let after = if patient { Duration::MAX } else { self.patience.answer };
        let sent = async {
            let first = request();
            let may_repeat = first.method().is_safe();
            match self.http.request(first).await {
                Err(error) if may_repeat && is_hang_up(&error) => {
                    self.http.request(request()).await
                }
                sent => sent,
            }
        };
        let sent = timeout(after, sent).await.map_err(|_| ClientError::Stalled { after })?;
        sent.map_err(|error| self.failure(uri, error))
    }

    fn request(
        &self,
        uri: &Uri,
        headers: &impl Fn(&str, bool) -> HeaderMap,
    ) -> Request<Full<Bytes>> {
        let is_home = self.place.is_at(uri);
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let mut request = Request::new(Full::default());
        *request.headers_mut() = headers(target, is_home);
        *request.uri_mut() = uri.clone();
        if is_home {
            self.name_host(&mut request);
        }
        request
    }

    /// Calls the server as it calls itself.
    fn name_host(&self, request: &mut Request<Full<Bytes>>) {
        if let Ok(name) = HeaderValue::from_str(&self.place.name) {
            request.headers_mut().insert(HOST, name);
        }
    }

    fn failure(&self, uri: &Uri, error: SendError) -> ClientError {
        let other = uri.authority().map_or("", |authority| authority.as_str());
        let address = if self.place.is_at(uri) { &self.place.name } else { other }.to_owned();
        if error.is_connect() {
            return ClientError::Unreachable { address, cause: bottom(&error) };
        }
        if is_hang_up(&error) {
            return ClientError::CutShort { expected: None, got: 0 };
        }
        ClientError::NotHttp { address, cause: bottom(&error) }
    }
}

/// A target without its parameters.
fn path(target: &str) -> String {
    target.split('?').next().unwrap_or_default().to_owned()
}

fn too_long(path: &str) -> ClientError {
    ClientError::Refused { path: path.to_owned(), status: TOO_LONG }
}

/// What lies at the bottom of an error. What lies above it tells where in the HTTP library it was met.
fn bottom(error: &SendError) -> Cause {
    let mut at: &dyn Error = error;
    while let Some(below) = at.source() {
        at = below;
    }
    let kind = at.downcast_ref().map_or(io::ErrorKind::Other, io::Error::kind);
    Arc::new(io::Error::new(kind, at.to_string()))
}

/// Whether a connection broke, not whether what came over it was wrong.
fn is_hang_up(error: &SendError) -> bool {
    let hyper = error.source().and_then(|source| source.downcast_ref::<hyper::Error>());
    let is_broken = |error: &hyper::Error| {
        let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
        error.is_incomplete_message() || error.is_canceled() || error.is_closed() || io.is_some()
    };
    !error.is_connect() && hyper.is_some_and(is_broken)
}

impl Answer {
    fn new(path: String, response: Response<Incoming>, patience: Patience) -> Self {
        let remote = response.extensions().get().map(HttpInfo::remote_addr);
        Self { path, remote, response, patience }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The value of a header, if it is text.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok().map(str::trim)
    }

    /// The same answer, if the server gives what was asked for. `software` is what it calls itself.
    pub(crate) fn granted(self, software: Option<&str>) -> Result<Self, ClientError> {
        match (self.status(), software.filter(|software| is_apples(software))) {
            (status, _) if status.is_success() => Ok(self),
            (StatusCode::SERVICE_UNAVAILABLE, _) => Err(ClientError::Busy),
            (StatusCode::FORBIDDEN, Some(software)) => {
                Err(ClientError::AppleOnly { software: software.to_owned() })
            }
            (status, _) => Err(ClientError::Refused { path: self.path, status: status.as_u16() }),
        }
    }

    /// How long the body is, if that is said and it is not packed.
    pub(crate) fn length(&self) -> Option<u64> {
        let is_packed = self.encoding().is_some();
        self.header(CONTENT_LENGTH)?.parse().ok().filter(|_| !is_packed)
    }

    fn encoding(&self) -> Option<&str> {
        let encoding = self.header(CONTENT_ENCODING)?;
        (!encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity")).then_some(encoding)
    }

    /// The body, as it comes.
    ///
    /// # Errors
    /// [`ClientError::Unreadable`]
    pub(crate) fn into_pieces(self) -> Result<Pieces, ClientError> {
        let encoding = self.encoding().map(str::to_ascii_lowercase);
        let pieces = body::pieces(self.response.into_body(), self.patience.stall);
        match encoding.as_deref() {
            None => Ok(pieces),
            Some(GZIP | "x-gzip") => Ok(body::unpacked(pieces)),
            Some(other) => Err(ClientError::Unreadable { encoding: other.to_owned() }),
        }
    }

    /// The whole body of a reply that is not a list: it may take no longer than its head, and have a megabyte at most.
    ///
    /// # Errors
    /// It is longer, ends early, takes too long or cannot be unpacked.
    pub async fn short(self) -> Result<Bytes, ClientError> {
        let after = self.patience.answer;
        timeout(after, self.read(MAX_SHORT)).await.unwrap_or(Err(ClientError::Stalled { after }))
    }

    /// The whole body, of so many bytes at most.
    ///
    /// # Errors
    /// It is longer, ends early, stalls or cannot be unpacked.
    pub async fn read(self, limit: usize) -> Result<Bytes, ClientError> {
        let path = self.path.clone();
        let mut pieces = self.into_pieces()?;
        let mut all = Vec::new();
        while let Some(piece) = pieces.try_next().await? {
            if piece.len() > limit - all.len() {
                return Err(ClientError::TooLarge { path, limit, of: "bytes" });
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.into())
    }
}

/// Whether this is an iTunes that talks to programs of Apple's only: 7 or later.
fn is_apples(software: &str) -> bool {
    let version = software.split_once("iTunes/").map(|(_, version)| version);
    let major = version.and_then(|version| version.split(|c: char| !c.is_ascii_digit()).next());
    major.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= 7)
}

/// Finds the addresses of a host: those that are pinned, or what the system says.
#[derive(Clone, Debug)]
struct Resolver(Arc<[SocketAddr]>);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let pinned = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = match name.as_str() {
                PINNED => pinned.to_vec(),
                // The port is put in later.
                name => tokio::net::lookup_host((name, 0)).await?.collect(),
            };
            Ok(addresses.into_iter())
        })
    }
}
