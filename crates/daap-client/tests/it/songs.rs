//! Songs as servers send them.

use daap_client::{Client, ClientError, Sound};
use futures_util::TryStreamExt;
use testkit::daap::{self, SONG};
use testkit::server::Reply;

use crate::common::{SOON, connect, database, item, url};

/// From where the tests ask for the song.
const FROM: u64 = 4_000;

/// The length of the song.
const ALL: u64 = 10_000;

/// The song from [`FROM`] on.
fn rest() -> Vec<u8> {
    daap::sound()[FROM as usize..].to_vec()
}

/// Asks for the song, from a server that answers so.
async fn ask(from: u64, answer: fn() -> Reply) -> Result<Sound, ClientError> {
    let (_server, client) = connect(move |asked| match asked.path() {
        SONG => answer(),
        _ => daap::answer(asked),
    })
    .await;
    client.song(database(), item(1), "mp3", from).await
}

async fn collect(sound: Sound) -> Result<Vec<u8>, ClientError> {
    sound.try_fold(Vec::new(), |all, piece| async move { Ok([all, piece.to_vec()].concat()) }).await
}

/// Checks what is known of the song from [`FROM`] on before its bytes come, and that they are the right ones.
async fn check(answer: fn() -> Reply, length: Option<u64>, total: Option<u64>) {
    let sound = ask(FROM, answer).await.unwrap();
    assert_eq!((sound.start(), sound.length(), sound.total()), (FROM, length, total));
    assert_eq!(collect(sound).await.unwrap(), rest());
}

#[tokio::test]
async fn a_song_comes_from_any_byte_on() {
    let (server, client) = connect(daap::answer).await;
    for from in [0, 1, ALL - 1] {
        let sound = client.song(database(), item(1), "mp3", from).await.unwrap();
        assert_eq!((sound.start(), sound.total()), (from, Some(ALL)));
        assert_eq!(sound.media_type(), Some("audio/mpeg"));
        assert_eq!(collect(sound).await.unwrap(), &daap::sound()[from as usize..]);
    }
    let ranges: Vec<_> = server.asked_for(SONG);
    let ranges: Vec<_> = ranges.iter().map(|asked| asked.header("Range")).collect();
    assert_eq!(ranges, [None, Some("bytes=1-"), Some("bytes=9999-")]);
    assert!(server.asked_for(SONG).iter().all(|song| song.header("Accept-Encoding").is_none()));
}

#[tokio::test]
async fn a_part_is_taken_whatever_its_content_range_says() {
    let length = Some(ALL - FROM);
    let right =
        || Reply::new(rest()).with_status(206).with("Content-Range", "bytes 4000-9999/10000");
    check(right, length, Some(ALL)).await;
    let missing = || Reply::new(rest()).with_status(206);
    check(missing, length, Some(ALL)).await;
    let owntone =
        || Reply::new(rest()).with_status(206).with("Content-Range", "bytes 4000-10000/10000");
    check(owntone, length, Some(ALL)).await;
    let banshee =
        || Reply::new(rest()).with_status(206).with("Content-Range", "bytes 4000-10000/10001");
    check(banshee, length, Some(ALL)).await;
    let nonsense = || Reply::new(rest()).with_status(206).with("Content-Range", "a part");
    check(nonsense, length, Some(ALL)).await;
}

#[tokio::test]
async fn a_part_needs_no_length() {
    let chunked = || Reply::new(rest()).with_status(206).chunked();
    check(chunked, None, None).await;
    let closed = || {
        let part =
            Reply::new(rest()).with_status(206).with("Content-Range", "bytes 4000-9999/10000");
        part.until_closed()
    };
    check(closed, None, Some(ALL)).await;
}

#[tokio::test]
async fn a_server_without_ranges_begins_at_the_start_and_one_can_skip() {
    let mut sound = ask(FROM, || Reply::new(daap::sound())).await.unwrap();
    assert_eq!((sound.start(), sound.total()), (0, Some(ALL)));
    sound.skip_to(FROM).await.unwrap();
    assert_eq!((sound.start(), sound.length()), (FROM, Some(ALL - FROM)));
    assert_eq!(collect(sound).await.unwrap(), rest());

    let mut sound = ask(FROM, || Reply::new(daap::sound())).await.unwrap();
    let error = sound.skip_to(ALL + 1).await.unwrap_err();
    assert!(matches!(error, ClientError::PastEnd { total: Some(ALL), .. }), "{error:?}");
}

