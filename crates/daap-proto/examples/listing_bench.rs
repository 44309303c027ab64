//! How long it takes to answer for a large library: `cargo run --release -p daap-proto --example listing_bench [SONGS]`.

use std::fmt;
use std::time::{Duration, Instant};

use daap_model::{
    Batch, Codec, Custom, DatabaseId, Edit, ItemId, Model, NewItem, PersistentId, Timestamp, Track,
    Usage,
};
use daap_proto::{ClientClass, Endpoint, Reply, Request, reply};

/// What iTunes 12 asks of each song, as far as we have it.
const ITUNES: &str = "dmap.itemname,dmap.itemid,daap.songartist,daap.songalbumartist,daap.songalbum,\
    daap.songtime,daap.songtracknumber,daap.songtrackcount,daap.songdiscnumber,daap.songdisccount,\
    daap.songgenre,daap.songyear,daap.songbitrate,daap.songsamplerate,daap.songsize,daap.songformat,\
    daap.songdescription,daap.songdateadded,daap.songdatemodified,daap.songuserrating,\
    daap.songcompilation,daap.songcomposer,daap.sortname,daap.sortartist,daap.sortalbum,\
    daap.songalbumid,daap.songartistid,dmap.persistentid,com.apple.itunes.mediakind,\
    daap.songcodectype";

fn main() {
    let songs = std::env::args().nth(1).map_or(100_000, |text| text.parse().expect("a number"));
    let database = DatabaseId::new(1).expect("1 is an id");
    let mut model = Model::new("Large");
    let mut batch = Batch::new().with(Edit::PutDatabase {
        id: database,
        persistent_id: PersistentId::new(1),
        name: "Large".into(),
    });
    for id in 1..=songs {
        batch.push(Edit::PutItem { database, item: song(id) });
    }
    model.apply(batch).expect("a batch without faults");
    let snapshot = model.snapshot();
    let ask = |target: &str| -> Reply {
        let class = ClientClass::default();
        match Request::parse(target).expect("a request").endpoint {
            Endpoint::Items { database, listing } => {
                reply::items(&snapshot, database, &listing, class)
            }
            Endpoint::ContainerItems { database, container, listing } => {
                reply::container_items(&snapshot, database, container, &listing)
            }
            Endpoint::Browse { database, category, listing } => {
                reply::browse(&snapshot, database, category, &listing)
            }
            _ => unreachable!("the targets below are lists of songs and names"),
        }
        .expect("a reply")
    };
    for (name, target) in [
        ("all songs, 30 fields", format!("/databases/1/items?type=music&meta={ITUNES}")),
        ("all songs, default fields", "/databases/1/items".into()),
        ("one album", format!("/databases/1/items?meta={ITUNES}&query='daap.songalbum:Album 77'")),
        ("page 0-49 by name", format!("/databases/1/items?meta={ITUNES}&sort=name&index=0-49")),
        ("container page", "/databases/1/containers/1/items?index=50000-50049".into()),
        ("browse artists", "/databases/1/browse/artists".into()),
        ("search", "/databases/1/items?query='dmap.itemname:*99*'&index=0-49".into()),
    ] {
        let rounds: Vec<Times> = (0..ROUNDS).map(|_| time(|| ask(&target))).collect();
        let best = rounds.iter().copied().reduce(Times::best).unwrap_or_default();
        println!("{name}: {} bytes", best.length);
        println!("  first: {}", rounds[0]);
        println!("  best:  {best}");
    }
}

/// How often each is asked.
const ROUNDS: usize = 9;

/// When the length is known, when the first chunk is there, and when all are.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    length: u64,
    ready: Duration,
    first: Duration,
    all: Duration,
}

impl Times {
    fn best(self, other: Self) -> Self {
        Self {
            length: self.length,
            ready: self.ready.min(other.ready),
            first: self.first.min(other.first),
            all: self.all.min(other.all),
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ready {:?}, first chunk {:?}, all {:?}", self.ready, self.first, self.all)
    }
}

fn time(ask: impl FnOnce() -> Reply) -> Times {
    let start = Instant::now();
    let mut reply = ask();
    let (ready, length) = (start.elapsed(), reply.length());
    let first = reply.next().map(|_| start.elapsed()).unwrap_or_default();
    reply.for_each(drop);
    Times { length, ready, first, all: start.elapsed() }
}

fn song(id: u32) -> NewItem {
    let (album, artist) = (id / 12, id / 60);
    NewItem {
        id: ItemId::new(id).expect("a number from 1"),
        persistent_id: PersistentId::new(u64::from(id).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        track: Track {
            title: format!("The song with the number {id}").into(),
            artist: format!("Artist {artist}").into(),
            album_artist: format!("Artist {artist}").into(),
            album: format!("Album {album}").into(),
            genre: format!("Genre {}", artist % 20).into(),
            composer: format!("Composer {artist}").into(),
            track: (id % 12 + 1) as u16,
            track_count: 12,
            disc: 1,
            disc_count: 1,
            year: (1960 + album % 60) as u16,
            duration_ms: 200_000 + id % 1000,
            size: 8_000_000,
            bitrate_kbps: 320,
            sample_rate: 44_100,
            codec: Codec::Mpeg,
            format: "mp3".into(),
            modified: Timestamp(1_700_000_000),
            ..Track::default()
        },
        usage: Usage { rating: 80, added: Timestamp(1_600_000_000), ..Usage::default() },
        custom: Custom::NONE,
    }
}
