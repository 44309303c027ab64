//! Pages of the program around the server.

use bytes::Bytes;
use daap_server::{Pages, Peer};
use http::{Method, Request, Response};
use library::SourceFuture;

use crate::share::Share;

/// Answers at `/echo` what it was sent, from this machine, and has a bug at `/bug`.
struct Echo;

impl Pages for Echo {
    fn answer(
        &self,
        request: Request<Bytes>,
        peer: Peer,
    ) -> SourceFuture<'_, Option<Response<Bytes>>> {
        let told = format!("{} {}", request.method(), peer.is_this_machine());
        let page = match (request.method(), request.uri().path()) {
            (&Method::POST, "/echo") => Some(Response::new(request.into_body())),
            (_, "/echo") => Some(Response::new(told.into())),
            (_, "/bug") => panic!("a bug that a test has put here"),
            _ => None,
        };
        Box::pin(std::future::ready(page))
    }
}

async fn share() -> Share {
    Share::start_with(|server| server.pages(Echo)).await
}

#[tokio::test]
async fn a_program_answers_where_the_server_has_nothing() {
    let share = share().await;
    assert_eq!(share.get("/echo?x=1").await.body, b"GET true");
    assert_eq!(share.get("/elsewhere").await.status, 404);
    assert_eq!(share.get("/server-info").await.body[..4], *b"msrv");
    let mut connection = share.connect().await;
    connection.ask("DELETE", "/echo", &[]).await.unwrap();
    assert_eq!(connection.answer().await.unwrap().body, b"DELETE true");
}

#[tokio::test]
async fn pages_are_sent_bodies_up_to_a_bound() {
    let share = share().await;
    let mut connection = share.connect().await;
    for length in [5, 64 << 10] {
        let body = vec![b'x'; length];
        connection.ask("POST", "/echo", &[("Content-Length", &length.to_string())]).await.unwrap();
        connection.send(&body).await.unwrap();
        assert_eq!(connection.answer().await.unwrap().body, body);
    }
    connection.ask("POST", "/echo", &[("Content-Length", "65537")]).await.unwrap();
    connection.send([0; 65537]).await.unwrap();
    assert_eq!(connection.answer().await.unwrap().status, 413);
}

#[tokio::test]
async fn a_page_is_behind_the_door_and_its_bug_costs_one_answer() {
    let share = share().await;
    let stranger = share.get_with("/echo", &[("Host", "evil.example")]).await;
    assert_eq!(stranger.status, 403);
    assert_eq!(share.get("/bug").await.status, 500);
    assert_eq!(share.get("/echo").await.status, 200);
}
