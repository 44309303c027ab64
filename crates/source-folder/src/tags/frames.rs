//! How long a stream is that has no index: its frames are counted.

use std::io;

use crate::reader::BoundedReader;

/// The most of a stream that is counted; what lies behind is taken to be like what lies before.
const COUNT_LIMIT: u64 = 64 << 20;
/// Streams up to this size are counted even if all frames seem alike, as it costs so little.
const COUNTED_ANYWAY: u64 = 256 << 10;
/// How far into a file its first frame is looked for, after the tags.
const JUNK_LIMIT: u64 = 64 * 1024;
/// How many frames at each of a few places have to have one bit rate for a stream to be taken for constant.
const SAMPLE: u32 = 48;

/// What the frames add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) duration_ms: u128,
    pub(super) bitrate_kbps: u32,
    pub(super) sample_rate: u32,
}

/// One frame, as its header has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    /// Bytes, header and all.
    length: u64,
    samples: u32,
    sample_rate: u32,
    /// What all frames of a stream have in common.
    kin: u32,
    /// From the sound's start to the place of a table, if this is the first frame of an MPEG stream.
    table: u64,
}

type ReadHeader = fn([u8; 8]) -> Option<Frame>;

/// Counts the frames of an MPEG stream, if they have to be counted: `None` if it has a table that says how
/// long it is, or if all frames seem to have the same bit rate, so that the length follows from the size.
pub(super) fn count_mpeg(reader: &mut BoundedReader) -> io::Result<Option<Counted>> {
    let Some((start, first)) = first_frame(reader, mpeg_frame)? else { return Ok(None) };
    if has_table(reader, start, first)? {
        return Ok(None);
    }
    let end = reader.length();
    if end - start <= COUNTED_ANYWAY {
        return count(reader, start, first, mpeg_frame);
    }
    let third = (end - start) / 3;
    let places = [start, start + third, start + 2 * third];
    let mut rates = Vec::new();
    for place in places {
        let mut at = place;
        if place > start {
            match find_frame(reader, place, first.kin, mpeg_frame)? {
                Some((found, _)) => at = found,
                None => continue,
            }
        }
        let seen = walk(reader, at, end, first.kin, SAMPLE, mpeg_frame)?;
        rates.push((seen.least, seen.most));
    }
    // Padding makes frames of one rate differ by a byte (by four in layer I).
    let least = rates.iter().map(|rate| rate.0).min().unwrap_or(0);
    let most = rates.iter().map(|rate| rate.1).max().unwrap_or(0);
    if most - least <= 4 {
        return Ok(None);
    }
    count(reader, start, first, mpeg_frame)
}

/// Counts the frames of an ADTS stream. `None` if there are none.
pub(super) fn count_adts(reader: &mut BoundedReader) -> io::Result<Option<Counted>> {
    match first_frame(reader, adts_frame)? {
        Some((start, first)) => count(reader, start, first, adts_frame),
        None => Ok(None),
    }
}

fn count(
    reader: &mut BoundedReader,
    start: u64,
    first: Frame,
    header: ReadHeader,
) -> io::Result<Option<Counted>> {
    let limit = reader.length().min(start + COUNT_LIMIT);
    let seen = walk(reader, start, limit, first.kin, u32::MAX, header)?;
    if seen.samples == 0 || seen.bytes == 0 {
        return Ok(None);
    }
    let mut samples = u128::from(seen.samples);
    if limit < reader.length() {
        samples = samples * u128::from(reader.length() - start) / u128::from(limit - start);
    }
    let rate = u128::from(first.sample_rate);
    let bits = u128::from(seen.bytes) * 8;
    let bitrate = bits * rate / u128::from(seen.samples) / 1000;
    Ok(Some(Counted {
        duration_ms: samples * 1000 / rate,
        bitrate_kbps: u32::try_from(bitrate).unwrap_or(u32::MAX),
        sample_rate: first.sample_rate,
    }))
}

/// What a walk from frame to frame came by.
#[derive(Debug, Default)]
struct Walked {
    samples: u64,
    bytes: u64,
    least: u64,
    most: u64,
}

