//! What the library is told of a song.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::sync::Arc;

use daap_model::{
    Codec, ContentRating, Level, Levels, MediaKind, MusicBrainz, MusicBrainzId, Text, Timestamp,
    Track,
};
use library::{Recorded, SourceKey, Stamp};

use crate::Transcoding;
use crate::api::wire::{Album, Number, ReplayGain, Song, Word};
use crate::sounds::Form;

/// Grows when songs come to be read differently, so that every one is told again once.
const VERSION: u8 = 2;
/// No song has so many kbit/s.
const NO_KBPS: u64 = 20_000;
/// The highest rate of MP3, in frames a second, and the most channels.
const MAX_MP3_RATE: u32 = 48_000;
const MAX_MP3_CHANNELS: u8 = 2;
/// What is added to the time in a stamp, which is one of whole seconds, if the song is asked for as MP3: that must be
/// known before the song is listed again.
const IS_MP3: i64 = 1;
/// The longest id of a song, in bytes; one with a longer id is left out.
const MAX_ID: usize = 512;

/// What an album says of its songs.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlbumFacts {
    artist: Text,
    sort_name: Text,
    compilation: bool,
    musicbrainz: Option<Arc<MusicBrainz>>,
    hash: u64,
}

impl AlbumFacts {
    pub(crate) fn new(album: &Album) -> Self {
        let artist = album.display_artist.or(&album.artist);
        let artist_id = album.artists.0.first().map(|artist| &artist.music_brainz_id);
        let (sort_name, compilation) = (&album.sort_name, album.is_compilation);
        Self {
            artist: artist.as_str().into(),
            sort_name: sort_name.as_str().into(),
            compilation: compilation.0,
            musicbrainz: MusicBrainz::of(
                MusicBrainzId::parse(album.music_brainz_id.as_str()),
                artist_id.and_then(|id| MusicBrainzId::parse(id.as_str())),
            ),
            hash: hash((artist, sort_name, compilation, &album.music_brainz_id, artist_id)),
        }
    }
}

/// The key of a song; `None` for what is none.
pub(crate) fn key(song: &Song) -> Option<SourceKey> {
    let is_song = !song.is_dir.0 && !song.is_video.0;
    let id = Some(song.id.as_str()).filter(|id| is_song && !id.is_empty() && id.len() <= MAX_ID);
    id.map(SourceKey::from)
}

/// Whether to ask for a song as MP3 of so many kbit/s.
pub(crate) fn is_transcoded(song: &Song, transcoding: Transcoding, kbps: u16) -> bool {
    let suffix = song.suffix.as_str();
    match transcoding {
        Transcoding::Off => false,
        Transcoding::Unsupported => !suffix.is_empty() && !is_decoded_here(suffix),
        Transcoding::All => {
            let is_mp3 = suffix.eq_ignore_ascii_case("mp3");
            !is_mp3 || !(1..=kbps).contains(&bitrate(song.bit_rate.0))
        }
    }
}

/// Whether dapple makes WAV files of what has this suffix, or clients play it.
fn is_decoded_here(suffix: &str) -> bool {
    use Codec::{Aac, Aiff, Flac, Mpeg, Opus, Vorbis, Wav};
    let is_mp4 = ["m4a", "m4b", "mp4", "alac"].iter().any(|mp4| suffix.eq_ignore_ascii_case(mp4));
    is_mp4 || matches!(codec(suffix), Mpeg | Aac | Flac | Vorbis | Opus | Wav | Aiff)
}

/// By what to see that nothing of a song has changed. Size and time alone are those of its sound.
pub(crate) fn stamp(song: &Song, album: &AlbumFacts, form: Form) -> Stamp {
    let created_ns = i64::from(time(song.created.as_str()).0) * 1_000_000_000;
    Stamp {
        size: song.size.0,
        modified_ns: created_ns + if form == Form::Original { 0 } else { IS_MP3 },
        file: hash((VERSION, song, album.hash, form)),
    }
}

