//! Sources that follow a Subsonic server: one that behaves, and one that does not.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod back;
mod common;
mod connection;
mod faults;
mod listing;
mod login;
mod real;
mod sounds;
mod transcoding;
