//! A share, as someone who is logged in to it sees it.

use std::fmt;
use std::sync::Arc;

use daap_model::{Browse, ContainerId, DatabaseId, GroupId, GroupKind, ItemId, Revision};
use daap_proto::read::{self, Container, Database, Entry, Group, ServerInfo, Song};
use daap_proto::{Endpoint, Listing, PixelBox, Request, Step};
use http::StatusCode;

use crate::ClientError;
use crate::builder::{About, Builder};
use crate::listed::Listed;
use crate::peer::{Peer, Wish};
use crate::picture::Picture;
use crate::session::{Login, Sessions};
use crate::sound::Sound;
use crate::transport::Answer;

/// How many databases of a server are looked at.
pub const MAX_DATABASES: usize = 10_000;

/// How iTunes opens: with revision 1, at which no server is, and nothing seen so far. flask-daapserver 3.0.2 gives no list
/// without either number.
const OPENING: Step = Step { revision: Some(Revision::new(1)), delta: Some(Revision::new(0)) };

/// A share that we are logged in to. Clones are the same session; with the last of them, and of the lists and songs that
/// came of them, the session ends.
///
/// A session that the server has forgotten is replaced by a new one, once for all requests that it fails.
#[derive(Clone)]
pub struct Client(Arc<Visit>);

/// What the clones of a client share.
struct Visit {
    peer: Arc<Peer>,
    about: About,
    sessions: Sessions,
}

