//! What can go wrong.

use std::io;

/// Why sound cannot be decoded, changed or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The source failed, or went on without sound for longer than is reasonable.
    #[error("the sound could not be read")]
    Read(#[source] io::Error),
    /// The bytes are in no format that is known.
    #[error("this is no sound in a format that is known")]
    Unknown,
    /// The format is known, but this use of it is not supported.
    #[error("not supported: {0}")]
    Unsupported(&'static str),
    /// The format is known, but the file is broken before its sound begins.
    #[error("broken: {0}")]
    Broken(&'static str),
    /// There is no track with sound, or nothing of it could be decoded.
    #[error("there is no sound in it that can be decoded")]
    Silent,
    /// A library failed inside; what it was decoding is lost.
    #[error("the decoder failed on this sound")]
    Fault,
    /// Too long for a WAV file, whose length has 32 bits.
    #[error("{frames} frames are too many for a WAV file")]
    TooLong {
        /// How many there are.
        frames: u64,
    },
}
