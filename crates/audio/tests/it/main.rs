//! Decoding and measuring whole songs.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod broken;
mod decode;
mod ffmpeg;
mod loudness;
mod made;
mod studio;
