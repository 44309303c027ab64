//! Why changes of a catalog are refused.

use daap_model::{ApplyError, ContainerId, ContainerItemId, DatabaseId, ItemId};

/// Why changes were refused. The catalog is then as it was before, and all its revisions stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// They were begun by another catalog, whose ids mean nothing here.
    #[error("the changes were made for another catalog")]
    OtherCatalog,
    /// A closure that changes a song has tried to commit.
    #[error("changes cannot be committed while others are being carried out")]
    Nested,
    /// There are no more ids: all were given, or the highest was chosen, or one above it.
    #[error(
        "no more can be added: ids end at 2147483647, and that or a higher one was given or chosen"
    )]
    IdsExhausted,
    /// No such database.
    #[error("there is no database {0}")]
    UnknownDatabase(DatabaseId),
    /// No such song, or no longer. A playlist cannot list it, and it cannot be changed or removed.
    #[error("database {database} has no song {item}")]
    UnknownItem {
        /// The database.
        database: DatabaseId,
        /// The song.
        item: ItemId,
    },
    /// No such container, or no longer.
    #[error("database {database} has no container {container}")]
    UnknownContainer {
        /// The database.
        database: DatabaseId,
        /// The container.
        container: ContainerId,
    },
    /// No such entry, or no longer.
    #[error("container {container} of database {database} has no entry {entry}")]
    UnknownEntry {
        /// The database.
        database: DatabaseId,
        /// The container.
        container: ContainerId,
        /// The entry.
        entry: ContainerItemId,
    },
    /// There is a database with this id already.
    #[error("there is a database {0} already")]
    DuplicateDatabase(DatabaseId),
    /// There is a song with this id already.
    #[error("database {database} has a song {item} already")]
    DuplicateItem {
        /// The database.
        database: DatabaseId,
        /// The song.
        item: ItemId,
    },
    /// There is a container with this id already.
    #[error("database {database} has a container {container} already")]
    DuplicateContainer {
        /// The database.
        database: DatabaseId,
        /// The container.
        container: ContainerId,
    },
    /// There is an entry with this id already.
    #[error("container {container} of database {database} has an entry {entry} already")]
    DuplicateEntry {
        /// The database.
        database: DatabaseId,
        /// The container.
        container: ContainerId,
        /// The entry.
        entry: ContainerItemId,
    },
    /// The base container was added, changed or removed. It holds every song by itself.
    #[error(
        "the base container of database {0} is made for it and cannot be added, changed or removed"
    )]
    BaseContainer(DatabaseId),
    /// Entries of a folder or of a smart playlist were changed: they have none of their own.
    #[error("container {container} of database {database} is no list of songs")]
    NotAList {
        /// The database.
        database: DatabaseId,
        /// The container.
        container: ContainerId,
    },
    /// Rules were given to what is no smart playlist.
    #[error("container {container} of database {database} is no smart playlist")]
    NotSmart {
        /// The database.
        database: DatabaseId,
        /// The container.
        container: ContainerId,
    },
    /// What all songs and containers together must keep to is not kept to: a persistent id is taken, a custom
    /// field is not defined, a folder is none or is inside itself.
    #[error(transparent)]
    Model(#[from] ApplyError),
}
