//! Keys: where a file is below the root, in bytes, with `/` between folders.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use library::SourceKey;

/// The key of a file at this path below the root.
pub(crate) fn of(relative: &Path) -> SourceKey {
    let mut key = Vec::new();
    for part in relative.components() {
        if let Component::Normal(name) = part {
            key = join(&key, name);
        }
    }
    SourceKey::from(key.as_slice())
}

/// The key bytes of an entry of a folder; the root's are empty.
pub(crate) fn join(folder: &[u8], name: &OsStr) -> Vec<u8> {
    let name = name_bytes(name);
    let mut key = Vec::with_capacity(folder.len() + 1 + name.len());
    if !folder.is_empty() {
        key.extend_from_slice(folder);
        key.push(b'/');
    }
    key.extend_from_slice(&name);
    key
}

/// The file that a key names. `None` for keys that could never be one: absolute ones, and those that would
/// lead out of the root.
pub(crate) fn path(root: &Path, key: &[u8]) -> Option<PathBuf> {
    if key.contains(&0) {
        return None;
    }
    let mut path = root.to_owned();
    for name in key.split(|byte| *byte == b'/').filter(|_| !key.is_empty()) {
        let name = name_of(name)?;
        let mut parts = Path::new(&*name).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(part)), None) if part == &*name => path.push(part),
            _ => return None,
        }
    }
    Some(path)
}

/// The folder that a key is in; empty for the root.
pub(crate) fn folder(key: &[u8]) -> &[u8] {
    key.iter().rposition(|byte| *byte == b'/').map_or(&[], |at| &key[..at])
}

/// The last name in a key.
pub(crate) fn name(key: &[u8]) -> &[u8] {
    key.iter().rposition(|byte| *byte == b'/').map_or(key, |at| &key[at + 1..])
}

/// Whether a key is somewhere below a folder.
pub(crate) fn is_below(key: &[u8], folder: &[u8]) -> bool {
    folder.is_empty()
        || key
            .strip_prefix(folder)
            .is_some_and(|rest| rest.first().is_some_and(|byte| *byte == b'/'))
}

#[cfg(unix)]
fn name_bytes(name: &OsStr) -> std::borrow::Cow<'_, [u8]> {
    use std::os::unix::ffi::OsStrExt;
    name.as_bytes().into()
}

#[cfg(unix)]
fn name_of(bytes: &[u8]) -> Option<std::borrow::Cow<'_, OsStr>> {
    use std::os::unix::ffi::OsStrExt;
    Some(OsStr::from_bytes(bytes).into())
}

#[cfg(not(unix))]
fn name_bytes(name: &OsStr) -> std::borrow::Cow<'_, [u8]> {
    // Names that are no text cannot be said in bytes here; such a file is not found again.
    name.to_string_lossy().into_owned().into_bytes().into()
}

#[cfg(not(unix))]
fn name_of(bytes: &[u8]) -> Option<std::borrow::Cow<'_, OsStr>> {
    std::str::from_utf8(bytes).ok().map(|name| OsStr::new(name).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_way_from_the_root() {
        assert_eq!(of(Path::new("a/b c.mp3")).as_bytes(), b"a/b c.mp3");
        assert_eq!(path(Path::new("/music"), b"a/b c.mp3"), Some("/music/a/b c.mp3".into()));
        assert_eq!(path(Path::new("/music"), b""), Some("/music".into()));
        assert_eq!((folder(b"a/b/c"), name(b"a/b/c")), (&b"a/b"[..], &b"c"[..]));
        assert_eq!((folder(b"c"), name(b"c")), (&b""[..], &b"c"[..]));
        assert!(
            is_below(b"a/b", b"a")
                && is_below(b"a", b"")
                && !is_below(b"ab", b"a")
                && !is_below(b"a", b"a")
        );
    }

    #[test]
    fn no_key_leads_out_of_the_root() {
        for key in [
            &b"../x"[..],
            b"a/../../x",
            b"/etc/passwd",
            b"a//b",
            b"a/./b",
            b"a/",
            b"a\0b",
            b".",
            b"..",
        ] {
            assert_eq!(path(Path::new("/music"), key), None, "{}", String::from_utf8_lossy(key));
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_need_not_be_text() {
        let key = b"a/\xFF\xFE.mp3";
        let path = path(Path::new("/music"), key).unwrap();
        assert_eq!(of(path.strip_prefix("/music").unwrap()).as_bytes(), key);
    }
}
