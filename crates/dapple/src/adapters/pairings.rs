//! The server's word for who may log in as a Remote.

use std::sync::Arc;

use daap_server::control::{PairingGuid, Pairings};
use library::SourceFuture;

use crate::remotes::Desk;

/// The Remotes that were paired here.
pub(crate) struct PairedHere(pub(crate) Arc<Desk>);

impl Pairings for PairedHere {
    fn knows(&self, guid: PairingGuid) -> SourceFuture<'_, bool> {
        Box::pin(async move {
            let known = self.0.knows(guid).await;
            if known {
                // The Remote need not wait until that is on the disk.
                let guests = self.0.guests().clone();
                tokio::spawn(async move {
                    if let Err(error) = guests.note(guid).await {
                        tracing::warn!("when a Remote was last seen is not kept: {error:#}");
                    }
                });
            }
            known
        })
    }
}
