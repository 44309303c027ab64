//! Every reply, byte for byte, with a readable dump beside it.
//!
//! `REGENERATE_GOLDEN=1 cargo test -p daap-proto` writes them anew: look at what changed before you keep it.

use daap_model::{Browse, ContainerItemId, GroupKind, ItemId, Revision, Snapshot};
use daap_proto::reply::{self, Password, ServerInfo};
use daap_proto::{ClientClass, Endpoint, Query, Reply, Request};
use dmap::{Element, code};

use crate::library::*;

/// Compares a reply with the one that was kept under this name.
#[track_caller]
fn check(name: &str, reply: Reply) {
    let length = reply.length();
    let bytes = reply.into_bytes();
    assert_eq!(bytes.len() as u64, length, "{name}: the length that was announced");
    Element::decode(&bytes).expect(name);
    let dump = dmap::dump(&bytes).to_string();
    let path = |suffix| format!("{}/tests/golden/{name}.{suffix}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("REGENERATE_GOLDEN").is_some() {
        std::fs::write(path("dmap"), &bytes).expect(name);
        std::fs::write(path("txt"), &dump).expect(name);
    }
    assert_eq!(dump, std::fs::read_to_string(path("txt")).expect(name), "{name}");
    assert_eq!(bytes, std::fs::read(path("dmap")).expect(name), "{name}");
}

/// Compares the reply to a request for a list.
#[track_caller]
fn check_list(name: &str, target: &str) {
    check(name, ask(&snapshot(), itunes(), target).expect(name));
}

/// The titles that a request for a list gets.
fn names(snapshot: &Snapshot, client: ClientClass, target: &str) -> Vec<String> {
    let reply = ask(snapshot, client, target).expect(target);
    let root = Element::decode(&reply.into_bytes()).expect(target);
    let list = root.child(code::MLCL).expect("a list");
    let name = |entry: &Element| entry.child(code::MINM)?.text().map(str::to_owned);
    list.children().iter().filter_map(name).collect()
}

#[test]
fn server_info_is_told_as_the_client_can_take_it() {
    let info = ServerInfo { name: "Café", password: Password::None, databases: 1 };
    let check_for = |name, info: &ServerInfo<'_>, client| {
        check(name, reply::server_info(info, client).unwrap());
    };
    check_for("server-info", &info, remote());
    check_for("server-info-editing", &info, remote().editing());
    check_for("server-info-itunes-12", &info, itunes());
    check_for("server-info-short", &info, imitator());
    let locked = ServerInfo { password: Password::Wanted, ..info };
    check_for("server-info-daap-1", &locked, ClientClass::new(None, Some("1.0")));
}

#[test]
fn content_codes_name_every_tag_we_send() {
    check_list("content-codes", "/content-codes");
    check("content-codes-custom", reply::content_codes(&custom()).unwrap());
}

#[test]
fn content_codes_have_only_types_that_every_reader_knows() {
    let root = Element::decode(&reply::content_codes(&snapshot()).unwrap().into_bytes()).unwrap();
    let entries = &root.children()[1..];
    let mut codes: Vec<_> = entries.iter().filter_map(|entry| count(entry, code::MCNM)).collect();
    for entry in entries {
        let number = count(entry, code::MCTY).unwrap();
        assert!([1, 3, 5, 7, 9, 10, 11, 12].contains(&number), "{entry:?}");
        assert!(!entry.child(code::MCNA).and_then(Element::text).unwrap().is_empty());
    }
    let all = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all, "each code once");
}

#[test]
fn small_replies() {
    check("login", reply::login(1_338_497_195));
    check("update", reply::update(Revision::new(42)));
    check("error", reply::error(code::MLOG, 503, "too many listeners"));
    check("edited", reply::edited());
    check("playlist-added", reply::playlist_added(container_id(28_770)));
    let entries = [28_773, 28_774].map(|id| ContainerItemId::new(id).unwrap());
    check("entries-added", reply::entries_added(&entries).unwrap());
}

#[test]
fn a_reason_is_cut_between_characters() {
    let reply = reply::error(code::MLOG, 500, &"é".repeat(reply::MAX_REASON));
    let root = Element::decode(&reply.into_bytes()).unwrap();
    let reason = root.child(code::MSTS).and_then(Element::text).unwrap();
    assert_eq!(reason.len(), reply::MAX_REASON);
}

