//! The sound card, by way of the sound server that has it: PulseAudio, or PipeWire in its place.

mod buffer;

use std::io;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use audio::{Depth, Format, Layout};
use futures_executor::block_on;
use player::Output;
use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{
    ChannelMap, PlaybackStreamParams, Prop, Props, SampleFormat, SampleSpec,
};
use pulseaudio::{Client, PlaybackSource, PlaybackStream};

use self::buffer::{Buffer, Timing};
use crate::pace::frames;

/// How much sound the server and the card hold, so that neither has to hurry.
const IN_SERVER: Duration = Duration::from_millis(400);
/// How often the server is asked how far it is.
const TIMING_EVERY: Duration = Duration::from_millis(100);
/// How long the server has for each answer while it is connected to.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How long the secret is that a server and its clients share.
const COOKIE_BYTES: usize = 256;
/// Orders that may wait for a server that is slow.
const MAX_ORDERS: usize = 32;

/// The sound card of this computer.
///
/// The server is spoken to on a thread of its own, as it may take its time. Between that and the player is the [`Buffer`].
#[derive(Debug, Default)]
pub(crate) struct Local(Option<Playing>);

#[derive(Debug)]
struct Playing {
    buffer: Arc<Mutex<Buffer>>,
    /// The thread ends when it is gone.
    orders: mpsc::SyncSender<Order>,
}

/// What the server is to do.
#[derive(Clone, Copy, Debug)]
enum Order {
    Pause,
    Resume,
    Flush,
}

impl Local {
    fn playing(&self) -> io::Result<&Playing> {
        self.0.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn buffer(&self) -> io::Result<MutexGuard<'_, Buffer>> {
        self.playing().map(|playing| lock(&playing.buffer))
    }

    fn order(&self, order: Order) -> io::Result<()> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the sound server does not answer");
        self.playing()?.orders.try_send(order).map_err(late)
    }
}

impl Output for Local {
    fn open(&mut self, format: Format, now: Instant) -> io::Result<()> {
        let stream = stream_of(format)?;
        let buffer = Arc::new(Mutex::new(Buffer::new(format, now)));
        let (orders, ordered) = mpsc::sync_channel(MAX_ORDERS);
        let shared = Arc::clone(&buffer);
        thread::Builder::new().name("sound card".into()).spawn(move || {
            if let Err(error) = play(stream, &shared, &ordered) {
                lock(&shared).fail(error);
            }
        })?;
        self.0 = Some(Playing { buffer, orders });
        Ok(())
    }

    fn room(&mut self, now: Instant) -> io::Result<usize> {
        self.buffer()?.room(now)
    }

    fn write(&mut self, frames: &[f32], _: Depth, now: Instant) -> io::Result<()> {
        self.buffer()?.write(frames, now);
        Ok(())
    }

    fn delay(&mut self, now: Instant) -> io::Result<usize> {
        Ok(self.buffer()?.delay(now))
    }

    fn pause(&mut self, now: Instant) -> io::Result<()> {
        self.buffer()?.pause(now);
        self.order(Order::Pause)
    }

    fn resume(&mut self, now: Instant) -> io::Result<()> {
        self.buffer()?.resume(now);
        self.order(Order::Resume)
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        self.buffer()?.flush(now);
        self.order(Order::Flush)
    }

    fn close(&mut self) {
        self.0 = None;
    }
}

