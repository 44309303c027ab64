//! `dapple remote artwork`: the picture of what plays.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use daap_proto::PixelBox;
use dacp_client::Remote;

use super::super::Outcome;
use crate::file;

/// What stands for standard output in the place of a file.
const STDOUT: &str = "-";

/// Save the picture of what plays
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Where to; - is standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// At most so many pixels wide and high [default: as it is]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8192))]
    size: Option<u32>,
}

pub(super) async fn run(
    remote: &Remote,
    args: Args,
    out: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let size = args.size.map(|side| PixelBox { width: side, height: side });
    let Some(picture) = remote.artwork(size).await? else {
        eprintln!("there is no picture of what plays");
        return Ok(Outcome::NothingFound);
    };
    if args.file == Path::new(STDOUT) {
        out.write_all(&picture.bytes)?;
        return Ok(Outcome::Done);
    }
    file::replace(&args.file, &picture.bytes)
        .with_context(|| format!("cannot write {}", args.file.display()))?;
    writeln!(
        out,
        "{}: {}, {} bytes",
        args.file.display(),
        picture.media_type,
        picture.bytes.len()
    )?;
    Ok(Outcome::Done)
}
