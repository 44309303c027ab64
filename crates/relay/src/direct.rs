//! A song that only one listens to.

use std::io;

use futures_util::{TryFutureExt, TryStreamExt};
use library::{ByteStream, Ranged};

use crate::{Arriving, Fetch};

/// A song of which the server has begun to send all.
pub(crate) struct Direct {
    pub(crate) fetch: Fetch,
    pub(crate) total: u64,
    pub(crate) beginning: ByteStream,
}

impl Ranged for Direct {
    fn read(self: Box<Self>, start: u64, _: u64) -> ByteStream {
        let Self { fetch, total, beginning } = *self;
        if start == 0 {
            return beginning;
        }
        drop(beginning);
        from(fetch, Some(total), start)
    }
}

/// A song of `total` bytes, if that is known, from one on, as the server sends it for one listener.
pub(crate) fn from(fetch: Fetch, total: Option<u64>, start: u64) -> ByteStream {
    let rest = async move { rest(&fetch, total, start).await };
    Box::pin(rest.try_flatten_stream())
}

/// Asks for the rest of a song of `total` bytes, if that is known.
pub(crate) async fn rest(fetch: &Fetch, total: Option<u64>, start: u64) -> io::Result<ByteStream> {
    let Arriving { length, bytes, .. } = fetch(start).await.map_err(io::Error::other)?;
    if length.is_some() && total.is_some() && length != total {
        return Err(io::Error::other("it is not the song any more that it was"));
    }
    Ok(Box::pin(bytes.into_stream()))
}
