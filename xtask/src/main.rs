//! The project's own chores.
//!
//! - `cargo xtask tidy` checks what neither rustc nor clippy knows: which crate may use which, that the pure
//!   crates stay pure, and where the names of the protocol may be spelled.
//! - `cargo xtask e2e` runs `dapple` against clients that others wrote.
//! - `cargo xtask bench` measures it, and writes `docs/performance.md`.

mod bench;
mod e2e;
mod script;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

/// The project's own chores.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Chore {
    /// Check the house rules that compilers do not know.
    Tidy,
    /// Run the server against real clients.
    E2e(e2e::Args),
    /// Measure speed and memory, and write the report.
    Bench(bench::Args),
}

fn main() -> anyhow::Result<ExitCode> {
    match Chore::parse() {
        Chore::Tidy => tidy::run(&root()),
        Chore::E2e(args) => e2e::run(&root(), &args),
        Chore::Bench(args) => bench::run(&root(), &args),
    }
}

/// The top of the workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask is a folder of the workspace").to_path_buf()
}
