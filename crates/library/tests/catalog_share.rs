//! What a server gets from a catalog: sounds, pictures, and playlists that clients change.

// A test that cannot go on has failed, in its helpers too.
#![allow(clippy::unwrap_used)]

use std::future::Future;
use std::io::{self, Cursor, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use daap_model::{
    ContainerId, ContainerItemId, DatabaseId, Filter, Item, ItemId, SmartRules, Track,
};
use futures_util::{TryStreamExt, stream};
use library::{
    Artwork, ArtworkSize, Body, Catalog, Content, Edited, MAX_ENTRIES, MAX_PLAYLIST_NAME,
    NewPlaylist, NewSong, OpenError, Picture, PlaylistChange, PlaylistEdit, PlaylistError,
    Provider, Share, Sound, SourceError,
};
use proptest::prelude::*;

const DB: DatabaseId = Catalog::MAIN;

const PATIENCE: Duration = Duration::from_secs(20);

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn item(number: u32) -> ItemId {
    ItemId::new(number).unwrap()
}

fn list(number: u32) -> ContainerId {
    ContainerId::new(number).unwrap()
}

fn entry(number: u32) -> ContainerItemId {
    ContainerItemId::new(number).unwrap()
}

fn track(title: &str) -> Track {
    Track { title: title.into(), ..Track::default() }
}

fn png() -> Artwork {
    Artwork { media_type: "image/png", bytes: Bytes::from_static(b"\x89PNG...") }
}

/// A file with this content, in a folder that goes with the test.
fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

/// A catalog with these songs.
fn catalog(songs: impl IntoIterator<Item = NewSong>) -> Catalog {
    with_provider(Nothing, songs)
}

fn with_provider(provider: impl Provider, songs: impl IntoIterator<Item = NewSong>) -> Catalog {
    let catalog = Catalog::builder("Home").provider(provider).build();
    let mut changes = catalog.changes();
    songs.into_iter().for_each(|song| _ = changes.add_item(DB, song));
    catalog.commit(changes).unwrap();
    catalog
}

/// A provider that has nothing, as it says.
struct Nothing;

impl Provider for Nothing {
    async fn open(&self, _: DatabaseId, item: &Item) -> Result<Content, SourceError> {
        Err(SourceError::not_there(&item.track.title))
    }
}

/// All of a content, or the part of it.
async fn read(content: Content, part: Option<(u64, u64)>) -> io::Result<Bytes> {
    let (start, length) = part.unwrap_or((0, content.length.unwrap_or(0)));
    let stream = match content.body {
        Body::Bytes(bytes) => return Ok(bytes),
        Body::File(opened) => return io::read_to_string(opened.file).map(Bytes::from),
        Body::Ranged(ranged) => ranged.read(start, length),
        Body::Stream(stream) => stream,
        _ => panic!("another way to hold a song"),
    };
    let all = stream.try_fold(Vec::new(), |mut all, piece| async move {
        all.extend_from_slice(&piece);
        Ok(all)
    });
    all.await.map(Bytes::from)
}

fn open(catalog: &Catalog, number: u32) -> Result<Content, OpenError> {
    run(Share::open(catalog, DB, item(number)))
}

fn picture(catalog: &Catalog, number: u32) -> Result<Option<Artwork>, OpenError> {
    run(catalog.artwork(DB, item(number), ArtworkSize::Original))
}

#[track_caller]
fn check_sound(catalog: &Catalog, number: u32, expected: &str) {
    let sound = open(catalog, number).unwrap();
    assert_eq!(run(read(sound, None)).unwrap(), expected);
}

#[test]
fn a_sound_comes_from_memory_or_a_file_or_else_from_the_provider() {
    let (_folder, path) = file("Jet.MP3", b"from a file");
    let provider = |_: DatabaseId, item: Arc<Item>| async move {
        Ok(Content::bytes(format!("made for {}", item.track.title)))
    };
    let songs = [
        NewSong::new(track("one")).bytes("from memory"),
        NewSong::default().file(path),
        NewSong::new(track("three")),
    ];
    let catalog = with_provider(provider, songs);
    check_sound(&catalog, 1, "from memory");
    check_sound(&catalog, 2, "from a file");
    check_sound(&catalog, 3, "made for three");
    let database = Arc::clone(catalog.snapshot().database(DB).unwrap());
    let track = |number| database.items().find(item(number)).unwrap().track.clone();
    assert_eq!((&*track(2).title, &*track(2).format), ("Jet", "mp3"));
    assert_eq!(track(1).size, 11);
}

#[test]
fn a_sound_that_is_not_there_is_an_error_that_says_so() {
    let catalog = catalog([NewSong::new(track("a")), NewSong::default().file("/no/such/file.mp3")]);
    for number in [1, 2] {
        let refused = open(&catalog, number);
        assert!(matches!(refused, Err(OpenError::Source(SourceError::NotThere(_)))), "{number}");
    }
    let unknown = open(&catalog, 3);
    assert!(matches!(unknown, Err(OpenError::Unknown { item: id, .. }) if id == item(3)));
    let folder = tempfile::tempdir().unwrap();
    let (path, without) = (folder.path().to_owned(), Catalog::new("Home"));
    let mut changes = without.changes();
    changes.add_item(DB, NewSong::default().file(path));
    changes.add_item(DB, track("a"));
    without.commit(changes).unwrap();
    assert!(open(&without, 1).is_err() && open(&without, 2).is_err());
}

#[test]
fn a_picture_comes_from_memory_or_a_file_and_the_song_says_that_it_has_one() {
    let (_folder, jpeg) = file("cover.jpg", b"\xFF\xD8\xFF...");
    let (_folder2, text) = file("cover.txt", b"no picture");
    let songs = [
        NewSong::new(track("a")).artwork(png()),
        NewSong::new(track("b")).artwork_file(jpeg),
        NewSong::new(track("c")).artwork_file(text),
        NewSong::new(track("d")),
    ];
    let catalog = catalog(songs);
    assert_eq!(picture(&catalog, 1).unwrap(), Some(png()));
    let jpeg = Artwork { media_type: "image/jpeg", bytes: Bytes::from_static(b"\xFF\xD8\xFF...") };
    assert_eq!(picture(&catalog, 2).unwrap(), Some(jpeg));
    let refused = picture(&catalog, 3);
    assert!(matches!(refused, Err(OpenError::Source(SourceError::Unreadable { .. }))));
    assert_eq!(picture(&catalog, 4).unwrap(), None);
    let database = Arc::clone(catalog.snapshot().database(DB).unwrap());
    let shown: Vec<bool> = database.items().iter().map(|item| item.track.has_artwork).collect();
    assert_eq!(shown, [true, true, true, false]);
}

#[test]
fn another_sound_or_picture_makes_a_revision_in_which_the_song_has_changed() {
    let catalog = catalog([NewSong::new(track("a")).bytes("before")]);
    let seen = catalog.snapshot().revision();
    let mut changes = catalog.changes();
    changes.change_item(DB, item(1), |song| song.sound = Some(Sound::Bytes("after".into())));
    let revision = catalog.commit(changes).unwrap();
    assert_eq!(revision, Some(seen.next()));
    check_sound(&catalog, 1, "after");
    let database = Arc::clone(catalog.snapshot().database(DB).unwrap());
    assert_eq!(Some(database.items().find(item(1)).unwrap().revision), revision);

    let mut changes = catalog.changes();
    changes.change_item(DB, item(1), |song| song.sound = Some(Sound::Bytes("after".into())));
    assert_eq!(catalog.commit(changes).unwrap(), None);
    let mut changes = catalog.changes();
    changes.change_item(DB, item(1), |song| song.picture = Some(Picture::Artwork(png())));
    assert!(catalog.commit(changes).unwrap().is_some());
    assert_eq!(picture(&catalog, 1).unwrap(), Some(png()));
    check_sound(&catalog, 1, "after");
}

/// Bytes of which a test sees when nobody holds them any more.
fn watched() -> (Bytes, Weak<[u8; 5]>) {
    struct Owner(Arc<[u8; 5]>);
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.0[..]
        }
    }
    let sound = Arc::new(*b"sound");
    let held = Arc::downgrade(&sound);
    (Bytes::from_owner(Owner(sound)), held)
}

