//! What is left when the program is killed in the middle of a scan.
// A test that cannot go on has failed, in its helpers too.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use daap_model::{Snapshot, Track};
use library::{
    Artwork, ArtworkSize, Change, Content, Library, Report, Source, SourceError, SourceFuture,
    SourceKey, Stamp,
};
use store::Store;

const SONGS: u32 = 10_000;
/// Where the child keeps its library.
const PLACE: &str = "DAPPLE_TEST_PLACE";
/// How much the child has to show before it is killed.
const ENOUGH: usize = 3_000;

/// Reports ten thousand songs, as a scan does.
struct Scan;

impl Source for Scan {
    fn run(&self, report: Report) -> SourceFuture<'_, Result<(), SourceError>> {
        Box::pin(async move {
            let Ok(known) = report.known().await else { return Ok(()) };
            for number in 0..SONGS {
                let key = SourceKey::from(format!("{number}.flac").as_str());
                let title = format!("Song {number}");
                let track = Box::new(Track { title: title.as_str().into(), ..Track::default() });
                let stamp = Stamp { size: number.into(), ..Stamp::default() };
                if known.songs.get(&key) == Some(&stamp) {
                    continue;
                }
                let told = report.change(Change::Song { key, stamp, track }).await;
                // Often saved, so that the kill comes between two of many saves, or in one.
                let saved = if number % 500 == 0 { report.settled().await } else { Ok(()) };
                if told.and(saved).is_err() {
                    return Ok(());
                }
            }
            let _ = report.settled().await;
            report.stopped().await;
            Ok(())
        })
    }

    fn open(&self, key: SourceKey) -> SourceFuture<'_, Result<Content, SourceError>> {
        Box::pin(async { Err(SourceError::NotThere(key)) })
    }

    fn artwork(
        &self,
        key: SourceKey,
        _: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, SourceError>> {
        Box::pin(async { Err(SourceError::NotThere(key)) })
    }
}

async fn start(place: &Path) -> Library {
    let store = Store::open(&place.join("library.db")).unwrap();
    Library::builder("Home").persist(store).source("scan", Scan).start().await.unwrap()
}

/// By title, the ids of the songs that can be seen.
fn seen(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let items = snapshot.databases().flat_map(|database| database.items().iter());
    items.map(|i| (i.track.title.to_string(), format!("{} {}", i.id, i.persistent_id))).collect()
}

/// The part that is killed: shows what it has, as far as it is new.
async fn show_for_ever(place: &Path) {
    let library = start(place).await;
    let mut snapshots = library.watch();
    let mut shown = 0;
    loop {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let mut out = std::io::stdout().lock();
        for (title, ids) in seen(&snapshot) {
            shown += 1;
            writeln!(out, "seen {title}={ids}").unwrap();
        }
        writeln!(out, "shown {shown}").unwrap();
        drop(out);
        snapshots.changed().await.unwrap();
    }
}

/// Not a test of its own: what the test below starts and kills.
#[test]
#[ignore = "the test that needs it starts it"]
fn child() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(show_for_ever(Path::new(&place)));
}

/// Runs the child until it has shown enough, kills it, and returns what it showed.
fn run_and_kill(place: &Path) -> BTreeMap<String, String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = BTreeMap::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((title, ids)) = line.strip_prefix("seen ").and_then(|row| row.split_once('=')) {
            shown.insert(title.to_owned(), ids.to_owned());
        }
        if line.starts_with("shown") && shown.len() >= ENOUGH {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    shown
}

#[tokio::test]
async fn what_was_seen_before_a_kill_is_there_after_it_with_the_same_ids() {
    let folder = tempfile::tempdir().unwrap();
    let shown = run_and_kill(folder.path());
    assert!(shown.len() >= ENOUGH);

    let library = start(folder.path()).await;
    let kept = seen(&library.snapshot());
    for (title, ids) in &shown {
        assert_eq!(kept.get(title), Some(ids), "{title}");
    }
    let mut snapshots = library.watch();
    let complete = snapshots.wait_for(|now| seen(now).len() == SONGS as usize);
    let all = seen(&complete.await.unwrap());
    assert!(kept.iter().all(|row| all.get(row.0) == Some(row.1)));
    let mut ids: Vec<_> = all.values().collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), SONGS as usize);
    library.shutdown().await;
}
