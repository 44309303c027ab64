//! What a catalog costs, from 100 to 1,000,000 items.
//!
//! `cargo run --release -p daap --example bench -- [ITEMS...]`
//!
//! The work is that of the benchmark of flask-daapserver, the framework that had this model first: one database; every
//! item in the base container, the even ones in a second, the odd ones in a third; commit, here in parts; forget the
//! history; list everything. Then what a live share does all day: a commit of one change, and the difference that it made.
//! Each size is measured in a process of its own, so that "peak" is the memory of that size alone (Linux only).

use std::process::Command;
use std::time::{Duration, Instant};

use daap::{Catalog, Diff, ItemId, NewPlaylist, NewSong, Track};

/// Items that are committed at once. Whoever adds a great many does so in parts, as what is to be committed takes
/// memory too.
const AT_ONCE: u32 = 5_000;
/// How often a commit is measured.
const COMMITS: u32 = 200;
const SIZES: [u32; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, items] = &arguments[..]
        && flag == "--one"
    {
        return measure(items.parse()?);
    }
    let sizes =
        if arguments.is_empty() { SIZES.map(|size| size.to_string()).into() } else { arguments };
    println!(
        "    items   build ms    list ms   peak MB  commit µs    diff µs  (medians of {COMMITS})"
    );
    for size in sizes {
        Command::new(std::env::current_exe()?).args(["--one", &size]).status()?;
    }
    Ok(())
}

fn measure(items: u32) -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let catalog = build(items)?;
    let built = begun.elapsed();
    let (listing, listed) = time(|| list(&catalog));
    assert_eq!(listed, items as usize * 3);
    let peak = peak_memory();
    let (commit, diff) = changes(&catalog, items)?;
    println!(
        "{items:>9} {:>10.1} {:>10.1} {:>9} {:>10.1} {:>10.1}",
        ms(built),
        ms(listing),
        peak.map_or("?".into(), |bytes| format!("{:.1}", bytes as f64 / 1e6)),
        ms(commit) * 1000.0,
        ms(diff) * 1000.0,
    );
    Ok(())
}

/// The items, in three containers, without a past.
fn build(items: u32) -> Result<Catalog, Box<dyn std::error::Error>> {
    let catalog = Catalog::builder("Bench").keep(1).build();
    let database = Catalog::MAIN;
    let mut changes = catalog.changes();
    let even = changes.add_container(database, NewPlaylist::named("Even"));
    let odd = changes.add_container(database, NewPlaylist::named("Uneven"));
    for number in 0..items {
        if number.is_multiple_of(AT_ONCE) {
            catalog.commit(std::mem::replace(&mut changes, catalog.changes()))?;
        }
        let item = changes.add_item(database, NewSong::new(track(number, "Item")));
        changes.append(database, if number.is_multiple_of(2) { even } else { odd }, item);
    }
    catalog.commit(changes)?;
    catalog.forget(catalog.snapshot().revision());
    Ok(catalog)
}

fn track(number: u32, word: &str) -> Track {
    Track {
        title: format!("{word} {number}").into(),
        artist: "SubDaap".into(),
        album: "RevisionServer".into(),
        duration_ms: number,
        bitrate_kbps: 320,
        year: 2014,
        ..Track::default()
    }
}

/// Goes over every item, and over the entries of every container; how many that were.
fn list(catalog: &Catalog) -> usize {
    let snapshot = catalog.snapshot();
    let database = snapshot.database(Catalog::MAIN).expect("it is there from the beginning");
    let titled = database.items().iter().filter(|item| !item.track.title.is_empty()).count();
    let entries =
        database.containers().iter().filter_map(|container| database.entries(container.id));
    titled + entries.map(|entries| entries.rows().iter().count()).sum::<usize>()
}

/// Retitles a song, many times; the medians of the commit and of the difference it makes.
fn changes(
    catalog: &Catalog,
    items: u32,
) -> Result<(Duration, Duration), Box<dyn std::error::Error>> {
    let (mut commits, mut diffs) = (Vec::new(), Vec::new());
    for number in 0..COMMITS {
        let item = ItemId::new(number * 7919 % items + 1).ok_or("no such id")?;
        let before = catalog.snapshot();
        let mut changes = catalog.changes();
        changes.change_item(Catalog::MAIN, item, move |song| {
            song.track.title = format!("Retitled {number}").into()
        });
        let (took, committed) = time(|| catalog.commit(changes));
        committed?;
        commits.push(took);
        let after = catalog.snapshot();
        diffs.push(time(|| Diff::between(&before, &after)).0);
    }
    Ok((median(commits), median(diffs)))
}

fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let result = std::hint::black_box(work());
    (begun.elapsed(), result)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The most memory that this process ever had, in bytes.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
