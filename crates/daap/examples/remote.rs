//! A share of songs that lie on a web server, with a cache before it.
//!
//! `cargo run -p daap --example remote -- ADDRESS:PORT http://HOST/LIST.m3u`
//!
//! Reads a playlist over HTTP, asks how long each song in it is, and shares them. A song is fetched in blocks by byte ranges,
//! so a player can seek at once; blocks are kept in memory within a bound, and however many listeners want the
//! same block at the same moment, it is fetched once. A web server that is down costs its listeners a "try later".

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use daap::{
    ByteStream, Catalog, Content, DatabaseId, Item, ItemId, NewSong, Provider, Ranged, Server,
    SourceError, Track,
};
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{CONTENT_LENGTH, RANGE};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use moka::future::Cache;

/// What is fetched at a time.
const BLOCK: u64 = 256 << 10;
/// What is kept in memory.
const CACHE: u64 = 64 << 20;
/// The longest playlist that is read, in bytes.
const LIST: usize = 1 << 20;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The songs of a web server, and the blocks of them that are at hand. The song with the id 1 comes first.
#[derive(Clone)]
struct Remote {
    web: Web,
    songs: Arc<[Song]>,
    blocks: Cache<(ItemId, u64), Bytes>,
}

#[derive(Clone, Debug)]
struct Song {
    address: Uri,
    title: String,
    seconds: u32,
    size: u64,
}

impl Provider for Remote {
    async fn open(&self, _: DatabaseId, item: &Item) -> Result<Content, SourceError> {
        let song = self.songs.get(item.id.get() as usize - 1);
        let size = song.map(|song| song.size).ok_or(SourceError::NotThere("it".into()))?;
        let part = Part { remote: self.clone(), song: item.id };
        // A web server that is down is noticed now, while there is a status to say so.
        part.block(0)
            .await
            .map_err(|cause| SourceError::Away { what: item.track.title.to_string(), cause })?;
        Ok(Content::ranged(size, part))
    }
}

/// A song that somebody listens to.
struct Part {
    remote: Remote,
    song: ItemId,
}

impl Ranged for Part {
    fn read(self: Box<Self>, start: u64, length: u64) -> ByteStream {
        let (end, song) = (start + length, Arc::new(*self));
        let blocks = stream::iter(start / BLOCK..end.div_ceil(BLOCK));
        Box::pin(blocks.then(move |number| {
            let song = Arc::clone(&song);
            async move {
                let (block, first) = (song.block(number).await?, number * BLOCK);
                let at = |offset: u64| (offset.saturating_sub(first) as usize).min(block.len());
                Ok(block.slice(at(start)..at(end)))
            }
        }))
    }
}

impl Part {
    /// A block from the cache, or from the web server if nobody has asked for it lately.
    async fn block(&self, number: u64) -> io::Result<Bytes> {
        let Remote { web, songs, blocks } = &self.remote;
        let song = &songs[self.song.get() as usize - 1];
        let fetch = async {
            web.range(&song.address, number * BLOCK, song.size).await.map_err(io::Error::other)
        };
        let block = blocks.try_get_with((self.song, number), fetch).await;
        block.map_err(|error| io::Error::new(error.kind(), error))
    }
}

/// A client of web servers.
#[derive(Clone)]
struct Web(Client<HttpConnector, Empty<Bytes>>);

