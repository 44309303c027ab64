//! AAC and Apple Lossless in MP4, sound after the index, one sample to a chunk.

use super::SAMPLE_RATE;
use super::adts::SILENT_BLOCK;

pub(super) fn aac(samples: u64) -> Vec<u8> {
    // Elementary stream descriptor: MPEG-4 audio at 64 kbit/s; LC, 44,100 Hz, two channels; one packet a sample.
    const ESDS: [u8; 31] = [
        0, 0, 0, 0, 3, 25, 0, 1, 0, 4, 17, 0x40, 0x15, 0, 0, 0, 0, 0, 0xFA, 0, 0, 0, 0xFA, 0, 5, 2,
        0x12, 0x10, 6, 1, 2,
    ];
    file(samples, 1024, &entry(b"mp4a", &atom(b"esds", &[&ESDS])), |_| SILENT_BLOCK.to_vec())
}

pub(super) fn alac(samples: u64) -> Vec<u8> {
    const FRAME: u32 = 4096;
    let mut config = vec![0; 4];
    config.extend(FRAME.to_be_bytes());
    // Version; 16 bits; three settings of the Rice coder; two channels; longest run.
    config.extend([0, 16, 40, 10, 14, 2, 0, 255]);
    // Largest frame and mean rate: not said.
    config.extend([0; 8]);
    config.extend(SAMPLE_RATE.to_be_bytes());
    file(samples, FRAME, &entry(b"alac", &atom(b"alac", &[&config])), alac_frame)
}

/// A frame that is not compressed: a pair of channels, its own length, the samples, the end mark.
fn alac_frame(samples: u32) -> Vec<u8> {
    const HEADER_BITS: usize = 3 + 4 + 12 + 1 + 2 + 1 + 32;
    let bits = HEADER_BITS + samples as usize * 32 + 3;
    let mut out = vec![0; bits.div_ceil(8)];
    let mut set = |at: usize, value: u64, width: usize| {
        for bit in 0..width {
            out[(at + bit) / 8] |= ((value >> (width - 1 - bit) & 1) as u8) << (7 - (at + bit) % 8);
        }
    };
    set(0, 1, 3);
    set(19, 1, 1);
    set(22, 1, 1);
    set(23, u64::from(samples), 32);
    set(bits - 3, 7, 3);
    out
}

/// The whole file; `frame` makes the sound of so many samples.
fn file(samples: u64, per_frame: u32, entry: &[u8], frame: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(samples).expect("a test's song is short");
    let mut frames: Vec<u32> = vec![per_frame; (length / per_frame) as usize];
    frames.extend(Some(length % per_frame).filter(|rest| *rest > 0));
    let sound: Vec<Vec<u8>> = frames.iter().map(|samples| frame(*samples)).collect();

    let ftyp = atom(b"ftyp", &[b"M4A \0\0\0\0M4A mp42isom"]);
    let sizes: Vec<u32> = sound.iter().map(|frame| frame.len() as u32).collect();
    let moov = |first| moov(length, &frames, &sizes, first, entry);
    let first = ftyp.len() + moov(0).len() + 8;
    let first = u32::try_from(first).expect("an index is short");
    [ftyp, moov(first), atom(b"mdat", &[&sound.concat()])].concat()
}

fn moov(length: u32, frames: &[u32], sizes: &[u32], first: u32, entry: &[u8]) -> Vec<u8> {
    let count = sizes.len() as u32;
    let times: Vec<u8> = frames.iter().flat_map(|samples| numbers(&[1, *samples])).collect();
    let offsets: Vec<u32> = sizes
        .iter()
        .scan(first, |at, size| {
            let here = *at;
            *at += size;
            Some(here)
        })
        .collect();
    let table = atom(
        b"stbl",
        &[
            &atom(b"stsd", &[&numbers(&[0, 1]), entry]),
            &atom(b"stts", &[&numbers(&[0, count]), &times]),
            &atom(b"stsc", &[&numbers(&[0, 1, 1, 1, 1])]),
            &atom(b"stsz", &[&numbers(&[0, 0, count]), &numbers(sizes)]),
            &atom(b"stco", &[&numbers(&[0, count]), &numbers(&offsets)]),
        ],
    );
    let references = atom(b"dref", &[&numbers(&[0, 1]), &atom(b"url ", &[&numbers(&[1])])]);
    let media = atom(
        b"minf",
        &[&atom(b"smhd", &[&numbers(&[0, 0])]), &atom(b"dinf", &[&references]), &table],
    );
    let handler = atom(b"hdlr", &[&numbers(&[0, 0]), b"soun", &[0; 13]]);
    // Language: undetermined.
    let header = atom(b"mdhd", &[&numbers(&[0, 0, 0, SAMPLE_RATE, length, 0x55C4_0000])]);
    let track = atom(
        b"trak",
        &[
            &atom(
                b"tkhd",
                &[&numbers(&[7, 0, 0, 1, 0, length, 0, 0, 0, 0x0100_0000]), &matrix(), &[0; 8]],
            ),
            &atom(b"mdia", &[&header, &handler, &media]),
        ],
    );
    let movie = atom(
        b"mvhd",
        &[
            &numbers(&[0, 0, 0, SAMPLE_RATE, length, 0x1_0000, 0x0100_0000, 0, 0]),
            &matrix(),
            &[0; 24],
            &numbers(&[2]),
        ],
    );
    atom(b"moov", &[&movie, &track])
}

/// A sample entry: two channels, 16 bits.
fn entry(kind: &[u8; 4], config: &[u8]) -> Vec<u8> {
    let fields = numbers(&[0, 1, 0, 0, 2 << 16 | 16, 0, SAMPLE_RATE << 16]);
    atom(kind, &[&fields, config])
}

/// A picture's turning and scaling: none.
fn matrix() -> Vec<u8> {
    numbers(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000])
}

fn numbers(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn atom(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut out =
        u32::try_from(body.len() + 8).expect("a test's song is short").to_be_bytes().to_vec();
    out.extend(kind);
    out.extend(body);
    out
}
