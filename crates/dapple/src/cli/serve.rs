//! `dapple serve`: where the parts are put together. Read it to see what the program is made of.

use std::io::{self, Write};
use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use daap::Announcing;
use daap_server::{Network, Server, TranscodeRules};
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
use crate::config::{Edits, Transcode};
use crate::jukebox::{self, Jukebox};
use crate::loudness::Measuring;
use crate::remotes::{self, Desk, Guests};
use crate::share::password_of;
use crate::shares::{self, Named, Republished};
use crate::terminal::{self, Progress};
use crate::{config, machine, password};

/// The port that is registered for DAAP.
pub(super) const DAAP_PORT: u16 = 3689;
/// So many files may be open at once, if the system lets us: each connection is one, each song that plays
/// another. Linux gives 1024 to who does not ask for more.
const OPEN_FILES: u64 = 16 * 1024;

/// Share folders of music.
///
/// Scans the folders, announces the share on the local network, and follows every change in them until it
/// is stopped. What clients see is kept in the data folder, so a restart is quick and ids stay.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    /// Folders to share [default: your Music folder, unless there is a --share]
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Share of another server to republish, as a database of its own; repeatable
    #[arg(long = "share", value_name = "URL", env = "DAPPLE_SHARES", value_delimiter = ',')]
    shares: Vec<String>,
    /// Read the password of those shares from the first line of a file [env: DAPPLE_SHARE_PASSWORD_FILE]
    #[arg(long, value_name = "FILE")]
    share_password_file: Option<PathBuf>,
    /// Name of the share [default: "HOST's music"]
    #[arg(long, env = "DAPPLE_NAME")]
    name: Option<String>,
    /// Address to listen on; repeatable; port 0 takes a free one [default: port 3689 of all]
    #[arg(long, value_name = "ADDR:PORT", env = "DAPPLE_LISTEN", value_delimiter = ',')]
    listen: Vec<String>,
    /// Password of the share; other users of this machine can see it, so prefer --password-file
    /// [env: DAPPLE_PASSWORD]
    #[arg(long, value_name = "PW")]
    password: Option<String>,
    /// Read the password from the first line of a file [env: DAPPLE_PASSWORD_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
    /// Keep database and artwork cache here [default: the platform's data folder]
    #[arg(long, value_name = "DIR", env = "DAPPLE_DATA")]
    data: Option<PathBuf>,
    /// Configuration file [default: dapple/config.toml in the platform's configuration folder]
    #[arg(long, value_name = "FILE", env = "DAPPLE_CONFIG")]
    config: Option<PathBuf>,
    /// Do not announce the share by mDNS
    #[arg(long, env = "DAPPLE_NO_ADVERTISE", value_parser = clap::builder::FalseyValueParser::new())]
    no_advertise: bool,
    /// Announce IPv4 addresses only
    #[arg(long, env = "DAPPLE_IPV4_ONLY", value_parser = clap::builder::FalseyValueParser::new())]
    ipv4_only: bool,
    /// Who may make and change playlists from a client [default: machine]
    #[arg(long, value_name = "WHO", env = "DAPPLE_EDITS")]
    edits: Option<Edits>,
    /// Where to play what Remotes want: local (this machine's sound), null, file:PATH (raw PCM: s16le, 44.1 kHz, stereo),
    /// or none at all; repeatable [default: local]
    #[arg(long = "output", value_name = "SPEC", env = "DAPPLE_OUTPUTS", value_delimiter = ',')]
    outputs: Vec<String>,
    /// Measure how loud songs are whose tags do not say it, a little at a time
    #[arg(long, env = "DAPPLE_MEASURE_LOUDNESS", value_parser = clap::builder::FalseyValueParser::new())]
    measure_loudness: bool,
    /// When clients get songs as WAV files [default: as-needed]
    #[arg(long, value_name = "WHEN", env = "DAPPLE_TRANSCODE")]
    transcode: Option<Transcode>,
    /// How much to log: error, warn, info, debug, or a filter as RUST_LOG has it [default: warn]
    #[arg(long, value_name = "LEVEL", env = "DAPPLE_LOG")]
    log: Option<String>,
}

/// Everything decided: flags, environment, file and defaults are one.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) folders: Vec<PathBuf>,
    shares: Vec<Republished>,
    pub(super) name: String,
    pub(super) listen: Vec<SocketAddr>,
    password: Option<String>,
    pub(super) data: PathBuf,
    pub(super) advertise: bool,
    ipv4_only: bool,
    edits: Edits,
    transcode: TranscodeRules,
    trusted_networks: Vec<Network>,
    allowed_hosts: Vec<String>,
    artwork_cache_bytes: u64,
    share_cache_bytes: u64,
    sweep: Duration,
    grace: Duration,
    measure_loudness: bool,
    /// `None` if there is no player.
    jukebox: Option<jukebox::Settings>,
    log: Option<String>,
}

