//! `dapple play`: songs of a share, played on this machine.

mod choice;
mod desk;
mod keys;
mod screen;
mod show;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::Arc;

use anyhow::Context as _;
use daap_client::Client;
use daap_proto::ShareUrl;
use outputs::Spec;
use player::{Command, OutputId, Player, Repeat};
use tokio::sync::mpsc;

use self::choice::{Choice, Shared};
use self::desk::Desk;
use self::show::Show;
use super::Outcome;
use crate::share::Access;
use crate::share::selection::{Filters, Selection};

/// How many reports of songs may wait to be told.
const MAX_REPORTS: usize = 256;

/// Play songs of a share on this machine: all, a playlist, an album, or what filters leave
///
/// Playlists and searches are played in their order, everything else album by album. On a terminal keys control it: space pauses, n and p are
/// next and previous, the arrows seek and change the volume, s shuffles, r repeats, q quits. A song that cannot be played is
/// skipped, and standard error says so.
///
/// Exit code 0 if it played, 1 if there is nothing to play, 2 if it failed or a song was skipped.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  dapple play nas.local --shuffle
  dapple play daap://nas.local/albums/Wings/Band%20on%20the%20Run
  dapple play daap://nas.local/playlists/Party --output local --output file:/tmp/snapfifo")]
pub(crate) struct Args {
    /// The share, or something in it: daap://HOST/, HOST:PORT, or the name that `discover` shows
    #[arg(value_name = "URL", value_parser = ShareUrl::typed)]
    url: ShareUrl,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    access: Access,
    /// Where to play: local (the sound card), null, or file:PATH (raw PCM, 16 bits, 44.1 kHz, stereo; a pipe works); may be given several times
    #[arg(long = "output", value_name = "SPEC", default_value = "local")]
    outputs: Vec<Spec>,
    /// How loud
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(0..=100))]
    volume: u8,
    /// Play in an order that chance makes
    #[arg(long)]
    shuffle: bool,
    /// Begin anew after the last song
    #[arg(long)]
    repeat: bool,
    /// Print what happens as JSON, one object a line
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let client = args.access.connect(&args.url).await?;
    let played = play(&args, &client, out).await;
    client.logout().await;
    played
}

async fn play(args: &Args, client: &Client, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let selection = Selection::new(&args.url.target, args.filters.clone());
    let choice = match Choice::make(client, &selection, &args.url.target).await? {
        Ok(choice) => Arc::new(choice),
        Err(hint) => {
            eprintln!("{hint}");
            return Ok(Outcome::NothingFound);
        }
    };
    let (reporter, reports) = mpsc::channel(MAX_REPORTS);
    let songs = Shared::new(client.clone(), Arc::clone(&choice));
    let mut builder = Player::builder(songs).listener(reporter);
    for (number, spec) in (0..).zip(&args.outputs) {
        builder = builder.output(OutputId(number), &spec.to_string(), outputs::open(spec), true);
    }
    let player = builder.start().context("cannot start the player's thread")?;
    begin(&player, args, &choice).await?;
    let show = Show::new(&choice, args.json, out)?;
    let played = Desk::new(&player, reports, show).run().await;
    player.shutdown().await;
    played
}

/// Has the player begin as it was asked for.
async fn begin(player: &Player, args: &Args, choice: &Choice) -> anyhow::Result<()> {
    for output in &player.status().outputs {
        player.tell(Command::Volume { output: output.id, percent: args.volume }).await?;
    }
    if args.repeat {
        player.tell(Command::Repeat(Repeat::All)).await?;
    }
    let start = (!args.shuffle).then_some(0);
    let songs = choice.queue();
    Ok(player.tell(Command::Replace { songs, start, shuffle: Some(args.shuffle) }).await?)
}
