//! The licences of what we are built from, by the list in `deny.toml`.
//!
//! `cargo deny check` reads the same file and checks more; this needs nothing installed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value as Json;
use toml::{Table, Value};

use super::{Finding, Tree};

/// The list, and where it stands.
const LIST: &str = "deny.toml";

/// Only what comes from here is taken.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Which licences are allowed, for all crates and for some.
#[derive(Debug, Default)]
struct Allowed {
    everywhere: Vec<String>,
    exceptions: BTreeMap<String, Vec<String>>,
}

/// Checks every crate of the dependency graph.
pub(crate) fn check(root: &Path, tree: &Tree, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    let Some(list) = tree.text(LIST) else {
        findings.push(Finding::new(LIST, 0, "is missing"));
        return Ok(());
    };
    let allowed = Allowed::read(&list.parse().with_context(|| format!("{LIST} is not TOML"))?);
    let metadata = metadata(root)?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        findings.extend(allowed.check(package).map(|message| Finding::new(LIST, 0, message)));
    }
    Ok(())
}

fn metadata(root: &Path) -> anyhow::Result<Json> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--locked"]).current_dir(root);
    let output = command.output().context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

impl Allowed {
    fn read(list: &Table) -> Self {
        let strings = |value: Option<&Value>| -> Vec<String> {
            let values = value.and_then(Value::as_array).into_iter().flatten();
            values.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let Some(licences) = list.get("licenses").and_then(Value::as_table) else {
            return Self::default();
        };
        let exceptions = licences.get("exceptions").and_then(Value::as_array);
        let exceptions = exceptions.into_iter().flatten().filter_map(|exception| {
            let name = exception.get("crate").or_else(|| exception.get("name"))?.as_str()?;
            Some((name.to_owned(), strings(exception.get("allow"))))
        });
        Self { everywhere: strings(licences.get("allow")), exceptions: exceptions.collect() }
    }

    /// What is wrong with a package of `cargo metadata`.
    fn check(&self, package: &Json) -> Option<String> {
        let name = package["name"].as_str().unwrap_or_default();
        match package["source"].as_str() {
            None | Some(REGISTRY) => {}
            Some(other) => return Some(format!("{name} comes from {other}")),
        }
        let Some(licence) = package["license"].as_str() else {
            return Some(format!("{name} states no licence"));
        };
        let exception = self.exceptions.get(name);
        let allowed = |one: &str| {
            let mut lists = [Some(&self.everywhere), exception].into_iter().flatten();
            lists.any(|list| list.iter().any(|allowed| allowed == one))
        };
        (!satisfied(licence, &allowed)).then(|| format!("{name} is under {licence}"))
    }
}

/// Whether an SPDX expression can be met with the allowed licences. `/` is how old crates write `OR`.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    either(&words, &mut at, allowed) && at == words.len()
}

fn either(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = both(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= both(words, at, allowed);
    }
    met
}

fn both(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let met = either(words, at, allowed);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return met && closed;
    }
    // "Or later" includes the version named.
    let word = word.strip_suffix('+').unwrap_or(word);
    if words.get(*at) != Some(&"WITH") {
        return allowed(word);
    }
    let with = words.get(*at + 1).map(|exception| format!("{word} WITH {exception}"));
    *at += 2;
    // An exception only grants more, so the plain licence on the list is enough.
    allowed(word) || with.is_some_and(|with| allowed(&with))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, expected: bool) {
        let allowed = |one: &str| matches!(one, "MIT" | "Apache-2.0" | "Zlib");
        assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
    }

    #[test]
    fn licence_expressions() {
        check("MIT", true);
        check("GPL-3.0", false);
        check("MIT OR Apache-2.0", true);
        check("GPL-3.0 OR MIT", true);
        check("MIT/GPL-3.0", true);
        check("Zlib+", true);
        check("MIT AND GPL-3.0", false);
        check("(MIT OR GPL-3.0) AND Zlib", true);
        check("MIT AND (GPL-3.0 OR LGPL-3.0)", false);
        check("Apache-2.0 WITH LLVM-exception", true);
        check("GPL-2.0 WITH Classpath-exception-2.0 OR MIT", true);
        check("", false);
        check("(MIT", false);
        check("MIT MIT", false);
    }

    #[test]
    fn sources_licences_and_exceptions() {
        let list = "[licenses]\nallow = [\"MIT\"]\n\
            exceptions = [{ crate = \"b\", allow = [\"MPL-2.0\"] }]\n";
        let allowed = Allowed::read(&list.parse().unwrap());
        let check = |text: &str| allowed.check(&serde_json::from_str(text).unwrap());
        assert_eq!(check(r#"{"name": "a", "license": "MIT"}"#), None);
        assert_eq!(check(r#"{"name": "b", "license": "MPL-2.0"}"#), None);
        let found = check(r#"{"name": "a", "license": "MPL-2.0"}"#);
        assert_eq!(found.as_deref(), Some("a is under MPL-2.0"));
        assert_eq!(check(r#"{"name": "a"}"#).as_deref(), Some("a states no licence"));
        let found =
            check(r#"{"name": "a", "license": "MIT", "source": "git+https://a.example/a"}"#);
        assert_eq!(found.as_deref(), Some("a comes from git+https://a.example/a"));
    }
}
