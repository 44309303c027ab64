//! dapple: music sharing over DAAP.
//!
//! The binary is thin: [`cli`] has a file for each subcommand, [`config`] resolves what the user asked for, and
//! `cli/serve.rs` is where the parts are put together.

mod adapters;
mod api;
mod cli;
mod config;
mod file;
#[cfg(test)]
mod fixture;
mod folders;
mod http;
mod jukebox;
mod loudness;
mod m3u;
mod machine;
#[cfg(feature = "mpris")]
mod mpris;
mod nearest;
mod password;
mod players;
mod remotes;
mod seen;
mod share;
mod shares;
mod subsonic;
mod terminal;
mod time;

use std::io;
use std::process::ExitCode;

use clap::Parser;

/// Listings and scans allocate many small texts; measured against the system's allocator, this one keeps the
/// peak lower and returns memory sooner. Without huge pages, as with them what is allocated and not used (most of a
/// connection's buffers) counts: a held poll 20 KiB instead of 13, 100,000 songs a fifth more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// After so many steps of its tasks a thread looks which sockets are ready. While crowds ask for whole lists there is
/// always a next step, and others wait for that look: with tokio's own 61 three times as long.
const STEPS_BETWEEN_LOOKS: u32 = 8;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = match runtime.enable_all().event_interval(STEPS_BETWEEN_LOOKS).build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("cannot start the threads")),
    };
    let outcome = runtime.block_on(cli::run(cli, &mut io::stdout().lock()));
    // Blocking readers that are still at work (a file on a sleeping disk) must not hold up the exit.
    runtime.shutdown_background();
    match outcome {
        Ok(outcome) => outcome.into(),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Whether the reader of our output went away, as `head` does: a quiet end, not a failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn fail(error: &anyhow::Error) -> ExitCode {
    terminal::tell(error);
    cli::Outcome::Failed.into()
}
