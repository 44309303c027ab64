//! The client against servers that behave, and against servers that do not.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod common;
mod lists;
mod mirror;
mod own_server;
