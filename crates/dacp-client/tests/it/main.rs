//! A Remote and players that behave, and players that do not.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod common;
mod control;
mod follow;
mod pairing;
