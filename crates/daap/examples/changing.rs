//! A large share that changes all the time, for those who follow it.
//!
//! `cargo run --release -p daap --example changing -- ADDRESS:PORT [SONGS [PER_SECOND [SECONDS]]]`
//!
//! Shares SONGS (100,000) songs in playlists and folders and changes them PER_SECOND (10) times a second for SECONDS
//! (60): songs come, go and change, and so do playlists and what is in them. Then it waits to be stopped.

use std::time::Duration;

use daap::{
    Catalog, Changes, ContainerId, DatabaseId, ItemId, NewPlaylist, NewSong, Place, Server,
    Timestamp, Track, Usage,
};
use rand::RngExt;
use rand::rngs::ThreadRng;

const DATABASE: DatabaseId = Catalog::MAIN;
/// How many playlists there are at first, and of how many songs.
const PLAYLISTS: usize = 100;
const PLAYLIST_SONGS: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("which address?")?.parse()?;
    let mut number = |default| arguments.next().map_or(Ok(default), |number| number.parse());
    let (songs, per_second, seconds) = (number(100_000)?, number(10)?, number(60)?);

    let catalog = Catalog::new("Changing");
    let mut changing = Changing { songs: Vec::new(), playlists: Vec::new(), random: rand::rng() };
    let mut changes = catalog.changes();
    (0..songs).for_each(|_| changing.add_song(&mut changes));
    (0..PLAYLISTS).for_each(|_| changing.add_playlist(&mut changes));
    catalog.commit(changes)?;

    let server = Server::builder(catalog.clone()).bind(&[address]).await?;
    println!("listening on http://{} (Changing)", server.addresses()[0]);
    let serving = tokio::spawn(server.run(daap::interrupted()));
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(per_second)?);
    for _ in 0..per_second * seconds {
        ticks.tick().await;
        let mut changes = catalog.changes();
        changing.change(&mut changes);
        catalog.commit(changes)?;
    }
    println!("done at revision {}", catalog.snapshot().revision());
    Ok(serving.await?)
}

/// What there is, and chance.
struct Changing {
    songs: Vec<ItemId>,
    playlists: Vec<ContainerId>,
    random: ThreadRng,
}

impl Changing {
    /// Makes one change of a random kind.
    fn change(&mut self, changes: &mut Changes) {
        match self.random.random_range(0..12) {
            0..3 => self.add_song(changes),
            3..6 => {
                let (song, facts) = (self.any_song(), self.any_facts());
                changes.change_item(DATABASE, song, move |song| {
                    (song.track, song.usage) = facts;
                });
            }
            6..8 => {
                let place = self.random.random_range(0..self.songs.len());
                changes.remove_item(DATABASE, self.songs.swap_remove(place));
            }
            8 => self.add_playlist(changes),
            9 => {
                let (list, song) = (self.any_playlist(), self.any_song());
                changes.insert(DATABASE, list, song, Place::First);
            }
            10 => {
                let (list, name) = (self.any_playlist(), self.any_word());
                changes.rename_container(DATABASE, list, name);
            }
            _ => {
                let songs: Vec<ItemId> = (0..PLAYLIST_SONGS / 2).map(|_| self.any_song()).collect();
                changes.fill(DATABASE, self.any_playlist(), songs);
            }
        }
    }

    fn add_song(&mut self, changes: &mut Changes) {
        let (track, usage) = self.any_facts();
        self.songs.push(changes.add_item(DATABASE, NewSong::new(track).usage(usage)));
    }

    /// Adds a playlist in a folder.
    fn add_playlist(&mut self, changes: &mut Changes) {
        let folder = changes.add_container(DATABASE, NewPlaylist::folder(self.any_word()));
        let songs: Vec<ItemId> = (0..PLAYLIST_SONGS).map(|_| self.any_song()).collect();
        let list = NewPlaylist::named(self.any_word()).songs(songs).inside(folder);
        self.playlists.push(changes.add_container(DATABASE, list));
    }

    fn any_facts(&mut self) -> (Track, Usage) {
        let track = Track {
            title: self.any_word().into(),
            artist: self.any_word().into(),
            album: self.any_word().into(),
            genre: "Chance".into(),
            year: self.random.random_range(1950..2026),
            track: self.random.random_range(1..20),
            duration_ms: self.random.random_range(60_000..600_000),
            size: self.random.random_range(1_000_000..9_000_000),
            bitrate_kbps: 320,
            format: "mp3".into(),
            ..Track::default()
        };
        let usage = Usage {
            rating: self.random.random_range(0..6) * 20,
            play_count: self.random.random_range(0..9),
            added: Timestamp(self.random.random_range(1_000_000_000..1_700_000_000)),
            ..Usage::default()
        };
        (track, usage)
    }

    fn any_word(&mut self) -> String {
        format!("Word {}", self.random.random_range(0..20_000))
    }

    fn any_song(&mut self) -> ItemId {
        self.songs[self.random.random_range(0..self.songs.len())]
    }

    fn any_playlist(&mut self) -> ContainerId {
        self.playlists[self.random.random_range(0..self.playlists.len())]
    }
}
