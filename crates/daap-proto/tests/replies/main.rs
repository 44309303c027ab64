//! Replies as clients get them.

mod golden;
mod library;
mod streaming;
