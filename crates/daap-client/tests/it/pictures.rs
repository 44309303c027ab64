//! Pictures as servers send them.

use daap_client::{ClientError, MAX_PICTURE, Picture};
use daap_model::{GroupId, GroupKind};
use daap_proto::PixelBox;
use testkit::daap;
use testkit::server::Reply;

use crate::common::{connect, database, item};

const ARTWORK: &str = "/databases/1/items/1/extra_data/artwork";

async fn picture(answer: fn() -> Reply) -> Result<Option<Picture>, ClientError> {
    let (_server, client) = connect(move |asked| match asked.path() {
        ARTWORK => answer(),
        _ => daap::answer(asked),
    })
    .await;
    client.artwork(database(), item(1), None).await
}

#[tokio::test]
async fn a_picture_is_what_its_bytes_say() {
    for (bytes, told, is) in [
        (&b"\xFF\xD8\xFF\xE0"[..], "application/x-dmap-tagged", "image/jpeg"),
        (b"\x89PNG\r\n", "image/jpeg", "image/png"),
        (b"RIFF", "image/webp", "image/webp"),
    ] {
        let (_server, client) = connect(move |asked| match asked.path() {
            ARTWORK => Reply::new(bytes).with("Content-Type", told),
            _ => daap::answer(asked),
        })
        .await;
        let picture = client.artwork(database(), item(1), None).await.unwrap().unwrap();
        assert_eq!((picture.media_type.as_str(), &*picture.bytes), (is, bytes));
    }
}

#[tokio::test]
async fn a_song_may_have_no_picture() {
    for answer in [|| Reply::status(204), || Reply::status(404), || Reply::new("")] {
        assert_eq!(picture(answer).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_box_is_asked_for() {
    let (server, client) = connect(daap::answer).await;
    let size = Some(PixelBox { width: 320, height: 240 });
    assert_eq!(client.artwork(database(), item(1), size).await.unwrap(), None);
    let asked = &server.asked_for(ARTWORK)[0];
    assert_eq!((asked.parameter("mw"), asked.parameter("mh")), (Some("320"), Some("240")));
}

#[tokio::test]
async fn an_album_may_have_a_picture() {
    let (_server, client) = connect(|asked| match (asked.path(), asked.parameter("group-type")) {
        ("/databases/1/groups/5/extra_data/artwork", Some("albums")) => Reply::new("\u{89}PNG"),
        _ => daap::answer(asked),
    })
    .await;
    let album = GroupId::new(5).unwrap();
    let picture = client.group_artwork(database(), GroupKind::Albums, album, None).await.unwrap();
    assert!(picture.is_some());
}

#[tokio::test]
async fn a_picture_without_end_is_given_up() {
    let error = picture(|| Reply::made(std::iter::repeat_with(|| vec![0; 1 << 20]))).await;
    let error = error.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { limit: MAX_PICTURE, .. }), "{error:?}");
}
