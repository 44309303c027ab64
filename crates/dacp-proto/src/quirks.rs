//! The one table of what single Remotes do otherwise than the rest.
//!
//! None of them has to be known by name, which proves little (pyatv calls itself `Remote/1021`, as Apple's does): each
//! row is something that does no harm to anyone else when it is understood. So a row has the target that the Remote
//! sends, and the one that it means.

/// What a Remote does otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirk {
    /// The Remote, with the version it was seen in where that is known.
    pub remote: &'static str,
    /// What it does.
    pub does: &'static str,
    /// Who tells of it (`docs/remote-protocol.md`, section 0).
    pub source: &'static str,
    /// A target as it sends it.
    pub sends: &'static str,
    /// The target that this is read as, in the spelling of [`Request::to_uri`](crate::Request::to_uri).
    pub means: &'static str,
}

/// All that is known of.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        remote: "Apple Remote, Audiobooks",
        does: "says (null) where it has nothing to say, and means the song and the rest of its album",
        source: "OT",
        sends: "/ctrl-int/1/playqueue-edit?command=add&query='dmap.itemid:42'&queuefilter=(null)&sort=(null)&mode=1",
        means: "/ctrl-int/1/playqueue-edit?command=add&query=%27dmap.itemid:42%27&mode=1",
    },
    Quirk {
        remote: "Apple Remote",
        does: "writes the volume with a fraction",
        source: "TR",
        sends: "/ctrl-int/1/setproperty?dmcp.volume=37.500000",
        means: "/ctrl-int/1/setproperty?dmcp.volume=37",
    },
    Quirk {
        remote: "Apple Remote",
        does: "writes ids of speakers in hexadecimal digits",
        source: "OT",
        sends: "/ctrl-int/1/setspeakers?speaker-id=0,0x78ca3946072a",
        means: "/ctrl-int/1/setspeakers?speaker-id=0,0x78CA3946072A",
    },
    Quirk {
        remote: "Hyperfine Remote for iTunes",
        does: "writes ids of speakers in decimal digits",
        source: "OT",
        sends: "/ctrl-int/1/setspeakers?speaker-id=0%2C132809939617578",
        means: "/ctrl-int/1/setspeakers?speaker-id=0,0x78CA3946072A",
    },
    Quirk {
        remote: "Hyperfine Remote for iTunes",
        does: "calls the base playlist 0",
        source: "OT",
        sends: "/ctrl-int/1/playqueue-edit?command=add&query='dmap.itemid:0'&query-modifier=containers",
        means: "/ctrl-int/1/playqueue-edit?command=add&query=%27dmap.itemid:1%27&query-modifier=containers&sort=physical&mode=1",
    },
    Quirk {
        remote: "Retune",
        does: "names a list where none is wanted, and it may be nonsense",
        source: "OT PR 29",
        sends: "/ctrl-int/1/playqueue-edit?command=add&query='dmap.itemid:267'&queuefilter=daap.songartistid:daap.songartistid&mode=3&sort=album",
        means: "/ctrl-int/1/playqueue-edit?command=add&query=%27dmap.itemid:267%27&sort=album&mode=3",
    },
    Quirk {
        remote: "Retune",
        does: "has a mode 5, which appends",
        source: "OT PR 29",
        sends: "/ctrl-int/1/playqueue-edit?command=add&query='dmap.itemid:158'&sort=album&mode=5",
        means: "/ctrl-int/1/playqueue-edit?command=add&query=%27dmap.itemid:158%27&sort=album&mode=0",
    },
    Quirk {
        remote: "Retune, TunesRemote+",
        does: "calls the song to rate song-spec",
        source: "OT, TR",
        sends: "/ctrl-int/1/setproperty?dacp.userrating=80&song-spec='dmap.itemid:42'",
        means: "/ctrl-int/1/setproperty?dacp.userrating=80&item-spec=%27dmap.itemid:42%27",
    },
    Quirk {
        remote: "TunesRemote+",
        does: "cues without a query: one of the queue",
        source: "TR",
        sends: "/ctrl-int/1/cue?command=play&index=3&sort=album",
        means: "/ctrl-int/1/cue?command=play&index=3",
    },
    Quirk {
        remote: "TunesRemote+, WPRemote",
        does: "calls the playlist to play playlist-spec, and writes ids for ever in decimal digits",
        source: "TR, WP",
        sends: "/ctrl-int/1/playspec?database-spec='dmap.persistentid:16621530181618731553'&playlist-spec='dmap.persistentid:9378496334192532210'",
        means: "/ctrl-int/1/playspec?database-spec=%27dmap.persistentid:0xE6AB89A2B2D18A21%27&container-spec=%27dmap.persistentid:0x82271CB9FED95AF2%27",
    },
    Quirk {
        remote: "homebridge-dacp",
        does: "leaves out the quotes of a query, and names a playlist by its name",
        source: "HB",
        sends: "/ctrl-int/1/playqueue-edit?command=add&query=dmap.itemname:Evening&query-modifier=containers&mode=3",
        means: "/ctrl-int/1/playqueue-edit?command=add&query=%27dmap.itemname:Evening%27&query-modifier=containers&sort=physical&mode=3",
    },
    Quirk {
        remote: "yTrack",
        does: "takes 64-bit ids for signed",
        source: "YT",
        sends: "/ctrl-int/1/playqueue-edit?command=add&query='dmap.itemid:3'&queuefilter=album:-2&mode=1",
        means: "/ctrl-int/1/playqueue-edit?command=add&query=%27dmap.itemid:3%27&queuefilter=album:18446744073709551614&sort=album&mode=1",
    },
    Quirk {
        remote: "yTrack",
        does: "sets a property that nobody else knows",
        source: "YT",
        sends: "/ctrl-int/1/setproperty?shoutcast-url=http%3A%2F%2Fhost%2F",
        means: "/ctrl-int/1/setproperty?none=1",
    },
    Quirk {
        remote: "pyatv 0.18",
        does: "sends a prompt-id with all that is pressed",
        source: "PY",
        sends: "/ctrl-int/1/playpause?session-id=5&prompt-id=0",
        means: "/ctrl-int/1/playpause?session-id=5",
    },
    Quirk {
        remote: "AirPlay speakers",
        does: "say discrete-pause for a pause that is no toggle",
        source: "SS",
        sends: "/ctrl-int/1/discrete-pause",
        means: "/ctrl-int/1/pause",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;

    #[test]
    fn every_remote_is_understood() {
        for quirk in QUIRKS {
            let read = Request::parse(quirk.sends).map(|request| request.to_uri());
            assert_eq!(read.as_deref(), Ok(quirk.means), "{} {}", quirk.remote, quirk.does);
            assert_eq!(Request::parse(quirk.means), Request::parse(quirk.sends), "{}", quirk.does);
        }
    }
}
