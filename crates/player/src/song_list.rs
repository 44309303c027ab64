//! Songs in order.

use imbl::Vector;
use serde::{Deserialize, Serialize};

use crate::Song;

/// Some songs in order. Copies are cheap, whatever their length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SongList(pub(crate) Vector<Entry>);

impl SongList {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The song at this place, counted from 0.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<Song> {
        self.0.get(place).map(|entry| entry.song)
    }

    /// The songs, one by one.
    pub fn iter(&self) -> impl Iterator<Item = Song> + '_ {
        self.0.iter().map(|entry| entry.song)
    }
}

/// A song in a queue. A song that is in it twice has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Which entry of its queue; never given twice.
    pub(crate) number: u64,
    pub(crate) song: Song,
}
