//! The messages that `dmap` keeps, put together by hand from the rules of the wire, as a client reads them.

use daap_model::{Codec, ContainerItemId, PersistentId, Revision, Timestamp};
use daap_proto::read::{self, Container, Entry, Group, ReadError, ServerInfo, Song};
use daap_proto::reply::Password;
use dmap::{DecodeError, Tags, Version, code};

use crate::read_back::read_in;

fn message(name: &str) -> Vec<u8> {
    let path = format!("{}/../dmap/tests/fixtures/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .flat_map(str::split_whitespace)
        .map(|digits| u8::from_str_radix(digits, 16).expect("two hex digits"))
        .collect()
}

#[track_caller]
fn entries<E: Entry>(name: &str) -> (Vec<E>, Vec<u32>) {
    let (entries, gone, _) = read_in(&message(name), 100);
    (entries, gone)
}

#[test]
fn a_server_a_session_and_a_revision() {
    let info = ServerInfo::read(&message("01-server-info")).unwrap();
    assert_eq!((info.name.as_str(), info.daap), ("Café", Some(Version::new(3, 0, 12))));
    assert_eq!((info.password, info.supports_groups), (Password::Wanted, false));
    assert_eq!(read::login(&message("03-login")), Ok(1_338_497_195));
    assert!(read::update(&message("04-update")).unwrap() >= Revision::FIRST);
}

#[test]
fn a_session_from_a_root_that_announces_too_much() {
    assert_eq!(read::login(&message("23-bad-root-too-long")), Ok(8158));
}

#[test]
fn a_refusal_within_a_reply() {
    let refused = ReadError::Refused { status: 500, reason: "Invalid request".into() };
    assert_eq!(read::update(&message("12-error")), Err(refused));
}

#[test]
fn songs_with_many_fields_and_with_few() {
    let (songs, _) = entries::<Song>("06-items");
    let [elise, japan] = &songs[..] else { panic!("{songs:?}") };
    assert_eq!((elise.track.title.as_str(), elise.track.codec), ("Für Elise", Codec::Mpeg));
    assert_eq!((elise.track.duration_ms, elise.track.size), (213_375, 8_535_000));
    assert_eq!((elise.usage.rating, elise.usage.added), (80, Timestamp(1_700_000_000)));
    assert_eq!(elise.album_id, Some(PersistentId::new(0x9000_0000_0000_0001)));
    assert_eq!((japan.id.get(), japan.track.title.as_str()), (0x8000_0002, "日本"));
    assert_eq!((japan.track.album.as_str(), japan.track.duration_ms), ("", 0));
}

#[test]
fn a_delta() {
    let (songs, gone) = entries::<Song>("07-items-delta");
    let names: Vec<_> = songs.iter().map(|song| song.track.title.as_str()).collect();
    assert_eq!((names, gone), (vec!["Für Elise (edit)"], vec![7, 9]));
}

#[test]
fn containers_and_their_entries() {
    let (containers, _) = entries::<Container>("08-containers");
    let kinds: Vec<_> =
        containers.iter().map(|list| (list.is_base, list.is_smart, list.is_folder)).collect();
    let [base, smart, folder, plain] =
        [(true, false, false), (false, true, false), (false, false, true), (false, false, false)];
    assert_eq!(kinds, [base, smart, folder, plain]);
    assert_eq!(containers[3].parent, Some(containers[2].id));
    let (songs, _) = entries::<Song>("09-container-items");
    let ids: Vec<_> = songs.iter().map(|song| song.entry.map(ContainerItemId::get)).collect();
    assert_eq!(ids, [Some(101), Some(102), Some(103)]);
}

#[test]
fn names_and_groups_beside_sort_headers() {
    let (names, _) = entries::<String>("10-browse-artists");
    assert_eq!(names, ["ABBA", "AC/DC", "Björk", "2Pac"]);
    let (groups, _) = entries::<Group>("11-groups-albums");
    let [album] = &groups[..] else { panic!("{groups:?}") };
    assert_eq!((album.name.as_str(), album.artist.as_str()), ("Bagatellen", "Beethoven"));
}

#[test]
fn a_song_with_numbers_of_unusual_width() {
    let bytes = message("15-odd-widths");
    let song = Song::read(Tags::new(&bytes).next_tag().unwrap().unwrap()).unwrap();
    assert_eq!((song.id.get(), song.track.bitrate_kbps, song.track.duration_ms), (9, 320, 256));
}

#[test]
fn what_is_malformed_is_refused() {
    let too_long = DecodeError::Truncated { code: code::MSTT, offset: 8, length: 5, left: 4 };
    assert_eq!(read::login(&message("21-bad-child-overruns-parent")), Err(too_long.into()));
    let nothing = ReadError::Missing { code: code::MLID, offset: 0 };
    assert_eq!(read::login(&message("22-bad-length-ffffffff")), Err(nothing));
}
