//! Which songs a Remote means: from queries, playlists and specs to songs of one snapshot.

use std::sync::Arc;

use daap_model::{
    ContainerId, Database, DatabaseId, Filter, ItemId, NumberField, NumberTest, PersistentId, Row,
    Selection, Snapshot, Sort, TextField, TextTest,
};
use daap_proto::Query;
use dacp_proto::{Found, PlaySpec, RatingChange, SongList, Songs, Spec, Start, Which};

use crate::control::{NotDone, Song};

/// Songs that one command can put into the queue: as many as a queue holds. Of more, those are taken that begin with
/// the one that is to play first, or else the first.
pub(crate) const MAX_SONGS: usize = 100_000;

const NO_DATABASE: NotDone = NotDone::Missing("database");
const NO_PLAYLIST: NotDone = NotDone::Missing("playlist");
const NO_SONG: NotDone = NotDone::Missing("song");

/// Songs in the order in which they are to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The songs, one or more.
    pub(crate) songs: Vec<Song>,
    /// Which of them is to play first, if that was said.
    pub(crate) start: Option<usize>,
}

/// The songs that `cue` finds. Without an order they come as in a listing for which none is asked: by album.
pub(crate) fn found(
    snapshot: &Snapshot,
    found: &Found,
    index: Option<u32>,
) -> Result<Choice, NotDone> {
    let database = source(snapshot, found.database)?;
    let mut songs = matching(database, &found.query, Some(found.sort.unwrap_or(Sort::Album)))?;
    if found.reversed {
        songs.reverse();
    }
    let start = index.map(|index| index as usize);
    bounded(songs, start)
}

/// The songs that are to be added to the queue.
pub(crate) fn songs(snapshot: &Snapshot, wanted: &Songs) -> Result<Choice, NotDone> {
    let database = source(snapshot, wanted.database)?;
    let songs = match &wanted.which {
        Which::Found(query) => matching(database, query, wanted.sort)?,
        Which::Playlist(id) => entries(database, *id, wanted.sort)?,
        Which::PlaylistNamed(name) => {
            let mut playlists = database.containers().iter();
            let playlist = playlists.find(|playlist| playlist.name.as_str() == name);
            entries(database, playlist.ok_or(NO_PLAYLIST)?.id, wanted.sort)?
        }
    };
    bounded(songs, None)
}

/// The songs of a list that one of them was chosen from.
pub(crate) fn list(
    snapshot: &Snapshot,
    database: Option<PersistentId>,
    list: &SongList,
    start: Start,
    sort: Option<Sort>,
) -> Result<Choice, NotDone> {
    let database = source(snapshot, database)?;
    let is = |field, id: PersistentId| Filter::Number(field, NumberTest::Equals(id.get()));
    let named = |field, name: &str| Filter::Text(field, TextTest::Equals(name.into()));
    let filter = match list {
        SongList::Playlist(id) => {
            let songs = entries(database, *id, sort)?;
            return starting_at(database, songs, start);
        }
        SongList::Album(id) => is(NumberField::AlbumId, *id),
        SongList::Artist(id) => is(NumberField::ArtistId, *id),
        SongList::Genre(name) => named(TextField::Genre, name),
        SongList::Composer(name) => named(TextField::Composer, name),
    };
    let songs = chosen(database, database.items().matching(&filter), sort, None);
    starting_at(database, songs, start)
}

/// A song, and what follows it on its album.
pub(crate) fn album_from(
    snapshot: &Snapshot,
    database: Option<PersistentId>,
    item: ItemId,
) -> Result<Choice, NotDone> {
    let id = source(snapshot, database)?.items().find(item).ok_or(NO_SONG)?.album_id;
    let (album, start) = (SongList::Album(id), Start::Item(Spec::Id(item)));
    let Choice { mut songs, start } = list(snapshot, database, &album, start, Some(Sort::Album))?;
    songs.drain(..start.unwrap_or_default());
    Ok(Choice { songs, start: Some(0) })
}

/// The songs of the playlist that `playspec` names.
pub(crate) fn playlist(snapshot: &Snapshot, spec: &PlaySpec) -> Result<Choice, NotDone> {
    let database = database(snapshot, spec.database)?;
    let container = match spec.container {
        Spec::Id(id) => id,
        Spec::Persistent(id) => {
            let mut containers = database.containers().iter();
            containers.find(|container| container.persistent_id == id).ok_or(NO_PLAYLIST)?.id
        }
    };
    let songs = entries(database, container, None)?;
    match spec.start {
        Some(start) => starting_at(database, songs, start),
        None => bounded(songs, None),
    }
}

