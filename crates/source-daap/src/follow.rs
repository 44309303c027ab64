//! Following a share: what is told of it, and when.

use std::convert::Infallible;
use std::error::Error;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use daap_client::{Link, Mirror};
use daap_model::Snapshot;
use daap_proto::Lineage;
use library::{Closed, Known, Report, ScanPhase};
use relay::Relay;
use tokio::time::{Instant, sleep};

use crate::DaapConfig;
use crate::teller::Teller;

/// For how long a share is lost before its songs count as away. Most links are taken up again before.
const AWAY_AFTER: Duration = Duration::from_secs(60);
/// How soon it is looked again where it could not be seen what a share carries.
const LOOK_AGAIN_SOON: Duration = Duration::from_secs(5);

/// Follows a share until the library takes no more reports.
pub(crate) struct Follower<'a> {
    config: &'a DaapConfig,
    mirror: &'a Mirror,
    report: Report,
    teller: Teller,
    lost_since: Option<Instant>,
    /// What keeps the share from being listed as it is.
    trouble: Option<String>,
}

impl<'a> Follower<'a> {
    /// `known` is what was told in earlier runs.
    pub(crate) fn new(
        config: &'a DaapConfig,
        mirror: &'a Mirror,
        relay: &Relay,
        report: Report,
        known: Known,
    ) -> Self {
        let teller = Teller::new(report.clone(), relay.clone(), known);
        Self { config, mirror, report, teller, lost_since: None, trouble: None }
    }

    pub(crate) async fn run(mut self) -> Result<Infallible, Closed> {
        let (mut link, mut snapshots) = (self.mirror.link(), self.mirror.watch());
        loop {
            let (is, share) =
                (link.borrow_and_update().clone(), snapshots.borrow_and_update().clone());
            let patience = match is {
                Link::Following => self.follow(share).await?,
                Link::Connecting => self.wait().await?,
                Link::Lost { why, .. } => {
                    self.lost_since.get_or_insert_with(Instant::now);
                    let url = &self.config.url;
                    self.tell_trouble(format!("{url} cannot be followed: {}", story(&why)));
                    self.wait().await?
                }
            };
            tokio::select! {
                Ok(()) = link.changed() => {}
                Ok(()) = snapshots.changed() => {}
                () = sleep(patience) => {}
            }
        }
    }

    /// Tells what the share is now, unless that must not be; returns when to look again if nothing happens before.
    async fn follow(&mut self, share: Arc<Snapshot>) -> Result<Duration, Closed> {
        self.lost_since = None;
        let Some(carried) = &self.config.carried else {
            self.take_in(share).await?;
            return Ok(self.config.look_again);
        };
        let url = self.config.url.to_string();
        // It is asked after its lists were read: it says whose songs it has before it lists them.
        let Ok(lineage) = self.lineage().await else { return Ok(LOOK_AGAIN_SOON) };
        let ring = lineage.as_ref().and_then(|share| share.lowest_in_ring_with(carried.own()));
        if ring == Some(carried.own()) {
            self.teller.tell_nothing().await?;
            carried.remove(&url);
            self.tell_trouble(format!(
                "{url} has this server's own songs, itself or by way of others; it is not republished"
            ));
            return Ok(self.config.look_again);
        }
        lineage.into_iter().for_each(|lineage| carried.put(&url, lineage));
        match ring {
            None => self.take_in(share).await?,
            // Until then there may be songs of our own among these.
            Some(_) => self.tell_trouble(format!(
                "{url} and this server republish each other; waits until another in the ring stops that"
            )),
        }
        Ok(self.config.look_again)
    }

    async fn take_in(&mut self, share: Arc<Snapshot>) -> Result<(), Closed> {
        self.teller.tell(share).await?;
        if self.trouble.take().is_some() {
            tracing::info!("{} is followed again", self.config.url);
        }
        self.report.scan(|scan| {
            scan.phase = ScanPhase::Idle;
            scan.problems.clear();
        });
        Ok(())
    }

    /// Whose songs the share has, if it says that; an error if there is no link.
    async fn lineage(&self) -> Result<Option<Lineage>, ()> {
        let client = self.mirror.client().ok_or(())?;
        client.about().await.map(|about| about.lineage).map_err(|_| ())
    }

    /// Waits for the link; once that has taken too long, or if the library knows of nothing else yet, songs are away.
    async fn wait(&mut self) -> Result<Duration, Closed> {
        let Some(since) = self.lost_since else { return Ok(AWAY_AFTER) };
        let left = AWAY_AFTER.saturating_sub(since.elapsed());
        if left.is_zero() || self.teller.is_silent() {
            self.teller.tell_away().await?;
        }
        Ok(left.max(LOOK_AGAIN_SOON))
    }

    fn tell_trouble(&mut self, trouble: String) {
        if self.trouble.as_ref() != Some(&trouble) {
            tracing::warn!("{trouble}");
        }
        self.report.scan(|scan| {
            scan.phase = ScanPhase::Failed;
            scan.problems = vec![trouble.clone()];
        });
        self.trouble = Some(trouble);
    }
}

/// An error and what is behind it, as one line.
fn story(error: &dyn Error) -> String {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |story, cause| format!("{story}: {cause}"))
}