#[test]
fn the_sound_of_a_song_that_is_removed_is_dropped_and_not_before() {
    let ((one, first), (two, second), (refused, third)) = (watched(), watched(), watched());
    let catalog = catalog([NewSong::default().bytes(one), NewSong::default().bytes(two)]);
    let mut changes = catalog.changes();
    changes.remove_item(DB, item(1));
    changes.add_item(DB, NewSong::default().bytes(refused));
    changes.remove_item(DB, item(9));
    catalog.commit(changes).unwrap_err();
    assert_eq!((first.strong_count(), third.strong_count()), (1, 0));

    let playing = open(&catalog, 1).unwrap();
    let mut changes = catalog.changes();
    changes.remove_item(DB, item(1));
    catalog.commit(changes).unwrap();
    assert_eq!((first.strong_count(), second.strong_count()), (1, 1));
    drop(playing);
    assert_eq!((first.strong_count(), second.strong_count()), (0, 1));

    let mut changes = catalog.changes();
    changes.remove_database(DB);
    catalog.commit(changes).unwrap();
    assert_eq!(second.strong_count(), 0);
}

#[test]
fn an_error_of_the_authors_says_what_went_wrong() {
    fn kind(kind: ErrorKind) -> &'static str {
        match SourceError::from(io::Error::from(kind)) {
            SourceError::NotThere(_) => "not there",
            SourceError::Away { .. } => "away",
            SourceError::Busy => "busy",
            SourceError::Unreadable { .. } => "failed",
            _ => "another",
        }
    }
    assert_eq!(kind(ErrorKind::NotFound), "not there");
    assert_eq!(kind(ErrorKind::TimedOut), "away");
    assert_eq!(kind(ErrorKind::ConnectionRefused), "away");
    assert_eq!(kind(ErrorKind::ResourceBusy), "busy");
    assert_eq!(kind(ErrorKind::PermissionDenied), "failed");
    assert_eq!(kind(ErrorKind::InvalidData), "failed");
    let failed = SourceError::failed("the tone", "no such voice");
    assert_eq!(failed.to_string(), "the tone cannot be read: no such voice");
    let away = SourceError::away("the other server", io::Error::from(ErrorKind::BrokenPipe));
    assert_eq!(away.to_string(), "the other server cannot be reached now: broken pipe");
    let not_allowed = SourceError::not_allowed("Jet");
    assert_eq!(not_allowed.to_string(), "Jet may not be heard or seen");
}

