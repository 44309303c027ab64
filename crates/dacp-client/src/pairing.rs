//! Pairing, from both ends.
//!
//! A Remote [waits](Waiting): it shows its owner a code and listens. The server [asks](ask()) it, and proves thereby that
//! somebody told it the code. From then on the guid that the Remote answered is all that it takes to log in. Nothing of
//! this is enciphered: who reads along on the network has the guid.
//!
//! ```
//! use std::time::Duration;
//!
//! use dacp_client::pairing::{Waiting, ask};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let waiting = Waiting::listen("Anna's laptop", "127.0.0.1:0".parse()?).await?;
//! let (remote, pair, pin) = (waiting.address(), waiting.pair().to_owned(), waiting.pin());
//! let (paired, answer) = tokio::join!(
//!     waiting.paired(Duration::from_secs(60)),
//!     ask(remote, &pair, pin, "74DEBFCE2ED0E1C0"),
//! );
//! let (paired, answer) = (paired?, answer?);
//! assert_eq!(paired.service_name, "74DEBFCE2ED0E1C0");
//! assert_eq!((answer.guid, answer.name.as_str()), (paired.guid, "Anna's laptop"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ask;
mod wait;

pub use self::ask::{PairError, ask};
pub use self::wait::{MAX_WRONG, Paired, WaitError, Waiting};