#[test]
fn lists_in_full() {
    check_list("databases", "/databases?session-id=1&revision-number=2&delta=0");
    check_list("items", "/databases/1/items");
    check_list("items-all", "/databases/1/items?type=music&meta=all");
    check_list(
        "items-libdmapsharing",
        "/databases/1/items?meta=dmap.itemid,dmap.itemname,daap.songalbum,daap.songartist,\
         daap.songgenre,daap.songsize,daap.songtime,daap.songtrackcount,daap.songtracknumber,\
         daap.songyear,daap.songformat,daap.songbitrate,daap.songdiscnumber,daap.songdataurl,\
         daap.sortartist,daap.sortalbum,com.apple.itunes.has-video",
    );
    check_list(
        "items-sorted",
        "/databases/1/items?meta=dmap.itemname&sort=name&include-sort-headers=1",
    );
    check_list("containers", "/databases/1/containers");
    check_list(
        "containers-itunes-12",
        "/databases/1/containers?meta=dmap.itemid,dmap.itemname,dmap.persistentid,\
         dmap.parentcontainerid,com.apple.itunes.is-podcast-playlist,\
         com.apple.itunes.special-playlist,com.apple.itunes.smart-playlist,\
         dmap.haschildcontainers,com.apple.itunes.saved-genius,dmap.objectextradata",
    );
    check_list("container-items", "/databases/1/containers/11/items");
    for (category, word) in [
        (Browse::Artists, "artists"),
        (Browse::Albums, "albums"),
        (Browse::Genres, "genres"),
        (Browse::Composers, "composers"),
    ] {
        let target = format!("/databases/1/browse/{word}?include-sort-headers=1");
        check_list(&format!("browse-{}", format!("{category:?}").to_lowercase()), &target);
    }
    check_list("groups-albums", "/databases/1/groups?group-type=albums&include-sort-headers=1");
    check_list(
        "groups-artists",
        "/databases/1/groups?group-type=artists&sort=album&meta=dmap.itemname,dmap.persistentid,\
         daap.songartistid,daap.groupalbumcount,daap.songtime",
    );
}

#[test]
fn fields_of_the_librarys_own_come_last_with_the_width_of_their_kind() {
    let check_for = |name, target| check(name, ask(&custom(), itunes(), target).expect(name));
    check_for(
        "items-custom",
        "/databases/1/items?query='dmap.itemid:7'&meta=com.example.text,dmap.itemname,\
         com.example.ubyte,com.example.byte,com.example.ushort,com.example.short,com.example.uint,\
         com.example.int,com.example.ulong,com.example.long,com.example.date,com.example.version,\
         daap.songstarttime",
    );
    check_for("items-custom-all", "/databases/1/items?query='dmap.itemid:7'&meta=all");
    check_for(
        "container-items-custom",
        "/databases/1/containers/20/items?meta=com.example.text,dmap.containeritemid",
    );
}

#[test]
fn fields_of_the_librarys_own_are_sent_to_nobody_who_does_not_ask_for_them() {
    for target in [
        "/databases/1/items",
        "/databases/1/items?meta=dmap.itemname",
        "/databases/1/items?meta=com.example.textile,com.example",
        "/databases/1/containers/20/items",
    ] {
        let reply = ask(&custom(), itunes(), target).unwrap().into_bytes();
        assert!(!reply.windows(3).any(|bytes| bytes == b"own"), "{target}");
    }
}

/// What Remote asks of playlists.
const REMOTE_CONTAINERS: &str = "/databases/1/containers?meta=dmap.itemname,dmap.itemcount,\
    dmap.itemid,dmap.persistentid,daap.baseplaylist,com.apple.itunes.special-playlist,\
    com.apple.itunes.smart-playlist,com.apple.itunes.saved-genius,dmap.parentcontainerid,\
    dmap.editcommandssupported";

#[test]
fn who_may_edit_is_told_what_can_be_edited() {
    let check_for = |name, target| {
        check(name, ask(&snapshot(), remote().editing(), target).expect(name));
    };
    check_for("databases-editing", "/databases");
    check_for("containers-editing", REMOTE_CONTAINERS);
}

