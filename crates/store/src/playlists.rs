//! Playlists as rows.

use daap_model::{ContainerId, ContainerItemId, PersistentId};
use library::{EntryRow, PlaylistRow, SourceId};
use rusqlite::{Connection, Result, params};

use crate::columns::Columns;
use crate::songs::read_stamp;

/// Hands every playlist to `each`, by id.
pub(crate) fn load(connection: &Connection, mut each: impl FnMut(PlaylistRow)) -> Result<()> {
    let mut entries =
        connection.prepare("SELECT id, key FROM entries WHERE playlist = ? ORDER BY position")?;
    let mut select = connection.prepare(
        "SELECT id, persistent_id, source, key, stamp_size, stamp_modified_ns, stamp_file, name, \
         parent, is_folder, next_entry FROM playlists ORDER BY id",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let columns = &mut Columns::of(row);
        let mut playlist = PlaylistRow {
            id: columns.made(ContainerId::to_give)?,
            persistent_id: PersistentId::new(columns.bits()?),
            source: SourceId(columns.number()?),
            key: columns.key()?,
            stamp: read_stamp(columns)?,
            name: columns.text()?,
            parent: columns.optional_key()?,
            entries: None,
            next_entry: 0,
        };
        let is_folder: bool = columns.take()?;
        playlist.next_entry = columns.number()?;
        if !is_folder {
            let found = entries.query_map([playlist.id.get()], |row| {
                let columns = &mut Columns::of(row);
                Ok(EntryRow { id: columns.made(ContainerItemId::to_give)?, key: columns.key()? })
            })?;
            playlist.entries = Some(found.collect::<Result<_>>()?);
        }
        each(playlist);
    }
    Ok(())
}

/// Saves a playlist whole, in the place of the one with its id.
pub(crate) fn put(connection: &Connection, playlist: &PlaylistRow) -> Result<()> {
    let PlaylistRow { id, persistent_id, source, key, stamp, name, parent, entries, next_entry } =
        playlist;
    remove(connection, *id)?;
    let mut insert = connection
        .prepare_cached("INSERT INTO playlists VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    insert.execute(params![
        id.get(),
        persistent_id.get().cast_signed(),
        source.0,
        key.as_bytes(),
        stamp.size.cast_signed(),
        stamp.modified_ns,
        stamp.file.cast_signed(),
        name.as_str(),
        parent.as_ref().map(|parent| parent.as_bytes()),
        entries.is_none(),
        next_entry,
    ])?;
    let mut insert = connection.prepare_cached("INSERT INTO entries VALUES (?, ?, ?, ?)")?;
    for (position, entry) in (0_i64..).zip(entries.iter().flatten()) {
        insert.execute(params![id.get(), position, entry.id.get(), entry.key.as_bytes()])?;
    }
    Ok(())
}

/// Removes a playlist, if it is there.
pub(crate) fn remove(connection: &Connection, id: ContainerId) -> Result<()> {
    connection.prepare_cached("DELETE FROM entries WHERE playlist = ?")?.execute([id.get()])?;
    connection.prepare_cached("DELETE FROM playlists WHERE id = ?")?.execute([id.get()])?;
    Ok(())
}
