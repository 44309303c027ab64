//! What the names of files and folders say.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// The stems of pictures that stand for all songs of a folder, the best first.
const PICTURE_STEMS: &[&str] = &["cover", "folder", "front", "artwork", "albumart", "album"];
/// Their suffixes, the best first.
const PICTURE_SUFFIXES: &[&str] = &["jpg", "jpeg", "png"];
/// What folders begin with that hold one disc of an album.
const DISC_WORDS: &[&str] = &["cd", "disc", "disk", "dvd", "side", "vinyl", "lp"];

/// Whether a file of this name is a picture of the songs around it.
pub(crate) fn is_picture(name: &OsStr) -> bool {
    picture_rank(name).is_some()
}

/// How good a picture a file of this name is; 0 is the best.
fn picture_rank(name: &OsStr) -> Option<usize> {
    let name = Path::new(name);
    let position = |part: Option<&OsStr>, known: &[&str]| {
        let part = part?.to_str()?;
        known.iter().position(|known| part.eq_ignore_ascii_case(known))
    };
    let stem = position(name.file_stem(), PICTURE_STEMS)?;
    Some(stem * PICTURE_SUFFIXES.len() + position(name.extension(), PICTURE_SUFFIXES)?)
}

/// The best picture in a folder.
pub(crate) fn picture_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let ranked =
        entries.filter_map(|entry| Some((picture_rank(&entry.file_name())?, entry.path())));
    ranked.filter(|(_, path)| path.is_file()).min().map(|(_, path)| path)
}

/// Whether a folder of this name holds one disc of an album, whose picture may lie with the album: "CD1",
/// "Disc 2", "disk-03 (live)".
pub(crate) fn is_disc_folder(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_lowercase();
    let rest = DISC_WORDS.iter().find_map(|word| name.strip_prefix(word));
    rest.is_some_and(|rest| {
        let rest = rest.trim_start_matches([' ', '-', '_', '.', '#']);
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        number.len() < rest.len() && !number.starts_with(|c: char| c.is_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_names() {
        for name in ["cover.jpg", "Folder.JPEG", "FRONT.png", "artwork.jpg", "AlbumArt.jpg"] {
            assert!(is_picture(OsStr::new(name)), "{name}");
        }
        for name in ["cover.txt", "back.jpg", "cover", "jpg", "my cover.jpg"] {
            assert!(!is_picture(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn the_best_picture_of_a_folder_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["artwork.png", "Folder.jpg", "COVER.PNG", "x.jpg"] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        assert_eq!(picture_in(folder.path()), Some(folder.path().join("COVER.PNG")));
        assert_eq!(picture_in(Path::new("/nowhere")), None);
    }

    #[test]
    fn folders_of_discs_are_known_by_their_names() {
        for name in ["CD1", "cd 2", "Disc 2", "disk-03 (live)", "DVD_1"] {
            assert!(is_disc_folder(name.as_bytes()), "{name}");
        }
        for name in ["CD", "Discovery", "Disc2go", "Live", "2", ""] {
            assert!(!is_disc_folder(name.as_bytes()), "{name}");
        }
    }
}
