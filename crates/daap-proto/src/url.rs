//! `daap://` URLs: a share, or something in it.
//!
//! iTunes has `daap://host:port/` for a share. dapple lets the path name what is in it, in words that survive a
//! rescan.

use core::net::Ipv6Addr;
use std::fmt;
use std::str::FromStr;

use daap_model::PersistentId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The port of DAAP.
pub const DEFAULT_PORT: u16 = 3689;

/// The port of a web page that names none.
const HTTP_PORT: u16 = 80;

/// A share on the network and what of it is meant.
///
/// ```
/// use daap_proto::{ShareTarget, ShareUrl};
///
/// let url: ShareUrl = "daap://Living%20room/albums/Wings/Band%20on%20the%20Run".parse()?;
/// assert_eq!((url.host.as_str(), url.port), ("Living room", None));
/// assert_eq!(
///     url.target,
///     ShareTarget::Album { artist: "Wings".into(), name: "Band on the Run".into() },
/// );
/// # Ok::<(), daap_proto::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShareUrl {
    /// A host name, an address (IPv6 without brackets, and with its zone: `fe80::1%eth0`), or the name under which
    /// the share is announced.
    pub host: String,
    /// The port, if one is named; [`DEFAULT_PORT`] otherwise, or what is announced.
    pub port: Option<u16>,
    /// What of the share is meant.
    pub target: ShareTarget,
}

/// What of a share is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ShareTarget {
    /// All of it.
    Share,
    /// A playlist, by name.
    Playlist(String),
    /// An artist, by name.
    Artist(String),
    /// An album of an artist, by their names.
    Album {
        /// The artist it is filed under.
        artist: String,
        /// Its name.
        name: String,
    },
    /// A song, by its id for ever.
    Song(PersistentId),
    /// What a search finds.
    Search(String),
}

/// Why a text is no URL of a share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It does not begin with `daap://`.
    #[error("a share's URL begins with daap://")]
    Scheme,
    /// It names no host.
    #[error("no host is named")]
    NoHost,
    /// The port is no number from 1 to 65535.
    #[error("{0:?} is no port")]
    Port(String),
    /// An address in brackets is not IPv6.
    #[error("{0:?} is no IPv6 address")]
    Address(String),
    /// The path is none of those that name something.
    #[error("/{0} names nothing in a share")]
    Path(String),
}

impl FromStr for ShareUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("daap") => Self::after_scheme(rest),
            _ => Err(UrlError::Scheme),
        }
    }
}

impl ShareUrl {
    /// Reads what a person types to name a share: its URL; that of its web page, `http://host:port/`; or just `host`,
    /// `host:port`, an address, or the name under which it is announced, with spaces and all.
    ///
    /// ```
    /// use daap_proto::ShareUrl;
    ///
    /// let url = ShareUrl::typed("Anna's music")?;
    /// assert_eq!((url.host.as_str(), url.port), ("Anna's music", None));
    /// let url = ShareUrl::typed("[fe80::1%eth0]:3690")?;
    /// assert_eq!(url.to_string(), "daap://[fe80::1%25eth0]:3690/");
    /// # Ok::<(), daap_proto::UrlError>(())
    /// ```
    ///
    /// # Errors
    /// It names no host, or what stands in the place of a port or a path is none.
    pub fn typed(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if let Some((scheme, rest)) = text.split_once("://") {
            if scheme.eq_ignore_ascii_case("http") {
                let url = Self::after_scheme(rest)?;
                return Ok(Self { port: url.port.or(Some(HTTP_PORT)), ..url });
            }
            return text.parse();
        }
        let text = text.strip_suffix('/').unwrap_or(text);
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let (host, port) = match (address(text), text.rsplit_once(':')) {
            (Some(address), _) => (address, None),
            _ if text.starts_with('[') => split_authority(text)?,
            (_, Some((host, number))) if is_number(number) => (host.into(), Some(port(number)?)),
            _ => (text.into(), None),
        };
        match host.is_empty() {
            true => Err(UrlError::NoHost),
            false => Ok(Self { host, port, target: ShareTarget::Share }),
        }
    }

    /// What follows `daap://`.
    fn after_scheme(text: &str) -> Result<Self, UrlError> {
        let (authority, path) = text.split_once('/').unwrap_or((text, ""));
        let (host, port) = split_authority(authority)?;
        Ok(Self { host, port, target: ShareTarget::parse(path)? })
    }
}

impl fmt::Display for ShareUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match split_zone(&self.host) {
            Some((address, "")) => write!(f, "daap://[{address}]")?,
            Some((address, zone)) => write!(f, "daap://[{address}%25{}]", word(zone))?,
            None => write!(f, "daap://{}", word(&self.host))?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.target)
    }
}

