//! A pipe, and whatever else is no file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::file::FRAME;

/// Bytes that may wait for a reader that is slow: a second.
const MAX_WAITING: usize = 44_100 * FRAME;
/// Bytes that are written at once. Any pipe takes so many at once or none, so that what is written are whole frames.
const PIECE: usize = 512;

/// A pipe that is never waited for.
///
/// Without a reader what is put into it is gone; one that comes hears what is put from then on. A reader that is more than a
/// second behind misses the oldest of it.
#[derive(Debug)]
pub(crate) struct Pipe {
    path: PathBuf,
    /// Open while there is a reader.
    file: Option<File>,
    /// What the reader has not taken yet.
    waiting: Vec<u8>,
    /// Whether the reader has missed something, and not caught up since.
    behind: bool,
}

/// Whether a pipe is there, or something else that is no file.
pub(crate) fn is_at(path: &Path) -> bool {
    cfg!(unix) && std::fs::metadata(path).is_ok_and(|there| !there.is_file())
}

impl Pipe {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None, waiting: Vec::new(), behind: false }
    }

    /// Puts whole frames into the pipe.
    pub(crate) fn put(&mut self, frames: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.file = open(&self.path)?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        self.waiting.extend(frames);
        match write(file, &mut self.waiting) {
            Ok(()) => self.catch_up(),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                tracing::info!(path = %self.path.display(), "nobody reads the pipe any more");
                self.file = None;
                self.waiting.clear();
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn catch_up(&mut self) {
        let excess = self.waiting.len().saturating_sub(MAX_WAITING).next_multiple_of(FRAME);
        self.waiting.drain(..excess);
        if excess > 0 && !self.behind {
            tracing::warn!(path = %self.path.display(), "the pipe's reader is too slow, and misses sound");
        }
        self.behind = excess > 0 || self.behind && !self.waiting.is_empty();
    }
}

/// Writes what the pipe takes now.
fn write(file: &mut File, waiting: &mut Vec<u8>) -> io::Result<()> {
    let mut written = 0;
    let result = loop {
        let piece = &waiting[written..waiting.len().min(written + PIECE)];
        if piece.is_empty() {
            break Ok(());
        }
        match file.write(piece) {
            Ok(bytes) => written += bytes,
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => break Ok(()),
                _ => break Err(error),
            },
        }
    };
    waiting.drain(..written);
    result
}

/// Opens a pipe, if it has a reader.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    use rustix::io::Errno;

    let flags = OFlags::NONBLOCK.bits().cast_signed();
    match OpenOptions::new().write(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NXIO) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<Option<File>> {
    OpenOptions::new().write(true).open(path).map(Some)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::{CWD, FileType, Mode, OFlags};
    use tempfile::TempDir;

    use super::*;

    fn pipe() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        (folder, path)
    }

    /// A reader that does not wait.
    fn reader(path: &Path) -> File {
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        OpenOptions::new().read(true).custom_flags(flags).open(path).unwrap()
    }

    fn read(reader: &mut File) -> Vec<u8> {
        let mut bytes = Vec::new();
        // What is there is read before the pipe says that there is no more.
        if let Err(error) = reader.read_to_end(&mut bytes) {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        }
        bytes
    }

    fn frames(numbers: std::ops::Range<u32>) -> Vec<u8> {
        numbers.flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn readers_come_and_go_and_hear_what_is_put_while_they_are_there() {
        let (_folder, path) = pipe();
        assert!(is_at(&path));
        let mut pipe = Pipe::new(path.clone());
        pipe.put(&frames(0..1_000)).unwrap();

        let mut first = reader(&path);
        pipe.put(&frames(1_000..2_000)).unwrap();
        assert!(read(&mut first) == frames(1_000..2_000));
        pipe.put(&frames(2_000..2_010)).unwrap();
        drop(first);
        pipe.put(&frames(3_000..4_000)).unwrap();

        let mut second = reader(&path);
        pipe.put(&frames(4_000..5_000)).unwrap();
        assert!(read(&mut second) == frames(4_000..5_000));
    }

    #[test]
    fn a_reader_that_is_late_misses_nothing_and_one_that_is_too_slow_the_oldest() {
        let (_folder, path) = pipe();
        let mut reader = reader(&path);
        let mut pipe = Pipe::new(path);
        pipe.put(&frames(0..40_000)).unwrap();
        let mut heard = read(&mut reader);
        pipe.put(&[]).unwrap();
        heard.extend(read(&mut reader));
        pipe.put(&[]).unwrap();
        heard.extend(read(&mut reader));
        assert!(heard == frames(0..40_000));

        for start in (0..400_000).step_by(1_000) {
            pipe.put(&frames(start..start + 1_000)).unwrap();
        }
        assert!(pipe.behind && pipe.waiting.len() <= MAX_WAITING);
        let mut heard = Vec::new();
        while let more = read(&mut reader)
            && !more.is_empty()
        {
            heard.extend(more);
            pipe.put(&[]).unwrap();
        }
        let numbers = heard.chunks_exact(4).map(|n| u32::from_le_bytes(n.try_into().unwrap()));
        let numbers: Vec<u32> = numbers.collect();
        assert!(numbers.is_sorted() && numbers.last() == Some(&399_999));
        assert_eq!(numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).count(), 1);
        assert!(!pipe.behind, "it has caught up");
    }

    #[test]
    fn a_pipe_that_is_gone_is_an_error() {
        let (_folder, path) = pipe();
        let mut pipe = Pipe::new(path.clone());
        std::fs::remove_file(path).unwrap();
        assert_eq!(pipe.put(&frames(0..1)).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
