//! What is told of a server.

use daap_model::Timestamp;
use library::{Change, Library, MemoryPersist};
use source_subsonic::SubsonicSource;
use testkit::server::{Reply, Server};
use testkit::subsonic::{Kind, Song, Subsonic};

use crate::common::*;

fn song(title: &str) -> Song {
    Song { title: title.into(), ..Song::default() }
}

#[tokio::test]
async fn a_server_is_told_with_its_songs_playlists_ratings_and_stars() {
    let subsonic = Subsonic::new(2);
    subsonic.edit(|music| {
        music.songs.insert(7, Song { plays: 3, rating: 4, ..song("Jet") });
        music.playlists.insert(1, ("Loud".into(), vec![7, 0, 7]));
        music.starred = vec![7];
    });
    let server = Server::start(subsonic.answer()).await;
    let mut ear = follow(config(&server));
    let told = ear.settled().await;
    let expected = [
        "so-0: Song 0",
        "so-1: Song 1",
        "so-7: Jet",
        "so-7: played 3, rated 80",
        "Starred: so-7",
        "Loud: so-7 so-0 so-7",
    ];
    assert_eq!(words(&told), expected);
    let track = told.iter().find_map(|change| match change {
        Change::Song { key, track, .. } if key.to_string() == "so-7" => Some(track),
        _ => None,
    });
    let track = track.unwrap();
    assert_eq!((&*track.album, &*track.album_artist, track.year), ("Album 0", "Artist 0", 1960));
    assert_eq!((track.track, track.disc, track.size, &*track.format), (8, 1, 10_000, "mp3"));
    let Change::Usage { recorded, .. } = &told[1] else { panic!("{:?}", told[1]) };
    assert_eq!(recorded.added, Some(Timestamp(1_577_934_245)));
}

#[tokio::test]
async fn a_look_tells_just_what_has_changed() {
    let subsonic = Subsonic::new(40);
    subsonic.edit(|music| drop(music.playlists.insert(1, ("Loud".into(), vec![1]))));
    let server = Server::start(subsonic.answer()).await;
    let mut ear = follow(config(&server));
    ear.settled().await;

    assert_eq!(words(&ear.look().await), [""; 0]);
    subsonic.scan(|music| drop(music.songs.insert(40, song("Jet"))));
    assert_eq!(words(&ear.look().await), ["so-40: Jet"]);
    subsonic.scan(|music| drop(music.songs.insert(17, song("Blackbird"))));
    assert_eq!(words(&ear.look().await), ["so-17: Blackbird"]);
    subsonic.scan(|music| drop(music.songs.remove(&3)));
    assert_eq!(words(&ear.look().await), ["so-3 is gone"]);
    subsonic.edit(|music| music.play(5));
    assert_eq!(words(&ear.look().await), ["so-5: Song 5", "so-5: played 1, rated 0"]);
    subsonic.edit(|music| music.playlists.get_mut(&1).unwrap().1.push(2));
    assert_eq!(words(&ear.look().await), ["Loud: so-1 so-2"]);
    subsonic.edit(|music| music.starred = vec![9, 8]);
    assert_eq!(words(&ear.look().await), ["Starred: so-9 so-8"]);
    subsonic.edit(|music| (music.starred, music.playlists) = (Vec::new(), Default::default()));
    let mut gone = words(&ear.look().await);
    gone.sort();
    assert_eq!(gone, ["playlist/pl-1 is gone", "starred is gone"]);
}

#[tokio::test]
async fn plays_and_ratings_of_starred_songs_are_noticed_though_no_file_has_changed() {
    for kind in [Kind::OpenSubsonic, Kind::Supysonic] {
        let subsonic = Subsonic::new(40).with(kind);
        subsonic.edit(|music| {
            music.starred = vec![33];
            [1, 11].into_iter().for_each(|song| music.play(song));
        });
        let server = Server::start(subsonic.answer()).await;
        let mut ear = follow(config(&server));
        ear.settled().await;
        assert_eq!(words(&ear.look().await), [""; 0]);
        subsonic.edit(|music| {
            [1, 22].into_iter().for_each(|song| music.play(song));
            music.songs.get_mut(&33).unwrap().rating = 4;
        });
        let mut told = words(&ear.look().await);
        told.retain(|word| word.contains("played"));
        told.sort();
        let expected =
            ["so-1: played 2, rated 0", "so-22: played 1, rated 0", "so-33: played 0, rated 80"];
        assert_eq!(told, expected, "{kind:?}");
    }
}

