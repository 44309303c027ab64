//! Scripts: what comes to the machine, and what is to be done.

use daap_model::{DatabaseId, ItemId};

use super::*;
use crate::Repeat;

/// How long every song of these tests is.
const LENGTH: Duration = Duration::from_secs(200);
const SECOND: Duration = Duration::from_secs(1);

/// A machine, and a clock that is moved by hand.
struct Script {
    machine: Machine,
    start: Instant,
    at: Moment,
}

fn songs(numbers: impl IntoIterator<Item = u32>) -> Vec<Song> {
    let song = |number| Song::new(DatabaseId::LOWEST, ItemId::new(number).unwrap());
    numbers.into_iter().map(song).collect()
}

impl Script {
    fn new() -> Self {
        let now = Instant::now();
        let at = Moment { now, position: Duration::ZERO };
        Self { machine: Machine::new(7), start: now, at }
    }

    /// A machine that plays songs 1 to `count`, the first of which is heard.
    fn playing(count: u32) -> Self {
        let mut script = Self::new();
        script.tell(Command::Replace { songs: songs(1..=count), start: Some(0), shuffle: None });
        script.open(1);
        script.heed(Event::Reached { turn: TurnId(1) });
        script
    }

    fn tell(&mut self, command: Command) -> Vec<String> {
        self.machine.obey(command, self.at).unwrap();
        self.effects()
    }

    fn refuse(&mut self, command: Command, error: PlayerError) {
        let before = self.machine.face();
        assert_eq!(self.machine.obey(command, self.at), Err(error));
        assert_eq!(self.effects(), [""; 0]);
        assert_eq!(self.machine.face(), before);
    }

    fn heed(&mut self, event: Event) -> Vec<String> {
        self.machine.heed(event, self.at);
        self.effects()
    }

    fn open(&mut self, turn: u64) -> Vec<String> {
        let about = About { length: Some(LENGTH), seekable: true };
        self.heed(Event::Opened { turn: TurnId(turn), about })
    }

    fn fail(&mut self, turn: u64) -> Vec<String> {
        self.heed(Event::Failed { turn: TurnId(turn), why: "gone".into() })
    }

    /// What is heard joins the song with this turn.
    fn reach(&mut self, turn: u64) -> Vec<String> {
        self.open(turn);
        self.heed(Event::Joined { turn: TurnId(turn) });
        self.heed(Event::Reached { turn: TurnId(turn) })
    }

    fn end(&mut self, turn: u64) -> Vec<String> {
        self.heed(Event::Ended { turn: TurnId(turn) })
    }

    /// So many seconds of the song have been heard.
    fn heard_s(&mut self, seconds: u64) {
        self.at.position = Duration::from_secs(seconds);
    }

    /// So many milliseconds later.
    fn later_ms(&mut self, milliseconds: u64) -> Vec<String> {
        self.at.now += Duration::from_millis(milliseconds);
        self.machine.tick(self.at);
        self.effects()
    }

    fn effects(&mut self) -> Vec<String> {
        self.machine.effects().into_iter().map(|effect| told(&effect)).collect()
    }

    fn state(&self) -> State {
        self.machine.state()
    }
}

/// An effect in a few words: songs by number, turns as `#n`.
fn told(effect: &Effect) -> String {
    let number = |song: &Song| song.item.get();
    match effect {
        Effect::Begin { turn, song, at: None } => format!("begin {} #{}", number(song), turn.0),
        Effect::Begin { turn, song, at: Some(at) } => {
            format!("begin {} #{} at {} ms", number(song), turn.0, at.as_millis())
        }
        Effect::Prepare(Some((turn, song))) => format!("prepare {} #{}", number(song), turn.0),
        Effect::Prepare(None) => "prepare nothing".into(),
        Effect::Silence => "silence".into(),
        Effect::Finish => "finish".into(),
        Effect::Tell(Heard::Started(song)) => format!("started {}", number(song)),
        Effect::Tell(Heard::Played(song)) => format!("played {}", number(song)),
        Effect::Tell(Heard::Skipped(song)) => format!("skipped {}", number(song)),
        Effect::Tell(Heard::Left { song, at }) => {
            format!("left {} at {} s", number(song), at.as_secs())
        }
        Effect::Tell(Heard::Failed(failure)) => format!("failed {}", number(&failure.song)),
    }
}

