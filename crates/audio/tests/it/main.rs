//! Decoding, measuring and writing whole songs.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod broken;
mod decode;
mod ffmpeg;
mod loudness;
mod made;
mod studio;
mod wav;
