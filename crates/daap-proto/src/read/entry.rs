//! What lists hold.

use daap_model::{ContainerId, DatabaseId, GroupId, PersistentId};
use dmap::code::*;
use dmap::{Element, Tag};

use super::ReadError;
use super::value::{FromTag, flag, id};

/// Something that a list holds.
pub trait Entry: Sized {
    /// Reads one entry, which a [`ListReader`](super::ListReader) gave.
    ///
    /// # Errors
    /// [`ReadError::Missing`] where it has no id, so that it cannot be asked for: such an entry is passed over.
    /// [`ReadError::Malformed`] where the elements in it are not whole.
    fn read(tag: Tag<'_>) -> Result<Self, ReadError>;
}

/// A database of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its row id.
    pub id: DatabaseId,
    /// Its id for ever.
    pub persistent_id: Option<PersistentId>,
    /// Its name; may be empty.
    pub name: String,
    /// How many songs it has.
    pub items: Option<u32>,
    /// How many containers it has.
    pub containers: Option<u32>,
}

impl Entry for Database {
    fn read(tag: Tag<'_>) -> Result<Self, ReadError> {
        let mut database = Self {
            id: entry_id(&tag, DatabaseId::new)?,
            persistent_id: None,
            name: String::new(),
            items: None,
            containers: None,
        };
        for child in tag.children()? {
            let child = child?;
            match child.code {
                MPER => database.persistent_id.set(&child),
                MINM => database.name.set(&child),
                MIMC => database.items.set(&child),
                MCTC => database.containers.set(&child),
                _ => {}
            }
        }
        Ok(database)
    }
}

/// A container of a database: a playlist, or a folder of playlists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its row id.
    pub id: ContainerId,
    /// Its id for ever.
    pub persistent_id: Option<PersistentId>,
    /// Its name; may be empty.
    pub name: String,
    /// How many entries it has.
    pub items: Option<u32>,
    /// The folder it is in.
    pub parent: Option<ContainerId>,
    /// Whether it is the one that holds every song of the database.
    pub is_base: bool,
    /// Whether it is filled by rules.
    pub is_smart: bool,
    /// Whether it holds other containers.
    pub is_folder: bool,
}

impl Entry for Container {
    fn read(tag: Tag<'_>) -> Result<Self, ReadError> {
        let mut container = Self {
            id: entry_id(&tag, ContainerId::new)?,
            persistent_id: None,
            name: String::new(),
            items: None,
            parent: None,
            is_base: false,
            is_smart: false,
            is_folder: false,
        };
        for child in tag.children()? {
            let child = child?;
            match child.code {
                MPER => container.persistent_id.set(&child),
                MINM => container.name.set(&child),
                MIMC => container.items.set(&child),
                MPCO => container.parent = id(&child, ContainerId::new),
                ABPL => container.is_base = flag(&child),
                AESP => container.is_smart = flag(&child),
                // libdmapsharing writes the second for the first.
                FXCH | FQCH => container.is_folder = flag(&child),
                _ => {}
            }
        }
        Ok(container)
    }
}

/// An album or an album artist of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its row id, by which its artwork is asked for.
    pub id: Option<GroupId>,
    /// Its id for ever, which its songs name.
    pub persistent_id: Option<PersistentId>,
    /// Its name; may be empty.
    pub name: String,
    /// Of an album, the artist it is filed under; may be empty.
    pub artist: String,
    /// Of an album, the id for ever of that artist.
    pub artist_id: Option<PersistentId>,
    /// How many songs it has.
    pub items: Option<u32>,
    /// Of an artist, how many albums it has.
    pub albums: Option<u32>,
    /// How long its songs are together, in milliseconds.
    pub duration_ms: Option<u32>,
}

impl Entry for Group {
    fn read(tag: Tag<'_>) -> Result<Self, ReadError> {
        let mut group = Self {
            id: None,
            persistent_id: None,
            name: String::new(),
            artist: String::new(),
            artist_id: None,
            items: None,
            albums: None,
            duration_ms: None,
        };
        for child in tag.children()? {
            let child = child?;
            match child.code {
                MIID => group.id = id(&child, GroupId::new),
                MPER => group.persistent_id.set(&child),
                MINM => group.name.set(&child),
                ASAA => group.artist.set(&child),
                ASRI => group.artist_id.set(&child),
                MIMC => group.items.set(&child),
                AGAC => group.albums.set(&child),
                ASTM => group.duration_ms.set(&child),
                _ => {}
            }
        }
        Ok(group)
    }
}

/// A name of a browse list.
impl Entry for String {
    fn read(tag: Tag<'_>) -> Result<Self, ReadError> {
        Ok(tag.text().into_owned())
    }
}

/// The entry as it came, with every tag.
impl Entry for Element {
    fn read(tag: Tag<'_>) -> Result<Self, ReadError> {
        Ok(Self::from_tag(tag)?)
    }
}

/// The row id of an entry.
pub(super) fn entry_id<T>(entry: &Tag<'_>, new: fn(u32) -> Option<T>) -> Result<T, ReadError> {
    let found = entry.child(MIID)?.and_then(|tag| id(&tag, new));
    found.ok_or(ReadError::Missing { code: MIID, offset: entry.offset })
}
