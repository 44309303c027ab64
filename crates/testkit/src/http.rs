//! A client that sends exactly what a test says, and reads what comes back.
//!
//! No HTTP library stands between: tests ask in ways that libraries would not let through.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names, as they were spelled, and values of the headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body. Short of its announced length if the server hung up.
    pub body: Vec<u8>,
    /// Whether the body had the announced length (or came in chunks, to the last).
    pub complete: bool,
}

impl Answer {
    /// The value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Connection {
    /// Connects.
    pub async fn open(server: SocketAddr) -> io::Result<Self> {
        Ok(Self { stream: BufReader::new(TcpStream::connect(server).await?) })
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Asks for a target and reads the answer.
    pub async fn get(&mut self, target: &str) -> io::Result<Answer> {
        self.get_with(target, &[]).await
    }

    /// The same with further headers.
    pub async fn get_with(&mut self, target: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        self.ask("GET", target, headers).await?;
        self.answer().await
    }

    /// Sends a request and does not wait for its answer.
    pub async fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> io::Result<()> {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        self.send(head).await
    }

    /// Reads an answer with its body.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let mut answer = self.head().await?;
        if answer.status == 204 {
            return Ok(answer);
        }
        if let Some(length) = answer.header("content-length") {
            let length: u64 = length.parse().map_err(io::Error::other)?;
            (&mut self.stream).take(length).read_to_end(&mut answer.body).await?;
            answer.complete = answer.body.len() as u64 == length;
        } else if answer.header("transfer-encoding") == Some("chunked") {
            answer.complete = self.chunks(&mut answer.body).await.is_ok();
        } else {
            self.stream.read_to_end(&mut answer.body).await?;
        }
        Ok(answer)
    }

    /// Reads the head of an answer only; its body, if there is one, is left to [`read`](Self::read).
    pub async fn head(&mut self) -> io::Result<Answer> {
        let first = self.line().await?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status =
            status.ok_or_else(|| io::Error::other(format!("not a status line: {first:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Answer { status, headers, body: Vec::new(), complete: true })
    }

    /// Reads so many bytes of a body.
    pub async fn read(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    /// Waits until the server hangs up; returns what it still said.
    pub async fn closed(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await?;
        Ok(rest)
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    async fn chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let length = self.line().await?;
            let length = usize::from_str_radix(length.trim(), 16).map_err(io::Error::other)?;
            if length == 0 {
                return self.line().await.map(drop);
            }
            body.extend(self.read(length).await?);
            self.line().await?;
        }
    }
}
