//! The one table of what clients need that the protocol does not say.
//!
//! A client is known by how it names itself, which proves little: Rhythmbox, Banshee, Amarok and an Android client
//! all say `iTunes/4.6 (Windows; N)`. So each row asks only for what does no harm to the others it may catch.

use daap_model::{Codec, Track};
use dmap::Version;

use crate::{Codecs, Wav};

/// Something to do otherwise for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// Send only the server-info tags that every reader has known from the start.
    ShortServerInfo,
    /// Say that there are no groups: asked for them, it would then show nothing.
    NoGroups,
    /// Answer with full lists, never with what changed.
    FullLists,
    /// Announce DMAP 1.0 and DAAP 1.0.
    Daap1,
    /// Announce DMAP 1.0 and DAAP 2.0.
    Daap2,
    /// Answer a range of a song with status 200 instead of 206.
    PartIsOk,
    /// Say nothing of playlists that can be edited.
    NoEditing,
}

/// How a client is known.
enum Mark {
    UserAgent(&'static str),
    UserAgentPrefix(&'static str),
    /// The part of `Client-DAAP-Version` before the dot.
    DaapMajor(&'static str),
}

/// One row of the table.
struct Row {
    mark: Mark,
    quirks: &'static [Quirk],
    /// What it plays, if that is known. The first row that knows is believed.
    plays: Option<Codecs>,
}

/// What Apple's programs play (OwnTone's list for them). AIFF they play too, but so they do WAV.
const APPLE: Codecs = Codecs::of(&[Codec::Mpeg, Codec::Aac, Codec::Alac, Codec::Wav]);

const TABLE: &[Row] = &[
    // Banshee throws on a code it does not know and then cannot connect; libdmapsharing 2.9 (Rhythmbox) stops
    // reading at one. Banshee also deletes playlists that a delta does not list, and sends as `delta` the
    // difference of two revisions. libdmapsharing 3 and 4, Amarok and the Android client need no more than this.
    // None of them edits, and libdmapsharing before 4 knows no tag that says one could.
    Row {
        mark: Mark::UserAgent("iTunes/4.6 (Windows; N)"),
        quirks: &[Quirk::ShortServerInfo, Quirk::FullLists, Quirk::NoEditing],
        // They play through GStreamer, Qt or Android, which know more than iTunes 4.6 does.
        plays: Some(Codecs::ALL),
    },
    // iTunes 12.1 and later, and Music, ask for groups if there are any and then show an empty library.
    Row { mark: Mark::UserAgentPrefix("iTunes"), quirks: &[Quirk::NoGroups], plays: Some(APPLE) },
    Row { mark: Mark::UserAgentPrefix("Music"), quirks: &[Quirk::NoGroups], plays: None },
    // Music, and what plays for it and for others: what they play is known from OwnTone (`transcode.c`).
    Row { mark: Mark::UserAgentPrefix("Music/"), quirks: &[], plays: Some(APPLE) },
    Row { mark: Mark::UserAgentPrefix("QuickTime"), quirks: &[], plays: Some(APPLE) },
    Row { mark: Mark::UserAgentPrefix("Front%20Row"), quirks: &[], plays: Some(APPLE) },
    Row { mark: Mark::UserAgentPrefix("AppleCoreMedia"), quirks: &[], plays: Some(APPLE) },
    Row {
        mark: Mark::UserAgentPrefix("Roku"),
        quirks: &[],
        plays: Some(APPLE.and(Codecs::of(&[Codec::Wma]))),
    },
    // iTunes 4.0, and 4.1 with 4.2: they want the version they speak, and 200 where later ones want 206.
    Row { mark: Mark::DaapMajor("1"), quirks: &[Quirk::Daap1, Quirk::PartIsOk], plays: None },
    Row { mark: Mark::DaapMajor("2"), quirks: &[Quirk::Daap2, Quirk::PartIsOk], plays: None },
];

impl Mark {
    fn matches(&self, user_agent: &str, daap_version: &str) -> bool {
        match self {
            Self::UserAgent(name) => user_agent == *name,
            Self::UserAgentPrefix(prefix) => user_agent.starts_with(prefix),
            Self::DaapMajor(major) => daap_version.trim().split('.').next() == Some(major),
        }
    }
}

/// What replies depend on beside the request: the set of a client's [`Quirk`]s, whether it is told that it may
/// edit playlists, whether it controls a player, and which songs it gets as WAV files. Two clients of one class get the same replies, so a reply may be
/// kept per class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientClass {
    quirks: u8,
    edits: bool,
    controls: bool,
    as_wav: Codecs,
}

/// What a client plays, as far as it can be told: what its `Accept-Codecs` says (the Roku SoundBridge, and others by way
/// of OwnTone), else what is known of who calls itself so. Who is not known is taken to play everything.
#[must_use]
pub fn plays(user_agent: Option<&str>, accept_codecs: Option<&str>) -> Codecs {
    let known = || {
        let user_agent = user_agent.unwrap_or_default();
        let rows = TABLE.iter().filter(|row| row.mark.matches(user_agent, ""));
        rows.into_iter().find_map(|row| row.plays).unwrap_or(Codecs::ALL)
    };
    accept_codecs.map_or_else(known, Codecs::accepted)
}

impl ClientClass {
    /// The class of a client that sent these headers: `User-Agent` and `Client-DAAP-Version`, either of which may
    /// be absent (Roomie and Rhythmbox 0.12 send no `User-Agent`). It edits nothing.
    #[must_use]
    pub fn new(user_agent: Option<&str>, daap_version: Option<&str>) -> Self {
        let (user_agent, daap_version) =
            (user_agent.unwrap_or_default(), daap_version.unwrap_or_default());
        let quirks = TABLE
            .iter()
            .filter(|row| row.mark.matches(user_agent, daap_version))
            .flat_map(|row| row.quirks);
        let quirks = quirks.fold(0, |set, quirk| set | 1 << *quirk as u8);
        Self { quirks, edits: false, controls: false, as_wav: Codecs::NONE }
    }

    /// The same client, which gets songs of these codecs as WAV files.
    #[must_use]
    pub const fn hearing_wav_for(self, as_wav: Codecs) -> Self {
        Self { as_wav, ..self }
    }

    /// The WAV file that it gets in place of this song, if it does.
    #[must_use]
    #[inline]
    pub fn wav(self, song: &Track) -> Option<Wav> {
        // What is locked to the devices of its buyer (`m4p`) only they can decode.
        let is_wanted = self.as_wav.has(song.codec) && song.format.as_str() != "m4p";
        if is_wanted { Wav::of(song) } else { None }
    }

    /// The same client, which may edit playlists: it is told so, if it can take that.
    #[must_use]
    pub const fn editing(self) -> Self {
        Self { edits: !self.has(Quirk::NoEditing), ..self }
    }

    /// The same client, which is a Remote: it is told which playlist has all music.
    #[must_use]
    pub const fn controlling(self) -> Self {
        Self { controls: true, ..self }
    }

    /// Whether it is a Remote.
    #[must_use]
    pub const fn controls(self) -> bool {
        self.controls
    }

    /// Whether to tell it that playlists can be edited.
    #[must_use]
    pub const fn edits(self) -> bool {
        self.edits
    }

    /// Whether the client needs this.
    #[must_use]
    pub const fn has(self, quirk: Quirk) -> bool {
        self.quirks & 1 << quirk as u8 != 0
    }

    /// The DMAP version to announce.
    #[must_use]
    pub const fn dmap_version(self) -> Version {
        if self.has(Quirk::Daap1) || self.has(Quirk::Daap2) {
            Version::new(1, 0, 0)
        } else {
            Version::new(2, 0, 10)
        }
    }

    /// The DAAP version to announce.
    #[must_use]
    pub const fn daap_version(self) -> Version {
        if self.has(Quirk::Daap1) {
            Version::new(1, 0, 0)
        } else if self.has(Quirk::Daap2) {
            Version::new(2, 0, 0)
        } else {
            Version::new(3, 0, 12)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Quirk::*;
    use super::*;

    #[track_caller]
    fn check(user_agent: Option<&str>, daap_version: Option<&str>, expected: &[Quirk]) {
        let class = ClientClass::new(user_agent, daap_version);
        for quirk in [ShortServerInfo, NoGroups, FullLists, Daap1, Daap2, PartIsOk, NoEditing] {
            assert_eq!(class.has(quirk), expected.contains(&quirk), "{quirk:?}");
        }
    }

    #[test]
    fn imitators_of_itunes_4_6_get_the_short_list_and_whole_playlists() {
        check(
            Some("iTunes/4.6 (Windows; N)"),
            Some("3.0"),
            &[ShortServerInfo, FullLists, NoGroups, NoEditing],
        );
    }

    #[test]
    fn itunes_and_music_are_told_of_no_groups() {
        check(Some("iTunes/12.6.1 (Macintosh; OS X 10.12.4)"), Some("3.13"), &[NoGroups]);
        check(Some("Music/1.0.6 (Macintosh; OS X 10.15.7) AppleWebKit"), None, &[NoGroups]);
        check(Some("Remote/1021"), Some("3.13"), &[]);
    }

    #[test]
    fn the_first_daap_versions_are_answered_in_kind() {
        check(Some("iTunes/4.0 (Macintosh; N; PPC)"), Some("1.0"), &[NoGroups, Daap1, PartIsOk]);
        check(Some("iTunes/4.2 (Macintosh)"), Some("2.0"), &[NoGroups, Daap2, PartIsOk]);
        let versions = |version| {
            let class = ClientClass::new(None, Some(version));
            (class.dmap_version().to_string(), class.daap_version().to_string())
        };
        assert_eq!(versions("1.0"), ("1.0.0".into(), "1.0.0".into()));
        assert_eq!(versions("2.0"), ("1.0.0".into(), "2.0.0".into()));
        assert_eq!(versions("3.0"), ("2.0.10".into(), "3.0.12".into()));
        assert_eq!(versions("10.0"), ("2.0.10".into(), "3.0.12".into()));
    }

    #[test]
    fn who_edits_is_told_so_but_for_the_imitators_of_itunes_4_6() {
        let remote = ClientClass::new(Some("Remote/1021"), None);
        assert!(!remote.edits() && remote.editing().edits());
        assert!(!ClientClass::new(Some("iTunes/4.6 (Windows; N)"), None).editing().edits());
    }

    #[track_caller]
    fn check_plays(user_agent: &str, accept_codecs: Option<&str>, codecs: &[Codec], plays: bool) {
        for codec in codecs {
            let found = super::plays(Some(user_agent), accept_codecs).has(*codec);
            assert_eq!(found, plays, "{user_agent} {accept_codecs:?}: {codec:?}");
        }
    }

    #[test]
    fn what_is_known_not_to_be_played_is_known_by_name() {
        use Codec::{Aac, Aiff, Alac, Flac, Mpeg, Opus, Vorbis, Wav, Wma};
        let apple = [
            "iTunes/12.6.1 (Macintosh; OS X 10.12.4)",
            "Music/1.0.6 (Macintosh; OS X 10.15.7) AppleWebKit",
            "QuickTime/7.6",
            "Front%20Row/2.1",
            "AppleCoreMedia/1.0.0.15G77",
        ];
        for client in apple {
            check_plays(client, None, &[Mpeg, Aac, Alac, Wav], true);
            check_plays(client, None, &[Flac, Vorbis, Opus, Aiff, Wma], false);
        }
        check_plays("Roku SoundBridge/3.0", None, &[Mpeg, Wma, Wav], true);
        check_plays("Roku SoundBridge/3.0", None, &[Flac, Vorbis], false);
    }

    #[test]
    fn who_is_not_known_and_who_imitates_itunes_4_6_plays_everything() {
        let others =
            ["", "iTunes/4.6 (Windows; N)", "dapple/1.0", "VLC/3.0", "Hifidelio", "Remote/1021"];
        for client in others {
            check_plays(client, None, &Codec::ALL, true);
        }
        assert_eq!(super::plays(None, None), Codecs::ALL);
    }

    #[test]
    fn a_client_that_says_what_it_plays_is_believed() {
        check_plays("iTunes/12.6", Some("mpeg,flac"), &[Codec::Mpeg, Codec::Flac], true);
        check_plays("iTunes/12.6", Some("mpeg,flac"), &[Codec::Alac, Codec::Wav], false);
    }

    #[test]
    fn a_locked_song_is_no_wav() {
        let song = Track { codec: Codec::Aac, duration_ms: 1, ..Track::default() };
        let class = ClientClass::default().hearing_wav_for(Codecs::of(&[Codec::Aac]));
        assert!(class.wav(&song).is_some());
        assert!(ClientClass::default().wav(&song).is_none());
        assert!(class.wav(&Track { format: "m4p".into(), ..song }).is_none());
    }

    #[test]
    fn a_client_without_a_name_is_taken_at_its_word() {
        check(None, None, &[]);
        check(Some(""), Some(""), &[]);
    }
}
