//! Our own replies, as a client reads them.

use std::fmt::Debug;

use daap_model::{
    Batch, Codec, ContainerContent, ContentRating, Edit, GroupId, MediaKind, Model, PersistentId,
    Revision, Snapshot, Text, Timestamp, Track, Usage,
};
use daap_proto::read::{
    self, Container, Database, Entry, Group, Head, ListReader, Part, ServerInfo, Song,
};
use daap_proto::reply::{self, Password};
use dmap::{Element, Version, code};
use proptest::prelude::*;

use crate::library::*;

/// Entries and what is gone, in chunks of about this size.
#[track_caller]
pub(crate) fn read_in<E: Entry>(bytes: &[u8], chunk: usize) -> (Vec<E>, Vec<u32>, Head) {
    let (mut reader, mut entries, mut gone) = (ListReader::new(), Vec::new(), Vec::new());
    for chunk in bytes.chunks(chunk) {
        reader.push(chunk);
        while let Some(part) = reader.next_part().expect("a list of ours") {
            match part {
                Part::Entry(tag) => entries.push(E::read(tag).expect("an entry of ours")),
                Part::Gone(id) => gone.push(id),
            }
        }
    }
    (entries, gone, reader.end().expect("a whole list"))
}

/// The list that a request gets, the same in all sorts of chunks.
#[track_caller]
fn list_of<E: Entry + PartialEq + Debug>(
    snapshot: &Snapshot,
    target: &str,
) -> (Vec<E>, Vec<u32>, Head) {
    let bytes = ask(snapshot, remote(), target).expect(target).into_bytes();
    let list = read_in(&bytes, bytes.len());
    for chunk in [1, 7, 100] {
        assert_eq!(read_in(&bytes, chunk), list, "{target} in chunks of {chunk}");
    }
    list
}

#[track_caller]
fn entries_of<E: Entry + PartialEq + Debug>(target: &str) -> Vec<E> {
    list_of(&snapshot(), target).0
}

/// The head of a full list.
fn full(total: u32, returned: u32) -> Head {
    Head { is_update: false, total: Some(total), returned: Some(returned) }
}

#[test]
fn databases_are_read_back() {
    let expected = Database {
        id: DB,
        persistent_id: Some(PersistentId::new(0xDA7A_BA5E)),
        name: "Café".into(),
        items: Some(5),
        containers: Some(4),
    };
    let (databases, gone, head) = list_of::<Database>(&snapshot(), "/databases");
    assert_eq!((databases, gone, head), (vec![expected], vec![], full(1, 1)));
}

#[test]
fn containers_are_read_back() {
    let target = "/databases/1/containers?meta=dmap.itemname,dmap.persistentid,\
                  com.apple.itunes.smart-playlist,dmap.haschildcontainers";
    let containers = entries_of::<Container>(target);
    let shapes: Vec<_> = containers
        .iter()
        .map(|container| {
            let Container { id, name, items, parent, .. } = container;
            let parent = parent.map(|parent| parent.get());
            let kind = match (container.is_base, container.is_smart, container.is_folder) {
                (true, false, false) => "base",
                (false, true, false) => "smart",
                (false, false, true) => "folder",
                (false, false, false) => "playlist",
                other => panic!("{other:?}"),
            };
            (id.get(), name.as_str(), items.expect("a count"), parent, kind)
        })
        .collect();
    assert_eq!(
        shapes,
        [
            (1, "Café", 5, None, "base"),
            (10, "Folder", 0, None, "folder"),
            (11, "Mine", 3, Some(10), "playlist"),
            (12, "Rock", 3, None, "smart"),
        ]
    );
    assert_eq!(containers[2].persistent_id, Some(PersistentId::new(0xC000_0000_0000_000B)));
}

#[test]
fn entries_of_a_container_are_read_back() {
    let songs = entries_of::<Song>("/databases/1/containers/11/items");
    let entries: Vec<_> = songs
        .iter()
        .map(|song| (song.entry.expect("an entry").get(), song.id.get(), song.track.title.as_str()))
        .collect();
    assert_eq!(entries, [(100, 3, "Für Elise"), (101, 1, "Jet"), (102, 3, "Für Elise")]);
}

