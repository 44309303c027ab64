//! Outputs that fail, come back, join and leave.

mod support;

use std::io;
use std::time::Duration;

use player::{Command, OutputId, Player, PlayerError, State};
use support::{Bench, Memory, Recorder, noise, replace};

const SECOND: Duration = Duration::from_secs(1);
const ONE: OutputId = OutputId(1);
const TWO: OutputId = OutputId(2);

fn refused() -> io::Error {
    io::Error::other("the cable is out")
}

/// A player of one long song, with two outputs.
fn two_outputs(second_selected: bool) -> (Bench, Recorder, Recorder) {
    let (one, two) = (Recorder::default(), Recorder::default());
    let builder = Player::builder(Memory::of([1_900_000]))
        .output(ONE, "One", Box::new(one.clone()), true)
        .output(TWO, "Two", Box::new(two.clone()), second_selected);
    (Bench::new(builder), one, two)
}

fn trouble(bench: &Bench, output: usize) -> Option<String> {
    bench.player.status().outputs[output].trouble.clone()
}

/// Where in the song what was heard last is from.
fn last_frame(recorder: &Recorder, song: &[i16]) -> usize {
    let heard = recorder.heard_16();
    let last = &heard[heard.len() - 64..];
    song.windows(64).position(|window| window == last).expect("a part of the song")
}

#[test]
fn an_output_that_fails_is_told_tried_again_and_stops_no_other() {
    let (mut bench, one, two) = two_outputs(true);
    bench.tell(replace([1])).unwrap();
    bench.pass(SECOND);
    two.look().fails = Some(refused);
    bench.pass(SECOND / 2);
    assert_eq!(trouble(&bench, 1).as_deref(), Some("the cable is out"));
    let revision = bench.player.status().revision;
    bench.pass(20 * SECOND);
    assert_eq!(bench.player.status().revision, revision, "it is told once");
    assert!(one.heard_16() == noise(1, 1_900_000)[..one.heard()]);
    two.look().fails = None;
    bench.pass(16 * SECOND);
    assert_eq!((trouble(&bench, 1), two.look().opened), (None, 2));
}

#[test]
fn another_output_sets_the_pace_when_the_first_one_fails() {
    let (mut bench, one, two) = two_outputs(true);
    bench.tell(replace([1])).unwrap();
    bench.pass(SECOND);
    one.look().fails = Some(|| panic!("a bug of the output"));
    bench.pass(2 * SECOND);
    assert_eq!(trouble(&bench, 0).as_deref(), Some("it failed inside"));
    assert_eq!(bench.player.status().state, State::Playing);
    assert!(two.heard_16() == noise(1, 1_900_000)[..two.heard()]);
    assert!(bench.elapsed().abs_diff(3 * SECOND) < Duration::from_millis(100));
}

#[test]
fn an_output_that_is_not_ready_does_not_keep_the_others_waiting_and_then_joins() {
    let (mut bench, one, two) = two_outputs(true);
    let buffer = std::mem::take(&mut one.look().buffer);
    bench.tell(replace([1])).unwrap();
    bench.pass(14 * SECOND);
    assert!(two.heard() > 2 * 12 * 44_100, "{}", two.heard());
    assert!(bench.engine.load().1 < 9 * 44_100, "what it misses is not kept for it");
    one.look().buffer = buffer;
    bench.pass(SECOND);
    let song = noise(1, 700_000);
    let apart = last_frame(&one, &song).abs_diff(last_frame(&two, &song));
    assert!(apart <= 2 * 44 * 25, "{apart} samples apart");
    let first = last_frame(&one, &song) + 64 - one.heard();
    assert!(one.heard_16() == song[first..][..one.heard()]);
}

#[test]
fn without_an_output_that_works_the_song_stands_still() {
    let (mut bench, one, _) = two_outputs(false);
    bench.tell(replace([1])).unwrap();
    bench.pass(SECOND);
    one.look().fails = Some(refused);
    bench.pass(SECOND / 10);
    let elapsed = bench.elapsed();
    bench.pass(SECOND / 2);
    assert_eq!(bench.elapsed(), elapsed);
    one.look().fails = None;
    bench.pass(2 * SECOND);
    assert!(bench.elapsed() > elapsed + SECOND);
    assert!(one.heard() > 100_000);
}

#[test]
fn an_output_that_joins_sounds_what_the_others_sound() {
    let (mut bench, one, two) = two_outputs(false);
    two.look().buffer = 22_050;
    bench.tell(replace([1])).unwrap();
    bench.pass(SECOND);
    bench.tell(Command::Select([ONE, TWO].into())).unwrap();
    bench.pass(SECOND);
    let song = noise(1, 200_000);
    let apart = last_frame(&one, &song).abs_diff(last_frame(&two, &song));
    assert!(apart <= 2 * 44, "{apart} samples apart");
    bench.tell(Command::Select([TWO].into())).unwrap();
    assert!(!one.look().is_open);
    bench.pass(SECOND);
    let heard = two.heard();
    assert!(heard > 2 * 80_000, "it goes on without the other: {heard}");
    let first = last_frame(&two, &noise(1, 400_000)) + 64 - heard;
    assert!(two.heard_16() == noise(1, 400_000)[first..][..heard]);
}

#[test]
fn outputs_that_are_not_there_are_refused() {
    let (mut bench, ..) = two_outputs(false);
    let missing = OutputId(9);
    let error = Err(PlayerError::NoSuchOutput(missing));
    assert_eq!(bench.tell(Command::Select([ONE, missing].into())), error);
    assert_eq!(bench.tell(Command::Volume { output: missing, percent: 5 }), error);
    let outputs = bench.player.status().outputs.clone();
    assert_eq!((outputs[0].selected, outputs[1].selected), (true, false));
}

#[test]
fn an_end_leaves_slower_outputs_their_time() {
    let (one, two) = (Recorder::default(), Recorder::default());
    two.look().buffer = 44_100;
    let builder = Player::builder(Memory::of([60_000]))
        .output(ONE, "One", Box::new(one.clone()), true)
        .output(TWO, "Two", Box::new(two.clone()), false);
    let mut bench = Bench::new(builder);
    bench.tell(replace([1])).unwrap();
    bench.pass(SECOND / 2);
    bench.tell(Command::Select([ONE, TWO].into())).unwrap();
    bench.pass(2 * SECOND);
    assert_eq!(bench.player.status().state, State::Stopped);
    assert!(two.heard_16().ends_with(&noise(1, 60_000)[80_000..]));
    assert!(!one.look().is_open && !two.look().is_open);
}
