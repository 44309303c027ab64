//! The model: filter, sort, browse, groups, commit, delta. `BENCH_SONGS` says how many songs.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::{DATABASE, item, put};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use daap_model::*;

fn songs() -> u32 {
    std::env::var("BENCH_SONGS").ok().and_then(|songs| songs.parse().ok()).unwrap_or(100_000)
}

fn filters(c: &mut Criterion) {
    let snapshot = bench::model(songs()).snapshot();
    let items = snapshot.database(DATABASE).expect("it was put").items();
    let some = items.iter().nth(items.len() / 2).expect("there are songs").clone();
    let number = |field, value| Filter::Number(field, NumberTest::Equals(value));
    let text = |field, text: &Text| Filter::Text(field, TextTest::Equals(text.clone()));
    let ids = items.iter().step_by(items.len().div_ceil(100));
    let ids = ids.map(|item| number(NumberField::Id, u64::from(item.id.get()))).collect();
    let contains = Filter::Text(TextField::Name, TextTest::Contains(Folded::new("silver")));
    let mut group = c.benchmark_group("filter");
    for (name, filter) in [
        ("album id", number(NumberField::AlbumId, some.album_id.get())),
        ("album", text(TextField::Album, &some.track.album)),
        ("artist id", number(NumberField::ArtistId, some.artist_id.get())),
        ("artist", text(TextField::Artist, &some.track.artist)),
        ("genre", text(TextField::Genre, &some.track.genre)),
        ("100 ids", Filter::Or(ids)),
        ("title contains", contains),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| items.matching(&filter).sorted(Sort::Album).page(Page::Between(0, 49)).len());
        });
    }
}

/// What the first one who asks pays after a change.
fn after_a_commit(c: &mut Criterion) {
    let mut model = bench::model(songs());
    let mut number = 0;
    let mut group = c.benchmark_group("after a commit");
    group.sample_size(20);
    let mut measure = |name: String, ask: &dyn Fn(&Database) -> usize| {
        group.bench_function(name, |b| {
            b.iter_batched(
                || changed(&mut model, &mut number),
                |snapshot| ask(snapshot.database(DATABASE).expect("it was put")),
                BatchSize::PerIteration,
            );
        });
    };
    for sort in Sort::ALL {
        let page = Page::Between(0, 49);
        measure(format!("page by {sort:?}"), &|d| d.items().all().sorted(sort).page(page).len());
    }
    for browse in Browse::ALL {
        measure(format!("browse {browse:?}"), &|d| d.browse(browse, None).len());
    }
    for kind in [GroupKind::Albums, GroupKind::Artists] {
        measure(format!("groups {kind:?}"), &|d| d.groups(kind, None, GroupSort::Name).len());
    }
}

fn commits(c: &mut Criterion) {
    let mut model = bench::model(songs());
    let mut number = 0;
    let mut group = c.benchmark_group("commit");
    group.bench_function("one change", |b| {
        b.iter_custom(|times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                let batch = next_change(&mut number);
                let start = Instant::now();
                black_box(model.apply(batch).expect("a change"));
                took += start.elapsed();
            }
            took
        });
    });
    group.bench_function("one change, told as a delta", |b| {
        b.iter_batched(
            || {
                let seen = model.snapshot().revision();
                (seen, changed(&mut model, &mut number))
            },
            |(seen, snapshot)| snapshot.database(DATABASE).expect("it was put").items_since(seen),
            BatchSize::PerIteration,
        );
    });
}

/// The snapshot after one more change.
fn changed(model: &mut Model, number: &mut u32) -> Arc<Snapshot> {
    model.apply(next_change(number)).expect("a change");
    model.snapshot()
}

/// A song gets a title that it never had.
fn next_change(number: &mut u32) -> Batch {
    *number += 1;
    let mut item = item(number.wrapping_mul(7919) % songs());
    item.track.title = format!("Retitled {number}").into();
    item.track.sort_title = Text::EMPTY;
    Batch::from_iter([put(item)])
}

criterion_group!(benches, filters, after_a_commit, commits);
criterion_main!(benches);
