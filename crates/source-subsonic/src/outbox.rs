//! What listeners did and the server does not know yet.
//!
//! Plays, ratings and stars wait here until the server has taken them, in order, also over a restart. What is left of
//! several ratings of a song is the last.

mod file;

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::mem;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use daap_model::Timestamp;
use library::{Recorded, SourceKey, Use};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use crate::api::{Api, ApiError, story};
use crate::connection::Connection;

/// How much waits at most; then the oldest is given up.
const MAX_WAITING: usize = 1_000;
/// The longest pause before the server is written to again; the first is twice as long each time.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Something a listener did with a song.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unsent {
    /// What the server calls the song.
    song: String,
    #[serde(flatten)]
    deed: Deed,
}

/// What a listener did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Deed {
    /// Heard it to its end, at this time in seconds since 1970.
    Played(u32),
    /// Rated it, 0 to 100.
    Rated(u8),
    /// Gave it a star, or took it back.
    Starred(bool),
}

/// What listeners did and the server does not know yet.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Where it is kept over a restart.
    path: Option<PathBuf>,
    /// Held for a short step.
    state: Mutex<State>,
    /// There is something to write.
    news: Notify,
    connection: watch::Sender<Connection>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Unsent>,
    /// Whether it is another than the file has.
    is_new: bool,
    /// The song that somebody began to listen to. It is of no use later.
    started: Option<SourceKey>,
    written: Written,
}

/// What the server was told, or would not take: it is to be asked how it is there now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) songs: BTreeSet<SourceKey>,
    /// Whether a star is among it.
    pub(crate) stars: bool,
}

impl Outbox {
    pub(crate) fn new(path: Option<PathBuf>, connection: watch::Sender<Connection>) -> Self {
        Self { path, state: Mutex::default(), news: Notify::new(), connection }
    }

    /// Takes in what a listener did.
    pub(crate) fn used(&self, key: SourceKey, what: Use) {
        let deed = match what {
            Use::Started => {
                self.state().started = Some(key);
                return self.news.notify_one();
            }
            Use::Played(at) => Deed::Played(at.0),
            Use::Rated(rating) => Deed::Rated(rating.min(100)),
            Use::Starred(is_starred) => Deed::Starred(is_starred),
            _ => return,
        };
        self.change(|state| state.add(Unsent { song: key.to_string(), deed }));
        self.news.notify_one();
    }

    /// Adds what waits to what the server says of a song.
    pub(crate) fn add_to(&self, key: &SourceKey, recorded: &mut Recorded) {
        let state = self.state();
        for unsent in state.waiting.iter().filter(|unsent| unsent.song.as_bytes() == key.as_bytes())
        {
            match unsent.deed {
                Deed::Rated(rating) => recorded.rating = Some(rating),
                Deed::Played(at) => {
                    let count = recorded.play_count.unwrap_or(0).saturating_add(1);
                    recorded.play_count = Some(count);
                    recorded.last_played = recorded.last_played.max(Some(Timestamp(at)));
                }
                Deed::Starred(_) => {}
            }
        }
    }

    /// The songs with a star: those of the server, and what waits.
    pub(crate) fn add_to_starred(&self, songs: &mut Vec<SourceKey>) {
        for unsent in &self.state().waiting {
            let Deed::Starred(is_starred) = unsent.deed else { continue };
            let has_it = |key: &SourceKey| unsent.song.as_bytes() == key.as_bytes();
            if !is_starred {
                songs.retain(|key| !has_it(key));
            } else if !songs.iter().any(has_it) {
                songs.push(unsent.song.as_str().into());
            }
        }
    }

    /// What was written since this was last asked.
    pub(crate) fn written(&self) -> Written {
        mem::take(&mut self.state().written)
    }

    /// Takes up what was left of an earlier run.
    pub(crate) async fn load(&self) {
        let Some(path) = self.path.clone() else { return };
        let before = file::load(path).await;
        self.change(|state| {
            let now = mem::take(&mut state.waiting);
            before.into_iter().chain(now).for_each(|unsent| state.add(unsent));
            state.is_new = false;
        });
    }

