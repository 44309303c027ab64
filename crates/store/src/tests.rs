//! What happens when the disk is full, the file is not what it should be, or somebody else has it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use daap_model::{
    ContainerId, ContainerItem, ContainerItemId, ItemId, Level, Levels, Track, Usage,
};
use library::{
    Edited, EntryRow, HousePlaylistRow, Library, MemorySource, PlaylistChange, PlaylistEdit,
    PlaylistError, PlaylistRow, SongRow,
};
use tempfile::TempDir;

use super::*;
use crate::open::{MIGRATIONS, Migration};

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("library.db")
    }

    fn open(&self) -> Result<Store, StoreError> {
        Store::open(&self.file())
    }

    /// A store with a database, a source and this many songs, closed again.
    fn with_songs(count: u32) -> Self {
        let place = Self::new();
        let mut store = place.open().unwrap();
        store.save(&first_rows()).unwrap();
        store.save(&songs(1..=count)).unwrap();
        store.close().unwrap();
        place
    }

    #[track_caller]
    fn check_refused(&self, expected: &str) {
        let before = fs::read(self.file()).unwrap();
        let error = self.open().unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected), "{text:?} does not say {expected:?}");
        assert!(text.contains(&*self.file().to_string_lossy()), "{text:?} names no file");
        assert!(!error.remedy().is_empty());
        assert!(fs::read(self.file()).unwrap() == before, "the file has changed");
    }
}

fn first_rows() -> Transaction {
    let database = DatabaseId::LOWEST;
    let persistent_id = PersistentId::new(u64::MAX);
    let row = DatabaseRow { id: database, key: "main".into(), persistent_id, name: None };
    let id = SourceId(1);
    let source = SourceRow { id, database, name: "/music".into(), unshared_since: None };
    Transaction {
        databases: [(database, row)].into(),
        sources: [(id, Some(source))].into(),
        ..Transaction::default()
    }
}

fn song(number: u32) -> SongRow {
    let track = Track { title: format!("Song {number}").as_str().into(), ..Track::default() };
    SongRow {
        id: ItemId::new(number).unwrap(),
        persistent_id: PersistentId::new(number.into()),
        source: SourceId(1),
        key: format!("{number}").as_str().into(),
        stamp: Stamp::default(),
        away_since: None,
        track,
        usage: Usage::default(),
    }
}

fn songs(numbers: std::ops::RangeInclusive<u32>) -> Transaction {
    let next = NextIds { item: numbers.end() + 1, ..NextIds::default() };
    let songs = numbers.map(|number| (song(number).id, Some(Box::new(song(number)))));
    Transaction { songs: songs.collect(), next, ..Transaction::default() }
}

fn load(store: &mut Store) -> (Vec<Row>, NextIds) {
    let mut rows = Vec::new();
    let next = store.load(&mut |row| rows.push(row)).unwrap();
    (rows, next)
}

fn count_songs(store: &mut Store) -> usize {
    load(store).0.iter().filter(|row| matches!(row, Row::Song(_))).count()
}

#[test]
fn what_is_known_of_the_sound_comes_back() {
    let place = Place::with_songs(1);
    let level = Level { gain_cdb: -732, peak_milli: 989 };
    let silent = Level { gain_cdb: 0, peak_milli: 0 };
    let mut known = song(1);
    known.track.channels = 6;
    known.track.frames = u32::MAX;
    known.track.levels = Levels { song: Some(level), album: Some(silent) };
    known.usage.measured = Some(Level { gain_cdb: -510, peak_milli: 1_020 });
    let songs = [(known.id, Some(Box::new(known.clone())))];
    let mut store = place.open().unwrap();
    store.save(&Transaction { songs: songs.into(), ..Transaction::default() }).unwrap();
    assert!(load(&mut store).0.contains(&Row::Song(Box::new(known))));
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let place = Place::new();
    fs::write(place.file(), vec![b'x'; 100_000]).unwrap();
    place.check_refused("is not a dapple library");
    fs::write(place.file(), b"notes on music").unwrap();
    place.check_refused("is not a dapple library");
    fs::remove_file(place.file()).unwrap();
    let other = Connection::open(place.file()).unwrap();
    other.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    drop(other);
    place.check_refused("is not a dapple library");
}

#[test]
fn a_library_of_a_later_version_is_refused_and_left_alone() {
    let place = Place::with_songs(1);
    let later = Connection::open(place.file()).unwrap();
    later.pragma_update(None, "user_version", 20_991_231).unwrap();
    later.pragma_update(None, "journal_mode", "DELETE").unwrap();
    drop(later);
    place.check_refused("was written by a later version (schema 20991231");
}