#[test]
fn names_are_read_back() {
    let (names, _, head) =
        list_of::<String>(&snapshot(), "/databases/1/browse/artists?include-sort-headers=1");
    assert_eq!(names, ["The Beatles", "Beethoven", "Wings", "2Pac"]);
    assert_eq!(head, full(4, 4));
}

#[test]
fn groups_are_read_back() {
    let target = "/databases/1/groups?group-type=albums&meta=all&index=1";
    let (albums, _, head) = list_of::<Group>(&snapshot(), target);
    let [album] = &albums[..] else { panic!("{albums:?}") };
    assert_eq!((album.name.as_str(), album.artist.as_str()), ("Band on the Run", "Wings"));
    assert_eq!((album.items, album.albums, album.duration_ms), (Some(1), None, Some(248_000)));
    assert_eq!(head, full(3, 1));
    let song = entries_of::<Song>("/databases/1/items?meta=all&query='dmap.itemid:1'").remove(0);
    assert_eq!((song.album_id, song.artist_id), (album.persistent_id, album.artist_id));
    let artists = entries_of::<Group>("/databases/1/groups?group-type=artists&meta=all");
    let wings = artists.iter().find(|artist| artist.name == "Wings").expect("an artist");
    assert_eq!((wings.albums, wings.persistent_id), (Some(1), album.artist_id));
    assert!(wings.id.map(GroupId::get) > Some(0));
}

#[test]
fn what_changed_and_what_is_gone_is_read_back() {
    let (seen, changed) = changed();
    let target = |list: &str| {
        format!("/databases/1/{list}?revision-number={}&delta={seen}", changed.revision())
    };
    let (songs, gone, head) = list_of::<Song>(&changed, &target("items"));
    let ids: Vec<u32> = songs.iter().map(|song| song.id.get()).collect();
    assert_eq!((ids, gone), (vec![1, 6], vec![4]));
    assert_eq!(head, Head { is_update: true, ..full(5, 2) });
    let (_, gone, head) = list_of::<Container>(&changed, &target("containers"));
    assert_eq!((gone, head.is_update), (vec![10], true));
}

#[test]
fn an_entry_can_be_had_with_every_tag() {
    let entries = entries_of::<Element>("/databases/1/items?meta=all");
    let entry = &entries[0];
    assert_eq!(entry.child(code::MINM).and_then(Element::text), Some("Jet"));
    assert_eq!(entry.child(code::ASHP).and_then(Element::uint), Some(1));
    let names = entries_of::<Element>("/databases/1/browse/genres");
    assert_eq!(names[0].text(), Some("Klassik"));
}

#[test]
fn a_server_is_read_back() {
    let info = reply::ServerInfo { name: "Café", password: Password::Wanted, databases: 2 };
    let read =
        |client| ServerInfo::read(&reply::server_info(&info, client).expect("short").into_bytes());
    let expected = ServerInfo {
        name: "Café".into(),
        dmap: Some(Version::new(2, 0, 10)),
        daap: Some(Version::new(3, 0, 12)),
        password: Password::Wanted,
        login_required: true,
        databases: Some(2),
        timeout_s: Some(1800),
        supports_update: true,
        supports_persistent_ids: true,
        supports_browse: true,
        supports_query: true,
        supports_index: true,
        supports_groups: true,
        supports_edit: false,
    };
    assert_eq!(read(remote()), Ok(expected.clone()));
    assert_eq!(read(imitator()), Ok(ServerInfo { supports_groups: false, ..expected }));
    for password in [Password::None, Password::WantedWithName] {
        let info = reply::ServerInfo { password, ..info };
        let bytes = reply::server_info(&info, remote()).expect("short").into_bytes();
        assert_eq!(ServerInfo::read(&bytes).map(|info| info.password), Ok(password));
    }
}