impl Settings {
    pub(super) fn resolve(args: Args) -> anyhow::Result<Self> {
        let file = config::File::read(args.config.as_deref())?;
        let jukebox = jukebox::Settings::resolve(args.outputs, &file)?;
        let shares = match args.shares.is_empty() {
            true => file.shares,
            false => args.shares.into_iter().map(Named::Url).collect(),
        };
        let folders = match folders(args.folders, file.folders) {
            folders if folders.is_empty() && shares.is_empty() => vec![config::music_folder()?],
            folders => folders,
        };
        let share_password = password_of((None, args.share_password_file))?;
        let listen = if args.listen.is_empty() { file.listen } else { args.listen };
        let password_file = std::env::var_os("DAPPLE_PASSWORD_FILE").map(PathBuf::from);
        let password = password::first([
            ("the command line", args.password, args.password_file),
            ("the environment", std::env::var("DAPPLE_PASSWORD").ok(), password_file),
            ("the file", file.password, file.password_file),
        ])?;
        Ok(Self {
            folders,
            shares: shares::resolve(shares, share_password.as_deref())?,
            name: args.name.or(file.name).unwrap_or_else(default_name),
            listen: addresses(&listen)?,
            password: password::read(password)?,
            data: args.data.or(file.data).map_or_else(config::data_folder, Ok)?,
            advertise: !args.no_advertise && file.advertise.unwrap_or(true),
            ipv4_only: args.ipv4_only || file.ipv4_only.unwrap_or(false),
            edits: args.edits.or(file.edits).unwrap_or_default(),
            transcode: TranscodeRules {
                clients: file
                    .transcode_clients
                    .into_iter()
                    .map(|(name, when)| (name, when.into()))
                    .collect(),
                others: args.transcode.or(file.transcode).unwrap_or_default().into(),
            },
            trusted_networks: networks(&file.trusted_networks)?,
            allowed_hosts: file.allowed_hosts,
            artwork_cache_bytes: file.artwork_cache_mb.unwrap_or(256).saturating_mul(1 << 20),
            share_cache_bytes: file.share_cache_mb.unwrap_or(1024).saturating_mul(1 << 20),
            sweep: Duration::from_secs(file.sweep_minutes.unwrap_or(5).clamp(1, 24 * 60) * 60),
            grace: Duration::from_secs(file.grace_days.unwrap_or(30).min(36_500) * 24 * 60 * 60),
            measure_loudness: args.measure_loudness || file.measure_loudness.unwrap_or(false),
            jukebox,
            log: args.log.or(file.log),
        })
    }
}

/// The folders that are named first: by the command line, the environment or the file.
fn folders(command_line: Vec<PathBuf>, file: Vec<PathBuf>) -> Vec<PathBuf> {
    let environment = std::env::var_os("DAPPLE_FOLDERS");
    let environment =
        environment.map_or_else(Vec::new, |folders| std::env::split_paths(&folders).collect());
    let named = [command_line, environment, file].into_iter();
    named.into_iter().find(|folders| !folders.is_empty()).unwrap_or_default()
}

fn addresses(texts: &[String]) -> anyhow::Result<Vec<SocketAddr>> {
    if texts.is_empty() {
        return Ok(vec![(Ipv6Addr::UNSPECIFIED, DAAP_PORT).into()]);
    }
    let parse = |text: &String| {
        text.parse().with_context(|| {
            format!("`{text}` is no address to listen on; one is like 192.168.1.2:{DAAP_PORT}, or [::]:{DAAP_PORT} for all")
        })
    };
    texts.iter().map(parse).collect()
}

fn networks(texts: &[String]) -> anyhow::Result<Vec<Network>> {
    let parse =
        |text: &String| text.parse().with_context(|| format!("in trusted_networks: `{text}`"));
    texts.iter().map(parse).collect()
}

/// "ann-pc's music", after the host's name up to its first dot.
fn default_name() -> String {
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    let host = host.split('.').next().unwrap_or_default();
    if host.is_empty() { "My music".to_owned() } else { format!("{host}'s music") }
}

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
    pictures.cache_limit = settings.artwork_cache_bytes;
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
    let songs = settings.data.join("songs");
    let songs = DiskCache::new(songs, settings.share_cache_bytes);
    builder = shares::add(builder, &settings.shares, &carried, &songs);
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
        builder = builder.password(password);
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
    fn addresses_are_checked_before_anything_is_opened() {
        assert_eq!(addresses(&[]).unwrap(), ["[::]:3689".parse().unwrap()]);
        assert_eq!(addresses(&["127.0.0.1:0".into()]).unwrap(), ["127.0.0.1:0".parse().unwrap()]);
        let error = addresses(&["localhost".into()]).unwrap_err().to_string();
        assert!(error.contains("[::]:3689"), "{error}");
    }

    #[test]
    fn as_many_files_may_be_open_as_the_system_lets_us() {
        allow_open_files();
        let limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
        assert!(limit.current.is_none_or(|now| now >= wanted));
    }

    #[test]
    fn with_a_share_and_no_folder_there_is_the_share_alone() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        let resolve = |file: &str, shares: &[&str]| {
            std::fs::write(&config, file).unwrap();
            let shares = shares.iter().map(ToString::to_string).collect();
            let (data, config) = (Some(folder.path().into()), Some(config.clone()));
            let settings = Settings::resolve(Args { shares, data, config, ..Args::default() });
            let settings = settings.unwrap();
            (settings.folders, settings.shares.len())
        };
        assert_eq!(resolve("", &["nas"]), (vec![], 1));
        assert_eq!(resolve("shares = ['nas', 'attic']", &[]), (vec![], 2));
        assert_eq!(resolve("shares = ['nas', 'attic']", &["cellar"]), (vec![], 1));
        assert_eq!(resolve("folders = ['/music']", &["nas"]), (vec!["/music".into()], 1));
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        std::fs::write(&config, "name = 'file'\npassword = 'secret'\nadvertise = false\n").unwrap();
        let args = Args {
            folders: vec!["/music".into()],
            name: Some("flag".into()),
            data: Some(folder.path().into()),
            config: Some(config),
            ..Args::default()
        };
        let settings = Settings::resolve(args).unwrap();
        assert_eq!(
            (settings.name.as_str(), settings.password.as_deref()),
            ("flag", Some("secret"))
        );
        assert!(!settings.advertise);
    }
}
