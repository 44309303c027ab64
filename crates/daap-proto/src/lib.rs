//! DAAP as values.
mod auth;
mod fields;
mod filter;
mod index;
mod query;
mod quirks;
pub mod reply;
mod request;
mod url;

pub use auth::Credential;
pub use fields::{Field, Fields, MAX_META};
pub use index::Index;
pub use query::{Criterion, MAX_QUERY, MAX_QUERY_DEPTH, Query, QueryError};
pub use quirks::{ClientClass, Quirk};
pub use reply::Reply;
pub use request::{Endpoint, Listing, MAX_TARGET, PixelBox, Request, RequestError, Step};
pub use url::{DEFAULT_PORT, ShareTarget, ShareUrl, UrlError};
