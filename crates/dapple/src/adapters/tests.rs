//! The player, the library and the server's words for them, together.

use std::time::Duration;

use daap_model::{DatabaseId, ItemId, MediaKind, Revision, Snapshot, Track};
use daap_server::Server;
use daap_server::control::{
    Controller as _, NotDone, Order, Percent, PlayerState, Playing, QueuePlace, Repeat, Song, Span,
    SpeakerId,
};
use library::{Library, MemorySource};
use outputs::Spec;
use player::{Heard, OutputId, Player};
use testkit::media::{self, Format};

use super::*;
use crate::config::ReplayGain;
use crate::http;

/// What is waited for comes well before.
const PATIENCE: Duration = Duration::from_secs(20);
const LENGTH: Duration = Duration::from_secs(30);

/// A library with a song of each title, of which those that begin with "Chapter" are of an audiobook.
async fn library(titles: &[&str]) -> Library {
    let songs = MemorySource::new();
    for title in titles {
        let media_kind =
            if title.starts_with("Chapter") { MediaKind::Audiobook } else { MediaKind::Music };
        let track = Track {
            title: (*title).into(),
            duration_ms: LENGTH.as_millis() as u32,
            media_kind,
            ..Track::default()
        };
        let sound = media::Song::new(title).length(LENGTH).bytes(Format::Wav);
        songs.put(title, track, sound);
    }
    let library = Library::builder("Home").source("mine", songs).start().await.unwrap();
    let mut watch = library.watch();
    let count = |database: &daap_model::Database| database.items().len();
    let all_there =
        watch.wait_for(|now| now.databases().map(|it| count(it)).sum::<usize>() == titles.len());
    tokio::time::timeout(PATIENCE, all_there).await.unwrap().unwrap();
    library
}

fn song(library: &Library, title: &str) -> Song {
    let snapshot = library.snapshot();
    let database = snapshot.databases().next().unwrap();
    let items = database.items();
    let item = items.iter().find(|item| *item.track.title == *title).unwrap().id;
    Song { database: database.id, item, container: None, entry: None }
}

/// A player with two outputs that nobody hears, of which one is selected.
fn control(library: &Library) -> PlayerControl {
    let songs = LibrarySongs::new(library.clone(), ReplayGain::Off);
    let player = Player::builder(songs)
        .output(OutputId(0), "Computer", outputs::open(&Spec::Null), true)
        .output(OutputId(7), "Kitchen", outputs::open(&Spec::Null), false);
    PlayerControl::new(player.start().unwrap(), library.clone())
}

async fn until(control: &PlayerControl, what: impl Fn(&Playing) -> bool) -> Playing {
    let mut revision = control.revision();
    let reached = revision.wait_for(|_| what(&control.now()));
    drop(tokio::time::timeout(PATIENCE, reached).await.expect("it comes to that").unwrap());
    control.now()
}

