//! Standard error: logs, and the progress of a scan, without one tearing the other's lines.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use library::{ScanPhase, ScanState};
use tokio::sync::watch;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Our crates, which a bare level such as `debug` is meant for; of others only warnings are of interest.
const OURS: [&str; 13] = [
    "dapple",
    "daap",
    "daap_server",
    "discovery",
    "disk_cache",
    "library",
    "outputs",
    "player",
    "relay",
    "source_daap",
    "source_folder",
    "source_subsonic",
    "store",
];
/// A client of sound servers that takes its own end for an error.
const QUIET: &str = "pulseaudio=off";

/// Starts logging to standard error, around `progress`.
///
/// `level` is a level, or a filter as `RUST_LOG` has it; `RUST_LOG` itself counts where it is `None`.
pub(crate) fn log_to_stderr(level: Option<&str>, progress: &Progress) -> anyhow::Result<()> {
    let from_environment = std::env::var("RUST_LOG").ok();
    let level = level.map(str::to_owned).or(from_environment).unwrap_or_else(|| "warn".to_owned());
    let filter: Targets = directives(&level)
        .parse()
        .with_context(|| format!("`{level}` is no log level; try error, warn, info or debug"))?;
    let lines = tracing_subscriber::fmt::layer()
        .with_target(level.contains("debug") || level.contains("trace"))
        .with_ansi(io::stderr().is_terminal())
        .with_writer(progress.clone());
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init()
        .map_err(|error| anyhow::anyhow!(error).context("cannot start the log"))
}

/// Says on standard error what the columns of a list are, where a person looks and no program reads.
pub(crate) fn head(columns: &str) {
    if io::stdout().is_terminal() && io::stderr().is_terminal() {
        eprintln!("{}", columns.to_uppercase());
    }
}

/// What comes from elsewhere must not move the cursor, nor break the line.
pub(crate) fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn directives(level: &str) -> String {
    match level {
        "error" | "warn" | "info" | "debug" | "trace" => {
            let ours: Vec<String> = OURS.iter().map(|name| format!("{name}={level}")).collect();
            let others = if level == "error" { "error" } else { "warn" };
            format!("{others},{QUIET},{}", ours.join(","))
        }
        filter => filter.to_owned(),
    }
}

/// Tells the whole story on standard error: what failed, and beneath it why.
pub(crate) fn tell(error: &anyhow::Error) {
    let mut err = io::stderr().lock();
    let (bold, plain) = if err.is_terminal() { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    // Nothing is left to tell it to if standard error is gone too.
    let _ = writeln!(err, "{bold}dapple:{plain} {error}");
    for cause in error.chain().skip(1) {
        let _ = writeln!(err, "  because: {cause}");
    }
}

/// Shows how far a scan is: a line that moves on a terminal, else one line at the end of each scan.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    moving: bool,
}

impl Progress {
    /// Progress on standard error.
    pub(crate) fn new() -> Self {
        let moving = io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let style = "{spinner} scanning: {pos} of {len} songs, {per_sec}, {elapsed} {msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is a constant"));
        Self { bar, moving }
    }

    /// Follows the scans until the library goes away.
    pub(crate) async fn follow(self, mut scans: watch::Receiver<Vec<ScanState>>) {
        let sum = |scans: &Vec<ScanState>| ScanState::sum(scans);
        let scanning = |scans: &Vec<ScanState>| sum(scans).phase == ScanPhase::Scanning;
        while scans.wait_for(scanning).await.is_ok() {
            let begun = Instant::now();
            self.begin();
            loop {
                let scan = sum(&scans.borrow_and_update());
                self.show(&scan);
                if scan.phase != ScanPhase::Scanning {
                    break self.end(&scan, begun.elapsed());
                }
                if scans.changed().await.is_err() {
                    return;
                }
            }
        }
    }

    fn begin(&self) {
        if self.moving {
            self.bar.reset();
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
            self.bar.enable_steady_tick(Duration::from_millis(250));
        }
    }

    fn show(&self, scan: &ScanState) {
        self.bar.set_length(scan.total);
        self.bar.set_position(scan.done);
        if scan.errors > 0 {
            self.bar.set_message(format!("({} unreadable)", scan.errors));
        }
    }

    fn end(&self, scan: &ScanState, took: Duration) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
        if scan.phase == ScanPhase::Idle && scan.done > 0 {
            // Nothing is left to tell it to if standard error is gone.
            let _ = writeln!(io::stderr(), "{}", summary(scan, took));
        }
    }
}

fn summary(scan: &ScanState, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let rate = scan.done as f64 / seconds.max(0.001);
    let errors = match scan.errors {
        0 => String::new(),
        errors => format!("; {errors} could not be read, see above"),
    };
    format!("looked at {} songs in {seconds:.1} s ({rate:.0} a second){errors}", scan.done)
}

/// A log line goes above the moving one.
impl Write for Progress {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.bar.suspend(|| io::stderr().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Progress {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_is_for_our_crates() {
        assert!(directives("debug").starts_with("warn,pulseaudio=off,dapple=debug,"));
        assert_eq!(directives("hyper=trace"), "hyper=trace");
    }

    #[test]
    fn a_scan_is_summed_up_in_a_line() {
        let scan = ScanState { done: 1000, total: 1000, errors: 2, ..ScanState::default() };
        assert_eq!(
            summary(&scan, Duration::from_secs(2)),
            "looked at 1000 songs in 2.0 s (500 a second); 2 could not be read, see above"
        );
    }
}
