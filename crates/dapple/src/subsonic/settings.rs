//! Which Subsonic servers are followed, and how.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use source_subsonic::{Login, Pins, Transcoding};
use url::Url;

use crate::config;
use crate::password::{self, Given, Secret};

/// Where a password can come from.
const WAYS: &str = "put it into DAPPLE_SUBSONIC_PASSWORD, into a file that DAPPLE_SUBSONIC_PASSWORD_FILE names, or into a \
    section [[subsonic]] of the configuration file";
/// How often a server may be looked at, and how seldom, in minutes.
const SYNC_MINUTES: RangeInclusive<u64> = 1..=7 * 24 * 60;
/// Of how many kbit/s MP3 can be.
const MP3_KBPS: RangeInclusive<u16> = 32..=320;

/// A server as the configuration file names it. Every key but `url` is optional.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Section {
    /// Its address; the name of the user can be in it.
    url: String,
    /// The user.
    user: Option<String>,
    /// The user's password.
    password: Option<Secret>,
    /// A file that holds the password.
    password_file: Option<PathBuf>,
    /// A key that stands for user and password.
    api_key: Option<Secret>,
    /// A file that holds the key.
    api_key_file: Option<PathBuf>,
    /// Name of its database.
    name: Option<String>,
    /// Name of a share of its own.
    share: Option<String>,
    /// Where that listens.
    listen: Option<String>,
    /// Whether its songs are in the first database as well.
    in_library: bool,
    /// Whether plays, ratings and stars are written to it.
    writes: bool,
    /// How often it is looked at for changes.
    sync_minutes: Option<u64>,
    /// Which songs it is to send as MP3.
    transcode: AsMp3,
    /// Of how many kbit/s those are at most.
    mp3_kbps: Option<u16>,
    /// The songs that are fetched ahead and stay.
    pins: PinsSection,
    /// A file with certificates to trust, as PEM.
    certificate: Option<PathBuf>,
}

/// The songs of a server that are fetched ahead and stay.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PinsSection {
    /// Those with a star.
    starred: bool,
    /// Those in these playlists.
    playlists: Vec<String>,
}

/// Which songs a server is to send as MP3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AsMp3 {
    /// None.
    #[default]
    Off,
    /// Those that neither clients nor we can play.
    Unsupported,
    /// All.
    All,
}

impl From<AsMp3> for Transcoding {
    fn from(songs: AsMp3) -> Self {
        match songs {
            AsMp3::Off => Self::Off,
            AsMp3::Unsupported => Self::Unsupported,
            AsMp3::All => Self::All,
        }
    }
}

impl Section {
    /// A server at this address, with all as it is by default.
    pub(crate) fn at(url: String) -> Self {
        Self { url, ..Self::default() }
    }

    /// Whether a password or a key is in it.
    pub(crate) fn holds_secret(&self) -> bool {
        self.password.is_some() || self.api_key.is_some()
    }
}

/// What was decided of one server.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Its address, with the user in it if there is one.
    url: Url,
    access: Access,
    /// Name of its database.
    pub(super) name: String,
    pub(super) own_share: Option<OwnShare>,
    pub(super) in_library: bool,
    pub(super) writes: bool,
    /// `None` is as often as is usual.
    pub(super) every: Option<Duration>,
    pub(super) transcoding: Transcoding,
    /// `None` is as much as is usual.
    pub(super) mp3_kbps: Option<u16>,
    pub(super) pins: Pins,
    /// Certificates to trust, as PEM.
    pub(super) certificates: Vec<u8>,
}

/// A share that is one database alone.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OwnShare {
    pub(super) name: String,
    /// Where it listens; `None` is a free port.
    pub(super) listen: Option<SocketAddr>,
}

/// How to get in.
#[derive(Clone, Debug, PartialEq)]
enum Access {
    Login(Login),
    /// The password of this user has to be asked for.
    Ask(String),
}

/// Makes what the user named into servers to follow. Where no password comes with one, it is `password`.
pub(crate) fn resolve(
    named: Vec<Section>,
    password: Option<&Secret>,
) -> anyhow::Result<Vec<Settings>> {
    let mut servers: Vec<Settings> = Vec::new();
    for section in named {
        let server = Settings::resolve(section, password)?;
        if servers.iter().any(|other| other.url == server.url) {
            bail!("{} is named twice", server.url);
        }
        servers.push(server);
    }
    Ok(servers)
}

/// The password of servers that come without one.
pub(crate) fn password_of_all(file: Option<PathBuf>) -> anyhow::Result<Option<Secret>> {
    let (variable, variable_file) = password::environment("DAPPLE_SUBSONIC_PASSWORD");
    let given = password::first([
        ("the command line", None, file),
        ("the environment", variable, variable_file),
    ])?;
    password::read_own(given)
}