#[test]
fn a_damaged_library_is_refused_and_left_alone() {
    let truncated = |bytes: &[u8]| bytes[..bytes.len() / 2 / 4096 * 4096].to_vec();
    let overwritten = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let half = bytes.len() / 2;
        bytes[half..half + 20_000].fill(0xA5);
        bytes
    };
    for damaged in [truncated, overwritten] as [fn(&[u8]) -> Vec<u8>; 2] {
        let place = Place::with_songs(2000);
        let bytes = fs::read(place.file()).unwrap();
        fs::write(place.file(), damaged(&bytes)).unwrap();
        place.check_refused("is damaged");
    }
}

#[test]
fn a_value_that_cannot_be_is_an_error_and_no_panic() {
    for change in [
        "UPDATE songs SET id = 3000000000 WHERE id = 1",
        "UPDATE songs SET id = -1 WHERE id = 1",
        "UPDATE songs SET year = 100000",
        "UPDATE songs SET media_kind = 77",
        "UPDATE songs SET duration_ms = -1",
        "UPDATE songs SET musicbrainz_album = x'00'",
        "UPDATE songs SET title = CAST(x'ff' AS TEXT)",
        "UPDATE next_ids SET next = -5",
    ] {
        let place = Place::with_songs(1);
        let mut store = place.open().unwrap();
        store.connection.execute(change, []).unwrap();
        let error = store.load(&mut |_| ()).unwrap_err();
        assert!(error.what.contains("is damaged"), "{change}: {error}");
    }
}

#[test]
fn two_programs_do_not_share_a_library() {
    let place = Place::with_songs(1);
    let store = place.open().unwrap();
    let error = place.open().unwrap_err();
    let pid = std::process::id();
    assert!(error.to_string().ends_with(&format!("is in use by another program (process {pid})")));
    drop(store);
    assert!(place.open().is_ok());
}

#[test]
fn a_program_without_the_lock_file_is_noticed_all_the_same() {
    let place = Place::with_songs(1);
    let other = Connection::open(place.file()).unwrap();
    other.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(place.open(), Err(StoreError::InUse { .. })));
}

#[test]
fn a_folder_that_cannot_be_made_is_named_with_the_user() {
    let place = Place::new();
    let in_the_way = place.folder.path().join("file");
    fs::write(&in_the_way, "").unwrap();
    let error = Store::open(&in_the_way.join("data/library.db")).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&*in_the_way.to_string_lossy()), "{text}");
    assert!(text.contains(&User::current().to_string()), "{text}");
    assert!(error.remedy().contains("use another data folder"));
}

#[cfg(unix)]
#[test]
fn a_folder_without_the_right_to_write_is_named_with_the_user() {
    use std::os::unix::fs::PermissionsExt;
    if User::current().uid == Some(0) {
        return; // Who may do everything is refused nothing.
    }
    let place = Place::with_songs(1);
    fs::remove_file(place.folder.path().join("library.db.lock")).unwrap();
    let rights = |mode| {
        fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    };
    rights(0o500);
    let error = place.open().unwrap_err();
    rights(0o700);
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
}

#[test]
fn a_file_system_gone_read_only_is_said_with_a_remedy() {
    let place = Place::with_songs(1);
    let mut store = place.open().unwrap();
    store.connection.pragma_update(None, "query_only", true).unwrap();
    let error = store.save(&songs(2..=2)).unwrap_err();
    assert!(error.what.contains("cannot be written by"), "{error}");
    assert!(error.remedy.contains("the right to write"), "{error}");
}

/// Lets the file have this many pages more than it has, at most.
fn leave_room(store: &Store, pages: u32) {
    let count: u32 =
        store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connection.pragma_update(None, "max_page_count", count + pages).unwrap();
}

#[test]
fn a_full_disk_loses_nothing_that_was_saved() {
    let place = Place::with_songs(10);
    let mut store = place.open().unwrap();
    leave_room(&store, 2);
    let error = store.save(&songs(11..=1000)).unwrap_err();
    assert!(error.what.contains("the disk is full"), "{error}");
    assert_eq!(count_songs(&mut store), 10);
    leave_room(&store, 1000);
    store.save(&songs(11..=1000)).unwrap();
    assert_eq!(count_songs(&mut store), 1000);
}

