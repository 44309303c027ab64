//! How to log in.

use std::fmt;

use md5::{Digest, Md5};
use rand::RngExt;

/// The newest version of the protocol that is spoken here.
const VERSION: &str = "1.16.1";
/// The longest version that is believed, in bytes.
const MAX_VERSION: usize = 16;

/// By what a server knows its user.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Login {
    /// A name and a password. The password itself is sent only to servers that take nothing else.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// A key that the server gave (OpenSubsonic).
    ApiKey(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { user, .. } => write!(f, "Password({user})"),
            Self::ApiKey(_) => f.write_str("ApiKey"),
        }
    }
}

/// What of the protocol a server takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    version: String,
    /// Whether the password itself is to be sent.
    bare: bool,
}

impl Dialect {
    /// What is tried first.
    pub(crate) fn newest() -> Self {
        Self { version: VERSION.to_owned(), bare: false }
    }

    /// Whether the password itself is sent.
    pub(crate) fn is_bare(&self) -> bool {
        self.bare
    }

    /// What to try after a refusal with this error, by a server of this version; `None` if nothing else is left.
    ///
    /// Supysonic 0.7.2 knows no tokens and misses the password (10); others cannot check them for some users (41), or
    /// at all (42). Subsonic itself takes no version above its own (30).
    pub(crate) fn after(&self, code: u64, version: &str, login: &Login) -> Option<Self> {
        let is_version = |text: &str| {
            let is_part = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
            text.len() <= MAX_VERSION && text.split('.').all(is_part)
        };
        match code {
            10 | 41 | 42 if !self.bare && matches!(login, Login::Password { .. }) => {
                Some(Self { bare: true, ..self.clone() })
            }
            30 if version != self.version && is_version(version) => {
                Some(Self { version: version.to_owned(), ..self.clone() })
            }
            _ => None,
        }
    }

    /// The parameters with which every request begins.
    pub(crate) fn parameters(&self, login: &Login) -> Vec<(&'static str, String)> {
        let mut parameters = match login {
            Login::ApiKey(key) => vec![("apiKey", key.clone())],
            Login::Password { user, password } if self.bare => {
                vec![("u", user.clone()), ("p", format!("enc:{}", hex(password.as_bytes())))]
            }
            Login::Password { user, password } => {
                let salt = hex(&rand::rng().random::<[u8; 8]>());
                let token = hex(&Md5::digest(format!("{password}{salt}")));
                vec![("u", user.clone()), ("t", token), ("s", salt)]
            }
        };
        let common = [("v", self.version.as_str()), ("c", "dapple"), ("f", "json")];
        parameters.extend(common.map(|(name, value)| (name, value.to_owned())));
        parameters
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password() -> Login {
        Login::Password { user: "joe".into(), password: "sesame".into() }
    }

    #[track_caller]
    fn check(login: &Login, refusals: &[(u64, &str)], expected: Option<(&str, bool)>) {
        let last = refusals.iter().try_fold(Dialect::newest(), |dialect, (code, version)| {
            dialect.after(*code, version, login)
        });
        let last = last.as_ref().map(|dialect| (dialect.version.as_str(), dialect.bare));
        assert_eq!(last, expected, "{refusals:?}");
    }

    #[test]
    fn an_old_server_is_met_where_it_is() {
        let (password, key) = (password(), Login::ApiKey("k".into()));
        check(&password, &[(10, "1.10.2")], Some((VERSION, true)));
        check(&password, &[(41, "1.16.1")], Some((VERSION, true)));
        check(&password, &[(30, "1.8.0")], Some(("1.8.0", false)));
        check(&password, &[(30, "1.8.0"), (10, "1.8.0")], Some(("1.8.0", true)));
        check(&password, &[(10, "1.8.0"), (10, "1.8.0")], None);
        check(&password, &[(40, "1.16.1")], None);
        check(&password, &[(30, VERSION)], None);
        check(&password, &[(30, "1.8&x=y")], None);
        check(&key, &[(10, "1.10.2")], None);
    }

    #[test]
    fn the_password_itself_is_not_sent_unless_it_must_be() {
        let newest = Dialect::newest();
        let sent = newest.parameters(&password());
        let value = |name| &sent.iter().find(|(key, _)| *key == name).unwrap().1;
        let token = hex(&Md5::digest(format!("sesame{}", value("s"))));
        assert_eq!((value("u").as_str(), value("t")), ("joe", &token));
        assert!(!format!("{sent:?}").contains("sesame"));
        // From the documentation of the Subsonic API.
        assert_eq!(hex(&Md5::digest("sesamec19b2d")), "26719a1196d2a940705a59634eb18eab");
        let bare = newest.after(10, "", &password()).unwrap().parameters(&password());
        assert_eq!(bare[1], ("p", "enc:736573616d65".to_owned()));
        assert_eq!(format!("{:?}", password()), "Password(joe)");
    }
}
