//! What the user asked for, from four places: a flag wins over the environment, that over the file, and
//! that over the default.
//!
//! Flags and environment are read by clap ([`crate::cli`]); this module reads the file and fills what they
//! left open. The file is TOML.

mod keys;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use daap_server::Editing;
use etcetera::BaseStrategy;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use crate::file;
use crate::password::Secret;
use crate::shares::Named;
use crate::subsonic::Section;

/// The port that is registered for DAAP.
pub(crate) const DAAP_PORT: u16 = 3689;

/// The configuration file. Every key is optional and has a flag of the same name, but for those that only
/// the file has because nobody would type them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    /// Folders to share.
    pub(crate) folders: Vec<PathBuf>,
    /// Shares of other servers to republish.
    pub(crate) shares: Vec<Named>,
    /// Subsonic servers to follow.
    pub(crate) subsonic: Vec<Section>,
    /// Name of the share.
    pub(crate) name: Option<String>,
    /// Addresses to listen on.
    pub(crate) listen: Vec<String>,
    /// Password of the share.
    pub(crate) password: Option<Secret>,
    /// A file that holds the password.
    pub(crate) password_file: Option<PathBuf>,
    /// Where the database and the artwork cache are.
    pub(crate) data: Option<PathBuf>,
    /// Whether to announce the share.
    pub(crate) advertise: Option<bool>,
    /// Announce IPv4 addresses only.
    pub(crate) ipv4_only: Option<bool>,
    /// Who may change playlists.
    pub(crate) edits: Option<Edits>,
    /// Where to play.
    pub(crate) outputs: Vec<String>,
    /// Whether to count what players on other machines play to its end.
    pub(crate) count_streams: Option<bool>,
    /// For how many seconds a song fades into the next.
    pub(crate) cross_fade_s: Option<u64>,
    /// Whether songs are played as loud as each other.
    pub(crate) replay_gain: Option<ReplayGain>,
    /// Whether to measure how loud songs are whose tags do not say it.
    pub(crate) measure_loudness: Option<bool>,
    /// How loud outputs are at first, from 0 to 100.
    pub(crate) volume: Option<u8>,
    /// When clients get songs as WAV files.
    pub(crate) transcode: Option<Transcode>,
    /// The same for some clients, by how their names begin.
    pub(crate) transcode_clients: BTreeMap<String, Transcode>,
    /// How much to log.
    pub(crate) log: Option<String>,
    /// Networks beyond the local ones that may list and stream, as `ADDRESS/BITS`.
    pub(crate) trusted_networks: Vec<String>,
    /// Host names by which browsers may call the server.
    pub(crate) allowed_hosts: Vec<String>,
    /// Limit of the artwork cache in MiB.
    pub(crate) artwork_cache_mb: Option<u64>,
    /// Limit of the cache of other servers' songs in MiB.
    pub(crate) share_cache_mb: Option<u64>,
    /// Limit of the cache of Subsonic servers' pictures in MiB.
    pub(crate) subsonic_artwork_cache_mb: Option<u64>,
    /// How often a folder that cannot be watched is looked through, in minutes.
    pub(crate) sweep_minutes: Option<u64>,
    /// How long songs of a folder that is missing stay listed, in days.
    pub(crate) grace_days: Option<u64>,
}

/// Who may make and change playlists from a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Edits {
    /// Nobody
    Nobody,
    /// Programs on this machine
    #[default]
    Machine,
    /// Everyone on the local network
    Network,
}

/// When clients get songs as WAV files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Transcode {
    /// Never
    Never,
    /// Where they cannot play what a song is
    #[default]
    AsNeeded,
    /// Always, where a song can be decoded
    Always,
}

impl From<Transcode> for daap_server::Transcode {
    fn from(transcode: Transcode) -> Self {
        match transcode {
            Transcode::Never => Self::Never,
            Transcode::AsNeeded => Self::AsNeeded,
            Transcode::Always => Self::Always,
        }
    }
}

impl From<Edits> for Editing {
    fn from(edits: Edits) -> Self {
        match edits {
            Edits::Nobody => Self::Nobody,
            Edits::Machine => Self::ThisMachine,
            Edits::Network => Self::LocalNetwork,
        }
    }
}

/// What is played as loud as what else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReplayGain {
    /// Songs are played as they are.
    #[default]
    Off,
    /// Each song as loud as other songs.
    Song,
    /// Each album as loud as other albums; its songs keep what is between them.
    Album,
}

impl File {
    /// Reads the file at `path`, or at the platform's place where `None`; there it may be missing.
    pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let (path, required) = match path {
            Some(path) => (path.to_owned(), true),
            None => match config_folder() {
                Some(folder) => (folder.join("config.toml"), false),
                None => return Ok(Self::default()),
            },
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let file = Self::parse(&text).with_context(|| format!("in {}", path.display()))?;
        if file.subsonic.iter().any(Section::holds_secret) {
            file::refuse_unless_secret(&path)?;
        }
        Ok(file)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let told = |error| keys::told(text, &error);
        let table = DeTable::parse(text).map_err(told)?;
        let table = table.get_ref();
        keys::check::<Self>(table, text)?;
        if let Some(DeValue::Array(sections)) = table.get("subsonic").map(|found| found.get_ref()) {
            for section in sections.iter().filter_map(|section| section.get_ref().as_table()) {
                keys::check::<Section>(section, text)?;
            }
        }
        toml::from_str(text).map_err(told)
    }
}

