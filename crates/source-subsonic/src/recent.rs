//! What listeners did on the server since it was looked through: plays, ratings of what is starred, and what was written
//! to it from here. The rest is noticed when it is looked through again.

use std::collections::{BTreeSet, HashMap, HashSet};

use library::SourceKey;

use crate::api::wire::{Album, Song};
use crate::follow::Follower;
use crate::lists::STARRED;
use crate::outbox::Written;
use crate::pass::{self, Pass, Trouble};
use crate::track::{self, AlbumFacts, hash};

/// How many of the albums that were played last are looked at.
const RECENT: usize = 50;

/// What was seen of what listeners did, by hashes of the ids of albums and songs.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Of albums: see [`pass::usage`].
    albums: HashMap<u64, u64>,
    /// The album that was played last.
    latest: Option<u64>,
    /// Of starred songs: see [`track::usage`]. `None` before they were seen.
    starred: Option<HashMap<u64, u64>>,
    /// The songs of which something was written to the server from here.
    written: BTreeSet<SourceKey>,
}

impl Recent {
    /// Nothing since this pass.
    pub(crate) fn since(pass: Pass) -> Self {
        Self { albums: pass.usage(), ..Self::default() }
    }

    /// Which of these albums, the last played first, may have been played since they were last seen. Of a server that
    /// does not say how often one was, those that were not played before the one that was the latest.
    fn played(&mut self, albums: Vec<Album>) -> Vec<Album> {
        let latest = albums.first().map(|album| hash(&album.id.0));
        let mut is_later = true;
        let mut played = albums;
        played.retain(|album| {
            let (id, usage) = (hash(&album.id.0), pass::usage(album));
            let is_counted = album.play_count.0 > 0 || !album.played.is_empty();
            let is_other = self.albums.insert(id, usage) != Some(usage);
            let may_be_played = if is_counted { is_other } else { is_later };
            is_later &= self.latest != Some(id);
            may_be_played
        });
        self.latest = latest;
        played
    }

    /// Which of these, which are all that are starred, are others in plays and rating than they were.
    fn used<'s>(&mut self, starred: &'s [Song]) -> Vec<&'s Song> {
        let now = |song: &Song| (hash(&song.id.0), track::usage(song));
        let before = self.starred.replace(starred.iter().map(now).collect());
        let Some(before) = before else { return Vec::new() };
        let is_other = |song: &&Song| {
            let (id, usage) = now(song);
            before.get(&id) != Some(&usage)
        };
        starred.iter().filter(is_other).collect()
    }
}

impl Follower<'_> {
    /// Looks at the albums that were played last.
    pub(crate) async fn look_at_recent(&mut self) -> Result<(), Trouble> {
        let size = RECENT.to_string();
        let parameters = [("type", "recent"), ("size", &*size)];
        let mut recent = match self.source.api.ask("getAlbumList2", &parameters).await {
            Err(error) if pass::is_unknown(&error) => return Ok(()),
            answer => answer?.album_list2.album.0,
        };
        recent.truncate(RECENT);
        for album in self.recent.played(recent) {
            self.look_at_album(album.id.as_str()).await?;
        }
        Ok(())
    }

    /// Looks at those of the starred songs that were played or rated.
    pub(crate) async fn look_at_used(&mut self, starred: &[Song]) -> Result<(), Trouble> {
        let mut seen = HashSet::new();
        for song in self.recent.used(starred) {
            if seen.insert(&song.album_id) {
                self.look_at_song(song).await?;
            }
        }
        Ok(())
    }

    /// Has all be told again that was written to the server: it may have made something else of it.
    pub(crate) fn doubt_written(&mut self) {
        let Written { songs, stars } = self.source.outbox.written();
        songs.iter().for_each(|key| self.teller.doubt(key));
        self.recent.written.extend(songs);
        if stars {
            self.teller.doubt_playlist(&STARRED.into());
        }
    }

    /// Looks at the songs of which something was written to the server.
    pub(crate) async fn look_at_written(&mut self) -> Result<(), Trouble> {
        while let Some(key) = self.recent.written.first() {
            let answer = self.source.api.ask("getSong", &[("id", &key.to_string())]).await;
            match answer {
                Err(error) if pass::is_unknown(&error) => {}
                answer => self.look_at_song(&answer?.song).await?,
            }
            self.recent.written.pop_first();
        }
        Ok(())
    }

    /// Tells what is new of a song, and of the others on its album, which says what the song does not.
    async fn look_at_song(&mut self, song: &Song) -> Result<(), Trouble> {
        if song.album_id.is_empty() {
            self.teller.tell(song, &AlbumFacts::default()).await?;
            return Ok(());
        }
        self.look_at_album(song.album_id.as_str()).await
    }

    async fn look_at_album(&mut self, id: &str) -> Result<(), Trouble> {
        let album = match self.source.api.ask("getAlbum", &[("id", id)]).await {
            Err(error) if pass::is_unknown(&error) => return Ok(()),
            answer => answer?.album,
        };
        let facts = AlbumFacts::new(&album);
        for song in &album.song.0 {
            self.teller.tell(song, &facts).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Albums by id and how often they were played.
    fn albums(json: &[(&str, u64)]) -> Vec<Album> {
        let album = |(id, plays): &(&str, u64)| {
            serde_json::from_value(serde_json::json!({"id": id, "playCount": plays})).unwrap()
        };
        json.iter().map(album).collect()
    }

    #[track_caller]
    fn check(recent: &mut Recent, listed: &[(&str, u64)], expected: &[&str]) {
        let played = recent.played(albums(listed));
        let ids: Vec<_> = played.iter().map(|album| album.id.as_str()).collect();
        assert_eq!(ids, expected, "{listed:?}");
    }

    #[test]
    fn albums_that_were_played_are_known_by_their_count() {
        let mut recent = Recent::default();
        check(&mut recent, &[("a", 1), ("b", 7)], &["a", "b"]);
        check(&mut recent, &[("a", 1), ("b", 7)], &[]);
        check(&mut recent, &[("b", 8), ("a", 1)], &["b"]);
    }

    #[test]
    fn where_nobody_counts_those_are_played_that_come_before_the_one_that_was_the_latest() {
        let mut recent = Recent::default();
        check(&mut recent, &[("a", 0), ("b", 0)], &["a", "b"]);
        check(&mut recent, &[("a", 0), ("b", 0)], &["a"]);
        check(&mut recent, &[("c", 0), ("b", 0), ("a", 0)], &["c", "b", "a"]);
        check(&mut recent, &[("c", 0), ("b", 0), ("a", 0)], &["c"]);
        check(&mut recent, &[], &[]);
    }

    #[test]
    fn of_starred_songs_those_are_used_that_are_others_than_before() {
        let song = |id: u8, rating: u8| -> Song {
            serde_json::from_value(serde_json::json!({"id": id, "userRating": rating})).unwrap()
        };
        let mut recent = Recent::default();
        assert!(recent.used(&[song(1, 3)]).is_empty());
        assert!(recent.used(&[song(1, 3)]).is_empty());
        assert_eq!(recent.used(&[song(1, 4), song(2, 0)]), [&song(1, 4), &song(2, 0)]);
    }
}
