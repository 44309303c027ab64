//! Measures a model of a size in a process of its own: `model_figures SONGS [RUNS]`.
//!
//! Prints a line of JSON a figure. Memory is what the kernel says the process holds, so it counts what the
//! allocator keeps; the allocator is the one that `dapple` has.

use bench::{DATABASE, ask, figure, item, milliseconds, put, timed};
use daap_model::{Batch, Browse, GroupKind, GroupSort, Model, Snapshot, Sort, Text};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often a change is committed; the first of them make room for the others.
const COMMITS: u32 = 200;

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let songs: u32 = arguments.next().unwrap_or(100_000);
    let runs = arguments.next().unwrap_or(5);

    let before = bench::resident_memory();
    let (took, mut model) = timed(|| bench::model(songs));
    figure("build", "songs/s", &[f64::from(songs) / took.as_secs_f64()]);
    let a_song = |now: Option<u64>| -> Vec<f64> {
        let held = before.zip(now).map(|(before, now)| now.saturating_sub(before) as f64);
        held.map(|held| held / f64::from(songs)).into_iter().collect()
    };
    figure("memory", "B", &a_song(bench::resident_memory()));
    requests(&model.snapshot(), runs);
    orders(&model.snapshot());
    commits(&mut model, songs);
    figure("peak", "B", &a_song(bench::peak_memory()));
}

/// What clients ask of a server, without the server: the first time, when what is kept is made, and after.
fn requests(snapshot: &Snapshot, runs: u32) {
    let database = snapshot.database(DATABASE).expect("it was put");
    let some = database.items().iter().nth(database.items().len() / 2).expect("there are songs");
    for (name, target) in [
        ("listing", bench::full_listing()),
        ("album", bench::album(some.album_id.get())),
        ("page", bench::first_page()),
        ("search", bench::search()),
        ("browse", "/databases/1/browse/artists".to_owned()),
    ] {
        let (first_chunk, all) = answer(snapshot, &target);
        figure(&format!("{name}.cold.first_chunk"), "ms", &[first_chunk]);
        figure(&format!("{name}.cold"), "ms", &[all]);
        let again = (0..runs.max(1)).map(|_| answer(snapshot, &target));
        let (first_chunks, all): (Vec<f64>, Vec<f64>) = again.unzip();
        figure(&format!("{name}.first_chunk"), "ms", &first_chunks);
        figure(name, "ms", &all);
    }
}

/// Milliseconds until the first chunk is there, and until all are.
fn answer(snapshot: &Snapshot, target: &str) -> (f64, f64) {
    let (all, first) = timed(|| {
        let (first, mut reply) = timed(|| {
            let mut reply = ask(snapshot, target);
            reply.next();
            reply
        });
        reply.by_ref().for_each(drop);
        first
    });
    (milliseconds(first), milliseconds(all))
}

/// Every order and list that a snapshot keeps once it is asked for.
fn orders(snapshot: &Snapshot) {
    let database = snapshot.database(DATABASE).expect("it was put");
    let (took, _) = timed(|| {
        let sorted = Sort::ALL.map(|sort| database.items().all().sorted(sort).rows());
        let names = Browse::ALL.map(|browse| database.browse(browse, None));
        let groups = [GroupKind::Albums, GroupKind::Artists]
            .map(|kind| database.groups(kind, None, GroupSort::Name));
        (sorted, names, groups)
    });
    figure("orders", "ms", &[milliseconds(took)]);
}

/// One change after the other, and what a client that had seen all but the last is told.
fn commits(model: &mut Model, songs: u32) {
    let (mut commits, mut deltas, mut pages) = (vec![], vec![], vec![]);
    for number in 1..=COMMITS {
        let mut changed = item(number * 7919 % songs);
        changed.track.title = format!("Retitled {number}").into();
        changed.track.sort_title = Text::EMPTY;
        let seen = model.snapshot().revision();
        let batch = Batch::from_iter([put(changed)]);
        commits.push(milliseconds(timed(|| model.apply(batch).expect("a change")).0));
        let snapshot = model.snapshot();
        let asked = bench::delta(seen.get(), snapshot.revision().get());
        deltas.push(milliseconds(timed(|| ask(&snapshot, &asked).count()).0));
        let page = bench::first_page();
        pages.push(milliseconds(timed(|| ask(&snapshot, &page).count()).0));
    }
    figure("commit", "ms", &commits);
    figure("delta", "ms", &deltas);
    figure("page_after_commit", "ms", &pages);
}
