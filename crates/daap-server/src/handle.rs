//! A server as seen by the program around it.

use std::sync::{Arc, Weak};

use dacp_proto::PairingGuid;

use crate::service::Core;
use crate::session::SessionInfo;

/// Looks at a running server, ends sessions and stops it. Clones are of the same server; it does not keep the server alive.
#[derive(Clone)]
pub struct Handle {
    core: Weak<Core>,
}

impl Handle {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self { core: Arc::downgrade(core) }
    }

    /// Who is logged in, in the order in which they came.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.core.upgrade().map(|core| core.permit.sessions.all()).unwrap_or_default()
    }

    /// Ends the sessions of a Remote whose pairing was revoked, so that it controls nothing any more. The server's
    /// [`Pairings`](crate::control::Pairings) must not know the guid any more when this is called.
    pub fn unpair(&self, guid: PairingGuid) {
        if let Some(core) = self.core.upgrade() {
            core.permit.sessions.unpair(guid);
        }
    }

    /// Stops the server, as if the future given to [`Server::run`](crate::Server::run) were done. A mounted
    /// [`Service`](crate::Service) ends its sessions, answers held requests, and answers 503 from then on.
    pub fn stop(&self) {
        if let Some(core) = self.core.upgrade() {
            core.stop();
        }
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("sessions", &self.sessions().len()).finish()
    }
}
