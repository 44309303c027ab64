//! FLAC made of constant subframes.

use super::SAMPLE_RATE;

const BLOCK: u16 = 4096;

pub(super) fn silence(samples: u64) -> Vec<u8> {
    let mut out = b"fLaC".to_vec();
    out.extend([0x80, 0, 0, 34]);
    out.extend(BLOCK.to_be_bytes());
    out.extend(BLOCK.to_be_bytes());
    // Smallest and largest frame: not said.
    out.extend([0; 6]);
    // 20 bits of rate, 3 of channels less one, 5 of depth less one, 36 of length.
    let packed = u64::from(SAMPLE_RATE) << 44 | 1 << 41 | 15 << 36 | samples;
    out.extend(packed.to_be_bytes());
    // A sum of zeros means that the sum is not known.
    out.extend([0; 16]);
    let mut left = samples;
    for number in 0_u32.. {
        if left == 0 {
            break;
        }
        let length = left.min(u64::from(BLOCK));
        out.extend(frame(number, u16::try_from(length).expect("a block is short")));
        left -= length;
    }
    out
}

fn frame(number: u32, length: u16) -> Vec<u8> {
    // Fixed block size; a 16-bit length at the end of the header, 44,100 Hz; two channels, 16 bits.
    let mut out = vec![0xFF, 0xF8, 0x79, 0x18];
    let coded = char::from_u32(number).expect("few frames, none of them a surrogate");
    out.extend(coded.encode_utf8(&mut [0; 4]).as_bytes());
    out.extend((length - 1).to_be_bytes());
    out.push(crc8(&out));
    for _channel in 0..2 {
        out.extend([0, 0, 0]);
    }
    let crc = crc16(&out);
    out.extend(crc.to_be_bytes());
    out
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x8005 }
        })
    })
}
