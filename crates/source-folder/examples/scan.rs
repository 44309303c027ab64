//! Prints what a folder's songs are taken for, one line each, as a library would be told.
//!
//! ```text
//! cargo run -p source-folder --example scan -- ~/Music
//! ```
//!
//! The columns are key, title, artist, album, track, milliseconds, codec and whether there is a picture,
//! with tabs between. Files that are left out are named on standard error, with the reason.

use std::env;
use std::io::{self, Write};
use std::time::Instant;

use library::{Change, Known, Report, Source, Told};
use source_folder::{FolderConfig, FolderSource};

fn main() -> io::Result<()> {
    let Some(root) = env::args_os().nth(1) else {
        return Err(io::Error::other("usage: scan FOLDER"));
    };
    tracing_subscriber::fmt().with_writer(io::stderr).with_max_level(tracing::Level::WARN).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(scan(FolderSource::new(FolderConfig::new(root))))
}

async fn scan(source: FolderSource) -> io::Result<()> {
    let began = Instant::now();
    let (report, mut listener) = Report::channel(1024);
    let running = tokio::spawn(async move { source.run(report).await });
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut songs = 0;
    while let Some(told) = listener.next().await {
        match told {
            Told::Known(answer) => drop(answer.send(Known::default())),
            Told::Change(Change::Song { key, track, .. }) => {
                songs += 1;
                let picture = if track.has_artwork { "picture" } else { "" };
                writeln!(
                    out,
                    "{key}\t{}\t{}\t{}\t{}\t{}\t{:?}\t{picture}",
                    track.title,
                    track.artist,
                    track.album,
                    track.track,
                    track.duration_ms,
                    track.codec
                )?;
            }
            Told::Settled(answer) => {
                let _ = answer.send(());
                listener.stop();
            }
            _ => {}
        }
    }
    out.flush()?;
    let took = began.elapsed().as_secs_f64();
    eprintln!("{songs} songs in {took:.2} s, {:.0} a second", f64::from(songs) / took);
    running.await.map_err(io::Error::other)?.map_err(io::Error::other)
}
