//! Changes on their way into the model.

use crate::{
    ContainerId, ContainerItemId, Custom, CustomField, DatabaseId, ItemId, NewContainer,
    PersistentId, Text, Timestamp, Track, Usage,
};

/// Changes that become visible together, as one revision. They are carried out in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// In parts, each of which is freed once it is carried out, so that the songs of a large batch are never all
    /// held twice.
    parts: Vec<Vec<Edit>>,
    /// What time it is. The model has no clock: smart playlists with rules such as "in the last 30 days"
    /// follow the time of the last batch that told it, and list nothing for such rules before.
    pub now: Option<Timestamp>,
}

/// How many changes are in a part of a batch.
const PART: usize = 256;

/// One change. Putting what is there as it is, and removing what is not there, changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// The share has this name.
    Rename(Text),
    /// Songs may have this field from now on. It stays defined.
    Define(CustomField),
    /// A database is there, new or with another name.
    PutDatabase {
        /// Its row id.
        id: DatabaseId,
        /// Its id for ever.
        persistent_id: PersistentId,
        /// Its name.
        name: Text,
    },
    /// A database is gone with all that is in it.
    RemoveDatabase(DatabaseId),
    /// A song is there, new or changed.
    PutItem {
        /// Where.
        database: DatabaseId,
        /// The song.
        item: NewItem,
    },
    /// A song counts as changed though it looks as before: its sound lies elsewhere now. What is not there
    /// is not touched.
    TouchItem {
        /// Where.
        database: DatabaseId,
        /// The song.
        item: ItemId,
    },
    /// A song is gone, from its database and from every container.
    RemoveItem {
        /// Where.
        database: DatabaseId,
        /// The song.
        item: ItemId,
    },
    /// A container is there, new or changed, whole. The songs in it must be there already; the folder it
    /// is in may come later in the batch.
    PutContainer {
        /// Where.
        database: DatabaseId,
        /// The container.
        container: NewContainer,
    },
    /// A container is gone. What was inside a folder moves up to the folder's parent.
    RemoveContainer {
        /// Where.
        database: DatabaseId,
        /// The container.
        container: ContainerId,
    },
}

/// A song as it is put into the model.
#[derive(Clone, Debug, PartialEq)]
pub struct NewItem {
    /// Its row id.
    pub id: ItemId,
    /// Its id for ever.
    pub persistent_id: PersistentId,
    /// What its source says of it.
    pub track: Track,
    /// What listeners did with it.
    pub usage: Usage,
    /// Fields that were [defined](Edit::Define) before.
    pub custom: Custom,
}

impl Batch {
    /// A batch with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The batch with the time it is made at.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Self { now: Some(now), ..self }
    }

    /// Adds a change.
    pub fn push(&mut self, edit: Edit) {
        match self.parts.last_mut() {
            Some(part) if part.len() < PART => part.push(edit),
            Some(_) => {
                let mut part = Vec::with_capacity(PART);
                part.push(edit);
                self.parts.push(part);
            }
            None => self.parts.push(vec![edit]),
        }
    }

    /// The batch with one more change.
    #[must_use]
    pub fn with(mut self, edit: Edit) -> Self {
        self.push(edit);
        self
    }

    /// The changes, in order.
    pub(crate) fn into_edits(self) -> impl Iterator<Item = Edit> {
        self.parts.into_iter().flatten()
    }

    /// Whether there is no change in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

impl FromIterator<Edit> for Batch {
    fn from_iter<I: IntoIterator<Item = Edit>>(edits: I) -> Self {
        let mut batch = Self::new();
        batch.extend(edits);
        batch
    }
}

impl Extend<Edit> for Batch {
    fn extend<I: IntoIterator<Item = Edit>>(&mut self, edits: I) {
        edits.into_iter().for_each(|edit| self.push(edit));
    }
}

/// Why a batch was refused. The model is then as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// No such database.
    #[error("there is no database {0}")]
    UnknownDatabase(DatabaseId),
    /// Two rows of a collection would have the same id for ever.
    #[error("row {wanted_by} cannot have the persistent id {id}: row {held_by} has it")]
    PersistentIdTaken {
        /// The id for ever.
        id: PersistentId,
        /// The row id of the song, container or database that has it.
        held_by: u32,
        /// The row id of the one that was put.
        wanted_by: u32,
    },
    /// A field has the code or the name of another.
    #[error("field {} cannot be defined: its code or its name is that of another", .0.name)]
    FieldTaken(CustomField),
    /// A song has a field that is not defined, or a value that does not fit it.
    #[error("song {item} cannot have this in field {:?}", String::from_utf8_lossy(.code))]
    CustomValue {
        /// The song.
        item: ItemId,
        /// The field's code.
        code: [u8; 4],
    },
    /// A container lists a song that is not there.
    #[error("container {container} lists song {item}, which is not in database {database}")]
    UnknownItem {
        /// The database.
        database: DatabaseId,
        /// The container.
        container: ContainerId,
        /// The song.
        item: ItemId,
    },
    /// Two entries of a container have the same id.
    #[error("container {container} has two entries with the id {entry}")]
    DuplicateEntry {
        /// The container.
        container: ContainerId,
        /// The id.
        entry: ContainerItemId,
    },
    /// The base container was put or removed; the model makes it.
    #[error("the base container of database {0} is made by the model and cannot be put or removed")]
    BaseContainer(DatabaseId),
    /// A container is inside one that is not there or is no folder.
    #[error("container {container} is inside {parent}, which is not a folder of the database")]
    NotAFolder {
        /// The container inside.
        container: ContainerId,
        /// The one that should be a folder.
        parent: ContainerId,
    },
    /// Folders are inside each other.
    #[error("container {0} would be inside itself")]
    FolderCycle(ContainerId),
}