/// A store on a disk with as much room as a test says.
struct SmallDisk {
    store: Store,
    room: Arc<AtomicU32>,
}

impl Persist for SmallDisk {
    fn load(&mut self, each: &mut dyn FnMut(Row)) -> Result<NextIds, PersistError> {
        self.store.load(each)
    }
    fn save(&mut self, transaction: &Transaction) -> Result<(), PersistError> {
        leave_room(&self.store, self.room.load(Ordering::Relaxed));
        self.store.save(transaction)
    }
    fn setting(&mut self, name: &str) -> Result<Option<String>, PersistError> {
        self.store.setting(name)
    }
    fn set_setting(&mut self, name: &str, value: Option<&str>) -> Result<(), PersistError> {
        self.store.set_setting(name, value)
    }
}

#[tokio::test]
async fn a_library_on_a_full_disk_goes_on_and_catches_up() {
    let place = Place::new();
    let room = Arc::new(AtomicU32::new(1000));
    let disk = SmallDisk { store: place.open().unwrap(), room: Arc::clone(&room) };
    let source = MemorySource::new();
    let library =
        Library::builder("Home").persist(disk).source("songs", source.clone()).start().await;
    let library = library.unwrap();
    let listed = |library: &Library| -> usize {
        library.snapshot().databases().map(|database| database.items().len()).sum()
    };
    room.store(0, Ordering::Relaxed);
    for number in 0..500 {
        let title = format!("Song {number}");
        let track = Track { title: title.as_str().into(), ..Track::default() };
        source.put(&title, track, "");
    }
    let patience = Duration::from_secs(30);
    let mut health = library.watch_health();
    let troubled = health.wait_for(|health| !health.problems.is_empty());
    let problem =
        tokio::time::timeout(patience, troubled).await.unwrap().unwrap().problems[0].clone();
    assert!(problem.what.contains(&*place.file().to_string_lossy()), "{problem:?}");
    assert_eq!(problem.remedy, "make room on the disk");

    room.store(1000, Ordering::Relaxed);
    let mut snapshots = library.watch();
    let all = snapshots.wait_for(|now| now.databases().any(|d| d.items().len() == 500));
    tokio::time::timeout(patience, all).await.unwrap().unwrap();
    assert!(library.health().problems.is_empty());
    library.shutdown().await;

    let library = Library::builder("Home").persist(place.open().unwrap()).source("songs", source);
    assert_eq!(listed(&library.start().await.unwrap()), 500);
}

#[test]
fn a_transaction_is_saved_whole_or_not_at_all() {
    let place = Place::with_songs(1);
    let mut store = place.open().unwrap();
    let mut rows = songs(2..=3);
    let stray = SongRow { source: SourceId(99), ..song(4) };
    rows.songs.insert(stray.id, Some(Box::new(stray)));
    store.save(&rows).unwrap_err();
    assert_eq!(count_songs(&mut store), 1);
}

#[test]
fn the_next_ids_never_go_back() {
    let place = Place::with_songs(5);
    let mut store = place.open().unwrap();
    let remove = (1..=5).map(|number| (ItemId::new(number).unwrap(), None)).collect();
    store.save(&Transaction { songs: remove, ..Transaction::default() }).unwrap();
    assert_eq!(load(&mut store).1.item, 6);
}

fn playlist(number: u32, entries: Option<&[u32]>) -> PlaylistRow {
    let entry = |(id, song): (u32, &u32)| EntryRow {
        id: ContainerItemId::new(id).unwrap(),
        key: format!("{song}").as_str().into(),
    };
    PlaylistRow {
        id: ContainerId::new(number).unwrap(),
        persistent_id: PersistentId::new(number.into()),
        source: SourceId(1),
        key: [0xFF, 0x00, 0x80].as_slice().into(),
        stamp: Stamp { size: u64::MAX, modified_ns: i64::MIN, file: 1 << 63 },
        name: "Été".into(),
        parent: Some("folder".into()),
        entries: entries.map(|songs| (1..).zip(songs).map(entry).collect()),
        next_entry: 77,
    }
}

