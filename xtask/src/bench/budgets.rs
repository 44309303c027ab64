//! What dapple promises about speed and memory, and what stands in the way of more.

/// A promise about one figure, or about its ratio to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// What is measured; `{songs}` and `{large}` stand for the sizes.
    pub(crate) what: &'static str,
    pub(crate) figure: &'static str,
    /// The figure it is divided by: nginx doing the same with the same bytes, on the same machine.
    pub(crate) against: Option<&'static str>,
    pub(crate) want: Want,
    /// Of the figure itself, for when it was not measured.
    pub(crate) unit: &'static str,
    pub(crate) must: f64,
    pub(crate) aim: Option<f64>,
    /// What limits it now.
    pub(crate) limit: &'static str,
}

/// Which way is better.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Want {
    AtMost,
    AtLeast,
}

/// A figure that is told without a promise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stated {
    pub(crate) what: &'static str,
    pub(crate) figure: &'static str,
}

const fn at_most(
    what: &'static str,
    figure: &'static str,
    unit: &'static str,
    must: f64,
    aim: f64,
    limit: &'static str,
) -> Budget {
    let aim = Some(aim);
    Budget { what, figure, against: None, want: Want::AtMost, unit, must, aim, limit }
}

const fn at_least(
    what: &'static str,
    figure: &'static str,
    unit: &'static str,
    must: f64,
    aim: f64,
    limit: &'static str,
) -> Budget {
    Budget { want: Want::AtLeast, ..at_most(what, figure, unit, must, aim, limit) }
}

impl Budget {
    const fn against(self, figure: &'static str) -> Self {
        Self { against: Some(figure), ..self }
    }

    const fn without_aim(self) -> Self {
        Self { aim: None, ..self }
    }
}

/// How far a crowd may move the slowest hundredth of what others ask.
const STARVED_MS: f64 = 20.0;

const fn starved(what: &'static str, figure: &'static str, limit: &'static str) -> Budget {
    at_most(what, figure, "ms", STARVED_MS, STARVED_MS, limit).without_aim()
}

/// What a sync may cost that finds nothing new, in parts of a hundred of the first.
const SYNC_AGAIN: f64 = 2.0;

const fn sync_again(what: &'static str, figure: &'static str) -> Budget {
    let limit = "Scan status, stars, playlists and what was played last are asked for; no song is.";
    at_most(what, figure, "%", SYNC_AGAIN, SYNC_AGAIN, limit).without_aim()
}

