//! HTTP as servers speak it, more or less.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use daap_client::{Client, ClientError};
use daap_proto::{ShareTarget, ShareUrl};
use futures_util::TryStreamExt;
use proptest::prelude::*;
use testkit::daap;
use testkit::server::{Reply, Server};

use crate::common::{SOON, connect, database, item, refusal, titles, url};

/// A list of songs under this head.
fn under(head: &str) -> Reply {
    let list = daap::songs(dmap::code::ADBS);
    let head = head.replace("LENGTH", &list.len().to_string());
    Reply::raw([head.into_bytes(), list].concat())
}

#[tokio::test]
async fn an_odd_head_is_read() {
    for head in [
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 200\r\ncontent-length: LENGTH\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: LENGTH\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length : LENGTH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nServer: one\r\n  two\r\nContent-Length: LENGTH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno header at all\r\nContent-Length: LENGTH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nDAAP-Server: Caf\u{e9}\r\nContent-Length: LENGTH\r\n\r\n",
    ] {
        let (_server, client) = connect(move |asked| match asked.path() {
            daap::ITEMS => under(head),
            _ => daap::answer(asked),
        })
        .await;
        assert_eq!(titles(&client).await.unwrap(), daap::SONGS, "{head:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_known_as_such() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1 << 20));
    for head in ["SSH-2.0-OpenSSH\r\n\r\n", "\0\0\0\0\0\0\0\0", &endless, "ICY 200 OK\r\n\r\n"] {
        let head = head.to_owned();
        let (_server, error) =
            refusal(Client::builder(), move |_| Reply::raw(head.as_bytes())).await;
        assert!(matches!(error, ClientError::NotHttp { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_made_once_more() {
    let lists = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&lists);
    let (_server, client) = connect(move |asked| match asked.path() {
        daap::ITEMS if counted.fetch_add(1, Ordering::SeqCst) != 1 => Reply::raw(""),
        _ => daap::answer(asked),
    })
    .await;
    assert_eq!(titles(&client).await.unwrap(), daap::SONGS);
    let error = titles(&client).await.unwrap_err();
    assert!(matches!(error, ClientError::CutShort { expected: None, got: 0 }), "{error:?}");
    assert_eq!(lists.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn who_says_nothing_is_given_up() {
    let builder = Client::builder().answer_timeout(SOON);
    let (_server, error) = refusal(builder, |_| Reply::silence()).await;
    assert!(matches!(error, ClientError::Stalled { after: SOON }), "{error:?}");
    let builder = Client::builder().stall_timeout(SOON);
    let (_server, error) =
        refusal(builder, |_| daap::dmap(daap::server_info()).stall_after(20)).await;
    assert!(matches!(error, ClientError::Stalled { after: SOON }), "{error:?}");
}

#[tokio::test]
async fn a_short_reply_takes_no_longer_than_its_beginning_may() {
    let builder = Client::builder().answer_timeout(SOON);
    let (_server, error) =
        refusal(builder, |_| daap::dmap(daap::server_info()).stall_after(20)).await;
    assert!(matches!(error, ClientError::Stalled { after: SOON }), "{error:?}");
}

#[tokio::test]
async fn news_may_take_as_long_as_they_like() {
    let server = Server::start(daap::answer).await;
    let builder = Client::builder().answer_timeout(SOON);
    let client = builder.connect(&url(&server)).await.unwrap();
    let seen = client.update(None).await.unwrap();
    let waits = tokio::time::timeout(4 * SOON, client.update(Some(seen))).await;
    assert!(waits.is_err(), "{waits:?}");
}

#[tokio::test]
async fn a_target_that_is_too_long_is_not_sent() {
    let (server, client) = connect(daap::answer).await;
    let error = client.song(database(), item(1), &"x".repeat(1 << 16), 0).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { status: 414, .. }), "{error:?}");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_short_reply_without_end_is_given_up() {
    let endless: fn() -> Reply = || Reply::made(std::iter::repeat_with(|| vec![b'x'; 1 << 16]));
    let bomb: fn() -> Reply = || Reply::new(vec![0; 4 << 20]).gzip();
    for answer in [endless, bomb] {
        let (_server, error) = refusal(Client::builder(), move |_| answer()).await;
        assert!(matches!(error, ClientError::TooLarge { of: "bytes", .. }), "{error:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_answered_costs_no_more_than_an_error(
        head in prop_oneof![
            Just("HTTP/1.0 200 OK\r\n\r\n".to_owned()),
            Just("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()),
            Just("HTTP/1.0 206 OK\r\nContent-Encoding: gzip\r\n\r\n".to_owned()),
            "HTTP/1.[01] [0-9]{3} [a-z]{0,3}\r\n(Content-(Length|Range|Encoding): .{0,9}\r\n){0,3}\r\n",
            ".{0,40}",
        ],
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let answer = [head.as_bytes(), &body].concat();
            let (_server, client) = connect(move |asked| match asked.path() {
                daap::ITEMS | daap::SONG | "/update" => Reply::raw(&*answer),
                _ => daap::answer(asked),
            })
            .await;
            let _ = titles(&client).await;
            let _ = client.update(None).await;
            if let Ok(sound) = client.song(database(), item(1), "mp3", 5).await {
                let _ = sound.try_for_each(|_| async { Ok(()) }).await;
            }
            assert_eq!(client.databases().await.unwrap().len(), 1, "the client goes on");
        });
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_unpacked_is_an_error() {
    let unknown: fn() -> Reply = || Reply::new("packed").with("Content-Encoding", "br");
    let broken: fn() -> Reply = || Reply::new("not packed").with("Content-Encoding", "gzip");
    for answer in [unknown, broken] {
        let (_server, error) = refusal(Client::builder(), move |_| answer()).await;
        assert!(matches!(error, ClientError::Unreadable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_may_say_that_it_is_not_packed() {
    let (_server, client) = connect(|asked| match asked.path() {
        daap::ITEMS => {
            daap::dmap(daap::songs(dmap::code::ADBS)).with("Content-Encoding", "identity")
        }
        _ => daap::answer(asked),
    })
    .await;
    assert_eq!(titles(&client).await.unwrap(), daap::SONGS);
}

#[tokio::test]
async fn where_nobody_listens_nobody_is_reached() {
    let server = Server::start(daap::answer).await;
    let url = url(&server);
    let address = server.address();
    server.stop().await;
    let error = Client::builder().connect(&url).await.unwrap_err();
    let ClientError::Unreachable { address: told, cause } = error else { panic!("{error:?}") };
    assert_eq!(told, address.to_string());
    let cause: &io::Error = cause.downcast_ref().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_host_may_be_named() {
    let server = Server::start(daap::answer).await;
    let port = server.address().port();
    let url = format!("daap://localhost:{port}/").parse().unwrap();
    let about = Client::builder().ask(&url).await.unwrap();
    assert_eq!(about.address, format!("http://localhost:{port}"));
    assert_eq!(server.asked()[0].header("Host"), Some(&*format!("localhost:{port}")));
}

#[tokio::test]
async fn an_address_may_have_a_scope_which_is_nobody_elses_business() {
    let loopback: SocketAddr = "[::1]:0".parse().unwrap();
    if std::net::TcpListener::bind(loopback).is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let server = Server::start_at(loopback, daap::answer).await;
    let port = server.address().port();
    let url = ShareUrl { host: "::1%1".into(), port: Some(port), target: ShareTarget::Share };
    let about = Client::builder().ask(&url).await.unwrap();
    assert_eq!(about.address, format!("http://[::1]:{port}"));
    assert_eq!(server.asked()[0].header("Host"), Some(&*format!("[::1]:{port}")));
}

// With the feature it would listen for shares on the network of this machine.
#[cfg(not(feature = "mdns"))]
#[tokio::test]
async fn what_nobody_is_called_is_not_found() {
    let error =
        Client::builder().ask(&"daap://nobody.invalid/".parse().unwrap()).await.unwrap_err();
    let ClientError::NotFound { name, .. } = error else { panic!("{error:?}") };
    assert_eq!(name, "nobody.invalid");
}
