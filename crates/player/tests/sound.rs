//! What the outputs are given, frame by frame.

mod support;

use std::time::Duration;

use audio::Depth;
use player::{Command, State};
use support::{Bench, Memory, noise, replace, wav};

const SECOND: Duration = Duration::from_secs(1);

fn joined(songs: &[(u32, usize)]) -> Vec<i16> {
    songs.iter().flat_map(|(number, frames)| noise(*number, *frames)).collect()
}

#[test]
fn songs_of_one_album_join_bit_for_bit() {
    let lengths = [70_001, 30_003, 50_000];
    let (mut bench, output) = Bench::with_output(Memory::of(lengths));
    bench.tell(replace(1..=3)).unwrap();
    bench.pass(5 * SECOND);
    assert!(output.heard_16() == joined(&[(1, 70_001), (2, 30_003), (3, 50_000)]));
    assert_eq!(output.look().depths, [Depth::I16]);
    assert!(!output.look().is_open, "when all has been heard it is closed");
    assert_eq!(bench.player.status().state, State::Stopped);
}

#[test]
fn positions_agree_with_what_is_heard() {
    let (mut bench, output) = Bench::with_output(Memory::of([100_000, 100_000]));
    bench.tell(replace(1..=2)).unwrap();
    for _ in 0..200 {
        bench.pass(SECOND / 50);
        let heard = output.heard() / 2;
        let (song, frame) = if heard > 100_000 { (2, heard - 100_000) } else { (1, heard) };
        let heard = Duration::from_secs_f64(frame as f64 / 44_100.0);
        if heard > Duration::ZERO {
            assert_eq!(bench.current(), Some(song));
        }
        let apart = bench.elapsed().abs_diff(heard);
        assert!(apart <= Duration::from_millis(50), "{apart:?} at {heard:?} of {song}");
    }
}

#[test]
fn a_pause_is_silent_and_loses_nothing() {
    let (mut bench, output) = Bench::with_output(Memory::of([100_000]));
    bench.tell(replace([1])).unwrap();
    bench.pass(SECOND);
    bench.tell(Command::Pause).unwrap();
    let heard = output.heard();
    let elapsed = bench.elapsed();
    bench.pass(10 * SECOND);
    assert_eq!((output.heard(), bench.elapsed()), (heard, elapsed));
    bench.tell(Command::Play).unwrap();
    bench.pass(5 * SECOND);
    assert!(output.heard_16() == noise(1, 100_000));
}

#[test]
fn seeking_goes_to_the_very_frame() {
    let (mut bench, output) = Bench::with_output(Memory::of([200_000]));
    bench.tell(replace([1])).unwrap();
    bench.pass(SECOND);
    let before = output.heard();
    bench.tell(Command::Seek(3 * SECOND)).unwrap();
    assert_eq!(bench.elapsed(), 3 * SECOND);
    bench.pass(SECOND);
    let heard = output.heard_16();
    assert!(heard[before..] == noise(1, 200_000)[2 * 3 * 44_100..][..heard.len() - before]);
    assert!(heard.len() - before > 80_000);
    bench.tell(Command::SeekBy(-3_000)).unwrap();
    assert!(bench.elapsed().abs_diff(SECOND) <= Duration::from_millis(50));
}

#[test]
fn the_next_song_begins_at_once() {
    let (mut bench, output) = Bench::with_output(Memory::of([200_000, 40_000]));
    bench.tell(replace(1..=2)).unwrap();
    bench.pass(SECOND);
    let before = output.heard();
    bench.tell(Command::Next).unwrap();
    bench.pass(2 * SECOND);
    assert!(output.heard_16()[before..] == noise(2, 40_000));
}

#[test]
fn other_rates_are_made_to_fit_and_songs_still_join() {
    let songs = Memory::default()
        .with(1, wav(22_050, &noise(1, 22_050)))
        .with(2, wav(44_100, &noise(2, 1_000)))
        .with(3, wav(96_000, &noise(3, 96_000)));
    let (mut bench, output) = Bench::with_output(songs);
    bench.tell(replace(1..=3)).unwrap();
    bench.pass(4 * SECOND);
    assert_eq!(output.heard(), 2 * (44_100 + 1_000 + 44_100));
    assert_eq!(output.look().depths, [Depth::F32, Depth::I16, Depth::F32]);
    assert!(output.heard_16()[2 * 44_100..][..2_000] == noise(2, 1_000));
}

#[test]
fn a_song_fades_into_the_next_for_as_long_as_is_set() {
    let level = |value: i16| wav(44_100, &vec![value; 2 * 132_300]);
    let songs = Memory::default().with(1, level(8_000)).with(2, level(16_000));
    let (mut bench, output) = Bench::with_output(songs);
    bench.tell(Command::CrossFade(SECOND)).unwrap();
    bench.tell(replace(1..=2)).unwrap();
    bench.pass(8 * SECOND);
    let heard = output.heard_16();
    assert_eq!(heard.len(), 2 * (2 * 132_300 - 44_100));
    assert!(heard[..2 * 88_200].iter().all(|sample| *sample == 8_000));
    assert!(heard[2 * 132_300..].iter().all(|sample| *sample == 16_000));
    let middle = f32::from(heard[2 * 110_250]);
    assert!((middle - 24_000.0 * 0.707).abs() < 20.0, "{middle}");
}

#[test]
fn an_output_is_as_loud_as_it_is_set() {
    let songs = Memory::default().with(1, wav(44_100, &vec![16_384; 2 * 100_000]));
    let (mut bench, output) = Bench::with_output(songs);
    let volume = |percent| Command::Volume { output: player::OutputId::LOCAL, percent };
    bench.tell(volume(50)).unwrap();
    bench.tell(replace([1])).unwrap();
    bench.pass(SECOND);
    assert_eq!(output.look().heard[40_000], 0.5 / 8.0);
    bench.tell(volume(0)).unwrap();
    bench.pass(SECOND / 2);
    assert_eq!(output.look().heard.last(), Some(&0.0));
    bench.tell(volume(100)).unwrap();
    bench.pass(SECOND / 2);
    assert_eq!(output.look().heard.last(), Some(&0.5));
    let heard = &output.look().heard;
    let steepest = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.01, "a change makes no click: {steepest}");
}
