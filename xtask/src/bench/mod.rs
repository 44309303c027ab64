//! Measures a release of `dapple`, beside nginx sending the same bytes, and writes the report.
//!
//! Each part is a script in `xtask/bench` or a program of the crate `bench`. It prints a line of JSON a figure, each
//! a number that was measured once or more, or why it could not be. This side builds, runs the parts one after
//! the other, and sets the figures against the budgets.

mod budgets;
mod figures;
mod machine;
mod profiles;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use self::budgets::{BUDGETS, STATED};
use self::figures::{Figure, Figures};
use self::machine::Machine;
use self::report::{Sizes, report};
use crate::script::{self, Running, target};

/// Measure speed and memory, and write the report.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Songs in the library of files
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..))]
    songs: u32,
    /// Songs where only the model and the store are measured
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..))]
    large: u32,
    /// How often each figure is taken
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Measure this binary instead of building a release
    #[arg(long, value_name = "BIN")]
    server: Option<PathBuf>,
    /// Where to write the report
    #[arg(long, value_name = "FILE", default_value = "docs/performance.md")]
    out: PathBuf,
    /// Run only the parts whose name contains this; repeatable
    #[arg(long, value_name = "PART")]
    only: Vec<String>,
    /// List the parts
    #[arg(long)]
    list: bool,
    /// Show that everything runs: few songs, one run, a debug build; the figures mean nothing
    #[arg(long, conflicts_with_all = ["songs", "large", "runs"])]
    quick: bool,
}

/// What the parts run beside the server.
const PROGRAMS: &[&str] = &["--package=bench", "--package=testkit", "--bins", "--example=subsonic"];

/// Something that measures.
struct Part {
    name: &'static str,
    measures: &'static str,
    program: Program,
    /// For 1,000,000 songs and 5 runs on a slow machine.
    limit_s: u64,
}

