//! What servers answer, as far as it is of use here. Names are those of the Subsonic and OpenSubsonic documentation.

use serde::Deserialize;

pub(crate) use super::lenient::{Flag, Number, Several, Word};

/// Any answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope {
    #[serde(rename = "subsonic-response")]
    pub(crate) response: Response,
}

/// Any answer, without what it is wrapped in. What was not asked for is not there.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Response {
    pub(crate) status: Word,
    pub(crate) version: Word,
    /// What the server calls itself; only OpenSubsonic servers say that, and their own version.
    #[serde(rename = "type")]
    pub(crate) kind: Word,
    pub(crate) server_version: Word,
    pub(crate) error: Option<Failure>,
    pub(crate) scan_status: ScanStatus,
    pub(crate) indexes: Indexes,
    pub(crate) album_list2: Albums,
    pub(crate) search_result3: Songs,
    pub(crate) starred2: Songs,
    pub(crate) directory: Directory,
    pub(crate) album: Album,
    pub(crate) song: Song,
    pub(crate) playlists: Playlists,
    pub(crate) playlist: Playlist,
}

impl Response {
    /// What the server calls itself, with its version; that of the protocol if it says no more.
    pub(crate) fn server(&self) -> String {
        let name = format!("{} {}", self.kind.as_str(), self.server_version.as_str());
        match name.trim() {
            "" => format!("Subsonic API {}", self.version.as_str()),
            name => name.to_owned(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failure {
    pub(crate) code: Number,
    pub(crate) message: Word,
}

/// `getScanStatus`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ScanStatus {
    pub(crate) scanning: Flag,
    pub(crate) count: Number,
    /// Only OpenSubsonic servers say that.
    pub(crate) last_scan: Word,
}

/// `getIndexes`: the folders at the top.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Indexes {
    pub(crate) last_modified: Word,
    pub(crate) index: Several<Index>,
    /// Songs at the top.
    pub(crate) child: Several<Song>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Index {
    pub(crate) artist: Several<Named>,
}

/// Something of which only that is of use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Named {
    pub(crate) id: Word,
    pub(crate) name: Word,
    pub(crate) music_brainz_id: Word,
}

/// `getMusicDirectory`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Directory {
    pub(crate) child: Several<Song>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Albums {
    pub(crate) album: Several<Album>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Songs {
    pub(crate) song: Several<Song>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Playlists {
    pub(crate) playlist: Several<Playlist>,
}

/// An album; from `getAlbum` with its songs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Album {
    pub(crate) id: Word,
    pub(crate) artist: Word,
    pub(crate) display_artist: Word,
    pub(crate) artists: Several<Named>,
    pub(crate) sort_name: Word,
    pub(crate) music_brainz_id: Word,
    pub(crate) is_compilation: Flag,
    pub(crate) song_count: Number,
    pub(crate) play_count: Number,
    pub(crate) played: Word,
    pub(crate) song: Several<Song>,
}

/// A song, or what else is in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Song {
    pub(crate) id: Word,
    pub(crate) is_dir: Flag,
    pub(crate) is_video: Flag,
    #[serde(rename = "type")]
    pub(crate) kind: Word,
    pub(crate) title: Word,
    pub(crate) sort_name: Word,
    pub(crate) artist: Word,
    pub(crate) display_artist: Word,
    pub(crate) display_album_artist: Word,
    pub(crate) display_composer: Word,
    pub(crate) album: Word,
    pub(crate) album_id: Word,
    pub(crate) genre: Word,
    pub(crate) genres: Several<Named>,
    pub(crate) comment: Word,
    pub(crate) track: Number,
    pub(crate) disc_number: Number,
    pub(crate) year: Number,
    pub(crate) bpm: Number,
    pub(crate) explicit_status: Word,
    pub(crate) duration: Number,
    pub(crate) size: Number,
    pub(crate) bit_rate: Number,
    pub(crate) sampling_rate: Number,
    pub(crate) channel_count: Number,
    pub(crate) replay_gain: Several<ReplayGain>,
    pub(crate) suffix: Word,
    pub(crate) path: Word,
    pub(crate) cover_art: Word,
    pub(crate) created: Word,
    pub(crate) user_rating: Number,
    pub(crate) play_count: Number,
    pub(crate) played: Word,
}

/// How loud a song is; gains are in decibels, peaks in parts of full scale.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ReplayGain {
    pub(crate) track_gain: Word,
    pub(crate) album_gain: Word,
    pub(crate) track_peak: Word,
    pub(crate) album_peak: Word,
    /// For songs without a gain of their own.
    pub(crate) fallback_gain: Word,
}

/// A playlist; from `getPlaylist` with its songs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Playlist {
    pub(crate) id: Word,
    pub(crate) name: Word,
    pub(crate) song_count: Number,
    pub(crate) changed: Word,
    pub(crate) entry: Several<Entry>,
}

/// A song in a playlist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    pub(crate) id: Word,
}

impl Word {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// This, or the other if there is nothing here.
    pub(crate) fn or<'a>(&'a self, other: &'a Self) -> &'a Self {
        if self.is_empty() { other } else { self }
    }
}
