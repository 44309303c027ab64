//! Vorbis and Opus in Ogg.

use std::time::Duration;

use super::{SAMPLE_RATE, samples};

const SERIAL: u32 = 0x6461_7070;
/// Packets to a page; one more would not fit the table of a page whose packets are short.
const PACKETS_PER_PAGE: usize = 100;

/// Vorbis packets that say "no channel has a floor", which is silence.
pub(super) fn vorbis(samples: u64) -> Vec<u8> {
    const SAMPLES_PER_PACKET: u64 = 1024;
    let mut out = Vec::new();
    page(&mut out, 2, 0, 0, &[&vorbis_identification()]);
    page(&mut out, 0, 0, 1, &[&comment(b"\x03vorbis", &[1]), &vorbis_setup()]);
    // The first packet only primes the overlap and yields no sound.
    sound(&mut out, &[0], 1 + samples.div_ceil(SAMPLES_PER_PACKET), |packets| {
        (packets.saturating_sub(1) * SAMPLES_PER_PACKET).min(samples)
    });
    out
}

fn vorbis_identification() -> Vec<u8> {
    let mut out = b"\x01vorbis".to_vec();
    out.extend(0_u32.to_le_bytes());
    out.push(2);
    out.extend(SAMPLE_RATE.to_le_bytes());
    // Bit rates: greatest, nominal, least.
    for rate in [0, 64_000_u32, 0] {
        out.extend(rate.to_le_bytes());
    }
    // Both block sizes 2^11, then the framing bit.
    out.extend([0xBB, 1]);
    out
}

/// The smallest set-up there can be: one book of two words, one floor of two points, one empty residue.
fn vorbis_setup() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0, 8); // one codebook
    bits.push(0x56_4342, 24);
    bits.push(1, 16); // dimensions
    bits.push(2, 24); // entries
    bits.push(0, 2); // neither ordered nor sparse
    bits.push(0, 5); // each word is one bit long
    bits.push(0, 5);
    bits.push(0, 4); // no vectors
    bits.push(0, 6 + 16); // one time transform, of no kind
    bits.push(0, 6); // one floor
    bits.push(1, 16); // of type 1
    bits.push(0, 5); // without partitions
    bits.push(0, 2); // multiplier 1
    bits.push(10, 4); // points at 0 and 2^10
    bits.push(0, 6); // one residue
    bits.push(0, 16); // of type 0
    bits.push(0, 24); // from 0
    bits.push(0, 24); // to 0
    bits.push(0, 24); // partitions of one
    bits.push(0, 6); // one classification
    bits.push(0, 8); // in book 0
    bits.push(0, 4); // without stages
    bits.push(0, 6 + 16); // one mapping, of type 0
    bits.push(0, 1 + 1 + 2); // one submap, no coupling
    bits.push(0, 8 + 8 + 8); // time, floor and residue 0
    bits.push(0, 6); // one mode
    bits.push(0, 1 + 16 + 16 + 8); // short blocks, the only window, transform and mapping
    bits.push(1, 1);
    let mut out = b"\x05vorbis".to_vec();
    out.extend(bits.bytes);
    out
}

/// Opus packets of 20 ms that decode to silence.
pub(super) fn opus(length: Duration) -> Vec<u8> {
    const RATE: u32 = 48_000;
    const SAMPLES_PER_PACKET: u64 = 960;
    const PRE_SKIP: u16 = 312;
    let mut head = b"OpusHead\x01\x02".to_vec();
    head.extend(PRE_SKIP.to_le_bytes());
    head.extend(SAMPLE_RATE.to_le_bytes());
    head.extend([0, 0, 0]);
    let end = samples(length, RATE) + u64::from(PRE_SKIP);
    let mut out = Vec::new();
    page(&mut out, 2, 0, 0, &[&head]);
    page(&mut out, 0, 0, 1, &[&comment(b"OpusTags", &[])]);
    sound(&mut out, &[0xFC, 0xFF, 0xFE], end.div_ceil(SAMPLES_PER_PACKET), |packets| {
        (packets * SAMPLES_PER_PACKET).min(end)
    });
    out
}

/// A comment header without comments.
fn comment(signature: &[u8], end: &[u8]) -> Vec<u8> {
    let mut out = signature.to_vec();
    out.extend(7_u32.to_le_bytes());
    out.extend(b"testkit");
    out.extend(0_u32.to_le_bytes());
    out.extend(end);
    out
}

/// Pages of equal packets; `position` is the sample at which so many packets end.
fn sound(out: &mut Vec<u8>, packet: &[u8], packets: u64, position: impl Fn(u64) -> u64) {
    let mut done = 0;
    for number in 2.. {
        let now = (packets - done).min(PACKETS_PER_PAGE as u64);
        done += now;
        let last = done == packets;
        page(out, u8::from(last) << 2, position(done), number, &vec![packet; now as usize]);
        if last {
            break;
        }
    }
}

fn page(out: &mut Vec<u8>, flags: u8, position: u64, number: u32, packets: &[&[u8]]) {
    let start = out.len();
    out.extend(b"OggS\0");
    out.push(flags);
    out.extend(position.to_le_bytes());
    out.extend(SERIAL.to_le_bytes());
    out.extend(number.to_le_bytes());
    let crc_at = out.len();
    out.extend([0; 4]);
    let lacing: Vec<u8> = packets.iter().flat_map(|packet| lacing(packet.len())).collect();
    out.push(u8::try_from(lacing.len()).expect("a page holds few packets"));
    out.extend(lacing);
    out.extend(packets.concat());
    let crc = crc32(&out[start..]);
    out[crc_at..crc_at + 4].copy_from_slice(&crc.to_le_bytes());
}

fn lacing(length: usize) -> impl Iterator<Item = u8> {
    std::iter::repeat_n(255, length / 255).chain([(length % 255) as u8])
}

fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04C1_1DB7 }
        })
    })
}

/// Bits written as Vorbis has them: from the lowest of each byte up.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn push(&mut self, value: u64, bits: usize) {
        for bit in 0..bits {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("just pushed");
            *last |= ((value >> bit & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
    }
}