fn items(songs: &[(QueuePlace, Song)]) -> Vec<(QueuePlace, ItemId)> {
    songs.iter().map(|(place, song)| (*place, song.item)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_remote_orders_is_done_and_seen() {
    let library = library(&["Jet", "Let Me Roll It", "Bluebird"]).await;
    let control = control(&library);
    let songs: Vec<_> =
        ["Jet", "Let Me Roll It", "Bluebird"].map(|title| song(&library, title)).into();
    assert_eq!((control.now().state, control.now().current), (PlayerState::Stopped, None));
    assert!(*control.revision().borrow() >= Revision::new(2));

    let replace = Order::Replace { songs: songs.clone(), start: Some(1), shuffle: None };
    control.obey(replace).await.unwrap();
    let playing = until(&control, |now| now.state == PlayerState::Playing).await;
    let current = playing.current.unwrap();
    assert_eq!((current.song, current.time.unwrap().length_ms), (songs[1], 30_000));
    let upcoming = control.queue(Span::Upcoming(50));
    assert_eq!(items(&upcoming), [(QueuePlace::Queue(1), songs[2].item)]);

    control.obey(Order::Pause).await.unwrap();
    control.obey(Order::Seek(Duration::from_secs(12))).await.unwrap();
    control.obey(Order::Repeat(Repeat::All)).await.unwrap();
    let paused = until(&control, |now| now.state == PlayerState::Paused).await;
    assert_eq!(paused.current.unwrap().time.unwrap().elapsed_ms / 1000, 12);
    assert_eq!(paused.repeat, Repeat::All);

    control.obey(Order::StopAndClear).await.unwrap();
    control.obey(Order::StopAndClear).await.unwrap();
    assert_eq!(control.now().state, PlayerState::Stopped);
    assert!(control.queue(Span::Upcoming(50)).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said() {
    let library = library(&["Jet"]).await;
    let control = control(&library);
    let jet = song(&library, "Jet");
    let refused = async |order| control.obey(order).await.unwrap_err();
    let place = Order::PlayAt(QueuePlace::Queue(7));
    assert_eq!(refused(place).await, NotDone::Missing("place in the queue"));
    let elsewhere = Order::Speakers([SpeakerId(9)].into());
    assert_eq!(refused(elsewhere).await, NotDone::Missing("speaker"));
    let unknown = ItemId::new(jet.item.get() + 1).unwrap();
    let rate = Order::Rate { database: jet.database, item: unknown, rating: Percent::FULL };
    assert_eq!(refused(rate).await, NotDone::Missing("song"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rating_is_kept_and_every_remote_is_told() {
    let library = library(&["Jet"]).await;
    let control = control(&library);
    let Song { database, item, .. } = song(&library, "Jet");
    let mut revision = control.revision();
    let before = *revision.borrow_and_update();
    let rating = Percent::new(80).unwrap();
    control.obey(Order::Rate { database, item, rating }).await.unwrap();
    tokio::time::timeout(PATIENCE, revision.wait_for(|now| *now > before)).await.unwrap().unwrap();
    assert!(control.now().revision > before);
    let snapshot = library.snapshot();
    let usage = snapshot.database(database).unwrap().items().find(item).unwrap().usage;
    assert_eq!(usage.rating, 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_and_speakers_are_those_of_the_outputs() {
    let control = control(&library(&["Jet"]).await);
    let speakers = |control: &PlayerControl| -> Vec<(u64, bool, u8)> {
        let speakers = control.now().speakers;
        speakers.iter().map(|it| (it.id.0, it.is_active, it.volume.get())).collect()
    };
    assert_eq!(speakers(&control), [(0, true, 100), (7, false, 100)]);
    let volume = |percent| Percent::new(percent).unwrap();
    let volumes = [(SpeakerId(0), volume(60)), (SpeakerId(7), volume(30))].into();
    control.obey(Order::Volumes(volumes)).await.unwrap();
    control.obey(Order::Speakers([SpeakerId(7)].into())).await.unwrap();
    assert_eq!(speakers(&control), [(0, false, 60), (7, true, 30)]);
}

#[tokio::test]
async fn what_is_heard_is_counted_and_books_are_bookmarked() {
    let library = library(&["Jet", "Chapter 1"]).await;
    let heard = |title| {
        let Song { database, item, .. } = song(&library, title);
        player::Song::new(database, item)
    };
    let usage = |song: player::Song| {
        let snapshot = library.snapshot();
        let usage =
            snapshot.database(song.database).unwrap().items().find(song.item).unwrap().usage;
        (usage.play_count, usage.skip_count, usage.bookmark_ms)
    };
    let (jet, chapter, at) = (heard("Jet"), heard("Chapter 1"), Duration::from_secs(7));
    note(&library, Heard::Started(jet)).await;
    for left in [jet, chapter] {
        note(&library, Heard::Left { song: left, at }).await;
    }
    assert_eq!((usage(jet), usage(chapter)), ((0, 0, 0), (0, 0, 7000)));
    for song in [jet, chapter] {
        note(&library, Heard::Played(song)).await;
    }
    note(&library, Heard::Skipped(jet)).await;
    assert_eq!((usage(jet), usage(chapter)), ((1, 1, 0), (1, 0, 0)));
    // What is gone from the library meanwhile is no reason to fail.
    let gone = player::Song::new(DatabaseId::LOWEST, ItemId::new(99).unwrap());
    note(&library, Heard::Played(gone)).await;
}

#[tokio::test]
async fn what_a_player_elsewhere_fetched_and_let_end_is_counted() {
    let songs = MemorySource::new();
    for title in ["Jet", "Bluebird"] {
        // It lasts a moment, so that it has ended when the next one is fetched.
        let track = Track { title: title.into(), duration_ms: 1, ..Track::default() };
        songs.put(title, track, title);
    }
    let library = Library::builder("Home").source("mine", songs).start().await.unwrap();
    let mut watch = library.watch();
    let all_there = |now: &Snapshot| now.databases().any(|database| database.items().len() == 2);
    watch.wait_for(|now| all_there(now)).await.unwrap();
    let server = Server::builder(library.clone()).observe(count_streams(library.clone()));
    let server = server.bind(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
    let url = format!("http://{}", server.addresses()[0]);
    let serving = tokio::spawn(server.run(std::future::pending()));
    let login = http::get(&url, "/login").await.unwrap();
    let session = u32::from_be_bytes(login[login.len() - 4..].try_into().unwrap());
    let fetch = async |title| {
        let Song { database, item, .. } = song(&library, title);
        let path = format!("/databases/{database}/items/{item}.mp3?session-id={session}");
        assert_eq!(http::get(&url, &path).await.unwrap(), title);
    };
    let plays = |title| {
        let Song { database, item, .. } = song(&library, title);
        let snapshot = library.snapshot();
        snapshot.database(database).unwrap().items().find(item).unwrap().usage.play_count
    };
    let listening = async {
        while plays("Jet") == 0 {
            fetch("Jet").await;
            fetch("Bluebird").await;
        }
    };
    tokio::time::timeout(PATIENCE, listening).await.unwrap();
    serving.abort();
}
