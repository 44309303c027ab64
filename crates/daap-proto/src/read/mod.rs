//! What servers answer, as a client reads it.
//!
//! Other servers write what they like: tags in any order, numbers of unusual width, counts left out, lengths that are
//! wrong, texts that are not UTF-8. All of that is taken as it is meant where nothing is lost by it. No length is
//! trusted: what is unknown is passed over without being held.
//!
//! A list can have a million entries, so it is read while it comes, one entry at a time:
//!
//! ```
//! use daap_proto::read::{Entry, ListReader, Part, Song};
//!
//! # let chunks = [&b"adbs\0\0\0\x27"[..], b"mlcl\0\0\0\x1fmlit\0\0\0\x17miid\0\0\0\x04\0\0\0", b"\x07minm\0\0\0\x03Jet"];
//! let mut reader = ListReader::new();
//! let mut titles = Vec::new();
//! for chunk in chunks {
//!     reader.push(chunk);
//!     while let Some(part) = reader.next_part()? {
//!         if let Part::Entry(tag) = part {
//!             titles.push(Song::read(tag)?.track.title);
//!         }
//!     }
//! }
//! let head = reader.end()?;
//! assert_eq!((titles, head.is_update), (vec!["Jet".into()], false));
//! # Ok::<(), daap_proto::read::ReadError>(())
//! ```

mod entry;
mod list;
mod server_info;
mod song;
pub(crate) mod value;

use daap_model::Revision;
use dmap::code::{MLID, MLOG, MSTS, MSTT, MSUR, MUPD, MUSR};
use dmap::{Code, DecodeError, Kind, Tag, lenient_root};

pub use entry::{Container, Database, Entry, Group};
pub use list::{Head, ListReader, MAX_ENTRY, MAX_LIST, Part};
pub use server_info::ServerInfo;
pub use song::Song;

pub use value::FromTag;

use self::value::id;

/// Why a reply cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes are no DMAP, or end too soon.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// It is something else than what was asked for.
    #[error("{found} came in the place of {expected}")]
    Unexpected {
        /// What was asked for.
        expected: &'static str,
        /// The code of the root.
        found: Code,
    },
    /// The server says in its reply that it will not, or cannot.
    #[error("the server answers with status {status} {reason:?}")]
    Refused {
        /// Its status; 500 is usual.
        status: u32,
        /// Its reason; may be empty.
        reason: String,
    },
    /// What the element is of no use without is not in it.
    #[error("the element at offset {offset} has no {code} of any use")]
    Missing {
        /// What it lacks.
        code: Code,
        /// Where it begins.
        offset: usize,
    },
    /// An element that has to be held is longer than [`MAX_ENTRY`].
    #[error("{code} at offset {offset} announces {length} bytes; at most {MAX_ENTRY} are held")]
    TooLong {
        /// Its code.
        code: Code,
        /// Where it begins.
        offset: usize,
        /// The length it announces.
        length: usize,
    },
    /// A list is longer than [`MAX_LIST`].
    #[error("the list is longer than {MAX_LIST} bytes")]
    ListTooLong,
}

/// Reads the reply to `/login`: the session.
///
/// # Errors
/// The reply is no such reply, or says no.
pub fn login(bytes: &[u8]) -> Result<u32, ReadError> {
    let root = root(bytes, MLOG, "a session")?;
    let number = root.child(MLID)?.and_then(|tag| id(&tag, Some));
    number.ok_or(ReadError::Missing { code: MLID, offset: root.offset })
}

/// Reads the reply to `/update`: where the server is now.
///
/// # Errors
/// The reply is no such reply, or says no.
pub fn update(bytes: &[u8]) -> Result<Revision, ReadError> {
    let root = root(bytes, MUPD, "a revision")?;
    for child in root.children()? {
        let child = child?;
        if [MUSR, MSUR].contains(&child.code)
            && let Some(number) = id(&child, Some)
        {
            return Ok(Revision::new(number));
        }
    }
    Err(ReadError::Missing { code: MUSR, offset: root.offset })
}

/// The one element of a short reply, which may announce more bytes than there are; `expected` is what it should be,
/// for people.
///
/// # Errors
/// The reply is no such element, or says no.
pub fn root<'a>(bytes: &'a [u8], code: Code, expected: &'static str) -> Result<Tag<'a>, ReadError> {
    let root = lenient_root(bytes)?;
    if root.kind != Kind::Container {
        return Err(ReadError::Unexpected { expected, found: root.code });
    }
    let mut status = Status::default();
    for child in root.children()? {
        status.set(&child?);
    }
    status.check()?;
    match root.code == code {
        true => Ok(root),
        false => Err(ReadError::Unexpected { expected, found: root.code }),
    }
}

/// What a reply says of how things went.
#[derive(Clone, Debug, Default)]
struct Status {
    status: Option<u32>,
    reason: String,
}

impl Status {
    fn set(&mut self, tag: &Tag<'_>) {
        match tag.code {
            MSTT => self.status.set(tag),
            MSTS => self.reason.set(tag),
            _ => {}
        }
    }

    /// All is well unless something else is said.
    fn check(&self) -> Result<(), ReadError> {
        match self.status {
            None | Some(200..300) => Ok(()),
            Some(status) => Err(ReadError::Refused { status, reason: self.reason.clone() }),
        }
    }
}
