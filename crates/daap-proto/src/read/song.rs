//! A song, read from its tags.

use daap_model::{ContainerItemId, ItemId, PersistentId, Track, Usage};
use dmap::Tag;
use dmap::code::ASUL;

use super::entry::entry_id;
use super::value::FromTag;
use super::{Entry, ReadError};

/// A song as a server lists it. What was not asked for, or not said, is empty or 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Song {
    /// Its row id.
    pub id: ItemId,
    /// In a container, the id of the entry.
    pub entry: Option<ContainerItemId>,
    /// Its id for ever.
    pub persistent_id: Option<PersistentId>,
    /// The facts about it.
    pub track: Track,
    /// What listeners did with it.
    pub usage: Usage,
    /// The album it belongs to: the persistent id of a group.
    pub album_id: Option<PersistentId>,
    /// The album artist it belongs to: the persistent id of a group.
    pub artist_id: Option<PersistentId>,
    /// For a stream, which the server does not hold itself, its address; empty if the server keeps that for itself.
    pub stream: Option<String>,
}

impl Entry for Song {
    fn read(tag: Tag<'_>) -> Result<Self, ReadError> {
        let mut song = Self {
            id: entry_id(&tag, ItemId::new)?,
            entry: None,
            persistent_id: None,
            track: Track::default(),
            usage: Usage::default(),
            album_id: None,
            artist_id: None,
            stream: None,
        };
        for child in tag.children()? {
            song.set(&child?);
        }
        if let (Some(address), Some(tag)) = (&mut song.stream, tag.child(ASUL)?) {
            address.set(&tag);
        }
        Ok(song)
    }
}
