//! The server over real connections, with songs that live in memory.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod access;
mod author;
mod crowd;
mod deck;
mod editing;
mod faults;
mod listening;
mod lists;
mod mounted;
mod observed;
mod pages;
mod paired;
mod remotes;
mod replies;
mod requests;
mod share;
mod shutdown;
mod songs;
mod transcode;
mod updates;
