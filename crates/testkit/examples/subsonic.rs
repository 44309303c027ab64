//! Runs the scripted Subsonic server until its input ends: `subsonic SONGS`. At every line that is entered it says how many
//! requests it was asked so far, and how many bytes it has sent.

use std::io::{self, BufRead};

use testkit::server::Server;
use testkit::subsonic::Subsonic;
use tokio::task::spawn_blocking;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let songs = std::env::args().nth(1).and_then(|songs| songs.parse().ok()).unwrap_or(1_000);
    let server = Server::start(Subsonic::new(songs).answer()).await;
    println!("listening on http://{} (Subsonic)", server.address());
    let asking = spawn_blocking(move || {
        for line in io::stdin().lock().lines() {
            line?;
            println!("{} {}", server.asked().len(), server.sent());
        }
        Ok(())
    });
    asking.await.expect("it does not panic")
}
