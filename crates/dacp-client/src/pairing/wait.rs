//! The Remote's end: shows a code and waits for a server that was told it.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use dacp_proto::{PairRequest, PairingAnswer, PairingGuid, Pin};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// After so many wrong codes it waits no longer: somebody is guessing.
pub const MAX_WRONG: u32 = 5;

/// How many servers can be in the middle of asking.
const MAX_CONNECTIONS: usize = 16;

/// How long one may take to ask and to take the answer.
const CONNECTION: Duration = Duration::from_secs(10);

/// The longest head of a request that is read, in bytes. hyper takes no less.
const MAX_HEAD: usize = 8 << 10;

/// How long it pauses when the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// What kind of device it says it is: one that every server has a picture of.
const DEVICE_TYPE: &str = "iPod";

const DMAP: HeaderValue = HeaderValue::from_static("application/x-dmap-tagged");

/// A Remote that waits to be paired. With its drop it waits no more, and with the feature `mdns` is no longer announced.
#[derive(Debug)]
pub struct Waiting {
    listener: TcpListener,
    address: SocketAddr,
    pair: String,
    pin: Pin,
    answer: PairingAnswer,
    #[cfg(feature = "mdns")]
    advertised: Option<discovery::Advertised>,
}

/// A Remote that was paired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paired {
    /// With which to log in. Keep it as one keeps a password.
    pub guid: PairingGuid,
    /// The name under which the server announces itself to Remotes.
    pub service_name: String,
    /// The server's address.
    pub server: IpAddr,
}

/// Why nobody paired it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// Nobody came with the right code.
    #[error("no server came with the code within {} s{}", after.as_secs(), tried(*wrong))]
    TimedOut {
        /// How long it waited.
        after: Duration,
        /// How many came with a wrong one.
        wrong: u32,
    },
    /// Too many wrong codes came.
    #[error("servers came with {MAX_WRONG} wrong codes")]
    TooManyWrong,
}

fn tried(wrong: u32) -> String {
    if wrong == 0 { String::new() } else { format!("; with wrong ones: {wrong}") }
}

/// What came of a connection.
#[derive(Debug)]
enum Came {
    Paired(Paired),
    Wrong,
    Nothing,
}

impl Waiting {
    /// Begins to listen, for a device of this name. Nothing is announced: a server must be told the
    /// [address](Self::address), the [pair](Self::pair) and the [PIN](Self::pin).
    ///
    /// # Errors
    /// It cannot listen there.
    pub async fn listen(name: &str, on: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(on).await?;
        let address = listener.local_addr()?;
        let pair: u64 = rand::random();
        let guid = PairingGuid(other_than(pair));
        let pin = format!("{:04}", rand::random_range(0..10_000u16));
        Ok(Self {
            listener,
            address,
            pair: format!("{pair:016X}"),
            pin: pin.parse().expect("four digits are a PIN"),
            answer: PairingAnswer {
                guid,
                name: name.to_owned(),
                device_type: DEVICE_TYPE.to_owned(),
            },
            #[cfg(feature = "mdns")]
            advertised: None,
        })
    }

    /// The same, announced so that servers find it. `host` is the name of this machine.
    ///
    /// # Errors
    /// The system refuses what that takes.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    #[cfg(feature = "mdns")]
    pub fn announced(
        mut self,
        host: &str,
        interfaces: discovery::Interfaces,
    ) -> Result<Self, discovery::DiscoveryError> {
        let txt = discovery::RemoteTxt {
            device_name: Some(self.answer.name.clone()),
            device_type: Some(DEVICE_TYPE.to_owned()),
            program: Some("Remote".to_owned()),
            version: Some(10_000),
            pair: Some(self.pair.clone()),
        };
        // Servers know a Remote again by this name.
        let name = format!("{:032X}", rand::random::<u128>());
        let role = discovery::Role::Remote(txt);
        let advert = discovery::Advert::new(name, host, self.address.port(), role);
        let advert = discovery::Advert { interfaces, ..advert };
        self.advertised = Some(discovery::Advertiser::start(advert)?);
        Ok(self)
    }