#[test]
fn nothing_is_said_of_editing_to_who_may_not_or_could_not_take_it() {
    for client in [remote(), itunes(), imitator().editing()] {
        for target in ["/databases", REMOTE_CONTAINERS, "/databases/1/containers?meta=all"] {
            let reply = ask(&snapshot(), client, target).expect(target);
            let root = Element::decode(&reply.into_bytes()).expect(target);
            for entry in root.child(code::MLCL).expect(target).children() {
                assert!(entry.child(code::MEDS).is_none(), "{target}");
            }
        }
    }
}

#[test]
fn lists_of_what_changed() {
    let (seen, snapshot) = changed();
    let now = snapshot.revision();
    let step = format!("revision-number={now}&delta={seen}");
    let check_delta = |name, path| {
        let target = format!("{path}?{step}&meta=dmap.itemname,daap.songuserrating");
        check(name, ask(&snapshot, itunes(), &target).expect(name));
    };
    check_delta("databases-delta", "/databases");
    check_delta("items-delta", "/databases/1/items");
    check_delta("containers-delta", "/databases/1/containers");
    check_delta("container-items-never-delta", "/databases/1/containers/11/items");
}

/// `muty`, and how many entries there are.
fn update_type(snapshot: &Snapshot, client: ClientClass, target: &str) -> (u64, u64) {
    let reply = ask(snapshot, client, target).expect(target);
    let root = Element::decode(&reply.into_bytes()).expect(target);
    (count(&root, code::MUTY).expect("muty"), count(&root, code::MRCO).expect("mrco"))
}

#[test]
fn a_client_that_is_up_to_date_gets_an_empty_delta() {
    let (_, snapshot) = changed();
    let now = snapshot.revision();
    for path in ["/databases", "/databases/1/items", "/databases/1/containers"] {
        let target = format!("{path}?revision-number={now}&delta={now}");
        assert_eq!(update_type(&snapshot, itunes(), &target), (1, 0), "{path}");
    }
}

#[test]
fn where_a_delta_could_be_wrong_the_list_is_whole() {
    let (seen, snapshot) = changed();
    let now = snapshot.revision();
    let ahead = now.get() + 1;
    for step in [
        "delta=0".to_owned(),
        format!("revision-number={now}"),
        format!("revision-number={now}&delta={ahead}"),
        format!("revision-number={seen}&delta={now}"),
        format!("revision-number={now}&delta={seen}&query='dmap.itemid!:0'"),
        format!("revision-number={now}&delta={seen}&index=0-"),
    ] {
        let target = format!("/databases/1/items?{step}");
        assert_eq!(update_type(&snapshot, itunes(), &target), (0, 5), "{step}");
    }
    let target = format!("/databases/1/items?revision-number={now}&delta={seen}");
    assert_eq!(update_type(&snapshot, imitator(), &target), (0, 5));
}

#[test]
fn only_what_is_asked_for_is_sent() {
    let reply = ask(&snapshot(), itunes(), "/databases/1/items?meta=daap.songtime,x.unknown");
    let root = Element::decode(&reply.unwrap().into_bytes()).unwrap();
    for song in root.child(code::MLCL).unwrap().children() {
        let codes: Vec<_> = song.children().iter().map(|field| field.code).collect();
        assert_eq!(codes, [code::MIKD, code::MIID, code::ASTM]);
    }
    assert!(root.child(code::MSHL).is_none());
    assert!(root.child(code::MUDL).is_none());
}

#[test]
fn artwork_is_announced_only_where_it_was_asked_for() {
    let codes = |meta: &str| {
        let target = format!("/databases/1/items?query='dmap.itemid:1'&meta={meta}");
        let reply = ask(&snapshot(), itunes(), &target).unwrap();
        let root = Element::decode(&reply.into_bytes()).unwrap();
        let song = &root.child(code::MLCL).unwrap().children()[0];
        song.children()[2..].iter().map(|field| field.code).collect::<Vec<_>>()
    };
    assert_eq!(codes("daap.songextradata"), [code::ASED, code::ASAC]);
    assert_eq!(codes("dmap.itemname"), [code::MINM]);
}

