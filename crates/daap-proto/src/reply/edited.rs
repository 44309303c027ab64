//! `/edit`: what came of it.

use daap_model::{ContainerId, ContainerItemId};
use dmap::code::*;

use super::{OK, Reply, short};

/// The reply to an edit that is done and has nothing to tell. That it tells so little is our choice: what iTunes
/// answers is known only of what adds.
#[must_use]
pub fn edited() -> Reply {
    short(MEDC, |_| {})
}

/// The reply to the making of a playlist: its id.
#[must_use]
pub fn playlist_added(id: ContainerId) -> Reply {
    short(MEDC, |out| out.u32(MIID, id.get()))
}

/// The reply to adding songs to a playlist: the new entries, in order.
///
/// # Errors
/// The reply would be too long: 200 million entries fit.
pub fn entries_added(entries: &[ContainerItemId]) -> Result<Reply, dmap::TooLong> {
    Reply::element(MEDC, |out| {
        out.u32(MSTT, OK);
        for entry in entries {
            out.container(MLIT, |out| out.u32(MCTI, entry.get()));
        }
    })
}
