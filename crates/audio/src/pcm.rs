//! What a stream of PCM is made of.

use std::fmt;

/// The most channels a stream can have: 7.1.
pub const MAX_CHANNELS: usize = 8;
/// The lowest and highest rates that are taken for sound.
pub const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// How finely a sample is told.
///
/// Inside this crate samples are always `f32` from -1 to 1. That holds every 16 and 24 bit value exactly, so a depth says
/// only where samples came from or where they go: see [`Quantiser`](crate::Quantiser).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// Whole numbers of 16 bits (and fewer).
    I16,
    /// Whole numbers of 24 bits (and those between 16 and 24). Of 32 bits the lowest eight are dropped.
    I24,
    /// Floating point: what lossy codecs decode to, and whatever was mixed, scaled or resampled.
    F32,
}

impl Depth {
    /// Bytes that a sample takes.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::I16 => 2,
            Self::I24 => 3,
            Self::F32 => 4,
        }
    }

    /// Bits that a sample takes.
    #[must_use]
    pub fn bits(self) -> u16 {
        match self {
            Self::I16 => 16,
            Self::I24 => 24,
            Self::F32 => 32,
        }
    }
}

/// Which loudspeakers the channels of a frame are for: the channel mask of WAVE, whose order is also that of the samples.
///
/// ```
/// use audio::Layout;
///
/// let film = Layout::of_count(6).unwrap();
/// assert_eq!(film, Layout::FRONT_LEFT | Layout::FRONT_RIGHT | Layout::FRONT_CENTRE | Layout::BASS
///     | Layout::REAR_LEFT | Layout::REAR_RIGHT);
/// assert_eq!((film.count(), film.to_string()), (6, "FL FR FC LFE BL BR".to_owned()));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout(u32);

impl Layout {
    /// Front left.
    pub const FRONT_LEFT: Self = Self(1);
    /// Front right.
    pub const FRONT_RIGHT: Self = Self(1 << 1);
    /// Front centre; alone it is mono.
    pub const FRONT_CENTRE: Self = Self(1 << 2);
    /// The bass channel (LFE).
    pub const BASS: Self = Self(1 << 3);
    /// Rear left.
    pub const REAR_LEFT: Self = Self(1 << 4);
    /// Rear right.
    pub const REAR_RIGHT: Self = Self(1 << 5);
    /// Rear centre.
    pub const REAR_CENTRE: Self = Self(1 << 8);
    /// Side left.
    pub const SIDE_LEFT: Self = Self(1 << 9);
    /// Side right.
    pub const SIDE_RIGHT: Self = Self(1 << 10);

    /// One channel.
    pub const MONO: Self = Self::FRONT_CENTRE;
    /// Left and right.
    pub const STEREO: Self = Self(0b11);

    /// Names of the loudspeakers, by bit.
    const NAMES: [&str; 18] = [
        "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC",
        "TFR", "TBL", "TBC", "TBR",
    ];

    /// The layout with this mask: 1 to 8 loudspeakers of the 18 that WAVE knows. A single channel is mono, whichever it is.
    #[must_use]
    pub fn of_mask(mask: u32) -> Option<Self> {
        let count = mask.count_ones() as usize;
        let known = mask >> Self::NAMES.len() == 0 && (1..=MAX_CHANNELS).contains(&count);
        known.then_some(if count == 1 { Self::MONO } else { Self(mask) })
    }

    /// The usual layout of so many channels, 1 to 8: mono, stereo, 3.0, quadraphonic, 5.0, 5.1, 6.1, 7.1.
    #[must_use]
    pub fn of_count(channels: usize) -> Option<Self> {
        const USUAL: [u32; MAX_CHANNELS] = [0x4, 0x3, 0x7, 0x33, 0x37, 0x3F, 0x70F, 0x63F];
        USUAL.get(channels.checked_sub(1)?).copied().map(Self)
    }

    /// The mask.
    #[must_use]
    pub fn mask(self) -> u32 {
        self.0
    }

    /// How many channels there are.
    #[must_use]
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The loudspeakers one by one, in the order of the samples.
    pub fn speakers(self) -> impl Iterator<Item = Self> {
        (0..Self::NAMES.len()).map(|bit| Self(1 << bit)).filter(move |one| self.0 & one.0 != 0)
    }
}

impl std::ops::BitOr for Layout {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().enumerate().filter(|(bit, _)| self.0 & 1 << bit != 0);
        f.write_str(&names.map(|(_, name)| *name).collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layout({self})")
    }
}

/// What a stream of PCM is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    /// Frames a second.
    pub rate: u32,
    /// What the samples of a frame are for.
    pub layout: Layout,
    /// How fine the samples are.
    pub depth: Depth,
}

impl Format {
    /// Samples in a frame.
    #[must_use]
    pub fn channels(self) -> usize {
        self.layout.count()
    }

    /// Bytes that a frame takes where it is written.
    #[must_use]
    pub fn frame_bytes(self) -> usize {
        self.channels() * self.depth.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_layouts_have_as_many_channels_as_they_say() {
        for count in 1..=MAX_CHANNELS {
            let layout = Layout::of_count(count).unwrap();
            assert_eq!(layout.count(), count);
            assert_eq!(layout.speakers().count(), count);
            assert_eq!(Layout::of_mask(layout.mask()), Some(layout));
        }
        assert_eq!(Layout::of_count(0), None);
        assert_eq!(Layout::of_count(9), None);
    }

    #[test]
    fn masks_that_name_no_loudspeaker_or_too_many_are_refused() {
        assert_eq!(Layout::of_mask(0), None);
        assert_eq!(Layout::of_mask(1 << 18), None);
        assert_eq!(Layout::of_mask(0x1FF), None);
        assert_eq!(Layout::of_mask(Layout::FRONT_LEFT.mask()), Some(Layout::MONO));
    }
}
