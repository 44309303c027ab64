//! What a shared music library is: databases of songs and playlists, at numbered revisions.
//!
//! A [`Model`] has one owner, which gives it [`Batch`]es of changes; each that changes anything makes a
//! [`Revision`]. Everyone else reads a [`Snapshot`]: the library at one revision, immutable, cheap to
//! hold, sharing with the next one all that did not change. A snapshot answers what clients ask: the
//! songs that a [`Filter`] means in the order of a [`Sort`], one [`Page`] of them; the entries of a
//! container; artists, albums, genres, composers ([`Browse`]); albums and artists as [`Group`]s; and what
//! changed since a revision ([`Delta`]). Whoever holds two snapshots is told what differs with a [`Diff`].
//!
//! The crate knows no protocol: how things are named on the wire is the business of `daap-proto`. It has
//! no clock, reads no file and waits for nothing. Who gives ids, and where songs come from, it does not
//! know either: that is `library`.
//!
//! ```
//! use daap_model::*;
//!
//! let db = DatabaseId::LOWEST;
//! let song = |id: u32, title: &str, album: &str| Edit::PutItem {
//!     database: db,
//!     item: NewItem {
//!         id: ItemId::new(id).expect("an id"),
//!         persistent_id: PersistentId::new(id.into()),
//!         track: Track { title: title.into(), album: album.into(), ..Track::default() },
//!         usage: Usage::default(),
//!         custom: Custom::NONE,
//!     },
//! };
//! let mut model = Model::new("Living room");
//! let put = Edit::PutDatabase { id: db, persistent_id: PersistentId::new(7), name: "Living room".into() };
//! model.apply(Batch::from_iter([put, song(1, "The Walrus", "Tour"), song(2, "Jet", "Run")]))?;
//!
//! let seen = model.snapshot().revision();
//! model.apply(Batch::from_iter([song(3, "Blackbird", "White"), song(2, "Jet", "On the Run")]))?;
//!
//! let snapshot = model.snapshot();
//! let database = snapshot.database(db).expect("it was put");
//! let rows = database.items().all().sorted(Sort::Title).page(Page::Between(0, 49));
//! let titles: Vec<&str> = rows.iter().map(|row| row.item.track.title.as_str()).collect();
//! assert_eq!(titles, ["Blackbird", "Jet", "The Walrus"]);
//!
//! let Delta::Known { changed, gone } = database.items_since(seen) else { panic!("too old") };
//! assert_eq!((changed.len(), gone.len()), (2, 0));
//! # Ok::<(), ApplyError>(())
//! ```

mod batch;
mod browse;
mod candidates;
mod column;
mod container;
mod custom;
mod database;
mod delta;
pub mod diff;
mod draft;
mod filter;
#[cfg(test)]
mod fixture;
pub mod group;
mod id_set;
mod ids;
mod index;
mod item;
mod items;
mod level;
mod model;
mod order;
mod select;
mod smart;
mod snapshot;
pub mod sort;
mod sorted;
mod text;

pub use batch::{ApplyError, Batch, Edit, NewItem};
pub use browse::{Browse, Value};
pub use container::{Container, ContainerContent, ContainerItem, ContainerKind, NewContainer};
pub use custom::{Custom, CustomField, CustomKind, CustomValue};
pub use database::Database;
pub use delta::{Delta, HISTORY_IDS, HISTORY_REVISIONS};
pub use diff::{ContainerDiff, DatabaseDiff, Diff, ItemDiff, RowsDiff};
pub use filter::{Filter, NumberField, NumberTest, TextField, TextTest};
pub use group::{Group, GroupKind, GroupSort};
pub use ids::{ContainerId, ContainerItemId, DatabaseId, GroupId, ItemId, PersistentId, Revision};
pub use item::{
    Codec, ContentRating, Item, MediaKind, MusicBrainz, MusicBrainzId, Text, Timestamp, Track,
    Usage,
};
pub use items::Items;
pub use level::{Level, Levels};
pub use model::Model;
pub use select::{Cursor, Page, Row, RowIter, Rows, Selection};
pub use smart::{CLOCK_STEP_SECONDS, SmartAmount, SmartLimit, SmartOrder, SmartRules};
pub use snapshot::Snapshot;
pub use sort::{Sort, SortHeader};
pub use text::Folded;
