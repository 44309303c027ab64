//! Lists of songs: those of a database, and the entries of a container.

use daap_model::{
    ContainerId, Cursor, DatabaseId, Filter, Row, RowIter, Selection, Snapshot, Sort,
};
use dmap::code::{ADBS, APSO, MLCL, MLIT};
use dmap::{Code, Encoder, HEADER, Room, Sink, TooLong};

use super::listing::{List, Update, known, seen};
use super::{Reply, Rows, database};
use crate::custom::CustomFields;
use crate::fields::{Field, Fields};
use crate::quirks::ClientClass;
use crate::request::{Listing, RequestError};

/// What is sent of a song if nothing is asked for.
const DEFAULT_FIELDS: Fields = Fields::of(&[
    Field::ItemKind,
    Field::DataKind,
    Field::Id,
    Field::PersistentId,
    Field::Name,
    Field::Album,
    Field::Artist,
    Field::Format,
    Field::Time,
]);

/// What is sent of an entry if nothing is asked for.
const DEFAULT_ENTRY_FIELDS: Fields =
    Fields::of(&[Field::ItemKind, Field::Id, Field::Name, Field::ContainerItemId]);

/// Sent whatever is asked for.
const STRUCTURE: Fields = Fields::of(&[Field::ItemKind, Field::Id]);

/// What songs carry beside sort headers.
const SORT_FIELDS: Fields = Fields::of(&[
    Field::SortName,
    Field::SortArtist,
    Field::SortAlbumArtist,
    Field::SortAlbum,
    Field::SortComposer,
]);

/// The reply to `/databases/D/items`: the songs that are asked for, or those that changed.
///
/// # Errors
/// There is no such database, or the reply would be too long.
pub fn items(
    snapshot: &Snapshot,
    database_id: DatabaseId,
    listing: &Listing,
    client: ClientClass,
) -> Result<Reply, RequestError> {
    let database = database(snapshot, database_id)?;
    let items = database.items();
    let columns = Columns {
        fields: wanted(listing, DEFAULT_FIELDS).without(Field::ContainerItemId),
        custom: CustomFields::wanted(snapshot, listing.meta.as_ref()),
        client,
    };
    let since = seen(listing, client).map(|seen| database.items_since(seen));
    let Some((changed, gone)) = known(since) else {
        return full(ADBS, by_album_if_found(items.all(), listing), listing, columns);
    };
    let list = List {
        root: ADBS,
        code: MLCL,
        update: Some(Update::Delta),
        total: items.len(),
        returned: changed.len(),
        rows: Songs::new(changed, columns),
        gone: gone.into_iter().map(|id| id.get()).collect(),
        headers: None,
    };
    Ok(list.reply()?)
}

/// The reply to `/databases/D/containers/C/items`: the entries that are asked for, in the container's own order; the
/// base container has none, and is listed as [`items`] are.
///
/// It is never a delta: the entries of a playlist have an order, which a delta cannot tell.
///
/// # Errors
/// There is no such database or container, or the reply would be too long.
pub fn container_items(
    snapshot: &Snapshot,
    database_id: DatabaseId,
    container: ContainerId,
    listing: &Listing,
    client: ClientClass,
) -> Result<Reply, RequestError> {
    let entries = database(snapshot, database_id)?.entries(container);
    let missing = RequestError::NotFound { what: "container", id: container.get().into() };
    let entries = match container {
        ContainerId::BASE => by_album_if_found(entries.ok_or(missing)?, listing),
        _ => entries.ok_or(missing)?,
    };
    let columns = Columns {
        fields: wanted(listing, DEFAULT_ENTRY_FIELDS),
        custom: CustomFields::wanted(snapshot, listing.meta.as_ref()),
        client,
    };
    full(APSO, entries, listing, columns)
}

/// What a query finds among all songs comes by album, as iTunes has it, if no order is asked for.
fn by_album_if_found<'a>(songs: Selection<'a>, listing: &Listing) -> Selection<'a> {
    if listing.query.is_some() { songs.sorted(Sort::Album) } else { songs }
}

fn full(
    root: Code,
    selection: Selection<'_>,
    listing: &Listing,
    columns: Columns,
) -> Result<Reply, RequestError> {
    let filter = listing.query.as_ref().map_or(Filter::EVERYTHING, |query| query.to_filter());
    let selection =
        if filter == Filter::EVERYTHING { selection } else { selection.matching(&filter) };
    let selection = match listing.sort {
        Some(sort) => selection.sorted(sort),
        None => selection,
    };
    let rows = selection.page(listing.index.map(Into::into).unwrap_or_default());
    let list = List {
        root,
        code: MLCL,
        update: Some(Update::Full),
        total: rows.total(),
        returned: rows.len(),
        headers: listing.sort_headers.then(|| rows.headers()),
        rows: Songs::new(rows, columns),
        gone: Vec::new(),
    };
    Ok(list.reply()?)
}

fn wanted(listing: &Listing, default: Fields) -> Fields {
    let fields = listing.fields(default).and(STRUCTURE);
    // iTunes fetches artwork only of songs that announce how many they have.
    let fields =
        if fields.has(Field::ExtraData) { fields.with(Field::ArtworkCount) } else { fields };
    if listing.sort_headers { fields.and(SORT_FIELDS) } else { fields }
}

/// What is sent of each song.
struct Columns {
    fields: Fields,
    custom: CustomFields,
    client: ClientClass,
}

impl Columns {
    /// How many bytes these rows take.
    fn length(&self, rows: &[Row<'_>]) -> usize {
        let custom = rows.iter().map(|row| self.custom.length(&row.item.custom));
        rows.len() * HEADER + self.fields.length(rows, self.client) + custom.sum::<usize>()
    }

    fn write<S: Sink>(&self, row: Row<'_>, out: &mut Encoder<S>) {
        out.container(MLIT, |out| {
            self.fields.write(row, self.client, out);
            // Fewest clients know these, so they come last of all.
            self.custom.write(&row.item.custom, out);
        });
    }
}

/// Some rows at a time: so many that memory is asked for the next ones while it still gives the first, so few that
/// they stay at hand from measuring to writing.
const BLOCK: usize = 32;

fn next_block<'a>(rows: &mut RowIter<'a>, block: &mut Vec<Row<'a>>) -> bool {
    block.clear();
    block.extend(rows.take(BLOCK));
    !block.is_empty()
}

/// Songs as they are sent.
struct Songs {
    rows: daap_model::Rows,
    cursor: Cursor,
    columns: Columns,
}

impl Songs {
    fn new(rows: daap_model::Rows, columns: Columns) -> Self {
        Self { rows, cursor: Cursor::default(), columns }
    }
}

impl Rows for Songs {
    fn measure(&self) -> Result<u64, TooLong> {
        let (mut rows, mut block) = (self.rows.iter(), Vec::with_capacity(BLOCK));
        let mut length = 0;
        while next_block(&mut rows, &mut block) {
            length += self.columns.length(&block) as u64;
        }
        Ok(length)
    }

    fn fill(&mut self, out: &mut Vec<u8>, full: usize) -> bool {
        let (mut rows, mut block) = (self.rows.iter_from(self.cursor), Vec::with_capacity(BLOCK));
        while out.len() < full {
            if !next_block(&mut rows, &mut block) {
                return false;
            }
            let start = out.len();
            out.resize(start + self.columns.length(&block), 0);
            let mut encoder = Encoder::new(Room::new(&mut out[start..]));
            block.iter().for_each(|row| self.columns.write(*row, &mut encoder));
        }
        self.cursor = rows.cursor();
        true
    }
}