impl Web {
    async fn ask(
        &self,
        method: Method,
        address: &Uri,
        range: Option<String>,
    ) -> Result<Response<hyper::body::Incoming>, Failure> {
        let mut request = Request::builder().method(method).uri(address);
        if let Some(range) = range {
            request = request.header(RANGE, range);
        }
        let answer = self.0.request(request.body(Empty::new())?).await?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(format!("{address}: {}", answer.status()).into())
        }
    }

    async fn whole(&self, address: &Uri) -> Result<Bytes, Failure> {
        let answer = self.ask(Method::GET, address, None).await?;
        Ok(Limited::new(answer.into_body(), LIST).collect().await?.to_bytes())
    }

    async fn size(&self, address: &Uri) -> Result<u64, Failure> {
        let answer = self.ask(Method::HEAD, address, None).await?;
        let length = answer.headers().get(CONTENT_LENGTH).ok_or("nobody says how long it is")?;
        Ok(length.to_str()?.parse()?)
    }

    /// The block that begins at `start`.
    async fn range(&self, address: &Uri, start: u64, size: u64) -> Result<Bytes, Failure> {
        let length = BLOCK.min(size - start);
        let range = format!("bytes={start}-{}", start + length - 1);
        let answer = self.ask(Method::GET, address, Some(range)).await?;
        if answer.status() != StatusCode::PARTIAL_CONTENT {
            return Err(format!("{address}: sends no parts").into());
        }
        let block = Limited::new(answer.into_body(), BLOCK as usize).collect().await?.to_bytes();
        if block.len() as u64 == length {
            Ok(block)
        } else {
            Err("a part of another length".into())
        }
    }
}

/// The songs of an extended M3U. Addresses may be relative to that of the list.
fn entries<'a>(list: &'a str, address: &'a Uri) -> impl Iterator<Item = (Uri, String, u32)> + 'a {
    let mut about = (0, "");
    list.lines().map(str::trim).filter_map(move |line| {
        if let Some((seconds, title)) =
            line.strip_prefix("#EXTINF:").and_then(|line| line.split_once(','))
        {
            about = (seconds.parse().unwrap_or(0), title);
        }
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let folder = address.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        let host = address.authority().map_or("", |host| host.as_str());
        let whole = if line.contains("://") {
            line.into()
        } else {
            format!("http://{host}{folder}/{line}")
        };
        let (seconds, title) = std::mem::take(&mut about);
        let title = if title.is_empty() { line } else { title };
        Some((whole.parse().ok()?, title.to_owned(), seconds))
    })
}

async fn songs(web: &Web, list: &Uri) -> Result<Arc<[Song]>, Failure> {
    let text = web.whole(list).await?;
    let mut songs = Vec::new();
    for (address, title, seconds) in entries(std::str::from_utf8(&text)?, list) {
        match web.size(&address).await {
            Ok(0) => eprintln!("left out: {address} is empty"),
            Ok(size) => songs.push(Song { address, title, seconds, size }),
            Err(error) => eprintln!("left out: {error}"),
        }
    }
    Ok(songs.into())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(list)) = (arguments.next(), arguments.next()) else {
        return Err("which address, and which playlist?".into());
    };
    let web = Web(Client::builder(TokioExecutor::new()).build_http());
    let songs = songs(&web, &list.parse()?).await?;
    let blocks =
        Cache::builder().max_capacity(CACHE).weigher(|_, block: &Bytes| block.len() as u32).build();
    let remote = Remote { web, songs: Arc::clone(&songs), blocks };
    let catalog = Catalog::builder("From the web").provider(remote).build();
    let mut changes = catalog.changes();
    for (id, song) in (1..).filter_map(ItemId::new).zip(songs.iter()) {
        changes.add_item(Catalog::MAIN, NewSong::new(track(song)).id(id));
    }
    catalog.commit(changes)?;
    let server = Server::builder(catalog).bind(&[address.parse()?]).await?;
    println!("listening on http://{} (From the web)", server.addresses()[0]);
    server.run(daap::interrupted()).await;
    Ok(())
}

fn track(song: &Song) -> Track {
    let (artist, title) = song.title.split_once(" - ").unwrap_or(("", &song.title));
    let format = song.address.path().rsplit_once('.').map_or("", |(_, suffix)| suffix);
    Track {
        title: title.into(),
        artist: artist.into(),
        duration_ms: song.seconds.saturating_mul(1000),
        size: song.size,
        format: format.into(),
        ..Track::default()
    }
}
