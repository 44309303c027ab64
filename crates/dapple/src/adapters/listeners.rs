//! Which songs the players on other machines played to their end, as far as what they were sent tells.
//!
//! A player fetches songs and says nothing of what it does with them. A song counts as played, once, if it was sent to its
//! end or nearly, half of it at least, and was given about the time that it lasts: either the player took that long to
//! fetch it, or it fetched it at once and then, after that time, the next one. A look into a song, or at its end, a song
//! that was left early and a download are none of that. Where it cannot be told, such as of a song that was fetched at
//! once and is the last one, it does not count.

use std::collections::VecDeque;
use std::time::Duration;

use player::Song;

/// How much of its time a song must be given, and how far into it must be sent.
const NEARLY: f64 = 0.8;
/// How much of it must be sent.
const HALF: f64 = 0.5;
/// So much later than the end of a song that was fetched at once its player begins the next one, at most. After a longer
/// while it may have been stopped anywhere in the song.
const GAP: Duration = Duration::from_secs(30);
/// Players that are followed; of more, those that fetched nothing for longest are forgotten.
const MAX_PLAYERS: usize = 256;
/// Songs of a player that are remembered. It fetches one song before the end of another.
const MAX_SONGS: usize = 4;

/// The players on other machines, and what they were sent.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// The one that was sent something last comes last.
    players: VecDeque<Player>,
}

/// A part of a song, or all of it, that a player was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The number of its session, if it said that.
    pub(crate) session: Option<u64>,
    pub(crate) song: Song,
    /// How long the song lasts.
    pub(crate) lasts: Duration,
    /// When it was asked for, on any clock that only runs forwards.
    pub(crate) began: Duration,
    /// When there was no more to send, on the same clock.
    pub(crate) ended: Duration,
    /// Where in the song it begins: 0 is its start, 1 its end.
    pub(crate) from: f64,
    /// Where in the song it ends.
    pub(crate) to: f64,
}

#[derive(Debug)]
struct Player {
    who: Who,
    /// By when it began to fetch them.
    songs: Vec<Fetched>,
}

/// By what a player is known again.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Session(u64),
    /// One that does not say who it is can be followed through one song.
    PlayerOf(Song),
}

/// A song that is being listened to, or is about to be, as it seems.
#[derive(Debug)]
struct Fetched {
    song: Song,
    lasts: Duration,
    began: Duration,
    ended: Duration,
    /// How much of it, in songs.
    amount: f64,
    /// How far into it, in songs.
    reached: f64,
    counted: bool,
}

impl Listeners {
    /// Takes in what a player was sent; returns the songs that are now known to have been played to their end.
    pub(crate) fn take_in(&mut self, sent: &Sent) -> Vec<Song> {
        let who = sent.session.map_or(Who::PlayerOf(sent.song), Who::Session);
        let known = self.players.iter().position(|player| player.who == who);
        let known = known.and_then(|place| self.players.remove(place));
        let mut player = known.unwrap_or(Player { who, songs: Vec::new() });
        player.take_in(sent);
        let played = player.played();
        self.players.push_back(player);
        if self.players.len() > MAX_PLAYERS {
            self.players.pop_front();
        }
        played
    }
}

impl Player {
    fn take_in(&mut self, sent: &Sent) {
        let place = self.songs.partition_point(|song| song.began <= sent.began);
        match self.songs[..place].last_mut() {
            Some(last) if last.goes_on_with(sent) => {
                last.ended = last.ended.max(sent.ended);
                last.amount += sent.to - sent.from;
                last.reached = last.reached.max(sent.to);
            }
            _ => self.songs.insert(place, Fetched::new(sent)),
        }
        if self.songs.len() > MAX_SONGS {
            self.songs.remove(0);
        }
    }

    /// The songs that were played to their end and are not counted yet.
    fn played(&mut self) -> Vec<Song> {
        let nexts = self.songs.iter().skip(1).map(|song| Some(song.began));
        let nexts: Vec<_> = nexts.chain([None]).collect();
        let songs = self.songs.iter_mut().zip(nexts);
        let played = songs.filter_map(|(song, next)| {
            let is_new = !song.counted && song.is_played(next);
            song.counted |= is_new;
            is_new.then_some(song.song)
        });
        played.collect()
    }
}

impl Fetched {
    fn new(sent: &Sent) -> Self {
        let Sent { song, lasts, began, ended, from, to, .. } = *sent;
        Self { song, lasts, began, ended, amount: to - from, reached: to, counted: false }
    }

    /// Whether this is another part of the same, and not the song from its start once more.
    fn goes_on_with(&self, sent: &Sent) -> bool {
        let once_more = sent.from == 0.0 && sent.began - self.began >= self.nearly();
        self.song == sent.song && !once_more
    }

    /// Whether it was played to its end, if its player began with the `next` song then.
    fn is_played(&self, next: Option<Duration>) -> bool {
        if self.lasts.is_zero() || self.amount < HALF || self.reached < NEARLY {
            return false;
        }
        let took_its_time = self.ended.saturating_sub(self.began) >= self.nearly();
        match next.map(|next| next.saturating_sub(self.began)) {
            Some(until_next) => {
                let in_time = took_its_time || until_next <= self.lasts + GAP;
                in_time && until_next >= self.nearly()
            }
            None => took_its_time,
        }
    }

    fn nearly(&self) -> Duration {
        self.lasts.mul_f64(NEARLY)
    }
}

#[cfg(test)]
mod tests {
    use daap_model::{DatabaseId, ItemId};

    use super::*;

