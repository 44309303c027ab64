//! Plays what comes on standard input (raw PCM: 16 bits, little-endian, 44,100 Hz, stereo) on an output, without a player.
//!
//! `ffmpeg -v error -i Jet.flac -f s16le -ar 44100 -ac 2 - | cargo run -p outputs --example pcm -- local`

use std::io::{Read, stdin};
use std::thread::sleep;
use std::time::{Duration, Instant};

use audio::{Depth, Format, Layout};

const FORMAT: Format = Format { rate: 44_100, layout: Layout::STEREO, depth: Depth::I16 };
const STEP: Duration = Duration::from_millis(20);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spec = std::env::args().nth(1).ok_or("which output?")?;
    let mut output = outputs::open(&spec.parse()?);
    output.open(FORMAT, Instant::now())?;
    loop {
        let room = output.room(Instant::now())?;
        let mut bytes = Vec::new();
        stdin().take((room * FORMAT.frame_bytes()) as u64).read_to_end(&mut bytes)?;
        let samples = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        let frames: Vec<f32> = samples.map(|sample| f32::from(sample) / 32_768.0).collect();
        output.write(&frames, Depth::I16, Instant::now())?;
        let delay = output.delay(Instant::now())?;
        eprintln!("room for {room} frames, {} written, {delay} not heard yet", frames.len() / 2);
        if room > 0 && delay == 0 {
            break;
        }
        sleep(STEP);
    }
    output.close();
    Ok(())
}
