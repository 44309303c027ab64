//! `dapple serve`: where the parts are put together. Read it to see what the program is made of.

mod servers;
mod settings;

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use discovery::{Interfaces, database_id};
use disk_cache::DiskCache;
use library::Library;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use source_daap::Carried;
use source_folder::{FolderConfig, FolderSource, Gallery, GalleryConfig};
use store::Store;
use tokio::signal::unix::{SignalKind, signal};

use self::servers::Plan;
use super::Outcome;
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
    let plan = Plan { settings, library, carried };
    let servers = plan.listen(jukebox.as_ref(), connections).await?;
    let stop = stop_signal();
    servers.tell(out)?;
    let folders = settings.folders.len();
    let measuring = settings.measure_loudness.then(|| Measuring::start(library.clone(), folders));
    let measuring = measuring.transpose().context("cannot start the thread that measures songs")?;
    servers.run(stop).await;
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

/// Opens what earlier runs left, and starts to look at folders and other servers; tells also whose songs there are, and
/// the connections to Subsonic servers.
async fn open_library(settings: &Settings) -> anyhow::Result<(Library, Carried, Connections)> {
    let mut store = open_store(&settings.data)?;
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

/// What is kept of the library in the data folder, which is made if need be.
fn open_store(data: &Path) -> anyhow::Result<Store> {
    std::fs::create_dir_all(data).with_context(|| {
        format!("cannot make the data folder {}; name another with --data DIR", data.display())
    })?;
    Store::open(&data.join("library.db")).map_err(|error| {
        let remedy = error.remedy();
        anyhow::Error::new(error).context(format!("cannot open the library: {remedy}"))
    })
}

/// Waits for SIGINT or SIGTERM, from now on. A second one ends the program at once.
fn stop_signal() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
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
