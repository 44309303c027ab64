//! `dapple watch`: what changes on a share, as it happens.

use std::io::{self, Write};
use std::pin::pin;
use std::sync::Arc;

use anyhow::bail;
use daap_client::{Link, Mirror};
use daap_model::{Container, ContainerDiff, ContainerKind, Database, Diff, Item, Snapshot};
use daap_proto::{ShareTarget, ShareUrl};
use futures_util::StreamExt as _;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::Outcome;
use crate::share::{Access, advised};
use crate::terminal::{self, printable};

/// Print what changes on a share, as it happens
///
/// One line a change, with tabs between: + for what is new, ~ for what is changed, - for what is gone; then song, playlist or
/// database; its id, and what it is now. Standard error says when the server is lost and back; what changed meanwhile is
/// printed then. Goes on until interrupted.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  dapple watch nas.local
  dapple watch daap://nas.local/ --json | jq --unbuffered -r 'select(.event == \"added\") | .title'")]
pub(crate) struct Args {
    /// The share: daap://HOST/, HOST:PORT, or the name that `discover` shows
    #[arg(value_name = "URL", value_parser = ShareUrl::typed)]
    url: ShareUrl,
    #[command(flatten)]
    access: Access,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    if args.url.target != ShareTarget::Share {
        bail!("only a whole share can be watched; leave out /{}", args.url.target);
    }
    let mirror = Mirror::start(args.access.builder()?, args.url.clone());
    let watched = follow(&mirror, args.json, out).await;
    let client = mirror.client();
    drop(mirror);
    if let Some(client) = client {
        client.logout().await;
    }
    watched
}

/// Prints what changes until interrupted.
async fn follow(mirror: &Mirror, json: bool, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut link = mirror.link();
    // A server that is not there at first may be misspelt; one that was there comes back.
    let known = tokio::select! {
        known = link.wait_for(|link| !matches!(link, Link::Connecting)) => known?.clone(),
        _ = &mut interrupt => return Ok(Outcome::Done),
    };
    if let Link::Lost { why, .. } = known {
        return Err(advised(why));
    }
    eprintln!("{}", what_there_is(&mirror.snapshot()));
    if !json {
        terminal::head("\twhat\tid\tname\tof");
    }
    let mut changes = pin!(mirror.changes());
    loop {
        tokio::select! {
            _ = &mut interrupt => return Ok(Outcome::Done),
            diff = changes.next() => match diff {
                Some(diff) => write(&diff, json, out)?,
                None => return Ok(Outcome::Done),
            },
            _ = link.changed() => tell(&link.borrow_and_update().clone()),
        }
    }
}

fn tell(link: &Link) {
    match link {
        Link::Connecting => {}
        Link::Following => eprintln!("the server is back"),
        Link::Lost { why, retry_at } => {
            let seconds = retry_at.duration_since(Instant::now()).as_secs() + 1;
            eprintln!("the server is lost ({why}); it is called again in {seconds} s");
        }
    }
}

fn what_there_is(snapshot: &Snapshot) -> String {
    let songs: usize = snapshot.databases().map(|database| database.items().len()).sum();
    let lists = snapshot.databases().flat_map(|database| database.containers());
    let lists = lists.filter(|container| is_playlist(container)).count();
    format!("watching {}: {songs} songs, {lists} playlists", printable(snapshot.name()))
}

/// How something changed.
#[derive(Clone, Copy)]
enum Event {
    Added,
    Changed,
    Removed,
}

impl Event {
    fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Changed => '~',
            Self::Removed => '-',
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// Something that changed: what it is, as cells of a line and as members of an object.
struct Thing {
    what: &'static str,
    id: String,
    cells: Vec<String>,
    members: Json,
}

impl Thing {
    fn song(item: &Item) -> Self {
        let track = &item.track;
        Self {
            what: "song",
            id: item.persistent_id.to_string(),
            cells: vec![track.title.to_string(), track.artist.to_string(), track.album.to_string()],
            members: json!({
                "title": track.title.as_str(),
                "artist": track.artist.as_str(),
                "album": track.album.as_str(),
            }),
        }
    }

    fn playlist(container: &Container) -> Self {
        Self {
            what: "playlist",
            id: container.persistent_id.to_string(),
            cells: vec![container.name.to_string()],
            members: json!({ "playlist": container.name.as_str() }),
        }
    }

    fn changed_playlist(diff: &ContainerDiff) -> Self {
        let (added, removed) = (diff.added.len(), diff.removed.len());
        let order = if diff.reordered { ", in another order" } else { "" };
        let mut thing = Self::playlist(&diff.after);
        thing.cells.push(format!("{added} songs more, {removed} less{order}"));
        thing.members["added"] = added.into();
        thing.members["removed"] = removed.into();
        thing.members["reordered"] = diff.reordered.into();
        thing
    }

    fn database(database: &Database) -> Self {
        let songs = database.items().len();
        Self {
            what: "database",
            id: database.persistent_id.to_string(),
            cells: vec![database.name.to_string(), format!("{songs} songs")],
            members: json!({ "database": database.name.as_str(), "songs": songs }),
        }
    }

