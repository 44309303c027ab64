//! A song's bytes for those who read as from a file.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::TryStreamExt;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::content::{self, Body, ByteStream, Content};
use crate::{OpenError, SourceError, SourceFuture};

/// How long a [`SongReader`] waits for its source, each time that it is opened or read.
pub const READ_LIMIT: Duration = Duration::from_secs(15);
/// How many bytes are read and dropped on the way to a place further on, rather than open a song again there.
const NEAR: u64 = 512 << 10;

/// Opens the song, whenever it has to be read from elsewhere.
type Opener = Arc<dyn Fn() -> SourceFuture<'static, Result<Content, OpenError>> + Send + Sync>;

/// The bytes of a song as something to read and seek in, as decoders want it. It blocks.
///
/// A file is read where it is. What comes as a stream is read on to a place that is near, and opened again to go
/// elsewhere. If nobody knows the length beforehand, it is opened again only to go back, and read from the start.
///
/// A stream that breaks off is opened again at once, where it did; only if nothing more comes is that an error. A read that
/// failed may be tried again.
///
/// It is opened among tasks, and read on a thread that may block: in a task, reading panics.
///
/// ```
/// use std::io::{Read, Seek, SeekFrom};
///
/// use library::{Content, SongReader};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let open = || Box::pin(async { Ok(Content::bytes("Jet, by Wings")) }) as _;
/// let mut reader = SongReader::open(open).await?;
/// let artist = tokio::task::spawn_blocking(move || {
///     let mut artist = String::new();
///     reader.seek(SeekFrom::End(-5))?;
///     reader.read_to_string(&mut artist)?;
///     std::io::Result::Ok(artist)
/// });
/// assert_eq!(artist.await??, "Wings");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SongReader {
    opener: Opener,
    runtime: Handle,
    length: Option<u64>,
    /// Which byte is read next.
    place: u64,
    /// `None` when the song has to be opened again. Never locked: a stream is for one thread at a time, and
    /// `get_mut` is how the compiler sees that it is.
    supply: Mutex<Option<Supply>>,
}

impl SongReader {
    /// Opens a song. `open` is asked again when the song has to be read from another place.
    ///
    /// # Errors
    ///
    /// If the song cannot be opened, or not within [`READ_LIMIT`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn open(
        open: impl Fn() -> SourceFuture<'static, Result<Content, OpenError>> + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let content = timeout(READ_LIMIT, open())
            .await
            .unwrap_or_else(|_| Err(SourceError::from(late()).into()))?;
        let length = length_of(&content);
        Ok(Self {
            opener: Arc::new(open),
            runtime: Handle::current(),
            length,
            place: 0,
            supply: Mutex::new(Some(Supply::of(content.body, length, 0))),
        })
    }

    /// How many bytes the song has, if anybody knows. What nobody knew is known once the end has been read.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Makes sure that the next bytes are at hand, unless the song ends here.
    fn supply(&mut self) -> io::Result<&mut Supply> {
        let place = self.place;
        let supply = match self.held().take() {
            Some(supply) if supply.has(place) => supply,
            supply => self.wait(led_to(place, supply, Arc::clone(&self.opener), self.length))?,
        };
        Ok(self.held().insert(supply))
    }

    /// Takes note that the source has no more: as nobody knew before, or too early.
    fn end(&mut self) -> io::Result<()> {
        match (self.length, self.held().take()) {
            (None, Some(Supply::Flow(flow))) => self.length = Some(flow.at),
            (length, _) => return Err(cut_short(self.place, length.unwrap_or_default())),
        }
        Ok(())
    }

    fn held(&mut self) -> &mut Option<Supply> {
        self.supply.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the runtime do something, and waits for it. Whatever becomes of it there is no more than an error here.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let (done, answer) = oneshot::channel();
        self.runtime.spawn(async move {
            // Somebody waits: the reader is blocked until then.
            let _ = done.send(timeout(READ_LIMIT, work).await.unwrap_or_else(|_| Err(late())));
        });
        let gone = "the source of the song failed, or the program is ending";
        answer.blocking_recv().map_err(|_| io::Error::other(gone))?
    }
}

impl Read for SongReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.map_or(u64::MAX, |length| length.saturating_sub(self.place));
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let place = self.place;
        let read = self.supply()?.read(place, &mut buffer[..wanted])?;
        if read == 0 {
            self.end()?;
        }
        self.place += read as u64;
        Ok(read)
    }
}

