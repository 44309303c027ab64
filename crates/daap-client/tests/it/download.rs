//! Songs saved as files.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use daap_client::{Client, ClientError, Download, DownloadError, Saved};
use daap_model::{PersistentId, Timestamp};
use daap_proto::Listing;
use daap_proto::read::Song;
use futures_util::TryStreamExt;
use tempfile::TempDir;
use testkit::daap::{SONG, answer, sound};
use testkit::server::{Asked, Reply, Server};

use crate::common::{connect, database};

/// A song on a server, and a folder to save it in.
struct Scene {
    server: Server,
    client: Client,
    song: Song,
    folder: TempDir,
}

/// The first song of a server that answers so when it is asked for a song.
async fn scene(sings: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Scene {
    let (server, client) = connect(move |asked| match asked.path() {
        SONG => sings(asked),
        _ => answer(asked),
    })
    .await;
    let songs = client.items(database(), &Listing::default()).await.unwrap();
    let mut songs: Vec<Song> = songs.try_collect().await.unwrap();
    let mut song = songs.swap_remove(0);
    song.persistent_id = Some(PersistentId::new(7));
    song.track.size = sound().len() as u64;
    song.track.modified = Timestamp(1_000_000_000);
    Scene { server, client, song, folder: tempfile::tempdir().unwrap() }
}

impl Scene {
    fn path(&self) -> PathBuf {
        self.folder.path().join("Wings/Jet.mp3")
    }

    fn download(&self) -> Download {
        Download::new(database(), &self.song, self.path())
    }

    async fn run(&self) -> Result<Saved, DownloadError> {
        self.download().run(&self.client, |_| {}).await
    }

    /// What is in the folder of the song: names, and whether they hold the song from its start.
    fn files(&self) -> Vec<(String, bool)> {
        let entries = fs::read_dir(self.folder.path().join("Wings")).into_iter().flatten();
        let entries = entries.map(|entry| entry.unwrap());
        let is_begun = |path| sound().starts_with(&fs::read(path).unwrap());
        entries
            .map(|entry| (entry.file_name().into_string().unwrap(), is_begun(entry.path())))
            .collect()
    }

    /// From which byte on the server was asked for the song, each time.
    fn asked_from(&self) -> Vec<Option<String>> {
        let asked = self.server.asked_for(SONG);
        asked.iter().map(|asked| asked.header("Range").map(str::to_owned)).collect()
    }
}

const PART: &str = "Jet.mp3.0000000000000007-2710-3b9aca00.part";

#[tokio::test]
async fn a_song_becomes_a_file_with_its_date() {
    let scene = scene(answer).await;
    let mut told = 0;
    let saved = scene.download().run(&scene.client, |bytes| told += bytes).await.unwrap();
    assert_eq!(saved, Saved { length: 10_000, kept: 0, listed: None });
    assert_eq!(told, 10_000);
    assert_eq!(fs::read(scene.path()).unwrap(), sound());
    let modified = fs::metadata(scene.path()).unwrap().modified().unwrap();
    assert_eq!(modified, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    assert_eq!(scene.files(), [("Jet.mp3".to_owned(), true)]);
}

#[tokio::test]
async fn what_is_there_is_not_fetched_again() {
    let scene = scene(answer).await;
    scene.run().await.unwrap();
    assert_eq!(scene.download().there().await.unwrap(), 10_000);
    assert_eq!(scene.run().await.unwrap().kept, 10_000);
    assert_eq!(scene.asked_from().len(), 1);
}

#[tokio::test]
async fn a_song_that_is_cut_is_gone_on_with() {
    let scene = scene(|asked| match asked.header("Range") {
        Some("bytes=0-") | None => answer(asked).cut_after(4000),
        _ => answer(asked),
    })
    .await;
    let error = scene.run().await.unwrap_err();
    assert!(
        matches!(error, DownloadError::Client(ClientError::CutShort { got: 4000, .. })),
        "{error:?}"
    );
    assert_eq!(scene.files(), [(PART.to_owned(), true)]);
    assert_eq!(scene.download().there().await.unwrap(), 4000);
    assert_eq!(scene.run().await.unwrap(), Saved { length: 10_000, kept: 4000, listed: None });
    assert_eq!(scene.files(), [("Jet.mp3".to_owned(), true)]);
    assert_eq!(scene.asked_from().last().unwrap().as_deref(), Some("bytes=4000-"));
}

#[tokio::test]
async fn a_part_with_every_byte_only_gets_its_name() {
    let scene = scene(answer).await;
    let part = scene.download().part().unwrap();
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, sound()).unwrap();
    assert_eq!(scene.run().await.unwrap().kept, 10_000);
    assert_eq!(scene.files(), [("Jet.mp3".to_owned(), true)]);
}

#[tokio::test]
async fn what_is_left_of_another_song_or_of_too_much_is_not_gone_on_with() {
    let mut scene = scene(answer).await;
    let part = scene.download().part().unwrap();
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, vec![9; 20_000]).unwrap();
    assert_eq!(scene.run().await.unwrap().kept, 0);
    assert_eq!(fs::read(scene.path()).unwrap(), sound());
    fs::remove_file(scene.path()).unwrap();
    fs::write(&part, "of the song before it changed").unwrap();
    scene.song.track.modified = Timestamp(1_000_000_001);
    assert_eq!(scene.run().await.unwrap().kept, 0);
    assert_eq!(fs::read(scene.path()).unwrap(), sound());
}

