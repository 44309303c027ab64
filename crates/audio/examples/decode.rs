//! Decodes songs and says what they are: `decode FILE...`; with `--raw` as the first word their samples go to standard output.

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::time::Instant;

use audio::{Decoder, Quantiser};

fn main() {
    let mut files: Vec<_> = std::env::args().skip(1).collect();
    let raw = files.first().is_some_and(|word| word == "--raw");
    for file in files.drain(usize::from(raw)..) {
        if let Err(error) = decode(&file, raw) {
            eprintln!("{file}: {error}");
        }
    }
}

fn decode(file: &str, raw: bool) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let source = File::open(file)?;
    let length = source.metadata()?.len();
    let mut song = Decoder::open(source, Some(length))?;
    let (format, told) = (song.format(), song.length());
    let quantiser = Quantiser::new(format.depth, format.depth);
    let mut bytes = Vec::new();
    loop {
        let first = song.position();
        let frames = song.read()?;
        if frames.is_empty() {
            break;
        }
        if raw {
            bytes.clear();
            quantiser.write(frames, first, format.channels(), &mut bytes);
            io::stdout().write_all(&bytes)?;
        }
    }
    let frames = song.position();
    let speed = frames as f64 / f64::from(format.rate) / began.elapsed().as_secs_f64();
    eprintln!(
        "{file}: {:?}, {} Hz, {}, {:?}; {told:?}, {frames} frames, {} gaps; {speed:.0} times real time",
        song.codec(),
        format.rate,
        format.layout,
        format.depth,
        song.gaps(),
    );
    Ok(())
}
