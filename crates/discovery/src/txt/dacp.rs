//! The services of remote control: servers, Remotes that want to pair, and those who send to speakers.

use serde::Serialize;

use super::{Pairs, TXT_VERSION, Version, announced, hexadecimal, number, text, version, word};

/// The longest salt that is believed. Remotes send sixteen digits, pyatv sometimes fewer.
const PAIR_MAX: usize = 64;

/// What comes before the id in the instance name of a sender. Some speakers find nobody without it.
const SENDER_PREFIX: &str = "iTunes_Ctrl_";

/// What else owntone announces as a server and as a sender. Nobody is known to read it, but with just these pairs
/// Apple's Remote of today and the speakers that it was tried with take it for iTunes.
const SERVER_SOFTWARE: (&str, &str) = ("DvSv", "2306");
const SERVER_SIGNATURE: (&str, &str) = ("OSsi", "0x1F5");
const SENDER_SIGNATURE: (&str, &str) = ("OSsi", "0x2012E");

/// The name under which a sender is announced that tells speakers this `DACP-ID`.
#[must_use]
pub fn sender_instance(dacp_id: u64) -> String {
    format!("{SENDER_PREFIX}{dacp_id:016X}")
}

/// What a server that a Remote can control says about itself. Everything may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct ServerTxt {
    /// The name of the library (`CtlN`), which Remotes show.
    pub name: Option<String>,
    /// The database (`DbId`), in hexadecimal digits.
    pub database_id: Option<String>,
    /// What it is (`DvTy`): `iTunes`, `AppleTV`, or the name of a program.
    pub device_type: Option<String>,
    /// The version of DACP (`Ver`).
    pub version: Option<Version>,
}

impl ServerTxt {
    /// Keys and values in the order in which owntone announces them. Each pair fits a TXT string.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let fixed = |(key, value): (_, &str)| (key, Some(value.to_owned()));
        announced([
            fixed((TXT_VERSION, "1")),
            ("DbId", self.database_id.clone()),
            ("DvTy", self.device_type.clone()),
            fixed(SERVER_SOFTWARE),
            ("Ver", word(self.version)),
            fixed(SERVER_SIGNATURE),
            ("CtlN", self.name.clone()),
        ])
    }

    pub(crate) fn parse(pairs: &Pairs<'_>) -> Self {
        Self {
            name: pairs.find("CtlN", text),
            database_id: pairs.find("DbId", text),
            device_type: pairs.find("DvTy", text),
            version: pairs.find("Ver", version),
        }
    }
}

/// What a Remote that waits to be paired says about itself. Everything may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct RemoteTxt {
    /// The name of the device (`DvNm`), which its owner knows.
    pub device_name: Option<String>,
    /// What it is (`DvTy`), such as `iPhone`.
    pub device_type: Option<String>,
    /// The program (`RemN`): `Remote`, or `Android Remote`.
    pub program: Option<String>,
    /// The version of the pairing protocol (`RemV`), 10000 so far.
    pub version: Option<u32>,
    /// With what the code that the Remote shows is hashed (`Pair`): hexadecimal digits, in the Remote's
    /// spelling, which is what counts.
    pub pair: Option<String>,
}

impl RemoteTxt {
    /// Keys and values in the order in which an iPod announces them. Each pair fits a TXT string.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        announced([
            ("DvNm", self.device_name.clone()),
            ("RemV", self.version.map(|version| version.to_string())),
            ("DvTy", self.device_type.clone()),
            ("RemN", self.program.clone()),
            (TXT_VERSION, Some("1".to_owned())),
            ("Pair", self.pair.clone()),
        ])
    }

    pub(crate) fn parse(pairs: &Pairs<'_>) -> Self {
        Self {
            device_name: pairs.find("DvNm", text),
            device_type: pairs.find("DvTy", text),
            program: pairs.find("RemN", text),
            version: pairs.find("RemV", number),
            pair: pairs.find("Pair", salt),
        }
    }
}

fn salt(value: &str) -> Option<String> {
    let is_salt = value.len() <= PAIR_MAX && value.bytes().all(|b| b.is_ascii_hexdigit());
    text(value).filter(|_| is_salt)
}

