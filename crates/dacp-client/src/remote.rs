//! A Remote that is logged in: what it can ask and tell.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use daap_client::wire::{Answer, Patience, Transport};
use daap_client::{ClientError, Picture};
use daap_model::{DatabaseId, ItemId, Revision};
use daap_proto::read::{Container, Database, Entry, ListReader, Part, ReadError};
use daap_proto::{Listing, PixelBox, ShareUrl, Step};
use dacp_proto::{
    Button, Command, ControlInterface, Endpoint, PairingGuid, Percent, PlayStatus, PromptEntry,
    Properties, Property, QueueContents, QueueEdit, RatingChange, Settings, Span, Speaker,
    SpeakerId, Spec, VolumeChange, Volumes, read_speakers,
};
use http::StatusCode;

use crate::dialect::commands;
use crate::follow::Follow;
use crate::session::{Session, read};
use crate::{RemoteError, Swipe};

/// How long is waited for a connection, and for an answer. A player has what it is asked for at hand.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest list of databases or playlists that is read, in bytes.
const MAX_LIST: usize = 16 << 20;

/// How many songs of a queue are asked for at most: as many as surely fit a short answer.
pub const MAX_QUEUE: u32 = 500;

/// With what to ask for the status as it is: no player is there.
pub(crate) const ANY: Revision = Revision::new(0);

/// A Remote that is logged in to a player. Clones are the same session.
///
/// A session that the player has forgotten is replaced by a new one.
#[derive(Clone, Debug)]
pub struct Remote(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    session: Session,
    interface: ControlInterface,
}

impl Remote {
    /// Logs in with the guid that came of pairing; without one to a player that lets this machine in as it is, as dapple
    /// does.
    ///
    /// # Errors
    /// There is no player, or it does not let us in.
    pub async fn connect(url: &ShareUrl, guid: Option<PairingGuid>) -> Result<Self, RemoteError> {
        let patience = Patience { connect: PATIENCE, answer: PATIENCE, stall: PATIENCE };
        let session = Session::new(Transport::find(url, patience).await?, guid);
        session.enter(&session.login(None)).await?;
        let interface = interface(&session).await?;
        Ok(Self(Arc::new(Inner { session, interface })))
    }

    /// What the player lets Remotes do.
    #[must_use]
    pub fn interface(&self) -> ControlInterface {
        self.0.interface
    }