#[test]
fn playlists_come_back_as_they_were() {
    let place = Place::with_songs(1);
    let mut store = place.open().unwrap();
    let loaded = |store: &mut Store| -> Vec<PlaylistRow> {
        let rows = load(store).0.into_iter();
        rows.filter_map(|row| if let Row::Playlist(row) = row { Some(row) } else { None }).collect()
    };
    let save = |store: &mut Store, rows: &[(u32, Option<PlaylistRow>)]| {
        let id = |number: u32| ContainerId::new(number).unwrap();
        let playlists = rows.iter().map(|(number, row)| (id(*number), row.clone())).collect();
        store.save(&Transaction { playlists, ..Transaction::default() }).unwrap();
    };
    let rows = [playlist(2, None), playlist(3, Some(&[])), playlist(4, Some(&[1, 9, 1]))];
    save(&mut store, &[(2, Some(rows[0].clone())), (3, Some(rows[1].clone()))]);
    save(&mut store, &[(4, Some(rows[2].clone()))]);
    assert_eq!(loaded(&mut store), rows);
    let shorter = playlist(4, Some(&[9]));
    save(&mut store, &[(4, Some(shorter.clone())), (2, None)]);
    assert_eq!(loaded(&mut store), [rows[1].clone(), shorter]);
    // With a source goes all that is its own.
    let sources = [(SourceId(1), None)].into();
    store.save(&Transaction { sources, ..Transaction::default() }).unwrap();
    assert_eq!(load(&mut store).0.len(), 1, "only the database is left");
}

/// Playlists of the house with these numbers, each with the songs 1, 9 and 1.
fn house(
    numbers: impl IntoIterator<Item = u32>,
) -> BTreeMap<ContainerId, Option<HousePlaylistRow>> {
    let entry = |(id, item)| ContainerItem {
        id: ContainerItemId::new(id).unwrap(),
        item: ItemId::new(item).unwrap(),
    };
    let row = |number| HousePlaylistRow {
        id: ContainerId::new(number).unwrap(),
        persistent_id: PersistentId::new(u64::MAX),
        database: DatabaseId::LOWEST,
        name: "Été".into(),
        entries: [(5, 1), (2, 9), (7, 1)].map(entry).into(),
        next_entry: 77,
    };
    numbers.into_iter().map(row).map(|row| (row.id, Some(row))).collect()
}

#[test]
fn playlists_of_the_house_come_back_as_they_were_whatever_sources_go() {
    let place = Place::with_songs(1);
    let mut store = place.open().unwrap();
    let loaded = |store: &mut Store| -> BTreeMap<_, _> {
        let rows = load(store).0.into_iter();
        let rows = rows.filter_map(|row| match row {
            Row::HousePlaylist(row) => Some((row.id, Some(row))),
            _ => None,
        });
        rows.collect()
    };
    let save = |store: &mut Store, house_playlists: BTreeMap<_, _>| {
        store.save(&Transaction { house_playlists, ..Transaction::default() }).unwrap();
    };
    save(&mut store, house([2, 3]));
    assert_eq!(loaded(&mut store), house([2, 3]));

    let mut changed = house([3]);
    for row in changed.values_mut().flatten() {
        row.entries.rotate_left(1);
        row.entries.pop();
    }
    save(&mut store, changed.clone());
    save(&mut store, [(ContainerId::new(2).unwrap(), None)].into());
    let sources = [(SourceId(1), None)].into();
    store.save(&Transaction { sources, ..Transaction::default() }).unwrap();
    assert_eq!(loaded(&mut store), changed);
}

#[test]
fn a_source_is_renamed_unless_the_name_is_taken() {
    let place = Place::with_songs(3);
    let mut store = place.open().unwrap();
    assert!(store.rename_source("main", "/music", "/srv/music").unwrap());
    assert!(!store.rename_source("main", "/music", "/elsewhere").unwrap());
    assert!(!store.rename_source("attic", "/srv/music", "/elsewhere").unwrap());
    let stored = store.sources().unwrap();
    assert_eq!(stored[0].name, "/srv/music");
    assert_eq!(store.sample("main", "/srv/music", 10).unwrap().len(), 3);
    let row = SourceRow {
        id: SourceId(2),
        database: DatabaseId::LOWEST,
        name: "/music".into(),
        unshared_since: Some(Timestamp(5)),
    };
    let sources = [(row.id, Some(row))].into();
    store.save(&Transaction { sources, ..Transaction::default() }).unwrap();
    assert!(!store.rename_source("main", "/srv/music", "/music").unwrap());
}

fn copies(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    names.filter(|name| name.contains("before")).collect()
}

