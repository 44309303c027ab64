//! How long a song is to the last sample, where a header says so: the tag reader tells milliseconds.

use std::io;

use crate::reader::BoundedReader;

/// Chunks of an AIFF file that are passed on the way to the one that counts. It is the first, mostly.
const MAX_CHUNKS: usize = 64;

/// How many samples a channel of a FLAC file has; 0 where it does not say, or more than 32 bits hold.
pub(super) fn flac_frames(reader: &mut BoundedReader) -> io::Result<u32> {
    // STREAMINFO is always the first block. 36 bits count the samples, from the middle of its byte 13 on.
    let mut start = [0; 26];
    let at = after_id3v2(reader)?;
    reader.read_exact_at(at, &mut start)?;
    let [b'f', b'L', b'a', b'C', kind, .., high, a, b, c, d] = start else { return Ok(0) };
    let is_known = kind & 0x7F == 0 && high & 0x0F == 0;
    Ok(if is_known { u32::from_be_bytes([a, b, c, d]) } else { 0 })
}

/// Where a file begins behind an ID3v2 tag, if it has one.
fn after_id3v2(reader: &mut BoundedReader) -> io::Result<u64> {
    let mut header = [0; 10];
    reader.read_exact_at(0, &mut header)?;
    let [b'I', b'D', b'3', .., a, b, c, d] = header else { return Ok(0) };
    let size = [a, b, c, d].iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7F));
    Ok(header.len() as u64 + size)
}

/// How many samples a channel of an AIFF file has; 0 where it does not say.
pub(super) fn aiff_frames(reader: &mut BoundedReader) -> io::Result<u32> {
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        let mut chunk = [0; 14];
        reader.read_exact_at(at, &mut chunk)?;
        let [k0, k1, k2, k3, s0, s1, s2, s3, _, _, frames @ ..] = chunk;
        if [k0, k1, k2, k3] == *b"COMM" {
            return Ok(u32::from_be_bytes(frames));
        }
        let size = u64::from(u32::from_be_bytes([s0, s1, s2, s3]));
        at += 8 + size + size % 2;
    }
    Ok(0)
}
