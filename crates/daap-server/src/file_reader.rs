//! A part of a song file, read in pieces.
//!
//! A disk may take for ever, if it is one of another machine, so it is waited for on a thread that may block. What the
//! system has in memory already is [sent without being read](crate::sendfile). The system reads ahead of who reads in
//! sequence: mostly only the first piece has to be waited for.

use std::fs::File;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use library::read_at;
use tokio::sync::Semaphore;

use crate::limits::FILE_CHUNK;
use crate::sendfile::Outlet;

/// Reads a part of a file.
pub(crate) struct FileReader {
    file: Arc<File>,
    left: Range<u64>,
    /// Bounds the reads that may block.
    readers: Arc<Semaphore>,
    /// Through which pieces are sent without being read.
    outlet: Option<Outlet>,
    /// The next piece, when it has to be waited for.
    fetching: Option<Fetching>,
}

type Fetching = Pin<Box<dyn Future<Output = io::Result<Bytes>> + Send>>;

impl FileReader {
    pub(crate) fn new(file: File, part: Range<u64>, readers: Arc<Semaphore>) -> Self {
        let file = Arc::new(file);
        Self { file, left: part, readers, outlet: None, fetching: None }
    }

    /// What is read is sent through `outlet`.
    pub(crate) fn through(&mut self, outlet: Outlet) {
        self.outlet = Some(outlet);
    }

    /// The next piece. A file that ends before its part does is an error.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let piece = ready!(self.poll_piece(cx));
        if let Ok(piece) = &piece {
            self.left.start += piece.len() as u64;
        }
        Poll::Ready(Some(piece))
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut fetching = match self.fetching.take() {
            Some(fetching) => fetching,
            None => {
                let start = self.left.start;
                let part = start..self.left.end.min(start + FILE_CHUNK as u64);
                let outlet = self.outlet.as_ref();
                match outlet.and_then(|outlet| outlet.stand_in(&self.file, part.clone())) {
                    Some(piece) => return Poll::Ready(Ok(piece)),
                    None => self.fetch(part),
                }
            }
        };
        let fetched = fetching.as_mut().poll(cx);
        if fetched.is_pending() {
            self.fetching = Some(fetching);
        }
        fetched
    }

    /// Reads where it does not matter how long it takes. A read that is given up goes on to its end, and counts.
    fn fetch(&self, part: Range<u64>) -> Fetching {
        let (file, readers) = (Arc::clone(&self.file), Arc::clone(&self.readers));
        Box::pin(async move {
            let turn = readers.acquire_owned().await.map_err(io::Error::other)?;
            let read = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                read_part(&file, part)
            });
            read.await.map_err(io::Error::other)?
        })
    }
}

fn read_part(file: &File, part: Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(part.end - part.start).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let at = part.start + filled as u64;
        match read_at(file, &mut bytes[filled..], at) {
            Ok(0) => {
                let message = format!("the file now ends at {at}");
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            }
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file_with(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n / 251 + n % 251) as u8).collect()
    }

    fn reader(file: File, part: Range<usize>, readers: &Arc<Semaphore>) -> FileReader {
        FileReader::new(file, part.start as u64..part.end as u64, Arc::clone(readers))
    }

    async fn next(reader: &mut FileReader) -> Option<io::Result<Bytes>> {
        std::future::poll_fn(|cx| reader.poll_next(cx)).await
    }

    async fn read(mut reader: FileReader) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(piece) = next(&mut reader).await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes)
    }

    fn readers() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(1))
    }

    #[tokio::test]
    async fn any_part_of_a_file_is_what_the_file_has_there() {
        let bytes = pattern(3 * FILE_CHUNK + 17);
        let size = bytes.len();
        for part in [0..size, 0..1, 5..5, size - 1..size, 1000..FILE_CHUNK + 1000, FILE_CHUNK..size]
        {
            let reader = reader(file_with(&bytes), part.clone(), &readers());
            assert!(read(reader).await.unwrap() == bytes[part]);
        }
    }

    #[tokio::test]
    async fn a_file_cut_short_fails_and_is_not_padded() {
        let file = file_with(&pattern(2 * FILE_CHUNK));
        let cut = file.try_clone().unwrap();
        let mut reader = reader(file, 0..2 * FILE_CHUNK, &readers());
        cut.set_len(1000).unwrap();
        let error = next(&mut reader).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn readers_take_turns() {
        let readers = readers();
        let bytes = pattern(5 * FILE_CHUNK);
        let one = reader(file_with(&bytes), 0..bytes.len(), &readers);
        let two = reader(file_with(&bytes), 0..bytes.len(), &readers);
        let (one, two) = tokio::join!(read(one), read(two));
        assert!(one.unwrap() == bytes && two.unwrap() == bytes);
    }
}
