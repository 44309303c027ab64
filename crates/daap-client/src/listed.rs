//! Lists that arrive entry by entry.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use daap_proto::read::{Entry, Head, ListReader, Part, ReadError};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};

use crate::body::Pieces;
use crate::{Client, ClientError};

/// How many ids of gone entries are read of one list.
pub const MAX_GONE: usize = 4_000_000;

/// The entries of a list, one by one as they arrive. A server that sends faster than they are taken has to wait: no more
/// than some hundred kilobytes are held.
///
/// Entries without an id, by which nothing could be done with them, are passed over. After an error there are no more;
/// a list that ends without one is whole.
pub struct Listed<E> {
    pieces: Pieces,
    reader: ListReader,
    gone: Vec<u32>,
    is_over: bool,
    path: String,
    /// The session lives as long as the list.
    _client: Client,
    entry: PhantomData<fn() -> E>,
}

impl<E: Entry> Listed<E> {
    pub(crate) fn new(path: String, pieces: Pieces, client: Client) -> Self {
        Self {
            pieces,
            reader: ListReader::new(),
            gone: Vec::new(),
            is_over: false,
            path,
            _client: client,
            entry: PhantomData,
        }
    }

    /// What the list says of itself, as far as it has come. Most servers say it before the first entry.
    #[must_use]
    pub fn head(&self) -> Head {
        self.reader.head()
    }

    /// The ids that a delta says are gone: all of them once the list is at its end, at most [`MAX_GONE`].
    #[must_use]
    pub fn gone(&self) -> &[u32] {
        &self.gone
    }

    /// All entries at once.
    ///
    /// # Errors
    /// Those of the list, and [`ClientError::TooLarge`] if it has more than `limit`.
    pub async fn collect_at_most(&mut self, limit: usize) -> Result<Vec<E>, ClientError> {
        let mut entries = Vec::new();
        while let Some(entry) = self.try_next().await? {
            if entries.len() == limit {
                return Err(self.too_large(limit));
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The next entry of what has arrived.
    fn arrived(&mut self) -> Result<Option<E>, ClientError> {
        while let Some(part) = self.reader.next_part().map_err(|cause| broken(&self.path, cause))? {
            match part {
                Part::Entry(tag) => match E::read(tag) {
                    Ok(entry) => return Ok(Some(entry)),
                    Err(error @ ReadError::Missing { .. }) => {
                        tracing::debug!(path = self.path, %error, "an entry is passed over");
                    }
                    Err(cause) => return Err(broken(&self.path, cause)),
                },
                Part::Gone(_) if self.gone.len() == MAX_GONE => {
                    return Err(self.too_large(MAX_GONE));
                }
                Part::Gone(id) => self.gone.push(id),
            }
        }
        Ok(None)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<E>, ClientError>> {
        loop {
            if let Some(entry) = self.arrived()? {
                return Poll::Ready(Ok(Some(entry)));
            }
            match ready!(self.pieces.poll_next_unpin(cx)?) {
                Some(piece) => self.reader.push(&piece),
                None => {
                    self.reader.end().map_err(|cause| broken(&self.path, cause))?;
                    return Poll::Ready(Ok(None));
                }
            }
        }
    }

    fn too_large(&self, limit: usize) -> ClientError {
        ClientError::TooLarge { path: self.path.clone(), limit, of: "entries" }
    }
}

fn broken(path: &str, cause: ReadError) -> ClientError {
    ClientError::Broken { path: path.to_owned(), cause }
}

impl<E: Entry> Stream for Listed<E> {
    type Item = Result<E, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let next = ready!(self.poll(cx));
        self.is_over = !matches!(next, Ok(Some(_)));
        Poll::Ready(next.transpose())
    }
}

impl<E> fmt::Debug for Listed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listed").field("path", &self.path).finish_non_exhaustive()
    }
}
