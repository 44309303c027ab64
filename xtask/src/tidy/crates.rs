//! What every crate has: a README of one screen, a doc with an example that runs, the shared lints, safe code.

use toml::Value;

use super::manifests::Member;
use super::{Finding, Tree};

/// A README is read at a glance; more belongs in the crate's doc.
const README_LINES: usize = 80;

/// Checks each member of the workspace.
pub(crate) fn check(tree: &Tree, members: &[Member], findings: &mut Vec<Finding>) {
    for member in members {
        check_manifest(member, findings);
        check_unsafe(tree, member, findings);
        if member.folder.starts_with("crates") {
            check_readme(tree, member, findings);
            check_doc(tree, member, findings);
        }
    }
}

fn check_manifest(member: &Member, findings: &mut Vec<Finding>) {
    let file = member.manifest_path();
    let lints = member.manifest().get("lints").and_then(|lints| lints.get("workspace"));
    if lints.and_then(Value::as_bool) != Some(true) {
        findings.push(Finding::new(
            &file,
            0,
            "takes no part in the shared lints ([lints] workspace)",
        ));
    }
    let package = member.manifest().get("package").and_then(Value::as_table);
    let field = |name: &str| package.and_then(|package| package.get(name));
    if field("description").and_then(Value::as_str).is_none_or(str::is_empty) {
        findings.push(Finding::new(&file, 0, "has no description"));
    }
    for shared in ["version", "edition", "rust-version", "license"] {
        let workspace = field(shared).and_then(|value| value.get("workspace"));
        if workspace.and_then(Value::as_bool) != Some(true) {
            findings.push(Finding::new(&file, 0, format!("states its own {shared}")));
        }
    }
}

fn check_readme(tree: &Tree, member: &Member, findings: &mut Vec<Finding>) {
    let file = member.folder.join("README.md");
    match tree.text(&file) {
        None => findings.push(Finding::new(file, 0, "is missing")),
        Some(text) if text.lines().count() > README_LINES => {
            let message = format!("has more than {README_LINES} lines; a README is one screen");
            findings.push(Finding::new(file, 0, message));
        }
        Some(_) => {}
    }
}

/// A library's doc says what it is and has an example that runs; a binary's doc says what it is.
fn check_doc(tree: &Tree, member: &Member, findings: &mut Vec<Finding>) {
    let (lib, main) = (member.folder.join("src/lib.rs"), member.folder.join("src/main.rs"));
    let (file, text) = match (tree.text(&lib), tree.text(&main)) {
        (Some(text), _) => (lib, text),
        (None, Some(text)) => (main, text),
        (None, None) => return findings.push(Finding::new(lib, 0, "is missing")),
    };
    let doc: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).collect();
    if doc.iter().filter(|line| !line.trim().is_empty()).count() < 3 {
        findings.push(Finding::new(
            &file,
            1,
            "does not say what the crate is (a doc of a few lines)",
        ));
    }
    if file.ends_with("lib.rs") && !has_running_example(&doc) {
        findings.push(Finding::new(&file, 1, "has no example that runs in its doc"));
    }
}

fn has_running_example(doc: &[&str]) -> bool {
    let fences = doc.iter().filter_map(|line| line.trim().strip_prefix("```"));
    // Every other fence closes a block.
    let openings = fences.step_by(2);
    openings.into_iter().any(|tags| {
        tags.split(',').all(|tag| matches!(tag.trim(), "" | "rust" | "no_run" | "should_panic"))
    })
}

fn check_unsafe(tree: &Tree, member: &Member, findings: &mut Vec<Finding>) {
    for (file, source) in tree.rust_below(&member.folder) {
        for token in source.all_tokens() {
            if matches!(token.text, "unsafe" | "unsafe_code") {
                findings.push(Finding::new(file, token.line, "unsafe code is not for our crates"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifests;
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"a\"\ndescription = \"An a\"\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
        [lints]\nworkspace = true\n";
    const LIB: &str = "//! An a.\n//!\n//! It does b.\n//!\n//! ```\n//! assert!(true);\n//! ```\n";

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let tree = Tree::of(files);
        let mut findings = Vec::new();
        let members = manifests::read(&tree, &mut findings);
        super::check(&tree, &members, &mut findings);
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_whole_crate_passes() {
        let files = [
            ("crates/a/Cargo.toml", MANIFEST),
            ("crates/a/README.md", "# a\n"),
            ("crates/a/src/lib.rs", LIB),
        ];
        check(&files, &[]);
    }

    #[test]
    fn what_is_missing_is_named() {
        check(
            &[
                ("crates/a/Cargo.toml", "[package]\nname = \"a\"\nversion = \"1.0.0\"\n"),
                ("crates/a/src/lib.rs", "//! a\n"),
            ],
            &[
                "crates/a/Cargo.toml: takes no part in the shared lints ([lints] workspace)",
                "crates/a/Cargo.toml: has no description",
                "crates/a/Cargo.toml: states its own version",
                "crates/a/Cargo.toml: states its own edition",
                "crates/a/Cargo.toml: states its own rust-version",
                "crates/a/Cargo.toml: states its own license",
                "crates/a/README.md: is missing",
                "crates/a/src/lib.rs:1: does not say what the crate is (a doc of a few lines)",
                "crates/a/src/lib.rs:1: has no example that runs in its doc",
            ],
        );
    }

    #[test]
    fn unsafe_code_is_found_even_in_tests() {
        let unsafe_test =
            format!("{LIB}#[cfg(test)]\nmod tests {{\n    fn f() {{ unsafe {{}} }}\n}}\n");
        let files = [
            ("crates/a/Cargo.toml", MANIFEST),
            ("crates/a/README.md", "# a\n"),
            ("crates/a/src/lib.rs", unsafe_test.as_str()),
        ];
        check(&files, &["crates/a/src/lib.rs:10: unsafe code is not for our crates"]);
    }

    #[test]
    fn only_examples_that_are_compiled_count() {
        assert!(has_running_example(&[" ```", " x", " ```"]));
        assert!(has_running_example(&[" ```text", " x", " ```", " ```no_run", " ```"]));
        assert!(!has_running_example(&[" ```text", " x", " ```"]));
        assert!(!has_running_example(&[" ```ignore", " x", " ```"]));
        assert!(!has_running_example(&[]));
    }
}
