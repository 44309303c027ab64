use daap_model::{DatabaseId, ItemId};
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

use super::*;

fn song(number: u32) -> Song {
    Song::new(DatabaseId::LOWEST, ItemId::new(number).unwrap())
}

fn songs(numbers: impl IntoIterator<Item = u32>) -> Vec<Song> {
    numbers.into_iter().map(song).collect()
}

/// Songs 1 to `count`, in order, the first one current.
fn queue(count: u32) -> Queue {
    let mut queue = Queue::new(7);
    queue.replace(songs(1..=count), Some(0), Some(false));
    queue
}

fn numbers(list: impl IntoIterator<Item = Song>) -> Vec<u32> {
    list.into_iter().map(|song| song.item.get()).collect()
}

fn current(queue: &Queue) -> Option<u32> {
    queue.current().map(|entry| entry.song.item.get())
}

/// The current song and those after it.
fn ahead(queue: &Queue) -> Vec<u32> {
    current(queue).into_iter().chain(numbers(queue.upcoming().iter())).collect()
}

fn sorted(mut numbers: Vec<u32>) -> Vec<u32> {
    numbers.sort_unstable();
    numbers
}

/// What plays from the current song on, `count` songs at most.
fn played(queue: &mut Queue, count: usize) -> Vec<u32> {
    let mut played: Vec<u32> = current(queue).into_iter().collect();
    while played.len() < count {
        let promised = queue.following();
        let next = queue.advance(Step::End);
        assert_eq!(next, promised, "what follows is what was promised");
        let Some(next) = next else { break };
        played.push(next.song.item.get());
    }
    played
}

#[test]
fn songs_play_in_turn_and_the_queue_then_begins_anew() {
    let mut queue = queue(3);
    assert_eq!(played(&mut queue, 9), [1, 2, 3]);
    assert_eq!(ahead(&queue), [1, 2, 3]);
}

#[test]
fn repeating_one_song_ends_when_somebody_wants_the_next() {
    let mut queue = queue(3);
    queue.set_repeat(Repeat::One);
    assert_eq!(played(&mut queue, 3), [1, 1, 1]);
    assert_eq!(queue.advance(Step::Next).map(|entry| entry.song), Some(song(2)));
    assert_eq!(played(&mut queue, 2), [2, 2]);
}

#[test]
fn repeating_all_goes_round() {
    let mut queue = queue(3);
    queue.set_repeat(Repeat::All);
    assert_eq!(played(&mut queue, 7), [1, 2, 3, 1, 2, 3, 1]);
    assert!(queue.go_back());
    assert_eq!(current(&queue), Some(3));
}

