//! A small share that behaves, for tests of clients: they change one answer of it and see what becomes of it.

use dmap::code::{
    ABAR, ABPL, ABRO, ADBS, APLY, APRO, APSO, ASFM, AVDB, MCTC, MCTI, MIID, MIKD, MIMC, MINM, MLCL,
    MLID, MLIT, MLOG, MPRO, MRCO, MSAU, MSDC, MSLR, MSRV, MSTT, MTCO, MUDL, MUPD, MUSR, MUTY,
};
use dmap::{Code, Encoder};

use crate::server::{Asked, Reply};

/// The session that it gives.
pub const SESSION: u32 = 4711;

/// The revision that it is at.
pub const REVISION: u32 = 7;

/// Its songs, with the ids 1 and 2.
pub const SONGS: [&str; 2] = ["Jet", "Let 'Em In"];

/// Where the sound of the first song is.
pub const SONG: &str = "/databases/1/items/1.mp3";

/// Where the songs are listed.
pub const ITEMS: &str = "/databases/1/items";

/// The sound of every song.
#[must_use]
pub fn sound() -> Vec<u8> {
    (0..=255).cycle().take(10_000).collect()
}

/// What it answers. It asks for a session, and holds `/update` for ever from a client that is up to date.
pub fn answer(asked: &Asked) -> Reply {
    match asked.path() {
        "/server-info" => return dmap(server_info()),
        "/login" => return dmap(login(SESSION)),
        _ => {}
    }
    if asked.parameter("session-id") != Some(&SESSION.to_string()) {
        return Reply::status(403);
    }
    match asked.path() {
        "/logout" => Reply::status(204),
        "/update" if asked.parameter("revision-number") == Some(&REVISION.to_string()) => {
            Reply::silence()
        }
        "/update" => dmap(update(REVISION)),
        "/databases" => dmap(databases()),
        ITEMS => dmap(songs(ADBS)),
        "/databases/1/containers" => dmap(containers()),
        "/databases/1/containers/1/items" => dmap(songs(APSO)),
        "/databases/1/browse/artists" => dmap(names(ABAR, &["Paul", "Wings"])),
        SONG | "/databases/1/items/2.mp3" => song(asked),
        _ => Reply::status(404),
    }
}

/// A reply whose body is DMAP.
pub fn dmap(body: Vec<u8>) -> Reply {
    Reply::new(body)
        .with("DAAP-Server", "testkit/1.0")
        .with("Content-Type", "application/x-dmap-tagged")
}

/// `msrv`: DAAP 3, a session, no password.
#[must_use]
pub fn server_info() -> Vec<u8> {
    info(1)
}

/// `msrv` of a server that does not ask for a session.
#[must_use]
pub fn server_info_without_login() -> Vec<u8> {
    info(0)
}

fn info(login_required: u8) -> Vec<u8> {
    root(MSRV, |out| {
        out.u32(MPRO, 0x0002_000A);
        out.string(MINM, "A share");
        out.u32(APRO, 0x0003_000C);
        out.u8(MSLR, login_required);
        out.u8(MSAU, 0);
        out.u32(MSDC, 1);
    })
}

/// `mlog` with this session.
#[must_use]
pub fn login(session: u32) -> Vec<u8> {
    root(MLOG, |out| out.u32(MLID, session))
}

/// `mupd` with this revision.
#[must_use]
pub fn update(revision: u32) -> Vec<u8> {
    root(MUPD, |out| out.u32(MUSR, revision))
}

/// `avdb` with its one database.
#[must_use]
pub fn databases() -> Vec<u8> {
    list(
        AVDB,
        &[entry(|out| {
            out.u32(MIID, 1);
            out.string(MINM, "A share");
            out.u32(MIMC, SONGS.len() as u32);
            out.u32(MCTC, 1);
        })],
    )
}

