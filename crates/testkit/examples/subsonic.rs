//! Runs the scripted Subsonic server until it is stopped: `subsonic SONGS`.

use testkit::server::Server;
use testkit::subsonic::Subsonic;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let songs = std::env::args().nth(1).and_then(|songs| songs.parse().ok()).unwrap_or(1_000);
    let server = Server::start(Subsonic::new(songs).answer()).await;
    println!("http://{}/", server.address());
    std::future::pending().await
}
