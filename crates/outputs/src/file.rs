//! A file or a pipe.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use audio::{Depth, Format, Layout, Quantiser};
use player::Output;

use crate::pace::Pace;
use crate::pipe::{self, Pipe};

/// What is written: raw PCM.
const FORMAT: Format = Format { rate: 44_100, layout: Layout::STEREO, depth: Depth::I16 };
/// How much it takes ahead of time, and holds back: what a pause or another song has to wait for.
const AHEAD: Duration = Duration::from_millis(50);
/// Bytes of a frame of it.
pub(crate) const FRAME: usize = 4;

/// Writes raw PCM in real time: a frame is in the file when a loudspeaker would be heard to play it.
///
/// What is forgotten before, as one seeks or goes to another song, is never written. In a pause nothing is.
#[derive(Debug)]
pub(crate) struct FileOutput {
    path: PathBuf,
    /// Whether the file was emptied.
    begun: bool,
    playing: Option<Playing>,
}

#[derive(Debug)]
struct Playing {
    pace: Pace,
    sink: Sink,
    /// What was taken and is not to be heard yet.
    held: VecDeque<u8>,
    /// How many frames have been put into the sink.
    put: u64,
}

#[derive(Debug)]
enum Sink {
    File(File),
    Pipe(Pipe),
}

impl FileOutput {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, begun: false, playing: None }
    }

    fn sink(&mut self) -> io::Result<Sink> {
        if pipe::is_at(&self.path) {
            return Ok(Sink::Pipe(Pipe::new(self.path.clone())));
        }
        let file = if self.begun { end_of(&self.path)? } else { File::create(&self.path)? };
        self.begun = true;
        Ok(Sink::File(file))
    }

    /// What is played, with all put into the sink that is heard by now.
    fn playing(&mut self, now: Instant) -> io::Result<&mut Playing> {
        let playing = self.playing.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        playing.put_heard(now)?;
        Ok(playing)
    }
}

impl Playing {
    fn put_heard(&mut self, now: Instant) -> io::Result<()> {
        let heard = self.pace.heard(now);
        let bytes = (heard - self.put) as usize * FRAME;
        let bytes: Vec<u8> = self.held.drain(..bytes).collect();
        self.put = heard;
        match &mut self.sink {
            Sink::File(file) => file.write_all(&bytes),
            Sink::Pipe(pipe) => pipe.put(&bytes),
        }
    }
}

