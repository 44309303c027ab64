//! Kinds of services, and what a share says about itself in its TXT record.

use std::fmt;

use crate::name;

/// The port of a share that does not say otherwise (registered with IANA as `daap`).
pub const DEFAULT_PORT: u16 = 3689;

/// The bit of `Media Kinds Shared` that stands for music.
pub(crate) const MEDIA_KIND_MUSIC: u32 = 1;

/// The longest string in a TXT record: its length is one byte (RFC 6763 section 6.1).
const TXT_STRING_MAX: usize = 255;

/// A kind of service that can be announced and found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind(&'static str);

impl Kind {
    /// A music share: `_daap._tcp`.
    pub const DAAP: Self = Self("_daap._tcp.local.");

    /// Type and domain with the final dot, such as `_daap._tcp.local.`.
    pub(crate) const fn domain(self) -> &'static str {
        self.0
    }

    /// The instance name within a full name of this kind, as in `Jo's music._daap._tcp.local.`.
    pub(crate) fn instance_of(self, full_name: &str) -> Option<&str> {
        let split = full_name.len().checked_sub(self.0.len())?;
        let (instance, kind) = full_name.split_at_checked(split)?;
        kind.eq_ignore_ascii_case(self.0).then(|| instance.strip_suffix('.')).flatten()
    }
}

/// Without the domain: `_daap._tcp`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.trim_end_matches(".local."))
    }
}

/// A protocol version as DAAP packs it into one number: 196620 is 3.0.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The upper sixteen bits.
    pub major: u16,
    /// The eight bits below.
    pub minor: u8,
    /// The lowest eight bits.
    pub patch: u8,
}

impl Version {
    /// The version of DAAP that we announce, as iTunes 10 does.
    pub const DAAP: Self = Self { major: 3, minor: 0, patch: 12 };
    /// The version of music sharing (`iTSh`) that we announce.
    pub const MUSIC_SHARING: Self = Self { major: 3, minor: 0, patch: 12 };
    /// The version of DMAP that we announce.
    pub const DMAP: Self = Self { major: 2, minor: 0, patch: 10 };

    /// The version in this word.
    #[must_use]
    pub const fn from_word(word: u32) -> Self {
        let [high, low, minor, patch] = word.to_be_bytes();
        Self { major: u16::from_be_bytes([high, low]), minor, patch }
    }

    /// The word for this version.
    #[must_use]
    pub const fn word(self) -> u32 {
        let [high, low] = self.major.to_be_bytes();
        u32::from_be_bytes([high, low, self.minor, self.patch])
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The form in which iTunes announces a machine: twelve upper-case hexadecimal digits, like a MAC address.
#[must_use]
pub fn machine_id(id: u64) -> String {
    format!("{:012X}", id & 0xFFFF_FFFF_FFFF)
}

/// The form in which iTunes announces a database: sixteen upper-case hexadecimal digits of its persistent id.
#[must_use]
pub fn database_id(persistent_id: u64) -> String {
    format!("{persistent_id:016X}")
}

/// What a share says about itself. Everything may be missing in what others announce.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ShareTxt {
    /// Whether a password is asked for. iTunes 12.1 ignores a share that does not say.
    pub password: Option<bool>,
    /// The name to show; libdmapsharing shows it rather than the instance name.
    pub machine_name: Option<String>,
    /// The machine, see [`machine_id`].
    pub machine_id: Option<String>,
    /// The database, see [`database_id`].
    pub database_id: Option<String>,
    /// The version of DAAP.
    pub version: Option<Version>,
    /// The version of music sharing.
    pub music_sharing: Option<Version>,
    /// What is shared, as a set of bits: 1 is music.
    pub media_kinds: Option<u32>,
    /// The version of DMAP.
    pub dmap: Option<Version>,
}

impl ShareTxt {
    /// Keys and values in the order in which they are announced. Each pair fits a TXT string.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let word = |version: Option<Version>| version.map(|v| v.word().to_string());
        let fields = [
            (key::TXT_VERSION, Some("1".to_owned())),
            (key::PASSWORD, self.password.map(|yes| u8::from(yes).to_string())),
            (key::MACHINE_NAME, self.machine_name.clone()),
            (key::MACHINE_ID, self.machine_id.clone()),
            (key::DATABASE_ID, self.database_id.clone()),
            (key::VERSION, word(self.version)),
            (key::MUSIC_SHARING, word(self.music_sharing)),
            (key::MEDIA_KINDS, self.media_kinds.map(|kinds| kinds.to_string())),
            (key::DMAP, word(self.dmap)),
        ];
        let fits =
            |key: &str, value: &str| name::cut(value, TXT_STRING_MAX - key.len() - 1).to_owned();
        fields.into_iter().filter_map(|(key, value)| Some((key, fits(key, &value?)))).collect()
    }

    /// Reads what someone announces. Keys are compared without regard to case, the first of two wins, and
    /// what cannot be read counts as missing.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut txt = Self::default();
        for (key, value) in pairs {
            txt.read(key, &String::from_utf8_lossy(value));
        }
        txt
    }

    fn read(&mut self, key: &str, value: &str) {
        let text = || (!value.is_empty()).then(|| value.to_owned());
        let version = || value.parse().ok().map(Version::from_word);
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        if is(key::PASSWORD) {
            self.password = self.password.or_else(|| flag(value));
        } else if is(key::MACHINE_NAME) {
            self.machine_name = self.machine_name.take().or_else(text);
        } else if is(key::MACHINE_ID) {
            self.machine_id = self.machine_id.take().or_else(text);
        } else if is(key::DATABASE_ID) {
            self.database_id = self.database_id.take().or_else(text);
        } else if is(key::VERSION) {
            self.version = self.version.or_else(version);
        } else if is(key::MUSIC_SHARING) {
            self.music_sharing = self.music_sharing.or_else(version);
        } else if is(key::MEDIA_KINDS) {
            self.media_kinds = self.media_kinds.or_else(|| value.parse().ok());
        } else if is(key::DMAP) {
            self.dmap = self.dmap.or_else(version);
        }
    }
}

