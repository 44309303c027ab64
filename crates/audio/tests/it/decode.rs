//! What comes out is known sample for sample.

use std::io::Cursor;
use std::time::Duration;

use audio::{Codec, Converter, Decoder, Depth, Layout, Length};
use lofty::config::WriteOptions;
use lofty::mp4::{Atom, AtomData, AtomIdent, Ilst};
use lofty::tag::TagExt;
use testkit::media::{Format, Song};

use crate::made::{self, open, values};

#[test]
fn samples_come_out_as_they_went_in() {
    let sound = made::noise(2 * 10_000);
    for (name, file) in [("wav", made::wav(&sound)), ("flac", made::flac(&sound))] {
        let mut decoder = open(&file).unwrap();
        assert_eq!(decoder.length(), Length::Exact(10_000), "{name}");
        assert_eq!(decoder.format().layout, Layout::STEREO, "{name}");
        assert_eq!(decoder.format().depth, Depth::I16, "{name}");
        assert!(values(&mut decoder, usize::MAX) == sound, "{name}");
        assert_eq!(decoder.position(), 10_000, "{name}");
        assert!(decoder.read().unwrap().is_empty(), "{name}");
    }
}

#[test]
fn every_kind_of_file_is_known_and_as_long_as_it_says() {
    for (format, codec, frames) in [
        (Format::Wav, Codec::Pcm, Some(66_150)),
        (Format::Aiff, Codec::Pcm, Some(66_150)),
        (Format::Mp3, Codec::Mpeg, None),
        (Format::VariableMp3, Codec::Mpeg, None),
        (Format::Flac, Codec::Flac, Some(66_150)),
        (Format::M4a, Codec::Aac, Some(66_150)),
        (Format::Alac, Codec::Alac, Some(66_150)),
        (Format::Aac, Codec::Aac, None),
        (Format::Opus, Codec::Opus, Some(72_000)),
    ] {
        let song = Song::new("Jet").cover(&testkit::media::jpeg(90, 90));
        let file = song.length(Duration::from_millis(1_500)).bytes(format);
        let mut decoder = open(&file).unwrap_or_else(|error| panic!("{format:?}: {error}"));
        assert_eq!(decoder.codec(), codec, "{format:?}");
        assert_eq!(decoder.length().exact(), frames, "{format:?}");
        let counted = decoder.count().unwrap();
        let read = values(&mut decoder, usize::MAX).len() / decoder.format().channels();
        assert_eq!(read as u64, counted, "{format:?}");
        assert!((66_150..=72_000).contains(&counted), "{format:?}: {counted}");
    }
}

#[test]
fn the_delay_of_opus_is_left_out() {
    let (file, frames) = made::opus(48_000 + 123);
    let mut decoder = open(&file).unwrap();
    assert_eq!(decoder.length(), Length::Exact(frames));
    let whole = values(&mut decoder, usize::MAX);
    assert_eq!(whole.len() as u64, 2 * frames);
    // A click in the middle of silence is where it was put.
    let click = (0..whole.len()).max_by_key(|n| whole[*n].unsigned_abs()).unwrap();
    assert!((click / 2).abs_diff(made::CLICK) <= 2, "{}", click / 2);
}

#[test]
fn what_itunes_says_of_delay_and_padding_is_kept_to() {
    let mut file = Cursor::new(Song::untagged().bytes(Format::M4a));
    let mut tag = Ilst::default();
    let name = AtomIdent::Freeform { mean: "com.apple.iTunes".into(), name: "iTunSMPB".into() };
    // 2,112 samples before, 40,000 of music.
    let text = " 00000000 00000840 00000384 0000000000009C40 00000000 00000000";
    tag.insert(Atom::new(name, AtomData::UTF8(text.to_owned())));
    tag.save_to(&mut file, WriteOptions::new()).unwrap();
    let mut decoder = open(file.get_ref()).unwrap();
    assert_eq!(decoder.length(), Length::Exact(40_000));
    assert_eq!(values(&mut decoder, usize::MAX).len(), 2 * 40_000);
}

#[test]
fn a_seek_goes_to_the_frame_itself() {
    let sound = made::noise(2 * 50_000);
    for file in [made::wav(&sound), made::flac(&sound)] {
        let mut decoder = open(&file).unwrap();
        for frame in [0, 1, 4_095, 4_096, 49_999, 7, 25_000, 50_000] {
            decoder.seek(frame).unwrap();
            assert_eq!(decoder.position(), frame);
            let got = values(&mut decoder, 3_000);
            assert!(got == sound[2 * frame as usize..][..got.len()], "{frame}");
        }
        decoder.seek(70_000).unwrap();
        assert!(decoder.read().unwrap().is_empty());
        assert_eq!(decoder.position(), 50_000);
    }
}

#[test]
fn a_source_without_a_length_is_read_forwards() {
    let sound = made::noise(2 * 20_000);
    for file in [made::wav(&sound), made::flac(&sound)] {
        let mut decoder = Decoder::open(Cursor::new(file), None).unwrap();
        decoder.seek(100).unwrap();
        assert!(values(&mut decoder, 5_000)[..5_000] == sound[200..5_200]);
        decoder.seek(9_000).unwrap();
        assert!(values(&mut decoder, 5_000)[..5_000] == sound[18_000..23_000]);
        assert!(decoder.seek(100).is_err());
    }
}

#[test]
fn silence_stands_for_what_is_broken() {
    let sound = made::noise(2 * 40_960);
    let mut file = made::flac(&sound);
    // The third of ten frames.
    let frame = file.len() / 10;
    file[2 * frame + 2_000..2 * frame + 2_010].fill(0xA5);
    let mut decoder = open(&file).unwrap();
    let got = values(&mut decoder, usize::MAX);
    assert_eq!(got.len(), sound.len());
    assert_eq!(got[..2 * 8_192], sound[..2 * 8_192]);
    assert!(got[2 * 8_192..2 * 12_288].iter().all(|value| *value == 0));
    assert!(got[2 * 12_288..] == sound[2 * 12_288..]);
    assert_eq!(decoder.gaps(), 1);
    // Nothing else is heard if one goes there.
    decoder.seek(10_000).unwrap();
    let again = values(&mut decoder, usize::MAX);
    assert!(again == got[2 * 10_000..]);
}

#[test]
fn a_song_can_be_played_on_a_thread_of_its_own() {
    let sound = made::noise(2 * 5_000);
    let mut decoder = open(&made::wav(&sound)).unwrap();
    let format = decoder.format();
    let mut converter = Converter::new(format, format, 1.0).unwrap();
    let playing = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        loop {
            let frames = decoder.read().unwrap();
            if frames.is_empty() {
                converter.finish(&mut bytes);
                return bytes;
            }
            converter.push(frames, &mut bytes);
        }
    });
    assert!(playing.join().unwrap() == made::wav(&sound)[44..]);
}
