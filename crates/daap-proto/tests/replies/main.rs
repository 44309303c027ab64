//! Replies as clients get them.

mod by_hand;
mod clients;
mod deltas;
mod golden;
mod library;
mod read_back;
mod streaming;
