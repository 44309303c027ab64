//! What is refused: parameters that are missing, empty, repeated, out of range, too long or no sense.

use super::refuse;
use crate::Request;

/// Requests that are good, and each parameter of theirs that counts: whether the request is good without it.
const STRICT: [(&str, &[(&str, bool)]); 14] = [
    ("playstatusupdate?revision-number=1", &[("revision-number", false)]),
    ("getproperty?properties=dmcp.volume", &[("properties", false)]),
    ("nowplayingartwork?mw=1&mh=1", &[("mw", true), ("mh", true)]),
    ("playqueue-contents?span=9", &[("span", true)]),
    ("controlpromptentry?prompt-id=0", &[("prompt-id", false)]),
    ("setspeakers?speaker-id=0", &[("speaker-id", false)]),
    ("setproperty?dmcp.volume=1&speaker-id=2", &[("dmcp.volume", false), ("speaker-id", true)]),
    (
        "setproperty?dacp.playingtime=1&dacp.shufflestate=1&dacp.repeatstate=1&dmcp.device-volume=0\
         &dmcp.device-prevent-playback=1&dmcp.device-busy=1",
        &[
            ("dacp.playingtime", true),
            ("dacp.shufflestate", true),
            ("dacp.repeatstate", true),
            ("dmcp.device-volume", true),
            ("dmcp.device-prevent-playback", true),
            ("dmcp.device-busy", true),
        ],
    ),
    (
        "setproperty?dacp.userrating=80&item-spec='dmap.itemid:1'&database-spec='dmap.itemid:1'",
        &[("dacp.userrating", true), ("item-spec", false), ("database-spec", true)],
    ),
    (
        "cue?command=play&query='dmap.itemid:1'&index=0&sort=name&invert-sort-order=1&clear-first=1\
         &dacp.shufflestate=1&srcdatabase=0x1",
        &[
            ("command", false),
            ("query", true),
            ("index", true),
            ("sort", true),
            ("invert-sort-order", true),
            ("clear-first", true),
            ("dacp.shufflestate", true),
            ("srcdatabase", true),
        ],
    ),
    (
        "playspec?database-spec='dmap.itemid:1'&container-spec='dmap.itemid:1'&item-spec='dmap.itemid:1'\
         &dacp.shufflestate=1",
        &[
            ("database-spec", false),
            ("container-spec", false),
            ("item-spec", true),
            ("dacp.shufflestate", true),
        ],
    ),
    (
        "playqueue-edit?command=add&query='dmap.itemid:1'&queuefilter=album:1&sort=name&mode=1\
         &clear-previous=1&srcdatabase=0x1",
        &[
            ("command", false),
            ("query", false),
            ("queuefilter", true),
            ("sort", true),
            ("mode", true),
            ("clear-previous", true),
            ("srcdatabase", true),
        ],
    ),
    (
        "playqueue-edit?command=move&edit-params='edit-param.move-pair:3,0'",
        &[("command", false), ("edit-params", false)],
    ),
    ("playqueue-edit?command=remove&items=1", &[("command", false), ("items", false)]),
];

/// The target without a parameter, and its pair.
fn without(target: &str, name: &str) -> (String, String) {
    let (path, parameters) = target.split_once('?').unwrap();
    let is_it = |pair: &&str| pair.split_once('=').unwrap().0 == name;
    let (it, rest): (Vec<&str>, Vec<&str>) = parameters.split('&').partition(is_it);
    (format!("/ctrl-int/1/{path}?session-id=9&{}", rest.join("&")), it.concat())
}

#[test]
fn every_parameter_is_said_once_and_says_something() {
    for (target, parameters) in STRICT {
        for (name, is_optional) in parameters {
            let (rest, pair) = without(target, name);
            let good = format!("{rest}&{pair}");
            assert!(Request::parse(&good).is_ok(), "{good}");
            match is_optional {
                true => assert!(Request::parse(&rest).is_ok(), "{rest}"),
                false => refuse(&rest, 400),
            }
            for bad in [format!("{name}="), (*name).to_owned(), format!("{pair}&{pair}")] {
                refuse(&format!("{rest}&{bad}"), 400);
            }
        }
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let huge = "9".repeat(4000);
    for (target, parameters) in STRICT {
        for (name, _) in parameters {
            // An order or a list that nobody knows is passed over; all others have to be read.
            if matches!(*name, "sort" | "queuefilter" | "properties") {
                continue;
            }
            let (rest, _) = without(target, name);
            for value in [huge.as_str(), "-1e400", "'", "%00", "%FF", "NaN", "(", "'dmap.itemid:"] {
                // A long speaker id is no id, and one that is no id is passed over; but then none is left.
                refuse(&format!("{rest}&{name}={value}"), 400);
            }
        }
    }
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