proptest! {
    #[test]
    fn any_part_is_what_a_slice_would_be(
        bytes in prop::collection::vec(any::<u8>(), 0..5000),
        pieces in 1..700_usize,
        ends in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let (a, b) = (ends.0.index(bytes.len() + 1), ends.1.index(bytes.len() + 1));
        let (start, end) = (a.min(b), a.max(b));
        let (length, part) = (bytes.len() as u64, (start as u64, (end - start) as u64));
        let slice = &bytes[start..end];

        let seekable = Content::seekable(length, Cursor::new(bytes.clone()));
        prop_assert_eq!(&run(read(seekable, Some(part))).unwrap()[..], slice);

        let pieces: Vec<_> = bytes.chunks(pieces).map(|it| Ok(Bytes::copy_from_slice(it))).collect();
        let streamed = Content::stream(stream::iter(pieces), Some(length));
        let read = run(read(streamed, Some(part))).unwrap();
        // What comes after the part is the server's to cut off.
        prop_assert_eq!(&read[..slice.len()], slice);
    }
}

#[test]
fn a_stream_that_fails_or_ends_early_says_so_and_one_without_length_is_read_whole() {
    let pieces = || vec![Ok(Bytes::from_static(b"half")), Err(ErrorKind::BrokenPipe.into())];
    let failing = Content::stream(stream::iter(pieces()), Some(8));
    assert_eq!(run(read(failing, None)).unwrap_err().kind(), ErrorKind::BrokenPipe);
    let failing = Content::stream(stream::iter(pieces()), Some(8));
    assert_eq!(run(read(failing, Some((6, 2)))).unwrap_err().kind(), ErrorKind::BrokenPipe);
    let endless = Content::stream(stream::iter([Ok(Bytes::from_static(b"all"))]), None);
    assert_eq!(endless.length, None);
    assert_eq!(run(read(endless, None)).unwrap(), "all");
}

