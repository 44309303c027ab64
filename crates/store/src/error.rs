//! What can go wrong with a file that has to outlive everything else.

use std::io;
use std::path::{Path, PathBuf};

use library::PersistError;
use rusqlite::ErrorCode;

use crate::user::User;

/// Why the store cannot be opened, read or written. [`remedy`](Self::remedy) says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file, or the folder it is in, cannot be made, opened or written.
    #[error("{} cannot be written by {user}", path.display())]
    NotWritable {
        /// The file or folder.
        path: PathBuf,
        /// As whom it was tried.
        user: User,
        /// What the system says.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another program has it.
    #[error("{} is in use by another program{}", path.display(), process(*.pid))]
    InUse {
        /// The file.
        path: PathBuf,
        /// The process that has it, where it is known.
        pid: Option<u32>,
    },
    /// It is something else than a library.
    #[error("{} is not a dapple library", path.display())]
    NotALibrary {
        /// The file.
        path: PathBuf,
    },
    /// A later version of the program wrote it.
    #[error("{} was written by a later version (schema {found}; this one knows {known})", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The schema it has.
        found: u32,
        /// The newest schema this version knows.
        known: u32,
    },
    /// It is damaged.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The disk is full.
    #[error("{} cannot grow: the disk is full", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Reading or writing failed for another reason.
    #[error("{} cannot be read or written", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        cause: rusqlite::Error,
    },
}

fn process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

impl StoreError {
    /// What the person who runs the program can do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NotWritable { path, user, .. } => {
                let path = path.display();
                format!("give {user} the right to write {path}, or use another data folder")
            }
            Self::InUse { .. } => "stop the other program, or use another data folder".into(),
            Self::NotALibrary { .. } => "move the file away, or use another data folder".into(),
            Self::TooNew { path, .. } => {
                let path = path.display();
                format!("use the later version, or go back to a copy kept beside {path}")
            }
            Self::Damaged { path, .. } => format!(
                "put back a copy kept beside {path} or from a backup; or move it away: the songs are \
                 found again, play counts and ratings are not",
                path = path.display()
            ),
            Self::DiskFull { .. } => "make room on the disk".into(),
            Self::Failed { .. } => "check the disk and its file system".into(),
        }
    }

    pub(crate) fn not_writable(path: &Path, cause: io::Error) -> Self {
        Self::NotWritable { path: path.into(), user: User::current(), cause: Box::new(cause) }
    }

    /// What an error of SQLite means for this file.
    pub(crate) fn of(path: &Path, cause: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match cause.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::InUse { path, pid: None }
            }
            Some(ErrorCode::NotADatabase) => Self::NotALibrary { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, what: cause.to_string() },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::NotWritable { path, user: User::current(), cause: Box::new(cause) }
            }
            Some(_) => Self::Failed { path, cause },
            // What is not SQLite's own error is a value that is not what the schema says.
            None => Self::Damaged { path, what: cause.to_string() },
        }
    }
}

impl From<StoreError> for PersistError {
    fn from(error: StoreError) -> Self {
        Self { what: error.to_string(), remedy: error.remedy(), cause: Some(Box::new(error)) }
    }
}
