//! What services say about themselves in their TXT records.

mod dacp;
mod share;
mod speaker;

use std::fmt;

use serde::{Serialize, Serializer};

pub use dacp::{RemoteTxt, SenderTxt, ServerTxt, sender_instance};
pub(crate) use share::MEDIA_KIND_MUSIC;
pub use share::{ShareTxt, database_id, machine_id};
pub use speaker::SpeakerTxt;
pub(crate) use speaker::speaker_name;

use crate::name;

/// The longest string in a TXT record: its length is one byte (RFC 6763 section 6.1).
const TXT_STRING_MAX: usize = 255;

/// The version of the record itself, which begins all of them, and is 1.
const TXT_VERSION: &str = "txtvers";

/// The keys and values of a TXT record that is to be announced: those that are known, cut to what fits.
fn announced(
    fields: impl IntoIterator<Item = (&'static str, Option<String>)>,
) -> Vec<(&'static str, String)> {
    let fits = |key: &str, value: &str| name::cut(value, TXT_STRING_MAX - key.len() - 1).to_owned();
    fields.into_iter().filter_map(|(key, value)| Some((key, fits(key, &value?)))).collect()
}

/// The keys and values of a TXT record, as they came. Nothing in it can be relied on.
pub(crate) struct Pairs<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> FromIterator<(&'a str, &'a [u8])> for Pairs<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a [u8])>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl Pairs<'_> {
    /// The first value of `key` that can be read. Keys are compared without regard to case, as RFC 6763
    /// section 6.4 says.
    fn find<T>(&self, key: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let values = self.0.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        values.into_iter().find_map(|(_, value)| read(&String::from_utf8_lossy(value)))
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
    /// The version of DACP that a server announces, as owntone does.
    pub const DACP: Self = Self { major: 2, minor: 0, patch: 1 };
    /// The version of DACP that a sender announces, as iTunes 12 and owntone do.
    pub const DACP_SENDER: Self = Self { major: 2, minor: 0, patch: 5 };
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

/// As it is displayed.
impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that is there.
fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn number<T: std::str::FromStr>(value: &str) -> Option<T> {
    value.trim().parse().ok()
}

fn word(version: Option<Version>) -> Option<String> {
    version.map(|version| version.word().to_string())
}

fn version(value: &str) -> Option<Version> {
    number(value).map(Version::from_word)
}

/// Hexadecimal digits, after `0x` or without.
fn hexadecimal(value: &str) -> Option<u64> {
    let digits = value.trim();
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(digits);
    u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
}

/// An id as hexadecimal digits: many who read JSON keep but 53 bits of a number.
fn as_hexadecimal<S: Serializer>(id: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    id.map(|id| format!("{id:X}")).serialize(serializer)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers_in_one() {
        assert_eq!(Version::from_word(196_610).to_string(), "3.0.2");
        assert_eq!(Version::from_word(131_073).to_string(), "2.0.1");
        assert_eq!(Version::DAAP.word(), 196_620);
        assert_eq!(Version::DMAP.word(), 131_082);
    }

    #[test]
    fn hexadecimal_numbers_are_read_in_every_spelling_seen() {
        let table = [
            ("0x4", Some(4)),
            ("0XaF", Some(0xAF)),
            ("3C69B5CF12DBA52C", Some(0x3C69_B5CF_12DB_A52C)),
            ("", None),
            ("0x", None),
            ("+4", None),
            ("13C69B5CF12DBA52C", None),
        ];
        for (value, expected) in table {
            assert_eq!(hexadecimal(value), expected, "{value}");
        }
    }
}
