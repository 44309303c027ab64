//! The library on disk: one SQLite file behind the library's [`Persist`].
//!
//! A [`Store`] keeps what has to outlive a restart: songs with their ids, play counts and ratings,
//! playlists of sources and of clients, settings. It decides nothing and no reply to a client touches it. It is opened with care:
//! nobody else may have the file, it must be a library, sound, and of a schema that is known; a copy is
//! kept aside before the schema changes. What is wrong is said with path, user and remedy, and a file
//! that is there is never replaced.
//!
//! ```
//! use library::{Library, MemorySource};
//! use store::Store;
//!
//! # let folder = tempfile::tempdir()?;
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let store = Store::open(&folder.path().join("library.db"))?;
//! let library = Library::builder("Living room")
//!     .persist(store)
//!     .source("mine", MemorySource::new())
//!     .start()
//!     .await?;
//! library.set_setting("greeting", Some("hello")).await?;
//! library.shutdown().await;
//!
//! let store = Store::open(&folder.path().join("library.db"))?;
//! assert_eq!(store.sources()?[0].name, "mine");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod columns;
mod error;
mod house;
mod open;
mod playlists;
mod songs;
#[cfg(test)]
mod tests;
mod user;

use std::fs::File;
use std::path::{Path, PathBuf};

use daap_model::{DatabaseId, PersistentId, Text, Timestamp};
use library::{
    DatabaseRow, NextIds, Persist, PersistError, Row, SourceId, SourceKey, SourceRow, Stamp,
    Transaction,
};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::columns::Columns;

pub use error::StoreError;
pub use user::User;

/// A library in a file.
#[derive(Debug)]
pub struct Store {
    // Dropped before the lock, so that nobody else opens the file while it is being closed.
    connection: Connection,
    path: PathBuf,
    _lock: File,
}

/// A source that the library has or once had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSource {
    /// The key of the database it is in.
    pub database: String,
    /// Its name, such as the path of a folder.
    pub name: String,
    /// Since when the library has been running without it.
    pub unshared_since: Option<Timestamp>,
}

impl Store {
    /// Opens the library in this file, or begins one there. Files beside it, with its name and more, are
    /// the store's too.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = open::lock(path)?;
        let connection = open::open(path, open::MIGRATIONS)?;
        Ok(Self { connection, path: path.into(), _lock: lock })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The sources that the library has or once had, by database and name. It looks at no song: there may be many.
    pub fn sources(&self) -> Result<Vec<StoredSource>, StoreError> {
        read_sources(&self.connection).map_err(|cause| StoreError::of(&self.path, cause))
    }

    /// Up to `limit` songs of a source, spread over all it has, by which its folder is known again in
    /// another place.
    pub fn sample(
        &self,
        database: &str,
        source: &str,
        limit: u32,
    ) -> Result<Vec<(SourceKey, Stamp)>, StoreError> {
        read_sample(&self.connection, database, source, limit)
            .map_err(|cause| StoreError::of(&self.path, cause))
    }

    /// Gives a source another name: a folder was moved as a whole, and everything in it is to stay what
    /// it was. Returns whether there was a source `from`, and none `to` in its way.
    pub fn rename_source(
        &mut self,
        database: &str,
        from: &str,
        to: &str,
    ) -> Result<bool, StoreError> {
        let update = "UPDATE OR IGNORE sources SET name = ?3 \
             WHERE name = ?2 AND database = (SELECT id FROM databases WHERE key = ?1)";
        let renamed = self.connection.execute(update, [database, from, to]);
        Ok(renamed.map_err(|cause| StoreError::of(&self.path, cause))? == 1)
    }

