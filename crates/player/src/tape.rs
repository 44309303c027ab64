//! The sound that was put together for the outputs, as far as it is still of use.
//!
//! All outputs read the same tape, each at its own place. Frames are numbered from the beginning of the session; marks
//! say which song a frame is of. The latest frames are kept, so that an output that joins can begin with what others
//! sound just now.

use std::collections::VecDeque;
use std::ops::Range;

use audio::Depth;

use crate::machine::TurnId;

/// Where sound of one kind begins on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The first frame.
    pub(crate) at: u64,
    pub(crate) turn: TurnId,
    /// Which frame of the song that is.
    pub(crate) position: u64,
    pub(crate) depth: Depth,
}

/// The sound that was put together for the outputs, as far as it is still of use.
#[derive(Debug)]
pub(crate) struct Tape {
    channels: usize,
    /// Frames that are kept at the least; twice as many at the most.
    keep: usize,
    /// The number of the first frame that is kept.
    start: u64,
    samples: Vec<f32>,
    marks: VecDeque<Mark>,
}

impl Tape {
    pub(crate) fn new(channels: usize, keep: usize) -> Self {
        Self { channels, keep, start: 0, samples: Vec::new(), marks: VecDeque::new() }
    }

    /// The first frame that is kept.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// The frame after the last one.
    pub(crate) fn end(&self) -> u64 {
        self.start + (self.samples.len() / self.channels) as u64
    }

    /// What comes from here on is of this song, from this frame of it on, and so fine.
    pub(crate) fn mark(&mut self, turn: TurnId, position: u64, depth: Depth) {
        let mark = Mark { at: self.end(), turn, position, depth };
        if self.marks.back().is_none_or(|last| !goes_on(*last, mark)) {
            self.marks.push_back(mark);
        }
    }

    /// Where to append frames.
    pub(crate) fn samples(&mut self) -> &mut Vec<f32> {
        &mut self.samples
    }

    /// The frames between these, of those that are kept.
    pub(crate) fn read(&self, frames: Range<u64>) -> &[f32] {
        let place = |frame: u64| {
            let offset = frame.clamp(self.start, self.end()) - self.start;
            usize::try_from(offset).unwrap_or(usize::MAX) * self.channels
        };
        &self.samples[place(frames.start)..place(frames.end.max(frames.start))]
    }

    /// What is said of this frame, or of one before it.
    pub(crate) fn mark_at(&self, frame: u64) -> Option<Mark> {
        let after = self.marks.partition_point(|mark| mark.at <= frame);
        self.marks.get(after.checked_sub(1)?).copied()
    }

    /// The marks that begin between these frames.
    pub(crate) fn marks(&self, frames: Range<u64>) -> impl Iterator<Item = Mark> + '_ {
        self.marks.iter().copied().filter(move |mark| frames.contains(&mark.at))
    }

    /// The first frame after this one from which on something else is said.
    pub(crate) fn next_mark(&self, frame: u64) -> Option<u64> {
        self.marks.get(self.marks.partition_point(|mark| mark.at <= frame)).map(|mark| mark.at)
    }

    /// Takes back all from this frame on.
    pub(crate) fn cut(&mut self, frame: u64) {
        let frame = frame.max(self.start);
        if frame < self.end() {
            let kept = usize::try_from(frame - self.start).unwrap_or(usize::MAX);
            self.samples.truncate(kept * self.channels);
        }
        while self.marks.back().is_some_and(|mark| mark.at >= frame) {
            self.marks.pop_back();
        }
    }

    /// Forgets what is older than what is kept. It does so seldom, since the rest has to be moved.
    pub(crate) fn forget(&mut self) {
        let old = self.end().saturating_sub(self.keep as u64);
        let gone = usize::try_from(old.saturating_sub(self.start)).unwrap_or(0);
        if gone < self.keep {
            return;
        }
        self.samples.drain(..gone * self.channels);
        self.start += gone as u64;
        while self.marks.get(1).is_some_and(|mark| mark.at <= self.start) {
            self.marks.pop_front();
        }
    }
}

/// Whether the second mark says nothing that does not follow from the first.
fn goes_on(first: Mark, second: Mark) -> bool {
    let same = first.turn == second.turn && first.depth == second.depth;
    same && second.position.checked_sub(first.position) == Some(second.at - first.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: TurnId = TurnId(1);
    const TWO: TurnId = TurnId(2);

    /// A tape with frames 0 to 99, whose samples are their numbers; from 60 on of the second song.
    fn tape() -> Tape {
        let mut tape = Tape::new(2, 20);
        tape.mark(ONE, 1_000, Depth::I16);
        for frame in 0..100_u8 {
            if frame == 60 {
                tape.mark(TWO, 0, Depth::I24);
            }
            tape.samples().extend([f32::from(frame); 2]);
        }
        tape
    }

    #[test]
    fn frames_are_read_by_their_numbers_and_known_by_their_marks() {
        let tape = tape();
        assert_eq!(tape.read(98..200), [98.0, 98.0, 99.0, 99.0]);
        assert_eq!(tape.read(200..300), [0.0; 0]);
        let first = Mark { at: 0, turn: ONE, position: 1_000, depth: Depth::I16 };
        assert_eq!((tape.mark_at(59), tape.next_mark(59)), (Some(first), Some(60)));
        assert_eq!((tape.mark_at(60).map(|mark| mark.turn), tape.next_mark(60)), (Some(TWO), None));
    }

    #[test]
    fn what_goes_on_needs_no_mark() {
        let mut tape = tape();
        tape.mark(TWO, 40, Depth::I24);
        assert_eq!(tape.marks.len(), 2);
        tape.mark(TWO, 41, Depth::I24);
        assert_eq!(tape.marks.len(), 3);
    }

    #[test]
    fn the_end_can_be_taken_back() {
        let mut tape = tape();
        tape.cut(60);
        assert_eq!((tape.end(), tape.marks.len()), (60, 1));
        tape.mark(TWO, 5, Depth::F32);
        tape.samples().extend([0.0; 2]);
        assert_eq!((tape.end(), tape.mark_at(60).map(|mark| mark.position)), (61, Some(5)));
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let mut tape = tape();
        tape.forget();
        assert_eq!((tape.start(), tape.end(), tape.marks.len()), (80, 100, 1));
        assert_eq!(tape.read(0..81), [80.0, 80.0]);
        tape.samples().extend([0.0; 2 * 19]);
        tape.forget();
        assert_eq!(tape.start(), 80, "too little to be worth it");
    }
}
