//! Playlists, and what is starred as one of them.

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use library::{Playlist, PlaylistContent, SourceKey, Stamp};

use crate::api::wire::{self, Word};
use crate::api::{Api, ApiError, MAX_OPEN};
use crate::follow::Follower;
use crate::pass::{self, Trouble};
use crate::track::{self, hash};

/// How many playlists are taken in; more are left out.
const MAX_PLAYLISTS: usize = 10_000;
/// The playlist of what is starred.
pub(crate) const STARRED: &str = "starred";

impl Follower<'_> {
    /// Looks at playlists and stars, and at what of that is to be kept for ever.
    pub(crate) async fn look_at_playlists(&mut self) -> Result<(), Trouble> {
        let starred = self.look_at_starred().await?;
        let api = &self.source.api;
        let mut lists = match api.ask("getPlaylists", &[]).await {
            Err(error) if pass::is_unknown(&error) => Vec::new(),
            answer => answer?.playlists.playlist.0,
        };
        lists.truncate(MAX_PLAYLISTS);
        let mut there: HashSet<_> = lists.iter().map(playlist_key).collect();
        self.show(|now| (now.playlists, now.starred) = (there.len(), starred.len()));
        if self.shows_starred(&starred) {
            there.insert(STARRED.into());
        }
        let mut pinned = if self.source.config.pins.starred { starred } else { Vec::new() };
        pinned.extend(self.look_at_lists(lists).await?);
        self.teller.keep_playlists(&there).await?;
        self.source.sounds.pin(pinned).await;
        Ok(())
    }

    /// Tells what is new of these playlists; returns the songs of those that are pinned.
    async fn look_at_lists(
        &mut self,
        mut lists: Vec<wire::Playlist>,
    ) -> Result<Vec<SourceKey>, Trouble> {
        let pins = &self.source.config.pins.playlists;
        let is_pinned = |list: &wire::Playlist| pins.contains(&list.name.0);
        let is_told = |list: &wire::Playlist| {
            let told = self.teller.told_playlist(&playlist_key(list));
            !list.changed.is_empty() && told == Some(playlist_stamp(list, &[]))
        };
        lists.retain(|list| !is_told(list) || is_pinned(list));
        let api = &self.source.api;
        let wanted: Vec<_> = lists.into_iter().map(|list| with_songs(api, list)).collect();
        let mut lists = stream::iter(wanted).buffered(MAX_OPEN);
        let mut pinned = Vec::new();
        while let Some((list, songs)) = lists.try_next().await? {
            if is_pinned(&list) {
                pinned.extend_from_slice(&songs);
            }
            let (key, stamp) = (playlist_key(&list), playlist_stamp(&list, &songs));
            let name = list.name.as_str().into();
            let content = PlaylistContent::Songs(songs);
            self.teller.playlist(Playlist { key, stamp, name, parent: None, content }).await?;
        }
        Ok(pinned)
    }

    /// Tells what is starred by now, and returns it.
    async fn look_at_starred(&mut self) -> Result<Vec<SourceKey>, Trouble> {
        let songs = match self.source.api.ask("getStarred2", &[]).await {
            Err(error) if pass::is_unknown(&error) => return Ok(Vec::new()),
            answer => answer?.starred2.song.0,
        };
        self.look_at_used(&songs).await?;
        let mut keys: Vec<SourceKey> = songs.iter().filter_map(track::key).collect();
        self.source.outbox.add_to_starred(&mut keys);
        if self.shows_starred(&keys) {
            let stamp = Stamp { size: keys.len() as u64, modified_ns: 0, file: hash(&keys) };
            let (key, name) = (STARRED.into(), "Starred".into());
            let content = PlaylistContent::Songs(keys.clone());
            self.teller.playlist(Playlist { key, stamp, name, parent: None, content }).await?;
        }
        Ok(keys)
    }

    /// Whether there is a playlist of what is starred: if clients may change it, also when nothing is.
    fn shows_starred(&self, songs: &[SourceKey]) -> bool {
        self.source.config.writes || !songs.is_empty()
    }
}

/// A playlist and its songs; none if it went.
async fn with_songs(
    api: &Api,
    list: wire::Playlist,
) -> Result<(wire::Playlist, Vec<SourceKey>), ApiError> {
    let entries = match api.ask("getPlaylist", &[("id", list.id.as_str())]).await {
        Err(error) if error.is_not_there() => Vec::new(),
        answer => answer?.playlist.entry.0,
    };
    let songs = entries.iter().map(|entry| entry.id.as_str().into()).collect();
    Ok((list, songs))
}

fn playlist_key(list: &wire::Playlist) -> SourceKey {
    format!("playlist/{}", list.id.0).as_str().into()
}

/// By what to see that a playlist has not changed: that the server says so, or its songs.
fn playlist_stamp(list: &wire::Playlist, songs: &[SourceKey]) -> Stamp {
    let Word(changed) = &list.changed;
    let songs = if changed.is_empty() { songs } else { &[] };
    Stamp { size: list.song_count.0, modified_ns: 0, file: hash((&list.name, changed, songs)) }
}
