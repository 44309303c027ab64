//! Plays songs: a queue, what to do next, and the one thread that feeds the outputs.
//!
//! - [`Songs`] is where songs come from: a program gives their bytes, and the player decodes them.
//! - [`Output`] is what sound goes to. A player has any number; each has a volume, and each can fail and come back without
//!   stopping the others.
//! - [`Player`] is the handle: it is told [`Command`]s, and shows a [`Status`] with a revision. What becomes of songs, for play
//!   counts and bookmarks, goes out as [`Heard`]; what is to outlive a restart is [`Saved`].
//! - [`Engine`] owns all of it and runs on a thread, or is stepped by hand, on whatever clock.
//!
//! Songs of one rate join without a frame lost or added, and sound that needs no change reaches the outputs bit for bit.
//! What to do is decided by a machine without sound, threads or clock: commands and events in, effects out.
//!
//! The crate knows no protocol, no file and no device; those are behind [`Songs`], [`Output`] and the program.
//!
//! ```
//! use std::io::Cursor;
//!
//! use daap_model::{DatabaseId, ItemId};
//! use library::OpenError;
//! use player::{Command, Opened, Player, Song, Songs, State};
//!
//! struct Jet;
//!
//! impl Songs for Jet {
//!     fn open(&self, _: Song) -> Result<Opened, OpenError> {
//!         let file = b"RIFF\x2C\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1F\0\0\x80\x3E\0\0\x02\0\x10\0\
//!             data\x08\0\0\0\0\0\0\x40\0\xC0\xFF\x7F";
//!         Ok(Opened::new(Cursor::new(file), Some(file.len() as u64)))
//!     }
//!
//!     fn has(&self, _: Song) -> bool {
//!         true
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! // With an output it would be heard.
//! let player = Player::builder(Jet).start()?;
//! let jet = Song::new(DatabaseId::LOWEST, ItemId::LOWEST);
//! player.tell(Command::Append(vec![jet, jet])).await?;
//!
//! let status = player.status();
//! assert_eq!(status.state, State::Playing);
//! assert_eq!(status.current.map(|current| current.song), Some(jet));
//! assert_eq!(status.upcoming.len(), 1);
//! player.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bell;
mod command;
mod deck;
mod engine;
mod feed;
mod frames;
mod handle;
mod machine;
mod output;
mod queue;
mod rack;
mod saved;
mod song;
mod song_list;
mod status;
mod tape;

pub use command::{Command, Direction, MAX_CROSS_FADE, MAX_QUEUE, Place, PlayerError, Repeat};
pub use engine::Engine;
pub use handle::{Builder, Player, SESSION_RATE};
pub use output::{Output, OutputId};
pub use queue::MAX_HISTORY;
pub use saved::Saved;
pub use song::{NoSong, Opened, Song, Songs, Sound};
pub use song_list::SongList;
pub use status::{Current, Elapsed, Failure, Heard, OutputStatus, State, Status};