impl Client {
    /// A client to be made.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(peer: Peer, about: About) -> Self {
        Self(Arc::new(Visit { peer: Arc::new(peer), about, sessions: Sessions::default() }))
    }

    /// What the server says of itself.
    #[must_use]
    pub fn server(&self) -> &ServerInfo {
        &self.0.about.info
    }

    /// What the server says of itself now; [`server`](Self::server) is what it said when we came.
    ///
    /// # Errors
    /// The server is not there, refuses or stalls.
    pub async fn about(&self) -> Result<About, ClientError> {
        About::of(&self.0.peer).await.map(|(about, _)| about)
    }

    /// What the server calls its software.
    #[must_use]
    pub fn software(&self) -> Option<&str> {
        self.0.about.software.as_deref()
    }

    /// Where the server is, such as `http://nas:3689`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.about.address
    }

    /// How often we have logged in. If that has changed the server may be another one than before: a revision that was
    /// known before means nothing to it.
    #[must_use]
    pub fn logins(&self) -> u32 {
        self.0.sessions.logins()
    }

    /// Ends the session, and waits some seconds for the server to hear of it. Clones that are used later log in anew.
    pub async fn logout(self) {
        if let Some(session) = self.0.sessions.take() {
            self.0.peer.log_out(session).await;
        }
    }

    /// The databases of the server; almost always one.
    ///
    /// # Errors
    /// See [`list`](Self::list).
    pub async fn databases(&self) -> Result<Vec<Database>, ClientError> {
        let mut databases = self.list(Endpoint::Databases(Step::default())).await?;
        databases.collect_at_most(MAX_DATABASES).await
    }

    /// Songs of a database.
    ///
    /// # Errors
    /// See [`list`](Self::list).
    pub async fn items(
        &self,
        database: DatabaseId,
        listing: &Listing,
    ) -> Result<Listed<Song>, ClientError> {
        self.list(Endpoint::Items { database, listing: listing.clone() }).await
    }

    /// The containers of a database: playlists, and one that holds every song.
    ///
    /// # Errors
    /// See [`list`](Self::list).
    pub async fn containers(
        &self,
        database: DatabaseId,
        listing: &Listing,
    ) -> Result<Listed<Container>, ClientError> {
        self.list(Endpoint::Containers { database, listing: listing.clone() }).await
    }

    /// The entries of a container, in its order.
    ///
    /// # Errors
    /// See [`list`](Self::list).
    pub async fn container_items(
        &self,
        database: DatabaseId,
        container: ContainerId,
        listing: &Listing,
    ) -> Result<Listed<Song>, ClientError> {
        self.list(Endpoint::ContainerItems { database, container, listing: listing.clone() }).await
    }

    /// Names of artists, albums, genres or composers.
    ///
    /// # Errors
    /// See [`list`](Self::list).
    pub async fn browse(
        &self,
        database: DatabaseId,
        category: Browse,
        listing: &Listing,
    ) -> Result<Listed<String>, ClientError> {
        self.list(Endpoint::Browse { database, category, listing: listing.clone() }).await
    }

    /// Albums or artists, with what they hold.
    ///
    /// # Errors
    /// See [`list`](Self::list).
    pub async fn groups(
        &self,
        database: DatabaseId,
        kind: GroupKind,
        listing: &Listing,
    ) -> Result<Listed<Group>, ClientError> {
        self.list(Endpoint::Groups { database, kind, listing: listing.clone() }).await
    }

    /// The list that an endpoint is; where its [`Step`] says nothing, the whole of it.
    ///
    /// # Errors
    /// The server is not there, refuses or stalls. What is wrong with the list itself is told where it is met.
    pub async fn list<E: Entry>(&self, mut endpoint: Endpoint) -> Result<Listed<E>, ClientError> {
        if let Some(step) = step_of(&mut endpoint) {
            step.revision = step.revision.or(OPENING.revision);
            step.delta = step.delta.or(OPENING.delta);
        }
        let answer = self.ask(&endpoint, Wish::Packed).await?;
        let path = answer.path.clone();
        Ok(Listed::new(path, answer.into_pieces()?, self.clone()))
    }

    /// Waits until the server is past the revision that was `seen`, for as long as that takes. With `None`, and where
    /// the session was lost meanwhile, it is told at once where the server is.
    ///
    /// # Errors
    /// The server is not there, refuses, or stops.
    pub async fn update(&self, seen: Option<Revision>) -> Result<Revision, ClientError> {
        let endpoint = |seen: Option<Revision>| {
            Endpoint::Update(match seen {
                Some(_) => Step { revision: seen, delta: seen },
                None => OPENING,
            })
        };
        let wish = if seen.is_some() { Wish::News } else { Wish::Packed };
        let login = self.0.sessions.login(None);
        let answer = self.ask_in(&login, &endpoint(seen), wish).await?;
        let answer = match answer.status() {
            StatusCode::FORBIDDEN => {
                let login = self.0.sessions.login(Some(&login));
                self.ask_in(&login, &endpoint(None), Wish::Packed).await?
            }
            _ => answer,
        };
        let answer = answer.granted(self.software())?;
        let path = answer.path.clone();
        let reply = answer.short().await?;
        read::update(&reply).map_err(|cause| ClientError::Broken { path, cause })
    }

    /// The sound of a song, from a byte on. `format` is that of the song, such as `mp3`.
    ///
    /// A server that knows no ranges sends it from the start: see [`Sound::start`]. From the very end on there is
    /// nothing, which is no error.
    ///
    /// # Errors
    /// The server is not there, refuses or stalls; [`ClientError::PastEnd`] beyond the end.
    pub async fn song(
        &self,
        database: DatabaseId,
        item: ItemId,
        format: &str,
        from: u64,
    ) -> Result<Sound, ClientError> {
        let endpoint = song(database, item, format);
        let answer = self.ask_for(&endpoint, Wish::From(from)).await?;
        let answer = match answer.status() {
            StatusCode::RANGE_NOT_SATISFIABLE => answer,
            _ => answer.granted(self.software())?,
        };
        Sound::new(answer, from, self.clone())
    }

    /// The picture of a song, fitted into a box. `None` if it has none.
    ///
    /// # Errors
    /// The server is not there, refuses or stalls; [`ClientError::TooLarge`] above [`MAX_PICTURE`](crate::MAX_PICTURE).
    pub async fn artwork(
        &self,
        database: DatabaseId,
        item: ItemId,
        size: Option<PixelBox>,
    ) -> Result<Option<Picture>, ClientError> {
        self.picture(&Endpoint::ItemArtwork { database, item, size }).await
    }

    /// The picture of an album or an artist, fitted into a box. `None` if it has none.
    ///
    /// # Errors
    /// As [`artwork`](Self::artwork).
    pub async fn group_artwork(
        &self,
        database: DatabaseId,
        kind: GroupKind,
        group: GroupId,
        size: Option<PixelBox>,
    ) -> Result<Option<Picture>, ClientError> {
        self.picture(&Endpoint::GroupArtwork { database, group, kind, size }).await
    }

    async fn picture(&self, endpoint: &Endpoint) -> Result<Option<Picture>, ClientError> {
        let answer = self.ask_for(endpoint, Wish::From(0)).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Picture::read(answer.granted(self.software())?).await
    }

    /// A URL that plays a song in another program; not for a [stream](Song::stream), which has its own. Most servers ask for the session in it, which ends with this client;
    /// a URL without one is of use where the server lets players in without, and as a name.
    #[must_use]
    pub fn song_url(
        &self,
        database: DatabaseId,
        item: ItemId,
        format: &str,
        with_session: bool,
    ) -> String {
        let session_id = self.0.sessions.id().filter(|_| with_session);
        let request = Request { session_id, endpoint: song(database, item, format) };
        format!("{}{}", self.address(), request.to_uri())
    }

    /// Whether a player that is given [`song_url`](Self::song_url) without a session gets the song; with the password, if
    /// we have one and the server asks for it.
    ///
    /// # Errors
    /// The server is not there, or wants a password that we do not have. To be refused is no error.
    pub async fn plays_to_anyone(
        &self,
        database: DatabaseId,
        item: ItemId,
        format: &str,
    ) -> Result<bool, ClientError> {
        let endpoint = song(database, item, format);
        let answer = self.0.peer.ask(&endpoint, None, Wish::From(0)).await?;
        Ok(answer.status().is_success())
    }

    /// Leaves the session open: URLs that name it are good for as long as the server likes. Clones that are used later
    /// log in anew.
    pub fn leave_open(&self) {
        self.0.sessions.take();
    }

    /// Makes sure that there is a session.
    pub(crate) async fn log_in(&self) -> Result<(), ClientError> {
        let login = self.0.sessions.login(None);
        self.enter(&login).await.map(drop)
    }

    async fn enter(&self, login: &Login) -> Result<Option<u32>, ClientError> {
        self.0.sessions.enter(login, || self.0.log_in()).await
    }

    /// Asks, in a session that the server knows.
    async fn ask(&self, endpoint: &Endpoint, wish: Wish) -> Result<Answer, ClientError> {
        self.ask_for(endpoint, wish).await?.granted(self.software())
    }

    /// The same, whatever the status of the answer.
    async fn ask_for(&self, endpoint: &Endpoint, wish: Wish) -> Result<Answer, ClientError> {
        let login = self.0.sessions.login(None);
        let answer = self.ask_in(&login, endpoint, wish).await?;
        if answer.status() != StatusCode::FORBIDDEN {
            return Ok(answer);
        }
        let login = self.0.sessions.login(Some(&login));
        self.ask_in(&login, endpoint, wish).await
    }

    async fn ask_in(
        &self,
        login: &Login,
        endpoint: &Endpoint,
        wish: Wish,
    ) -> Result<Answer, ClientError> {
        let session = self.enter(login).await?;
        self.0.peer.ask(endpoint, session, wish).await
    }
}