impl Output for FileOutput {
    fn open(&mut self, format: Format, _: Instant) -> io::Result<()> {
        if (format.rate, format.layout) != (FORMAT.rate, FORMAT.layout) {
            let message = format!("{FORMAT:?} is what is written, not {format:?}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let sink = self.sink()?;
        let pace = Pace::new(format.rate, AHEAD);
        self.playing = Some(Playing { pace, sink, held: VecDeque::new(), put: 0 });
        Ok(())
    }

    fn room(&mut self, now: Instant) -> io::Result<usize> {
        Ok(self.playing(now)?.pace.room(now))
    }

    fn write(&mut self, frames: &[f32], depth: Depth, now: Instant) -> io::Result<()> {
        let playing = self.playing(now)?;
        let channels = FORMAT.channels();
        let first = playing.pace.written();
        let mut bytes = Vec::with_capacity(frames.len() * FORMAT.depth.bytes());
        Quantiser::new(depth, FORMAT.depth).write(frames, first, channels, &mut bytes);
        playing.held.extend(bytes);
        playing.pace.write(frames.len() / channels, now);
        Ok(())
    }

    fn delay(&mut self, now: Instant) -> io::Result<usize> {
        Ok(self.playing(now)?.pace.delay(now))
    }

    fn pause(&mut self, now: Instant) -> io::Result<()> {
        self.playing(now)?.pace.pause(now);
        Ok(())
    }

    fn resume(&mut self, now: Instant) -> io::Result<()> {
        self.playing(now)?.pace.resume(now);
        Ok(())
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        let playing = self.playing(now)?;
        playing.pace.flush(now);
        playing.held.clear();
        Ok(())
    }

    fn close(&mut self) {
        self.playing = None;
    }
}

/// A file at the end of its last whole frame, as a full disk may have cut one.
fn end_of(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let length = file.metadata()?.len();
    let whole = length - length % FRAME as u64;
    file.set_len(whole)?;
    file.seek(SeekFrom::Start(whole))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Frames of 16 bits that all differ.
    fn frames(numbers: std::ops::Range<i16>) -> Vec<f32> {
        let samples = numbers.flat_map(|n| [n, -n]);
        samples.map(|sample| f32::from(sample) / 32_768.0).collect()
    }

    fn bytes(numbers: std::ops::Range<i16>) -> Vec<u8> {
        numbers.flat_map(|n| [n.to_le_bytes(), (-n).to_le_bytes()]).flatten().collect()
    }

    fn after(start: Instant, frames: u64) -> Instant {
        start + Duration::from_nanos(frames * 1_000_000_000 / 44_100 + 1_000)
    }

    fn opened(path: &Path, now: Instant) -> FileOutput {
        let mut output = FileOutput::new(path.into());
        output.open(FORMAT, now).unwrap();
        output
    }

    fn write(output: &mut FileOutput, numbers: std::ops::Range<i16>, now: Instant) {
        output.write(&frames(numbers), Depth::I16, now).unwrap();
    }

    #[test]
    fn a_frame_is_in_the_file_when_it_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pcm");
        std::fs::write(&path, "of an earlier run").unwrap();
        let start = Instant::now();
        let mut output = opened(&path, start);
        write(&mut output, 0..8_000, start);
        for heard in [0, 1, 4_000, 8_000] {
            let now = after(start, heard);
            assert_eq!(output.delay(now).unwrap(), 8_000 - heard as usize);
            assert!(std::fs::read(&path).unwrap() == bytes(0..heard as i16), "{heard}");
        }
    }

    #[test]
    fn what_is_flushed_and_what_comes_in_a_pause_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pcm");
        let start = Instant::now();
        let mut output = opened(&path, start);
        write(&mut output, 0..8_000, start);
        output.pause(after(start, 100)).unwrap();
        assert_eq!(output.room(after(start, 5_000)).unwrap(), 0);
        output.flush(after(start, 5_000)).unwrap();
        output.resume(after(start, 6_000)).unwrap();
        write(&mut output, 500..600, after(start, 6_000));
        assert_eq!(output.delay(after(start, 7_000)).unwrap(), 0);
        assert!(std::fs::read(&path).unwrap() == [bytes(0..100), bytes(500..600)].concat());
    }

    #[test]
    fn a_file_that_is_opened_again_is_added_to_from_its_last_whole_frame() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pcm");
        let start = Instant::now();
        let mut output = opened(&path, start);
        write(&mut output, 0..100, start);
        output.delay(after(start, 100)).unwrap();
        output.close();
        assert!(output.room(start).is_err(), "closed");
        let cut = OpenOptions::new().write(true).open(&path).unwrap();
        cut.set_len(402 - 4).unwrap();

        output.open(FORMAT, start).unwrap();
        write(&mut output, 200..300, start);
        output.delay(after(start, 100)).unwrap();
        assert!(std::fs::read(&path).unwrap() == [bytes(0..99), bytes(200..300)].concat());
    }

    #[test]
    fn sound_that_is_finer_is_dithered_and_as_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pcm");
        let start = Instant::now();
        let mut output = opened(&path, start);
        output.write(&[0.1; 2_000], Depth::F32, start).unwrap();
        output.delay(after(start, 1_000)).unwrap();
        let written = std::fs::read(&path).unwrap();
        assert_eq!(written.len(), 4_000);
        let samples = written.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        assert!(samples.clone().all(|sample| (3_275..=3_279).contains(&sample)));
        assert!(samples.clone().min() < samples.max());
    }

    #[test]
    fn another_format_and_a_folder_that_is_not_there_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let mut output = FileOutput::new(folder.path().join("pcm"));
        assert!(output.open(Format { rate: 48_000, ..FORMAT }, now).is_err());
        assert!(output.open(Format { layout: Layout::MONO, ..FORMAT }, now).is_err());
        let mut output = FileOutput::new(folder.path().join("none/pcm"));
        assert_eq!(output.open(FORMAT, now).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    /// A disk that is always full.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let start = Instant::now();
        let mut output = opened(Path::new("/dev/full"), start);
        write(&mut output, 0..100, start);
        let error = output.delay(after(start, 100)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
