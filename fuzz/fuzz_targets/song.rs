//! Songs: no panic gets out, every song ends, and a seek to a frame of lossless sound gives that frame.
#![no_main]

use std::io::{Cursor, Read};
use std::sync::Once;

use audio::{Decoder, Depth, WavStream};
use libfuzzer_sys::fuzz_target;

/// More than any file as short as these holds: five minutes at 48,000 frames a second, in stereo.
const MOST: usize = 300 * 48_000 * 2;

static QUIET: Once = Once::new();

fuzz_target!(|bytes: &[u8]| {
    // A panic inside a library is an error of the song: only one that gets out is a finding.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let open = || Decoder::open(Cursor::new(bytes.to_vec()), Some(bytes.len() as u64));
    let Ok(mut song) = open() else { return };
    let samples = read(&mut song);
    let middle = song.position() / 2;
    if song.seek(middle).is_ok() {
        assert_eq!(song.position(), middle);
        read(&mut song);
    }
    let Ok(frames) = song.count() else { return };
    if samples < MOST && frames < MOST as u64 {
        let mut wav = WavStream::new(song, Depth::I16, frames).expect("WAV holds as much");
        let mut whole = Vec::new();
        if wav.read_to_end(&mut whole).is_ok() {
            assert_eq!(whole.len() as u64, wav.length());
        }
    }
});

/// How many samples there are to the end, if it comes.
fn read(song: &mut Decoder) -> usize {
    let mut samples = 0;
    while samples < MOST {
        match song.read() {
            Ok([]) | Err(_) => break,
            Ok(block) => {
                assert!(block.iter().all(|sample| sample.is_finite()));
                samples += block.len();
            }
        }
    }
    samples
}
