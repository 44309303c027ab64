//! Plays songs.
//!
//! What a player knows, and what it is told: [`Song`]s come from whatever implements [`Songs`] and go to whatever
//! implements [`Output`]; a [`Command`] is something to do, and [`Status`] is what a player shows of itself. It knows no
//! protocol, no file and no device.
//!
//! ```
//! use daap_model::{DatabaseId, ItemId};
//! use player::{Command, Song};
//!
//! let song = Song::new(DatabaseId::LOWEST, ItemId::LOWEST);
//! let command = Command::Replace { songs: vec![song], start: Some(0), shuffle: None };
//! assert_eq!(Song::try_from(<[u32; 4]>::from(song)), Ok(song));
//! # let _ = command;
//! ```

mod command;
mod output;
mod queue;
mod song;
mod status;

pub use command::{Command, Direction, MAX_CROSS_FADE, MAX_QUEUE, Place, PlayerError, Repeat};
pub use output::{Output, OutputId};
pub use queue::SongList;
pub use song::{NoSong, Opened, Song, Songs, Sound};
pub use status::{Current, Elapsed, Failure, Heard, OutputStatus, State, Status};
