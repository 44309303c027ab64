//! AAC-LC as a bare ADTS stream.

const SAMPLES_PER_FRAME: u64 = 1024;

/// A raw AAC-LC data block: one pair of channels, all coefficients zero.
pub(super) const SILENT_BLOCK: [u8; 6] = [0x21, 0x10, 0x04, 0x60, 0x8C, 0x1C];

pub(super) fn silence(samples: u64) -> Vec<u8> {
    const LENGTH: u16 = 7 + SILENT_BLOCK.len() as u16;
    // MPEG-4, no checksum; LC, 44,100 Hz, two channels; the length; a buffer said to be full; one block.
    let header = [
        0xFF,
        0xF1,
        1 << 6 | 4 << 2,
        2 << 6 | (LENGTH >> 11) as u8,
        (LENGTH >> 3) as u8,
        (LENGTH << 5) as u8 | 0x1F,
        0xFC,
    ];
    let frame = [&header[..], &SILENT_BLOCK].concat();
    frame.repeat(
        usize::try_from(samples.div_ceil(SAMPLES_PER_FRAME)).expect("a test's song is short"),
    )
}