/// Goes from frame to frame, over junk between them, until `end` or until there were `most` of them.
fn walk(
    reader: &mut BoundedReader,
    start: u64,
    end: u64,
    kin: u32,
    most: u32,
    header: ReadHeader,
) -> io::Result<Walked> {
    let mut walked = Walked { least: u64::MAX, ..Walked::default() };
    let mut at = start;
    let mut frames = 0;
    while frames < most && at < end {
        let frame = match header_at(reader, at, header)? {
            Some(frame) if frame.kin == kin => frame,
            _ => match find_frame(reader, at + 1, kin, header)? {
                Some((found, frame)) => {
                    at = found;
                    frame
                }
                None => break,
            },
        };
        walked.samples += u64::from(frame.samples);
        walked.bytes += frame.length;
        walked.least = walked.least.min(frame.length);
        walked.most = walked.most.max(frame.length);
        at += frame.length;
        frames += 1;
    }
    walked.least = walked.least.min(walked.most);
    Ok(walked)
}

/// The first frame after the tags, told from chance by the one that follows it.
fn first_frame(reader: &mut BoundedReader, header: ReadHeader) -> io::Result<Option<(u64, Frame)>> {
    let mut start = 0;
    let mut tag = [0; 10];
    while reader.read_exact_at(start, &mut tag).is_ok() && tag.starts_with(b"ID3") {
        const FOOTER: u8 = 0x10;
        let size = tag[6..].iter().fold(0_u64, |sum, byte| sum << 7 | u64::from(byte & 0x7F));
        start += 10 + size + if tag[5] & FOOTER == 0 { 0 } else { 10 };
    }
    for at in start..(start + JUNK_LIMIT).min(reader.length()) {
        if let Some(first) = header_at(reader, at, header)? {
            let next = at + first.length;
            let ends = next >= reader.length();
            if ends || header_at(reader, next, header)?.is_some_and(|next| next.kin == first.kin) {
                return Ok(Some((at, first)));
            }
        }
    }
    Ok(None)
}

/// The next frame of this kin from here on, followed by another.
fn find_frame(
    reader: &mut BoundedReader,
    from: u64,
    kin: u32,
    header: ReadHeader,
) -> io::Result<Option<(u64, Frame)>> {
    for at in from..from.saturating_add(JUNK_LIMIT).min(reader.length()) {
        if let Some(frame) = header_at(reader, at, header)?
            && frame.kin == kin
            && header_at(reader, at + frame.length, header)?.is_some_and(|next| next.kin == kin)
        {
            return Ok(Some((at, frame)));
        }
    }
    Ok(None)
}

