//! The session with a player: one question, and its answer.

use std::sync::Arc;

use bytes::Bytes;
use daap_client::ClientError;
use daap_client::wire::{Answer, Login, Question, Sessions, Transport};
use daap_proto::read;
use dacp_proto::{Endpoint, PairingGuid, ReadError, Request};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::RemoteError;

/// As whom we come: Apple's Remote, header for header. Servers decide by them what to send, and pyatv's Apple TV takes no
/// others.
const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (ACCEPT, HeaderValue::from_static("*/*")),
    (ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
    (HeaderName::from_static("client-daap-version"), HeaderValue::from_static("3.13")),
    (HeaderName::from_static("client-atv-sharing-version"), HeaderValue::from_static("1.2")),
    (HeaderName::from_static("client-itunes-sharing-version"), HeaderValue::from_static("3.15")),
    (USER_AGENT, HeaderValue::from_static("Remote/1021")),
    (HeaderName::from_static("viewer-only-client"), HeaderValue::from_static("1")),
];

/// What Apple's Remote says of each body, whatever it is.
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// A player, and us as it knows us.
#[derive(Debug)]
pub(crate) struct Session {
    transport: Transport,
    /// `None` is a player that lets us in without.
    guid: Option<PairingGuid>,
    logins: Sessions,
}

/// How an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Soon.
    Now,
    /// When there is something to tell.
    News,
}

impl Session {
    pub(crate) fn new(transport: Transport, guid: Option<PairingGuid>) -> Self {
        Self { transport, guid, logins: Sessions::default() }
    }

    /// What the player is called: host and port.
    pub(crate) fn address(&self) -> &str {
        self.transport.address()
    }

    /// The login to go by, after that which is `lost`.
    pub(crate) fn login(&self, lost: Option<&Arc<Login>>) -> Arc<Login> {
        self.logins.login(lost)
    }

    /// Asks in a session that the player knows: where it has forgotten ours, in a new one.
    ///
    /// # Errors
    /// There is no answer, or the player says no.
    pub(crate) async fn ask(
        &self,
        endpoint: &Endpoint,
        body: Bytes,
    ) -> Result<Answer, RemoteError> {
        let login = self.login(None);
        let mut answer = self.ask_in(&login, endpoint, body.clone(), Wish::Now).await?;
        if is_shut_out(answer.status()) {
            let login = self.login(Some(&login));
            answer = self.ask_in(&login, endpoint, body, Wish::Now).await?;
        }
        granted(answer)
    }

    /// Asks in this session, whatever the answer is.
    pub(crate) async fn ask_in(
        &self,
        login: &Login,
        endpoint: &Endpoint,
        body: Bytes,
        wish: Wish,
    ) -> Result<Answer, RemoteError> {
        let session = self.enter(login).await?;
        Ok(self.transport.ask(&question(endpoint, session, body, wish)).await?)
    }

    /// Makes sure that there is a session.
    ///
    /// # Errors
    /// The player is not there, or does not let us in.
    pub(crate) async fn enter(&self, login: &Login) -> Result<Option<u32>, RemoteError> {
        let entered = self.logins.enter(login, || self.log_in()).await;
        entered.map_err(|error| match error {
            ClientError::Refused { status, .. } => RemoteError::NotPaired { status },
            error => error.into(),
        })
    }

    async fn log_in(&self) -> Result<Option<u32>, ClientError> {
        let endpoint = match self.guid {
            Some(guid) => Endpoint::Login(guid),
            None => Endpoint::Library(daap_proto::Endpoint::Login),
        };
        let question = question(&endpoint, None, Bytes::new(), Wish::Now);
        let answer = self.transport.ask(&question).await?;
        let (path, status) = (answer.path.clone(), answer.status().as_u16());
        if !answer.status().is_success() {
            return Err(ClientError::Refused { path, status });
        }
        let session = read::login(&answer.short().await?);
        session.map(Some).map_err(|cause| ClientError::Broken { path, cause })
    }

    /// Ends the session, if there is one. Whether the player hears of it does not matter.
    pub(crate) async fn log_out(&self) {
        let Some(session) = self.logins.take() else { return };
        let logout = Endpoint::Library(daap_proto::Endpoint::Logout);
        let question = question(&logout, Some(session), Bytes::new(), Wish::Now);
        if let Err(error) = self.transport.ask(&question).await {
            tracing::debug!(%error, "logout");
        }
    }
}

/// The question that an endpoint is. What changes something is posted, as Apple's Remote does.
fn question(endpoint: &Endpoint, session: Option<u32>, body: Bytes, wish: Wish) -> Question {
    let request = Request { session_id: session, endpoint: endpoint.clone() };
    let mut headers = HeaderMap::from_iter(HEADERS);
    let method = match endpoint {
        Endpoint::Command(_) | Endpoint::PromptEntry { .. } => {
            headers.insert(CONTENT_TYPE, FORM);
            Method::POST
        }
        _ => Method::GET,
    };
    Question { method, target: request.to_uri(), headers, body, patient: wish == Wish::News }
}

/// Whether a status means that the session is not known, or no longer.
fn is_shut_out(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::SERVICE_UNAVAILABLE
    )
}

/// The answer, if the player does what it was asked.
pub(crate) fn granted(answer: Answer) -> Result<Answer, RemoteError> {
    let (path, status) = (answer.path.clone(), answer.status().as_u16());
    match answer.status() {
        status if status.is_success() => Ok(answer),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(RemoteError::NotPaired { status }),
        StatusCode::SERVICE_UNAVAILABLE => Err(ClientError::Busy.into()),
        _ => Err(ClientError::Refused { path, status }.into()),
    }
}

/// What an answer says, which is short.
pub(crate) async fn read<T>(
    answer: Answer,
    read: impl FnOnce(&[u8]) -> Result<T, ReadError>,
) -> Result<T, RemoteError> {
    let path = answer.path.clone();
    let body = answer.short().await?;
    Ok(read(&body).map_err(|cause| ClientError::Broken { path, cause })?)
}
