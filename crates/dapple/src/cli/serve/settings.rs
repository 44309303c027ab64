//! What `dapple serve` was asked for: flags, environment and file, made into one.

use std::collections::BTreeMap;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use daap_server::{Network, TranscodeRules};

use crate::config::{self, DAAP_PORT, Edits, File, Transcode};
use crate::jukebox;
use crate::password::{self, Given, Secret};
use crate::share::password_of;
use crate::shares::{self, Named, Republished};
use crate::subsonic::{self, Section};

/// Share folders of music.
///
/// Scans the folders, announces the share on the local network, and follows every change in them until it
/// is stopped. What clients see is kept in the data folder, so a restart is quick and ids stay.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    /// Folders to share [default: your Music folder, unless there is a --share or --subsonic]
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Share of another server to republish, as a database of its own; repeatable
    #[arg(long = "share", value_name = "URL", env = "DAPPLE_SHARES", value_delimiter = ',')]
    shares: Vec<String>,
    /// Read the password of those shares from the first line of a file [env: DAPPLE_SHARE_PASSWORD_FILE]
    #[arg(long, value_name = "FILE")]
    share_password_file: Option<PathBuf>,
    /// Subsonic server to follow, as a database of its own, as https://USER@HOST/; repeatable. The password is asked for,
    /// or comes from DAPPLE_SUBSONIC_PASSWORD
    #[arg(
        long,
        value_name = "URL",
        env = "DAPPLE_SUBSONIC",
        hide_env_values = true,
        value_delimiter = ','
    )]
    subsonic: Vec<String>,
    /// Read the password of those servers from the first line of a file [env: DAPPLE_SUBSONIC_PASSWORD_FILE]
    #[arg(long, value_name = "FILE")]
    subsonic_password_file: Option<PathBuf>,
    /// Name of the share [default: "HOST's music"]
    #[arg(long, env = "DAPPLE_NAME")]
    name: Option<String>,
    /// Address to listen on; repeatable; port 0 takes a free one [default: port 3689 of all]
    #[arg(long, value_name = "ADDR:PORT", env = "DAPPLE_LISTEN", value_delimiter = ',')]
    listen: Vec<String>,
    /// Password of the share; other users of this machine can see it, so prefer --password-file
    /// [env: DAPPLE_PASSWORD]
    #[arg(long, value_name = "PW")]
    password: Option<Secret>,
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
    /// Count the songs that players on other machines play to their end, as far as that can be told
    #[arg(long, env = "DAPPLE_COUNT_STREAMS", value_parser = clap::builder::FalseyValueParser::new())]
    count_streams: bool,
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
pub(in crate::cli) struct Settings {
    pub(in crate::cli) folders: Vec<PathBuf>,
    pub(super) shares: Vec<Republished>,
    pub(super) subsonic: Vec<subsonic::Settings>,
    pub(in crate::cli) name: String,
    pub(in crate::cli) listen: Vec<SocketAddr>,
    pub(super) password: Option<Secret>,
    pub(in crate::cli) data: PathBuf,
    pub(in crate::cli) advertise: bool,
    pub(super) ipv4_only: bool,
    pub(super) edits: Edits,
    pub(super) count_streams: bool,
    pub(super) transcode: TranscodeRules,
    pub(super) trusted_networks: Vec<Network>,
    pub(super) allowed_hosts: Vec<String>,
    pub(super) caches: CacheLimits,
    pub(super) sweep: Duration,
    pub(super) grace: Duration,
    pub(super) measure_loudness: bool,
    /// `None` if there is no player.
    pub(super) jukebox: Option<jukebox::Settings>,
    pub(super) log: Option<String>,
}

/// How many bytes each cache may take.
#[derive(Debug)]
pub(super) struct CacheLimits {
    /// Pictures of songs in folders.
    pub(super) artwork: u64,
    /// Songs of other servers.
    pub(super) songs: u64,
    /// Pictures of Subsonic servers.
    pub(super) subsonic_artwork: u64,
}

