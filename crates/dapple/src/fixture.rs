//! For tests: a share on this machine, what is announced on a network, and what dapple says to a command line.

use std::net::SocketAddr;
use std::path::Path;

use clap::Parser as _;
use daap::{Catalog, NewPlaylist, NewSong, Server, ServerBuilder, Track};
use discovery::{About, Kind, Service, ShareTxt};
use disk_cache::DiskCache;

use crate::cli::{self, Cli, Outcome};
use crate::subsonic::{self, Caches, Connections};

/// A song of the share; its sound is its title, many times over.
fn song(title: &str, artist: &str, album: &str, track: u16) -> NewSong {
    let sound = title.repeat(1000);
    NewSong::new(Track {
        title: title.into(),
        artist: artist.into(),
        album: album.into(),
        genre: if artist == "Wings" { "Rock; Pop".into() } else { "Rock".into() },
        track,
        duration_ms: 60_000 * u32::from(track),
        size: sound.len() as u64,
        format: "mp3".into(),
        ..Track::default()
    })
    .bytes(sound)
}

/// Starts a share with five songs and two playlists of the same name; its URL.
pub(crate) async fn share() -> String {
    share_with(|server| server).await
}

/// The same, from a server that `set_up` changes.
pub(crate) async fn share_with(set_up: impl FnOnce(ServerBuilder) -> ServerBuilder) -> String {
    let catalog = Catalog::new("Living room");
    let mut changes = catalog.changes();
    let mut add = |song| changes.add_item(Catalog::MAIN, song);
    let jet = add(song("Jet", "Wings", "Band on the Run", 2));
    let _run = add(song("Band on the Run", "Wings", "Band on the Run", 1));
    let come = add(song("Come Together", "The Beatles", "Abbey Road", 1));
    let _sun = add(song("Here Comes the Sun", "The Beatles", "Abbey Road", 7));
    let _lower = add(song("Aether", "wings of steel", "", 3));
    changes.add_container(Catalog::MAIN, NewPlaylist::named("Party").songs([come, jet, come]));
    changes.add_container(Catalog::MAIN, NewPlaylist::named("Party").songs([jet]));
    catalog.commit(changes).unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    let server = set_up(Server::builder(catalog)).bind(&[address]).await.unwrap();
    let url = format!("daap://{}", server.addresses()[0]);
    tokio::spawn(server.run(std::future::pending()));
    url
}

/// Connections to these Subsonic servers, with all that is kept of them in this folder.
pub(crate) fn connections(servers: &[subsonic::Settings], data: &Path) -> Connections {
    let cache = |folder| DiskCache::new(data.join(folder), 1 << 20);
    let caches = Caches { songs: cache("songs"), pictures: cache("pictures") };
    Connections::open(servers, caches, data).unwrap()
}

/// What dapple prints for a command line, and how it ends.
pub(crate) async fn said(line: &[&str]) -> anyhow::Result<(Outcome, String)> {
    let cli = Cli::try_parse_from(["dapple"].iter().chain(line))?;
    let mut out = Vec::new();
    let outcome = cli::run(cli, &mut out).await?;
    Ok((outcome, String::from_utf8(out)?))
}

/// A service that a machine called nas announces, at these addresses.
pub(crate) fn service(kind: Kind, name: &str, addresses: &[&str], about: About) -> Service {
    let addresses: Vec<SocketAddr> =
        addresses.iter().map(|address| address.parse().unwrap()).collect();
    Service {
        kind,
        name: name.into(),
        instance: name.into(),
        host: "nas.local".into(),
        port: addresses.first().map_or(0, SocketAddr::port),
        addresses,
        interfaces: Vec::new(),
        about,
    }
}

/// A share that it announces.
pub(crate) fn announced(name: &str, addresses: &[&str]) -> Service {
    service(Kind::Daap, name, addresses, About::Share(ShareTxt::default()))
}
