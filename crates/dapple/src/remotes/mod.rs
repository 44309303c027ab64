//! The Remotes that control this server: those that wait to be paired, those that are paired, and how one becomes the
//! other.
//!
//! A Remote that wants to be paired announces itself and shows four digits. They are typed in here ([`Desk::pair`]), the
//! Remote is called, and gives the guid with which it logs in from then on.

mod desk;
mod paired;
mod tries;
mod waiting;

pub(crate) use desk::{Account, Desk, Introduction, Verdict};
pub(crate) use paired::{Guests, PairedRemote};
pub(crate) use waiting::{WaitingRemote, listen};
