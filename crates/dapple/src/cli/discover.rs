//! `dapple discover`: the shares on this network.

use std::io::{self, IsTerminal as _, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use discovery::{About, Browser, Event, Interfaces, Kind, Service, ShareTxt};
use serde::Serialize;
use tokio::time::{self, Instant};

use super::Outcome;

/// How long to listen for shares, and the longest that can be asked for.
const TIMEOUT_S: u64 = 3;
const TIMEOUT_MAX_S: u64 = 24 * 60 * 60;

/// What the columns of a line are.
const COLUMNS: [&str; 6] = ["NAME", "ADDRESS", "PORT", "PASSWORD", "VERSION", "MACHINE"];

/// List the shares on this network, those of this machine included
///
/// One line a share, with tabs between name, address, port, password (yes, no or ?), DAAP version and machine.
/// Exit code 0 if there is a share, 1 if there is none, 2 if it failed.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Print JSON: an array of shares, or with --watch one object a line
    #[arg(long)]
    json: bool,
    /// Go on until interrupted: + for a share that appears, ~ for one that changes, - for one that goes
    #[arg(long, conflicts_with = "timeout")]
    watch: bool,
    /// How long to listen
    #[arg(long, value_name = "SECS", default_value_t = TIMEOUT_S, value_parser = clap::value_parser!(u64).range(1..=TIMEOUT_MAX_S))]
    timeout: u64,
}

/// Looks for shares and writes what it finds.
pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let browser = Browser::start(&[Kind::Daap], Interfaces::all()).context(
        "cannot look for shares; the system may have run out of threads or open files, or forbid UDP port 5353",
    )?;
    let any = if args.watch {
        watch(browser, args.json, out).await?
    } else {
        list(browser, Duration::from_secs(args.timeout), args.json, out).await?
    };
    Ok(if any { Outcome::Done } else { Outcome::NothingFound })
}

/// Listens for a while, then writes all at once, sorted. Whether there was any.
async fn list(
    mut browser: Browser,
    listen: Duration,
    json: bool,
    out: &mut impl Write,
) -> io::Result<bool> {
    let end = Instant::now() + listen;
    let mut shares: Vec<Service> = Vec::new();
    while let Ok(Some(event)) = time::timeout_at(end, browser.next()).await {
        let (Event::Found(share) | Event::Updated(share) | Event::Lost(share)) = &event;
        shares.retain(|known| known.instance != share.instance);
        if let Event::Found(share) | Event::Updated(share) = event {
            shares.push(share);
        }
    }
    shares.sort_by_key(|share| (share.name.to_lowercase(), share.instance.clone()));
    if json {
        let shares: Vec<Found<'_>> = shares.iter().map(Found::new).collect();
        serde_json::to_writer_pretty(&mut *out, &shares)?;
        writeln!(out)?;
    } else {
        if !shares.is_empty() {
            head("");
        }
        for share in &shares {
            writeln!(out, "{}", line(share))?;
        }
    }
    out.flush()?;
    Ok(!shares.is_empty())
}

/// Writes each change as it comes, until interrupted. Whether there was any share.
async fn watch(mut browser: Browser, json: bool, out: &mut impl Write) -> io::Result<bool> {
    let mut any = false;
    if !json {
        head("\t");
    }
    loop {
        let event = tokio::select! {
            event = browser.next() => event,
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some(event) = event else { return Ok(any) };
        any = true;
        let (sign, said, share) = match &event {
            Event::Found(share) => ('+', "found", share),
            Event::Updated(share) => ('~', "updated", share),
            Event::Lost(share) => ('-', "lost", share),
        };
        if json {
            serde_json::to_writer(&mut *out, &Change { event: said, share: Found::new(share) })?;
            writeln!(out)?;
        } else {
            writeln!(out, "{sign}\t{}", line(share))?;
        }
        out.flush()?;
    }
}

/// Says what the columns are, where a person looks and no program reads.
fn head(before: &str) {
    if io::stdout().is_terminal() && io::stderr().is_terminal() {
        eprintln!("{before}{}", COLUMNS.join("\t"));
    }
}

fn line(share: &Service) -> String {
    let password = match share.about.password() {
        Some(true) => "yes",
        Some(false) => "no",
        None => "?",
    };
    let cells = [
        share.name.clone(),
        share.addresses.first().map_or_else(|| "?".into(), ip),
        share.port.to_string(),
        password.into(),
        version(share).unwrap_or_else(|| "?".into()),
        machine(share).into(),
    ];
    cells.map(|cell| printable(&cell)).join("\t")
}

/// The address without its port, and with its scope if it has one.
fn ip(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => address.ip().to_string(),
    }
}

