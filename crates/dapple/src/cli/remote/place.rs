//! Which player is meant, and how it lets us in.

use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context as _;
use daap_client::ClientError;
use daap_proto::ShareUrl;
use daap_proto::read::ReadError;
use dacp_client::{Remote, RemoteError};
use dacp_proto::PairingGuid;
use discovery::{Browser, Interfaces, Kind, Service};
use tokio::time::timeout;

use super::super::Outcome;
use crate::config::DAAP_PORT;
use crate::players::Players;
use crate::{seen, share};

/// How long a player is listened for. All that are there answer within a second, save for slow machines.
const LISTEN: Duration = Duration::from_secs(4);

/// A player that is meant.
#[derive(Debug)]
pub(super) struct Place {
    /// As the user called it; `None` is the dapple of this machine.
    host: Option<String>,
    url: ShareUrl,
    /// With what it lets us in, and under what it is announced, if it was paired.
    paired: Option<(PairingGuid, String)>,
}

impl Place {
    /// What the user named.
    pub(super) fn of(host: Option<String>) -> anyhow::Result<Self> {
        let Some(name) = host.as_deref() else {
            let url = at(Ipv4Addr::LOCALHOST.to_string(), DAAP_PORT);
            return Ok(Self { host, url, paired: None });
        };
        let players = Players::read(&seen::folder()?)?;
        let Some(player) = players.find(name) else {
            return Ok(Self { url: typed(name)?, host, paired: None });
        };
        let broken = || format!("what is remembered of {name} is broken; {}", pair_again(name));
        let url = player.url.parse().with_context(broken)?;
        let guid = player.guid.parse().with_context(broken)?;
        Ok(Self { url, paired: Some((guid, player.service_name.clone())), host })
    }

    /// Logs in; where a player that was paired has moved, at its new place.
    pub(super) async fn connect(&self) -> Result<Remote, RemoteError> {
        let guid = self.paired.as_ref().map(|(guid, _)| *guid);
        let connected = Remote::connect(&self.url, guid).await;
        let (Some((_, service_name)), Err(RemoteError::Client(error))) = (&self.paired, &connected)
        else {
            return connected;
        };
        if !matches!(error, ClientError::NotFound { .. } | ClientError::Unreachable { .. }) {
            return connected;
        }
        match announced(service_name).await.as_ref().and_then(url_of) {
            Some(url) if url != self.url => Remote::connect(&url, guid).await,
            _ => connected,
        }
    }

    /// What people call it.
    pub(super) fn name(&self) -> &str {
        self.host.as_deref().unwrap_or("dapple on this machine")
    }

    /// The error, with what to do about it.
    pub(super) fn advised(&self, error: RemoteError) -> anyhow::Error {
        use RemoteError as E;
        let advice = match (&error, &self.host, &self.paired) {
            (E::NotPaired { .. }, Some(host), None) => {
                format!("not paired: run `dapple remote {} pair`", quoted(host))
            }
            (E::NotPaired { .. }, Some(host), Some(_)) => {
                format!("{host} no longer knows this Remote; {}", pair_again(host))
            }
            (E::Client(ClientError::Unreachable { .. }), None, _) => {
                "no dapple runs on this machine; `dapple serve` starts one, and \
                 `dapple remote HOST VERB` controls another player"
                    .to_owned()
            }
            (E::Lacking { what }, ..) => format!("{} has no {what}", self.name()),
            (E::Client(ClientError::Broken { cause: ReadError::Refused { .. }, .. }), ..) => {
                format!("{} cannot do that", self.name())
            }
            (E::NothingPlays, ..) => "there must be a song for that".to_owned(),
            (E::Client(cause), ..) => share::advice(cause),
            _ => format!("{} does not do that", self.name()),
        };
        anyhow::Error::new(error).context(advice)
    }
}

fn pair_again(host: &str) -> String {
    format!("pair again: `dapple remote {} pair`", quoted(host))
}

/// As it is typed into a shell.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]%".contains(c);
    match name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', r"'\''")),
    }
}

/// What somebody typed to name a player.
pub(super) fn typed(name: &str) -> anyhow::Result<ShareUrl> {
    ShareUrl::typed(name).with_context(|| {
        format!(
            "`{name}` names no player; `dapple discover --kind servers` lists those that answer now"
        )
    })
}

/// A player at a host and port.
pub(super) fn at(host: String, port: u16) -> ShareUrl {
    ShareUrl { host, port: Some(port), target: daap_proto::ShareTarget::Share }
}

/// The player that announces itself to Remotes under this name.
pub(super) async fn announced(service_name: &str) -> Option<Service> {
    let is_it = |service: &Service| {
        service.instance.eq_ignore_ascii_case(service_name) && !service.addresses.is_empty()
    };
    let mut players = Browser::start(&[Kind::TouchAble], Interfaces::all()).ok()?.all();
    let found = timeout(LISTEN, players.wait_for(|players| players.iter().any(is_it))).await;
    found.ok()?.ok()?.iter().find(|service| is_it(service)).cloned()
}

/// Where a player is that was found.
pub(super) fn url_of(service: &Service) -> Option<ShareUrl> {
    ShareUrl::typed(&service.addresses.first()?.to_string()).ok()
}

/// `servers`: lists those that were paired.
pub(super) fn list(out: &mut impl Write) -> anyhow::Result<Outcome> {
    let players = Players::read(&seen::folder()?)?;
    for player in players.all() {
        let place = player.url.trim_start_matches("daap://").trim_end_matches('/');
        let name = crate::terminal::printable(&player.name);
        writeln!(out, "{name}\t{place}\t{}", player.service_name)?;
    }
    Ok(if players.all().is_empty() { Outcome::NothingFound } else { Outcome::Done })
}

/// `forget`: the player still knows us, but we no longer know how to log in.
pub(super) fn forget(name: &str, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let Some(player) = Players::forget(&seen::folder()?, name)? else {
        eprintln!("no player that was paired is called {name}; `dapple remote servers` lists them");
        return Ok(Outcome::NothingFound);
    };
    writeln!(out, "forgot {}", crate::terminal::printable(&player.name))?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: Option<&str>, is_paired: bool) -> Place {
        let paired = is_paired.then(|| (PairingGuid(1), "1".to_owned()));
        Place { host: host.map(str::to_owned), url: at("nas".into(), 1), paired }
    }

    #[test]
    fn an_error_says_what_to_do() {
        let check = |place: Place, error, expected: &str| {
            let advice = place.advised(error).to_string();
            assert!(advice.contains(expected), "{advice}");
        };
        let refused = || RemoteError::NotPaired { status: 503 };
        check(place(Some("nas"), false), refused(), "`dapple remote nas pair`");
        check(place(Some("Jo's den"), true), refused(), r"`dapple remote 'Jo'\''s den' pair`");
        let nobody = std::sync::Arc::new(std::io::Error::other("refused"));
        let nobody = ClientError::Unreachable { address: "127.0.0.1:3689".into(), cause: nobody };
        check(place(None, false), nobody.into(), "`dapple serve` starts one");
        check(
            place(Some("tv"), true),
            RemoteError::Lacking { what: "speakers" },
            "tv has no speakers",
        );
    }
}
