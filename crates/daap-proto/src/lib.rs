//! DAAP as values: what clients ask, and what is answered.
//!
//! - [`Request`] is a request target, read and written; its [`Endpoint`] is what is asked, a [`Listing`] which part
//!   of a list and what of it.
//! - [`EditAction`] is a change of the playlists that a client asks for.
//! - [`Query`] is the query language; [`Query::to_filter`] says what it means for a library, [`Query::is`] asks for any
//!   text.
//! - [`Meta`] is what is wanted of each entry: [`Field`]s, one table from tag to the model, and fields of the
//!   library's own, which [`custom_field`] and [`known_field`] define.
//! - [`ClientClass`] knows what a client needs that the protocol does not say: one table of [`Quirk`]s.
//! - [`reply`] has a function for each endpoint: a snapshot and a request in, a [`Reply`] out, whose length is known
//!   before its bytes are made.
//! - [`read`] is the other side: what a client takes from the replies of servers that others wrote.
//! - [`target`] takes request targets apart and puts them together, for [`Request`] and for those of DACP.
//! - [`Credential`] is HTTP Basic as DAAP clients use it, [`validation()`] the hash that old iTunes want, [`ShareUrl`] a
//!   `daap://` URL.
//!
//! The crate is pure: it has no socket, no file, no clock, no session. Who may ask, how long to wait and how bytes
//! travel is the business of `daap-server`; what songs there are, of `daap-model`.
//!
//! ```
//! use daap_model::{Batch, Custom, DatabaseId, Edit, ItemId, Model, NewItem, PersistentId, Track, Usage};
//! use daap_proto::{ClientClass, Endpoint, Request, reply};
//!
//! let database = DatabaseId::new(1).expect("1 is an id");
//! let mut model = Model::new("Living room");
//! model.apply(Batch::from_iter([
//!     Edit::PutDatabase { id: database, persistent_id: PersistentId::new(7), name: "Living room".into() },
//!     Edit::PutItem {
//!         database,
//!         item: NewItem {
//!             id: ItemId::new(1).expect("1 is an id"),
//!             persistent_id: PersistentId::new(9),
//!             track: Track { title: "Jet".into(), artist: "Wings".into(), ..Track::default() },
//!             usage: Usage::default(),
//!             custom: Custom::NONE,
//!         },
//!     },
//! ]))?;
//!
//! let request = Request::parse("/databases/1/items?meta=dmap.itemname&query='daap.songartist:Wings'")?;
//! let Endpoint::Items { database, listing } = request.endpoint else { unreachable!() };
//! let reply = reply::items(&model.snapshot(), database, &listing, ClientClass::default())?;
//!
//! let length = reply.length();
//! let bytes: Vec<u8> = reply.flatten().collect();
//! assert_eq!(bytes.len() as u64, length);
//! assert!(dmap::dump(&bytes).to_string().contains("minm dmap.itemname \"Jet\""));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod auth;
mod codecs;
mod custom;
mod fields;
mod filter;
mod index;
mod lineage;
mod meta;
mod query;
mod quirks;
pub mod read;
pub mod reply;
mod request;
pub mod target;
mod url;
mod validation;
mod wav;

pub use auth::Credential;
pub use codecs::Codecs;
pub use custom::{CustomFieldError, MAX_FIELD_NAME, custom_field, known_field};
pub use fields::{Field, Fields};
pub use index::Index;
pub use lineage::{Lineage, MAX_PAIRS};
pub use meta::{MAX_META, Meta};
pub use query::{Criterion, MAX_QUERY, MAX_QUERY_DEPTH, MAX_WILDCARDS, Query, QueryError};
pub use quirks::{ClientClass, Quirk, plays};
pub use reply::Reply;
pub use request::{
    EditAction, Endpoint, Listing, MAX_TARGET, PixelBox, Request, RequestError, Step,
};
pub use url::{DEFAULT_PORT, ShareTarget, ShareUrl, UrlError};
pub use validation::{md5, validation};
pub use wav::Wav;
