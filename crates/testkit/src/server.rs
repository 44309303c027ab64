//! A server that answers exactly what a test says, and notes what it is asked.
//!
//! No HTTP library stands between: it stalls, hangs up and lies about lengths as the servers of this world do.
//! [`daap::answer`](crate::daap::answer) is a share that behaves, for tests that change one answer of it.
//!
//! ```
//! use testkit::server::{Reply, Server};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = Server::start(|asked| match asked.path() {
//!     "/server-info" => Reply::new("a body").chunked(),
//!     _ => Reply::new("0123456789").cut_after(4),
//! })
//! .await;
//! let answer = testkit::http::Connection::open(server.address()).await?.get("/x").await?;
//! assert!(!answer.complete);
//! assert_eq!(server.asked()[0].path(), "/x");
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fmt;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A server on a free port of this machine; gone, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    notes: Arc<Notes>,
    accepting: JoinHandle<()>,
}

/// What has happened so far.
#[derive(Debug, Default)]
struct Notes {
    asked: Mutex<Vec<Asked>>,
    sent: AtomicU64,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The target, as it was sent.
    pub target: String,
    /// Names, as they were spelled, and values of the headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body, if its length was told.
    pub body: Vec<u8>,
}

impl Asked {
    /// The value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The target without its parameters.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    /// The value of a parameter, as it was sent.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let (_, parameters) = self.target.split_once('?')?;
        let mut pairs = parameters.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

type Answers = dyn Fn(&Asked) -> Reply + Send + Sync;

impl Server {
    /// Starts a server that answers each request as `answer` says.
    pub async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), answer).await
    }

    /// Starts one at an address, such as that of one that was stopped.
    pub async fn start_at(
        address: SocketAddr,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("the address is free");
        let address = listener.local_addr().expect("it is bound");
        let (notes, answer) = (Arc::<Notes>::default(), Arc::new(answer));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&notes), answer));
        Self { address, notes, accepting }
    }

    /// Hangs up on everyone. Its address is free then.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // It says that it was aborted.
        drop((&mut self.accepting).await);
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the share that it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("daap://{}/", self.address)
    }

    /// What it was asked so far, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.notes.asked.lock().expect("nobody panics while holding it").clone()
    }

    /// The requests for one path so far.
    #[must_use]
    pub fn asked_for(&self, path: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.path() == path).collect()
    }

    /// How many bytes the system has taken from it, of all answers.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.notes.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The longest body that is read.
const MAX_BODY: usize = 1 << 20;

/// Serves connections; they end with this task.
async fn accept(listener: TcpListener, notes: Arc<Notes>, answer: Arc<Answers>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&notes), Arc::clone(&answer)));
    }
}

/// Answers on one connection until one of the two hangs up.
async fn serve(stream: TcpStream, notes: Arc<Notes>, answer: Arc<Answers>) -> io::Result<()> {
    // Heads and bodies are written apart; neither is to wait for the other.
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream).await? {
        let reply = answer(&asked);
        notes.asked.lock().expect("nobody panics while holding it").push(asked);
        if !reply.send(&mut stream, &notes).await? {
            return stream.shutdown().await;
        }
    }
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Asked>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut asked = Asked { method, target, headers, body: Vec::new() };
    let length = asked.header("Content-Length").and_then(|length| length.parse().ok());
    asked.body.resize(length.unwrap_or(0).min(MAX_BODY), 0);
    stream.read_exact(&mut asked.body).await?;
    Ok(Some(asked))
}

/// An answer: at first 200, with its true length, on a connection that stays.
#[must_use]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Box<dyn Iterator<Item = Vec<u8>> + Send>,
    framing: Framing,
    end: End,
    /// How long it waits before each byte.
    pause: Option<Duration>,
}

/// How a client is told where a body ends.
enum Framing {
    Length(u64),
    Chunked,
    /// It ends with the connection.
    Closing,
    /// There is no head; the body is all.
    Raw,
}

/// What comes after the body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    NextRequest,
    HangUp,
    Silence,
}

