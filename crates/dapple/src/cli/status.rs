//! `dapple status`: what a running server is doing.

use std::io::Write;

use anyhow::Context;
use serde::Deserialize;

use super::{Outcome, pair};
use crate::api::Remotes;
use crate::http;
use crate::terminal::printable;
use crate::time::duration;

/// Say what a running server is doing: songs, scan, player, sessions, Remotes.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The server
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:3689",
        env = "DAPPLE_SERVER"
    )]
    server: String,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

/// What of `/api/v1/status` is shown. Other keys are for programs.
#[derive(Deserialize)]
struct Status {
    name: String,
    version: String,
    revision: u32,
    databases: Vec<Database>,
    scan: Scan,
    player: Player,
    sessions: u64,
    uptime_s: u64,
}

#[derive(Deserialize)]
struct Player {
    state: String,
}

#[derive(Deserialize)]
struct Database {
    name: String,
    items: u64,
    containers: u64,
}

#[derive(Deserialize)]
struct Scan {
    state: String,
    done: u64,
    total: u64,
    errors: u64,
    #[serde(default)]
    problems: Vec<String>,
}

pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let body = http::get(&args.server, "/api/v1/status").await.with_context(|| {
        format!("cannot ask {}; is `dapple serve` running there? See --server", args.server)
    })?;
    if args.json {
        out.write_all(&body)?;
        writeln!(out)?;
        return Ok(Outcome::Done);
    }
    let status: Status = serde_json::from_slice(&body)
        .with_context(|| format!("{} answers, but not as dapple does", args.server))?;
    // There are Remotes where there is a player, and only programs on its machine are told of them.
    let remotes = pair::remotes(&args.server).await.ok();
    write!(out, "{}", page(&status, remotes.as_ref()))?;
    Ok(Outcome::Done)
}

fn page(status: &Status, remotes: Option<&Remotes>) -> String {
    let mut page = format!(
        "{}: dapple {}, up {}, revision {}\n",
        status.name,
        status.version,
        duration(status.uptime_s),
        status.revision
    );
    for database in &status.databases {
        page += &format!(
            "  {}: {}, {}\n",
            database.name,
            count(database.items, "song"),
            // One container is the list of all songs.
            count(database.containers.saturating_sub(1), "playlist")
        );
    }
    let scan = &status.scan;
    page += &match scan.state.as_str() {
        "scanning" => format!("  scanning: {} of {} looked at\n", scan.done, scan.total),
        "failed" if scan.problems.is_empty() => "  scanning failed; the log says why\n".to_owned(),
        _ => String::new(),
    };
    for problem in &scan.problems {
        page += &format!("  {problem}\n");
    }
    if scan.errors > 0 {
        page +=
            &format!("  {} could not be read; the log names them\n", count(scan.errors, "file"));
    }
    if status.player.state != "none" {
        page += &format!("  player: {}\n", status.player.state);
    }
    page += &format!("  {}\n", count(status.sessions, "session"));
    page + &remotes.map(names).unwrap_or_default()
}

/// A line for the Remotes that are paired, and one for those that wait to be.
fn names(remotes: &Remotes) -> String {
    let line = |what, names: Vec<&str>| match names.as_slice() {
        [] => String::new(),
        names => format!("  {what}: {}\n", printable(&names.join(", "))),
    };
    let paired = remotes.paired.iter().map(|remote| remote.name.as_str()).collect();
    let waiting = remotes.waiting.iter().map(|remote| remote.name.as_str()).collect();
    line("paired", paired) + &line("waiting to be paired", waiting)
}

/// `1 song`, `2 songs`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_matters_and_leaves_out_what_does_not() {
        let status = r#"{"name":"Ann's music","version":"0.1.0","revision":7,"player":{"state":"paused"},
            "databases":[{"id":1,"name":"Ann's music","items":1,"containers":3}],
            "scan":{"state":"scanning","done":5,"total":9,"errors":2,"problems":["the NAS is away"]},"sessions":1,"uptime_s":3700}"#;
        let remotes = r#"{"waiting":[],"paired":[{"id":3,"name":"Jo's phone","type":"iPhone","paired_s":1,"last_seen_s":2}]}"#;
        let remotes = serde_json::from_str(remotes).unwrap();
        let page = page(&serde_json::from_str(status).unwrap(), Some(&remotes));
        assert_eq!(
            page,
            "Ann's music: dapple 0.1.0, up 1 h 1 min, revision 7\n  Ann's music: 1 song, 2 playlists\n  \
             scanning: 5 of 9 looked at\n  the NAS is away\n  2 files could not be read; the log names them\n  \
             player: paused\n  1 session\n  paired: Jo's phone\n"
        );
    }
}
