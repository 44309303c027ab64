//! Whether the folders can be read, and watched.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use walkdir::WalkDir;

use super::finding::Finding;
use crate::cli::status::count;

const CHECK: &str = "folders";

/// So many files and folders are looked at in each folder that is shared; what is wrong with more is mostly wrong with
/// these too.
const LOOK_MAX: usize = 1_000_000;

/// So many that cannot be read are named.
const NAMED: usize = 3;

/// What was seen of a folder to share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) exists: bool,
    pub(super) files: u64,
    /// Itself included.
    pub(super) folders: u64,
    pub(super) unreadable: u64,
    /// The first of them.
    pub(super) examples: Vec<PathBuf>,
    /// There is more that was not looked at.
    pub(super) more: bool,
}

pub(super) fn judge(folder: &Folder) -> Finding {
    let path = folder.path.display();
    if !folder.exists {
        return Finding::error(CHECK, format!("there is no folder {path}"))
            .cure("dapple serve DIR, with the folder where the music is");
    }
    if folder.unreadable > 0 {
        let examples = folder.examples.iter().map(|path| path.display().to_string());
        let says = format!(
            "{} in {path} cannot be read: {}{}",
            folder.unreadable,
            examples.collect::<Vec<_>>().join(", "),
            if folder.unreadable > NAMED as u64 { ", ..." } else { "" }
        );
        let nothing_left = folder.files + folder.folders <= folder.unreadable;
        let verdict = if nothing_left { Finding::error } else { Finding::warning };
        return verdict(CHECK, says).cure(format!("sudo chmod -R a+rX {}", quoted(&folder.path)));
    }
    if folder.files == 0 {
        return Finding::warning(CHECK, format!("there is no file in {path}"));
    }
    let more = if folder.more { "; there are more, which were not looked at" } else { "" };
    Finding::fine(CHECK, format!("{} in {path} can be read{more}", count(folder.files, "file")))
}

/// Linux watches each folder by itself, up to a limit for all programs of a user.
pub(super) fn judge_watches(folders: u64, limit: Option<u64>) -> Option<Finding> {
    let limit = limit.filter(|_| folders > 0)?;
    if folders < limit {
        let folders = count(folders, "folder");
        let says = format!("{folders} can be watched for changes; the limit is {limit}");
        return Some(Finding::fine("watching", says));
    }
    let says = format!(
        "{folders} folders are more than the system watches ({limit}), so that changes are noticed late"
    );
    let enough = folders.saturating_mul(2).next_power_of_two();
    let cure = format!(
        "echo fs.inotify.max_user_watches={enough} | sudo tee /etc/sysctl.d/60-dapple.conf && sudo sysctl --system"
    );
    Some(Finding::warning("watching", says).cure(cure))
}

/// How many folders Linux watches for a user.
pub(super) fn watch_limit() -> Option<u64> {
    fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?.trim().parse().ok()
}

/// Goes through a folder, without opening a file.
pub(super) fn look(path: &Path) -> Folder {
    let mut folder = Folder { path: path.to_owned(), exists: path.is_dir(), ..Folder::default() };
    if !folder.exists {
        return folder;
    }
    let mut entries = WalkDir::new(path).follow_links(true).into_iter();
    for entry in entries.by_ref().take(LOOK_MAX) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => folder.folders += 1,
            Ok(entry) => {
                folder.files += 1;
                if access(entry.path(), Access::READ_OK).is_err() {
                    folder.note_unreadable(entry.path());
                }
            }
            Err(error) => folder.note_unreadable(error.path().unwrap_or(path)),
        }
    }
    folder.more = entries.next().is_some();
    folder
}

impl Folder {
    fn note_unreadable(&mut self, path: &Path) {
        self.unreadable += 1;
        if self.examples.len() < NAMED {
            self.examples.push(path.to_owned());
        }
    }
}

/// A path as a shell takes it for one word.
pub(super) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    fn folder() -> Folder {
        Folder { path: "/music".into(), exists: true, files: 9, folders: 2, ..Folder::default() }
    }

    #[track_caller]
    fn check(folder: &Folder, verdict: Verdict, says: &str) {
        let finding = judge(folder);
        assert_eq!((finding.verdict, finding.says.as_str()), (verdict, says));
    }

    #[test]
    fn a_folder_is_there_readable_and_not_empty() {
        check(&folder(), Verdict::Fine, "9 files in /music can be read");
        let missing = Folder { exists: false, ..folder() };
        check(&missing, Verdict::Error, "there is no folder /music");
        let says = "9 files in /music can be read; there are more, which were not looked at";
        check(&Folder { more: true, ..folder() }, Verdict::Fine, says);
        check(&Folder { files: 0, ..folder() }, Verdict::Warning, "there is no file in /music");
        let some = Folder { unreadable: 1, examples: vec!["/music/a.mp3".into()], ..folder() };
        check(&some, Verdict::Warning, "1 in /music cannot be read: /music/a.mp3");
        let examples = ["a", "b", "c"].map(PathBuf::from).to_vec();
        let many = Folder { unreadable: 4, examples, ..folder() };
        check(&many, Verdict::Warning, "4 in /music cannot be read: a, b, c, ...");
        let all = Folder {
            unreadable: 1,
            files: 0,
            folders: 1,
            examples: vec!["/music".into()],
            ..folder()
        };
        check(&all, Verdict::Error, "1 in /music cannot be read: /music");
    }

    #[test]
    fn folders_beyond_the_limit_are_not_watched() {
        let verdict = |folders, limit| judge_watches(folders, limit).map(|found| found.verdict);
        assert_eq!(verdict(10, None), None);
        assert_eq!(verdict(0, Some(10)), None);
        assert_eq!(verdict(10, Some(11)), Some(Verdict::Fine));
        assert_eq!(verdict(10, Some(10)), Some(Verdict::Warning));
        let cure = judge_watches(100_000, Some(65_536)).unwrap().cure.unwrap();
        assert!(cure.contains("max_user_watches=262144"), "{cure}");
    }

    #[test]
    fn a_folder_is_counted_with_what_is_in_it() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("album")).unwrap();
        fs::write(root.path().join("album/song.mp3"), "").unwrap();
        let seen = look(root.path());
        assert_eq!((seen.files, seen.folders, seen.unreadable), (1, 2, 0));
        assert!(!look(&root.path().join("gone")).exists);
    }

    #[test]
    fn a_path_is_one_word_of_the_shell() {
        assert_eq!(quoted(Path::new("/Jo's music")), r"'/Jo'\''s music'");
    }
}