/// Whether what was told with this stamp is asked for as MP3.
pub(crate) fn is_mp3(stamp: Stamp) -> bool {
    stamp.modified_ns & IS_MP3 != 0
}

/// The facts about a song in the form in which it is asked for.
pub(crate) fn track(song: &Song, album: &AlbumFacts, form: Form) -> Track {
    let track = original(song, album);
    match form {
        Form::Original => track,
        // How many bytes that makes nobody knows.
        Form::Mp3 { kbps } => Track {
            size: 0,
            bitrate_kbps: kbps,
            sample_rate: track.sample_rate.min(MAX_MP3_RATE),
            channels: track.channels.min(MAX_MP3_CHANNELS),
            codec: Codec::Mpeg,
            format: "mp3".into(),
            ..track
        },
    }
}

/// The facts about a song as it is on the server.
fn original(song: &Song, album: &AlbumFacts) -> Track {
    let text = |word: &Word| Text::from(word.as_str());
    let number = |number: Number| u16::try_from(number.0).unwrap_or(u16::MAX);
    let long = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let album_artist = song.display_album_artist.as_str();
    Track {
        title: title(song),
        sort_title: text(&song.sort_name),
        artist: text(song.display_artist.or(&song.artist)),
        album_artist: if album_artist.is_empty() {
            album.artist.clone()
        } else {
            album_artist.into()
        },
        album: text(&song.album),
        sort_album: album.sort_name.clone(),
        genre: genre(song),
        composer: text(&song.display_composer),
        comment: text(&song.comment),
        track: number(song.track),
        disc: number(song.disc_number),
        year: number(song.year),
        bpm: number(song.bpm),
        compilation: album.compilation,
        content_rating: content_rating(song.explicit_status.as_str()),
        media_kind: media_kind(song.kind.as_str()),
        duration_ms: long(song.duration.0.saturating_mul(1000)),
        size: song.size.0,
        bitrate_kbps: bitrate(song.bit_rate.0),
        sample_rate: long(song.sampling_rate.0),
        channels: u8::try_from(song.channel_count.0).unwrap_or(0),
        levels: song.replay_gain.0.first().map(levels).unwrap_or_default(),
        codec: codec(song.suffix.as_str()),
        format: song.suffix.as_str().to_ascii_lowercase().into(),
        has_artwork: !song.cover_art.is_empty(),
        musicbrainz: album.musicbrainz.clone(),
        ..Track::default()
    }
}

/// By what to see that listeners did something with a song.
pub(crate) fn usage(song: &Song) -> u64 {
    hash((song.user_rating, song.play_count, &song.played))
}

/// What listeners did with a song on the server.
pub(crate) fn recorded(song: &Song) -> Recorded {
    let at = |text: &str| Some(time(text)).filter(|time| time.0 > 0);
    Recorded {
        rating: Some(song.user_rating.0.min(5) as u8 * 20),
        play_count: Some(u32::try_from(song.play_count.0).unwrap_or(u32::MAX)),
        skip_count: None,
        last_played: at(song.played.as_str()),
        added: at(song.created.as_str()),
    }
}

/// The same in every run.
pub(crate) fn hash(value: impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::new().hash_one(value)
}

/// The title, or what is left of the name of the file.
fn title(song: &Song) -> Text {
    let name = || {
        let name = song.path.as_str().rsplit(['/', '\\']).next().unwrap_or_default();
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    };
    let title = if song.title.is_empty() { name() } else { song.title.as_str() };
    if title.is_empty() { "?".into() } else { title.into() }
}

fn genre(song: &Song) -> Text {
    let names: Vec<&str> = song.genres.0.iter().map(|genre| genre.name.as_str()).collect();
    if names.is_empty() { song.genre.as_str().into() } else { names.join("; ").into() }
}

