//! The JSON API beside `/api/v1/status`: the Remotes, and pairing one; the connections to Subsonic servers.
//!
//! | request | does |
//! |---|---|
//! | `GET /api/v1/remotes` | the Remotes that wait to be paired, and those that are |
//! | `POST /api/v1/pair` | pairs one: an [`Introduction`] in, an [`Account`] out |
//! | `DELETE /api/v1/remotes/ID` | forgets one |
//! | `GET /api/v1/subsonic` | what the connections are doing, a [`Report`](crate::subsonic::report::Report) |
//! | `POST /api/v1/subsonic/sync` | has one look for changes, or all: a [`SyncOrder`] in, a [`Synced`](crate::subsonic::report::Synced) out |
//!
//! A sync is waited for up to 20 seconds: the status is 202 if it goes on after that, and it can be waited for again.
//!
//! Where there is no player there are no pages of Remotes. All of it is for programs on this machine. What changes something wants the header `X-Dapple-Request: 1`, which no
//! page in a browser can have sent for it.

use std::sync::Arc;

use daap_server::{Pages, Peer};
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use library::SourceFuture;
use serde::{Deserialize, Serialize};

use crate::http::MEANT;
use crate::remotes::{Account, Desk, Introduction, PairedRemote, Verdict, WaitingRemote};
use crate::subsonic::Connections;
use crate::subsonic::report::SyncOrder;

/// Where the Remotes are, and under it each that is paired, by its id.
pub(crate) const REMOTES: &str = "/api/v1/remotes";
/// Where one is paired.
pub(crate) const PAIR: &str = "/api/v1/pair";

/// Where the connections to Subsonic servers are.
pub(crate) const SUBSONIC: &str = "/api/v1/subsonic";
/// Where they are told to look for changes.
pub(crate) const SYNC: &str = "/api/v1/subsonic/sync";

/// The Remotes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Remotes {
    /// Those that wait to be paired.
    pub(crate) waiting: Vec<WaitingRemote>,
    /// Those that are.
    pub(crate) paired: Vec<PairedRemote>,
}

/// The pages that the server serves for us.
pub(crate) struct Api {
    /// Where Remotes are paired, if there is a player.
    desk: Option<Arc<Desk>>,
    connections: Connections,
}

/// What a path is for.
#[derive(Clone, Copy)]
enum Page<'a> {
    Remotes(&'a Desk),
    Remote(&'a Desk, u32),
    Pair(&'a Desk),
    Subsonic(&'a Connections),
    Sync(&'a Connections),
}

impl Page<'_> {
    fn method(self) -> Method {
        match self {
            Self::Remotes(_) | Self::Subsonic(_) => Method::GET,
            Self::Remote(..) => Method::DELETE,
            Self::Pair(_) | Self::Sync(_) => Method::POST,
        }
    }
}

impl Pages for Api {
    fn answer(
        &self,
        request: Request<Bytes>,
        peer: Peer,
    ) -> SourceFuture<'_, Option<Response<Bytes>>> {
        Box::pin(async move {
            let page = self.page_at(request.uri().path())?;
            Some(match refusal(&page.method(), &request, peer) {
                Some(refusal) => refusal,
                None => page.answer(request.body()).await,
            })
        })
    }
}

impl Api {
    /// Remotes are paired at this desk, if there is one, and these Subsonic servers are followed.
    pub(crate) fn new(desk: Option<Arc<Desk>>, connections: Connections) -> Self {
        Self { desk, connections }
    }

    fn page_at(&self, path: &str) -> Option<Page<'_>> {
        match path {
            REMOTES => self.desk.as_deref().map(Page::Remotes),
            PAIR => self.desk.as_deref().map(Page::Pair),
            SUBSONIC => Some(Page::Subsonic(&self.connections)),
            SYNC => Some(Page::Sync(&self.connections)),
            _ => {
                let remote = path.strip_prefix(REMOTES)?.strip_prefix('/')?.parse().ok()?;
                self.desk.as_deref().map(|desk| Page::Remote(desk, remote))
            }
        }
    }
}

impl Page<'_> {
    async fn answer(self, body: &[u8]) -> Response<Bytes> {
        match self {
            Self::Remotes(desk) => {
                let (waiting, paired) = (desk.waiting(), desk.guests().all());
                json(StatusCode::OK, &Remotes { waiting, paired })
            }
            Self::Pair(desk) => match serde_json::from_slice::<Introduction>(body) {
                Ok(introduction) => {
                    let account = desk.pair(introduction).await;
                    json(status_of(&account), &account)
                }
                Err(error) => text(StatusCode::BAD_REQUEST, &error.to_string()),
            },
            Self::Remote(desk, id) => match desk.guests().forget(id).await {
                Ok(Some(remote)) => json(StatusCode::OK, &remote),
                Ok(None) => text(StatusCode::NOT_FOUND, "no Remote with this id is paired"),
                Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error:#}")),
            },
            Self::Subsonic(connections) => json(StatusCode::OK, &connections.report().await),
            Self::Sync(connections) => match serde_json::from_slice::<SyncOrder>(body) {
                Ok(order) => sync(connections, &order).await,
                Err(error) => text(StatusCode::BAD_REQUEST, &error.to_string()),
            },
        }
    }
}

