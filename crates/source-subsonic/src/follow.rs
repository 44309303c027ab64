//! Following a server: what is asked of it, and when.

use std::convert::Infallible;
use std::time::Duration;

use library::{Clock, Closed, Known, Problem, Report, ScanPhase, SystemClock};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::Inner;
use crate::api::{ApiError, story};
use crate::connection::{Connection, ConnectionState};
use crate::pass::{self, Pass, Trouble};
use crate::recent::Recent;
use crate::teller::Teller;

/// For how long a server is lost before its songs count as away.
const AWAY_AFTER: Duration = Duration::from_secs(60);
/// The longest pause before a server that is lost is asked again; the first is twice as long each time.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How often everything is looked through even if the server tells of no change: ratings of songs are in no other list.
const PASS_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// A time that no server has reached, in milliseconds: nothing has changed since.
const FAR_FUTURE: &str = "4102444800000";

/// By what to see that the files of a server have not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark(String);

/// Follows a server until the library takes no more reports.
pub(crate) struct Follower<'a> {
    pub(crate) source: &'a Inner,
    report: Report,
    pub(crate) teller: Teller<'a>,
    /// What the server was when it was last looked through, and when that was.
    passed: Option<(Mark, Instant)>,
    /// A pass that broke off.
    pass: Option<Pass>,
    pub(crate) recent: Recent,
    /// Whether the server says when it last looked for files.
    tells_scans: bool,
    lost_since: Option<Instant>,
    pause: Duration,
    /// How many wishes to look there were so far.
    wishes: watch::Receiver<u64>,
}

impl<'a> Follower<'a> {
    /// `known` is what was told in earlier runs.
    pub(crate) fn new(source: &'a Inner, report: Report, known: Known) -> Self {
        Self {
            source,
            teller: Teller::new(source, report.clone(), known),
            report,
            passed: None,
            pass: None,
            recent: Recent::default(),
            tells_scans: true,
            lost_since: None,
            pause: source.config.retry,
            wishes: source.wishes.subscribe(),
        }
    }

    pub(crate) async fn run(mut self) -> Result<Infallible, Closed> {
        loop {
            let (wishes, begun) = (*self.wishes.borrow_and_update(), Instant::now());
            self.show(|now| now.state = ConnectionState::Syncing);
            let pause = match self.look().await {
                Ok(()) => self.well(begun.elapsed()),
                Err(Trouble::Closed(closed)) => return Err(closed),
                Err(trouble) => self.lost(&trouble).await?,
            };
            self.show(|now| now.answered = wishes);
            tokio::select! {
                () = sleep(pause) => {}
                // Whoever wishes lives as long as the source.
                _ = self.wishes.changed() => {}
                () = fetch_pinned(self.source) => {}
            }
        }
    }

    /// Looks for what has changed, and tells it.
    async fn look(&mut self) -> Result<(), Trouble> {
        self.doubt_written();
        let mark = self.mark().await?;
        let is_passed = self
            .passed
            .as_ref()
            .is_some_and(|(passed, at)| Some(passed) == mark.as_ref() && at.elapsed() < PASS_EVERY);
        if is_passed {
            self.look_at_written().await?;
            self.look_at_recent().await?;
        } else {
            self.look_through(mark).await?;
        }
        self.look_at_playlists().await?;
        Ok(self.teller.settle().await?)
    }

    /// What the server is now; `None` if it does not say, or is about to change.
    async fn mark(&mut self) -> Result<Option<Mark>, ApiError> {
        let api = &self.source.api;
        if self.tells_scans {
            match api.ask("getScanStatus", &[]).await {
                Err(error) if pass::is_unknown(&error) => {}
                answer => {
                    let scan = answer?.scan_status;
                    if scan.scanning.0 {
                        return Ok(None);
                    }
                    if !scan.last_scan.is_empty() {
                        return Ok(Some(Mark(format!("{} {}", scan.last_scan.0, scan.count.0))));
                    }
                }
            }
            self.tells_scans = false;
        }
        match api.ask("getIndexes", &[("ifModifiedSince", FAR_FUTURE)]).await {
            Err(error) if pass::is_unknown(&error) => Ok(None),
            answer => {
                let modified = answer?.indexes.last_modified;
                let is_known = !matches!(modified.as_str(), "" | "0");
                Ok(is_known.then_some(Mark(modified.0)))
            }
        }
    }

    /// Looks through everything, or goes on with that if the server is as it was.
    async fn look_through(&mut self, mark: Option<Mark>) -> Result<(), Trouble> {
        let begun = self.pass.take().filter(|pass| mark.is_some() && pass.mark == mark);
        let mut pass = begun.unwrap_or_else(|| Pass::new(mark, &mut self.teller));
        if let Err(trouble) = pass.run(&self.source.api, &mut self.teller).await {
            self.pass = Some(pass).filter(|_| matches!(trouble, Trouble::Api(_)));
            return Err(trouble);
        }
        self.passed = pass.mark.clone().map(|mark| (mark, Instant::now()));
        self.recent = Recent::since(pass);
        Ok(())
    }

    /// Shows what has become of the connection.
    pub(crate) fn show(&self, change: impl FnOnce(&mut Connection)) {
        let api = &self.source.api;
        self.source.connection.send_modify(|now| {
            (now.server, now.requests) = (api.server(), api.asked());
            (now.songs, now.told) = (self.teller.songs(), self.teller.changes());
            change(now);
        });
    }

    /// Takes in that the server has told all; returns when to ask again.
    fn well(&mut self, took: Duration) -> Duration {
        (self.lost_since, self.pause) = (None, self.source.config.retry);
        let mut trouble = None;
        self.show(|now| {
            trouble = now.trouble.take();
            (now.state, now.last_took) = (ConnectionState::Idle, took);
            now.last_sync = Some(SystemClock.now());
        });
        if trouble.is_some() {
            tracing::info!("{} is followed again", self.source.api.url());
        }
        self.source.config.every
    }

    /// Takes in that the server cannot be followed; returns when to ask again.
    async fn lost(&mut self, trouble: &Trouble) -> Result<Duration, Closed> {
        let what = format!("{} cannot be followed: {}", self.source.api.url(), story(trouble));
        let problem = Problem { what, remedy: trouble.remedy().to_owned() };
        if self.source.connection.borrow().trouble.as_ref() != Some(&problem) {
            tracing::warn!(remedy = problem.remedy, "{}", problem.what);
        }
        self.report.scan(|scan| {
            scan.phase = ScanPhase::Failed;
            scan.problems = vec![problem.what.clone()];
        });
        self.show(|now| (now.state, now.trouble) = (ConnectionState::Lost, Some(problem)));
        let since = *self.lost_since.get_or_insert_with(Instant::now);
        // What was not seen in this run is not known to be there.
        if since.elapsed() >= AWAY_AFTER || self.teller.is_silent() {
            self.teller.away().await?;
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        let is_login = matches!(trouble, Trouble::Api(error) if error.is_about_login());
        let least = if is_login { LONGEST_PAUSE } else { Duration::ZERO };
        Ok(pause.max(least.min(self.source.config.every)))
    }
}

/// Fetches what is to be kept for ever, and then waits for ever.
async fn fetch_pinned(source: &Inner) {
    source.sounds.fetch_pinned().await;
    std::future::pending().await
}
