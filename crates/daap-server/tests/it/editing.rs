//! `/edit`: playlists that clients change.

use std::time::Duration;

use daap_model::{ContainerId, DatabaseId, ItemId};
use daap_server::{Editing, Event};
use dmap::Element;
use dmap::code::{MCTI, MIID, MLIT, MSED};
use library::{PlaylistChange, PlaylistEdit};
use tokio::sync::mpsc;

use crate::author::{Author, Running};
use crate::share::number;

/// Longer than anything here takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn server(editing: Editing) -> (Author, Running, u64) {
    let author = Author::new();
    let server = Running::start(author.clone(), |server| server.editing(editing)).await;
    let session = number(&server.get("/login").await, dmap::code::MLID);
    (author, server, session)
}

fn add(session: u64) -> String {
    format!("/databases/1/edit?action=add&edit-params='dmap.itemname:Best'&session-id={session}")
}

fn append(session: u64, songs: &str) -> String {
    format!("/databases/1/containers/25/edit?action=add&edit-params={songs}&session-id={session}")
}

#[tokio::test]
async fn a_playlist_is_made_and_filled() {
    let (author, server, session) = server(Editing::ThisMachine).await;
    assert_eq!(number(&server.get(&add(session)).await, MIID), 25);
    let by_query = append(session, "'daap.songartist:Wings'");
    let answer = Element::decode(&server.get(&by_query).await.body).unwrap();
    let entry = answer.child(MLIT).unwrap().child(MCTI).unwrap().uint();
    assert_eq!(entry, Some(101));
    let database = DatabaseId::new(1).unwrap();
    let (container, items) = (ContainerId::new(25).unwrap(), vec![ItemId::new(1).unwrap()]);
    let expected =
        [PlaylistChange::Add { name: "Best".into() }, PlaylistChange::Append { container, items }];
    let expected = expected.map(|change| PlaylistEdit { database, change });
    assert_eq!(*author.edits.lock().unwrap(), expected);
}

#[tokio::test]
async fn nobody_changes_anything_unless_the_program_says_so() {
    let (author, server, session) = server(Editing::Nobody).await;
    assert_eq!(server.get(&add(session)).await.status, 403);
    assert_eq!(number(&server.get("/server-info").await, MSED), 0);
    assert_eq!(*author.edits.lock().unwrap(), []);
}

#[tokio::test]
async fn who_may_is_told_so_and_needs_a_session() {
    let (author, server, session) = server(Editing::LocalNetwork).await;
    assert_eq!(number(&server.get("/server-info").await, MSED), 1);
    assert_eq!(server.get(&add(session ^ 1)).await.status, 403);
    let mut connection = server.connect().await;
    connection.ask("HEAD", &add(session), &[]).await.unwrap();
    assert_eq!(connection.head().await.unwrap().status, 405, "a HEAD changes nothing");
    assert_eq!(*author.edits.lock().unwrap(), []);
}

#[tokio::test]
async fn what_cannot_be_done_says_why() {
    let (_, server, session) = server(Editing::ThisMachine).await;
    let edit = |rest: &str| format!("/databases/1/edit?{rest}&session-id={session}");
    let carved = server.get(&edit("action=remove&edit-params='dmap.itemid:25'")).await;
    assert_eq!((carved.status, carved.text().contains("carved in stone")), (403, true));
    assert_eq!(server.get(&edit("action=nonsense")).await.status, 400);
    let elsewhere = append(session, "'daap.songartist:Wings'").replace("/1/", "/2/");
    assert_eq!(server.get(&elsewhere).await.status, 404);
}

/// A share, its server, a session, and the edits that observers are told of.
async fn observed() -> (Author, Running, u64, mpsc::UnboundedReceiver<(u64, PlaylistEdit)>) {
    let (tell, told) = mpsc::unbounded_channel();
    let author = Author::new();
    let server = Running::start(author.clone(), |server| {
        server.editing(Editing::ThisMachine).observe(move |event| {
            if let Event::PlaylistEdited { session, edit, .. } = event {
                tell.send((*session, edit.clone())).unwrap();
            }
        })
    })
    .await;
    let session = number(&server.get("/login").await, dmap::code::MLID);
    (author, server, session, told)
}

#[tokio::test]
async fn an_edit_is_an_event() {
    let (author, server, session, mut told) = observed().await;
    server.get(&add(session)).await;
    let edit = author.edits.lock().unwrap().remove(0);
    assert_eq!(told.try_recv(), Ok((1, edit)));
}

#[tokio::test]
async fn an_edit_is_done_to_its_end_though_its_client_leaves() {
    let (author, server, session, mut told) = observed().await;
    let pen = author.pen.lock().await;
    let mut client = server.connect().await;
    client.ask("GET", &add(session), &[]).await.unwrap();
    while author.edits.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(client);
    while !server.get("/metrics").await.text().contains("dapple_connections 1\n") {
        tokio::task::yield_now().await;
    }
    drop(pen);
    let told = tokio::time::timeout(PATIENCE, told.recv()).await.expect("it goes on");
    assert_eq!(told.map(|(session, _)| session), Some(1));
}

#[tokio::test]
async fn no_page_in_a_browser_changes_anything() {
    let (author, server, session) = server(Editing::LocalNetwork).await;
    for of_a_browser in [
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let answer = server.connect().await.get_with(&add(session), &[of_a_browser]).await.unwrap();
        assert_eq!(answer.status, 403, "{of_a_browser:?}");
    }
    assert_eq!(*author.edits.lock().unwrap(), []);
    let remote = [("User-Agent", "Remote/1021")];
    let answer = server.connect().await.get_with(&add(session), &remote).await.unwrap();
    assert_eq!(answer.status, 200);
}