    fn load_rows(&self, each: &mut dyn FnMut(Row)) -> rusqlite::Result<NextIds> {
        let connection = &self.connection;
        let mut select =
            connection.prepare("SELECT id, key, persistent_id, name FROM databases ORDER BY id")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let columns = &mut Columns::of(row);
            each(Row::Database(DatabaseRow {
                id: columns.made(DatabaseId::to_give)?,
                key: columns.take()?,
                persistent_id: PersistentId::new(columns.bits()?),
                name: columns.take::<Option<String>>()?.map(Text::from),
            }));
        }
        let mut select = connection
            .prepare("SELECT id, database, name, unshared_since FROM sources ORDER BY id")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let columns = &mut Columns::of(row);
            each(Row::Source(SourceRow {
                id: SourceId(columns.number()?),
                database: columns.made(DatabaseId::to_give)?,
                name: columns.take()?,
                unshared_since: columns.take::<Option<u32>>()?.map(Timestamp),
            }));
        }
        songs::load(connection, |song| each(Row::Song(Box::new(song))))?;
        playlists::load(connection, |playlist| each(Row::Playlist(playlist)))?;
        house::load(connection, |playlist| each(Row::HousePlaylist(playlist)))?;
        self.next_ids()
    }

    fn next_ids(&self) -> rusqlite::Result<NextIds> {
        let first = NextIds::default();
        let mut select = self.connection.prepare("SELECT next FROM next_ids WHERE kind = ?")?;
        let mut next = |kind: &str, first: u32| -> rusqlite::Result<u32> {
            let found = select.query_row([kind], |row| Columns::of(row).number()).optional()?;
            Ok(found.unwrap_or(first))
        };
        Ok(NextIds {
            database: next("database", first.database)?,
            source: next("source", first.source)?,
            item: next("item", first.item)?,
            container: next("container", first.container)?,
        })
    }

    fn save_rows(&mut self, rows: &Transaction) -> rusqlite::Result<()> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for row in rows.databases.values() {
            put_database(&transaction, row)?;
        }
        for (id, row) in &rows.sources {
            match row {
                Some(row) => put_source(&transaction, row)?,
                None => remove_source(&transaction, *id)?,
            }
        }
        save_songs(&transaction, rows)?;
        for (id, row) in &rows.playlists {
            match row {
                Some(row) => playlists::put(&transaction, row)?,
                None => playlists::remove(&transaction, *id)?,
            }
        }
        for (id, row) in &rows.house_playlists {
            match row {
                Some(row) => house::put(&transaction, row)?,
                None => house::remove(&transaction, *id)?,
            }
        }
        save_next_ids(&transaction, rows.next)?;
        transaction.commit()
    }
}

fn read_sources(connection: &Connection) -> rusqlite::Result<Vec<StoredSource>> {
    let mut select = connection.prepare(
        "SELECT databases.key, sources.name, unshared_since \
         FROM sources JOIN databases ON databases.id = database ORDER BY 1, 2",
    )?;
    let rows = select.query_map([], |row| {
        let columns = &mut Columns::of(row);
        Ok(StoredSource {
            database: columns.take()?,
            name: columns.take()?,
            unshared_since: columns.take::<Option<u32>>()?.map(Timestamp),
        })
    })?;
    rows.collect()
}

fn read_sample(
    connection: &Connection,
    database: &str,
    source: &str,
    limit: u32,
) -> rusqlite::Result<Vec<(SourceKey, Stamp)>> {
    // Ids are given in the order of discovery, so neighbours share a folder: order by something else.
    let mut select = connection.prepare(
        "SELECT songs.key, stamp_size, stamp_modified_ns, stamp_file FROM songs \
         JOIN sources ON sources.id = source JOIN databases ON databases.id = database \
         WHERE databases.key = ?1 AND sources.name = ?2 ORDER BY songs.persistent_id LIMIT ?3",
    )?;
    let rows = select.query_map(params![database, source, limit], |row| {
        let columns = &mut Columns::of(row);
        Ok((columns.key()?, songs::read_stamp(columns)?))
    })?;
    rows.collect()
}

