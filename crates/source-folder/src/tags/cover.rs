//! Whether there is a picture inside a file, without reading it.

use std::io::{self, Read, Seek, SeekFrom};

use lofty::config::ParseOptions;
use lofty::file::{FileType, TaggedFileExt};
use lofty::probe::Probe;

use crate::reader::BoundedReader;

/// More parts than a file has before its sound. A hostile one has more, and no picture then.
const MAX_PARTS: usize = 4096;

/// Whether a file of this kind holds a picture.
pub(super) fn is_in(kind: FileType, reader: &mut BoundedReader) -> io::Result<bool> {
    reader.rewind()?;
    let looked = match kind {
        FileType::Mpeg | FileType::Aac => id3(reader),
        FileType::Flac => flac(reader),
        FileType::Mp4 => {
            mp4(reader, reader.length(), &[b"moov", b"udta", b"meta", b"ilst", b"covr"])
        }
        FileType::Wav => chunks(reader, u32::from_le_bytes),
        FileType::Aiff => chunks(reader, u32::from_be_bytes),
        _ => Ok(None),
    };
    match looked {
        Ok(Some(found)) => Ok(found),
        Ok(None) => read_pictures(kind, reader),
        // The tags were read before, so this is a file that ends early in a part nobody needs.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The slow way, for tags that are scrambled.
fn read_pictures(kind: FileType, reader: &mut BoundedReader) -> io::Result<bool> {
    reader.rewind()?;
    let probe =
        Probe::with_file_type(reader, kind).options(ParseOptions::new().read_properties(false));
    Ok(probe.read().is_ok_and(|file| file.tags().iter().any(|tag| !tag.pictures().is_empty())))
}

/// In an ID3v2 tag that begins here. `None` if only a full reading can tell.
fn id3(reader: &mut BoundedReader) -> io::Result<Option<bool>> {
    let mut header = [0; 10];
    reader.read_exact(&mut header)?;
    let [b'I', b'D', b'3', version @ 2..=4, _, flags, size @ ..] = header else {
        return Ok(Some(false));
    };
    const UNSYNCHRONISED: u8 = 0x80;
    const EXTENDED: u8 = 0x40;
    if flags & (UNSYNCHRONISED | EXTENDED) != 0 {
        return Ok(None);
    }
    let end = reader.stream_position()? + u64::from(synchsafe(size));
    for _ in 0..MAX_PARTS {
        let (picture, length) = if version == 2 {
            let mut frame = [0; 6];
            reader.read_exact(&mut frame)?;
            let [id @ .., a, b, c] = frame;
            if id[0] == 0 {
                return Ok(Some(false));
            }
            (&id == b"PIC", u32::from_be_bytes([0, a, b, c]))
        } else {
            let mut frame = [0; 10];
            reader.read_exact(&mut frame)?;
            let [a, b, c, d, size @ .., _, _] = frame;
            if a == 0 {
                return Ok(Some(false));
            }
            // Some programs write plain numbers into version 4; only the full reader can tell them apart.
            if version == 4 && size.iter().any(|byte| *byte > 0x7F) {
                return Ok(None);
            }
            let length = if version == 4 { synchsafe(size) } else { u32::from_be_bytes(size) };
            ([a, b, c, d] == *b"APIC", length)
        };
        if picture && length > 0 {
            return Ok(Some(true));
        }
        if reader.seek(SeekFrom::Current(i64::from(length)))? >= end {
            return Ok(Some(false));
        }
    }
    Ok(Some(false))
}

fn synchsafe(bytes: [u8; 4]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum << 7 | u32::from(byte & 0x7F))
}

fn flac(reader: &mut BoundedReader) -> io::Result<Option<bool>> {
    const PICTURE: u8 = 6;
    const LAST: u8 = 0x80;
    let mut mark = [0; 4];
    reader.read_exact(&mut mark)?;
    if &mark != b"fLaC" {
        return Ok(None);
    }
    for _ in 0..MAX_PARTS {
        let mut header = [0; 4];
        reader.read_exact(&mut header)?;
        let [kind, length @ ..] = header;
        if kind & !LAST == PICTURE {
            return Ok(Some(true));
        }
        if kind & LAST != 0 {
            break;
        }
        let [a, b, c] = length;
        reader.seek(SeekFrom::Current(i64::from(u32::from_be_bytes([0, a, b, c]))))?;
    }
    Ok(Some(false))
}

/// Whether there is an atom under this path, in what lies between here and `end`.
fn mp4(reader: &mut BoundedReader, end: u64, path: &[&[u8; 4]]) -> io::Result<Option<bool>> {
    let [wanted, below @ ..] = path else { return Ok(Some(true)) };
    for _ in 0..MAX_PARTS {
        let start = reader.stream_position()?;
        if start + 8 > end {
            break;
        }
        let mut header = [0; 8];
        reader.read_exact(&mut header)?;
        let [a, b, c, d, name @ ..] = header;
        let mut length = u64::from(u32::from_be_bytes([a, b, c, d]));
        if length == 1 {
            let mut long = [0; 8];
            reader.read_exact(&mut long)?;
            length = u64::from_be_bytes(long);
        }
        let after = start.saturating_add(length).min(end);
        if name == **wanted {
            // "meta" has a version before its children, except where QuickTime wrote it.
            if &name == b"meta" {
                let mut peek = [0; 8];
                reader.read_exact(&mut peek)?;
                let back = if &peek[4..] == b"hdlr" { -8 } else { -4 };
                reader.seek(SeekFrom::Current(back))?;
            }
            return mp4(reader, after, below);
        }
        if length < 8 {
            break;
        }
        reader.seek(SeekFrom::Start(after))?;
    }
    Ok(Some(false))
}

/// In the ID3 chunk of a WAV or AIFF.
fn chunks(reader: &mut BoundedReader, number: fn([u8; 4]) -> u32) -> io::Result<Option<bool>> {
    reader.seek(SeekFrom::Start(12))?;
    for _ in 0..MAX_PARTS {
        let mut header = [0; 8];
        reader.read_exact(&mut header)?;
        let [a, b, c, d, length @ ..] = header;
        if [a, b, c, d].eq_ignore_ascii_case(b"ID3 ") {
            return id3(reader);
        }
        let length = u64::from(number(length));
        let padded = length + length % 2;
        let next = reader.stream_position()? + padded;
        reader.seek(SeekFrom::Start(next))?;
        if next >= reader.length() {
            break;
        }
    }
    Ok(Some(false))
}
