//! Whether the share is on the network, under a name of its own.

use std::net::IpAddr;

use discovery::Service;

use super::finding::Finding;
use super::server::Running;

/// What is known of our share and those of others.
pub(super) struct Facts<'a> {
    /// The name that was wished.
    pub(super) wished: &'a str,
    /// The server, if it runs.
    pub(super) running: Option<&'a Running>,
    pub(super) port: u16,
    /// The addresses of the server's machine.
    pub(super) addresses: &'a [IpAddr],
    /// Whether it is to be announced at all.
    pub(super) advertise: bool,
    /// The shares that answer.
    pub(super) shares: &'a [Service],
}

impl Facts<'_> {
    fn is_ours(&self, share: &Service) -> bool {
        let is_here = |ip: IpAddr| self.addresses.contains(&ip);
        share.port == self.port && share.addresses.iter().any(|address| is_here(address.ip()))
    }
}

pub(super) fn judge(facts: &Facts<'_>) -> Vec<Finding> {
    [judge_name(facts), judge_announced(facts)].into_iter().flatten().collect()
}

/// Whether someone else has the wished name.
fn judge_name(facts: &Facts<'_>) -> Option<Finding> {
    let wished = facts.wished;
    let is_rival = |share: &&Service| !facts.is_ours(share) && same(&share.name, wished);
    let Some(rival) = facts.shares.iter().find(is_rival) else {
        return Some(Finding::fine("name", format!("nobody else shares as {wished:?}")));
    };
    let place = rival.addresses.first().map_or(rival.host.clone(), |at| at.ip().to_string());
    let instead = match facts.running {
        Some(running) if !same(&running.name, wished) => format!("is {:?}", running.name),
        _ => "gets a number behind it".to_owned(),
    };
    let says = format!("another share, at {place}, is called {wished:?}; so this one {instead}");
    Some(Finding::warning("name", says).cure("dapple serve --name \"ANOTHER NAME\""))
}

/// Whether a server that runs is announced.
fn judge_announced(facts: &Facts<'_>) -> Option<Finding> {
    facts.running?;
    if let Some(share) = facts.shares.iter().find(|share| facts.is_ours(share)) {
        return Some(Finding::fine("announced", format!("it is announced as {:?}", share.name)));
    }
    if !facts.advertise {
        let says = "the share is not announced, as asked; clients must be given its address";
        return Some(Finding::warning("announced", says));
    }
    let says = "the server runs, but nobody hears of it: it may still be starting, or was started with --no-advertise";
    Some(Finding::error("announced", says).cure("dapple serve --log info"))
}

/// Names that people take for the same.
fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;
    use crate::fixture;

    fn share(name: &str, address: &str) -> Service {
        fixture::announced(name, &[address])
    }

    #[track_caller]
    fn check(
        running: Option<&str>,
        advertise: bool,
        shares: &[Service],
        expected: &[(&str, Verdict)],
    ) {
        let running =
            running.map(|name| Running { name: name.into(), version: "0.1.0".into(), now_s: None });
        let facts = Facts {
            wished: "Music",
            running: running.as_ref(),
            port: 3689,
            addresses: &["192.0.2.7".parse().unwrap()],
            advertise,
            shares,
        };
        let found: Vec<_> = judge(&facts).iter().map(|f| (f.check, f.verdict)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_share_is_announced_under_its_name() {
        let ours = share("Music", "192.0.2.7:3689");
        let fine = [("name", Verdict::Fine), ("announced", Verdict::Fine)];
        check(Some("Music"), true, &[ours], &fine);
        check(None, true, &[], &fine[..1]);
    }

    #[test]
    fn a_name_that_others_have_is_a_warning() {
        let shares = [share("music", "192.0.2.9:3689"), share("Music (2)", "192.0.2.7:3689")];
        let expected = [("name", Verdict::Warning), ("announced", Verdict::Fine)];
        check(Some("Music (2)"), true, &shares, &expected);
        check(None, true, &shares, &expected[..1]);
        let elsewhere_on_this_machine = [share("Music", "192.0.2.7:3690")];
        check(None, true, &elsewhere_on_this_machine, &expected[..1]);
    }

    #[test]
    fn a_share_that_nobody_hears_of_is_an_error_unless_that_was_asked_for() {
        let expected = |verdict| [("name", Verdict::Fine), ("announced", verdict)];
        check(Some("Music"), true, &[], &expected(Verdict::Error));
        check(Some("Music"), false, &[], &expected(Verdict::Warning));
    }
}