    /// Where the player is: host and port.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.session.address()
    }

    /// Ends the session. Clones that are used later log in anew.
    pub async fn log_out(self) {
        self.0.session.log_out().await;
    }

    /// What the player does now.
    ///
    /// # Errors
    /// See [`RemoteError`]; so have all below.
    pub async fn status(&self) -> Result<PlayStatus, RemoteError> {
        self.has(Endpoint::PlayStatus { seen: ANY }, "player", PlayStatus::read).await
    }

    /// What the player does, now and from now on.
    #[must_use]
    pub fn follow(&self) -> Follow {
        Follow::new(self.clone())
    }

    /// Properties of the player.
    pub async fn properties(&self, wanted: BTreeSet<Property>) -> Result<Properties, RemoteError> {
        self.has(Endpoint::Properties(wanted), "properties", Properties::read).await
    }

    /// The master volume. `None` is a player that does not say, as an Apple TV's is that of the amplifier.
    pub async fn volume(&self) -> Result<Option<Percent>, RemoteError> {
        match self.properties(BTreeSet::from([Property::Volume])).await {
            Ok(properties) => Ok(properties.volume),
            Err(RemoteError::Lacking { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the player can play. The volume of each is a part of the master volume.
    pub async fn speakers(&self) -> Result<Vec<Speaker>, RemoteError> {
        self.has(Endpoint::Speakers, "speakers", read_speakers).await
    }

    /// The volumes of all speakers, as they are heard.
    pub async fn volumes(&self) -> Result<Volumes, RemoteError> {
        let speakers = self.speakers().await?;
        let master = self.volume().await?.unwrap_or(Percent::FULL);
        let heard = |speaker: &Speaker| (speaker.id, speaker.is_active, speaker.volume.of(master));
        Ok(Volumes::new(speakers.iter().map(heard)))
    }

    /// Songs of the queue, at most [`MAX_QUEUE`].
    pub async fn queue(&self, span: Span) -> Result<QueueContents, RemoteError> {
        let span = match span {
            Span::Upcoming(count) => Span::Upcoming(count.min(MAX_QUEUE)),
            Span::History(count) => Span::History(count.min(MAX_QUEUE)),
        };
        self.has(Endpoint::Queue(span), "queue to see", QueueContents::read).await
    }

    /// The picture of what plays, fitted into a box. `None` if there is none.
    pub async fn artwork(&self, size: Option<PixelBox>) -> Result<Option<Picture>, RemoteError> {
        match self.ask(Endpoint::NowPlayingArtwork { size }).await {
            Ok(answer) => Ok(Picture::read(answer).await?),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The databases of the player; the first is its library.
    pub async fn databases(&self) -> Result<Vec<Database>, RemoteError> {
        self.list(daap_proto::Endpoint::Databases(Step::default())).await
    }

    /// The playlists of a database.
    pub async fn playlists(&self, database: DatabaseId) -> Result<Vec<Container>, RemoteError> {
        let listing = Listing::default();
        self.list(daap_proto::Endpoint::Containers { database, listing }).await
    }

    /// Tells the player to do something. Returns the song that plays then, if the player says.
    pub async fn obey(&self, command: Command) -> Result<Option<ItemId>, RemoteError> {
        self.has(Endpoint::Command(command), "such command", Command::read_reply).await
    }

    /// Presses a button.
    pub async fn press(&self, button: Button) -> Result<(), RemoteError> {
        self.obey(Command::Press(button)).await.map(drop)
    }

    /// Sets properties.
    pub async fn set(&self, settings: Settings) -> Result<(), RemoteError> {
        self.obey(Command::Set(settings)).await.map(drop)
    }

    /// Sets the master volume.
    pub async fn set_volume(&self, volume: Percent) -> Result<(), RemoteError> {
        self.change_volume(VolumeChange::Master(volume)).await
    }

    /// Turns one speaker so that it is heard like this; all others stay as loud as they are.
    pub async fn turn(&self, speaker: SpeakerId, heard: Percent) -> Result<(), RemoteError> {
        let change = self.volumes().await?.change_to(speaker, heard);
        self.change_volume(change).await
    }

    async fn change_volume(&self, change: VolumeChange) -> Result<(), RemoteError> {
        self.set(Settings { volume: Some(change), ..Settings::default() }).await
    }

    /// Rates what plays; 20 a star.
    pub async fn rate(&self, rating: Percent) -> Result<(), RemoteError> {
        let ids = self.status().await?.now_playing.ok_or(RemoteError::NothingPlays)?.song.ids;
        let item = Spec::Id(ids.item.ok_or(RemoteError::NothingPlays)?);
        let rating = RatingChange { database: ids.database.map(Spec::Id), item, rating };
        self.set(Settings { rating: Some(rating), ..Settings::default() }).await
    }

    /// Changes the queue, in the words that the player knows: where its queue cannot be seen, in those of before
    /// iTunes 11, which have less. Returns the song that plays then, if the player says.
    pub async fn edit(&self, edit: QueueEdit) -> Result<Option<ItemId>, RemoteError> {
        let mut playing = None;
        for command in commands(self.interface(), edit)? {
            playing = self.obey(command).await?;
        }
        Ok(playing)
    }

    /// Presses or types something for an Apple TV.
    pub async fn enter(&self, entry: &PromptEntry) -> Result<(), RemoteError> {
        let body = entry.to_body().map_err(|_| RemoteError::TooLong)?;
        let endpoint = Endpoint::PromptEntry { prompt_id: 0 };
        let entered = self.0.session.ask(&endpoint, body.into()).await;
        entered.map(drop).map_err(|error| lacking(error, "menu"))
    }

    /// Moves through the menu of an Apple TV.
    pub async fn swipe(&self, swipe: Swipe) -> Result<(), RemoteError> {
        for touch in swipe.touches() {
            self.enter(&touch).await?;
        }
        Ok(())
    }
}

/// The parts that all of the above have in common.
impl Remote {
    pub(crate) fn session(&self) -> &Session {
        &self.0.session
    }

    async fn ask(&self, endpoint: Endpoint) -> Result<Answer, RemoteError> {
        self.0.session.ask(&endpoint, Bytes::new()).await
    }

    /// What every player tells.
    async fn tell<T>(
        &self,
        endpoint: Endpoint,
        reader: impl FnOnce(&[u8]) -> Result<T, ReadError>,
    ) -> Result<T, RemoteError> {
        read(self.ask(endpoint).await?, reader).await
    }

    /// What some players have; `what` it is for people.
    async fn has<T>(
        &self,
        endpoint: Endpoint,
        what: &'static str,
        reader: impl FnOnce(&[u8]) -> Result<T, ReadError>,
    ) -> Result<T, RemoteError> {
        self.tell(endpoint, reader).await.map_err(|error| lacking(error, what))
    }

    async fn list<E: Entry>(&self, list: daap_proto::Endpoint) -> Result<Vec<E>, RemoteError> {
        let answer = self.ask(Endpoint::Library(list)).await.map_err(|e| lacking(e, "library"))?;
        let path = answer.path.clone();
        let bytes = answer.read(MAX_LIST).await?;
        Ok(entries(&bytes).map_err(|cause| ClientError::Broken { path, cause })?)
    }
}

/// What a player lets Remotes do; nothing beyond the usual where it does not say.
async fn interface(session: &Session) -> Result<ControlInterface, RemoteError> {
    match session.ask(&Endpoint::Interfaces, Bytes::new()).await {
        Ok(answer) => read(answer, ControlInterface::read).await,
        Err(error) if is_missing(&error) => Ok(ControlInterface::default()),
        Err(error) => Err(error),
    }
}

/// The entries of a list; those without an id are passed over.
fn entries<E: Entry>(bytes: &[u8]) -> Result<Vec<E>, ReadError> {
    let mut reader = ListReader::new();
    reader.push(bytes);
    let mut entries = Vec::new();
    while let Some(part) = reader.next_part()? {
        match part {
            Part::Entry(tag) => match E::read(tag) {
                Ok(entry) => entries.push(entry),
                Err(ReadError::Missing { .. }) => {}
                Err(error) => return Err(error),
            },
            Part::Gone(_) => {}
        }
    }
    reader.end()?;
    Ok(entries)
}

/// Whether a player does not know what it was asked for.
fn is_missing(error: &RemoteError) -> bool {
    let RemoteError::Client(ClientError::Refused { status, .. }) = error else { return false };
    let status = StatusCode::from_u16(*status);
    status.is_ok_and(|status| {
        matches!(
            status,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
        )
    })
}

/// The same error, or that the player has no such thing.
fn lacking(error: RemoteError, what: &'static str) -> RemoteError {
    if is_missing(&error) { RemoteError::Lacking { what } } else { error }
}
