//! DACP as values: what Remotes ask of a player, and what they are told.
//!
//! - [`Request`] is a request target, read and written; its [`Endpoint`] is what is asked: a [`Command`], one of the
//!   things below, or anything of DAAP, as both come in at one door.
//! - [`Command`] is something to do, in the words a player can act on: a [`Button`], [`Settings`], a [`Cue`], a
//!   [`QueueEdit`].
//! - [`PlayStatus`], [`Properties`], [`Speaker`]s, [`QueueContents`] and [`ControlInterface`] are what is told: as a
//!   reply by a server, read by a client.
//! - [`Volumes`] reckons with the volumes of several speakers as iTunes does.
//! - [`PairRequest`], [`PairingAnswer`] and [`PairingGuid`] are how a server and a Remote come to trust each other.
//! - [`QUIRKS`] is the one table of what single Remotes do otherwise.
//!
//! The crate is pure: it has no socket, no file, no clock, no session. Who may ask, how long to wait and what plays is
//! the business of others.
//!
//! ```
//! use dacp_proto::{Command, Endpoint, PlayStatus, PlayerState, QueueEdit, Request, Which};
//! use daap_model::Revision;
//!
//! let target = "/ctrl-int/1/playqueue-edit?command=add&query='daap.songartist:Wings'&mode=1&session-id=9";
//! let request = Request::parse(target)?;
//! let Endpoint::Command(Command::Queue(QueueEdit::Play { songs, .. })) = request.endpoint else { unreachable!() };
//! assert!(matches!(songs.which, Which::Found(query) if query.to_string() == "'daap.songartist:Wings'"));
//!
//! let status = PlayStatus { revision: Revision::new(7), state: PlayerState::Playing, ..PlayStatus::default() };
//! let reply = status.reply()?;
//! assert_eq!(PlayStatus::read(&reply.into_bytes())?, status);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod command;
mod cue;
mod interface;
mod pairing;
mod prompt;
mod property;
mod queue;
mod queue_edit;
mod quirks;
mod request;
mod settings;
mod song;
mod speakers;
mod spec;
mod status;
mod volume;

pub use command::{Button, Command};
pub use cue::{Cue, Found, PlaySpec};
pub use daap_proto::RequestError;
pub use daap_proto::read::ReadError;
pub use interface::ControlInterface;
pub use pairing::{NotAGuid, NotAPin, PairRequest, PairingAnswer, PairingGuid, Pin, not_paired};
pub use prompt::{Prompt, PromptButton, PromptEntry, PromptError, TouchPhase};
pub use property::{Properties, Property};
pub use queue::{QueueContents, QueuePlace, QueuedSong, Span};
pub use queue_edit::{QueueEdit, SongList, Songs, Which};
pub use quirks::{QUIRKS, Quirk};
pub use request::{Endpoint, Request};
pub use settings::{RatingChange, Settings, VolumeChange};
pub use song::{Song, SongIds};
pub use speakers::{Speaker, SpeakerId, read_speakers, speakers_reply};
pub use spec::{Spec, Start};
pub use status::{NowPlaying, PlayStatus, PlayTime, PlayerState, Repeat};
pub use volume::{DeviceVolume, NotAVolume, Percent, Volumes};
