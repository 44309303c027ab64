//! `/databases`.

use std::sync::Arc;

use daap_model::{Database, Snapshot};
use dmap::code::*;
use dmap::{Encoder, Sink};

use super::Reply;
use super::listing::{Entry, List, Slice, Update, count, known, step_seen};
use crate::quirks::ClientClass;
use crate::request::{RequestError, Step};

/// A library of songs; radio stations would be another kind.
const KIND_LIBRARY: u32 = 1;

/// What can be done to the playlists of a database, as iTunes says it: add 1, remove 2.
const EDIT_COMMANDS: u32 = 0b11;

/// The reply to `/databases`: all of them, or those that changed.
///
/// # Errors
/// The reply would be too long.
pub fn databases(
    snapshot: &Snapshot,
    step: &Step,
    client: ClientClass,
) -> Result<Reply, RequestError> {
    let since = step_seen(step, client).map(|seen| snapshot.databases_since(seen));
    let (update, entries, gone) = match known(since) {
        Some((changed, gone)) => (Update::Delta, changed, gone),
        None => (Update::Full, snapshot.databases().cloned().collect(), Vec::new()),
    };
    let list = List {
        root: AVDB,
        code: MLCL,
        update: Some(update),
        total: snapshot.databases().len(),
        returned: entries.len(),
        rows: Slice::page(entries.into(), None, client),
        gone: gone.into_iter().map(|id| id.get()).collect(),
        headers: None,
    };
    Ok(list.reply()?)
}

impl Entry for Arc<Database> {
    type Plan = ClientClass;

    fn write<S: Sink>(&self, client: &ClientClass, out: &mut Encoder<S>) {
        out.container(MLIT, |out| {
            out.u32(MIID, self.id.get());
            out.u64(MPER, self.persistent_id.get());
            out.string(MINM, &self.name);
            out.u32(MIMC, count(self.items().len()));
            out.u32(MCTC, count(self.containers().len()));
            if client.edits() {
                out.u32(MEDS, EDIT_COMMANDS);
            }
            // Last: libdmapsharing 2.9 does not know it and stops reading here.
            out.u32(MDBK, KIND_LIBRARY);
        });
    }
}
