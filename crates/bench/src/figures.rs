//! Measurements: taking them, and printing them for `cargo xtask bench`.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Prints a line of JSON: a figure, its unit, and the value of each time it was measured.
pub fn figure(name: &str, unit: &str, values: &[f64]) {
    println!("{}", serde_json::json!({ "figure": name, "unit": unit, "values": values }));
}

/// How long some work takes, and what comes of it.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = black_box(work());
    (start.elapsed(), result)
}

/// The milliseconds of a duration.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// What this process holds in memory now, in bytes, with all that its allocator keeps. Linux only.
pub fn resident_memory() -> Option<u64> {
    status_bytes("VmRSS:")
}

/// The most that this process has held in memory, in bytes. Linux only.
pub fn peak_memory() -> Option<u64> {
    status_bytes("VmHWM:")
}

fn status_bytes(key: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
