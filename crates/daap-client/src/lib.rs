//! A DAAP client: the lists, songs and pictures of other people's shares.
//!
//! - [`Client`] is a share that we are logged in to; [`Builder`] makes one, or only asks what a server is ([`About`]).
//! - [`Listed`] is a list whose entries come one by one, so that a million of them need no room.
//! - [`Sound`] is the sound of a song as it comes, [`Picture`] its picture.
//! - [`Download`] saves a song as a file, and goes on with what an earlier try left.
//! - [`Mirror`] is a copy of a share that follows it, whatever happens to the server and to the way there.
//! - [`ClientError`] says why something is not to be had, as data.
//!
//! Servers are taken as they are: those that miscount, that send lists in chunks or packed without being asked, that
//! redirect, that forget sessions, that ask for a password late or refuse a program whose name they do not know. None
//! of them is believed a length, and each thing that is kept for one has a bound.
//!
//! A share may be named by its host or address; with the feature `mdns` also by the name under which it is announced.
//!
//! What bytes mean is the business of `daap-proto`; playing songs is the caller's.
//!
//! ```
//! use daap_client::Client;
//! use daap_proto::Listing;
//! use futures_util::TryStreamExt;
//! # use daap_model::Track;
//! # use daap_server::Server;
//! # use library::{Library, MemorySource};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let songs = MemorySource::new();
//! # songs.put("jet", Track { title: "Jet".into(), ..Track::default() }, "the sound of it");
//! # let library = Library::builder("Living room").source("mine", songs).start().await?;
//! # let server = Server::builder(library).bind(&["127.0.0.1:0".parse()?]).await?;
//! # let url = format!("daap://{}/", server.addresses()[0]);
//! # tokio::spawn(server.run(std::future::pending()));
//! let client = Client::builder().connect(&url.parse()?).await?;
//! for database in client.databases().await? {
//!     let mut songs = client.items(database.id, &Listing::default()).await?;
//!     while let Some(song) = songs.try_next().await? {
//!         println!("{}", song.track.title);
//!     }
//! }
//! client.logout().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "mdns")]
mod announced;
mod body;
mod builder;
mod caller;
mod client;
mod download;
mod error;
mod follow;
mod listed;
mod peer;
mod picture;
mod place;
mod redirect;
mod session;
mod sound;
mod transport;

pub use builder::{About, Builder};
pub use client::{Client, MAX_DATABASES};
pub use download::{Download, DownloadError, Saved};
pub use error::{Cause, ClientError};
pub use follow::{Link, Mirror, POLL_EVERY, READ_EVERY, RETRY_FIRST, RETRY_LAST};
pub use listed::{Listed, MAX_GONE};
pub use picture::{MAX_PICTURE, Picture};
pub use sound::Sound;

/// The way to a server, for clients of what else is spoken at a share's port.
pub mod wire {
    pub use crate::session::{Login, Sessions};
    pub use crate::transport::{Answer, Patience, Question, Transport};
}
