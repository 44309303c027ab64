//! Where the player, the library and the server meet: each speaks its own words, and these translate.

mod controller;
mod heard;
mod listeners;
mod pairings;
mod songs;
#[cfg(test)]
mod tests;
mod transcoding;

pub(crate) use controller::PlayerControl;
pub(crate) use heard::{count_streams, note};
pub(crate) use pairings::PairedHere;
pub(crate) use songs::{LibrarySongs, reader};
pub(crate) use transcoding::Decoding;
