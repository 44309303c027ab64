//! `dapple serve`: where the parts are put together. Read it to see what the program is made of.

mod settings;

use std::io::{self, Write};

use anyhow::Context;
use daap::Announcing;
use daap_server::Server;
use discovery::{Interfaces, database_id};
use disk_cache::DiskCache;
use library::Library;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use source_daap::Carried;
use source_folder::{FolderConfig, FolderSource, Gallery, GalleryConfig};
use store::{Store, StoreError};
use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use crate::adapters::Decoding;
use crate::jukebox::Jukebox;
use crate::loudness::Measuring;
use crate::remotes::{self, Desk, Guests};
use crate::subsonic::{Caches, Connections};
use crate::terminal::{self, Progress};
use crate::{machine, shares};

pub(super) use settings::{Args, DAAP_PORT, Settings};

/// So many files may be open at once, if the system lets us: each connection is one, each song that plays
/// another. Linux gives 1024 to who does not ask for more.
const OPEN_FILES: u64 = 16 * 1024;

pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let settings = Settings::resolve(args)?;
    let progress = Progress::new();
    terminal::log_to_stderr(settings.log.as_deref(), &progress)?;
    allow_open_files();

    let (library, carried) = open_library(&settings).await?;
    let showing = tokio::spawn(progress.follow(library.watch_scans()));
    let shared = share(&settings, &library, carried, out).await;
    showing.abort();
    library.shutdown().await;
    shared.map(|()| Outcome::Done)
}

/// Serves the library, and has it played, until the program is told to stop.
async fn share(
    settings: &Settings,
    library: &Library,
    carried: Carried,
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
    let server = listen(settings, library, carried, jukebox.as_ref()).await?;
    for address in server.addresses() {
        writeln!(out, "listening on http://{address} ({})", settings.name)?;
    }
    out.flush()?;
    let measuring = settings.measure_loudness.then(|| Measuring::start(library.clone()));
    let measuring = measuring.transpose().context("cannot start the thread that measures songs")?;
    if settings.advertise {
        let announcing = Announcing {
            password: settings.password.is_some(),
            ipv4_only: settings.ipv4_only,
            machine_id: Some(machine_id),
            remote_id: jukebox.as_ref().map(|_| machine_id),
        };
        daap::serve_announced(server, announcing, stop_signal()).await;
    } else {
        server.run(stop_signal()).await;
    }
    if let Some(jukebox) = jukebox {
        jukebox.end().await;
    }
    if let Some(measuring) = measuring {
        measuring.end().await;
    }
    Ok(())
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

/// Opens what earlier runs left, and starts to look at the folders and shares; tells also whose songs there are.
async fn open_library(settings: &Settings) -> anyhow::Result<(Library, Carried)> {
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
    if settings.folders.is_empty() {
        builder = builder.without_main();
    }
    let cache = |folder, limit| DiskCache::new(settings.data.join(folder), limit);
    let songs = cache("songs", settings.caches.songs);
    builder = shares::add(builder, &settings.shares, &carried, &songs);
    let pictures = cache("subsonic-artwork", settings.caches.subsonic_artwork);
    let connections = Connections::open(&settings.subsonic, &Caches { songs, pictures })?;
    builder = connections.add_to(builder);
    Ok((builder.start().await?, carried))
}

async fn listen(
    settings: &Settings,
    library: &Library,
    carried: Carried,
    jukebox: Option<&Jukebox>,
) -> anyhow::Result<Server> {
    let host = gethostname::gethostname();
    let mut builder = Server::builder(library.clone())
        .allow_host(&host.to_string_lossy())
        .editing(settings.edits.into())
        .transcode(Decoding, settings.transcode.clone())
        .lineage(move || carried.lineage());
    if let Some(jukebox) = jukebox {
        builder = jukebox.controlled_at(builder);
    }
    for name in &settings.allowed_hosts {
        builder = builder.allow_host(name);
    }
    for network in &settings.trusted_networks {
        builder = builder.trust(*network);
    }
    if let Some(password) = &settings.password {
        builder = builder.password(password.reveal());
    }
    let bound = builder.bind(&settings.listen).await.inspect(|server| {
        if let Some(jukebox) = jukebox {
            jukebox.log_in_at(server.handle());
        }
    });
    bound.map_err(|error| {
        let remedy = match error.cause.kind() {
            io::ErrorKind::AddrInUse => "another program has the port: stop it, or give another with --listen ADDR:PORT",
            io::ErrorKind::AddrNotAvailable => "this machine does not have the address; [::]:PORT means all it has",
            io::ErrorKind::PermissionDenied => "ports below 1024 are for the administrator; give a higher one with --listen ADDR:PORT",
            _ => "give another address with --listen ADDR:PORT",
        };
        anyhow::Error::new(error).context(format!("cannot share here: {remedy}"))
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
