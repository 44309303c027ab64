//! Sockets and connections: everything below a request.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use library::Share;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::Handle;
use crate::gate::Asks;
use crate::head::{HeadGuard, Phase};
use crate::limits::HEAD_BYTES;
use crate::peer::Peer;
use crate::quota::Ticket;
use crate::sendfile::{FileSocket, Outlet};
use crate::service::Core;

/// Connections that the system may hold ready for us.
const BACKLOG: i32 = 1024;
/// A silent peer is asked whether it is still there after so long, and again at this pace. Held polls and
/// paused players are silent for hours; only this tells the dead ones.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(20);
/// Pause after a failed accept: there are no more descriptors, and one may become free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const REFUSED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// An address on which the server cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {cause}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// Why; [`io::ErrorKind::AddrInUse`] if another program has the port.
    #[source]
    pub cause: io::Error,
}

/// Listens on each address. `[::]` serves IPv4 too, and is `0.0.0.0` on a machine without IPv6.
pub(crate) fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, BindError> {
    let listen = |&address: &SocketAddr| {
        let v6_only = addresses
            .iter()
            .any(|other| other.is_ipv4() && other.port() != 0 && other.port() == address.port());
        listen(address, v6_only).map_err(|cause| BindError { address, cause })
    };
    addresses.iter().map(listen).collect()
}

fn listen(address: SocketAddr, v6_only: bool) -> io::Result<TcpListener> {
    let socket = match Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
    {
        Ok(socket) => socket,
        Err(error) if address.is_ipv6() && address.ip().is_unspecified() => {
            tracing::info!(%error, "there is no IPv6 here; listening on IPv4 only");
            return listen((Ipv4Addr::UNSPECIFIED, address.port()).into(), false);
        }
        Err(error) => return Err(error),
    };
    if address.is_ipv6() {
        socket.set_only_v6(v6_only)?;
    }
    // On Unix this lets a restarted server have its port at once; on Windows it would let two servers
    // share one.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

/// Accepts connections and lives with them.
pub(crate) struct Front {
    core: Arc<Core>,
    connections: TaskTracker,
    /// Cancelled when those that still stream have had their time.
    over: CancellationToken,
}

impl Front {
    pub(crate) fn new(core: Arc<Core>) -> Arc<Self> {
        let (connections, over) = (TaskTracker::new(), CancellationToken::new());
        Arc::new(Self { core, connections, over })
    }

    /// Accepts connections until the server stops.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.core.stopping.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Takes no more connections, closes the idle ones, lets go of held polls.
    pub(crate) fn stop(&self) {
        self.core.stop();
    }

    /// Waits until the server is told to stop.
    pub(crate) async fn stopped(&self) {
        self.core.stopping.cancelled().await;
    }

    pub(crate) fn asks(&self) -> Asks {
        self.core.permit.asks
    }

    pub(crate) fn share(&self) -> Arc<dyn Share> {
        Arc::clone(&self.core.share)
    }

    pub(crate) fn handle(&self) -> Handle {
        Handle::new(&self.core)
    }

    /// Cuts every connection when the guards are dropped, however that comes about.
    pub(crate) fn end_with(&self) -> [DropGuard; 2] {
        [self.core.stopping.clone().drop_guard(), self.over.clone().drop_guard()]
    }

    /// Waits until every connection is done; when its time is up, it is cut.
    pub(crate) async fn drain(&self) {
        self.connections.close();
        if tokio::time::timeout(self.core.limits.farewell, self.connections.wait()).await.is_err() {
            tracing::info!(cut = self.connections.len(), "streams were cut off by the shutdown");
            self.over.cancel();
            self.connections.wait().await;
        }
    }

    fn admit(self: &Arc<Self>, stream: TcpStream, address: SocketAddr) {
        let Ok(local) = stream.local_addr() else { return };
        let peer = Peer::new(address, local);
        let Some(ticket) = self.core.connections.take_for(peer) else {
            tracing::debug!(peer = %peer.address, "a connection was refused: there are too many");
            // The socket's buffer is empty, so this is sent or the peer is gone: both end it.
            let _ = stream.try_write(REFUSED);
            return;
        };
        tune(&stream);
        let front = Arc::clone(self);
        self.connections.spawn(async move { front.serve(stream, peer, ticket).await });
    }

    async fn serve(&self, stream: TcpStream, peer: Peer, ticket: Ticket) {
        let phase = Phase::default();
        let outlet = Outlet::default();
        let stream = FileSocket::new(stream, outlet.clone());
        let stream = HeadGuard::new(stream, phase.clone(), self.core.limits.head);
        let answer = service_fn(|request: Request<Incoming>| {
            let (answering, outlet) = (phase.answering(), outlet.clone());
            async move {
                let (head, body) = request.into_parts();
                let answer = self.core.call(head, Some(body), peer, answering).await;
                Ok::<_, Infallible>(answer.map(|body| body.through(outlet)))
            }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.core.limits.keep_alive)
            .max_buf_size(HEAD_BYTES)
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), answer);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => Some(ended),
            () = self.core.stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = &mut connection => Some(ended),
                    () = self.over.cancelled() => None,
                }
            }
        };
        if let Some(Err(error)) = ended {
            // Players hang up in mid-song when the listener seeks (iTunes); that is nothing to worry about.
            tracing::debug!(peer = %peer.address, %error, "a connection ended early");
        }
        drop(ticket);
    }
}

/// Small answers go out at once, and dead peers are noticed. Neither is worth losing the connection over.
fn tune(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let tuned =
        stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = tuned {
        tracing::debug!(%error, "a connection could not be tuned");
    }
}
