//! Servers that send elsewhere.

use daap_client::{Client, ClientError};
use testkit::daap;
use testkit::server::{Reply, Server};

use crate::common::{connect, titles, url};

const MOVED: &str = "/databases/1/moved";

fn moved(status: u16, location: impl ToString) -> Reply {
    Reply::new("it is elsewhere").with_status(status).with("Location", location)
}

#[tokio::test]
async fn a_list_may_be_elsewhere_on_the_same_server() {
    for (status, location) in [
        (301, format!("{MOVED}?session-id=4711")),
        (302, "moved?session-id=4711".into()),
        (303, "/databases/1/moved?session-id=4711#there".into()),
        (307, "//HOST/databases/1/moved?session-id=4711".into()),
        (308, "http://HOST/databases/1/moved?session-id=4711".into()),
    ] {
        let (server, client) = connect(move |asked| match asked.path() {
            daap::ITEMS => {
                moved(status, location.replace("HOST", asked.header("Host").unwrap_or_default()))
            }
            MOVED => daap::dmap(daap::songs(dmap::code::ADBS)),
            _ => daap::answer(asked),
        })
        .await;
        assert_eq!(titles(&client).await.unwrap(), daap::SONGS, "{status}");
        let moved = &server.asked_for(MOVED)[0];
        assert_eq!(moved.parameter("session-id"), Some("4711"));
        let validation = daap_proto::validation(3, &moved.target, 2, Some(4));
        assert_eq!(moved.header("Client-DAAP-Validation"), Some(&*validation));
    }
}

#[tokio::test]
async fn a_circle_is_left_after_some_rounds() {
    let (server, client) = connect(|asked| match asked.path() {
        daap::ITEMS => moved(302, daap::ITEMS),
        _ => daap::answer(asked),
    })
    .await;
    let error = titles(&client).await.unwrap_err();
    assert!(matches!(error, ClientError::Astray { .. }), "{error:?}");
    assert_eq!(server.asked_for(daap::ITEMS).len(), 6);
}

#[tokio::test]
async fn only_http_is_followed() {
    for location in ["https://127.0.0.1/", "file:///etc/passwd", "http://"] {
        let (_server, client) = connect(move |asked| match asked.path() {
            daap::ITEMS => moved(302, location),
            _ => daap::answer(asked),
        })
        .await;
        let error = titles(&client).await.unwrap_err();
        let ClientError::Astray { location: told, .. } = error else { panic!("{error:?}") };
        assert_eq!(told, location);
    }
}

#[tokio::test]
async fn the_password_stays_with_the_server_that_asked_for_it() {
    let other = Server::start(daap::answer).await;
    let to = other.address();
    let server = Server::start(move |asked| match asked.path() {
        _ if asked.header("Authorization").is_none() => Reply::status(401),
        daap::ITEMS => moved(302, format!("http://{}{}", to, asked.target)),
        _ => daap::answer(asked),
    })
    .await;
    let builder = Client::builder().password("sesame");
    let client = builder.connect(&url(&server)).await.unwrap();
    assert_eq!(titles(&client).await.unwrap(), daap::SONGS);
    assert_eq!(other.asked().len(), 1);
    assert_eq!(other.asked()[0].header("Authorization"), None);
    assert_eq!(other.asked()[0].header("Host"), Some(&*other.address().to_string()));
}
