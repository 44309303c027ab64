//! A Remote: pairs with players and controls them over DACP.
//!
//! - [`pairing`] is how a Remote and a server come to trust each other, from both ends.
//!
//! What bytes mean is the business of `dacp-proto`.
//!
//! ```
//! use std::time::Duration;
//!
//! use dacp_client::pairing::{WaitError, Waiting};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let waiting = Waiting::listen("Anna's laptop", "127.0.0.1:0".parse()?).await?;
//! println!("type {} into the server", waiting.pin());
//! let paired = waiting.paired(Duration::from_millis(1)).await;
//! assert!(matches!(paired, Err(WaitError::TimedOut { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod pairing;
