//! Sound as frames of PCM, and changing it into what is wanted.
//!
//! [`Converter`] takes all the steps from the frames of one [`Format`] to the bytes of another: [`Remix`] for the channels,
//! [`Resampler`] for the rate, [`Quantiser`] for the depth. Sound that needs no step comes out bit for bit.
//!
//! Samples are `f32` from -1 to 1 everywhere inside, which holds 16 and 24 bits exactly; a [`Format`] says what they were.
//!
//! ```
//! use audio::{Converter, Depth, Format, Layout};
//!
//! let mono = Format { rate: 44_100, layout: Layout::MONO, depth: Depth::I16 };
//! let stereo = Format { layout: Layout::STEREO, ..mono };
//! let mut bytes = Vec::new();
//! Converter::new(mono, stereo, 1.0)?.push(&[0.5], &mut bytes);
//! assert_eq!(bytes.len(), 4);
//! # Ok::<(), audio::AudioError>(())
//! ```

mod convert;
mod error;
mod pcm;
mod quantise;
mod remix;
mod resample;

pub use convert::Converter;
pub use error::AudioError;
pub use pcm::{Depth, Format, Layout, MAX_CHANNELS, RATES};
pub use quantise::Quantiser;
pub use remix::Remix;
pub use resample::Resampler;