/// The frame that begins here; `None` if none does or the file ends.
fn header_at(reader: &mut BoundedReader, at: u64, header: ReadHeader) -> io::Result<Option<Frame>> {
    let mut bytes = [0; 8];
    match reader.read_exact_at(at, &mut bytes) {
        Ok(()) => Ok(header(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the first frame is none of sound but a table that says how many follow: Xing's (or Info, the same
/// for a constant rate) or Fraunhofer's VBRI.
fn has_table(reader: &mut BoundedReader, start: u64, first: Frame) -> io::Result<bool> {
    let mut xing = [0; 12];
    let mut vbri = [0; 18];
    let read = reader
        .read_exact_at(start + first.table, &mut xing)
        .and_then(|()| reader.read_exact_at(start + 4 + 32, &mut vbri));
    match read {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        Err(error) => return Err(error),
    }
    const KNOWS_FRAMES: u8 = 1;
    let has_xing = xing.starts_with(b"Xing") || xing.starts_with(b"Info");
    let is_counted = |frames: &[u8]| frames.iter().any(|byte| *byte != 0);
    Ok(has_xing && xing[7] & KNOWS_FRAMES != 0 && is_counted(&xing[8..])
        || vbri.starts_with(b"VBRI") && is_counted(&vbri[14..]))
}

/// Reads the header of an MPEG frame of any version and layer.
fn mpeg_frame(bytes: [u8; 8]) -> Option<Frame> {
    #[rustfmt::skip]
    const RATES: [[u32; 15]; 5] = [
        [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    const SAMPLE_RATES: [u32; 3] = [44_100, 48_000, 32_000];
    let header = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    if header >> 21 != 0x7FF {
        return None;
    }
    let version = header >> 19 & 3; // 0: 2.5, 2: 2, 3: 1
    let layer = 4 - (header >> 17 & 3); // 4: none
    let rate = usize::try_from(header >> 12 & 15).ok()?;
    let sample_rate = *SAMPLE_RATES.get(usize::try_from(header >> 10 & 3).ok()?)?;
    if version == 1 || layer == 4 || rate == 0 || rate == 15 {
        return None;
    }
    let sample_rate = sample_rate >> [2, 0, 1, 0][version as usize];
    let first_version = version == 3;
    let row = match (first_version, layer) {
        (true, layer) => layer as usize - 1,
        (false, 1) => 3,
        (false, _) => 4,
    };
    let bits = RATES[row][rate] * 1000;
    let padding = header >> 9 & 1;
    let samples = match (layer, first_version) {
        (1, _) => 384,
        (3, false) => 576,
        _ => 1152,
    };
    let length = if layer == 1 {
        (12 * bits / sample_rate + padding) * 4
    } else {
        samples / 8 * bits / sample_rate + padding
    };
    let mono = header >> 6 & 3 == 3;
    let side = match (first_version, mono) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    };
    // Version, layer and sample rate.
    let kin = header & 0xFFFE_0C00;
    Some(Frame { length: length.into(), samples, sample_rate, kin, table: 4 + side })
}

/// Reads the header of an ADTS frame.
fn adts_frame(bytes: [u8; 8]) -> Option<Frame> {
    #[rustfmt::skip]
    const SAMPLE_RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ];
    if bytes[0] != 0xFF || bytes[1] & 0xF6 != 0xF0 {
        return None;
    }
    let sample_rate = *SAMPLE_RATES.get(usize::from(bytes[2] >> 2 & 15))?;
    let length =
        u64::from(bytes[3] & 3) << 11 | u64::from(bytes[4]) << 3 | u64::from(bytes[5] >> 5);
    if length < 8 {
        return None;
    }
    let blocks = u32::from(bytes[6] & 3) + 1;
    // Version, profile and sample rate.
    let kin = u32::from(bytes[1] & 0xFE) << 8 | u32::from(bytes[2] & 0xFC);
    Some(Frame { length, samples: 1024 * blocks, sample_rate, kin, table: 0 })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use testkit::media::{Format, Song};

    use super::*;

    fn reader(bytes: &[u8]) -> BoundedReader {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        BoundedReader::new(file, bytes.len() as u64, u64::MAX)
    }

    fn song(format: Format) -> Vec<u8> {
        Song::new("Jet").artist("Wings").length(Duration::from_secs(10)).bytes(format)
    }

    #[test]
    fn frames_of_changing_rate_are_counted() {
        let counted = count_mpeg(&mut reader(&song(Format::VariableMp3))).unwrap().unwrap();
        assert_eq!(counted, Counted { duration_ms: 10_004, bitrate_kbps: 95, sample_rate: 44_100 });
    }

    #[test]
    fn many_frames_of_one_rate_need_no_counting() {
        let long = Song::new("Jet").length(Duration::from_secs(30)).bytes(Format::Mp3);
        assert_eq!(count_mpeg(&mut reader(&long)).unwrap(), None);
        let counted = count_mpeg(&mut reader(&song(Format::Mp3))).unwrap().unwrap();
        assert_eq!(
            counted,
            Counted { duration_ms: 10_004, bitrate_kbps: 127, sample_rate: 44_100 }
        );
    }

    #[test]
    fn adts_frames_are_counted_over_junk_between_them() {
        let whole = song(Format::Aac);
        let counted = count_adts(&mut reader(&whole)).unwrap().unwrap();
        assert_eq!(counted.duration_ms, 10_007);
        let middle = whole.len() / 2;
        let cut = [&whole[..middle], b"no frame at all", &whole[middle..]].concat();
        // At most the frame in the middle is lost.
        let counted = count_adts(&mut reader(&cut)).unwrap().unwrap();
        assert!((9_980..=10_007).contains(&counted.duration_ms), "{}", counted.duration_ms);
    }

    #[test]
    fn what_has_no_frames_has_no_length() {
        for bytes in [&b""[..], b"ID3", &[0xFF; 500], &[0; 500]] {
            assert_eq!(count_adts(&mut reader(bytes)).unwrap(), None);
            assert_eq!(count_mpeg(&mut reader(bytes)).unwrap(), None);
        }
    }
}
