//! The servers of a run: that of the library, and one for each database that is a share of its own.

use std::io::{self, Write};
use std::net::SocketAddr;

use daap::Announcing;
use daap_server::{Builder, Server};
use futures_util::{FutureExt as _, future};
use library::{Library, Share};
use source_daap::Carried;

use super::Settings;
use crate::adapters::{Decoding, count_streams};
use crate::api::Api;
use crate::jukebox::Jukebox;
use crate::subsonic::Connections;

/// From what the servers are made.
pub(super) struct Plan<'a> {
    pub(super) settings: &'a Settings,
    pub(super) library: &'a Library,
    /// Whose songs there are.
    pub(super) carried: &'a Carried,
}

/// Servers that listen, each with how it is announced, if it is.
pub(super) struct Servers(Vec<(Server, Option<Announcing>)>);

impl Plan<'_> {
    /// Has all servers listen; Remotes control the player at the first.
    pub(super) async fn listen(
        &self,
        jukebox: Option<&Jukebox>,
        connections: Connections,
    ) -> anyhow::Result<Servers> {
        let own_shares = connections.own_shares(self.library);
        let machine_id = self.carried.own();
        let remote_id = jukebox.map(|_| machine_id);
        let first = self.first(jukebox, connections).await?;
        let mut servers = vec![(first, self.announcing(machine_id, remote_id))];
        for own in own_shares {
            let addresses = own.addresses(&self.settings.listen);
            let server = self.builder(own.share);
            let server = bind(server, &addresses, "`listen` of its section").await?;
            servers.push((server, self.announcing(own.id, None)));
        }
        Ok(Servers(servers))
    }

    /// The server of the whole library, with the player and the pages.
    async fn first(
        &self,
        jukebox: Option<&Jukebox>,
        connections: Connections,
    ) -> anyhow::Result<Server> {
        let api = Api::new(jukebox.map(Jukebox::desk), connections);
        let mut server = self.builder(self.library.clone()).pages(api);
        if let Some(jukebox) = jukebox {
            server = jukebox.controlled_at(server);
        }
        let server = bind(server, &self.settings.listen, "--listen").await?;
        if let Some(jukebox) = jukebox {
            jukebox.log_in_at(server.handle());
        }
        Ok(server)
    }

    /// A server of this share, which is the library or part of it, for all whom the settings let in.
    fn builder(&self, share: impl Share) -> Builder {
        let Self { settings, library, carried } = *self;
        let (host, carried) = (gethostname::gethostname(), carried.clone());
        let mut builder = Server::builder(share)
            .allow_host(&host.to_string_lossy())
            .editing(settings.edits.into())
            .transcode(Decoding, settings.transcode.clone())
            .lineage(move || carried.lineage());
        for name in &settings.allowed_hosts {
            builder = builder.allow_host(name);
        }
        for network in &settings.trusted_networks {
            builder = builder.trust(*network);
        }
        if settings.count_streams {
            builder = builder.observe(count_streams(library.clone()));
        }
        match &settings.password {
            Some(password) => builder.password(password.reveal()),
            None => builder,
        }
    }

    /// How a share is announced that clients know by this number; `None` if it is not.
    fn announcing(&self, machine_id: u64, remote_id: Option<u64>) -> Option<Announcing> {
        let Settings { password, ipv4_only, advertise, .. } = self.settings;
        advertise.then(|| Announcing {
            password: password.is_some(),
            ipv4_only: *ipv4_only,
            machine_id: Some(machine_id),
            remote_id,
        })
    }
}

impl Servers {
    /// Says where they listen.
    pub(super) fn tell(&self, out: &mut impl Write) -> io::Result<()> {
        for (server, _) in &self.0 {
            let name = server.share().watch().borrow().name().clone();
            for address in server.addresses() {
                writeln!(out, "listening on http://{address} ({name})")?;
            }
        }
        out.flush()
    }

    /// Has them serve until it is time to stop.
    pub(super) async fn run(self, stop: impl Future<Output = ()>) {
        let stop = stop.shared();
        let serving = self.0.into_iter().map(|(server, announcing)| {
            let stop = stop.clone();
            async move {
                match announcing {
                    Some(announcing) => daap::serve_announced(server, announcing, stop).await,
                    None => server.run(stop).await,
                }
            }
        });
        future::join_all(serving).await;
    }
}

/// Has a server listen on these addresses, which `option` gives.
async fn bind(builder: Builder, addresses: &[SocketAddr], option: &str) -> anyhow::Result<Server> {
    builder.bind(addresses).await.map_err(|error| {
        let remedy = match error.cause.kind() {
            io::ErrorKind::AddrInUse => {
                "another program has the port: stop it, or give another one"
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine does not have the address; [::]:PORT means all it has"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 are for the administrator; give a higher one"
            }
            _ => "give another address",
        };
        let context = format!("cannot share here: {remedy} (ADDR:PORT, with {option})");
        anyhow::Error::new(error).context(context)
    })
}
