//! Replies that are computed from a snapshot: streamed as they are, or compressed and shared.

use std::sync::Arc;

use daap_model::Snapshot;
use daap_proto::reply::{self, Password, Reply, ServerInfo};
use daap_proto::{ClientClass, Endpoint, Request, RequestError, Step};
use http::StatusCode;

use crate::answer::{self, Answer};
use crate::body::Body;
use crate::compress::{Key, PackError, Packed, pack};
use crate::gate::Asks;
use crate::limits::{GZIP_INLINE, ITEMS_INLINE};
use crate::peer::Peer;
use crate::service::Core;

/// A reply that is known to be short.
pub(crate) fn whole(reply: Reply) -> Answer {
    answer::dmap(Body::whole(reply.into_bytes()))
}

/// Who asks for a listing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    pub(crate) peer: Peer,
    pub(crate) client: ClientClass,
    pub(crate) takes_gzip: bool,
}

/// The reply to a request that needs nothing but the library as it is now.
pub(crate) async fn answer(
    core: &Core,
    request: Request,
    asker: Asker,
) -> Result<Answer, RequestError> {
    let snapshot = core.snapshot();
    let password = match core.permit.asks {
        Asks::Nothing => Password::None,
        Asks::Password => Password::Wanted,
        Asks::NameAndPassword => Password::WantedWithName,
    };
    let wanted = Wanted { snapshot, request, client: asker.client, password };
    let key = asker.takes_gzip.then(|| wanted.key());
    if let Some(packed) = key.as_ref().and_then(|key| core.compressor.kept(key)) {
        return Ok(ready(packed));
    }
    let is_long = wanted.is_long();
    // Big listings take turns. One peer must not wait for so many that the others hardly get one.
    let place = is_long.then(|| core.listings.take_for(asker.peer));
    if matches!(place, Some(None)) {
        return Ok(answer::busy("too many lists are asked for at once"));
    }
    let Some(key) = key.filter(|_| core.compressor.has_room()) else {
        return Ok(plain(prepare(core, wanted).await?));
    };
    let packed = if is_long {
        core.compressor.pack(key, move || wanted.prepare()).await
    } else {
        let reply = wanted.prepare()?;
        if reply.length() <= GZIP_INLINE {
            pack(reply).map_err(PackError::from)
        } else {
            core.compressor.pack(key, || Ok(reply)).await
        }
    };
    match packed {
        Ok(packed) => Ok(ready(packed)),
        Err(PackError::Request(error)) => Err(error),
        Err(error) => {
            tracing::error!(%error);
            Ok(answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the list could not be made"))
        }
    }
}

fn plain(reply: Reply) -> Answer {
    let length = reply.length();
    answer::dmap(Body::pieces(reply, length))
}

fn ready(packed: Packed) -> Answer {
    let body = Body::whole(packed.bytes);
    if packed.gzipped { answer::gzipped(body) } else { answer::dmap(body) }
}

/// Makes the reply; if that takes long, elsewhere than on the threads that serve all connections.
async fn prepare(core: &Core, wanted: Wanted) -> Result<Reply, RequestError> {
    if !wanted.is_long() {
        return wanted.prepare();
    }
    core.aside(move || wanted.prepare()).await
}

/// All that a reply depends on.
#[derive(Clone)]
struct Wanted {
    snapshot: Arc<Snapshot>,
    request: Request,
    client: ClientClass,
    password: Password,
}

impl Wanted {
    /// The request without what changes nothing: the session, and the revision the client moves to.
    fn key(&self) -> Key {
        let mut request = self.request.clone();
        request.session_id = None;
        match &mut request.endpoint {
            Endpoint::Databases(step) => *step = Step { revision: None, delta: step.seen() },
            Endpoint::Items { listing, .. }
            | Endpoint::Containers { listing, .. }
            | Endpoint::ContainerItems { listing, .. }
            | Endpoint::Browse { listing, .. }
            | Endpoint::Groups { listing, .. } => {
                listing.step = Step { revision: None, delta: listing.step.seen() };
            }
            _ => {}
        }
        let request = format!("{:?} {}", self.client, request.to_uri());
        Key { request, revision: self.snapshot.revision() }
    }

    fn is_long(&self) -> bool {
        let database = match &self.request.endpoint {
            Endpoint::Items { database, .. }
            | Endpoint::ContainerItems { database, .. }
            | Endpoint::Browse { database, .. }
            | Endpoint::Groups { database, .. } => *database,
            _ => return false,
        };
        self.snapshot.database(database).is_some_and(|d| d.items().len() > ITEMS_INLINE)
    }

    fn prepare(&self) -> Result<Reply, RequestError> {
        let (snapshot, client) = (&self.snapshot, self.client);
        match &self.request.endpoint {
            Endpoint::ServerInfo => {
                let info = ServerInfo {
                    name: snapshot.name(),
                    password: self.password,
                    databases: u32::try_from(snapshot.databases().len()).unwrap_or(u32::MAX),
                };
                Ok(reply::server_info(&info, client)?)
            }
            Endpoint::ContentCodes => reply::content_codes(snapshot),
            Endpoint::Databases(step) => reply::databases(snapshot, step, client),
            Endpoint::Items { database, listing } => {
                reply::items(snapshot, *database, listing, client)
            }
            Endpoint::Containers { database, listing } => {
                reply::containers(snapshot, *database, listing, client)
            }
            Endpoint::ContainerItems { database, container, listing } => {
                reply::container_items(snapshot, *database, *container, listing)
            }
            Endpoint::Browse { database, category, listing } => {
                reply::browse(snapshot, *database, *category, listing)
            }
            Endpoint::Groups { database, kind, listing } => {
                reply::groups(snapshot, *database, *kind, listing)
            }
            _ => Err(RequestError::UnknownPath { path: self.request.to_uri() }),
        }
    }
}
