//! `dapple ls`: what is in a share.

mod names;
mod playlist_file;
mod report;
mod songs;
#[cfg(test)]
mod tests;

use std::io::{self, BufWriter, IsTerminal as _, Write};

use daap_client::Client;
use daap_proto::ShareUrl;

use super::{Outcome, discover};
use crate::password::Secret;
use crate::share::Access;
use crate::share::selection::{Filters, Selection};
use crate::terminal;

use self::songs::Columns;

/// List the songs of a share, its playlists, artists, albums or genres
///
/// Without a URL, the shares of this network are listed.
///
/// One line a song, with tabs between what --fields names, in the order of the server. A URL can name what is in a
/// share: /playlists/NAME, /artists/NAME, /albums/ARTIST/NAME, /songs/ID, /search/TEXT. Names are taken exactly; if that
/// finds nothing, in capitals or not.
///
/// Exit code 0 if there is something, 1 if there is nothing, 2 if it failed.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  dapple ls daap://nas.local
  dapple ls nas.local --albums --artist Wings
  dapple ls daap://nas.local/playlists/Party --m3u | mpv --playlist=-
  dapple ls nas.local --search 'abbey road' --fields track,title,time --sort disc,track
  dapple ls nas.local --json --fields all")]
pub(crate) struct Args {
    /// The share, or something in it: daap://HOST/, HOST:PORT, or the name that `discover` shows
    #[arg(value_name = "URL", value_parser = ShareUrl::typed)]
    url: Option<ShareUrl>,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    access: Access,
    /// What to show of each song, with commas between: words such as `title`, DAAP's names, or `all`
    #[arg(long, value_name = "A,B,C", default_value = songs::DEFAULT_COLUMNS)]
    fields: Columns,
    /// Sort the songs by fields, with commas between; a minus before one turns it round
    #[arg(long, value_name = "A,B,C", allow_hyphen_values = true)]
    sort: Option<songs::Order>,
    /// Print a JSON array, one object a line
    #[arg(long, conflicts_with = "m3u")]
    json: bool,
    /// Print a playlist (M3U) of the songs' addresses, which players open
    #[arg(long, requires = "url", conflicts_with_all = ["What", "fields"])]
    m3u: bool,
    /// At the end wait for Enter, so that a window stays open
    #[arg(long)]
    wait: bool,
}

/// What is listed if it is not songs.
#[derive(clap::Args, Clone, Copy, Debug)]
#[group(multiple = false, conflicts_with = "sort")]
struct What {
    /// List playlists: name, songs, kind
    #[arg(long, requires = "url")]
    playlists: bool,
    /// List the artists that songs are filed under: name, albums, songs
    #[arg(long, requires = "url")]
    artists: bool,
    /// List albums: artist, name, year, songs
    #[arg(long, requires = "url")]
    albums: bool,
    /// List genres: name, songs
    #[arg(long, requires = "url")]
    genres: bool,
    /// List databases: number, name, songs, playlists
    #[arg(long, requires = "url")]
    databases: bool,
}

pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let wait = args.wait;
    let listed = list(args, out).await;
    if wait {
        if let Err(error) = &listed {
            terminal::tell(error);
        }
        out.flush()?;
        wait_for_enter()?;
        return Ok(listed.unwrap_or(Outcome::Failed));
    }
    listed
}

async fn list(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let Some(url) = &args.url else {
        return discover::run(discover::Args::shares(args.json), out).await;
    };
    let selection = Selection::new(&url.target, args.filters.clone());
    let client = args.access.connect(url).await?;
    // Standard output would be written to line by line, which for a large share takes longer than the share itself.
    let mut out = BufWriter::new(out);
    let listed = show(&args, &client, &selection, &mut out).await;
    if args.m3u && matches!(listed, Ok(Outcome::Done)) {
        return listed;
    }
    client.logout().await;
    listed
}

async fn show(
    args: &Args,
    client: &Client,
    selection: &Selection,
    out: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let hint = match args.what {
        What { playlists: true, .. } => names::playlists(client, selection, args.json, out).await?,
        What { databases: true, .. } => names::databases(client, selection, args.json, out).await?,
        What { artists: true, .. } => names::artists(client, selection, args.json, out).await?,
        What { albums: true, .. } => names::albums(client, selection, args.json, out).await?,
        What { genres: true, .. } => names::genres(client, selection, args.json, out).await?,
        _ if args.m3u => {
            let password = args.access.password()?;
            playlist_file::write(
                client,
                selection,
                args.sort.as_ref(),
                password.as_ref().map(Secret::reveal),
                out,
            )
            .await?
        }
        _ => {
            songs::list(client, selection, &args.fields, args.sort.as_ref(), args.json, out).await?
        }
    };
    out.flush()?;
    Ok(match hint {
        None => Outcome::Done,
        Some(hint) => {
            eprintln!("{hint}");
            Outcome::NothingFound
        }
    })
}

fn wait_for_enter() -> io::Result<()> {
    if io::stdin().is_terminal() {
        eprint!("Press Enter to close. ");
        io::stdin().read_line(&mut String::new())?;
    }
    Ok(())
}