impl Settings {
    fn resolve(section: Section, password: Option<&Secret>) -> anyhow::Result<Self> {
        let mut url = address(&section.url)?;
        if let Some(user) = &section.user {
            url.set_username(user).map_err(|()| not_an_address(&section.url))?;
        }
        let place = format!("the section of {url}");
        let own_share = own_share(&place, section.share, section.listen)?;
        let own = (section.password, section.password_file);
        let key = (section.api_key, section.api_key_file);
        let access = access(&url, &place, own, key, password)?;
        let certificates = section.certificate.map_or_else(
            || Ok(Vec::new()),
            |path| {
                std::fs::read(&path)
                    .with_context(|| format!("cannot read the certificate {}", path.display()))
            },
        )?;
        let minutes = section
            .sync_minutes
            .map(|minutes| minutes.clamp(*SYNC_MINUTES.start(), *SYNC_MINUTES.end()));
        let PinsSection { starred, playlists } = section.pins;
        Ok(Self {
            access,
            name: section.name.unwrap_or_else(|| host(&url).to_owned()),
            own_share,
            in_library: section.in_library,
            writes: section.writes,
            every: minutes.map(|minutes| Duration::from_secs(minutes * 60)),
            transcoding: section.transcode.into(),
            mp3_kbps: section.mp3_kbps.map(|kbps| kbps.clamp(*MP3_KBPS.start(), *MP3_KBPS.end())),
            pins: Pins { starred, playlists },
            certificates,
            url,
        })
    }

    /// By what the library knows it again: its address, and who we are there.
    pub(crate) fn key(&self) -> &str {
        self.url.as_str()
    }

    /// By what it knows us. A password that was not given is asked for.
    pub(super) fn login(&self) -> anyhow::Result<Login> {
        match &self.access {
            Access::Login(login) => Ok(login.clone()),
            Access::Ask(user) => {
                let password = ask(user, host(&self.url))?;
                Ok(Login::Password { user: user.clone(), password })
            }
        }
    }
}

/// The address of a server, as it is written in one way only.
fn address(text: &str) -> anyhow::Result<Url> {
    let mut url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.as_mut().filter(|url| url.has_host()).ok_or_else(|| not_an_address(text))?;
    if url.password().is_some() {
        bail!(
            "the address of {} has a password in it, which other users of this machine could see: {WAYS}",
            host(url)
        );
    }
    url.set_query(None);
    url.set_fragment(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("");
    }
    Ok(url.clone())
}