#[test]
fn songs_follow_each_other_and_then_the_player_stops() {
    let mut script = Script::new();
    let play = Command::Replace { songs: songs([1, 2]), start: None, shuffle: None };
    assert_eq!(script.tell(play), ["begin 1 #1"]);
    assert_eq!(script.open(1), ["prepare 2 #2"], "the next song is opened ahead");
    assert_eq!(script.heed(Event::Reached { turn: TurnId(1) }), ["started 1"]);
    assert_eq!(script.reach(2), ["played 1", "started 2"]);
    assert_eq!(script.end(2), ["played 2", "finish"]);
    assert_eq!(script.state(), State::Stopped);
    assert_eq!(script.tell(Command::Play), ["begin 1 #3"], "it would begin anew");
}

#[test]
fn pausing_and_playing_touch_nothing_else() {
    let mut script = Script::playing(2);
    script.heard_s(40);
    assert_eq!(script.tell(Command::Pause), ["left 1 at 40 s"]);
    assert_eq!(script.state(), State::Paused);
    assert_eq!(script.tell(Command::Pause), [""; 0]);
    assert_eq!(script.tell(Command::PlayPause), [""; 0]);
    assert_eq!(script.state(), State::Playing);
    assert_eq!(script.tell(Command::PlayPause), ["left 1 at 40 s"]);
    assert_eq!(script.tell(Command::Stop), ["left 1 at 40 s", "silence"]);
    assert_eq!(script.state(), State::Stopped);
    assert_eq!(script.tell(Command::Stop), ["silence"]);
}

#[test]
fn an_empty_queue_plays_nothing_until_something_is_added() {
    let mut script = Script::new();
    for command in [Command::Play, Command::Next, Command::Previous, Command::SeekBy(5)] {
        script.tell(command);
        assert_eq!(script.state(), State::Stopped);
    }
    assert_eq!(script.tell(Command::PlayNext(songs([5]))), ["begin 5 #1"]);
    assert_eq!(script.tell(Command::Append(songs([6]))), [""; 0]);
}

#[test]
fn the_next_song_is_taken_as_it_was_prepared() {
    let mut script = Script::playing(3);
    script.heard_s(30);
    assert_eq!(script.tell(Command::Next), ["left 1 at 30 s", "begin 2 #2"]);
    assert_eq!(script.open(2), ["prepare 3 #3"]);
    assert_eq!(script.tell(Command::Next), ["begin 3 #3"], "what was not heard is not told");
    assert_eq!(script.tell(Command::Next), ["silence"]);
    assert_eq!(script.state(), State::Stopped);
}

#[test]
fn previous_begins_again_what_is_three_seconds_in() {
    let mut script = Script::playing(2);
    script.reach(2);
    script.heard_s(4);
    assert_eq!(script.tell(Command::Previous), ["begin 2 #2 at 0 ms"]);
    script.heard_s(3);
    let back = script.tell(Command::Previous);
    assert_eq!(back, ["left 2 at 3 s", "begin 1 #3"]);
    assert_eq!(script.tell(Command::Previous), ["begin 1 #3 at 0 ms"]);
}

#[test]
fn seeking_goes_anywhere_in_the_song_and_past_its_end_to_the_next() {
    let mut script = Script::playing(2);
    assert_eq!(script.tell(Command::Seek(90 * SECOND)), ["begin 1 #1 at 90000 ms"]);
    script.heard_s(90);
    assert_eq!(script.tell(Command::SeekBy(-10_000)), ["begin 1 #1 at 80000 ms"]);
    assert_eq!(script.tell(Command::SeekBy(i64::MIN)), ["begin 1 #1 at 0 ms"]);
    assert_eq!(script.tell(Command::SeekBy(i64::MAX)), ["left 1 at 90 s", "begin 2 #2"]);
}

