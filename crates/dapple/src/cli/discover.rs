//! `dapple discover`: the shares on this network, and what else there is around music.

mod absent;
mod probe;
mod row;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use anyhow::Context as _;
use discovery::{Browser, Event, Interfaces, Kind, Service};
use serde::Serialize;
use tokio::time::{self, Instant};

use self::absent::Absent;
use self::row::{Columns, Found};
use super::Outcome;
use crate::seen::{self, Seen};
use crate::terminal;
use crate::time::now_s;

/// How long to listen for services, and the longest that can be asked for.
const TIMEOUT_S: u64 = 3;
const TIMEOUT_MAX_S: u64 = 24 * 60 * 60;

/// How often what is watched is remembered, and with so many changes at once.
const REMEMBER: Duration = Duration::from_secs(10);
const REMEMBER_AT: usize = 64;

/// List the shares on this network, those of this machine included
///
/// One line a share, with tabs between name, address, port, password (yes, no or ?), DAAP version and machine.
/// With --all or --kind two cells more: kind and details. With --probe three more: software, songs, and how long the
/// answer took or why there was none.
/// Exit code 0 if there is one, 1 if there is none, 2 if it failed.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// List everything: shares, servers, remotes, speakers
    #[arg(long, conflicts_with = "kind")]
    all: bool,
    /// List these; repeatable, or with commas between
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<Interest>,
    /// Print JSON: an array, or with --watch one object a line
    #[arg(long)]
    json: bool,
    /// Go on until interrupted: + for what appears, ~ for what changes, - for what goes
    #[arg(long, conflicts_with = "timeout")]
    watch: bool,
    /// Ask each share for its version, its songs, and whether it wants a password
    #[arg(long, conflicts_with_all = ["watch", "seen"])]
    probe: bool,
    /// List instead what was seen before and does not answer now, the last seen first
    #[arg(long, conflicts_with = "watch")]
    seen: bool,
    /// How long to listen
    #[arg(long, value_name = "SECS", default_value_t = TIMEOUT_S, value_parser = clap::value_parser!(u64).range(1..=TIMEOUT_MAX_S))]
    timeout: u64,
}

/// What people look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
enum Interest {
    /// Music that can be listed and played
    Shares,
    /// What can be controlled as iTunes can
    Servers,
    /// Remotes that ask to be paired
    Remotes,
    /// AirPlay speakers
    Speakers,
}

impl Interest {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Daap => Self::Shares,
            Kind::TouchRemote => Self::Remotes,
            Kind::Raop | Kind::AirPlay => Self::Speakers,
            _ => Self::Servers,
        }
    }

    /// What one of them is called.
    fn word(self) -> &'static str {
        match self {
            Self::Shares => "share",
            Self::Servers => "server",
            Self::Remotes => "remote",
            Self::Speakers => "speaker",
        }
    }
}

impl Args {
    /// Shares only, as without any flag.
    pub(super) fn shares(json: bool) -> Self {
        Self {
            all: false,
            kind: Vec::new(),
            json,
            watch: false,
            probe: false,
            seen: false,
            timeout: TIMEOUT_S,
        }
    }

    fn kinds(&self) -> Vec<Kind> {
        let asked = |kind: &Kind| self.all || self.kind.contains(&Interest::of(*kind));
        if !self.columns().kinds {
            return vec![Kind::Daap];
        }
        Kind::ALL.into_iter().filter(asked).collect()
    }

    fn columns(&self) -> Columns {
        Columns { kinds: self.all || !self.kind.is_empty(), probes: self.probe }
    }
}

/// Looks for services and writes what it finds.
pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let browser = Browser::start(&args.kinds(), Interfaces::all()).context(
        "cannot look for shares; the system may have run out of threads or open files, or forbid UDP port 5353",
    )?;
    let any = if args.watch {
        watch(browser, &args, out).await?
    } else {
        let found = listen(browser, Duration::from_secs(args.timeout)).await;
        let seen = remember(&found);
        match args.seen {
            true => list_absent(&seen?, &found, &args, out)?,
            false => {
                tell_forgotten(seen.err());
                list(&found, &args, out).await?
            }
        }
    };
    Ok(if any { Outcome::Done } else { Outcome::NothingFound })
}

/// Adds services to those that were seen before.
fn remember(found: &[Service]) -> anyhow::Result<Seen> {
    Seen::remember(&seen::folder()?, found, now_s())
}

/// To remember is not what was asked for, so it may fail.
fn tell_forgotten(error: Option<anyhow::Error>) {
    if let Some(error) = error {
        terminal::tell(&error.context("what is seen now will not be remembered"));
    }
}

