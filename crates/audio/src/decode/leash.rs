//! A source that can be read so far and no further, until something comes of it.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;

/// How many bytes may still be read.
///
/// Readers of formats look for the next thing that they know for as long as there are bytes. Bytes may be many (a hole in a
/// file of gigabytes) or without end (a radio stream): so whoever wants something of a reader says how much that may cost.
#[derive(Clone, Debug, Default)]
pub(super) struct Leash(Arc<AtomicU64>);

impl Leash {
    /// From now on, so many bytes.
    pub(super) fn allow(&self, bytes: u64) {
        // Source and reader are used by one thread at a time: no order between threads is meant.
        self.0.store(bytes, Ordering::Relaxed);
    }

    fn take(&self, bytes: usize) {
        let left = self.0.load(Ordering::Relaxed);
        self.0.store(left.saturating_sub(bytes as u64), Ordering::Relaxed);
    }

    fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// A source on a [`Leash`].
pub(super) struct Leashed<S> {
    /// Never locked: the library wants what several threads could share, though one at a time has it.
    source: Mutex<S>,
    /// How long the source is. Without a length it is only read forwards.
    length: Option<u64>,
    leash: Leash,
}

impl<S> Leashed<S> {
    pub(super) fn new(source: S, length: Option<u64>, leash: Leash) -> Self {
        Self { source: Mutex::new(source), length, leash }
    }

    fn source(&mut self) -> &mut S {
        self.source.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Read> Read for Leashed<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.leash.is_spent() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too many bytes without sound"));
        }
        loop {
            match self.source().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.inspect(|read| self.leash.take(*read)),
            }
        }
    }
}

impl<S: Seek> Seek for Leashed<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if self.length.is_none() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.source().seek(to)
    }
}

impl<S: Read + Seek + Send> MediaSource for Leashed<S> {
    fn is_seekable(&self) -> bool {
        self.length.is_some()
    }

    fn byte_len(&self) -> Option<u64> {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ends_when_the_leash_is_spent_and_goes_on_when_it_is_let_out() {
        let leash = Leash::default();
        let mut source = Leashed::new(io::repeat(7), None, leash.clone());
        let mut buffer = [0; 100];
        assert!(source.read(&mut buffer).is_err());
        leash.allow(150);
        assert_eq!(source.read(&mut buffer).unwrap(), 100);
        assert_eq!(source.read(&mut buffer).unwrap(), 100);
        assert!(source.read(&mut buffer).is_err());
        leash.allow(1);
        assert!(source.read(&mut buffer).is_ok());
    }
}
