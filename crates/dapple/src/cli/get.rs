//! `dapple get`: songs of a share as files.

mod fetch;
mod file_name;
mod plan;
mod playlists;
mod show;
mod summary;
mod template;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use daap_client::{Client, Download};
use daap_proto::ShareUrl;

use self::fetch::Manner;
use self::plan::Plan;
use self::show::Show;
use self::summary::Summary;
use self::template::Template;
use super::Outcome;
use crate::share::selection::{Filters, Selection};
use crate::share::{Access, advised};
use crate::terminal::printable;

/// How many songs are fetched at a time, unless it is said, and at most.
const JOBS: u16 = 4;
const MAX_JOBS: i64 = 64;
/// How often a song is tried again that fails in a way that may pass, unless it is said.
const RETRIES: u32 = 4;
/// How long a server may say nothing, unless it is said, and at most.
const TIMEOUT_S: u64 = 30;
const MAX_TIMEOUT_S: u64 = 24 * 60 * 60;

/// Download songs of a share: all, a playlist, an album, or what filters leave
///
/// What is there with the right size is not fetched again, and what an earlier call left unfinished is gone on with. A
/// file has its name only when it is complete; until then it ends in `.part`. Ctrl-C ends it, and the same command goes
/// on.
///
/// Exit code 0 if every song is there, 1 if there are none, 2 if one failed; standard error says which and why.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  dapple get daap://nas.local/albums/Wings/Band%20on%20the%20Run
  dapple get nas.local --to ~/Music --playlists
  dapple get nas.local --artist Wings --name '{year} {album}/{track} {title}'

--name puts a song's fields in the place of their words in braces: {title}, {artist}, {albumartist}, {album}, {disc}, \
{track}, {year}, {genre}, {composer}, {id}, the other words of `dapple ls --fields`, and {ext}. A slash ends a folder. \
What is not known leaves no stray separators.")]
pub(crate) struct Args {
    /// The share, or something in it: daap://HOST/, HOST:PORT, or the name that `discover` shows
    #[arg(value_name = "URL", value_parser = ShareUrl::typed)]
    url: ShareUrl,
    /// The folder to put them in
    #[arg(long, value_name = "DIR", default_value = ".")]
    to: PathBuf,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    access: Access,
    /// How files and their folders are called
    #[arg(long, value_name = "TEMPLATE", default_value = template::DEFAULT)]
    name: Template,
    /// Write playlists of the share too, as .m3u8 files in the folder
    #[arg(long)]
    playlists: bool,
    /// How many songs to fetch at a time
    #[arg(long, value_name = "N", default_value_t = JOBS, value_parser = clap::value_parser!(u16).range(1..=MAX_JOBS))]
    jobs: u16,
    /// How often to try a song again when the server fails, at first after a second, then after twice as long each time
    #[arg(long, value_name = "N", default_value_t = RETRIES)]
    retries: u32,
    /// How long the server may say nothing
    #[arg(long, value_name = "SECS", default_value_t = TIMEOUT_S, value_parser = clap::value_parser!(u64).range(1..=MAX_TIMEOUT_S))]
    timeout: u64,
    /// Replace files that are another song, or the same of another size
    #[arg(long)]
    overwrite: bool,
    /// Keep songs of fewer bytes than the share lists, if they are as many as the server announces with them
    #[arg(long)]
    any_size: bool,
    /// Only say what would be fetched: how many bytes, and the file
    #[arg(long, conflicts_with = "json")]
    dry_run: bool,
    /// At the end print a JSON object that says how it went
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let patience = Duration::from_secs(args.timeout);
    let builder = args.access.builder()?.stall_timeout(patience);
    let client = builder.connect(&args.url).await.map_err(advised)?;
    let outcome = get(&args, &client, out).await;
    client.logout().await;
    outcome
}

async fn get(args: &Args, client: &Client, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let selection = Selection::new(&args.url.target, args.filters.clone());
    let plan = Plan::make(client, &selection, &args.name).await?;
    if let Some(hint) = &plan.hint {
        eprintln!("{hint}");
        return Ok(Outcome::NothingFound);
    }
    let there = there(args, &plan).await;
    if args.dry_run {
        preview(args, &plan, &there, out)?;
        return Ok(Outcome::Done);
    }
    let began = Instant::now();
    let sizes = plan.songs.iter().map(|planned| planned.song.track.size);
    let show = Show::new(plan.songs.len(), sum(sizes), sum(there));
    let manner = Manner {
        jobs: args.jobs.into(),
        retries: args.retries,
        overwrite: args.overwrite,
        any_size: args.any_size,
    };
    let fetched = fetch::fetch(client, &plan, &args.to, manner, &show).await;
    show.end();
    let playlists = match args.playlists && fetched.stopped.is_none() {
        true => {
            let there = fetched.saved.iter().map(|(planned, _)| *planned);
            playlists::write(client, &selection, there, &args.to).await
        }
        false => Ok(Vec::new()),
    };
    let written = playlists.as_deref().unwrap_or_default();
    let summary = Summary::new(&plan, &fetched, written, began.elapsed());
    summary.tell(&fetched);
    summary.write(args.json, out)?;
    playlists?;
    let is_complete = fetched.failed.is_empty() && fetched.stopped.is_none();
    Ok(if is_complete { Outcome::Done } else { Outcome::Failed })
}

/// Says how much of each song is left to fetch, and its file.
fn preview(args: &Args, plan: &Plan, there: &[u64], out: &mut impl Write) -> io::Result<()> {
    for (planned, there) in plan.songs.iter().zip(there) {
        let left = planned.song.track.size - there;
        let file = args.to.join(&planned.path);
        writeln!(out, "{left}\t{}", printable(&file.to_string_lossy()))?;
    }
    Ok(())
}

/// How much of each song is there, at most what it has. What keeps one from being looked at will be told of that one.
async fn there(args: &Args, plan: &Plan) -> Vec<u64> {
    let mut there = Vec::with_capacity(plan.songs.len());
    for planned in &plan.songs {
        let download = Download::new(planned.database, &planned.song, args.to.join(&planned.path));
        there.push(download.there().await.unwrap_or_default().min(planned.song.track.size));
    }
    there
}

/// A server may list any size.
fn sum(sizes: impl IntoIterator<Item = u64>) -> u64 {
    sizes.into_iter().fold(0, u64::saturating_add)
}
