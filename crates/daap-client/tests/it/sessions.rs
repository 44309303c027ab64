//! Sessions begin, are lost, and end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use daap_client::{Client, ClientError};
use daap_model::Revision;
use daap_proto::Listing;
use futures_util::future::join_all;
use testkit::daap;
use testkit::server::{Asked, Reply, Server};

use crate::common::{connect, database, titles, until, url};

/// A share that forgets: only the session of the last login is known to it, and none from `forget` on.
#[derive(Clone, Default)]
struct Forgetful(Arc<AtomicU32>);

impl Forgetful {
    fn answer(&self, asked: &Asked) -> Reply {
        let known = self.0.load(Ordering::SeqCst);
        match asked.path() {
            "/login" => {
                let session = known / 100 * 100 + 100;
                self.0.store(session, Ordering::SeqCst);
                daap::dmap(daap::login(session))
            }
            "/server-info" => daap::answer(asked),
            _ if asked.parameter("session-id") != Some(&known.to_string()) => Reply::status(403),
            _ => {
                let target = asked.target.replace(&known.to_string(), &daap::SESSION.to_string());
                daap::answer(&Asked { target, ..asked.clone() })
            }
        }
    }

    fn forget(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

async fn forgetful() -> (Forgetful, Server, Client) {
    let share = Forgetful::default();
    let answering = share.clone();
    let (server, client) = connect(move |asked| answering.answer(asked)).await;
    (share, server, client)
}

#[tokio::test]
async fn a_lost_session_is_replaced_once_for_all_who_need_it() {
    let (share, server, client) = forgetful().await;
    for round in 1..4 {
        assert_eq!(server.asked_for("/login").len(), round);
        assert_eq!(client.logins(), u32::try_from(round).unwrap());
        share.forget();
        let all = join_all((0..20).map(|_| titles(&client))).await;
        assert!(all.into_iter().all(|titles| titles.unwrap() == daap::SONGS));
    }
}

#[tokio::test]
async fn who_is_refused_in_a_new_session_too_is_refused() {
    let (server, client) = connect(|asked| match asked.path() {
        daap::ITEMS => Reply::status(403),
        _ => daap::answer(asked),
    })
    .await;
    let error = titles(&client).await.unwrap_err();
    assert!(matches!(&error, ClientError::Refused { path, status: 403 } if path == daap::ITEMS));
    assert_eq!(server.asked_for("/login").len(), 2);
    assert_eq!(server.asked_for(daap::ITEMS).len(), 2);
}

#[tokio::test]
async fn a_login_that_failed_is_tried_again_by_who_comes_next() {
    let logins = Arc::new(AtomicU32::new(0));
    let (_server, client) = connect(move |asked| match asked.path() {
        "/login" if logins.fetch_add(1, Ordering::SeqCst) == 1 => Reply::status(503),
        daap::ITEMS if logins.load(Ordering::SeqCst) == 1 => Reply::status(403),
        _ => daap::answer(asked),
    })
    .await;
    let error = titles(&client).await.unwrap_err();
    assert!(matches!(error, ClientError::Busy), "{error:?}");
    assert_eq!(titles(&client).await.unwrap(), daap::SONGS);
}

#[tokio::test]
async fn who_lost_the_session_is_told_the_revision_at_once() {
    let (share, server, client) = forgetful().await;
    share.forget();
    let seen = Revision::new(daap::REVISION);
    assert_eq!(client.update(Some(seen)).await.unwrap(), seen);
    let updates = server.asked_for("/update");
    let asked: Vec<_> = updates.iter().map(|asked| asked.parameter("revision-number")).collect();
    assert_eq!(asked, [Some("7"), Some("1")]);
}

#[tokio::test]
async fn the_session_ends_with_the_last_that_needs_it() {
    let (server, client) = connect(daap::answer).await;
    let clone = client.clone();
    let songs = client.items(database(), &Listing::default()).await.unwrap();
    drop(client);
    clone.databases().await.unwrap();
    drop(clone);
    assert_eq!(server.asked_for("/logout"), []);
    drop(songs);
    until(|| !server.asked_for("/logout").is_empty()).await;
    assert_eq!(server.asked_for("/logout")[0].parameter("session-id"), Some("4711"));
}

#[tokio::test]
async fn a_session_may_be_left_open() {
    let (server, client) = connect(daap::answer).await;
    client.leave_open();
    drop(client);
    // A request of another client comes after all that the first one may have sent.
    Client::builder().connect(&url(&server)).await.unwrap().logout().await;
    assert_eq!(server.asked_for("/logout").len(), 1);
}

#[tokio::test]
async fn a_logout_is_heard_before_it_returns() {
    let (server, client) = connect(daap::answer).await;
    let clone = client.clone();
    client.logout().await;
    assert_eq!(server.asked_for("/logout").len(), 1);
    clone.databases().await.unwrap();
    assert_eq!(server.asked_for("/login").len(), 2, "who goes on has a new session");
}

#[tokio::test]
async fn a_server_that_does_not_answer_a_logout_holds_up_nobody() {
    let (_server, client) = connect(|asked| match asked.path() {
        "/logout" => Reply::silence(),
        _ => daap::answer(asked),
    })
    .await;
    tokio::time::pause();
    client.logout().await;
}

#[tokio::test]
async fn a_server_without_sessions_is_asked_without_one() {
    let refusals: [fn() -> Reply; 3] =
        [|| Reply::status(404), || Reply::new("<html>"), || Reply::new("")];
    for refusal in refusals {
        let (server, client) = connect(move |asked| match asked.path() {
            "/server-info" => Reply::new(daap::server_info_without_login()),
            "/login" => refusal(),
            _ => {
                let target = format!("{}?session-id={}", asked.path(), daap::SESSION);
                daap::answer(&Asked { target, ..asked.clone() })
            }
        })
        .await;
        assert_eq!(titles(&client).await.unwrap(), daap::SONGS);
        assert_eq!(server.asked_for(daap::ITEMS)[0].parameter("session-id"), None);
    }
}

#[tokio::test]
async fn a_client_outlives_its_server() {
    let (first, client) = connect(daap::answer).await;
    titles(&client).await.unwrap();
    let address = first.address();
    first.stop().await;
    let share = Forgetful::default();
    let second = Server::start_at(address, move |asked| share.answer(asked)).await;
    assert_eq!(titles(&client).await.unwrap(), daap::SONGS);
    assert_eq!(client.logins(), 2);
    second.stop().await;
    let error = titles(&client).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn who_only_asks_gets_no_session() {
    let server = Server::start(daap::answer).await;
    let about = Client::builder().ask(&url(&server)).await.unwrap();
    assert_eq!(about.info.name, "A share");
    assert_eq!(about.software.as_deref(), Some("testkit/1.0"));
    assert_eq!(about.address, format!("http://{}", server.address()));
    assert_eq!(server.asked().len(), 1);
}
