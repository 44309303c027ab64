//! Volumes: what they are, and how iTunes reckons with those of several speakers.
//!
//! Each speaker has a volume of its own. The master volume is the greatest of those that are active, and what is told
//! of a speaker is how it relates to the master. So when a speaker is turned beyond the master, the master follows and
//! all others seem to become lower, though they are as loud as before.
//!
//! ```
//! use dacp_proto::{Percent, SpeakerId, VolumeChange, Volumes};
//!
//! let percent = |number| Percent::new(number).expect("at most 100");
//! let (kitchen, hall) = (SpeakerId(1), SpeakerId(2));
//! let mut volumes = Volumes::new([(kitchen, true, percent(60)), (hall, true, percent(30))]);
//! assert_eq!((volumes.master(), volumes.relative(hall)), (percent(60), percent(50)));
//!
//! volumes.apply(VolumeChange::Absolute(hall, percent(90)));
//! assert_eq!((volumes.master(), volumes.relative(kitchen)), (percent(90), percent(66)));
//! assert_eq!(volumes.absolute(kitchen), percent(60));
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use daap_proto::read::FromTag;
use dmap::Tag;

use crate::settings::VolumeChange;
use crate::speakers::SpeakerId;

/// A number from 0 to 100: a volume, or a rating, of which 20 are a star.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u8);

impl Percent {
    /// All of it.
    pub const FULL: Self = Self(100);

    /// The number, if it is 100 or less.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number <= 100 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// So much of the whole.
    #[must_use]
    pub const fn of(self, whole: Self) -> Self {
        Self((self.0 as u16 * whole.0 as u16 / 100) as u8)
    }

    /// How much of the whole it is; of a whole that is no greater, all.
    #[must_use]
    pub const fn part_of(self, whole: Self) -> Self {
        if self.0 >= whole.0 {
            Self::FULL
        } else {
            Self((self.0 as u16 * 100 / whole.0 as u16) as u8)
        }
    }
}

impl FromTag for Percent {
    fn set(&mut self, tag: &Tag<'_>) {
        self.0.set(tag);
        *self = (*self).min(Self::FULL);
    }
}

/// The volume of an AirPlay speaker in decibels, from -144 (mute) to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceVolume(i16);

impl DeviceVolume {
    /// No sound at all.
    pub const MUTE: Self = Self(-14_400);

    /// The volume with so many hundredths of a decibel.
    #[must_use]
    pub const fn new(hundredths_db: i16) -> Option<Self> {
        match hundredths_db {
            -14_400..=0 => Some(Self(hundredths_db)),
            _ => None,
        }
    }

    /// In hundredths of a decibel.
    #[must_use]
    pub const fn hundredths_db(self) -> i16 {
        self.0
    }
}

impl fmt::Display for DeviceVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", f64::from(self.0) / 100.0)
    }
}

/// A text that is no volume of a speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a speaker's volume is a number of decibels from -144 to 0")]
pub struct NotAVolume;

impl FromStr for DeviceVolume {
    type Err = NotAVolume;

    fn from_str(text: &str) -> Result<Self, NotAVolume> {
        let decibels: f64 = text.parse().map_err(|_| NotAVolume)?;
        // What is no number is in no range; what is in this one fits.
        let is_volume = (-144.0..=0.0).contains(&decibels);
        is_volume.then(|| Self((decibels * 100.0).round() as i16)).ok_or(NotAVolume)
    }
}

/// The volumes of all speakers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volumes {
    master: Percent,
    speakers: BTreeMap<SpeakerId, One>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct One {
    is_active: bool,
    absolute: Percent,
    /// Kept where it cannot be told from the others: once the master has been at 0 the balance would be lost.
    relative: Percent,
}

impl Volumes {
    /// Speakers, whether each is active, and their volumes as they are heard.
    #[must_use]
    pub fn new(speakers: impl IntoIterator<Item = (SpeakerId, bool, Percent)>) -> Self {
        let one =
            |(id, is_active, absolute)| (id, One { is_active, absolute, relative: Percent::FULL });
        let mut volumes =
            Self { master: Percent::default(), speakers: speakers.into_iter().map(one).collect() };
        volumes.settle();
        volumes
    }

