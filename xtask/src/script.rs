//! Running scripts and programs that may hang: in a group of their own, with a time limit, their output in a file.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// How often a running script is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long a script that is out of time may take to clean up.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// The command that runs a script in the folder `work`: Python by its name's end, else a shell's.
pub(crate) fn command(script: &Path, work: &Path) -> Command {
    let python = script.extension().is_some_and(|extension| extension == "py");
    let mut command = Command::new(if python { "python3" } else { "bash" });
    command.arg(script).current_dir(work).env("E2E_WORK", work);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
    command
}

/// Whether a program can be found. `/usr/sbin` counts: not every user has it on the path.
pub(crate) fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.any(|folder| folder.join(name).is_file())
}

/// Where cargo puts what it builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Builds what is chosen in the words of `cargo build`, with a profile; the folder of the programs.
pub(crate) fn build(root: &Path, what: &[&str], profile: &str) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--locked", "--quiet", "--profile", profile]).args(what);
    if !command.current_dir(root).status().context("cannot run cargo")?.success() {
        bail!("`cargo build {}` fails", what.join(" "));
    }
    Ok(target(root).join(if profile == "dev" { "debug" } else { profile }))
}

/// A script that has been started.
pub(crate) struct Running(Child);

impl Running {
    /// Starts it, with all it says going to the file `output`.
    pub(crate) fn start(mut command: Command, output: &Path) -> anyhow::Result<Self> {
        let file = File::create(output)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        // A group of its own, so that a script out of time goes with all it has started.
        let child = command.process_group(0).spawn();
        let program = || format!("cannot start {}", command.get_program().display());
        Ok(Self(child.with_context(program)?))
    }

    /// Whether it ended well; `None` if it did not end in time.
    pub(crate) fn wait(mut self, limit: Duration) -> anyhow::Result<Option<bool>> {
        if let Some(well) = self.ended_within(limit)? {
            return Ok(Some(well));
        }
        // It may have made things, such as network namespaces, that only it can undo.
        self.signal("-TERM")?;
        if self.ended_within(LAST_WORDS)?.is_none() {
            self.signal("-KILL")?;
            self.0.wait()?;
        }
        Ok(None)
    }

    fn ended_within(&mut self, limit: Duration) -> anyhow::Result<Option<bool>> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(status.success()));
            }
            if Instant::now() >= end {
                return Ok(None);
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Signals it and all that it has started.
    fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let group = format!("-{}", self.0.id());
        Command::new("kill").args([signal, "--", &group]).status()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_out_of_time_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output.txt");
        let mut command = Command::new("sleep");
        command.arg("600");
        let running = Running::start(command, &output).unwrap();
        assert_eq!(running.wait(Duration::from_millis(50)).unwrap(), None);
        let running = Running::start(Command::new("true"), &output).unwrap();
        assert_eq!(running.wait(Duration::from_secs(20)).unwrap(), Some(true));
    }
}
