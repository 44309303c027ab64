//! `dapple completions`: tab completion for shells.

use std::io::Write;

use clap::CommandFactory;

use super::{Cli, Outcome};

/// Print tab completions for a shell
///
/// For bash: `dapple completions bash > ~/.local/share/bash-completion/completions/dapple`
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    // Generated in memory first: the generator panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dapple", &mut script);
    out.write_all(&script)?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_subcommands() {
        for shell in <clap_complete::Shell as clap::ValueEnum>::value_variants() {
            let mut script = Vec::new();
            run(&Args { shell: *shell }, &mut script).unwrap();
            assert!(String::from_utf8(script).unwrap().contains("discover"), "{shell}");
        }
    }
}