    fn write(mut self, event: Event, json: bool, out: &mut impl Write) -> io::Result<()> {
        if json {
            self.members["event"] = event.word().into();
            self.members["what"] = self.what.into();
            self.members["id"] = self.id.into();
            serde_json::to_writer(&mut *out, &self.members)?;
            writeln!(out)
        } else {
            let cells: Vec<String> = self.cells.iter().map(|cell| printable(cell)).collect();
            writeln!(out, "{}\t{}\t{}\t{}", event.sign(), self.what, self.id, cells.join("\t"))
        }
    }
}

/// Prints what differs.
fn write(diff: &Diff, json: bool, out: &mut impl Write) -> io::Result<()> {
    let mut print = |event, thing: Thing| thing.write(event, json, out);
    let databases = &diff.databases;
    each(Event::Removed, &databases.removed, Thing::database, &mut print)?;
    each(Event::Added, &databases.added, Thing::database, &mut print)?;
    for database in &databases.changed {
        let (items, lists) = (&database.items, &database.containers);
        each(Event::Removed, &items.removed, Thing::song, &mut print)?;
        each(Event::Added, &items.added, Thing::song, &mut print)?;
        for item in &items.changed {
            print(Event::Changed, Thing::song(&item.after))?;
        }
        each(
            Event::Removed,
            lists.removed.iter().filter(|list| is_playlist(list)),
            Thing::playlist,
            &mut print,
        )?;
        each(
            Event::Added,
            lists.added.iter().filter(|list| is_playlist(list)),
            Thing::playlist,
            &mut print,
        )?;
        for list in lists.changed.iter().filter(|list| is_playlist(&list.after)) {
            print(Event::Changed, Thing::changed_playlist(list))?;
        }
    }
    out.flush()
}

fn each<'a, T: 'a>(
    event: Event,
    rows: impl IntoIterator<Item = &'a Arc<T>>,
    thing: fn(&T) -> Thing,
    print: &mut impl FnMut(Event, Thing) -> io::Result<()>,
) -> io::Result<()> {
    rows.into_iter().try_for_each(|row| print(event, thing(row)))
}

/// Whether it is more than the list of all songs, which changes with each of them.
fn is_playlist(container: &Container) -> bool {
    container.kind() != ContainerKind::Base
}

#[cfg(test)]
mod tests {
    use daap::{Catalog, NewPlaylist, NewSong, Track};

    use super::*;

    /// What is printed when a share changes so.
    fn printed(change: impl FnOnce(&Catalog), json: bool) -> String {
        let catalog = Catalog::new("Living room");
        let mut changes = catalog.changes();
        let song = |title: &str| NewSong::new(Track { title: title.into(), ..Track::default() });
        let jet = changes.add_item(Catalog::MAIN, song("Jet"));
        changes.add_item(Catalog::MAIN, song("Bluebird"));
        changes.add_container(Catalog::MAIN, NewPlaylist::named("Party").songs([jet]));
        catalog.commit(changes).unwrap();
        let before = catalog.snapshot();
        change(&catalog);
        let mut out = Vec::new();
        write(&Diff::between(&before, &catalog.snapshot()), json, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// One song goes and one comes; a playlist loses the one and wins two of the other.
    fn everything(catalog: &Catalog) {
        let snapshot = catalog.snapshot();
        let main = snapshot.database(Catalog::MAIN).unwrap();
        let jet = main.items().iter().find(|item| &*item.track.title == "Jet").unwrap().id;
        let party = main.containers().iter().find(|list| &*list.name == "Party").unwrap().id;
        let mut changes = catalog.changes();
        changes.remove_item(Catalog::MAIN, jet);
        let track =
            Track { title: "Helen\tWheels".into(), artist: "Wings".into(), ..Track::default() };
        let helen = changes.add_item(Catalog::MAIN, NewSong::new(track));
        changes.append(Catalog::MAIN, party, helen);
        changes.append(Catalog::MAIN, party, helen);
        catalog.commit(changes).unwrap();
    }

    #[test]
    fn each_change_is_a_line() {
        let text = printed(everything, false);
        let without_ids: Vec<_> = text
            .lines()
            .map(|line| {
                line.split('\t').filter(|cell| cell.len() != 16).collect::<Vec<_>>().join("|")
            })
            .collect();
        let expected =
            ["-|song|Jet||", "+|song|Helen Wheels|Wings|", "~|playlist|Party|2 songs more, 1 less"];
        assert_eq!(without_ids, expected);
    }

    #[test]
    fn each_change_is_an_object() {
        let text = printed(everything, true);
        let changes: Vec<Json> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            (&changes[0]["event"], &changes[0]["title"]),
            (&"removed".into(), &"Jet".into())
        );
        assert_eq!((&changes[1]["what"], &changes[1]["artist"]), (&"song".into(), &"Wings".into()));
        assert_eq!((&changes[2]["added"], &changes[2]["removed"]), (&2.into(), &1.into()));
        assert_eq!(changes.len(), 3);
    }

    #[test]
    fn no_change_is_no_line() {
        assert_eq!(printed(|_| {}, false), "");
    }
}
