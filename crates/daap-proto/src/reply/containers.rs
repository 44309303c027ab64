//! `/databases/D/containers`: the playlists, the base container first.

use std::sync::Arc;

use daap_model::{Container, ContainerId, ContainerKind, DatabaseId, Snapshot};
use dmap::code::*;
use dmap::{Encoder, Sink};

use super::listing::{Entry, List, Slice, Update, count, known, seen};
use super::{Reply, database};
use crate::fields::{Field, Fields};
use crate::quirks::ClientClass;
use crate::request::{Listing, RequestError};

/// What is sent if nothing is asked for. What cannot be left out is not in it.
const DEFAULT_FIELDS: Fields =
    Fields::of(&[Field::Name, Field::PersistentId, Field::SmartPlaylist]);

/// What can be done to a playlist, as iTunes says it of one that a user filled by hand: add 1, remove and move
/// entries 2 and 4; 32 and 64, which it says of every list of a user's, rename and delete it.
const EDIT_COMMANDS: u32 = 0b110_0111;

/// The special playlist that has all music.
const MUSIC: u8 = 6;

/// The reply to `/databases/D/containers`: all of them, or those that changed.
///
/// A query is not looked at. Music asks for the containers that hold some media kinds, in terms nobody else knows;
/// it finds its way among too many playlists, but not without the base container.
///
/// # Errors
/// There is no such database, or the reply would be too long.
pub fn containers(
    snapshot: &Snapshot,
    database_id: DatabaseId,
    listing: &Listing,
    client: ClientClass,
) -> Result<Reply, RequestError> {
    let database = database(snapshot, database_id)?;
    let since = seen(listing, client).map(|seen| database.containers_since(seen));
    let (update, entries, gone): (_, Arc<[_]>, _) = match known(since) {
        Some((changed, gone)) => (Update::Delta, changed.into(), gone),
        None => (Update::Full, database.containers().into(), Vec::new()),
    };
    let fields = listing.fields(DEFAULT_FIELDS);
    // Nothing is said of editing where there is none.
    let fields = if client.edits() { fields } else { fields.without(Field::EditCommands) };
    let fields = if client.controls() { fields } else { fields.without(Field::SpecialPlaylist) };
    let rows = Slice::page(entries, listing.index, fields);
    let list = List {
        root: APLY,
        code: MLCL,
        update: Some(update),
        total: database.containers().len(),
        returned: rows.entries().len(),
        rows,
        gone: gone.into_iter().map(|id| id.get()).collect(),
        headers: None,
    };
    Ok(list.reply()?)
}

impl Entry for Arc<Container> {
    type Plan = Fields;

    fn write<S: Sink>(&self, fields: &Fields, out: &mut Encoder<S>) {
        let kind = self.kind();
        out.container(MLIT, |out| {
            out.u32(MIID, self.id.get());
            if fields.has(Field::PersistentId) {
                out.u64(MPER, self.persistent_id.get());
            }
            if fields.has(Field::Name) {
                out.string(MINM, &self.name);
            }
            // Readers hide a container that has the tag, whatever its value: it stands in the base alone.
            if kind == ContainerKind::Base {
                out.bool(ABPL, true);
            }
            if kind == ContainerKind::Smart && fields.has(Field::SmartPlaylist) {
                out.bool(AESP, true);
            }
            // By this Remotes find the songs for their first tab (WPRemote); we have no other such playlist.
            if kind == ContainerKind::Base && fields.has(Field::SpecialPlaylist) {
                out.u8(AEPS, MUSIC);
            }
            out.u32(MIMC, count(self.item_count));
            // 0 is the top, and is sent as iTunes does.
            out.u32(MPCO, self.parent.map_or(0, ContainerId::get));
            if fields.has(Field::EditCommands) {
                out.u32(MEDS, if self.editable { EDIT_COMMANDS } else { 0 });
            }
            // Known to few, so it is last and only where it says something.
            if kind == ContainerKind::Folder && fields.has(Field::HasChildContainers) {
                out.bool(FXCH, true);
            }
        });
    }
}