/// Host and port, as URLs have them.
fn split_authority(authority: &str) -> Result<(String, Option<u16>), UrlError> {
    if let Some((inner, after)) = authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
        let host = address(inner).ok_or_else(|| UrlError::Address(inner.to_owned()))?;
        return match after.strip_prefix(':') {
            Some(number) => Ok((host, Some(port(number)?))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(UrlError::Port(after.to_owned())),
        };
    }
    let (host, number) = match authority.rsplit_once(':') {
        Some((host, number)) => (host, Some(port(number)?)),
        None => (authority, None),
    };
    match decode(host) {
        host if host.is_empty() => Err(UrlError::NoHost),
        host => Ok((host, number)),
    }
}

/// An IPv6 address, perhaps with a zone, as a [`ShareUrl`] has it. In URLs the percent sign is written `%25`
/// (RFC 6874), by people it is not.
fn address(text: &str) -> Option<String> {
    let (address, zone) = split_zone(text)?;
    let zone = zone.strip_prefix("25").filter(|rest| !rest.is_empty()).unwrap_or(zone);
    Some(match zone {
        "" => address.to_string(),
        zone => format!("{address}%{}", decode(zone)),
    })
}

/// An IPv6 address and its zone, which may be empty.
fn split_zone(text: &str) -> Option<(Ipv6Addr, &str)> {
    let (address, zone) = text.split_once('%').unwrap_or((text, ""));
    Some((address.parse().ok()?, zone))
}

fn port(text: &str) -> Result<u16, UrlError> {
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok());
    number.flatten().filter(|port| *port != 0).ok_or_else(|| UrlError::Port(text.to_owned()))
}

impl ShareTarget {
    fn parse(path: &str) -> Result<Self, UrlError> {
        let unknown = || UrlError::Path(path.to_owned());
        let (what, rest) = path.split_once('/').unwrap_or((path, ""));
        if what.is_empty() && rest.is_empty() {
            return Ok(Self::Share);
        }
        let name = Some(decode(rest)).filter(|name| !name.is_empty());
        Ok(match (what, name) {
            ("playlists", Some(name)) => Self::Playlist(name),
            ("artists", Some(name)) => Self::Artist(name),
            ("search", Some(text)) => Self::Search(text),
            ("albums", Some(_)) => {
                let (artist, name) = rest.split_once('/').ok_or_else(unknown)?;
                Self::Album { artist: decode(artist), name: decode(name) }
            }
            ("songs", Some(digits)) if digits.len() == 16 && !digits.starts_with('+') => {
                let number = u64::from_str_radix(&digits, 16).map_err(|_| unknown())?;
                Self::Song(PersistentId::new(number))
            }
            _ => return Err(unknown()),
        })
    }
}

