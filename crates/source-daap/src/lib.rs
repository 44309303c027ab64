//! Another share as a source of a library.
//!
//! A [`DaapSource`] is a [`library::Source`] that follows a share on the network, with all its databases, and reports
//! its songs and playlists as they are there. Sound is streamed through from any byte on, pictures are scaled by the
//! share; whole songs can be [kept on disk](DaapConfig::cache). While the share cannot be reached its songs are away,
//! not gone.
//!
//! Servers that republish each other in a ring would list every song for ever anew. So each says whose songs it
//! [has](Carried), and the source of one server in a ring, which all of them find to be the same, does not take its
//! share in.
//!
//! ```
//! use daap_client::Client;
//! use library::Library;
//! use source_daap::{Carried, DaapConfig, DaapSource};
//! # use daap_model::Track;
//! # use daap_server::Server;
//! # use library::MemorySource;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let songs = MemorySource::new();
//! # songs.put("jet", Track { title: "Jet".into(), ..Track::default() }, "the sound of it");
//! # let attic = Library::builder("Attic").source("mine", songs).start().await?;
//! # let server = Server::builder(attic).bind(&["127.0.0.1:0".parse()?]).await?;
//! # let url = format!("daap://{}/", server.addresses()[0]);
//! # tokio::spawn(server.run(std::future::pending()));
//! let attic = DaapSource::new(DaapConfig::new(url.parse()?, Client::builder()));
//! let library = Library::builder("Living room").database("attic", "Attic").source("attic", attic);
//! let library = library.start().await?;
//! library.watch().wait_for(|now| now.databases().any(|database| database.items().len() == 1)).await?;
//! library.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod carried;
mod follow;
mod key;
mod teller;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use daap_client::{Builder, Client, ClientError, Link, Mirror};
use daap_model::{DatabaseId, ItemId};
use daap_proto::{PixelBox, ShareUrl};
use disk_cache::DiskCache;
use futures_util::{TryFutureExt, TryStreamExt};
use library::{
    Artwork, ArtworkSize, Closed, Content, Report, Source, SourceError, SourceFuture, SourceKey,
};

pub use carried::Carried;

use follow::Follower;
use key::Place;
use relay::{Arriving, Fetch, Relay};

/// How often it is looked whose songs a share has, unless the configuration says otherwise.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// What a [`DaapSource`] is to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DaapConfig {
    /// The share; all of it, whatever the URL names in it.
    pub url: ShareUrl,
    /// How to go about calling it, with its password.
    pub client: Builder,
    /// Whose songs the server has that republishes it. By default it is known to be in no ring.
    pub carried: Option<Carried>,
    /// Where whole songs are kept; nowhere by default.
    pub cache: Option<DiskCache>,
    /// How often it is looked whose songs the share has, while nothing changes there; 15 seconds by default.
    pub look_again: Duration,
}

impl DaapConfig {
    /// Follows this share in the usual way.
    #[must_use]
    pub fn new(url: ShareUrl, client: Builder) -> Self {
        Self { url, client, carried: None, cache: None, look_again: LOOK_AGAIN }
    }
}

/// A share on the network.
pub struct DaapSource {
    config: DaapConfig,
    mirror: Arc<Mirror>,
    relay: Relay,
}

impl DaapSource {
    /// Begins to follow a share, which need not be there yet. Must be called within a tokio runtime.
    #[must_use]
    pub fn new(config: DaapConfig) -> Self {
        let mirror = Arc::new(Mirror::start(config.client.clone(), config.url.clone()));
        let relay = Relay::new(&config.url.to_string(), config.cache.clone());
        Self { config, mirror, relay }
    }

    async fn picture(
        &self,
        key: SourceKey,
        size: ArtworkSize,
    ) -> Result<Option<Artwork>, SourceError> {
        let url = self.config.url.to_string();
        let (client, song) = find(&url, &self.mirror, &key)?;
        let size = match size {
            ArtworkSize::Original => None,
            ArtworkSize::Within { width, height } => Some(PixelBox { width, height }),
        };
        let picture = client.artwork(song.database, song.item, size).await;
        let picture = picture.map_err(|error| failed(&url, &key, error))?;
        Ok(picture.and_then(|picture| {
            let known = ["image/jpeg", "image/png"].into_iter();
            let media_type = known.into_iter().find(|known| *known == picture.media_type)?;
            Some(Artwork { media_type, bytes: picture.bytes })
        }))
    }

