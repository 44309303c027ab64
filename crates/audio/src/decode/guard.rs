//! Calling the libraries that decode, so that their mistakes cost one song.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::AudioError;

/// Calls a library. Should it panic on bytes from outside, that is an error of this song.
///
/// That is sound only if what it was working on is not used again: a decoder that met [`AudioError::Fault`] has ended.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, AudioError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| AudioError::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        assert!(matches!(guarded(|| 7), Ok(7)));
        let none: [u8; 0] = [];
        let index = std::hint::black_box(1);
        assert!(matches!(guarded(|| none[index]), Err(AudioError::Fault)));
    }
}
