//! What the tests have in common.

use daap_client::{Client, ClientError};
use daap_model::DatabaseId;
use daap_proto::{Listing, ShareUrl};
use futures_util::TryStreamExt;
use testkit::server::{Asked, Reply, Server};

pub(crate) fn database() -> DatabaseId {
    DatabaseId::new(1).unwrap()
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

/// The titles of all songs.
pub(crate) async fn titles(client: &Client) -> Result<Vec<String>, ClientError> {
    let songs = client.items(database(), &Listing::default()).await?;
    songs.map_ok(|song| song.track.title.to_string()).try_collect().await
}
