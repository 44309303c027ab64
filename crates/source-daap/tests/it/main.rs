//! Shares republished, by servers that behave and by servers that republish each other.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod common;
mod rings;
mod shares;
mod sounds;