/// Songs 1 and 2; playlist 2 is for clients, with entries 1 and 2; playlist 3 is not; folder 4 and smart
/// playlist 5 are.
fn with_playlists() -> Catalog {
    let catalog = catalog([track("a").into(), track("b").into()]);
    let mut changes = catalog.changes();
    let all = SmartRules { filter: Filter::And(Vec::new()), limit: None };
    let songs = [item(1), item(2)];
    changes.add_container(DB, NewPlaylist::named("Ours").songs(songs).editable());
    changes.add_container(DB, NewPlaylist::named("Mine").songs(songs));
    changes.add_container(DB, NewPlaylist::folder("Folder").editable());
    changes.add_container(DB, NewPlaylist::smart("All", all).editable());
    catalog.commit(changes).unwrap();
    catalog
}

/// The container as `name: entry=song …`.
fn shown(catalog: &Catalog, number: u32) -> Option<String> {
    let snapshot = catalog.snapshot();
    let database = snapshot.database(DB)?;
    let name = &database.container(list(number))?.name;
    let rows = database.entries(list(number))?.rows();
    let entries = rows.iter().map(|row| format!(" {}={}", row.entry, row.item.id));
    Some(format!("{name}:{}", entries.collect::<String>()))
}

#[track_caller]
fn check_edit(change: PlaylistChange, expected: Edited, number: u32, after: Option<&str>) {
    let catalog = with_playlists();
    let edit = PlaylistEdit { database: DB, change };
    assert_eq!(run(catalog.edit(edit)), Ok(expected));
    assert_eq!(shown(&catalog, number).as_deref(), after);
}

#[test]
fn clients_change_the_playlists_that_are_for_them() {
    use PlaylistChange::*;
    let (ours, both) = (list(2), vec![item(2), item(1)]);
    check_edit(Add { name: " New ".into() }, Edited::Playlist(list(6)), 6, Some("New:"));
    check_edit(Remove(ours), Edited::Done, 2, None);
    let rename = Rename { container: ours, name: "Hers".into() };
    check_edit(rename, Edited::Done, 2, Some("Hers: 1=1 2=2"));
    let added = Edited::Entries(vec![entry(5), entry(6)]);
    let append = Append { container: ours, items: both };
    check_edit(append, added, 2, Some("Ours: 1=1 2=2 5=2 6=1"));
    let take = Take { container: ours, entries: vec![entry(1), entry(1)] };
    check_edit(take, Edited::Done, 2, Some("Ours: 2=2"));
    let first = Move { container: ours, entry: entry(2), after: None };
    check_edit(first, Edited::Done, 2, Some("Ours: 2=2 1=1"));
    let last = Move { container: ours, entry: entry(1), after: Some(entry(2)) };
    check_edit(last, Edited::Done, 2, Some("Ours: 2=2 1=1"));
}

