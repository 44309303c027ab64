//! The DAAP server: what a [`Share`](library::Share) holds, over HTTP, to every player in the house.
//!
//! It serves the lists, songs and pictures of DAAP, tells waiting clients of changes, lets Remotes control a player by
//! DACP where there is one, and describes itself to programs at `/api/v1/status` and to Prometheus at `/metrics`. Who may do what is in one table, in
//! `permit.rs`; what it takes on is bounded by [`Limits`].
//!
//! It is not the protocol: requests are read and replies written by `daap-proto` and
//! `dacp-proto`, which know no socket.
//! It holds no songs: they come from the share, and a listing is computed from one of its snapshots. It
//! announces nothing: that is `discovery`.
//!
//! - [`Server`] and its [`Builder`] put a server together and run it; a [`Service`] is one without sockets, for
//!   another program's HTTP server.
//! - [`Handle`] shows who is logged in ([`SessionInfo`]) and stops it; an [`Event`] tells an observer what happens.
//! - A [`Gate`](gate::Gate) decides who is let in, [`Editing`] says who may change playlists.
//! - A [`Controller`](control::Controller) is a player that Remotes control, [`Pairings`](control::Pairings) are those
//!   that may; [`Pages`] are what the program has beside all this.
//! - [`Limits`] are its bounds, [`Network`] names the peers it trusts, [`Uptime`] is its clock.
//!
//! The share, the gate, the player and the observers are the program's own code. A panic, an error or silence of theirs costs
//! one answer and nothing more: a status while there is none yet, after that a connection that is broken off, so
//! that nobody takes half a song for a whole one. They run on the threads that serve all connections, so they
//! must not block: what does goes to `tokio::task::spawn_blocking`.
//!
//! A request's way through the crate: `listen.rs` has the connection, `service.rs` decides, `permit.rs`
//! says yes or no, `listing.rs`, `content.rs`, `remote.rs` and `longpoll.rs` do the work, `body.rs` sends it.
//!
//! ```
//! use daap_model::Track;
//! use daap_server::Server;
//! use library::{Library, MemorySource};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let songs = MemorySource::new();
//! songs.put("jet", Track { title: "Jet".into(), ..Track::default() }, "the sound of it");
//! let library = Library::builder("Living room").source("mine", songs).start().await?;
//!
//! let server = Server::builder(library).bind(&["127.0.0.1:0".parse()?]).await?;
//! println!("listening on http://{}", server.addresses()[0]);
//! server.run(async { /* until a signal comes */ }).await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod body;
mod browser;
mod builder;
mod compress;
mod content;
pub mod control;
mod delivery;
mod edit;
mod event;
mod file_reader;
mod foreign;
pub mod gate;
mod handle;
mod head;
mod host;
mod limits;
mod list;
mod listen;
mod listing;
mod lists;
mod longpoll;
mod metrics;
mod mount;
mod pages;
mod peer;
mod permit;
mod quota;
mod range;
mod record;
mod remote;
mod sendfile;
mod sent;
mod service;
mod session;
mod sessions;
mod status;
mod throttle;
mod transcode;
mod upkeep;
mod uptime;

pub use body::Body;
pub use builder::{Builder, Server};
pub use edit::Editing;
pub use event::{Delivery, Ending, Event};
pub use handle::Handle;
pub use limits::Limits;
pub use listen::BindError;
pub use mount::Service;
pub use pages::Pages;
pub use peer::{Network, NetworkError, Peer};
pub use session::{SessionInfo, SessionState};
pub use transcode::{ReadSeek, Transcode, TranscodeRules, Transcoder, WavFile};
pub use uptime::Uptime;
