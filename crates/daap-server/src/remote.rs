//! What Remotes ask: the half of the server that is DACP. What they ask of the library is DAAP, and elsewhere.

mod mixer;
mod orders;
mod resolve;
mod told;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use daap_model::Revision;
use daap_proto::{PixelBox, RequestError, reply};
use dacp_proto::{Command, ControlInterface, Endpoint, PairingGuid, Request, speakers_reply};
use http::{HeaderMap, StatusCode};

use self::mixer::Mixer;
use crate::answer::{self, Answer};
use crate::control::{Controller, NotDone, Order, Pairings, Playing};
use crate::foreign::{self, NoAnswer};
use crate::peer::Peer;
use crate::permit::{Caller, Refusal};
use crate::service::{self, Core};
use crate::session::Activity;
use crate::{listing, longpoll};

/// The player that Remotes control, and who they are that may.
pub(crate) struct Jukebox {
    controller: Box<dyn Controller>,
    pairings: Box<dyn Pairings>,
    /// A plain mutex: each step under it is short and waits for nothing.
    mixer: Mutex<Mixer>,
}

impl Jukebox {
    pub(crate) fn new(controller: impl Controller, pairings: impl Pairings) -> Self {
        let (controller, pairings) = (Box::new(controller), Box::new(pairings));
        Self { controller, pairings, mixer: Mutex::default() }
    }

    /// What it plays.
    pub(crate) fn now(&self) -> Playing {
        self.controller.now()
    }

    fn mixer(&self) -> MutexGuard<'_, Mixer> {
        // No step under the lock leaves it half changed, so a panic elsewhere does not spoil it.
        self.mixer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// All of DACP, a line an endpoint. As with DAAP, what may wait is boxed apart and holds no more than it needs.
    pub(crate) async fn remote(
        &self,
        jukebox: &Arc<Jukebox>,
        request: Request,
        headers: &mut HeaderMap,
        peer: Peer,
    ) -> Result<Answer, Refusal> {
        let caller = service::caller(request.session_id, headers, peer);
        Ok(match request.endpoint {
            Endpoint::Login(guid) => Box::pin(self.login_paired(jukebox, guid, caller)).await?,
            Endpoint::Interfaces => listing::whole(ControlInterface::MUSIC.reply()),
            Endpoint::PlayStatus { seen } => {
                let session = self.permit.player(caller)?;
                *headers = HeaderMap::new();
                Box::pin(self.play_status(jukebox, seen, session, peer)).await
            }
            Endpoint::NowPlayingArtwork { size } => {
                let session = self.permit.player(caller)?;
                Box::pin(self.now_playing_artwork(jukebox, size, session)).await
            }
            Endpoint::Command(command) => {
                let _activity = self.permit.control(caller)?;
                Box::pin(self.command(jukebox, &command)).await
            }
            asked => {
                let _activity = self.permit.player(caller)?;
                self.tell(jukebox, asked).unwrap_or_else(|error| service::unanswerable(&error))
            }
        })
    }

    /// What needs no more than to look.
    fn tell(&self, jukebox: &Jukebox, asked: Endpoint) -> Result<Answer, RequestError> {
        let (playing, snapshot) = (jukebox.now(), self.snapshot());
        Ok(listing::whole(match asked {
            Endpoint::Properties(wanted) => {
                let volume = jukebox.mixer().of(&playing.speakers).master();
                told::properties(&playing, volume, &snapshot).reply(&wanted)?
            }
            Endpoint::Speakers => {
                let speakers = told::speakers(&playing, jukebox.mixer().of(&playing.speakers));
                speakers_reply(&speakers)?
            }
            Endpoint::Queue(span) => {
                told::queue(&*jukebox.controller, &playing, span, &snapshot).reply(span)?
            }
            Endpoint::NowPlayingItems(listing) => match playing.current {
                Some(current) => told::items(current.song, listing, &snapshot)?,
                None => return Ok(answer::text(StatusCode::NOT_FOUND, "nothing plays")),
            },
            // Prompts are an Apple TV's.
            _ => return Ok(answer::text(StatusCode::NOT_FOUND, "there is no such thing")),
        }))
    }

