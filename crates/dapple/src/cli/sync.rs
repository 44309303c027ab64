//! `dapple sync`: has a running server look at the Subsonic servers that it follows.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper::{Method, StatusCode};

use super::Outcome;
use super::server::ServerArgs;
use super::status::count;
use crate::api::{SUBSONIC, SYNC};
use crate::http;
use crate::subsonic::report::{ConnectionReport, Report, SyncOrder, Synced, Told};
use crate::terminal::printable;

/// How long a server may take to answer, which it does after 20 seconds even if it is not done.
const LIMIT: Duration = Duration::from_secs(30);

/// Have a running server look at its Subsonic servers for changes now, and say what has changed
///
/// It waits until they are looked at. Exit code 0 if they are, 1 if there is no such server, 2 if one could not be looked at.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The Subsonic server, by its address or the name of its database [default: all of them]
    #[arg(value_name = "URL|NAME")]
    connection: Option<String>,
    #[command(flatten)]
    at: ServerArgs,
}

pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let before = followed(&args.at).await?.connections;
    let order = SyncOrder { connection: args.connection };
    let synced = loop {
        let synced = sync(&args.at, &order).await?;
        match synced {
            Some(Synced { done: false, .. }) => {}
            Some(synced) if !synced.connections.is_empty() => break synced.connections,
            _ => {
                let known: Vec<_> = before.iter().map(|one| printable(&one.name)).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                eprintln!("no such Subsonic server is followed; there is {known}");
                return Ok(Outcome::NothingFound);
            }
        }
    };
    if args.at.json {
        serde_json::to_writer(&mut *out, &synced)?;
        writeln!(out)?;
    } else {
        for after in &synced {
            let before = before.iter().find(|one| one.url == after.url);
            let before = before.map(|before| before.told).unwrap_or_default();
            writeln!(out, "{}: {}", printable(&after.name), told(after, before))?;
        }
    }
    let is_lost = synced.iter().any(|one| one.problem.is_some());
    Ok(if is_lost { Outcome::Failed } else { Outcome::Done })
}

/// What a running server says of the Subsonic servers that it follows.
pub(super) async fn followed(at: &ServerArgs) -> anyhow::Result<Report> {
    let body = http::get(at.url(), SUBSONIC).await.with_context(|| at.unreachable())?;
    serde_json::from_slice(&body)
        .with_context(|| format!("{} answers, but not as dapple does", at.url()))
}

/// Asks for a sync, and waits for it a while; `None` if there is no such server.
async fn sync(at: &ServerArgs, order: &SyncOrder) -> anyhow::Result<Option<Synced>> {
    let answer = http::order(at.url(), Method::POST, SYNC, order, LIMIT).await;
    let answer = answer.with_context(|| at.unreachable())?;
    match answer.status() {
        StatusCode::OK | StatusCode::ACCEPTED => Ok(Some(serde_json::from_slice(answer.body())?)),
        StatusCode::NOT_FOUND => Ok(None),
        status => bail!("{} answers {status}: {}", at.url(), http::beginning(answer.body())),
    }
}

/// What has changed at a server, or why that is not known.
fn told(after: &ConnectionReport, before: Told) -> String {
    if let Some(problem) = &after.problem {
        return printable(&format!("{}. {}", problem.what, problem.remedy));
    }
    let Told { songs, gone, playlists } = after.told;
    let counts = [
        (songs.saturating_sub(before.songs), "song", "new or changed"),
        (gone.saturating_sub(before.gone), "song", "gone"),
        (playlists.saturating_sub(before.playlists), "playlist", "new, changed or gone"),
    ];
    let changes = counts.iter().filter(|(number, ..)| *number > 0);
    let changes = changes.map(|(number, noun, how)| format!("{} {how}", count(*number, noun)));
    let changes: Vec<String> = changes.collect();
    if changes.is_empty() { "nothing has changed".to_owned() } else { changes.join(", ") }
}
