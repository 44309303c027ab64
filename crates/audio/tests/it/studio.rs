//! What `ffmpeg` encodes and decodes. Tests with it are skipped, with a word, where there is none.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use audio::{Decoder, Depth, Quantiser};
use tempfile::TempDir;

pub(crate) const RATE: usize = 44_100;

/// A folder with a recording in it, `source.wav`, and `ffmpeg` to make others of it.
pub(crate) struct Studio {
    folder: TempDir,
}

impl Studio {
    /// `None`, and a word, if there is no `ffmpeg`.
    pub(crate) fn open(frames: usize) -> Option<Self> {
        if Command::new("ffmpeg").arg("-version").output().is_err() {
            eprintln!("skipped: there is no ffmpeg");
            return None;
        }
        let studio = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(studio.path("source.s16"), bytes_of(&music(0, frames))).unwrap();
        studio.run(&["-f", "s16le", "-ar", "44100", "-ac", "2", "-i", "source.s16", "source.wav"]);
        Some(studio)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-y"]).args(arguments).current_dir(self.folder.path());
        let done = command.output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Encodes `source.wav`.
    pub(crate) fn encode(&self, options: &str, name: &str) -> PathBuf {
        let options = ["-i", "source.wav"].into_iter().chain(options.split_whitespace());
        self.run(&options.chain([name]).collect::<Vec<_>>());
        self.path(name)
    }

    /// What `ffmpeg` decodes of a file, in a raw format.
    pub(crate) fn decoded(&self, name: &str, format: &str) -> Vec<u8> {
        // The decoder of Opus that ffmpeg has of its own resamples speech in another way than the standard's.
        let decoder = if name.ends_with("opus") { "libopus" } else { "copy" };
        let choice = ["-c:a", decoder, "-i", name, "-f", format, "decoded.raw"];
        self.run(if decoder == "copy" { &choice[2..] } else { &choice });
        fs::read(self.path("decoded.raw")).unwrap()
    }
}

/// Two tones that glide, with noise: no two frames alike, left and right different.
pub(crate) fn music(from: usize, frames: usize) -> Vec<i16> {
    let mut noise = 1_u32;
    let sample = |n: usize, hz: f64, noise: i32| {
        let t = n as f64 / RATE as f64;
        let tone = (std::f64::consts::TAU * (hz + 200.0 * t) * t).sin() * 9_000.0;
        (tone as i32 + noise % 500) as i16
    };
    let frame = |n: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        [sample(n, 220.0, (noise >> 20) as i32), sample(n, 660.0, (noise >> 8) as i32 & 0xFFF)]
    };
    (0..from + frames).map(frame).skip(from).flatten().collect()
}

pub(crate) fn bytes_of(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// Opens a file.
pub(crate) fn open_file(path: &Path) -> Decoder {
    let file = File::open(path).unwrap();
    let length = file.metadata().unwrap().len();
    Decoder::open(file, Some(length)).unwrap()
}

/// All the frames that are left.
pub(crate) fn rest(decoder: &mut Decoder) -> Vec<f32> {
    let mut out = Vec::new();
    loop {
        let block = decoder.read().unwrap();
        if block.is_empty() {
            return out;
        }
        out.extend_from_slice(block);
    }
}

pub(crate) fn difference(got: &[f32], expected: impl IntoIterator<Item = f32>) -> f32 {
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

pub(crate) fn quantised(samples: &[f32], from: Depth, to: Depth) -> Vec<u8> {
    let mut out = Vec::new();
    Quantiser::new(from, to).write(samples, 0, 2, &mut out);
    out
}
