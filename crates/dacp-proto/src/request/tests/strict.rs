//! What is refused: parameters that are missing, empty, repeated, out of range, too long or no sense.

use testkit::remote::{STRICT, wrong_requests};

use super::refuse;
use crate::Request;

#[test]
fn every_parameter_is_said_once_and_says_something() {
    for strict in STRICT {
        assert!(Request::parse(&strict.target()).is_ok(), "{}", strict.target());
        for target in strict.without_what_is_optional() {
            assert!(Request::parse(&target).is_ok(), "{target}");
        }
    }
    wrong_requests().iter().for_each(|target| refuse(target, 400));
}

#[test]
fn numbers_beyond_their_range_are_refused() {
    for target in [
        "playstatusupdate?revision-number=4294967296",
        "playstatusupdate?revision-number=-1",
        "playqueue-contents?span=4294967296",
        "playqueue-contents?span=--1",
        "playqueue-contents?span=-+1",
        "nowplayingartwork?mw=4294967296&mh=1",
        "setproperty?dmcp.volume=101",
        "setproperty?dmcp.volume=-1",
        "setproperty?dmcp.volume=5.",
        "setproperty?dmcp.volume=.5",
        "setproperty?dacp.playingtime=4294967296",
        "setproperty?dacp.shufflestate=2",
        "setproperty?dacp.repeatstate=3",
        "setproperty?dacp.userrating=256&item-spec='dmap.itemid:1'",
        "setproperty?dmcp.device-volume=0.1",
        "setproperty?dmcp.device-busy=yes",
        "setproperty",
        "setproperty?session-id=1&prompt-id=0",
        "cue?command=play",
        "cue?command=play&index=-1",
        "cue?command=play&query='dmap.itemid:1'&index=4294967296",
        "cue?command=add",
        "cue?command=stop",
        "cue?command=play&query='dmap.itemid:1'&srcdatabase=0",
        "playspec?database-spec='dmap.persistentid:0'&container-spec='dmap.itemid:1'",
        "playqueue-edit?command=add&query='dmap.itemid:1'&mode=4",
        "playqueue-edit?command=add&query='dmap.itemid:1'&queuefilter=album:&mode=1",
        "playqueue-edit?command=add&query='dmap.itemid:1'&queuefilter=album:x&mode=1",
        "playqueue-edit?command=add&query='dmap.itemname:'&query-modifier=containers",
        "playqueue-edit?command=add&query='daap.songgenre:x'&query-modifier=containers",
        "playqueue-edit?command=add&query='dmap.itemid:1'&query-modifier=items",
        "playqueue-edit?command=playnow",
        "playqueue-edit?command=playnow&index=1&mode=2",
        "playqueue-edit?command=move&edit-params='edit-param.move-pair:3'",
        "playqueue-edit?command=move&edit-params='edit-param.move-pair:3,'",
        "playqueue-edit?command=remove&items=1,x",
        "playqueue-edit?command=remove&items=1,,2",
        "playqueue-edit?command=clear&mode=1",
        "playqueue-edit?command=save",
        "playqueue-edit",
    ] {
        refuse(&format!("/ctrl-int/1/{target}"), 400);
    }
}

#[test]
fn a_target_or_query_without_end_is_refused() {
    let long = "a".repeat(daap_proto::MAX_TARGET);
    refuse(&format!("/ctrl-int/1/play?x={long}"), 414);
    let query = "a".repeat(daap_proto::MAX_QUERY);
    refuse(&format!("/ctrl-int/1/cue?command=play&query='dmap.itemname:{query}'"), 400);
    let deep = "(".repeat(1000);
    refuse(&format!("/ctrl-int/1/cue?command=play&query={deep}"), 400);
}