impl Seek for SongReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.place.checked_add_signed(by),
            SeekFrom::End(by) => {
                let length = self.length.ok_or(io::ErrorKind::Unsupported)?;
                length.checked_add_signed(by)
            }
        };
        self.place = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.place)
    }
}

impl fmt::Debug for SongReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SongReader(at {} of {:?} bytes)", self.place, self.length)
    }
}

/// From where bytes come.
enum Supply {
    File(File),
    Bytes(Bytes),
    Flow(Flow),
}

impl Supply {
    /// What was opened to be read from `place` on. Call it in the runtime: streams may start tasks.
    fn of(body: Body, length: Option<u64>, place: u64) -> Self {
        let (stream, at) = match (body, length) {
            (Body::File(opened), _) => return Self::File(opened.file),
            (Body::Bytes(bytes), _) => return Self::Bytes(bytes),
            (Body::Ranged(ranged), Some(length)) => {
                (ranged.read(place, length.saturating_sub(place)), place)
            }
            (Body::Ranged(ranged), None) => (ranged.read(0, u64::MAX), 0),
            (Body::Stream(stream), _) => (stream, 0),
        };
        Self::Flow(Flow { stream, ready: Bytes::new(), at })
    }

    /// Whether bytes of this place can be had without waiting for a source.
    fn has(&self, place: u64) -> bool {
        match self {
            Self::File(_) | Self::Bytes(_) => true,
            Self::Flow(flow) => flow.at == place && !flow.ready.is_empty(),
        }
    }

    /// Copies what is there; nothing at the end.
    fn read(&mut self, place: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => content::read_at(file, buffer, place),
            Self::Bytes(bytes) => {
                let start = usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
                (&bytes[start..]).read(buffer)
            }
            Self::Flow(flow) => Ok(flow.read(buffer)),
        }
    }
}

/// A stream that is being read.
struct Flow {
    stream: ByteStream,
    /// What came and has not been read.
    ready: Bytes,
    /// The place of the first byte of `ready`; if there is none, of the byte that comes next.
    at: u64,
}

impl Flow {
    /// Whether a place is better reached by reading on than by opening the song again.
    fn leads_to(&self, place: u64, length: Option<u64>) -> bool {
        place.checked_sub(self.at).is_some_and(|ahead| ahead <= NEAR || length.is_none())
    }

    /// Reads on until bytes of `place` are ready; none are if the stream ends before.
    async fn go_to(&mut self, place: u64) -> io::Result<()> {
        loop {
            let before = usize::try_from(place.saturating_sub(self.at)).unwrap_or(usize::MAX);
            self.pass(before.min(self.ready.len()));
            if !self.ready.is_empty() {
                return Ok(());
            }
            let Some(bytes) = self.stream.try_next().await? else { return Ok(()) };
            self.ready = bytes;
            // Bytes that are there at once must not keep others from their turn.
            tokio::task::yield_now().await;
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> usize {
        let read = self.ready.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.ready[..read]);
        self.pass(read);
        read
    }

    fn pass(&mut self, bytes: usize) {
        self.ready.advance(bytes);
        self.at += bytes as u64;
    }
}

/// What has the bytes of `place`: what was there if it leads to them, or else the song opened again. A stream that breaks
/// off is taken up again where it did.
async fn led_to(
    place: u64,
    supply: Option<Supply>,
    opener: Opener,
    length: Option<u64>,
) -> io::Result<Supply> {
    if let Some(Supply::Flow(mut flow)) = supply
        && flow.leads_to(place, length)
    {
        let came = flow.go_to(place).await;
        let is_end = length.is_none() && came.is_ok();
        if is_end || !flow.ready.is_empty() {
            return Ok(Supply::Flow(flow));
        }
    }
    let content = opener().await.map_err(io::Error::other)?;
    let now = length_of(&content);
    if length.is_some() && now.is_some() && now != length {
        return Err(io::Error::other("the song is another than when it was opened"));
    }
    let mut supply = Supply::of(content.body, now, place);
    if let Supply::Flow(flow) = &mut supply {
        flow.go_to(place).await?;
    }
    Ok(supply)
}

fn length_of(content: &Content) -> Option<u64> {
    match &content.body {
        Body::File(opened) => Some(opened.length),
        Body::Bytes(bytes) => Some(bytes.len() as u64),
        Body::Ranged(_) | Body::Stream(_) => content.length,
    }
}

fn late() -> io::Error {
    let message = format!("nothing came of the song for {} s", READ_LIMIT.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, message)
}

fn cut_short(place: u64, length: u64) -> io::Error {
    let message = format!("the song ends at {place} of {length} bytes");
    io::Error::new(io::ErrorKind::UnexpectedEof, message)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::{Stream, StreamExt, stream};
    use proptest::prelude::*;

    use super::*;
    use crate::{OpenFile, Ranged};

    const LENGTH: usize = 3 * NEAR as usize;

    fn song() -> Bytes {
        static SONG: LazyLock<Bytes> =
            LazyLock::new(|| (0..LENGTH).map(|n| (n / 251 + n % 251) as u8).collect());
        SONG.clone()
    }

    /// The bytes of a song from one on, in pieces of a size that meets no other.
    fn pieces(bytes: Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        stream::iter(
            (0..bytes.len())
                .step_by(7_001)
                .map(move |start| Ok(bytes.slice(start..bytes.len().min(start + 7_001)))),
        )
    }

    /// A song that can be opened at any byte, and counts how often it is.
    struct Parts(Arc<AtomicUsize>);

    impl Ranged for Parts {
        fn read(self: Box<Self>, start: u64, length: u64) -> ByteStream {
            self.0.fetch_add(1, Ordering::Relaxed);
            let start = start as usize;
            Box::pin(pieces(song().slice(start..start + length as usize)))
        }
    }

    fn file() -> Content {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &song()).unwrap();
        OpenFile::try_from(file).unwrap().into()
    }

