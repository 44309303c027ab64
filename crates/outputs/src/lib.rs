//! What a player's sound goes to.
//!
//! - `local` is the sound card, by way of the sound server that has it: PulseAudio, or PipeWire in its place.
//! - `null` is nothing at all, in real time: for trying things out, and for machines without sound.
//! - `file:PATH` is a file or a pipe, as raw PCM: 16 bits, little-endian, 44,100 Hz, stereo.
//!
//! A [`Spec`] says which, as people write it; [`open`] makes a [`player::Output`] of it.
//!
//! ```
//! use outputs::Spec;
//!
//! let spec: Spec = "file:/tmp/snapfifo".parse()?;
//! let output = outputs::open(&spec);
//! assert_eq!(spec.to_string(), "file:/tmp/snapfifo");
//!
//! let error = "kitchen".parse::<Spec>().unwrap_err();
//! assert_eq!(error.to_string(), "there is no output `kitchen`: there are local, null and file:PATH");
//! # let _ = output;
//! # Ok::<(), outputs::UnknownOutput>(())
//! ```

mod file;
#[cfg(unix)]
mod local;
mod null;
mod pace;
mod pipe;
mod spec;

pub use spec::{Spec, UnknownOutput, open};
