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
/// the server goes. It is [`Server::run`] with announcing; [`Handle::stop`](crate::Handle::stop) ends it too.
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
    // A server that is dropped half-way must not stay on the network either.
    let _end = stopping.clone().drop_guard();
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
    // Its handle can stop the server too.
    stopping.cancel();
    if !announcing.is_finished() {
        let _ = announcing.await;
    }
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

#[cfg(all(test, feature = "advertise"))]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use daap_model::{DatabaseId, ItemId, Snapshot};
    use library::{
        Artwork, ArtworkSize, Catalog, Content, Edited, OpenError, PlaylistEdit, PlaylistError,
        SourceFuture,
    };
    use tokio::sync::{oneshot, watch};
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A share that is never worth announcing, and tells when that is waited for no more.
    struct NeverReady(Catalog, Mutex<Option<oneshot::Sender<()>>>);

    impl Share for NeverReady {
        fn ready(&self) -> SourceFuture<'_, bool> {
            let waited_for = self.1.lock().expect("nobody panics").take();
            Box::pin(async move {
                let _until_dropped = waited_for;
                std::future::pending().await
            })
        }

        fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
            self.0.watch()
        }

        fn open(
            &self,
            database: DatabaseId,
            item: ItemId,
        ) -> SourceFuture<'_, Result<Content, OpenError>> {
            self.0.open(database, item)
        }

        fn artwork(
            &self,
            database: DatabaseId,
            item: ItemId,
            size: ArtworkSize,
        ) -> SourceFuture<'_, Result<Option<Artwork>, OpenError>> {
            self.0.artwork(database, item, size)
        }

        fn edit(&self, edit: PlaylistEdit) -> SourceFuture<'_, Result<Edited, PlaylistError>> {
            self.0.edit(edit)
        }

        fn rename<'a>(&'a self, name: &'a str) -> SourceFuture<'a, ()> {
            self.0.rename(name)
        }
    }

    async fn server() -> (Server, oneshot::Receiver<()>) {
        let (waited_for, no_more) = oneshot::channel();
        let share = NeverReady(Catalog::new("Home"), Mutex::new(Some(waited_for)));
        let address = "127.0.0.1:0".parse().expect("an address");
        (Server::builder(share).bind(&[address]).await.expect("a port"), no_more)
    }

    #[tokio::test]
    async fn a_server_that_is_stopped_by_its_handle_is_off_the_network() {
        let (server, no_more) = server().await;
        let handle = server.handle();
        let serving = serve(server, std::future::pending());
        let stop = async { handle.stop() };
        let ended = async { tokio::join!(serving, stop) };
        timeout(PATIENCE, ended).await.expect("it ends");
        assert!(timeout(PATIENCE, no_more).await.expect("nothing is announced").is_err());
    }

    #[tokio::test]
    async fn a_server_that_is_dropped_is_off_the_network() {
        let (server, no_more) = server().await;
        let serving = serve(server, std::future::pending());
        timeout(Duration::ZERO, serving).await.expect_err("it was served until now");
        assert!(timeout(PATIENCE, no_more).await.expect("nothing is announced").is_err());
    }
}
