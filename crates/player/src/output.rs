//! What sound goes to.

use std::io;
use std::time::Instant;

use audio::{Depth, Format};
use serde::{Deserialize, Serialize};

/// Names an output of a player.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct OutputId(pub u64);

impl OutputId {
    /// This computer.
    pub const LOCAL: Self = Self(0);
}

/// What sound goes to: a sound card, a pipe, a loudspeaker on the network, or nothing.
///
/// The player's one thread calls all of this, so no method may wait: an output that needs time to get ready, or whose
/// device is slow, has no [`room`](Self::room) meanwhile. What time it is, is told with each call and never goes back;
/// an output without a device of its own lives by that alone.
///
/// Any error closes the output. It is told once and opened again after a while, and again, ever more patiently; other outputs
/// go on. A panic is such an error too.
pub trait Output: Send + 'static {
    /// Gets ready for frames of this format, whose samples are `f32`. From now on sound is played as soon as it is written.
    fn open(&mut self, format: Format, now: Instant) -> io::Result<()>;

    /// How many frames it takes now. It never asks for more than its own buffer: what did not come in time is silence.
    fn room(&mut self, now: Instant) -> io::Result<usize>;

    /// Takes whole frames, interleaved, at most as many as there was room for, their volume applied. `depth` is how fine
    /// they are: with it an [`audio::Quantiser`] gives back bit for bit what was 16 or 24 bits before.
    fn write(&mut self, frames: &[f32], depth: Depth, now: Instant) -> io::Result<()>;

    /// How many frames have been written that are not heard yet: less than four seconds of them.
    fn delay(&mut self, now: Instant) -> io::Result<usize>;

    /// Keeps still, and keeps what is written. It has no room until it goes on.
    fn pause(&mut self, now: Instant) -> io::Result<()>;

    /// Goes on where it paused.
    fn resume(&mut self, now: Instant) -> io::Result<()>;

    /// Forgets what is written and not heard yet, as far as it can; the delay is what it cannot.
    fn flush(&mut self, now: Instant) -> io::Result<()>;

    /// Ends. It may be opened again later.
    fn close(&mut self);
}
