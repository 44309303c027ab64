//! Announcing shares on the local network and finding those of others, by multicast DNS; and finding what else there is
//! to play from, to play to, and to be controlled by.
//!
//! - [`Advertiser`] announces a service on every suitable interface, follows changes of the network, and says goodbye
//!   when it stops. A share takes another name when its own is taken; what is known by an id (a server to Remotes, a
//!   Remote that waits, a sender to speakers) keeps it. It needs no other daemon and lives beside one (avahi,
//!   mDNSResponder, systemd-resolved) without sharing its host name.
//! - [`Browser`] watches the services that others announce, of one [`Kind`] or of several: each change in turn, or
//!   how all are now.
//! - [`Service`] is one of them: where it is, and in [`About`] what it is and says about itself in its TXT record.
//! - [`echo()`] tells whether multicast DNS gets through on this machine at all.
//! - [`Interfaces`] says where to speak, derived from the addresses a server listens on.
//!
//! This crate knows nothing of libraries, of HTTP or of who may connect. The wire is [`mdns_sd`]'s work;
//! what is ours is which name to take, when to give it up, and what to say.
//!
//! ```no_run
//! use discovery::{Advert, Advertiser, Browser, Event, Interfaces, Kind};
//!
//! # async fn example() -> Result<(), discovery::DiscoveryError> {
//! let advertised = Advertiser::start(Advert::share("Living room", "nas", 3689))?;
//! println!("announced as {}", advertised.announced().await.name);
//!
//! let mut browser = Browser::start(&[Kind::Daap, Kind::Raop], Interfaces::all())?;
//! while let Some(event) = browser.next().await {
//!     if let Event::Found(service) = event {
//!         println!("{} at {:?}", service.name, service.addresses);
//!     }
//! }
//! advertised.stop().await;
//! # Ok(())
//! # }
//! ```

mod advert;
mod advertise;
mod browse;
mod echo;
mod interfaces;
mod kind;
mod name;
mod responder;
mod service;
mod txt;

pub use advert::{Advert, Role};
pub use advertise::{Advertised, Advertiser, Standing};
pub use browse::{Browser, Event};
pub use echo::echo;
pub use interfaces::Interfaces;
pub use kind::Kind;
pub use service::{About, Service};
pub use txt::{
    RemoteTxt, SenderTxt, ServerTxt, ShareTxt, SpeakerTxt, Version, database_id, machine_id,
    sender_instance,
};

/// Why nothing can be announced or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The system refused what multicast DNS needs: a thread, a poller or a socket.
    #[error("multicast DNS could not start")]
    Start(#[source] mdns_sd::Error),
    /// What was to be announced cannot be said in multicast DNS.
    #[error("the share cannot be announced as {name:?}")]
    Unspeakable {
        /// The name under which it was to be announced.
        name: String,
        /// What is wrong with it.
        #[source]
        source: mdns_sd::Error,
    },
    /// The thread that speaks multicast DNS has ended.
    #[error("multicast DNS stopped working")]
    Ended,
}
