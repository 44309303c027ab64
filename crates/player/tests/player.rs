//! The player as a program has it.

mod support;

use std::io::{self, Read, Seek};
use std::sync::Arc;
use std::time::Duration;

use library::OpenError;
use player::{
    Command, Heard, Opened, OutputId, Place, Player, PlayerError, Repeat, Saved, Song, Songs,
    Sound, State, Status,
};
use support::{Bench, Memory, Recorder, replace, song, songs, wav};
use tokio::sync::mpsc;

const SECOND: Duration = Duration::from_secs(1);

/// Songs of a second each.
fn short_songs(count: usize) -> Memory {
    Memory::of(vec![44_100; count])
}

fn upcoming(bench: &Bench) -> Vec<u32> {
    bench.player.status().upcoming.iter().map(|song| song.item.get()).collect()
}

#[test]
fn songs_that_fail_are_skipped_and_told() {
    let mut memory = short_songs(4);
    memory.0.remove(&1);
    memory.0.insert(2, None);
    let memory = memory.with(3, b"no sound at all".to_vec()).with(5, wav(44_100, &[]));
    let (listener, mut heard) = mpsc::channel(16);
    let output = Recorder::default();
    let builder = Player::builder(memory).listener(listener);
    let output_box = Box::new(output.clone());
    let mut bench = Bench::new(builder.output(OutputId::LOCAL, "Output", output_box, true));
    bench.tell(replace(1..=5)).unwrap();
    bench.pass(3 * SECOND);
    assert_eq!(bench.player.status().state, State::Stopped);
    assert_eq!(output.heard(), 2 * 44_100, "one of five is heard");
    let (mut failed, mut others) = (Vec::new(), Vec::new());
    while let Ok(heard) = heard.try_recv() {
        match heard {
            Heard::Failed(failure) => failed.push(failure.song.item.get()),
            heard => others.push(heard),
        }
    }
    assert_eq!(failed, [1, 2, 3, 5]);
    assert_eq!(others, [Heard::Started(song(4)), Heard::Played(song(4))]);
    assert_eq!(bench.player.status().failure.as_ref().unwrap().song, song(5));
}

/// Songs of which the first breaks off: its reader fails after so many bytes.
struct BreaksOff(Memory);

impl Songs for BreaksOff {
    fn open(&self, song: Song) -> Result<Opened, OpenError> {
        let opened = self.0.open(song)?;
        if song.item.get() != 1 {
            return Ok(opened);
        }
        let bytes = FailsAt { bytes: opened.bytes, left: 100_000 };
        Ok(Opened { bytes: Box::new(bytes), ..opened })
    }

    fn has(&self, song: Song) -> bool {
        self.0.has(song)
    }
}

struct FailsAt {
    bytes: Box<dyn Sound>,
    left: usize,
}

impl Read for FailsAt {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.left);
        if most == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let read = self.bytes.read(&mut buffer[..most])?;
        self.left -= read;
        Ok(read)
    }
}

