//! The protocol: requests read, listings encoded and decoded. `BENCH_SONGS` says how many songs.

use std::hint::black_box;

use bench::{DATABASE, ask};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use daap_proto::{Query, Request};
use dmap::Element;

fn songs() -> u32 {
    std::env::var("BENCH_SONGS").ok().and_then(|songs| songs.parse().ok()).unwrap_or(100_000)
}

fn requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    let listing = format!("{}&session-id=7&revision-number=3", bench::full_listing());
    group.bench_function("request for all songs", |b| {
        b.iter(|| Request::parse(black_box(&listing)).expect("a request"));
    });
    let album = "('daap.songalbumid:1234567890123456789'+('com.apple.itunes.mediakind:1',\
        'com.apple.itunes.mediakind:32')+'dmap.itemname!:')";
    let ids: Vec<String> = (1..=100).map(|id| format!("'dmap.itemid:{id}'")).collect();
    for (name, query) in
        [("query of a Remote", album.to_owned()), ("query of 100 ids", ids.join(","))]
    {
        group.bench_function(name, |b| {
            b.iter(|| Query::parse(black_box(&query)).expect("a query").to_filter());
        });
    }
}

fn listings(c: &mut Criterion) {
    let snapshot = bench::model(songs()).snapshot();
    let some = snapshot.database(DATABASE).expect("it was put").items().iter().nth(5);
    let album = bench::album(some.expect("there are songs").album_id.get());
    let mut group = c.benchmark_group("encode");
    group.sample_size(20);
    for (name, target) in [
        ("all songs, 30 fields", bench::full_listing()),
        ("all songs, default fields", "/databases/1/items".to_owned()),
        ("all ids of the base playlist", "/databases/1/containers/1/items".to_owned()),
        ("one album", album),
        ("page by name", bench::first_page()),
        ("artists", "/databases/1/browse/artists".to_owned()),
    ] {
        group.throughput(Throughput::Bytes(ask(&snapshot, &target).length()));
        group.bench_function(name, |b| b.iter(|| ask(&snapshot, &target).for_each(drop)));
    }
}

fn decode(c: &mut Criterion) {
    // As large as a client's page, not as a library: the decoder's time is linear, its memory is not the point.
    let reply = ask(&bench::model(1000).snapshot(), &bench::full_listing());
    let bytes: Vec<u8> = reply.flatten().collect();
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("1,000 songs, 30 fields", |b| {
        b.iter(|| Element::decode(black_box(&bytes)).expect("what we encode"));
    });
}

criterion_group!(benches, requests, listings, decode);
criterion_main!(benches);
