//! Getting past a frame of an ID3v2 tag that the tag reader stumbles over.
//!
//! The tag library gives up a whole tag for one bad frame, such as a text that says it is UTF-8 and is not, which
//! programs have written by the million. How far it had read tells the frame; that is made harmless in what
//! the next attempt reads.

use std::io::{self, Read, Seek};

use crate::reader::BoundedReader;

/// The most frames that are made harmless in one file.
pub(super) const MAX_REPAIRS: usize = 8;
/// More frames than a tag has.
const MAX_FRAMES: usize = 4096;

const HEADER: u64 = 10;
const LATIN_1: u8 = 0;
const UTF_8: u8 = 3;
/// What frames begin with that are nobody's but a program's own.
const EXPERIMENTAL: u8 = b'X';

/// Makes the frame harmless at which reading stopped. False if it cannot be told which that is.
pub(super) fn past_frame(reader: &mut BoundedReader) -> io::Result<bool> {
    let stopped = reader.stream_position()?;
    reader.rewind()?;
    match find(reader, stopped) {
        Ok(Some((start, id, encoding))) => {
            if id.starts_with(b"T") && encoding == UTF_8 {
                // It is a text in some 8-bit set, then.
                reader.pretend(start + HEADER, LATIN_1);
            } else if id[0] != EXPERIMENTAL {
                reader.pretend(start, EXPERIMENTAL);
            } else {
                return Ok(false);
            }
            Ok(true)
        }
        Ok(None) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The frame within which this place is, or just behind: its start, its id, and the first byte in it.
fn find(reader: &mut BoundedReader, place: u64) -> io::Result<Option<(u64, [u8; 4], u8)>> {
    let mut header = [0; 10];
    reader.read_exact(&mut header)?;
    // Of tags that are scrambled as a whole, places in the file tell nothing.
    let [b'I', b'D', b'3', version @ 3..=4, _, 0, ..] = header else { return Ok(None) };
    let mut start = HEADER;
    for _ in 0..MAX_FRAMES {
        let mut frame = [0; 11];
        reader.read_exact_at(start, &mut frame)?;
        let [a, b, c, d, size @ .., _, _, first] = frame;
        if a == 0 {
            return Ok(None);
        }
        let bits = if version == 4 { 7 } else { 8 };
        let size = size.iter().fold(0_u64, |sum, byte| sum << bits | u64::from(*byte));
        let end = start + HEADER + size;
        if (start + HEADER..=end).contains(&place) {
            return Ok(Some((start, [a, b, c, d], first)));
        }
        start = end;
    }
    Ok(None)
}