    /// Writes to the server whatever comes. Has an end only if it is dropped.
    pub(crate) async fn run(&self, api: &Api, first_pause: Duration) -> Infallible {
        let mut pause = first_pause;
        loop {
            self.save().await;
            let Err(error) = self.send_next(api).await else {
                pause = first_pause;
                continue;
            };
            tracing::debug!(%error, "not written to {}", api.url());
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Writes what comes next; waits for it if there is nothing.
    async fn send_next(&self, api: &Api) -> Result<(), ApiError> {
        let (started, next) = {
            let mut state = self.state();
            (state.started.take(), state.waiting.front().cloned())
        };
        if let Some(key) = started {
            let parameters = [("id", &*key.to_string()), ("submission", "false")];
            if let Err(error) = api.ask("scrobble", &parameters).await {
                tracing::debug!(%error, "not told to {} what is being played", api.url());
            }
        }
        let Some(next) = next else {
            self.news.notified().await;
            return Ok(());
        };
        match next.send(api).await {
            Err(error) if !is_for_good(&error) => return Err(error),
            Err(error) => {
                let (url, song, why) = (api.url(), &next.song, story(&error));
                tracing::warn!("{url} does not take what was done with song {song}: {why}");
            }
            Ok(()) => {}
        }
        self.change(|state| state.done(&next));
        Ok(())
    }

    /// Brings the file up to date.
    async fn save(&self) {
        let waiting = {
            let mut state = self.state();
            mem::take(&mut state.is_new).then(|| state.waiting.clone())
        };
        if let (Some(waiting), Some(path)) = (waiting, self.path.clone()) {
            file::save(path, waiting).await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let unsent = {
            let mut state = self.state();
            change(&mut state);
            state.waiting.len()
        };
        self.connection.send_if_modified(|now| mem::replace(&mut now.unsent, unsent) != unsent);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, unsent: Unsent) {
        self.is_new = true;
        self.waiting.retain(|before| !unsent.replaces(before));
        if self.waiting.len() >= MAX_WAITING {
            tracing::warn!("too much waits to be written to the server; the oldest is given up");
            self.waiting.pop_front();
        }
        self.waiting.push_back(unsent);
    }

    /// Takes in that something is written, or never will be.
    fn done(&mut self, unsent: &Unsent) {
        // What has been replaced since comes again.
        if let Some(at) = self.waiting.iter().position(|waiting| waiting == unsent) {
            self.waiting.remove(at);
        }
        self.is_new = true;
        self.written.songs.insert(unsent.song.as_str().into());
        self.written.stars |= matches!(unsent.deed, Deed::Starred(_));
    }
}

impl Unsent {
    /// Whether nothing is left of what was done before.
    fn replaces(&self, before: &Self) -> bool {
        use Deed::{Rated, Starred};
        let is_again =
            matches!((self.deed, before.deed), (Rated(_), Rated(_)) | (Starred(_), Starred(_)));
        is_again && self.song == before.song
    }

    async fn send(&self, api: &Api) -> Result<(), ApiError> {
        let id = ("id", self.song.as_str());
        let sent = match self.deed {
            Deed::Played(at) => {
                let milliseconds = (u64::from(at) * 1000).to_string();
                api.ask("scrobble", &[id, ("time", &milliseconds), ("submission", "true")]).await
            }
            // Servers know whole stars.
            Deed::Rated(rating) => {
                let stars = rating.min(100).div_ceil(20).to_string();
                api.ask("setRating", &[id, ("rating", &stars)]).await
            }
            Deed::Starred(true) => api.ask("star", &[id]).await,
            Deed::Starred(false) => api.ask("unstar", &[id]).await,
        };
        sent.map(drop)
    }
}

/// Whether trying again is of no use.
fn is_for_good(error: &ApiError) -> bool {
    let is_refusal = matches!(error, ApiError::Refused { .. } | ApiError::Status(400..=499));
    is_refusal && !error.is_about_login() && !matches!(error, ApiError::Status(408 | 429))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Outbox {
        Outbox::new(None, watch::Sender::default())
    }

    fn waiting(outbox: &Outbox) -> Vec<(String, Deed)> {
        outbox.state().waiting.iter().map(|one| (one.song.clone(), one.deed)).collect()
    }

    #[test]
    fn of_ratings_and_stars_of_a_song_the_last_waits_and_of_plays_all() {
        let outbox = outbox();
        let a = || SourceKey::from("a");
        for what in [
            Use::Rated(20),
            Use::Played(Timestamp(1)),
            Use::Starred(true),
            Use::Played(Timestamp(2)),
            Use::Rated(80),
            Use::Starred(false),
            Use::Skipped(Timestamp(3)),
            Use::Started,
        ] {
            outbox.used(a(), what);
        }
        outbox.used("b".into(), Use::Rated(40));
        use Deed::{Played, Rated, Starred};
        let expected = [
            ("a", Played(1)),
            ("a", Played(2)),
            ("a", Rated(80)),
            ("a", Starred(false)),
            ("b", Rated(40)),
        ];
        assert_eq!(waiting(&outbox), expected.map(|(song, deed)| (song.to_owned(), deed)));
        assert_eq!(outbox.connection.borrow().unsent, 5);
        let mut recorded = Recorded { play_count: Some(7), ..Recorded::default() };
        outbox.add_to(&a(), &mut recorded);
        let of = |recorded: Recorded| (recorded.rating, recorded.play_count, recorded.last_played);
        assert_eq!(of(recorded), (Some(80), Some(9), Some(Timestamp(2))));
    }

    #[test]
    fn what_waits_is_added_to_the_stars_of_the_server() {
        let outbox = outbox();
        outbox.used("a".into(), Use::Starred(false));
        outbox.used("b".into(), Use::Starred(true));
        outbox.used("c".into(), Use::Starred(true));
        let mut starred = ["a", "b", "d"].map(SourceKey::from).to_vec();
        outbox.add_to_starred(&mut starred);
        assert_eq!(starred, ["b", "d", "c"].map(SourceKey::from));
    }

    #[test]
    fn when_too_much_waits_the_oldest_is_given_up() {
        let outbox = outbox();
        for at in 0..=MAX_WAITING as u32 {
            outbox.used("a".into(), Use::Played(Timestamp(at)));
        }
        let waiting = waiting(&outbox);
        assert_eq!((waiting.len(), waiting[0].1), (MAX_WAITING, Deed::Played(1)));
    }

    #[test]
    fn a_rating_that_is_given_while_another_is_being_written_still_waits() {
        let outbox = outbox();
        outbox.used("a".into(), Use::Rated(20));
        let sending = outbox.state().waiting[0].clone();
        outbox.used("a".into(), Use::Rated(80));
        outbox.change(|state| state.done(&sending));
        assert_eq!(waiting(&outbox), [("a".to_owned(), Deed::Rated(80))]);
        assert_eq!(outbox.written().songs, BTreeSet::from(["a".into()]));
        assert_eq!(outbox.written(), Written::default());
    }
}
