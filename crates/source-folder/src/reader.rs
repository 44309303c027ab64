//! A file read in blocks, and no more of it than was allowed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// How much is read at once. Tags sit at either end of a file, and their readers take them by the byte.
const BLOCK: usize = 16 * 1024;

/// A file for tag readers: small reads and seeks nearby stay within one block, and a reader that a hostile
/// file sends round and round fails once it has used up its budget.
#[derive(Debug)]
pub(crate) struct BoundedReader {
    file: File,
    length: u64,
    position: u64,
    block: Vec<u8>,
    block_start: u64,
    budget: u64,
    /// Places that are read as if this byte were there.
    pretended: Vec<(u64, u8)>,
}

impl BoundedReader {
    /// A reader of this file, which has this length, that reads at most `budget` bytes from the disk.
    pub(crate) fn new(file: File, length: u64, budget: u64) -> Self {
        Self {
            file,
            length,
            position: 0,
            block: Vec::new(),
            block_start: 0,
            budget,
            pretended: Vec::new(),
        }
    }

    /// The length of the file.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// From now on reads this byte in this place, whatever is there.
    pub(crate) fn pretend(&mut self, at: u64, byte: u8) {
        self.pretended.push((at, byte));
    }

    /// Fills `buffer` from `at` on.
    pub(crate) fn read_exact_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.position = at;
        self.read_exact(buffer)
    }

    /// The rest of the current block, read from the disk if the position is outside of it.
    fn available(&mut self) -> io::Result<&[u8]> {
        let within =
            self.position.checked_sub(self.block_start).filter(|at| *at < self.block.len() as u64);
        if within.is_none() && self.position < self.length {
            if self.budget == 0 {
                return Err(io::Error::other("reading it takes more than is allowed"));
            }
            let length = self.budget.min(self.length - self.position).min(BLOCK as u64);
            let mut block = std::mem::take(&mut self.block);
            block.resize(usize::try_from(length).unwrap_or(BLOCK), 0);
            self.file.seek(SeekFrom::Start(self.position))?;
            self.file.read_exact(&mut block)?;
            self.block = block;
            self.block_start = self.position;
            self.budget -= length;
        }
        let at = usize::try_from(self.position - self.block_start.min(self.position))
            .unwrap_or(usize::MAX);
        Ok(self.block.get(at..).unwrap_or_default())
    }
}

impl Read for BoundedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.available()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        for (at, byte) in &self.pretended {
            let within = at.checked_sub(self.position).and_then(|at| usize::try_from(at).ok());
            if let Some(place) = within.and_then(|at| buffer[..length].get_mut(at)) {
                *place = *byte;
            }
        }
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for BoundedReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.position = position.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a seek to before the start")
        })?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(length: usize) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&(0..length).map(|n| n as u8).collect::<Vec<_>>()).unwrap();
        file
    }

    #[test]
    fn reads_what_the_file_holds_wherever_it_is_asked() {
        let mut reader = BoundedReader::new(file(40_000), 40_000, u64::MAX);
        for at in [0, 39_990, 16_380, 16_384, 5, 39_999] {
            let mut byte = [0];
            reader.read_exact_at(at, &mut byte).unwrap();
            assert_eq!(u64::from(byte[0]), at % 256);
        }
        reader.seek(SeekFrom::End(10)).unwrap();
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
        assert!(reader.seek(SeekFrom::End(-50_000)).is_err());
        reader.seek(SeekFrom::Start(0)).unwrap();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all.len(), 40_000);
    }

    #[test]
    fn pretends_what_it_is_told_to() {
        let mut reader = BoundedReader::new(file(20_000), 20_000, u64::MAX);
        reader.pretend(16_384, 7);
        reader.pretend(3, 9);
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(
            (all[2..5].to_vec(), all[16_383..16_386].to_vec()),
            (vec![2, 9, 4], vec![255, 7, 1])
        );
    }

    #[test]
    fn stops_when_the_budget_is_used_up() {
        let mut reader = BoundedReader::new(file(40_000), 40_000, 20_000);
        let mut all = Vec::new();
        assert!(reader.read_to_end(&mut all).is_err());
        assert_eq!(all.len(), 20_000);
    }
}
