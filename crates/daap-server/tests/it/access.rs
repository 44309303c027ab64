//! Sessions, passwords and names.

use daap_server::Limits;
use daap_server::gate::{AllowList, Open, Users};
use dmap::code::MSAU;

use crate::share::{Share, number};

// "none:sesame"; a user name with colons, as Music for macOS sends it, before it; "none:wrong".
const RIGHT: (&str, &str) = ("Authorization", "Basic bm9uZTpzZXNhbWU=");
const MUSIC: (&str, &str) = (
    "Authorization",
    "Basic aVR1bmVzX011c2ljLzEuNC41IChNYWNpbnRvc2gpIGJ1aWxkLzM2IChkdDoxKTpzZXNhbWU=",
);
const WRONG: (&str, &str) = ("Authorization", "Basic bm9uZTp3cm9uZw==");

#[tokio::test]
async fn lists_want_a_session() {
    let share = Share::start().await;
    let session = share.login().await;
    let other = session ^ 1;
    for path in
        ["/databases", "/databases/1/items", "/databases/1/containers", "/update", "/activity"]
    {
        assert_eq!(share.get(path).await.status, 403, "{path}");
        let stale = share.get(&format!("{path}?session-id={other}")).await;
        assert_eq!(stale.status, 403, "{path}");
        let live = share.get(&format!("{path}?session-id={session}")).await;
        assert!([200, 204].contains(&live.status), "{path}: {}", live.status);
    }
}

#[tokio::test]
async fn sessions_are_many_and_end_at_logout() {
    let share = Share::start().await;
    let (one, two) = (share.login().await, share.login().await);
    assert_ne!(one, two);
    let logout = share.get(&format!("/logout?session-id={one}")).await;
    assert_eq!((logout.status, logout.body.len()), (204, 0));
    assert_eq!(share.get(&format!("/databases?session-id={one}")).await.status, 403);
    assert_eq!(share.get(&format!("/databases?session-id={two}")).await.status, 200);
    assert_eq!(share.get(&format!("/logout?session-id={one}")).await.status, 403);
}

#[tokio::test]
async fn a_password_is_asked_for_with_a_challenge() {
    let share = Share::start_with(|server| server.password("sesame")).await;
    assert_eq!(number(&share.get("/server-info").await, MSAU), 2);
    assert_eq!(share.get("/content-codes").await.status, 200);
    let no_credential: &[(&str, &str)] = &[];
    for headers in [no_credential, &[WRONG], &[("Authorization", "Basic ?")]] {
        for path in ["/login", "/databases", "/databases/1/items/1.mp3"] {
            let answer = share.get_with(path, headers).await;
            assert_eq!(answer.status, 401, "{path}");
            assert!(answer.header("www-authenticate").unwrap().starts_with("Basic realm="));
        }
    }
    for header in [RIGHT, MUSIC] {
        assert_eq!(share.get_with("/login", &[header]).await.status, 200);
    }
}

#[tokio::test]
async fn with_a_password_a_session_alone_opens_lists_and_streams() {
    let share = Share::start_with(|server| server.password("sesame")).await;
    let elsewhere = share.get("/databases/1/items/1.mp3").await;
    assert_eq!(elsewhere.status, 401);
    let session = number(&share.get_with("/login", &[RIGHT]).await, dmap::code::MLID);
    let databases = share.get(&format!("/databases?session-id={session}")).await;
    assert_eq!(databases.status, 200);
    let song = share.get(&format!("/databases/1/items/1.mp3?session-id={session}")).await;
    assert_eq!(song.status, 200);
    // The same address holds a live session, as a player beside the client does.
    assert_eq!(share.get("/databases/1/items/1.mp3").await.status, 200);
    let stale = format!("/databases?session-id={}", session ^ 1);
    assert_eq!(share.get(&stale).await.status, 401);
    assert_eq!(share.get_with(&stale, &[RIGHT]).await.status, 403);
}

#[tokio::test]
async fn without_a_password_streams_need_no_session() {
    let share = Share::start().await;
    for target in ["/databases/1/items/1.mp3", "/databases/1/items/1.mp3?session-id=77"] {
        assert_eq!(share.get(target).await.status, 200, "{target}");
    }
}

#[tokio::test]
async fn who_guesses_passwords_has_to_wait() {
    let mut limits = Limits::default();
    limits.wrong_passwords = 3;
    let share = Share::start_with(|server| server.password("sesame").limits(limits)).await;
    for _ in 0..3 {
        assert_eq!(share.get_with("/login", &[WRONG]).await.status, 401);
    }
    let answer = share.get_with("/login", &[RIGHT]).await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn a_full_house_is_503_and_never_403_at_login() {
    let mut limits = Limits::default();
    limits.sessions = 2;
    let share = Share::start_with(|server| server.limits(limits)).await;
    for _ in 0..2 {
        let session = share.login().await;
        share.get(&format!("/databases?session-id={session}")).await;
    }
    assert_eq!(share.get("/login").await.status, 503);
}

#[tokio::test]
async fn the_host_that_a_request_names_must_be_ours() {
    let share = Share::start_with(|server| server.allow_host("music.example.org")).await;
    let ask = async |host: &str| share.get_with("/server-info", &[("Host", host)]).await;
    for host in
        ["127.0.0.1:3689", "localhost", "music.example.org:3689", "mac.local", "[::1]:3689", ""]
    {
        assert_eq!(ask(host).await.status, 200, "{host}");
    }
    let stranger = ask("evil.example:3689").await;
    assert_eq!(stranger.status, 403);
    assert!(stranger.text().contains("evil.example"), "the reason is told");
    assert_eq!(share.get("http://evil.example/server-info").await.status, 403);
    let two = [("Host", "127.0.0.1"), ("Host", "evil.example")];
    assert_eq!(share.get_with("/server-info", &two).await.status, 403);
}

#[tokio::test]
async fn more_connections_than_the_limit_are_turned_away() {
    let mut limits = Limits::default();
    limits.connections = 2;
    let share = Share::start_with(|server| server.limits(limits)).await;
    let mut first = share.connect().await;
    assert_eq!(first.get("/server-info").await.unwrap().status, 200);
    let mut second = share.connect().await;
    assert_eq!(second.get("/server-info").await.unwrap().status, 200);
    let mut third = share.connect().await;
    assert_eq!(third.answer().await.unwrap().status, 503);
    assert_eq!(first.get("/server-info").await.unwrap().status, 200);
}

#[tokio::test]
async fn users_have_a_name_and_a_password_each() {
    let users = Users::from_iter([("ada", "one"), ("bob", "two")]);
    let share = Share::start_with(|server| server.gate(users)).await;
    assert_eq!(number(&share.get("/server-info").await, MSAU), 1);
    // "bob:one" and "bob:two".
    for (credential, status) in [("Ym9iOm9uZQ==", 401), ("Ym9iOnR3bw==", 200)] {
        let header = ("Authorization", &*format!("Basic {credential}"));
        assert_eq!(share.get_with("/login", &[header]).await.status, status);
    }
    assert_eq!(share.handle.sessions()[0].user.as_deref(), Some("bob"));
}

#[tokio::test]
async fn who_is_not_on_the_list_stays_out() {
    let nobody_here = ["192.0.2.0/24".parse().unwrap()];
    let share = Share::start_with(|server| server.gate(AllowList::new(nobody_here, Open))).await;
    assert_eq!(share.get("/login").await.status, 403);
    assert_eq!(share.get("/databases/1/items/1.mp3").await.status, 403);
}
