//! What can go wrong.

/// Why sound cannot be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// This is known, but not supported.
    #[error("not supported: {0}")]
    Unsupported(&'static str),
}