/// An address to listen on, as users write it.
pub(crate) fn address(text: &str) -> anyhow::Result<SocketAddr> {
    text.parse().with_context(|| {
        format!(
            "`{text}` is no address to listen on; one is like 192.168.1.2:{DAAP_PORT}, or [::]:{DAAP_PORT} for all"
        )
    })
}

fn config_folder() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.config_dir().join("dapple"))
}

/// The platform's data folder for dapple.
pub(crate) fn data_folder() -> anyhow::Result<PathBuf> {
    let base = etcetera::choose_base_strategy()
        .context("no home folder is known; say where to keep the library, with --data DIR")?;
    Ok(base.data_dir().join("dapple"))
}

/// The user's Music folder: where the desktop says it is, else `Music` in the home folder.
pub(crate) fn music_folder() -> anyhow::Result<PathBuf> {
    let base = etcetera::choose_base_strategy()
        .context("no home folder is known; name a folder to share")?;
    let named = std::fs::read_to_string(base.config_dir().join("user-dirs.dirs"))
        .ok()
        .and_then(|dirs| xdg_music(&dirs, base.home_dir()));
    Ok(named.unwrap_or_else(|| base.home_dir().join("Music")))
}

/// `XDG_MUSIC_DIR` of a `user-dirs.dirs` file, whose values are absolute or begin with `$HOME`.
fn xdg_music(dirs: &str, home: &Path) -> Option<PathBuf> {
    let value = dirs.lines().find_map(|line| line.trim().strip_prefix("XDG_MUSIC_DIR="))?;
    let value = value.trim().trim_matches('"');
    match value.strip_prefix("$HOME") {
        Some(rest) => Some(home.join(rest.trim_start_matches('/'))),
        None => Some(PathBuf::from(value)).filter(|path| path.is_absolute()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_read() {
        let file = File::parse(
            "folders = ['/music', '/more']\nname = \"Ann\"\nlisten = ['[::]:3689']\nadvertise = false\n",
        )
        .unwrap();
        assert_eq!(file.folders, [PathBuf::from("/music"), "/more".into()]);
        assert_eq!(file.name.as_deref(), Some("Ann"));
        assert_eq!(file.advertise, Some(false));
    }

    #[test]
    fn a_share_is_a_url_or_a_url_with_a_password() {
        let shares = "['daap://nas/', { url = 'daap://attic/', password = 'sesame' }]";
        assert_eq!(File::parse(&format!("shares = {shares}")).unwrap().shares.len(), 2);
        let wrong = "[{ url = 'daap://attic/', pasword = 'sesame' }]";
        assert!(File::parse(&format!("shares = {wrong}")).is_err());
    }

    #[test]
    fn a_file_with_the_password_of_a_subsonic_server_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let read = |text: &str, mode| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            File::read(Some(&path)).map(|file| file.subsonic.len())
        };
        for key in ["password", "api_key"] {
            let text = format!("[[subsonic]]\nurl = 'https://joe@nas/'\n{key} = 'sesame'\n");
            assert_eq!(read(&text, 0o600).unwrap(), 1);
            let error = read(&text, 0o644).unwrap_err().to_string();
            assert!(error.contains("chmod 600 ") && !error.contains("sesame"), "{error}");
        }
        let text = "[[subsonic]]\nurl = 'https://joe@nas/'\npassword_file = '/joe'\n";
        assert_eq!(read(text, 0o644).unwrap(), 1);
    }

    #[test]
    fn clients_can_have_a_setting_of_their_own() {
        let file =
            "transcode = 'always'\ntranscode_clients = { Roku = 'never', VLC = 'as-needed' }\n";
        let file = File::parse(file).unwrap();
        assert_eq!(file.transcode, Some(Transcode::Always));
        assert_eq!(file.transcode_clients["Roku"], Transcode::Never);
        assert_eq!(file.transcode_clients["VLC"], Transcode::AsNeeded);
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(File::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
        check_error(
            "name = 'x'\n\npasword = 'y'\n",
            "line 3: there is no key `pasword`; did you mean `password`?",
        );
        check_error(
            "[[subsonic]]\nurl = 'https://nas'\npasword = 'y'\n",
            "line 3: there is no key `pasword`; did you mean `password`?",
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_without_what_is_in_it() {
        check_error(
            "name = 'x'\nadvertise = 'no'\n",
            "line 2: invalid type: string \"no\", expected a boolean",
        );
        check_error("password = 1234\n", "line 1: a password is text, in quotes");
        for text in ["\npassword = 'hun'ter'", "\nshares = [{ url = 'x', pasword = 'hunter' }]"] {
            let error = File::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("line 2: ") && !error.contains("hun"), "{error}");
        }
    }

    #[test]
    fn the_desktops_music_folder_is_found() {
        let home = Path::new("/home/ann");
        let table = [
            ("XDG_MUSIC_DIR=\"$HOME/Musik\"\n", Some("/home/ann/Musik")),
            ("# x\nXDG_MUSIC_DIR=\"/srv/music\"\n", Some("/srv/music")),
            ("XDG_MUSIC_DIR=\"music\"\n", None),
            ("XDG_DOWNLOAD_DIR=\"$HOME/x\"\n", None),
        ];
        for (dirs, expected) in table {
            assert_eq!(xdg_music(dirs, home), expected.map(PathBuf::from), "{dirs}");
        }
    }
}
