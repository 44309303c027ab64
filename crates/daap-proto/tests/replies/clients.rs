//! What single clients can take.

use daap_proto::Reply;
use daap_proto::reply::{self, Password, ServerInfo};
use dmap::{Code, Element, code};

use crate::library::*;

/// The tags around and inside what it asks for that both lines of libdmapsharing know. One tag more, and version 4
/// (Rhythmbox from 3.4.5 on) shows an empty library.
const LIBDMAPSHARING: &str = "abal abar abcp abgn abpl abro adbs aeFP aeHV aeMK aePP aePS aeSG aeSP \
    aeSV agal agrp aply apro apso arif asaa asai asal asar asbr asbt ascm asco ascp asda asdb asdc \
    asdk asdm asdn asdt aseq asfm asgn asrv assa assp assr asst assu assz astc astm astn asul asur \
    asyr avdb mbcl mccr mcna mcnm mcon mctc mcti mcty mdcl miid mikd mimc minm mlcl mlid mlit mlog \
    mpco mper mpro mrco msal msas msau msbr msdc msex msix mslr mspi msqy msrs msrv mstm msts mstt \
    msup mtco mudl mupd musr muty";

/// What version 4 knows beyond that. Version 2.9 stops reading a container at the first of them.
const LIBDMAPSHARING_4: &str = "aeCs aeMQ aeMk aeSL aeSR aeTr asgr ated mdbk meds msed";

fn is_in(list: &str, code: Code) -> bool {
    list.split(' ').any(|known| known.as_bytes() == code.0)
}

/// Every tag is known to version 4, and in each container version 2.9 reads all that it knows before it stops.
#[track_caller]
fn check(reply: Reply) {
    let mut containers = vec![Element::decode(&reply.into_bytes()).expect("a reply")];
    while let Some(container) = containers.pop() {
        let mut stopped = None;
        for child in container.children() {
            let code = child.code;
            let (old, new) = (is_in(LIBDMAPSHARING, code), is_in(LIBDMAPSHARING_4, code));
            assert!(old || new, "{code} in {}", container.code);
            assert!(!old || stopped.is_none(), "{code} after {stopped:?}");
            stopped = stopped.or(new.then_some(code));
            containers.push(child.clone());
        }
    }
}

#[test]
fn what_remote_finds_in_the_base_container_comes_by_album() {
    let titles = |list: &str, query: &str| -> Vec<String> {
        let target = format!("/databases/1/{list}?meta=dmap.itemname&{query}");
        let reply = ask(&snapshot(), itunes(), &target).unwrap();
        let root = Element::decode(&reply.into_bytes()).unwrap();
        let songs = root.child(code::MLCL).unwrap().children();
        songs.iter().map(|song| song.child(code::MINM).unwrap().text().unwrap().into()).collect()
    };
    let found = "query='com.apple.itunes.mediakind:1'";
    assert_eq!(titles("containers/1/items", found), titles("items", found));
    assert_ne!(titles("containers/1/items", found), titles("containers/1/items", ""));
    // A playlist keeps its order.
    assert_eq!(titles("containers/11/items", found), titles("containers/11/items", ""));
}

#[test]
fn rhythmbox_is_sent_no_tag_it_does_not_know() {
    let info = ServerInfo { name: "Café", password: Password::Wanted, databases: 1 };
    check(reply::server_info(&info, imitator()).unwrap());
    check(reply::login(7));
    check(reply::update(daap_model::Revision::FIRST));
    for target in [
        "/databases?session-id=7&revision-number=2",
        "/databases/1/items?session-id=7&revision-number=2&meta=dmap.itemid,dmap.itemname,\
         daap.songalbum,daap.songartist,daap.songgenre,daap.songsize,daap.songtime,\
         daap.songtrackcount,daap.songtracknumber,daap.songyear,daap.songformat,daap.songbitrate,\
         daap.songdiscnumber,daap.songdataurl,daap.sortartist,daap.sortalbum,\
         com.apple.itunes.has-video",
        "/databases/1/containers?session-id=7&revision-number=2",
        "/databases/1/containers/11/items?session-id=7&revision-number=2&meta=dmap.itemid",
    ] {
        check(ask(&snapshot(), imitator(), target).unwrap());
        // Nor if the library has fields of its own, and playlists can be edited.
        check(ask(&custom(), imitator().editing(), target).unwrap());
    }
}
