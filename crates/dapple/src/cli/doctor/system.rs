//! What the server needs of the system: a place for its data, and open files.

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};

use super::finding::Finding;
use super::folders::quoted;

/// Below this the library cannot be kept.
const SPACE_NEEDED: u64 = 16 << 20;

/// Below this artwork and a large library may not fit.
const SPACE_WANTED: u64 = 512 << 20;

/// Each connection is an open file, each song that plays another; fewer are used up by one busy household.
const OPEN_FILES_WANTED: u64 = 1024;

/// The data folder, or the nearest folder above it if it is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DataFolder {
    pub(super) path: PathBuf,
    pub(super) writable: bool,
    pub(super) free_bytes: Option<u64>,
}

pub(super) fn judge_data(data: &DataFolder) -> Finding {
    let path = data.path.display();
    if !data.writable {
        return Finding::error(
            "data",
            format!("{path}, where the library is kept, cannot be written to"),
        )
        .cure(format!("sudo chown -R \"$USER\" {}", quoted(&data.path)));
    }
    let cure = "dapple serve --data DIR, with a folder on another disk";
    match data.free_bytes {
        None => Finding::unknown("data", format!("how much space is left for {path} is not known")),
        Some(free) if free < SPACE_NEEDED => {
            let says = format!("the library cannot be kept: {} left for {path}", Size(free));
            Finding::error("data", says).cure(cure)
        }
        Some(free) if free < SPACE_WANTED => {
            let says = format!("there are but {} left for {path}", Size(free));
            Finding::warning("data", says).cure(cure)
        }
        Some(free) => {
            Finding::fine("data", format!("{path} can be written to, with {} left", Size(free)))
        }
    }
}

/// `most` is what a program may ask for, as the server does; `None` stands for no limit.
pub(super) fn judge_open_files(most: Option<u64>) -> Finding {
    match most {
        Some(most) if most < OPEN_FILES_WANTED => {
            let says = format!(
                "only {most} files may be open at once, so that clients may be turned away"
            );
            Finding::warning("limits", says)
                .cure("ulimit -Hn 16384 as root, or LimitNOFILE=16384 in the systemd unit")
        }
        Some(most) => Finding::fine("limits", format!("{most} files may be open at once")),
        None => Finding::fine("limits", "any number of files may be open at once"),
    }
}

pub(super) fn open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

pub(super) fn look_at_data(folder: &Path) -> DataFolder {
    let path = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let nearest = path.ancestors().find(|path| path.exists()).unwrap_or(&path).to_owned();
    let writable = tempfile::tempfile_in(&nearest).is_ok();
    let free_bytes = statvfs(&nearest).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    DataFolder { path: nearest, writable, free_bytes }
}

/// A number of bytes in the unit that people use for it.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= 1 << 30 => write!(f, "{} GiB", bytes >> 30),
            bytes => write!(f, "{} MiB", bytes >> 20),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[test]
    fn the_data_folder_takes_writing_and_has_space() {
        let verdict = |writable, free_bytes| {
            judge_data(&DataFolder { path: "/data".into(), writable, free_bytes }).verdict
        };
        assert_eq!(verdict(true, Some(SPACE_WANTED)), Verdict::Fine);
        assert_eq!(verdict(true, Some(SPACE_WANTED - 1)), Verdict::Warning);
        assert_eq!(verdict(true, Some(SPACE_NEEDED - 1)), Verdict::Error);
        assert_eq!(verdict(false, Some(SPACE_WANTED)), Verdict::Error);
        assert_eq!(verdict(true, None), Verdict::Unknown);
    }

    #[test]
    fn a_data_folder_that_is_not_there_yet_is_judged_by_the_one_above() {
        let root = tempfile::tempdir().unwrap();
        let data = look_at_data(&root.path().join("a/b"));
        assert_eq!((data.path.as_path(), data.writable), (root.path(), true));
        assert!(data.free_bytes.is_some());
    }

    #[test]
    fn few_open_files_turn_clients_away() {
        assert_eq!(judge_open_files(Some(256)).verdict, Verdict::Warning);
        assert_eq!(judge_open_files(Some(1024)).verdict, Verdict::Fine);
        assert_eq!(judge_open_files(None).verdict, Verdict::Fine);
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        assert_eq!(Size(15 << 30).to_string(), "15 GiB");
        assert_eq!(Size(600 << 20).to_string(), "600 MiB");
        assert_eq!(Size(5).to_string(), "0 MiB");
    }
}