/// All promises, in the order of the report.
pub(crate) const BUDGETS: &[Budget] = &[
    at_most(
        "{songs} songs, the 30 fields that iTunes asks for: first byte",
        "listing.first_byte",
        "ms",
        20.0,
        5.0,
        "HTTP. The first time the length comes before the bytes: every song and its texts are fetched from memory to sum it.",
    ),
    at_most(
        "the same, to the last byte, against nginx sending the same bytes",
        "listing.total",
        "ms",
        3.0,
        1.2,
        "One copy from memory to the socket, which nginx does not make: it sends pages of a file.",
    )
    .against("nginx.listing.total"),
    at_most(
        "the same, gzip, asked before, against nginx sending the gzip file",
        "gzip.total",
        "ms",
        1.5,
        1.1,
        "As above. Sent from a file in memory by sendfile it took as long, as that goes page by page; longer turns for a connection change nothing.",
    )
    .against("nginx.gzip.total"),
    at_most(
        "the same, 64 clients at once: memory beyond idle",
        "crowd.memory",
        "MiB",
        64.0,
        16.0,
        "One copy of the listing, for all.",
    ),
    at_most(
        "songs of one album by query: median, one client",
        "requests.album",
        "ms",
        2.0,
        0.5,
        "An index finds the songs; the rest is one request and one reply.",
    ),
    at_most(
        "page 0-49 of all songs by name: median, one client",
        "requests.page",
        "ms",
        2.0,
        0.5,
        "The order is kept; the rest is one request and one reply.",
    ),
    at_most(
        "browse artists: median, one client",
        "requests.browse",
        "ms",
        2.0,
        0.5,
        "The names are kept; every name is sent.",
    ),
    at_most(
        "page 0-49 of the base playlist: median, one client",
        "requests.container",
        "ms",
        2.0,
        0.5,
        "One request and one reply.",
    ),
    at_least(
        "small requests a second, 64 kept connections, against nginx",
        "small.rate",
        "requests/s",
        0.5,
        0.9,
        "HTTP: reading the request, a wake of the task, writing the reply; nginx has a process for each core and no wakes between them.",
    )
    .against("nginx.small.rate"),
    at_least(
        "streaming to 16 readers, against nginx",
        "streams.16",
        "MB/s",
        0.8,
        1.0,
        "The system sends the file, as with nginx; what is left is a turn of HTTP for each 256 KiB.",
    )
    .against("nginx.streams.16"),
    at_least(
        "streaming to 256 readers, against nginx",
        "streams.256",
        "MB/s",
        0.8,
        1.0,
        "As with 16 readers.",
    )
    .against("nginx.streams.256"),
    at_most(
        "1,000 held long polls: memory each",
        "polls.1000.memory",
        "KiB",
        16.0,
        4.0,
        "Two buffers of HTTP for each connection, whose size is fixed, and the tasks.",
    ),
    at_most(
        "5,000 held long polls: memory each",
        "polls.5000.memory",
        "KiB",
        16.0,
        4.0,
        "As with 1,000.",
    ),
    at_most(
        "memory a song with all fields in use, {songs} songs",
        "songs.memory",
        "B",
        700.0,
        400.0,
        "Texts that no other song has, the fields of a fixed size, and the indexes.",
    ),
    at_most(
        "memory a song with all fields in use, {large} songs",
        "large.memory",
        "B",
        700.0,
        400.0,
        "As above.",
    ),
    at_least(
        "first scan from memory: songs a second",
        "scan.first",
        "songs/s",
        5_000.0,
        15_000.0,
        "Reading and parsing each file, on all cores; while a batch is saved the readers wait.",
    ),
    at_most(
        "scan of {songs} songs with nothing changed",
        "scan.again",
        "s",
        3.0,
        1.0,
        "Reading every row from SQLite; then a look at every file's size and times, and a watch on every folder.",
    ),
    at_most(
        "restart to the first complete listing, {songs} songs",
        "scan.restart",
        "s",
        1.0,
        0.3,
        "Taking the 48 columns of every row out of SQLite, on one core; entering the songs goes on beside it.",
    ),
    at_most(
        "commit of one change in a model of {large} songs",
        "large.commit",
        "ms",
        1.0,
        0.05,
        "The path from the root to the song is copied in each index that has it.",
    ),
    at_most(
        "delta of one change in {large} songs",
        "large.delta",
        "ms",
        1.0,
        0.05,
        "Reading the request and writing a reply of one song.",
    ),
    at_most(
        "release binary",
        "binary.size",
        "MB",
        25.0,
        15.0,
        "SQLite, the image decoders and the tables for sorting names are most of it.",
    ),
    starved(
        "p99 of 64 KiB of a song, while one client asks for full listings in a loop",
        "starvation.loop.stream",
        "One turn of that client on the thread that it shares.",
    ),
    starved("p99 of a small request, the same", "starvation.loop.small", "As above."),
    starved(
        "p99 of 64 KiB of a song, while 64 clients ask for full listings",
        "starvation.crowd.stream",
        "A round of turns: the 64 send some 5 MiB between them before anyone sends more.",
    ),
    starved("p99 of a small request, the same", "starvation.crowd.small", "As above."),
    starved(
        "p99 of 64 KiB of a song, while 1,000 covers are asked for at once",
        "starvation.covers.stream",
        "Decoding and scaling pictures is given few threads.",
    ),
    starved("p99 of a small request, the same", "starvation.covers.small", "As above."),
    sync_again(
        "sync of a Subsonic server of {songs} songs, nothing changed: time, of the first",
        "subsonic.again.time",
    ),
    sync_again("the same: requests", "subsonic.again.requests"),
    sync_again("the same: bytes", "subsonic.again.bytes"),
];