#[test]
fn what_a_client_makes_it_can_change() {
    let catalog = with_playlists();
    let edit = |change| run(catalog.edit(PlaylistEdit { database: DB, change }));
    let made = edit(PlaylistChange::Add { name: "New".into() });
    let Ok(Edited::Playlist(container)) = made else { panic!("{made:?}") };
    let items = vec![item(1)];
    edit(PlaylistChange::Append { container, items }).unwrap();
    assert_eq!(shown(&catalog, container.get()).unwrap(), "New: 5=1");
}

#[track_caller]
fn check_edit_refused(change: PlaylistChange, expected: fn(&PlaylistError) -> bool) {
    let catalog = with_playlists();
    let before = catalog.snapshot();
    let refusal = run(catalog.edit(PlaylistEdit { database: DB, change })).unwrap_err();
    assert!(expected(&refusal), "{refusal:?}");
    assert!(Arc::ptr_eq(&before, &catalog.snapshot()));
}

#[test]
fn what_clients_may_not_change_stays() {
    use PlaylistChange::*;
    let read_only = |error: &PlaylistError| matches!(error, PlaylistError::ReadOnly(_));
    let append = |number, items| Append { container: list(number), items };
    for number in [1, 3, 4, 5] {
        check_edit_refused(append(number, vec![item(1)]), read_only);
    }
    check_edit_refused(Remove(ContainerId::BASE), read_only);
    check_edit_refused(Remove(list(3)), read_only);
    check_edit_refused(Rename { container: list(3), name: "x".into() }, read_only);

    let no_song = |error: &PlaylistError| *error == PlaylistError::NoSong(item(9));
    check_edit_refused(append(2, vec![item(1), item(9)]), no_song);
    let no_playlist = |error: &PlaylistError| *error == PlaylistError::NoPlaylist(list(9));
    check_edit_refused(Remove(list(9)), no_playlist);
    let no_entry = |error: &PlaylistError| {
        *error == PlaylistError::NoEntry { container: list(2), entry: entry(9) }
    };
    check_edit_refused(Take { container: list(2), entries: vec![entry(1), entry(9)] }, no_entry);
    let after = Some(entry(9));
    check_edit_refused(Move { container: list(2), entry: entry(1), after }, no_entry);
    let too_much = |error: &PlaylistError| *error == PlaylistError::TooMuch;
    check_edit_refused(append(2, vec![item(1); MAX_ENTRIES]), too_much);
    check_edit_refused(Add { name: "x".repeat(MAX_PLAYLIST_NAME + 1).into() }, too_much);

    let catalog = with_playlists();
    let elsewhere = DatabaseId::HIGHEST;
    let edit = PlaylistEdit { database: elsewhere, change: Remove(list(2)) };
    assert_eq!(run(catalog.edit(edit)), Err(PlaylistError::NoDatabase(elsewhere)));
}

#[test]
fn a_share_that_gets_another_name_while_it_changes_keeps_nobody_waiting() {
    let catalog = catalog([NewSong::new(track("Jet"))]);
    let (begin, begun) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel();
    let mut changes = catalog.changes();
    changes.change_item(DB, item(1), move |song| {
        begin.send(()).unwrap();
        goes_on.recv_timeout(PATIENCE).expect("the runtime goes on while this takes its time");
        song.usage.play_count = 1;
    });
    let committing = thread::spawn({
        let catalog = catalog.clone();
        move || catalog.commit(changes)
    });
    begun.recv().unwrap();
    run(async { tokio::join!(catalog.rename("Attic"), async { go_on.send(()).unwrap() }) });
    committing.join().unwrap().unwrap();
    let snapshot = catalog.snapshot();
    let names: Vec<_> = snapshot.databases().map(|database| database.name.to_string()).collect();
    assert_eq!((snapshot.name().as_str(), names), ("Attic", vec!["Attic".into()]));
    assert_eq!(snapshot.database(DB).unwrap().items().iter().next().unwrap().usage.play_count, 1);
}