impl Reply {
    /// An answer with this body.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let framing = Framing::Length(body.len() as u64);
        let body = Box::new(std::iter::once(body));
        Self { status: 200, headers: Vec::new(), body, framing, end: End::NextRequest, pause: None }
    }

    /// An answer without a body.
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::new("") }
    }

    /// These bytes as they are, head and all. Then it hangs up.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { framing: Framing::Raw, end: End::HangUp, ..Self::new(bytes) }
    }

    /// Nothing at all, for ever.
    pub fn silence() -> Self {
        Self { end: End::Silence, ..Self::raw("") }
    }

    /// A body that is made while it is sent, in chunks.
    pub fn made(body: impl Iterator<Item = Vec<u8>> + Send + 'static) -> Self {
        Self { body: Box::new(body), framing: Framing::Chunked, ..Self::status(200) }
    }

    /// With this status.
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// With one more header.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// In chunks, a byte or more each, without an announced length.
    pub fn chunked(self) -> Self {
        let pieces: Vec<Vec<u8>> = self.body.flat_map(|piece| pieces(&piece)).collect();
        Self { body: Box::new(pieces.into_iter()), framing: Framing::Chunked, ..self }
    }

    /// Without a length; the body ends when the server hangs up.
    pub fn until_closed(self) -> Self {
        Self { framing: Framing::Closing, end: End::HangUp, ..self }
    }

    /// Compressed with gzip.
    pub fn gzip(self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for piece in self.body {
            encoder.write_all(&piece).expect("a Vec takes all");
        }
        let body = encoder.finish().expect("a Vec takes all");
        let (framing, length) = (self.framing, body.len() as u64);
        let framing = match framing {
            Framing::Length(_) => Framing::Length(length),
            other => other,
        };
        let body = Box::new(std::iter::once(body));
        Self { body, framing, ..self }.with("Content-Encoding", "gzip")
    }

    /// With an announced length that may be a lie; then it hangs up.
    pub fn announcing(self, length: u64) -> Self {
        Self { framing: Framing::Length(length), end: End::HangUp, ..self }
    }

    /// Hangs up after so many bytes of the body.
    pub fn cut_after(self, bytes: usize) -> Self {
        Self { body: first(self.body, bytes), end: End::HangUp, ..self }
    }

    /// Falls silent after so many bytes of the body, without hanging up.
    pub fn stall_after(self, bytes: usize) -> Self {
        Self { body: first(self.body, bytes), end: End::Silence, ..self }
    }

    /// A byte at a time, with a pause before each.
    pub fn dripping(self, pause: Duration) -> Self {
        let bytes = self.body.flatten().map(|byte| vec![byte]);
        Self { body: Box::new(bytes), pause: Some(pause), ..self }
    }

    /// Sends it. True if the connection can take another request.
    async fn send(self, stream: &mut BufReader<TcpStream>, notes: &Notes) -> io::Result<bool> {
        stream.write_all(self.head().as_bytes()).await?;
        let is_chunked = matches!(self.framing, Framing::Chunked);
        for piece in self.body.filter(|piece| !piece.is_empty()) {
            if let Some(pause) = self.pause {
                tokio::time::sleep(pause).await;
            }
            if is_chunked {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
            }
            stream.write_all(&piece).await?;
            if is_chunked {
                stream.write_all(b"\r\n").await?;
            }
            notes.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        match self.end {
            End::NextRequest if is_chunked => stream.write_all(b"0\r\n\r\n").await?,
            End::Silence => drop(stream.read_to_end(&mut Vec::new()).await?),
            End::NextRequest | End::HangUp => {}
        }
        Ok(self.end == End::NextRequest)
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Status\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        match self.framing {
            Framing::Length(_) if self.status == 204 => {}
            Framing::Length(length) => head += &format!("Content-Length: {length}\r\n"),
            Framing::Chunked => head += "Transfer-Encoding: chunked\r\n",
            Framing::Closing => head += "Connection: close\r\n",
            Framing::Raw => return String::new(),
        }
        head + "\r\n"
    }
}

/// Cuts a piece in three, so that a reader meets ends where it would not look for them.
fn pieces(piece: &[u8]) -> Vec<Vec<u8>> {
    piece.chunks(piece.len().div_ceil(3).max(1)).map(<[u8]>::to_vec).collect()
}

/// The first so many bytes.
fn first(
    body: Box<dyn Iterator<Item = Vec<u8>> + Send>,
    bytes: usize,
) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
    Box::new(body.scan(bytes, |left, mut piece| {
        if *left == 0 {
            return None;
        }
        piece.truncate(*left);
        *left -= piece.len();
        Some(piece)
    }))
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
