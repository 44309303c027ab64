//! `/databases/D/groups`: albums or artists, with what they hold.

use daap_model::{DatabaseId, Group, GroupKind, GroupSort, Snapshot, Sort, sort};
use dmap::code::*;
use dmap::{Encoder, Sink};

use super::listing::{Entry, List, Slice, Update, count};
use super::{Reply, database};
use crate::fields::{Field, Fields};
use crate::request::{Listing, RequestError};

/// What is sent if nothing is asked for. What cannot be left out is not in it.
const DEFAULT_FIELDS: Fields = Fields::of(&[Field::Name, Field::PersistentId]);

/// The reply to `/databases/D/groups`: albums by name or by artist, or artists by name, which is also what Hyperfine
/// gets when it asks for artists by album.
///
/// # Errors
/// There is no such database, or the reply would be too long.
pub fn groups(
    snapshot: &Snapshot,
    database_id: DatabaseId,
    kind: GroupKind,
    listing: &Listing,
) -> Result<Reply, RequestError> {
    let sort = match listing.sort {
        Some(Sort::Artist) => GroupSort::Artist,
        _ => GroupSort::Name,
    };
    let filter = listing.query.as_ref().map(|query| query.to_filter());
    let groups = database(snapshot, database_id)?.groups(kind, filter.as_ref(), sort);
    let total = groups.len();
    let plan = Plan { kind, fields: listing.fields(DEFAULT_FIELDS) };
    let rows = Slice::page(groups, listing.index, plan);
    let sort_names = rows.entries().iter().map(|group| match sort {
        GroupSort::Name => group.sort_name.as_str(),
        GroupSort::Artist => group.sort_artist.as_str(),
    });
    let list = List {
        root: match kind {
            GroupKind::Albums => AGAL,
            GroupKind::Artists => AGAR,
        },
        code: MLCL,
        update: Some(Update::Full),
        total,
        returned: rows.entries().len(),
        headers: listing.sort_headers.then(|| sort::headers(sort_names)),
        rows,
        gone: Vec::new(),
    };
    Ok(list.reply()?)
}

pub(crate) struct Plan {
    kind: GroupKind,
    fields: Fields,
}

impl Entry for Group {
    type Plan = Plan;

    fn write<S: Sink>(&self, plan: &Plan, out: &mut Encoder<S>) {
        let Plan { kind, fields } = plan;
        out.container(MLIT, |out| {
            if fields.has(Field::Name) {
                out.string(MINM, &self.name);
            }
            if fields.has(Field::PersistentId) {
                out.u64(MPER, self.persistent_id.get());
            }
            if fields.has(Field::ArtistId) {
                out.u64(ASRI, self.artist_id.get());
            }
            if fields.has(Field::Time) {
                out.u32(ASTM, u32::try_from(self.duration_ms).unwrap_or(u32::MAX));
            }
            if *kind == GroupKind::Artists && fields.has(Field::AlbumCount) {
                out.u32(AGAC, count(self.album_count));
            }
            out.u32(MIMC, count(self.item_count));
            if *kind == GroupKind::Albums {
                out.string(ASAA, &self.artist);
            }
            out.u32(MIID, self.id.get());
        });
    }
}