#[test]
fn queries_sorting_and_pages_work_together() {
    let songs = |parameters: &str| {
        let target = format!("/databases/1/items?meta=dmap.itemname&{parameters}");
        names(&snapshot(), itunes(), &target)
    };
    let rock = "query='daap.songgenre:Rock'";
    assert_eq!(songs(&format!("{rock}&sort=name")), ["Get Back", "Jet", "Let 'Em In"]);
    // By album, as no order is asked for: what is on none comes last.
    assert_eq!(songs(rock), ["Jet", "Get Back", "Let 'Em In"]);
    assert_eq!(songs(&format!("{rock}&sort=name&index=1")), ["Jet"]);
    assert_eq!(songs(&format!("{rock}&sort=name&index=-1")), ["Let 'Em In"]);
    let wings = "query='daap.songartist:Wings'+'dmap.itemname:*et*'";
    assert_eq!(songs(wings), ["Jet", "Let 'Em In"]);
    assert_eq!(songs("query='daap.songartist:Nobody'"), Vec::<String>::new());
    assert_eq!(songs("query='daap.songmood:blue'").len(), 5);

    let reply = ask(&snapshot(), itunes(), &format!("/databases/1/items?{rock}&index=0-1"));
    let root = Element::decode(&reply.unwrap().into_bytes()).unwrap();
    assert_eq!(count(&root, code::MTCO), Some(3));
    assert_eq!(count(&root, code::MRCO), Some(2));
}

#[test]
fn songs_to_add_are_those_named_in_that_order_or_those_found_by_album() {
    let snapshot = snapshot();
    let database = snapshot.database(DB).unwrap();
    let songs = |query: &str| -> Vec<u32> {
        let songs = Query::parse(query).unwrap().songs(database);
        songs.into_iter().map(ItemId::get).collect()
    };
    assert_eq!(songs("'dmap.itemid:3'"), [3]);
    assert_eq!(songs("('dmap.itemid:3','dmap.itemid:1','dmap.itemid:0x3')"), [3, 1, 3]);
    // It is told that there is no such song.
    assert_eq!(songs("'dmap.itemid:1','dmap.itemid:999'"), [1, 999]);
    // Jet, Get Back, and what is on no album.
    assert_eq!(songs("'daap.songgenre:Rock'"), [1, 2, 5]);
    assert_eq!(songs("'daap.songgenre:Rock'+'dmap.itemid!:2'"), [1, 5]);
}

#[test]
fn containers_list_their_entries() {
    let entries =
        |id: &str| names(&snapshot(), itunes(), &format!("/databases/1/containers/{id}/items"));
    assert_eq!(entries("0").len(), 5);
    assert_eq!(entries("1").len(), 5);
    assert_eq!(entries("10"), Vec::<String>::new());
    assert_eq!(entries("11"), ["Für Elise", "Jet", "Für Elise"]);
    assert_eq!(entries("12"), ["Jet", "Get Back", "Let 'Em In"]);
    // A query narrows a playlist, and leaves it in its order.
    assert_eq!(entries("11/items?query='dmap.itemid:3'&x="), ["Für Elise", "Für Elise"]);
}

#[test]
fn a_query_on_playlists_hides_none() {
    let target = "/databases/1/containers?query=('dmap.itemname:Café',\
                  'com.apple.itunes.extended-media-kind:65537')";
    assert_eq!(names(&snapshot(), itunes(), target), ["Café", "Folder", "Mine", "Rock"]);
}

#[test]
fn groups_lead_to_their_songs() {
    let reply = ask(&snapshot(), itunes(), "/databases/1/groups?group-type=albums");
    let root = Element::decode(&reply.unwrap().into_bytes()).unwrap();
    assert_eq!(root.code, code::AGAL);
    for group in root.child(code::MLCL).unwrap().children() {
        let id = count(group, code::MPER).unwrap();
        let target = format!("/databases/1/containers/1/items?query='daap.songalbumid:{id}'");
        let songs = names(&snapshot(), itunes(), &target).len() as u64;
        assert_eq!(count(group, code::MIMC), Some(songs));
    }
    let artists = Request::parse("/databases/1/groups?group-type=artists").unwrap().endpoint;
    assert!(matches!(artists, Endpoint::Groups { kind: GroupKind::Artists, .. }));
}

#[test]
fn what_is_not_there_is_not_found() {
    for target in [
        "/databases/2/items",
        "/databases/2/containers",
        "/databases/1/containers/99/items",
        "/databases/2/browse/artists",
        "/databases/2/groups",
    ] {
        let error = ask(&snapshot(), itunes(), target).unwrap_err();
        assert_eq!(error.status(), 404, "{target}: {error}");
    }
}
