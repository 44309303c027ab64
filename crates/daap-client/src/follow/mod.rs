//! A copy of a share that follows it.

mod pace;
mod persistent;
mod playlists;
mod replica;
mod songs;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use daap_model::{Diff, Revision, Snapshot};
use daap_proto::read::Entry;
use daap_proto::{Endpoint, ShareUrl, Step};
use futures_util::{Stream, TryStreamExt as _, stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

pub use pace::{POLL_EVERY, READ_EVERY, RETRY_FIRST, RETRY_LAST};

use crate::{Builder, Client, ClientError};
use pace::{Pace, Retry};
use replica::{End, Lists, Replica};

/// A server that has held our question for news so long is asked where it is: a line that is cut somewhere on the way
/// is silent, too.
const HELD_AT_MOST: Duration = Duration::from_secs(120);

/// A copy of a share that follows it: the databases of a server with their songs and playlists, under the ids that the
/// server gives them.
///
/// It is read in full when the link is made, and then step by step as the server tells of news. While the link is lost
/// it stays as it is; the link is made again, ever more patiently, for as long as the mirror lives. Readers see whole
/// states of the server only: a list that breaks off half-way shows nothing.
///
/// Where a server gives no ids for ever, or one to two songs, the copy has ids that follow from the row ids. Playlists
/// that follow rules are plain lists here, songs that are listed and not there are left out of them, and folders that
/// lie in each other are at the top. Revisions are the copy's own.
///
/// ```
/// use daap_client::{Client, Mirror};
/// use futures_util::StreamExt;
/// # use daap_model::Track;
/// # use daap_server::Server;
/// # use library::{Library, MemorySource};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let songs = MemorySource::new();
/// # songs.put("jet", Track { title: "Jet".into(), ..Track::default() }, "the sound of it");
/// # let library = Library::builder("Living room").source("mine", songs).start().await?;
/// # let server = Server::builder(library).bind(&["127.0.0.1:0".parse()?]).await?;
/// # let url = format!("daap://{}/", server.addresses()[0]);
/// # tokio::spawn(server.run(std::future::pending()));
/// let mirror = Mirror::start(Client::builder(), url.parse()?);
/// let mut changes = Box::pin(mirror.changes());
/// let diff = changes.next().await.expect("the mirror lives");
/// assert_eq!(diff.databases.added.len(), 1);
/// assert_eq!(&**mirror.snapshot().name(), "Living room");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Mirror {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    link: watch::Receiver<Link>,
    client: watch::Receiver<Option<Client>>,
    _follower: AbortOnDropHandle<Infallible>,
}

/// How the link to a server is.
#[derive(Clone, Debug)]
pub enum Link {
    /// The server is called, and then read for the first time over this link.
    Connecting,
    /// The copy is as the server was a moment ago, and follows it.
    Following,
    /// The server cannot be followed; the copy is as it was.
    Lost {
        /// Why.
        why: ClientError,
        /// When it is called again.
        retry_at: Instant,
    },
}

impl Mirror {
    /// Begins to follow a share. Must be called within a tokio runtime; dropping the mirror ends it.
    #[must_use]
    pub fn start(builder: Builder, url: ShareUrl) -> Self {
        let replica = Replica::new("");
        let (snapshots, newest) = watch::channel(replica.snapshot());
        let (link, linked) = watch::channel(Link::Connecting);
        let (client, connected) = watch::channel(None);
        let follower =
            Follower { builder, url, replica, snapshots, link, client, retry: Retry::default() };
        Self {
            snapshots: newest,
            link: linked,
            client: connected,
            _follower: AbortOnDropHandle::new(tokio::spawn(follower.run())),
        }
    }

    /// The copy as it is now; empty until the server was read for the first time.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// The copy as it becomes: always the newest snapshot.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// How the link to the server is.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }

    /// The client that holds the link, for songs and pictures; `None` while it is lost.
    #[must_use]
    pub fn client(&self) -> Option<Client> {
        self.client.borrow().clone()
    }

    /// What changes from now on. Each item is what differs between the copy as it was when the one before was taken
    /// and as it is now, so that who reads slowly is told more at once, but misses nothing. It ends with the mirror.
    pub fn changes(&self) -> impl Stream<Item = Diff> + Send + use<> {
        let snapshots = self.watch();
        let before = self.snapshot();
        stream::unfold((snapshots, before), async |(mut snapshots, before)| {
            let is_new = |now: &Arc<Snapshot>| now.revision() != before.revision();
            let now = snapshots.wait_for(is_new).await.ok()?.clone();
            Some((Diff::between(&before, &now), (snapshots, now)))
        })
    }
}

