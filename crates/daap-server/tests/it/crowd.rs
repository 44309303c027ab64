//! Many who wait: nobody misses the last revision, whenever it comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use daap_server::{Peer, Server, Service, SessionState};
use dmap::Element;
use dmap::code::{MLID, MUSR};
use http::Request;
use http_body_util::BodyExt;
use tower_service::Service as _;

use crate::author::Author;

const CLIENTS: usize = 200;
const COMMITS: u32 = 200;

/// Longer than all of it takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Asks a mounted share.
pub(crate) async fn ask(share: &mut Service, target: &str) -> Element {
    let peer = Peer::new("127.0.0.1:50000".parse().unwrap(), "127.0.0.1:80".parse().unwrap());
    let request = Request::get(target).extension(peer).body(()).unwrap();
    let answer = share.call(request).await.unwrap();
    assert_eq!(answer.status(), 200, "{target}");
    Element::decode(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

/// Follows the share until it is at revision `last`, and notes what it is told. No revision comes twice.
async fn follow(mut share: Service, told: Arc<AtomicU32>, last: u32) {
    let login = ask(&mut share, "/login").await;
    let session = login.child(MLID).unwrap().uint().unwrap();
    let mut seen = 1;
    while seen < last {
        let target = format!("/update?session-id={session}&revision-number={seen}");
        let news = ask(&mut share, &target).await.child(MUSR).unwrap().uint().unwrap() as u32;
        assert!(news > seen);
        seen = news;
        told.store(seen, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_who_waits_is_told_of_every_state_and_nobody_misses_the_last() {
    let author = Author::new();
    let first = author.commit("before");
    let share = Server::builder(author.clone()).service();
    let told: Vec<_> = (0..CLIENTS).map(|_| Arc::new(AtomicU32::new(0))).collect();
    let last = first + COMMITS;
    let clients: Vec<_> = told
        .iter()
        .map(|told| tokio::spawn(follow(share.clone(), Arc::clone(told), last)))
        .collect();
    let all_know = async |revision: u32| {
        while told.iter().any(|told| told.load(Ordering::Relaxed) < revision) {
            tokio::task::yield_now().await;
        }
    };
    let story = async {
        let mut revision = first;
        for commit in 1..=COMMITS {
            match commit % 4 {
                // While all wait, while all are about to ask again, and in a burst.
                0 => {
                    let handle = share.handle();
                    let waits = |s: &daap_server::SessionInfo| s.state == SessionState::Waiting;
                    while handle.sessions().iter().filter(|s| waits(s)).count() < CLIENTS {
                        tokio::task::yield_now().await;
                    }
                }
                1 => all_know(revision).await,
                _ => {}
            }
            revision = author.commit(&format!("title {commit}"));
        }
        assert_eq!(revision, last);
        for client in clients {
            client.await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, story).await.expect("nobody waits for ever");
}
