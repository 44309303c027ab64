//! What was measured, where and when.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A few lines for the top of the report.
#[derive(Debug)]
pub(crate) struct Machine {
    lines: Vec<String>,
}

impl Machine {
    /// This machine now. `given` is the server if it was not built from this tree.
    pub(crate) fn here(root: &Path, given: Option<&Path>) -> Self {
        let of_tree = match given {
            Some(server) => format!("the server given as {}", file_name(server)),
            None => format!("commit {}", commit(root)),
        };
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let lines = vec![
            format!("{}, {of_tree}", said(Command::new("date").args(["-u", "+%F"]))),
            format!("{cores} cores, {}, {}", processor(), memory()),
            format!("Linux {}; {}", read("/proc/sys/kernel/osrelease").trim(), peers()),
        ];
        Self { lines }
    }

    #[cfg(test)]
    pub(crate) fn of_lines(lines: &[&str]) -> Self {
        Self { lines: lines.iter().map(|&line| line.to_owned()).collect() }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.lines.iter().map(|line| format!("- {line}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

fn commit(root: &Path) -> String {
    let git = |arguments: &[&str]| said(Command::new("git").args(arguments).current_dir(root));
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]);
    let commit = git(&["rev-parse", "--short=12", "HEAD"]);
    if changes.is_empty() { commit } else { format!("{commit} with changes") }
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let model = text.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or("unknown processor", |model| model.trim_start_matches([':', ' ', '\t'])).to_owned()
}

fn memory() -> String {
    let text = read("/proc/meminfo");
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = total.and_then(|total| total.split_whitespace().next()?.parse::<u64>().ok());
    format!("{} GiB of memory", kilobytes.unwrap_or_default() / (1 << 20))
}

/// What the server is compared with.
fn peers() -> String {
    let version = Command::new("nginx").arg("-v").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stderr).trim().to_owned());
    version.map_or_else(
        |_| "no nginx".to_owned(),
        |version| version.trim_start_matches("nginx version: ").to_owned(),
    )
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// What a command prints; nothing if it cannot be run.
fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
