//! The server's word for the player: what Remotes see of it, and what they have it do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use daap_model::{DatabaseId, ItemId, Revision};
use daap_server::control::{
    Controller, Current, NotDone, Order, Percent, PlayTime, PlayerState, Playing, QueuePlace,
    Repeat, Song, Span, Speaker, SpeakerId,
};
use library::{EditError, Library, SourceFuture};
use player::{Command, Direction, OutputId, Place, Player, PlayerError, State, Status};
use tokio::sync::watch;

use super::songs::item;

/// The player as Remotes control it. Clones are of the same player.
#[derive(Clone)]
pub(crate) struct PlayerControl {
    player: Player,
    library: Library,
    /// How many ratings were given: each is seen like a change of the player.
    ratings: Arc<watch::Sender<u64>>,
    revision: watch::Receiver<Revision>,
}

impl PlayerControl {
    /// Has this player play songs of this library.
    pub(crate) fn new(player: Player, library: Library) -> Self {
        let ratings = Arc::new(watch::Sender::new(0));
        let now = revision(&player.watch().borrow(), 0);
        let (shown, revision) = watch::channel(now);
        tokio::spawn(show(player.watch(), ratings.subscribe(), shown));
        Self { player, library, ratings, revision }
    }

    async fn tell(&self, command: Command) -> Result<(), NotDone> {
        self.player.tell(command).await.map_err(not_done)
    }

    async fn stop_and_clear(&self) -> Result<(), NotDone> {
        self.tell(Command::Stop).await?;
        self.tell(Command::Clear).await?;
        match self.tell(Command::Remove([0].into())).await {
            // It was empty before.
            Err(NotDone::Missing(_)) => Ok(()),
            done => done,
        }
    }

    async fn rate(
        &self,
        database: DatabaseId,
        item: ItemId,
        rating: Percent,
    ) -> Result<(), NotDone> {
        self.library.rate(database, item, rating.get()).await.map_err(|error| match error {
            EditError::Unknown { .. } => NotDone::Missing("song"),
            EditError::Closed => NotDone::Closed,
            error => NotDone::Unable(error.to_string()),
        })?;
        self.ratings.send_modify(|ratings| *ratings += 1);
        Ok(())
    }

    /// How long a song is: as the player has found, or before that as its tags say.
    fn length(&self, current: &player::Current) -> Option<Duration> {
        let listed = || item(&self.library, current.song, |item| item.track.duration_ms);
        let listed = || listed().filter(|ms| *ms != 0).map(|ms| Duration::from_millis(ms.into()));
        current.length.or_else(listed)
    }

    fn current(&self, current: &player::Current) -> Current {
        let elapsed = current.elapsed.at(Instant::now());
        let time = self.length(current).map(|length| PlayTime {
            elapsed_ms: milliseconds(elapsed.min(length)),
            length_ms: milliseconds(length),
        });
        Current { song: remote_song(current.song), time }
    }
}

impl Controller for PlayerControl {
    fn revision(&self) -> watch::Receiver<Revision> {
        self.revision.clone()
    }

    fn now(&self) -> Playing {
        let ratings = *self.ratings.borrow();
        let status = self.player.watch().borrow().clone();
        let is_stopped = status.state == State::Stopped;
        let current = status.current.as_ref().filter(|_| !is_stopped);
        Playing {
            revision: revision(&status, ratings),
            state: state(&status),
            shuffle: status.shuffle,
            repeat: remote_repeat(status.repeat),
            current: current.map(|current| self.current(current)),
            speakers: speakers(&status),
        }
    }

    fn queue(&self, span: Span) -> Vec<(QueuePlace, Song)> {
        let status = self.player.watch().borrow().clone();
        let (songs, first, place): (_, u32, fn(u32) -> QueuePlace) = match span {
            Span::Upcoming(_) => (&status.upcoming, 1, QueuePlace::Queue),
            Span::History(_) => (&status.history, 0, QueuePlace::History),
        };
        let length = span.length() as usize;
        (first..).map(place).zip(songs.iter().take(length).map(remote_song)).collect()
    }

    fn obey(&self, order: Order) -> SourceFuture<'_, Result<(), NotDone>> {
        Box::pin(async move {
            match order {
                Order::Volumes(volumes) => {
                    for (SpeakerId(id), percent) in volumes {
                        let output = OutputId(id);
                        self.tell(Command::Volume { output, percent: percent.get() }).await?;
                    }
                    Ok(())
                }
                Order::StopAndClear => self.stop_and_clear().await,
                Order::Rate { database, item, rating } => self.rate(database, item, rating).await,
                order => self.tell(command(order)?).await,
            }
        })
    }
}

