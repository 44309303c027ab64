//! What an MP4 file says of where its tracks begin and end: the edit lists.
//!
//! Encoders of AAC put a delay in front and padding behind; which part is the music stands in `moov/trak/edts/elst`. The
//! library that reads MP4 gives the packets of a track but not its edits, so these few boxes are read here. On the way it is
//! seen whether the fragments of a file announce what they cannot have.

use std::io::{self, Read, Seek, SeekFrom};

/// Boxes that are looked at, at all levels: a few dozens up to the end of `moov`, and a dozen for each fragment.
const MAX_BOXES: usize = 1 << 17;
/// How deep the boxes that are looked at lie: `moov/trak/edts/elst`.
const MAX_DEPTH: usize = 4;
/// Packets in a run of a fragment that has no bytes about each of them.
const MAX_PLAIN_RUN: u32 = 1 << 16;
/// Bytes of a box's fields that are read: all that is needed stands at their beginning.
const MAX_FIELDS: u64 = 256;

/// What concerns us of an MP4 file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Movie {
    /// Whether its packets come in fragments, so that the index does not know how many there are.
    pub(super) fragmented: bool,
    /// Whether a fragment announces more packets than there can be. The library (0.6.1) counts them one by one, up to four
    /// thousand million for every 16 bytes of file.
    pub(super) absurd: bool,
    edits: Vec<Edit>,
}

/// The part of a track that is to be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) track: u32,
    /// Where it begins, in the ticks of the track.
    pub(super) start: u64,
    /// How long it is, in the ticks of the movie; 0 for "to the end".
    pub(super) length: u64,
    /// Ticks of the movie in a second.
    pub(super) ticks: u32,
}

impl Movie {
    /// Reads the boxes of `source`, if it is an MP4 file, and leaves it at its start.
    pub(super) fn read(source: &mut (impl Read + Seek), length: u64) -> io::Result<Option<Self>> {
        let mut walk = Walk { source, left: MAX_BOXES, movie: Self::default(), ticks: 0, track: 0 };
        let is_mp4 = walk.header(0, length)?.is_some_and(|first| &first.kind == b"ftyp");
        if is_mp4 {
            walk.boxes(0, length, MAX_DEPTH)?;
        }
        let Walk { source, mut movie, left, .. } = walk;
        movie.absurd |= left == 0;
        source.seek(SeekFrom::Start(0))?;
        Ok(is_mp4.then_some(movie))
    }

    /// The edit of a track, if it has just one (and perhaps a wait before it).
    pub(super) fn edit(&self, track: u32) -> Option<Edit> {
        let mut edits = self.edits.iter().filter(|edit| edit.track == track);
        edits.next().copied().filter(|_| edits.next().is_none())
    }
}

/// Where a box is.
struct Header {
    kind: [u8; 4],
    /// Where its content begins and ends.
    start: u64,
    end: u64,
}

struct Walk<'a, S> {
    source: &'a mut S,
    left: usize,
    movie: Movie,
    /// Of the movie, once `mvhd` was read.
    ticks: u32,
    /// The track whose boxes are being read.
    track: u32,
}

