//! Writing elements, and measuring them without writing.
//!
//! The same code does both: an [`Encoder`] over a `Vec<u8>` writes, one over a [`Counter`] only counts.
//! Lengths are patched in when the children are there, so nobody counts them by hand.

use crate::{Code, TooLong, Version};

/// Bytes before the value: code and length.
pub const HEADER: usize = 8;

/// Where an [`Encoder`] puts its bytes.
pub trait Sink {
    /// Takes some more bytes.
    fn put(&mut self, bytes: &[u8]);

    /// How many bytes there are.
    fn position(&self) -> u64;

    /// Replaces the four bytes at `at`, which were put before.
    fn patch(&mut self, at: u64, bytes: [u8; 4]);
}

impl Sink for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn position(&self) -> u64 {
        self.len() as u64
    }

    fn patch(&mut self, at: u64, bytes: [u8; 4]) {
        let at = usize::try_from(at).expect("a position within a Vec fits usize");
        self[at..at + bytes.len()].copy_from_slice(&bytes);
    }
}

/// A [`Sink`] over bytes that are there already. For who has measured what comes: to put it where there is room costs
/// less than to make room piece by piece.
#[derive(Debug)]
pub struct Room<'a> {
    bytes: &'a mut [u8],
    used: usize,
}

impl<'a> Room<'a> {
    /// Room for as many bytes as these, whatever they are. To put more panics.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, used: 0 }
    }
}

impl Sink for Room<'_> {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.used..][..bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }

    #[inline(always)]
    fn position(&self) -> u64 {
        self.used as u64
    }

    #[inline(always)]
    fn patch(&mut self, at: u64, bytes: [u8; 4]) {
        let at = usize::try_from(at).expect("a position within a slice fits usize");
        self.bytes[at..][..bytes.len()].copy_from_slice(&bytes);
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn put(&mut self, bytes: &[u8]) {
        (**self).put(bytes);
    }

    fn position(&self) -> u64 {
        (**self).position()
    }

    fn patch(&mut self, at: u64, bytes: [u8; 4]) {
        (**self).patch(at, bytes);
    }
}

/// A [`Sink`] that keeps nothing but the count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter(pub u64);

impl Sink for Counter {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len() as u64;
    }

    fn position(&self) -> u64 {
        self.0
    }

    fn patch(&mut self, _at: u64, _bytes: [u8; 4]) {}
}

/// Writes elements into a [`Sink`].
///
/// ```
/// use dmap::code::{MSTT, MUPD, MUSR};
///
/// let mut out = dmap::Encoder::new(Vec::new());
/// out.container(MUPD, |out| {
///     out.u32(MSTT, 200);
///     out.u32(MUSR, 42);
/// });
/// let bytes = out.finish()?;
/// assert_eq!(&bytes[..8], b"mupd\0\0\0\x18");
/// # Ok::<(), dmap::TooLong>(())
/// ```
#[derive(Debug)]
pub struct Encoder<S: Sink = Vec<u8>> {
    sink: S,
    too_long: Option<TooLong>,
}

impl Encoder<Counter> {
    /// Measures what `write` writes, in bytes.
    ///
    /// # Errors
    /// [`TooLong`] if an element cannot say its length.
    pub fn measure(write: impl FnOnce(&mut Self)) -> Result<u64, TooLong> {
        let mut out = Self::new(Counter::default());
        write(&mut out);
        out.finish().map(|counter| counter.0)
    }
}

impl<S: Sink> Encoder<S> {
    /// An encoder that adds to what is in `sink`.
    pub fn new(sink: S) -> Self {
        Self { sink, too_long: None }
    }

    /// The sink with all that was written.
    ///
    /// # Errors
    /// [`TooLong`], for the first element that could not say its length.
    pub fn finish(self) -> Result<S, TooLong> {
        match self.too_long {
            Some(error) => Err(error),
            None => Ok(self.sink),
        }
    }

    /// A container with what `children` writes.
    #[inline(always)]
    pub fn container(&mut self, code: Code, children: impl FnOnce(&mut Self)) {
        self.header(code, 0);
        let start = self.sink.position();
        children(self);
        if let Some(length) = self.fit(code, self.sink.position() - start) {
            self.sink.patch(start - 4, length.to_be_bytes());
        }
    }

    /// The head of an element whose value of `length` bytes follows by other means.
    #[inline(always)]
    pub fn header(&mut self, code: Code, length: u32) {
        let [a, b, c, d] = code.0;
        let [e, f, g, h] = length.to_be_bytes();
        self.sink.put(&[a, b, c, d, e, f, g, h]);
    }

    /// An unsigned byte.
    #[inline(always)]
    pub fn u8(&mut self, code: Code, value: u8) {
        self.fixed(code, [value]);
    }

