//! A player that plays nothing: it notes what it is told, and shows it. With a share, a server and a Remote.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use daap_model::{MediaKind, PersistentId, Revision, Track, Usage};
use daap_server::Builder;
use daap_server::control::{
    Controller, Current, NotDone, Order, PairingGuid, Pairings, Percent, PlayTime, PlayerState,
    Playing, QueuePlace, Repeat, Song, Span, Speaker, SpeakerId,
};
use library::{Artwork, Catalog, NewPlaylist, NewSong, SourceFuture};
use testkit::http::Answer;
use testkit::remote::{Manner, Remote};
use tokio::sync::watch;

use crate::author::Running;

/// The one Remote that is paired.
pub(crate) const GUID: PairingGuid = PairingGuid(0x76CD_AF96_66B2_93BD);

/// An AirPlay speaker, by its hardware address.
pub(crate) const KITCHEN: SpeakerId = SpeakerId(0x78CA_3946_072A);

/// Clones are the same player.
#[derive(Clone)]
pub(crate) struct Deck(Arc<Inner>);

struct Inner {
    playing: Mutex<Playing>,
    queue: Mutex<Vec<Song>>,
    revision: watch::Sender<Revision>,
    orders: Mutex<Vec<Order>>,
    /// What it refuses all orders with.
    refusal: Mutex<Option<NotDone>>,
}

impl Deck {
    /// Stopped, with two speakers: this computer at 60, which is active, and the kitchen at 30, which is too.
    pub(crate) fn new() -> Self {
        let speaker = |id, name: &str, volume| Speaker {
            id,
            name: name.into(),
            is_active: true,
            volume: Percent::new(volume).unwrap(),
        };
        let playing = Playing {
            revision: Revision::FIRST,
            state: PlayerState::Stopped,
            shuffle: false,
            repeat: Repeat::Off,
            current: None,
            speakers: vec![
                speaker(SpeakerId::COMPUTER, "Computer", 60),
                speaker(KITCHEN, "Kitchen", 30),
            ],
        };
        let revision = watch::Sender::new(playing.revision);
        let (queue, orders, refusal) = Default::default();
        Self(Arc::new(Inner { playing: Mutex::new(playing), queue, revision, orders, refusal }))
    }

    /// What it was told since this was last asked.
    pub(crate) fn orders(&self) -> Vec<Order> {
        std::mem::take(&mut self.0.orders.lock().unwrap())
    }

    /// From now on it does nothing, for this reason.
    pub(crate) fn refuse(&self, why: NotDone) {
        *self.0.refusal.lock().unwrap() = Some(why);
    }

    /// Plays these, the first of them for 70 seconds now, with the others to come.
    pub(crate) fn play(&self, songs: &[Song]) {
        *self.0.queue.lock().unwrap() = songs.to_vec();
        self.change(|playing| {
            let time = Some(PlayTime { elapsed_ms: 70_000, length_ms: 249_000 });
            playing.current = songs.first().map(|song| Current { song: *song, time });
            playing.state = PlayerState::Playing;
        });
    }

    /// Something of what it shows is otherwise from now on.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Playing)) {
        let mut playing = self.playing();
        change(&mut playing);
        playing.revision = playing.revision.next();
        self.0.revision.send_replace(playing.revision);
    }

    pub(crate) fn playing(&self) -> MutexGuard<'_, Playing> {
        self.0.playing.lock().unwrap()
    }

    fn done(&self, order: Order) -> Result<(), NotDone> {
        if let Some(refusal) = self.0.refusal.lock().unwrap().clone() {
            return Err(refusal);
        }
        match &order {
            Order::Play => self.change(|playing| playing.state = PlayerState::Playing),
            Order::Pause => self.change(|playing| playing.state = PlayerState::Paused),
            Order::Shuffle(on) => self.change(|playing| playing.shuffle = *on),
            Order::Repeat(what) => self.change(|playing| playing.repeat = *what),
            Order::Replace { songs, start, .. } => self.play(&songs[start.unwrap_or_default()..]),
            Order::Volumes(volumes) => self.change(|playing| {
                for speaker in &mut playing.speakers {
                    speaker.volume = volumes.get(&speaker.id).copied().unwrap_or(speaker.volume);
                }
            }),
            Order::Speakers(active) => self.change(|playing| choose(playing, active)),
            _ => {}
        }
        self.0.orders.lock().unwrap().push(order);
        Ok(())
    }
}

