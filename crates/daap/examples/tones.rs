//! A share whose songs exist nowhere: each is a tone, and its bytes are worked out as they are asked for.
//!
//! `cargo run -p daap --example tones -- ADDRESS:PORT`
//!
//! Two octaves of tones, a minute each. A player can seek in them, for any sample can be worked out alone.

use std::f64::consts::TAU;

use bytes::Bytes;
use daap::{
    ByteStream, Catalog, Codec, Content, DatabaseId, Item, NewSong, Provider, Ranged, Server,
    SourceError, Track,
};
use futures_util::stream;

const SAMPLE_RATE: u32 = 44_100;
const SECONDS: u32 = 60;
/// A WAV file's header.
const HEADER: u64 = 44;
/// Mono, 16 bits a sample.
const SIZE: u64 = HEADER + (SECONDS * SAMPLE_RATE) as u64 * 2;
/// Bytes that are worked out at a time.
const CHUNK: u64 = 16 << 10;
const NOTES: [&str; 12] = ["A", "A♯", "B", "C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯"];

/// Knows the tones: the number of a song says how high it is.
struct Tones;

impl Provider for Tones {
    async fn open(&self, _: DatabaseId, item: &Item) -> Result<Content, SourceError> {
        let half_tones = f64::from(item.track.track) - 1.0;
        Ok(Content::ranged(SIZE, Tone { hertz: 220.0 * (half_tones / 12.0).exp2() }))
    }
}

struct Tone {
    hertz: f64,
}

impl Ranged for Tone {
    fn read(self: Box<Self>, start: u64, length: u64) -> ByteStream {
        let end = start + length;
        let starts = (start..end).step_by(CHUNK as usize);
        let chunks = starts.map(move |at| Ok(self.bytes(at, end.min(at + CHUNK))));
        Box::pin(stream::iter(chunks))
    }
}

impl Tone {
    fn bytes(&self, start: u64, end: u64) -> Bytes {
        let header = wav_header();
        let byte = |at: u64| match header.get(at as usize) {
            Some(byte) => *byte,
            None => self.sample((at - HEADER) / 2).to_le_bytes()[(at % 2) as usize],
        };
        (start..end).map(byte).collect()
    }

    fn sample(&self, number: u64) -> i16 {
        let seconds = number as f64 / f64::from(SAMPLE_RATE);
        ((TAU * self.hertz * seconds).sin() * 8_000.0) as i16
    }
}

fn wav_header() -> Vec<u8> {
    let data = (SIZE - HEADER) as u32;
    let numbers = |bytes: &[u32]| bytes.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    // PCM, one channel; bytes a second; 2 bytes a frame, 16 bits a sample.
    let format = numbers(&[16, 1 | 1 << 16, SAMPLE_RATE, SAMPLE_RATE * 2, 2 | 16 << 16]);
    [b"RIFF", &*numbers(&[data + 36]), b"WAVEfmt ", &format, b"data", &numbers(&[data])].concat()
}

fn tone(number: u16) -> NewSong {
    let (octave, note) = (number / 12 + 3, NOTES[usize::from(number % 12)]);
    NewSong::new(Track {
        title: format!("{note}{octave}").into(),
        artist: "The Oscillators".into(),
        album: "Two octaves".into(),
        track: number + 1,
        track_count: 24,
        duration_ms: SECONDS * 1000,
        size: SIZE,
        codec: Codec::Wav,
        format: "wav".into(),
        sample_rate: SAMPLE_RATE,
        ..Track::default()
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("which address?")?.parse()?;
    let catalog = Catalog::builder("Tones").provider(Tones).build();
    let mut changes = catalog.changes();
    for number in 0..24 {
        changes.add_item(Catalog::MAIN, tone(number));
    }
    catalog.commit(changes)?;
    let server = Server::builder(catalog).bind(&[address]).await?;
    println!("listening on http://{} (Tones)", server.addresses()[0]);
    server.run(daap::interrupted()).await;
    Ok(())
}
