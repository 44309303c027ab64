//! Remotes that are paired: who is let in, and how they wait for news.

use daap_model::{DatabaseId, ItemId};
use daap_server::control::{NotDone, Song};
use daap_server::{Builder, Limits, SessionState};
use dmap::Element;
use dmap::code::{CACR, CMSR, MLOG, MSTT, MUSR};
use testkit::remote::{self, HOMEBRIDGE, PYATV, Remote, START_UP, TUNES_REMOTE, WP_REMOTE};

use crate::deck::{GUID, Scene};
use crate::share::number;

/// "none:sesame".
const PASSWORD: (&str, &str) = ("Authorization", "Basic bm9uZTpzZXNhbWU=");

const POLL: &str = "GET /ctrl-int/1/playstatusupdate?revision-number=2";

fn jet() -> Song {
    let item = ItemId::new(1).unwrap();
    Song { database: DatabaseId::LOWEST, item, container: None, entry: None }
}

/// Waits until the Remote's request is held.
async fn held(scene: &Scene) {
    let waits = || scene.server.handle.sessions().iter().any(|s| s.state == SessionState::Waiting);
    while !waits() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn all_that_remotes_ask_as_they_start_is_answered() {
    for manner in [&remote::APPLE, &TUNES_REMOTE, &WP_REMOTE, &HOMEBRIDGE] {
        let mut scene = Scene::start(manner).await;
        for line in START_UP {
            let answer = scene.ask(line).await;
            assert_eq!(answer.status, 200, "{} {line}", manner.name);
            let media_type = answer.header("content-type");
            assert_eq!(media_type, Some("application/x-dmap-tagged"), "{line}");
            assert!(answer.header("daap-server").is_some() && answer.complete, "{line}");
        }
    }
}

#[tokio::test]
async fn all_that_pyatv_asks_is_answered() {
    let mut scene = Scene::start(&remote::APPLE).await;
    for line in PYATV {
        let answer = scene.ask(line).await;
        // No picture goes with the song that it plays.
        let expected = match line {
            line if line.contains("nowplayingartwork") => 404,
            line if line.starts_with("POST") => 204,
            _ => 200,
        };
        assert_eq!(answer.status, expected, "{line}");
    }
    assert_eq!(scene.deck.orders().len(), 14);
}

#[tokio::test]
async fn a_remote_waits_for_any_state_other_than_the_one_it_knows() {
    let mut scene = Scene::start(&remote::APPLE).await;
    // What it knows may be from before a restart.
    for seen in [0, 1, 3, 70_000] {
        let line = format!("GET /ctrl-int/1/playstatusupdate?revision-number={seen}");
        assert_eq!(number(&scene.ask(&line).await, CMSR), 2);
    }
    let mut waits = scene.remote.wait_for(POLL).await.unwrap();
    held(&scene).await;
    scene.deck.play(&[jet()]);
    assert_eq!(number(&waits.answer().await.unwrap(), CMSR), 3);
}

#[tokio::test]
async fn held_requests_end_with_the_session_and_with_the_server() {
    let mut scene = Scene::start(&remote::APPLE).await;
    let mut other = Remote::log_in(scene.server.address, &TUNES_REMOTE, GUID.0).await.unwrap();
    let mut waits = scene.remote.wait_for(POLL).await.unwrap();
    held(&scene).await;
    assert_eq!(scene.ask("GET /logout").await.status, 204);
    assert_eq!(waits.answer().await.unwrap().status, 403);
    let mut player = other.wait_for(POLL).await.unwrap();
    held(&scene).await;
    let mut library = other.wait_for("GET /update?revision-number=1").await.unwrap();
    assert!(number(&library.answer().await.unwrap(), MUSR) > 1);
    assert_eq!(other.ask("GET /ctrl-int/1/getspeakers").await.unwrap().status, 200);
    scene.server.stop().await;
    assert_eq!(player.answer().await.unwrap().status, 503);
}

#[tokio::test]
async fn more_requests_than_can_be_held_are_told_to_come_again() {
    let mut limits = Limits::default();
    limits.polls = 1;
    let bound = |server: Builder| server.limits(limits);
    let mut scene = Scene::start_with(&remote::APPLE, bound).await;
    let _waits = scene.remote.wait_for(POLL).await.unwrap();
    held(&scene).await;
    assert_eq!(scene.ask(POLL).await.status, 503);
}

#[tokio::test]
async fn who_is_not_paired_is_told_to_pair() {
    let mut scene = Scene::start(&remote::APPLE).await;
    for guid in ["0x76CDAF9666B293BE", "0xnull", "0x0"] {
        let answer = scene.ask(&format!("GET /login?pairing-guid={guid}&hasFP=1")).await;
        let reply = Element::decode(&answer.body).unwrap();
        let said = (answer.status, reply.code, reply.child(MSTT).and_then(Element::uint));
        assert_eq!(said, (503, MLOG, Some(503)), "{guid}");
    }
    let lower_case = scene.ask("GET /login?hasFP=1&pairing-guid=0x76cdaf9666b293bd").await;
    assert_eq!(lower_case.status, 200);
}

#[tokio::test]
async fn nothing_is_told_without_a_session_but_that_there_is_something_to_control() {
    let scene = Scene::start(&remote::APPLE).await;
    assert_eq!(scene.server.get("/ctrl-int").await.status, 200);
    let stale = scene.remote.session ^ 1;
    for verb in ["playstatusupdate?revision-number=1", "getspeakers?", "play?", "cue?command=clear"]
    {
        let target = format!("/ctrl-int/1/{verb}");
        assert_eq!(scene.server.get(&target).await.status, 403, "{verb}");
        let target = format!("{target}&session-id={stale}");
        assert_eq!(scene.server.get(&target).await.status, 403, "{verb}");
    }
    assert_eq!(scene.deck.orders(), []);
}

#[tokio::test]
async fn a_paired_remote_needs_no_password() {
    let mut scene = Scene::start_with(&remote::APPLE, |server| server.password("sesame")).await;
    assert_eq!(scene.server.get("/login").await.status, 401);
    for line in ["GET /databases/1/items", "GET /ctrl-int/1/getspeakers"] {
        assert_eq!(scene.ask(line).await.status, 200, "{line}");
    }
    let picture = scene.ask("GET /databases/1/items/1/extra_data/artwork?mw=55&mh=55").await;
    assert_eq!(picture.body, b"a picture");
    // Without a session it is told that, and not to give a password that it does not have.
    assert_eq!(scene.server.get("/ctrl-int/1/getspeakers?session-id=1").await.status, 403);
    let mut connection = scene.server.connect().await;
    assert_eq!(connection.get_with("/login", &[PASSWORD]).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_remote_that_is_unpaired_is_out_at_once() {
    let mut scene = Scene::start(&remote::APPLE).await;
    let mut waits = scene.remote.wait_for(POLL).await.unwrap();
    held(&scene).await;
    scene.server.handle.unpair(GUID);
    assert_eq!(waits.answer().await.unwrap().status, 403);
    assert_eq!(scene.ask("GET /ctrl-int/1/play").await.status, 403);
    assert_eq!(scene.ask("GET /databases").await.status, 403);
}

#[tokio::test]
async fn a_browser_commands_nothing() {
    let scene = Scene::start(&remote::APPLE).await;
    let target = format!("/ctrl-int/1/play?session-id={}", scene.remote.session);
    for header in [("User-Agent", "Mozilla/5.0 (X11)"), ("Origin", "http://evil.example")] {
        let mut connection = scene.server.connect().await;
        assert_eq!(connection.get_with(&target, &[header]).await.unwrap().status, 403);
    }
    assert_eq!(scene.deck.orders(), []);
}

#[tokio::test]
async fn commands_are_no_heads() {
    let scene = Scene::start(&remote::APPLE).await;
    let session = scene.remote.session;
    for (target, status) in [("play", 405), ("getspeakers", 200)] {
        let mut connection = scene.server.connect().await;
        let target = format!("/ctrl-int/1/{target}?session-id={session}");
        connection.ask("HEAD", &target, &[]).await.unwrap();
        assert_eq!(connection.head().await.unwrap().status, status, "{target}");
    }
    assert_eq!(scene.deck.orders(), []);
}

#[tokio::test]
async fn what_the_player_refuses_is_told_in_the_words_of_the_endpoint() {
    let mut scene = Scene::start(&remote::APPLE).await;
    for (why, status) in [
        (NotDone::Missing("place in the queue"), 404),
        (NotDone::QueueFull { most: 7 }, 413),
        (NotDone::Unable("it is broken".into()), 500),
        (NotDone::Closed, 503),
    ] {
        scene.deck.refuse(why);
        assert_eq!(scene.ask("POST /ctrl-int/1/play").await.status, status);
        for line in ["cue?command=clear", "playqueue-edit?command=playnow&index=9"] {
            let answer = scene.ask(&format!("GET /ctrl-int/1/{line}")).await;
            let reply = Element::decode(&answer.body).unwrap();
            let said = (answer.status, reply.code, reply.child(MSTT).and_then(Element::uint));
            assert_eq!(said, (200, CACR, Some(500)), "{line}");
        }
    }
}

#[tokio::test]
async fn the_picture_is_that_of_the_song_that_plays() {
    let mut scene = Scene::start(&remote::APPLE).await;
    let line = "GET /ctrl-int/1/nowplayingartwork?mw=320&mh=320";
    assert_eq!(scene.ask(line).await.status, 404, "nothing plays");
    scene.deck.play(&[jet()]);
    let picture = scene.ask(line).await;
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
    assert_eq!(picture.body, b"a picture");
    let get_back = ItemId::new(3).unwrap();
    scene.deck.play(&[Song { item: get_back, ..jet() }]);
    assert_eq!(scene.ask(line).await.status, 404, "none goes with it");
}

#[tokio::test]
async fn what_is_an_apple_tvs_and_what_nobody_knows_is_not_there() {
    let mut scene = Scene::start(&remote::APPLE).await;
    for line in [
        "POST /ctrl-int/1/controlpromptentry?prompt-id=0",
        "GET /controlpromptupdate?prompt-id=0",
        "GET /ctrl-int/1/genius-shuffle?span=5",
        "POST /fp-setup",
    ] {
        assert_eq!(scene.ask(line).await.status, 404, "{line}");
    }
}
