//! What a program learns of its server: sessions, and what happens.

use daap_model::{DatabaseId, ItemId};
use daap_server::{Delivery, Ending, Event, SessionInfo, SessionState};
use library::Artwork;
use tokio::sync::mpsc;

use crate::share::{Opening, Share, number, track};

/// A share whose events come in order.
async fn observed() -> (Share, mpsc::UnboundedReceiver<Event>) {
    let (tell, mut events) = mpsc::unbounded_channel();
    let share = Share::start_with(|server| {
        server.observe(move |event| drop(tell.send(event.clone()))).observe(|event| {
            assert!(!matches!(event, Event::SessionOpened(_)), "an observer with a bug");
        })
    })
    .await;
    // What the source had to say last may come after the server's start.
    while events.try_recv().is_ok() {}
    (share, events)
}

async fn login(share: &Share) -> u64 {
    let answer = share.get_with("/login", &[("User-Agent", "iTunes/12.9")]).await;
    number(&answer, dmap::code::MLID)
}

#[track_caller]
fn only(sessions: Vec<SessionInfo>) -> SessionInfo {
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    sessions.into_iter().next().unwrap()
}

fn delivered(event: Option<Event>) -> (bool, Delivery) {
    match event.unwrap() {
        Event::SongSent(delivery) => (true, delivery),
        Event::ArtworkSent(delivery) => (false, delivery),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_is_told_of_from_login_to_logout() {
    let (share, mut events) = observed().await;
    let id = login(&share).await;
    let session = only(share.handle.sessions());
    assert_eq!((session.number, session.agent.as_str()), (1, "iTunes/12.9"));
    assert!(session.address.is_loopback());
    assert_eq!((session.user, session.state), (None, SessionState::Connected));
    let Some(Event::SessionOpened(opened)) = events.recv().await else { panic!("no login") };
    assert_eq!((opened.number, opened.agent.as_str()), (1, "iTunes/12.9"));
    share.get(&format!("/logout?session-id={id}")).await;
    let Some(Event::SessionClosed { session, why }) = events.recv().await else { panic!("no end") };
    assert_eq!((session.number, why), (1, Ending::LoggedOut));
    assert_eq!(share.handle.sessions(), []);
}

#[tokio::test]
async fn songs_and_pictures_are_counted_for_the_session_that_they_are_sent_to() {
    let (share, mut events) = observed().await;
    let picture = Artwork { media_type: "image/png", bytes: "a picture".into() };
    share.songs.put_artwork("jet", Some(picture));
    let jet = share.item("Jet").await;
    let session = login(&share).await;
    while events.try_recv().is_ok() {}
    let song = format!("/databases/1/items/{jet}.mp3");
    let mine = format!("{song}?session-id={session}");
    share.get(&mine).await;
    let (database, item) = (DatabaseId::new(1).unwrap(), ItemId::new(jet as u32).unwrap());
    let (is_song, whole) = delivered(events.recv().await);
    assert!(is_song && whole.whole);
    assert_eq!((whole.database, whole.item, whole.bytes), (database, item, 100_000));
    assert_eq!(whole.session, Some(2));
    share.get_with(&mine, &[("Range", "bytes=0-9")]).await;
    let (_, part) = delivered(events.recv().await);
    assert_eq!((part.bytes, part.whole), (10, true));
    share.connect().await.ask("HEAD", &mine, &[]).await.unwrap();
    share.get(&song).await;
    let (_, nobodys) = delivered(events.recv().await);
    assert_eq!((nobodys.session, nobodys.bytes), (None, 100_000));
    share.get(&format!("/databases/1/items/{jet}/extra_data/artwork?session-id={session}")).await;
    let (is_song, picture) = delivered(events.recv().await);
    assert!(!is_song && picture.whole);
    let info = share.handle.sessions().pop().unwrap();
    assert_eq!((info.songs, info.artwork, info.bytes), (2, 1, 100_019));
}

#[tokio::test]
async fn a_song_that_breaks_off_is_told_to_have_done_so() {
    let (share, mut events) = observed().await;
    let target = format!("/databases/1/items/{}.mp3", share.item("Jet").await);
    while events.try_recv().is_ok() {}
    share.songs.open_as("jet", Opening::Stream(vec!["one ", "two"], Some(100)));
    let _ = share.connect().await.get(&target).await;
    let (_, broken) = delivered(events.recv().await);
    assert_eq!((broken.bytes, broken.whole), (7, false));
}

#[tokio::test]
async fn who_waits_and_who_listens_is_known() {
    let (share, _events) = observed().await;
    let jet = share.item("Jet").await;
    let session = login(&share).await;
    let now = share.revision(session).await;
    let state = async |expected| {
        while share.handle.sessions().pop().unwrap().state != expected {
            tokio::task::yield_now().await;
        }
    };
    let mut poll = share.connect().await;
    let target = format!("/update?session-id={session}&revision-number={now}");
    poll.ask("GET", &target, &[]).await.unwrap();
    state(SessionState::Waiting).await;
    share.songs.open_as("jet", Opening::Endless);
    let mut player = share.connect().await;
    let song = format!("/databases/1/items/{jet}.mp3?session-id={session}");
    player.ask("GET", &song, &[]).await.unwrap();
    state(SessionState::Streaming).await;
    drop(player);
    state(SessionState::Waiting).await;
    drop(poll);
    state(SessionState::Connected).await;
}

#[tokio::test]
async fn revisions_and_the_end_are_told() {
    let (mut share, mut events) = observed().await;
    login(&share).await;
    events.recv().await.unwrap();
    let seen = share.library.snapshot().revision();
    share.songs.put("new", track("New", "A", "B"), "sound");
    let Some(Event::Published(revision)) = events.recv().await else { panic!("no revision") };
    assert!(revision > seen);
    share.handle.stop();
    share.stopped().await;
    let Some(Event::SessionClosed { why, .. }) = events.recv().await else { panic!("no end") };
    assert_eq!(why, Ending::ServerStopped);
    assert_eq!(share.handle.sessions(), [], "a handle outlives its server");
}
