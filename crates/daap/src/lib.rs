//! Build a DAAP server for songs of your own.
//!
//! DAAP is how iTunes, Music.app, Rhythmbox and many others share music on a local network: HTTP, with lists in a
//! binary format. This crate is the front door to everything that such a server needs. You say which songs there
//! are, and give their bytes when somebody listens; lists, queries, sorting, live updates, byte ranges, sessions,
//! passwords and announcing are done for you. You need not know the protocol.
//!
//! ```
//! use daap::{Catalog, NewPlaylist, NewSong, Track};
//!
//! let catalog = Catalog::new("Living room");
//! let mut changes = catalog.changes();
//! let track = Track { title: "Jet".into(), artist: "Wings".into(), ..Track::default() };
//! let jet = changes.add_item(Catalog::MAIN, NewSong::new(track).bytes("the sound of it"));
//! let best = changes.add_container(Catalog::MAIN, NewPlaylist::named("The best"));
//! changes.append(Catalog::MAIN, best, jet);
//! catalog.commit(changes)?;
//! assert_eq!(catalog.snapshot().database(Catalog::MAIN).map(|songs| songs.items().len()), Some(1));
//!
//! // daap::run(catalog, &["[::]:3689".parse()?])?; // shares it until Ctrl-C
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The tutorial, `docs/framework.md`, goes from here to a share with artwork, playlists that clients edit, users,
//! and a place in your own HTTP server. The examples of this crate are programs to start from.
//!
//! # The data model
//!
//! | | what it is | in players |
//! |---|---|---|
//! | share | what one server serves, under one name | an entry in the list of shared libraries |
//! | [database](Database) | a library; a share has one or several, and iTunes shows the first | the library itself |
//! | [item](Item) | a song: a [`Track`] (what it is), a [`Usage`] (what listeners did with it), bytes | a song |
//! | [container](Container) | a playlist, a folder of playlists, or a smart playlist; each database has a *base container* with every item, made by the model | a playlist |
//! | [container item](ContainerItem) | one place of a container: which item, and a name for the place, so that an item can occur twice | a row of a playlist |
//! | [revision](Revision) | a number for a state of the whole share | nothing: it is how they stay up to date |
//!
//! Ids are numbers from 1 to 2³¹ − 1, given by you or by the catalog, and never given twice. A [`PersistentId`] is a
//! 64-bit id under which players file covers and ratings; choose it yourself if your songs outlive a restart.
//!
//! # The life of a session
//!
//! A client asks `/server-info`, then `/login`, which is where a password is asked for and a session begins. It learns
//! the revision from `/update`, fetches the databases, the items and the containers of the first one, and then asks
//! `/update` again, with the revision it has. That request is held until there is a later one; then the client asks
//! for what changed since, and for just that. A song is one more request, with ranges as the listener seeks. Logging
//! out, or a day of silence, ends the session. [`Handle::sessions`] shows who is there, an [observer](Event) hears of it.
//!
//! # Who waits for what
//!
//! - Nobody waits for readers: a [`Snapshot`] is immutable, and a reply is computed from one of them from its first byte
//!   to its last, however many commits happen meanwhile.
//! - [`Catalog::commit`] waits for other commits only. When it returns, the revision is visible and every held `/update`
//!   has been woken. It does not wait for clients.
//! - A held `/update` waits for a *state*, "past revision n", so nothing is missed between two of them, and holds no
//!   thread.
//! - A stream is asked for its next bytes when the client has room for them, and dropped when the client goes.
//!
//! # What is promised
//!
//! - A revision is whole: a [`Changes`] is committed entirely or not at all, and what cannot be right (an id given twice, a
//!   container item without its item, a second base container) is refused with a [`CommitError`] that names it.
//! - A client that follows every update ends with exactly what the catalog holds. One that was away for longer than
//!   the history reaches is sent the whole list again.
//! - Your code cannot take the server down: an error becomes the right status and a line in the log, a panic likewise, and
//!   what never answers is given up after a time ([`Limits`]).
//! - Everything is bounded: sessions, connections, held requests, history, the size of a request.
//! - Only the local network is let in unless you say otherwise ([`ServerBuilder::trust`]), and a request that calls the
//!   server by a stranger's name is refused (DNS rebinding).
//!
//! # Features
//!
//! None is on by default, and then there is no SQLite, no tag reader and no mDNS in your build.
//!
//! - `advertise`: shares announce themselves by mDNS.
//! - `folder`: the module `folder` with `FolderSource`, a folder of music files with their tags.
//! - `store`: the module `store` with `Store`, a [`Library`] that is kept in SQLite from one run to the next.

#[cfg(feature = "advertise")]
mod announce;
mod run;

#[cfg(feature = "advertise")]
pub use announce::{Announcing, announce};
pub use daap_model::{
    Codec, Container, ContainerContent, ContainerDiff, ContainerId, ContainerItem, ContainerItemId,
    ContainerKind, ContentRating, Custom, CustomField, CustomKind, CustomValue, Database,
    DatabaseDiff, DatabaseId, Delta, Diff, Filter, Folded, Item, ItemDiff, ItemId, MediaKind,
    MusicBrainz, MusicBrainzId, NumberField, NumberTest, Page, PersistentId, Revision, RowsDiff,
    Selection, SmartAmount, SmartLimit, SmartOrder, SmartRules, Snapshot, Sort, Text, TextField,
    TextTest, Timestamp, Track, Usage,
};
pub use daap_proto::{CustomFieldError, custom_field, known_field};
pub use daap_server::control;
pub use daap_server::gate::{self, Gate};
pub use daap_server::{
    BindError, Body, Builder as ServerBuilder, Delivery, Editing, Ending, Event, Handle, Limits,
    Network, NetworkError, Pages, Peer, Server, Service, SessionInfo, SessionState, Uptime,
};
pub use library::{
    Artwork, ArtworkSize, ByteStream, Catalog, CatalogBuilder, Changes, Clock, CommitError,
    Content, Edited, KEPT_REVISIONS, Library, NewContent, NewDatabase, NewEntry, NewPlaylist,
    NewSong, OpenError, Picture, Place, PlaylistChange, PlaylistEdit, PlaylistError, Provider,
    Ranged, Share, Song, Sound, SourceError, SourceFuture, SystemClock,
};
#[cfg(feature = "advertise")]
pub use run::serve_announced;
pub use run::{RunError, interrupted, run, serve};

/// What a [`Library`] is made of, for those who write a source or a store of their own.
pub mod library {
    pub use library::*;
}

/// A folder of music files as a source of a [`Library`].
#[cfg(feature = "folder")]
pub mod folder {
    pub use source_folder::*;
}

/// SQLite, in which a [`Library`] is kept from one run to the next.
#[cfg(feature = "store")]
pub mod store {
    pub use store::*;
}