/// How loud a song and its album are. The gain that lies at the base of all is applied by who decodes the song.
fn levels(gain: &ReplayGain) -> Levels {
    let number = |word: &Word| word.as_str().parse::<f32>().ok();
    let level = |gain, peak| Level::new(number(gain)?, number(peak));
    Levels {
        song: level(gain.track_gain.or(&gain.fallback_gain), &gain.track_peak),
        album: level(&gain.album_gain, &gain.album_peak),
    }
}

fn content_rating(status: &str) -> ContentRating {
    match status {
        "explicit" => ContentRating::Explicit,
        "clean" => ContentRating::Clean,
        _ => ContentRating::None,
    }
}

fn media_kind(kind: &str) -> MediaKind {
    match kind {
        "podcast" => MediaKind::Podcast,
        "audiobook" => MediaKind::Audiobook,
        _ => MediaKind::Music,
    }
}

/// A bit rate in kbit/s. Supysonic 0.7.2 gives some in bit/s.
fn bitrate(bit_rate: u64) -> u16 {
    let is_in_bits = bit_rate >= NO_KBPS;
    let kbps = if is_in_bits { bit_rate.saturating_add(500) / 1000 } else { bit_rate };
    u16::try_from(kbps).unwrap_or(u16::MAX)
}

/// How a file with this suffix is most often coded; not said where it can be either of two.
fn codec(suffix: &str) -> Codec {
    match suffix.to_ascii_lowercase().as_str() {
        "mp3" | "mp2" | "mp1" | "mpga" => Codec::Mpeg,
        "aac" | "adts" => Codec::Aac,
        "flac" => Codec::Flac,
        "ogg" | "oga" => Codec::Vorbis,
        "opus" => Codec::Opus,
        "spx" => Codec::Speex,
        "wav" | "wave" => Codec::Wav,
        "aif" | "aiff" | "aifc" => Codec::Aiff,
        "ape" => Codec::Ape,
        "wv" => Codec::WavPack,
        "mpc" | "mp+" => Codec::Musepack,
        "wma" => Codec::Wma,
        _ => Codec::Unknown,
    }
}

