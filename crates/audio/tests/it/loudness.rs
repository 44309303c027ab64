//! Loudness as EBU R128 has it.

use std::cell::Cell;
use std::f64::consts::TAU;

use audio::{Gain, Loudness};

use crate::made::{self, open};

#[test]
fn loudness_is_measured_and_can_be_cancelled() {
    // The test tone of EBU Tech 3341: 1,000 Hz on both sides at -23 dBFS is -23 LUFS.
    let tone = |n: usize| ((n / 2) as f64 * TAU * 1_000.0 / 44_100.0).sin();
    let level = 32_768.0 * 10_f64.powf(-23.0 / 20.0);
    let sound: Vec<i16> = (0..2 * 44_100 * 5).map(|n| (tone(n) * level) as i16).collect();
    let file = made::wav(&sound);
    let measured = Loudness::measure(&mut open(&file).unwrap(), || false).unwrap().unwrap();
    assert!((measured.lufs.unwrap() + 23.0).abs() < 0.1, "{measured:?}");
    assert!((measured.peak - 0.0708).abs() < 0.001, "{measured:?}");
    assert!((measured.gain().db - 5.0).abs() < 0.1);
    let asked = Cell::new(0);
    let cancelled = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    assert_eq!(Loudness::measure(&mut open(&file).unwrap(), cancelled).unwrap(), None);
    let silence = made::wav(&[0; 44_100]);
    let measured = Loudness::measure(&mut open(&silence).unwrap(), || false).unwrap().unwrap();
    assert_eq!(measured.gain(), Gain { db: 0.0, peak: None });
}