/// Shows the revision of what can be seen as long as there is a player.
async fn show(
    mut player: watch::Receiver<Arc<Status>>,
    mut ratings: watch::Receiver<u64>,
    shown: watch::Sender<Revision>,
) {
    loop {
        let now = revision(&player.borrow_and_update(), *ratings.borrow_and_update());
        shown.send_if_modified(|shown| std::mem::replace(shown, now) != now);
        let changed = tokio::select! {
            changed = player.changed() => changed,
            changed = ratings.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Both only ever grow, so the sum tells one state of the two from another.
fn revision(status: &Status, ratings: u64) -> Revision {
    Revision::new(u32::try_from(status.revision + ratings).unwrap_or(u32::MAX))
}

fn state(status: &Status) -> PlayerState {
    match (status.state, status.winding) {
        (State::Playing, Some(Direction::Forward)) => PlayerState::FastForward,
        (State::Playing, Some(Direction::Backward)) => PlayerState::Rewind,
        (State::Playing, None) => PlayerState::Playing,
        (State::Paused, _) => PlayerState::Paused,
        (State::Stopped, _) => PlayerState::Stopped,
    }
}

fn speakers(status: &Status) -> Vec<Speaker> {
    let speaker = |output: &player::OutputStatus| Speaker {
        id: SpeakerId(output.id.0),
        name: output.name.clone(),
        is_active: output.selected,
        volume: Percent::new(output.volume).unwrap_or(Percent::FULL),
    };
    status.outputs.iter().map(speaker).collect()
}

/// The one command that an order is.
fn command(order: Order) -> Result<Command, NotDone> {
    Ok(match order {
        Order::PlayPause => Command::PlayPause,
        Order::Play => Command::Play,
        Order::Pause => Command::Pause,
        Order::Stop => Command::Stop,
        Order::Next => Command::Next,
        Order::Previous => Command::Previous,
        Order::FastForward => Command::Wind(Some(Direction::Forward)),
        Order::Rewind => Command::Wind(Some(Direction::Backward)),
        Order::PlayOn => Command::Wind(None),
        Order::Seek(position) => Command::Seek(position),
        Order::Shuffle(shuffle) => Command::Shuffle(shuffle),
        Order::Repeat(repeat) => Command::Repeat(player_repeat(repeat)),
        Order::Speakers(ids) => Command::Select(ids.into_iter().map(|id| OutputId(id.0)).collect()),
        Order::Replace { songs, start, shuffle } => {
            Command::Replace { songs: player_songs(songs), start, shuffle }
        }
        Order::Append(songs) => Command::Append(player_songs(songs)),
        Order::PlayNext(songs) => Command::PlayNext(player_songs(songs)),
        Order::PlayAt(QueuePlace::Queue(place)) => Command::PlayAt(Place::Queue(place as usize)),
        Order::PlayAt(QueuePlace::History(place)) => {
            Command::PlayAt(Place::History(place as usize))
        }
        Order::Move { from, after } => Command::Move { from: from as usize, after: after as usize },
        Order::Remove(places) => {
            Command::Remove(places.into_iter().map(|place| place as usize).collect())
        }
        Order::Clear => Command::Clear,
        Order::ClearHistory => Command::ClearHistory,
        order => return Err(NotDone::Unable(format!("this player has no way to do {order:?}"))),
    })
}

fn not_done(error: PlayerError) -> NotDone {
    match error {
        PlayerError::NoSuchPlace => NotDone::Missing("place in the queue"),
        PlayerError::NoSuchOutput(_) => NotDone::Missing("speaker"),
        PlayerError::QueueFull => NotDone::QueueFull { most: player::MAX_QUEUE },
        PlayerError::Closed => NotDone::Closed,
        error => NotDone::Unable(error.to_string()),
    }
}

fn player_songs(songs: Vec<Song>) -> Vec<player::Song> {
    let song = |Song { database, item, container, entry }| player::Song {
        database,
        item,
        container,
        entry,
    };
    songs.into_iter().map(song).collect()
}

fn remote_song(song: player::Song) -> Song {
    let player::Song { database, item, container, entry } = song;
    Song { database, item, container, entry }
}

fn player_repeat(repeat: Repeat) -> player::Repeat {
    match repeat {
        Repeat::Off => player::Repeat::Off,
        Repeat::One => player::Repeat::One,
        Repeat::All => player::Repeat::All,
    }
}

fn remote_repeat(repeat: player::Repeat) -> Repeat {
    match repeat {
        player::Repeat::Off => Repeat::Off,
        player::Repeat::One => Repeat::One,
        player::Repeat::All => Repeat::All,
    }
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