/// A time as servers write it; those that name no zone mean UTC. 0 if it is none.
fn time(text: &str) -> Timestamp {
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let civil =
        || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let time = zoned.or_else(|| civil().map(|civil| civil.timestamp()));
    Timestamp::from_unix(time.map_or(0, jiff::Timestamp::as_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The facts about a song, from its JSON and that of its album.
    fn facts(song: &str, album: &str) -> Track {
        let album = serde_json::from_str(album).unwrap();
        original(&serde_json::from_str(song).unwrap(), &AlbumFacts::new(&album))
    }

    #[test]
    fn an_opensubsonic_song_is_told_with_all_it_has() {
        let song = r#"{"id": "s1", "title": "Jet", "sortName": "jet", "artist": "Wings", "album": "Band on the Run",
            "displayArtist": "Paul McCartney & Wings", "displayComposer": "McCartney", "genre": "Rock",
            "genres": [{"name": "Rock"}, {"name": "Pop"}], "track": 2, "discNumber": 1, "year": 1973, "bpm": 120,
            "duration": 249, "size": 5000000, "bitRate": 320, "samplingRate": 44100, "suffix": "MP3",
            "channelCount": 2, "replayGain": {"trackGain": -7.32, "albumGain": "-6.5", "trackPeak": 0.9885, "baseGain": 1},
            "coverArt": "al-1", "explicitStatus": "clean", "comment": "live", "mediaType": "song", "type": "music"}"#;
        let album = r#"{"id": "a1", "artist": "Wings", "displayArtist": "Wings", "sortName": "band on the run",
            "musicBrainzId": "89ad4ac3-39f7-470e-963a-56509c546377", "isCompilation": true, "songCount": 9}"#;
        let release = MusicBrainzId::parse("89ad4ac3-39f7-470e-963a-56509c546377");
        let expected = Track {
            title: "Jet".into(),
            sort_title: "jet".into(),
            artist: "Paul McCartney & Wings".into(),
            album_artist: "Wings".into(),
            album: "Band on the Run".into(),
            sort_album: "band on the run".into(),
            genre: "Rock; Pop".into(),
            composer: "McCartney".into(),
            comment: "live".into(),
            track: 2,
            disc: 1,
            year: 1973,
            bpm: 120,
            compilation: true,
            content_rating: ContentRating::Clean,
            duration_ms: 249_000,
            size: 5_000_000,
            bitrate_kbps: 320,
            sample_rate: 44_100,
            channels: 2,
            levels: Levels { song: Level::new(-7.32, Some(0.9885)), album: Level::new(-6.5, None) },
            codec: Codec::Mpeg,
            format: "mp3".into(),
            has_artwork: true,
            musicbrainz: MusicBrainz::of(release, None),
            ..Track::default()
        };
        assert_eq!(facts(song, album), expected);
    }

    #[test]
    fn a_song_always_has_a_title() {
        let title = |song| facts(song, "{}").title.to_string();
        assert_eq!(title(r#"{"id": 1, "path": "Wings/02 Jet.live.mp3"}"#), "02 Jet.live");
        assert_eq!(title(r#"{"id": 1, "title": 1973}"#), "1973");
        assert_eq!(title(r#"{"id": 1}"#), "?");
    }

    #[test]
    fn numbers_that_are_too_large_are_clamped() {
        let song = r#"{"track": 1e99, "duration": 99999999999, "year": -5, "userRating": 9, "playCount": 1e12}"#;
        let track = facts(song, "{}");
        assert_eq!((track.track, track.duration_ms, track.year), (u16::MAX, u32::MAX, 0));
        let recorded = recorded(&serde_json::from_str(song).unwrap());
        assert_eq!((recorded.rating, recorded.play_count), (Some(100), Some(u32::MAX)));
    }

    #[test]
    fn bit_rates_are_in_kilobits_whatever_a_server_means() {
        assert_eq!([320, 9_216, 63_999, 320_000].map(bitrate), [320, 9_216, 64, 320]);
        assert_eq!(bitrate(u64::MAX), u16::MAX);
    }

    #[test]
    fn folders_and_films_are_no_songs() {
        let is_song = |song| key(&serde_json::from_str(song).unwrap()).is_some();
        assert!(is_song(r#"{"id": 17}"#));
        assert!(!is_song(r#"{"id": 17, "isDir": true}"#));
        assert!(!is_song(r#"{"id": 17, "isVideo": "true"}"#));
        assert!(!is_song(r#"{"title": "Jet"}"#));
        assert!(!is_song(&format!("{{\"id\": \"{}\"}}", "x".repeat(MAX_ID + 1))));
    }

    #[test]
    fn times_are_read_with_and_without_a_zone() {
        for text in ["1970-01-01T00:01:00Z", "1970-01-01T00:01:00.000+00:00", "1970-01-01T00:01:00"]
        {
            assert_eq!(time(text), Timestamp(60), "{text}");
        }
        assert_eq!(time("yesterday"), Timestamp(0));
    }

    #[test]
    fn whatever_differs_in_a_song_or_its_album_is_another_stamp() {
        let stamp = |song: &str, album: &str| {
            let album = AlbumFacts::new(&serde_json::from_str(album).unwrap());
            stamp(&serde_json::from_str(song).unwrap(), &album, Form::Original)
        };
        let before = stamp(r#"{"id": 1, "title": "Jet"}"#, "{}");
        assert_eq!(
            before,
            stamp(r#"{"title": "Jet", "id": "1", "unknown": []}"#, r#"{"songCount": 9}"#)
        );
        assert_ne!(before, stamp(r#"{"id": 1, "title": "jet"}"#, "{}"));
        assert_ne!(before, stamp(r#"{"id": 1, "title": "Jet"}"#, r#"{"artist": "Wings"}"#));
    }
}