    /// Takes the speakers as they are now. As long as they are what was worked out here nothing changes, and the balance
    /// is kept.
    pub fn follow(&mut self, speakers: impl IntoIterator<Item = (SpeakerId, bool, Percent)>) {
        let heard = |volumes: &Self| {
            let heard = volumes.speakers.iter();
            heard.map(|(id, one)| (*id, one.is_active, one.absolute)).collect::<Vec<_>>()
        };
        let now = Self::new(speakers);
        if heard(&now) != heard(self) {
            *self = now;
        }
    }

    /// The master volume.
    #[must_use]
    pub fn master(&self) -> Percent {
        self.master
    }

    /// A speaker's volume as it is heard; 0 if there is no such speaker.
    #[must_use]
    pub fn absolute(&self, id: SpeakerId) -> Percent {
        self.speakers.get(&id).map_or(Percent::default(), |one| one.absolute)
    }

    /// A speaker's volume as clients are told it: how much of the master; all if there is no such speaker.
    #[must_use]
    pub fn relative(&self, id: SpeakerId) -> Percent {
        self.speakers.get(&id).map_or(Percent::FULL, |one| one.relative)
    }

    /// Does what a client asks for. A speaker that is not there changes nothing.
    pub fn apply(&mut self, change: VolumeChange) {
        match change {
            VolumeChange::Master(volume) => {
                self.master = volume;
                for one in self.speakers.values_mut() {
                    one.absolute = one.relative.of(volume);
                }
            }
            VolumeChange::Relative(id, volume) => self.turn(id, volume.of(self.master)),
            VolumeChange::Absolute(id, volume) => self.turn(id, volume),
        }
    }

    /// Makes these speakers active, and no others. One that is new among them is no louder than the master.
    pub fn activate(&mut self, active: impl Fn(SpeakerId) -> bool) {
        for (id, one) in &mut self.speakers {
            let was_active = std::mem::replace(&mut one.is_active, active(*id));
            if one.is_active && !was_active {
                one.absolute = one.absolute.min(self.master);
            }
        }
        self.settle();
    }

    /// What a client says to turn one speaker so that it is heard like this.
    #[must_use]
    pub fn change_to(&self, id: SpeakerId, absolute: Percent) -> VolumeChange {
        let mut others = self.speakers.iter().filter(|(other, one)| **other != id && one.is_active);
        if others.all(|(_, one)| one.absolute <= absolute) {
            VolumeChange::Absolute(id, absolute)
        } else {
            VolumeChange::Relative(id, absolute.part_of(self.master))
        }
    }

    fn turn(&mut self, id: SpeakerId, absolute: Percent) {
        if let Some(one) = self.speakers.get_mut(&id) {
            one.absolute = absolute;
            self.settle();
        }
    }

