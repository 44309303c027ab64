//! `dapple man`: the manual page, made from the same definitions as the command line.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;

use super::{Cli, Outcome};

/// Print the manual page, or write the pages of all commands into a folder.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Write `dapple.1`, `dapple-serve.1` and so on into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    match &args.dir {
        Some(dir) => clap_mangen::generate_to(Cli::command(), dir)
            .with_context(|| format!("cannot write the pages into {}", dir.display()))?,
        None => clap_mangen::Man::new(Cli::command()).render(out)?,
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_command() {
        let mut page = Vec::new();
        run(&Args { dir: None }, &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        for command in Cli::command().get_subcommands() {
            let name = command.get_name().replace('-', "\\-");
            assert!(page.contains(&name), "{name}");
        }
    }
}
