//! Passwords that users give: in words, or by a file.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Deserializer, de};

use crate::file;

/// What nobody else is to read: it is in no log, no error and no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

/// A password, or the file that holds it.
pub(crate) type Given = (Option<Secret>, Option<PathBuf>);

impl Secret {
    /// It itself, for whoever has to be told it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own error would show it.
        let secret = String::deserialize(deserializer);
        secret.map(Self).map_err(|_| de::Error::custom("a password is text, in quotes"))
    }
}

/// What the first place says that says either. clap would take the two of flag and environment for a conflict.
pub(crate) fn first<const N: usize>(
    places: [(&str, Option<Secret>, Option<PathBuf>); N],
) -> anyhow::Result<Given> {
    match places.into_iter().find(|(_, password, file)| password.is_some() || file.is_some()) {
        Some((place, Some(_), Some(_))) => {
            bail!("{place} sets both a password and a password file; keep one")
        }
        Some((_, password, file)) => Ok((password, file)),
        None => Ok((None, None)),
    }
}

/// What an environment variable says, and the one with `_FILE` behind its name.
pub(crate) fn environment(name: &str) -> Given {
    let file = std::env::var_os(format!("{name}_FILE")).map(PathBuf::from);
    (std::env::var(name).ok().map(Secret), file)
}

/// The password itself.
pub(crate) fn read(given: Given) -> anyhow::Result<Option<Secret>> {
    read_with(given, |path| Ok(std::fs::read_to_string(path)?))
}

/// The same of a password that is no business of the machine's other users: they must not be able to read its file.
pub(crate) fn read_own(given: Given) -> anyhow::Result<Option<Secret>> {
    read_with(given, |path| {
        file::refuse_unless_secret(path)?;
        Ok(std::fs::read_to_string(path)?)
    })
}

fn read_with(
    given: Given,
    read: impl FnOnce(&Path) -> anyhow::Result<String>,
) -> anyhow::Result<Option<Secret>> {
    let password = match given {
        (Some(password), _) => Some(password),
        (None, Some(path)) => {
            let text = read(&path)
                .with_context(|| format!("cannot read the password from {}", path.display()))?;
            Some(Secret(text.lines().next().unwrap_or_default().to_owned()))
        }
        (None, None) => None,
    };
    if password.as_ref().is_some_and(|password| password.0.is_empty()) {
        bail!("the password is empty; leave it out to go without one");
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn secret(text: &str) -> Option<Secret> {
        Some(Secret(text.to_owned()))
    }

    #[test]
    fn the_first_place_that_has_a_password_counts() {
        let (password, file) = (|| secret("pw"), || Some(PathBuf::from("pw.txt")));
        let first = |flags: (_, _), environment: (_, _)| {
            let places =
                [("flags", flags), ("environment", environment), ("file", (password(), None))];
            super::first(places.map(|(place, (password, file))| (place, password, file)))
        };
        assert_eq!(first((None, file()), (password(), None)).unwrap(), (None, file()));
        assert_eq!(first((None, None), (None, file())).unwrap(), (None, file()));
        assert_eq!(first((None, None), (None, None)).unwrap(), (password(), None));
        let error = first((None, None), (password(), file())).unwrap_err().to_string();
        assert!(error.starts_with("environment sets both"), "{error}");
    }

    #[test]
    fn a_password_comes_from_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "pass:word \nmore\n").unwrap();
        assert_eq!(read((None, Some(file))).unwrap(), secret("pass:word "));
        assert!(read((secret(""), None)).is_err());
    }

    #[test]
    fn a_file_that_others_can_read_holds_no_password_of_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "sesame\n").unwrap();
        let read = |mode| {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            read_own((None, Some(path.clone()))).map_err(|error| format!("{error:#}"))
        };
        assert_eq!(read(0o600), Ok(secret("sesame")));
        assert_eq!(read(0o400), Ok(secret("sesame")));
        for mode in [0o640, 0o604, 0o644] {
            let error = read(mode).unwrap_err();
            assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?}", secret("sesame")), "Some(Secret)");
        let error = toml::from_str::<std::collections::BTreeMap<String, Secret>>("a = 1234");
        assert!(!error.unwrap_err().message().contains("1234"));
    }
}
