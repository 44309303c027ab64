//! A day of playing to the null output, on a clock that is moved by hand.

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use daap_model::{DatabaseId, ItemId};
use library::OpenError;
use outputs::Spec;
use player::{Command, Engine, MAX_HISTORY, Opened, OutputId, Player, Repeat, Song, Songs};

/// Frames a second: so few that a day of them is quickly played.
const RATE: u32 = 1_000;
const SONGS: u32 = 10_000;
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How late each step comes, as on a busy machine. The output has more than that in hand.
const LATE: Duration = Duration::from_millis(200);
const TOLERANCE: Duration = Duration::from_millis(50);
/// Songs that are open at once, at the most: the current one, the next, and those whose threads are just ending.
const MOST_OPEN: usize = 8;
/// Frames that are held for the outputs, at the most: twice the four seconds that are kept, and what is in the output.
const MOST_FRAMES: usize = 9 * RATE as usize;

/// Songs of seven lengths, none of them a whole number of seconds, about eight seconds long each.
struct Shelf([Arc<[u8]>; 7]);

impl Shelf {
    fn new() -> Self {
        Self(std::array::from_fn(|n| wav(5_123 + 957 * n).into()))
    }

    fn file(&self, song: Song) -> Arc<[u8]> {
        Arc::clone(&self.0[song.item.get() as usize % self.0.len()])
    }

    fn length(&self, song: Song) -> Duration {
        Duration::from_millis((self.file(song).len() as u64 - 44) / 4)
    }
}

impl Songs for Shelf {
    fn open(&self, song: Song) -> Result<Opened, OpenError> {
        let file = self.file(song);
        let length = file.len() as u64;
        Ok(Opened::new(Cursor::new(file), Some(length)))
    }

    fn has(&self, _: Song) -> bool {
        true
    }
}

/// Silence in two channels of 16 bits.
fn wav(frames: usize) -> Vec<u8> {
    let length = u32::try_from(frames * 4).expect("a short song");
    let mut file = Vec::from(*b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 4).to_le_bytes());
    file.extend(b"\x04\0\x10\0data");
    file.extend(length.to_le_bytes());
    file.resize(file.len() + frames * 4, 0);
    file
}

fn song(number: u32) -> Song {
    Song::new(DatabaseId::LOWEST, ItemId::new(number).expect("a number that is not 0"))
}

/// Has the player do something, at a time.
fn tell(player: &Player, engine: &mut Engine, now: Instant, command: Command) {
    let mut told = std::pin::pin!(player.tell(command));
    let mut context = Context::from_waker(Waker::noop());
    assert!(told.as_mut().poll(&mut context).is_pending());
    engine.step(now);
    assert_eq!(told.as_mut().poll(&mut context), Poll::Ready(Ok(())));
}

#[test]
fn a_day_of_ten_thousand_shuffled_songs_neither_drifts_nor_leaks_nor_hides_a_song() {
    let shelf = Shelf::new();
    let builder = Player::builder(Shelf::new()).rate(RATE).seed(7);
    let output = outputs::open(&Spec::Null);
    let (player, mut engine) = builder.output(OutputId(1), "Nothing", output, true).assemble();
    let start = Instant::now();
    tell(&player, &mut engine, start, Command::Repeat(Repeat::All));
    let songs = (1..=SONGS).map(song).collect();
    tell(&player, &mut engine, start, Command::Replace { songs, start: None, shuffle: Some(true) });

    let (mut now, mut seen, mut over) = (start, Vec::<Song>::new(), Duration::ZERO);
    let mut revision = player.status().revision;
    while now < start + DAY {
        engine.settle();
        let next = engine.step(now).expect("a player that goes on");
        let status = player.status();
        assert!(status.revision <= revision + 1, "a watcher sees each revision");
        revision = status.revision;
        let current = status.current.expect("a song");
        if seen.last() != Some(&current.song) {
            over += seen.last().map(|song| shelf.length(*song)).unwrap_or_default();
            seen.push(current.song);
        }
        let drift = (over + current.elapsed.at(now)).abs_diff(now - start);
        assert!(drift <= TOLERANCE, "{drift:?} after {:?}, {} songs", now - start, seen.len());
        let (open, frames) = engine.load();
        assert!(open <= MOST_OPEN && frames <= MOST_FRAMES, "{open} songs, {frames} frames");
        assert!(status.history.len() <= MAX_HISTORY && status.upcoming.len() < SONGS as usize);
        now = next + LATE;
    }
    let (first, second) = seen.split_at(SONGS as usize);
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), SONGS as usize);
    assert!(!second.is_empty(), "a second round has begun");
    assert_eq!(second.iter().collect::<HashSet<_>>().len(), second.len());
}
