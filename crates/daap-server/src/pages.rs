//! Pages of the program around the server, on the server's own port.

use std::sync::Arc;

use bytes::Bytes;
use library::SourceFuture;

use crate::Peer;

/// Pages of a program's own, for whatever the server itself has nothing: beside DAAP, `/api/v1/status` and `/metrics`.
///
/// They are behind the server's door: who is not let in there, or calls the server by a stranger's name, never comes to
/// them. Who may do what beyond that is theirs to say. A browser asks on behalf of any page that it shows, and GET and
/// POST need no leave for that: what changes something should want a header that browsers do not send unasked.
///
/// A mounted [`Service`](crate::Service) has none: there the program has routes of its own.
pub trait Pages: Send + Sync + 'static {
    /// Answers a request, of any method, with its body; a body of more than 64 KiB is refused before. `None` if there is
    /// no such page.
    fn answer(
        &self,
        request: http::Request<Bytes>,
        peer: Peer,
    ) -> SourceFuture<'_, Option<http::Response<Bytes>>>;
}

impl<P: Pages + ?Sized> Pages for Arc<P> {
    fn answer(
        &self,
        request: http::Request<Bytes>,
        peer: Peer,
    ) -> SourceFuture<'_, Option<http::Response<Bytes>>> {
        (**self).answer(request, peer)
    }
}
