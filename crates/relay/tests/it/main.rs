//! Songs passed through: many listeners, servers that break off, disks that are full, processes that are killed.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod cache;
mod listeners;
mod origin;
