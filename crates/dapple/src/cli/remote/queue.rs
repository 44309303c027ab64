//! `dapple remote queue`: what comes next, and what was played.

use std::collections::BTreeSet;
use std::io::Write;

use clap::Subcommand;
use dacp_client::{MAX_QUEUE, Remote};
use dacp_proto::{QueueEdit, QueuePlace, QueuedSong, Span};
use serde::Serialize;

use super::super::Outcome;
use super::status::clock;
use crate::terminal;

/// How many songs are listed unless it is said.
const COUNT: u32 = 50;

/// List what comes next, or change it
///
/// One line a song, with tabs between place, title, artist, album and length. What comes next is in place 1.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    edit: Option<Edit>,
    /// List what was played, the last first
    #[arg(long)]
    history: bool,
    /// How many songs to list
    #[arg(long, value_name = "N", default_value_t = COUNT, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_QUEUE)))]
    count: u32,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum Edit {
    /// Play the song in this place now
    Play {
        /// The place
        place: u32,
    },
    /// Move a song
    Move {
        /// Its place
        from: u32,
        /// The place of the song that it is to follow; 0 is what plays
        after: u32,
    },
    /// Remove songs
    Remove {
        /// Their places
        #[arg(required = true)]
        places: Vec<u32>,
    },
    /// Remove all but what plays
    Clear,
}

/// A song, as a program is told of it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    place: u32,
    title: &'a str,
    artist: &'a str,
    album: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_ms: Option<u32>,
}

pub(super) async fn run(
    remote: &Remote,
    args: Args,
    out: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let edit = match args.edit {
        None => return list(remote, &args, out).await,
        Some(Edit::Play { place }) => QueueEdit::PlayNow(QueuePlace::Queue(place)),
        Some(Edit::Move { from, after }) => QueueEdit::Move { from, after },
        Some(Edit::Remove { places }) => QueueEdit::Remove(BTreeSet::from_iter(places)),
        Some(Edit::Clear) => QueueEdit::Clear,
    };
    remote.edit(edit).await?;
    Ok(Outcome::Done)
}

async fn list(remote: &Remote, args: &Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let span = if args.history { Span::History(args.count) } else { Span::Upcoming(args.count) };
    let songs = remote.queue(span).await?.songs;
    let told: Vec<Told<'_>> = songs.iter().map(Told::new).collect();
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &told)?;
        writeln!(out)?;
    } else {
        terminal::head("place\ttitle\tartist\talbum\tlength");
        told.iter().try_for_each(|song| writeln!(out, "{}", song.line()))?;
    }
    Ok(if told.is_empty() { Outcome::NothingFound } else { Outcome::Done })
}

impl<'a> Told<'a> {
    fn new(queued: &'a QueuedSong) -> Self {
        let (QueuePlace::Queue(place) | QueuePlace::History(place)) = queued.place;
        let song = &queued.song;
        let (title, artist, album) = (&song.title, &song.artist, &song.album);
        Self { place, title, artist, album, length_ms: queued.length_ms }
    }

    fn line(&self) -> String {
        let length = self.length_ms.map(clock).unwrap_or_default();
        let place = self.place.to_string();
        [&place, self.title, self.artist, self.album, &length].map(terminal::printable).join("\t")
    }
}