#[test]
fn a_shuffled_queue_plays_every_song_before_any_plays_again() {
    let mut queue = queue(50);
    queue.set_repeat(Repeat::All);
    queue.shuffle(true);
    let heard = played(&mut queue, 200);
    for round in heard.chunks(50) {
        assert_eq!(sorted(round.to_vec()), (1..=50).collect::<Vec<_>>());
    }
    assert_ne!(heard[..50], heard[50..100]);
    assert!(heard.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn an_end_of_shuffling_goes_on_from_the_song_in_the_songs_own_order() {
    let mut queue = queue(10);
    queue.shuffle(true);
    assert_eq!(current(&queue), Some(1), "the song that plays goes on playing");
    played(&mut queue, 4);
    let at = current(&queue).unwrap();
    queue.shuffle(false);
    assert_eq!(ahead(&queue), (at..=10).collect::<Vec<_>>());
}

#[test]
fn what_is_added_to_a_shuffled_queue_is_mixed_in_or_comes_next() {
    let mut queue = queue(100);
    queue.shuffle(true);
    played(&mut queue, 10);
    queue.append(songs(101..=150)).unwrap();
    let upcoming = ahead(&queue);
    assert_ne!(upcoming[upcoming.len() - 50..], (101..=150).collect::<Vec<_>>());
    queue.insert_next(songs([201, 202])).unwrap();
    assert_eq!(ahead(&queue)[1..3], [201, 202]);
    let at = current(&queue).unwrap();
    queue.shuffle(false);
    assert_eq!(ahead(&queue)[..3], [at, 201, 202]);
    assert!(ahead(&queue).ends_with(&(101..=150).collect::<Vec<_>>()));
}

#[test]
fn a_song_chosen_of_a_shuffled_queue_leaves_those_before_it_to_come() {
    let mut queue = queue(10);
    queue.shuffle(true);
    let before = ahead(&queue);
    queue.jump(4).unwrap();
    assert_eq!(current(&queue), Some(before[4]));
    assert_eq!(ahead(&queue)[1..4], before[1..4]);
}

#[test]
fn songs_are_moved_removed_and_cleared_by_how_far_ahead_they_are() {
    let mut queue = queue(6);
    queue.jump(1).unwrap();
    queue.shift(4, 0).unwrap();
    assert_eq!(ahead(&queue), [2, 6, 3, 4, 5]);
    queue.shift(1, 3).unwrap();
    assert_eq!(ahead(&queue), [2, 3, 4, 6, 5]);
    queue.remove(&[1, 3].into()).unwrap();
    assert_eq!(ahead(&queue), [2, 4, 5]);
    queue.remove(&[0].into()).unwrap();
    assert_eq!(ahead(&queue), [4, 5]);
    for (from, after) in [(0, 1), (2, 0), (1, 2), (usize::MAX, 0), (1, usize::MAX)] {
        assert_eq!(queue.shift(from, after), Err(PlayerError::NoSuchPlace));
    }
    assert_eq!(queue.remove(&[0, 2].into()), Err(PlayerError::NoSuchPlace));
    assert_eq!(queue.jump(usize::MAX), Err(PlayerError::NoSuchPlace));
    queue.clear();
    assert_eq!(ahead(&queue), [4]);
    queue.remove(&[0].into()).unwrap();
    assert_eq!(current(&queue), None);
}

#[test]
fn what_was_heard_can_be_played_again_and_is_bounded() {
    let mut queue = queue(3);
    let first = queue.current().unwrap();
    for _ in 0..2 * MAX_HISTORY {
        queue.remember(first);
    }
    assert_eq!(queue.history().len(), MAX_HISTORY);
    queue.jump(1).unwrap();
    queue.recall(0).unwrap();
    assert_eq!(ahead(&queue), [1, 3]);
    assert!(queue.recall(MAX_HISTORY).is_err());
    queue.forget_history();
    assert!(queue.history().is_empty());
}

#[test]
fn a_queue_is_bounded() {
    let mut queue = Queue::new(7);
    let many = u32::try_from(MAX_QUEUE).unwrap();
    queue.replace(songs(1..=many + 10), Some(10), None);
    assert_eq!((current(&queue), queue.upcoming().len()), (Some(11), MAX_QUEUE - 1));
    assert_eq!(queue.append(songs([1])), Err(PlayerError::QueueFull));
    assert_eq!(queue.insert_next(songs([1])), Err(PlayerError::QueueFull));
}

#[test]
fn what_cannot_be_played_is_passed_over_until_the_round_ends() {
    let mut queue = queue(4);
    queue.set_repeat(Repeat::All);
    let second = queue.following().unwrap();
    queue.pass_over(second);
    assert_eq!(played(&mut queue, 5), [1, 3, 4, 1, 2]);
    for entry in queue.lists.order.clone() {
        queue.pass_over(entry);
    }
    assert_eq!(queue.advance(Step::End), None);
}

#[test]
fn a_saved_queue_comes_back_without_what_is_gone() {
    let mut queue = queue(9);
    queue.shuffle(true);
    queue.jump(3).unwrap();
    queue.jump(1).unwrap();
    let saved = serde_json::to_string(queue.lists()).unwrap();
    let lists = || serde_json::from_str(&saved).unwrap();
    let mut same = Queue::new(1);
    assert!(same.restore(lists(), |_| true));
    assert_eq!(same.lists(), queue.lists());
    let gone = queue.current().unwrap().song;
    let next = queue.following().unwrap();
    assert!(!same.restore(lists(), |song| song != gone));
    assert_eq!(same.current(), Some(next));
    same.shuffle(false);
    assert_eq!(same.lists.order.len(), 8);
}

#[test]
fn what_no_queue_has_saved_does_no_harm() {
    let two = r#"[{"number":5,"song":[1,1,0,0]},{"number":5,"song":[1,2,0,0]}]"#;
    let odd = format!(r#"{{"order":{two},"own_order":[],"at":99,"extra":1}}"#);
    let mut queue = Queue::new(1);
    queue.restore(serde_json::from_str(&odd).unwrap(), |_| true);
    assert_eq!(ahead(&queue), [1]);
    queue.append(songs([3])).unwrap();
    queue.shuffle(false);
    assert_eq!(ahead(&queue), [1, 3]);
}

#[derive(Clone, Debug)]
enum Edit {
    Append(u32),
    Next(u32),
    Jump(usize),
    Shift(usize, usize),
    Remove(usize),
    Shuffle(bool),
    Advance,
    Back,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        (1..5_u32).prop_map(Edit::Append),
        (1..5_u32).prop_map(Edit::Next),
        (0..20_usize).prop_map(Edit::Jump),
        (0..20_usize, 0..20_usize).prop_map(|(from, after)| Edit::Shift(from, after)),
        (0..20_usize).prop_map(Edit::Remove),
        any::<bool>().prop_map(Edit::Shuffle),
        Just(Edit::Advance),
        Just(Edit::Back),
    ];
    proptest::collection::vec(edit, 0..60)
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_is_there_twice(edits in edits(), repeat in any::<bool>()) {
        let mut queue = queue(5);
        queue.set_repeat(if repeat { Repeat::All } else { Repeat::Off });
        let mut there: BTreeSet<u32> = (1..=5).collect();
        let mut fresh = 6;
        let mut add = |there: &mut BTreeSet<u32>, count| {
            let added: Vec<u32> = (fresh..fresh + count).collect();
            fresh += count;
            there.extend(&added);
            songs(added)
        };
        for edit in edits {
            let before = ahead(&queue);
            match edit {
                Edit::Append(count) => queue.append(add(&mut there, count)).unwrap(),
                Edit::Next(count) => queue.insert_next(add(&mut there, count)).unwrap(),
                Edit::Jump(ahead) => {
                    let chosen = queue.jump(ahead).ok();
                    prop_assert_eq!(chosen.map(|e| e.song.item.get()), before.get(ahead).copied());
                }
                Edit::Shift(from, after) => drop(queue.shift(from, after)),
                Edit::Remove(ahead) => {
                    if queue.remove(&[ahead].into()).is_ok() {
                        there.remove(&before[ahead]);
                    }
                }
                Edit::Shuffle(on) => queue.shuffle(on),
                Edit::Advance => drop(queue.advance(Step::Next)),
                Edit::Back => drop(queue.go_back()),
            }
            let all = queue.lists.order.iter().map(|entry| entry.song.item.get()).collect();
            prop_assert_eq!(sorted(all), there.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(current(&queue).is_none(), there.is_empty());
        }
    }

    #[test]
    fn shuffling_and_back_changes_no_order(count in 1..40_u32, at in 0..40_usize, steps in 0..9_usize) {
        let mut queue = queue(count);
        let _ = queue.jump(at);
        let order = queue.lists.order.clone();
        queue.shuffle(true);
        for _ in 0..steps {
            queue.advance(Step::Next);
        }
        queue.shuffle(false);
        prop_assert_eq!(&queue.lists.order, &order);
    }
}
