//! What Remotes ask, as values: the request target of every endpoint, read and written.
//!
//! One type serves both sides: a server [parses](Request::parse) targets, a client [writes](Request::to_uri) them. It
//! has all that comes in at the one door, so what is no request of DACP is tried as one of DAAP.

mod said;

use std::collections::BTreeSet;

use daap_model::Revision;
use daap_proto::target::{Target, split, words};
use daap_proto::{Listing, PixelBox, RequestError};

pub(crate) use self::said::{Said, bad, number_32};
use crate::command::Command;
use crate::pairing::PairingGuid;
use crate::property::{self, Property};
use crate::queue::Span;

/// A request: what is asked, and in which session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The session; `None` if none was named, or 0.
    pub session_id: Option<u32>,
    /// What is asked.
    pub endpoint: Endpoint,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/login` with a `pairing-guid`: give me a session, as we are paired.
    Login(PairingGuid),
    /// `/ctrl-int`: what can be controlled? Needs no session.
    Interfaces,
    /// `playstatusupdate`: tell me when the player is in another state than this.
    PlayStatus {
        /// The revision that the client was told last; 0 or 1 if none. It may be any number after a restart, so it is
        /// only ever to be compared for being equal.
        seen: Revision,
    },
    /// `getproperty`: tell me these.
    Properties(BTreeSet<Property>),
    /// `getspeakers`.
    Speakers,
    /// `playqueue-contents`.
    Queue(Span),
    /// `nowplayingartwork`: the picture of what plays.
    NowPlayingArtwork {
        /// The box to fit into; `None` asks for the original.
        size: Option<PixelBox>,
    },
    /// `items`: what plays, as a listing of DAAP. Only TunesRemote+ asks, and does without.
    NowPlayingItems(Listing),
    /// Anything that changes what plays, or how.
    Command(Command),
    /// `/controlpromptupdate`: tell me when an Apple TV asks for something other than this.
    PromptUpdate {
        /// The prompt that the client was told of last, 0 if none.
        seen: u32,
    },
    /// `controlpromptentry`: something was pressed or typed for an Apple TV; what, is in the body: [`PromptEntry`].
    ///
    /// [`PromptEntry`]: crate::PromptEntry
    PromptEntry {
        /// The prompt that it answers, 0 if none.
        prompt_id: u32,
    },
    /// Anything of DAAP.
    Library(daap_proto::Endpoint),
}

/// The number of the one interface that there is. Others are taken for it, as owntone does.
const INTERFACE: &str = "/ctrl-int/1";

const PAIRING_GUID: &str = "pairing-guid";
const PROMPT_ID: &str = "prompt-id";
const SESSION_ID: &str = "session-id";

impl Request {
    /// A request outside of any session.
    #[must_use]
    pub const fn new(endpoint: Endpoint) -> Self {
        Self { session_id: None, endpoint }
    }

    /// The same request in a session.
    #[must_use]
    pub fn in_session(self, session_id: u32) -> Self {
        Self { session_id: Some(session_id).filter(|id| *id != 0), ..self }
    }

    /// Reads a request target. Parameters come in any order; those that nobody knows are passed over.
    ///
    /// # Errors
    /// There is no such endpoint, or a parameter that matters is missing, comes twice or cannot be read, or a limit
    /// was passed. Nothing is ever half understood.
    pub fn parse(target: &str) -> Result<Self, RequestError> {
        let (path, parameters) = split(target)?;
        let said = Said::new(parameters);
        let endpoint = match words(path)[..] {
            ["login"] if said.has(PAIRING_GUID) => Endpoint::Login(login(&said)?),
            ["ctrl-int"] => Endpoint::Interfaces,
            ["ctrl-int", interface, verb] if is_number(interface) => {
                Endpoint::parse_verb(verb, &said)?
                    .ok_or_else(|| RequestError::UnknownPath { path: path.to_owned() })?
            }
            ["controlpromptupdate"] => {
                Endpoint::PromptUpdate { seen: said.needed_number(PROMPT_ID)? }
            }
            _ => Endpoint::Library(daap_proto::Request::parse(target)?.endpoint),
        };
        if !matches!(endpoint, Endpoint::Library(_)) {
            said.text(SESSION_ID)?;
        }
        Ok(Self { session_id: parameters.session_id(), endpoint })
    }

    /// The target that asks for this, beginning with a slash.
    #[must_use]
    pub fn to_uri(&self) -> String {
        let mut uri = Target::new(self.endpoint.path());
        if let Some(id) = self.session_id {
            uri.number(SESSION_ID, id);
        }
        self.endpoint.write_parameters(&mut uri);
        uri.finish()
    }
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// A guid that is none, such as the `0xnull` of TunesRemote+, is one that is not paired.
fn login(said: &Said<'_>) -> Result<PairingGuid, RequestError> {
    said.needed(PAIRING_GUID)?.parse().map_err(|_| RequestError::NotPaired)
}

impl Endpoint {
    fn parse_verb(verb: &str, said: &Said<'_>) -> Result<Option<Self>, RequestError> {
        Ok(Some(match verb {
            "playstatusupdate" => {
                Self::PlayStatus { seen: Revision::new(said.needed_number("revision-number")?) }
            }
            "getproperty" => Self::Properties(property::parse(said)?),
            "getspeakers" => Self::Speakers,
            "playqueue-contents" => Self::Queue(Span::parse(said)?),
            "nowplayingartwork" => {
                said.text("mw")?;
                said.text("mh")?;
                Self::NowPlayingArtwork { size: said.parameters().size()? }
            }
            "items" => Self::NowPlayingItems(said.parameters().listing()?),
            "controlpromptentry" => Self::PromptEntry { prompt_id: said.needed_number(PROMPT_ID)? },
            _ => return Ok(Command::parse(verb, said)?.map(Self::Command)),
        }))
    }

    /// The path, and for what DAAP has all but the session.
    fn path(&self) -> String {
        let verb = match self {
            Self::Login(_) => return "/login".into(),
            Self::Interfaces => return "/ctrl-int".into(),
            Self::Library(endpoint) => return daap_proto::Request::new(endpoint.clone()).to_uri(),
            Self::PromptUpdate { .. } => return "/controlpromptupdate".into(),
            Self::PlayStatus { .. } => "playstatusupdate",
            Self::Properties(_) => "getproperty",
            Self::Speakers => "getspeakers",
            Self::Queue(_) => "playqueue-contents",
            Self::NowPlayingArtwork { .. } => "nowplayingartwork",
            Self::NowPlayingItems(_) => "items",
            Self::PromptEntry { .. } => "controlpromptentry",
            Self::Command(command) => command.verb(),
        };
        format!("{INTERFACE}/{verb}")
    }

    fn write_parameters(&self, uri: &mut Target) {
        match self {
            Self::Login(guid) => {
                uri.text(PAIRING_GUID, &guid.to_string());
                // "I can do FairPlay": Apple's Remote says so, and nobody minds.
                uri.number("hasFP", 1);
            }
            Self::PlayStatus { seen } => uri.number("revision-number", seen.get()),
            Self::Properties(properties) => property::write(properties, uri),
            Self::Queue(span) => span.write(uri),
            Self::NowPlayingArtwork { size } => uri.size(*size),
            Self::NowPlayingItems(listing) => uri.listing(listing, "query"),
            Self::PromptUpdate { seen: id } | Self::PromptEntry { prompt_id: id } => {
                uri.number(PROMPT_ID, *id);
            }
            Self::Command(command) => command.write(uri),
            Self::Interfaces | Self::Speakers | Self::Library(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
