//! `dapple pair`: lets a Remote control a running server.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper::{Method, StatusCode};
use serde_json::Value;

use super::Outcome;
use super::server::ServerArgs;
use crate::api::{PAIR, REMOTES, Remotes};
use crate::http;
use crate::remotes::{Account, Introduction, PairedRemote, Verdict, WaitingRemote};
use crate::terminal::{head, printable};
use crate::time::{duration, now_s};

/// How long a server may take to pair: it calls the Remote, at each of its addresses if it must.
const PAIRING_LIMIT: Duration = Duration::from_secs(60);
/// And to forget a Remote.
const FORGETTING_LIMIT: Duration = Duration::from_secs(10);

/// Let an iPhone's Remote, or another, control a running server.
///
/// Without a code the Remotes that ask to be paired are listed, and those that are paired. On the phone, open Remote and
/// choose to add an iTunes library: it shows a code of four digits, which goes here.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The code that the Remote shows
    #[arg(value_name = "PIN")]
    pin: Option<String>,
    /// The Remote, where several ask: its name; or, with --pair-id, the address of one that multicast does not reach
    #[arg(long, value_name = "NAME|ADDR:PORT", requires = "pin")]
    remote: Option<String>,
    /// The `Pair` value that the Remote at that address announces
    #[arg(long, value_name = "HEX16", requires = "remote")]
    pair_id: Option<String>,
    /// Forget a Remote that is paired: it has to be paired again to come back
    #[arg(long, value_name = "NAME|ID", conflicts_with = "pin")]
    forget: Option<String>,
    #[command(flatten)]
    at: ServerArgs,
}

pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    match (&args.pin, &args.forget) {
        (Some(pin), _) => pair(&args, pin, out).await,
        (None, Some(remote)) => forget(&args, remote, out).await,
        (None, None) => list(&args, out).await,
    }
}

async fn pair(args: &Args, pin: &str, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let introduction = introduction(args, pin)?;
    let answer = http::order(args.at.url(), Method::POST, PAIR, &introduction, PAIRING_LIMIT).await;
    let answer = answer.with_context(|| unreachable(args.at.url()))?;
    if args.at.json {
        out.write_all(answer.body())?;
        writeln!(out)?;
    }
    let account: Account = serde_json::from_slice(answer.body()).with_context(|| {
        format!("{} answers {}: {}", args.at.url(), answer.status(), http::beginning(answer.body()))
    })?;
    if !args.at.json {
        write!(out, "{}", told(&account))?;
    }
    Ok(match account.result {
        Verdict::Paired => Outcome::Done,
        Verdict::NobodyAsks => Outcome::NothingFound,
        _ => Outcome::Failed,
    })
}

fn introduction(args: &Args, pin: &str) -> anyhow::Result<Introduction> {
    let pin = pin.to_owned();
    let Some(pair_id) = args.pair_id.clone() else {
        return Ok(Introduction { pin, remote: args.remote.clone(), ..Introduction::default() });
    };
    let address = args.remote.as_deref().unwrap_or_default();
    let address: SocketAddr = address.parse().with_context(|| {
        format!("`{address}` is no address; with --pair-id one is wanted, like 192.168.1.5:49160")
    })?;
    Ok(Introduction { pin, address: Some(address), pair_id: Some(pair_id), remote: None })
}

/// The account, and what to do about it.
fn told(account: &Account) -> String {
    let mut text: String =
        account.account.iter().map(|line| format!("  {}\n", printable(line))).collect();
    text += match (&account.paired, account.result) {
        (Some(remote), _) => return text + &format!("paired: {}\n", printable(&remote.name)),
        (_, Verdict::NobodyAsks) => {
            "nobody asks: on the phone, open Remote and choose to add an iTunes library. Is it in this network? If \
             multicast does not reach it, say where it is: --remote ADDR:PORT --pair-id HEX16\n"
        }
        (_, Verdict::SeveralAsk) => "not paired: say which, with --remote NAME\n",
        (_, Verdict::Refused) => "not paired: look at the phone, which may show a new code now\n",
        (_, Verdict::Unreachable) => {
            "not paired: is the Remote still waiting, and does a firewall let this machine call it?\n"
        }
        _ => "not paired\n",
    };
    text
}

