//! Asking the shares that were found what they are.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use daap_client::{About, Builder, Client};
use daap_proto::ShareUrl;
use daap_proto::reply::Password;
use discovery::{Kind, Service};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use tokio::time::{self, Instant};

/// How many shares are asked at once.
const AT_ONCE: usize = 16;

/// How long a share may take to be reached, under one of its addresses, and for all of it.
const CONNECT: Duration = Duration::from_secs(3);
const LIMIT: Duration = Duration::from_secs(10);

/// What a share said when it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Probe {
    pub(super) software: Option<String>,
    /// The version of DAAP.
    pub(super) version: Option<String>,
    pub(super) password: Option<bool>,
    pub(super) databases: Option<u32>,
    /// In all databases. It is told to those who are let in.
    pub(super) songs: Option<u64>,
    /// From the question to the answer, and the connection before it.
    pub(super) round_trip_ms: Option<u64>,
    /// Why it did not say all.
    pub(super) error: Option<String>,
}

/// Asks all shares among the services, several at once; in their order.
pub(super) async fn ask(services: &[Service]) -> Vec<Option<Probe>> {
    let asked = services.iter().map(|service| async move {
        if service.kind == Kind::Daap { Some(Probe::of(service).await) } else { None }
    });
    stream::iter(asked).buffered(AT_ONCE).collect().await
}

impl Probe {
    async fn of(service: &Service) -> Self {
        let mut probe = Self::default();
        probe.error = match time::timeout(LIMIT, probe.fill(service)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("{error:#}")),
            Err(_) => Some(format!("no full answer within {} s", LIMIT.as_secs())),
        };
        probe
    }

    async fn fill(&mut self, service: &Service) -> anyhow::Result<()> {
        let builder = Client::builder().connect_timeout(CONNECT).answer_timeout(LIMIT);
        let (url, about, took) = reach(&builder, service).await?;
        self.round_trip_ms = Some(took.as_millis().try_into().unwrap_or(u64::MAX));
        self.software = about.software;
        self.version = about.info.daap.map(|version| version.to_string());
        self.databases = about.info.databases;
        let is_open = about.info.password == Password::None;
        self.password = Some(!is_open);
        if is_open {
            let client = builder.connect(&url).await?;
            let databases = client.databases().await;
            client.logout().await;
            self.songs = databases?.iter().map(|database| database.items.map(u64::from)).sum();
        }
        Ok(())
    }
}

/// Asks at one address after the other; gives what the first says that answers, and how long it took.
async fn reach(
    builder: &Builder,
    service: &Service,
) -> anyhow::Result<(ShareUrl, About, Duration)> {
    let mut failure = anyhow!("it has no address");
    for address in &service.addresses {
        let url = ShareUrl::typed(&address.to_string()).context("its address is no address")?;
        let asked = Instant::now();
        match builder.ask(&url).await {
            Ok(about) => return Ok((url, about, asked.elapsed())),
            Err(error) => failure = error.into(),
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, share, share_with};

    /// A share that is announced at these places.
    fn announced(places: &[&str]) -> Service {
        let addresses = places.iter().map(|place| place.trim_start_matches("daap://"));
        fixture::announced("x", &addresses.collect::<Vec<_>>())
    }

    /// What a share says that is announced at these places.
    async fn probe(places: &[&str]) -> Probe {
        ask(&[announced(places)]).await.remove(0).unwrap()
    }

    /// A place where nobody listens any more.
    fn deserted() -> String {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
    }

    #[tokio::test]
    async fn an_open_share_says_how_many_songs_it_has() {
        let said = probe(&[&share().await]).await;
        assert_eq!(said.error, None);
        assert_eq!((said.password, said.songs, said.databases), (Some(false), Some(5), Some(1)));
        assert!(said.software.unwrap().starts_with("dapple"));
        assert!(said.round_trip_ms.is_some() && said.version.is_some());
    }

    #[tokio::test]
    async fn a_share_with_a_password_says_that_it_wants_one() {
        let url = share_with(|server| server.password("secret")).await;
        let said = probe(&[&url]).await;
        assert_eq!((said.error, said.password, said.songs), (None, Some(true), None));
    }

    #[tokio::test]
    async fn the_address_that_answers_is_asked() {
        let said = probe(&[&deserted(), &share().await]).await;
        assert_eq!((said.error, said.songs), (None, Some(5)));
    }

    #[tokio::test]
    async fn who_does_not_answer_is_told_with_the_reason_and_holds_up_nobody() {
        let services = [announced(&[&deserted()]), announced(&[&share().await]), announced(&[])];
        let said = ask(&services).await;
        let errors: Vec<bool> =
            said.iter().map(|probe| probe.as_ref().unwrap().error.is_some()).collect();
        assert_eq!(errors, [true, false, true]);
    }

    #[tokio::test]
    async fn only_shares_are_asked() {
        let speaker = Service { kind: Kind::Raop, ..announced(&[&deserted()]) };
        assert_eq!(ask(&[speaker]).await, [None]);
    }
}
