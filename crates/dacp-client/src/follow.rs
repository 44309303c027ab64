//! What a player does, from now on.
//!
//! A player holds the question for its status until that is another than the one we name by its number. What goes wrong
//! heals: where the way to the player breaks, it is asked again after a while; where the player refuses, we log in anew.
//! Either way the status is asked for as it is, whatever its number: who was told that the player is away is to hear at
//! once when it is back. Numbers that go back are taken as they come: the player was started again. A player that answers
//! at once whatever is asked is asked no more than once a second.

use std::time::Duration;

use bytes::Bytes;
use daap_client::wire::{Answer, Login};
use daap_model::Revision;
use dacp_proto::{Endpoint, PlayStatus};
use tokio::time::{Instant, sleep_until};

use crate::remote::ANY;
use crate::session::{Session, Wish, granted, read};
use crate::{Remote, RemoteError};

/// How long is waited after something went wrong, and between two answers that say the same.
pub const PAUSE: Duration = Duration::from_secs(1);

/// What there is to know of a player that is followed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum News {
    /// It does this now.
    Status(PlayStatus),
    /// It cannot be asked, and why. It is tried on; the next status ends this.
    Away(RemoteError),
}

/// Follows a player. Made by [`Remote::follow`].
#[derive(Debug)]
pub struct Follow {
    remote: Remote,
    /// What was told last, unless the player was away since.
    last: Option<PlayStatus>,
    is_away: bool,
    /// Not before this is the player asked again.
    not_before: Instant,
}

impl Follow {
    pub(crate) fn new(remote: Remote) -> Self {
        Self { remote, last: None, is_away: false, not_before: Instant::now() }
    }

    /// Waits for the next news: the status at first, and then each time that it is another. It may be dropped and called
    /// again: nothing is lost.
    ///
    /// # Errors
    /// [`RemoteError::NotPaired`]: the player lets us in no more. Everything else is [`News::Away`].
    pub async fn next(&mut self) -> Result<News, RemoteError> {
        loop {
            sleep_until(self.not_before).await;
            let asked = Instant::now();
            match self.ask().await {
                Ok(status) => {
                    if self.revision() == Some(status.revision) {
                        // It did not wait.
                        self.not_before = asked + PAUSE;
                    }
                    self.is_away = false;
                    if self.last.as_ref() != Some(&status) {
                        self.last = Some(status.clone());
                        return Ok(News::Status(status));
                    }
                }
                Err(error @ RemoteError::NotPaired { .. }) => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, "the player is away");
                    self.last = None;
                    self.not_before = Instant::now() + PAUSE;
                    if !std::mem::replace(&mut self.is_away, true) {
                        return Ok(News::Away(error));
                    }
                }
            }
        }
    }

    fn revision(&self) -> Option<Revision> {
        self.last.as_ref().map(|status| status.revision)
    }

    /// The next status; in a new session if the player does not know ours.
    async fn ask(&self) -> Result<PlayStatus, RemoteError> {
        let session = self.remote.session();
        let login = session.login(None);
        let mut answer = ask_in(session, &login, self.revision()).await?;
        if !answer.status().is_success() {
            let login = session.login(Some(&login));
            answer = ask_in(session, &login, None).await?;
        }
        read(granted(answer)?, PlayStatus::read).await
    }
}

/// Asks for a status that is not this one, however long that takes; or for the present one.
async fn ask_in(
    session: &Session,
    login: &Login,
    seen: Option<Revision>,
) -> Result<Answer, RemoteError> {
    let wish = if seen.is_some() { Wish::News } else { Wish::Now };
    let endpoint = Endpoint::PlayStatus { seen: seen.unwrap_or(ANY) };
    session.ask_in(login, &endpoint, Bytes::new(), wish).await
}
