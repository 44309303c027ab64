//! Measures the model at a size: `cargo run --release -p daap-model --example model_bench -- 100000`.
//!
//! Memory is what the kernel says the process holds (Linux only), so it includes what the allocator keeps.

use std::hint::black_box;
use std::time::{Duration, Instant};

use daap_model::*;

const DB: DatabaseId = DatabaseId::LOWEST;

/// Songs in a batch while the library is built.
const BATCH: usize = 2000;

fn main() {
    let sizes: Vec<u32> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    for size in if sizes.is_empty() { vec![100_000] } else { sizes } {
        bench(size);
    }
}

/// A song with every field in use: ten to an album, ten albums to an artist.
fn song(number: u32) -> NewItem {
    let (album, artist) = (number / 10, number / 100);
    let words = [
        "Silver", "River", "Night", "The Long", "Äther", "99", "Dancing", "Golden", "A Quiet",
        "Paper",
    ];
    let word = |n: u32| words[(n.wrapping_mul(2_654_435_761) >> 8) as usize % words.len()];
    let name = |n: u32| format!("{} {} {n}", word(n), word(n / 7));
    let track = Track {
        title: name(number).into(),
        artist: format!("{} Band", name(artist)).into(),
        album_artist: format!("{} Band", name(artist)).into(),
        album: format!("{} Songs", name(album)).into(),
        genre: format!("Genre {}", artist % 40).into(),
        composer: format!("Composer {}", artist % 3000).into(),
        comment: format!("Ripped from disc {album}").into(),
        grouping: "Studio".into(),
        sort_title: format!("{}, sorted", name(number)).into(),
        sort_artist: format!("{} Band, The", name(artist)).into(),
        sort_album_artist: format!("{} Band, The", name(artist)).into(),
        sort_album: format!("{} Songs, The", name(album)).into(),
        sort_composer: format!("Composer, {}", artist % 3000).into(),
        track: (number % 10 + 1) as u16,
        track_count: 10,
        disc: 1,
        disc_count: 1,
        year: (1960 + album % 60) as u16,
        bpm: 120,
        duration_ms: 180_000 + number % 90_000,
        size: 4_000_000 + u64::from(number),
        bitrate_kbps: 256,
        sample_rate: 44_100,
        codec: Codec::Mpeg,
        format: "mp3".into(),
        has_artwork: true,
        modified: Timestamp(1_600_000_000 + number),
        musicbrainz_album: MusicBrainzId::new(u128::from(album) + 1),
        musicbrainz_album_artist: MusicBrainzId::new(u128::from(artist) + 1),
        ..Track::default()
    };
    let usage =
        Usage { rating: 60, play_count: 3, added: Timestamp(1_700_000_000), ..Usage::default() };
    let id = ItemId::new(number + 1).expect("fewer songs than ids");
    let persistent_id =
        PersistentId::new(u64::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    NewItem { id, persistent_id, track, usage, custom: Custom::NONE }
}

fn put(item: NewItem) -> Edit {
    Edit::PutItem { database: DB, item }
}

fn bench(size: u32) {
    println!("{size} songs");
    let memory = resident();
    let mut model = Model::new("bench");
    let named =
        Edit::PutDatabase { id: DB, persistent_id: PersistentId::new(1), name: "bench".into() };
    model.apply(Batch::from_iter([named])).expect("it is new");
    let mut building = Duration::ZERO;
    // In parts, as a store would load them, so that the songs are not all held twice.
    for first in (0..size).step_by(BATCH) {
        let batch: Batch = (first..size.min(first + BATCH as u32)).map(|n| put(song(n))).collect();
        building += time(|| model.apply(batch).expect("it is right")).0;
    }
    show(&format!("build, batches of {BATCH}"), building);
    if let (Some(before), Some(after)) = (memory, resident()) {
        println!("  {:<44} {:>9} B", "memory a song", (after - before) / u64::from(size));
    }
    listings(&model);
    commits(&mut model, size);
    if let (Some(before), Some(after)) = (memory, resident()) {
        println!(
            "  {:<44} {:>9} B",
            "memory a song, orders and listings made",
            (after - before) / u64::from(size)
        );
    }
}

fn listings(model: &Model) {
    let snapshot = model.snapshot();
    let database = snapshot.database(DB).expect("it was put");
    let items = database.items();
    let walk = || items.all().rows().iter().map(|row| row.item.track.title.len()).sum::<usize>();
    show("walk all songs by id", time(walk).0);
    for sort in Sort::ALL {
        show(&format!("order by {sort:?}, first time"), time(|| items.all().sorted(sort).rows()).0);
    }
    let sorted = items.all().sorted(Sort::Album).rows();
    let walk = || sorted.iter().map(|row| row.item.track.title.len()).sum::<usize>();
    show("walk all songs by album", time(walk).0);
    let some = items.iter().nth(items.len() / 2).expect("there are songs").clone();
    let number = |field, value| Filter::Number(field, NumberTest::Equals(value));
    let text = |field, text: &Text| Filter::Text(field, TextTest::Equals(text.clone()));
    for (name, filter) in [
        ("album by id", number(NumberField::AlbumId, some.album_id.get())),
        ("album by name", text(TextField::Album, &some.track.album)),
        ("artist by id", number(NumberField::ArtistId, some.artist_id.get())),
        ("artist by name", text(TextField::Artist, &some.track.artist)),
        ("genre", text(TextField::Genre, &some.track.genre)),
        (
            "title contains",
            Filter::Text(TextField::Name, TextTest::Contains(Folded::new("silver"))),
        ),
    ] {
        let query = || items.matching(&filter).sorted(Sort::Album).page(Page::Between(0, 49)).len();
        show(&format!("query {name}, by album, 0-49"), often(20, query));
    }
    show(
        "page 0-49 by title",
        often(100, || items.all().sorted(Sort::Title).page(Page::Between(0, 49)).len()),
    );
    for browse in Browse::ALL {
        show(
            &format!("browse {browse:?}, first time"),
            time(|| database.browse(browse, None).len()).0,
        );
    }
    show("browse again", often(100, || database.browse(Browse::Artists, None).len()));
    for kind in [GroupKind::Albums, GroupKind::Artists] {
        show(
            &format!("groups {kind:?}, first time"),
            time(|| database.groups(kind, None, GroupSort::Name).len()).0,
        );
    }
}

fn commits(model: &mut Model, size: u32) {
    let mut number = 0;
    let mut commit = || {
        number += 1;
        let mut item = song(number * 7919 % size);
        item.track.title = format!("Retitled {number}").into();
        item.track.sort_title = Text::EMPTY;
        let seen = model.snapshot().revision();
        let batch = Batch::from_iter([put(item)]);
        let (took, _) = time(|| model.apply(batch).expect("it is right"));
        (took, seen, model.snapshot())
    };
    let (mut applying, mut asking, mut arranging) = (vec![], vec![], vec![]);
    for _ in 0..200 {
        let (took, seen, snapshot) = commit();
        applying.push(took);
        let database = snapshot.database(DB).expect("it was put");
        asking.push(
            time(|| match database.items_since(seen) {
                Delta::Known { changed, .. } => assert_eq!(changed.len(), 1),
                Delta::Unknown => panic!("it is the revision before"),
            })
            .0,
        );
        let page = || database.items().all().sorted(Sort::Title).page(Page::Between(0, 49)).len();
        arranging.push(time(page).0);
    }
    show("commit of one change, median", median(applying));
    show("delta of one change, median", median(asking));
    show("page by title after a commit, median", median(arranging));
}

fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = black_box(work());
    (start.elapsed(), result)
}

fn often(times: u32, work: impl Fn() -> usize) -> Duration {
    median((0..times).map(|_| time(&work).0).collect())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn show(what: &str, took: Duration) {
    println!("  {what:<44} {:>9.3} ms", took.as_secs_f64() * 1000.0);
}

/// What the process holds, in bytes.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
