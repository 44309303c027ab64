//! The numbers by which clients name things.
//!
//! Row ids are 32 bits wide, and 0 names nothing. Those that we give have 31, because several clients read them as
//! signed (`docs/protocol.md`); those of other servers may be any: iTunes has large database ids. Persistent ids are
//! 64 bits wide and mean the same thing after a restart or a rescan.

use std::fmt;
use std::num::NonZeroU32;

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU32);

        impl $name {
            /// The largest number that we give, 2^31 - 1.
            pub const MAX: u32 = i32::MAX as u32;

            /// The lowest id there can be, 1.
            pub const LOWEST: Self = Self(NonZeroU32::MIN);

            /// The highest id that we give.
            pub const HIGHEST: Self = match Self::to_give(Self::MAX) {
                Some(id) => id,
                None => unreachable!(),
            };

            /// The id with this number, whoever gave it, unless it is 0.
            #[must_use]
            pub const fn new(number: u32) -> Option<Self> {
                match NonZeroU32::new(number) {
                    Some(number) => Some(Self(number)),
                    None => None,
                }
            }

            /// The id with this number, for who gives ids to what has none: not 0 and not above [`Self::MAX`].
            #[must_use]
            pub const fn to_give(number: u32) -> Option<Self> {
                if number <= Self::MAX { Self::new(number) } else { None }
            }

            /// The number as it goes over the wire.
            #[must_use]
            pub const fn get(self) -> u32 {
                self.0.get()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

row_id!(
    /// Names a database within its server.
    DatabaseId
);
row_id!(
    /// Names a song within its database. Never given to another song.
    ItemId
);
row_id!(
    /// Names a container (a playlist or a folder of playlists) within its database.
    ContainerId
);
row_id!(
    /// Names one entry of one container: a song that occurs twice has two of them.
    ContainerItemId
);
row_id!(
    /// Names a group (an album or an artist) within its database.
    GroupId
);

impl ContainerId {
    /// The base container, which holds every item of its database.
    pub const BASE: Self = match Self::new(1) {
        Some(id) => id,
        None => unreachable!(),
    };
}

/// A 64-bit id that outlives restarts, rescans and a moved folder. Never 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersistentId(u64);

impl PersistentId {
    /// The lowest id there can be, 1.
    pub const LOWEST: Self = Self(1);

    /// The id with this number; 0, which clients read as "none", becomes 1.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(if number == 0 { 1 } else { number })
    }

    /// The number as it goes over the wire.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for PersistentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersistentId({:016X})", self.0)
    }
}

/// Sixteen upper-case hexadecimal digits, as in `daap://host/songs/…`.
impl fmt::Display for PersistentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

/// A state of the whole server; each change makes the next number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u32);

impl Revision {
    /// The lowest a server may be at. Clients open with 1, so a server must never be there.
    pub const FIRST: Self = Self(2);

    /// The highest a server may begin at. Several clients read the number as signed: from here they can be told of
    /// one revision a second for 34 years.
    pub const HIGHEST_START: Self = Self(1 << 30);

    /// The revision with this number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number as it goes over the wire.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_ids_are_any_number_but_0() {
        assert_eq!(ItemId::new(0), None);
        assert_eq!(ItemId::new(1), Some(ItemId::LOWEST));
        assert_eq!(ItemId::new(u32::MAX).map(ItemId::get), Some(u32::MAX));
    }

    #[test]
    fn row_ids_that_we_give_fit_a_signed_reader() {
        assert_eq!(ItemId::to_give(0), None);
        assert_eq!(ItemId::to_give(1), Some(ItemId::LOWEST));
        assert_eq!(ItemId::to_give(0x7FFF_FFFF), Some(ItemId::HIGHEST));
        assert_eq!(ItemId::to_give(0x8000_0000), None);
    }

    #[test]
    fn a_persistent_id_is_never_zero_and_prints_sixteen_digits() {
        assert_eq!(PersistentId::new(0).get(), 1);
        assert_eq!(PersistentId::new(0xAB).to_string(), "00000000000000AB");
    }
}