    /// Works out the master and what relates to it. Where none is active, all count.
    fn settle(&mut self) {
        let loudest = |counts: fn(&&One) -> bool| {
            self.speakers.values().filter(counts).map(|one| one.absolute).max()
        };
        self.master = loudest(|one| one.is_active).or(loudest(|_| true)).unwrap_or_default();
        for one in self.speakers.values_mut() {
            one.relative = one.absolute.part_of(self.master);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: SpeakerId = SpeakerId(0);
    const B: SpeakerId = SpeakerId(0x78CA_3946_072A);

    fn percent(number: u8) -> Percent {
        Percent::new(number).unwrap()
    }

    fn two(a: u8, b: u8) -> Volumes {
        Volumes::new([(A, true, percent(a)), (B, true, percent(b))])
    }

    /// Master, then absolute and relative of A and B.
    #[track_caller]
    fn check(volumes: &Volumes, expected: [u8; 5]) {
        let of = |id| [volumes.absolute(id).get(), volumes.relative(id).get()];
        let [a, b] = [of(A), of(B)];
        assert_eq!([volumes.master().get(), a[0], a[1], b[0], b[1]], expected);
    }

    #[test]
    fn the_master_is_the_loudest_and_follows_it() {
        let mut volumes = two(60, 30);
        check(&volumes, [60, 60, 100, 30, 50]);
        volumes.apply(VolumeChange::Relative(B, percent(75)));
        check(&volumes, [60, 60, 100, 45, 75]);
        volumes.apply(VolumeChange::Absolute(B, percent(90)));
        check(&volumes, [90, 60, 66, 90, 100]);
    }

    #[test]
    fn the_balance_outlives_silence() {
        let mut volumes = two(60, 30);
        volumes.apply(VolumeChange::Master(percent(0)));
        check(&volumes, [0, 0, 100, 0, 50]);
        volumes.apply(VolumeChange::Master(percent(80)));
        check(&volumes, [80, 80, 100, 40, 50]);
    }

    #[test]
    fn the_balance_is_kept_until_speakers_are_turned_elsewhere() {
        let mut volumes = two(60, 30);
        volumes.apply(VolumeChange::Master(percent(0)));
        let told = [(A, true, percent(0)), (B, true, percent(0))];
        volumes.follow(told);
        check(&volumes, [0, 0, 100, 0, 50]);
        volumes.follow([(A, true, percent(40)), (B, true, percent(10))]);
        check(&volumes, [40, 40, 100, 10, 25]);
    }

    #[test]
    fn a_client_turns_a_speaker_in_proportion_or_beyond_the_others() {
        let volumes = two(60, 30);
        assert_eq!(volumes.change_to(B, percent(45)), VolumeChange::Relative(B, percent(75)));
        assert_eq!(volumes.change_to(B, percent(90)), VolumeChange::Absolute(B, percent(90)));
        assert_eq!(volumes.change_to(A, percent(40)), VolumeChange::Absolute(A, percent(40)));
        let alone = Volumes::new([(A, false, percent(60)), (B, true, percent(30))]);
        assert_eq!(alone.change_to(B, percent(10)), VolumeChange::Absolute(B, percent(10)));
    }

    #[test]
    fn speakers_that_are_not_active_do_not_count_unless_none_is() {
        let mut volumes = two(60, 30);
        volumes.activate(|id| id == B);
        check(&volumes, [30, 60, 100, 30, 100]);
        volumes.activate(|_| false);
        check(&volumes, [60, 60, 100, 30, 50]);
    }

    #[test]
    fn a_speaker_that_becomes_active_is_no_louder_than_the_rest() {
        let mut volumes = Volumes::new([(A, true, percent(40)), (B, false, percent(100))]);
        volumes.activate(|_| true);
        check(&volumes, [40, 40, 100, 40, 100]);
    }

    #[test]
    fn a_speaker_that_is_not_there_changes_nothing() {
        let mut volumes = two(60, 30);
        volumes.apply(VolumeChange::Absolute(SpeakerId(9), percent(100)));
        check(&volumes, [60, 60, 100, 30, 50]);
    }

    #[test]
    fn a_speakers_own_volume_is_in_decibels() {
        let read = |text: &str| text.parse().map(DeviceVolume::hundredths_db).ok();
        for (text, expected) in [
            ("0", Some(0)),
            ("-20.125000", Some(-2013)),
            ("-144.0", Some(-14_400)),
            ("1", None),
            ("-144.01", None),
            ("NaN", None),
            ("-inf", None),
            ("-1e400", None),
            ("", None),
            ("loud", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(DeviceVolume::MUTE.to_string(), "-144.00");
    }

    fn any_percent() -> impl Strategy<Value = Percent> {
        (0..=100_u8).prop_map(percent)
    }

    proptest! {
        #[test]
        fn what_a_client_says_is_what_is_heard(a in any_percent(), b in any_percent(), to in any_percent()) {
            let mut volumes = Volumes::new([(A, true, a), (B, true, b)]);
            volumes.apply(volumes.change_to(B, to));
            let heard = volumes.absolute(B).get();
            prop_assert!(to.get() - heard <= 1, "{to:?} became {heard}");
            prop_assert_eq!(volumes.absolute(A), a);
        }

        #[test]
        fn every_speakers_volume_survives_its_text(hundredths in -14_400..=0_i16) {
            let volume = DeviceVolume::new(hundredths).unwrap();
            prop_assert_eq!(volume.to_string().parse(), Ok(volume));
        }
    }
}