/// What an endpoint says of what is seen of its list, if it is one.
fn step_of(endpoint: &mut Endpoint) -> Option<&mut Step> {
    match endpoint {
        Endpoint::Databases(step) => Some(step),
        Endpoint::Items { listing, .. }
        | Endpoint::Containers { listing, .. }
        | Endpoint::ContainerItems { listing, .. }
        | Endpoint::Browse { listing, .. }
        | Endpoint::Groups { listing, .. } => Some(&mut listing.step),
        _ => None,
    }
}

fn song(database: DatabaseId, item: ItemId, format: &str) -> Endpoint {
    Endpoint::Song { database, item, extension: format.to_owned() }
}

impl Visit {
    /// A new session, or none where the server wants none.
    async fn log_in(&self) -> Result<Option<u32>, ClientError> {
        let answer =
            self.peer.introduce(&Endpoint::Login).await?.granted(self.about.software.as_deref());
        let needless = !self.about.info.login_required;
        let answer = match answer {
            Err(ClientError::Refused { .. }) if needless => return Ok(None),
            answer => answer?,
        };
        let path = answer.path.clone();
        match read::login(&answer.short().await?) {
            Ok(session) => Ok(Some(session)),
            Err(_) if needless => Ok(None),
            Err(cause) => Err(ClientError::Broken { path, cause }),
        }
    }
}

/// The session ends in the background, if there is still a runtime to end it.
impl Drop for Visit {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if let Some(session) = self.sessions.take() {
            let peer = Arc::clone(&self.peer);
            runtime.spawn(async move { peer.log_out(session).await });
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("about", &self.0.about).finish_non_exhaustive()
    }
}
