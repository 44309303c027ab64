//! Asking a running server, over plain HTTP.

use std::time::Duration;

use anyhow::{Context, bail};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// No answer of the API is near this size; more is not from our server.
const MAX_ANSWER: usize = 16 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);

/// The body of `GET server + path`, if it succeeds.
pub(crate) async fn get(server: &str, path: &str) -> anyhow::Result<Bytes> {
    Ok(ask(server, path).await?.into_body())
}

/// The answer to `GET server + path`, if it succeeds.
pub(crate) async fn ask(server: &str, path: &str) -> anyhow::Result<Response<Bytes>> {
    tokio::time::timeout(TIMEOUT, request(server, path))
        .await
        .with_context(|| format!("no answer within {} s", TIMEOUT.as_secs()))?
}

async fn request(server: &str, path: &str) -> anyhow::Result<Response<Bytes>> {
    let uri: Uri = server.parse().with_context(|| format!("`{server}` is not a URL"))?;
    if uri.scheme_str().is_some_and(|scheme| scheme != "http") {
        bail!("only http:// is spoken here");
    }
    let authority = uri.authority().context("the URL names no host")?;
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the answer: nothing else is asked on this connection.
    let connection = tokio::spawn(connection);
    let request = Request::get(path)
        .header(header::HOST, authority.as_str())
        .header(header::USER_AGENT, concat!("dapple/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await;
    connection.abort();
    let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
    if !head.status.is_success() {
        bail!(
            "it answers {}: {}",
            head.status,
            String::from_utf8_lossy(&body[..body.len().min(200)]).trim()
        );
    }
    Ok(Response::from_parts(head, body))
}
