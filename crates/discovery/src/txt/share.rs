//! Music shares, as iTunes announces them.

use serde::Serialize;

use super::{Pairs, TXT_VERSION, Version, announced, flag, number, text, version, word};

/// The bit of `Media Kinds Shared` that stands for music.
pub(crate) const MEDIA_KIND_MUSIC: u32 = 1;

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
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
        announced([
            (TXT_VERSION, Some("1".to_owned())),
            (key::PASSWORD, self.password.map(|yes| u8::from(yes).to_string())),
            (key::MACHINE_NAME, self.machine_name.clone()),
            (key::MACHINE_ID, self.machine_id.clone()),
            (key::DATABASE_ID, self.database_id.clone()),
            (key::VERSION, word(self.version)),
            (key::MUSIC_SHARING, word(self.music_sharing)),
            (key::MEDIA_KINDS, self.media_kinds.map(|kinds| kinds.to_string())),
            (key::DMAP, word(self.dmap)),
        ])
    }

    /// Reads what someone announces.
    pub(crate) fn parse(pairs: &Pairs<'_>) -> Self {
        Self {
            password: pairs.find(key::PASSWORD, flag),
            machine_name: pairs.find(key::MACHINE_NAME, text),
            machine_id: pairs.find(key::MACHINE_ID, text),
            database_id: pairs.find(key::DATABASE_ID, text),
            version: pairs.find(key::VERSION, version),
            music_sharing: pairs.find(key::MUSIC_SHARING, version),
            media_kinds: pairs.find(key::MEDIA_KINDS, number),
            dmap: pairs.find(key::DMAP, version),
        }
    }
}

/// The keys of the TXT record, spelled as iTunes spells them.
mod key {
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
    use crate::txt::TXT_STRING_MAX;

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
        assert_eq!(
            &ShareTxt::parse(&pairs.iter().map(|(k, v)| (*k, v.as_bytes())).collect()),
            expected
        );
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
            prop_assert_eq!(ShareTxt::parse(&pairs.iter().map(|(k, v)| (*k, v.as_bytes())).collect()), txt);
        }
    }
}
