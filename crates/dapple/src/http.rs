//! Asking a running server, over plain HTTP.

use std::time::Duration;

use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::HeaderName;
use hyper::{Method, Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;

/// No answer of the API is near this size; more is not from our server.
const MAX_ANSWER: usize = 16 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);

/// The header that says that a change is meant: no page in a browser can have one sent for it.
pub(crate) const MEANT: HeaderName = HeaderName::from_static("x-dapple-request");

/// The body of `GET server + path`, if it succeeds.
pub(crate) async fn get(server: &str, path: &str) -> anyhow::Result<Bytes> {
    Ok(ask(server, path).await?.into_body())
}

/// The answer to `GET server + path`, if it succeeds.
pub(crate) async fn ask(server: &str, path: &str) -> anyhow::Result<Response<Bytes>> {
    let answer = call(server, Method::GET, path, Bytes::new(), TIMEOUT).await?;
    if !answer.status().is_success() {
        bail!("it answers {}: {}", answer.status(), beginning(answer.body()));
    }
    Ok(answer)
}

/// Has a server do something, and waits for its answer so long. The answer may be that it does not.
pub(crate) async fn order(
    server: &str,
    method: Method,
    path: &str,
    body: &impl Serialize,
    limit: Duration,
) -> anyhow::Result<Response<Bytes>> {
    call(server, method, path, serde_json::to_vec(body)?.into(), limit).await
}

/// What an answer says, as far as it fits into a line.
pub(crate) fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(200)]).trim().to_owned()
}

async fn call(
    server: &str,
    method: Method,
    path: &str,
    body: Bytes,
    limit: Duration,
) -> anyhow::Result<Response<Bytes>> {
    tokio::time::timeout(limit, request(server, method, path, body))
        .await
        .with_context(|| format!("no answer within {} s", limit.as_secs()))?
}

async fn request(
    server: &str,
    method: Method,
    path: &str,
    body: Bytes,
) -> anyhow::Result<Response<Bytes>> {
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
    let mut request = Request::builder()
        .method(&method)
        .uri(path)
        .header(header::HOST, authority.as_str())
        .header(header::USER_AGENT, concat!("dapple/", env!("CARGO_PKG_VERSION")));
    if method != Method::GET {
        request = request.header(header::CONTENT_TYPE, "application/json").header(MEANT, "1");
    }
    let answer = sender.send_request(request.body(Full::new(body))?).await?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await;
    connection.abort();
    let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
    Ok(Response::from_parts(head, body))
}
