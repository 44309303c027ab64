//! `dapple doctor`: what keeps clients from finding or reaching the share, and what to do about it.
//!
//! Each check is a file: what it looks at, and a decision on the facts that it is given.

mod clock;
mod finding;
mod folders;
mod multicast;
mod network;
mod port;
mod server;
mod share;
mod system;

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use discovery::{Browser, Interfaces, Kind, Service};
use hyper::Uri;

use self::finding::{Finding, Verdict};
use self::multicast::Firewall;
use self::network::Link;
use self::port::Protocol;
use self::server::Running;
use super::server::ServerArgs;
use super::{Outcome, discover, serve};
use crate::config::DAAP_PORT;
use crate::time;

/// How long to listen for shares: they are asked for at once, after one second, and after three.
const LISTEN: Duration = Duration::from_secs(4);

/// Say what keeps clients from finding or reaching the share, and what to do about it
///
/// Give it the folders and options that you give `serve`, or nothing if those come from the configuration file.
/// Exit code 0 if all is well or there are but warnings, 1 if something stops clients, 2 if it could not be looked at.
#[derive(clap::Args, Debug)]
#[group(skip)] // it would have the name of that of `serve`
pub(crate) struct Args {
    #[command(flatten)]
    at: ServerArgs,
    #[command(flatten)]
    serve: serve::Args,
}

pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let settings = serve::Settings::resolve(args.serve)?;
    let links = network::links().context("cannot list the network interfaces")?;
    let server = Server::find(args.at.named, &settings.listen).await?;
    let running = server::ask(&server.url).await;

    let mut findings = network::judge(&links);
    findings.push(server::judge(&server.url, &running));
    let running = running.ok();
    let (machine, network) = tokio::join!(
        look_at_this_machine(&settings, &server, running.as_ref(), &links),
        look_at_multicast(&settings, &server, running.as_ref(), &links),
    );
    findings.extend(machine?);
    findings.extend(network);
    findings.push(clock::judge(time::now_s(), running.and_then(|running| running.now_s)));
    report(&findings, args.at.json, out)?;
    Ok(outcome(&findings))
}

/// Where the server is.
#[derive(Debug)]
struct Server {
    url: String,
    port: u16,
    /// What its host resolves to.
    addresses: Vec<IpAddr>,
}

impl Server {
    /// The one that was named, or the one that would listen there.
    async fn find(named: Option<String>, listen: &[SocketAddr]) -> anyhow::Result<Self> {
        let url = named.unwrap_or_else(|| here(listen));
        let uri: Uri = url.parse().with_context(|| format!("`{url}` is not a URL"))?;
        let host = uri.host().context("the URL names no host")?.trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(80);
        // One that does not resolve does not answer either, which is told then.
        let addresses = tokio::net::lookup_host((host, port)).await;
        let addresses = addresses.map(|found| found.map(|address| address.ip()).collect());
        Ok(Self { port, addresses: addresses.unwrap_or_default(), url })
    }

    /// Whether it is on the machine that has these addresses on the network.
    fn is_on(&self, here: &[IpAddr]) -> bool {
        self.addresses.iter().any(|ip| ip.is_loopback() || here.contains(ip))
    }

    /// Its addresses on the network, as far as they are known.
    fn on_network(&self, links: &[Link]) -> Vec<IpAddr> {
        let here: Vec<IpAddr> = network::addresses(links).collect();
        if self.is_on(&here) { here } else { self.addresses.clone() }
    }
}