#[test]
fn a_song_that_can_only_be_read_forwards_is_not_sought_in() {
    let mut script = Script::playing(2);
    let about = About { length: None, seekable: false };
    script.heed(Event::Opened { turn: TurnId(1), about });
    script.heard_s(60);
    script.refuse(Command::Seek(SECOND), PlayerError::NotSeekable);
    script.refuse(Command::Wind(Some(Direction::Forward)), PlayerError::NotSeekable);
    assert_eq!(script.tell(Command::Previous), ["begin 1 #3", "prepare nothing"][..1]);
}

#[test]
fn winding_goes_ten_times_as_fast_until_it_is_let_go() {
    let mut script = Script::playing(2);
    script.heard_s(100);
    assert_eq!(script.tell(Command::Wind(Some(Direction::Forward))), [""; 0]);
    assert_eq!(script.later_ms(0), ["begin 1 #1 at 102500 ms"]);
    assert_eq!(script.later_ms(249), [""; 0]);
    assert_eq!(script.later_ms(1), ["begin 1 #1 at 102500 ms"]);
    script.tell(Command::Wind(Some(Direction::Backward)));
    assert_eq!(script.later_ms(0), ["begin 1 #1 at 97500 ms"]);
    script.tell(Command::Wind(None));
    assert_eq!(script.machine.due(), None);
    assert_eq!(script.later_ms(1000), [""; 0]);
}

#[test]
fn a_sleep_timer_pauses() {
    let mut script = Script::playing(1);
    script.tell(Command::Sleep(Some(600 * SECOND)));
    assert_eq!(script.machine.due(), Some(script.start + 600 * SECOND));
    script.later_ms(599_999);
    assert_eq!(script.state(), State::Playing);
    script.later_ms(1);
    assert_eq!((script.state(), script.machine.due()), (State::Paused, None));
    script.tell(Command::Sleep(Some(SECOND)));
    script.tell(Command::Sleep(None));
    assert_eq!(script.machine.due(), None);
}

#[test]
fn plays_skips_and_bookmarks_are_told_as_itunes_counts_them() {
    #[track_caller]
    fn check(heard_s: u64, expected: &[&str]) {
        let mut script = Script::playing(2);
        script.heard_s(heard_s);
        let told = script.tell(Command::Next);
        assert_eq!(told[..told.len() - 1], *expected, "{heard_s} s");
    }
    check(2, &["left 1 at 2 s"]);
    check(3, &["skipped 1", "left 1 at 3 s"]);
    check(19, &["skipped 1", "left 1 at 19 s"]);
    check(20, &["left 1 at 20 s"]);
    check(189, &["left 1 at 189 s"]);
    check(190, &["played 1"]);
}

#[test]
fn what_fails_is_skipped_and_said_so() {
    let mut script = Script::playing(4);
    assert_eq!(script.fail(2), ["failed 2", "prepare 3 #3"], "while it is only prepared");
    script.reach(3);
    assert_eq!(script.fail(3), ["failed 3"], "in the middle, with the next one prepared");
    assert_eq!(script.reach(4), ["started 4"], "and then it does not count as played");
    let failure = script.machine.face().failure.unwrap();
    assert_eq!((failure.song, failure.why.as_str()), (songs([3])[0], "gone"));
}

#[test]
fn a_queue_in_which_everything_fails_comes_to_an_end() {
    for repeat in [Repeat::Off, Repeat::One, Repeat::All] {
        let mut script = Script::new();
        script.tell(Command::Repeat(repeat));
        script.tell(Command::Append(songs(1..=3)));
        assert_eq!(script.fail(1), ["failed 1", "prepare 2 #2"]);
        assert_eq!(script.fail(2), ["failed 2", "prepare 3 #3"]);
        assert_eq!(script.fail(3), ["failed 3", "prepare nothing"]);
        assert_eq!(script.end(1), ["finish"]);
        assert_eq!(script.state(), State::Stopped);
    }
}

