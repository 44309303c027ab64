//! The client against servers that behave, and against servers that do not.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod access;
mod common;
mod download;
mod framing;
mod lists;
mod mirror;
mod own_server;
mod pictures;
mod redirects;
mod sessions;
mod songs;
