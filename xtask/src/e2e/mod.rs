//! Runs `dapple` against clients and programs that others wrote.
//!
//! Each test is a script in `xtask/e2e` with a server of its own on 127.0.0.1. It prints `ok …` and `FAIL …`
//! lines, and is good when its exit code is 0. This side builds the server, knows what each test needs
//! installed, gives it folders and a time limit, and counts.

mod need;
mod table;

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use self::table::{ASIDE, TESTS, Test};
use crate::script::{self, Running, target};

/// How many lines of a failed test are shown when it says nothing of its own.
const TAIL_LINES: usize = 15;

/// Run the server against real clients.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only the tests whose name contains this; repeatable
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// List the tests, what they show and what they need
    #[arg(long)]
    list: bool,
    /// Keep the folders of the tests: data, logs, output
    #[arg(long)]
    keep: bool,
    /// Test this binary instead of building a release
    #[arg(long, value_name = "BIN")]
    server: Option<PathBuf>,
}

/// What the tests run, chosen in one go so that what both depend on is built once. `.ci/run` says the same.
const SERVER_AND_EXAMPLES: &[&str] =
    &["--package=dapple", "--package=daap", "--package=daap-client", "--bins", "--examples"];

/// How a test went.
enum Outcome {
    Ok { checks: usize },
    Fail { why: String },
    Skip { why: String },
}

/// Runs the tests that `args` choose.
pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let chosen = |test: &&Test| {
        args.only.is_empty() || args.only.iter().any(|only| test.name.contains(only.as_str()))
    };
    let tests: Vec<&Test> = TESTS.iter().filter(chosen).collect();
    if args.list {
        list(&tests)?;
        return Ok(ExitCode::SUCCESS);
    }
    if tests.is_empty() {
        bail!("no test is called {:?}; --list lists them", args.only.join(", "));
    }
    let server = match &args.server {
        Some(server) => fs::canonicalize(server)
            .with_context(|| format!("no server at {}", server.display()))?,
        None => script::build(root, SERVER_AND_EXAMPLES, "release")?.join("dapple"),
    };
    let folder = tempfile::Builder::new().prefix("dapple-e2e-").tempdir()?;
    // A test may run a server as another user.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let runner = Runner {
        scripts: root.join("xtask/e2e"),
        cache: target(root).join("e2e"),
        work: folder.path().to_path_buf(),
        examples: args.server.is_none().then(|| server.with_file_name("examples")),
        server,
    };
    let (passed, failed) = runner.run_all(&tests)?;
    if args.keep {
        println!("kept in {}", folder.keep().display());
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// In CI nothing is passed over.
fn all_must_run() -> bool {
    std::env::var_os("CI").is_some()
}

fn list(tests: &[&Test]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for test in tests {
        writeln!(out, "{:24} {}", test.name, test.shows)?;
        for missing in test.needs.iter().filter_map(|need| need.missing()) {
            writeln!(out, "{:24}   {missing}", "")?;
        }
    }
    writeln!(out, "xtask/e2e/setup.sh installs what they need (Debian 12, as root).")
}

/// Where things are, for all tests.
struct Runner {
    scripts: PathBuf,
    /// Lives from run to run: generated music, built clients, downloads.
    cache: PathBuf,
    work: PathBuf,
    server: PathBuf,
    /// The examples of `daap` and `daap-client`, if they have been built with the server.
    examples: Option<PathBuf>,
}

impl Runner {
    /// Runs them; returns how many passed and failed.
    fn run_all(&self, tests: &[&Test]) -> anyhow::Result<(usize, usize)> {
        let of_line = |names: &[&str]| -> Vec<&Test> {
            tests.iter().copied().filter(|test| names.contains(&test.name)).collect()
        };
        let aside = ASIDE.concat();
        let measuring = tests.iter().copied().filter(|test| !aside.contains(&test.name));
        let mut lines: Vec<Vec<&Test>> = ASIDE.iter().map(|names| of_line(names)).collect();
        lines.push(measuring.collect());
        std::thread::scope(|scope| {
            let running: Vec<_> =
                lines.iter().map(|line| scope.spawn(|| self.run_in_turn(line))).collect();
            running.into_iter().try_fold((0, 0), |(passed, failed), line| {
                let (more_passed, more_failed) =
                    line.join().expect("a bug in running the tests")?;
                Ok((passed + more_passed, failed + more_failed))
            })
        })
    }

    /// Runs them one after the other.
    fn run_in_turn(&self, tests: &[&Test]) -> anyhow::Result<(usize, usize)> {
        let all_must_run = all_must_run();
        let (mut passed, mut failed) = (0, 0);
        for test in tests {
            let began = Instant::now();
            let outcome = match test.needs.iter().find_map(|need| need.missing()) {
                Some(why) if all_must_run => Outcome::Fail { why },
                Some(why) => Outcome::Skip { why },
                None => self.run_one(test)?,
            };
            let (name, took) = (test.name, began.elapsed().as_secs_f32());
            match outcome {
                Outcome::Ok { checks } => {
                    passed += 1;
                    println!("ok {name} ({checks} checks, {took:.1} s)");
                }
                Outcome::Skip { why } => println!("skip {name} {why}; see xtask/e2e/setup.sh"),
                Outcome::Fail { why } => {
                    failed += 1;
                    println!("FAIL {name} ({took:.1} s)\n{}", indent(&why));
                }
            }
        }
        Ok((passed, failed))
    }

    fn run_one(&self, test: &Test) -> anyhow::Result<Outcome> {
        let work = self.work.join(test.name);
        fs::create_dir_all(&work)?;
        fs::create_dir_all(&self.cache)?;
        let output = work.join("output.txt");
        let ended = self.start(test, &work, &output)?.wait(Duration::from_secs(test.limit_s))?;
        let text = String::from_utf8_lossy(&fs::read(&output)?).into_owned();
        let checks = text.lines().filter(|line| line.starts_with("ok ")).count();
        let skipped = text.lines().find(|line| line.starts_with("skip ") && all_must_run());
        let why = match ended {
            Some(true) if skipped.is_some() => skipped.unwrap_or_default().to_owned(),
            Some(true) if checks > 0 => return Ok(Outcome::Ok { checks }),
            Some(true) => "it checked nothing".to_owned(),
            Some(false) => complaints(&text),
            None => format!("not done after {} s\n{}", test.limit_s, complaints(&text)),
        };
        Ok(Outcome::Fail { why })
    }

    fn start(&self, test: &Test, work: &Path, output: &Path) -> anyhow::Result<Running> {
        let (script, arguments) = test.script.split_first().expect("every test names its script");
        let mut command = script::command(&self.scripts.join(script), work);
        command.args(arguments).env("DAPPLE", &self.server).env("E2E_CACHE", &self.cache);
        if let Some(examples) = &self.examples {
            command.env("E2E_EXAMPLES", examples);
        }
        Running::start(command, output)
    }
}

/// The lines of a failed test that say why: its FAIL lines, or else its last ones.
fn complaints(text: &str) -> String {
    let fails: Vec<&str> = text.lines().filter(|line| line.starts_with("FAIL ")).collect();
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    let last = lines.last().filter(|_| !text.contains("Traceback"));
    if fails.is_empty() || last.is_none() { [&fails, tail].concat() } else { fails }.join("\n")
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_is_heard_by_its_fail_lines() {
        assert_eq!(complaints("ok a\nFAIL b c\nok d\n0 passed"), "FAIL b c");
        assert_eq!(complaints("Traceback\nValueError: x"), "Traceback\nValueError: x");
        assert_eq!(complaints(""), "");
    }
}
