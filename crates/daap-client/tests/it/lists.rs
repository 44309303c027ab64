//! Lists as servers write them.

use daap_client::ClientError;
use daap_proto::read::Database;
use daap_proto::{Listing, Step};
use dmap::Encoder;
use dmap::code::{ADBS, MLCL, MRCO, MTCO, MUTY};
use futures_util::TryStreamExt;
use testkit::daap;
use testkit::server::Reply;

use crate::common::{connect, database, titles};

#[tokio::test]
async fn a_list_may_be_whole_chunked_packed_or_end_with_the_connection() {
    let list = || daap::dmap(daap::songs(ADBS));
    let forms: [fn(Reply) -> Reply; 6] = [
        |list| list,
        Reply::chunked,
        Reply::gzip,
        |list| list.gzip().chunked(),
        Reply::until_closed,
        |list| list.gzip().until_closed(),
    ];
    for form in forms {
        let answer = move |asked: &testkit::server::Asked| match asked.path() {
            daap::ITEMS => form(list()),
            _ => daap::answer(asked),
        };
        let (_server, client) = connect(answer).await;
        assert_eq!(titles(&client).await.unwrap(), daap::SONGS);
    }
}

#[tokio::test]
async fn a_server_may_want_to_be_told_that_nothing_was_seen_yet() {
    let (_server, client) = connect(|asked| match asked.path() {
        "/server-info" | "/login" => daap::answer(asked),
        _ if ["revision-number", "delta"].iter().any(|name| asked.parameter(name).is_none()) => {
            Reply::status(400)
        }
        _ => daap::answer(asked),
    })
    .await;
    assert_eq!(client.databases().await.unwrap().len(), 1);
    assert_eq!(titles(&client).await.unwrap(), daap::SONGS);
    let revision = client.update(None).await.unwrap();
    let step = Step { revision: Some(revision), delta: None };
    let listing = Listing { step, ..Listing::default() };
    let mut songs = client.items(database(), &listing).await.unwrap();
    assert_eq!(songs.collect_at_most(10).await.unwrap().len(), daap::SONGS.len());
}

#[tokio::test]
async fn a_list_that_ends_too_soon_is_an_error_after_its_entries() {
    let forms: [fn(Reply) -> Reply; 4] = [
        |list| list.cut_after(150),
        |list| list.chunked().cut_after(150),
        |list| list.until_closed().cut_after(150),
        |list| list.gzip().cut_after(40),
    ];
    for form in forms {
        let (_server, client) = connect(move |asked| match asked.path() {
            daap::ITEMS => form(daap::dmap(daap::songs(ADBS))),
            _ => daap::answer(asked),
        })
        .await;
        let error = titles(&client).await.unwrap_err();
        let is_told = matches!(error, ClientError::CutShort { .. } | ClientError::Broken { .. });
        assert!(is_told, "{error:?}");
        assert_eq!(client.databases().await.unwrap().len(), 1, "the client goes on");
    }
}

#[tokio::test]
async fn a_list_may_be_written_in_any_way() {
    type Write = fn(&mut Encoder, &[u8]);
    let with_counts_last: Write = |out, songs| {
        out.bytes(MLCL, songs);
        out.u8(MUTY, 0);
        out.u32(MRCO, 2);
        out.u32(MTCO, 2);
    };
    let without_counts: Write = |out, songs| out.bytes(MLCL, songs);
    let with_wrong_counts: Write = |out, songs| {
        out.u64(MTCO, 1 << 40);
        out.u8(MRCO, 0);
        out.bytes(MLCL, songs);
    };
    let with_unknown_tags: Write = |out, songs| {
        out.string(dmap::Code(*b"????"), "what is this?");
        out.bytes(MLCL, songs);
        out.container(dmap::Code(*b"\xFF\0\xFF\0"), |_| {});
    };
    for write in [with_counts_last, without_counts, with_wrong_counts, with_unknown_tags] {
        let (_server, client) = connect(move |asked| match asked.path() {
            daap::ITEMS => {
                let songs =
                    [daap::song_entry(1, "Jet"), daap::song_entry(2, "Let 'Em In")].concat();
                let mut out = Encoder::new(Vec::new());
                out.container(ADBS, |out| write(out, &songs));
                daap::dmap(out.finish().unwrap())
            }
            _ => daap::answer(asked),
        })
        .await;
        assert_eq!(titles(&client).await.unwrap(), daap::SONGS);
    }
}

