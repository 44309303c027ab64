//! Songs as WAV files.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::process::Command;

use audio::{AudioError, Depth, WavStream};
use proptest::prelude::*;

use crate::made::{self, open};
use crate::studio::{RATE, Studio, open_file};

#[test]
fn a_wav_stream_of_a_wav_file_is_the_file() {
    let file = made::wav(&made::noise(2 * 5_000));
    let mut stream = WavStream::new(open(&file).unwrap(), Depth::I16, 5_000).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    assert!(bytes == file);
}

#[test]
fn the_announced_length_is_kept() {
    let sound = made::noise(2 * 5_000);
    let file = made::wav(&sound);
    for (frames, kept) in [(3_000, 3_000), (400_000, 5_000), (0, 0)] {
        let mut stream = WavStream::new(open(&file).unwrap(), Depth::I16, frames).unwrap();
        assert_eq!(stream.length(), 44 + 4 * frames);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, stream.length());
        assert!(bytes[44..][..4 * kept] == file[44..][..4 * kept]);
        assert!(bytes[44 + 4 * kept..].iter().all(|byte| *byte == 0));
    }
    let error = WavStream::new(open(&file).unwrap(), Depth::I16, 1 << 31).unwrap_err();
    assert!(matches!(error, AudioError::TooLong { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_range_equals_the_slice(
        frames in 0_u64..12_000,
        depth in prop::sample::select(&[Depth::I16, Depth::I24, Depth::F32][..]),
        mono: bool,
        ranges in prop::collection::vec((0_usize..60_000, 0_usize..9_000), 1..8),
    ) {
        let sound = made::noise(2 * 2_500);
        let file = if mono { made::mono_wav(&sound) } else { made::flac(&sound) };
        let stream = || WavStream::new(open(&file).unwrap(), depth, frames).unwrap();
        let mut whole = Vec::new();
        stream().read_to_end(&mut whole).unwrap();
        prop_assert_eq!(whole.len() as u64, stream().length());
        let mut stream = stream();
        for (start, length) in ranges {
            let mut range = Vec::new();
            stream.seek(SeekFrom::Start(start as u64)).unwrap();
            stream.by_ref().take(length as u64).read_to_end(&mut range).unwrap();
            let start = start.min(whole.len());
            let end = (start + length).min(whole.len());
            prop_assert!(range == whole[start..end]);
        }
    }
}

#[test]
fn every_range_of_a_wav_stream_is_a_slice_of_the_whole() {
    // Longer than the piece after which decoding starts afresh.
    let Some(studio) = Studio::open(11 * RATE) else { return };
    for (options, name) in [
        ("-ac 1 -c:a libvorbis", "a.ogg"),
        ("-ac 1 -c:a libopus", "a.opus"),
        ("-ac 1 -c:a aac", "a.m4a"),
        ("-ac 1 -c:a libmp3lame", "a.mp3"),
    ] {
        let path = studio.encode(options, name);
        let frames = open_file(&path).length().exact().unwrap();
        let wav = || WavStream::new(open_file(&path), Depth::I16, frames).unwrap();
        let mut whole = Vec::new();
        wav().read_to_end(&mut whole).unwrap();
        assert_eq!(whole.len() as u64, wav().length(), "{name}");
        let (mut one, mut seed) = (wav(), 7_usize);
        for turn in 0..8 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
            let (start, length) = (seed / 7 % whole.len(), seed % 50_000);
            // Some from a stream that has been read before, some from a new one.
            let mut fresh = wav();
            let stream = if turn % 4 == 0 { &mut fresh } else { &mut one };
            stream.seek(SeekFrom::Start(start as u64)).unwrap();
            let mut range = Vec::new();
            stream.take(length as u64).read_to_end(&mut range).unwrap();
            let slice = &whole[start..whole.len().min(start + length)];
            assert!(range == slice, "{name}: {length} bytes from {start}");
        }
    }
}

#[test]
fn ffprobe_reads_the_length_of_a_wav_stream() {
    let Some(studio) = Studio::open(RATE * 3 / 2) else { return };
    for (options, name, depth) in [
        ("-c:a libopus", "a.opus", Depth::I16),
        ("-ac 6 -c:a flac", "a.flac", Depth::I24),
        ("-ac 1 -c:a libvorbis", "a.ogg", Depth::F32),
    ] {
        let decoder = open_file(&studio.encode(options, name));
        let frames = decoder.length().exact().unwrap();
        let mut wav = WavStream::new(decoder, depth, frames).unwrap();
        let mut bytes = Vec::new();
        wav.read_to_end(&mut bytes).unwrap();
        fs::write(studio.path("out.wav"), bytes).unwrap();
        let options = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"];
        let mut ffprobe = Command::new("ffprobe");
        let told = ffprobe.args(options).arg(studio.path("out.wav")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&told.stdout).trim(), "1.500000", "{name}");
    }
}