/// The song that is to be rated.
pub(crate) fn rated(
    snapshot: &Snapshot,
    change: &RatingChange,
) -> Result<(DatabaseId, ItemId), NotDone> {
    let database = match change.database {
        Some(spec) => database(snapshot, spec)?,
        None => source(snapshot, None)?,
    };
    let item = match change.item {
        Spec::Id(id) => database.items().find(id),
        Spec::Persistent(id) => database.items().find_persistent(id),
    };
    Ok((database.id, item.ok_or(NO_SONG)?.id))
}

/// The database with this id for ever, or the first.
fn source(snapshot: &Snapshot, id: Option<PersistentId>) -> Result<&Arc<Database>, NotDone> {
    let mut databases = snapshot.databases();
    let is_it = |database: &&Arc<Database>| id.is_none_or(|id| database.persistent_id == id);
    databases.find(is_it).ok_or(NO_DATABASE)
}

fn database(snapshot: &Snapshot, spec: Spec<DatabaseId>) -> Result<&Arc<Database>, NotDone> {
    match spec {
        Spec::Id(id) => snapshot.database(id).ok_or(NO_DATABASE),
        Spec::Persistent(id) => source(snapshot, Some(id)),
    }
}

/// What a query finds among all songs. One that says nothing that can be judged finds none, rather than all.
fn matching(database: &Database, query: &Query, sort: Option<Sort>) -> Result<Vec<Song>, NotDone> {
    if !query.narrows() {
        return Err(NO_SONG);
    }
    let filter = query.to_filter();
    Ok(chosen(database, database.items().matching(&filter), sort, None))
}

/// The entries of a playlist.
fn entries(
    database: &Database,
    container: ContainerId,
    sort: Option<Sort>,
) -> Result<Vec<Song>, NotDone> {
    let entries = database.entries(container).ok_or(NO_PLAYLIST)?;
    Ok(chosen(database, entries, sort, Some(container)))
}

fn chosen(
    database: &Database,
    selection: Selection<'_>,
    sort: Option<Sort>,
    container: Option<ContainerId>,
) -> Vec<Song> {
    let selection = match sort {
        Some(sort) => selection.sorted(sort),
        None => selection,
    };
    let song = |row: Row<'_>| Song {
        database: database.id,
        item: row.item.id,
        container,
        entry: container.map(|_| row.entry),
    };
    selection.rows().iter().map(song).collect()
}

fn starting_at(database: &Database, songs: Vec<Song>, start: Start) -> Result<Choice, NotDone> {
    let place = match start {
        Start::Entry(entry) => songs.iter().position(|song| song.entry == Some(entry)),
        Start::Item(Spec::Id(item)) => songs.iter().position(|song| song.item == item),
        Start::Item(Spec::Persistent(id)) => {
            let item = database.items().find_persistent(id).ok_or(NO_SONG)?.id;
            songs.iter().position(|song| song.item == item)
        }
    };
    bounded(songs, Some(place.ok_or(NO_SONG)?))
}

/// No more songs than can be queued, and the one that plays first among them.
fn bounded(mut songs: Vec<Song>, start: Option<usize>) -> Result<Choice, NotDone> {
    if start.unwrap_or_default() >= songs.len() {
        return Err(NO_SONG);
    }
    let Some(first) = start.filter(|start| *start >= MAX_SONGS) else {
        songs.truncate(MAX_SONGS);
        return Ok(Choice { songs, start });
    };
    songs.drain(..first);
    songs.truncate(MAX_SONGS);
    Ok(Choice { songs, start: Some(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn songs(count: usize) -> Vec<Song> {
        let song = |number| Song {
            database: DatabaseId::LOWEST,
            item: ItemId::new(number).unwrap(),
            container: None,
            entry: None,
        };
        (1..=count as u32).map(song).collect()
    }

    /// How many songs are left of so many, which is the first of them, and which of those left plays first.
    #[track_caller]
    fn check(count: usize, start: Option<usize>, expected: Option<(usize, u32, Option<usize>)>) {
        let choice = bounded(songs(count), start).ok();
        let told =
            choice.map(|choice| (choice.songs.len(), choice.songs[0].item.get(), choice.start));
        assert_eq!(told, expected);
    }

    #[test]
    fn of_more_songs_than_can_be_queued_what_plays_and_what_follows_is_left() {
        check(3, None, Some((3, 1, None)));
        check(3, Some(2), Some((3, 1, Some(2))));
        check(MAX_SONGS + 5, None, Some((MAX_SONGS, 1, None)));
        check(MAX_SONGS + 5, Some(7), Some((MAX_SONGS, 1, Some(7))));
        check(MAX_SONGS + 5, Some(MAX_SONGS + 2), Some((3, MAX_SONGS as u32 + 3, Some(0))));
    }

    #[test]
    fn nothing_is_no_choice() {
        check(0, None, None);
        check(3, Some(3), None);
        check(3, Some(usize::MAX), None);
    }
}
