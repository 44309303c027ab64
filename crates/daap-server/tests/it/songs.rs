//! Streams, ranges and pictures.

use std::io::Write;

use library::Artwork;

use crate::share::{Opening, Share, pattern};

async fn share_with_file(bytes: &[u8]) -> (Share, tempfile::NamedTempFile, String) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let share = Share::start().await;
    share.songs.open_as("jet", Opening::File(file.path().to_owned()));
    let target = format!("/databases/1/items/{}.mp3", share.item("Jet").await);
    (share, file, target)
}

pub(crate) async fn check_ranges(share: &Share, target: &str, bytes: &[u8]) {
    let size = bytes.len();
    let whole = share.get(target).await;
    assert_eq!(whole.status, 200);
    assert!(whole.body == bytes);
    assert_eq!(whole.header("content-type"), Some("application/x-dmap-tagged"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    for (range, first, end) in [
        ("bytes=1000-1999".to_owned(), 1000, 2000),
        ("bytes=0-".to_owned(), 0, size),
        ("bytes=0-0".to_owned(), 0, 1),
        (format!("bytes={}-", size - 1), size - 1, size),
        ("bytes=-10".to_owned(), size - 10, size),
        ("bytes=5-99999999".to_owned(), 5, size),
    ] {
        let part = share.get_with(target, &[("Range", &range), ("Accept-Encoding", "gzip")]).await;
        assert_eq!(part.status, 206, "{range}");
        let expected = format!("bytes {first}-{}/{size}", end - 1);
        assert_eq!(part.header("content-range"), Some(expected.as_str()));
        assert!(part.header("content-encoding").is_none());
        assert!(part.body == bytes[first..end], "{range}");
    }
    let beyond = share.get_with(target, &[("Range", &format!("bytes={size}-"))]).await;
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("content-range"), Some(format!("bytes */{size}").as_str()));
    for ignored in ["bytes=0-1,5-6", "seconds=1-2", "bytes=x"] {
        let answer = share.get_with(target, &[("Range", ignored)]).await;
        assert_eq!((answer.status, answer.body.len()), (200, size), "{ignored}");
    }
}

#[tokio::test]
async fn parts_of_a_song_in_memory() {
    let share = Share::start().await;
    let target = format!("/databases/1/items/{}.mp3", share.item("Jet").await);
    check_ranges(&share, &target, &pattern(100_000)).await;
}

#[tokio::test]
async fn parts_of_a_song_in_a_file() {
    let bytes = pattern(1_000_000);
    let (share, _file, target) = share_with_file(&bytes).await;
    check_ranges(&share, &target, &bytes).await;
}

#[tokio::test]
async fn targets_of_itunes_12_and_9_stream_too() {
    let (share, _file, target) = share_with_file(&pattern(5_000)).await;
    for scheme in ["daap", "http"] {
        let target = format!("{scheme}://{}{target}", share.address);
        let part = share.get_with(&target, &[("Range", "bytes=1000-1999")]).await;
        assert_eq!(part.status, 206);
        assert!(part.body == pattern(5_000)[1000..2000]);
    }
}

#[tokio::test]
async fn the_suffix_means_nothing() {
    let share = Share::start().await;
    let jet = share.item("Jet").await;
    for suffix in ["", ".mp3", ".Unknown", ".m4v", ".a.b"] {
        let answer = share.get(&format!("/databases/1/items/{jet}{suffix}")).await;
        assert_eq!(answer.body.len(), 100_000, "{suffix}");
    }
}

#[tokio::test]
async fn clients_of_daap_2_get_200_for_a_part() {
    let share = Share::start().await;
    let target = format!("/databases/1/items/{}.mp3", share.item("Jet").await);
    let headers = [("Client-DAAP-Version", "2.0"), ("Range", "bytes=10-19")];
    let answer = share.get_with(&target, &headers).await;
    assert_eq!((answer.status, answer.body.len()), (200, 10));
}

#[tokio::test]
async fn a_download_is_only_resumed_from_the_same_bytes() {
    let (share, mut file, target) = share_with_file(&pattern(5_000)).await;
    let etag = share.get(&target).await.header("etag").unwrap().to_owned();
    let range = ("Range", "bytes=10-");
    assert_eq!(share.get_with(&target, &[range, ("If-Range", &etag)]).await.status, 206);
    assert_eq!(share.get_with(&target, &[range, ("If-Range", "\"other\"")]).await.status, 200);
    file.write_all(b"more").unwrap();
    let answer = share.get_with(&target, &[range, ("If-Range", &etag)]).await;
    assert_eq!((answer.status, answer.body.len()), (200, 5_004));
}

#[tokio::test]
async fn an_empty_file_is_an_empty_song() {
    let (share, _file, target) = share_with_file(b"").await;
    let answer = share.get(&target).await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("0")));
    assert_eq!(share.get_with(&target, &[("Range", "bytes=0-")]).await.status, 416);
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_plays_is_broken_off_not_padded() {
    let bytes = pattern(16_000_000);
    let (share, file, target) = share_with_file(&bytes).await;
    let mut connection = share.connect().await;
    connection.ask("GET", &target, &[]).await.unwrap();
    assert_eq!(connection.head().await.unwrap().header("content-length"), Some("16000000"));
    assert!(connection.read(1_000).await.unwrap() == bytes[..1_000]);
    file.as_file().set_len(2_000).unwrap();
    let rest = connection.closed().await.unwrap_or_default();
    assert!(rest.len() < bytes.len() - 1_000);
    // What is cut off while it is on its way may be blanked by the system.
    let mut came = rest.iter().zip(&bytes[1_000..]);
    assert!(came.all(|(came, was)| came == was || *came == 0), "what was there came, or nothing");
    assert_eq!(share.get("/server-info").await.status, 200);
}

