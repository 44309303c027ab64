//! What an Apple TV 2 or 3 lets a Remote press, touch and type. A server of music has none of it.

use std::fmt;

use daap_proto::Reply;
use daap_proto::read::{FromTag, ReadError, root};
use daap_proto::target::{meaning, word};
use dmap::code::*;
use dmap::{Encoder, Tag, Tags, TooLong};

/// What is pressed, touched or typed: the body of `controlpromptentry`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PromptEntry {
    /// A button.
    Press(PromptButton),
    /// A finger on the touch pad. Arrows are played like that: down, some moves, up.
    Touch {
        /// What the finger does.
        phase: TouchPhase,
        /// Since when.
        time_ms: u32,
        /// Where, from the left.
        x: u32,
        /// Where, from above.
        y: u32,
    },
    /// The text as it is now.
    Text(String),
    /// The text is done.
    TextDone,
}

/// A button of an Apple TV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PromptButton {
    /// `menu`.
    Menu,
    /// `topmenu`: the menu button, held.
    TopMenu,
    /// `contextmenu`: the select button, held.
    ContextMenu,
    /// `select`.
    Select,
    /// `playpause`.
    PlayPause,
}

/// What a finger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TouchPhase {
    /// It is put down.
    Down,
    /// It moves.
    Move,
    /// It is taken away.
    Up,
}

const BUTTONS: [(&str, PromptButton); 5] = [
    ("menu", PromptButton::Menu),
    ("topmenu", PromptButton::TopMenu),
    ("contextmenu", PromptButton::ContextMenu),
    ("select", PromptButton::Select),
    ("playpause", PromptButton::PlayPause),
];

const PHASES: [(&str, TouchPhase); 3] =
    [("touchDown", TouchPhase::Down), ("touchMove", TouchPhase::Move), ("touchUp", TouchPhase::Up)];

const TEXT: &str = "PromptUpdate";
const TEXT_DONE: &str = "PromptDone";

/// Why a body is none that an Apple TV takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// It is no DMAP.
    #[error(transparent)]
    Malformed(#[from] dmap::DecodeError),
    /// It says something that nobody knows.
    #[error("{0:?} is nothing that can be entered")]
    Unknown(String),
}

impl fmt::Display for PromptEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Press(button) => f.write_str(word(&BUTTONS, *button)),
            Self::Touch { phase, time_ms, x, y } => {
                write!(f, "{}&time={time_ms}&point={x},{y}", word(&PHASES, *phase))
            }
            Self::Text(_) => f.write_str(TEXT),
            Self::TextDone => f.write_str(TEXT_DONE),
        }
    }
}

impl PromptEntry {
    /// The body: elements without one around them.
    ///
    /// # Errors
    /// The text is longer than DMAP can say.
    pub fn to_body(&self) -> Result<Vec<u8>, TooLong> {
        let mut out = Encoder::new(Vec::new());
        out.string(CMCC, "0");
        out.string(CMBE, &self.to_string());
        if let Self::Text(text) = self {
            out.string(CMTE, text);
        }
        out.finish()
    }

    /// Reads a body, its elements in any order.
    ///
    /// # Errors
    /// It is no DMAP, or says nothing that is known.
    pub fn read(body: &[u8]) -> Result<Self, PromptError> {
        let (mut event, mut text) = (String::new(), String::new());
        for tag in Tags::new(body) {
            let tag = tag?;
            match tag.code {
                CMBE => event.set(&tag),
                CMTE => text.set(&tag),
                _ => {}
            }
        }
        let entry = match event.as_str() {
            TEXT => Some(Self::Text(text)),
            TEXT_DONE => Some(Self::TextDone),
            event => meaning(&BUTTONS, event).map(Self::Press).or_else(|| touch(event)),
        };
        entry.ok_or(PromptError::Unknown(event))
    }
}

/// `touchDown&time=0&point=20,275`.
fn touch(event: &str) -> Option<PromptEntry> {
    let (phase, rest) = event.split_once("&time=")?;
    let (time_ms, point) = rest.split_once("&point=")?;
    let (x, y) = point.split_once(',')?;
    Some(PromptEntry::Touch {
        phase: meaning(&PHASES, phase)?,
        time_ms: time_ms.parse().ok()?,
        x: x.parse().ok()?,
        y: y.parse().ok()?,
    })
}

/// The reply to `controlpromptupdate`: what an Apple TV asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// With which to ask next.
    pub next: u32,
    /// What there is to know of it, such as `kKeybMsgKey_MessageType`. A value is no text where it is enciphered.
    pub entries: Vec<(String, Vec<u8>)>,
}

impl Prompt {
    /// The reply.
    ///
    /// # Errors
    /// It is longer than DMAP can say.
    pub fn reply(&self) -> Result<Reply, TooLong> {
        Reply::element(CMCP, |out| {
            out.u32(MSTT, 200);
            out.u32(MIID, self.next);
            for (key, value) in &self.entries {
                out.container(MDCL, |out| {
                    out.string(CMCE, key);
                    out.bytes(CMCV, value);
                });
            }
        })
    }

    /// Reads the reply.
    ///
    /// # Errors
    /// The reply is no such reply, or says no.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let mut prompt = Self::default();
        for tag in root(bytes, CMCP, "a prompt")?.children()? {
            let tag = tag?;
            match tag.code {
                MIID => prompt.next.set(&tag),
                MDCL => prompt.entries.push(entry(&tag)?),
                _ => {}
            }
        }
        Ok(prompt)
    }
}

fn entry(tag: &Tag<'_>) -> Result<(String, Vec<u8>), ReadError> {
    let (mut key, mut value) = (String::new(), Vec::new());
    for tag in tag.children()? {
        let tag = tag?;
        match tag.code {
            CMCE => key.set(&tag),
            CMCV => value = tag.payload.to_vec(),
            _ => {}
        }
    }
    Ok((key, value))
}