impl Seek for FailsAt {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

#[test]
fn a_song_that_breaks_off_is_told_and_does_not_count_as_played() {
    let (listener, mut heard) = mpsc::channel(16);
    let builder = Player::builder(BreaksOff(short_songs(2))).listener(listener);
    let output = Box::new(Recorder::default());
    let mut bench = Bench::new(builder.output(OutputId::LOCAL, "Output", output, true));
    bench.tell(replace(1..=2)).unwrap();
    bench.pass(3 * SECOND);
    assert_eq!(heard.try_recv(), Ok(Heard::Started(song(1))));
    assert!(matches!(heard.try_recv(), Ok(Heard::Failed(failure)) if failure.song == song(1)));
    assert_eq!(heard.try_recv(), Ok(Heard::Started(song(2))));
    assert_eq!(heard.try_recv(), Ok(Heard::Played(song(2))));
    let history: Vec<_> = bench.player.status().history.iter().collect();
    assert_eq!(history, [song(2), song(1)]);
}

#[test]
fn a_status_has_a_revision_for_all_but_the_passing_of_time() {
    let (mut bench, _) = Bench::with_output(short_songs(9));
    let mut last: Arc<Status> = bench.player.status();
    assert!(last.revision >= 2);
    let volume = Command::Volume { output: OutputId::LOCAL, percent: 30 };
    for command in [
        replace(1..=8),
        Command::Append(songs([9])),
        Command::Move { from: 1, after: 3 },
        Command::Remove([2].into()),
        Command::Seek(SECOND / 2),
        Command::Shuffle(true),
        Command::Repeat(Repeat::All),
        volume.clone(),
        Command::Pause,
        Command::Play,
        Command::CrossFade(SECOND),
        Command::Sleep(Some(SECOND)),
        Command::Select([].into()),
        Command::Stop,
    ] {
        bench.tell(command.clone()).unwrap();
        let status = bench.player.status();
        assert!(status.revision > last.revision, "{command:?}");
        last = status;
    }
    bench.pass(SECOND);
    let revision = bench.player.status().revision;
    for command in [volume, Command::Stop, Command::Repeat(Repeat::All), Command::Shuffle(true)] {
        bench.tell(command).unwrap();
    }
    bench.pass(SECOND);
    assert_eq!(bench.player.status().revision, revision, "nothing is seen of these");
}

#[test]
fn time_passes_without_a_revision() {
    let (mut bench, _) = Bench::with_output(Memory::of([15 * 44_100]));
    bench.tell(replace([1])).unwrap();
    bench.pass(SECOND);
    let status = bench.player.status();
    bench.pass(10 * SECOND);
    assert_eq!(bench.player.status().revision, status.revision);
    let current = status.current.unwrap();
    assert!(current.elapsed.at(bench.now).abs_diff(11 * SECOND) < Duration::from_millis(50));
    assert_eq!(current.length, Some(15 * SECOND));
}

#[test]
fn a_restart_goes_on_where_it_was_but_does_not_play() {
    let memory = Memory::of(vec![220_500; 6]);
    let (mut bench, _) = Bench::with_output(memory.clone());
    bench.tell(replace(1..=6)).unwrap();
    bench.tell(Command::Volume { output: OutputId::LOCAL, percent: 40 }).unwrap();
    bench.tell(Command::Repeat(Repeat::All)).unwrap();
    bench.tell(Command::Next).unwrap();
    bench.pass(3 * SECOND);
    bench.tell(Command::Pause).unwrap();
    let saved = bench.player.watch_saved().borrow().clone();
    let saved: Saved = serde_json::from_str(&serde_json::to_string(&*saved).unwrap()).unwrap();

    let mut memory = memory;
    memory.0.remove(&4);
    let output = Recorder::default();
    let builder = Player::builder(memory).resume(saved);
    let output_box = Box::new(output.clone());
    let mut again = Bench::new(builder.output(OutputId::LOCAL, "Output", output_box, true));
    again.pass(SECOND);
    let status = again.player.status();
    assert_eq!((status.state, status.repeat), (State::Paused, Repeat::All));
    assert_eq!((again.current(), upcoming(&again)), (Some(2), vec![3, 5, 6]));
    assert_eq!((status.outputs[0].volume, output.look().opened), (40, 0));
    assert_eq!(again.elapsed(), bench.elapsed());
    again.tell(Command::Play).unwrap();
    again.pass(SECOND);
    assert!(again.elapsed() > bench.elapsed() + SECOND / 2);
}

#[test]
fn what_was_heard_is_listed_and_played_again() {
    let (mut bench, _) = Bench::with_output(short_songs(4));
    bench.tell(replace(1..=4)).unwrap();
    bench.pass(2 * SECOND + SECOND / 2);
    let history: Vec<u32> =
        bench.player.status().history.iter().map(|song| song.item.get()).collect();
    assert_eq!((bench.current(), history), (Some(3), vec![2, 1]));
    bench.tell(Command::PlayAt(Place::History(1))).unwrap();
    assert_eq!((bench.current(), upcoming(&bench)), (Some(1), vec![4]));
}

#[test]
fn songs_that_were_given_up_are_not_kept_open() {
    let (mut bench, _) = Bench::with_output(Memory::of(vec![11_025; 100]));
    bench.tell(replace(1..=100)).unwrap();
    for _ in 0..90 {
        bench.tell(Command::Next).unwrap();
        assert!(bench.engine.load().0 <= 8);
    }
    bench.pass(SECOND / 5);
    assert_eq!((bench.current(), bench.player.status().state), (Some(91), State::Playing));
}

#[tokio::test]
async fn a_started_player_plays_by_itself_and_ends_when_nobody_has_it() {
    let output = Recorder::default();
    let builder = Player::builder(Memory::of([4_410, 4_410]));
    let output_box = Box::new(output.clone());
    let player = builder.output(OutputId::LOCAL, "Output", output_box, true).start().unwrap();
    let mut watch = player.watch();
    player.tell(replace(1..=2)).await.unwrap();
    assert_eq!(player.status().state, State::Playing);
    watch.wait_for(|status| status.state == State::Stopped).await.unwrap();
    assert_eq!(output.heard(), 2 * 8_820);
    drop(player);
    while watch.changed().await.is_ok() {}
    assert!(!output.look().is_open);
}

#[tokio::test]
async fn an_ended_player_says_so_and_leaves_its_last_place() {
    let output = Recorder::default();
    let (listener, mut heard) = mpsc::channel(16);
    let builder = Player::builder(Memory::of([441_000])).listener(listener);
    let output_box = Box::new(output.clone());
    let player = builder.output(OutputId::LOCAL, "Output", output_box, true).start().unwrap();
    player.tell(replace([1])).await.unwrap();
    let mut watch = player.watch();
    let begun = |status: &Arc<Status>| status.current.is_some_and(|c| c.elapsed.since.is_some());
    watch.wait_for(begun).await.unwrap();
    player.tell(Command::Seek(5 * SECOND)).await.unwrap();
    player.shutdown().await;
    assert_eq!(player.tell(Command::Play).await, Err(PlayerError::Closed));
    let _ = heard.try_recv();
    let saved = serde_json::to_value(&*player.watch_saved().borrow().clone()).unwrap();
    assert!(saved["position"]["secs"].as_u64().unwrap() >= 5, "{saved}");
}
