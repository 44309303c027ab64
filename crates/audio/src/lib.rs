//! Sound as frames of PCM: decoding songs, and changing what was decoded into what is wanted.
//!
//! - [`Decoder`] takes the bytes of a song (mp3, AAC, Apple Lossless, FLAC, Vorbis, Opus, WAV, AIFF, CAF) and gives
//!   its frames: without what encoders put before and behind the music, from any frame on, broken packets made up for by
//!   silence and counted.
//! - [`Converter`] takes all the steps from there to the bytes of an output: an [`Adapter`], which is [`Remix`] for the
//!   channels and [`Resampler`] for the rate, then [`Quantiser`] for the depth. Sound that needs no step comes out bit for bit.
//! - [`Gain`] is how much louder or softer a song is to be played, as its tags say; [`Loudness`] measures it (EBU R128).
//! - [`WavStream`] reads a song as a WAV file of a length known beforehand, from any byte.
//!
//! Samples are `f32` from -1 to 1 everywhere inside, which holds 16 and 24 bits exactly; a [`Format`] says what they were.
//!
//! Everything here blocks and computes, on the thread that calls it. This crate opens no file, starts no thread and knows no
//! clock: a source is anything that can be read and sought. The codecs are the work of [`symphonia`] and [`opus_pure`]; what is
//! ours is which frames are the music, and that no song, however broken, costs more than itself: no panic of theirs gets
//! out, no source is read without end, nothing grows without a bound.
//!
//! ```
//! use std::io::{Cursor, Read};
//!
//! use audio::{Decoder, Depth, WavStream};
//!
//! // Four samples of 16 bits, mono, 8,000 Hz.
//! let file = b"RIFF\x2C\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1F\0\0\x80\x3E\0\0\x02\0\x10\0\
//!     data\x08\0\0\0\0\0\0\x40\0\xC0\xFF\x7F";
//! let open = || Decoder::open(Cursor::new(file), Some(file.len() as u64));
//!
//! let mut song = open()?;
//! assert_eq!(song.length().exact(), Some(4));
//! assert_eq!(song.read()?, [0.0, 0.5, -0.5, 32_767.0 / 32_768.0]);
//! assert!(song.read()?.is_empty());
//!
//! let mut bytes = Vec::new();
//! WavStream::new(open()?, Depth::I16, 4)?.read_to_end(&mut bytes)?;
//! assert_eq!(bytes, file);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod convert;
mod decode;
mod error;
mod loudness;
mod pcm;
mod quantise;
mod remix;
mod resample;
mod wav;

pub use convert::{Adapter, Converter};
pub use decode::{Codec, Decoder, Length};
pub use error::AudioError;
pub use loudness::{Gain, Loudness, MAX_GAIN_DB, TARGET_LUFS};
pub use pcm::{Depth, Format, Layout, MAX_CHANNELS, RATES};
pub use quantise::Quantiser;
pub use remix::Remix;
pub use resample::Resampler;
pub use wav::WavStream;
