//! A Subsonic server as a source of a library.
//!
//! A [`SubsonicSource`] is a [`library::Source`] that follows a server that speaks the protocol of Subsonic (Navidrome,
//! gonic, Airsonic, supysonic, Subsonic itself) and reports its songs and playlists as they are there. Sound is passed
//! through while it arrives, once for all who listen, and can be [kept on disk](SubsonicConfig::songs); pictures are
//! scaled by the server. While the server cannot be reached its songs are away, not gone.
//!
//! Plays, ratings and stars can be [written to the server](SubsonicConfig::writes), which then is the master of them.
//!
//! ```
//! use library::Library;
//! use source_subsonic::{Login, SubsonicConfig, SubsonicSource};
//! # use testkit::{server::Server, subsonic::Subsonic};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let subsonic = Subsonic::new(3);
//! # let server = Server::start(subsonic.answer()).await;
//! # let url = format!("http://{}/", server.address());
//! let login = Login::Password { user: "joe".into(), password: "sesame".into() };
//! let source = SubsonicSource::new(SubsonicConfig::new(&url, login))?;
//! let library = Library::builder("Living room").source("subsonic", source).start().await?;
//! library.watch().wait_for(|now| now.databases().any(|database| database.items().len() == 3)).await?;
//! library.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod api;
mod connection;
mod follow;
mod lists;
mod outbox;
mod pass;
mod pictures;
mod recent;
mod sounds;
mod teller;
mod track;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use disk_cache::DiskCache;
use library::{
    Artwork, ArtworkSize, Authority, Closed, Content, Problem, Report, Source, SourceError,
    SourceFuture, SourceKey, Use,
};
use tokio::sync::watch;

pub use api::{ApiError, Login};
pub use connection::{Changes, Connection, ConnectionState};

use api::Api;
use api::wire::Song;
use follow::Follower;
use outbox::Outbox;
use pictures::Pictures;
use sounds::{Form, Sounds};

/// How often it is looked for changes, unless the configuration says otherwise.
const EVERY: Duration = Duration::from_secs(5 * 60);
/// How soon a server that was lost is asked again first, unless the configuration says otherwise.
const RETRY: Duration = Duration::from_secs(1);
/// Of how many kbit/s at most MP3 is that the server makes, unless the configuration says otherwise.
const MP3_KBPS: u16 = 320;

/// What a [`SubsonicSource`] is to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SubsonicConfig {
    /// The address of the server, as a browser would open it.
    pub url: String,
    /// By what the server knows its user.
    pub login: Login,
    /// Certificates to trust beside those that the system trusts, as PEM; none by default.
    pub certificates: Vec<u8>,
    /// Where whole songs are kept; nowhere by default.
    pub songs: Option<DiskCache>,
    /// Where pictures are kept; nowhere by default.
    pub pictures: Option<DiskCache>,
    /// What is fetched ahead and kept for ever; nothing by default.
    pub pins: Pins,
    /// How often it is looked for changes; 5 minutes by default.
    pub every: Duration,
    /// How soon a server that was lost is asked again; each time it is twice as long. A second by default.
    pub retry: Duration,
    /// Whether plays, ratings and stars are written to the server. Then it is the master of them: what it says counts,
    /// also where the library knew of more. They are not by default.
    pub writes: bool,
    /// The file in which what is not written yet is kept over a restart; nowhere by default.
    pub outbox: Option<PathBuf>,
    /// What the server is asked to send as MP3; nothing by default.
    pub transcoding: Transcoding,
    /// Of how many kbit/s at most that is; 320 by default.
    pub mp3_kbps: u16,
}

/// The songs that the server is asked to send as MP3. They are listed as that, without a size, which nobody knows before
/// they are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transcoding {
    /// None: each comes as it is on the server.
    #[default]
    Off,
    /// Those that neither clients of DAAP play nor dapple decodes for them, such as WMA and Monkey's Audio.
    Unsupported,
    /// All but those that are MP3 of no more kbit/s already.
    All,
}

/// The songs that stay on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// Those that are starred.
    pub starred: bool,
    /// Those in the playlists with these names.
    pub playlists: Vec<String>,
}

impl SubsonicConfig {
    /// Follows this server in the usual way.
    #[must_use]
    pub fn new(url: &str, login: Login) -> Self {
        Self {
            url: url.to_owned(),
            login,
            certificates: Vec::new(),
            songs: None,
            pictures: None,
            pins: Pins::default(),
            every: EVERY,
            retry: RETRY,
            writes: false,
            outbox: None,
            transcoding: Transcoding::Off,
            mp3_kbps: MP3_KBPS,
        }
    }
}

/// A Subsonic server. Clones are the same.
#[derive(Clone)]
pub struct SubsonicSource(Arc<Inner>);

