//! The server, asked one thing at a time as it wants to be asked.

use std::time::Duration;

use daap_proto::{Endpoint, Request};
use http::header::{ACCEPT_ENCODING, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::ClientError;
use crate::body::GZIP;
use crate::caller::Caller;
use crate::transport::{Answer, Transport};

/// A server, and us as it knows us.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) transport: Transport,
    pub(crate) caller: Caller,
}

/// How an answer is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish {
    /// Soon, and packed if that is shorter.
    Packed,
    /// As it is, from this byte on.
    From(u64),
    /// When there is something to tell.
    News,
}

impl Peer {
    /// Asks. Gives the password if the server asks for it, once.
    ///
    /// # Errors
    /// There is no answer, or it is 401. Any other status is the caller's business.
    pub(crate) async fn ask(
        &self,
        endpoint: &Endpoint,
        session: Option<u32>,
        wish: Wish,
    ) -> Result<Answer, ClientError> {
        let request = Request { session_id: session, endpoint: endpoint.clone() };
        let target = request.to_uri();
        let gave_password = self.caller.gives_password();
        let mut answer = self.get(&target, wish).await?;
        let has_password = self.caller.has_password();
        if answer.status() == StatusCode::UNAUTHORIZED && has_password && !gave_password {
            self.caller.give_password();
            answer = self.get(&target, wish).await?;
        }
        match answer.status() {
            StatusCode::UNAUTHORIZED if has_password => Err(ClientError::WrongPassword),
            StatusCode::UNAUTHORIZED => Err(ClientError::PasswordWanted),
            _ => Ok(answer),
        }
    }

    /// Asks what is asked before there is a session. Who is refused comes once more as iTunes, and remains it if that
    /// helps.
    pub(crate) async fn introduce(&self, endpoint: &Endpoint) -> Result<Answer, ClientError> {
        let answer = self.ask(endpoint, None, Wish::Packed).await?;
        if answer.status() != StatusCode::FORBIDDEN || self.caller.is_itunes() {
            return Ok(answer);
        }
        self.caller.come_as_itunes(true);
        let answer = self.ask(endpoint, None, Wish::Packed).await?;
        self.caller.come_as_itunes(answer.status() != StatusCode::FORBIDDEN);
        Ok(answer)
    }

    /// Says that a session is over, without waiting for long. Whether it is heard does not matter: sessions end
    /// by themselves.
    pub(crate) async fn log_out(&self, session: u32) {
        let asked = self.ask(&Endpoint::Logout, Some(session), Wish::Packed);
        match tokio::time::timeout(LOGOUT, asked).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "logout"),
            Err(_) => tracing::debug!("logout: no answer"),
        }
    }

    async fn get(&self, target: &str, wish: Wish) -> Result<Answer, ClientError> {
        let headers = |target: &str, is_home: bool| {
            let mut headers = self.caller.headers(target, is_home);
            wish.write(&mut headers);
            headers
        };
        self.transport.get(target, headers, matches!(wish, Wish::News)).await
    }
}

/// How long is waited for the answer to a logout.
const LOGOUT: Duration = Duration::from_secs(3);

impl Wish {
    fn write(self, headers: &mut HeaderMap) {
        match self {
            Self::Packed => {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(GZIP));
            }
            Self::From(0) | Self::News => {}
            Self::From(from) => {
                let range = HeaderValue::from_str(&format!("bytes={from}-"));
                headers.insert(RANGE, range.expect("digits are fine in a header"));
            }
        }
    }
}
