//! What a catalog costs, from 100 to 1,000,000 items.
//!
//! `cargo run --release -p daap --example bench -- [ITEMS...]`
//!
//! The work is that of the benchmark of flask-daapserver, the framework that had this model first: one database; every
//! item in the base container, the even ones in a second, the odd ones in a third; commit; forget the history; list
//! everything. It is done twice: by the model alone, which is what is measured there, and through a [`Catalog`], which
//! also gives ids, finds what cannot be right, and keeps sounds. Then what a live share does all day: a commit of one
//! change, and the difference that it made. Each is measured in a process of its own, so that "peak" is the memory
//! of that alone (Linux only).

use std::process::Command;
use std::time::{Duration, Instant};

use daap::{
    Catalog, Container, ContainerContent, ContainerId, ContainerItem, ContainerKind, Custom,
    DatabaseId, Diff, ItemId, NewPlaylist, NewSong, PersistentId, Snapshot, Track, Usage,
};
use daap_model::{Batch, Edit, Model, NewContainer, NewItem};

/// Items that the model is given at once, as a store does that loads a library.
const AT_ONCE: u32 = 2_000;
/// How often a commit is measured.
const COMMITS: u32 = 200;
const SIZES: [u32; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--model", items] => return measure_model(items.parse()?),
        ["--catalog", items] => return measure_catalog(items.parse()?),
        _ => {}
    }
    let sizes =
        if arguments.is_empty() { SIZES.map(|size| size.to_string()).into() } else { arguments };
    println!("               items   build ms    list ms   peak MB  commit µs    diff µs");
    for size in sizes {
        for part in ["--model", "--catalog"] {
            Command::new(std::env::current_exe()?).args([part, &size]).status()?;
        }
    }
    Ok(())
}

fn measure_model(items: u32) -> Result<(), Failure> {
    let (took, model) = time(|| build_model(items));
    let snapshot = model?.snapshot();
    let (listing, listed) = time(|| list(&snapshot));
    assert_eq!(listed, items as usize * 3);
    println!("{}", row("model", items, took, listing));
    Ok(())
}

fn measure_catalog(items: u32) -> Result<(), Failure> {
    let (took, catalog) = time(|| build_catalog(items));
    let catalog = catalog?;
    let (listing, listed) = time(|| list(&catalog.snapshot()));
    assert_eq!(listed, items as usize * 3);
    let row = row("catalog", items, took, listing);
    let (commit, diff) = changes(&catalog, items)?;
    println!("{row} {:>10.1} {:>10.1}", ms(commit) * 1000.0, ms(diff) * 1000.0);
    Ok(())
}

fn row(what: &str, items: u32, built: Duration, listed: Duration) -> String {
    let peak = peak_memory().map_or("?".into(), |bytes| format!("{:.1}", bytes as f64 / 1e6));
    format!("{what:<9} {items:>10} {:>10.1} {:>10.1} {peak:>9}", ms(built), ms(listed))
}

/// The items, in three containers, as one revision without a past.
fn build_model(items: u32) -> Result<Model, Failure> {
    let database = DatabaseId::LOWEST;
    let mut model = Model::new("Bench");
    let persistent_id = PersistentId::new(1);
    let (common, mut batch) = (common(), Batch::new());
    batch.push(Edit::PutDatabase { id: database, persistent_id, name: "Bench".into() });
    for number in 0..items {
        let id = ItemId::new(number + 1).ok_or("too many items")?;
        let (track, usage, custom) = (track(&common, number), Usage::default(), Custom::NONE);
        let persistent_id = PersistentId::new(u64::from(number) + 1);
        let item = NewItem { id, persistent_id, track, usage, custom };
        batch.push(Edit::PutItem { database, item });
        if id.get().is_multiple_of(AT_ONCE) {
            model.apply(std::mem::take(&mut batch))?;
        }
    }
    for (number, name) in [(2, "Even"), (3, "Uneven")] {
        let items = (number - 1..=items).step_by(2).filter_map(ItemId::new).map(ContainerItem::of);
        let container = NewContainer {
            id: ContainerId::new(number).ok_or("an id")?,
            persistent_id: PersistentId::new(number.into()),
            name: name.into(),
            parent: None,
            editable: false,
            content: ContainerContent::Items(items.collect()),
        };
        batch.push(Edit::PutContainer { database, container });
    }
    model.apply(batch)?;
    model.forget(model.snapshot().revision());
    Ok(model)
}

/// The same as an author does it.
fn build_catalog(items: u32) -> Result<Catalog, Failure> {
    let catalog = Catalog::builder("Bench").keep(1).build();
    let mut changes = catalog.changes();
    let even = changes.add_container(Catalog::MAIN, NewPlaylist::named("Even"));
    let odd = changes.add_container(Catalog::MAIN, NewPlaylist::named("Uneven"));
    let common = common();
    for number in 0..items {
        let item = changes.add_item(Catalog::MAIN, NewSong::new(track(&common, number)));
        let list = if number.is_multiple_of(2) { even } else { odd };
        changes.append(Catalog::MAIN, list, item);
    }
    catalog.commit(changes)?;
    catalog.forget(catalog.snapshot().revision());
    Ok(catalog)
}

/// What all items have in common: texts are shared, as the strings of the other benchmark are.
fn common() -> Track {
    let (artist, album) = ("SubDaap".into(), "RevisionServer".into());
    Track { artist, album, bitrate_kbps: 320, year: 2014, ..Track::default() }
}

fn track(common: &Track, number: u32) -> Track {
    Track { title: format!("Item {number}").into(), duration_ms: number, ..common.clone() }
}

/// Goes over every item, and over the container items of every container; how many that were. The base container's are
/// its items.
fn list(snapshot: &Snapshot) -> usize {
    let database = snapshot.databases().next().expect("it is there from the beginning");
    let items = || database.items().iter().filter(|item| !item.track.title.is_empty()).count();
    let container_items = |container: &Container| match container.kind() {
        ContainerKind::Base => items(),
        _ => container.playlist().iter().filter(|entry| entry.item.get() > 0).count(),
    };
    let containers = database.containers().iter().map(|container| container_items(container));
    items() + containers.sum::<usize>()
}

/// Retitles a song, many times; the medians of the commit and of the difference it makes.
fn changes(catalog: &Catalog, items: u32) -> Result<(Duration, Duration), Failure> {
    let (mut commits, mut diffs) = (Vec::new(), Vec::new());
    let ids: Vec<ItemId> = {
        let snapshot = catalog.snapshot();
        let database = snapshot.database(Catalog::MAIN).ok_or("no database")?;
        database.items().iter().map(|item| item.id).collect()
    };
    for number in 0..COMMITS {
        let item = ids[(number * 7919 % items) as usize];
        let before = catalog.snapshot();
        let mut changes = catalog.changes();
        changes.change_item(Catalog::MAIN, item, move |song| {
            song.track.title = format!("Retitled {number}").into();
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