#[tokio::test]
async fn a_list_of_more_entries_than_are_wanted_is_an_error() {
    let (_server, client) = connect(daap::answer).await;
    let mut songs = client.items(database(), &Listing::default()).await.unwrap();
    let error = songs.collect_at_most(1).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { limit: 1, .. }), "{error:?}");
    let endpoint = daap_proto::Endpoint::Databases(Step::default());
    let mut databases = client.list::<Database>(endpoint).await.unwrap();
    assert_eq!(databases.collect_at_most(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_list_is_an_error() {
    for body in ["", "<html></html>", "msrv"] {
        let (_server, client) = connect(move |asked| match asked.path() {
            daap::ITEMS => Reply::new(body),
            _ => daap::answer(asked),
        })
        .await;
        let error = titles(&client).await.unwrap_err();
        assert!(matches!(error, ClientError::Broken { .. }), "{error:?}");
    }
}

/// What the system may hold of a list that nobody reads, and we: the buffers of two sockets, and a few pieces.
const BUFFERED: u64 = 24 << 20;

#[tokio::test]
async fn a_long_list_waits_for_its_reader() {
    let (server, client) = connect(|asked| match asked.path() {
        daap::ITEMS => daap::long_list(1_000_000),
        _ => daap::answer(asked),
    })
    .await;
    let mut songs = client.items(database(), &Listing::default()).await.unwrap();
    assert_eq!(songs.try_next().await.unwrap().unwrap().id.get(), 1);
    assert_eq!(songs.head().total, Some(1_000_000));
    for _ in 0..100 {
        client.databases().await.unwrap();
        assert!(server.sent() < BUFFERED, "{} bytes for one who reads an entry", server.sent());
    }
}

#[tokio::test]
async fn a_long_list_is_read_to_its_end() {
    const SONGS: u32 = 100_000;
    let (_server, client) = connect(|asked| match asked.path() {
        daap::ITEMS => daap::long_list(SONGS),
        _ => daap::answer(asked),
    })
    .await;
    let songs = client.items(database(), &Listing::default()).await.unwrap();
    let ids = songs.try_fold(0, |before, song| async move {
        assert_eq!(song.id.get(), before + 1);
        Ok(song.id.get())
    });
    assert_eq!(ids.await.unwrap(), SONGS);
}

#[tokio::test]
async fn a_delta_says_what_is_gone() {
    let (_server, client) = connect(|asked| match asked.path() {
        daap::ITEMS => daap::dmap(daap::delta(ADBS, &[daap::song_entry(3, "Bluebird")], &[1, 2])),
        _ => daap::answer(asked),
    })
    .await;
    let mut songs = client.items(database(), &Listing::default()).await.unwrap();
    assert_eq!(songs.collect_at_most(10).await.unwrap().len(), 1);
    assert!(songs.head().is_update);
    assert_eq!(songs.gone(), [1, 2]);
}

#[tokio::test]
async fn an_entry_without_an_id_is_passed_over() {
    let (_server, client) = connect(|asked| match asked.path() {
        daap::ITEMS => {
            let entries = [daap::song_entry(0, "Nobody"), daap::song_entry(2, "Jet")];
            daap::dmap(daap::list(ADBS, &entries))
        }
        _ => daap::answer(asked),
    })
    .await;
    assert_eq!(titles(&client).await.unwrap(), ["Jet"]);
}
