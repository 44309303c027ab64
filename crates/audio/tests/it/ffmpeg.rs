//! Against another decoder.

use std::fs;

use audio::{Codec, Depth, Length};

use crate::studio::{RATE, Studio, bytes_of, difference, music, open_file, quantised, rest};

#[test]
fn lossless_sound_is_what_ffmpeg_decodes_bit_for_bit() {
    let Some(studio) = Studio::open(100_003) else { return };
    let cases = [
        ("-c:a flac", "a.flac", "s16le", Depth::I16),
        ("-c:a flac", "b.oga", "s16le", Depth::I16),
        ("-c:a alac", "a.m4a", "s16le", Depth::I16),
        ("-c:a pcm_s16le", "a.wav", "s16le", Depth::I16),
        ("-c:a pcm_u8", "b.wav", "s16le", Depth::I16),
        ("-c:a pcm_mulaw", "c.wav", "s16le", Depth::I16),
        ("-c:a pcm_s16be", "a.aiff", "s16le", Depth::I16),
        ("-c:a pcm_s16le", "a.caf", "s16le", Depth::I16),
        ("-filter:a volume=0.3 -c:a pcm_s24le", "d.wav", "s24le", Depth::I24),
        ("-filter:a volume=0.3 -c:a pcm_s24be", "b.aiff", "s24le", Depth::I24),
        ("-filter:a volume=0.3 -sample_fmt s32 -c:a flac", "c.flac", "s24le", Depth::I24),
        ("-filter:a volume=0.3 -sample_fmt s32p -c:a alac", "b.m4a", "s24le", Depth::I24),
        ("-filter:a volume=0.3 -c:a pcm_f32le", "e.wav", "f32le", Depth::F32),
    ];
    for (options, name, format, depth) in cases {
        let mut decoder = open_file(&studio.encode(options, name));
        assert_eq!(decoder.format().depth, depth, "{name}");
        assert_eq!(decoder.length(), Length::Exact(100_003), "{name}");
        let samples = rest(&mut decoder);
        assert!(
            quantised(&samples, depth, depth) == studio.decoded(name, format),
            "{name} differs"
        );
        assert_eq!((decoder.position(), decoder.gaps()), (100_003, 0), "{name}");
    }
}

const LOSSY: [(&str, &str, usize); 9] = [
    ("-c:a libmp3lame -b:a 128k", "cbr.mp3", RATE),
    ("-c:a libmp3lame -q:a 4", "vbr.mp3", RATE),
    ("-c:a libmp3lame -b:a 32k -ar 22050", "low.mp3", 22_050),
    ("-c:a aac -aac_pns 0 -b:a 128k", "a.m4a", RATE),
    ("-c:a aac -aac_pns 0 -movflags +faststart", "b.m4a", RATE),
    ("-c:a libvorbis -q:a 4", "a.ogg", RATE),
    ("-c:a libvorbis -q:a 0 -ar 22050", "b.ogg", 22_050),
    ("-c:a libopus -b:a 96k", "a.opus", 48_000),
    ("-c:a libopus -b:a 24k -application voip", "b.opus", 48_000),
];

#[test]
fn lossy_sound_is_what_ffmpeg_decodes_within_the_error_of_arithmetic() {
    let Some(studio) = Studio::open(200_003) else { return };
    for (options, name, rate) in LOSSY {
        let mut decoder = open_file(&studio.encode(options, name));
        assert_eq!(decoder.format().rate as usize, rate, "{name}");
        let frames = (200_003 * rate).div_ceil(RATE) as u64;
        let told = decoder.length().exact().unwrap_or_else(|| panic!("{name}"));
        assert!(told.abs_diff(frames) <= 1, "{name}: {told}, not {frames}");
        let samples = rest(&mut decoder);
        assert_eq!(samples.len() as u64, 2 * told, "{name}");
        let expected = studio.decoded(name, "f32le");
        let expected = expected.chunks_exact(4);
        // Of AAC ffmpeg leaves the padding at the end.
        assert!(expected.len() == samples.len() || name.ends_with("m4a"), "{name}");
        let expected = expected.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
        let worst = difference(&samples, expected);
        assert!(worst < 1e-4, "{name}: {worst:e}");
        assert_eq!(decoder.gaps(), 0, "{name}");
    }
}