/// `aply` with the base playlist.
#[must_use]
pub fn containers() -> Vec<u8> {
    list(
        APLY,
        &[entry(|out| {
            out.u32(MIID, 1);
            out.string(MINM, "A share");
            out.u8(ABPL, 1);
            out.u32(MIMC, SONGS.len() as u32);
        })],
    )
}

/// A list of all its songs: `adbs`, or `apso`.
#[must_use]
pub fn songs(code: Code) -> Vec<u8> {
    let entries: Vec<Vec<u8>> = (1..).zip(SONGS).map(|(id, name)| song_entry(id, name)).collect();
    list(code, &entries)
}

/// The entry of a song.
#[must_use]
pub fn song_entry(id: u32, name: &str) -> Vec<u8> {
    entry(|out| {
        out.u8(MIKD, 2);
        out.u32(MIID, id);
        out.u32(MCTI, id);
        out.string(MINM, name);
        out.string(ASFM, "mp3");
    })
}

/// A list with these entries and their number.
#[must_use]
pub fn list(code: Code, entries: &[Vec<u8>]) -> Vec<u8> {
    root(code, |out| {
        out.u8(MUTY, 0);
        out.u32(MTCO, entries.len() as u32);
        out.u32(MRCO, entries.len() as u32);
        out.bytes(MLCL, &entries.concat());
    })
}

/// What changed in a list: these entries, and the ids that are gone.
#[must_use]
pub fn delta(code: Code, entries: &[Vec<u8>], gone: &[u32]) -> Vec<u8> {
    root(code, |out| {
        out.u8(MUTY, 1);
        out.u32(MTCO, entries.len() as u32);
        out.u32(MRCO, entries.len() as u32);
        out.bytes(MLCL, &entries.concat());
        out.container(MUDL, |out| gone.iter().for_each(|id| out.u32(MIID, *id)));
    })
}

/// How many entries of a long list are made and sent in one piece.
const ENTRIES_AT_ONCE: u32 = 1_000;

/// A list of so many songs, made while it is sent.
pub fn long_list(songs: u32) -> Reply {
    let entry = |id| song_entry(id, "A song");
    let mut list = Encoder::new(Vec::new());
    let length = u32::try_from(entry(1).len()).expect("an entry is short") * songs;
    list.header(ADBS, 12 + 9 + 12 + 12 + 8 + length);
    list.u32(MSTT, 200);
    list.u8(MUTY, 0);
    list.u32(MTCO, songs);
    list.u32(MRCO, songs);
    list.header(MLCL, length);
    let head = list.finish().expect("a head is short");
    let entries = (1..=songs).step_by(ENTRIES_AT_ONCE as usize).map(move |first| {
        let after = first.saturating_add(ENTRIES_AT_ONCE).min(songs + 1);
        (first..after).flat_map(entry).collect()
    });
    Reply::made(std::iter::once(head).chain(entries))
}

fn entry(children: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    out.container(MLIT, children);
    out.finish().expect("an entry is short")
}

/// A reply: a status, and what is in it.
pub(crate) fn root(code: Code, children: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    out.container(code, |out| {
        out.u32(MSTT, 200);
        children(out);
    });
    out.finish().expect("a reply is short")
}

fn names(code: Code, names: &[&str]) -> Vec<u8> {
    root(ABRO, |out| {
        out.u32(MTCO, names.len() as u32);
        out.u32(MRCO, names.len() as u32);
        out.container(code, |out| names.iter().for_each(|name| out.string(MLIT, name)));
    })
}

/// The sound of a song, from where the `Range` begins.
fn song(asked: &Asked) -> Reply {
    let (sound, all) = (sound(), sound().len());
    let from = asked
        .header("Range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let reply = match from {
        None => Reply::new(sound),
        Some(from) if from < all => Reply::new(&sound[from..])
            .with_status(206)
            .with("Content-Range", format!("bytes {from}-{}/{all}", all - 1)),
        Some(_) => Reply::status(416).with("Content-Range", format!("bytes */{all}")),
    };
    reply.with("Content-Type", "audio/mpeg")
}
