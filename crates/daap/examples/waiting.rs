//! How quickly clients that wait hear of a change, and whether any of them misses one.
//!
//! `cargo run --release -p daap --example waiting -- [CLIENTS [COMMITS]]`
//!
//! Connects CLIENTS (2000) sessions to a share of its own, each of which holds an `/update`. First one commit, timed: how
//! long until the last of them knows? Then COMMITS (200) more at random intervals, each with one new song, while every
//! client does what players do: it fetches what changed and asks again. In the end each must have been sent every
//! song. Exits with an error if one was not.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use daap::{Catalog, Limits, NewSong, Server, SessionState, Track};
use rand::RngExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The longest pause between two commits.
const PAUSE_MS: u64 = 300;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let clients: usize = arguments.next().map_or(Ok(2000), |clients| clients.parse())?;
    let commits: usize = arguments.next().map_or(Ok(200), |commits| commits.parse())?;
    let open_files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let all_files = rustix::process::Rlimit { current: open_files.maximum, ..open_files };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, all_files)?;

    let catalog = Catalog::new("Waiting");
    let server = Server::builder(catalog.clone())
        .limits(limits(clients))
        .bind(&["127.0.0.1:0".parse()?])
        .await?;
    let (address, handle) = (server.addresses()[0], server.handle());
    let serving = tokio::spawn(server.run(std::future::pending()));
    let mut following = JoinSet::new();
    for _ in 0..clients {
        following.spawn(follow(address, commits + 1));
    }
    while handle.sessions().iter().filter(|session| session.state == SessionState::Waiting).count()
        < clients
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let begun = Instant::now();
    add_song(&catalog, 0)?;
    for number in 1..=commits {
        let pause = if number == 1 { 1000 } else { rand::rng().random_range(0..PAUSE_MS) };
        tokio::time::sleep(Duration::from_millis(pause)).await;
        add_song(&catalog, number)?;
    }
    let (mut last, mut polls) = (begun, 0);
    while let Some(followed) = following.join_next().await {
        let followed = followed??;
        last = last.max(followed.first_heard);
        polls += followed.polls;
    }
    println!("{clients} clients heard of one commit within {} ms", (last - begun).as_millis());
    println!(
        "every client was sent all songs of {commits} more commits, in {polls} answered updates"
    );
    serving.abort();
    Ok(())
}

/// As many as there are clients, all of which are this machine.
fn limits(clients: usize) -> Limits {
    let mut limits = Limits::default();
    limits.connections = limits.connections.max(clients * 2);
    limits.sessions = limits.sessions.max(clients * 2);
    limits.polls = limits.polls.max(clients * 2);
    limits
}

fn add_song(catalog: &Catalog, number: usize) -> Result<(), Failure> {
    let mut changes = catalog.changes();
    let track = Track { title: format!("Song {number}").into(), ..Track::default() };
    changes.add_item(Catalog::MAIN, NewSong::new(track));
    catalog.commit(changes)?;
    Ok(())
}

struct Followed {
    first_heard: Instant,
    polls: u64,
}

/// A client that keeps up until it has been sent `songs` songs.
async fn follow(address: SocketAddr, songs: usize) -> Result<Followed, Failure> {
    let mut client = Client { stream: TcpStream::connect(address).await? };
    let session = number(&client.get("/login").await?, b"mlid")?;
    let mut seen = number(
        &client.get(&format!("/update?session-id={session}&revision-number=1")).await?,
        b"musr",
    )?;
    let (mut first_heard, mut polls, mut sent) = (None, 0, HashSet::new());
    while sent.len() < songs {
        let now =
            client.get(&format!("/update?session-id={session}&revision-number={seen}")).await?;
        first_heard.get_or_insert_with(Instant::now);
        polls += 1;
        let now = number(&now, b"musr")?;
        if now <= seen {
            return Err(format!("revision {now} after {seen}").into());
        }
        let delta = format!(
            "/databases/1/items?session-id={session}&revision-number={now}&delta={seen}&meta=dmap.itemid"
        );
        // What was committed meanwhile is sent too, and then again by the next delta.
        sent.extend(numbers(&client.get(&delta).await?, b"miid"));
        seen = now;
    }
    Ok(Followed { first_heard: first_heard.ok_or("there are no songs")?, polls })
}

struct Client {
    stream: TcpStream,
}

impl Client {
    /// The body of an answer with a length.
    async fn get(&mut self, target: &str) -> Result<Vec<u8>, Failure> {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        loop {
            if self.stream.read_buf(&mut answer).await? == 0 {
                return Err("the server hung up".into());
            }
            let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let head = std::str::from_utf8(&answer[..end])?.to_ascii_lowercase();
            if !head.starts_with("http/1.1 200") {
                return Err(format!("{target}: {head}").into());
            }
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.ok_or("an answer without a length")?.trim().parse()?;
            if answer.len() == end + 4 + length {
                return Ok(answer.split_off(end + 4));
            }
        }
    }
}

/// The numbers of these tags.
fn numbers(body: &[u8], tag: &[u8; 4]) -> impl Iterator<Item = u32> {
    let tagged = body.windows(12).filter(move |window| window.starts_with(tag));
    tagged.map(|window| u32::from_be_bytes([window[8], window[9], window[10], window[11]]))
}

fn number(body: &[u8], tag: &[u8; 4]) -> Result<u32, Failure> {
    Ok(numbers(body, tag).next().ok_or("a tag is missing")?)
}
