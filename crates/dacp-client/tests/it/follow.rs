//! A Remote follows a player, whatever happens to it.

use std::sync::Mutex;
use std::time::Duration;

use dacp_client::{Follow, News, PAUSE, RemoteError};
use dacp_proto::PlayerState;
use testkit::daap::dmap;
use testkit::player;
use testkit::server::{Asked, Reply, Server};
use tokio::time::{Instant, timeout};

use crate::common::{connect, remote};

const UPDATE: &str = "/ctrl-int/1/playstatusupdate";

/// A player whose statuses are these, one after the other, and then nothing more for ever.
fn statuses(
    replies: impl IntoIterator<Item = fn() -> Reply>,
) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    let replies = Mutex::new(replies.into_iter().collect::<Vec<_>>().into_iter());
    move |asked| match asked.path() {
        UPDATE => replies.lock().unwrap().next().map_or_else(Reply::silence, |reply| reply()),
        _ => player::music(asked),
    }
}

/// The next status, and the revisions that the player was asked with so far.
async fn status(follow: &mut Follow) -> u32 {
    match follow.next().await.unwrap() {
        News::Status(status) => status.revision.get(),
        news => panic!("{news:?}"),
    }
}

fn asked_with(player: &Server) -> Vec<String> {
    let asked = player.asked_for(UPDATE);
    asked.iter().map(|asked| asked.parameter("revision-number").unwrap().to_owned()).collect()
}

#[tokio::test]
async fn it_asks_with_the_number_that_it_was_told_and_takes_a_smaller_one() {
    let replies: [fn() -> Reply; 3] = [
        || dmap(player::playing(9)),
        || dmap(player::idle(10)),
        || dmap(player::playing(2)), // started again
    ];
    let (remote, player) = remote(statuses(replies)).await;
    let mut follow = remote.follow();
    assert_eq!(status(&mut follow).await, 9);
    let News::Status(idle) = follow.next().await.unwrap() else { panic!("it is there") };
    assert_eq!((idle.state, idle.now_playing), (PlayerState::Idle, None));
    assert_eq!(status(&mut follow).await, 2);
    let held = timeout(Duration::from_millis(50), follow.next()).await;
    assert!(held.is_err());
    assert_eq!(asked_with(&player), ["0", "9", "10", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_held_question_has_no_limit() {
    let (remote, _player) = remote(player::music).await;
    let mut follow = remote.follow();
    status(&mut follow).await;
    timeout(Duration::from_secs(24 * 60 * 60), follow.next()).await.unwrap_err();
}

#[tokio::test]
async fn a_broken_connection_heals_after_a_pause() {
    let replies: [fn() -> Reply; 4] = [
        || dmap(player::playing(9)),
        || Reply::new(player::playing(10)).cut_after(12),
        || Reply::new("not DMAP"),
        || dmap(player::playing(9)),
    ];
    let (remote, player) = remote(statuses(replies)).await;
    let mut follow = remote.follow();
    assert_eq!(status(&mut follow).await, 9);
    let began = Instant::now();
    let away = follow.next().await.unwrap();
    assert!(matches!(away, News::Away(RemoteError::Client(_))), "{away:?}");
    // The second failure is the same outage; that it is back is told even if nothing changed.
    assert_eq!(status(&mut follow).await, 9);
    assert!(began.elapsed() >= 2 * PAUSE);
    assert_eq!(asked_with(&player), ["0", "9", "0", "0"]);
    assert_eq!(player.asked_for("/login").len(), 1);
}

#[tokio::test]
async fn a_player_that_stops_and_starts_again_is_found_again() {
    let player = Server::start(player::music).await;
    let remote = connect(&player).await.unwrap();
    let mut follow = remote.follow();
    status(&mut follow).await;
    let address = player.address();
    player.stop().await;
    assert!(matches!(follow.next().await.unwrap(), News::Away(_)));
    // It has forgotten the session: it gives another.
    let again = Server::start_at(address, |asked| match asked.path() {
        "/login" => dmap(testkit::daap::login(9)),
        UPDATE if asked.parameter("session-id") == Some("9") => dmap(player::playing(2)),
        _ => Reply::status(403),
    })
    .await;
    assert_eq!(status(&mut follow).await, 2);
    assert_eq!(again.asked_for("/login").len(), 1);
}

#[tokio::test]
async fn a_refusal_is_a_new_login_and_the_status_as_it_is() {
    for reply in [|| Reply::status(403), || Reply::status(500), || Reply::status(406)] {
        let replies: [fn() -> Reply; 3] =
            [|| dmap(player::playing(9)), reply, || dmap(player::playing(10))];
        let (remote, player) = remote(statuses(replies)).await;
        let mut follow = remote.follow();
        assert_eq!(status(&mut follow).await, 9);
        assert_eq!(status(&mut follow).await, 10);
        assert_eq!(asked_with(&player), ["0", "9", "0"]);
        assert_eq!(player.asked_for("/login").len(), 2);
    }
}

#[tokio::test]
async fn a_player_that_lets_us_in_no_more_ends_it() {
    let replies = Mutex::new(0);
    let (remote, _player) = remote(move |asked: &Asked| match asked.path() {
        UPDATE => Reply::status(403),
        "/login" => {
            let mut logins = replies.lock().unwrap();
            *logins += 1;
            if *logins > 1 { Reply::status(503) } else { player::music(asked) }
        }
        _ => player::music(asked),
    })
    .await;
    let error = remote.follow().next().await.unwrap_err();
    assert!(matches!(error, RemoteError::NotPaired { status: 503 }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_player_that_never_waits_is_asked_once_a_second() {
    let (remote, player) = remote(|asked: &Asked| match asked.path() {
        UPDATE => dmap(player::playing(9)),
        _ => player::music(asked),
    })
    .await;
    let mut follow = remote.follow();
    assert_eq!(status(&mut follow).await, 9);
    timeout(10 * PAUSE, follow.next()).await.unwrap_err();
    assert!((9..=12).contains(&player.asked_for(UPDATE).len()));
}