    fn song(number: u32) -> Song {
        Song::new(DatabaseId::LOWEST, ItemId::new(number).unwrap())
    }

    /// Part of a song of 100 seconds, in hundredths, that was sent from one second to another.
    fn sent(number: u32, part: (u32, u32), time: (u64, u64)) -> Sent {
        let at = Duration::from_secs;
        Sent {
            session: Some(1),
            song: song(number),
            lasts: at(100),
            began: at(time.0),
            ended: at(time.1),
            from: f64::from(part.0) / 100.0,
            to: f64::from(part.1) / 100.0,
        }
    }

    const WHOLE: (u32, u32) = (0, 100);

    #[track_caller]
    fn check(fetched: &[Sent], played: &[u32]) {
        let mut listeners = Listeners::default();
        let told: Vec<_> = fetched.iter().flat_map(|sent| listeners.take_in(sent)).collect();
        let told: Vec<_> = told.iter().map(|song| song.item.get()).collect();
        assert_eq!(told, played);
    }

    #[test]
    fn a_song_that_is_fetched_as_it_plays_counts_at_its_end() {
        check(&[sent(1, WHOLE, (0, 95))], &[1]);
        check(&[sent(1, WHOLE, (0, 79))], &[]);
        // A player that paused for an hour took its time too.
        check(&[sent(1, WHOLE, (0, 3600))], &[1]);
        check(&[sent(1, (0, 79), (0, 100))], &[]);
        check(&[sent(1, (0, 81), (0, 100))], &[1]);
    }

    #[test]
    fn a_song_that_is_fetched_at_once_counts_when_the_next_one_comes_in_time() {
        let next = |began| [sent(1, WHOLE, (0, 1)), sent(2, WHOLE, (began, began + 1))];
        check(&next(10), &[]);
        check(&next(79), &[]);
        check(&next(80), &[1]);
        check(&next(100), &[1]);
        check(&next(130), &[1]);
        // Nobody knows where it was stopped.
        check(&next(131), &[]);
    }

    #[test]
    fn the_next_song_may_be_fetched_before_the_end_of_the_last() {
        let ahead = sent(2, WHOLE, (90, 91));
        check(&[ahead.clone(), sent(1, WHOLE, (0, 95))], &[1]);
        check(&[ahead, sent(1, WHOLE, (0, 95)), sent(3, WHOLE, (200, 201))], &[1, 2]);
    }

    #[test]
    fn a_song_that_is_sought_in_counts_once() {
        check(&[sent(1, (0, 30), (0, 20)), sent(1, (60, 100), (20, 90))], &[1]);
        check(&[sent(1, (0, 30), (0, 20)), sent(1, (85, 100), (20, 90))], &[]);
        check(&[sent(1, WHOLE, (0, 90)), sent(1, (20, 100), (91, 180))], &[1]);
        let pieces = (0..10).map(|n| sent(1, (n * 10, n * 10 + 10), (u64::from(n) * 10, 0)));
        let pieces: Vec<_> = pieces.map(|sent| Sent { ended: sent.began, ..sent }).collect();
        check(&pieces, &[1]);
    }

    #[test]
    fn a_song_that_is_played_twice_counts_twice() {
        check(&[sent(1, WHOLE, (0, 95)), sent(1, WHOLE, (100, 195))], &[1, 1]);
        check(&[sent(1, WHOLE, (0, 1)), sent(1, WHOLE, (100, 101))], &[1]);
        // Begun again early on it is the same listening.
        check(&[sent(1, WHOLE, (0, 1)), sent(1, WHOLE, (10, 100))], &[1]);
    }

    #[test]
    fn looks_and_downloads_do_not_count() {
        check(&[sent(1, (0, 10), (0, 100)), sent(2, WHOLE, (100, 101))], &[]);
        check(&[sent(1, (90, 100), (0, 100)), sent(2, WHOLE, (100, 101))], &[]);
        let download: Vec<_> =
            (1..20).map(|n| sent(n, WHOLE, (u64::from(n), u64::from(n) + 4))).collect();
        check(&download, &[]);
        let endless = Sent { lasts: Duration::ZERO, ..sent(1, WHOLE, (0, 100)) };
        check(&[endless], &[]);
    }

    #[test]
    fn players_do_not_disturb_each_other() {
        let of = |session, sent| Sent { session, ..sent };
        for other in [Some(2), None] {
            let between = of(other, sent(2, WHOLE, (50, 51)));
            let next = sent(3, WHOLE, (100, 101));
            check(&[sent(1, WHOLE, (0, 1)), between.clone(), next.clone()], &[1]);
            check(&[of(None, sent(1, WHOLE, (0, 1))), between.clone(), of(None, next)], &[]);
            check(&[of(None, sent(1, WHOLE, (0, 90))), between], &[1]);
        }
    }

    #[test]
    fn so_many_players_and_songs_are_remembered_and_no_more() {
        let mut listeners = Listeners::default();
        for number in 0..2000_u32 {
            let session = Some(u64::from(number % 1000));
            let time = u64::from(number) * 1000;
            let sent = Sent { session, ..sent(number + 1, (0, 1), (time, time)) };
            assert_eq!(listeners.take_in(&sent), []);
        }
        assert_eq!(listeners.players.len(), MAX_PLAYERS);
        for number in 0..20 {
            listeners.take_in(&sent(number + 1, WHOLE, (u64::from(number), 0)));
        }
        assert_eq!(listeners.players.back().map(|player| player.songs.len()), Some(MAX_SONGS));
    }
}
