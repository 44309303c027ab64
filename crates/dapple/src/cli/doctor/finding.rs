//! What a check has found.

use std::io::{self, Write};

use serde::Serialize;

use crate::terminal::printable;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Fine,
    /// It may keep a client out, or costs something else.
    Warning,
    /// It could not be looked at.
    Unknown,
    /// It keeps clients from finding or reaching the share.
    Error,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    /// What is so, in one sentence.
    pub(super) says: String,
    /// A command that puts it right.
    pub(super) cure: Option<String>,
}

impl Finding {
    pub(super) fn fine(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Fine, says: says.into(), cure: None }
    }

    pub(super) fn warning(check: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, ..Self::fine(check, says) }
    }

    pub(super) fn error(check: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Error, ..Self::fine(check, says) }
    }

    pub(super) fn unknown(check: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, ..Self::fine(check, says) }
    }

    /// With a command that puts it right.
    pub(super) fn cure(self, cure: impl Into<String>) -> Self {
        Self { cure: Some(cure.into()), ..self }
    }

    /// Writes it for people, who may paste it elsewhere.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let verdict = match self.verdict {
            Verdict::Fine => "ok",
            Verdict::Warning => "warning",
            Verdict::Unknown => "unknown",
            Verdict::Error => "ERROR",
        };
        writeln!(out, "{verdict:<8} {:<10} {}", self.check, printable(&self.says))?;
        match &self.cure {
            Some(cure) => writeln!(out, "{:<8} {:<10} try: {}", "", "", printable(cure)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_and_its_cure_another() {
        let mut out = Vec::new();
        Finding::fine("port", "port 3689 is free").write(&mut out).unwrap();
        let finding = Finding::error("name", "a\u{1b}[2J").cure("dapple serve");
        finding.write(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "ok       port       port 3689 is free\nERROR    name       a [2J\n                    try: dapple serve\n"
        );
    }

    #[test]
    fn an_error_outweighs_what_could_not_be_looked_at() {
        let worst = [Verdict::Unknown, Verdict::Error, Verdict::Warning].into_iter().max();
        assert_eq!(worst, Some(Verdict::Error));
    }
}