enum Program {
    /// In `xtask/bench`.
    Script(&'static str),
    /// Of the crate `bench`, with what goes before the names of its figures.
    Model { program: &'static str, prefix: &'static str, size: fn(Sizes) -> u32 },
}

const PARTS: &[Part] = &[
    Part {
        name: "model",
        measures: "the model and the replies of a library of the common size",
        program: Program::Model {
            program: "model_figures",
            prefix: "songs.",
            size: |sizes| sizes.songs,
        },
        limit_s: 600,
    },
    Part {
        name: "model-large",
        measures: "the same of a large one",
        program: Program::Model {
            program: "model_figures",
            prefix: "large.",
            size: |sizes| sizes.large,
        },
        limit_s: 1200,
    },
    Part {
        name: "store-large",
        measures: "saving a large library to SQLite, and starting from it",
        program: Program::Model {
            program: "store_figures",
            prefix: "large.",
            size: |sizes| sizes.large,
        },
        limit_s: 1200,
    },
    Part {
        name: "instructions",
        measures: "instructions of the hot paths, counted by valgrind",
        program: Program::Script("instructions.py"),
        limit_s: 1200,
    },
    Part {
        name: "scan",
        measures: "first scan, scan with nothing changed, restart, latency meanwhile",
        program: Program::Script("scan.py"),
        limit_s: 3600,
    },
    Part {
        name: "listings",
        measures: "the full listing: first byte, total, gzip, 64 clients",
        program: Program::Script("listings.py"),
        limit_s: 1200,
    },
    Part {
        name: "requests",
        measures: "queries, pages, browsing; small requests a second",
        program: Program::Script("requests.py"),
        limit_s: 1200,
    },
    Part {
        name: "streams",
        measures: "songs to many readers, and seeks",
        program: Program::Script("streams.py"),
        limit_s: 1200,
    },
    Part {
        name: "polls",
        measures: "held long polls: memory, waking, others meanwhile",
        program: Program::Script("polls.py"),
        limit_s: 1200,
    },
    Part {
        name: "subsonic",
        measures: "following a Subsonic server: first sync, one with nothing changed, one after a restart",
        program: Program::Script("subsonic.py"),
        limit_s: 3600,
    },
    Part {
        name: "starvation",
        measures: "a song and small requests while others ask for much",
        program: Program::Script("starvation.py"),
        limit_s: 1200,
    },
];

/// Runs the parts that `args` choose.
pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let chosen = |part: &&Part| {
        args.only.is_empty() || args.only.iter().any(|only| part.name.contains(only.as_str()))
    };
    let parts: Vec<&Part> = PARTS.iter().filter(chosen).collect();
    if args.list {
        parts.iter().for_each(|part| println!("{:16} {}", part.name, part.measures));
        return Ok(ExitCode::SUCCESS);
    }
    if parts.is_empty() {
        bail!("no part is called {:?}; --list lists them", args.only.join(", "));
    }
    let bench = Bench::prepare(root, args)?;
    let mut figures = Figures::default();
    figures.put("binary.size", binary_size(&bench.server)?);
    let mut all_well = true;
    for part in parts {
        let began = Instant::now();
        println!("{} …", part.name);
        all_well &= bench.run_part(part, &mut figures)?;
        println!("{} took {:.0} s", part.name, began.elapsed().as_secs_f32());
    }
    let machine = Machine::here(root, args.server.as_deref());
    let text = report(BUDGETS, STATED, &figures, bench.sizes, &machine);
    let out = if args.quick { bench.cache.join("quick.md") } else { root.join(&args.out) };
    fs::write(&out, text).with_context(|| format!("cannot write {}", out.display()))?;
    println!("written to {}", out.display());
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn binary_size(server: &Path) -> anyhow::Result<Option<Figure>> {
    let bytes = fs::metadata(server)?.len();
    Ok(Figure::new("MB", vec![bytes as f64 / 1e6]))
}

/// Where things are, for all parts.
struct Bench {
    scripts: PathBuf,
    /// Lives from run to run: generated music.
    cache: PathBuf,
    /// Goes with the run.
    work: tempfile::TempDir,
    server: PathBuf,
    /// The folder of the programs of the crate `bench`; that of the examples is in it.
    programs: PathBuf,
    sizes: Sizes,
}

impl Bench {
    fn prepare(root: &Path, args: &Args) -> anyhow::Result<Self> {
        let profile = if args.quick { "dev" } else { "release" };
        let server = match &args.server {
            Some(server) => fs::canonicalize(server)
                .with_context(|| format!("no server at {}", server.display()))?,
            None => script::build(root, &["--package=dapple"], profile)?.join("dapple"),
        };
        let cache = target(root).join("bench");
        fs::create_dir_all(&cache)?;
        let Args { songs, large, runs, .. } = *args;
        let quick = Sizes { songs: 1000, large: 2000, runs: 1 };
        Ok(Self {
            scripts: root.join("xtask/bench"),
            cache,
            work: tempfile::Builder::new().prefix("dapple-bench-").tempdir()?,
            server,
            programs: script::build(root, PROGRAMS, profile)?,
            sizes: if args.quick { quick } else { Sizes { songs, large, runs } },
        })
    }

    /// Whether the part ended well. What it has measured before it failed is kept.
    fn run_part(&self, part: &Part, figures: &mut Figures) -> anyhow::Result<bool> {
        let work = self.work.path().join(part.name);
        fs::create_dir_all(&work)?;
        let output = work.join("output.txt");
        let Sizes { songs, runs, .. } = self.sizes;
        let (prefix, command) = match part.program {
            Program::Script(name) => {
                let mut command = script::command(&self.scripts.join(name), &work);
                command.env("DAPPLE", &self.server).env("E2E_CACHE", &self.cache);
                command.env("BENCH_SONGS", songs.to_string()).env("BENCH_RUNS", runs.to_string());
                command.env("BENCH_PROGRAMS", &self.programs);
                ("", command)
            }
            Program::Model { program, prefix, size } => {
                let mut command = Command::new(self.programs.join(program));
                command.arg(size(self.sizes).to_string()).arg(runs.to_string());
                (prefix, command)
            }
        };
        let ended = Running::start(command, &output)?.wait(Duration::from_secs(part.limit_s))?;
        let output = String::from_utf8_lossy(&fs::read(&output)?).into_owned();
        for line in figures.read(prefix, &output) {
            println!("    {line}");
        }
        match ended {
            Some(true) => {}
            Some(false) => println!("    {} failed", part.name),
            None => println!("    {} was not done after {} s", part.name, part.limit_s),
        }
        Ok(ended == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_script_and_a_name_of_its_own() {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench");
        for part in PARTS {
            if let Program::Script(name) = part.program {
                assert!(scripts.join(name).is_file(), "{name}");
            }
            assert_eq!(PARTS.iter().filter(|other| other.name == part.name).count(), 1);
        }
    }
}
