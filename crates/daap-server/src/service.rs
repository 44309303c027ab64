//! Requests: the one place where it is decided what each of them does.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use daap_model::{DatabaseId, GroupId, ItemId, Snapshot};
use daap_proto::{ClientClass, Endpoint, PixelBox, Quirk, Request, RequestError, Step};
use futures_util::FutureExt;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, HOST, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use hyper::body::Incoming;
use library::{ArtworkSize, Share};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::answer::{self, Answer};
use crate::body::{Body, Turns};
use crate::browser;
use crate::builder::LineageNow;
use crate::compress::takes_gzip;
use crate::content::{self, Sending};
use crate::delivery::{Delivering, Part};
use crate::edit;
use crate::event::Observers;
use crate::foreign;
use crate::head::Answering;
use crate::listing::{self, Asker};
use crate::lists::Lists;
use crate::longpoll;
use crate::metrics::{Exposition, Metrics};

use crate::peer::Peer;
use crate::permit::{Caller, Permit, Refusal};
use crate::quota::Quota;
use crate::record::Record;
use crate::remote::{self, Jukebox};
use crate::sent;
use crate::session::Activity;
use crate::status::{self, Status};
use crate::transcode::{Hearer, Listed, Transcoding};
use crate::{Limits, Pages, Uptime};

/// What those are told who ask too late.
pub(crate) const STOPPING: &str = "the server is shutting down";

/// All Remotes send it, as those of iTunes that do were told nothing by Remote 1.0 without it.
const VIEWER_ONLY_CLIENT: HeaderName = HeaderName::from_static("viewer-only-client");
const CLIENT_DAAP_VERSION: HeaderName = HeaderName::from_static("client-daap-version");
const ACCEPT_CODECS: HeaderName = HeaderName::from_static("accept-codecs");

/// What answers requests, whoever accepted them. All connections share it.
pub(crate) struct Core {
    pub(crate) share: Arc<dyn Share>,
    /// The share's library as it becomes.
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) permit: Permit,
    pub(crate) observers: Arc<Observers>,
    pub(crate) lists: Lists,
    pub(crate) turns: Turns,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) polls: Arc<Quota>,
    pub(crate) connections: Arc<Quota>,
    /// Bounds the reads of song files.
    pub(crate) readers: Arc<Semaphore>,
    /// Makes WAV files of songs, if that is wanted.
    pub(crate) transcoding: Option<Transcoding>,
    /// Bounds what is worked out [aside](Self::aside): big listings that are being prepared or compressed.
    pub(crate) preparing: Arc<Semaphore>,
    /// Bounds those and the ones that wait for their turn.
    pub(crate) listings: Arc<Quota>,
    pub(crate) limits: Limits,
    /// Cancelled when the server is to stop.
    pub(crate) stopping: CancellationToken,
    pub(crate) uptime: Uptime,
    /// Whose songs it has, if that is told.
    pub(crate) lineage: Option<Box<LineageNow>>,
    /// The player, if there is one.
    pub(crate) jukebox: Option<Arc<Jukebox>>,
    /// What the program has beside DAAP.
    pub(crate) pages: Option<Box<dyn Pages>>,
    pub(crate) started_unix: u64,
}

/// What a request is for.
enum Route {
    Daap(Request),
    Remote(Arc<Jukebox>, dacp_proto::Request),
    Status,
    Metrics,
    /// Whatever the program has there, if anything.
    Page,
    /// Nothing.
    Wrong(RequestError),
}