    /// How to ask the share for a song.
    fn fetch(&self, key: &SourceKey) -> Fetch {
        let (url, mirror) = (self.config.url.to_string(), Arc::clone(&self.mirror));
        let key = key.clone();
        Arc::new(move |from| {
            let (url, mirror, key) = (url.clone(), Arc::clone(&mirror), key.clone());
            Box::pin(async move {
                let (client, song) = find(&url, &mirror, &key)?;
                let arriving = arriving(client, song, from).await;
                arriving.map_err(|error| failed(&url, &key, error))
            })
        })
    }
}

/// The sound of a song of a share, for those who only play it: it is asked for as it is read, and not kept.
///
/// # Errors
///
/// What the share says, as [`DaapSource`] has it.
pub async fn song(
    client: Client,
    database: DatabaseId,
    item: ItemId,
    format: &str,
) -> Result<Content, SourceError> {
    let share = client.address().to_owned();
    let key = SourceKey::from(format!("song {item}").as_str());
    let place = Place { database, item, format: format.to_owned() };
    let relay = Relay::new(&share, None);
    let fetch = {
        let key = key.clone();
        move |from| {
            let (share, key) = (share.clone(), key.clone());
            let arriving = arriving(client.clone(), place.clone(), from);
            Box::pin(arriving.map_err(move |error| failed(&share, &key, error))) as _
        }
    };
    relay.open(&key, Arc::new(fetch)).await
}

/// A song from a byte on.
async fn arriving(client: Client, song: Place, from: u64) -> Result<Arriving, ClientError> {
    let mut sound = client.song(song.database, song.item, &song.format, from).await?;
    let length = sound.length().map(|left| sound.start() + left);
    sound.skip_to(from).await?;
    Ok(Arriving { length, bytes: Box::pin(sound.map_err(io::Error::other)), has_end: false })
}

/// The link to a share, and where there a song is.
fn find(url: &str, mirror: &Mirror, key: &SourceKey) -> Result<(Client, Place), SourceError> {
    let is_following = matches!(*mirror.link().borrow(), Link::Following);
    match (mirror.client(), key::find(&mirror.snapshot(), key)) {
        (Some(client), Some(place)) => Ok((client, place)),
        (Some(_), None) if is_following => Err(SourceError::NotThere(key.clone())),
        _ => Err(SourceError::away(url, "there is no link to it")),
    }
}

/// Why a share does not give something.
fn failed(url: &str, key: &SourceKey, error: ClientError) -> SourceError {
    match error {
        ClientError::Refused { status: 404 | 410, .. } => SourceError::NotThere(key.clone()),
        ClientError::Refused { status: 400..500, .. } => SourceError::not_allowed(key.to_string()),
        ClientError::Busy => SourceError::Busy,
        ClientError::Refused { .. } | ClientError::TooLarge { .. } => {
            SourceError::failed(key.to_string(), error)
        }
        _ => SourceError::away(url, error),
    }
}

impl Source for DaapSource {
    fn run(&self, report: Report) -> SourceFuture<'_, Result<(), SourceError>> {
        Box::pin(async move {
            // A library that takes no more reports, or answers no question, has stopped.
            let Ok(known) = report.known().await else { return Ok(()) };
            let stopped = report.clone();
            let follower = Follower::new(&self.config, &self.mirror, &self.relay, report, known);
            tokio::select! {
                Err(Closed) = follower.run() => {}
                () = stopped.stopped() => {}
            }
            Ok(())
        })
    }

    fn open(&self, key: SourceKey) -> SourceFuture<'_, Result<Content, SourceError>> {
        Box::pin(async move { self.relay.open(&key, self.fetch(&key)).await })
    }

    fn artwork(
        &self,
        key: SourceKey,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, SourceError>> {
        Box::pin(self.picture(key, size))
    }
}

impl fmt::Debug for DaapSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DaapSource").field("url", &self.config.url).finish_non_exhaustive()
    }
}