#[tokio::test]
async fn a_listener_who_leaves_in_mid_song_leaves_nothing_behind() {
    let (share, _file, target) = share_with_file(&pattern(16_000_000)).await;
    for _ in 0..20 {
        let mut connection = share.connect().await;
        connection.ask("GET", &target, &[]).await.unwrap();
        assert_eq!(connection.head().await.unwrap().status, 200);
        connection.read(10_000).await.unwrap();
    }
    let mut connection = share.connect().await;
    let alone = async {
        while !connection.get("/metrics").await.unwrap().text().contains("dapple_connections 1\n") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), alone).await.unwrap();
}

#[tokio::test]
async fn slow_readers_are_not_in_each_others_way() {
    let bytes = pattern(16_000_000);
    let (share, _file, target) = share_with_file(&bytes).await;
    let mut slow = Vec::new();
    for _ in 0..64 {
        let mut connection = share.connect().await;
        connection.ask("GET", &target, &[]).await.unwrap();
        connection.head().await.unwrap();
        slow.push(connection);
    }
    assert!(share.get(&target).await.body == bytes, "64 paused players and one that plays");
    let mut rest = slow.pop().unwrap();
    assert!(rest.read(bytes.len()).await.unwrap() == bytes, "a paused player goes on");
}

#[tokio::test]
async fn a_stream_of_unknown_length_comes_in_chunks() {
    let share = Share::start().await;
    let target = format!("/databases/1/items/{}.mp3", share.item("Jet").await);
    share.songs.open_as("jet", Opening::Stream(vec!["one ", "two"], None));
    let answer = share.get_with(&target, &[("Range", "bytes=1-")]).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "one two"));
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    let mut old = share.connect().await;
    old.send(format!("GET {target} HTTP/1.0\r\n\r\n")).await.unwrap();
    let answer = old.answer().await.unwrap();
    assert_eq!(answer.text(), "one two");
    assert!(answer.header("transfer-encoding").is_none());
}

#[tokio::test]
async fn a_stream_shorter_than_announced_is_seen_to_be_short() {
    let share = Share::start().await;
    let target = format!("/databases/1/items/{}.mp3", share.item("Jet").await);
    share.songs.open_as("jet", Opening::Stream(vec!["one ", "two"], Some(100)));
    let answer = share.connect().await.get(&target).await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| !answer.complete));
}

#[tokio::test]
async fn songs_that_cannot_be_had_say_why() {
    let share = Share::start().await;
    let jet = format!("/databases/1/items/{}.mp3", share.item("Jet").await);
    for target in ["/databases/1/items/2147483647.mp3", "/databases/2/items/1.mp3"] {
        assert_eq!(share.get(target).await.status, 404, "{target}");
    }
    share.songs.open_as("jet", Opening::Busy);
    let busy = share.get(&jet).await;
    assert_eq!(busy.status, 503);
    assert!(busy.header("retry-after").is_some());
    let back = format!("/databases/1/items/{}.mp3", share.item("Get Back").await);
    share.songs.set_away(true);
    let away = share.get(&back).await;
    assert_eq!(away.status, 503);
    assert!(away.text().contains("away"), "{}", away.text());
}

#[tokio::test]
async fn pictures_are_200_204_404_or_400() {
    let share = Share::start().await;
    let (jet, back) = (share.item("Jet").await, share.item("Get Back").await);
    let seen = share.library.snapshot().revision();
    let picture = Artwork { media_type: "image/png", bytes: pattern(2_000).into() };
    share.songs.put_artwork("jet", Some(picture));
    share.library.past(seen).await.unwrap();
    let artwork =
        |item: u64, size: &str| format!("/databases/1/items/{item}/extra_data/artwork{size}");
    for size in ["", "?mw=55&mh=55", "?mw=512&mh=0", "?mw=0&mh=0", "?mw=55"] {
        let answer = share.get_with(&artwork(jet, size), &[("Accept-Encoding", "gzip")]).await;
        assert_eq!((answer.status, answer.body.len()), (200, 2_000), "{size}");
        assert_eq!(answer.header("content-type"), Some("image/png"));
        assert!(answer.header("content-encoding").is_none());
    }
    assert_eq!(share.get(&artwork(back, "")).await.status, 204);
    assert_eq!(share.get(&artwork(2_147_483_647, "")).await.status, 404);
    assert_eq!(share.get(&artwork(jet, "?mw=x&mh=5")).await.status, 400);
    assert_eq!(share.get(&artwork(jet, "?mw=-1&mh=5")).await.status, 400);
}

#[tokio::test]
async fn a_group_has_the_picture_of_one_of_its_songs() {
    use dmap::Element;
    use dmap::code::{MIID, MINM, MLCL};
    let share = Share::start().await;
    let seen = share.library.snapshot().revision();
    let picture = Artwork { media_type: "image/jpeg", bytes: pattern(2_000).into() };
    share.songs.put_artwork("jet", Some(picture));
    share.library.past(seen).await.unwrap();
    let session = share.login().await;
    let albums =
        share.get(&format!("/databases/1/groups?group-type=albums&session-id={session}")).await;
    let albums = Element::decode(&albums.body).unwrap();
    for album in albums.child(MLCL).unwrap().children() {
        let id = album.child(MIID).unwrap().uint().unwrap();
        let name = album.child(MINM).unwrap().text().unwrap();
        let target =
            format!("/databases/1/groups/{id}/extra_data/artwork?mw=55&mh=55&group-type=albums");
        let expected = if name == "Band on the Run" { 200 } else { 204 };
        assert_eq!(share.get(&target).await.status, expected, "{name}");
    }
    assert_eq!(share.get("/databases/1/groups/2147483647/extra_data/artwork").await.status, 404);
}