#[tokio::test]
async fn nothing_is_after_the_last_byte_and_less_beyond_it() {
    let (_server, client) = connect(daap::answer).await;
    let sound = client.song(database(), item(1), "mp3", ALL).await.unwrap();
    assert_eq!((sound.start(), sound.length(), sound.total()), (ALL, Some(0), Some(ALL)));
    assert!(collect(sound).await.unwrap().is_empty());
    let error = client.song(database(), item(1), "mp3", ALL + 1).await.unwrap_err();
    assert!(matches!(error, ClientError::PastEnd { total: Some(ALL), .. }), "{error:?}");
    let error = ask(FROM, || Reply::status(416)).await.unwrap_err();
    assert!(matches!(error, ClientError::PastEnd { asked: FROM, total: None }), "{error:?}");
}

#[tokio::test]
async fn a_song_that_ends_too_soon_is_an_error() {
    let lie: fn() -> Reply = || Reply::new(daap::sound()).announcing(ALL + 5);
    let cut: fn() -> Reply = || Reply::new(daap::sound()).cut_after(1_000);
    let cut_chunks: fn() -> Reply = || Reply::new(daap::sound()).chunked().cut_after(1_000);
    for (answer, all, some) in
        [(lie, Some(ALL + 5), ALL), (cut, Some(ALL), 1_000), (cut_chunks, None, 1_000)]
    {
        let error = collect(ask(0, answer).await.unwrap()).await.unwrap_err();
        let ClientError::CutShort { expected, got } = error else { panic!("{error:?}") };
        assert_eq!((expected, got), (all, some));
    }
}

#[tokio::test]
async fn a_song_has_no_more_bytes_than_are_announced() {
    let sound = ask(0, || Reply::new(daap::sound()).announcing(10)).await.unwrap();
    assert_eq!(collect(sound).await.unwrap(), &daap::sound()[..10]);
}

#[tokio::test]
async fn a_song_that_stalls_is_given_up() {
    let server = testkit::server::Server::start(|asked| match asked.path() {
        SONG => Reply::new(daap::sound()).stall_after(1_000),
        _ => daap::answer(asked),
    })
    .await;
    let builder = Client::builder().stall_timeout(SOON);
    let client = builder.connect(&url(&server)).await.unwrap();
    let mut sound = client.song(database(), item(1), "mp3", 0).await.unwrap();
    assert!(sound.skip_to(1_000).await.is_ok());
    let error = sound.try_next().await.unwrap_err();
    assert!(matches!(error, ClientError::Stalled { after: SOON }), "{error:?}");
    assert!(sound.try_next().await.unwrap().is_none(), "after an error there is no more");
}

#[tokio::test]
async fn a_song_that_is_packed_is_unpacked() {
    let sound = ask(0, || Reply::new(daap::sound()).gzip()).await.unwrap();
    assert_eq!(sound.length(), None);
    assert_eq!(collect(sound).await.unwrap(), daap::sound());
}

#[tokio::test]
async fn a_song_that_is_not_there_is_refused() {
    let (_server, client) = connect(daap::answer).await;
    let error = client.song(database(), item(3), "mp3", 0).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { status: 404, .. }), "{error:?}");
}

#[tokio::test]
async fn a_url_of_a_song_plays_elsewhere() {
    let (server, client) = connect(daap::answer).await;
    let bare = format!("http://{}{SONG}", server.address());
    assert_eq!(client.song_url(database(), item(1), "mp3", false), bare);
    let full = format!("{bare}?session-id={}", daap::SESSION);
    assert_eq!(client.song_url(database(), item(1), "mp3", true), full);
}

#[tokio::test]
async fn whether_a_player_needs_a_session_can_be_asked() {
    let (_server, client) = connect(daap::answer).await;
    assert!(!client.plays_to_anyone(database(), item(1), "mp3").await.unwrap());
    let (server, client) = connect(|asked| match asked.path() {
        SONG => Reply::new(daap::sound()),
        _ => daap::answer(asked),
    })
    .await;
    assert!(client.plays_to_anyone(database(), item(1), "mp3").await.unwrap());
    assert_eq!(server.asked_for(SONG)[0].parameter("session-id"), None);
}
