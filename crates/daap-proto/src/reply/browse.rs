//! `/databases/D/browse/WHAT`: the names of artists, albums, genres or composers.

use daap_model::{Browse, DatabaseId, Snapshot, Value, sort};
use dmap::code::*;
use dmap::{Encoder, Sink};

use super::listing::{Entry, List, Slice};
use super::{Reply, database};
use crate::request::{Listing, RequestError};

/// The reply to `/databases/D/browse/WHAT`: distinct names, sorted. Artists are those that albums are filed under.
///
/// # Errors
/// There is no such database, or the reply would be too long.
pub fn browse(
    snapshot: &Snapshot,
    database_id: DatabaseId,
    category: Browse,
    listing: &Listing,
) -> Result<Reply, RequestError> {
    let filter = listing.query.as_ref().map(|query| query.to_filter());
    let values = database(snapshot, database_id)?.browse(category, filter.as_ref());
    let total = values.len();
    let rows = Slice::page(values, listing.index, ());
    let sort_names = rows.entries().iter().map(|value| value.sort_name.as_str());
    let list = List {
        root: ABRO,
        code: match category {
            Browse::Artists => ABAR,
            Browse::Albums => ABAL,
            Browse::Genres => ABGN,
            Browse::Composers => ABCP,
        },
        update: None,
        total,
        returned: rows.entries().len(),
        headers: listing.sort_headers.then(|| sort::headers(sort_names)),
        rows,
        gone: Vec::new(),
    };
    Ok(list.reply()?)
}

impl Entry for Value {
    type Plan = ();

    /// Here, and nowhere else, `mlit` is a bare text.
    fn write<S: Sink>(&self, (): &(), out: &mut Encoder<S>) {
        out.string(MLIT, &self.name);
    }
}
