//! Measures what it costs to follow a server with many songs: `measure [SONGS]`, 100,000 without a number.
//!
//! A scripted server in a process of its own is synchronised into a library, which then looks for changes again. It prints
//! how long each of the two took, with how many requests, and the most memory that was taken so far.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use library::Library;
use source_subsonic::{Connection, Login, SubsonicConfig, SubsonicSource};
use testkit::server::Server;
use testkit::subsonic::Subsonic;

/// As what the program serves instead of measuring.
const SERVE: &str = "serve";
/// How many songs the server has if nobody says.
const SONGS: &str = "100000";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [SERVE, songs] => serve(songs.parse()?).await,
        [songs] => measure(songs).await,
        [] => measure(SONGS).await,
        _ => Err("usage: measure [SONGS]".into()),
    }
}

/// Serves so many songs and says where, until it is killed.
async fn serve(songs: u32) -> Result<(), Box<dyn Error>> {
    let server = Server::start(Subsonic::new(songs).answer()).await;
    println!("http://{}/", server.address());
    std::future::pending().await
}

async fn measure(songs: &str) -> Result<(), Box<dyn Error>> {
    let mut server =
        Command::new(env::current_exe()?).args([SERVE, songs]).stdout(Stdio::piped()).spawn()?;
    let said = server.stdout.take().ok_or("the server says nothing")?;
    let url = tokio::task::spawn_blocking(|| BufReader::new(said).lines().next());
    let url = url.await?.ok_or("the server has ended")??;
    let measured = follow(&url).await;
    server.kill()?;
    server.wait()?;
    measured
}

/// Follows a server and prints what that costs.
async fn follow(url: &str) -> Result<(), Box<dyn Error>> {
    let login = Login::Password { user: "joe".into(), password: "sesame".into() };
    let source = SubsonicSource::new(SubsonicConfig::new(url, login))?;
    let begun = Instant::now();
    let library = Library::builder("Measured").source("nas", source.clone()).start().await?;
    let mut connection = source.watch();
    let first = connection.wait_for(|now| now.last_sync.is_some()).await?.clone();
    let first_took = begun.elapsed();
    print("first sync", first_took, first.requests, &first);
    let begun = Instant::now();
    source.sync().await.map_err(|problem| problem.what)?;
    let second = connection.borrow().clone();
    let took = begun.elapsed();
    print("second sync", took, second.requests - first.requests, &second);
    println!(
        "second/first: {:.2} % of the time",
        100.0 * took.as_secs_f64() / first_took.as_secs_f64()
    );
    library.shutdown().await;
    Ok(())
}

fn print(what: &str, took: Duration, requests: u64, now: &Connection) {
    let memory = peak_memory_kb().map_or_else(|| "?".to_owned(), |kb| (kb / 1024).to_string());
    let (songs, seconds) = (now.songs, took.as_secs_f64());
    println!("{what}: {songs} songs, {seconds:.3} s, {requests} requests, peak memory {memory} MB");
}

/// The most memory that this process had so far, where systems tell.
fn peak_memory_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
