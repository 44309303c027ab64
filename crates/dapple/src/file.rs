//! Small files that are written whole or not at all.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A longer file of what we keep is none of ours.
const KEPT_MAX: u64 = 16 << 20;

/// What a program of ours keeps in a file as JSON; `None` if there is no such file. One that cannot be understood is
/// set aside, and its new name told on standard error.
pub(crate) fn kept<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    let read = |path: &Path| match fs::metadata(path)?.len() {
        0..=KEPT_MAX => fs::read(path),
        _ => Ok(Vec::new()), // which is not JSON
    };
    let bytes = match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let error = match serde_json::from_slice(&bytes) {
        Ok(kept) => return Ok(Some(kept)),
        Err(error) => error,
    };
    let aside = path.with_extension("json.broken");
    fs::rename(path, &aside).with_context(|| format!("{} cannot be understood", path.display()))?;
    eprintln!(
        "dapple: {} is forgotten, as it cannot be understood: {error}; the file is now {}",
        path.display(),
        aside.display()
    );
    Ok(None)
}

/// Keeps this in a file as JSON.
pub(crate) fn keep(path: &Path, what: &impl Serialize) -> anyhow::Result<()> {
    keep_for(path, what, AS_THE_MASK_LEAVES)
}

/// Keeps this in a file that nobody but the user can read.
pub(crate) fn keep_secret(path: &Path, what: &impl Serialize) -> anyhow::Result<()> {
    keep_for(path, what, OWNER_ONLY)
}

/// Refuses a file that others than its owner can read.
pub(crate) fn refuse_unless_secret(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let metadata = fs::metadata(path)?;
    if metadata.permissions().mode() & OTHERS != 0 {
        bail!("other users can read {shown}, which holds a password: chmod 600 {shown}");
    }
    Ok(())
}

fn keep_for(path: &Path, what: &impl Serialize, mode: u32) -> anyhow::Result<()> {
    let json = serde_json::to_vec_pretty(what)?;
    replace_for(path, &json, mode).with_context(|| format!("cannot write {}", path.display()))
}

/// The permissions of a file that is simply written.
const AS_THE_MASK_LEAVES: u32 = 0o666;
const OWNER_ONLY: u32 = 0o600;
/// What the group and all others may do.
const OTHERS: u32 = 0o077;

/// Makes `bytes` the content of a file: who reads it sees the old or the new, never a part. A link to a file stays one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_for(path, bytes, AS_THE_MASK_LEAVES)
}

fn replace_for(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let path = match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        found => found?,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let permissions = Permissions::from_mode(mode);
    let mut beside = tempfile::Builder::new().permissions(permissions).tempfile_in(folder)?;
    beside.write_all(bytes)?;
    beside.as_file().sync_all()?;
    beside.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_where_a_link_points() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real"), folder.path().join("link"));
        replace(&file, b"old").unwrap();
        symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o444, 0o444);
    }
    #[test]
    fn what_is_kept_is_read_again_and_what_is_broken_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen.json");
        assert_eq!(kept::<Vec<u32>>(&path).unwrap(), None);
        keep(&path, &[1, 2]).unwrap();
        assert_eq!(kept::<Vec<u32>>(&path).unwrap(), Some(vec![1, 2]));
        fs::write(&path, "[1, 2").unwrap();
        assert_eq!(kept::<Vec<u32>>(&path).unwrap(), None);
        assert_eq!(fs::read(folder.path().join("seen.json.broken")).unwrap(), b"[1, 2");
        assert!(!path.exists());
    }

    #[test]
    fn a_secret_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("remotes.json");
        fs::write(&path, "").unwrap();
        keep_secret(&path, &"secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
