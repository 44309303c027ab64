//! The header of a WAV file.

use crate::pcm::{Depth, Format, Layout};

/// The tail of a sub-format's GUID, whose beginning is the number of the format.
const GUID: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// The header of a file of so many frames, and the length of the whole file; `None` if that is more than WAV can say.
///
/// It has 44 bytes for mono and stereo of 16 bits. Finer samples and more channels need the extensible form, which
/// says what they are (68 bytes), and floating point a chunk that counts the frames once more (80).
pub(super) fn header(format: Format, frames: u64) -> Option<(Vec<u8>, u64)> {
    let frame_bytes = u16::try_from(format.frame_bytes()).ok()?;
    let data = u32::try_from(frames.checked_mul(frame_bytes.into())?).ok()?;
    let described = description(format, frame_bytes);
    let count = match format.depth {
        Depth::F32 => chunk(b"fact", &u32::try_from(frames).ok()?.to_le_bytes()),
        _ => Vec::new(),
    };
    let body = [b"WAVE".to_vec(), chunk(b"fmt ", &described), count].concat();
    let padding = u64::from(data % 2);
    let riff = u32::try_from(body.len() as u64 + 8 + u64::from(data) + padding).ok()?;
    let start = [b"RIFF".as_slice(), &riff.to_le_bytes()].concat();
    let header = [start, body, b"data".to_vec(), data.to_le_bytes().to_vec()].concat();
    Some((header, u64::from(riff) + 8))
}

/// The fields of the `fmt ` chunk.
fn description(format: Format, frame_bytes: u16) -> Vec<u8> {
    const WHOLE: u16 = 1;
    const FLOAT: u16 = 3;
    const EXTENSIBLE: u16 = 0xFFFE;
    let plain = format.depth == Depth::I16
        && (format.layout == Layout::MONO || format.layout == Layout::STEREO);
    let kind = if format.depth == Depth::F32 { FLOAT } else { WHOLE };
    let bits = format.depth.bits().to_le_bytes();
    let mut out = Vec::new();
    out.extend(if plain { kind } else { EXTENSIBLE }.to_le_bytes());
    out.extend((format.channels() as u16).to_le_bytes());
    out.extend(format.rate.to_le_bytes());
    out.extend(format.rate.saturating_mul(frame_bytes.into()).to_le_bytes());
    out.extend(frame_bytes.to_le_bytes());
    out.extend(bits);
    if !plain {
        out.extend(22_u16.to_le_bytes());
        out.extend(bits);
        out.extend(format.layout.mask().to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(GUID);
    }
    out
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_le_bytes();
    [kind.as_slice(), &length, content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CD: Format = Format { rate: 44_100, layout: Layout::STEREO, depth: Depth::I16 };

    #[test]
    fn the_header_of_cd_sound_is_the_one_everybody_knows() {
        let (header, length) = header(CD, 1_000).unwrap();
        let golden = b"RIFF\xC4\x0F\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x44\xAC\0\0\x10\xB1\x02\0\x04\0\x10\0data\xA0\x0F\0\0";
        assert_eq!(header, golden);
        assert_eq!(length, 44 + 4_000);
    }

    #[test]
    fn what_is_not_cd_sound_is_described_at_length() {
        let film = Format { layout: Layout::of_count(6).unwrap(), depth: Depth::I24, ..CD };
        let (header, length) = header(film, 10).unwrap();
        assert_eq!((header.len(), length), (68, 68 + 10 * 18));
        assert_eq!(header[20..22], [0xFE, 0xFF]);
        assert_eq!(header[40..48], [0x3F, 0, 0, 0, 1, 0, 0, 0]);
        let float = super::header(Format { depth: Depth::F32, ..CD }, 10).unwrap();
        assert_eq!((float.0.len(), float.1), (80, 80 + 80));
    }

    #[test]
    fn an_odd_length_is_filled_up() {
        let odd = Format { layout: Layout::MONO, depth: Depth::I24, ..CD };
        let (header, length) = header(odd, 3).unwrap();
        assert_eq!(length, header.len() as u64 + 10);
        assert_eq!(header[64..], 9_u32.to_le_bytes());
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert!(header(CD, u64::from(u32::MAX) / 4 - 44).is_some());
        assert!(header(CD, u64::from(u32::MAX) / 4).is_none());
        assert!(header(CD, u64::MAX).is_none());
    }
}
