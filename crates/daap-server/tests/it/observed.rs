//! What a program learns of its server: sessions, and what happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use daap_model::{DatabaseId, ItemId};
use daap_server::{Delivery, Ending, Event, Server, SessionInfo, SessionState, Uptime};
use library::Artwork;
use tokio::sync::mpsc;

use crate::author::Author;
use crate::crowd::ask;
use crate::share::{Opening, Share, number, track};

/// A share whose events come in order.
async fn observed() -> (Share, Events) {
    let (tell, events) = mpsc::unbounded_channel();
    let share = Share::start_with(|server| {
        server.observe(move |event| drop(tell.send(event.clone()))).observe(|event| {
            assert!(!matches!(event, Event::SessionOpened(_)), "an observer with a bug");
        })
    })
    .await;
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

type Events = mpsc::UnboundedReceiver<Event>;

/// What `pick` takes of the next event that it takes. Revisions of the source's own making may come between.
async fn next<T>(events: &mut Events, pick: impl Fn(Event) -> Option<T>) -> T {
    loop {
        if let Some(picked) = pick(events.recv().await.unwrap()) {
            return picked;
        }
    }
}

/// The next song or picture that is sent, and whether it is a song.
async fn delivered(events: &mut Events) -> (bool, Delivery) {
    let pick = |event| match event {
        Event::SongSent(delivery) => Some((true, delivery)),
        Event::ArtworkSent(delivery) => Some((false, delivery)),
        _ => None,
    };
    next(events, pick).await
}

/// The next session that ends, and why.
async fn closed(events: &mut Events) -> (SessionInfo, Ending) {
    let pick = |event| match event {
        Event::SessionClosed { session, why } => Some((session, why)),
        _ => None,
    };
    next(events, pick).await
}

#[tokio::test]
async fn a_session_is_told_of_from_login_to_logout() {
    let (share, mut events) = observed().await;
    let id = login(&share).await;
    let session = only(share.handle.sessions());
    assert_eq!((session.number, session.agent.as_str()), (1, "iTunes/12.9"));
    assert!(session.address.is_loopback());
    assert_eq!((session.user, session.state), (None, SessionState::Connected));
    let pick = |event| if let Event::SessionOpened(session) = event { Some(session) } else { None };
    let opened = next(&mut events, pick).await;
    assert_eq!((opened.number, opened.agent.as_str()), (1, "iTunes/12.9"));
    share.get(&format!("/logout?session-id={id}")).await;
    let (session, why) = closed(&mut events).await;
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
    let song = format!("/databases/1/items/{jet}.mp3");
    let mine = format!("{song}?session-id={session}");
    share.get(&mine).await;
    let (database, item) = (DatabaseId::new(1).unwrap(), ItemId::new(jet as u32).unwrap());
    let (is_song, whole) = delivered(&mut events).await;
    assert!(is_song && whole.whole);
    assert_eq!((whole.database, whole.item, whole.bytes), (database, item, 100_000));
    assert_eq!((whole.session, whole.from, whole.size), (Some(2), 0, Some(100_000)));
    share.get_with(&mine, &[("Range", "bytes=90-99")]).await;
    let (_, part) = delivered(&mut events).await;
    assert_eq!((part.from, part.bytes, part.size, part.whole), (90, 10, Some(100_000), true));
    share.connect().await.ask("HEAD", &mine, &[]).await.unwrap();
    share.get(&song).await;
    let (_, nobodys) = delivered(&mut events).await;
    assert_eq!((nobodys.session, nobodys.bytes), (None, 100_000));
    share.get(&format!("/databases/1/items/{jet}/extra_data/artwork?session-id={session}")).await;
    let (is_song, picture) = delivered(&mut events).await;
    assert!(!is_song && picture.whole);
    assert_eq!(picture.size, Some(picture.bytes));
    let info = share.handle.sessions().pop().unwrap();
    assert_eq!((info.songs, info.artwork, info.bytes), (2, 1, 100_019));
}

#[tokio::test]
async fn a_song_that_breaks_off_is_told_to_have_done_so() {
    let (share, mut events) = observed().await;
    let target = format!("/databases/1/items/{}.mp3", share.item("Jet").await);
    share.songs.open_as("jet", Opening::Stream(vec!["one ", "two"], Some(100)));
    let _ = share.connect().await.get(&target).await;
    let (_, broken) = delivered(&mut events).await;
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
    let seen = share.library.snapshot().revision();
    share.songs.put("new", track("New", "A", "B"), "sound");
    let pick = |event| matches!(event, Event::Published(revision) if revision > seen).then_some(());
    next(&mut events, pick).await;
    share.handle.stop();
    share.stopped().await;
    let (_, why) = closed(&mut events).await;
    assert_eq!(why, Ending::ServerStopped);
    assert_eq!(share.handle.sessions(), [], "a handle outlives its server");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_that_nobody_uses_is_told_though_nobody_asks() {
    let hours = Arc::new(AtomicU64::new(0));
    let now = Arc::clone(&hours);
    let uptime = Uptime::new(move || Duration::from_secs(now.load(Ordering::Relaxed) * 3600));
    let (tell, mut events) = mpsc::unbounded_channel();
    let observe = move |event: &Event| drop(tell.send(event.clone()));
    let mut share = Server::builder(Author::new()).uptime(uptime).observe(observe).service();
    ask(&mut share, "/login").await;
    hours.store(25, Ordering::Relaxed);
    let (session, why) = closed(&mut events).await;
    assert_eq!((session.number, why), (1, Ending::Expired));
}

#[tokio::test]
async fn the_end_of_a_session_is_told_when_a_mounted_share_goes_away() {
    let (tell, mut events) = mpsc::unbounded_channel();
    let observe = move |event: &Event| drop(tell.send(event.clone()));
    let mut share = Server::builder(Author::new()).observe(observe).service();
    ask(&mut share, "/login").await;
    drop(share);
    assert!(matches!(events.recv().await, Some(Event::SessionOpened(_))));
    let (session, why) = closed(&mut events).await;
    assert_eq!((session.number, why), (1, Ending::ServerStopped));
    assert_eq!(events.recv().await, None, "nothing of the share is left");
}
