//! Passwords that users give: in words, or by a file.

use std::path::PathBuf;

use anyhow::{Context, bail};

/// A password, or the file that holds it.
pub(crate) type Given = (Option<String>, Option<PathBuf>);

/// What the first place says that says either. clap would take the two of flag and environment for a conflict.
pub(crate) fn first<const N: usize>(
    places: [(&str, Option<String>, Option<PathBuf>); N],
) -> anyhow::Result<Given> {
    match places.into_iter().find(|(_, password, file)| password.is_some() || file.is_some()) {
        Some((place, Some(_), Some(_))) => {
            bail!("{place} sets both a password and a password file; keep one")
        }
        Some((_, password, file)) => Ok((password, file)),
        None => Ok((None, None)),
    }
}

/// The password itself.
pub(crate) fn read(given: Given) -> anyhow::Result<Option<String>> {
    let password = match given {
        (Some(password), _) => Some(password),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read the password from {}", path.display()))?;
            Some(text.lines().next().unwrap_or_default().to_owned())
        }
        (None, None) => None,
    };
    if password.as_deref() == Some("") {
        bail!("the password is empty; leave it out to go without one");
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_that_has_a_password_counts() {
        let (password, file) = (|| Some("pw".to_owned()), || Some(PathBuf::from("pw.txt")));
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
        std::fs::write(&file, "pass:word \nmore\n").unwrap();
        assert_eq!(read((None, Some(file))).unwrap().as_deref(), Some("pass:word "));
        assert!(read((Some(String::new()), None)).is_err());
    }
}
