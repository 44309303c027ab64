//! The songs that are played, and where their sound comes from.

use std::collections::HashMap;

use daap_client::Client;
use daap_model::{DatabaseId, ItemId, Track};
use daap_proto::{Field, ShareTarget};
use library::{Content, OpenError, SongReader};
use player::{MAX_QUEUE, Opened, Song, Songs};
use tokio::runtime::Handle;

use crate::share::selection::Selection;

/// What has to be known of a song.
const NEEDED: [Field; 9] = [
    Field::DataKind,
    Field::Name,
    Field::Artist,
    Field::AlbumArtist,
    Field::Album,
    Field::DiscNumber,
    Field::TrackNumber,
    Field::Time,
    Field::Format,
];

/// The songs that are played.
#[derive(Debug)]
pub(super) struct Choice {
    queue: Vec<Song>,
    tracks: HashMap<(DatabaseId, ItemId), Track>,
}

impl Choice {
    /// Asks the share for all songs that are meant, or says why there are none.
    pub(super) async fn make(
        client: &Client,
        selection: &Selection,
        target: &ShareTarget,
    ) -> anyhow::Result<Result<Self, String>> {
        let codes = NEEDED.map(Field::code);
        let (mut songs, mut left_out) = (Vec::new(), 0);
        let tally = selection.each(client, Some(&codes), |database, row| {
            // Radio stations have an address of their own, and no sound here.
            if row.song.stream.is_none() {
                match songs.len() < MAX_QUEUE {
                    true => songs.push((database, row.song)),
                    false => left_out += 1,
                }
            }
            Ok(())
        });
        let tally = tally.await?;
        if songs.is_empty() {
            let streams =
                "there are only streams, which `dapple ls --fields all` has the addresses of";
            let hint = if tally.songs == 0 { tally.hint } else { streams.to_owned() };
            return Ok(Err(hint));
        }
        if left_out > 0 {
            eprintln!("{MAX_QUEUE} songs are played; {left_out} more are left out");
        }
        if !matches!(target, ShareTarget::Playlist(_) | ShareTarget::Search(_)) {
            songs.sort_by_cached_key(|(_, song)| by_album(&song.track));
        }
        let queue = songs.iter().map(|(database, song)| Song::new(*database, song.id)).collect();
        let tracks = songs.into_iter().map(|(database, song)| ((database, song.id), song.track));
        Ok(Ok(Self { queue, tracks: tracks.collect() }))
    }

    /// The songs, in order.
    pub(super) fn queue(&self) -> Vec<Song> {
        self.queue.clone()
    }

    /// What is known of a song.
    pub(super) fn track(&self, song: Song) -> Option<&Track> {
        self.tracks.get(&(song.database, song.item))
    }
}

/// Orders songs as they are on the albums of each artist.
fn by_album(track: &Track) -> (String, String, u16, u16) {
    let (artist, album) = (track.filed_under().to_lowercase(), track.album.to_lowercase());
    (artist, album, track.disc, track.track)
}

/// The sound of the songs, from their share.
pub(super) struct Shared {
    client: Client,
    choice: std::sync::Arc<Choice>,
    runtime: Handle,
}

impl Shared {
    /// From this share, which is asked in the runtime that this is called in.
    pub(super) fn new(client: Client, choice: std::sync::Arc<Choice>) -> Self {
        Self { client, choice, runtime: Handle::current() }
    }
}

impl Songs for Shared {
    fn open(&self, song: Song) -> Result<Opened, OpenError> {
        let format = self.choice.track(song).map(|track| track.format.to_string());
        let (client, format) = (self.client.clone(), format.unwrap_or_default());
        let open = move || {
            let (client, format) = (client.clone(), format.clone());
            Box::pin(async move { sound(client, song, &format).await }) as _
        };
        let reader = self.runtime.block_on(SongReader::open(open))?;
        let length = reader.length();
        Ok(Opened::new(reader, length))
    }

    fn has(&self, song: Song) -> bool {
        self.choice.track(song).is_some()
    }
}

async fn sound(client: Client, song: Song, format: &str) -> Result<Content, OpenError> {
    let sound = source_daap::song(client, song.database, song.item, format);
    sound.await.map_err(OpenError::Source)
}
