//! Shares in somebody else's HTTP server, beside other routes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use daap_model::Track;
use daap_server::{Peer, Server, Service, SessionState};
use dmap::Element;
use dmap::code::{MINM, MLID, MUSR};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use library::{Library, MemorySource};
use testkit::http::Connection;
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service as _;

use crate::share::number;

/// The routes of a program: a share, and a page for everything else.
#[derive(Clone)]
struct Routes {
    share: Service,
    peer: Peer,
}

impl tower_service::Service<Request<Incoming>> for Routes {
    type Response = Response<UnsyncBoxBody<Bytes, std::io::Error>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        if !Service::is_daap(request.uri()) {
            let page = Full::from("a page of the program").map_err(|never| match never {});
            return Box::pin(std::future::ready(Ok(Response::new(UnsyncBoxBody::new(page)))));
        }
        request.extensions_mut().insert(self.peer);
        let answer = self.share.call(request);
        Box::pin(async move { Ok(answer.await?.map(UnsyncBoxBody::new)) })
    }
}

async fn share(name: &str) -> Service {
    let songs = MemorySource::new();
    songs.put("jet", Track { title: "Jet".into(), ..Track::default() }, "the sound of it");
    let library = Library::builder(name).source("songs", songs).start().await.unwrap();
    assert!(library.ready().await);
    Server::builder(library).service()
}

/// A program's HTTP server, on a free port.
async fn host(share: Service) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, share.clone()));
        }
    });
    address
}

async fn serve(stream: TcpStream, share: Service) {
    let peer = Peer::new(stream.peer_addr().unwrap(), stream.local_addr().unwrap());
    let routes = TowerToHyperService::new(Routes { share, peer });
    let mut http = hyper::server::conn::http1::Builder::new();
    let served = http.title_case_headers(true).serve_connection(TokioIo::new(stream), routes);
    let _ = served.await;
}

#[tokio::test]
async fn a_share_lives_beside_other_routes() {
    let mut client = Connection::open(host(share("Ours").await).await).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().text(), "a page of the program");
    let session = number(&client.get("/login").await.unwrap(), MLID);
    let songs = client.get(&format!("/databases/1/items?session-id={session}")).await.unwrap();
    assert!(dmap::dump(&songs.body).to_string().contains("\"Jet\""));
    let song = client.get("daap://host/databases/1/items/1.mp3").await.unwrap();
    assert_eq!((song.status, song.text().as_str()), (200, "the sound of it"));
    assert!(song.headers.iter().any(|(name, _)| name == "Content-Length"));
}

#[tokio::test]
async fn one_process_holds_several_shares() {
    let (one, two) = (host(share("One").await).await, host(share("Two").await).await);
    for (address, name) in [(one, "One"), (two, "Two")] {
        let mut client = Connection::open(address).await.unwrap();
        let info = Element::decode(&client.get("/server-info").await.unwrap().body).unwrap();
        assert_eq!(info.child(MINM).unwrap().text(), Some(name));
    }
}

#[tokio::test]
async fn who_asks_has_to_be_told_by_the_program() {
    let mut share = share("Ours").await;
    let request = Request::get("/server-info").body(()).unwrap();
    let answer = share.call(request).await.unwrap();
    assert_eq!(answer.status(), 500);
    let reason = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&reason).contains("daap_server::Peer"));
}

#[tokio::test]
async fn strangers_are_refused_as_by_a_server_of_our_own() {
    let mut share = share("Ours").await;
    let peer = Peer::new("8.8.8.8:50000".parse().unwrap(), "192.168.1.2:80".parse().unwrap());
    let request = Request::get("/server-info").extension(peer).body("ignored").unwrap();
    assert_eq!(share.call(request).await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_share_ends_while_the_program_goes_on() {
    let share = share("Ours").await;
    let handle = share.handle();
    let address = host(share).await;
    let (mut poll, mut client) =
        (Connection::open(address).await.unwrap(), Connection::open(address).await.unwrap());
    let session = number(&client.get("/login").await.unwrap(), MLID);
    let update = format!("/update?session-id={session}");
    let now = number(&client.get(&update).await.unwrap(), MUSR);
    poll.ask("GET", &format!("{update}&revision-number={now}"), &[]).await.unwrap();
    while handle.sessions()[0].state != SessionState::Waiting {
        tokio::task::yield_now().await;
    }
    handle.stop();
    assert_eq!(poll.answer().await.unwrap().status, 503);
    assert_eq!(client.get("/server-info").await.unwrap().status, 503);
    assert_eq!(client.get("/").await.unwrap().text(), "a page of the program");
    assert_eq!(handle.sessions(), []);
}
