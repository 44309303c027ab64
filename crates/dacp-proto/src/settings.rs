//! `setproperty`: properties that are set, several at once.

use daap_model::{DatabaseId, ItemId};
use daap_proto::RequestError;
use daap_proto::target::{Target, number};
use dmap::code::{CARP, CASH, CMVO};

use crate::property::NO_PROPERTY;
use crate::request::Said;
use crate::speakers::SpeakerId;
use crate::spec::Spec;
use crate::status::Repeat;
use crate::volume::{DeviceVolume, Percent};

/// What is to be set; what is `None` stays. If all is `None`, what was named is nothing that there is: it is granted,
/// and nothing done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `dmcp.volume`.
    pub volume: Option<VolumeChange>,
    /// `dacp.playingtime`: where in the song to go on, in milliseconds from its start. Sliders send many a second; the
    /// last one counts.
    pub position_ms: Option<u32>,
    /// `dacp.shufflestate`.
    pub shuffle: Option<bool>,
    /// `dacp.repeatstate`.
    pub repeat: Option<Repeat>,
    /// `dacp.userrating`.
    pub rating: Option<RatingChange>,
    /// `dmcp.device-volume`: what a speaker was turned to, on itself. Its `Active-Remote` header says which.
    pub device_volume: Option<DeviceVolume>,
    /// `dmcp.device-prevent-playback`: that speaker was taken by another, or set free again.
    pub device_prevented: Option<bool>,
    /// `dmcp.device-busy`: that speaker is in use by another, or no longer.
    pub device_busy: Option<bool>,
}

/// How volumes are to change. [`Volumes`](crate::Volumes) does the arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VolumeChange {
    /// All of them, with the balance kept.
    Master(Percent),
    /// One speaker, to so much of the master volume (`speaker-id`).
    Relative(SpeakerId, Percent),
    /// One speaker, on the scale of the master volume, which may follow it (`include-speaker-id`).
    Absolute(SpeakerId, Percent),
}

/// A song is rated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RatingChange {
    /// The database that has it; `None` is the only one, or the first.
    pub database: Option<Spec<DatabaseId>>,
    /// The song.
    pub item: Spec<ItemId>,
    /// The rating, 20 a star; 0 is unrated.
    pub rating: Percent,
}

const DEVICE_BUSY: &str = "dmcp.device-busy";
const DEVICE_PREVENT: &str = "dmcp.device-prevent-playback";
const DEVICE_VOLUME: &str = "dmcp.device-volume";
const PLAYING_TIME: &str = "dacp.playingtime";
const USER_RATING: &str = "dacp.userrating";

const DATABASE_SPEC: &str = "database-spec";
const INCLUDE_SPEAKER_ID: &str = "include-speaker-id";
const ITEM_SPEC: &str = "item-spec";
const SPEAKER_ID: &str = "speaker-id";

/// What comes with every request and is no property.
const NO_PROPERTIES: [&str; 2] = ["session-id", "prompt-id"];

impl Settings {
    pub(crate) fn parse(said: &Said<'_>) -> Result<Self, RequestError> {
        if said.names().all(|name| NO_PROPERTIES.contains(&name)) {
            return Err(RequestError::MissingParameter { parameter: CMVO.name() });
        }
        Ok(Self {
            volume: VolumeChange::parse(said)?,
            position_ms: said.read(PLAYING_TIME, whole)?,
            shuffle: said.flag(CASH.name())?,
            repeat: said.read(CARP.name(), |text| Repeat::from_number(whole(text)?))?,
            rating: RatingChange::parse(said)?,
            device_volume: said.read(DEVICE_VOLUME, |text| text.parse().ok())?,
            device_prevented: said.flag(DEVICE_PREVENT)?,
            device_busy: said.flag(DEVICE_BUSY)?,
        })
    }

    pub(crate) fn write(&self, uri: &mut Target) {
        if *self == Self::default() {
            return uri.number(NO_PROPERTY, 1);
        }
        if let Some(volume) = self.volume {
            volume.write(uri);
        }
        if let Some(rating) = self.rating {
            rating.write(uri);
        }
        if let Some(volume) = self.device_volume {
            uri.text(DEVICE_VOLUME, &volume.to_string());
        }
        for (name, number) in [
            (PLAYING_TIME, self.position_ms),
            (CASH.name(), self.shuffle.map(u32::from)),
            (CARP.name(), self.repeat.map(|repeat| repeat as u32)),
            (DEVICE_PREVENT, self.device_prevented.map(u32::from)),
            (DEVICE_BUSY, self.device_busy.map(u32::from)),
        ] {
            if let Some(number) = number {
                uri.number(name, number);
            }
        }
    }
}

impl VolumeChange {
    fn parse(said: &Said<'_>) -> Result<Option<Self>, RequestError> {
        let Some(volume) = said.read(CMVO.name(), percent)? else {
            return match said.has(SPEAKER_ID) || said.has(INCLUDE_SPEAKER_ID) {
                true => Err(RequestError::MissingParameter { parameter: CMVO.name() }),
                false => Ok(None),
            };
        };
        let speaker = |name, change: fn(_, _) -> Self| {
            let id = said.read(name, number)?.map(SpeakerId);
            Ok(id.map(|id| change(id, volume)))
        };
        let change = said.either([SPEAKER_ID, INCLUDE_SPEAKER_ID], |_, name| match name {
            SPEAKER_ID => speaker(name, Self::Relative),
            _ => speaker(name, Self::Absolute),
        })?;
        Ok(Some(change.unwrap_or(Self::Master(volume))))
    }

    fn write(self, uri: &mut Target) {
        let (speaker, volume) = match self {
            Self::Master(volume) => (None, volume),
            Self::Relative(id, volume) => (Some((SPEAKER_ID, id)), volume),
            Self::Absolute(id, volume) => (Some((INCLUDE_SPEAKER_ID, id)), volume),
        };
        uri.number(CMVO.name(), volume.get().into());
        if let Some((name, id)) = speaker {
            uri.text(name, &id.to_string());
        }
    }
}

impl RatingChange {
    fn parse(said: &Said<'_>) -> Result<Option<Self>, RequestError> {
        let Some(rating) = said.read(USER_RATING, percent)? else { return Ok(None) };
        // Apple's Remote and WPRemote say item-spec, TunesRemote+ and Retune song-spec.
        let item = said.either([ITEM_SPEC, "song-spec"], |said, name| {
            said.read(name, |text| Spec::parse(text, ItemId::new))
        })?;
        let item = item.ok_or(RequestError::MissingParameter { parameter: ITEM_SPEC })?;
        let database = said.read(DATABASE_SPEC, |text| Spec::parse(text, DatabaseId::new))?;
        Ok(Some(Self { database, item, rating }))
    }

    fn write(self, uri: &mut Target) {
        uri.number(USER_RATING, self.rating.get().into());
        if let Some(database) = self.database {
            uri.text(DATABASE_SPEC, &database.to_string());
        }
        uri.text(ITEM_SPEC, &self.item.to_string());
    }
}

fn percent(text: &str) -> Option<Percent> {
    whole(text).and_then(|number| u8::try_from(number).ok()).and_then(Percent::new)
}

/// The whole part of a decimal number: sliders send `37.500000`.
fn whole(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction)).then(|| whole.parse().ok()).flatten()
}
