//! `dapple status`: what a running server is doing.

use std::io::Write;

use anyhow::Context;
use serde::Deserialize;

use super::server::ServerArgs;
use super::{Outcome, pair, sync};
use crate::api::Remotes;
use crate::http;
use crate::subsonic::report::{
    CacheReport, CachesReport, ConnectionReport, Problem, Report, State,
};
use crate::terminal::printable;
use crate::time::{duration, now_s};

/// Say what a running server is doing: songs, scan, Subsonic servers, player, sessions, Remotes.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    at: ServerArgs,
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
    let server = args.at.url();
    let body = http::get(server, "/api/v1/status").await;
    let body = body.with_context(|| args.at.unreachable())?;
    if args.at.json {
        out.write_all(&body)?;
        writeln!(out)?;
        return Ok(Outcome::Done);
    }
    let status: Status = serde_json::from_slice(&body)
        .with_context(|| format!("{server} answers, but not as dapple does"))?;
    // Only programs on its machine are told of the connections and the Remotes, and those are where there is a player.
    let followed = sync::followed(&args.at).await.ok();
    let remotes = pair::remotes(server).await.ok();
    write!(out, "{}", page(&status, followed.as_ref(), remotes.as_ref()))?;
    Ok(Outcome::Done)
}

fn page(status: &Status, followed: Option<&Report>, remotes: Option<&Remotes>) -> String {
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
    let connections = followed.map_or(&[][..], |followed| &followed.connections);
    let is_of_one = |problem: &&String| {
        connections.iter().any(|one| one.problem.as_ref().is_some_and(|of| of.what == **problem))
    };
    // That of a connection is told with it.
    for problem in scan.problems.iter().filter(|problem| !is_of_one(problem)) {
        page += &format!("  {problem}\n");
    }
    if scan.errors > 0 {
        page +=
            &format!("  {} could not be read; the log names them\n", count(scan.errors, "file"));
    }
    page += &followed.map(|followed| servers(followed, now_s())).unwrap_or_default();
    if status.player.state != "none" {
        page += &format!("  player: {}\n", status.player.state);
    }
    page += &format!("  {}\n", count(status.sessions, "session"));
    page + &remotes.map(names).unwrap_or_default()
}

/// Some lines for each Subsonic server, and one for what is kept of them.
fn servers(followed: &Report, now_s: u64) -> String {
    if followed.connections.is_empty() {
        return String::new();
    }
    let lines: String = followed.connections.iter().map(|one| server(one, now_s)).collect();
    let caches = followed.caches.as_ref().map(|CachesReport { songs, artwork }| {
        let taken = [songs, artwork].map(megabytes);
        let problems = [songs, artwork].map(|cache| problem(cache.problem.as_ref())).concat();
        format!("  kept of other servers: songs {}, pictures {}\n{problems}", taken[0], taken[1])
    });
    lines + &caches.unwrap_or_default()
}

fn server(one: &ConnectionReport, now_s: u64) -> String {
    let doing = match (one.state, one.last_sync_s) {
        (State::Syncing, _) => "looking for changes".to_owned(),
        (_, Some(at)) => {
            let ago = duration(now_s.saturating_sub(at));
            format!("looked at {ago} ago, in {:.1} s", one.last_took_ms as f64 / 1000.0)
        }
        (_, None) => "not looked at yet".to_owned(),
    };
    let server = if one.server.is_empty() { "a server" } else { &one.server };
    let mut lines = format!(
        "  {}: {} at {}, {}, {doing}\n",
        printable(&one.name),
        printable(server),
        one.url,
        count(one.starred as u64, "starred song")
    );
    if let Some(share) = &one.share {
        lines += &format!("    also the share {}\n", printable(share));
    }
    lines += &problem(one.problem.as_ref());
    if one.unsent > 0 {
        lines += &format!("    plays, ratings and stars to be written: {}\n", one.unsent);
    }
    lines
}