    async fn login_paired(
        &self,
        jukebox: &Jukebox,
        guid: PairingGuid,
        caller: Caller<'_>,
    ) -> Result<Answer, Refusal> {
        self.permit.is_near(caller.peer)?;
        let known = async { jukebox.pairings.knows(guid).await };
        match foreign::within(self.limits.answer, known).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::info!(peer = %caller.peer.address, client = caller.agent, "not paired");
                return Err(Refusal::NotPaired);
            }
            Err(failure) => return Err(Refusal::Undecided(failure)),
        }
        let id = self.permit.login_paired(caller, guid)?;
        tracing::info!(peer = %caller.peer.address, client = caller.agent, "a Remote logged in");
        Ok(listing::whole(reply::login(id)))
    }

    async fn play_status(
        &self,
        jukebox: &Jukebox,
        seen: Revision,
        session: Activity,
        peer: Peer,
    ) -> Answer {
        let changes = jukebox.controller.revision();
        let now = || jukebox.now().revision;
        if now() == seen {
            let news = longpoll::other(changes, seen, now);
            if let Err(answer) = self.hold(news, session, peer).await {
                return answer;
            }
        }
        let status = told::status(&jukebox.now(), &self.snapshot()).reply();
        status.map_or_else(|error| service::unanswerable(&error.into()), listing::whole)
    }

    async fn now_playing_artwork(
        &self,
        jukebox: &Jukebox,
        size: Option<PixelBox>,
        session: Activity,
    ) -> Answer {
        let none = || answer::text(StatusCode::NOT_FOUND, "there is no picture");
        let Some(current) = jukebox.now().current else { return none() };
        let song = current.song;
        let answer = self.artwork(song.database, song.item, size, Some(session)).await;
        // Of a song of the library none is 204, but what plays has one or it has not.
        if answer.status() == StatusCode::NO_CONTENT { none() } else { answer }
    }

    async fn command(&self, jukebox: &Arc<Jukebox>, command: &Command) -> Answer {
        let done = match self.understood(jukebox, command).await {
            Ok(orders) => self.obeyed(jukebox, orders).await,
            Err(refused) => Ok(Err(refused)),
        };
        match done {
            Ok(Ok(())) => {
                let playing = jukebox.now().current.map(|current| current.song.item);
                let reply = command.reply(playing);
                reply.map_or_else(|| answer::bare(StatusCode::NO_CONTENT), listing::whole)
            }
            Ok(Err(refused)) => {
                let reply = command.refusal(&refused.to_string());
                reply.map_or_else(|| not_done(&refused), listing::whole)
            }
            Err(failure) => {
                tracing::error!("the player gave no answer: {failure}");
                answer::text(answer::unanswered(failure), "the player does not answer")
            }
        }
    }

    /// What a command means as things are now. All songs may have to be looked at for that.
    async fn understood(
        &self,
        jukebox: &Arc<Jukebox>,
        command: &Command,
    ) -> Result<Vec<Order>, NotDone> {
        let snapshot = self.snapshot();
        match command {
            Command::Press(_) | Command::Set(_) | Command::SetSpeakers(_) => {
                jukebox.orders(command, &snapshot)
            }
            Command::Cue(_) | Command::PlaySpec(_) | Command::Queue(_) => {
                let (jukebox, command) = (Arc::clone(jukebox), command.clone());
                self.aside(move || jukebox.orders(&command, &snapshot)).await
            }
        }
    }

    /// Has the player do it. What is begun goes on, though its client may leave: some wait for half a second and no
    /// longer (shairport-sync).
    async fn obeyed(
        &self,
        jukebox: &Arc<Jukebox>,
        orders: Vec<Order>,
    ) -> Result<Result<(), NotDone>, NoAnswer> {
        let (jukebox, limit) = (Arc::clone(jukebox), self.limits.answer);
        let work = tokio::spawn(async move {
            for order in orders {
                let done = async { jukebox.controller.obey(order).await };
                if let Err(refused) = foreign::within(limit, done).await? {
                    return Ok(Err(refused));
                }
            }
            Ok(Ok(()))
        });
        work.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}

fn not_done(refused: &NotDone) -> Answer {
    let status = match refused {
        NotDone::Missing(_) => StatusCode::NOT_FOUND,
        NotDone::QueueFull { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        NotDone::Unable(_) => StatusCode::INTERNAL_SERVER_ERROR,
        NotDone::Closed => return answer::busy(&refused.to_string()),
    };
    answer::text(status, &refused.to_string())
}

/// The name by which an endpoint is counted.
pub(crate) fn name(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Login(_) => "login",
        Endpoint::PlayStatus { .. } => "play-status",
        Endpoint::Command(_) => "command",
        Endpoint::NowPlayingArtwork { .. } => "artwork",
        _ => "control",
    }
}
