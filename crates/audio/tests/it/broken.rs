//! Files that are not what they should be.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::time::Duration;

use audio::{AudioError, Decoder};
use proptest::prelude::*;
use testkit::media::{Format, Song};

use crate::made::{self, open, values};

#[test]
fn a_file_cut_off_ends_where_it_ends() {
    let sound = made::noise(2 * 40_960);
    let (wav, flac) = (made::wav(&sound), made::flac(&sound));
    for file in [&wav[..wav.len() / 2], &flac[..flac.len() / 2]] {
        let got = values(&mut open(file).unwrap(), usize::MAX);
        assert!((30_000..41_000).contains(&got.len()), "{}", got.len());
        assert!(got == sound[..got.len()]);
    }
}

#[test]
fn what_is_no_sound_is_refused() {
    for bytes in [&b""[..], b"RIFF", b"<html>", &[0; 100_000], &[0xFF; 100_000]] {
        let error = open(bytes).unwrap_err();
        assert!(!matches!(error, AudioError::Fault), "{error}");
    }
}

#[test]
fn files_of_other_kinds_are_not_taken_for_mp3() {
    let song = Song::new("Jet").bytes(Format::Mp3);
    assert!(open(&[&b"junk"[..], &song].concat()).is_ok());
    let error = open(&[&b"wvpk"[..], &song].concat()).unwrap_err();
    assert!(matches!(error, AudioError::Unknown), "{error}");
}

/// A source that is only read forwards.
struct Forwards<R>(R);

impl<R: Read> Read for Forwards<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R> Seek for Forwards<R> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[test]
fn a_source_that_never_comes_to_sound_is_given_up() {
    assert!(Decoder::open(Forwards(io::repeat(0)), None).is_err());
    let song = Cursor::new(Song::new("Jet").bytes(Format::Mp3)).chain(io::repeat(0));
    let mut decoder = Decoder::open(Forwards(song), None).unwrap();
    let end = loop {
        match decoder.read() {
            Ok([]) => break None,
            Ok(_) => {}
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(end, Some(AudioError::Read(_))), "{end:?}");
    assert!(decoder.read().unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn broken_files_end_and_never_panic(
        format in prop::sample::select(&Format::ALL[..]),
        damage in prop::collection::vec((0.0_f64..1.0, any::<u8>()), 1..12),
        head in any::<bool>(),
        cut in 0.0_f64..1.5,
        to in 0_u64..50_000,
    ) {
        let song = Song::new("Jet").length(Duration::from_millis(300));
        let mut file = song.bytes(format.0);
        let length = file.len();
        let reach = if head { length.min(700) } else { length };
        for (at, byte) in damage {
            file[(at * reach as f64) as usize] = byte;
        }
        file.truncate((cut * length as f64) as usize);
        if let Ok(mut decoder) = open(&file) {
            run(&mut decoder);
            let _ = decoder.count();
            if decoder.seek(to).is_ok() {
                run(&mut decoder);
            }
        }
    }
}

/// Reads to the end, which must come: at most a few minutes of sound, for a song of less than a second.
fn run(decoder: &mut Decoder) {
    let most = 600 * u64::from(decoder.format().rate);
    let mut frames = 0;
    while let Ok(block) = decoder.read() {
        if block.is_empty() {
            break;
        }
        assert!(block.iter().all(|sample| sample.is_finite()));
        frames += block.len() as u64;
        assert!(frames < most, "no end");
    }
}
