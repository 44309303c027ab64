//! The playlists of the house as rows.

use daap_model::{ContainerId, ContainerItem, ContainerItemId, DatabaseId, ItemId, PersistentId};
use library::HousePlaylistRow;
use rusqlite::{Connection, Result, params};

use crate::columns::Columns;

/// Hands every playlist to `each`, by id.
pub(crate) fn load(connection: &Connection, mut each: impl FnMut(HousePlaylistRow)) -> Result<()> {
    let mut entries = connection
        .prepare("SELECT id, item FROM house_entries WHERE playlist = ? ORDER BY position")?;
    let mut select = connection.prepare(
        "SELECT id, persistent_id, database, name, next_entry FROM house_playlists ORDER BY id",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let columns = &mut Columns::of(row);
        let id = columns.made(ContainerId::to_give)?;
        let found = entries.query_map([id.get()], |row| {
            let columns = &mut Columns::of(row);
            Ok(ContainerItem {
                id: columns.made(ContainerItemId::to_give)?,
                item: columns.made(ItemId::to_give)?,
            })
        })?;
        each(HousePlaylistRow {
            id,
            persistent_id: PersistentId::new(columns.bits()?),
            database: columns.made(DatabaseId::to_give)?,
            name: columns.text()?,
            next_entry: columns.number()?,
            entries: found.collect::<Result<_>>()?,
        });
    }
    Ok(())
}

/// Saves a playlist whole, in the place of the one with its id.
pub(crate) fn put(connection: &Connection, playlist: &HousePlaylistRow) -> Result<()> {
    let HousePlaylistRow { id, persistent_id, database, name, entries, next_entry } = playlist;
    remove(connection, *id)?;
    let mut insert =
        connection.prepare_cached("INSERT INTO house_playlists VALUES (?, ?, ?, ?, ?)")?;
    let persistent_id = persistent_id.get().cast_signed();
    insert.execute(params![id.get(), persistent_id, database.get(), name.as_str(), next_entry])?;
    let mut insert = connection.prepare_cached("INSERT INTO house_entries VALUES (?, ?, ?, ?)")?;
    for (position, entry) in (0_i64..).zip(entries) {
        insert.execute(params![id.get(), position, entry.id.get(), entry.item.get()])?;
    }
    Ok(())
}

/// Removes a playlist, if it is there.
pub(crate) fn remove(connection: &Connection, id: ContainerId) -> Result<()> {
    for delete in
        ["DELETE FROM house_entries WHERE playlist = ?", "DELETE FROM house_playlists WHERE id = ?"]
    {
        connection.prepare_cached(delete)?.execute([id.get()])?;
    }
    Ok(())
}