impl Route {
    /// The methods that it takes; `None` if that is not ours to say. Some Remotes POST all that they ask (WPRemote),
    /// with their parameters in the target as ever. A HEAD must change nothing.
    fn methods(&self) -> Option<&'static str> {
        Some(match self {
            Self::Page | Self::Wrong(_) => return None,
            Self::Status | Self::Metrics => "GET, HEAD",
            Self::Remote(_, request) => match request.endpoint {
                dacp_proto::Endpoint::Login(_) | dacp_proto::Endpoint::Command(_) => "GET, POST",
                _ => "GET, HEAD, POST",
            },
            Self::Daap(request) => match request.endpoint {
                Endpoint::Login | Endpoint::Logout | Endpoint::Edit { .. } => "GET, POST",
                _ => "GET, HEAD, POST",
            },
        })
    }

    /// Whether it takes a method; if not, those that it does.
    fn takes(&self, method: &Method) -> Result<(), &'static str> {
        let is_taken = |methods: &&str| methods.split(", ").any(|taken| method == taken);
        self.methods().filter(|methods| !is_taken(methods)).map_or(Ok(()), Err)
    }
}

impl Core {
    /// The library as it is now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// Does work over many songs when its turn comes, elsewhere than on the threads that serve all connections.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let turn = Arc::clone(&self.preparing).acquire_owned().await;
        let work = tokio::task::spawn_blocking(move || {
            // The turn goes along: work goes on when its client has gone, and is to count until it ends.
            let _turn = turn;
            work()
        });
        // A panic in there is as good as one here, where it becomes a 500.
        work.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Ends the sessions and lets go of held polls. Streams go on.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
        self.permit.sessions.close_all();
    }

    /// Answers a request, whatever happens.
    pub(crate) async fn call(
        &self,
        mut head: Parts,
        body: Option<Incoming>,
        peer: Peer,
        answering: Answering,
    ) -> Answer {
        let head_only = head.method == Method::HEAD;
        let metrics = Arc::clone(&self.metrics);
        let mut record = Record::new(metrics, head.method.clone(), head.uri.path(), answering);
        let answered = AssertUnwindSafe(self.answer(&mut head, body, peer)).catch_unwind().await;
        let (endpoint, mut answer) = answered.unwrap_or_else(|_| {
            tracing::error!("a request met a bug in the server");
            ("other", answer::text(StatusCode::INTERNAL_SERVER_ERROR, "a bug in the server"))
        });
        record.answer(endpoint, answer.status().as_u16());
        answer::finish(&mut answer);
        let length = answer.body().length();
        if let Some(length) = length.filter(|_| answer.status() != StatusCode::NO_CONTENT) {
            answer.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        let turns = self.turns.clone();
        answer
            .map(|body| if head_only { Body::empty() } else { body }.taking(turns).recorded(record))
    }

    /// The answer, and under which name it is counted.
    async fn answer(
        &self,
        head: &mut Parts,
        body: Option<Incoming>,
        peer: Peer,
    ) -> (&'static str, Answer) {
        if let Err(refusal) = self.permit.door(peer, hosts(head)) {
            return ("refused", answer::refused(&refusal));
        }
        if self.stopping.is_cancelled() {
            return ("refused", answer::busy(STOPPING));
        }
        let sent = match body {
            None => Bytes::new(),
            Some(body) => match Box::pin(sent::whole(body, self.limits.head)).await {
                Ok(sent) => sent,
                Err(refused) => return ("refused", refused),
            },
        };
        let route = self.route(&head.uri);
        if let Err(methods) = route.takes(&head.method) {
            return ("other", answer::wrong_method(methods));
        }
        match route {
            Route::Daap(request) => {
                let name = name(&request.endpoint);
                // Like the headers it lies in the connection's buffer, which is used again once nobody has a part of it.
                head.uri = Uri::default();
                let answer = self.daap(request, &mut head.headers, peer).await;
                (name, answer.unwrap_or_else(|refusal| answer::refused(&refusal)))
            }
            Route::Remote(jukebox, request) => {
                let name = remote::name(&request.endpoint);
                head.uri = Uri::default();
                let answer = self.remote(&jukebox, request, &mut head.headers, peer).await;
                (name, answer.unwrap_or_else(|refusal| answer::refused(&refusal)))
            }
            Route::Status => ("status", self.status(peer)),
            Route::Metrics => {
                let text = Body::whole(status::metrics(self).into());
                ("metrics", answer::typed(StatusCode::OK, Exposition::MEDIA_TYPE, text))
            }
            Route::Page => ("page", Box::pin(self.page(head, sent, peer)).await),
            Route::Wrong(error) => ("other", unanswerable(&error)),
        }
    }

    fn route(&self, uri: &Uri) -> Route {
        match uri.path() {
            "/api/v1/status" => Route::Status,
            "/metrics" => Route::Metrics,
            _ => match self.request(&uri.to_string()) {
                Ok(route) => route,
                Err(RequestError::UnknownPath { .. }) if self.pages.is_some() => Route::Page,
                Err(error) => Route::Wrong(error),
            },
        }
    }

    /// A request of DAAP, or of DACP where there is something to control.
    fn request(&self, target: &str) -> Result<Route, RequestError> {
        let Some(jukebox) = &self.jukebox else { return Request::parse(target).map(Route::Daap) };
        let request = dacp_proto::Request::parse(target)?;
        Ok(match request.endpoint {
            dacp_proto::Endpoint::Library(endpoint) => {
                Route::Daap(Request { session_id: request.session_id, endpoint })
            }
            _ => Route::Remote(Arc::clone(jukebox), request),
        })
    }

    /// A page of the program's, if it has one there.
    async fn page(&self, head: &mut Parts, sent: Bytes, peer: Peer) -> Answer {
        let mut request = http::Request::new(sent);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = std::mem::take(&mut head.uri);
        *request.headers_mut() = std::mem::take(&mut head.headers);
        let page = async {
            let pages = self.pages.as_deref()?;
            pages.answer(request, peer).await
        };
        match foreign::within(self.limits.answer, page).await {
            Ok(Some(page)) => page.map(Body::whole),
            Ok(None) => answer::text(StatusCode::NOT_FOUND, "there is no such page"),
            Err(failure) => {
                tracing::error!("a page was not answered: {failure}");
                answer::text(answer::unanswered(failure), "the page cannot be shown")
            }
        }
    }

    /// All of DAAP, a line an endpoint. What may wait is boxed apart and holds no more than it needs, not even
    /// the headers, as there can be thousands of held polls.
    async fn daap(
        &self,
        request: Request,
        headers: &mut HeaderMap,
        peer: Peer,
    ) -> Result<Answer, Refusal> {
        let caller = caller(request.session_id, headers, peer);
        Ok(match request.endpoint {
            Endpoint::ServerInfo => {
                let answer = Box::pin(self.list(request, headers, peer)).await;
                answer::with_lineage(answer, self.lineage.as_deref().map(|now| now()))
            }
            Endpoint::ContentCodes => Box::pin(self.list(request, headers, peer)).await,
            Endpoint::Login => Box::pin(self.login(caller)).await?,
            Endpoint::Logout => {
                self.permit.list(caller).await?;
                self.logout(request.session_id)
            }
            Endpoint::Activity => {
                self.permit.list(caller).await?;
                answer::bare(StatusCode::NO_CONTENT)
            }
            Endpoint::Update(step) => {
                let session = self.permit.list(caller).await?;
                *headers = HeaderMap::new();
                Box::pin(self.update(step, session, peer)).await
            }
            Endpoint::Edit { database, action } => {
                let session = Box::pin(self.permit.edit(caller)).await?;
                let answer = Box::pin(edit::answer(self, database, action, session)).await;
                answer.unwrap_or_else(|error| unanswerable(&error))
            }
            Endpoint::Song { database, item, extension } => {
                let session = self.permit.content(caller).await?;
                let song = (database, item, extension.as_str());
                Box::pin(self.song(song, session, headers, peer)).await
            }
            Endpoint::ItemArtwork { database, item, size } => {
                let session = self.permit.content(caller).await?;
                Box::pin(self.artwork(database, item, size, session)).await
            }
            Endpoint::GroupArtwork { database, group, size, .. } => {
                let session = self.permit.content(caller).await?;
                match self.group_item(database, group) {
                    None => answer::text(StatusCode::NOT_FOUND, "there is no such group"),
                    Some(None) => content::no_picture(),
                    Some(Some(item)) => Box::pin(self.artwork(database, item, size, session)).await,
                }
            }
            _ => {
                let _activity = self.permit.list(caller).await?;
                Box::pin(self.list(request, headers, peer)).await
            }
        })
    }

    async fn login(&self, caller: Caller<'_>) -> Result<Answer, Refusal> {
        let id = self.permit.login(caller).await?;
        tracing::info!(peer = %caller.peer.address, client = caller.agent, "logged in");
        Ok(listing::whole(daap_proto::reply::login(id)))
    }

    fn logout(&self, session: Option<u32>) -> Answer {
        if session.is_some_and(|id| self.permit.sessions.close(id)) {
            tracing::info!("logged out");
        }
        answer::bare(StatusCode::NO_CONTENT)
    }

    async fn update(&self, step: Step, session: Activity, peer: Peer) -> Answer {
        let now = self.snapshots.borrow().revision();
        let news = match step.revision {
            Some(seen) if seen == now => {
                self.hold(longpoll::past(self.snapshots.clone(), seen), session, peer).await
            }
            _ => Ok(now),
        };
        news.map_or_else(|answer| answer, |now| listing::whole(daap_proto::reply::update(now)))
    }

    async fn song(
        &self,
        (database, item, suffix): (DatabaseId, ItemId, &str),
        session: Option<Activity>,
        headers: &HeaderMap,
        peer: Peer,
    ) -> Answer {
        let part_is_ok = class(headers).has(Quirk::PartIsOk);
        let sending = Sending { headers, part_is_ok, readers: &self.readers };
        let song = Listed { share: &self.share, database, item };
        let transcoding = self.transcoding.as_ref();
        let wav = transcoding.and_then(|t| Some((t, t.wav(&song, hearer(headers), suffix)?)));
        let answer = async {
            match wav {
                Some((transcoding, wav)) => transcoding.answer(song, wav, peer, sending).await,
                None => match self.share.open(database, item).await {
                    Ok(opened) => content::song(opened, sending),
                    Err(error) => content::not_opened(&error),
                },
            }
        };
        let answer = foreign::within(self.limits.answer, answer).await;
        let answer = answer.unwrap_or_else(|failure| content::not_answered(failure, item));
        self.deliver(Part::Sound, database, item, session, answer)
    }

    pub(crate) async fn artwork(
        &self,
        database: DatabaseId,
        item: ItemId,
        size: Option<PixelBox>,
        session: Option<Activity>,
    ) -> Answer {
        let artwork = async { self.share.artwork(database, item, artwork_size(size)).await };
        match foreign::within(self.limits.answer, artwork).await {
            Ok(Ok(Some(artwork))) => {
                self.deliver(Part::Artwork, database, item, session, content::picture(artwork))
            }
            Ok(Ok(None)) => content::no_picture(),
            Ok(Err(error)) => content::not_opened(&error),
            Err(failure) => content::not_answered(failure, item),
        }
    }

    /// An answer of which it is noted what was sent, if it is one with content.
    fn deliver(
        &self,
        part: Part,
        database: DatabaseId,
        item: ItemId,
        session: Option<Activity>,
        answer: Answer,
    ) -> Answer {
        if !answer.status().is_success() {
            return answer;
        }
        let observers = Arc::clone(&self.observers);
        let span = answer.extensions().get().copied().unwrap_or_default();
        let delivering = Delivering::new(part, database, item, span, session, observers);
        answer.map(|body| body.delivering(delivering).stalling(self.limits.stall))
    }

    /// The song whose picture stands for a group; `Some(None)` if none of its songs has one.
    fn group_item(&self, database: DatabaseId, group: GroupId) -> Option<Option<ItemId>> {
        let snapshot = self.snapshot();
        let database = snapshot.database(database)?;
        database.group(group)?;
        Some(database.group_artwork(group))
    }

    /// A reply that is computed from a snapshot.
    async fn list(&self, request: Request, headers: &HeaderMap, peer: Peer) -> Answer {
        let takes_gzip = takes_gzip(headers.get(ACCEPT_ENCODING).map(HeaderValue::as_bytes));
        let as_wav = self.transcoding.as_ref().map(|t| t.as_wav(hearer(headers)));
        let client = class(headers).hearing_wav_for(as_wav.unwrap_or_default());
        let client = if self.permit.may_edit(peer) { client.editing() } else { client };
        let controls = self.jukebox.is_some() && headers.contains_key(VIEWER_ONLY_CLIENT);
        let client = if controls { client.controlling() } else { client };
        let asker = Asker { peer, client, takes_gzip };
        let answer = listing::answer(self, request, asker).await;
        answer.unwrap_or_else(|error| unanswerable(&error))
    }

    fn status(&self, peer: Peer) -> Answer {
        let snapshot = self.snapshot();
        let status = serde_json::to_vec(&Status::of(self, &snapshot, peer));
        let status = status.expect("names and numbers make JSON");
        answer::fresh(answer::typed(StatusCode::OK, "application/json", Body::whole(status.into())))
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Every name by which the request calls this server.
fn hosts(head: &Parts) -> impl Iterator<Item = &[u8]> {
    // Without a scheme, what looks like an authority is a path that lacks its slash.
    let target = head.uri.scheme().and_then(|_| head.uri.host()).map(str::as_bytes);
    head.headers.get_all(HOST).iter().map(HeaderValue::as_bytes).chain(target)
}

/// The name by which an endpoint is counted.
fn name(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ServerInfo => "server-info",
        Endpoint::ContentCodes => "content-codes",
        Endpoint::Login => "login",
        Endpoint::Logout => "logout",
        Endpoint::Activity => "activity",
        Endpoint::Update(_) => "update",
        Endpoint::Databases(_) => "databases",
        Endpoint::Items { .. } => "items",
        Endpoint::Containers { .. } => "containers",
        Endpoint::ContainerItems { .. } => "container-items",
        Endpoint::Browse { .. } => "browse",
        Endpoint::Groups { .. } => "groups",
        Endpoint::Edit { .. } => "edit",
        Endpoint::Song { .. } => "song",
        Endpoint::ItemArtwork { .. } | Endpoint::GroupArtwork { .. } => "artwork",
        _ => "other",
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Who asks, as the request says it.
pub(crate) fn caller(session: Option<u32>, headers: &HeaderMap, peer: Peer) -> Caller<'_> {
    Caller {
        peer,
        agent: text(headers, USER_AGENT).unwrap_or_default(),
        session,
        credential: headers.get(AUTHORIZATION).map(HeaderValue::as_bytes),
        is_browser: browser::is_browser(headers),
    }
}

fn class(headers: &HeaderMap) -> ClientClass {
    ClientClass::new(text(headers, USER_AGENT), text(headers, CLIENT_DAAP_VERSION))
}

fn hearer(headers: &HeaderMap) -> Hearer<'_> {
    Hearer {
        user_agent: text(headers, USER_AGENT).unwrap_or_default(),
        accept_codecs: text(headers, ACCEPT_CODECS),
    }
}

/// A box with a free side is as large as can be there.
fn artwork_size(size: Option<PixelBox>) -> ArtworkSize {
    let side = |pixels| if pixels == 0 { u32::MAX } else { pixels };
    match size {
        None | Some(PixelBox { width: 0, height: 0 }) => ArtworkSize::Original,
        Some(PixelBox { width, height }) => {
            ArtworkSize::Within { width: side(width), height: side(height) }
        }
    }
}

pub(crate) fn unanswerable(error: &RequestError) -> Answer {
    if *error == RequestError::NotPaired {
        return answer::not_paired();
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    answer::text(status, &error.to_string())
}