#[test]
fn a_copy_is_kept_before_the_schema_changes() {
    let place = Place::new();
    let first = open::open(&place.file(), &MIGRATIONS[..1]).unwrap();
    let database = "INSERT INTO databases (id, key, persistent_id) VALUES (1, 'main', -1)";
    first.execute(database, []).unwrap();
    drop(first);

    let mut store = place.open().unwrap();
    assert_eq!(load(&mut store).0.len(), 1);
    store.save(&Transaction { house_playlists: house([2]), ..Transaction::default() }).unwrap();
    drop(store);

    assert_eq!(copies(place.folder.path()), ["library.db.before-2026-11-25"]);
    let copy = place.folder.path().join("library.db.before-2026-11-25");
    assert!(open::open(&copy, &MIGRATIONS[..1]).is_ok());
    // The version before this one leaves the changed file alone.
    let older = open::open(&place.file(), &MIGRATIONS[..1]);
    assert!(matches!(older, Err(StoreError::TooNew { found: 20_261_125, .. })));
}

#[test]
fn a_schema_change_that_fails_changes_nothing() {
    let place = Place::with_songs(3);
    let steps = [Migration { date: 20_991_231, sql: "CREATE TABLE a (b); CREATE TABLE a (b);" }];
    open::open(&place.file(), &steps).unwrap_err();
    let mut store = place.open().unwrap();
    assert_eq!(count_songs(&mut store), 3);
}

#[tokio::test]
async fn a_source_keeps_its_songs_when_its_folder_moves() {
    let place = Place::new();
    let source = MemorySource::new();
    source.put("jet", Track { title: "Jet".into(), ..Track::default() }, "");
    let start = |store, name: &'static str| {
        Library::builder("Home").persist(store).source(name, source.clone()).start()
    };
    let id = |library: &Library| {
        let snapshot = library.snapshot();
        let database = snapshot.databases().next()?.clone();
        database.items().iter().next().map(|item| (item.id, item.persistent_id))
    };
    let library = start(place.open().unwrap(), "/old").await.unwrap();
    let mut snapshots = library.watch();
    snapshots.wait_for(|now| now.databases().any(|d| !d.items().is_empty())).await.unwrap();
    let before = id(&library);
    library.shutdown().await;

    let mut store = place.open().unwrap();
    assert!(store.rename_source("main", "/old", "/new").unwrap());
    let library = start(store, "/new").await.unwrap();
    assert_eq!(id(&library), before);
}

#[tokio::test]
async fn a_playlist_that_a_client_made_survives_a_restart_and_a_full_disk() {
    let place = Place::new();
    let source = MemorySource::new();
    for title in ["Jet", "Bluebird"] {
        source.put(title, Track { title: title.into(), ..Track::default() }, "");
    }
    let room = Arc::new(AtomicU32::new(1000));
    let start = || {
        let disk = SmallDisk { store: place.open().unwrap(), room: Arc::clone(&room) };
        Library::builder("Home").persist(disk).source("songs", source.clone()).start()
    };
    let edit = async |library: &Library, change| {
        let edit = PlaylistEdit { database: DatabaseId::LOWEST, change };
        library.edit_playlist(edit).await
    };
    let listed = |library: &Library, container| -> Option<Vec<u32>> {
        let snapshot = library.snapshot();
        let rows = snapshot.database(DatabaseId::LOWEST)?.entries(container)?.rows();
        Some(rows.iter().map(|row| row.item.id.get()).collect())
    };
    let library = start().await.unwrap();
    let mut snapshots = library.watch();
    snapshots.wait_for(|now| now.databases().all(|d| d.items().len() == 2)).await.unwrap();
    let Ok(Edited::Playlist(container)) =
        edit(&library, PlaylistChange::Add { name: "mix".into() }).await
    else {
        panic!("no playlist was made")
    };
    let songs = [2, 1, 2].map(|number| ItemId::new(number).unwrap());
    let append = || PlaylistChange::Append { container, items: songs.into() };
    edit(&library, append()).await.unwrap();

    room.store(0, Ordering::Relaxed);
    let many = PlaylistChange::Append { container, items: songs.repeat(1000) };
    assert_eq!(edit(&library, many).await, Err(PlaylistError::NotSaved));
    assert_eq!(listed(&library, container), Some(vec![2, 1, 2]));
    room.store(1000, Ordering::Relaxed);
    library.shutdown().await;

    let library = start().await.unwrap();
    assert_eq!(listed(&library, container).map(|songs| songs.len()), Some(3003));
    edit(&library, PlaylistChange::Remove(container)).await.unwrap();
    library.shutdown().await;
    let library = start().await.unwrap();
    assert_eq!(listed(&library, container), None);
}
