//! What people are told of a connection.

use library::{Library, ScanPhase};
use source_subsonic::{Changes, ConnectionState, SubsonicSource};
use testkit::server::Server;
use testkit::subsonic::{Kind, Song, Subsonic, refused};

use crate::common::*;

fn changes(songs: u64, gone: u64, playlists: u64) -> Changes {
    Changes { songs, gone, playlists }
}

#[tokio::test]
async fn who_asks_for_a_look_is_told_what_has_changed_and_who_looks_how_it_stands() {
    let subsonic = Subsonic::new(30);
    subsonic.edit(|music| {
        music.starred = vec![7, 8];
        music.playlists.insert(1, ("Loud".into(), vec![1]));
    });
    let server = Server::start(subsonic.answer()).await;
    let source = SubsonicSource::new(config(&server)).unwrap();
    assert_eq!(source.watch().borrow().state, ConnectionState::Starting);
    let library = Library::builder("Home").source("nas", source.clone()).start().await.unwrap();
    source.sync().await.unwrap();
    let now = source.watch().borrow().clone();
    assert_eq!((now.state, now.server.as_str()), (ConnectionState::Idle, "Subsonic API 1.16.1"));
    assert_eq!((now.songs, now.playlists, now.starred), (30, 1, 2));
    assert_eq!((now.told, now.unsent, now.trouble), (changes(30, 0, 2), 0, None));
    assert_eq!(now.requests, server.asked().len() as u64);
    assert!(now.last_sync.is_some());

    assert_eq!(source.sync().await, Ok(changes(0, 0, 0)));
    subsonic.scan(|music| {
        music.songs.remove(&3);
        music.songs.insert(4, Song { title: "Jet".into(), ..Song::default() });
        music.songs.insert(30, Song::default());
    });
    assert_eq!(source.sync().await, Ok(changes(2, 1, 0)));
    library.shutdown().await;
}

#[tokio::test]
async fn who_asks_for_a_look_at_a_server_that_is_lost_is_told_why_and_what_to_do() {
    let subsonic = Subsonic::new(3).with(Kind::Supysonic);
    let server = Server::start(subsonic.answer()).await;
    let source = SubsonicSource::new(config(&server)).unwrap();
    let library = Library::builder("Home").source("nas", source.clone()).start().await.unwrap();
    source.sync().await.unwrap();
    let address = server.address();
    server.stop().await;
    let locked = Server::start_at(address, |_| refused(40, "wrong password")).await;
    let problem = source.sync().await.unwrap_err();
    assert!(problem.what.contains("wrong password"), "{problem:?}");
    assert_eq!(problem.remedy, "check the user and the password or key");
    let now = source.watch().borrow().clone();
    assert_eq!((now.state, now.songs, now.trouble), (ConnectionState::Lost, 3, Some(problem)));
    assert_eq!(library.scan().phase, ScanPhase::Failed);

    locked.stop().await;
    let _server = Server::start_at(address, subsonic.answer()).await;
    assert_eq!(source.sync().await, Ok(changes(0, 0, 0)));
    assert_eq!(source.watch().borrow().trouble, None);
    library.shutdown().await;
}