/// The one owner of a copy.
struct Follower {
    builder: Builder,
    url: ShareUrl,
    replica: Replica,
    snapshots: watch::Sender<Arc<Snapshot>>,
    link: watch::Sender<Link>,
    client: watch::Sender<Option<Client>>,
    retry: Retry,
}

/// What a server was at when it was last read.
#[derive(Clone, Copy)]
struct Seen {
    revision: Revision,
    /// In which of our logins: the revision means nothing in another.
    login: u32,
}

impl Follower {
    async fn run(mut self) -> Infallible {
        loop {
            let Err(why) = self.follow().await;
            self.client.send_replace(None);
            let pause = self.retry.pause(rand::random(), is_lasting(&why));
            tracing::debug!(share = %self.url, error = %why, "the link is lost");
            self.link.send_replace(Link::Lost { why, retry_at: Instant::now() + pause });
            sleep(pause).await;
        }
    }

    /// Follows the server for as long as the link holds.
    ///
    /// Each link begins with all there is: some servers look at no session, so nobody could tell whether one has
    /// started again meanwhile, and counts its revisions anew.
    async fn follow(&mut self) -> Result<Infallible, ClientError> {
        self.link.send_replace(Link::Connecting);
        let client = self.builder.connect(&self.url).await?;
        self.replica.rename(&client.server().name);
        self.client.send_replace(Some(client.clone()));
        let (mut seen, mut pace) = (None, Pace::new(Instant::now().into_std()));
        loop {
            let news = news(&client, seen).await?;
            let has_news = news.is_none_or(|now| seen.is_none_or(|seen| seen.differs(now)));
            let (began, is_first) = (Instant::now(), seen.is_none());
            let changed = has_news && self.read(&client, seen, news).await?;
            seen = news.filter(|now| now.login == client.logins());
            // Reading all of a large share takes long, but over one link only once.
            let took = if is_first { Duration::ZERO } else { began.elapsed() };
            let now = Instant::now().into_std();
            let can_tell = news.is_some();
            let next = if can_tell { pace.next(now, took, changed) } else { pace.poll(now) };
            sleep_until(next.into()).await;
        }
    }

    /// Reads the server and shows what it is now; tells whether anything looks different.
    async fn read(
        &mut self,
        client: &Client,
        seen: Option<Seen>,
        now: Option<Seen>,
    ) -> Result<bool, ClientError> {
        self.replica.read(client, step(seen, now)).await?;
        self.retry.held();
        let snapshot = self.replica.snapshot();
        let changed = self.snapshots.send_if_modified(|shown| {
            let changed = shown.revision() != snapshot.revision();
            *shown = snapshot;
            changed
        });
        if !matches!(*self.link.borrow(), Link::Following) {
            self.link.send_replace(Link::Following);
        }
        Ok(changed)
    }
}

impl Seen {
    fn differs(self, other: Self) -> bool {
        (self.revision, self.login) != (other.revision, other.login)
    }
}

/// From where to where a reading moves.
fn step(seen: Option<Seen>, now: Option<Seen>) -> Step {
    let delta = seen.zip(now).filter(|(seen, now)| {
        // A revision before the one that was seen is of another time.
        seen.login == now.login && seen.revision <= now.revision
    });
    Step { revision: now.map(|now| now.revision), delta: delta.map(|(seen, _)| seen.revision) }
}

/// Waits until the server is elsewhere than it was `seen` at. `None` if it cannot say.
async fn news(client: &Client, seen: Option<Seen>) -> Result<Option<Seen>, ClientError> {
    let held = client.update(seen.map(|seen| seen.revision));
    let told = match timeout(HELD_AT_MOST, held).await {
        Ok(told) => told,
        Err(_) => client.update(None).await,
    };
    match told {
        Ok(revision) => Ok(Some(Seen { revision, login: client.logins() })),
        Err(ClientError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a link fails for a reason that lasts until somebody does something about it.
fn is_lasting(why: &ClientError) -> bool {
    use ClientError::{AppleOnly, NotDaap, PasswordWanted, WrongPassword};
    matches!(why, PasswordWanted | WrongPassword | AppleOnly { .. } | NotDaap { .. })
}

impl Lists for Client {
    type Error = ClientError;

    async fn list<E: Entry + Send>(
        &self,
        endpoint: Endpoint,
        mut take: impl FnMut(E) + Send,
    ) -> Result<End, ClientError> {
        let mut listed = Self::list::<E>(self, endpoint).await?;
        while let Some(entry) = listed.try_next().await? {
            take(entry);
        }
        Ok(End { is_update: listed.head().is_update, gone: listed.gone().to_vec() })
    }

    fn is_missing(error: &ClientError) -> bool {
        matches!(error, ClientError::Refused { status: 404, .. })
    }
}
