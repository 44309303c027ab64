//! Fetching the songs of a plan: several at a time, and again where it fails for a while.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use daap_client::{Client, ClientError, Download, DownloadError, Saved};
use futures_util::{StreamExt as _, stream};
use tokio::time;

use super::plan::{Plan, Planned};
use super::show::Show;

/// How songs are fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// How many at a time.
    pub(crate) jobs: usize,
    /// How often a song is tried again.
    pub(crate) retries: u32,
    /// Whether a file in its place that is another is replaced.
    pub(crate) overwrite: bool,
    /// Whether a song may have fewer bytes than the share lists.
    pub(crate) any_size: bool,
}

/// How the songs of a plan fared.
#[derive(Debug, Default)]
pub(crate) struct Fetched<'a> {
    /// What is there now.
    pub(crate) saved: Vec<(&'a Planned, Saved)>,
    /// What is not, and why.
    pub(crate) failed: Vec<(&'a Planned, DownloadError)>,
    /// Why the rest was not tried, if so.
    pub(crate) stopped: Option<Stop>,
}

/// Why fetching stopped before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The user wants it.
    Interrupted,
    /// Every other song would fail in the same way.
    Hopeless(DownloadError),
}

/// Fetches what of `plan` is not in `folder` yet.
pub(crate) async fn fetch<'a>(
    client: &Client,
    plan: &'a Plan,
    folder: &Path,
    manner: Manner,
    show: &Show,
) -> Fetched<'a> {
    let mut fetched = Fetched::default();
    let songs = stream::iter(&plan.songs).map(|planned| async move {
        let download = Download::new(planned.database, &planned.song, folder.join(&planned.path))
            .replacing(manner.overwrite)
            .taking_any_size(manner.any_size);
        (planned, patiently(client, planned, &download, manner.retries, show).await)
    });
    let mut songs = songs.buffer_unordered(manner.jobs);
    let interrupt = tokio::signal::ctrl_c();
    tokio::pin!(interrupt);
    loop {
        let (planned, outcome) = tokio::select! {
            _ = &mut interrupt => {
                fetched.stopped = Some(Stop::Interrupted);
                return fetched;
            }
            next = songs.next() => match next {
                Some(next) => next,
                None => return fetched,
            },
        };
        match outcome {
            Ok(saved) => fetched.saved.push((planned, saved)),
            Err(error) if is_hopeless(&error) => {
                fetched.stopped = Some(Stop::Hopeless(error));
                return fetched;
            }
            Err(error) => fetched.failed.push((planned, error)),
        }
    }
}

/// Fetches a song, and again after a while if it fails in a way that may pass.
async fn patiently(
    client: &Client,
    planned: &Planned,
    download: &Download,
    retries: u32,
    show: &Show,
) -> Result<Saved, DownloadError> {
    let mut tries = 0..retries;
    loop {
        let file = show.begin(planned, download.there().await?);
        match download.run(client, |bytes| file.came(bytes)).await {
            Ok(saved) => {
                file.done(&saved);
                return Ok(saved);
            }
            Err(error) => match tries.next().filter(|_| may_pass(&error)) {
                Some(tried) => {
                    file.waits(&error, pause(tried));
                    time::sleep(pause(tried)).await;
                }
                None => {
                    file.failed();
                    return Err(error);
                }
            },
        }
    }
}

/// How long to wait before a song is tried again: a second at first, then twice as long each time.
fn pause(tried: u32) -> Duration {
    /// At most.
    const LONGEST: Duration = Duration::from_secs(60);
    Duration::from_secs(1).saturating_mul(1 << tried.min(6)).min(LONGEST)
}

/// Whether it may go better in a moment.
fn may_pass(error: &DownloadError) -> bool {
    use ClientError as E;
    match error {
        DownloadError::Client(error) => match error {
            E::Unreachable { .. }
            | E::Busy
            | E::Stalled { .. }
            | E::CutShort { .. }
            | E::NotHttp { .. } => true,
            E::Refused { status, .. } => *status >= 500,
            _ => false,
        },
        DownloadError::WrongLength { .. } => true,
        _ => false,
    }
}

/// Whether every other song would fail in the same way.
fn is_hopeless(error: &DownloadError) -> bool {
    use ClientError as E;
    match error {
        DownloadError::Client(
            E::Unreachable { .. }
            | E::NotHttp { .. }
            | E::PasswordWanted
            | E::WrongPassword
            | E::AppleOnly { .. },
        ) => true,
        DownloadError::File { cause, .. } => matches!(
            cause.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_become_longer_and_have_a_limit() {
        let seconds: Vec<u64> = (0..8).map(|tried| pause(tried).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pause(u32::MAX), pause(7));
    }

    #[test]
    fn what_helps_no_song_stops_all_and_what_may_pass_is_tried_again() {
        let client = |error| DownloadError::Client(error);
        let file = |kind: ErrorKind| DownloadError::File { path: "x".into(), cause: kind.into() };
        let refused = |status| client(ClientError::Refused { path: "/x".into(), status });
        let stalled = client(ClientError::Stalled { after: Duration::from_secs(1) });
        let table = [
            (stalled, true, false),
            (refused(500), true, false),
            (refused(404), false, false),
            (client(ClientError::WrongPassword), false, true),
            (file(ErrorKind::StorageFull), false, true),
            (file(ErrorKind::PermissionDenied), false, false),
        ];
        for (error, passes, hopeless) in table {
            assert_eq!((may_pass(&error), is_hopeless(&error)), (passes, hopeless), "{error:?}");
        }
    }
}