struct Inner {
    config: SubsonicConfig,
    api: Arc<Api>,
    sounds: Sounds,
    pictures: Pictures,
    outbox: Outbox,
    connection: watch::Sender<Connection>,
    /// How often it was wished that it looks for changes.
    wishes: watch::Sender<u64>,
}

impl SubsonicSource {
    /// A source of the songs of a server, which need not be there yet. Nothing is asked before it runs.
    ///
    /// # Errors
    /// The address is none of a server, or a certificate cannot be read.
    pub fn new(config: SubsonicConfig) -> Result<Self, ApiError> {
        let api = Arc::new(Api::new(&config.url, config.login.clone(), &config.certificates)?);
        let sounds = Sounds::new(Arc::clone(&api), config.songs.clone(), config.mp3_kbps);
        let pictures = Pictures::new(api.url(), config.pictures.clone());
        let (connection, wishes) = (watch::Sender::default(), watch::Sender::default());
        let outbox = Outbox::new(config.outbox.clone(), connection.clone());
        Ok(Self(Arc::new(Inner { config, api, sounds, pictures, outbox, connection, wishes })))
    }

    /// The address of the server, without name and password.
    #[must_use]
    pub fn url(&self) -> &str {
        self.0.api.url()
    }

    /// Looks for changes now, and not only when it is time.
    pub fn look(&self) {
        self.0.wishes.send_modify(|wishes| *wishes += 1);
    }

    /// Looks for changes now, and waits until they are told; returns how many there were. While the source does not
    /// run it waits for that.
    ///
    /// # Errors
    /// The server cannot be followed just now.
    pub async fn sync(&self) -> Result<Changes, Problem> {
        let mut connection = self.watch();
        let before = connection.borrow().told;
        self.look();
        let wishes = *self.0.wishes.borrow();
        let after = connection.wait_for(|now| now.answered >= wishes).await;
        let after = after.expect("the source holds the other end").clone();
        after.trouble.map_or(Ok(after.told - before), Err)
    }

    /// What it is doing, and how that goes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Connection> {
        self.0.connection.subscribe()
    }
}

impl Inner {
    /// What counts of plays and ratings: a server that is not told of them knows of its own alone.
    fn authority(&self) -> Authority {
        if self.config.writes { Authority::Master } else { Authority::Witness }
    }

    /// As what a song is asked for.
    fn form(&self, song: &Song) -> Form {
        let kbps = self.config.mp3_kbps;
        if track::is_transcoded(song, self.config.transcoding, kbps) {
            Form::Mp3 { kbps }
        } else {
            Form::Original
        }
    }

    async fn picture(
        &self,
        key: SourceKey,
        size: ArtworkSize,
    ) -> Result<Option<Artwork>, SourceError> {
        let size = match size {
            ArtworkSize::Original => None,
            ArtworkSize::Within { width, height } => Some(width.min(height)),
        };
        let picture = self.pictures.picture(&self.api, &key, size).await;
        picture.map_err(|error| failed(&self.api, &key, error))
    }
}

/// Why the server does not give something.
fn failed(api: &Api, key: &SourceKey, error: ApiError) -> SourceError {
    match error {
        error if error.is_not_there() => SourceError::NotThere(key.clone()),
        ApiError::Refused { code: 50, .. } => SourceError::not_allowed(key.to_string()),
        ApiError::Status(429 | 503) => SourceError::Busy,
        ApiError::Refused { .. } | ApiError::TooLarge(_) | ApiError::NotTranscoded(_) => {
            SourceError::failed(key.to_string(), error)
        }
        error => SourceError::away(api.url(), error),
    }
}

impl Source for SubsonicSource {
    fn run(&self, report: Report) -> SourceFuture<'_, Result<(), SourceError>> {
        Box::pin(async move {
            // A library that takes no more reports, or answers no question, has stopped.
            let Ok(known) = report.known().await else { return Ok(()) };
            if self.0.config.writes {
                self.0.outbox.load().await;
            }
            let stopped = report.clone();
            let follower = Follower::new(&self.0, report, known);
            tokio::select! {
                Err(Closed) = follower.run() => {}
                never = self.0.outbox.run(&self.0.api, self.0.config.retry) => match never {},
                () = stopped.stopped() => {}
            }
            Ok(())
        })
    }

    fn open(&self, key: SourceKey) -> SourceFuture<'_, Result<Content, SourceError>> {
        Box::pin(async move { self.0.sounds.open(&key).await })
    }

    fn artwork(
        &self,
        key: SourceKey,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, SourceError>> {
        Box::pin(self.0.picture(key, size))
    }

    fn used(&self, key: SourceKey, what: Use) {
        if self.0.config.writes {
            self.0.outbox.used(key, what);
        }
    }

    fn starred(&self) -> Option<SourceKey> {
        self.0.config.writes.then(|| lists::STARRED.into())
    }
}

impl fmt::Debug for SubsonicSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubsonicSource").field("url", &self.url()).finish_non_exhaustive()
    }
}
