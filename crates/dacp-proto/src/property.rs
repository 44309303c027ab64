//! `getproperty`: single things of what a status says, and the volume, which it does not.

use std::collections::BTreeSet;

use daap_proto::read::{FromTag, ReadError, root};
use daap_proto::target::{Target, meaning, word};
use daap_proto::{Reply, RequestError};
use dmap::code::*;
use dmap::{Encoder, TooLong};

use crate::request::Said;
use crate::song::PLAYING;
use crate::status::{PlayStatus, StatusReader};
use crate::volume::Percent;

/// A property that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// `dmcp.volume`: the master volume.
    Volume,
    /// `dacp.playerstate`.
    PlayerState,
    /// `dacp.nowplaying`: the song that plays.
    NowPlaying,
    /// `dacp.playingtime`: how far it is.
    PlayingTime,
    /// `dacp.volumecontrollable`.
    VolumeControllable,
    /// `dacp.availableshufflestates`.
    AvailableShuffleStates,
    /// `dacp.availablerepeatstates`.
    AvailableRepeatStates,
    /// `dacp.shufflestate`.
    ShuffleState,
    /// `dacp.repeatstate`.
    RepeatState,
    /// `dacp.fullscreen`: never.
    FullScreen,
    /// `dacp.fullscreenenabled`: never.
    FullScreenEnabled,
    /// `dacp.visualizer`: never.
    Visualizer,
    /// `dacp.visualizerenabled`: never.
    VisualizerEnabled,
}

/// A word that no property has: what is asked for when none is known.
pub(crate) const NO_PROPERTY: &str = "none";

const PROPERTIES: &str = "properties";

/// The states that can be chosen, a bit each: shuffle on; repeat one and all.
const SHUFFLE_STATES: u32 = 0b010;
const REPEAT_STATES: u32 = 0b110;

fn names() -> [(&'static str, Property); 13] {
    [
        (CMVO.name(), Property::Volume),
        (CAPS.name(), Property::PlayerState),
        ("dacp.nowplaying", Property::NowPlaying),
        ("dacp.playingtime", Property::PlayingTime),
        (CAVC.name(), Property::VolumeControllable),
        (CAAS.name(), Property::AvailableShuffleStates),
        (CAAR.name(), Property::AvailableRepeatStates),
        (CASH.name(), Property::ShuffleState),
        (CARP.name(), Property::RepeatState),
        (CAFS.name(), Property::FullScreen),
        (CAFE.name(), Property::FullScreenEnabled),
        (CAVS.name(), Property::Visualizer),
        (CAVE.name(), Property::VisualizerEnabled),
    ]
}

/// Which properties a request asks for. Those that nobody knows are passed over.
pub(crate) fn parse(said: &Said<'_>) -> Result<BTreeSet<Property>, RequestError> {
    let names = names();
    let list = said.needed(PROPERTIES)?;
    Ok(list.split(',').filter_map(|name| meaning(&names, name.trim())).collect())
}

pub(crate) fn write(properties: &BTreeSet<Property>, uri: &mut Target) {
    let names = names();
    let mut wanted: Vec<_> = properties.iter().map(|property| word(&names, *property)).collect();
    if wanted.is_empty() {
        wanted.push(NO_PROPERTY);
    }
    uri.text(PROPERTIES, &wanted.join(","));
}

/// What properties a player has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// The master volume. As a client reads it, `None` if that was not asked for.
    pub volume: Option<Percent>,
    /// All others. As a client reads it, what was not asked for is as in the default.
    pub status: PlayStatus,
}

impl Properties {
    /// The reply to `getproperty` with those that are wanted.
    ///
    /// # Errors
    /// A text is longer than DMAP can say.
    pub fn reply(&self, wanted: &BTreeSet<Property>) -> Result<Reply, TooLong> {
        Reply::element(CMGT, |out| {
            out.u32(MSTT, 200);
            for property in wanted {
                match (property, self.volume) {
                    (Property::Volume, Some(volume)) => out.u32(CMVO, volume.get().into()),
                    _ => property.write(&self.status, out),
                }
            }
        })
    }

    /// Reads the reply to `getproperty`.
    ///
    /// # Errors
    /// The reply is no such reply, or says no.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let (mut volume, mut status) = (None, StatusReader::default());
        for tag in root(bytes, CMGT, "properties")?.children()? {
            match tag? {
                tag if tag.code == CMVO => volume.get_or_insert(Percent::default()).set(&tag),
                tag => status.set(&tag),
            }
        }
        Ok(Self { volume, status: status.end() })
    }
}

impl Property {
    /// Writes what a status says of it: nothing of the volume, and nothing of a song where none plays.
    pub(crate) fn write(self, status: &PlayStatus, out: &mut Encoder) {
        let now_playing = status.now_playing.as_ref();
        match self {
            Self::Volume => {}
            Self::PlayerState => out.u8(CAPS, status.state as u8),
            Self::NowPlaying => {
                now_playing.into_iter().for_each(|now| now.song.write(&PLAYING, out));
            }
            Self::PlayingTime => {
                if let Some(time) = now_playing.and_then(|now| now.time) {
                    out.u32(CANT, time.length_ms.saturating_sub(time.elapsed_ms));
                    out.u32(CAST, time.length_ms);
                }
            }
            Self::VolumeControllable => out.bool(CAVC, status.has_volume),
            Self::AvailableShuffleStates => out.u32(CAAS, SHUFFLE_STATES),
            Self::AvailableRepeatStates => out.u32(CAAR, REPEAT_STATES),
            Self::ShuffleState => out.bool(CASH, status.shuffle),
            Self::RepeatState => out.u8(CARP, status.repeat as u8),
            Self::FullScreen => out.bool(CAFS, false),
            Self::FullScreenEnabled => out.bool(CAFE, false),
            Self::Visualizer => out.bool(CAVS, false),
            Self::VisualizerEnabled => out.bool(CAVE, false),
        }
    }
}
