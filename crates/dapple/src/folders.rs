//! Which folders are shared, and whether one of them is an old one in a new place.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use store::Store;

/// The key of the database that folders go into: the library's own first one.
const DATABASE: &str = library::MAIN_DATABASE;
/// So many songs of a vanished folder are looked for in a new one.
const SAMPLE: u32 = 64;

/// A folder to share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// By what the library knows it again: its path.
    pub(crate) name: String,
}

/// Makes the folders that the user named into folders to share.
///
/// One that is missing is an error, unless it has been shared before: then it is a disk that is not mounted
/// today, and its songs stay listed.
pub(crate) fn resolve(named: &[PathBuf], store: &mut Store) -> anyhow::Result<Vec<Folder>> {
    let mut folders: Vec<Folder> = Vec::new();
    for path in named {
        let folder = resolve_one(path, store)?;
        if let Some(outer) = folders.iter().find(|other| overlap(&other.path, &folder.path)) {
            bail!(
                "{} and {} share songs, as one is in the other; name the outer one only",
                outer.path.display(),
                folder.path.display()
            );
        }
        folders.push(folder);
    }
    adopt_moved(&folders, store)?;
    Ok(folders)
}

fn resolve_one(path: &Path, store: &Store) -> anyhow::Result<Folder> {
    let absolute =
        std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))?;
    let found = std::fs::canonicalize(&absolute);
    let folder = Folder::at(found.as_ref().unwrap_or(&absolute).clone());
    match found {
        Ok(path) if path.is_dir() => Ok(folder),
        Ok(path) => bail!("{} is no folder; name the folder it is in", path.display()),
        Err(_) if !store.sample(DATABASE, &folder.name, 1)?.is_empty() => Ok(folder),
        Err(error) => Err(error).with_context(|| format!("cannot share {}", path.display())),
    }
}

impl Folder {
    fn at(path: PathBuf) -> Self {
        let name = path.to_string_lossy().into_owned();
        Self { path, name }
    }
}

fn overlap(a: &Path, b: &Path) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

/// Gives a new folder the songs of a vanished one, where it has the same files: it was moved or renamed as a
/// whole, and ids, ratings, play counts and playlists are to stay.
fn adopt_moved(folders: &[Folder], store: &mut Store) -> anyhow::Result<()> {
    let stored = store.sources()?;
    let is_known = |folder: &&Folder| stored.iter().any(|source| source.name == folder.name);
    let vanished = stored
        .iter()
        .filter(|source| source.database == DATABASE && !Path::new(&source.name).exists());
    let mut new: Vec<&Folder> = folders.iter().filter(|folder| !is_known(folder)).collect();
    for source in vanished {
        let sample = store.sample(DATABASE, &source.name, SAMPLE)?;
        let Some(at) = new.iter().position(|folder| source_folder::holds(&folder.path, &sample))
        else {
            continue;
        };
        let folder = new.swap_remove(at);
        if store.rename_source(DATABASE, &source.name, &folder.name)? {
            tracing::warn!(
                "{} is now at {}; its songs keep what is known of them",
                source.name,
                folder.name
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &Path) -> Store {
        Store::open(&folder.join("library.db")).unwrap()
    }

    #[test]
    fn a_folder_that_was_never_there_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("Musik");
        let error = resolve(&[missing], &mut store(folder.path())).unwrap_err();
        assert!(error.to_string().contains("Musik"), "{error}");
    }

    #[test]
    fn a_file_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("song.mp3");
        std::fs::write(&file, "").unwrap();
        let error = resolve(&[file], &mut store(folder.path())).unwrap_err();
        assert!(error.to_string().contains("is no folder"), "{error}");
    }

    #[test]
    fn a_folder_inside_another_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rock")).unwrap();
        let named = [folder.path().to_owned(), folder.path().join("rock")];
        let error = resolve(&named, &mut store(folder.path())).unwrap_err();
        assert!(error.to_string().contains("outer one only"), "{error}");
    }
}