fn txt(share: &Service) -> Option<&ShareTxt> {
    match &share.about {
        About::Share(txt) => Some(txt),
        _ => None,
    }
}

fn version(share: &Service) -> Option<String> {
    txt(share)?.version.map(|version| version.to_string())
}

fn machine(share: &Service) -> &str {
    share.host.strip_suffix(".local").unwrap_or(&share.host)
}

/// A name comes from the network: it must not move the cursor, nor break the line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A share as `--json` has it.
#[derive(Serialize)]
struct Found<'a> {
    name: &'a str,
    instance: &'a str,
    address: Option<String>,
    addresses: Vec<String>,
    port: u16,
    password: Option<bool>,
    version: Option<String>,
    machine: &'a str,
    host: &'a str,
    machine_id: Option<&'a str>,
    database_id: Option<&'a str>,
    interfaces: &'a [String],
}

impl<'a> Found<'a> {
    fn new(share: &'a Service) -> Self {
        Self {
            name: &share.name,
            instance: &share.instance,
            address: share.addresses.first().map(ip),
            addresses: share.addresses.iter().map(ip).collect(),
            port: share.port,
            password: share.about.password(),
            version: version(share),
            machine: machine(share),
            host: &share.host,
            machine_id: txt(share).and_then(|txt| txt.machine_id.as_deref()),
            database_id: txt(share).and_then(|txt| txt.database_id.as_deref()),
            interfaces: &share.interfaces,
        }
    }
}

/// A line of `--watch --json`.
#[derive(Serialize)]
struct Change<'a> {
    event: &'static str,
    #[serde(flatten)]
    share: Found<'a>,
}

#[cfg(test)]
mod tests {
    use discovery::Version;

    use super::*;

    fn share(name: &str, addresses: &[&str], txt: ShareTxt) -> Service {
        Service {
            kind: Kind::Daap,
            name: name.into(),
            instance: name.into(),
            host: "nas-3689.local".into(),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            port: 3689,
            interfaces: vec!["eth0".into()],
            about: About::Share(txt),
        }
    }

    fn known() -> ShareTxt {
        ShareTxt { password: Some(true), version: Some(Version::DAAP), ..ShareTxt::default() }
    }

    #[test]
    fn a_share_is_a_line_of_six_cells() {
        let full = share("Jo's music", &["192.0.2.7:3689", "[2001:db8::7]:3689"], known());
        assert_eq!(line(&full), "Jo's music\t192.0.2.7\t3689\tyes\t3.0.12\tnas-3689");
        let empty = share("x", &[], ShareTxt::default());
        assert_eq!(line(&empty), "x\t?\t3689\t?\t?\tnas-3689");
        assert_eq!(line(&full).split('\t').count(), COLUMNS.len());
    }

    #[test]
    fn a_hostile_name_stays_in_its_cell() {
        let hostile = share("a\tb\nc\u{1b}[2Jd", &["[fe80::7%3]:3689"], known());
        assert_eq!(line(&hostile), "a b c [2Jd\tfe80::7%3\t3689\tyes\t3.0.12\tnas-3689");
    }

    #[test]
    fn json_says_what_is_unknown() {
        let known = share("Jo", &["192.0.2.7:3689"], known());
        let change = Change { event: "found", share: Found::new(&known) };
        let json: serde_json::Value =
            serde_json::from_str(&serde_json::to_string(&change).unwrap()).unwrap();
        assert_eq!(json["event"], "found");
        assert_eq!(json["address"], "192.0.2.7");
        assert_eq!(json["password"], true);
        assert_eq!(json["version"], "3.0.12");
        assert_eq!(json["machine"], "nas-3689");
        assert_eq!(json["machine_id"], serde_json::Value::Null);
    }
}
