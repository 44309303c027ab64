//! Players that behave, for tests of Remotes: they change one answer of one and see what becomes of it.

use dmap::code::*;

use crate::daap::{dmap, login, root};
use crate::server::{Asked, Reply};

/// The session that they give.
pub const SESSION: u32 = 55_555;

/// The guid that they know.
pub const GUID: &str = "0xFAEA410630AEC05E";

/// The revision that they are at.
pub const REVISION: u32 = 7;

/// The picture of what plays.
pub const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nnot a picture";

/// A player of music like owntone, whose queue can be seen and edited.
pub fn music(asked: &Asked) -> Reply {
    either(asked).unwrap_or_else(|| match asked.path() {
        "/ctrl-int" => dmap(interface(3)),
        "/ctrl-int/1/getproperty" => dmap(root(CMGT, |out| out.u32(CMVO, 60))),
        "/ctrl-int/1/getspeakers" => dmap(speakers()),
        "/ctrl-int/1/playqueue-contents" => dmap(queue()),
        "/databases" => dmap(crate::daap::databases()),
        "/databases/1/containers" => dmap(crate::daap::containers()),
        "/ctrl-int/1/cue" => dmap(cued(0x412)),
        "/ctrl-int/1/playqueue-edit" if asked.parameter("command") == Some("playnow") => {
            dmap(cued(0x412))
        }
        path if path.starts_with("/ctrl-int/1/") => Reply::status(204),
        _ => Reply::status(404),
    })
}

/// An Apple TV 2 or 3, as pyatv has one: it knows buttons, a menu, and what plays; not what it can do.
pub fn apple_tv(asked: &Asked) -> Reply {
    let is_button = |verb: &str| {
        ["play", "pause", "playpause", "stop", "nextitem", "previtem", "controlpromptentry"]
            .contains(&verb)
    };
    either(asked).unwrap_or_else(|| match asked.path().strip_prefix("/ctrl-int/1/") {
        Some("setproperty") if asked.method == "POST" => Reply::status(200),
        Some(verb) if is_button(verb) && asked.method == "POST" => Reply::status(200),
        _ => Reply::status(404),
    })
}

/// What all of them answer: who logs in, and what plays.
fn either(asked: &Asked) -> Option<Reply> {
    let in_session = asked.parameter("session-id") == Some(&SESSION.to_string());
    Some(match asked.path() {
        "/login" if asked.parameter("pairing-guid") == Some(GUID) => dmap(login(SESSION)),
        "/login" => Reply::status(503),
        "/ctrl-int" => return None,
        _ if !in_session => Reply::status(403),
        "/logout" => Reply::status(204),
        "/ctrl-int/1/playstatusupdate"
            if asked.parameter("revision-number") == Some(&REVISION.to_string()) =>
        {
            Reply::silence()
        }
        "/ctrl-int/1/playstatusupdate" => dmap(playing(REVISION)),
        "/ctrl-int/1/nowplayingartwork" => Reply::new(PICTURE).with("Content-Type", "image/png"),
        _ => return None,
    })
}

/// `cmst`: a song plays, 22 s in.
#[must_use]
pub fn playing(revision: u32) -> Vec<u8> {
    root(CMST, |out| {
        out.u32(CMSR, revision);
        out.u8(CAPS, 4);
        out.u8(CASH, 0);
        out.u8(CARP, 2);
        out.u8(CAVC, 1);
        out.bytes(CANP, &[0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 4, 0x12]);
        out.string(CANN, "Jet");
        out.string(CANA, "Wings");
        out.string(CANL, "Band on the Run");
        out.u32(CANT, 27_000);
        out.u32(CAST, 49_000);
    })
}

/// `cmst` of an idle Apple TV, which tells no more than its revision.
#[must_use]
pub fn idle(revision: u32) -> Vec<u8> {
    root(CMST, |out| out.u32(CMSR, revision))
}

/// `caci` with this `ceSX`, of which the lowest bit is the queue.
#[must_use]
pub fn interface(extensions: u64) -> Vec<u8> {
    root(CACI, |out| {
        out.container(MLCL, |out| {
            out.container(MLIT, |out| {
                out.u32(MIID, 1);
                out.u64(CESX, extensions);
            });
        });
    })
}

/// `cacr`: this song plays now.
#[must_use]
pub fn cued(item: u32) -> Vec<u8> {
    root(CACR, |out| out.u32(MIID, item))
}

/// `casp`: the computer, and a kitchen that is half as loud.
fn speakers() -> Vec<u8> {
    root(CASP, |out| {
        for (id, name, volume) in [(0, "Computer", 100), (0x78CA_3946_072A, "Kitchen", 50)] {
            out.container(MDCL, |out| {
                out.u8(CAIA, 1);
                out.string(MINM, name);
                out.u64(MSMA, id);
                out.u32(CMVO, volume);
            });
        }
    })
}

/// `ceQR`: two songs come next.
fn queue() -> Vec<u8> {
    root(CEQR, |out| {
        out.container(MLCL, |out| {
            for (place, title) in [(1, "Bluebird"), (2, "Mrs Vandebilt")] {
                out.container(MLIT, |out| {
                    out.string(CEQN, title);
                    out.u32(ASTM, 200_000);
                    out.u32(CEQI, place);
                });
            }
        });
    })
}
