//! The tests: what each shows and needs, and which run beside each other.

use super::need::Need::{self, Library, PerlModule, Pip, Program, Root};

/// A script and what it takes.
pub(super) struct Test {
    pub(super) name: &'static str,
    pub(super) shows: &'static str,
    /// The script in `xtask/e2e` and its arguments.
    pub(super) script: &'static [&'static str],
    pub(super) needs: &'static [Need],
    pub(super) limit_s: u64,
}

const PYTHON: Need = Program("python3");
const FFMPEG: Need = Program("ffmpeg");

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "ranges",
        shows: "curl and raw sockets seek: every form of range and of request target",
        script: &["ranges.py"],
        needs: &[PYTHON, FFMPEG, Program("curl")],
        limit_s: 60,
    },
    Test {
        name: "libdmapsharing",
        shows: "libdmapsharing 3.0, the client of Rhythmbox and grilo",
        script: &["libdmapsharing.py"],
        needs: LIBDMAPSHARING,
        limit_s: 90,
    },
    Test {
        name: "libdmapsharing-password",
        shows: "the same with a password",
        script: &["libdmapsharing.py", "password"],
        needs: LIBDMAPSHARING,
        limit_s: 90,
    },
    Test {
        name: "decode",
        shows: "every reply through Perl's Net::DAAP::DMAP",
        script: &["decode.py"],
        needs: &[
            PYTHON,
            FFMPEG,
            Program("perl"),
            PerlModule("Net::DAAP::DMAP"),
            PerlModule("LWP::UserAgent"),
        ],
        limit_s: 60,
    },
    Test {
        name: "probe",
        shows: "every endpoint as iTunes walks it, and every tag of 1,000 songs",
        script: &["probe.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "probe-password",
        shows: "the same with a password",
        script: &["probe.py", "password"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "probe-hostile",
        shows: "the same among broken, absurd and mislabelled files",
        script: &["probe.py", "hostile"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "probe-large",
        shows: "the same with 100,000 songs",
        script: &["probe.py", "large"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 600,
    },
    Test {
        name: "libdmapsharing-large",
        shows: "libdmapsharing lists 20,000 songs, and plays some",
        script: &["libdmapsharing.py", "large"],
        needs: LIBDMAPSHARING,
        limit_s: 300,
    },
    Test {
        name: "live",
        shows: "a hanging client is woken within 2 s of a change, and its delta lists just that",
        script: &["live.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "away",
        shows: "a music folder that vanishes costs no song: all stay listed and come back as they were",
        script: &["away.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "kill",
        shows: "kill -9 while 10,000 songs are scanned: nothing lost, same ids, scan resumed",
        script: &["kill.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 300,
    },
    Test {
        name: "real-audio",
        shows: "tagged audio made by others, compared with ffprobe",
        script: &["real_audio.py"],
        needs: &[PYTHON, Program("ffprobe"), Pip],
        limit_s: 300,
    },
    Test {
        name: "faults",
        shows: "what keeps a server from starting: exit code 2 and what to do",
        script: &["faults.py"],
        needs: &[PYTHON, FFMPEG, Program("setpriv")],
        limit_s: 120,
    },
    Test {
        name: "edit",
        shows: "playlists that clients make: who may, what each change does, kept over a restart and rescans",
        script: &["edit.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "transcode",
        shows: "WAV for clients that need it: as listed, from any byte, 64 at once beside a plain stream",
        script: &["transcode.py"],
        needs: &[PYTHON, FFMPEG, Program("ffprobe"), Program("curl")],
        limit_s: 120,
    },
    Test {
        name: "get",
        shows: "1,000 songs downloaded and interrupted twice: every byte, none twice; a full disk, a lost server",
        script: &["get.py"],
        needs: &[PYTHON, FFMPEG, Program("unshare")],
        limit_s: 180,
    },
    Test {
        name: "listing",
        shows: "`dapple ls` lists a dapple share: every form of URL, filters, lists, orders and outputs",
        script: &["listing.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 240,
    },
    Test {
        name: "players",
        shows: "mpv and ffprobe play what `dapple ls --m3u` prints, with a password and without",
        script: &["players.py"],
        needs: &[PYTHON, FFMPEG, Program("ffprobe"), Program("mpv")],
        limit_s: 120,
    },
    Test {
        name: "hostile-servers",
        shows: "`dapple ls` and `get` with servers that stall, lie, break off and never end",
        script: &["hostile_servers.py"],
        needs: &[PYTHON],
        limit_s: 240,
    },
    Test {
        name: "foreign-libdmapsharing",
        shows: "the client with libdmapsharing's server: lists, finds and fetches all",
        script: &["foreign.py", "libdmapsharing"],
        needs: LIBDMAPSHARING,
        limit_s: 240,
    },
    Test {
        name: "foreign-flask-daapserver",
        shows: "the same with flask-daapserver, which has revisions",
        script: &["foreign.py", "flask-daapserver"],
        needs: &[PYTHON, FFMPEG, Pip, Program("cc"), Program("curl")],
        limit_s: 480,
    },
    Test {
        name: "foreign-spydaap",
        shows: "the same with spydaap, which scans a folder",
        script: &["foreign.py", "spydaap"],
        needs: &[PYTHON, FFMPEG, Pip, Program("curl")],
        limit_s: 300,
    },
    Test {
        name: "foreign-canary",
        shows: "the same with canary, which runs on Node.js",
        script: &["foreign.py", "canary"],
        needs: &[PYTHON, FFMPEG, Program("npm"), Program("curl")],
        limit_s: 480,
    },
    Test {
        name: "watch",
        shows: "what changes on a share is printed as it happens, and after a restart of the server what changed meanwhile",
        script: &["watch.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 90,
    },
    Test {
        name: "handler",
        shows: "the desktop's own tools open daap:// links with dapple, once it says so and until it takes it back",
        script: &["handler.py"],
        needs: &[
            PYTHON,
            FFMPEG,
            Program("desktop-file-validate"),
            Program("update-desktop-database"),
            Program("xdg-mime"),
        ],
        limit_s: 60,
    },
    Test {
        name: "outside",
        shows: "a crate outside of the workspace shares its songs with libdmapsharing and the probe",
        script: &["outside.py"],
        needs: LIBDMAPSHARING,
        limit_s: 1200,
    },
    Test {
        name: "examples",
        shows: "the examples of the crate daap do what they say",
        script: &["examples.py", "tones", "revisions", "remote", "tutorial", "bench"],
        needs: &[PYTHON],
        limit_s: 1200,
    },
    Test {
        name: "waiting",
        shows: "2,000 clients that wait hear of a commit within a second, and miss none of 200",
        script: &["examples.py", "waiting"],
        needs: &[PYTHON],
        limit_s: 900,
    },
    Test {
        name: "mirror",
        shows: "a mirror of 100,000 songs that change for a minute is equal after cut lines and a restart",
        script: &["mirror.py"],
        needs: &[PYTHON],
        limit_s: 240,
    },
    Test {
        name: "share",
        shows: "a share is republished: songs, ranges, pictures, ratings; kept songs play on while it is down",
        script: &["share.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 180,
    },
    Test {
        name: "subsonic",
        shows: "supysonic's 2,000 songs as they are; each change there alone; ratings and plays here are told there",
        script: &["subsonic.py"],
        needs: &[
            PYTHON,
            FFMPEG,
            Program("supysonic-cli"),
            Program("cc"),
            Program("pkg-config"),
            Library("libdmapsharing-3.0"),
            Library("libsoup-2.4"),
        ],
        limit_s: 300,
    },
    Test {
        name: "subsonic-faults",
        shows: "a Subsonic server that dies, lies and fails, a full disk, kill -9: songs are exact, all heals",
        script: &["subsonic_faults.py"],
        needs: &[PYTHON, Program("openssl"), Program("unshare")],
        limit_s: 180,
    },
    Test {
        name: "subsonic-several",
        shows: "a folder and two Subsonic servers side by side: databases, a share of its own, one that fails",
        script: &["subsonic_several.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 60,
    },
    Test {
        name: "mdns",
        shows: "two hosts in network namespaces: avahi sees the share, its rename and its goodbye; ls finds it by name",
        script: &["mdns.sh"],
        needs: &[
            Root,
            Program("ip"),
            Program("tcpdump"),
            Program("avahi-daemon"),
            Program("avahi-browse"),
            Program("dbus-daemon"),
        ],
        limit_s: 480,
    },
    Test {
        name: "discover",
        shows: "two hosts in network namespaces: discover finds every kind of service that avahi announces",
        script: &["discover.sh"],
        needs: &[PYTHON, Root, Program("ip"), Program("avahi-daemon"), Program("dbus-daemon")],
        limit_s: 240,
    },
    Test {
        name: "remote",
        shows: "`dapple remote` is paired with dapple and with pyatv's fake Apple TV, and controls them",
        script: &["remote.py"],
        needs: &[PYTHON, Pip],
        limit_s: 240,
    },
    Test {
        name: "pyatv",
        shows: "pyatv as a Remote on another host: pairs, finds, follows and controls what the file: output is given",
        script: &["pyatv.sh"],
        needs: &[PYTHON, FFMPEG, Pip, Root, Program("ip")],
        limit_s: 240,
    },
    Test {
        name: "sound",
        shows: "what the file: output gets: lossless albums bit for bit, joins of mp3 and AAC to the sample, true positions",
        script: &["sound.py"],
        needs: &[PYTHON, FFMPEG],
        limit_s: 120,
    },
    Test {
        name: "local",
        shows: "`dapple play` on a PulseAudio server: what its sound card gets, and what is said when it goes",
        script: &["local.py"],
        needs: &[PYTHON, FFMPEG, Program("pulseaudio"), Program("parec")],
        limit_s: 90,
    },
    Test {
        name: "doctor",
        shows: "the doctor on a host in a network namespace: well, firewalled, port taken, name taken, off the network",
        script: &["doctor.sh"],
        needs: &[
            PYTHON,
            Root,
            Program("ip"),
            Program("nft"),
            Program("avahi-daemon"),
            Program("avahi-browse"),
            Program("dbus-daemon"),
            Program("setpriv"),
        ],
        limit_s: 300,
    },
];

/// The tests that measure no time: they run beside the others, each line in turn. Two lines mostly wait for
/// multicast, each on hosts of its own, one for downloads and foreign servers.
pub(super) const ASIDE: &[&[&str]] = &[
    &["mdns"],
    &["discover", "doctor", "pyatv"],
    &[
        "real-audio",
        "foreign-libdmapsharing",
        "foreign-flask-daapserver",
        "foreign-spydaap",
        "foreign-canary",
        "outside",
        "hostile-servers",
        "remote",
        "subsonic",
        "subsonic-faults",
        "subsonic-several",
    ],
];

const LIBDMAPSHARING: &[Need] = &[
    PYTHON,
    FFMPEG,
    Program("cc"),
    Program("pkg-config"),
    Library("libdmapsharing-3.0"),
    Library("libsoup-2.4"),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_script_exists_and_every_name_is_used_once() {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e");
        for test in TESTS {
            assert!(scripts.join(test.script[0]).is_file(), "{}", test.script[0]);
            assert_eq!(TESTS.iter().filter(|other| other.name == test.name).count(), 1);
        }
        let aside = ASIDE.concat();
        assert!(aside.iter().all(|name| TESTS.iter().any(|test| test.name == *name)));
    }
}
