//! The owner of the library: sources report, one librarian decides, readers hold snapshots.
//!
//! A [`Source`] (a folder, another server, a program) reports songs and playlists under keys of its own.
//! The librarian, one task, gives them ids, saves them through a [`Persist`] in one transaction, and only
//! then shows them: as a new [`Snapshot`](daap_model::Snapshot) that everyone who holds the [`Library`]
//! sees. An id is on disk before any client sees it, and is never given to another song. What cannot be
//! reached for a while stays listed for a grace period, with its ids, play counts and ratings.
//!
//! A program that has songs of its own, and no need of sources and a store, makes a [`Catalog`] instead: it
//! adds, changes and removes songs and playlists, and commits. Either is a [`Share`], which is what a server
//! serves.
//!
//! The crate knows no protocol, no file format and no database: they are behind its callers, its sources
//! and its persistence.
//!
//! ```
//! use daap_model::{DatabaseId, Revision, Track};
//! use library::{Library, MemorySource};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let songs = MemorySource::new();
//! songs.put("jet", Track { title: "Jet".into(), ..Track::default() }, "the sound of it");
//! let library = Library::builder("Living room").source("mine", songs.clone()).start().await?;
//!
//! assert!(library.ready().await);
//! let seen = library.snapshot().revision();
//! songs.put("blackbird", Track { title: "Blackbird".into(), ..Track::default() }, "its sound");
//! library.past(seen).await;
//!
//! let snapshot = library.snapshot();
//! let database = snapshot.databases().next().expect("the library's own");
//! assert_eq!(database.items().len(), 2);
//! library.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod books;
mod builder;
mod catalog;
mod clock;
mod content;
mod handle;
mod house;
mod ledger;
mod librarian;
mod memory;
mod only;
mod persist;
mod playlists;
mod reader;
mod report;
mod share;
mod shelf;
mod source;
mod stage;
mod stars;
mod writer;

pub use builder::{Builder, GRACE, MAIN_DATABASE, StartError};
pub use catalog::{
    Catalog, CatalogBuilder, Changes, CommitError, KEPT_REVISIONS, NewContent, NewDatabase,
    NewEntry, NewPlaylist, NewSong, Picture, Place, Provider, Song, Sound,
};
pub use clock::{Clock, ManualClock, SystemClock};
pub use content::{Body, ByteStream, Content, OpenFile, Ranged, read_at};
pub use handle::{EditError, Health, Library, Measured, OpenError, Problem, SHUTDOWN_LIMIT};
pub use memory::{MemoryPersist, MemorySource};
pub use only::Only;
pub use persist::{
    DatabaseRow, EntryRow, HousePlaylistRow, NextIds, Persist, PersistError, PlaylistRow, Row,
    SongRow, SourceId, SourceRow, Transaction,
};
pub use reader::{READ_LIMIT, SongReader};
pub use report::{Closed, Known, Listener, Report, ScanPhase, ScanState, Told};
pub use share::{
    Edited, MAX_ENTRIES, MAX_PLAYLIST_NAME, MAX_PLAYLISTS, PlaylistChange, PlaylistEdit,
    PlaylistError, Share,
};
pub use source::{
    Artwork, ArtworkSize, Authority, Change, Playlist, PlaylistContent, Recorded, Source,
    SourceError, SourceFuture, SourceKey, Stamp, Use,
};
