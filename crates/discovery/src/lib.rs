//! Announcing shares on the local network and finding those of others, by multicast DNS.
//!
//! - [`Advertiser`] announces one share on every suitable interface, takes another name when its own is
//!   taken, follows changes of the network, and says goodbye when it stops. It needs no other daemon and
//!   lives beside one (avahi, mDNSResponder, systemd-resolved) without sharing its host name.
//! - [`Browser`] watches the shares that others announce.
//! - [`ShareTxt`] is what a DAAP share says about itself in its TXT record.
//! - [`Interfaces`] says where to speak, derived from the addresses a server listens on.
//!
//! This crate knows nothing of libraries, of HTTP or of who may connect. The wire is [`mdns_sd`]'s work;
//! what is ours is which name to take, when to give it up, and what to say.
//!
//! ```no_run
//! use discovery::{Advert, Advertiser, Browser, Event, Interfaces, Kind};
//!
//! # async fn example() -> Result<(), discovery::DiscoveryError> {
//! let advertised = Advertiser::start(Advert::new("Living room", "nas", 3689))?;
//! println!("announced as {}", advertised.announced().await.name);
//!
//! let mut browser = Browser::start(Kind::DAAP, Interfaces::all())?;
//! while let Some(event) = browser.next().await {
//!     if let Event::Found(share) = event {
//!         println!("{} at {:?}", share.name, share.addresses);
//!     }
//! }
//! advertised.stop().await;
//! # Ok(())
//! # }
//! ```

mod advertise;
mod browse;
mod interfaces;
mod name;
mod responder;
mod service;

pub use advertise::{Advert, Advertised, Advertiser, Standing};
pub use browse::{Browser, Event, Share};
pub use interfaces::Interfaces;
pub use service::{DEFAULT_PORT, Kind, ShareTxt, Version, database_id, machine_id};

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
