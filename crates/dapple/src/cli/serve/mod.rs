//! `dapple serve`: where the parts are put together. Read it to see what the program is made of.

mod settings;

use std::io::{self, Write};
use std::net::SocketAddr;

use anyhow::Context;
use daap::Announcing;
use daap_server::{Builder, Server};
use discovery::{Interfaces, database_id};
use disk_cache::DiskCache;
use futures_util::{FutureExt as _, future};
use library::{Library, Share};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use source_daap::Carried;
use source_folder::{FolderConfig, FolderSource, Gallery, GalleryConfig};
use store::{Store, StoreError};
use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use crate::adapters::{Decoding, count_streams};
use crate::api::Api;
use crate::jukebox::Jukebox;
use crate::loudness::Measuring;
use crate::remotes::{self, Desk, Guests};
use crate::subsonic::{Caches, Connections};
use crate::terminal::{self, Progress};
use crate::{machine, shares};

pub(super) use settings::{Args, Settings};

/// So many files may be open at once, if the system lets us: each connection is one, each song that plays
/// another. Linux gives 1024 to who does not ask for more.
const OPEN_FILES: u64 = 16 * 1024;

pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let settings = Settings::resolve(args)?;
    let progress = Progress::new();
    terminal::log_to_stderr(settings.log.as_deref(), &progress)?;
    allow_open_files();

    let (library, carried, connections) = open_library(&settings).await?;
    let showing = tokio::spawn(progress.follow(library.watch_scans()));
    let shared = share(&settings, &library, &carried, connections, out).await;
    showing.abort();
    library.shutdown().await;
    shared.map(|()| Outcome::Done)
}

/// Serves the library, and has it played, until the program is told to stop.
async fn share(
    settings: &Settings,
    library: &Library,
    carried: &Carried,
    connections: Connections,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let machine_id = carried.own();
    let jukebox = match &settings.jukebox {
        Some(wanted) => {
            let desk = desk(settings, machine_id)?;
            Some(Jukebox::start(wanted, library, &settings.data, desk).await?)
        }
        None => None,
    };
    let own_shares = connections.own_shares(library);
    let first = listen(settings, library, carried, jukebox.as_ref(), connections).await?;
    let remote_id = jukebox.as_ref().map(|_| machine_id);
    let mut servers = vec![(first, announcing(settings, machine_id, remote_id))];
    for own in own_shares {
        let addresses = own.addresses(&settings.listen);
        let server = builder(settings, library, carried, own.share);
        let server = bind(server, &addresses, "`listen` of its section").await?;
        servers.push((server, announcing(settings, own.id, None)));
    }
    for (server, _) in &servers {
        let name = server.share().watch().borrow().name().clone();
        for address in server.addresses() {
            writeln!(out, "listening on http://{address} ({name})")?;
        }
    }
    out.flush()?;
    let folders = settings.folders.len();
    let measuring = settings.measure_loudness.then(|| Measuring::start(library.clone(), folders));
    let measuring = measuring.transpose().context("cannot start the thread that measures songs")?;
    let stop = stop_signal().shared();
    let serving = servers.into_iter().map(|(server, announcing)| {
        let stop = stop.clone();
        async move {
            match announcing {
                Some(announcing) => daap::serve_announced(server, announcing, stop).await,
                None => server.run(stop).await,
            }
        }
    });
    future::join_all(serving).await;
    if let Some(jukebox) = jukebox {
        jukebox.end().await;
    }
    if let Some(measuring) = measuring {
        measuring.end().await;
    }
    Ok(())
}

/// How a share is announced that clients know by this number; `None` if it is not.
fn announcing(settings: &Settings, machine_id: u64, remote_id: Option<u64>) -> Option<Announcing> {
    let (password, ipv4_only) = (settings.password.is_some(), settings.ipv4_only);
    let announcing = Announcing { password, ipv4_only, machine_id: Some(machine_id), remote_id };
    settings.advertise.then_some(announcing)
}

/// Where Remotes are paired with this machine.
fn desk(settings: &Settings, machine_id: u64) -> anyhow::Result<Desk> {
    let reaching = Interfaces::reaching(&settings.listen).filter(|_| settings.advertise);
    let interfaces = match settings.ipv4_only {
        true => reaching.and_then(|reaching| reaching.ipv4_only()),
        false => reaching,
    };
    let guests = Guests::open(&settings.data)?;
    Ok(Desk::new(database_id(machine_id), guests, remotes::listen(interfaces)))
}

fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    if limit.current.is_none_or(|now| now >= wanted) {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit }) {
        tracing::info!(%error, "only {:?} files may be open at once", limit.current);
    }
}

