//! Runs one hot path so many times: `hot_path NAME SONGS TIMES`.
//!
//! To count its instructions, or to profile it: what differs between two runs with other `TIMES` is the path alone.

use std::process::ExitCode;

use bench::{DATABASE, ask, item, put};
use daap_model::{Batch, Model, Snapshot};
use daap_proto::Request;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, songs, times] = &arguments[..] else { return usage() };
    let (Ok(songs), Ok(times)) = (songs.parse(), times.parse()) else { return usage() };
    let mut model = bench::model(songs);
    let snapshot = model.snapshot();
    let mut path: Box<dyn FnMut(u32)> = match name.as_str() {
        "encode" => asking(&snapshot, bench::full_listing()),
        "album" => asking(&snapshot, bench::album(some_album(&snapshot))),
        "parse" => Box::new(|_| {
            Request::parse(&bench::full_listing()).expect("a request");
        }),
        "commit" => Box::new(move |time| commit(&mut model, time, songs)),
        _ => return usage(),
    };
    // What is made once is made before.
    path(0);
    (1..=times).for_each(path);
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("hot_path encode|album|parse|commit SONGS TIMES");
    ExitCode::from(2)
}

fn asking(snapshot: &Snapshot, target: String) -> Box<dyn FnMut(u32) + '_> {
    Box::new(move |_| ask(snapshot, &target).for_each(drop))
}

fn some_album(snapshot: &Snapshot) -> u64 {
    let items = snapshot.database(DATABASE).expect("it was put").items();
    items.iter().next().expect("there are songs").album_id.get()
}

fn commit(model: &mut Model, time: u32, songs: u32) {
    let mut changed = item(time.wrapping_mul(7919) % songs);
    changed.track.title = format!("Retitled {time}").into();
    model.apply(Batch::from_iter([put(changed)])).expect("a change");
}
