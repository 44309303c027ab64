use std::fs;
use std::io::{Cursor, Seek, Write};
use std::path::PathBuf;
use std::time::Duration;

use daap_model::Level;
use lofty::config::WriteOptions;
use lofty::id3::v2::{CommentFrame, ExtendedTextFrame, FrameId, TextInformationFrame};
use lofty::mp4::{Atom, DataType};
use lofty::tag::{ItemKey, TagExt};
use proptest::prelude::*;
use tempfile::TempDir;
use testkit::media::{Format, Song as Fixture, jpeg};

use super::*;

fn write(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[track_caller]
fn track(name: &str, bytes: &[u8]) -> Track {
    let (_folder, path) = write(name, bytes);
    read(&path).unwrap().track
}

/// A fixture with this tag instead of its own.
fn tagged(format: Format, tag: &impl TagSave) -> Vec<u8> {
    let mut file = Cursor::new(Fixture::untagged().bytes(format));
    tag.save(&mut file);
    file.into_inner()
}

trait TagSave {
    fn save(&self, file: &mut Cursor<Vec<u8>>);
}

impl<T: TagExt> TagSave for T {
    fn save(&self, file: &mut Cursor<Vec<u8>>) {
        assert!(self.save_to(file, WriteOptions::new()).is_ok());
    }
}

#[test]
fn every_format_tells_the_same_of_a_song() {
    for (format, suffix) in Format::ALL {
        let song = Fixture::new("Jet")
            .artist("Wings")
            .album_artist("Paul McCartney & Wings")
            .album("Band on the Run")
            .genre("Rock")
            .composer("McCartney")
            .comment("Lagos")
            .text(ItemKey::TrackArtistSortOrder, "Wings, the")
            .text(ItemKey::MusicBrainzReleaseId, "89ad4ac3-39f7-470e-963a-56509c546377")
            .track(2)
            .disc(1)
            .year(1973)
            .compilation()
            .length(Duration::from_millis(2500));
        let track = track(&format!("a.{suffix}"), &song.bytes(format));
        assert_eq!(track.title.as_str(), "Jet", "{format:?}");
        assert_eq!(track.artist.as_str(), "Wings", "{format:?}");
        assert_eq!(track.album_artist.as_str(), "Paul McCartney & Wings", "{format:?}");
        assert_eq!(track.album.as_str(), "Band on the Run", "{format:?}");
        assert_eq!(track.genre.as_str(), "Rock", "{format:?}");
        assert_eq!(track.composer.as_str(), "McCartney", "{format:?}");
        assert_eq!(track.comment.as_str(), "Lagos", "{format:?}");
        assert_eq!(track.sort_artist.as_str(), "Wings, the", "{format:?}");
        assert_eq!((track.track, track.disc, track.year), (2, 1, 1973), "{format:?}");
        assert!(track.compilation, "{format:?}");
        assert!(track.musicbrainz.is_some_and(|ids| ids.album.is_some()), "{format:?}");
        assert!(!track.has_artwork, "{format:?}");
        assert_eq!(track.format.as_str(), suffix);
        // Frames round up; nothing else may differ.
        assert!(
            (2500..=2527).contains(&track.duration_ms),
            "{format:?} lasts {} ms",
            track.duration_ms
        );
        let rate = if format == Format::Opus { 48_000 } else { 44_100 };
        assert_eq!(track.sample_rate, rate, "{format:?}");
        let channels = if format == Format::Aac { 0 } else { 2 };
        assert_eq!(track.channels, channels, "{format:?}");
        assert!(track.bitrate_kbps > 0, "{format:?}");
        assert!(track.size > 0 && track.modified > Timestamp(0), "{format:?}");
    }
}

#[test]
fn where_a_header_counts_the_samples_the_length_is_exact() {
    let song = Fixture::new("Jet").length(Duration::from_millis(2500));
    for (format, frames) in [(Format::Flac, 110_250), (Format::Aiff, 110_250), (Format::Opus, 0)] {
        assert_eq!(track("a", &song.bytes(format)).frames, frames, "{format:?}");
    }
    let behind_a_tag = [b"ID3\x04\0\0\0\0\0\x05-----".to_vec(), song.bytes(Format::Flac)].concat();
    assert_eq!(track("a.flac", &behind_a_tag).frames, 110_250);
}

#[test]
fn tags_say_how_loud_a_song_and_its_album_are() {
    for (format, suffix) in Format::ALL {
        if matches!(format, Format::Wav | Format::Opus) {
            continue;
        }
        let song = Fixture::new("Jet")
            .text(ItemKey::ReplayGainTrackGain, "-7.32 dB")
            .text(ItemKey::ReplayGainTrackPeak, "0.988525")
            .text(ItemKey::ReplayGainAlbumGain, "-6.10 dB");
        let levels = track(&format!("a.{suffix}"), &song.bytes(format)).levels;
        assert_eq!(levels.song, Level::new(-7.32, Some(0.9885)), "{format:?}");
        assert_eq!(levels.album, Level::new(-6.1, None), "{format:?}");
    }
}

#[test]
fn opus_and_itunes_say_it_in_their_own_ways() {
    let mut opus = VorbisComments::new();
    opus.push("R128_TRACK_GAIN".to_owned(), "-1280".to_owned());
    opus.push("R128_ALBUM_GAIN".to_owned(), "0".to_owned());
    let levels = track("a.opus", &tagged(Format::Opus, &opus)).levels;
    assert_eq!((levels.song, levels.album), (Level::new(0.0, None), Level::new(5.0, None)));

    let sound_check = " 00002710 00000190 00001F40 00000C80 00024CA8 00024CA8 00004000 00003000 00024CA8 00024CA8";
    let mut id3 = Id3v2Tag::default();
    id3.insert(Frame::Comment(CommentFrame::new(
        lofty::TextEncoding::Latin1,
        *b"eng",
        "iTunNORM",
        sound_check,
    )));
    let song = track("a.mp3", &tagged(Format::Mp3, &id3));
    assert_eq!(song.levels.song, Level::new(-10.0, Some(0.5)));
    assert!(song.comment.is_empty());
}

#[test]
fn the_codec_is_that_of_the_sound_not_of_the_suffix() {
    for (format, codec) in [
        (Format::Wav, Codec::Wav),
        (Format::Aiff, Codec::Aiff),
        (Format::Mp3, Codec::Mpeg),
        (Format::Flac, Codec::Flac),
        (Format::M4a, Codec::Aac),
        (Format::Alac, Codec::Alac),
        (Format::Aac, Codec::Aac),
        (Format::Vorbis, Codec::Vorbis),
        (Format::Opus, Codec::Opus),
    ] {
        assert_eq!(track("x.mp3", &Fixture::new("Jet").bytes(format)).codec, codec, "{format:?}");
    }
}

#[test]
fn a_suffix_that_lies_is_corrected_and_one_that_is_merely_rare_is_kept() {
    let song = Fixture::new("Jet");
    assert_eq!(track("x.m4a", &song.bytes(Format::Mp3)).format.as_str(), "mp3");
    assert_eq!(track("x.flac", &song.bytes(Format::Aiff)).format.as_str(), "aif");
    assert_eq!(track("x.OGA", &song.bytes(Format::Vorbis)).format.as_str(), "oga");
    assert_eq!(track("x.ogg", &song.bytes(Format::Opus)).format.as_str(), "ogg");
    assert_eq!(track("x.aiff", &song.bytes(Format::Aiff)).format.as_str(), "aiff");
}

#[test]
fn a_picture_inside_is_noticed_in_every_format() {
    for (format, suffix) in Format::ALL {
        let song = Fixture::new("Jet").cover(&jpeg(40, 40)).bytes(format);
        assert!(track(&format!("a.{suffix}"), &song).has_artwork, "{format:?}");
    }
}

#[test]
fn a_song_without_a_title_is_called_by_its_file() {
    let song = Fixture::untagged().bytes(Format::Flac);
    assert_eq!(track("02 Jet.flac", &song).title.as_str(), "02 Jet");
    assert_eq!(track("Ob-La-Di.live.flac", &song).title.as_str(), "Ob-La-Di.live");
}

#[test]
fn an_audiobook_is_told_by_its_suffix() {
    assert_eq!(
        track("a.m4b", &Fixture::new("1").bytes(Format::M4a)).media_kind,
        MediaKind::Audiobook
    );
    assert_eq!(track("a.m4a", &Fixture::new("1").bytes(Format::M4a)).media_kind, MediaKind::Music);
}

fn text_frame(id: &'static str, text: &str) -> Frame<'static> {
    let id = FrameId::new(id).unwrap();
    Frame::Text(TextInformationFrame::new(id, lofty::TextEncoding::UTF16, text.to_owned()))
}

fn user_text(description: &str, text: &str) -> Frame<'static> {
    let text = text.to_owned();
    Frame::UserText(ExtendedTextFrame::new(lofty::TextEncoding::UTF8, description.to_owned(), text))
}

#[test]
fn id3v2_frames_of_itunes_and_picard_are_understood() {
    let mut tag = Id3v2Tag::new();
    for frame in [
        text_frame("TIT2", "Jet"),
        text_frame("TPE1", "Paul\0Linda"),
        text_frame("TCON", "(17)\0Glam"),
        text_frame("TRCK", "02/10"),
        text_frame("TPOS", "1/2"),
        text_frame("TBPM", "127.6"),
        text_frame("TSOT", "Jet, the"),
        text_frame("TSO2", "Wings"),
        text_frame("TSOA", "Band"),
        text_frame("TSOC", "McCartney"),
        text_frame("TCMP", "1"),
        text_frame("TIT1", "Side one"),
        user_text("ITUNESADVISORY", "1"),
        user_text("MusicBrainz Album Id", "89ad4ac3-39f7-470e-963a-56509c546377"),
        user_text("MusicBrainz Album Artist Id", "89ad4ac3-39f7-470e-963a-56509c546378"),
        user_text("ALBUM ARTIST", "Wings"),
    ] {
        tag.insert(frame);
    }
    let track = track("a.mp3", &tagged(Format::Mp3, &tag));
    assert_eq!(track.artist.as_str(), "Paul; Linda");
    assert_eq!(track.genre.as_str(), "Rock; Glam");
    assert_eq!((track.track, track.track_count, track.disc, track.disc_count), (2, 10, 1, 2));
    assert_eq!(track.bpm, 128);
    assert_eq!(track.sort_title.as_str(), "Jet, the");
    assert_eq!(track.sort_album_artist.as_str(), "Wings");
    assert_eq!(track.sort_album.as_str(), "Band");
    assert_eq!(track.sort_composer.as_str(), "McCartney");
    assert_eq!(track.album_artist.as_str(), "Wings");
    assert_eq!(track.grouping.as_str(), "Side one");
    assert!(track.compilation);
    assert_eq!(track.content_rating, ContentRating::Explicit);
    let ids = track.musicbrainz.unwrap();
    assert!(ids.album.is_some() && ids.album_artist.is_some());
}

#[test]
fn vorbis_comments_may_repeat_and_spell_keys_as_they_like() {
    let mut tag = VorbisComments::new();
    for (key, value) in [
        ("Title", "Jet"),
        ("artist", "Paul"),
        ("ARTIST", "Linda"),
        ("GENRE", "Rock"),
        ("GENRE", "Glam"),
        ("ALBUM ARTIST", "the worse key"),
        ("ALBUMARTIST", "Wings"),
        ("TRACKNUMBER", "2/9"),
        ("TRACKTOTAL", "10"),
        ("TOTALDISCS", "2"),
        ("DATE", "1973-12-05"),
        ("COMPILATION", "0"),
        ("DESCRIPTION", "a\nb"),
    ] {
        tag.push(key.into(), value.into());
    }
    let track = track("a.ogg", &tagged(Format::Vorbis, &tag));
    assert_eq!(track.artist.as_str(), "Paul; Linda");
    assert_eq!(track.genre.as_str(), "Rock; Glam");
    assert_eq!(track.album_artist.as_str(), "Wings");
    assert_eq!((track.track, track.track_count, track.disc_count), (2, 9, 2));
    assert_eq!((track.year, track.released), (1973, Timestamp(123_897_600)));
    assert_eq!(track.comment.as_str(), "a\nb");
    assert!(!track.compilation);
}

#[test]
fn mp4_numbers_and_flags_are_understood() {
    let fourcc = |letters: &[u8; 4]| AtomIdent::Fourcc(*letters);
    let bytes = |data: &[u8]| AtomData::Unknown { code: DataType::Reserved, data: data.to_vec() };
    let mut tag = Ilst::new();
    tag.insert(Atom::new(fourcc(b"trkn"), bytes(&[0, 0, 0, 2, 0, 10, 0, 0])));
    tag.insert(Atom::new(fourcc(b"disk"), bytes(&[0, 0, 0, 1, 0, 2])));
    tag.insert(Atom::new(fourcc(b"tmpo"), AtomData::SignedInteger(128)));
    tag.insert(Atom::new(fourcc(b"cpil"), AtomData::Bool(true)));
    tag.insert(Atom::new(fourcc(b"rtng"), AtomData::SignedInteger(2)));
    tag.insert(Atom::new(fourcc(b"stik"), AtomData::SignedInteger(21)));
    tag.insert(Atom::new(fourcc(b"\xA9day"), AtomData::UTF8("1973-12-05T07:00:00Z".into())));
    tag.insert(Atom::new(fourcc(b"soaa"), AtomData::UTF8("Wings".into())));
    let track = track("a.m4a", &tagged(Format::M4a, &tag));
    assert_eq!((track.track, track.track_count, track.disc, track.disc_count), (2, 10, 1, 2));
    assert_eq!((track.bpm, track.year), (128, 1973));
    assert!(track.compilation);
    assert_eq!(track.content_rating, ContentRating::Clean);
    assert_eq!(track.media_kind, MediaKind::Podcast);
    assert_eq!(track.sort_album_artist.as_str(), "Wings");
    assert_eq!(track.released, Timestamp(123_897_600));
}

#[test]
fn an_id3v1_tag_alone_is_read_and_beside_another_fills_gaps() {
    let old = Id3v1Tag {
        title: Some("Jet (cut to thirty charac".into()),
        album: Some("Band on the Run".into()),
        year: Some(1973),
        track_number: Some(2),
        genre: Some(17),
        ..Id3v1Tag::default()
    };
    let alone = tagged(Format::Mp3, &old);
    let alone = track("a.mp3", &alone);
    assert_eq!(alone.title.as_str(), "Jet (cut to thirty charac");
    assert_eq!((alone.genre.as_str(), alone.track, alone.year), ("Rock", 2, 1973));

    let mut both = Cursor::new(Fixture::new("Jet (the whole of a long title)").bytes(Format::Mp3));
    old.save(&mut both);
    let both = track("a.mp3", &both.into_inner());
    assert_eq!(both.title.as_str(), "Jet (the whole of a long title)");
    assert_eq!(both.album.as_str(), "Band on the Run");
}

#[test]
fn files_that_are_no_songs_are_refused_with_the_reason() {
    #[track_caller]
    fn check(name: &str, bytes: &[u8], reason: &str) {
        let (_folder, path) = write(name, bytes);
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    check("a.mp3", b"", "empty");
    check("a.mp3", b"This is no song, it is a letter.", "none of the kinds");
    check("a.flac", b"fLaC", "broken");
    check("a.mp3", &vec![0; 100_000], "none of the kinds");
    check("a.mp3", b"ID3\x04\0\0\0\0\0\0", "none of the kinds");
}

#[test]
fn a_frame_that_is_broken_costs_the_frame() {
    let mut tag = Id3v2Tag::new();
    for (id, text) in [("TIT2", "Caf#"), ("TPE1", "Wings"), ("TALB", "Band#")] {
        tag.insert(Frame::Text(TextInformationFrame::new(
            FrameId::new(id).unwrap(),
            lofty::TextEncoding::UTF8,
            text.to_owned(),
        )));
    }
    let mut song = tagged(Format::Mp3, &tag);
    // A text in Latin-1 that says it is UTF-8, and one in an encoding that does not exist.
    let at =
        |song: &[u8], text: &[u8]| song.windows(text.len()).position(|part| part == text).unwrap();
    let place = at(&song, b"Caf#") + 3;
    song[place] = 0xE9;
    let place = at(&song, b"Band#") - 1;
    song[place] = 9;
    let track = track("a.mp3", &song);
    assert_eq!(
        (track.title.as_str(), track.artist.as_str(), track.album.as_str()),
        ("Café", "Wings", "")
    );
}

#[test]
fn a_tag_that_is_broken_costs_the_tag() {
    let mut song = Fixture::new("Jet").bytes(Format::Flac);
    // A comment block of four bytes, where eight would be the least.
    song[4] = 0;
    song.splice(42..42, [0x84, 0, 0, 4, 1, 2, 3, 4]);
    let track = track("Jet by name.flac", &song);
    assert_eq!((track.title.as_str(), track.duration_ms), ("Jet by name", 1000));
}

#[test]
fn a_broken_end_costs_no_more_than_the_properties() {
    for (format, suffix) in Format::ALL {
        let whole = Fixture::new("Jet").artist("Wings").bytes(format);
        // Not every format can be read half; but every half must be survived.
        for part in [whole.len() / 2, whole.len() - 1, 60, 20] {
            let (_folder, path) = write(&format!("a.{suffix}"), &whole[..part]);
            if let Ok(song) = read(&path) {
                assert!(!song.track.title.is_empty());
            }
        }
    }
}

#[test]
fn a_file_that_claims_to_be_huge_allocates_little() {
    // A table of 4,294,967,295 entries in a file of a few kilobytes.
    let mut song = Fixture::new("Jet").bytes(Format::M4a);
    let at = song.windows(4).position(|four| four == b"stts").unwrap();
    song[at + 8..at + 12].copy_from_slice(&[0xFF; 4]);
    let (_folder, path) = write("a.m4a", &song);
    let _ = read(&path);
}

#[test]
fn a_large_sparse_file_is_no_work() {
    let (_folder, path) = write("a.mp3", b"");
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(1 << 36).unwrap();
    file.seek(std::io::SeekFrom::Start(0)).unwrap();
    file.write_all(b"RIFF").unwrap();
    assert!(read(&path).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_damage_to_a_file_breaks_the_reader(
        format in 0..Format::ALL.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let (format, suffix) = Format::ALL[format];
        let song = Fixture::new("Jet").artist("Wings").cover(&jpeg(8, 8)).length(Duration::from_millis(100));
        let mut bytes = song.bytes(format);
        // The first kilobyte is where the structure is.
        let reach = bytes.len().min(1024);
        for (at, byte) in damage {
            let at = at.index(reach);
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(keep.index(bytes.len()));
        }
        let (_folder, path) = write(&format!("a.{suffix}"), &bytes);
        match read(&path) {
            Ok(song) => prop_assert!(!song.track.title.is_empty()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
