//! What Remotes are told of the player, with what the library says of its songs.

use daap_model::{ContainerId, Item, Snapshot};
use daap_proto::{ClientClass, Field, Listing, Query, Reply, RequestError, reply};
use dacp_proto::{
    NowPlaying, Percent, PlayStatus, PlayerState, Properties, QueueContents, QueuedSong, Span,
    Volumes,
};

use crate::control::{Controller, Playing, Song, Speaker};

/// Songs of the queue that are told at a time at most. Remotes ask for 50, and for more as one scrolls.
const MAX_SPAN: u32 = 1000;

/// What plays, and how.
pub(crate) fn status(playing: &Playing, snapshot: &Snapshot) -> PlayStatus {
    let now_playing = playing
        .current
        .map(|current| NowPlaying { song: song(current.song, snapshot), time: current.time });
    PlayStatus {
        revision: playing.revision,
        state: playing.state,
        shuffle: playing.shuffle,
        repeat: playing.repeat,
        has_volume: !playing.speakers.is_empty(),
        now_playing,
    }
}

/// The same, with the volume.
pub(crate) fn properties(playing: &Playing, volume: Percent, snapshot: &Snapshot) -> Properties {
    Properties { volume: Some(volume), status: status(playing, snapshot) }
}

/// Where can be played.
pub(crate) fn speakers(playing: &Playing, volumes: &Volumes) -> Vec<dacp_proto::Speaker> {
    let told = |speaker: &Speaker| dacp_proto::Speaker {
        id: speaker.id,
        name: speaker.name.clone(),
        is_active: speaker.is_active,
        needs_password: false,
        has_video: false,
        volume: volumes.relative(speaker.id),
    };
    playing.speakers.iter().map(told).collect()
}

/// What comes next, or what was played. While it is stopped nothing comes next: Apple's Remote takes a queue for
/// playing.
pub(crate) fn queue(
    controller: &dyn Controller,
    playing: &Playing,
    span: Span,
    snapshot: &Snapshot,
) -> QueueContents {
    let span = match span {
        Span::Upcoming(count) => Span::Upcoming(count.min(MAX_SPAN)),
        Span::History(count) => Span::History(count.min(MAX_SPAN)),
    };
    let is_shown = matches!(span, Span::History(_)) || playing.state != PlayerState::Stopped;
    let songs = if is_shown { controller.queue(span) } else { Vec::new() };
    let queued = songs.into_iter().map(|(place, queued)| QueuedSong {
        place,
        song: song(queued, snapshot),
        length_ms: item(queued, snapshot).map(|item| item.track.duration_ms).filter(|ms| *ms != 0),
    });
    QueueContents {
        shuffle: playing.shuffle,
        repeat: playing.repeat,
        songs: queued.take(span.length() as usize).collect(),
    }
}

/// What plays, as a listing of DAAP has it.
pub(crate) fn items(
    song: Song,
    listing: Listing,
    snapshot: &Snapshot,
) -> Result<Reply, RequestError> {
    let query = Some(Query::is(Field::Id, song.item.to_string()));
    let (listing, client) = (Listing { query, ..listing }, ClientClass::default());
    reply::container_items(snapshot, song.database, ContainerId::BASE, &listing, client)
}

/// A song with what the library says of it; of one that is there no longer nothing but its ids.
fn song(song: Song, snapshot: &Snapshot) -> dacp_proto::Song {
    let ids = song.into();
    let Some(item) = item(song, snapshot) else {
        return dacp_proto::Song { ids, ..dacp_proto::Song::default() };
    };
    let track = &item.track;
    dacp_proto::Song {
        ids,
        title: track.title.as_str().to_owned(),
        artist: track.artist.as_str().to_owned(),
        album: track.album.as_str().to_owned(),
        genre: track.genre.as_str().to_owned(),
        album_id: Some(item.album_id),
        media_kind: track.media_kind as u32,
    }
}

fn item(song: Song, snapshot: &Snapshot) -> Option<&Item> {
    Some(snapshot.database(song.database)?.items().find(song.item)?)
}