impl Settings {
    pub(in crate::cli) fn resolve(args: Args) -> anyhow::Result<Self> {
        let file = File::read(args.config.as_deref())?;
        let caches = CacheLimits::resolve(&file);
        let jukebox = jukebox::Settings::resolve(args.outputs, &file)?;
        let transcode = transcoding(args.transcode, file.transcode, file.transcode_clients);
        let shares = first_named(args.shares.into_iter().map(Named::Url), file.shares);
        let share_password = password_of((None, args.share_password_file))?;
        let servers = first_named(args.subsonic.into_iter().map(Section::at), file.subsonic);
        let subsonic_password = subsonic::password_of_all(args.subsonic_password_file)?;
        let listen = if args.listen.is_empty() { file.listen } else { args.listen };
        let is_alone = shares.is_empty() && servers.is_empty();
        let (flags, in_file) =
            ((args.password, args.password_file), (file.password, file.password_file));
        Ok(Self {
            folders: folders(args.folders, file.folders, is_alone)?,
            shares: shares::resolve(shares, share_password.as_ref())?,
            subsonic: subsonic::resolve(servers, subsonic_password.as_ref())?,
            name: args.name.or(file.name).unwrap_or_else(default_name),
            listen: addresses(&listen)?,
            password: password_of_share(flags, in_file)?,
            data: args.data.or(file.data).map_or_else(config::data_folder, Ok)?,
            advertise: !args.no_advertise && file.advertise.unwrap_or(true),
            ipv4_only: args.ipv4_only || file.ipv4_only.unwrap_or(false),
            edits: args.edits.or(file.edits).unwrap_or_default(),
            count_streams: args.count_streams || file.count_streams.unwrap_or(false),
            transcode,
            trusted_networks: networks(&file.trusted_networks)?,
            allowed_hosts: file.allowed_hosts,
            caches,
            sweep: Duration::from_secs(file.sweep_minutes.unwrap_or(5).clamp(1, 24 * 60) * 60),
            grace: Duration::from_secs(file.grace_days.unwrap_or(30).min(36_500) * 24 * 60 * 60),
            measure_loudness: args.measure_loudness || file.measure_loudness.unwrap_or(false),
            jukebox,
            log: args.log.or(file.log),
        })
    }
}

impl CacheLimits {
    fn resolve(file: &File) -> Self {
        let bytes = |megabytes: u64| megabytes.saturating_mul(1 << 20);
        Self {
            artwork: bytes(file.artwork_cache_mb.unwrap_or(256)),
            songs: bytes(file.share_cache_mb.unwrap_or(1024)),
            subsonic_artwork: bytes(file.subsonic_artwork_cache_mb.unwrap_or(256)),
        }
    }
}

/// What the command line or the environment names, or else the file.
fn first_named<T>(named: impl Iterator<Item = T>, file: Vec<T>) -> Vec<T> {
    let named: Vec<T> = named.collect();
    if named.is_empty() { file } else { named }
}

fn transcoding(
    flag: Option<Transcode>,
    file: Option<Transcode>,
    clients: BTreeMap<String, Transcode>,
) -> TranscodeRules {
    TranscodeRules {
        clients: clients.into_iter().map(|(name, when)| (name, when.into())).collect(),
        others: flag.or(file).unwrap_or_default().into(),
    }
}

/// The folders that are named first: by the command line, the environment or the file. If there are none, and no other
/// music is shared, it is the Music folder.
fn folders(
    command_line: Vec<PathBuf>,
    file: Vec<PathBuf>,
    is_alone: bool,
) -> anyhow::Result<Vec<PathBuf>> {
    let environment = std::env::var_os("DAPPLE_FOLDERS");
    let environment =
        environment.map_or_else(Vec::new, |folders| std::env::split_paths(&folders).collect());
    let named = [command_line, environment, file].into_iter();
    let named = named.into_iter().find(|folders| !folders.is_empty());
    named.map_or_else(|| is_alone.then(config::music_folder).into_iter().collect(), Ok)
}

/// The password of the share, as the place says that comes first.
fn password_of_share(
    (flag, flag_file): Given,
    (file, file_file): Given,
) -> anyhow::Result<Option<Secret>> {
    let (variable, variable_file) = password::environment("DAPPLE_PASSWORD");
    let given = password::first([
        ("the command line", flag, flag_file),
        ("the environment", variable, variable_file),
        ("the file", file, file_file),
    ])?;
    password::read(given)
}

fn addresses(texts: &[String]) -> anyhow::Result<Vec<SocketAddr>> {
    if texts.is_empty() {
        return Ok(vec![(Ipv6Addr::UNSPECIFIED, DAAP_PORT).into()]);
    }
    texts.iter().map(|text| config::address(text)).collect()
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
    fn subsonic_servers_are_those_of_the_command_line_or_else_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        std::fs::write(&config, "[[subsonic]]\nurl = 'http://joe@attic/'\n").unwrap();
        let resolve = |servers: &[&str]| {
            let subsonic = servers.iter().map(ToString::to_string).collect();
            let (data, config) = (Some(folder.path().into()), Some(config.clone()));
            let args = Args { subsonic, data, config, ..Args::default() };
            let settings = Settings::resolve(args).unwrap();
            assert_eq!(settings.folders, Vec::<PathBuf>::new());
            settings.subsonic.iter().map(|server| server.key().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(resolve(&[]), ["http://joe@attic/"]);
        let named = ["https://ann@nas/", "https://joe@nas/"];
        assert_eq!(resolve(&named), named);
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
            (settings.name.as_str(), settings.password.as_ref().map(Secret::reveal)),
            ("flag", Some("secret"))
        );
        assert!(!settings.advertise);
    }
}