    /// The code to show: who types it into a server lets this Remote control it.
    #[must_use]
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// With what the code is hashed: sixteen hexadecimal digits.
    #[must_use]
    pub fn pair(&self) -> &str {
        &self.pair
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until a server comes with the right code. Others are told that it is wrong.
    ///
    /// # Errors
    /// None came within `limit`, or too many with wrong codes.
    #[cfg_attr(not(feature = "mdns"), expect(unused_mut, reason = "nothing is announced"))]
    pub async fn paired(mut self, limit: Duration) -> Result<Paired, WaitError> {
        let mut wrong = 0;
        let paired = timeout(limit, self.serve(&mut wrong)).await;
        #[cfg(feature = "mdns")]
        if let Some(advertised) = self.advertised.take() {
            advertised.stop().await;
        }
        paired.unwrap_or(Err(WaitError::TimedOut { after: limit, wrong }))
    }

    async fn serve(&self, wrong: &mut u32) -> Result<Paired, WaitError> {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    match accepted {
                        Ok((stream, peer)) => {
                            connections.spawn(self.desk(peer.ip()).serve(stream));
                        }
                        Err(error) => {
                            tracing::debug!(%error, "a connection was not taken");
                            tokio::time::sleep(NO_ROOM).await;
                        }
                    }
                }
                Some(came) = connections.join_next() => match came {
                    Ok(Came::Paired(paired)) => return Ok(paired),
                    Ok(Came::Wrong) if *wrong + 1 == MAX_WRONG => return Err(WaitError::TooManyWrong),
                    Ok(Came::Wrong) => *wrong += 1,
                    Ok(Came::Nothing) | Err(_) => {}
                },
            }
        }
    }

    fn desk(&self, server: IpAddr) -> Desk {
        Desk {
            server: server.to_canonical(),
            pair: self.pair.clone(),
            pin: self.pin,
            answer: self.answer.clone(),
        }
    }
}

/// A random number that is not this one, and not 0: pyatv takes the guid for what is announced, phones do not, and a server
/// that mixes them up is to find out.
fn other_than(number: u64) -> u64 {
    loop {
        let other = rand::random();
        if other != number && other != 0 {
            return other;
        }
    }
}

/// Where one server is answered.
#[derive(Debug)]
struct Desk {
    server: IpAddr,
    pair: String,
    pin: Pin,
    answer: PairingAnswer,
}

impl Desk {
    /// Answers one request; the connection ends with that, so whoever was paired has the whole answer.
    async fn serve(self, stream: TcpStream) -> Came {
        let came = OnceLock::new();
        let answer = service_fn(|request: Request<Incoming>| {
            let (reply, outcome) = self.answer(request.uri());
            // There is but one request.
            let _ = came.set(outcome);
            std::future::ready(Ok::<_, Infallible>(reply))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .keep_alive(false)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), answer);
        if !matches!(timeout(CONNECTION, connection).await, Ok(Ok(()))) {
            tracing::debug!(server = %self.server, "a server went before it was answered");
        }
        came.into_inner().unwrap_or(Came::Nothing)
    }

    fn answer(&self, uri: &http::Uri) -> (Response<Full<Bytes>>, Came) {
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let refused = |status| {
            let mut reply = Response::new(Full::default());
            *reply.status_mut() = status;
            reply
        };
        let request = match PairRequest::parse(target) {
            Ok(request) => request,
            Err(error) => {
                let status = StatusCode::from_u16(error.status());
                return (refused(status.unwrap_or(StatusCode::BAD_REQUEST)), Came::Nothing);
            }
        };
        match self.answer.reply() {
            Ok(reply) if request.knows(&self.pair, self.pin) => {
                let mut reply = Response::new(Full::new(reply.into_bytes()));
                reply.headers_mut().insert(CONTENT_TYPE, DMAP);
                let service_name = request.service_name;
                let guid = self.answer.guid;
                (reply, Came::Paired(Paired { guid, service_name, server: self.server }))
            }
            _ => (refused(StatusCode::NOT_FOUND), Came::Wrong),
        }
    }
}
