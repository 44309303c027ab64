//! Who we say we are, and servers that want to know.

use std::sync::atomic::{AtomicU32, Ordering};

use daap_client::{Client, ClientError};
use daap_proto::validation;
use testkit::daap;
use testkit::server::{Asked, Reply};

use crate::common::{connect, refusal, titles, url};

/// `none:sesame`.
const CREDENTIAL: &str = "Basic bm9uZTpzZXNhbWU=";

/// A share that asks for a password at this path.
fn locked(path: &'static str) -> impl Fn(&Asked) -> Reply + Send + Sync {
    move |asked| match asked.header("Authorization") {
        credential if asked.path() == path && credential != Some(CREDENTIAL) => Reply::status(401),
        _ => daap::answer(asked),
    }
}

/// A share that lets in only who has this name.
fn picky(path: &'static str, name: &'static str) -> impl Fn(&Asked) -> Reply + Send + Sync {
    move |asked| match asked.header("User-Agent") {
        agent if asked.path() == path && agent != Some(name) => Reply::status(403),
        _ => daap::answer(asked),
    }
}

#[tokio::test]
async fn every_request_says_who_asks() {
    let (server, client) = connect(daap::answer).await;
    client.databases().await.unwrap();
    for (asked, (version, id)) in server.asked().iter().zip([(2, 1), (3, 2), (3, 3)]) {
        let header = |name| asked.header(name).unwrap_or_default();
        assert!(header("User-Agent").starts_with("dapple/"));
        assert_eq!(header("Client-DAAP-Version"), "3.0");
        assert_eq!(header("Client-DAAP-Access-Index"), "2");
        assert_eq!(header("Client-DAAP-Request-ID"), id.to_string());
        let expected = validation(version, &asked.target, 2, Some(id));
        assert_eq!(header("Client-DAAP-Validation"), expected);
        assert_eq!(header("Accept-Encoding"), "gzip");
        assert_eq!(header("Host"), server.address().to_string());
        assert_eq!(asked.header("Authorization"), None);
    }
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_program_may_come_under_its_own_name() {
    let server = testkit::server::Server::start(daap::answer).await;
    let builder = Client::builder().user_agent("tuner/2\r\nX: y");
    builder.ask(&url(&server)).await.unwrap();
    assert_eq!(server.asked()[0].header("User-Agent"), Some("tuner/2X: y"));
}

#[tokio::test]
async fn a_password_is_sent_once_it_is_asked_for() {
    for path in ["/server-info", "/login", daap::ITEMS] {
        let server = testkit::server::Server::start(locked(path)).await;
        let builder = Client::builder().password("sesame");
        let client = builder.connect(&url(&server)).await.unwrap();
        assert_eq!(titles(&client).await.unwrap(), daap::SONGS);
        titles(&client).await.unwrap();
        let asked = server.asked();
        let first = asked.iter().position(|asked| asked.path() == path).unwrap();
        let credentials = asked.iter().map(|asked| asked.header("Authorization"));
        let expected = (0..asked.len()).map(|number| (number > first).then_some(CREDENTIAL));
        assert!(credentials.eq(expected), "{path}");
    }
}

#[tokio::test]
async fn who_has_no_password_is_told_that_one_is_wanted() {
    let (server, error) = refusal(Client::builder(), locked("/login")).await;
    assert!(matches!(error, ClientError::PasswordWanted), "{error:?}");
    assert_eq!(server.asked_for("/login").len(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let (server, error) = refusal(Client::builder().password("open"), locked("/login")).await;
    assert!(matches!(error, ClientError::WrongPassword), "{error:?}");
    assert_eq!(server.asked_for("/login").len(), 2);
}

#[tokio::test]
async fn the_user_name_counts_where_there_are_users() {
    let server = testkit::server::Server::start(locked("/login")).await;
    let builder = Client::builder().user("ada").password("sésame");
    builder.connect(&url(&server)).await.unwrap_err();
    // "ada:sésame"
    let credential = Some("Basic YWRhOnPDqXNhbWU=");
    assert_eq!(server.asked_for("/login")[1].header("Authorization"), credential);
}

#[tokio::test]
async fn who_is_refused_by_name_comes_once_more_as_an_old_itunes() {
    const ITUNES: &str = "iTunes/4.6 (Windows; N)";
    for path in ["/server-info", "/login"] {
        let (server, client) = connect(picky(path, ITUNES)).await;
        titles(&client).await.unwrap();
        assert_eq!(server.asked_for(path).len(), 2);
        assert_eq!(server.asked().last().unwrap().header("User-Agent"), Some(ITUNES));
    }
}

#[tokio::test]
async fn a_refusal_is_a_refusal_and_no_loop() {
    for path in ["/server-info", "/login"] {
        let (server, error) = refusal(Client::builder(), picky(path, "nobody")).await;
        assert!(matches!(error, ClientError::Refused { status: 403, .. }), "{error:?}");
        assert_eq!(server.asked_for(path).len(), 2);
    }
}

#[tokio::test]
async fn who_is_refused_as_itunes_too_is_itself_again() {
    let logins = AtomicU32::new(0);
    let (server, client) = connect(move |asked| match asked.path() {
        "/login" if [1, 2].contains(&logins.fetch_add(1, Ordering::SeqCst)) => Reply::status(403),
        daap::ITEMS if logins.load(Ordering::SeqCst) < 3 => Reply::status(403),
        _ => daap::answer(asked),
    })
    .await;
    titles(&client).await.unwrap_err();
    titles(&client).await.unwrap();
    let last = server.asked().pop().unwrap();
    assert!(last.header("User-Agent").unwrap().starts_with("dapple/"), "{last:?}");
}

#[tokio::test]
async fn an_itunes_that_serves_apples_programs_only_is_known_as_one() {
    for (software, is_apples) in [
        ("iTunes/7.0 (Windows)", true),
        ("iTunes/12.5.1 (OS X)", true),
        ("iTunes/6.0.4 (Windows)", false),
        ("iTunes/x", false),
        ("owntone/28", false),
    ] {
        let (_server, error) = refusal(Client::builder(), move |asked| match asked.path() {
            "/server-info" => Reply::new(daap::server_info()).with("DAAP-Server", software),
            _ => Reply::status(403),
        })
        .await;
        match error {
            ClientError::AppleOnly { software: told } => assert!(is_apples && told == software),
            error => assert!(!is_apples, "{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_busy_server_is_told_from_one_that_refuses() {
    let (_server, error) = refusal(Client::builder(), |asked| match asked.path() {
        "/login" => Reply::status(503),
        _ => daap::answer(asked),
    })
    .await;
    assert!(matches!(error, ClientError::Busy), "{error:?}");
}

#[tokio::test]
async fn a_server_of_something_else_is_known_as_one() {
    let answers: [fn() -> Reply; 5] = [
        || Reply::status(404),
        || Reply::new("<html>welcome</html>"),
        || Reply::new(""),
        || Reply::new(daap::login(1)),
        || Reply::raw("SSH-2.0-OpenSSH_9.2\r\n"),
    ];
    for answer in answers {
        let (_server, error) = refusal(Client::builder(), move |_| answer()).await;
        let is_told = matches!(error, ClientError::NotDaap { .. } | ClientError::NotHttp { .. });
        assert!(is_told, "{error:?}");
    }
}
