//! A server in one call.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use daap_server::{BindError, Server};
use library::Share;

/// Why a share could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It cannot listen there.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// There are no threads to run on.
    #[error("the runtime cannot be started")]
    Runtime(#[source] io::Error),
}

/// Serves a share on these addresses until [interrupted], in a runtime of its own; with the feature `advertise` it is
/// announced on the local network meanwhile.
///
/// `[::]:3689` is every address of this machine and the port that is registered for DAAP. Within a runtime, use [`serve`].
///
/// # Errors
/// It cannot listen on one of the addresses, or there are no threads.
pub fn run(share: impl Share, addresses: &[SocketAddr]) -> Result<(), RunError> {
    let runtime = tokio::runtime::Runtime::new().map_err(RunError::Runtime)?;
    runtime.block_on(async {
        let server = Server::builder(share).bind(addresses).await?;
        serve(server, interrupted()).await;
        Ok(())
    })
}

/// Runs a server until `shutdown` is done; with the feature `advertise` its share is announced meanwhile, and off the network before
/// the server goes. It is [`Server::run`] with announcing.
pub async fn serve(server: Server, shutdown: impl Future<Output = ()>) {
    #[cfg(feature = "advertise")]
    {
        let password = server.asks() != crate::gate::Asks::Nothing;
        let announcing = crate::Announcing { password, ..crate::Announcing::default() };
        serve_announced(server, announcing, shutdown).await;
    }
    #[cfg(not(feature = "advertise"))]
    server.run(shutdown).await;
}

/// Runs a server until `shutdown` is done, its share announced as `announcing` says.
#[cfg(feature = "advertise")]
pub async fn serve_announced(
    server: Server,
    announcing: crate::Announcing,
    shutdown: impl Future<Output = ()>,
) {
    let stopping = tokio_util::sync::CancellationToken::new();
    let (share, addresses, announced) = (server.share(), server.addresses(), stopping.clone());
    let mut announcing = tokio::spawn(async move {
        crate::announce(&*share, &addresses, announcing, &announced).await;
    });
    let stop = async {
        shutdown.await;
        // First off the network, so that nobody comes while we go.
        stopping.cancel();
        // It can only fail by a panic, which has been logged.
        let _ = (&mut announcing).await;
    };
    server.run(stop).await;
}

/// Waits for Ctrl-C, or on Unix for SIGTERM.
pub async fn interrupted() {
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        caught = tokio::signal::ctrl_c() => {
            if let Err(error) = caught {
                tracing::warn!(%error, "Ctrl-C cannot be caught; the server can only be killed");
                std::future::pending::<()>().await;
            }
        }
        () = terminated => {}
    }
}
