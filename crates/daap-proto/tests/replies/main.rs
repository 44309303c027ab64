//! Replies as clients get them.

mod as_wav;
mod by_hand;
mod clients;
mod deltas;
mod golden;
mod library;
mod read_back;
mod streaming;