/// What is there after a while, by kind and name.
pub(super) async fn listen(mut browser: Browser, limit: Duration) -> Vec<Service> {
    let end = Instant::now() + limit;
    let mut found = BTreeMap::new();
    while let Ok(Some(event)) = time::timeout_at(end, browser.next()).await {
        let (Event::Found(service) | Event::Updated(service) | Event::Lost(service)) = &event;
        let key = (service.kind, service.instance.clone());
        match event {
            Event::Found(service) | Event::Updated(service) => found.insert(key, service),
            Event::Lost(_) => found.remove(&key),
        };
    }
    let mut found: Vec<Service> = found.into_values().collect();
    found.sort_by_cached_key(|service| {
        (Interest::of(service.kind), service.name.to_lowercase(), service.kind)
    });
    found
}

/// Writes what was found. Whether there was any.
async fn list(found: &[Service], args: &Args, out: &mut impl Write) -> io::Result<bool> {
    let probes = if args.probe { probe::ask(found).await } else { vec![None; found.len()] };
    let told = found.iter().zip(&probes).map(|(service, probe)| (service, probe.as_ref()));
    if args.json {
        let told: Vec<_> = told.map(|(service, probe)| Found::new(service, probe)).collect();
        write_json(&told, out)?;
    } else {
        let lines = told.map(|(service, probe)| row::line(service, probe, args.columns()));
        write_lines(&row::head(args.columns()), lines, out)?;
    }
    Ok(!found.is_empty())
}

/// Writes what is not there any more. Whether there was any.
fn list_absent(
    seen: &Seen,
    found: &[Service],
    args: &Args,
    out: &mut impl Write,
) -> io::Result<bool> {
    let absent = seen.absent(&args.kinds(), found);
    if args.json {
        let told: Vec<Absent<'_>> = absent.iter().map(|sighting| Absent::new(sighting)).collect();
        write_json(&told, out)?;
    } else {
        let lines = absent.iter().map(|sighting| absent::line(sighting, now_s()));
        write_lines(&absent::COLUMNS.join("\t"), lines, out)?;
    }
    Ok(!absent.is_empty())
}

fn write_json<T: Serialize>(told: &[T], out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, told)?;
    writeln!(out)?;
    out.flush()
}

fn write_lines(
    columns: &str,
    lines: impl Iterator<Item = String>,
    out: &mut impl Write,
) -> io::Result<()> {
    for (number, line) in lines.enumerate() {
        if number == 0 {
            terminal::head(columns);
        }
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// Writes each change as it comes, until interrupted. Whether there was any service.
async fn watch(mut browser: Browser, args: &Args, out: &mut impl Write) -> io::Result<bool> {
    let mut any = false;
    let mut news = Vec::new();
    let mut rest = time::interval(REMEMBER);
    if !args.json {
        terminal::head(&format!("\t{}", row::head(args.columns())));
    }
    loop {
        let event = tokio::select! {
            event = browser.next() => event,
            _ = tokio::signal::ctrl_c() => None,
            _ = rest.tick() => {
                remember_news(&mut news);
                continue;
            }
        };
        let Some(event) = event else {
            remember_news(&mut news);
            return Ok(any);
        };
        any = true;
        write_event(&event, args, out)?;
        let (Event::Found(service) | Event::Updated(service) | Event::Lost(service)) = event;
        news.push(service);
        if news.len() >= REMEMBER_AT {
            remember_news(&mut news);
        }
    }
}

fn remember_news(news: &mut Vec<Service>) {
    if !news.is_empty() {
        tell_forgotten(remember(news).err());
        news.clear();
    }
}

fn write_event(event: &Event, args: &Args, out: &mut impl Write) -> io::Result<()> {
    let (sign, said, service) = match event {
        Event::Found(service) => ('+', "found", service),
        Event::Updated(service) => ('~', "updated", service),
        Event::Lost(service) => ('-', "lost", service),
    };
    if args.json {
        let change = Change { event: said, service: Found::new(service, None) };
        serde_json::to_writer(&mut *out, &change)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{sign}\t{}", row::line(service, None, args.columns()))?;
    }
    out.flush()
}

/// A line of `--watch --json`.
#[derive(Serialize)]
struct Change<'a> {
    event: &'static str,
    #[serde(flatten)]
    service: Found<'a>,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[track_caller]
    fn check(arguments: &[&str], expected: &[Kind]) {
        let line = Line::parse_from([&["discover"], arguments].concat());
        assert_eq!(line.args.kinds(), expected);
    }

    #[test]
    fn shares_are_looked_for_and_others_when_asked() {
        check(&[], &[Kind::Daap]);
        check(&["--all"], &Kind::ALL);
        check(&["--kind", "remotes"], &[Kind::TouchRemote]);
        let servers = [Kind::Daap, Kind::TouchAble, Kind::HomeSharing, Kind::Dacp];
        check(&["--kind", "servers", "--kind", "shares"], &servers);
        check(&["--kind", "shares,remotes"], &[Kind::Daap, Kind::TouchRemote]);
        check(&["--kind", "speakers"], &[Kind::Raop, Kind::AirPlay]);
    }
}
