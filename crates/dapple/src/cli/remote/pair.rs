//! `dapple remote pair`: shows a PIN, waits for a server that is told it, and remembers that.

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use daap_client::Client;
use daap_proto::ShareUrl;
use dacp_client::pairing::{Paired, Waiting};
use dacp_client::{Remote, RemoteError};
use discovery::Interfaces;

use super::super::Outcome;
use super::place;
use crate::config::DAAP_PORT;
use crate::players::{Player, Players};
use crate::{seen, terminal};

/// How long a server is waited for unless it is said, and the longest that can be.
const WAIT_S: u64 = 300;
const WAIT_MAX_S: u64 = 24 * 60 * 60;

/// Be paired with a player: show a PIN, to be typed into it
///
/// In iTunes it is typed where the Remote shows up among the devices, in OwnTone on its web page, for dapple with
/// `dapple pair PIN` on its machine. Exit code 1 if nobody came with the PIN.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// As what this Remote shows up [default: the name of this machine]
    #[arg(long)]
    name: Option<String>,
    /// How long to wait
    #[arg(long, value_name = "SECS", default_value_t = WAIT_S, value_parser = clap::value_parser!(u64).range(1..=WAIT_MAX_S))]
    timeout: u64,
    /// Listen here [default: a free port of all addresses]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Do not announce this Remote by mDNS: the server must be told where it is
    #[arg(long)]
    no_advertise: bool,
}

pub(super) async fn run(
    host: Option<&str>,
    args: Args,
    out: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let url = host.map(place::typed).transpose()?;
    let machine = gethostname::gethostname().to_string_lossy().into_owned();
    let name = args.name.as_deref().unwrap_or(machine.as_str());
    let waiting = listen(name, args.listen).await?;
    let (pin, pair, port) = (waiting.pin(), waiting.pair().to_owned(), waiting.address().port());
    let waiting = match args.no_advertise {
        true => waiting,
        false => announce(waiting, &machine)?,
    };
    writeln!(out, "PIN {pin}")?;
    writeln!(out, "type it into the player, where it shows the Remote {:?}; for dapple:", name)?;
    writeln!(out, "  dapple pair {pin}")?;
    writeln!(out, "and if it does not see this Remote, with this machine's address:")?;
    writeln!(out, "  dapple pair {pin} --remote ADDR:{port} --pair-id {pair}")?;
    out.flush()?;
    match waiting.paired(Duration::from_secs(args.timeout)).await {
        Ok(paired) => remember(paired, url, out).await,
        Err(error) => {
            eprintln!("not paired: {error}");
            Ok(Outcome::NothingFound)
        }
    }
}

/// Listens where it is said, or on all addresses that this machine has.
async fn listen(name: &str, on: Option<SocketAddr>) -> anyhow::Result<Waiting> {
    let every: SocketAddr = (Ipv6Addr::UNSPECIFIED, 0).into();
    let waiting = match (Waiting::listen(name, on.unwrap_or(every)).await, on) {
        // A machine without IPv6.
        (Err(_), None) => Waiting::listen(name, (Ipv4Addr::UNSPECIFIED, 0).into()).await,
        (waiting, _) => waiting,
    };
    waiting.context("cannot listen for the player; name an address of this machine with --listen")
}

fn announce(waiting: Waiting, machine: &str) -> anyhow::Result<Waiting> {
    waiting.announced(machine, Interfaces::all()).context(
        "this Remote cannot be announced; with --no-advertise it waits for a player that is told where it is",
    )
}

async fn remember(
    paired: Paired,
    url: Option<ShareUrl>,
    out: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let service = match url {
        Some(_) => None,
        None => place::announced(&paired.service_name).await,
    };
    let found = service.as_ref().and_then(place::url_of);
    let asked_from = || place::at(paired.server.to_string(), DAAP_PORT);
    let url = url.or(found).unwrap_or_else(asked_from);
    let name = name_of(&url).await.or(service.map(|service| service.name));
    let player = Player {
        name: name.unwrap_or_else(|| url.host.clone()),
        url: url.to_string(),
        service_name: paired.service_name,
        guid: paired.guid.to_string(),
    };
    let name = terminal::printable(&player.name);
    Players::remember(&seen::folder()?, player)?;
    writeln!(out, "paired with {name} at {url}")?;
    match Remote::connect(&url, Some(paired.guid)).await {
        Ok(remote) => remote.log_out().await,
        Err(error @ RemoteError::NotPaired { .. }) => {
            return Err(anyhow::Error::new(error)
                .context("it has paired this Remote, and does not let it in"));
        }
        Err(error) => {
            let error = anyhow::Error::new(error);
            terminal::tell(&error.context("it is remembered, but does not answer there now"));
        }
    }
    Ok(Outcome::Done)
}

/// What a player calls its library, if it says.
async fn name_of(url: &ShareUrl) -> Option<String> {
    let about = Client::builder().ask(url).await.ok()?;
    Some(about.info.name).filter(|name| !name.is_empty())
}
