//! What Remotes want done: one value for each thing that a player can be told.
//!
//! ```
//! use dacp_proto::{Button, Command, Endpoint, Request};
//!
//! let request = Request::parse("/ctrl-int/1/nextitem?session-id=9&prompt-id=0")?;
//! assert_eq!(request.endpoint, Endpoint::Command(Command::Press(Button::Next)));
//! # Ok::<(), dacp_proto::RequestError>(())
//! ```

use std::collections::BTreeSet;

use daap_model::ItemId;
use daap_proto::read::{ReadError, root};
use daap_proto::target::{Target, meaning, number, word};
use daap_proto::{Reply, RequestError, reply};
use dmap::code::{CACR, MIID, MSTT};

use crate::cue::{Cue, PlaySpec};
use crate::queue_edit::QueueEdit;
use crate::request::Said;
use crate::settings::Settings;
use crate::speakers::SpeakerId;

/// Something to do. What is done is seen in the next status; a command is answered before that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A button is pressed or let go.
    Press(Button),
    /// `setproperty`.
    Set(Settings),
    /// `setspeakers`: play on these, which are one or more, and on no others.
    SetSpeakers(BTreeSet<SpeakerId>),
    /// `cue`: the older way to play.
    Cue(Cue),
    /// `playspec`: play a playlist, from one of its songs on.
    PlaySpec(PlaySpec),
    /// `playqueue-edit`: the newer way to play.
    Queue(QueueEdit),
}

/// A verb that has no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Button {
    /// `playpause`: pause if it plays, else play; where nothing is loaded, the first of the queue.
    PlayPause,
    /// `play`.
    Play,
    /// `pause`; also `discrete-pause`, which says that it is no toggle.
    Pause,
    /// `stop`. The queue is kept.
    Stop,
    /// `nextitem`. At the end of the queue, with repeat off, this stops.
    Next,
    /// `previtem`: to the start of the song, or if that is near (3 s in owntone), to the one before.
    Previous,
    /// `beginff`: wind forward until [`Button::PlayResume`].
    FastForward,
    /// `beginrew`: wind back until [`Button::PlayResume`].
    Rewind,
    /// `playresume`: the button is let go; play on from here.
    PlayResume,
    /// `volumeup`: a step (5 percent in owntone). From a speaker, which its `Active-Remote` header names, it is its own.
    VolumeUp,
    /// `volumedown`.
    VolumeDown,
    /// `mutetoggle`.
    ToggleMute,
    /// `shuffle_songs`, which shairport-sync sends.
    ToggleShuffle,
}

/// The words for the buttons; of two for one button the first is sent.
const BUTTONS: [(&str, Button); 15] = [
    ("playpause", Button::PlayPause),
    ("play", Button::Play),
    ("pause", Button::Pause),
    ("discrete-pause", Button::Pause),
    ("discretepause", Button::Pause),
    ("stop", Button::Stop),
    ("nextitem", Button::Next),
    ("previtem", Button::Previous),
    ("beginff", Button::FastForward),
    ("beginrew", Button::Rewind),
    ("playresume", Button::PlayResume),
    ("volumeup", Button::VolumeUp),
    ("volumedown", Button::VolumeDown),
    ("mutetoggle", Button::ToggleMute),
    ("shuffle_songs", Button::ToggleShuffle),
];

const SPEAKER_ID: &str = "speaker-id";

impl Command {
    /// The command that a verb is; `None` if it is none.
    pub(crate) fn parse(verb: &str, said: &Said<'_>) -> Result<Option<Self>, RequestError> {
        Ok(Some(match verb {
            "setproperty" => Self::Set(Settings::parse(said)?),
            "setspeakers" => Self::SetSpeakers(said.needed_read(SPEAKER_ID, speakers)?),
            "cue" => Self::Cue(Cue::parse(said)?),
            "playspec" => Self::PlaySpec(PlaySpec::parse(said)?),
            "playqueue-edit" => Self::Queue(QueueEdit::parse(said)?),
            _ => return Ok(meaning(&BUTTONS, verb).map(Self::Press)),
        }))
    }

    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Press(button) => word(&BUTTONS, *button),
            Self::Set(_) => "setproperty",
            Self::SetSpeakers(_) => "setspeakers",
            Self::Cue(_) => "cue",
            Self::PlaySpec(_) => "playspec",
            Self::Queue(_) => "playqueue-edit",
        }
    }

    pub(crate) fn write(&self, uri: &mut Target) {
        match self {
            Self::Press(_) => {}
            Self::Set(settings) => settings.write(uri),
            Self::SetSpeakers(speakers) => {
                let ids: Vec<_> = speakers.iter().map(SpeakerId::to_string).collect();
                uri.text(SPEAKER_ID, &ids.join(","));
            }
            Self::Cue(cue) => cue.write(uri),
            Self::PlaySpec(spec) => spec.write(uri),
            Self::Queue(edit) => edit.write(uri),
        }
    }

    /// What is answered once it is done, with the song that plays then. `None` is status 204 and nothing else.
    #[must_use]
    pub fn reply(&self, playing: Option<ItemId>) -> Option<Reply> {
        let tells = match self {
            Self::Cue(_) => true,
            Self::Queue(edit) => edit.tells_what_plays(),
            _ => false,
        };
        tells.then(|| {
            let cued = Reply::element(CACR, |out| {
                out.u32(MSTT, 200);
                out.u32(MIID, playing.map_or(0, ItemId::get));
            });
            cued.expect("two numbers fit")
        })
    }

    /// What is answered where it could be read and cannot be done, if that is more than an HTTP status.
    #[must_use]
    pub fn refusal(&self, reason: &str) -> Option<Reply> {
        match self {
            Self::Cue(_) | Self::Queue(_) => Some(reply::error(CACR, 500, reason)),
            _ => None,
        }
    }

    /// Reads what is answered to any command: the song that plays then, if that is told. Mostly nothing is, and some
    /// say something else.
    ///
    /// # Errors
    /// The answer says no, or is no DMAP.
    pub fn read_reply(bytes: &[u8]) -> Result<Option<ItemId>, ReadError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let root = match root(bytes, CACR, "what plays") {
            Err(ReadError::Unexpected { .. }) => return Ok(None),
            root => root?,
        };
        let playing = root.child(MIID)?.and_then(|tag| tag.uint().ok());
        Ok(playing.and_then(|id| ItemId::new(u32::try_from(id).ok()?)))
    }
}

/// The speakers of a list, decimal or hexadecimal. Entries that are no ids are passed over, as in owntone; but one has
/// to be left.
fn speakers(list: &str) -> Option<BTreeSet<SpeakerId>> {
    let ids = list.split(',').map(str::trim).filter(|id| !id.is_empty());
    let ids: BTreeSet<_> = ids.filter_map(number).map(SpeakerId).collect();
    Some(ids).filter(|ids| !ids.is_empty())
}
