//! Opening the file: nobody else has it, it is a library, it is sound, and it has today's schema.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Progress;
use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

/// Marks an SQLite file as a dapple library: "dppl".
const APPLICATION_ID: i32 = 0x6470_706C;
/// A file up to this size is checked at every start, which takes some hundredths of a second; a larger one
/// only if the program did not end in order the last time. Loading reads every row in any case, and
/// finds what is wrong with them.
const ALWAYS_CHECKED_BYTES: u64 = 4 << 20;
/// How long to wait for a lock that another program is about to give up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// The process id in the lock file is read up to here.
const MAX_PID_BYTES: u64 = 16;

/// A step from one schema to the next.
pub(crate) struct Migration {
    /// Its day, as YYYYMMDD: the file's `user_version` after it. No two have the same.
    pub(crate) date: u32,
    pub(crate) sql: &'static str,
}

/// Every schema there was, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { date: 20_261_122, sql: include_str!("schema/2026-11-22.sql") },
    Migration { date: 20_261_123, sql: include_str!("schema/2026-11-23.sql") },
    Migration { date: 20_261_124, sql: include_str!("schema/2026-11-24.sql") },
    Migration { date: 20_261_125, sql: include_str!("schema/2026-11-25.sql") },
];

/// Takes the lock beside the file, which says that the file is ours until it is dropped.
pub(crate) fn lock(path: &Path) -> Result<File, StoreError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|cause| StoreError::not_writable(folder, cause))?;
    }
    let lock_path = beside(path, ".lock");
    let open =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&lock_path);
    let mut lock = open.map_err(|cause| StoreError::not_writable(&lock_path, cause))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::InUse { path: path.into(), pid: written_pid(&lock) });
        }
        // SQLite takes a lock of its own, so that a file system without this kind is no hindrance.
        Err(TryLockError::Error(error)) => tracing::debug!(%error, "no file locks here"),
    }
    // The process id is for people; that it cannot be written is no reason not to work.
    let _ = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
    Ok(lock)
}

fn written_pid(lock: &File) -> Option<u32> {
    let mut text = String::new();
    lock.take(MAX_PID_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Opens the file, checks it, and brings its schema up to date.
pub(crate) fn open(path: &Path, migrations: &[Migration]) -> Result<Connection, StoreError> {
    let failed = |cause| StoreError::of(path, cause);
    let ended_in_order = !has_content(&beside(path, "-wal"));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    // With the lock held for good, SQLite needs no shared memory, which network file systems do not have.
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
    let version = check_kind(&connection, path, migrations)?;
    if version != 0 {
        check_sound(&connection, path, ended_in_order)?;
    }
    // Only now is it written to.
    prepare(&connection).map_err(failed)?;
    migrate(&mut connection, path, version, migrations)?;
    Ok(connection)
}

fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Whether it is a library that we know, or an empty file that may become one; returns its schema, 0 if
/// it has none.
fn check_kind(
    connection: &Connection,
    path: &Path,
    migrations: &[Migration],
) -> Result<u32, StoreError> {
    let failed = |cause| StoreError::of(path, cause);
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get(0));
    let application: i32 = number("application_id").map_err(failed)?;
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    if application != APPLICATION_ID && (application != 0 || tables != 0) {
        return Err(StoreError::NotALibrary { path: path.into() });
    }
    let version: i64 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    let found =
        u32::try_from(version).map_err(|_| StoreError::NotALibrary { path: path.into() })?;
    let known = newest(migrations);
    if found > known {
        return Err(StoreError::TooNew { path: path.into(), found, known });
    }
    Ok(found)
}

/// The date of the newest schema.
fn newest(migrations: &[Migration]) -> u32 {
    migrations.last().map_or(0, |migration| migration.date)
}

fn check_sound(
    connection: &Connection,
    path: &Path,
    ended_in_order: bool,
) -> Result<(), StoreError> {
    let size = fs::metadata(path).map_or(0, |file| file.len());
    if ended_in_order && size > ALWAYS_CHECKED_BYTES {
        return Ok(());
    }
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|cause| StoreError::of(path, cause))?;
    if found == "ok" {
        return Ok(());
    }
    Err(StoreError::Damaged { path: path.into(), what: found })
}

/// Takes the steps that are missing, in one transaction, after keeping a copy of the file aside.
fn migrate(
    connection: &mut Connection,
    path: &Path,
    version: u32,
    migrations: &[Migration],
) -> Result<(), StoreError> {
    let newest = newest(migrations);
    if version == newest {
        return Ok(());
    }
    if version != 0 {
        keep_copy(connection, path, newest)?;
    }
    let missing = migrations.iter().filter(|migration| migration.date > version);
    let run = |connection: &mut Connection| {
        let transaction = connection.transaction()?;
        for migration in missing {
            transaction.execute_batch(migration.sql)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", newest)?;
        transaction.commit()
    };
    run(connection).map_err(|cause| StoreError::of(path, cause))
}

/// Keeps a copy of the file as it was before the step to `newest`. It gets its name when it is whole.
fn keep_copy(connection: &Connection, path: &Path, newest: u32) -> Result<(), StoreError> {
    let (year, month, day) = (newest / 10_000, newest / 100 % 100, newest % 100);
    let copy = beside(path, &format!(".before-{year}-{month:02}-{day:02}"));
    if has_content(&copy) {
        return Ok(());
    }
    let unfinished = beside(&copy, ".unfinished");
    let failed = |cause| StoreError::not_writable(&copy, cause);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    connection
        .backup("main", &unfinished, None::<fn(Progress)>)
        .map_err(|cause| StoreError::of(&unfinished, cause))?;
    fs::rename(&unfinished, &copy).map_err(failed)?;
    tracing::info!(copy = %copy.display(), "kept the library as it was before its schema changes");
    Ok(())
}

/// The path with something added to its last part.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
