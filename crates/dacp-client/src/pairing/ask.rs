//! The server's end: asks a Remote that waits.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use daap_client::ClientError;
use daap_client::wire::{Patience, Question, Transport};
use dacp_proto::{PairRequest, PairingAnswer, Pin, ReadError};
use http::{HeaderMap, Method, StatusCode};

/// How long a Remote may take for everything. It answers at once: its owner has done his part.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes. It is a number and two names.
const MAX_ANSWER: usize = 64 << 10;

/// Why a Remote is not paired: what it was asked, and what came of that.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// It answered, but does not take the code. It shows a new one then, or none.
    #[error("{asked} was refused with status {}: the code is not the one that it shows now", status.as_u16())]
    WrongPin {
        /// The URL.
        asked: String,
        /// The status. TunesRemote-SE says 404, pyatv 500.
        status: StatusCode,
    },
    /// It did not answer. So nothing is known of the code.
    #[error("{asked} was not answered")]
    Unreachable {
        /// The URL.
        asked: String,
        /// Why not.
        #[source]
        cause: ClientError,
    },
    /// It took the code, but what it answered has no guid.
    #[error("{asked} was answered with {} bytes that are no answer to pairing: \"{}\"", answer.len(), answer.escape_ascii())]
    NotUnderstood {
        /// The URL.
        asked: String,
        /// The first bytes of the answer.
        answer: Bytes,
        /// What is wrong with it.
        #[source]
        cause: ReadError,
    },
}

/// How much of an answer that was not understood is told.
const TOLD: usize = 128;

/// Asks the Remote at this address, which announces `pair` and shows `pin`, for its guid. `service_name` is the name under
/// which the server announces itself to Remotes: there the Remote will look for it, maybe before this returns.
///
/// # Errors
/// It cannot be reached, does not take the code, or answers something else. What was asked and answered is told.
pub async fn ask(
    remote: SocketAddr,
    pair: &str,
    pin: Pin,
    service_name: &str,
) -> Result<PairingAnswer, PairError> {
    let target = PairRequest::new(pair, pin, service_name).to_uri();
    let asked = format!("http://{remote}{target}");
    let patience = Patience { connect: PATIENCE, answer: PATIENCE, stall: PATIENCE };
    let transport = Transport::to(remote, patience);
    let exchange = tokio::time::timeout(PATIENCE, exchange(&transport, target));
    let (status, answer) = match exchange.await.unwrap_or(Err(TOO_LATE)) {
        Ok(answered) => answered,
        Err(cause) => return Err(PairError::Unreachable { asked, cause }),
    };
    if status != StatusCode::OK {
        return Err(PairError::WrongPin { asked, status });
    }
    PairingAnswer::read(&answer).map_err(|cause| {
        let answer = answer.slice(..answer.len().min(TOLD));
        PairError::NotUnderstood { asked, answer, cause }
    })
}

const TOO_LATE: ClientError = ClientError::Stalled { after: PATIENCE };

/// One question, and the whole of its answer.
async fn exchange(
    transport: &Transport,
    target: String,
) -> Result<(StatusCode, Bytes), ClientError> {
    let question = Question {
        method: Method::GET,
        target,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        patient: false,
    };
    let answer = transport.ask(&question).await?;
    let status = answer.status();
    // What goes with a refusal does not matter, and may be anything.
    let body = if status == StatusCode::OK { answer.read(MAX_ANSWER).await? } else { Bytes::new() };
    Ok((status, body))
}