async fn sync(connections: &Connections, order: &SyncOrder) -> Response<Bytes> {
    match connections.sync(order.connection.as_deref()).await {
        Some(synced) if synced.done => json(StatusCode::OK, &synced),
        Some(synced) => json(StatusCode::ACCEPTED, &synced),
        None => {
            text(StatusCode::NOT_FOUND, "no Subsonic server of this name or address is followed")
        }
    }
}

/// Why a request is not answered, if it is not.
fn refusal(method: &Method, request: &Request<Bytes>, peer: Peer) -> Option<Response<Bytes>> {
    if !peer.is_this_machine() {
        let why = "this is the business of programs on the server's machine";
        return Some(text(StatusCode::FORBIDDEN, why));
    }
    if request.method() != method {
        let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, &format!("it takes {method} only"));
        let allowed = HeaderValue::from_str(method.as_str()).expect("methods are header values");
        refusal.headers_mut().insert(ALLOW, allowed);
        return Some(refusal);
    }
    let is_meant = *method == Method::GET || request.headers().contains_key(MEANT);
    let why = "what changes something wants the header X-Dapple-Request: 1";
    (!is_meant).then(|| text(StatusCode::FORBIDDEN, why))
}

fn status_of(account: &Account) -> StatusCode {
    match account.result {
        Verdict::Paired => StatusCode::OK,
        Verdict::Misread => StatusCode::BAD_REQUEST,
        Verdict::NobodyAsks => StatusCode::NOT_FOUND,
        Verdict::SeveralAsk => StatusCode::CONFLICT,
        Verdict::TooManyTries => StatusCode::TOO_MANY_REQUESTS,
        Verdict::Refused | Verdict::Unreachable | Verdict::NotUnderstood => StatusCode::BAD_GATEWAY,
        Verdict::NotKept => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(body).expect("names and numbers make JSON");
    answer(status, "application/json", body.into())
}

fn text(status: StatusCode, why: &str) -> Response<Bytes> {
    answer(status, "text/plain; charset=utf-8", format!("{why}\n").into())
}

fn answer(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dacp_client::pairing::Waiting;
    use serde_json::{Value, json};
    use tempfile::TempDir;
    use tokio::sync::watch;

    use super::*;
    use crate::cli::Outcome;
    use crate::remotes::Guests;
    use crate::{fixture, http};

    /// A server with a desk, and the folder that goes with it.
    async fn server() -> (String, Arc<Desk>, TempDir) {
        let data = tempfile::tempdir().unwrap();
        let guests = Guests::open(data.path()).unwrap();
        let waiting = watch::channel(Vec::new()).1;
        let desk = Arc::new(Desk::new("74DEBFCE2ED0E1C0".to_owned(), guests, waiting));
        let api = Api::new(Some(Arc::clone(&desk)), fixture::connections(&[], data.path()));
        let url = fixture::share_with(|server| server.pages(api)).await;
        (url.replace("daap://", "http://"), desk, data)
    }

    #[tokio::test]
    async fn a_remote_is_paired_listed_and_forgotten_from_the_command_line() {
        let (url, desk, _data) = server().await;
        let remote = Waiting::listen("Phone", "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (address, pair_id) = (remote.address().to_string(), remote.pair().to_owned());
        let right = remote.pin().to_string();
        let wrong = if right == "0000" { "1111" } else { "0000" };
        let paired = tokio::spawn(remote.paired(Duration::from_secs(60)));
        let pair = async |pin: &str| {
            let line = ["pair", pin, "--remote", &address, "--pair-id", &pair_id, "--server", &url];
            fixture::said(&line).await.unwrap()
        };
        let list = async || fixture::said(&["pair", "--server", &url]).await.unwrap();

        assert_eq!(list().await, (Outcome::NothingFound, String::new()));
        let (outcome, account) = pair(wrong).await;
        assert_eq!(outcome, Outcome::Failed);
        assert!(account.contains(&address) && account.contains("404"), "{account}");
        let (outcome, account) = pair(&right).await;
        assert_eq!(outcome, Outcome::Done, "{account}");
        assert!(desk.knows(paired.await.unwrap().unwrap().guid).await);
        let (outcome, lines) = list().await;
        assert!(
            outcome == Outcome::Done && lines.starts_with("paired\tPhone\tiPod\t1\t"),
            "{lines}"
        );
        for outcome in [Outcome::Done, Outcome::NothingFound] {
            let forgot = fixture::said(&["pair", "--forget", "phone", "--server", &url]).await;
            assert_eq!(forgot.unwrap().0, outcome);
        }
        assert!(desk.guests().all().is_empty());
    }

    #[tokio::test]
    async fn where_nobody_asks_the_command_line_says_what_to_do() {
        let (url, ..) = server().await;
        let (outcome, told) = fixture::said(&["pair", "0427", "--server", &url]).await.unwrap();
        assert_eq!(outcome, Outcome::NothingFound);
        assert!(told.contains("no Remote asks") && told.contains("--pair-id"), "{told}");
    }

    #[tokio::test]
    async fn what_is_asked_wrongly_is_refused() {
        let (url, ..) = server().await;
        let order = async |method, path, body: Value| {
            let limit = Duration::from_secs(20);
            http::order(&url, method, path, &body, limit).await.unwrap().status().as_u16()
        };
        assert_eq!(order(Method::POST, PAIR, json!({ "pin": "427" })).await, 400);
        assert_eq!(order(Method::POST, PAIR, json!({ "pin": "0427", "host": "x" })).await, 400);
        assert_eq!(order(Method::POST, PAIR, json!([])).await, 400);
        assert_eq!(order(Method::POST, PAIR, json!({ "pin": "0427" })).await, 404);
        assert_eq!(order(Method::POST, REMOTES, Value::Null).await, 405);
        let remote = format!("{REMOTES}/7");
        assert_eq!(order(Method::DELETE, &remote, Value::Null).await, 404);
        assert_eq!(order(Method::POST, SYNC, json!({})).await, 200);
        assert_eq!(order(Method::POST, SYNC, json!({ "connection": "attic" })).await, 404);
        assert_eq!(order(Method::POST, SYNC, json!({ "conection": "attic" })).await, 400);
        assert!(http::get(&url, PAIR).await.unwrap_err().to_string().contains("405"));
    }

    #[test]
    fn what_changes_something_has_to_be_meant() {
        let ends = ("127.0.0.1:50000".parse().unwrap(), "127.0.0.1:3689".parse().unwrap());
        let status = |peer: Peer, meant: bool| {
            let mut request = Request::post(PAIR).body(Bytes::new()).unwrap();
            if meant {
                request.headers_mut().insert(MEANT, HeaderValue::from_static("1"));
            }
            refusal(&Method::POST, &request, peer).map(|refusal| refusal.status().as_u16())
        };
        let here = Peer::new(ends.0, ends.1);
        let there =
            Peer::new("192.168.1.7:50000".parse().unwrap(), "192.168.1.2:3689".parse().unwrap());
        assert_eq!(status(here, true), None);
        assert_eq!(status(here, false), Some(403));
        assert_eq!(status(there, true), Some(403));
    }
}