/// The URL of a server on this machine that listens there.
fn here(listen: &[SocketAddr]) -> String {
    let named = listen.first().copied();
    let address = named.unwrap_or_else(|| ([127, 0, 0, 1], DAAP_PORT).into());
    let everywhere = address.ip().is_unspecified();
    let ip = if everywhere { IpAddr::from([127, 0, 0, 1]) } else { address.ip() };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// What a server on this machine needs of it, and whether it answers at its addresses.
async fn look_at_this_machine(
    settings: &serve::Settings,
    server: &Server,
    running: Option<&Running>,
    links: &[Link],
) -> anyhow::Result<Vec<Finding>> {
    let (addresses, port): (Vec<IpAddr>, u16) = (network::addresses(links).collect(), server.port);
    let mut findings = Vec::new();
    if !server.is_on(&addresses) {
        return Ok(findings);
    }
    for address in settings.listen.iter().filter(|address| address.port() != 0) {
        let ours = running.is_some() && address.port() == port;
        findings.push(port::judge(&port::look(*address, ours)));
    }
    if running.is_some() {
        let answers = server::call(addresses.into_iter(), port).await;
        findings.extend(server::judge_answers(&answers));
    }
    findings.extend(multicast::judge_firewall(Firewall::installed(), port));
    let (folders, data) = (settings.folders.clone(), settings.data.clone());
    let on_disk = tokio::task::spawn_blocking(move || {
        let folders: Vec<_> = folders.iter().map(|folder| folders::look(folder)).collect();
        (folders, system::look_at_data(&data))
    });
    let (folders, data) = on_disk.await?;
    findings.extend(folders.iter().map(folders::judge));
    let watched = folders.iter().map(|folder| folder.folders).sum();
    findings.extend(folders::judge_watches(watched, folders::watch_limit()));
    findings.push(system::judge_data(&data));
    findings.push(system::judge_open_files(system::open_files()));
    Ok(findings)
}

/// Whether multicast DNS gets through, and what it says of the share.
async fn look_at_multicast(
    settings: &serve::Settings,
    server: &Server,
    running: Option<&Running>,
    links: &[Link],
) -> Vec<Finding> {
    let taken = multicast::take_port();
    let holder = taken.err().and_then(|_| port::holder(Protocol::Udp, multicast::PORT));
    if let Some(finding) = multicast::judge_port(&taken, holder) {
        return vec![finding];
    }
    let expected: BTreeSet<&str> = network::sound(links).collect();
    let all = Interfaces::all();
    let (heard, shares) = tokio::join!(discovery::echo(&all), shares());
    let (heard, shares) = match (heard, shares) {
        (Ok(heard), Ok(shares)) => (heard, shares),
        (Err(error), _) | (_, Err(error)) => {
            let says = format!("multicast DNS cannot be tried: {:#}", anyhow::Error::new(error));
            return vec![Finding::unknown("multicast", says)];
        }
    };
    let mut findings = Vec::from_iter(multicast::judge(&expected, &heard, Firewall::installed()));
    if !heard.is_empty() {
        findings.extend(share::judge(&share::Facts {
            wished: wished(settings, running),
            running,
            port: server.port,
            addresses: &server.on_network(links),
            advertise: settings.advertise,
            shares: &shares,
        }));
    }
    findings
}

/// The name that the share would have if nobody else had it. A server that was started under another than we were told
/// of knows better.
fn wished<'a>(settings: &'a serve::Settings, running: Option<&'a Running>) -> &'a str {
    let running = running.map(|running| running.name.as_str());
    running.filter(|name| !name.starts_with(&settings.name)).unwrap_or(&settings.name)
}

async fn shares() -> Result<Vec<Service>, discovery::DiscoveryError> {
    let browser = Browser::start(&[Kind::Daap], Interfaces::all())?;
    Ok(discover::listen(browser, LISTEN).await)
}

fn report(findings: &[Finding], json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    if json {
        serde_json::to_writer_pretty(&mut *out, findings)?;
        writeln!(out)?;
        return Ok(());
    }
    for finding in findings {
        finding.write(out)?;
    }
    let count = |verdict| findings.iter().filter(|found| found.verdict == verdict).count();
    match (count(Verdict::Error), count(Verdict::Warning)) {
        (0, 0) => writeln!(out, "nothing keeps clients out")?,
        (0, warnings) => writeln!(out, "nothing keeps clients out; warnings: {warnings}")?,
        (errors, warnings) => writeln!(out, "errors: {errors}; warnings: {warnings}")?,
    }
    Ok(())
}

fn outcome(findings: &[Finding]) -> Outcome {
    match findings.iter().map(|finding| finding.verdict).max() {
        Some(Verdict::Error) => Outcome::Trouble,
        Some(Verdict::Unknown) => Outcome::Failed,
        _ => Outcome::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_looked_for_where_it_would_listen() {
        assert_eq!(here(&[]), "http://127.0.0.1:3689");
        assert_eq!(here(&["[::]:3690".parse().unwrap()]), "http://127.0.0.1:3690");
        assert_eq!(here(&["192.0.2.7:80".parse().unwrap()]), "http://192.0.2.7:80");
        assert_eq!(here(&["[2001:db8::7]:80".parse().unwrap()]), "http://[2001:db8::7]:80");
    }

    #[tokio::test]
    async fn a_server_is_here_or_elsewhere() {
        let ours: [IpAddr; 1] = ["192.0.2.7".parse().unwrap()];
        let table = [
            ("http://127.0.0.1:3689", true),
            ("http://localhost:3689", true),
            ("http://[::1]:3689", true),
            ("http://192.0.2.7:3689", true),
            ("http://192.0.2.8:3689", false),
        ];
        for (url, expected) in table {
            let server = Server::find(Some(url.into()), &[]).await.unwrap();
            assert_eq!((server.is_on(&ours), server.port), (expected, 3689), "{url}");
        }
    }

    #[test]
    fn the_worst_finding_decides_the_exit_code() {
        let fine = Finding::fine("a", "");
        let check = |finding, expected| assert_eq!(outcome(&[fine.clone(), finding]), expected);
        check(Finding::warning("b", ""), Outcome::Done);
        check(Finding::unknown("b", ""), Outcome::Failed);
        check(Finding::error("b", ""), Outcome::Trouble);
    }
}
