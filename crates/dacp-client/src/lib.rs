//! A Remote: pairs with players and controls them over DACP.
//!
//! - [`Remote`] is logged in to a player: iTunes, an Apple TV 2 or 3, OwnTone, dapple. It asks what plays, what is queued
//!   and where, and tells the player what to do.
//! - [`Follow`] tells what the player does from now on, whatever happens to it and to the way there.
//! - [`pairing`] is how a Remote and a server come to trust each other, from both ends.
//! - [`RemoteError`] says why a player did not do what it was told, as data.
//!
//! Players are taken as they are: those that know less than others say so, those that forget sessions get new ones, and what
//! they send is bounded. What bytes mean is the business of `dacp-proto`; the way to a server is `daap-client`'s.
//!
//! ```
//! use dacp_client::{News, Remote};
//! use dacp_proto::{Button, PlayerState};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let player = testkit::server::Server::start(testkit::player::music).await;
//! # let url = player.url();
//! let remote = Remote::connect(&url.parse()?, Some("0xFAEA410630AEC05E".parse()?)).await?;
//! remote.press(Button::Play).await?;
//! let News::Status(status) = remote.follow().next().await? else { unreachable!() };
//! assert_eq!(status.state, PlayerState::Playing);
//! remote.log_out().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dialect;
mod error;
mod follow;
pub mod pairing;
mod remote;
mod session;
mod swipe;

pub use error::RemoteError;
pub use follow::{Follow, News, PAUSE};
pub use remote::{MAX_QUEUE, Remote};
pub use swipe::Swipe;
