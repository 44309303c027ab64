//! DMAP, the tagged wire format under DAAP and DACP: content codes, bounded decoding, encoding without counting.
//!
//! A message is one element: four bytes of [`Code`], four bytes of length, and a value, which for a container is
//! again a row of elements. Nothing in the bytes says what a value is, so [`code`] has the one table of codes,
//! names and types.
//!
//! - [`Encoder`] writes elements and fills in their lengths; over a [`Counter`] it measures instead.
//! - [`Tags`] and [`Tag`] read them, borrowed and level by level, and never past a level's end.
//! - [`Element`] is a whole message as a tree; [`dump()`] prints one for people.
//!
//! This crate knows no request and no reply: what DAAP says with these bytes is `daap-proto`'s business. It does
//! no input or output and never panics on bytes from elsewhere.
//!
//! ```
//! use dmap::code::{MLID, MLOG, MSTT};
//!
//! let mut out = dmap::Encoder::new(Vec::new());
//! out.container(MLOG, |out| {
//!     out.u32(MSTT, 200);
//!     out.u32(MLID, 8158);
//! });
//! let bytes = out.finish().expect("24 bytes fit a length field");
//!
//! let login = dmap::root(&bytes)?;
//! let session = login.child(MLID)?.map(|tag| tag.uint()).transpose()?;
//! assert_eq!((login.code, session), (MLOG, Some(8158)));
//! # Ok::<(), dmap::DecodeError>(())
//! ```

pub mod code;
mod decode;
mod dump;
mod encode;
mod error;
mod value;

pub use code::{Code, Definition, Kind};
pub use decode::{MAX_DEPTH, Tag, Tags, header, lenient_root, root};
pub use dump::{Dump, Utc, dump};
pub use encode::{Counter, Encoder, HEADER, Room, Sink};
pub use error::{DecodeError, TooLong};
pub use value::{Element, MAX_TREE, Value, Version};