#[tokio::test]
async fn a_server_without_ranges_sends_it_from_the_start() {
    let scene = scene(|_| Reply::new(sound())).await;
    let part = scene.download().part().unwrap();
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, &sound()[..5000]).unwrap();
    assert_eq!(scene.run().await.unwrap(), Saved { length: 10_000, kept: 0, listed: None });
    assert_eq!(fs::read(scene.path()).unwrap(), sound());
}

#[tokio::test]
async fn a_server_that_lies_leaves_no_file_under_the_songs_name() {
    for (name, lie) in [
        ("announces more", (|| Reply::new(sound()).announcing(20_000)) as fn() -> Reply),
        ("hangs up where it said no length", || {
            Reply::new(sound()).until_closed().cut_after(9_999)
        }),
        ("sends nothing", || Reply::new("")),
    ] {
        let scene = scene(move |_| lie()).await;
        scene.run().await.expect_err(name);
        assert!(!scene.path().exists(), "{name}");
    }
}

#[tokio::test]
async fn a_song_of_more_bytes_than_listed_is_told() {
    let scene = scene(|_| Reply::new([sound(), sound()].concat())).await;
    let saved = scene.run().await.unwrap();
    assert_eq!(saved, Saved { length: 20_000, kept: 0, listed: Some(10_000) });
    // And it is known again by what the server says when it is asked for it.
    assert_eq!(scene.run().await.unwrap().kept, 20_000);
    assert_eq!(scene.asked_from().len(), 2);
}

#[tokio::test]
async fn one_of_fewer_is_half_a_song_unless_its_size_is_not_to_count() {
    let scene = scene(|_| Reply::new(&sound()[..6000])).await;
    let error = scene.run().await.unwrap_err();
    assert!(
        matches!(error, DownloadError::FewerThanListed { listed: 10_000, got: 6000 }),
        "{error:?}"
    );
    assert!(!scene.path().exists());
    let download = scene.download().taking_any_size(true);
    for _ in 0..2 {
        let saved = download.run(&scene.client, |_| {}).await.unwrap();
        assert_eq!((saved.length, saved.listed), (6000, Some(10_000)));
    }
    let error = scene.run().await.unwrap_err();
    assert!(matches!(error, DownloadError::Occupied { length: 6000, .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_that_is_not_the_song_is_left_alone_unless_it_is_to_go() {
    let scene = scene(answer).await;
    fs::create_dir_all(scene.path().parent().unwrap()).unwrap();
    fs::write(scene.path(), "mine").unwrap();
    let error = scene.run().await.unwrap_err();
    assert!(matches!(error, DownloadError::Occupied { length: 4, .. }), "{error:?}");
    assert_eq!(fs::read(scene.path()).unwrap(), b"mine");
    scene.download().replacing(true).run(&scene.client, |_| {}).await.unwrap();
    assert_eq!(fs::read(scene.path()).unwrap(), sound());
}

#[tokio::test]
async fn a_song_that_nothing_tells_from_others_begins_anew() {
    let mut scene = scene(|asked| match asked.header("Range") {
        None | Some("bytes=0-") => answer(asked).cut_after(4000),
        _ => answer(asked),
    })
    .await;
    scene.song.persistent_id = None;
    for _ in 0..2 {
        scene.run().await.unwrap_err();
        assert_eq!(scene.files(), [("Jet.mp3.part".to_owned(), true)]);
    }
    assert!(scene.asked_from().iter().flatten().all(|range| range == "bytes=0-"));
}