async fn forget(args: &Args, name: &str, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let paired = remotes(args.at.url()).await?.paired;
    let is_meant = |remote: &&PairedRemote| {
        remote.name.to_lowercase() == name.to_lowercase() || remote.id.to_string() == name
    };
    let meant: Vec<_> = paired.iter().filter(is_meant).collect();
    let remote = match meant.as_slice() {
        [] => {
            eprintln!("no Remote called {name:?} is paired");
            return Ok(Outcome::NothingFound);
        }
        [remote] => remote,
        _ => bail!(
            "several Remotes are called {name:?}; say which by its id, as `dapple pair` lists them"
        ),
    };
    let path = format!("{REMOTES}/{}", remote.id);
    let answer =
        http::order(args.at.url(), Method::DELETE, &path, &Value::Null, FORGETTING_LIMIT).await;
    let answer = answer.with_context(|| unreachable(args.at.url()))?;
    if answer.status() != StatusCode::OK {
        bail!("{} answers {}: {}", args.at.url(), answer.status(), http::beginning(answer.body()));
    }
    match args.at.json {
        true => out.write_all(answer.body())?,
        false => write!(out, "forgotten: {}", printable(&remote.name))?,
    }
    writeln!(out)?;
    Ok(Outcome::Done)
}

async fn list(args: &Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let remotes = remotes(args.at.url()).await?;
    if args.at.json {
        serde_json::to_writer(&mut *out, &remotes)?;
        writeln!(out)?;
    } else {
        let lines = lines(&remotes, now_s());
        if !lines.is_empty() {
            head("state\tname\ttype\twhere or id\tsince\tlast seen");
        }
        write!(out, "{lines}")?;
    }
    let there_are_some = !remotes.waiting.is_empty() || !remotes.paired.is_empty();
    Ok(if there_are_some { Outcome::Done } else { Outcome::NothingFound })
}

/// What a server says of its Remotes.
pub(super) async fn remotes(server: &str) -> anyhow::Result<Remotes> {
    let body = http::get(server, REMOTES).await.with_context(|| unreachable(server))?;
    serde_json::from_slice(&body)
        .with_context(|| format!("{server} answers, but not as dapple does"))
}

fn unreachable(server: &str) -> String {
    format!("cannot ask {server}; is `dapple serve` running there, with a player? See --server")
}

fn lines(remotes: &Remotes, now_s: u64) -> String {
    let ago = |then: u64| format!("{} ago", duration(now_s.saturating_sub(then)));
    let waiting = |remote: &WaitingRemote| {
        let address = remote.addresses.first().map(ToString::to_string).unwrap_or_default();
        let device_type = remote.device_type.as_deref().unwrap_or_default();
        ["waiting", &remote.name, device_type, &address, "", ""].map(printable).join("\t")
    };
    let paired = |remote: &PairedRemote| {
        let seen = remote.last_seen_s.map_or_else(|| "never".to_owned(), ago);
        let (id, since) = (remote.id.to_string(), ago(remote.paired_s));
        ["paired", &remote.name, &remote.device_type, &id, &since, &seen].map(printable).join("\t")
    };
    let lines = remotes.waiting.iter().map(waiting).chain(remotes.paired.iter().map(paired));
    lines.map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remotes() -> Remotes {
        serde_json::from_str(
            r#"{"waiting":[{"name":"Jo\u001b's phone","type":"iPhone","instance":"FC8D","pair_id":"FAEA410630AEC05E",
                "addresses":["192.0.2.7:49160"]}],
                "paired":[{"id":3,"name":"Tablet","type":"iPad","paired_s":1000,"last_seen_s":null}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn those_that_wait_come_first_and_nothing_moves_the_cursor() {
        assert_eq!(
            lines(&remotes(), 8200),
            "waiting\tJo 's phone\tiPhone\t192.0.2.7:49160\t\t\npaired\tTablet\tiPad\t3\t2 h 0 min ago\tnever\n"
        );
    }

    #[test]
    fn an_account_ends_with_what_to_do() {
        let account = Account {
            result: Verdict::Refused,
            paired: None,
            account: vec!["heard \"Phone\"".into(), "it answers 404".into()],
        };
        let told = told(&account);
        assert!(told.starts_with("  heard \"Phone\"\n  it answers 404\nnot paired: "), "{told}");
        assert!(told.ends_with("a new code now\n"), "{told}");
    }
}