#[test]
fn channels_come_in_the_order_of_wave_whatever_order_a_codec_has() {
    let Some(studio) = Studio::open(RATE) else { return };
    // Ever softer, but for the bass, of which a low tone has little left after lossy codecs.
    let pan = "-af pan=5.1|c0=c0|c1=0.8*c0|c2=0.6*c0|c3=0*c0|c4=0.4*c0|c5=0.2*c0";
    for (options, name) in [
        ("-c:a flac", "a.flac"),
        ("-c:a pcm_s16le", "a.wav"),
        ("-c:a libvorbis -q:a 8", "a.ogg"),
        ("-c:a libopus -b:a 512k -mapping_family 1", "a.opus"),
    ] {
        let mut decoder = open_file(&studio.encode(&format!("{pan} {options}"), name));
        assert_eq!(decoder.format().channels(), 6, "{name}");
        let samples = rest(&mut decoder);
        let power = |channel: usize| {
            let samples = samples[channel..].iter().step_by(6);
            samples.map(|sample| f64::from(*sample).powi(2)).sum::<f64>().sqrt()
        };
        let front = power(0);
        for (channel, level) in [1.0, 0.8, 0.6, 0.0, 0.4, 0.2].into_iter().enumerate() {
            let got = power(channel) / front;
            assert!((got - level).abs() < 0.08, "{name}: {got} in channel {channel}");
        }
    }
}

#[test]
fn a_frame_is_the_same_however_it_was_reached() {
    let Some(studio) = Studio::open(150_003) else { return };
    let lossless = [("-c:a flac", "a.flac", RATE), ("-c:a alac", "alac.m4a", RATE)];
    for (options, name, _) in LOSSY.into_iter().chain(lossless) {
        let path = studio.encode(options, name);
        let mut decoder = open_file(&path);
        let whole = rest(&mut decoder);
        let frames = whole.len() / 2;
        let tolerance = if decoder.codec() == Codec::Opus { 1e-3 } else { 0.0 };
        for at in [frames / 2, 1, frames - 5, 0, 4_096, frames / 3, frames / 3 + 1, frames] {
            decoder.seek(at as u64).unwrap();
            assert_eq!(decoder.position(), at as u64);
            let mut got = Vec::new();
            while got.len() < 12_000.min(whole.len() - 2 * at) {
                got.extend_from_slice(decoder.read().unwrap());
            }
            let worst = difference(&got, whole[2 * at..].iter().copied());
            assert!(worst <= tolerance, "{name} from {at}: {worst:e}");
        }
        decoder.seek(u64::MAX).unwrap();
        assert!(decoder.read().unwrap().is_empty(), "{name}");
    }
}

#[test]
fn a_song_without_a_length_is_counted_just_so() {
    let Some(studio) = Studio::open(200_003) else { return };
    for (options, name) in [
        ("-c:a libmp3lame -q:a 5 -write_xing 0", "a.mp3"),
        ("-c:a libmp3lame -b:a 96k -write_xing 0 -id3v2_version 0", "b.mp3"),
        ("-c:a aac", "a.aac"),
        ("-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 500000", "a.m4a"),
        ("-c:a mp2", "a.mp2"),
    ] {
        let path = studio.encode(options, name);
        let mut decoder = open_file(&path);
        assert_eq!(decoder.length().exact(), None, "{name}");
        decoder.seek(1_000).unwrap();
        let frames = decoder.count().unwrap();
        assert_eq!(decoder.length(), Length::Exact(frames), "{name}");
        assert_eq!(decoder.position(), 1_000, "{name}");
        assert_eq!(rest(&mut decoder).len() as u64, 2 * (frames - 1_000), "{name}");
        assert_eq!(rest(&mut open_file(&path)).len() as u64, 2 * frames, "{name}");
        assert!((200_003..206_000).contains(&frames), "{name}: {frames}");
    }
}

#[test]
fn songs_cut_from_one_recording_join_without_a_gap() {
    let Some(studio) = Studio::open(10) else { return };
    let cut = 150_001;
    let parts = [music(0, cut), music(cut, 120_007)];
    for (options, suffix) in [
        ("-c:a libmp3lame -q:a 2", "mp3"),
        ("-c:a aac -b:a 192k", "m4a"),
        ("-c:a libvorbis -q:a 6", "ogg"),
        ("-c:a flac", "flac"),
    ] {
        let mut joined = Vec::new();
        for part in &parts {
            fs::write(studio.path("source.s16"), bytes_of(part)).unwrap();
            studio.run(&[
                "-f",
                "s16le",
                "-ar",
                "44100",
                "-ac",
                "2",
                "-i",
                "source.s16",
                "source.wav",
            ]);
            joined.extend(rest(&mut open_file(&studio.encode(options, &format!("part.{suffix}")))));
        }
        let original = parts.concat();
        assert_eq!(joined.len(), original.len(), "{suffix}");
        // At the joint the sound goes on: it is as near to the original as elsewhere.
        let error = |range: std::ops::Range<usize>| {
            let squares = range.map(|n| (joined[n] - f32::from(original[n]) / 32768.0).powi(2));
            squares.sum::<f32>()
        };
        let joint = error(2 * cut - 400..2 * cut + 400);
        let elsewhere = error(100_000..100_800);
        // One sample more or less at the joint would be an error above 1.
        assert!(joint < 0.1 && elsewhere < 0.1, "{suffix}: {joint}, elsewhere {elsewhere}");
    }
}