    type Open = fn() -> Content;

    /// Opens a song and uses it on a thread of its own, while the runtime's clock jumps over every wait.
    fn with_reader<T: Send + 'static>(
        open: impl Fn() -> Result<Content, OpenError> + Send + Sync + 'static,
        using: impl FnOnce(SongReader) -> T + Send + 'static,
    ) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let open = move || Box::pin(std::future::ready(open())) as _;
            let reader = SongReader::open(open).await.unwrap();
            let (done, used) = oneshot::channel();
            let thread = std::thread::spawn(move || {
                let _ = done.send(using(reader));
            });
            let used = used.await;
            thread.join().unwrap();
            used.unwrap()
        })
    }

    fn ways_to_hold_it() -> [(&'static str, Open); 5] {
        [
            ("a file", file),
            ("bytes", || Content::bytes(song())),
            ("parts", || Content::ranged(LENGTH as u64, Parts(Arc::default()))),
            ("a stream", || Content::stream(pieces(song()), Some(LENGTH as u64))),
            ("a stream without a length", || Content::stream(pieces(song()), None)),
        ]
    }

    fn any_steps() -> impl Strategy<Value = Vec<(usize, usize)>> {
        // Places near and far, and past the end.
        prop::collection::vec((0..LENGTH + 1_000, 1..50_000_usize), 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
        #[test]
        fn any_reads_and_seeks_give_what_the_song_has_there(steps in any_steps()) {
            for (how, open) in ways_to_hold_it() {
                let steps = steps.clone();
                with_reader(move || Ok(open()), move |mut reader| {
                    for (place, length) in steps {
                        reader.seek(SeekFrom::Start(place as u64)).unwrap();
                        let mut read = Vec::new();
                        reader.by_ref().take(length as u64).read_to_end(&mut read).unwrap();
                        let start = place.min(LENGTH);
                        let expected = song().slice(start..LENGTH.min(start + length));
                        assert!(read == expected, "{length} bytes from {place} of {how}");
                        assert_eq!(reader.stream_position().unwrap(), (place + read.len()) as u64);
                    }
                });
            }
        }
    }

    #[test]
    fn reading_on_opens_nothing_again_and_going_far_does_once() {
        let opened = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&opened);
        let open = move || Ok(Content::ranged(LENGTH as u64, Parts(Arc::clone(&count))));
        with_reader(open, move |mut reader| {
            let mut read_at = |place: u64| {
                reader.seek(SeekFrom::Start(place)).unwrap();
                reader.read_exact(&mut [0; 100]).unwrap();
                opened.load(Ordering::Relaxed)
            };
            assert_eq!(read_at(0), 1);
            assert_eq!(read_at(100 + NEAR), 1, "near");
            assert_eq!(read_at(0), 2, "back");
            assert_eq!(read_at(101 + NEAR), 3, "far");
        });
    }

    #[test]
    fn the_end_of_a_stream_is_known_once_it_was_read() {
        with_reader(
            || Ok(Content::stream(pieces(song()), None)),
            |mut reader| {
                assert_eq!(reader.length(), None);
                let error = reader.seek(SeekFrom::End(0)).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::Unsupported);
                assert_eq!(io::copy(&mut reader, &mut io::sink()).unwrap(), LENGTH as u64);
                assert_eq!(reader.length(), Some(LENGTH as u64));
                assert_eq!(reader.seek(SeekFrom::End(-10)).unwrap(), LENGTH as u64 - 10);
                let mut rest = Vec::new();
                reader.read_to_end(&mut rest).unwrap();
                assert_eq!(rest, song()[LENGTH - 10..]);
            },
        );
    }

    #[test]
    fn a_seek_before_the_start_is_refused_and_moves_nothing() {
        with_reader(
            || Ok(Content::bytes(song())),
            |mut reader| {
                reader.seek(SeekFrom::Start(5)).unwrap();
                for to in
                    [SeekFrom::Current(-6), SeekFrom::End(i64::MIN), SeekFrom::Current(i64::MIN)]
                {
                    assert_eq!(reader.seek(to).unwrap_err().kind(), io::ErrorKind::InvalidInput);
                }
                assert_eq!(reader.stream_position().unwrap(), 5);
            },
        );
    }

    /// Every time it is opened the song is of the next kind.
    fn in_turn(songs: Vec<Open>) -> impl Fn() -> Result<Content, OpenError> {
        let turn = AtomicUsize::new(0);
        move || match songs.get(turn.fetch_add(1, Ordering::Relaxed)) {
            Some(song) => Ok(song()),
            None => Err(SourceError::Busy.into()),
        }
    }

    fn whole() -> Content {
        Content::bytes(song())
    }

    fn dying() -> Content {
        let death = stream::iter([Err(io::ErrorKind::ConnectionReset.into())]);
        Content::stream(pieces(song().slice(..100)).chain(death), Some(LENGTH as u64))
    }

    fn too_short() -> Content {
        Content::stream(pieces(song().slice(..100)), Some(LENGTH as u64))
    }

    fn hanging() -> Content {
        let silence = stream::pending();
        Content::stream(pieces(song().slice(..100)).chain(silence), Some(LENGTH as u64))
    }

    fn panicking() -> Content {
        let fault = stream::once(async { panic!("an author's mistake") });
        Content::stream(pieces(song().slice(..100)).chain(fault), Some(LENGTH as u64))
    }

    #[test]
    fn a_source_that_fails_in_mid_song_is_opened_again_where_it_did() {
        for failing in [dying, too_short] as [Open; 2] {
            with_reader(in_turn(vec![failing, whole]), move |mut reader| {
                let mut read = Vec::new();
                reader.read_to_end(&mut read).unwrap();
                assert!(read == song());
            });
        }
    }

    #[test]
    fn a_source_that_goes_on_failing_is_an_error_until_it_is_well_again() {
        let failures: [(Open, io::ErrorKind, usize); 4] = [
            (dying, io::ErrorKind::ConnectionReset, 2),
            (too_short, io::ErrorKind::UnexpectedEof, 2),
            (hanging, io::ErrorKind::TimedOut, 1),
            (panicking, io::ErrorKind::Other, 1),
        ];
        for (failing, kind, times) in failures {
            let songs = std::iter::repeat_n(failing, times).chain([whole as Open]).collect();
            with_reader(in_turn(songs), move |mut reader| {
                let mut read = Vec::new();
                assert_eq!(reader.read_to_end(&mut read).unwrap_err().kind(), kind);
                assert_eq!(read.len(), 100);
                reader.read_to_end(&mut read).unwrap();
                assert!(read == song(), "{kind}");
            });
        }
    }

    #[test]
    fn a_song_that_is_another_when_it_is_opened_again_is_not_read_on() {
        let songs: Vec<Open> = vec![too_short, || Content::bytes("something else")];
        with_reader(in_turn(songs), |mut reader| {
            let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
            assert!(error.to_string().contains("another"), "{error}");
            // Nor is one that cannot be opened any more.
            let error = reader.read(&mut [0; 10]).unwrap_err();
            assert!(error.to_string().contains("too much"), "{error}");
        });
    }

    #[test]
    fn a_reader_that_outlives_the_runtime_fails() {
        let open = || Ok(Content::stream(pieces(song()), None));
        let mut reader = with_reader(open, |reader| reader);
        assert!(reader.read(&mut [0; 10]).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_never_opens_is_away() {
        let opened = SongReader::open(|| Box::pin(std::future::pending())).await;
        assert!(matches!(opened, Err(OpenError::Source(SourceError::Away { .. }))));
    }
}
