//! The bytes of an answer, as they come.

use std::io::{self, Write as _};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use flate2::write::GzDecoder;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

use crate::ClientError;

/// The bytes of an answer, unpacked. After an error there are no more.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, ClientError>>;

/// The bytes as they are sent. It is an error if none come for as long as `stall`, or if they end too soon.
pub(crate) fn pieces(body: Incoming, stall: Duration) -> Pieces {
    let expected = body.size_hint().exact();
    let pieces = stream::try_unfold((body, 0), move |(mut body, got)| async move {
        let frame = timeout(stall, body.frame()).await;
        match frame.map_err(|_| ClientError::Stalled { after: stall })? {
            None => Ok(None),
            Some(Ok(frame)) => {
                // What is no data is a trailer: of no use to us.
                let data = frame.into_data().unwrap_or_default();
                let got = got + data.len() as u64;
                Ok(Some((data, (body, got))))
            }
            Some(Err(_)) => Err(ClientError::CutShort { expected, got }),
        }
    });
    pieces.boxed()
}

/// The bytes that were packed with gzip. They are unpacked bit by bit, so that a little that becomes much is not in
/// memory at once.
pub(crate) fn unpacked(packed: Pieces) -> Pieces {
    let start = (packed, Some(Unpacker::new()));
    let pieces = stream::try_unfold(start, |(mut packed, unpacker)| async move {
        let Some(mut unpacker) = unpacker else { return Ok(None) };
        loop {
            if unpacker.wants_more() {
                let Some(piece) = packed.try_next().await? else {
                    let last = unpacker.finish()?;
                    return Ok(Some((last, (packed, None))));
                };
                unpacker.packed = piece;
            }
            let piece = unpacker.step()?;
            if !piece.is_empty() {
                return Ok(Some((piece, (packed, Some(unpacker)))));
            }
        }
    });
    pieces.boxed()
}

struct Unpacker {
    /// What is still to be unpacked.
    packed: Bytes,
    decoder: GzDecoder<Vec<u8>>,
    got: u64,
}

impl Unpacker {
    fn new() -> Self {
        Self { packed: Bytes::new(), decoder: GzDecoder::new(Vec::new()), got: 0 }
    }

    fn wants_more(&self) -> bool {
        self.packed.is_empty()
    }

    /// Unpacks some of what there is: as much as the decoder's own buffer holds.
    fn step(&mut self) -> Result<Bytes, ClientError> {
        match self.decoder.write(&self.packed) {
            // What follows the end is of no use.
            Ok(0) => self.packed.clear(),
            Ok(taken) => self.packed.advance(taken),
            Err(_) => return Err(unreadable()),
        }
        if self.packed.is_empty() {
            self.decoder.flush().map_err(|_| unreadable())?;
        }
        Ok(self.take())
    }

    fn finish(mut self) -> Result<Bytes, ClientError> {
        match self.decoder.try_finish() {
            Ok(()) => Ok(self.take()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(ClientError::CutShort { expected: None, got: self.got })
            }
            Err(_) => Err(unreadable()),
        }
    }

    fn take(&mut self) -> Bytes {
        let piece = Bytes::from(std::mem::take(self.decoder.get_mut()));
        self.got += piece.len() as u64;
        piece
    }
}

fn unreadable() -> ClientError {
    ClientError::Unreadable { encoding: GZIP.to_owned() }
}

/// The one encoding that is undone; `x-gzip` is its old name.
pub(crate) const GZIP: &str = "gzip";