/// The path of a URL, without the slash before it.
impl fmt::Display for ShareTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share => Ok(()),
            Self::Playlist(name) => write!(f, "playlists/{}", word(name)),
            Self::Artist(name) => write!(f, "artists/{}", word(name)),
            Self::Album { artist, name } => write!(f, "albums/{}/{}", word(artist), word(name)),
            Self::Song(id) => write!(f, "songs/{id}"),
            Self::Search(text) => write!(f, "search/{}", word(text)),
        }
    }
}

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn word(text: &str) -> percent_encoding::PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, host: &str, port: Option<u16>, target: ShareTarget) {
        assert_eq!(text.parse(), Ok(ShareUrl { host: host.into(), port, target }));
    }

    #[track_caller]
    fn refuse(text: &str, expected: UrlError) {
        assert_eq!(text.parse::<ShareUrl>(), Err(expected));
    }

    #[test]
    fn a_share_is_a_host_a_port_and_perhaps_a_slash() {
        check("daap://host", "host", None, ShareTarget::Share);
        check("DAAP://host:3690/", "host", Some(3690), ShareTarget::Share);
        check("daap://192.168.1.2:1/", "192.168.1.2", Some(1), ShareTarget::Share);
        check("daap://[fe80::1]:3689/", "fe80::1", Some(3689), ShareTarget::Share);
        check("daap://[::1]", "::1", None, ShareTarget::Share);
        check("daap://Caf%C3%A9%3A%20Music/", "Café: Music", None, ShareTarget::Share);
    }

    #[test]
    fn a_path_names_what_is_in_it() {
        let check = |path: &str, target| check(&format!("daap://h/{path}"), "h", None, target);
        check("playlists/Road%20trip", ShareTarget::Playlist("Road trip".into()));
        check("artists/AC%2FDC", ShareTarget::Artist("AC/DC".into()));
        check("artists/AC/DC", ShareTarget::Artist("AC/DC".into()));
        let album = |artist: &str, name: &str| ShareTarget::Album {
            artist: artist.into(),
            name: name.into(),
        };
        check("albums/AC%2FDC/Back", album("AC/DC", "Back"));
        check("albums//Untitled", album("", "Untitled"));
        let song = ShareTarget::Song(PersistentId::new(0x0123_4567_89AB_CDEF));
        check("songs/0123456789abcdef", song);
        check("search/love+me", ShareTarget::Search("love+me".into()));
    }

    #[test]
    fn what_is_no_url_of_a_share_is_refused() {
        refuse("http://host/", UrlError::Scheme);
        refuse("daap:", UrlError::Scheme);
        refuse("daap://", UrlError::NoHost);
        refuse("daap:///artists/x", UrlError::NoHost);
        refuse("daap://h:0/", UrlError::Port("0".into()));
        refuse("daap://h:65536/", UrlError::Port("65536".into()));
        refuse("daap://h:+1/", UrlError::Port("+1".into()));
        refuse("daap://[::1]3689/", UrlError::Port("3689".into()));
        refuse("daap://[host]/", UrlError::Address("host".into()));
        refuse("daap://h/videos/x", UrlError::Path("videos/x".into()));
        refuse("daap://h/artists/", UrlError::Path("artists/".into()));
        refuse("daap://h/albums/x", UrlError::Path("albums/x".into()));
        refuse("daap://h/songs/12", UrlError::Path("songs/12".into()));
    }

    #[track_caller]
    fn check_typed(text: &str, host: &str, port: Option<u16>) {
        let target = ShareTarget::Share;
        assert_eq!(ShareUrl::typed(text), Ok(ShareUrl { host: host.into(), port, target }));
    }

    #[test]
    fn what_people_type_for_a_share_is_understood() {
        check_typed("nas", "nas", None);
        check_typed("nas.local:3690", "nas.local", Some(3690));
        check_typed(" 192.168.1.2/\n", "192.168.1.2", None);
        check_typed("192.168.1.2:3690", "192.168.1.2", Some(3690));
        check_typed("::1", "::1", None);
        check_typed("[::1]", "::1", None);
        check_typed("[::1]:3689", "::1", Some(3689));
        check_typed("daap://nas:3690/", "nas", Some(3690));
        check_typed("DAAP://Living%20room", "Living room", None);
        check_typed("http://127.0.0.1:3689/", "127.0.0.1", Some(3689));
        check_typed("http://nas/", "nas", Some(80));
        check_typed("Anna's music", "Anna's music", None);
        check_typed("AC/DC: 100% live", "AC/DC: 100% live", None);
        check_typed("日本:3690", "日本", Some(3690));
        let jet = ShareUrl::typed("http://nas:3689/artists/Wings").unwrap();
        assert_eq!(jet.target, ShareTarget::Artist("Wings".into()));
    }

    #[test]
    fn what_nobody_can_mean_is_refused() {
        for (text, error) in [
            ("", UrlError::NoHost),
            (" / ", UrlError::NoHost),
            (":3689", UrlError::NoHost),
            ("http://", UrlError::NoHost),
            ("ftp://nas/", UrlError::Scheme),
            ("nas:99999", UrlError::Port("99999".into())),
            ("nas:0", UrlError::Port("0".into())),
            ("[nas]:1", UrlError::Address("nas".into())),
            ("[::1]x", UrlError::Port("x".into())),
        ] {
            assert_eq!(ShareUrl::typed(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn an_address_keeps_its_zone() {
        for text in ["fe80::1%eth0", "fe80::1%25eth0", "[fe80::1%eth0]", "daap://[fe80::1%25eth0]/"]
        {
            let url = ShareUrl::typed(text).unwrap();
            assert_eq!(url.host, "fe80::1%eth0", "{text}");
            assert_eq!(url.to_string(), "daap://[fe80::1%25eth0]/", "{text}");
        }
        // The zone with the number 25.
        check_typed("fe80::1%25", "fe80::1%25", None);
        check_typed("daap://[fe80::1%2525]:1/", "fe80::1%25", Some(1));
    }

    proptest! {
        #[test]
        fn a_url_survives_its_text(
            host in prop_oneof![".{1,12}", "(fe80)?::[1-9a-f]{1,4}(%[a-z0-9]{1,6})?"],
            port in proptest::option::of(1_u16..),
            target in prop_oneof![
                Just(ShareTarget::Share),
                ".{1,12}".prop_map(ShareTarget::Playlist),
                ".{1,12}".prop_map(ShareTarget::Artist),
                (".{0,12}", ".{0,12}").prop_map(|(artist, name)| ShareTarget::Album { artist, name }),
                any::<u64>().prop_map(|id| ShareTarget::Song(PersistentId::new(id))),
                ".{1,12}".prop_map(ShareTarget::Search),
            ],
        ) {
            let url = ShareUrl { host, port, target };
            prop_assert_eq!(ShareUrl::typed(&url.to_string()), Ok(url.clone()));
            prop_assert_eq!(url.to_string().parse(), Ok(url));
        }

        #[test]
        fn whatever_is_typed_is_read_without_panic(text in "[a:/\\[\\]%0-9. é]{0,16}|.{0,16}") {
            if let Ok(url) = ShareUrl::typed(&text) {
                prop_assert_eq!(ShareUrl::typed(&url.to_string()), Ok(url));
            }
        }
    }
}
