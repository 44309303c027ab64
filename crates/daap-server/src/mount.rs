//! The share as a service inside another program's HTTP server.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use dacp_proto::{Request, RequestError};
use http::{Response, StatusCode, Uri};

use crate::Handle;
use crate::answer::{self, Answer};
use crate::body::Body;
use crate::head::Phase;
use crate::peer::Peer;
use crate::service::Core;

/// A share as a `tower` service, to live in somebody's own HTTP server beside their routes. Made by
/// [`Builder::service`](crate::Builder::service). Clones are the same share, which ends with the last of them, or
/// with [`Handle::stop`].
///
/// It takes requests with any body, which it does not read, and answers every one of them: it never fails. DAAP has
/// fixed paths at the root; [`is_daap`](Self::is_daap) tells them from others, so one HTTP server has room
/// for one share. With `hyper-util` wrap it in `TowerToHyperService`.
///
/// The program that mounts it has the connections, so these are its business:
/// - It puts a [`Peer`] into the extensions of each request. Who may do what depends on it; without one
///   nothing is served.
/// - HTTP/1.1 with header names in title case (`title_case_headers(true)`): some clients compare them letter
///   by letter.
/// - Idle connections stay open for half an hour and more: clients keep theirs between a listing and the next
///   click. A held `/update` may be silent for hours, so no time limit may be set on answers; TCP keep-alive
///   finds the dead ones.
/// - Targets may be absolute, with the scheme `daap` (iTunes): a router has to look at the path alone.
/// - Bodies are made as they are read, and dropped when the client goes. A layer that collects or compresses
///   them would undo both: leave them as they are.
///
/// ```
/// use daap_server::{Peer, Server};
/// use library::Library;
/// use tower_service::Service as _;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let library = Library::builder("Living room").start().await?;
/// let mut share = Server::builder(library).service();
///
/// let mut request = http::Request::get("/server-info").body(())?;
/// let (remote, local) = ("192.168.1.5:50000".parse()?, "192.168.1.2:80".parse()?);
/// request.extensions_mut().insert(Peer::new(remote, local));
/// let response = share.call(request).await?;
/// assert_eq!(response.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Service {
    core: Arc<Core>,
}

impl Service {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Looks at the share's sessions, and ends it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(&self.core)
    }

    /// Whether a request with this target is for a share. Others can go to other routes.
    #[must_use]
    pub fn is_daap(uri: &Uri) -> bool {
        !matches!(Request::parse(&uri.to_string()), Err(RequestError::UnknownPath { .. }))
    }
}

impl<B> tower_service::Service<http::Request<B>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let (head, _) = request.into_parts();
        let Some(peer) = head.extensions.get::<Peer>().copied() else {
            return Box::pin(std::future::ready(Ok(without_peer())));
        };
        let core = Arc::clone(&self.core);
        Box::pin(async move { Ok(core.call(head, None, peer, Phase::default().answering()).await) })
    }
}

fn without_peer() -> Answer {
    let reason = "the program that mounts this share has to say who asks: \
        it has to put a daap_server::Peer into the request's extensions";
    tracing::error!("{reason}");
    answer::text(StatusCode::INTERNAL_SERVER_ERROR, reason)
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.core.snapshot().name())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, expected: bool) {
        assert_eq!(Service::is_daap(&uri.parse().unwrap()), expected, "{uri}");
    }

    #[test]
    fn what_is_for_a_share_is_known_by_its_path() {
        for ours in ["/server-info", "/login", "/databases/1/items?meta=all&query='x'", "/update"] {
            check(ours, true);
        }
        check("daap://10.0.0.2:3689/databases/1/items/7.mp3?session-id=5", true);
        for theirs in ["/", "/index.html", "/api/v1/status", "/server-information"] {
            check(theirs, false);
        }
    }
}
