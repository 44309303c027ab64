//! `/update`: held until there is news.

use std::time::Duration;

use daap_server::Limits;
use dmap::code::MUSR;
use testkit::http::Connection;

use crate::share::{Share, number, track};

/// Longer than anything here takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn hold(share: &Share, session: u64, revision: u64) -> Connection {
    let mut connection = share.connect().await;
    let target =
        format!("/update?session-id={session}&revision-number={revision}&delta={revision}");
    connection.ask("GET", &target, &[]).await.unwrap();
    connection
}

/// Waits until so many polls are held.
async fn held(share: &Share, count: usize) {
    let line = format!("dapple_held_polls {count}");
    let waiting = async {
        while !share.get("/metrics").await.text().lines().any(|found| found == line) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the polls are held");
}

#[tokio::test]
async fn a_client_that_is_not_at_our_revision_is_told_at_once() {
    let share = Share::start().await;
    let session = share.login().await;
    let now = share.revision(session).await;
    assert!(now >= 2);
    for seen in [
        "",
        "&revision-number=1",
        "&revision-number=0",
        "&revision-number=x",
        "&revision-number=999999999",
    ] {
        let answer = share.get(&format!("/update?session-id={session}{seen}")).await;
        assert_eq!(number(&answer, MUSR), now, "{seen}");
    }
}

#[tokio::test]
async fn all_who_wait_are_woken_by_a_change_and_told_the_new_revision() {
    let share = Share::start().await;
    let (one, two) = (share.login().await, share.login().await);
    let now = share.revision(one).await;
    let mut first = hold(&share, one, now).await;
    let mut second = hold(&share, two, now).await;
    held(&share, 2).await;
    // Other requests go on meanwhile.
    assert_eq!(share.get(&format!("/databases?session-id={one}")).await.status, 200);
    share.songs.put("new", track("New", "A", "B"), "sound");
    for poll in [&mut first, &mut second] {
        let answer = tokio::time::timeout(PATIENCE, poll.answer()).await.unwrap().unwrap();
        assert!(number(&answer, MUSR) > now);
    }
    held(&share, 0).await;
}

#[tokio::test]
async fn a_change_between_two_polls_is_not_missed() {
    let share = Share::start().await;
    let session = share.login().await;
    let mut seen = share.revision(session).await;
    for n in 0..3 {
        share.songs.put(&format!("{n}"), track("New", "A", "B"), "sound");
        let mut poll = hold(&share, session, seen).await;
        let answer = tokio::time::timeout(PATIENCE, poll.answer()).await.unwrap().unwrap();
        let now = number(&answer, MUSR);
        assert!(now > seen);
        seen = now;
    }
}

#[tokio::test]
async fn logout_ends_the_polls_of_its_session() {
    let share = Share::start().await;
    let (one, two) = (share.login().await, share.login().await);
    let now = share.revision(one).await;
    let mut first = hold(&share, one, now).await;
    let _second = hold(&share, two, now).await;
    held(&share, 2).await;
    assert_eq!(share.get(&format!("/logout?session-id={one}")).await.status, 204);
    assert_eq!(first.answer().await.unwrap().status, 403);
    held(&share, 1).await;
}

#[tokio::test]
async fn polls_of_clients_that_went_away_are_forgotten() {
    let share = Share::start().await;
    let session = share.login().await;
    let now = share.revision(session).await;
    let mut polls = Vec::new();
    for _ in 0..200 {
        polls.push(hold(&share, session, now).await);
    }
    held(&share, 200).await;
    polls.truncate(1);
    held(&share, 1).await;
}

#[tokio::test]
async fn more_polls_than_the_limit_are_503() {
    let mut limits = Limits::default();
    limits.polls = 2;
    let share = Share::start_with(|server| server.limits(limits)).await;
    let session = share.login().await;
    let now = share.revision(session).await;
    let _held = [hold(&share, session, now).await, hold(&share, session, now).await];
    held(&share, 2).await;
    let answer = hold(&share, session, now).await.answer().await.unwrap();
    assert_eq!(answer.status, 503);
}