#[tokio::test]
async fn old_servers_are_told_as_new_ones_are() {
    for kind in [Kind::Supysonic, Kind::Folders] {
        let subsonic = Subsonic::new(1_203).with(kind);
        subsonic.edit(|music| drop(music.playlists.insert(1, ("Loud".into(), vec![1]))));
        let server = Server::start(subsonic.answer()).await;
        let mut ear = follow(config(&server));
        ear.settled().await;
        assert_eq!(ear.songs(), 1_203, "{kind:?}");
        let asked = server.asked().len();
        assert_eq!(words(&ear.look().await), [""; 0]);
        assert!(server.asked().len() - asked <= 6, "{kind:?}");
        subsonic.scan(|music| drop(music.songs.insert(17, song("Blackbird"))));
        assert_eq!(words(&ear.look().await), ["so-17: Blackbird"], "{kind:?}");
    }
}

#[tokio::test]
async fn after_a_restart_only_differences_are_told() {
    let subsonic = Subsonic::new(600);
    let server = Server::start(subsonic.answer()).await;
    let mut ear = follow(config(&server));
    ear.settled().await;
    let known = ear.stop().await;
    subsonic.scan(|music| {
        music.songs.remove(&3);
        music.songs.insert(17, song("Blackbird"));
    });
    let told = go_on(config(&server), known).settled().await;
    assert_eq!(words(&told), ["so-17: Blackbird", "so-3 is gone"]);
}

#[tokio::test]
async fn a_server_that_gives_less_at_once_is_asked_for_the_rest() {
    let subsonic = Subsonic::new(700);
    let usual = subsonic.answer();
    let server = Server::start(move |asked| {
        let mut asked = asked.clone();
        asked.target =
            asked.target.replace("songCount=500", "songCount=60").replace("size=500", "size=9");
        usual(&asked)
    })
    .await;
    let mut ear = follow(config(&server));
    ear.settled().await;
    assert_eq!(ear.songs(), 700);
    assert_eq!(server.asked_for("/rest/getAlbum.view").len(), 0);
}

#[tokio::test]
async fn songs_that_a_list_leaves_out_are_found_with_their_albums() {
    let subsonic = Subsonic::new(2_000);
    let server = serve_but(&subsonic, |asked| {
        // A page that is listed while songs move from it to the one before.
        let is_hole = asked.parameter("songOffset") == Some("1000");
        is_hole.then(|| {
            Reply::new(
                r#"{"subsonic-response": {"status": "ok", "searchResult3": {"song":
            [{"id": "so-0", "albumId": "al-0"}, {"id": "so-1", "title": "Song 1"}]}}}"#,
            )
        })
    })
    .await;
    let mut ear = follow(config(&server));
    ear.settled().await;
    assert_eq!(ear.songs(), 2_000);
}

#[tokio::test]
async fn a_library_lists_what_came_from_a_server_under_the_same_ids() {
    let subsonic = Subsonic::new(30);
    let server = Server::start(subsonic.answer()).await;
    let source = SubsonicSource::new(config(&server)).unwrap();
    let library = Library::builder("Living room").persist(MemoryPersist::new()).without_main();
    let library = library.database("nas", "NAS").source("nas", source.clone());
    let library = library.start().await.unwrap();
    let mut snapshots = library.watch();
    let count =
        |now: &daap_model::Snapshot| now.databases().map(|one| one.items().len()).sum::<usize>();
    let before = snapshots.wait_for(|now| count(now) == 30).await.unwrap().clone();
    subsonic.scan(|music| drop(music.songs.insert(30, song("Jet"))));
    source.look();
    let after = snapshots.wait_for(|now| count(now) == 31).await.unwrap().clone();
    let database = after.databases().next().unwrap();
    let changed: Vec<_> =
        database.items().iter().filter(|item| item.revision > before.revision()).collect();
    assert_eq!((changed.len(), &*changed[0].track.title), (1, "Jet"));
    library.shutdown().await;
}

#[tokio::test]
async fn a_second_look_costs_less_than_a_fiftieth_of_the_first() {
    let subsonic = Subsonic::new(5_000);
    let usual = subsonic.answer();
    // As many pages as 100,000 songs have.
    let server = Server::start(move |asked| {
        let mut asked = asked.clone();
        asked.target = asked.target.replace("songCount=500", "songCount=25");
        usual(&asked)
    })
    .await;
    let mut ear = follow(config(&server));
    ear.settled().await;
    let (requests, bytes) = (server.asked().len(), server.sent());
    assert_eq!(words(&ear.look().await), [""; 0]);
    let (again, bytes_again) = (server.asked().len() - requests, server.sent() - bytes);
    assert!(again * 50 < requests, "{again} of {requests} requests");
    assert!(bytes_again * 50 < bytes, "{bytes_again} of {bytes} bytes");
}