/// What is behind an `@` is all that is shown: a password may be before it.
fn not_an_address(text: &str) -> anyhow::Error {
    let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
    anyhow::anyhow!(
        "`{shown}` is not the address of a Subsonic server; one is like https://user@music.local/"
    )
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

fn own_share(
    place: &str,
    name: Option<String>,
    listen: Option<String>,
) -> anyhow::Result<Option<OwnShare>> {
    let listen = listen.map(|address| config::address(&address)).transpose()?;
    match (name, listen) {
        (Some(name), listen) => Ok(Some(OwnShare { name, listen })),
        (None, Some(_)) => bail!("{place} has `listen`, which is for a `share` of its own"),
        (None, None) => Ok(None),
    }
}

/// How to get in to the server at this address, with what its section has of passwords and keys.
fn access(
    url: &Url,
    place: &str,
    (own, own_file): Given,
    (key, key_file): Given,
    password: Option<&Secret>,
) -> anyhow::Result<Access> {
    let has_password = own.is_some() || own_file.is_some();
    let own = password::read_own(password::first([(place, own, own_file)])?)?;
    let key = password::read_own(password::first([(place, key, key_file)])?)?;
    if let Some(key) = key {
        if has_password {
            bail!("{place} has both a password and an API key; keep one");
        }
        return Ok(Access::Login(Login::ApiKey(key.reveal().to_owned())));
    }
    let user = percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
    if user.is_empty() {
        bail!(
            "who are you at {url}? Say it in the address, as https://USER@{}/, or with `user`",
            host(url)
        );
    }
    Ok(match own.as_ref().or(password) {
        Some(password) => {
            Access::Login(Login::Password { user, password: password.reveal().to_owned() })
        }
        None => Access::Ask(user),
    })
}

/// Asks for a password at the terminal.
fn ask(user: &str, host: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        bail!("the password of {user} at {host} is not known: {WAYS}");
    }
    rpassword::prompt_password(format!("Password of {user} at {host}: "))
        .with_context(|| format!("cannot ask for the password; {WAYS}"))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn sections(file: &str) -> Vec<Section> {
        #[derive(Deserialize)]
        struct File {
            subsonic: Vec<Section>,
        }
        toml::from_str::<File>(file).unwrap().subsonic
    }

    fn at(url: &str) -> Vec<Section> {
        vec![Section::at(url.to_owned())]
    }

    fn of_all() -> Secret {
        "all".to_owned().into()
    }

    /// The key and name of the servers, and how to get in, where `all` is the password that comes without a place.
    fn resolved(named: Vec<Section>) -> Vec<(String, String, Access)> {
        let servers = resolve(named, Some(&of_all())).unwrap().into_iter();
        servers.map(|it| (it.url.to_string(), it.name, it.access)).collect()
    }

    fn login(user: &str, password: &str) -> Access {
        Access::Login(Login::Password { user: user.into(), password: password.into() })
    }

    #[track_caller]
    fn check_refused(named: Vec<Section>, expected: &str) {
        let error = format!("{:#}", resolve(named, None).unwrap_err());
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("sesame"), "{error}");
    }

    #[test]
    fn an_address_and_a_password_are_enough() {
        let named = at("https://joe@Music.local/sub?x#y");
        let expected = ("https://joe@music.local/sub/".into(), "music.local".into());
        let access = |password: Option<Secret>| {
            let server = resolve(named.clone(), password.as_ref()).unwrap().remove(0);
            ((server.url.to_string(), server.name), server.access)
        };
        assert_eq!(access(Some(of_all())), (expected.clone(), login("joe", "all")));
        assert_eq!(access(None), (expected, Access::Ask("joe".into())));
    }

    #[test]
    fn a_section_has_its_own_user_password_and_name() {
        let file = "[[subsonic]]\nurl = 'http://nas:4533'\nuser = 'j e'\npassword = 'own'\nname = 'Attic'\n\
            [[subsonic]]\nurl = 'http://nas:4533'\napi_key = 'k'\n";
        assert_eq!(
            resolved(sections(file)),
            [
                ("http://j%20e@nas:4533/".into(), "Attic".into(), login("j e", "own")),
                ("http://nas:4533/".into(), "nas".into(), Access::Login(Login::ApiKey("k".into()))),
            ]
        );
    }

    #[test]
    fn a_file_with_a_password_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "sesame\n").unwrap();
        let section =
            |key| sections(&format!("[[subsonic]]\nurl = 'http://joe@nas'\n{key} = {path:?}\n"));
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        for key in ["password_file", "api_key_file"] {
            check_refused(section(key), &format!("chmod 600 {}", path.display()));
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(resolved(section("password_file"))[0].2, login("joe", "sesame"));
        let key = Access::Login(Login::ApiKey("sesame".into()));
        assert_eq!(resolved(section("api_key_file"))[0].2, key);
    }

    #[test]
    fn what_cannot_be_followed_is_refused_with_what_to_do() {
        check_refused(at("https://joe:sesame@nas/"), "DAPPLE_SUBSONIC_PASSWORD_FILE");
        check_refused(at("joe:sesame@nas"), "`nas` is not the address");
        check_refused(at("https://nas/"), "https://USER@nas/");
        check_refused(at(""), "is not the address");
        check_refused([at("https://joe@nas"), at("https://joe@nas/")].concat(), "twice");
        let both =
            "[[subsonic]]\nurl = 'http://joe@nas'\npassword = 'sesame'\napi_key = 'sesame'\n";
        check_refused(sections(both), "keep one");
        let certificate = "[[subsonic]]\nurl = 'http://joe@nas'\npassword = 'sesame'\ncertificate = '/no/ca.pem'\n";
        check_refused(sections(certificate), "/no/ca.pem");
    }

    #[test]
    fn a_section_says_what_else_is_wanted() {
        let file = "[[subsonic]]\nurl = 'http://joe@nas'\nwrites = true\nsync_minutes = 0\nin_library = true\n\
            share = 'Attic'\nlisten = '[::]:3690'\ntranscode = 'unsupported'\nmp3_kbps = 1\n\
            pins = { starred = true, playlists = ['Party'] }\n";
        let server = resolve(sections(file), None).unwrap().remove(0);
        assert!(server.writes && server.in_library);
        let listen = Some("[::]:3690".parse().unwrap());
        assert_eq!(server.own_share, Some(OwnShare { name: "Attic".into(), listen }));
        assert_eq!((server.transcoding, server.mp3_kbps), (Transcoding::Unsupported, Some(32)));
        assert_eq!(server.every, Some(Duration::from_secs(60)));
        assert_eq!(server.pins, Pins { starred: true, playlists: vec!["Party".into()] });
    }
}
