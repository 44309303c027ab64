//! What tests find on the machine or not.

use std::fs;
use std::process::{Command, Stdio};

use crate::script::on_path;

use Need::{Library, PerlModule, Pip, Program, Root};

/// Something that a test finds on the machine or not.
#[derive(Clone, Copy)]
pub(super) enum Need {
    Program(&'static str),
    PerlModule(&'static str),
    /// By its name for pkg-config.
    Library(&'static str),
    /// pip of the Python that runs the tests, and the network it fetches from.
    Pip,
    /// To make network namespaces.
    Root,
}

impl Need {
    /// What to do about it, or `None` if it is there.
    pub(super) fn missing(self) -> Option<String> {
        let says_yes = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).stdin(Stdio::null());
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        match self {
            Program(name) => (!on_path(name)).then(|| format!("needs the program {name}")),
            PerlModule(name) => (!says_yes("perl", &[&format!("-M{name}"), "-e", "1"]))
                .then(|| format!("needs the Perl module {name}")),
            Library(name) => (!says_yes("pkg-config", &["--exists", name]))
                .then(|| format!("needs the library {name} and its headers")),
            Pip => (!says_yes("python3", &["-m", "pip", "--version"]))
                .then(|| "needs pip for python3".to_owned()),
            Root => (!is_root()).then(|| "needs root, to make network namespaces".to_owned()),
        }
    }
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named() {
        let missing = Program("no-such-program-anywhere").missing();
        assert_eq!(missing.as_deref(), Some("needs the program no-such-program-anywhere"));
        assert!(Program("sh").missing().is_none());
    }
}