/// Opens what earlier runs left, and starts to look at folders and other servers; tells also whose songs there are, and
/// the connections to Subsonic servers.
async fn open_library(settings: &Settings) -> anyhow::Result<(Library, Carried, Connections)> {
    std::fs::create_dir_all(&settings.data).with_context(|| {
        format!(
            "cannot make the data folder {}; name another with --data DIR",
            settings.data.display()
        )
    })?;
    let with_remedy = |error: StoreError| {
        let remedy = error.remedy();
        anyhow::Error::new(error).context(format!("cannot open the library: {remedy}"))
    };
    let mut store = Store::open(&settings.data.join("library.db")).map_err(with_remedy)?;
    let folders = crate::folders::resolve(&settings.folders, &mut store)?;
    let carried = Carried::new(machine::id(&mut store));
    let mut pictures = GalleryConfig::default();
    pictures.cache = Some(settings.data.join("artwork"));
    pictures.cache_limit = settings.caches.artwork;
    let gallery = Gallery::new(pictures);
    let mut builder = Library::builder(&settings.name).persist(store).grace(settings.grace);
    for folder in folders {
        let mut config = FolderConfig::new(folder.path);
        config.sweep = settings.sweep;
        config.gallery = gallery.clone();
        builder = builder.source(&folder.name, FolderSource::new(config));
    }
    let cache = |folder, limit| DiskCache::new(settings.data.join(folder), limit);
    let songs = cache("songs", settings.caches.songs);
    let pictures = cache("subsonic-artwork", settings.caches.subsonic_artwork);
    let caches = Caches { songs: songs.clone(), pictures };
    let connections = Connections::open(&settings.subsonic, caches, &settings.data)?;
    if settings.folders.is_empty() && !connections.are_in_library() {
        builder = builder.without_main();
    }
    builder = shares::add(builder, &settings.shares, &carried, &songs);
    builder = connections.add_to(builder);
    Ok((builder.start().await?, carried, connections))
}

/// The first server, with the player and the pages.
async fn listen(
    settings: &Settings,
    library: &Library,
    carried: &Carried,
    jukebox: Option<&Jukebox>,
    connections: Connections,
) -> anyhow::Result<Server> {
    let mut server = builder(settings, library, carried, library.clone())
        .pages(Api::new(jukebox.map(Jukebox::desk), connections));
    if let Some(jukebox) = jukebox {
        server = jukebox.controlled_at(server);
    }
    let server = bind(server, &settings.listen, "--listen").await?;
    if let Some(jukebox) = jukebox {
        jukebox.log_in_at(server.handle());
    }
    Ok(server)
}

/// A server of this share, which is the library or part of it, for all whom the settings let in.
fn builder(
    settings: &Settings,
    library: &Library,
    carried: &Carried,
    share: impl Share,
) -> Builder {
    let (host, carried) = (gethostname::gethostname(), carried.clone());
    let mut builder = Server::builder(share)
        .allow_host(&host.to_string_lossy())
        .editing(settings.edits.into())
        .transcode(Decoding, settings.transcode.clone())
        .lineage(move || carried.lineage());
    for name in &settings.allowed_hosts {
        builder = builder.allow_host(name);
    }
    for network in &settings.trusted_networks {
        builder = builder.trust(*network);
    }
    if settings.count_streams {
        builder = builder.observe(count_streams(library.clone()));
    }
    match &settings.password {
        Some(password) => builder.password(password.reveal()),
        None => builder,
    }
}

/// Has a server listen on these addresses, which `option` gives.
async fn bind(builder: Builder, addresses: &[SocketAddr], option: &str) -> anyhow::Result<Server> {
    builder.bind(addresses).await.map_err(|error| {
        let remedy = match error.cause.kind() {
            io::ErrorKind::AddrInUse => {
                "another program has the port: stop it, or give another one"
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine does not have the address; [::]:PORT means all it has"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 are for the administrator; give a higher one"
            }
            _ => "give another address",
        };
        let context = format!("cannot share here: {remedy} (ADDR:PORT, with {option})");
        anyhow::Error::new(error).context(context)
    })
}

/// Waits for SIGINT or SIGTERM. A second one ends the program at once.
async fn stop_signal() {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        tracing::warn!("signals cannot be caught; the server can only be killed");
        return std::future::pending().await;
    };
    let mut next = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    next().await;
    tokio::spawn(async move {
        next().await;
        std::process::exit(130);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_may_be_open_as_the_system_lets_us() {
        allow_open_files();
        let limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
        assert!(limit.current.is_none_or(|now| now >= wanted));
    }
}
