//! What the tests have in common.

use std::time::Duration;

use daap_client::{Builder, Client, ClientError};
use daap_model::{DatabaseId, ItemId};
use daap_proto::{Listing, ShareUrl};
use futures_util::TryStreamExt;
use testkit::server::{Asked, Reply, Server};

/// Longer than anything here takes on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long a test waits for what never comes.
pub(crate) const SOON: Duration = Duration::from_millis(50);

pub(crate) fn database() -> DatabaseId {
    DatabaseId::new(1).unwrap()
}

pub(crate) fn item(number: u32) -> ItemId {
    ItemId::new(number).unwrap()
}

pub(crate) fn url(server: &Server) -> ShareUrl {
    server.url().parse().unwrap()
}

/// Connects to a server that answers so.
pub(crate) async fn connect(
    answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (Server, Client) {
    let server = Server::start(answer).await;
    let client = Client::builder().connect(&url(&server)).await.unwrap();
    (server, client)
}

/// What becomes of connecting to a server that answers so.
pub(crate) async fn refusal(
    builder: Builder,
    answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (Server, ClientError) {
    let server = Server::start(answer).await;
    let error = builder.connect(&url(&server)).await.unwrap_err();
    (server, error)
}

/// The titles of all songs.
pub(crate) async fn titles(client: &Client) -> Result<Vec<String>, ClientError> {
    let songs = client.items(database(), &Listing::default()).await?;
    songs.map_ok(|song| song.track.title.to_string()).try_collect().await
}

/// Waits until something is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes about");
}