/// What is wrong, and what to do about it.
fn problem(problem: Option<&Problem>) -> String {
    let lines = |Problem { what, remedy }: &Problem| {
        format!("    {}\n    {}\n", printable(what), printable(remedy))
    };
    problem.map(lines).unwrap_or_default()
}

/// `5 of 256 MiB`.
fn megabytes(cache: &CacheReport) -> String {
    format!("{} of {} MiB", cache.taken >> 20, cache.limit >> 20)
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
    use crate::subsonic::report::Told;

    #[test]
    fn a_page_says_what_matters_and_leaves_out_what_does_not() {
        let status = r#"{"name":"Ann's music","version":"0.1.0","revision":7,"player":{"state":"paused"},
            "databases":[{"id":1,"name":"Ann's music","items":1,"containers":3}],
            "scan":{"state":"scanning","done":5,"total":9,"errors":2,"problems":["the NAS is away"]},"sessions":1,"uptime_s":3700}"#;
        let remotes = r#"{"waiting":[],"paired":[{"id":3,"name":"Jo's phone","type":"iPhone","paired_s":1,"last_seen_s":2}]}"#;
        let remotes = serde_json::from_str(remotes).unwrap();
        let page = page(&serde_json::from_str(status).unwrap(), None, Some(&remotes));
        assert_eq!(
            page,
            "Ann's music: dapple 0.1.0, up 1 h 1 min, revision 7\n  Ann's music: 1 song, 2 playlists\n  \
             scanning: 5 of 9 looked at\n  the NAS is away\n  2 files could not be read; the log names them\n  \
             player: paused\n  1 session\n  paired: Jo's phone\n"
        );
    }

    #[test]
    fn a_server_that_is_followed_says_how_that_goes_and_its_trouble_once() {
        let what = "https://nas/ cannot be followed: it cannot be reached";
        let one = |name: &str, state, last_sync_s, problem| ConnectionReport {
            name: name.into(),
            url: "https://nas/".into(),
            share: None,
            state,
            server: "navidrome 0.58".into(),
            songs: 2000,
            playlists: 3,
            starred: 1,
            last_sync_s,
            last_took_ms: 1200,
            told: Told::default(),
            requests: 9,
            unsent: 0,
            problem,
        };
        let problem = Problem { what: what.into(), remedy: "Is it on?".into() };
        let lost = one("Attic", State::Lost, Some(40), Some(problem));
        let lost = ConnectionReport { share: Some("Jo's".into()), unsent: 2, ..lost };
        let full = Problem { what: "nothing can be kept".into(), remedy: "make room".into() };
        let songs =
            CacheReport { taken: 5 << 20, limit: 1024 << 20, files: 7, problem: Some(full) };
        let artwork = CacheReport { taken: 0, limit: 256 << 20, files: 0, problem: None };
        let followed = Report {
            connections: vec![lost, one("Cellar", State::Syncing, None, None)],
            caches: Some(CachesReport { songs, artwork }),
        };
        assert_eq!(
            servers(&followed, 100),
            "  Attic: navidrome 0.58 at https://nas/, 1 starred song, looked at 1 min ago, in 1.2 s\n    \
             also the share Jo's\n    https://nas/ cannot be followed: it cannot be reached\n    Is it on?\n    \
             plays, ratings and stars to be written: 2\n  \
             Cellar: navidrome 0.58 at https://nas/, 1 starred song, looking for changes\n  \
             kept of other servers: songs 5 of 1024 MiB, pictures 0 of 256 MiB\n    \
             nothing can be kept\n    make room\n"
        );
        let status = format!(
            r#"{{"name":"A","version":"1","revision":7,"player":{{"state":"none"}},"databases":[],
            "scan":{{"state":"failed","done":0,"total":0,"errors":0,"problems":["{what}"]}},"sessions":0,"uptime_s":1}}"#
        );
        let page = page(&serde_json::from_str(&status).unwrap(), Some(&followed), None);
        assert_eq!(page.matches(what).count(), 1, "{page}");
    }
}