    /// A signed byte.
    pub fn i8(&mut self, code: Code, value: i8) {
        self.fixed(code, value.to_be_bytes());
    }

    /// A boolean: one byte, 0 or 1.
    pub fn bool(&mut self, code: Code, value: bool) {
        self.fixed(code, [u8::from(value)]);
    }

    /// An unsigned number of two bytes.
    #[inline(always)]
    pub fn u16(&mut self, code: Code, value: u16) {
        self.fixed(code, value.to_be_bytes());
    }

    /// A signed number of two bytes.
    pub fn i16(&mut self, code: Code, value: i16) {
        self.fixed(code, value.to_be_bytes());
    }

    /// An unsigned number of four bytes.
    #[inline(always)]
    pub fn u32(&mut self, code: Code, value: u32) {
        self.fixed(code, value.to_be_bytes());
    }

    /// A signed number of four bytes.
    pub fn i32(&mut self, code: Code, value: i32) {
        self.fixed(code, value.to_be_bytes());
    }

    /// An unsigned number of eight bytes.
    #[inline(always)]
    pub fn u64(&mut self, code: Code, value: u64) {
        self.fixed(code, value.to_be_bytes());
    }

    /// A signed number of eight bytes.
    pub fn i64(&mut self, code: Code, value: i64) {
        self.fixed(code, value.to_be_bytes());
    }

    /// A time, in seconds since 1970-01-01 UTC.
    pub fn date(&mut self, code: Code, seconds: u32) {
        self.u32(code, seconds);
    }

    /// A protocol version.
    pub fn version(&mut self, code: Code, version: Version) {
        self.u32(code, version.into());
    }

    /// A text.
    #[inline(always)]
    pub fn string(&mut self, code: Code, text: &str) {
        self.bytes(code, text.as_bytes());
    }

    /// A value as it is.
    #[inline(always)]
    pub fn bytes(&mut self, code: Code, value: &[u8]) {
        if let Some(length) = self.fit(code, value.len() as u64) {
            self.header(code, length);
            self.sink.put(value);
        }
    }

    /// Head and value in one piece: fields of fixed width are most of a listing. This and what leads to it is always
    /// inlined, as most of it is then known when it is compiled.
    #[inline(always)]
    fn fixed<const N: usize>(&mut self, code: Code, value: [u8; N]) {
        const { assert!(N <= 8, "no fixed value is wider") };
        let mut element = [0; HEADER + 8];
        element[..4].copy_from_slice(&code.0);
        element[4..HEADER].copy_from_slice(&(N as u32).to_be_bytes());
        element[HEADER..HEADER + N].copy_from_slice(&value);
        self.sink.put(&element[..HEADER + N]);
    }

    #[inline(always)]
    fn fit(&mut self, code: Code, length: u64) -> Option<u32> {
        let length = u32::try_from(length).ok();
        if length.is_none() {
            self.too_long.get_or_insert(TooLong { code });
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{MLCL, MLIT, MLOG, MSTT};

    /// A sink that only pretends to hold what lies before it.
    struct Huge(u64);

    impl Sink for Huge {
        fn put(&mut self, bytes: &[u8]) {
            self.0 += bytes.len() as u64 * 1_000_000_000;
        }

        fn position(&self) -> u64 {
            self.0
        }

        fn patch(&mut self, _at: u64, _bytes: [u8; 4]) {}
    }

    #[test]
    fn lengths_are_patched_in_at_every_level() {
        let mut out = Encoder::new(Vec::new());
        out.container(MLCL, |out| {
            out.container(MLIT, |out| out.u8(MSTT, 7));
            out.container(MLIT, |_| {});
        });
        let expected = b"mlcl\0\0\0\x19mlit\0\0\0\x09mstt\0\0\0\x01\x07mlit\0\0\0\0";
        assert_eq!(out.finish().unwrap(), expected);
    }

    #[test]
    fn measuring_and_writing_agree() {
        fn write<S: Sink>(out: &mut Encoder<S>) {
            out.container(MLOG, |out| {
                out.u32(MSTT, 200);
                out.string(crate::code::MINM, "Café");
            });
        }
        let mut out = Encoder::new(Vec::new());
        write(&mut out);
        let written = out.finish().unwrap();
        assert_eq!(Encoder::measure(write), Ok(written.len() as u64));
        let mut room = vec![0xEE; written.len()];
        write(&mut Encoder::new(Room::new(&mut room)));
        assert_eq!(room, written);
    }

    #[test]
    fn a_length_that_does_not_fit_is_refused_not_wrapped() {
        let mut out = Encoder::new(Huge(0));
        out.container(MLCL, |out| out.u32(MSTT, 200));
        assert_eq!(out.finish().err(), Some(TooLong { code: MLCL }));
    }
}
