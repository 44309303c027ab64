//! The songs to play, in turn.
//!
//! A queue has one order in which its songs play. While it is shuffled it remembers their own order too. The songs
//! before the current one have been played in this round, so a shuffled queue plays each once before it begins anew.

use std::collections::{BTreeSet, HashSet};

use imbl::Vector;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::song_list::{Entry, SongList};
use crate::{MAX_QUEUE, PlayerError, Repeat, Song};

/// The most songs that are remembered as heard. The oldest are forgotten.
pub const MAX_HISTORY: usize = 200;

/// All of a queue that outlives a restart. Copies are cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Lists {
    /// The songs in the order in which they play.
    order: Vector<Entry>,
    /// The same songs in their own order, while they are shuffled.
    own_order: Option<Vector<Entry>>,
    /// Which of `order` is current. 0 if there is none.
    at: usize,
    repeat: Repeat,
    /// What was heard, the latest first.
    history: Vector<Entry>,
}

/// How a song comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// By itself.
    End,
    /// Somebody wanted the next one.
    Next,
}

/// The songs to play, in turn.
#[derive(Debug)]
pub(crate) struct Queue {
    lists: Lists,
    /// The mix of the next round, once somebody asked what comes next.
    next_round: Option<Vector<Entry>>,
    /// Entries that could not be played in this round; they are passed over.
    broken: HashSet<u64>,
    next_number: u64,
    random: StdRng,
    version: u64,
}