impl<S: Read + Seek> Walk<'_, S> {
    /// Walks the boxes from `start` to `end`, and into those that hold what we look for, so many levels deep.
    fn boxes(&mut self, mut start: u64, end: u64, levels: usize) -> io::Result<()> {
        let Some(deeper) = levels.checked_sub(1) else { return Ok(()) };
        while let Some(found) = self.header(start, end)? {
            match &found.kind {
                b"moov" => {
                    self.boxes(found.start, found.end, deeper)?;
                    if !self.movie.fragmented {
                        break;
                    }
                }
                b"trak" | b"edts" | b"moof" | b"traf" => {
                    self.boxes(found.start, found.end, deeper)?;
                }
                b"mvex" => self.movie.fragmented = true,
                b"mvhd" => self.ticks = number(&self.fields(&found)?, 12, 20),
                b"tkhd" => self.track = number(&self.fields(&found)?, 12, 20),
                b"elst" => self.list(&found)?,
                b"trun" => self.movie.absurd |= is_absurd(&self.fields(&found)?),
                _ => {}
            }
            start = found.end;
        }
        Ok(())
    }

    /// The box at `start`; `None` past the last one, or if what is there is none.
    fn header(&mut self, start: u64, end: u64) -> io::Result<Option<Header>> {
        let room = end.saturating_sub(start);
        if room < 8 || self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let fields = self.bytes(start, 16.min(room))?;
        let (Some(&size), Some(&kind)) = (fields.first_chunk::<4>(), fields[4..].first_chunk())
        else {
            return Ok(None);
        };
        let (size, head) = match (u32::from_be_bytes(size), fields.get(8..16)) {
            (0, _) => (room, 8),
            (1, Some(long)) => (u64::from_be_bytes(long.try_into().expect("eight bytes")), 16),
            (short, _) => (u64::from(short), 8),
        };
        let fits = (head..=room).contains(&size);
        Ok(fits.then_some(Header { kind, start: start + head, end: start + size }))
    }

    /// Reads an edit list.
    fn list(&mut self, found: &Header) -> io::Result<()> {
        let fields = self.fields(found)?;
        let long = fields.first() == Some(&1);
        let width = if long { 8 } else { 4 };
        let entries = fields.get(8..).unwrap_or_default().chunks_exact(2 * width + 4);
        let count = fields.get(4..8).map_or(0, |count| number(count, 0, 0)) as usize;
        for entry in entries.take(count) {
            let (length, start) = (&entry[..width], &entry[width..2 * width]);
            // A start of -1 is a wait before the sound begins.
            if start.iter().all(|byte| *byte == 0xFF) {
                continue;
            }
            let edit = Edit {
                track: self.track,
                start: wide(start),
                length: wide(length),
                ticks: self.ticks,
            };
            self.movie.edits.push(edit);
        }
        Ok(())
    }

    /// The first bytes of a box's content.
    fn fields(&mut self, found: &Header) -> io::Result<Vec<u8>> {
        self.bytes(found.start, (found.end - found.start).min(MAX_FIELDS))
    }

    fn bytes(&mut self, start: u64, length: u64) -> io::Result<Vec<u8>> {
        self.source.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        self.source.by_ref().take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A number of 32 bits, at one place in fields of version 0 and at another in those of version 1; 0 if it is not there.
fn number(fields: &[u8], short: usize, long: usize) -> u32 {
    let at = if fields.first() == Some(&1) { long } else { short };
    let bytes = fields.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// Whether a run of packets has more than [`MAX_PLAIN_RUN`] of them, and not a byte for each.
fn is_absurd(run: &[u8]) -> bool {
    // Length, size, flags and time: where one of them is given for each packet, there are as many as fit into the box.
    const FOR_EACH: u8 = 0b1111;
    run.get(2).is_some_and(|flags| flags & FOR_EACH == 0) && number(run, 4, 4) > MAX_PLAIN_RUN
}

/// A number of four or eight bytes.
fn wide(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let mut out = (content.len() as u32 + 8).to_be_bytes().to_vec();
        out.extend(kind);
        out.extend(content);
        out
    }

    fn numbers(values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_be_bytes()).collect()
    }

    fn movie(track: &[u8]) -> Vec<u8> {
        let header = boxed(b"mvhd", &[&numbers(&[0, 0, 0, 1_000, 9])]);
        let number = boxed(b"tkhd", &[&numbers(&[0, 0, 0, 7])]);
        let track = boxed(b"trak", &[&number, track]);
        [boxed(b"ftyp", &[b"M4A "]), boxed(b"free", &[]), boxed(b"moov", &[&header, &track])]
            .concat()
    }

    fn read(file: &[u8]) -> Option<Movie> {
        let mut source = Cursor::new(file);
        let movie = Movie::read(&mut source, file.len() as u64).unwrap();
        assert_eq!(source.position(), 0);
        movie
    }

    fn list(fields: &[u32]) -> Vec<u8> {
        boxed(b"edts", &[&boxed(b"elst", &[&numbers(fields)])])
    }

    #[test]
    fn the_edit_of_a_track_is_found() {
        let file = movie(&list(&[0, 1, 2_500, 1_024, 1 << 16]));
        let edit = Edit { track: 7, start: 1_024, length: 2_500, ticks: 1_000 };
        assert_eq!(read(&file).unwrap().edit(7), Some(edit));
        assert_eq!(read(&file).unwrap().edit(8), None);
        let long = movie(&list(&[1 << 24, 1, 0, 2_500, 0, 1_024, 1 << 16]));
        assert_eq!(read(&long).unwrap().edit(7), Some(edit));
        let waits = movie(&list(&[0, 2, 40, u32::MAX, 1 << 16, 2_500, 1_024, 1 << 16]));
        assert_eq!(read(&waits).unwrap().edit(7), Some(edit));
    }

    #[test]
    fn two_edits_are_none_that_we_follow() {
        let file = movie(&list(&[0, 2, 10, 1_024, 1 << 16, 10, 9_000, 1 << 16]));
        assert_eq!(read(&file).unwrap().edit(7), None);
    }

    #[test]
    fn what_is_no_mp4_has_no_movie() {
        assert_eq!(read(b"RIFF\0\0\0\0WAVE"), None);
        assert_eq!(read(b""), None);
        assert!(read(&movie(&[])).unwrap().edit(7).is_none());
    }

    #[test]
    fn a_run_of_more_packets_than_there_can_be_is_seen() {
        let fragmented = |flags: u32, packets: u32| {
            let run = boxed(b"trun", &[&numbers(&[flags, packets, 0])]);
            let fragment = boxed(b"moof", &[&boxed(b"traf", &[&run])]);
            let movie = boxed(b"moov", &[&boxed(b"mvex", &[])]);
            let file = [boxed(b"ftyp", &[b"M4A "]), movie, boxed(b"mdat", &[]), fragment];
            read(&file.concat()).unwrap()
        };
        assert!(fragmented(0, 200).fragmented && !fragmented(0, 200).absurd);
        assert!(fragmented(0, u32::MAX).absurd);
        // The library stops at the end of the box.
        assert!(!fragmented(0x200, u32::MAX).absurd);
    }

    #[test]
    fn boxes_in_boxes_without_end_are_not_followed() {
        let nested: Vec<u8> = (1..50_000_u32)
            .rev()
            .flat_map(|left| [(8 * left).to_be_bytes(), *b"trak"])
            .flatten()
            .collect();
        assert!(read(&movie(&nested)).unwrap().edit(7).is_none());
    }

    proptest! {
        #[test]
        fn broken_boxes_only_lose_their_edits(at in 0_usize..120, byte: u8, cut in 0_usize..120) {
            let mut file = movie(&list(&[0, 1, 2_500, 1_024, 1 << 16]));
            let length = file.len();
            file[at % length] = byte;
            file.truncate(length - cut % length);
            read(&file);
        }
    }
}
