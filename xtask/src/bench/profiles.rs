//! Where the time goes on the hottest paths, in words, and why they cannot easily be faster.
//!
//! Taken with `perf` on two cores, 100,000 songs; CONTRIBUTING.md says how.

/// One path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub(crate) path: &'static str,
    pub(crate) time: &'static str,
    pub(crate) why: &'static str,
    /// What was tried to make it faster, and did not.
    pub(crate) tried: &'static str,
}

pub(crate) const PROFILES: &[Profile] = &[
    Profile {
        path: "A full listing that nobody has asked for before",
        time: "41 % summing the lengths of the fields, 17 % writing them, 16 % copying texts, 4 % going from song to song.",
        why: "The length has to come first, so every song is touched twice: some five lines of cache for its fields and two or \
              three for its texts. Most of the 41 % is waiting for memory, which is asked for 32 songs at a time.",
        tried: "Writing without blocks of songs took a third longer. What is left is not to touch the songs: to keep the total \
                length of each field with the snapshot, for which the model would have to know what the wire makes of a field.",
    },
    Profile {
        path: "The same listing, when it is kept",
        time: "36 % copying from memory to the socket, 25 % TCP on both sides of the loopback, the rest waking and being woken.",
        why: "It is a copy of 37 MB. nginx sends pages of a file that the client of the benchmark drops unread, so that nobody \
              touches a byte; a client that reads them pays for a copy with either.",
        tried: "Turns of 128 KiB to 1 MiB for a connection: no difference to one client, and worse for those beside it. The \
                listing in a file in memory, sent by sendfile: as long for one client, since such a file is sent page by page.",
    },
    Profile {
        path: "Restart: from SQLite to what is served",
        time: "One thread reads: 45 % the calls for the 48 columns of each row, 20 % SQLite's decoding of rows, 6 % its pages. \
               The other enters the songs and is half as busy: hash tables and indexes 20 % each, interning 7 %.",
        why: "Each column of each song is a call with its checks. Fewer columns would make the file opaque to other programs, \
              and would need a new form of it.",
        tried: "Two connections that read alternate stretches of ids: 0.41 s instead of 0.46 s on two cores, for 90 lines more.",
    },
    Profile {
        path: "The first scan",
        time: "Reading alone does 45,000 songs a second, flat between the parser's allocations, opens and copies out of the \
               kernel; a tenth is the system telling of each file that is opened. Saving makes it less.",
        why: "A batch is one transaction, and while it is saved the librarian takes nothing in, so the readers wait.",
        tried: "16 and 32 readers where two cores are: a sixth faster, but the slowest hundredth of a playing song's pieces \
                took 37 ms instead of 5.",
    },
];