fn choose(playing: &mut Playing, active: &BTreeSet<SpeakerId>) {
    playing
        .speakers
        .iter_mut()
        .for_each(|speaker| speaker.is_active = active.contains(&speaker.id));
}

impl Controller for Deck {
    fn revision(&self) -> watch::Receiver<Revision> {
        self.0.revision.subscribe()
    }

    fn now(&self) -> Playing {
        self.playing().clone()
    }

    fn queue(&self, span: Span) -> Vec<(QueuePlace, Song)> {
        let songs = self.0.queue.lock().unwrap();
        match span {
            Span::Upcoming(count) => {
                let upcoming = songs.iter().enumerate().skip(1).take(count as usize);
                upcoming.map(|(place, song)| (QueuePlace::Queue(place as u32), *song)).collect()
            }
            Span::History(_) => Vec::new(),
        }
    }

    fn obey(&self, order: Order) -> SourceFuture<'_, Result<(), NotDone>> {
        Box::pin(async { self.done(order) })
    }
}

impl Pairings for Deck {
    fn knows(&self, guid: PairingGuid) -> SourceFuture<'_, bool> {
        Box::pin(std::future::ready(guid == GUID))
    }
}

/// A share with music, an audiobook in three parts and a playlist. All ids are the same in every run.
pub(crate) fn music() -> Catalog {
    let id = PersistentId::new(0x9031_0990_74C1_4E05);
    let catalog = Catalog::builder("Living room").persistent_id(id).build();
    let mut changes = catalog.changes();
    let picture = Artwork { media_type: "image/png", bytes: "a picture".into() };
    let mut add = |song: NewSong| changes.add_item(Catalog::MAIN, song);
    let band = "Band on the Run";
    add(NewSong::new(song("Jet", "Wings", band, 2)).artwork(picture));
    add(NewSong::new(song(band, "Wings", band, 1)));
    let back = add(NewSong::new(song("Get Back", "The Beatles", "Let It Be", 12)));
    let liked = Usage { rating: 80, ..Usage::default() };
    let evening = NewSong::new(song("Evening", "Aurora Quartet", "Kid's Songs", 1));
    let evening = add(evening.usage(liked));
    for (number, title) in [(1, "One"), (2, "Two"), (3, "Three")] {
        let chapter = song(title, "A. Reader", "The Sea", number);
        add(NewSong::new(Track { media_kind: MediaKind::Audiobook, ..chapter }));
    }
    let playlist = NewPlaylist::named("Evening").songs([evening, back, evening]);
    let id = PersistentId::new(0x00A1_E185_4E0B_9A1B);
    changes.add_container(Catalog::MAIN, playlist.persistent_id(id));
    catalog.commit(changes).unwrap();
    catalog
}

fn song(title: &str, artist: &str, album: &str, track: u16) -> Track {
    Track {
        title: title.into(),
        artist: artist.into(),
        album: album.into(),
        genre: "Rock".into(),
        composer: "McCartney".into(),
        duration_ms: 249_000,
        track,
        ..Track::default()
    }
}

/// A server with a player, and a Remote that is logged in.
pub(crate) struct Scene {
    pub(crate) deck: Deck,
    pub(crate) server: Running,
    pub(crate) remote: Remote,
}

impl Scene {
    pub(crate) async fn start(manner: &'static Manner) -> Self {
        Self::start_with(manner, |server| server).await
    }

    pub(crate) async fn start_with(
        manner: &'static Manner,
        set: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let deck = Deck::new();
        let control = |server: Builder| set(server.control(deck.clone(), deck.clone()));
        let server = Running::start(music(), control).await;
        let remote = Remote::log_in(server.address, manner, GUID.0).await.unwrap();
        Self { deck, server, remote }
    }

    pub(crate) async fn ask(&mut self, line: &str) -> Answer {
        self.remote.ask(line).await.unwrap()
    }

    /// Checks that a verb is this for the player.
    pub(crate) async fn check(&mut self, verb: &str, status: u16, expected: &[Order]) {
        let answer = self.ask(&format!("GET /ctrl-int/1/{verb}")).await;
        assert_eq!(answer.status, status, "{verb}: {}", answer.text());
        assert_eq!(self.deck.orders(), expected, "{verb}");
    }
}
