//! Made-up songs to measure with, and the requests to measure.
//!
//! - [`track`], [`item`] and [`model`] make songs with every field in use: ten to an album, ten albums to an artist.
//! - [`ask`] answers a request target from a snapshot, as a server would, without a server.
//! - [`figure`] prints a measurement in the form that `cargo xtask bench` reads.
//!
//! It is for benches only; nothing depends on it.
//!
//! ```
//! let snapshot = bench::model(20).snapshot();
//! let reply = bench::ask(&snapshot, &bench::full_listing());
//! let length = reply.length();
//! assert_eq!(reply.map(|chunk| chunk.len() as u64).sum::<u64>(), length);
//! ```

mod figures;
mod songs;

use daap_model::Snapshot;
use daap_proto::{ClientClass, Endpoint, Reply, Request, reply};

pub use figures::{figure, milliseconds, peak_memory, resident_memory, timed};
pub use songs::{DATABASE, item, model, put, track};

/// The thirty fields of a song that iTunes 12 asks for.
pub const ITUNES_FIELDS: &str = "dmap.itemname,dmap.itemid,daap.songartist,daap.songalbumartist,daap.songalbum,\
    daap.songtime,daap.songtracknumber,daap.songtrackcount,daap.songdiscnumber,daap.songdisccount,\
    daap.songgenre,daap.songyear,daap.songbitrate,daap.songsamplerate,daap.songsize,daap.songformat,\
    daap.songdescription,daap.songdateadded,daap.songdatemodified,daap.songuserrating,\
    daap.songcompilation,daap.songcomposer,daap.sortname,daap.sortartist,daap.sortalbum,\
    daap.songalbumid,daap.songartistid,dmap.persistentid,com.apple.itunes.mediakind,\
    daap.songcodectype";

/// Asks for all songs with [`ITUNES_FIELDS`].
pub fn full_listing() -> String {
    format!("/databases/1/items?type=music&meta={ITUNES_FIELDS}")
}

/// Asks for what changed between two revisions, with [`ITUNES_FIELDS`].
pub fn delta(from: u32, to: u32) -> String {
    format!("{}&revision-number={to}&delta={from}", full_listing())
}

/// The songs of an album by its id, with [`ITUNES_FIELDS`].
pub fn album(id: u64) -> String {
    format!("{}&query='daap.songalbumid:{id}'&sort=album", full_listing())
}

/// The first page of all songs by name, with [`ITUNES_FIELDS`].
pub fn first_page() -> String {
    format!("{}&sort=name&index=0-49", full_listing())
}

/// The first page of the songs whose titles have a word that one in five has.
pub fn search() -> String {
    format!("/databases/1/items?meta={ITUNES_FIELDS}&query='dmap.itemname:*silver*'&index=0-49")
}

/// What a server would send for a list of songs or of names.
///
/// # Panics
///
/// If the target asks for anything else, or for what is not there.
pub fn ask(snapshot: &Snapshot, target: &str) -> Reply {
    let client = ClientClass::default();
    let request = Request::parse(target).expect("the targets of the benches are right");
    let reply = match request.endpoint {
        Endpoint::Items { database, listing } => reply::items(snapshot, database, &listing, client),
        Endpoint::ContainerItems { database, container, listing } => {
            reply::container_items(snapshot, database, container, &listing, client)
        }
        Endpoint::Browse { database, category, listing } => {
            reply::browse(snapshot, database, category, &listing)
        }
        other => panic!("no list of songs or names: {other:?}"),
    };
    reply.expect("what is asked for is there")
}