fn put_database(connection: &Connection, row: &DatabaseRow) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(
        "INSERT INTO databases (id, key, persistent_id, name) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (id) DO UPDATE SET key = ?2, persistent_id = ?3, name = ?4",
    )?;
    let (persistent_id, name) = (row.persistent_id.get().cast_signed(), row.name.as_deref());
    put.execute(params![row.id.get(), row.key, persistent_id, name])?;
    Ok(())
}

fn put_source(connection: &Connection, row: &SourceRow) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(
        "INSERT INTO sources (id, database, name, unshared_since) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (id) DO UPDATE SET database = ?2, name = ?3, unshared_since = ?4",
    )?;
    let unshared_since = row.unshared_since.map(|since| since.0);
    put.execute(params![row.id.0, row.database.get(), row.name, unshared_since])?;
    Ok(())
}

fn remove_source(connection: &Connection, id: SourceId) -> rusqlite::Result<()> {
    for delete in [
        "DELETE FROM entries WHERE playlist IN (SELECT id FROM playlists WHERE source = ?)",
        "DELETE FROM playlists WHERE source = ?",
        "DELETE FROM songs WHERE source = ?",
        "DELETE FROM sources WHERE id = ?",
    ] {
        connection.execute(delete, [id.0])?;
    }
    Ok(())
}

fn save_songs(connection: &Connection, rows: &Transaction) -> rusqlite::Result<()> {
    let mut put = songs::prepare_put(connection)?;
    let mut remove = connection.prepare_cached("DELETE FROM songs WHERE id = ?")?;
    let mut away = connection.prepare_cached("UPDATE songs SET away_since = ?2 WHERE id = ?1")?;
    for (id, row) in &rows.songs {
        match row {
            Some(row) => songs::put(&mut put, row)?,
            None => drop(remove.execute([id.get()])?),
        }
    }
    for (id, since) in &rows.away {
        away.execute(params![id.get(), since.map(|since| since.0)])?;
    }
    Ok(())
}

/// They never go back, whatever is asked: an id may be on its way to a client.
fn save_next_ids(connection: &Connection, next: NextIds) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(
        "INSERT INTO next_ids (kind, next) VALUES (?1, ?2) \
         ON CONFLICT (kind) DO UPDATE SET next = max(next, ?2)",
    )?;
    let NextIds { database, source, item, container } = next;
    for (kind, next) in
        [("database", database), ("source", source), ("item", item), ("container", container)]
    {
        put.execute(params![kind, next])?;
    }
    Ok(())
}

impl Persist for Store {
    fn load(&mut self, each: &mut dyn FnMut(Row)) -> Result<NextIds, PersistError> {
        Ok(self.load_rows(each).map_err(|cause| StoreError::of(&self.path, cause))?)
    }

    fn save(&mut self, transaction: &Transaction) -> Result<(), PersistError> {
        Ok(self.save_rows(transaction).map_err(|cause| StoreError::of(&self.path, cause))?)
    }

    fn setting(&mut self, name: &str) -> Result<Option<String>, PersistError> {
        let select = "SELECT value FROM settings WHERE name = ?";
        let value = self.connection.query_row(select, [name], |row| row.get(0)).optional();
        Ok(value.map_err(|cause| StoreError::of(&self.path, cause))?)
    }

    fn set_setting(&mut self, name: &str, value: Option<&str>) -> Result<(), PersistError> {
        let done = match value {
            Some(value) => self
                .connection
                .execute("INSERT OR REPLACE INTO settings VALUES (?1, ?2)", [name, value]),
            None => self.connection.execute("DELETE FROM settings WHERE name = ?", [name]),
        };
        done.map_err(|cause| StoreError::of(&self.path, cause))?;
        Ok(())
    }

    /// Moves what is still in the log beside the file into the file.
    fn close(&mut self) -> Result<(), PersistError> {
        let done = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        Ok(done.map_err(|cause| StoreError::of(&self.path, cause))?)
    }
}