impl Queue {
    /// An empty queue, whose shuffling `seed` decides.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            lists: Lists::default(),
            next_round: None,
            broken: HashSet::new(),
            next_number: 1,
            random: StdRng::seed_from_u64(seed),
            version: 0,
        }
    }

    /// Takes over what was saved, but for songs that are gone. Whether the current song is what it was.
    pub(crate) fn restore(&mut self, saved: Lists, has: impl Fn(Song) -> bool) -> bool {
        let current = saved.order.get(saved.at).copied();
        let keep = |list: Vector<Entry>, most| -> Vector<Entry> {
            let mut seen = HashSet::new();
            let there = list.into_iter().filter(|entry| has(entry.song));
            there.filter(|entry| seen.insert(entry.number)).take(most).collect()
        };
        let before = keep(saved.order.take(saved.at.min(saved.order.len())), MAX_QUEUE).len();
        let order = keep(saved.order, MAX_QUEUE);
        let own_order = saved.own_order.map(|own| keep(own, MAX_QUEUE));
        let numbers = |list: &Vector<Entry>| -> BTreeSet<u64> {
            list.iter().map(|entry| entry.number).collect()
        };
        // What is not the same songs in both orders was not saved by a queue.
        let own_order = own_order.map(|own| match numbers(&own) == numbers(&order) {
            true => own,
            false => order.clone(),
        });
        let history = keep(saved.history, MAX_HISTORY);
        let all = order.iter().chain(&history);
        self.next_number = all.map(|entry| entry.number).max().unwrap_or(0).saturating_add(1);
        let at = if before < order.len() { before } else { 0 };
        self.lists = Lists { order, own_order, at, repeat: saved.repeat, history };
        self.edited();
        self.current() == current
    }

    pub(crate) fn lists(&self) -> &Lists {
        &self.lists
    }

    /// Another number after each change.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn is_shuffled(&self) -> bool {
        self.lists.own_order.is_some()
    }

    pub(crate) fn repeat(&self) -> Repeat {
        self.lists.repeat
    }

    pub(crate) fn current(&self) -> Option<Entry> {
        self.lists.order.get(self.lists.at).copied()
    }

    /// What comes after the current song, to the end of the round.
    pub(crate) fn upcoming(&self) -> SongList {
        let Lists { order, at, .. } = &self.lists;
        SongList(order.skip((at + 1).min(order.len())))
    }

    pub(crate) fn history(&self) -> SongList {
        SongList(self.lists.history.clone())
    }

    /// What is played when the current song ends by itself. It stays the answer until the queue changes.
    pub(crate) fn following(&mut self) -> Option<Entry> {
        self.after(Step::End).and_then(|place| match place {
            Next::Same(at) => self.lists.order.get(at).copied(),
            Next::Round(at) => self.next_round().get(at).copied(),
        })
    }

    /// Goes on to the song after the current one. `None` if there is none: the queue is at its end, and back at its beginning.
    pub(crate) fn advance(&mut self, step: Step) -> Option<Entry> {
        match self.after(step) {
            Some(Next::Same(at)) => self.lists.at = at,
            Some(Next::Round(at)) => {
                self.begin_round();
                self.lists.at = at;
            }
            None => {
                self.begin_round();
                self.changed();
                return None;
            }
        }
        self.changed();
        self.current()
    }

    /// Goes back to the song before; `false` if there is none.
    pub(crate) fn go_back(&mut self) -> bool {
        let last = self.lists.order.len().saturating_sub(1);
        let turns_round = self.lists.repeat == Repeat::All && !self.is_shuffled() && last > 0;
        self.lists.at = match self.lists.at {
            0 if turns_round => last,
            0 => return false,
            at => at - 1,
        };
        self.changed();
        true
    }

    /// Passes this entry over until the round is at its end.
    pub(crate) fn pass_over(&mut self, entry: Entry) {
        self.broken.insert(entry.number);
    }

    /// Remembers that this was heard.
    pub(crate) fn remember(&mut self, entry: Entry) {
        let history = &mut self.lists.history;
        history.push_front(entry);
        history.truncate(MAX_HISTORY.min(history.len()));
        self.changed();
    }

    pub(crate) fn forget_history(&mut self) {
        self.lists.history.clear();
        self.changed();
    }

    pub(crate) fn set_repeat(&mut self, repeat: Repeat) {
        if std::mem::replace(&mut self.lists.repeat, repeat) != repeat {
            self.changed();
        }
    }

    /// Turns shuffling on, which mixes all but the current song, or off, which goes on from the current song in the songs' own order.
    pub(crate) fn shuffle(&mut self, on: bool) {
        let current = self.current();
        match (on, self.lists.own_order.take()) {
            (true, None) => {
                self.lists.own_order = Some(self.lists.order.clone());
                self.lists.order = self.mixed(current);
                self.lists.at = 0;
            }
            (false, Some(own)) => {
                self.lists.at = position(&own, current).unwrap_or(0);
                self.lists.order = own;
            }
            (_, unchanged) => return self.lists.own_order = unchanged,
        }
        self.edited();
    }

    /// Makes these the queue, the current song that at `start`.
    pub(crate) fn replace(
        &mut self,
        mut songs: Vec<Song>,
        start: Option<usize>,
        shuffle: Option<bool>,
    ) {
        let mut at = start.map(|start| start.min(songs.len().saturating_sub(1)));
        if songs.len() > MAX_QUEUE {
            songs.drain(..at.unwrap_or(0));
            songs.truncate(MAX_QUEUE);
            at = at.map(|_| 0);
        }
        let shuffle = shuffle.unwrap_or(self.is_shuffled());
        self.lists.order = self.entries(songs).into();
        self.lists.at = at.unwrap_or(0);
        self.lists.own_order = None;
        if shuffle {
            self.lists.own_order = Some(self.lists.order.clone());
            self.lists.order = self.mixed(at.and_then(|_| self.current()));
            self.lists.at = 0;
        }
        self.broken.clear();
        self.edited();
    }

    /// Puts songs at the end; while shuffled, anywhere after the current song.
    pub(crate) fn append(&mut self, songs: Vec<Song>) -> Result<(), PlayerError> {
        self.check_room(&songs)?;
        let was_empty = self.lists.order.is_empty();
        let entries = self.entries(songs);
        let Lists { order, own_order, at, .. } = &mut self.lists;
        match own_order {
            Some(own) => {
                own.extend(entries.iter().copied());
                let first = if was_empty { 0 } else { *at + 1 };
                for entry in entries {
                    order.insert(self.random.random_range(first..=order.len()), entry);
                }
            }
            None => order.extend(entries),
        }
        self.edited();
        Ok(())
    }

    /// Puts songs right after the current one, in this order.
    pub(crate) fn insert_next(&mut self, songs: Vec<Song>) -> Result<(), PlayerError> {
        self.check_room(&songs)?;
        let current = self.current();
        let entries: Vector<Entry> = self.entries(songs).into();
        let Lists { order, own_order, .. } = &mut self.lists;
        for list in [Some(order), own_order.as_mut()].into_iter().flatten() {
            let place = position(list, current).map_or(0, |at| at + 1);
            insert(list, place, entries.clone());
        }
        self.edited();
        Ok(())
    }

    /// Goes to the entry `ahead` of the current one. While shuffled those between stay upcoming.
    pub(crate) fn jump(&mut self, ahead: usize) -> Result<Entry, PlayerError> {
        let place = self.lists.at.saturating_add(ahead);
        let entry = self.lists.order.get(place).copied().ok_or(PlayerError::NoSuchPlace)?;
        self.broken.remove(&entry.number);
        if self.is_shuffled() && ahead > 0 {
            self.lists.order.remove(place);
            self.lists.at += 1;
            self.lists.order.insert(self.lists.at, entry);
        } else {
            self.lists.at = place;
        }
        self.edited();
        Ok(entry)
    }

    /// Puts a song of the history after the current one, and goes there.
    pub(crate) fn recall(&mut self, ago: usize) -> Result<Entry, PlayerError> {
        let heard = self.lists.history.get(ago).ok_or(PlayerError::NoSuchPlace)?;
        let was_empty = self.lists.order.is_empty();
        self.insert_next(vec![heard.song])?;
        self.jump(usize::from(!was_empty))
    }

    /// Puts the entry `from` places ahead after the one that is `after` places ahead.
    pub(crate) fn shift(&mut self, from: usize, after: usize) -> Result<(), PlayerError> {
        let Lists { order, at, .. } = &mut self.lists;
        let ahead = order.len().saturating_sub(*at);
        if from == 0 || from >= ahead || after >= ahead {
            return Err(PlayerError::NoSuchPlace);
        }
        if from != after {
            let entry = order.remove(*at + from);
            let place = if after < from { after + 1 } else { after };
            order.insert(*at + place, entry);
        }
        self.edited();
        Ok(())
    }

    /// Takes out the entries that are so many places ahead. If the current one is among them, the next one is current.
    pub(crate) fn remove(&mut self, ahead: &BTreeSet<usize>) -> Result<(), PlayerError> {
        let Lists { order, at, .. } = &self.lists;
        let places: Option<Vec<Entry>> =
            ahead.iter().map(|ahead| order.get(at.checked_add(*ahead)?).copied()).collect();
        let gone: HashSet<u64> =
            places.ok_or(PlayerError::NoSuchPlace)?.iter().map(|entry| entry.number).collect();
        self.keep(|entry| !gone.contains(&entry.number));
        if self.lists.at >= self.lists.order.len() {
            self.begin_round();
        }
        Ok(())
    }

    /// Takes out all but the current song.
    pub(crate) fn clear(&mut self) {
        let current = self.current();
        self.keep(|entry| Some(*entry) == current);
        self.lists.at = 0;
    }

    fn keep(&mut self, wanted: impl Fn(&Entry) -> bool) {
        let Lists { order, own_order, .. } = &mut self.lists;
        for list in [Some(order), own_order.as_mut()].into_iter().flatten() {
            list.retain(&wanted);
        }
        self.broken.clear();
        self.edited();
    }

    fn check_room(&self, songs: &[Song]) -> Result<(), PlayerError> {
        let fits = self.lists.order.len() + songs.len() <= MAX_QUEUE;
        if fits { Ok(()) } else { Err(PlayerError::QueueFull) }
    }

    fn entries(&mut self, songs: Vec<Song>) -> Vec<Entry> {
        let first = self.next_number;
        self.next_number = first.saturating_add(songs.len() as u64);
        (first..).zip(songs).map(|(number, song)| Entry { number, song }).collect()
    }

    /// Where to go on after the current song.
    fn after(&mut self, step: Step) -> Option<Next> {
        let Lists { order, at, repeat, .. } = &self.lists;
        let (at, repeat) = (*at, *repeat);
        let is_playable = |place: &usize| {
            order.get(*place).is_some_and(|entry| !self.broken.contains(&entry.number))
        };
        if repeat == Repeat::One && step == Step::End && is_playable(&at) {
            return Some(Next::Same(at));
        }
        if let Some(place) = (at + 1..order.len()).find(is_playable) {
            return Some(Next::Same(place));
        }
        if repeat == Repeat::Off || order.iter().all(|entry| self.broken.contains(&entry.number)) {
            return None;
        }
        self.next_round();
        // In another round what was broken may work again.
        Some(Next::Round(0))
    }

    /// The order of the round after this one.
    fn next_round(&mut self) -> &Vector<Entry> {
        if self.next_round.is_none() {
            let round =
                if self.is_shuffled() { self.fresh_mix() } else { self.lists.order.clone() };
            self.next_round = Some(round);
        }
        self.next_round.get_or_insert_default()
    }

    /// All songs mixed; not the current one first, as it has just been heard.
    fn fresh_mix(&mut self) -> Vector<Entry> {
        let current = self.current();
        let mut mixed = self.mixed(None);
        if mixed.len() > 1 && mixed.front().copied() == current {
            let place = self.random.random_range(1..mixed.len());
            mixed.swap(0, place);
        }
        mixed
    }

    /// All songs mixed, `first` first.
    fn mixed(&mut self, first: Option<Entry>) -> Vector<Entry> {
        let rest = self.lists.order.iter().filter(|entry| Some(**entry) != first);
        let mut rest: Vec<Entry> = rest.copied().collect();
        rest.shuffle(&mut self.random);
        first.into_iter().chain(rest).collect()
    }

    fn begin_round(&mut self) {
        self.next_round();
        if let Some(round) = self.next_round.take() {
            self.lists.order = round;
        }
        self.lists.at = 0;
        self.broken.clear();
    }

    /// After a change of which songs there are, or of their order.
    fn edited(&mut self) {
        self.next_round = None;
        self.changed();
    }

    fn changed(&mut self) {
        self.version += 1;
    }
}

/// A place to go on at.
enum Next {
    /// In this round.
    Same(usize),
    /// In the next one.
    Round(usize),
}

fn position(list: &Vector<Entry>, entry: Option<Entry>) -> Option<usize> {
    let number = entry?.number;
    list.iter().position(|entry| entry.number == number)
}

fn insert(list: &mut Vector<Entry>, place: usize, entries: Vector<Entry>) {
    let rest = list.split_off(place);
    list.append(entries);
    list.append(rest);
}

#[cfg(test)]
mod tests;