/// iTunes writes 0 and 1, owntone and libdmapsharing write false and true; libdmapsharing's browser reads
/// whatever begins like one of them, and so do we.
fn flag(value: &str) -> Option<bool> {
    match value.trim_start().as_bytes().first()?.to_ascii_lowercase() {
        b'1' | b't' | b'y' => Some(true),
        b'0' | b'f' | b'n' => Some(false),
        _ => None,
    }
}

/// The keys of the TXT record, spelled as iTunes spells them.
mod key {
    pub(super) const TXT_VERSION: &str = "txtvers";
    pub(super) const PASSWORD: &str = "Password";
    pub(super) const MACHINE_NAME: &str = "Machine Name";
    pub(super) const MACHINE_ID: &str = "Machine ID";
    pub(super) const DATABASE_ID: &str = "Database ID";
    pub(super) const VERSION: &str = "Version";
    pub(super) const MUSIC_SHARING: &str = "iTSh Version";
    pub(super) const MEDIA_KINDS: &str = "Media Kinds Shared";
    pub(super) const DMAP: &str = "dmv";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ours() -> ShareTxt {
        ShareTxt {
            password: Some(false),
            machine_name: Some("Jo's music".into()),
            machine_id: Some(machine_id(0x1_0000_5E00_5312)),
            database_id: Some(database_id(0xAB)),
            version: Some(Version::DAAP),
            music_sharing: Some(Version::MUSIC_SHARING),
            media_kinds: Some(1),
            dmap: Some(Version::DMAP),
        }
    }

    #[track_caller]
    fn check(pairs: &[(&str, &str)], expected: &ShareTxt) {
        assert_eq!(&ShareTxt::parse(pairs.iter().map(|(k, v)| (*k, v.as_bytes()))), expected);
    }

    #[test]
    fn a_share_is_announced_in_the_order_that_clients_know() {
        let expected = [
            ("txtvers", "1"),
            ("Password", "0"),
            ("Machine Name", "Jo's music"),
            ("Machine ID", "00005E005312"),
            ("Database ID", "00000000000000AB"),
            ("Version", "196620"),
            ("iTSh Version", "196620"),
            ("Media Kinds Shared", "1"),
            ("dmv", "131082"),
        ];
        assert_eq!(ours().pairs(), expected.map(|(key, value)| (key, value.to_owned())));
    }

    #[test]
    fn passwords_are_read_in_every_spelling_seen() {
        let password = |said| ShareTxt { password: said, ..ShareTxt::default() };
        check(&[("Password", "1")], &password(Some(true))); // iTunes, forked-daapd, jolivia
        check(&[("Password", "0")], &password(Some(false)));
        check(&[("Password", "true")], &password(Some(true))); // owntone, libdmapsharing
        check(&[("Password", "false")], &password(Some(false)));
        check(&[("password", "True")], &password(Some(true)));
        check(&[("Password", "")], &password(None));
        check(&[], &password(None));
    }

    #[test]
    fn what_cannot_be_read_counts_as_missing_and_the_first_of_two_wins() {
        let expected = ShareTxt {
            version: Some(Version { major: 3, minor: 0, patch: 2 }),
            machine_name: Some("OwnTone".into()),
            ..ShareTxt::default()
        };
        check(
            &[
                ("Version", "three"),
                ("Version", "196610"),
                ("Version", "131073"),
                ("Machine Name", "OwnTone"),
                ("Machine Name", "Other"),
                ("ffid", "19017628"),
            ],
            &expected,
        );
    }

    #[test]
    fn versions_are_three_numbers_in_one() {
        assert_eq!(Version::from_word(196_610).to_string(), "3.0.2");
        assert_eq!(Version::from_word(131_073).to_string(), "2.0.1");
        assert_eq!(Version::DAAP.word(), 196_620);
        assert_eq!(Version::DMAP.word(), 131_082);
    }

    #[test]
    fn the_instance_is_what_stands_before_the_kind() {
        let instance = |full| Kind::DAAP.instance_of(full);
        assert_eq!(instance("Vol. 1._daap._tcp.local."), Some("Vol. 1"));
        assert_eq!(instance("x._DAAP._tcp.local."), Some("x"));
        assert_eq!(instance("x._http._tcp.local."), None);
        assert_eq!(instance("_daap._tcp.local."), None);
        assert_eq!(instance("ünicode"), None);
        assert_eq!(Kind::DAAP.to_string(), "_daap._tcp");
    }

    proptest! {
        #[test]
        fn every_pair_fits_a_txt_string(name in ".*") {
            let txt = ShareTxt { machine_name: Some(name.repeat(9)), ..ours() };
            for (key, value) in txt.pairs() {
                prop_assert!(key.len() + 1 + value.len() <= TXT_STRING_MAX);
            }
        }

        #[test]
        fn what_is_announced_is_read_back(name in "\\PC{1,50}", word: u32, password: bool) {
            let txt = ShareTxt {
                machine_name: Some(name),
                version: Some(Version::from_word(word)),
                password: Some(password),
                ..ours()
            };
            let pairs = txt.pairs();
            prop_assert_eq!(ShareTxt::parse(pairs.iter().map(|(k, v)| (*k, v.as_bytes()))), txt);
        }
    }
}
