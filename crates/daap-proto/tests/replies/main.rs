//! Replies as clients get them.

mod clients;
mod deltas;
mod golden;
mod library;
mod read_back;
mod streaming;
