//! Measures a library of a size on disk: `store_figures SONGS [RUNS]`.
//!
//! Saves so many songs, then starts from them, to the last byte of a complete listing. Prints a line of JSON a
//! figure. The file lies in the folder for temporary files.

use std::path::Path;

use bench::{ask, figure, full_listing, item, milliseconds, timed};
use library::{
    Library, MemorySource, NextIds, Persist, Row, SongRow, SourceId, SourceRow, Stamp, Transaction,
};
use store::Store;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Songs in a transaction.
const BATCH: u32 = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let songs: u32 = arguments.next().unwrap_or(100_000);
    let runs = arguments.next().unwrap_or(5);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("library.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;

    let source = first_source(&path, &runtime)?;
    let (took, saved) = timed(|| save(&path, source, songs));
    saved?;
    figure("save", "songs/s", &[f64::from(songs) / took.as_secs_f64()]);
    figure("file", "B", &[std::fs::metadata(&path)?.len() as f64 / f64::from(songs)]);
    let mut restarts = Vec::new();
    for _ in 0..runs.max(1) {
        let (took, library) = timed(|| -> Result<_, Box<dyn std::error::Error>> {
            let library = runtime.block_on(start(&path)?)?;
            ask(&library.snapshot(), &full_listing()).for_each(drop);
            Ok(library)
        });
        restarts.push(milliseconds(took));
        let library = library?;
        let listed: usize = library.snapshot().databases().map(|d| d.items().len()).sum();
        if listed != songs as usize {
            return Err(format!("{listed} songs came back of {songs}").into());
        }
        runtime.block_on(library.shutdown());
    }
    figure("restart", "ms", &restarts);
    Ok(())
}

type Starting = std::pin::Pin<Box<dyn Future<Output = Result<Library, library::StartError>>>>;

/// A library from the file, with one source that is silent.
fn start(path: &Path) -> Result<Starting, store::StoreError> {
    let builder = Library::builder("Bench").persist(Store::open(path)?);
    Ok(Box::pin(builder.source("bench", MemorySource::new()).start()))
}

/// Makes the file, and gives the source that the songs will refer to.
fn first_source(path: &Path, runtime: &Runtime) -> Result<SourceId, Box<dyn std::error::Error>> {
    let library = runtime.block_on(start(path)?)?;
    runtime.block_on(library.shutdown());
    let mut sources = Vec::new();
    Store::open(path)?.load(&mut |row| {
        if let Row::Source(SourceRow { id, .. }) = row {
            sources.push(id);
        }
    })?;
    sources.first().copied().ok_or_else(|| "the library has no source".into())
}

fn save(path: &Path, source: SourceId, songs: u32) -> Result<(), Box<dyn std::error::Error>> {
    let mut store = Store::open(path)?;
    let next = NextIds { item: songs + 1, ..NextIds::default() };
    for first in (0..songs).step_by(BATCH as usize) {
        let rows = (first..songs.min(first + BATCH)).map(|number| row(number, source));
        let songs = rows.map(|row| (row.id, Some(Box::new(row)))).collect();
        store.save(&Transaction { songs, next, ..Transaction::default() })?;
    }
    store.close()?;
    Ok(())
}

fn row(number: u32, source: SourceId) -> SongRow {
    let item = item(number);
    let key = format!(
        "{}/{}/{:02} {}.mp3",
        item.track.artist,
        item.track.album,
        number % 10,
        item.track.title
    );
    SongRow {
        id: item.id,
        persistent_id: item.persistent_id,
        source,
        key: key.as_str().into(),
        stamp: Stamp {
            size: item.track.size,
            modified_ns: 1_700_000_000_000_000_000,
            file: u64::from(number),
        },
        away_since: None,
        track: item.track,
        usage: item.usage,
    }
}