#[test]
fn very_many_failures_in_a_row_stop_the_player() {
    let mut script = Script::new();
    script.tell(Command::Append(songs(1..=1000)));
    let failures = u64::try_from(MAX_FAILURES).unwrap();
    for turn in 1..failures {
        assert!(script.fail(turn)[1].starts_with("prepare"));
    }
    assert_eq!(script.fail(failures)[1], "prepare nothing");
    assert_eq!(script.end(1), ["finish"]);
}

#[test]
fn what_follows_is_prepared_anew_when_the_queue_changes() {
    let mut script = Script::playing(3);
    assert_eq!(script.tell(Command::PlayNext(songs([9]))), ["prepare 9 #3"]);
    assert_eq!(script.tell(Command::Repeat(Repeat::One)), ["prepare 1 #4"]);
    assert_eq!(script.tell(Command::Append(songs([8]))), [""; 0]);
    assert_eq!(script.tell(Command::Repeat(Repeat::Off)), ["prepare 9 #5"]);
    assert_eq!(script.tell(Command::Clear), ["prepare nothing"]);
}

#[test]
fn what_the_outputs_have_of_the_next_song_is_taken_back_when_another_one_follows() {
    let mut script = Script::playing(3);
    script.open(2);
    script.heed(Event::Joined { turn: TurnId(2) });
    script.heard_s(199);
    let told = script.tell(Command::Remove([1].into()));
    assert_eq!(told, ["begin 1 #1 at 199000 ms", "prepare 3 #3"]);
    assert_eq!(script.reach(3), ["played 1", "started 3"]);
}

#[test]
fn a_current_song_that_is_removed_gives_way_to_the_next() {
    let mut script = Script::playing(3);
    script.heard_s(50);
    let told = script.tell(Command::Remove([0].into()));
    assert_eq!(told, ["left 1 at 50 s", "begin 2 #2"]);
    script.tell(Command::Pause);
    assert_eq!(script.tell(Command::Remove([0].into())), ["silence"], "paused, it stops");
    assert_eq!(script.tell(Command::Play), ["begin 3 #3"]);
}

#[test]
fn places_of_the_queue_and_the_history_can_be_played() {
    let mut script = Script::playing(4);
    script.heard_s(50);
    assert_eq!(script.tell(Command::PlayAt(Place::Queue(2))), ["left 1 at 50 s", "begin 3 #3"]);
    script.open(3);
    assert_eq!(script.tell(Command::PlayAt(Place::History(0))), ["begin 1 #5"]);
    assert_eq!(script.open(5), ["prepare 4 #6"], "and then it goes on as before");
    script.refuse(Command::PlayAt(Place::Queue(9)), PlayerError::NoSuchPlace);
    script.refuse(Command::PlayAt(Place::History(9)), PlayerError::NoSuchPlace);
    script.refuse(Command::Move { from: 0, after: 1 }, PlayerError::NoSuchPlace);
    script.refuse(Command::Remove([7].into()), PlayerError::NoSuchPlace);
}

#[test]
fn a_saved_queue_waits_where_it_was() {
    let mut played = Script::playing(3);
    played.tell(Command::Next);
    let lists = played.machine.queue.lists().clone();
    let mut script = Script::new();
    script.machine.restore(lists.clone(), Some(70 * SECOND), SECOND, |_| true);
    assert_eq!((script.state(), script.effects().len()), (State::Paused, 0));
    assert_eq!(script.tell(Command::Play), ["begin 2 #1 at 70000 ms"]);
    let mut script = Script::new();
    script.machine.restore(lists, Some(70 * SECOND), SECOND, |song| song != songs([2])[0]);
    assert_eq!(script.state(), State::Stopped, "the song is gone, and with it the place");
    assert_eq!(script.tell(Command::Play), ["begin 3 #1"]);
}