/// What is told beside the promises.
pub(crate) const STATED: &[Stated] = &[
    Stated { what: "full listing of {songs} songs: size", figure: "listing.size" },
    Stated {
        what: "the same, asked for the first time: first byte",
        figure: "listing.cold.first_byte",
    },
    Stated { what: "the same, asked for the first time: last byte", figure: "listing.cold.total" },
    Stated { what: "the same, gzip: size", figure: "gzip.size" },
    Stated {
        what: "the same, gzip, asked for the first time: last byte",
        figure: "gzip.cold.total",
    },
    Stated { what: "the same, to 64 clients at once: all have it after", figure: "crowd.total" },
    Stated { what: "titles that contain a word, first 50: median", figure: "requests.search" },
    Stated { what: "256 KiB seeks a second, 16 readers", figure: "streams.seeks" },
    Stated { what: "the same with nginx", figure: "nginx.streams.seeks" },
    Stated {
        what: "1,000 long polls: from the first woken to the last",
        figure: "polls.1000.wake",
    },
    Stated {
        what: "5,000 long polls: from the first woken to the last",
        figure: "polls.5000.wake",
    },
    Stated {
        what: "p99 of a small request while 5,000 long polls are held",
        figure: "polls.5000.small",
    },
    Stated {
        what: "p99 of 64 KiB of a song, nothing else going on",
        figure: "starvation.quiet.stream",
    },
    Stated {
        what: "p99 of a small request, nothing else going on",
        figure: "starvation.quiet.small",
    },
    Stated {
        what: "full listings, to the one client that asks in a loop",
        figure: "starvation.loop.received",
    },
    Stated {
        what: "full listings, to the 64 clients together",
        figure: "starvation.crowd.received",
    },
    Stated { what: "covers, to the 1,000 clients together", figure: "starvation.covers.received" },
    Stated {
        what: "p99 of 64 KiB of a file with nginx, while 64 clients ask it for the listing's bytes",
        figure: "nginx.starvation.crowd.stream",
    },
    Stated { what: "p99 of a small request, the same", figure: "nginx.starvation.crowd.small" },
    Stated {
        what: "p99 of 64 KiB of a song while {songs} songs are scanned",
        figure: "scan.stream",
    },
    Stated { what: "p99 of a small request, the same", figure: "scan.small" },
    Stated { what: "memory of the server a song, {songs} songs from files", figure: "scan.memory" },
    Stated { what: "peak memory of the first scan", figure: "scan.peak" },
    Stated {
        what: "first scan of a folder whose every access takes 2 ms more",
        figure: "scan.slow",
    },
    Stated { what: "first sync of a Subsonic server of {songs} songs", figure: "subsonic.first" },
    Stated { what: "the same: requests", figure: "subsonic.first.requests" },
    Stated { what: "the same: received", figure: "subsonic.first.bytes" },
    Stated { what: "the same: peak memory of the server", figure: "subsonic.peak" },
    Stated { what: "first sync after a restart, nothing changed", figure: "subsonic.restart" },
    Stated { what: "the same: requests", figure: "subsonic.restart.requests" },
    Stated { what: "the same: received", figure: "subsonic.restart.bytes" },
    Stated {
        what: "peak memory a song, all orders and listings made, {songs} songs",
        figure: "songs.peak",
    },
    Stated {
        what: "peak memory a song, all orders and listings made, {large} songs",
        figure: "large.peak",
    },
    Stated {
        what: "full listing of {large} songs, without HTTP: first chunk",
        figure: "large.listing.first_chunk",
    },
    Stated { what: "the same, all of it", figure: "large.listing" },
    Stated { what: "the same, the first time", figure: "large.listing.cold" },
    Stated { what: "songs of one album among {large}, without HTTP", figure: "large.album" },
    Stated { what: "the same, the first time", figure: "large.album.cold" },
    Stated { what: "page 0-49 by name of {large} songs, without HTTP", figure: "large.page" },
    Stated { what: "the same, the first time", figure: "large.page.cold" },
    Stated { what: "the same after one change", figure: "large.page_after_commit" },
    Stated {
        what: "restart from SQLite to all bytes of a listing, {large} songs",
        figure: "large.restart",
    },
    Stated { what: "SQLite file a song, {large} songs", figure: "large.file" },
    Stated { what: "encoding the 30 fields", figure: "instructions.encode" },
    Stated { what: "songs of one album, request to reply", figure: "instructions.album" },
    Stated { what: "reading the request for the full listing", figure: "instructions.parse" },
    Stated { what: "commit of one change, 2,000 songs", figure: "instructions.commit" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_is_never_easier_than_its_must() {
        for budget in BUDGETS {
            let Some(aim) = budget.aim else { continue };
            let harder = match budget.want {
                Want::AtMost => aim < budget.must,
                Want::AtLeast => aim > budget.must,
            };
            assert!(harder, "{}", budget.what);
        }
    }

    #[test]
    fn a_figure_has_one_budget() {
        for budget in BUDGETS {
            let same = BUDGETS.iter().filter(|other| other.figure == budget.figure).count();
            assert_eq!(same, 1, "{}", budget.figure);
        }
    }
}
