//! `dapple dump`: DMAP bytes made readable, for people who debug.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use anyhow::Context;

use super::Outcome;

/// A reply larger than this is not one that a client would read either.
const MAX_INPUT: u64 = 1 << 30;

/// Print a DMAP message in readable form
///
/// For example the reply that a server gives to everyone:
/// `curl -s http://127.0.0.1:3689/server-info | dapple dump`
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The file; standard input without it
    file: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let name =
        args.file.as_ref().map_or("standard input".into(), |file| file.display().to_string());
    let bytes = read(args).with_context(|| format!("cannot read {name}"))?;
    let text = dmap::dump(&bytes).to_string();
    out.write_all(text.as_bytes())?;
    // The dump goes as far as the bytes make sense, and its last line says why not further.
    let whole = !text.lines().last().is_some_and(|line| line.starts_with('!'));
    Ok(if whole { Outcome::Done } else { Outcome::Failed })
}

fn read(args: &Args) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match &args.file {
        Some(file) => File::open(file)?.take(MAX_INPUT).read_to_end(&mut bytes)?,
        None => io::stdin().take(MAX_INPUT).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}