/// What someone who sends to AirPlay speakers says, so that their buttons reach it. Everything may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct SenderTxt {
    /// The `DACP-ID` that it tells the speakers, from its instance name.
    #[serde(serialize_with = "super::as_hexadecimal")]
    pub dacp_id: Option<u64>,
    /// The database (`DbId`), in hexadecimal digits.
    pub database_id: Option<String>,
    /// The version of DACP (`Ver`).
    pub version: Option<Version>,
}

impl SenderTxt {
    /// Keys and values in the order in which owntone announces them, under [`sender_instance`]. Each pair fits a TXT
    /// string.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let (signature, value) = SENDER_SIGNATURE;
        announced([
            (TXT_VERSION, Some("1".to_owned())),
            ("Ver", word(self.version)),
            ("DbId", self.database_id.clone()),
            (signature, Some(value.to_owned())),
        ])
    }

    pub(crate) fn parse(instance: &str, pairs: &Pairs<'_>) -> Self {
        Self {
            dacp_id: instance.strip_prefix(SENDER_PREFIX).and_then(hexadecimal),
            database_id: pairs.find("DbId", text),
            version: pairs.find("Ver", version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs<'a>(pairs: &[(&'a str, &'a str)]) -> Pairs<'a> {
        pairs.iter().map(|(key, value)| (*key, value.as_bytes())).collect()
    }

    /// Checks that what is announced is what was captured.
    #[track_caller]
    fn check_announced(announced: &[(&str, String)], captured: &[(&str, &str)]) {
        let announced: Vec<_> = announced.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(announced, captured);
    }

    #[test]
    fn owntone_is_a_server_and_a_sender() {
        // Captured from owntone 28.
        let captured = [
            ("txtvers", "1"),
            ("DbId", "3C69B5CF12DBA52C"),
            ("DvTy", "iTunes"),
            ("DvSv", "2306"),
            ("Ver", "131073"),
            ("OSsi", "0x1F5"),
            ("CtlN", "OwnTone anchor"),
        ];
        let server = ServerTxt::parse(&pairs(&captured));
        let expected = ServerTxt {
            name: Some("OwnTone anchor".into()),
            database_id: Some("3C69B5CF12DBA52C".into()),
            device_type: Some("iTunes".into()),
            version: Some(Version::DACP),
        };
        assert_eq!(server, expected);
        check_announced(&server.pairs(), &captured);

        let captured = [("txtvers", "1"), ("Ver", "131077"), ("DbId", "1"), ("OSsi", "0x2012E")];
        let instance = "iTunes_Ctrl_3C69B5CF12DBA52C";
        let sender = SenderTxt::parse(instance, &pairs(&captured));
        let expected = SenderTxt {
            dacp_id: Some(0x3C69_B5CF_12DB_A52C),
            database_id: Some("1".into()),
            version: Some(Version::DACP_SENDER),
        };
        assert_eq!(sender, expected);
        check_announced(&sender.pairs(), &captured);
        assert_eq!(sender_instance(0x3C69_B5CF_12DB_A52C), instance);
    }

    #[test]
    fn a_sender_under_a_name_of_its_own_has_no_id() {
        assert_eq!(SenderTxt::parse("dacp-net", &pairs(&[])), SenderTxt::default());
    }

    #[test]
    fn an_ipod_says_what_it_takes_to_pair() {
        let captured = [
            ("DvNm", "Foobar"),
            ("RemV", "10000"),
            ("DvTy", "iPod"),
            ("RemN", "Remote"),
            ("txtvers", "1"),
            ("Pair", "FAEA410630AEC05E"),
        ];
        let remote = RemoteTxt::parse(&pairs(&captured));
        let expected = RemoteTxt {
            device_name: Some("Foobar".into()),
            device_type: Some("iPod".into()),
            program: Some("Remote".into()),
            version: Some(10_000),
            pair: Some("FAEA410630AEC05E".into()),
        };
        assert_eq!(remote, expected);
        check_announced(&remote.pairs(), &captured);
    }

    #[test]
    fn a_salt_is_kept_as_it_is_spelled_unless_it_is_none() {
        let salt = |value: &str| RemoteTxt::parse(&pairs(&[("pair", value)])).pair;
        assert_eq!(salt("faea410630aec05").as_deref(), Some("faea410630aec05")); // pyatv, one digit short
        assert_eq!(salt("0xnull"), None);
        assert_eq!(salt(""), None);
        assert_eq!(salt(&"A".repeat(PAIR_MAX + 1)), None);
    }
}
