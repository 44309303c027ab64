//! The command line: a file for each subcommand, plain data in, a writer out.

mod completions;
mod discover;
mod doctor;
mod dump;
mod get;
mod install_handler;
mod ls;
mod man;
mod pair;
mod play;
mod remote;
mod serve;
mod server;
mod status;
mod sync;
mod watch;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Share, find, download and inspect music over DAAP, the protocol of iTunes sharing.
#[derive(Parser, Debug)]
#[command(name = "dapple", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Serve(Box<serve::Args>),
    Discover(discover::Args),
    Doctor(Box<doctor::Args>),
    Status(status::Args),
    Pair(pair::Args),
    Sync(sync::Args),
    Ls(Box<ls::Args>),
    Get(Box<get::Args>),
    Play(Box<play::Args>),
    Watch(watch::Args),
    Remote(Box<remote::Args>),
    InstallHandler(install_handler::Args),
    Dump(dump::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// How a command ended, as its exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done.
    Done,
    /// It worked, and there was nothing to find.
    NothingFound,
    /// It worked, and found what keeps clients out.
    Trouble,
    /// It failed, or was called wrongly.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::NothingFound | Outcome::Trouble => 1,
            Outcome::Failed => 2,
        })
    }
}

/// Runs the command that was asked for.
pub(crate) async fn run(cli: Cli, out: &mut impl Write) -> anyhow::Result<Outcome> {
    match cli.command {
        Command::Serve(args) => serve::run(*args, out).await,
        Command::Discover(args) => discover::run(args, out).await,
        Command::Doctor(args) => doctor::run(*args, out).await,
        Command::Status(args) => status::run(args, out).await,
        Command::Pair(args) => pair::run(args, out).await,
        Command::Sync(args) => sync::run(args, out).await,
        Command::Ls(args) => ls::run(*args, out).await,
        Command::Get(args) => get::run(*args, out).await,
        Command::Play(args) => play::run(*args, out).await,
        Command::Watch(args) => watch::run(args, out).await,
        Command::Remote(args) => remote::run(*args, out).await,
        Command::InstallHandler(args) => install_handler::run(&args, out),
        Command::Dump(args) => dump::run(&args, out),
        Command::Completions(args) => completions::run(&args, out),
        Command::Man(args) => man::run(&args, out),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