#[test]
fn a_session_and_a_revision_are_read_back() {
    assert_eq!(read::login(&reply::login(0x8000_0000).into_bytes()), Ok(0x8000_0000));
    let revision = Revision::new(42);
    assert_eq!(read::update(&reply::update(revision).into_bytes()), Ok(revision));
    let refusal = reply::error(code::MLOG, 503, "too many listeners").into_bytes();
    let refused = read::ReadError::Refused { status: 503, reason: "too many listeners".into() };
    assert_eq!(read::login(&refusal), Err(refused.clone()));
    assert_eq!(read::update(&refusal), Err(refused));
    let (expected, found) = ("a revision", code::MLOG);
    assert_eq!(
        read::update(&reply::login(7).into_bytes()),
        Err(read::ReadError::Unexpected { expected, found })
    );
}

prop_compose! {
    fn names()(texts in prop::collection::vec(".{0,12}", 13)) -> Track {
        let mut texts = texts.into_iter().map(Text::from);
        let mut next = || texts.next().expect("as many as are used");
        Track {
            title: next(),
            artist: next(),
            album_artist: next(),
            album: next(),
            genre: next(),
            composer: next(),
            comment: next(),
            grouping: next(),
            sort_title: next(),
            sort_artist: next(),
            sort_album_artist: next(),
            sort_album: next(),
            sort_composer: next(),
            ..Track::default()
        }
    }
}

prop_compose! {
    fn track()(
        names in names(),
        [track, track_count, disc, disc_count, year, bpm, bitrate_kbps] in any::<[u16; 7]>(),
        [duration_ms, sample_rate, modified, released] in any::<[u32; 4]>(),
        size in prop_oneof![any::<u32>().prop_map(u64::from), any::<u64>()],
        [compilation, has_artwork] in any::<[bool; 2]>(),
        codec in prop::sample::select(&Codec::ALL[..]),
        // Without a suffix that of the codec is sent.
        format in "[a-z0-9]{1,4}",
        content_rating in prop::sample::select(
            &[ContentRating::None, ContentRating::Explicit, ContentRating::Clean][..],
        ),
        media_kind in prop::sample::select(
            &[MediaKind::Music, MediaKind::Podcast, MediaKind::Audiobook][..],
        ),
    ) -> Track {
        Track {
            track, track_count, disc, disc_count, year, bpm, bitrate_kbps, duration_ms, sample_rate,
            size, compilation, has_artwork, codec, content_rating, media_kind,
            format: format.into(),
            modified: Timestamp(modified),
            released: Timestamp(released),
            ..names
        }
    }
}

prop_compose! {
    fn usage()(
        rating in any::<u8>(),
        [play_count, skip_count, last_played, last_skipped, bookmark_ms, added] in
            any::<[u32; 6]>(),
    ) -> Usage {
        Usage {
            rating, play_count, skip_count, bookmark_ms,
            last_played: Timestamp(last_played),
            last_skipped: Timestamp(last_skipped),
            added: Timestamp(added),
            measured: None,
        }
    }
}

proptest! {
    #[test]
    fn a_song_is_read_back_as_it_is(track in track(), usage in usage(), id in 1_u32..) {
        let mut model = Model::new("");
        let put = Edit::PutDatabase { id: DB, persistent_id: PersistentId::LOWEST, name: "".into() };
        model
            .apply(Batch::from_iter([
                put,
                put_item(id, track.clone(), usage),
                put_container(2, "", None, ContainerContent::Items(Vec::new())),
            ]))
            .expect("a batch without faults");
        let snapshot = model.snapshot();
        let target = "/databases/1/containers/1/items?meta=all";
        let bytes = ask(&snapshot, remote(), target).expect(target).into_bytes();
        let songs = read_in::<Song>(&bytes, bytes.len()).0;
        let item = snapshot.database(DB).unwrap().items().find(item_id(id)).unwrap();
        prop_assert_eq!(songs, [Song {
            id: item.id,
            entry: daap_model::ContainerItemId::new(id),
            persistent_id: Some(item.persistent_id),
            track,
            usage,
            album_id: Some(item.album_id),
            artist_id: Some(item.artist_id),
            stream: None,
        }]);
    }
}