/// Connects, and does what is ordered until nobody is there to order.
fn play(
    stream: PlaybackStreamParams,
    buffer: &Arc<Mutex<Buffer>>,
    orders: &mpsc::Receiver<Order>,
) -> io::Result<()> {
    let client = connect()?;
    let source = Source(Arc::clone(buffer));
    let stream = block_on(client.create_playback_stream(stream, source)).map_err(refused)?;
    lock(buffer).ready();
    loop {
        match orders.recv_timeout(TIMING_EVERY) {
            Ok(Order::Pause) => block_on(stream.cork()).map_err(refused)?,
            Ok(Order::Resume) => block_on(stream.uncork()).map_err(refused)?,
            Ok(Order::Flush) => {
                block_on(stream.flush()).map_err(refused)?;
                lock(buffer).flushed();
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
        }
        ask_timing(&stream, buffer)?;
    }
}

/// Asks the server how far it is.
fn ask_timing(stream: &PlaybackStream, buffer: &Mutex<Buffer>) -> io::Result<()> {
    let taken = lock(buffer).taken();
    let told = block_on(stream.timing_info()).map_err(refused)?;
    lock(buffer).told(Timing {
        taken,
        queued_bytes: u64::try_from(told.write_offset - told.read_offset).unwrap_or_default(),
        in_card: Duration::from_micros(told.sink_usec),
        silent_bytes: told.underrun_for,
        playing: told.playing,
        at: Instant::now(),
    });
    Ok(())
}

/// Finds the sound server of this user, and says who we are.
fn connect() -> io::Result<Client> {
    let path = pulseaudio::socket_path_from_env().ok_or_else(|| {
        let none = "no sound server runs for this user: neither PulseAudio nor PipeWire";
        io::Error::new(io::ErrorKind::NotFound, none)
    })?;
    let socket = UnixStream::connect(&path).map_err(|error| {
        let message = format!("the sound server at {} cannot be reached: {error}", path.display());
        io::Error::new(error.kind(), message)
    })?;
    socket.set_read_timeout(Some(ANSWER_LIMIT))?;
    socket.set_write_timeout(Some(ANSWER_LIMIT))?;
    let cookie = pulseaudio::cookie_path_from_env().and_then(|path| std::fs::read(path).ok());
    // A server that asks for none wants one of the right length all the same.
    let cookie = cookie.unwrap_or_else(|| vec![0; COOKIE_BYTES]);
    Client::new_unix(c"dapple", socket, Some(cookie)).map_err(refused)
}

fn refused(error: pulseaudio::ClientError) -> io::Error {
    io::Error::other(format!("the sound server: {error}"))
}

/// What the server is asked for.
fn stream_of(format: Format) -> io::Result<PlaybackStreamParams> {
    let channel_map = match format.layout {
        Layout::MONO => ChannelMap::mono(),
        Layout::STEREO => ChannelMap::stereo(),
        other => {
            let message = format!("the sound card is given mono and stereo, not {other}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    };
    let sample_spec = SampleSpec {
        format: SampleFormat::Float32Le,
        channels: channel_map.num_channels(),
        sample_rate: format.rate,
    };
    let mut props = Props::new();
    props.set(Prop::MediaName, c"Music");
    props.set(Prop::MediaRole, c"music");
    let frame = buffer::frame_bytes(format) as u32;
    let buffer_attr = BufferAttr {
        target_length: frames(IN_SERVER, format.rate) as u32 * frame,
        // It begins with the first frame, and goes on with the next one when it has run dry.
        pre_buffering: frame,
        ..BufferAttr::default()
    };
    let flags = StreamFlags { adjust_latency: true, ..StreamFlags::default() };
    Ok(PlaybackStreamParams {
        sample_spec,
        channel_map,
        props,
        buffer_attr,
        flags,
        ..Default::default()
    })
}

/// From where the server's client takes what it is to play.
struct Source(Arc<Mutex<Buffer>>);

impl PlaybackSource for Source {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &mut [u8]) -> Poll<usize> {
        lock(&self.0).take(bytes, cx)
    }
}

impl Drop for Source {
    /// The client has ended: either it was told to, or it lost its server.
    fn drop(&mut self) {
        lock(&self.0).fail(io::Error::new(
            io::ErrorKind::ConnectionReset,
            "the sound server has ended the connection",
        ));
    }
}

fn lock(buffer: &Mutex<Buffer>) -> MutexGuard<'_, Buffer> {
    buffer.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_channels_than_two_are_refused() {
        let format = Format { rate: 44_100, layout: Layout::STEREO, depth: Depth::F32 };
        assert!(stream_of(format).is_ok());
        let layout = Layout::of_count(6).unwrap();
        assert!(stream_of(Format { layout, ..format }).is_err());
    }

    #[test]
    fn what_is_not_open_takes_nothing() {
        let mut local = Local::default();
        assert_eq!(local.room(Instant::now()).unwrap_err().kind(), io::ErrorKind::NotConnected);
    }
}
