//! What several tests need.

use dacp_client::{Remote, RemoteError};
use testkit::player::GUID;
use testkit::server::{Asked, Reply, Server};

/// A Remote that is logged in to a player that answers so, and the player.
pub(crate) async fn remote(
    answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (Remote, Server) {
    let player = Server::start(answer).await;
    (connect(&player).await.unwrap(), player)
}

/// Logs in with the guid that it knows.
pub(crate) async fn connect(player: &Server) -> Result<Remote, RemoteError> {
    Remote::connect(&player.url().parse().unwrap(), Some(GUID.parse().unwrap())).await
}

/// What the player was told, without the session: the method and the target of each command.
pub(crate) fn told(player: &Server) -> Vec<String> {
    let is_command = |asked: &&Asked| asked.method == "POST";
    let asked = player.asked();
    asked
        .iter()
        .filter(is_command)
        .map(|asked| asked.target.replace("session-id=55555&", "").replace("?session-id=55555", ""))
        .collect()
}
