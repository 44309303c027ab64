//! `getspeakers`: where can be played.

use std::fmt;

use daap_proto::Reply;
use daap_proto::read::{FromTag, ReadError, root};
use dmap::code::*;
use dmap::{Tag, TooLong};

use crate::volume::Percent;

/// Names a speaker: an AirPlay speaker by its hardware address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpeakerId(pub u64);

impl SpeakerId {
    /// The machine that the server runs on.
    pub const COMPUTER: Self = Self(0);
}

/// As Apple's Remote writes it: `0x78CA3946072A`, and 0 without more.
impl fmt::Display for SpeakerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::COMPUTER => f.write_str("0"),
            Self(id) => write!(f, "0x{id:X}"),
        }
    }
}

/// A speaker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Speaker {
    /// Its id.
    pub id: SpeakerId,
    /// Its name.
    pub name: String,
    /// Whether it is to play. TunesRemote+ takes it for active if anything is said of this, so of one that is not,
    /// nothing is.
    pub is_active: bool,
    /// Whether it wants a password that is not known yet.
    pub needs_password: bool,
    /// Whether it shows pictures too.
    pub has_video: bool,
    /// Its volume, as a part of the master volume: [`Volumes::relative`](crate::Volumes::relative).
    pub volume: Percent,
}

/// The reply to `getspeakers`.
///
/// # Errors
/// There are more than DMAP can say.
pub fn speakers_reply<'a>(
    speakers: impl IntoIterator<Item = &'a Speaker>,
) -> Result<Reply, TooLong> {
    Reply::element(CASP, |out| {
        out.u32(MSTT, 200);
        for speaker in speakers {
            out.container(MDCL, |out| {
                for (code, is_so) in [
                    (CAIA, speaker.is_active),
                    (CAHP, speaker.needs_password),
                    (CAIV, speaker.has_video),
                ] {
                    if is_so {
                        out.bool(code, true);
                    }
                }
                out.string(MINM, &speaker.name);
                out.u64(MSMA, speaker.id.0);
                out.u32(CMVO, speaker.volume.get().into());
            });
        }
    })
}

/// Reads the reply to `getspeakers`.
///
/// # Errors
/// The reply is no such reply, or says no.
pub fn read_speakers(bytes: &[u8]) -> Result<Vec<Speaker>, ReadError> {
    let mut speakers = Vec::new();
    for tag in root(bytes, CASP, "speakers")?.children()? {
        match tag? {
            tag if tag.code == MDCL => speakers.push(Speaker::read(&tag)?),
            _ => {}
        }
    }
    Ok(speakers)
}

impl Speaker {
    fn read(tag: &Tag<'_>) -> Result<Self, ReadError> {
        let mut speaker = Self::default();
        for tag in tag.children()? {
            let tag = tag?;
            match tag.code {
                CAIA => speaker.is_active.set(&tag),
                CAHP => speaker.needs_password.set(&tag),
                CAIV => speaker.has_video.set(&tag),
                MINM => speaker.name.set(&tag),
                MSMA => speaker.id = SpeakerId(tag.uint().unwrap_or_default()),
                CMVO => speaker.volume.set(&tag),
                _ => {}
            }
        }
        Ok(speaker)
    }
}
