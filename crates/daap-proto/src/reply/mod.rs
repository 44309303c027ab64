//! What we answer: bytes, whose number is known before they are made.

mod browse;
mod containers;
mod content_codes;
mod databases;
mod edited;
mod groups;
mod items;
mod listing;
mod server_info;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use daap_model::{Database, DatabaseId, Revision, Snapshot};
use dmap::code::{MLID, MLOG, MSTS, MSTT, MUPD, MUSR};
use dmap::{Code, Encoder, TooLong};

pub use browse::browse;
pub use containers::containers;
pub use content_codes::content_codes;
pub(crate) use content_codes::is_ours;
pub use databases::databases;
pub use edited::{edited, entries_added, playlist_added};
pub use groups::groups;
pub use items::{container_items, items};
pub use server_info::{Password, ServerInfo, server_info};

use crate::request::RequestError;

/// About how many bytes a chunk of a reply has; more by what a few entries take.
pub const CHUNK: usize = 64 * 1024;

/// What every reply begins with where all went well.
const OK: u32 = 200;

/// A reply: an iterator over its bytes in chunks of about [`CHUNK`], whose sum is known from the start.
///
/// A long listing is made while it is sent, so that it takes little memory however long it is; what it is made from
/// is one snapshot of the library, which it holds until it is dropped.
pub struct Reply {
    length: u64,
    parts: Parts,
}

enum Parts {
    Whole(Bytes),
    Listing { head: Bytes, rows: Box<dyn Rows>, tail: Bytes },
}

/// The entries of a list, in order.
pub(crate) trait Rows: Send {
    /// How many bytes [`Rows::fill`] will add in all.
    fn measure(&self) -> Result<u64, TooLong>;

    /// Adds entries to `out` until it has `full` bytes or more; `false` if no entry is left.
    fn fill(&mut self, out: &mut Vec<u8>, full: usize) -> bool;
}

impl Reply {
    /// How many bytes there are in all: the `Content-Length`.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// All bytes at once. For replies known to be short, and for tests.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        if let Parts::Whole(bytes) = self.parts {
            return bytes;
        }
        let mut all = Vec::with_capacity(usize::try_from(self.length).unwrap_or_default());
        self.for_each(|chunk| all.extend_from_slice(&chunk));
        all.into()
    }

    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { length: bytes.len() as u64, parts: Parts::Whole(bytes) }
    }

    /// A reply of one element, written by `children`.
    ///
    /// # Errors
    /// It would be longer than DMAP can say.
    pub fn element(code: Code, children: impl FnOnce(&mut Encoder)) -> Result<Self, TooLong> {
        let mut out = Encoder::new(Vec::new());
        out.container(code, children);
        out.finish().map(Self::whole)
    }

    /// A reply whose entries, of `rows_length` bytes together, are made while it is sent.
    pub(crate) fn listing(
        head: Vec<u8>,
        rows: impl Rows + 'static,
        rows_length: u64,
        tail: Vec<u8>,
    ) -> Self {
        let length = head.len() as u64 + rows_length + tail.len() as u64;
        let (head, tail) = (head.into(), tail.into());
        Self { length, parts: Parts::Listing { head, rows: Box::new(rows), tail } }
    }
}

impl Iterator for Reply {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let chunk = match &mut self.parts {
            Parts::Whole(bytes) => bytes.split_to(bytes.len().min(CHUNK)),
            Parts::Listing { head, rows, tail } => {
                let mut out = Vec::with_capacity(CHUNK + CHUNK / 4);
                out.extend_from_slice(&std::mem::take(head));
                if !rows.fill(&mut out, CHUNK) {
                    out.extend_from_slice(tail);
                    self.parts = Parts::Whole(Bytes::new());
                }
                out.into()
            }
        };
        (!chunk.is_empty()).then_some(chunk)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({} bytes)", self.length)
    }
}

/// The database that a request names.
fn database(snapshot: &Snapshot, id: DatabaseId) -> Result<&Arc<Database>, RequestError> {
    snapshot.database(id).ok_or(RequestError::NotFound { what: "database", id: id.get().into() })
}

/// The reply to `/login`: the new session. Keep ids within 1 to 2^31 - 1, since many clients read them as signed.
#[must_use]
pub fn login(session_id: u32) -> Reply {
    short(MLOG, |out| out.u32(MLID, session_id))
}

/// The reply to `/update`: where the library is now. Nothing says what changed; the lists do.
#[must_use]
pub fn update(revision: Revision) -> Reply {
    short(MUPD, |out| out.u32(MUSR, revision.get()))
}

/// What some clients show where something went wrong, under the root they asked for: a status and a reason.
/// A reason longer than [`MAX_REASON`] is cut.
#[must_use]
pub fn error(root: Code, status: u16, reason: &str) -> Reply {
    let end = reason.floor_char_boundary(MAX_REASON);
    let mut out = Encoder::new(Vec::new());
    out.container(root, |out| {
        out.u32(MSTT, status.into());
        out.string(MSTS, &reason[..end]);
    });
    Reply::whole(out.finish().expect("a reason of a few bytes fits"))
}

/// The longest reason that [`error`] sends, in bytes.
pub const MAX_REASON: usize = 1024;

/// A reply that cannot be too long, after its status.
fn short(code: Code, children: impl FnOnce(&mut Encoder)) -> Reply {
    Reply::element(code, |out| {
        out.u32(MSTT, OK);
        children(out);
    })
    .expect("a few numbers and short texts fit")
}
