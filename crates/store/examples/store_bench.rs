//! Times loading and saving: `cargo run --release -p store --example store_bench -- 100000`.

use std::time::{Duration, Instant};

use daap_model::{ItemId, PersistentId, Text, Track, Usage};
use library::{
    Library, MemorySource, NextIds, Persist, Row, SongRow, SourceId, SourceRow, Stamp, Transaction,
};
use store::Store;

const BATCH: u32 = 10_000;

/// Takes the time, and on Linux the processor time: on a busy machine only that says anything.
struct Watch(Instant, Duration);

impl Watch {
    fn start() -> Self {
        Self(Instant::now(), cpu())
    }

    fn say(&self, what: &str) {
        println!("{what}: {:.1?} ({:.1?} of processor time)", self.0.elapsed(), cpu() - self.1);
    }
}

/// Processor time of all threads, those that have ended too, in steps of a hundredth of a second.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    // In user mode and in the kernel, the 14th and 15th; the two before the bracket are cut off.
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let songs: u32 = std::env::args().nth(1).map_or(Ok(100_000), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("library.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;

    // A library with one source, so that the rows have something to refer to.
    let begin = |store| {
        let builder = Library::builder("Bench").persist(store).source("bench", MemorySource::new());
        runtime.block_on(builder.start())
    };
    let library = begin(Store::open(&path)?)?;
    runtime.block_on(library.shutdown());

    let mut store = Store::open(&path)?;
    let mut sources = Vec::new();
    store.load(&mut |row| {
        if let Row::Source(SourceRow { id, .. }) = row {
            sources.push(id);
        }
    })?;
    let watch = Watch::start();
    for first in (1..=songs).step_by(BATCH as usize) {
        let rows = (first..(first + BATCH).min(songs + 1)).map(|n| song(n, sources[0]));
        let songs_of_batch = rows.map(|row| (row.id, Some(Box::new(row)))).collect();
        let next = NextIds { item: songs + 1, ..NextIds::default() };
        store.save(&Transaction { songs: songs_of_batch, next, ..Transaction::default() })?;
    }
    watch.say(&format!("save {songs} songs"));
    let watch = Watch::start();
    let one = song(1, sources[0]);
    let next = NextIds { item: songs + 1, ..NextIds::default() };
    let usage = Usage { rating: 80, ..one.usage };
    let row = SongRow { usage, ..one };
    let songs_of_batch = [(row.id, Some(Box::new(row)))].into();
    store.save(&Transaction { songs: songs_of_batch, next, ..Transaction::default() })?;
    watch.say("save 1 song");
    store.close()?;
    drop(store);
    println!("file: {} bytes", std::fs::metadata(&path)?.len());

    let watch = Watch::start();
    let mut store = Store::open(&path)?;
    watch.say("open");
    let watch = Watch::start();
    let mut rows = 0_u64;
    store.load(&mut |_| rows += 1)?;
    watch.say(&format!("load {rows} rows"));
    drop(store);

    let watch = Watch::start();
    let library = begin(Store::open(&path)?)?;
    let listed =
        library.snapshot().databases().map(|database| database.items().len()).sum::<usize>();
    watch.say(&format!("start a library with {listed} songs"));
    Ok(())
}

/// A song with every field in use, twelve to an album, ten albums to an artist.
fn song(number: u32, source: SourceId) -> SongRow {
    let (album, artist) = (number / 12, number / 120);
    let text = |text: String| Text::from(text);
    let artist_name = format!("The Artist Number {artist}");
    let album_name = format!("An Album With the Number {album}");
    let path = format!("{artist_name}/{album_name}/{:02} Some Title of {number}.flac", number % 12);
    let track = Track {
        title: text(format!("Some Title of {number}")),
        artist: text(artist_name.clone()),
        album_artist: text(artist_name.clone()),
        album: text(album_name.clone()),
        genre: text(format!("Genre {}", number % 20)),
        composer: text(format!("Composer {}", number % 500)),
        comment: text("Ripped with care".into()),
        sort_artist: text(format!("Artist Number {artist}, The")),
        sort_album: text(format!("Album With the Number {album}, An")),
        format: text("flac".into()),
        track: (number % 12) as u16,
        track_count: 12,
        disc: 1,
        disc_count: 1,
        year: 1973,
        duration_ms: 240_000,
        size: 30_000_000,
        bitrate_kbps: 950,
        sample_rate: 44_100,
        has_artwork: true,
        ..Track::default()
    };
    SongRow {
        id: ItemId::new(number).expect("a small number above 0"),
        persistent_id: PersistentId::new(u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        source,
        key: path.as_str().into(),
        stamp: Stamp { size: 30_000_000, modified_ns: 1_700_000_000_000_000_000, file: 42 },
        away_since: None,
        track,
        usage: Usage { play_count: 3, ..Usage::default() },
    }
}
