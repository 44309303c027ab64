//! Replies that are computed from a snapshot: long ones are shared by all who ask for the same.

use std::sync::Arc;

use daap_model::Snapshot;
use daap_proto::reply::{self, Password, Reply, ServerInfo};
use daap_proto::{ClientClass, Endpoint, Request, RequestError, Step};
use http::StatusCode;

use crate::answer::{self, Answer};
use crate::body::Body;
use crate::compress;
use crate::gate::Asks;
use crate::limits::{GZIP_FROM, GZIP_INLINE, ITEMS_INLINE};
use crate::list::List;
use crate::lists::{Key, Unshared};
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
    let made = if wanted.is_long() {
        long(core, wanted, asker).await
    } else {
        short(core, wanted, asker.takes_gzip).await
    };
    match made {
        Ok(answer) => Ok(answer),
        Err(Unshared::Alone(reply)) => {
            let length = reply.length();
            Ok(answer::dmap(Body::pieces(reply, length)))
        }
        Err(Unshared::Request(error)) => Err(error),
        Err(error) => {
            tracing::error!(%error);
            Ok(answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the list could not be made"))
        }
    }
}

/// A listing of a big database: made elsewhere than on the threads that serve all connections, and shared.
async fn long(core: &Core, wanted: Wanted, asker: Asker) -> Result<Answer, Unshared> {
    let key = wanted.key(asker.takes_gzip);
    if let Some(list) = core.lists.find(&key) {
        return Ok(shared(list));
    }
    // They take turns. One peer must not wait for so many that the others hardly get one.
    let Some(_place) = core.listings.take_for(asker.peer) else {
        return Ok(answer::busy("too many lists are asked for at once"));
    };
    core.lists.find_or_make(key, move || wanted.prepare()).await.map(shared)
}

/// A listing that is made on the spot; shared only if it takes long to compress.
async fn short(core: &Core, wanted: Wanted, takes_gzip: bool) -> Result<Answer, Unshared> {
    let reply = wanted.prepare()?;
    if !takes_gzip || reply.length() <= GZIP_FROM {
        return Err(Unshared::Alone(reply));
    }
    if reply.length() <= GZIP_INLINE {
        return Ok(answer::gzipped(Body::whole(compress::gzip(reply)?)));
    }
    core.lists.find_or_make(wanted.key(true), || Ok(reply)).await.map(shared)
}

fn shared(list: List) -> Answer {
    let gzipped = list.is_gzipped();
    let body = list.body();
    if gzipped { answer::gzipped(body) } else { answer::dmap(body) }
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
    fn key(&self, gzip: bool) -> Key {
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
        Key { request, revision: self.snapshot.revision(), gzip }
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
                reply::container_items(snapshot, *database, *container, listing, client)
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
