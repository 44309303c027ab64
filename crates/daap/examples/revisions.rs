//! Revisions, to watch: songs come, change and go at random, and every client follows.
//!
//! `cargo run -p daap --example revisions -- ADDRESS:PORT [MILLISECONDS [CHANGES]]`
//!
//! Open the share in a player, or with `curl` hold `/update`, and see the list move. It prints what each
//! revision brought by comparing it with the one before. After CHANGES changes it waits to be stopped.

use std::time::Duration;

use daap::{
    Catalog, Changes, ContainerId, Diff, ItemId, NewPlaylist, NewSong, Revision, Server, Track,
};
use rand::RngExt;

/// The least and the most songs.
const SONGS: std::ops::Range<usize> = 3..40;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("which address?")?.parse()?;
    let pause = Duration::from_millis(arguments.next().map_or(Ok(1000), |pause| pause.parse())?);
    let changes: u64 = arguments.next().map_or(Ok(u64::MAX), |changes| changes.parse())?;

    let catalog = Catalog::new("Revisions");
    let mut begin = catalog.changes();
    let playlist = begin.add_container(Catalog::MAIN, NewPlaylist::named("Every other song"));
    catalog.commit(begin)?;

    let server = Server::builder(catalog.clone()).bind(&[address]).await?;
    println!("listening on http://{} (Revisions)", server.addresses()[0]);
    let changing = tokio::spawn(async move {
        for number in 0..changes {
            tokio::time::sleep(pause).await;
            let before = catalog.snapshot().revision();
            match catalog.commit(any_change(&catalog, playlist, number)) {
                Ok(Some(revision)) => print_difference(&catalog, before, revision),
                Ok(None) => println!("nothing is different"),
                Err(error) => println!("refused: {error}"),
            }
        }
        println!("done at revision {}", catalog.snapshot().revision());
    });
    server.run(daap::interrupted()).await;
    changing.abort();
    Ok(())
}

/// Adds a song, or changes or removes one of those that are there.
fn any_change(catalog: &Catalog, playlist: ContainerId, number: u64) -> Changes {
    let (snapshot, database) = (catalog.snapshot(), Catalog::MAIN);
    let songs: Vec<ItemId> = snapshot
        .database(database)
        .map(|database| database.items().iter().map(|item| item.id).collect())
        .unwrap_or_default();
    let mut random = rand::rng();
    let mut changes = catalog.changes();
    let what = if songs.len() < SONGS.start { 0 } else { random.random_range(0..3) };
    if what == 0 && songs.len() < SONGS.end {
        let title = format!("Song {number}");
        let song = changes.add_item(database, NewSong::new(titled(&title)).bytes(title));
        if number.is_multiple_of(2) {
            changes.append(database, playlist, song);
        }
        return changes;
    }
    let song = songs[random.random_range(0..songs.len())];
    match what {
        1 => changes.change_item(database, song, move |song| {
            song.track.title = format!("Song {number}, was {}", song.track.title).into();
        }),
        _ => changes.remove_item(database, song),
    }
    changes
}

fn titled(title: &str) -> Track {
    Track { title: title.into(), artist: "Chance".into(), ..Track::default() }
}

fn print_difference(catalog: &Catalog, before: Revision, after: Revision) {
    let (Some(old), Some(new)) = (catalog.at(before), catalog.at(after)) else { return };
    for database in Diff::between(&old, &new).databases.changed {
        for song in &database.items.added {
            println!("revision {after}: {} came", song.track.title);
        }
        for song in &database.items.removed {
            println!("revision {after}: {} went", song.track.title);
        }
        for song in &database.items.changed {
            println!(
                "revision {after}: {} is now {}",
                song.before.track.title, song.after.track.title
            );
        }
    }
}
